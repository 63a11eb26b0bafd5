//! Each messenger against its service: what arrives is what was written, whole, and every refusal becomes the failure that says what to do.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

use chrono::{DateTime, Utc};
use kit::testing::VirtualClock;
use model::{
    alert::{AlertKind, AlertState, Severity, Telling, TellingKind, ToldAlert},
    channel::{Channel, ChannelSettings, ChannelWants, Language, MailTls},
    date::DateRange,
    failure::{Code, Failure, FailureKind},
    id::{AlertId, ChannelId, ClientId, ConnectionId, TellingId},
    secret::Secret,
};
use notify::{Lent, Messenger, Sent, message, message::Message, messenger, telegram_chats};
use simulators::{
    faults::{Fault, FaultKind, Hint},
    slack::{Slack, Webhook},
    smtp::{Smtp, Stage},
    telegram::{ChatState, Flood, Telegram},
};
use std::collections::BTreeMap;
use tokio_util::sync::CancellationToken;

const TOKEN: &str = "123456789:AAplanted-telegram-token-000000000000";
const HOOK: &str = "/services/T00000000/B00000000/plantedSlackWebhookKey01";
const PASSWORD: &str = "planted-mail-password-91";
const CHAT: i64 = -100_500;

fn now() -> DateTime<Utc> {
    "2026-11-20T06:15:00Z".parse().unwrap()
}

fn lent(url_map: Vec<(String, String)>) -> Lent {
    Lent { clock: VirtualClock::at(now()), url_map }
}

fn channel(language: Language, settings: ChannelSettings) -> Channel {
    Channel {
        id: ChannelId::new(),
        name: "Дежурные".to_owned(),
        settings,
        language,
        time_zone: "Europe/Moscow".to_owned(),
        quiet: None,
        critical_at_night: false,
        wants: ChannelWants { critical: true, digest: Some(Severity::Notice), clients: None },
        enabled: true,
        created_at: now(),
    }
}

fn chat() -> ChannelSettings {
    ChannelSettings::Telegram { chat_id: CHAT.to_string(), topic: None, server: None }
}

fn mail() -> ChannelSettings {
    ChannelSettings::Email {
        host: "smtp.example".to_owned(),
        port: 465,
        tls: MailTls::Implicit,
        user: "robot@agency.example".to_owned(),
        from: "Syncdeck <robot@agency.example>".to_owned(),
        to: vec!["anna@agency.example".to_owned(), "boris@agency.example".to_owned()],
    }
}

/// An alert of a kind with everything its sentence knows.
fn alert(kind: AlertKind, client: &str) -> ToldAlert {
    let params: &[(&str, &str)] = match kind {
        AlertKind::SignInNeeded => &[("code", "sign_in_rejected")],
        AlertKind::Failing => &[("failures", "3"), ("code", "platform_down")],
        AlertKind::SignInEnds => &[("until", "2026-11-25T09:00:00Z")],
        AlertKind::Stale => &[("data_through", "2026-11-17"), ("expected", "2026-11-19")],
        AlertKind::EmptyDay => &[("date", "2026-11-19"), ("usual", "12400")],
        AlertKind::UnusualVolume => &[
            ("date", "2026-11-19"),
            ("metric", "cost"),
            ("found", "312500000"),
            ("usual", "8400000000"),
            ("currency", "RUB"),
        ],
        AlertKind::RepeatedDay => &[("date", "2026-11-19"), ("same_as", "2026-11-18")],
        AlertKind::ShrunkDay => &[("date", "2026-11-18"), ("metric", "clicks"), ("before", "1200"), ("after", "300")],
        AlertKind::SpendWithoutConversions => &[("days", "3"), ("spend", "12300500000"), ("currency", "RUB")],
        AlertKind::QuarantineGrowing => &[("rows", "121"), ("usual", "3")],
        AlertKind::ErrorShare => &[("percent", "12.5"), ("requests", "241")],
        AlertKind::SchemaDrift => &[("stream", "ad_plans"), ("changes", "2")],
        AlertKind::TotalsDiffer => {
            &[("date", "2026-11-19"), ("metric", "impressions"), ("ours", "10250"), ("theirs", "10300")]
        }
    };
    let day = "2026-11-19".parse().unwrap();
    ToldAlert {
        id: AlertId::new(),
        kind,
        severity: kind.severity(),
        state: AlertState::Open,
        client_name: client.to_owned(),
        connection_id: ConnectionId::new(),
        connector: "vk_ads".to_owned(),
        account_name: format!("{client} / основной"),
        stream: None,
        days: DateRange::new(day, day).ok(),
        params: params.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        run_id: None,
        action: kind.action(),
        opened_at: now(),
        settled_at: None,
    }
}

fn telling(kind: TellingKind, alerts: Vec<ToldAlert>) -> Telling {
    Telling {
        number: 1,
        id: TellingId::new(),
        client_id: ClientId::new(),
        kind,
        date: (kind == TellingKind::Digest).then(|| "2026-11-19".parse().unwrap()),
        made_at: now(),
        alerts,
    }
}

fn composed(channel: &Channel, tellings: &[Telling]) -> Option<Message> {
    let system = |id: &str, language: Language| match (id, language) {
        ("vk_ads", Language::Ru) => "VK Реклама".to_owned(),
        ("vk_ads", Language::En) => "VK Ads".to_owned(),
        (other, _) => other.to_owned(),
    };
    message::compose(channel, tellings, &system, now())
}

/// A digest of one client with every kind of alert, and one that is over.
fn digest() -> Telling {
    let mut alerts: Vec<ToldAlert> = AlertKind::ALL.iter().map(|kind| alert(*kind, "Ромашка")).collect();
    alerts.push(ToldAlert {
        state: AlertState::Settled,
        settled_at: Some(now()),
        ..alert(AlertKind::Stale, "Ромашка")
    });
    telling(TellingKind::Digest, alerts)
}

/// A message of one client with a name that every markup has to escape.
fn urgent() -> Message {
    let told = [telling(TellingKind::Critical, vec![alert(AlertKind::SignInNeeded, "Окна & <Двери> *Север*")])];
    composed(&channel(Language::Ru, chat()), &told).unwrap()
}

/// More than any service takes at once.
fn huge() -> Message {
    let tellings: Vec<Telling> = (0..120)
        .map(|place| {
            let name = format!("Клиент номер {place} с довольно длинным именем");
            telling(TellingKind::Digest, vec![alert(AlertKind::UnusualVolume, &name), alert(AlertKind::Stale, &name)])
        })
        .collect();
    composed(&channel(Language::Ru, chat()), &tellings).unwrap()
}

async fn send(messenger: &dyn Messenger, message: &Message) -> Result<Sent, Failure> {
    messenger.send(message, &CancellationToken::new()).await
}

fn telegram(simulator: &Telegram, token: &str) -> Box<dyn Messenger> {
    let map = vec![("https://api.telegram.org".to_owned(), simulator.base_url.clone())];
    messenger("Дежурные", &chat(), Some(&Secret::new(token)), &lent(map)).unwrap()
}

fn slack(simulator: &Slack) -> Box<dyn Messenger> {
    let map = vec![("https://hooks.slack.com".to_owned(), simulator.base_url.clone())];
    let secret = Secret::new(format!("https://hooks.slack.com{HOOK}"));
    messenger("Дежурные", &ChannelSettings::Slack {}, Some(&secret), &lent(map)).unwrap()
}

fn email(simulator: &Smtp, password: &str) -> Box<dyn Messenger> {
    messenger("Дежурные", &mail(), Some(&Secret::new(password)), &lent(vec![simulator.stand_in("smtp.example", 465)]))
        .unwrap()
}

/// Nothing of a secret stands in what a failure says to anybody.
fn silent_about(failure: &Failure, secret: &str) {
    let said = format!("{failure} {failure:?} {:?} {:?}", failure.params, failure.detail);
    assert!(!said.contains(secret), "{said}");
    let mut cause = std::error::Error::source(failure);
    while let Some(error) = cause {
        assert!(!format!("{error} {error:?}").contains(secret), "{error:?}");
        cause = error.source();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_digest_with_every_kind_of_alert_arrives_whole_in_both_languages() {
    let (bot, hooks, post) = (
        Telegram::start(TOKEN).unwrap(),
        Slack::start(HOOK).unwrap(),
        Smtp::start("robot@agency.example", PASSWORD).unwrap(),
    );
    bot.chat(CHAT, "Дежурные");
    for language in [Language::Ru, Language::En] {
        let message = composed(&channel(language, chat()), &[digest()]).unwrap();
        send(&*telegram(&bot, TOKEN), &message).await.unwrap();
        send(&*slack(&hooks), &message).await.unwrap();
        send(&*email(&post, PASSWORD), &message).await.unwrap();
    }
    let chat: Vec<String> = bot.messages().into_iter().map(|message| message.text.replace('\u{a0}', "_")).collect();
    insta::assert_snapshot!("telegram_ru", chat[0]);
    insta::assert_snapshot!("telegram_en", chat[1]);
    let hooks = hooks.messages();
    assert_eq!(hooks[0]["text"], "Сводка за 19\u{a0}ноября: Ромашка");
    insta::assert_snapshot!("slack_ru", serde_json::to_string_pretty(&hooks[0]).unwrap().replace('\u{a0}', "_"));
    let letters = post.letters();
    assert_eq!(letters[0].to, ["anna@agency.example", "boris@agency.example"]);
    assert!(letters[0].text.contains("Content-Type: multipart/alternative"), "{}", letters[0].text);
    assert!(
        letters[1].text.contains("Sign-in rejected.") && letters[1].text.contains("text/html"),
        "{}",
        letters[1].text
    );
}

#[test]
fn what_is_due_at_once_is_one_message_of_what_the_channel_wants() {
    let all = channel(Language::En, chat());
    let critical = telling(TellingKind::Critical, vec![alert(AlertKind::EmptyDay, "Acme")]);
    let both = [critical.clone(), telling(TellingKind::Critical, vec![alert(AlertKind::Failing, "Acme")])];
    assert_eq!(composed(&all, &both[..1]).unwrap().title, "Acme: a day without data");
    let message = composed(&all, &both).unwrap();
    assert_eq!(
        (message.title.replace('\u{a0}', " "), message.len(), message.urgent),
        ("Acme: 2 alerts".to_owned(), 2, true)
    );

    // The digest knows the alert better than the alarm before it did: it is said once, as it stands now.
    let over = ToldAlert { state: AlertState::Settled, ..critical.alerts[0].clone() };
    let later = telling(TellingKind::Digest, vec![over, alert(AlertKind::Stale, "Acme")]);
    let message = composed(&all, &[critical.clone(), later]).unwrap();
    assert_eq!((message.len(), message.urgent), (2, false));
    assert_eq!(message.groups[0].items[1].mark, "Settled");

    let two = [
        telling(TellingKind::Digest, vec![alert(AlertKind::Stale, "Acme")]),
        telling(TellingKind::Digest, vec![alert(AlertKind::SchemaDrift, "Zeta")]),
    ];
    let message = composed(&all, &two).unwrap();
    assert_eq!(message.title.replace('\u{a0}', " "), "Digest of 19 November: 2 clients");
    assert_eq!(message.groups.iter().map(|group| group.heading.as_str()).collect::<Vec<_>>(), ["Acme", "Zeta"]);

    let wants = |critical, digest| Channel { wants: ChannelWants { critical, digest, clients: None }, ..all.clone() };
    assert_eq!(
        composed(&wants(true, Some(Severity::Warning)), &two).unwrap().groups.len(),
        1,
        "a notice was not wanted"
    );
    assert_eq!(composed(&wants(true, Some(Severity::Critical)), &two), None);
    assert_eq!(composed(&wants(false, None), &[critical]), None);
}

#[test]
fn a_telling_of_another_version_makes_whole_sentences() {
    for language in [Language::Ru, Language::En] {
        let alerts = AlertKind::ALL.iter().flat_map(|kind| {
            let known = alert(*kind, "Acme");
            let bare = ToldAlert { id: AlertId::new(), params: BTreeMap::default(), days: None, ..known.clone() };
            let odd = known.params.keys().map(|name| (name.clone(), "???".to_owned())).collect();
            [bare, ToldAlert { id: AlertId::new(), params: odd, ..known }]
        });
        let message = composed(&channel(language, chat()), &[telling(TellingKind::Digest, alerts.collect())]).unwrap();
        for item in message.groups.iter().flat_map(|group| &group.items) {
            assert!(
                item.text.ends_with('.') && item.text.len() > 15 && !item.text.contains("  "),
                "{language}: {item:?}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn markup_is_escaped_and_length_is_kept() {
    let (bot, hooks, post) = (
        Telegram::start(TOKEN).unwrap(),
        Slack::start(HOOK).unwrap(),
        Smtp::start("robot@agency.example", PASSWORD).unwrap(),
    );
    bot.chat(CHAT, "Дежурные");
    for message in [urgent(), huge()] {
        send(&*telegram(&bot, TOKEN), &message).await.unwrap();
        send(&*slack(&hooks), &message).await.unwrap();
        send(&*email(&post, PASSWORD), &message).await.unwrap();
    }
    let told = bot.messages();
    assert!(told[0].text.contains("Окна &amp; &lt;Двери&gt; *Север*"), "{}", told[0].text);
    assert_eq!((told[0].silent, told[1].silent), (false, true), "only what is urgent makes a sound");
    assert!(told[1].text.contains("И ещё ") && told[1].text.ends_with(" в Syncdeck."), "{}", told[1].text);
    let blocks = hooks.messages()[1]["blocks"].as_array().unwrap().len();
    assert!((40..=50).contains(&blocks), "{blocks} blocks");
    assert_eq!(post.letters().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn telegram_refuses_and_says_what_to_do() {
    let bot = Telegram::start(TOKEN).unwrap();
    let refused = async |token: &str| send(&*telegram(&bot, token), &urgent()).await.unwrap_err();
    assert_eq!(refused(TOKEN).await.code, Code::ChannelClosed, "there is no such chat");
    bot.chat(CHAT, "Дежурные");
    for (state, code) in [(ChatState::Blocked, Code::ChannelClosed), (ChatState::Kicked, Code::ChannelClosed)] {
        bot.set_chat(CHAT, state);
        assert_eq!(refused(TOKEN).await.code, code);
    }
    bot.set_chat(CHAT, ChatState::Open);
    for wrong in ["987654321:AAsomebody-elses-token-1111111111", "not-a-token"] {
        let failure = refused(wrong).await;
        assert_eq!((failure.code, failure.kind()), (Code::ChannelRejected, FailureKind::SignInAgain));
        silent_about(&failure, wrong);
    }
    bot.faults().add(Fault::once(FaultKind::Throttle { hint: Hint::After { secs: 120 } }));
    let failure = refused(TOKEN).await;
    assert_eq!((failure.code, failure.retry_at), (Code::QuotaWait, Some(now() + chrono::TimeDelta::seconds(120))));
    for (fault, code) in [
        (FaultKind::ServerError { status: 502 }, Code::PlatformDown),
        (FaultKind::Reset, Code::Offline),
        (FaultKind::TruncatedBody, Code::BodyTruncated),
    ] {
        bot.faults().clear();
        bot.faults().add(Fault::once(fault));
        let failure = refused(TOKEN).await;
        assert_eq!((failure.code, failure.kind()), (code, FailureKind::Retry));
        silent_about(&failure, TOKEN);
    }
    // The broken line lost an answer, not the message: it was not sent a second time.
    assert_eq!(bot.messages().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_that_moved_is_followed_once_and_for_good() {
    let bot = Telegram::start(TOKEN).unwrap();
    bot.chat(CHAT, "Дежурные");
    bot.chat(-1_009_000, "Дежурные");
    bot.set_chat(CHAT, ChatState::Upgraded(-1_009_000));
    let sent = send(&*telegram(&bot, TOKEN), &urgent()).await.unwrap();
    let moved = ChannelSettings::Telegram { chat_id: "-1009000".to_owned(), topic: None, server: None };
    assert_eq!(sent.moved, Some(moved));
    assert_eq!(bot.messages().iter().map(|message| message.chat).collect::<Vec<_>>(), [-1_009_000]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crowded_chat_asks_to_wait_for_the_rest_of_its_minute() {
    let bot = Telegram::start(TOKEN).unwrap();
    bot.chat(CHAT, "Дежурные");
    bot.set_flood(Flood { per_minute: 3, per_second: 30 });
    let messenger = telegram(&bot, TOKEN);
    for _ in 0..3 {
        send(&*messenger, &urgent()).await.unwrap();
    }
    let failure = send(&*messenger, &urgent()).await.unwrap_err();
    assert_eq!(failure.kind(), FailureKind::WaitUntil);
    let wait = failure.retry_at.unwrap() - now();
    assert!((50..=60).contains(&wait.num_seconds()), "{wait}");
    assert_eq!(bot.messages().len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_chats_of_a_bot_are_found() {
    let bot = Telegram::start(TOKEN).unwrap();
    bot.chat(CHAT, "Дежурные");
    bot.chat(77, "Анна");
    for (chat, text) in [(CHAT, "/start"), (77, "/start"), (CHAT, "ещё раз")] {
        bot.says(chat, text);
    }
    let lent = lent(vec![("https://api.telegram.org".to_owned(), bot.base_url.clone())]);
    let ask = async |token: &str| telegram_chats(None, &Secret::new(token), &lent, &CancellationToken::new()).await;
    let found: Vec<_> = ask(TOKEN).await.unwrap().into_iter().map(|chat| (chat.id, chat.title, chat.private)).collect();
    assert_eq!(
        found,
        [("-100500".to_owned(), "Дежурные".to_owned(), false), ("77".to_owned(), "Анна".to_owned(), true)]
    );
    assert_eq!(ask("not-a-token").await.unwrap_err().code, Code::ChannelRejected);
    bot.set_webhook(true);
    assert_eq!(ask(TOKEN).await.unwrap_err().code, Code::MessageRefused);
}

#[tokio::test(flavor = "multi_thread")]
async fn slack_refuses_and_says_what_to_do() {
    let hooks = Slack::start(HOOK).unwrap();
    let messenger = slack(&hooks);
    for (state, code) in [(Webhook::Revoked, Code::ChannelRejected), (Webhook::Archived, Code::ChannelClosed)] {
        hooks.set(state);
        let failure = send(&*messenger, &urgent()).await.unwrap_err();
        assert_eq!(failure.code, code);
        silent_about(&failure, "plantedSlackWebhookKey01");
    }
    hooks.set(Webhook::Open);
    for (fault, code) in [
        (FaultKind::Throttle { hint: Hint::After { secs: 30 } }, Code::QuotaWait),
        (FaultKind::Throttle { hint: Hint::Body }, Code::QuotaWait),
        (FaultKind::ServerError { status: 500 }, Code::PlatformDown),
        (FaultKind::Reset, Code::Offline),
    ] {
        hooks.faults().clear();
        hooks.faults().add(Fault::once(fault));
        assert_eq!(send(&*messenger, &urgent()).await.unwrap_err().code, code);
    }
    assert_eq!(hooks.messages(), Vec::<serde_json::Value>::new());
    send(&*messenger, &urgent()).await.unwrap();
    assert_eq!(hooks.messages().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_server_refuses_and_says_what_to_do() {
    let post = Smtp::start("robot@agency.example", PASSWORD).unwrap();
    let failure = send(&*email(&post, "another password"), &urgent()).await.unwrap_err();
    assert_eq!((failure.code, failure.params["system"].as_str()), (Code::ChannelRejected, "smtp.example"));
    silent_about(&failure, "another password");
    let messenger = email(&post, PASSWORD);
    for (stage, line, code) in [
        (Stage::Greeting, "421 4.3.2 come back later", Code::PlatformDown),
        (Stage::Auth, "454 4.7.0 temporary authentication failure", Code::PlatformDown),
        (Stage::Rcpt, "550 5.1.1 no such user", Code::ChannelClosed),
        (Stage::Rcpt, "450 4.2.0 greylisted", Code::PlatformDown),
        (Stage::Data, "554 5.7.1 looks like spam", Code::MessageRefused),
    ] {
        post.refuse(stage, line);
        let failure = send(&*messenger, &urgent()).await.unwrap_err();
        assert_eq!(failure.code, code, "{line}: {failure}");
        silent_about(&failure, PASSWORD);
    }
    assert!(post.letters().is_empty());
    // A letter whose receipt was lost may be sent again by somebody: it has the same id, by which readers' programs know it.
    post.lose_next_answer();
    let message = urgent();
    assert_eq!(send(&*messenger, &message).await.unwrap_err().kind(), FailureKind::Retry);
    send(&*messenger, &message).await.unwrap();
    let ids: Vec<String> = post
        .letters()
        .iter()
        .map(|letter| letter.text.lines().find(|line| line.starts_with("Message-ID:")).unwrap().to_owned())
        .collect();
    assert_eq!((ids.len(), &ids[0]), (2, &ids[1]));
    drop(post);
    assert_eq!(send(&*messenger, &message).await.unwrap_err().code, Code::Offline);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_is_not_given_to_a_mail_server_that_does_not_encrypt() {
    let post = Smtp::start("robot@agency.example", PASSWORD).unwrap();
    for tls in [MailTls::Starttls, MailTls::Implicit] {
        // Named itself and not as a stand-in, so the rules of real servers hold: it offers no STARTTLS and speaks no TLS.
        let ChannelSettings::Email { user, from, to, .. } = mail() else { unreachable!() };
        let settings =
            ChannelSettings::Email { host: "127.0.0.1".to_owned(), port: post.address.port(), tls, user, from, to };
        let messenger = messenger("Дежурные", &settings, Some(&Secret::new(PASSWORD)), &lent(Vec::new())).unwrap();
        let failure = send(&*messenger, &urgent()).await.unwrap_err();
        assert_eq!(failure.code, Code::MailNotSecure, "{tls}: {failure}");
    }
    assert!(post.letters().is_empty());
}

#[test]
fn what_cannot_be_right_is_found_without_asking() {
    let check = |settings: &ChannelSettings, secret: &str| {
        let made = messenger("x", settings, Some(&Secret::new(secret)), &lent(Vec::new()));
        made.err().map(|failure| (failure.code, failure.params["field"].clone()))
    };
    let invalid = |field: &str| Some((Code::SettingInvalid, field.to_owned()));
    let telegram = |chat_id: &str, server: Option<&str>| ChannelSettings::Telegram {
        chat_id: chat_id.to_owned(),
        topic: None,
        server: server.map(str::to_owned),
    };
    for (settings, secret, fault) in [
        (telegram("-100", None), TOKEN, None),
        (telegram("@agency_alerts", None), TOKEN, None),
        (telegram("-100", Some("http://10.0.0.7:8081")), TOKEN, None),
        (telegram("agency", None), TOKEN, invalid("chat_id")),
        (telegram("@", None), TOKEN, invalid("chat_id")),
        (telegram("-100", Some("ftp://10.0.0.7")), TOKEN, invalid("server")),
        (telegram("-100", None), "", invalid("secret")),
        (ChannelSettings::Slack {}, "https://hooks.slack.com/services/T0/B0/x", None),
        (ChannelSettings::Slack {}, "https://hooks.slack.com.evil.example/services/T0/B0/x", invalid("secret")),
        (ChannelSettings::Slack {}, "http://hooks.slack.com/services/T0/B0/x", invalid("secret")),
        (ChannelSettings::Slack {}, "https://hooks.slack.com/", invalid("secret")),
        (ChannelSettings::Slack {}, "T0/B0/x", invalid("secret")),
    ] {
        assert_eq!(check(&settings, secret), fault, "{settings:?} {secret}");
    }
    let ChannelSettings::Email { host, port, tls, user, from, to } = mail() else { unreachable!() };
    let email = |host: &str, port, user: &str, from: &str, to: &[String]| ChannelSettings::Email {
        host: host.to_owned(),
        port,
        tls,
        user: user.to_owned(),
        from: from.to_owned(),
        to: to.to_vec(),
    };
    for (settings, fault) in [
        (email(&host, port, &user, &from, &to), None),
        (email("", port, &user, &from, &to), invalid("host")),
        (email("smtp.example/x", port, &user, &from, &to), invalid("host")),
        (email(&host, 0, &user, &from, &to), invalid("port")),
        (email(&host, port, " ", &from, &to), invalid("user")),
        (email(&host, port, &user, "nobody", &to), invalid("from")),
        (email(&host, port, &user, &from, &[]), invalid("to")),
        (email(&host, port, &user, &from, &["a@b.example\r\nBcc: c@d.example".to_owned()]), invalid("to")),
    ] {
        assert_eq!(check(&settings, PASSWORD), fault, "{settings:?}");
    }
}
