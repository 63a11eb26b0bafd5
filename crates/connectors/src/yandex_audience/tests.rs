//! Yandex Audience end to end against its simulator: what is kept is what the accounts hold.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

use super::{HOST, SYSTEM};
use crate::{
    trial::{self, Bench, Keeping, Shown, Trial},
    yandex_id::WHOSE,
};
use chrono::Days;
use kit::{
    battery,
    observe::WaitReason,
    session::{Credentials, Session},
    source::{CheckEvent, Source, StreamKind},
    testing::{CollectSink, MemoryCredentials},
};
use model::{
    failure::{Code, FailureKind},
    settings::InTotals,
};
use serde_json::{Map, Value, json};
use simulators::{
    faults::{Fault, FaultKind},
    stage::{Platform, Scenario},
    world::{Figures, Level},
    yandex_audience::{self, Account, Key, Kind, Pair, Rules, Segment},
};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

const TOKENS: &str = "https://oauth.yandex.ru";
const STREAMS: [&str; 4] = ["segments", "grants", "pixels", "delegates"];

/// A simulator and a way to open sessions over it.
struct Desk {
    trial: Trial,
    platform: Platform<Key>,
    key: Key,
}

impl Desk {
    /// Signed in as an agency, with tokens of an earlier sign-in.
    fn open(rules: Rules) -> Self {
        let today = chrono::Utc::now().date_naive();
        let platform = yandex_audience::start(&Scenario::small(today), rules).unwrap();
        let key = platform.keys[0].clone();
        let trial = trial_of(&platform, &key, &pair_secrets(&key.pairs[0]));
        Self { trial, platform, key }
    }

    /// A session for one of the agency's accounts; the first is its own.
    fn session(&self, account: &Account) -> Session {
        let own = account.login == self.key.accounts[0].login;
        self.trial.session(&if own { json!({}) } else { json!({"ulogin": account.login}) })
    }

    /// What ads did in the last days, as the world has it.
    fn figures(&self, (level, id): (Level, u64), days: u64) -> Figures {
        let from = self.trial.today.checked_sub_days(Days::new(days - 1)).unwrap();
        self.platform.truth().object(level, id, from, self.trial.today).unwrap()
    }

    /// What an account holds: of each record, by stream and key, the members that matter.
    fn held(&self, account: &Account) -> battery::Records {
        let shown = account.shown.iter().map(|it| (it, true));
        let segments = shown.chain(account.segments.iter().map(|it| (it, false)));
        let grants = account.segments.iter().flat_map(|segment| {
            segment.grants.iter().map(move |grant| {
                let held = json!({"segment_id": segment.id, "user_login": grant.login, "permission": grant.permission,
                    "comment": grant.comment});
                (json!([segment.id, grant.login]).to_string(), members(held))
            })
        });
        let pixels = account.pixels.iter().map(|pixel| {
            let users = |days| self.figures((Level::Campaign, pixel.id), days).impressions / 10;
            let held = json!({"name": pixel.name, "user_quantity_7": users(7), "user_quantity_30": users(30),
                "user_quantity_90": users(90)});
            (json!([pixel.id]).to_string(), members(held))
        });
        let delegates = account
            .delegates
            .iter()
            .map(|it| (json!([it.login]).to_string(), members(json!({"perm": it.permission, "comment": it.comment}))));
        let segments = segments.map(|(it, guest)| (json!([it.id]).to_string(), self.segment(it, guest)));
        battery::Records::from([
            ("segments".to_owned(), segments.collect()),
            ("grants".to_owned(), grants.collect()),
            ("pixels".to_owned(), pixels.collect()),
            ("delegates".to_owned(), delegates.collect()),
        ])
    }

    fn segment(&self, segment: &Segment, guest: bool) -> Map<String, Value> {
        let sizes = segment.sizes(&self.figures(segment.of, 30));
        let mut held = json!({
            "name": segment.name, "type": segment.kind.word(), "status": segment.status(&sizes), "owner": segment.owner,
            "guest": guest, "guest_quantity": segment.grants.len(),
        });
        if segment.is_counted() {
            held["cookies_matched_quantity"] = json!(sizes.cookies);
        }
        if segment.kind == Kind::Uploading {
            held["item_quantity"] = json!(sizes.items);
            held["valid_unique_quantity"] = json!(sizes.valid);
            if segment.is_counted() {
                held["matched_quantity"] = json!(sizes.matched);
            }
        }
        members(held)
    }
}

fn members(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        other => panic!("{other} has no members"),
    }
}

fn pair_secrets(pair: &Pair) -> [(&str, &str); 2] {
    [("access_token", &pair.access), ("refresh_token", &pair.refresh)]
}

fn trial_of(platform: &Platform<Key>, key: &Key, secrets: &[(&str, &str)]) -> Trial {
    let config = json!({"client_id": key.client_id});
    let secrets = [secrets, &[("client_secret", key.client_secret.as_str())]].concat();
    let mut trial = Trial::new(SYSTEM.id, (HOST, &platform.base_url), &config, &secrets);
    trial.hosts.extend([TOKENS, WHOSE].map(|host| (host.to_owned(), platform.base_url.clone())));
    trial
}

/// The records of a stream by their keys.
async fn kept(desk: &Desk, session: &Session, stream: &str) -> BTreeMap<String, Value> {
    let sink = trial::read(&SYSTEM.source().unwrap(), session, stream, desk.trial.range(1)).await;
    let count = sink.batch.records.len();
    let records = sink.batch.records.into_iter();
    let records: BTreeMap<_, _> =
        records.map(|it| (it.key.unwrap(), serde_json::from_str::<Value>(&it.data).unwrap())).collect();
    assert_eq!(records.len(), count, "{stream}: a key came twice");
    records
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_login_itself_and_those_it_represents_are_accounts() {
    let desk = Desk::open(Rules::PATIENT);
    let source = SYSTEM.source().unwrap();
    let named = Mutex::new(Vec::new());
    let tell = |event: CheckEvent| {
        if let CheckEvent::Done { step: "sign_in", params } = event {
            named.lock().unwrap().push(params["user"].clone());
        }
    };
    let found = source.accounts(&desk.trial.session(&json!({})), &tell).await.unwrap();
    let logins: Vec<_> = desk.key.accounts.iter().map(|account| account.login.clone()).collect();
    assert_eq!(found.iter().map(|account| account.external_id.clone()).collect::<Vec<_>>(), logins);
    assert_eq!(named.into_inner().unwrap(), [logins[0].clone()]);
    assert!(found.len() > 2 && found[0].config.is_empty() && found[1].config["ulogin"] == json!(logins[1]));

    // There is nothing to show of an account but that it may be read.
    let sample = source.sample(&desk.session(&desk.key.accounts[1]), desk.trial.today).await.unwrap();
    assert_eq!((sample.currency, sample.campaigns, sample.spend_30d, sample.last_data), (None, None, None, None));
    let strange = desk.trial.session(&json!({"ulogin": desk.platform.keys[1].accounts[0].login}));
    let failure = source.sample(&strange, desk.trial.today).await.unwrap_err();
    assert_eq!(failure.code, Code::PermissionDenied, "{failure}");

    let about = source.descriptor();
    assert_eq!((about.keeps_statistics(), about.in_totals()), (false, InTotals::Apart));
    assert!(about.streams.iter().all(|it| it.kind == StreamKind::Records { incremental: false } && it.on_by_default));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_that_an_account_holds_is_kept() {
    let desk = Desk::open(Rules::PATIENT);
    let mut sizes = Vec::new();
    for account in &desk.key.accounts {
        let session = desk.session(account);
        for (stream, held) in desk.held(account) {
            let found = kept(&desk, &session, &stream).await;
            assert_eq!(found.keys().collect::<Vec<_>>(), held.keys().collect::<Vec<_>>(), "{} {stream}", account.login);
            for (key, members) in held {
                for (name, value) in members {
                    assert_eq!(found[&key][&name], value, "{} {stream} {key} {name}", account.login);
                }
                sizes.push(found[&key]["cookies_matched_quantity"].as_i64().unwrap_or_default());
            }
        }
    }
    assert!(sizes.iter().any(|size| *size > 100), "nobody is in any segment");
}

/// A list of more than a page, of which the pages are cut by their place.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_longer_than_a_page_is_read_to_its_end() {
    let desk = Desk::open(Rules { branches: 10_040, ..Rules::PATIENT });
    let account = &desk.key.accounts[0];
    let found = kept(&desk, &desk.session(account), "segments").await;
    assert_eq!(found.len(), account.segments.len() + account.shown.len());
    assert_eq!(desk.platform.requests().count_of("/segments"), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn grants_are_asked_for_where_somebody_has_one() {
    let desk = Desk::open(Rules::PATIENT);
    for account in &desk.key.accounts {
        desk.platform.requests().clear();
        kept(&desk, &desk.session(account), "grants").await;
        let asked = desk.platform.requests().count_of("/grants");
        let given = account.segments.iter().filter(|it| !it.grants.is_empty()).count();
        assert_eq!(asked, given as u64, "{}", account.login);
        assert!(given > 0 && given < account.segments.len() + account.shown.len());
    }
    // A segment that was deleted since the list was read has none; everything else that is missing is a change of the platform's.
    let account = &desk.key.accounts[1];
    let all = kept(&desk, &desk.session(account), "grants").await.len();
    let deleted = FaultKind::ErrorInside { code: "not_found".to_owned() };
    desk.platform.faults().add(Fault::once(deleted).on("/grants"));
    let left = kept(&desk, &desk.session(account), "grants").await.len();
    assert!(left < all && left > 0, "{left} of {all}");
    desk.platform.faults().add(Fault::once(FaultKind::ServerError { status: 404 }).on("/grants"));
    let source = SYSTEM.source().unwrap();
    let slice = source.slices("grants", desk.trial.range(1)).unwrap().remove(0);
    let session = desk.session(account);
    let failure = source.read(&session, &slice, &mut CollectSink::default()).await.unwrap_err();
    assert_eq!(failure.code, Code::VendorChanged, "{failure}");
}

/// Nobody knows whether the platform heeds `ulogin`: what it lists without is not taken for the client's.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn segments_of_somebody_else_are_not_a_clients() {
    let desk = Desk::open(Rules { heeds_ulogin: false, ..Rules::PATIENT });
    let source = SYSTEM.source().unwrap();
    let session = desk.session(&desk.key.accounts[1]);
    let slice = source.slices("segments", desk.trial.range(1)).unwrap().remove(0);
    for outcome in [
        source.sample(&session, desk.trial.today).await.map(|_| ()),
        source.read(&session, &slice, &mut CollectSink::default()).await,
    ] {
        let failure = outcome.unwrap_err();
        assert_eq!((failure.code, failure.params["what"].as_str()), (Code::VendorChanged, "ulogin"), "{failure}");
    }
    assert!(!kept(&desk, &desk.session(&desk.key.accounts[0]), "segments").await.is_empty());
}

/// Both limits have one word: a second is waited for three times, then it is the day's, which ends at midnight in Moscow.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_quota_that_is_used_up_is_a_pause() {
    let desk = Desk::open(Rules { in_a_day: 1, ..Rules::PATIENT });
    let source = SYSTEM.source().unwrap();
    let session = desk.session(&desk.key.accounts[0]);
    kept(&desk, &session, "pixels").await;
    let slice = source.slices("delegates", desk.trial.range(1)).unwrap().remove(0);
    let failure = source.read(&session, &slice, &mut CollectSink::default()).await.unwrap_err();
    assert_eq!((failure.code, failure.kind()), (Code::QuotaWait, FailureKind::WaitUntil), "{failure}");
    let waits: Vec<_> = desk.trial.log.waits().iter().map(|wait| (wait.reason, wait.duration.as_secs())).collect();
    assert_eq!(waits[..3], [(WaitReason::RateLimited, 1); 3]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refusals_say_what_a_person_can_do() {
    let desk = Desk::open(Rules::PATIENT);
    let source = SYSTEM.source().unwrap();
    let inside = |code: &str| FaultKind::ErrorInside { code: code.to_owned() };
    for (kind, code) in [
        (FaultKind::RevokeScope, Code::PermissionDenied),
        (FaultKind::ServerError { status: 503 }, Code::PlatformDown),
        (FaultKind::Html { status: 200 }, Code::NotJson),
        (inside("invalid_parameter"), Code::RequestRefused),
    ] {
        desk.platform.faults().clear();
        desk.platform.faults().add(Fault::always(kind.clone()).on("/v1/"));
        for stream in STREAMS {
            let slice = source.slices(stream, desk.trial.range(1)).unwrap().remove(0);
            let session = desk.session(&desk.key.accounts[1]);
            let failure = source.read(&session, &slice, &mut CollectSink::default()).await.unwrap_err();
            assert_eq!(failure.code, code, "{stream} {kind:?}: {failure}");
        }
    }
}

/// A code becomes tokens once, they are kept before they are used, and what is refreshed is kept again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_code_becomes_tokens_that_are_kept_and_renewed() {
    let desk = Desk::open(Rules::PATIENT);
    let source = SYSTEM.source().unwrap();
    let code = desk.key.codes[0].as_str();
    let credentials = MemoryCredentials::of(&[("code", code), ("client_secret", &desk.key.client_secret)]);
    let session = Session { credentials: credentials.clone(), ..desk.trial.session(&json!({})) };
    kept(&desk, &session, "segments").await;
    let before = credentials.load().await.unwrap();
    desk.platform.faults().add(Fault::once(FaultKind::ExpireToken));
    let again = Session { config: Arc::new((*session.config).clone()), ..session.clone() };
    kept(&desk, &again, "segments").await;
    let renewed = credentials.load().await.unwrap();
    assert_ne!(renewed["access_token"].expose(), before["access_token"].expose());

    // Taken back for good: only a person can help, with a new code.
    desk.platform.faults().add(Fault::once(FaultKind::RevokeToken));
    let revoked = Session { config: Arc::new((*session.config).clone()), ..session };
    let slice = source.slices("segments", desk.trial.range(1)).unwrap().remove(0);
    let failure = source.read(&revoked, &slice, &mut CollectSink::default()).await.unwrap_err();
    assert_eq!((failure.code, failure.kind()), (Code::SignInRejected, FailureKind::SignInAgain), "{failure}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_connector_passes_the_battery() {
    let desk = Desk::open(Rules::PATIENT);
    let account = &desk.key.accounts[1];
    let accounts = desk.key.accounts.iter().map(|account| account.login.clone()).collect();
    let truth = battery::Truth { accounts, days: Some(desk.trial.range(1)), ..battery::Truth::default() };
    let with = |secrets: &[(&str, &str)]| {
        let trial = trial_of(&desk.platform, &desk.key, secrets);
        let session = Trial { log: desk.trial.log.clone(), ..trial }.session(&json!({"ulogin": account.login}));
        Shown::Session(Box::new(session))
    };
    let bench = Bench {
        trial: Trial { config: desk.session(account).config.as_ref().clone(), ..desk.trial.clone() },
        faults: desk.platform.faults(),
        reports: "/segments",
        shows: &|fault| match fault {
            // A refresh ends the pair it renews, so each of these has one of its own.
            battery::Fault::ExpiredToken => {
                desk.platform.faults().add(Fault::once(FaultKind::ExpireToken).on("/segments"));
                with(&pair_secrets(&desk.key.pairs[1]))
            }
            battery::Fault::WrongKey => {
                desk.platform.faults().add(Fault::always(FaultKind::WrongKey));
                with(&[("code", desk.key.codes[1].as_str())])
            }
            battery::Fault::Gone => Shown::Fault(Fault::always(FaultKind::ServerError { status: 404 }).on("/segments")),
            // A token that was taken back is refused like a wrong one; lists have no totals.
            battery::Fault::Revoked | battery::Fault::LyingTotal => Shown::Never,
            _ => Shown::Usual,
        },
        planted: &|| {
            let pairs = desk.key.pairs.iter().flat_map(|pair| [pair.access.clone(), pair.refresh.clone()]);
            pairs.chain(desk.key.codes.clone()).collect()
        },
    };
    let bench = Keeping { bench, records: desk.held(account) };
    let wrong = battery::run(&SYSTEM.source().unwrap(), &bench, &truth, desk.trial.today).await;
    assert!(wrong.is_empty(), "{wrong:#?}");
}
