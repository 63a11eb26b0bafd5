//! What is prepared once per run: a session is one run, and its ids of parents, tokens and answers are kept for as long as the session's
//! configuration is alive.

use crate::read::Run;
use kit::session::Session;
use model::failure::Failure;
use std::sync::{Arc, Mutex, PoisonError, Weak};

type Config = serde_json::Map<String, serde_json::Value>;
type Cell = Arc<tokio::sync::OnceCell<Run>>;

/// The runs of one connector, by session.
#[derive(Default)]
pub(crate) struct Runs(Mutex<Vec<(Weak<Config>, Cell)>>);

impl Runs {
    /// The run of a session; `prepare` makes it the first time.
    pub(crate) async fn of(
        &self,
        session: &Session,
        prepare: impl Future<Output = Result<Run, Failure>>,
    ) -> Result<Run, Failure> {
        let cell = {
            let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            kept.retain(|(session, _)| session.strong_count() > 0);
            // A weak pointer keeps its address from being used again, so equal addresses are the same session.
            let found = kept.iter().find(|(it, _)| std::ptr::eq(it.as_ptr(), Arc::as_ptr(&session.config)));
            if let Some((_, cell)) = found {
                Arc::clone(cell)
            } else {
                let cell = Cell::default();
                kept.push((Arc::downgrade(&session.config), Arc::clone(&cell)));
                cell
            }
        };
        let run = cell.get_or_try_init(|| prepare).await?;
        // A cloned session may carry another wish to stop, and somebody else may watch it.
        let http = run.http.watched_by(Arc::clone(session.http.observer()));
        Ok(Run { cancel: session.cancel.clone(), http, ..run.clone() })
    }
}
