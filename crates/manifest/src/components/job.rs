//! Reports that a platform makes on order: `AsyncRetriever` (connector-format.md, section 11).
//!
//! An asynchronous retriever is a simple one whose requests download a finished report, with the job that makes the report in
//! front of it. So the pages of a slice stay pages, whoever made them.

use super::{
    Built, Decoder, Extractor, Fault, Field, Requester, Retriever, decoder::decoder, paging::paginator, part::Part,
    partition::router, request::requester, selector,
};
use crate::json::Json;

/// How a report is ordered, watched and fetched.
#[derive(Debug, Clone)]
pub struct Job {
    /// Orders it.
    pub creation: Requester,
    /// Asks how far it is.
    pub polling: Requester,
    /// Asks where it lies, when the polling answer does not say.
    pub targets_from: Option<Requester>,
    /// Stops it.
    pub abort: Option<Requester>,
    /// Throws it away after it was read.
    pub delete: Option<Requester>,
    /// Reads the answers of these requests.
    pub decoder: Decoder,
    /// Finds the platform's word for the state.
    pub status: Extractor,
    /// The platform's words.
    pub words: Vec<(String, JobStatus)>,
    /// Finds addresses or ids of the parts to download; absent: one download.
    pub targets: Option<Extractor>,
    /// Minutes until a job counts as timed out; absent: 60.
    pub timeout_minutes: Option<Field>,
    /// Seconds between a failed job and its repetition; absent: none.
    pub retry_wait_secs: Option<Field>,
    /// The download is a table of any size, read row by row (`ResponseToFileExtractor`).
    pub table: Option<Table>,
}

/// `ResponseToFileExtractor`.
#[derive(Debug, Clone, Copy)]
pub struct Table {
    /// Words such as `NA` stay words; only empty cells are null.
    pub keep_words: bool,
}

/// What a platform's word for the state of a job means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobStatus {
    /// In the making.
    Running,
    /// Ready.
    Completed,
    /// Not made.
    Failed,
    /// Took too long.
    TimedOut,
    /// There is nothing to report.
    Skipped,
}

pub(super) fn retriever(part: &Part<'_>) -> Built<Retriever> {
    let one = |field: &str| match part.get(field) {
        None => Ok(None),
        Some(_) => requester(&part.child(field)?).map(Some),
    };
    let targets = match part.get("download_target_extractor") {
        None => None,
        Some(_) => Some(selector::extractor(&part.child("download_target_extractor")?)?),
    };
    let targets_from = one("download_target_requester")?;
    if targets_from.is_some() && targets.is_none() {
        return Err(part.invalid("download_target_extractor", "missing; download_target_requester needs it"));
    }
    let mut selector = selector::selector(&part.child("record_selector")?)?;
    let mut table = None;
    // The selector's own extractor is not used: records come from the download.
    selector.extractor = Extractor { path: Vec::new(), expander: None, combined: None };
    if part.get("download_extractor").is_some() {
        let inner = part.child("download_extractor")?;
        if inner.kind()? == "ResponseToFileExtractor" {
            table = Some(Table { keep_words: inner.flag("preserve_na_values")? });
        } else {
            selector.extractor = selector::extractor(&inner)?;
        }
    }
    let decoded = |field: &str| match part.get(field) {
        None => Ok(Decoder::Json),
        Some(_) => decoder(&part.child(field)?),
    };
    let need = |field: &str| requester(&part.child(field)?);
    let job = Job {
        creation: need("creation_requester")?,
        polling: need("polling_requester")?,
        targets_from,
        abort: one("abort_requester")?,
        delete: one("delete_requester")?,
        decoder: decoded("decoder")?,
        status: selector::extractor(&part.child("status_extractor")?)?,
        words: words(&part.child("status_mapping")?.known_as("AsyncJobStatusMap"))?,
        targets,
        timeout_minutes: part.field("polling_job_timeout")?,
        retry_wait_secs: part.field("failed_retry_wait_time_in_seconds")?,
        table,
    };
    for asked in
        [Some(&job.creation), Some(&job.polling), job.targets_from.as_ref(), job.abort.as_ref(), job.delete.as_ref()]
    {
        if let Some(asked) = asked
            && asked.errors.as_ref().is_some_and(|errors| errors.steers())
        {
            let what = "this action steers pages, and there are none here".to_owned();
            return Err(
                crate::document::DocumentError::new(format!("{}/error_handler", asked.path_in_document), what).into()
            );
        }
    }
    Ok(Retriever {
        requester: need("download_requester")?,
        decoder: decoded("download_decoder")?,
        selector,
        paginator: match part.get("download_paginator") {
            None => None,
            Some(_) => paginator(&part.child("download_paginator")?)?,
        },
        routers: part.children("partition_router")?.iter().map(router).collect::<Built<_>>()?,
        product: part.get("partition_router").is_some_and(Json::is_array),
        slice_only_on_first: false,
        job: Some(Box::new(job)),
        reset: None,
        reduction: None,
        splitting: None,
    })
}

fn words(part: &Part<'_>) -> Built<Vec<(String, JobStatus)>> {
    let mut words: Vec<(String, JobStatus)> = Vec::new();
    for (field, status) in [
        ("running", JobStatus::Running),
        ("completed", JobStatus::Completed),
        ("failed", JobStatus::Failed),
        ("timeout", JobStatus::TimedOut),
        ("skipped", JobStatus::Skipped),
    ] {
        for word in part.get(field).and_then(Json::as_array).into_iter().flatten() {
            let word = match word {
                Json::String(text) => text.to_string(),
                Json::Number(number) => number.to_string(),
                Json::Bool(value) => if *value { "True" } else { "False" }.to_owned(),
                _ => return Err(part.invalid(field, "a list of the platform's words was expected")),
            };
            if let Some((_, other)) = words.iter().find(|(known, _)| *known == word) {
                let message = format!("{word:?} cannot mean {other:?}, too: a word has one meaning");
                return Err(Fault::Invalid(crate::document::DocumentError::new(part.at(field), message)));
            }
            words.push((word, status));
        }
    }
    Ok(words)
}
