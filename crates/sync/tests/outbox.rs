//! What was told reaches every channel that wants it, once: over restarts, nights, full chats and weeks without a network. The post is
//! scripted; what real services do is `notify`'s affair.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

mod house;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use house::House;
use kit::{clock::Clock, testing::VirtualClock};
use model::{
    alert::{AlertKind, Severity, Telling},
    channel::{Channel, ChannelKind, ChannelSettings, ChannelWants, Language, QuietHours},
    date::DateRange,
    failure::{Code, Failure},
    id::{ChannelId, ClientId},
};
use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex},
};
use store::{alerts::Found, channels::KeptChannel};
use sync::outbox::{Outbox, Post};
use tokio_util::sync::CancellationToken;

/// Remembers what it carried and fails as it is told.
#[derive(Default)]
struct Scripted {
    carried: Mutex<Vec<Vec<i64>>>,
    outcomes: Mutex<VecDeque<Result<Option<ChannelSettings>, Failure>>>,
    /// Tellings that no service would take.
    poison: Mutex<Option<i64>>,
}

#[async_trait]
impl Post for Scripted {
    fn reaches(&self, kind: ChannelKind) -> bool {
        kind != ChannelKind::Desktop
    }
    async fn carry(
        &self,
        _channel: &Channel,
        tellings: &[Telling],
        _cancel: &CancellationToken,
    ) -> Result<Option<ChannelSettings>, Failure> {
        let numbers: Vec<i64> = tellings.iter().map(|telling| telling.number).collect();
        if self.poison.lock().unwrap().is_some_and(|poison| numbers.contains(&poison)) {
            return Err(Failure::new(Code::MessageRefused));
        }
        let outcome = self.outcomes.lock().unwrap().pop_front().unwrap_or(Ok(None));
        if outcome.is_ok() {
            self.carried.lock().unwrap().push(numbers);
        }
        outcome
    }
}

struct Room {
    house: House,
    clock: Arc<VirtualClock>,
    post: Arc<Scripted>,
    outbox: Arc<Outbox>,
    client: ClientId,
    /// Days for which something was found so far: each is another alert.
    found: Mutex<Vec<Found>>,
}

impl Room {
    async fn open() -> Self {
        let clock = VirtualClock::at("2026-11-20T09:00:00Z".parse().unwrap());
        clock.freeze();
        let house = House::with_clock(Arc::clone(&clock) as Arc<dyn Clock>).await;
        let client = house.store.connection(house.connection).await.unwrap().client_id;
        let post = Arc::new(Scripted::default());
        let outbox = Self::outbox(&house, &post, &clock);
        Self { house, clock, post, outbox, client, found: Mutex::default() }
    }

    fn outbox(house: &House, post: &Arc<Scripted>, clock: &Arc<VirtualClock>) -> Arc<Outbox> {
        Outbox::new(house.store.clone(), Arc::clone(post) as _, Arc::clone(clock) as _, Arc::new(|| ()))
    }

    fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    fn pass(&self, minutes: i64) {
        self.clock.advance(TimeDelta::minutes(minutes).to_std().unwrap());
    }

    async fn channel(&self, change: impl FnOnce(&mut Channel)) -> ChannelId {
        let mut channel = Channel {
            id: ChannelId::new(),
            name: "Дежурные".to_owned(),
            settings: ChannelSettings::Slack {},
            language: Language::Ru,
            time_zone: "Europe/Moscow".to_owned(),
            quiet: None,
            critical_at_night: false,
            wants: ChannelWants { critical: true, digest: Some(Severity::Notice), clients: None },
            enabled: true,
            created_at: self.now(),
        };
        change(&mut channel);
        self.house.store.insert_channel(&channel, &[7; 32]).await.unwrap();
        channel.id
    }

    async fn kept(&self, id: ChannelId) -> KeptChannel {
        self.house.store.channel(id).await.unwrap()
    }

    /// A new critical alert is found and told.
    async fn alarm(&self) {
        let day = "2026-11-01".parse::<chrono::NaiveDate>().unwrap();
        let found = {
            let mut found = self.found.lock().unwrap();
            let day = day + chrono::Days::new(found.len() as u64);
            found.push(Found {
                kind: AlertKind::EmptyDay,
                stream: None,
                days: DateRange::new(day, day).ok(),
                severity: Severity::Critical,
                params: BTreeMap::new(),
            });
            found.clone()
        };
        self.review(&found).await;
    }

    async fn review(&self, found: &[Found]) {
        let (store, id) = (&self.house.store, self.house.connection);
        store.review_alerts(id, &[AlertKind::EmptyDay], found, None, self.now()).await.unwrap();
    }

    async fn digest(&self, day: &str) {
        assert!(self.house.store.make_digest(self.client, day.parse().unwrap(), self.now()).await.unwrap());
    }

    /// What a look carries.
    async fn look(&self) -> Vec<Vec<i64>> {
        self.outbox.look(&CancellationToken::new()).await.unwrap();
        std::mem::take(&mut self.post.carried.lock().unwrap())
    }

    fn fails(&self, failures: impl IntoIterator<Item = Failure>) {
        self.post.outcomes.lock().unwrap().extend(failures.into_iter().map(Err));
    }
}

#[tokio::test]
async fn each_channel_gets_what_it_wants_once() {
    let room = Room::open().await;
    room.alarm().await;
    let all = room.channel(|_| ()).await;
    let stranger = ClientId::new();
    for wants in [
        ChannelWants { critical: false, digest: Some(Severity::Notice), clients: None },
        ChannelWants { critical: true, digest: None, clients: Some(vec![stranger]) },
    ] {
        room.channel(|channel| channel.wants = wants).await;
    }
    room.channel(|channel| channel.enabled = false).await;
    room.channel(|channel| channel.settings = ChannelSettings::Desktop {}).await;
    assert_eq!(room.look().await, Vec::<Vec<i64>>::new(), "what was told before a channel was made is not for it");
    room.alarm().await;
    assert_eq!(room.look().await, [[2]]);
    assert_eq!(room.look().await, Vec::<Vec<i64>>::new(), "it came twice");
    room.digest("2026-11-20").await;
    assert_eq!(room.look().await, [[3], [3]]);
    let chosen = room.channel(|channel| channel.wants.clients = Some(vec![room.client])).await;
    room.alarm().await;
    assert_eq!(room.look().await.len(), 2);
    assert!(room.kept(chosen).await.delivered_at.is_some() && room.kept(all).await.waiting == 0);
}

#[tokio::test]
async fn what_is_due_at_once_is_one_message() {
    let room = Room::open().await;
    room.channel(|_| ()).await;
    for _ in 0..3 {
        room.alarm().await;
    }
    room.digest("2026-11-20").await;
    assert_eq!(room.look().await, [[1, 2, 3, 4]]);
}

#[tokio::test]
async fn a_network_that_is_away_is_asked_less_and_less_often_and_nothing_is_lost_over_restarts() {
    let mut room = Room::open().await;
    let id = room.channel(|_| ()).await;
    room.alarm().await;
    room.fails((0..8).map(|_| Failure::new(Code::Offline)));
    let mut attempts = Vec::new();
    for minute in 0..=200 {
        let before = room.kept(id).await.failures;
        assert_eq!(room.look().await, Vec::<Vec<i64>>::new());
        let after = room.kept(id).await.failures;
        if after > before {
            attempts.push(minute);
            // Each attempt is made by another start of the program.
            room.outbox = Room::outbox(&room.house, &room.post, &room.clock);
        }
        room.pass(1);
    }
    assert_eq!(attempts, [0, 1, 3, 8, 23, 53, 113, 173]);
    let kept = room.kept(id).await;
    assert_eq!((kept.failure.map(|failure| failure.code), kept.waiting), (Some(Code::Offline), 1));
    room.pass(60);
    assert_eq!(room.look().await, [[1]]);
    let kept = room.kept(id).await;
    assert_eq!((kept.failure, kept.failures, kept.retry_at, kept.waiting), (None, 0, None, 0));
}

#[tokio::test]
async fn a_full_chat_is_left_alone_as_long_as_it_asks() {
    let room = Room::open().await;
    room.channel(|_| ()).await;
    room.alarm().await;
    room.fails([Failure::new(Code::QuotaWait).until(room.now() + TimeDelta::minutes(7))]);
    room.look().await;
    room.pass(6);
    room.alarm().await;
    assert_eq!(room.look().await, Vec::<Vec<i64>>::new(), "it was asked before its time");
    room.pass(1);
    assert_eq!(room.look().await, [[1, 2]]);
}

#[tokio::test]
async fn a_channel_that_a_person_must_mend_stops_and_goes_on_when_it_is_mended() {
    for code in [Code::ChannelRejected, Code::ChannelClosed, Code::MailNotSecure] {
        let room = Room::open().await;
        let id = room.channel(|_| ()).await;
        room.alarm().await;
        room.fails([Failure::new(code)]);
        room.look().await;
        room.pass(10_000);
        room.alarm().await;
        assert_eq!(room.look().await, Vec::<Vec<i64>>::new());
        let kept = room.kept(id).await;
        assert!(kept.stopped() && kept.waiting == 2, "{kept:?}");
        // A new start tries once, and once only.
        room.fails([Failure::new(code)]);
        room.house.store.retry_stopped_channels(room.now()).await.unwrap();
        room.look().await;
        assert_eq!(room.kept(id).await.failures, 2);
        assert_eq!(room.look().await, Vec::<Vec<i64>>::new());
        let channel = room.kept(id).await.channel;
        room.house.store.update_channel(&channel, room.now()).await.unwrap();
        assert_eq!(room.look().await, [[1, 2]]);
    }
}

#[tokio::test]
async fn nights_are_quiet_and_mornings_bring_one_message() {
    let room = Room::open().await;
    let hour = |hour| chrono::NaiveTime::from_hms_opt(hour, 0, 0).unwrap();
    let quiet = Some(QuietHours { from: hour(22), to: hour(8) });
    room.channel(|channel| channel.quiet = quiet).await;
    let loud = room
        .channel(|channel| {
            channel.quiet = quiet;
            channel.critical_at_night = true;
        })
        .await;
    room.clock.set("2026-11-20T20:00:00Z".parse().unwrap());
    room.alarm().await;
    room.digest("2026-11-20").await;
    assert_eq!(room.look().await, [[1]], "only the channel whose critical alerts may ring at night");
    assert_eq!(room.kept(loud).await.waiting, 1, "its digest waits");
    room.alarm().await;
    room.clock.set("2026-11-21T04:59:00Z".parse().unwrap());
    assert_eq!(room.look().await, [[3]]);
    room.clock.set("2026-11-21T05:00:00Z".parse().unwrap());
    let mut morning = room.look().await;
    morning.sort();
    assert_eq!(morning, [vec![1, 2, 3], vec![2]]);
}

#[tokio::test]
async fn a_week_with_the_lid_closed_is_not_twenty_stale_messages() {
    let room = Room::open().await;
    let id = room.channel(|_| ()).await;
    room.fails((0..3).map(|_| Failure::new(Code::Offline)));
    room.alarm().await;
    room.alarm().await;
    for day in 20..=26 {
        room.clock.set(format!("2026-11-{day}T06:00:00Z").parse().unwrap());
        room.digest(&format!("2026-11-{day}")).await;
        if day < 23 {
            room.look().await;
        }
    }
    // Meanwhile the first of the two is over.
    let second = room.found.lock().unwrap()[1].clone();
    room.review(&[second]).await;
    room.pass(60);
    assert_eq!(room.look().await, [[2, 9]], "the alarm whose facts hold, and the newest digest");
    assert_eq!(room.kept(id).await.waiting, 0);
}

#[tokio::test]
async fn one_message_that_cannot_be_said_does_not_hold_up_the_others() {
    let room = Room::open().await;
    let id = room.channel(|_| ()).await;
    for _ in 0..3 {
        room.alarm().await;
    }
    *room.post.poison.lock().unwrap() = Some(2);
    let mut carried = Vec::new();
    for _ in 0..300 {
        carried.extend(room.look().await);
        room.pass(1);
    }
    assert_eq!(carried, [[1], [3]]);
    assert_eq!(room.kept(id).await.waiting, 0, "the one is given up");
    room.alarm().await;
    assert_eq!(room.look().await, [[4]]);
}

#[tokio::test]
async fn a_place_that_has_moved_is_kept_and_one_that_is_switched_off_passes_over() {
    let room = Room::open().await;
    let id = room.channel(|_| ()).await;
    let moved = ChannelSettings::Telegram { chat_id: "-100".to_owned(), topic: None, server: None };
    room.post.outcomes.lock().unwrap().push_back(Ok(Some(moved.clone())));
    room.alarm().await;
    room.look().await;
    let channel = room.kept(id).await.channel;
    assert_eq!(channel.settings, moved);
    room.alarm().await;
    room.house.store.update_channel(&Channel { enabled: false, ..channel.clone() }, room.now()).await.unwrap();
    room.alarm().await;
    room.house.store.update_channel(&channel, room.now()).await.unwrap();
    assert_eq!(room.look().await, Vec::<Vec<i64>>::new(), "what came while it was off is not made up for");
    room.house.store.delete_channel(id).await.unwrap();
    room.alarm().await;
    assert_eq!(room.look().await, Vec::<Vec<i64>>::new());
}
