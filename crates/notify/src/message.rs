//! One message of everything that is due for a channel at one moment. Twenty digests in the morning, or what gathered while a laptop
//! slept, are one message with a heading per client, because a person reads one and twenty are noise.

use crate::{
    format::Format,
    words::{self, ALERTS, CLIENTS},
};
use chrono::{DateTime, Utc};
use model::{
    alert::{Severity, Telling, TellingKind, ToldAlert},
    channel::{Channel, Language},
    id::AlertId,
};
use std::collections::HashSet;

/// Longer names and sentences are cut: a name of a thousand letters is somebody's accident, not news.
const LONGEST: usize = 300;

/// A message in no service's markup. All texts are plain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Which message it is: the same again has the same one. Mail knows a message by it.
    pub id: String,
    /// Its language, for services that ask.
    pub language: Language,
    /// What it is about, in one line.
    pub title: String,
    /// Its parts, the most urgent first.
    pub groups: Vec<Group>,
    /// The last line.
    pub foot: Option<String>,
    /// Whether something critical is in it that is not over.
    pub urgent: bool,
}

/// What one client's part is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// The client; empty when the title says it.
    pub heading: String,
    /// What there is to say.
    pub items: Vec<Item>,
}

/// One alert.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// How urgent it is; `None` when it is over, or is no alert.
    pub severity: Option<Severity>,
    /// The word of that.
    pub mark: String,
    /// What it is.
    pub headline: String,
    /// System and account.
    pub place: String,
    /// What happened.
    pub text: String,
    /// What to do.
    pub action: Option<String>,
}

impl Message {
    /// How many items it has.
    pub fn len(&self) -> usize {
        self.groups.iter().map(|group| group.items.len()).sum()
    }
    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Makes the message of these tellings, in their order, for the readers of a channel; `None` when nothing in them is for this channel.
/// `system` names a connector.
pub fn compose(
    channel: &Channel,
    tellings: &[Telling],
    system: &dyn Fn(&str, Language) -> String,
    now: DateTime<Utc>,
) -> Option<Message> {
    let format = Format::new(channel.language, &channel.time_zone, now);
    let wanted = |kind: TellingKind, alert: &ToldAlert| match kind {
        TellingKind::Critical => channel.wants.critical,
        TellingKind::Digest => channel.wants.digest.is_some_and(|least| alert.severity <= least),
    };
    // The newest telling knows best how an alert stands.
    let mut seen: HashSet<AlertId> = HashSet::new();
    let mut news: Vec<&ToldAlert> = Vec::new();
    for telling in tellings.iter().rev() {
        news.extend(
            telling.alerts.iter().filter(|alert| wanted(telling.kind, alert)).filter(|alert| seen.insert(alert.id)),
        );
    }
    news.sort_by_key(|alert| (words::is_over(alert), alert.severity, alert.opened_at, alert.id));
    let mut groups: Vec<Group> = Vec::new();
    for alert in &news {
        let client = cut(&alert.client_name);
        let item = item(alert, system, format);
        match groups.iter_mut().find(|group| group.heading == client) {
            Some(group) => group.items.push(item),
            None => groups.push(Group { heading: client, items: vec![item] }),
        }
    }
    let first = news.first()?;
    let open = i64::try_from(news.iter().filter(|alert| !words::is_over(alert)).count()).unwrap_or(i64::MAX);
    let clients = i64::try_from(groups.len()).unwrap_or(i64::MAX);
    let digest = tellings.iter().rev().find(|telling| telling.kind == TellingKind::Digest);
    let date = digest.and_then(|digest| digest.date).map(|date| format.day(date));
    let who = if clients == 1 { cut(&first.client_name) } else { format.counted(clients, CLIENTS) };
    let title = match (date, news.len(), format.language) {
        (Some(date), _, Language::Ru) => format!("Сводка за {date}: {who}"),
        (Some(date), _, Language::En) => format!("Digest of {date}: {who}"),
        (None, 1, _) => format!("{who}: {}", words::lower(words::headline(first.kind, format))),
        (None, ..) => format!("{who}: {}", format.counted(open, ALERTS)),
    };
    if clients == 1 {
        for group in &mut groups {
            group.heading.clear();
        }
    }
    Some(Message {
        id: tellings.last()?.id.to_string(),
        language: channel.language,
        title,
        urgent: news.iter().any(|alert| alert.severity == Severity::Critical && !words::is_over(alert)),
        groups,
        foot: None,
    })
}

/// What a test of a channel brings.
pub fn test(channel: &Channel, now: DateTime<Utc>) -> Message {
    let format = Format::new(channel.language, &channel.time_zone, now);
    let item = Item {
        severity: None,
        mark: format.say("Проверка", "Test").to_owned(),
        headline: format.say("Канал работает", "The channel works").to_owned(),
        place: cut(&channel.name),
        text: format!(
            "{} {}.",
            format.say("Сюда будут приходить предупреждения. Отправлено", "Alerts will arrive here. Sent on"),
            format.moment(now)
        ),
        action: None,
    };
    Message {
        id: format!("test-{}-{}", channel.id, now.timestamp_millis()),
        language: channel.language,
        title: format.say("Проверка канала Syncdeck", "Test of a Syncdeck channel").to_owned(),
        groups: vec![Group { heading: String::new(), items: vec![item] }],
        foot: None,
        urgent: false,
    }
}

fn item(alert: &ToldAlert, system: &dyn Fn(&str, Language) -> String, format: Format) -> Item {
    let over = words::is_over(alert);
    Item {
        severity: (!over).then_some(alert.severity),
        mark: if over { format.say("Улажено", "Settled") } else { words::severity(alert.severity, format) }.to_owned(),
        headline: words::headline(alert.kind, format).to_owned(),
        place: format!("{} · {}", system(&alert.connector, format.language), cut(&alert.account_name)),
        text: if over { words::settled(format).to_owned() } else { cut(&words::sentence(alert, format)) },
        action: (!over).then(|| words::action(alert.action, format).to_owned()),
    }
}

/// One line of at most [`LONGEST`] letters.
fn cut(text: &str) -> String {
    let line: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= LONGEST {
        return line;
    }
    line.chars().take(LONGEST - 1).chain(['…']).collect()
}
