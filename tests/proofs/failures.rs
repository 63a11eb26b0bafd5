//! Everything that platforms, networks and computers were seen doing to a client, one after the other to the same connection. For each:
//! what the person is told, that nothing they had is lost, and that the next run after it completes and is true.

use crate::{
    harness::{Office, PASSPHRASE, Seen, Wish, code, days_ago, is_parked, small, today},
    process::command,
    shop::Shop,
};
use anyhow::{Context, Result, ensure};
use api::{
    host::Host,
    wire::{AppStatus, DraftState, QuarantinePage, RunDetail, WorkspaceState},
};
use model::{
    ad::{Level, RejectReason},
    connection::ConnectionState,
    failure::{Code, FailureKind},
    run::{RunState, SliceState},
};
use serde_json::{Value, json};
use simulators::{
    faults::{Fault, FaultKind, Hint},
    vk_ads::{Key, Scenario, TokenRules},
};
use std::{path::Path, process::Command, time::Duration};

/// Days that the connection of the table has.
const DAYS: u32 = 40;

/// How a run under a fault must end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// The fault is overcome; nobody notices more than a delay.
    Overcome,
    /// Everything that can be read is read, the rest is kept aside with its reason; the numbers are true all the same.
    Remarks,
    /// It fails with one of these codes, which are of this kind.
    Fails(&'static [Code], FailureKind),
    /// It waits for a quota for long and goes on by itself.
    Parks,
}
use End::{Fails, Overcome, Parks, Remarks};

fn table() -> Vec<(&'static str, Vec<Fault>, End)> {
    use FaultKind::{
        BrokenJson, DuplicateRows, EmptyAccount, EmptyBody, ErrorInside, ExpireAllTokens, ExpireToken, GarbageNumbers,
        Html, HugePage, LostAnswer, LyingTotal, MalformedText, MissingField, NegativeNumbers, NewFields, Redirect,
        Reset, RevokeScope, RevokeToken, ServerError, Slow, Throttle, TruncatedBody, UnknownEnum, WrongEncoding,
        WrongKey, WrongLength,
    };
    let stats = |kind| vec![Fault::always(kind).on("statistics/")];
    let twice = |kind| vec![Fault::always(kind).on("statistics/").after(1).times(2)];
    let down = Fails(&[Code::PlatformDown], FailureKind::Retry);
    let strange = |codes| Fails(codes, FailureKind::VendorChanged);
    vec![
        // Sign-in.
        (
            "the key is changed in the platform",
            vec![Fault::once(ExpireAllTokens), Fault::always(WrongKey)],
            Fails(&[Code::SignInRejected], FailureKind::SignInAgain),
        ),
        (
            "the token is revoked in the middle of a run",
            vec![Fault::once(RevokeToken).on("statistics/").after(1)],
            Fails(&[Code::SignInRevoked], FailureKind::SignInAgain),
        ),
        (
            "the token expires in the middle of a run",
            vec![Fault::once(ExpireToken).on("statistics/").after(1)],
            Overcome,
        ),
        ("all tokens expire at once", vec![Fault::once(ExpireAllTokens).on("statistics/")], Overcome),
        (
            "a token is renewed and its answer is lost",
            vec![Fault::once(ExpireToken).on("statistics/").after(1), Fault::once(LostAnswer).on("oauth2/")],
            Overcome,
        ),
        (
            "the right to one resource is taken back",
            stats(RevokeScope),
            Fails(&[Code::PermissionDenied], FailureKind::FixSettings),
        ),
        // Limits.
        ("429 with Retry-After, twice", twice(Throttle { hint: Hint::After { secs: 7 } }), Overcome),
        ("429 without Retry-After, twice", twice(Throttle { hint: Hint::Windows }), Overcome),
        ("429 with a Retry-After beyond all patience", stats(Throttle { hint: Hint::After { secs: 50_000 } }), Parks),
        ("429 with a date, twice", twice(Throttle { hint: Hint::Date { secs: 40 } }), Overcome),
        ("429 that says at once, twice", twice(Throttle { hint: Hint::After { secs: 0 } }), Overcome),
        ("429 that says at once without end", stats(Throttle { hint: Hint::After { secs: 0 } }), Parks),
        (
            "429 that nobody can read, without end",
            stats(Throttle { hint: Hint::Nonsense }),
            Fails(&[Code::TooManyRequests], FailureKind::Retry),
        ),
        ("429 without end", stats(Throttle { hint: Hint::Windows }), Parks),
        // Server and line.
        ("500 twice", twice(ServerError { status: 500 }), Overcome),
        ("500 without end", stats(ServerError { status: 500 }), down),
        ("503 without end", stats(ServerError { status: 503 }), down),
        ("a slow answer", twice(Slow { millis: 150 }), Overcome),
        ("a connection reset, twice", twice(Reset), Overcome),
        (
            "connections reset without end",
            stats(Reset),
            Fails(&[Code::Offline, Code::BodyTruncated], FailureKind::Retry),
        ),
        ("a body that breaks off, twice", twice(TruncatedBody), Overcome),
        ("bodies that break off without end", stats(TruncatedBody), Fails(&[Code::BodyTruncated], FailureKind::Retry)),
        ("half a JSON under an honest length, twice", twice(BrokenJson), Overcome),
        ("half a JSON without end", stats(BrokenJson), Fails(&[Code::BodyTruncated], FailureKind::Retry)),
        ("an error inside a good answer, twice", twice(ErrorInside { code: "ERR_INTERNAL".to_owned() }), Overcome),
        ("errors inside good answers without end", stats(ErrorInside { code: "ERR_INTERNAL".to_owned() }), down),
        ("good answers with nothing in them, twice", twice(EmptyBody), Overcome),
        ("good answers with nothing in them", stats(EmptyBody), strange(&[Code::NotJson])),
        ("more promised than comes, twice", twice(WrongLength), Overcome),
        ("packed, it is said, twice", twice(WrongEncoding), Overcome),
        ("packed, it is said", stats(WrongEncoding), Fails(&[Code::BodyTruncated], FailureKind::Retry)),
        (
            "a text that is none",
            vec![Fault::always(MalformedText).on("ad_plans.json")],
            strange(&[Code::NotJson, Code::VendorChanged]),
        ),
        ("sent to sign in", stats(Redirect { to: "/hq/login".to_owned() }), strange(&[Code::NotJson])),
        ("sent round in circles", stats(Redirect { to: String::new() }), strange(&[Code::VendorChanged])),
        (
            "sent to the portal of the network",
            stats(Redirect { to: "http://192.168.88.1/login".to_owned() }),
            strange(&[Code::VendorChanged]),
        ),
        ("a page for people with status 200", stats(Html { status: 200 }), strange(&[Code::NotJson])),
        ("a page for people with status 502", stats(Html { status: 502 }), down),
        // Content.
        (
            "a total that promises more than comes",
            vec![Fault::always(LyingTotal { delta: 7 }).on("ad_plans.json")],
            strange(&[Code::TotalMismatch]),
        ),
        (
            "a total that hides rows",
            vec![Fault::always(LyingTotal { delta: -2 }).on("banners.json")],
            strange(&[Code::TotalMismatch]),
        ),
        ("a 40 MB page", vec![Fault::once(HugePage { bytes: 40 << 20 }).on("statistics/")], Overcome),
        (
            "a page beyond every bound",
            vec![Fault::once(HugePage { bytes: 70 << 20 }).on("statistics/")],
            strange(&[Code::BodyTooLarge]),
        ),
        ("states no one has heard of", vec![Fault::always(UnknownEnum)], Remarks),
        ("new fields everywhere", vec![Fault::always(NewFields)], Overcome),
        ("counts and money below zero", stats(NegativeNumbers), strange(&[Code::VendorChanged])),
        ("words where numbers should be", stats(GarbageNumbers), strange(&[Code::VendorChanged])),
        ("rows that come twice", stats(DuplicateRows), Remarks),
        (
            "statistics without their rows",
            stats(MissingField { field: "rows".to_owned() }),
            strange(&[Code::VendorChanged]),
        ),
        (
            "lists without their objects",
            vec![Fault::always(MissingField { field: "items".to_owned() }).on("ad_plans.json")],
            strange(&[Code::VendorChanged, Code::TotalMismatch]),
        ),
        (
            "an account that looks empty",
            vec![
                Fault::always(EmptyAccount).on("ad_plans.json"),
                Fault::always(EmptyAccount).on("ad_groups.json"),
                Fault::always(EmptyAccount).on("banners.json"),
            ],
            strange(&[Code::VendorChanged]),
        ),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn each_fault_is_told_plainly_loses_nothing_and_is_over_when_it_is_over() -> Result<()> {
    let shop = Shop::open(Office::open(small()).await?, today(), DAYS).await?;
    let mut wrong = Vec::new();
    for (what, faults, end) in table() {
        if let Err(error) = shop.meets(what, faults, end).await {
            wrong.push(format!("{what}: {error:#}"));
            shop.recovers().await.with_context(|| format!("after {what}"))?;
        }
    }
    ensure!(wrong.is_empty(), "{} faults:\n{}", wrong.len(), wrong.join("\n"));
    Ok(())
}

impl Shop {
    async fn total(&self) -> Result<Seen> {
        let (from, to) = self.range();
        Ok(Seen::of(&self.office.stats(self.client, Level::Campaign, from, to).await?.total))
    }

    async fn meets(&self, what: &str, faults: Vec<Fault>, end: End) -> Result<()> {
        let before = self.total().await?;
        let switches = self.office.platform().faults();
        let ids: Vec<u64> = faults.into_iter().map(|fault| switches.add(fault)).collect();
        let run = self.office.start(self.connection, None).await?;
        self.office.ended(run).await?;
        let detail = self.office.run(run).await?;
        ensure!(ids.iter().all(|id| switches.struck(*id).is_some_and(|struck| struck > 0)), "the fault never struck");
        let row = self.office.connection(self.connection).await?.connection;
        match end {
            Overcome => {
                let RunState::Done = detail.run.state else { anyhow::bail!("{}", told(&detail)) };
                ensure!(row.failure.is_none(), "{:?}", row.failure);
                self.is_true().await.context("overcome")?;
            }
            Remarks => {
                let RunState::DoneWithRemarks = detail.run.state else { anyhow::bail!("{}", told(&detail)) };
                ensure!(detail.run.progress.quarantined > 0 && !detail.quarantine.is_empty(), "{}", told(&detail));
                let page: Value =
                    self.office.ask("quarantine_list", json!({ "run_id": run, "offset": 0, "limit": 5 })).await?;
                ensure!(page["total"].as_u64() > Some(0) && page["rows"][0]["value"].is_string(), "{page}");
                self.is_true().await.context("with remarks")?;
            }
            Parks => {
                ensure!(is_parked(&detail.run), "{}", told(&detail));
                let quota = detail.run.failure.as_ref().context("no reason")?;
                ensure!(quota.code == Code::QuotaWait && quota.kind == FailureKind::WaitUntil, "{quota:?}");
                ensure!(quota.retry_at.is_some() && detail.run.waiting_until > quota.retry_at, "{}", told(&detail));
                ensure!(detail.waits.first().is_some_and(|wait| wait.until.is_some()), "{:?}", detail.waits);
                // All that is said of the connection is until when it rests, and its days are as they were.
                let said = row.failure.as_ref().is_some_and(|said| said.kind == FailureKind::WaitUntil);
                ensure!(said && row.retry_at.is_none() && row.running.is_none(), "{row:?}");
                ensure!(self.total().await? == before, "{what}: the old numbers changed");
                ensure!(detail.slices.iter().all(|slice| slice.state != SliceState::Failed), "{}", told(&detail));
            }
            Fails(codes, kind) => {
                ensure!(detail.run.state == RunState::Failed, "{}", told(&detail));
                let failure = detail.run.failure.as_ref().context("no reason")?;
                ensure!(codes.contains(&failure.code) && failure.kind == kind, "{failure:?}");
                ensure!(failure.params.get("system").is_some_and(|system| system == "vk_ads"), "{failure:?}");
                ensure!(code(row.failure.as_ref())? == failure.code, "the connection says {:?}", row.failure);
                ensure!(failure.retry_at.is_none(), "{failure:?}");
                let needs_person = kind == FailureKind::SignInAgain;
                ensure!((row.state == ConnectionState::SignInNeeded) == needs_person, "{}", row.state);
                ensure!(self.total().await? == before, "{what}: the old numbers changed");
                // Slices that were good stay committed; the failed one is marked with the reason.
                let failed = detail.slices.iter().filter(|slice| slice.state == SliceState::Failed);
                ensure!(failed.clone().count() > 0, "no slice says why: {}", told(&detail));
                ensure!(failed.clone().all(|slice| slice.failure.is_some()), "{}", told(&detail));
            }
        }
        self.recovers().await.context("after the fault")
    }

    /// The fault is over: after signing in where that was asked for, one ordinary run makes everything true.
    async fn recovers(&self) -> Result<()> {
        self.office.platform().faults().clear();
        ensure!(self.in_order().await?, "the platform has no token left");
        self.is_true().await
    }
}

/// A run in a few words, for the message of a test that fails.
fn told(detail: &RunDetail) -> String {
    let slices: Vec<String> = detail
        .slices
        .iter()
        .map(|slice| format!("{} {} {:?}", slice.stream, slice.state, slice.failure.as_ref().map(|it| it.code)))
        .collect();
    format!("{} {:?}; {}", detail.run.state, detail.run.failure, slices.join(", "))
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_cannot_be_read_are_kept_aside_with_their_reason() -> Result<()> {
    for (kind, reason) in
        [(FaultKind::NegativeNumbers, RejectReason::Negative), (FaultKind::GarbageNumbers, RejectReason::NotANumber)]
    {
        let office = Office::open(small()).await?;
        let key = office.platform().keys().remove(0);
        let client = office.client("Кофейни Север").await?.id;
        office.platform().faults().add(Fault::always(kind).on("statistics/ad_groups"));
        let wish = Wish { key: &key, cabinets: &[0], client, first_load_days: DAYS, lookback_days: DAYS };
        let committed = office.connect(&wish).await?;
        office.ended(committed.run_ids[0]).await?;
        let detail = office.run(committed.run_ids[0]).await?;
        ensure!(detail.run.state == RunState::DoneWithRemarks, "{}", told(&detail));
        ensure!(
            !detail.quarantine.is_empty() && detail.quarantine.iter().all(|group| group.reason == reason),
            "{:?}",
            detail.quarantine
        );
        let page: QuarantinePage =
            office.ask("quarantine_list", json!({ "run_id": detail.run.id, "offset": 0, "limit": 500 })).await?;
        ensure!(
            page.total > 0 && page.rows.iter().all(|row| row.raw.contains(&row.value) && row.date.is_some()),
            "{page:?}"
        );
        // The groups are unreadable, the campaigns and ads are not, and the totals are those of campaigns.
        let cabinet = key.cabinets[0].id;
        let (from, to) = (days_ago(u64::from(DAYS)), days_ago(1));
        let total = office.stats(client, Level::Campaign, from, to).await?.total;
        let truth = office.platform().truth().totals(cabinet, from, to).context("its truth")?;
        ensure!(Seen::of(&total) == Seen::from(truth), "{total:?} {truth:?}");
        office.platform().faults().clear();
        office.sync(committed.connection_ids[0]).await?;
        office.is_true(client, &[cabinet], from, to).await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wizard_says_at_which_step_and_why_it_failed() -> Result<()> {
    // Each sign-in takes a token, and this platform gives one.
    let tokens = TokenRules { per_user: 1, ..TokenRules::default() };
    let office = Office::open(Scenario { tokens, ..small() }).await?;
    let key = office.platform().keys().remove(2);
    let failed = async |key: &Key, faults: Vec<Fault>| -> Result<(String, Code)> {
        office.platform().faults().clear();
        for fault in faults {
            office.platform().faults().add(fault);
        }
        let draft = office.tested(key, None).await?;
        ensure!(draft.state == DraftState::Failed, "{draft:?}");
        let step = draft.steps.iter().find(|step| step.failure.is_some()).context("no step failed")?;
        let refusal = office
            .refused("draft_commit", json!({ "draft_id": draft.id, "picks": [], "streams": [], "lookbacks": {}, "first_load_days": 1, "vat": "unknown" }))
            .await?;
        ensure!(refusal.code == Code::BadRequest, "a failed test could be saved: {refusal:?}");
        Ok((step.id.clone(), code(step.failure.as_ref())?))
    };
    let mut wrong = key.clone();
    wrong.client_secret = "0".repeat(32);
    ensure!(failed(&wrong, Vec::new()).await? == ("sign_in".to_owned(), Code::SignInRejected));
    let html = vec![Fault::always(FaultKind::Html { status: 200 }).on("oauth2")];
    ensure!(failed(&key, html).await? == ("sign_in".to_owned(), Code::NotJson));
    let (step, code) =
        failed(&key, vec![Fault::always(FaultKind::ServerError { status: 503 }).on("user.json")]).await?;
    ensure!(code == Code::PlatformDown, "{step} {code}");
    // The one token is taken now.
    ensure!(failed(&key, Vec::new()).await? == ("sign_in".to_owned(), Code::TokenLimit));
    let clients: Value = office.ask("clients_list", json!({})).await?;
    ensure!(clients.as_array().is_some_and(Vec::is_empty), "a failed wizard left something: {clients}");
    // A form without its secret does not even ask.
    let form = json!({ "connector": "vk_ads", "answers": { "client_id": key.client_id }, "connection_id": null });
    ensure!(office.refused("draft_start", form).await?.code == Code::SettingInvalid);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workspace_that_cannot_be_opened_says_why_and_is_left_alone() -> Result<()> {
    let office = Office::open(small()).await?;
    office.host.shutdown().await;
    let before = crate::harness::files(office.dir())?;
    let wrong = |passphrase: Option<&str>| {
        let mut options = office.options();
        options.passphrase = passphrase.map(|text| text.to_owned().into());
        options
    };
    for (passphrase, expected) in [(None, Code::WorkspaceLocked), (Some("another passphrase"), Code::WrongPassphrase)] {
        let host = Host::start(wrong(passphrase)).await;
        let status: AppStatus = serde_json::from_value(
            host.call("app_status", json!({})).await.map_err(|error| anyhow::anyhow!("{error:?}"))?,
        )?;
        ensure!(status.workspace == WorkspaceState::Locked && code(status.failure.as_ref())? == expected, "{status:?}");
        let create = json!({ "name": "x", "currency": "RUB", "time_zone": "Europe/Moscow", "lock": "passphrase", "passphrase": PASSPHRASE });
        host.call("workspace_draft", json!({})).await.map_err(|error| anyhow::anyhow!("{error:?}"))?;
        let refusal = host.call("workspace_create", create).await.err().context("a workspace was made over another")?;
        ensure!(refusal.code == Code::WorkspaceExists, "{refusal:?}");
        host.shutdown().await;
    }
    ensure!(crate::harness::files(office.dir())? == before, "looking at it changed it");
    // The recovery key gets in, a wrong one does not.
    let host = Host::start(wrong(None)).await;
    let recover =
        |key: &str| json!({ "recovery_key": key, "lock": "passphrase", "passphrase": "a wholly new passphrase" });
    let damaged: String = office.recovery_key.chars().rev().collect();
    let refusal =
        host.call("workspace_recover", recover(&damaged)).await.err().context("a wrong recovery key opened")?;
    ensure!(refusal.code == Code::WrongPassphrase, "{refusal:?}");
    host.call("workspace_recover", recover(&office.recovery_key))
        .await
        .map_err(|error| anyhow::anyhow!("{error:?}"))?;
    host.shutdown().await;
    Ok(())
}

#[test]
fn a_computer_without_a_keychain_is_told_apart_and_offers_the_passphrase() -> Result<()> {
    if !cfg!(target_os = "linux") {
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let mut command = command(folder.path(), ["--json", "create", "--name", "x", "--lock", "keychain"])?;
    // No message bus: neither the one of the session nor one found by its usual place.
    command
        .env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent/bus")
        .env_remove("XDG_RUNTIME_DIR")
        .env_remove("DISPLAY");
    let output = command.output()?;
    let told: Value = serde_json::from_slice(&output.stdout)?;
    ensure!(!output.status.success() && told["error"]["code"] == Code::KeychainMissing.as_str(), "{told}");
    ensure!(!folder.path().join("workspace.json").exists(), "half a workspace was left");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_stops_a_run_and_takes_nothing_away() -> Result<()> {
    let Some(disk) = SmallDisk::mount("8m")? else {
        println!(
            "skipped: only root on Linux can mount a small disk; the store's and the vault's own tests fill theirs"
        );
        return Ok(());
    };
    let folder = tempfile::tempdir_in(&disk.0)?;
    let office = Office::open_in(small(), folder, "Полный диск").await?;
    let key = office.platform().keys().remove(0);
    let client = office.client("Кофейни Север").await?.id;
    let committed =
        office.connect(&Wish { key: &key, cabinets: &[0], client, first_load_days: 5, lookback_days: 5 }).await?;
    office.done(&committed.run_ids).await?;
    let connection = committed.connection_ids[0];
    let (from, to) = (days_ago(5), days_ago(1));
    office.is_true(client, &[key.cabinets[0].id], from, to).await?;

    let filler = disk.0.join("filler");
    disk.fill(&filler)?;
    let id = match office
        .call(
            "run_start",
            json!({ "connection_id": connection, "client_id": null, "range": { "from": days_ago(80), "to": to } }),
        )
        .await
    {
        // The run could be noted, and fails when its rows do not fit.
        Ok(started) => {
            let id = serde_json::from_value(started["run_ids"][0].clone())?;
            let run = tokio::time::timeout(Duration::from_mins(1), office.ended(id)).await;
            // On a disk without a single byte not even the end of a run can be written; it is told in memory and goes on later.
            if let Ok(Ok(run)) = run
                && run.state == RunState::Failed
            {
                ensure!(code(run.failure.as_ref())? == Code::DiskFull, "{run:?}");
            }
            Some(id)
        }
        Err(refusal) => {
            ensure!(refusal.code == Code::DiskFull && refusal.kind == FailureKind::FixSettings, "{refusal:?}");
            None
        }
    };
    office.is_true(client, &[key.cabinets[0].id], from, to).await.context("while the disk is full")?;

    std::fs::remove_file(&filler)?;
    if let Some(id) = id {
        office.ended(id).await?;
    }
    office.sync(connection).await.context("after the disk had room again")?;
    office.is_true(client, &[key.cabinets[0].id], from, to).await?;
    office.host.shutdown().await;
    Ok(())
}

/// A disk of few megabytes, gone at the end.
struct SmallDisk(std::path::PathBuf);

impl SmallDisk {
    fn mount(size: &str) -> Result<Option<Self>> {
        if !cfg!(target_os = "linux") {
            return Ok(None);
        }
        let dir = tempfile::Builder::new().prefix("syncdeck-disk").tempdir()?.keep();
        let mounted =
            Command::new("mount").args(["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"]).arg(&dir).output();
        if mounted.is_ok_and(|output| output.status.success()) {
            Ok(Some(Self(dir)))
        } else {
            std::fs::remove_dir(&dir)?;
            Ok(None)
        }
    }

    /// Fills it to the last byte.
    fn fill(&self, file: &Path) -> Result<()> {
        use std::io::Write;
        let mut file = std::fs::File::create(file)?;
        for size in [1 << 16, 1 << 12, 1] {
            while file.write_all(&vec![0; size]).is_ok() {}
        }
        ensure!(std::fs::write(self.0.join("one-more"), [0; 5000]).is_err(), "the disk is not full");
        std::fs::remove_file(self.0.join("one-more"))
            .or_else(|error| if error.kind() == std::io::ErrorKind::NotFound { Ok(()) } else { Err(error) })?;
        Ok(())
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: the workspace on it may not be closed yet when a test failed.
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
        let _ = std::fs::remove_dir(&self.0);
    }
}

#[test]
fn every_code_has_words_in_both_languages() -> Result<()> {
    let texts = Path::new(env!("CARGO_MANIFEST_DIR")).join("ui/src/shared/errors/texts");
    for language in ["ru", "en"] {
        let file: Value = serde_json::from_slice(&std::fs::read(texts.join(format!("{language}.json")))?)?;
        let codes = file["codes"].as_object().context("codes")?;
        for code in Code::ALL {
            for part in ["title", "body", "action"] {
                let text = codes.get(code.as_str()).and_then(|texts| texts[part].as_str()).unwrap_or_default();
                // What a person reads under a cancelled run needs no button.
                let may_be_empty = part == "action" && code.kind() == FailureKind::Cancelled;
                ensure!(may_be_empty || !text.trim().is_empty(), "{language}: {code} has no {part}");
                let cyrillic = text.chars().any(|c| ('а'..='я').contains(&c));
                ensure!(
                    text.is_empty() || cyrillic == (language == "ru"),
                    "{language}: {code} is not in its language: {text}"
                );
            }
        }
        ensure!(codes.len() == Code::ALL.len(), "{language} has texts for codes that do not exist");
    }
    Ok(())
}
