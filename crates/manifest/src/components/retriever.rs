//! How a stream is read: its requests, pages, partitions and records together (connector-format.md, section 3).

use super::{
    Built, Decoder, Paginator, Requester, Router, Selector, decoder::decoder, paging::paginator, part::Part,
    partition::router, request::requester, selector::selector,
};

/// `SimpleRetriever`.
#[derive(Debug, Clone)]
pub struct Retriever {
    /// Asks.
    pub requester: Requester,
    /// Reads the answer.
    pub decoder: Decoder,
    /// Finds records in it.
    pub selector: Selector,
    /// Asks for more.
    pub paginator: Option<Paginator>,
    /// Asks per partition.
    pub routers: Vec<Router>,
    /// The document gives a list of them: each value of one goes with each of the others.
    pub product: bool,
    /// Pages after the first leave slice options out.
    pub slice_only_on_first: bool,
}

pub(super) fn retriever(part: &Part<'_>) -> Built<Retriever> {
    if part.kind()? != "SimpleRetriever" {
        return Err(part.unsupported(part.name()));
    }
    part.refuse(&["pagination_reset", "page_size_reduction", "request_window_splitting"])?;
    Ok(Retriever {
        requester: requester(&part.child("requester")?)?,
        decoder: match part.get("decoder") {
            None => Decoder::Json,
            Some(_) => decoder(&part.child("decoder")?)?,
        },
        selector: selector(&part.child("record_selector")?)?,
        paginator: match part.get("paginator") {
            None => None,
            Some(_) => paginator(&part.child("paginator")?)?,
        },
        routers: part.children("partition_router")?.iter().map(router).collect::<Built<_>>()?,
        product: part.get("partition_router").is_some_and(crate::json::Json::is_array),
        slice_only_on_first: part.flag("ignore_stream_slicer_parameters_on_paginated_requests")?,
    })
}
