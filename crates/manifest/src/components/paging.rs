//! Paginators (connector-format.md, section 5).

use super::{
    Built, Field, RequestOption, Text,
    part::Part,
    request::{optional_request_option, request_option},
};

/// How pages follow each other.
#[derive(Debug, Clone)]
pub struct Paginator {
    /// How.
    pub strategy: Strategy,
    /// Where the page size goes.
    pub size_option: Option<RequestOption>,
    /// Where the token goes.
    pub token: TokenTarget,
}

/// Where a page token goes.
#[derive(Debug, Clone)]
pub enum TokenTarget {
    /// Only templates see it.
    Nowhere,
    /// It is the address of the next page.
    Path,
    /// Into the request.
    Option(RequestOption),
}

/// A pagination strategy.
#[derive(Debug, Clone)]
pub enum Strategy {
    /// `PageIncrement`.
    Page {
        /// Records of a full page.
        size: Option<Field>,
        /// Number of the first page.
        start: i64,
        /// Whether the first request carries it.
        on_first: bool,
    },
    /// `OffsetIncrement`.
    Offset {
        /// Records of a full page.
        size: Option<Field>,
        /// Whether the first request carries 0.
        on_first: bool,
    },
    /// `CursorPagination`.
    Cursor {
        /// The next token.
        value: Box<Text>,
        /// When to stop.
        stop: Option<Box<Text>>,
        /// Records of a full page.
        size: Option<Field>,
    },
}

pub(super) fn paginator(part: &Part<'_>) -> Built<Option<Paginator>> {
    match part.kind()? {
        "NoPagination" => return Ok(None),
        "DefaultPaginator" => {}
        _ => return Err(part.unsupported(part.name())),
    }
    let inner = part.child("pagination_strategy")?;
    let strategy = match inner.kind()? {
        "PageIncrement" => Strategy::Page {
            size: inner.field("page_size")?,
            start: match inner.get("start_from_page") {
                None => 0,
                Some(start) => {
                    start.as_i64().ok_or_else(|| inner.invalid("start_from_page", "a whole number was expected"))?
                }
            },
            on_first: inner.flag("inject_on_first_request")?,
        },
        "OffsetIncrement" => {
            Strategy::Offset { size: inner.field("page_size")?, on_first: inner.flag("inject_on_first_request")? }
        }
        "CursorPagination" => {
            let size = inner.field("page_size")?;
            let value = Box::new(inner.need_text("cursor_value")?);
            let stop = inner.text("stop_condition")?.map(Box::new);
            let reads = |text: &Text| text.template().reads("page_size");
            if size.is_none() && (reads(&value) || stop.as_deref().is_some_and(reads)) {
                return Err(inner.invalid("page_size", "a template uses it, but it is not declared"));
            }
            Strategy::Cursor { value, stop, size }
        }
        _ => return Err(inner.unsupported(inner.name())),
    };
    let has_size = matches!(
        &strategy,
        Strategy::Page { size: Some(_), .. }
            | Strategy::Offset { size: Some(_), .. }
            | Strategy::Cursor { size: Some(_), .. }
    );
    let size_option = optional_request_option(part, "page_size_option")?;
    if size_option.is_some() && !has_size {
        return Err(part.invalid("page_size_option", "the strategy declares no page_size"));
    }
    let token = if part.get("page_token_option").is_none() {
        TokenTarget::Nowhere
    } else {
        let option = part.child("page_token_option")?;
        if option.kind()? == "RequestPath" { TokenTarget::Path } else { TokenTarget::Option(request_option(&option)?) }
    };
    Ok(Some(Paginator { strategy, size_option, token }))
}
