//! One function per command. A handler checks what a person typed, asks a room, and puts the answer into wire types; what it decides
//! beyond that belongs into a room.

pub(crate) mod alerts;
pub(crate) mod anomalies;
pub(crate) mod answers;
pub(crate) mod audit;
pub(crate) mod channels;
pub(crate) mod clients;
pub(crate) mod connections;
pub(crate) mod connectors;
pub(crate) mod convert;
pub(crate) mod doctor;
pub(crate) mod drafts;
pub(crate) mod imports;
pub(crate) mod manifests;
pub(crate) mod overview;
pub(crate) mod pivot;
pub(crate) mod plans;
pub(crate) mod records;
pub(crate) mod sign_ins;
pub(crate) mod stats;
pub(crate) mod syncs;
pub(crate) mod templates;
pub(crate) mod test_read;
pub(crate) mod workspace;

use crate::host::{Host, answer};
use alerts::{alert_mute, alert_rules_get, alert_rules_update, alerts_list};
use anomalies::{anomalies_list, anomaly_feedback};
use answers::{drift_decide, drift_list, quarantine_export, quarantine_open, quarantine_retry};
use audit::audit_list;
use channels::{channel_chats, channel_delete, channel_save, channel_test, channels_list};
use clients::{client_create, client_delete, client_get, client_update, clients_list};
use connections::{connection_delete, connection_get, connection_update, connections_list};
use connectors::connectors_list;
use doctor::{diagnostics_export, doctor_run};
use drafts::{draft_commit, draft_discard, draft_get, draft_start};
use imports::{folder_watch, import_check, import_commit, import_open};
use manifests::{
    manifest_import, manifest_inspect, manifest_remove, manifest_source, manifest_starter, manifest_update,
    mapping_preview,
};
use model::failure::{Code, Failure};
use overview::overview_get;
use pivot::{stats_breakdowns, stats_pivot};
use plans::{margin_set, plan_list, plan_set};
use records::{record_streams, records_export, records_list};
use serde_json::Value;
use sign_ins::sign_ins_list;
use stats::{client_stats, stats_export};
use syncs::{
    quarantine_list, run_cancel, run_estimate, run_get, run_pause, run_resume, run_start, runs_list, syncs_board,
    waiting_start,
};
use templates::{
    template_apply, template_create, template_delete, template_leave, template_preview, template_update, templates_list,
};
use test_read::manifest_test_read;
use workspace::{
    app_pressed, app_status, battery_saver_get, battery_saver_update, workspace_create, workspace_draft,
    workspace_open_demo, workspace_recover, workspace_unlock,
};

macro_rules! router {
    ($($(#[doc = $doc:literal])* $kind:ident $name:ident($request:ty) -> $response:ty [$($tag:ident),*];)*) => {
        /// Finds the handler of a command, and tells the screens what a change made stale.
        pub(crate) async fn dispatch(host: &Host, command: &str, request: Value) -> Result<Value, Failure> {
            match command {
                $(stringify!($name) => {
                    let answered = answer(request, |request| $name(host, request)).await;
                    router!(@told $kind host answered [$($tag),*]);
                    answered
                })*
                _ => Err(Failure::new(Code::BadRequest).with("field", "command").detail(command)),
            }
        }

        /// The commands there are.
        pub const COMMANDS: &[&str] = &[$(stringify!($name)),*];
    };
    (@told read $host:ident $answered:ident [$($tag:ident),*]) => {};
    (@told change $host:ident $answered:ident [$($tag:ident),*]) => {
        if $answered.is_ok() {
            $host.changed(&[$(crate::contract::Tag::$tag),*]);
        }
    };
}
crate::with_commands!(router);
