//! Templates, driven as the screens drive them: settings are saved under a name, given to others, changed and rolled out. What a preview says
//! is what happens, and what happened meanwhile is never written over unseen.

use crate::harness::{Office, Wish, small};
use anyhow::{Context, Result, ensure};
use api::wire::{
    AuditPage, ConnectionDetail, ConnectionUpdate, ImportPreview, Setting, Settings, SettingsChange, TemplatePreview,
    TemplateRow,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use chrono::Timelike;
use model::{
    failure::Code,
    id::{ConnectionId, TemplateId},
    money::VatState,
    schedule::Schedule,
    settings::Lookback,
};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Two clients with two connections each, all of one system.
async fn office() -> Result<(Office, Vec<ConnectionId>)> {
    let office = Office::open(small()).await?;
    let mut ids = Vec::new();
    for (key, name) in office.platform().keys().iter().zip(["Кофейни Север", "Дом и сад"]) {
        let client = office.client(name).await?.id;
        let wish = Wish { key, cabinets: &[0, 1], client, first_load_days: 3, lookback_days: 3 };
        ids.extend(office.connect(&wish).await?.connection_ids);
    }
    ensure!(ids.len() == 4, "{ids:?}");
    Ok((office, ids))
}

fn change(id: ConnectionId, settings: SettingsChange, returned: &[Setting]) -> Result<Value> {
    Ok(serde_json::to_value(ConnectionUpdate { id, settings, returned: Some(returned.to_vec()), paused: None })?)
}

/// The lookback of one stream.
fn days(days: u32) -> BTreeMap<String, Lookback> {
    BTreeMap::from([("banner_stats".to_owned(), Lookback { days, weekly_days: 40 })])
}

fn lookback(own: u32) -> SettingsChange {
    SettingsChange { lookbacks: Some(days(own)), ..SettingsChange::default() }
}

fn given(template: TemplateId, to: Option<&[ConnectionId]>, settings: &[Setting], keep_own: bool) -> Value {
    json!({ "id": template, "to": to, "settings": settings, "keep_own": keep_own })
}

fn stamped(mut request: Value, preview: &TemplatePreview) -> Value {
    request["stamp"] = json!(preview.stamp);
    request
}

async fn save(office: &Office, from: ConnectionId, name: &str) -> Result<TemplateRow> {
    office.ask("template_create", json!({ "from": from, "name": name })).await
}

/// What a preview says of each connection: which settings change, and which it keeps.
fn brief(preview: &TemplatePreview) -> Vec<(ConnectionId, Vec<Setting>, Vec<Setting>)> {
    preview.rows.iter().map(|row| (row.connection_id, row.changed.clone(), row.kept.clone())).collect()
}

/// Everything that applying may write, of every connection.
async fn all(office: &Office, ids: &[ConnectionId]) -> Result<Vec<Value>> {
    let mut all = Vec::new();
    for id in ids {
        let detail = office.connection(*id).await?;
        all.push(json!([detail.settings, detail.template, detail.connection.next_at]));
    }
    Ok(all)
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_are_saved_given_changed_and_rolled_out() -> Result<()> {
    let (office, ids) = office().await?;
    let [from, second, third, apart] = ids[..] else { anyhow::bail!("{ids:?}") };
    let settings =
        SettingsChange { schedule: Some(Schedule::Hourly { every: 4 }), vat: Some(VatState::Included), ..lookback(9) };
    let _: ConnectionDetail = office.ask("connection_update", change(from, settings, &[])?).await?;

    // Saved: the connection follows its own template, and nothing of it changes.
    let template = save(&office, from, "  Магазины ").await?;
    let detail = office.connection(from).await?;
    ensure!(template.name == "Магазины" && template.settings == detail.settings, "{template:?}");
    ensure!(template.followers.len() == 1 && template.behind == 0, "{template:?}");
    ensure!(detail.template.as_ref().is_some_and(|it| it.id == template.id && it.own.is_empty()), "{detail:?}");

    // Given to two others: what the preview says is what happens, the clock included.
    let before = office.connection(second).await?;
    let request = given(template.id, Some(&[second, third]), Setting::ALL, true);
    let preview: TemplatePreview = office.ask("template_preview", request.clone()).await?;
    ensure!((preview.changed, preview.unchanged, preview.kept, preview.written) == (2, 0, 0, 2), "{preview:?}");
    let row = preview.rows.iter().find(|row| row.connection_id == second).context("a row")?;
    ensure!(row.changed == [Setting::Schedule, Setting::Lookbacks, Setting::Vat] && row.joins, "{row:?}");
    ensure!(row.before == before.settings && row.after == template.settings, "{row:?}");
    ensure!(office.connection(second).await?.settings == before.settings, "a preview wrote something");
    let applied: TemplateRow = office.ask("template_apply", stamped(request, &preview)).await?;
    ensure!(applied.followers.len() == 3 && applied.behind == 0, "{applied:?}");
    let after = office.connection(second).await?;
    ensure!(after.settings == template.settings, "{after:?}");
    let next = after.connection.next_at.context("a next sync")?;
    ensure!(Some(next) != before.connection.next_at && next.minute() < 15, "the scheduler did not hear of it: {next}");
    ensure!(office.connection(apart).await?.template.is_none(), "who was not asked follows");

    // Changed on the connection: its own value. Set to what the template says, or returned: not any more.
    for (settings, returned, own, days) in [
        (lookback(30), &[][..], &[Setting::Lookbacks][..], 30),
        (lookback(9), &[], &[], 9),
        (lookback(30), &[], &[Setting::Lookbacks], 30),
        (SettingsChange::default(), &[Setting::Lookbacks], &[], 9),
        (lookback(30), &[], &[Setting::Lookbacks], 30),
    ] {
        let detail: ConnectionDetail = office.ask("connection_update", change(second, settings, returned)?).await?;
        let template = detail.template.context("a template")?;
        ensure!((&template.own[..], &detail.settings.lookbacks) == (own, &self::days(days)), "{template:?}");
    }

    // Changed later: nothing moves until it is rolled out, and it says so.
    let weekdays = json!({ "kind": "cron", "expression": "0 7 * * 1-5" });
    let update = json!({ "id": template.id, "name": null, "streams": null, "vat": null, "lookbacks": days(14), "schedule": weekdays });
    let before = all(&office, &ids).await?;
    let changed: TemplateRow = office.ask("template_update", update).await?;
    ensure!(changed.behind == 3 && changed.name == "Магазины", "{changed:?}");
    ensure!(all(&office, &ids).await?[3] == before[3], "a template that is not rolled out changed a stranger");
    ensure!(office.connection(third).await?.settings.lookbacks == days(9), "it changed a connection by itself");
    // Every fourth hour is never seven in the morning.
    let hourly = office.connection(third).await?.connection.next_at;
    let behind = changed.followers.iter().find(|one| one.connection_id == second).context("a follower")?;
    ensure!(behind.behind == [Setting::Schedule] && behind.own == [Setting::Lookbacks], "{behind:?}");
    let request = given(template.id, None, Setting::ALL, true);
    let preview: TemplatePreview = office.ask("template_preview", request.clone()).await?;
    ensure!((preview.changed, preview.unchanged, preview.kept) == (3, 0, 1), "{preview:?}");
    let rolled: TemplateRow = office.ask("template_apply", stamped(request, &preview)).await?;
    ensure!(rolled.behind == 0, "{rolled:?}");
    let kept = office.connection(second).await?;
    ensure!(kept.settings.lookbacks == days(30), "an override was lost");
    ensure!(kept.settings.schedule == rolled.settings.schedule, "{kept:?}");
    ensure!(office.connection(third).await?.settings == rolled.settings, "{rolled:?}");
    let moved = office.connection(third).await?.connection.next_at;
    ensure!(moved.is_some() && moved != hourly, "{moved:?} is still the turn of {hourly:?}");

    // Left, and deleted: settings stay.
    let left: ConnectionDetail = office.ask("template_leave", json!({ "id": third })).await?;
    ensure!(left.template.is_none() && left.settings == rolled.settings, "{left:?}");
    let _: Value = office.ask("template_delete", json!({ "id": template.id })).await?;
    let alone = office.connection(second).await?;
    ensure!(alone.template.is_none() && alone.settings == kept.settings, "{alone:?}");
    let none: Vec<TemplateRow> = office.ask("templates_list", json!({})).await?;
    ensure!(none.is_empty(), "{none:?}");

    let log: AuditPage = office.ask("audit_list", json!({ "before": null, "limit": 500 })).await?;
    let of =
        |action: &str| log.entries.iter().filter(|entry| entry.action == action && entry.subject == "Магазины").count();
    let counted = ["template_created", "template_updated", "template_applied", "template_deleted"].map(of);
    ensure!(counted == [1, 1, 2, 1] && log.intact, "{counted:?}");
    // By hand once and five times, saved, given to two, rolled out to three, left.
    let changes = log.entries.iter().filter(|entry| entry.action == "connection_updated").count();
    ensure!(changes == 13, "{changes} changes of connections are in the log");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn who_applies_decides_what_is_given_and_whether_own_values_stay() -> Result<()> {
    use Setting::{Lookbacks, Schedule as When, Vat};
    let (office, ids) = office().await?;
    let [from, own, other, stranger] = ids[..] else { anyhow::bail!("{ids:?}") };
    let said = SettingsChange { vat: Some(VatState::Included), schedule: Some(Schedule::Off), ..lookback(9) };
    let _: ConnectionDetail = office.ask("connection_update", change(from, said, &[])?).await?;
    let template = save(&office, from, "Магазины").await?;
    let former = save(&office, other, "Прежний").await?;
    let request = given(template.id, Some(&[own]), Setting::ALL, true);
    let preview: TemplatePreview = office.ask("template_preview", request.clone()).await?;
    let _: TemplateRow = office.ask("template_apply", stamped(request, &preview)).await?;
    let _: ConnectionDetail = office.ask("connection_update", change(own, lookback(30), &[])?).await?;

    for (name, to, settings, keep_own, expected) in [
        ("own values stay", own, Setting::ALL, true, (vec![], vec![Lookbacks])),
        ("own values are replaced", own, Setting::ALL, false, (vec![Lookbacks], vec![])),
        ("nothing of it is given", own, &[When], false, (vec![], vec![Lookbacks])),
        ("a follower of another", other, Setting::ALL, true, (vec![When, Lookbacks, Vat], vec![])),
        ("the schedule alone", stranger, &[When], true, (vec![When], vec![Lookbacks, Vat])),
    ] {
        let preview: TemplatePreview =
            office.ask("template_preview", given(template.id, Some(&[to]), settings, keep_own)).await?;
        ensure!(brief(&preview) == [(to, expected.0, expected.1)], "{name}: {preview:?}");
        let leaves = (to == other).then(|| former.name.clone());
        ensure!(preview.rows[0].leaves == leaves && preview.rows[0].joins == (to != own), "{name}: {preview:?}");
    }

    // The schedule alone: the rest is the connection's own from then on, so that a roll-out leaves it alone.
    let before = office.connection(stranger).await?;
    let request = given(template.id, Some(&[stranger, other]), &[When], true);
    let preview: TemplatePreview = office.ask("template_preview", request.clone()).await?;
    let _: TemplateRow = office.ask("template_apply", stamped(request, &preview)).await?;
    let joined = office.connection(stranger).await?;
    ensure!(
        joined.settings.schedule == Schedule::Off && joined.settings.lookbacks == before.settings.lookbacks,
        "{joined:?}"
    );
    ensure!(joined.template.context("a template")?.own == [Lookbacks, Vat], "the rest is not its own");
    let everybody: TemplatePreview =
        office.ask("template_preview", given(template.id, None, Setting::ALL, true)).await?;
    ensure!((everybody.changed, everybody.kept, everybody.written) == (0, 3, 0), "{everybody:?}");
    let list: Vec<TemplateRow> = office.ask("templates_list", json!({})).await?;
    let followers: Vec<usize> = list.iter().map(|one| one.followers.len()).collect();
    ensure!(followers == [4, 0], "{list:?}");

    // Own values are replaced.
    let request = given(template.id, Some(&[own]), Setting::ALL, false);
    let preview: TemplatePreview = office.ask("template_preview", request.clone()).await?;
    let _: TemplateRow = office.ask("template_apply", stamped(request, &preview)).await?;
    let replaced = office.connection(own).await?;
    ensure!(replaced.settings == template.settings, "{replaced:?}");
    ensure!(replaced.template.context("a template")?.own.is_empty(), "an override was left");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_done_is_refused_in_words_and_nothing_is_written() -> Result<()> {
    let (office, ids) = office().await?;
    let [from, second, third, gone] = ids[..] else { anyhow::bail!("{ids:?}") };
    let _: ConnectionDetail = office.ask("connection_update", change(from, lookback(9), &[])?).await?;
    let template = save(&office, from, "Магазины").await?;
    let other = save(&office, third, "Другие").await?;
    // A connection of another system: a file.
    let csv = "date,campaign,impressions,clicks,cost\n2026-11-02,A,1,1,1\n";
    let open = json!({ "name": "a.csv", "content_base64": STANDARD.encode(csv) });
    let file: ImportPreview = office.ask("import_open", open).await?;
    let fields: Vec<_> = file.columns.iter().map(|column| column.guess).collect();
    let check = json!({
        "upload_id": file.upload_id, "client_id": office.connection(second).await?.connection.client_id,
        "connector": "file_import", "source_name": "Файл", "fields": fields, "currency": "RUB", "vat": "included",
    });
    let _: Value = office.ask("import_commit", json!({ "check": check })).await?;
    let rows: Vec<api::wire::ConnectionRow> = office.ask("connections_list", json!({})).await?;
    let foreign = rows.iter().find(|row| row.connector != "vk_ads").context("the file's connection")?.id;
    let _: Value = office.ask("connection_delete", json!({ "id": gone })).await?;
    let left = [from, second, third];
    let before = all(&office, &left).await?;

    let to = |to: &[ConnectionId]| given(template.id, Some(to), Setting::ALL, true);
    let apply = |mut request: Value| {
        request["stamp"] = json!("0000000000000000");
        request
    };
    let no_template = given(TemplateId::new(), None, Setting::ALL, true);
    let create = |from: ConnectionId, name: &str| json!({ "from": from, "name": name });
    let rename = |name: &str| json!({ "id": other.id, "name": name });
    let table = [
        ("a connection that is gone", "template_preview", to(&[second, gone]), Code::NotFound, "what"),
        ("a connection that is gone", "template_apply", apply(to(&[second, gone])), Code::NotFound, "what"),
        ("a connection of another system", "template_preview", to(&[second, foreign]), Code::BadRequest, "field"),
        ("a connection of another system", "template_apply", apply(to(&[second, foreign])), Code::BadRequest, "field"),
        ("a template that is gone", "template_preview", no_template, Code::NotFound, "what"),
        ("what nobody previewed", "template_apply", apply(to(&[second])), Code::ChangedMeanwhile, "what"),
        ("a name that is taken", "template_create", create(second, " магазины"), Code::SettingInvalid, "taken"),
        ("a name that is taken", "template_update", rename("МАГАЗИНЫ"), Code::SettingInvalid, "taken"),
        ("no name", "template_create", create(second, "  "), Code::SettingInvalid, "field"),
        ("a long name", "template_create", create(second, &"м".repeat(81)), Code::SettingInvalid, "field"),
        ("a connection that is gone", "template_create", create(gone, "Ушедший"), Code::NotFound, "what"),
        (
            "a schedule that cannot be kept",
            "template_update",
            json!({ "id": template.id, "schedule": { "kind": "hourly", "every": 5 } }),
            Code::SettingInvalid,
            "field",
        ),
        ("a template that is gone", "template_delete", json!({ "id": TemplateId::new() }), Code::NotFound, "what"),
        ("a connection that is gone", "template_leave", json!({ "id": gone }), Code::NotFound, "what"),
    ];
    for (name, command, request, code, param) in table {
        let refusal = office.refused(command, request).await?;
        ensure!(refusal.code == code && refusal.params.contains_key(param), "{name}: {command}: {refusal:?}");
    }
    ensure!(all(&office, &left).await? == before, "something was written");
    let list: Vec<TemplateRow> = office.ask("templates_list", json!({})).await?;
    let list: Vec<(String, Settings)> = list.into_iter().map(|one| (one.name, one.settings)).collect();
    ensure!(list == [(other.name, other.settings), (template.name, template.settings)], "{list:?}");
    // A name may be written differently by its own template.
    let renamed: TemplateRow = office.ask("template_update", json!({ "id": template.id, "name": "МАГАЗИНЫ" })).await?;
    ensure!(renamed.name == "МАГАЗИНЫ", "{renamed:?}");
    Ok(())
}

/// Older versions kept a lookback for every stream that was on, names included.
#[tokio::test(flavor = "multi_thread")]
async fn a_template_of_an_older_connection_keeps_only_lookbacks_that_mean_something() -> Result<()> {
    let (mut office, ids) = office().await?;
    office.host.shutdown().await;
    let (_, store) = office.offline().await?;
    let mut old = store.connection(ids[0]).await?;
    old.settings.lookbacks = days(9);
    old.settings.lookbacks.insert("banners".to_owned(), Lookback { days: 9, weekly_days: 9 });
    store.update_connection(&old).await?;
    store.close().await;
    office.restart().await;

    let template = save(&office, ids[0], "Магазины").await?;
    ensure!(template.settings.lookbacks == days(9), "{template:?}");
    let update = json!({ "id": template.id, "lookbacks": template.settings.lookbacks });
    let _: TemplateRow = office.ask("template_update", update).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_changed_between_preview_and_roll_out_is_shown_again_first() -> Result<()> {
    let (office, ids) = office().await?;
    let [from, second, third, fourth] = ids[..] else { anyhow::bail!("{ids:?}") };
    let template = save(&office, from, "Магазины").await?;
    let everybody = given(template.id, Some(&[second, third]), Setting::ALL, true);
    let preview: TemplatePreview = office.ask("template_preview", everybody.clone()).await?;
    let _: TemplateRow = office.ask("template_apply", stamped(everybody, &preview)).await?;
    let request = given(template.id, None, Setting::ALL, true);
    let update = |days: u32| json!({ "id": template.id, "lookbacks": self::days(days) });
    let joining = given(template.id, Some(&[fourth]), Setting::ALL, true);

    for (name, command, meanwhile) in [
        ("the template", "template_update", update(21)),
        ("a connection", "connection_update", change(second, lookback(5), &[])?),
        ("an override", "connection_update", change(second, SettingsChange::default(), &[Setting::Lookbacks])?),
        ("who follows", "template_leave", json!({ "id": third })),
        ("who follows", "connection_delete", json!({ "id": second })),
    ] {
        let _: TemplateRow = office.ask("template_update", update(14)).await?;
        let preview: TemplatePreview = office.ask("template_preview", request.clone()).await?;
        let _: Value = office.ask(command, meanwhile).await?;
        let before = all(&office, &[from, fourth]).await?;
        let refusal = office.refused("template_apply", stamped(request.clone(), &preview)).await?;
        ensure!(refusal.code == Code::ChangedMeanwhile, "{name}: {refusal:?}");
        ensure!(all(&office, &[from, fourth]).await? == before, "{name}: something was written");
        let fresh: TemplatePreview = office.ask("template_preview", request.clone()).await?;
        ensure!(fresh.stamp != preview.stamp, "{name}: {fresh:?}");
        // What concerns nobody in the plan does not stand in its way.
        let _: Value = office.ask("connection_update", change(fourth, lookback(40), &[])?).await?;
        let _: TemplateRow = office.ask("template_apply", stamped(request.clone(), &fresh)).await?;
    }
    // Applied twice with one preview: the second time would do something else, namely nothing.
    let preview: TemplatePreview = office.ask("template_preview", joining.clone()).await?;
    let _: TemplateRow = office.ask("template_apply", stamped(joining.clone(), &preview)).await?;
    ensure!(office.refused("template_apply", stamped(joining, &preview)).await?.code == Code::ChangedMeanwhile);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn new_connections_start_from_a_template_and_keep_what_was_chosen_besides() -> Result<()> {
    let office = Office::open(small()).await?;
    let key = office.platform().keys().remove(0);
    let client = office.client("Кофейни Север").await?.id;
    let wish = Wish { key: &key, cabinets: &[0], client, first_load_days: 3, lookback_days: 3 };
    let first = office.connect(&wish).await?.connection_ids[0];
    let template = save(&office, first, "Магазины").await?;
    let draft = office.tested(&key, None).await?;
    let commit = |of: TemplateId| {
        json!({
            "draft_id": draft.id, "streams": template.settings.streams, "vat": "included", "lookbacks": template.settings.lookbacks,
            "first_load_days": 3, "schedule": template.settings.schedule, "template": of,
            "picks": [{ "external_id": key.cabinets[1].id.to_string(), "client_id": client, "new_client_name": null }],
        })
    };
    ensure!(office.refused("draft_commit", commit(TemplateId::new())).await?.code == Code::NotFound);
    let committed: api::wire::DraftCommitted = office.ask("draft_commit", commit(template.id)).await?;
    let made = office.connection(committed.connection_ids[0]).await?;
    ensure!(made.settings.vat == VatState::Included, "what was chosen is not what it has: {made:?}");
    let followed = made.template.context("a template")?;
    ensure!(followed.id == template.id && followed.own == [Setting::Vat], "{followed:?}");
    Ok(())
}
