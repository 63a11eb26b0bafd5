//! How a stream is read: its requests, pages, partitions and records together (connector-format.md, section 3).

use super::{
    Built, Decoder, Job, Paginator, Reduction, Requester, Reset, Router, Selector, Splitting, decoder::decoder, job,
    paging::paginator, part::Part, partition::router, request::requester, selector::selector, steering,
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
    /// What makes the report that is downloaded (`AsyncRetriever`).
    pub job: Option<Box<Job>>,
    /// When pages start again.
    pub reset: Option<Reset>,
    /// How pages get smaller.
    pub reduction: Option<Reduction>,
    /// How windows get smaller.
    pub splitting: Option<Splitting>,
}

impl Retriever {
    /// Everything it asks with.
    pub fn requesters(&self) -> Vec<&Requester> {
        let mut all = vec![&self.requester];
        if let Some(job) = &self.job {
            all.extend([&job.creation, &job.polling]);
            all.extend([&job.targets_from, &job.abort, &job.delete].into_iter().flatten());
        }
        all
    }
}

pub(super) fn retriever(part: &Part<'_>) -> Built<Retriever> {
    match part.kind()? {
        "SimpleRetriever" => {}
        "AsyncRetriever" => return job::retriever(part),
        _ => return Err(part.unsupported(part.name())),
    }
    let requester = requester(&part.child("requester")?)?;
    let paginator = match part.get("paginator") {
        None => None,
        Some(_) => paginator(&part.child("paginator")?)?,
    };
    steering::check_reduction(part, requester.errors.as_deref(), paginator.as_ref())?;
    steering::check_splitting(part, requester.errors.as_deref())?;
    if requester.properties.is_some() && steering::given(part, "page_size_reduction") {
        return Err(part.invalid("page_size_reduction", "it cannot be used together with query properties"));
    }
    let routers = part.children("partition_router")?.iter().map(router).collect::<Built<Vec<_>>>()?;
    for field in ["page_size_reduction", "request_window_splitting"] {
        if steering::given(part, field) && routers.iter().any(Router::is_lazy) {
            return Err(part.invalid(field, "the pages lie inside the parent's records (lazy_read_pointer)"));
        }
    }
    let optional = |field: &str| part.get(field).map(|_| part.child(field)).transpose();
    Ok(Retriever {
        decoder: match part.get("decoder") {
            None => Decoder::Json,
            Some(_) => decoder(&part.child("decoder")?)?,
        },
        selector: selector(&part.child("record_selector")?)?,
        requester,
        paginator,
        routers,
        product: part.get("partition_router").is_some_and(crate::json::Json::is_array),
        slice_only_on_first: part.flag("ignore_stream_slicer_parameters_on_paginated_requests")?,
        job: None,
        reset: optional("pagination_reset")?.map(|inner| steering::reset(&inner)).transpose()?,
        reduction: optional("page_size_reduction")?.map(|inner| steering::reduction(&inner)).transpose()?,
        splitting: optional("request_window_splitting")?.map(|inner| steering::splitting(&inner)).transpose()?,
    })
}
