//! Templates: settings that connections of one system follow, and what that means. A connection's settings are always whole in the connection
//! itself, so that nothing that collects has to know of templates; following says only where they came from and which of them are its own.
//!
//! Pure functions: what a person is shown before anything is written is what is written afterwards.

use crate::{
    connection::Connection,
    id::TemplateId,
    settings::{Setting, Settings, SettingsChange},
};
use chrono::{DateTime, Utc};
use std::collections::BTreeSet;

/// Settings with a name, for connections of one system.
#[derive(Debug, Clone, PartialEq)]
pub struct Template {
    /// Identity.
    pub id: TemplateId,
    /// The connector's id, such as `vk_ads`.
    pub connector: String,
    /// The name people use; one of a system has it.
    pub name: String,
    /// What it gives.
    pub settings: Settings,
    /// When it was saved first.
    pub created_at: DateTime<Utc>,
}

/// That a connection follows a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Following {
    /// Which.
    pub template: TemplateId,
    /// Overrides: the settings in which the connection keeps a value of its own, whatever the template says.
    pub own: BTreeSet<Setting>,
}

/// How a template is given to connections.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Giving {
    /// The settings that are given. The others stay as they are, as the connection's own where the template says something else.
    pub settings: BTreeSet<Setting>,
    /// Whether the connection's own values stay; otherwise they are replaced.
    pub keep_own: bool,
}

impl Giving {
    /// Everything, and own values stay: how a changed template is rolled out.
    pub fn roll_out() -> Self {
        Self { settings: Setting::ALL.iter().copied().collect(), keep_own: true }
    }
    /// Nothing: the connection only follows from now on, and what differs is its own.
    pub fn nothing() -> Self {
        Self { settings: BTreeSet::new(), keep_own: true }
    }
}

/// What giving a template would make of one connection.
#[derive(Debug, Clone, PartialEq)]
pub struct Planned {
    /// The connection now.
    pub before: Connection,
    /// And then.
    pub after: Connection,
    /// The settings that change.
    pub changed: Vec<Setting>,
    /// The settings in which the template says something else and the connection keeps its own value.
    pub kept: Vec<Setting>,
}

impl Planned {
    /// Whether there is nothing to write: the connection is already all that it would be.
    pub fn is_idle(&self) -> bool {
        self.before.settings == self.after.settings && self.before.follows == self.after.follows
    }
}

impl Template {
    /// What giving it would make of a connection, which follows it from then on.
    pub fn plan(&self, before: Connection, giving: &Giving) -> Planned {
        let mut after = before.clone();
        let mut own = before.follows.as_ref().map(|follows| follows.own.clone()).unwrap_or_default();
        let mut planned = (Vec::new(), Vec::new());
        for setting in Setting::ALL.iter().copied() {
            let differs = before.settings.differs(&self.settings, setting);
            let given = giving.settings.contains(&setting);
            if given && !(giving.keep_own && own.contains(&setting)) {
                own.remove(&setting);
                if differs {
                    after.settings.take(&self.settings, setting);
                    planned.0.push(setting);
                }
            } else if differs {
                own.insert(setting);
                planned.1.push(setting);
            }
        }
        after.follows = Some(Following { template: self.id, own });
        Planned { before, after, changed: planned.0, kept: planned.1 }
    }

    /// What a person's changes of a connection that follows it make of it: a changed setting is the connection's own from now on, one that is
    /// set to what the template says is not, and those of `returned` go back to the template.
    pub fn with_changes(&self, before: &Connection, change: SettingsChange, returned: &[Setting]) -> Connection {
        let named = change.named();
        let mut after = Connection { settings: change.of(&before.settings), ..before.clone() };
        let mut own = before.follows.as_ref().map(|follows| follows.own.clone()).unwrap_or_default();
        for setting in named {
            if !after.settings.differs(&self.settings, setting) {
                own.remove(&setting);
            } else if after.settings.differs(&before.settings, setting) {
                own.insert(setting);
            }
        }
        for setting in returned {
            after.settings.take(&self.settings, *setting);
            own.remove(setting);
        }
        after.follows = Some(Following { template: self.id, own });
        after
    }

    /// The settings in which a connection that follows it still has what the template said formerly.
    pub fn behind(&self, connection: &Connection) -> Vec<Setting> {
        let mut behind = connection.settings.differences(&self.settings);
        behind.retain(|setting| connection.follows.as_ref().is_some_and(|follows| !follows.own.contains(setting)));
        behind
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        connection::ConnectionState,
        id::{ClientId, ConnectionId},
        money::{Currency, VatState},
        schedule::Schedule,
        settings::{InTotals, Lookback, StreamChoice, ZeroRows},
    };
    use Setting::{Lookbacks, Schedule as When, Streams, Vat};
    use proptest::{collection, prelude::*, sample};
    use std::collections::BTreeMap;

    type Set = &'static [Setting];

    fn template(settings: Settings) -> Template {
        Template {
            id: TemplateId::new(),
            connector: "vk_ads".to_owned(),
            name: "Shops".to_owned(),
            settings,
            created_at: DateTime::UNIX_EPOCH,
        }
    }

    fn connection(settings: Settings, follows: Option<Following>) -> Connection {
        Connection {
            id: ConnectionId::new(),
            client_id: ClientId::new(),
            connector: "vk_ads".to_owned(),
            account_external_id: "1".to_owned(),
            account_name: "romashka".to_owned(),
            currency: Currency::RUB,
            time_zone: "Europe/Moscow".to_owned(),
            config: serde_json::Map::new(),
            state: ConnectionState::Active,
            first_load_days: 90,
            settings,
            follows,
            created_at: DateTime::UNIX_EPOCH,
        }
    }

    fn streams(on: &[&str], off: &[&str]) -> Vec<StreamChoice> {
        let choice = |on| move |name: &&str| StreamChoice { name: (*name).to_owned(), on };
        on.iter().map(choice(true)).chain(off.iter().map(choice(false))).collect()
    }

    fn days(days: u32) -> BTreeMap<String, Lookback> {
        BTreeMap::from([("ads".to_owned(), Lookback { days, weekly_days: days })])
    }

    fn usual() -> Settings {
        Settings { streams: streams(&["ads"], &[]), lookbacks: days(7), ..Settings::default() }
    }

    #[test]
    fn streams_are_compared_by_what_is_read() {
        for (one, other, differs) in [
            (streams(&["a", "b"], &["c"]), streams(&["b", "a"], &[]), false),
            (streams(&[], &["a"]), streams(&[], &[]), false),
            (streams(&["a"], &[]), streams(&[], &["a"]), true),
            (streams(&["a"], &[]), streams(&["a", "b"], &[]), true),
        ] {
            let of = |streams: &Vec<StreamChoice>| Settings { streams: streams.clone(), ..Settings::default() };
            assert_eq!(of(&one).differs(&of(&other), Streams), differs, "{one:?} {other:?}");
            assert_eq!(of(&other).differs(&of(&one), Streams), differs, "{other:?} {one:?}");
        }
    }

    #[test]
    fn settings_of_before_there_was_a_setting_are_read_with_nobodys_choice() {
        let old: Settings = serde_json::from_str(r#"{"vat":"included","of_a_later_version":1}"#).unwrap_or_default();
        assert_eq!(old, Settings { vat: VatState::Included, ..Settings::default() });
        assert_eq!(old.schedule, Schedule::default());
    }

    #[test]
    fn giving_changes_what_differs_and_keeps_what_is_own() {
        // The template says: 14 days, by hand. The connection has 7 days, every morning, and what the third column names is its own.
        let said = Settings { lookbacks: days(14), schedule: Schedule::Off, ..usual() };
        let all = Setting::ALL;
        let table: [(&str, Set, bool, Set, Set, Set, Set); 7] = [
            // What, given settings, own values stay, own before, changed, kept, own after.
            ("a connection that follows nothing", all, true, &[], &[When, Lookbacks], &[], &[]),
            ("own values stay", all, true, &[Lookbacks], &[When], &[Lookbacks], &[Lookbacks]),
            ("own values are replaced", all, false, &[Lookbacks, Vat], &[When, Lookbacks], &[], &[]),
            ("an own value that says the same stays own", all, true, &[Vat], &[When, Lookbacks], &[], &[Vat]),
            ("one setting is given", &[When], true, &[], &[When], &[Lookbacks], &[Lookbacks]),
            ("one is given, own values are replaced", &[Lookbacks], false, &[Vat], &[Lookbacks], &[When], &[When, Vat]),
            ("nothing is given", &[], false, &[], &[], &[When, Lookbacks], &[When, Lookbacks]),
        ];
        for (name, given, keep_own, own, changed, kept, own_after) in table {
            let template = template(said.clone());
            let follows = (!own.is_empty())
                .then(|| Following { template: TemplateId::new(), own: own.iter().copied().collect() });
            let giving = Giving { settings: given.iter().copied().collect(), keep_own };
            let planned = template.plan(connection(usual(), follows), &giving);
            assert_eq!((&planned.changed[..], &planned.kept[..]), (changed, kept), "{name}");
            let own_after = own_after.iter().copied().collect();
            assert_eq!(planned.after.follows, Some(Following { template: template.id, own: own_after }), "{name}");
            assert_eq!(planned.before.settings.differences(&planned.after.settings), changed, "{name}");
            assert!(!planned.is_idle(), "{name}");
        }
    }

    #[test]
    fn what_a_person_changes_on_the_connection_is_its_own() {
        let change = |own| SettingsChange { lookbacks: Some(days(own)), ..SettingsChange::default() };
        let none = SettingsChange::default;
        let table: [(&str, u32, Set, SettingsChange, Set, u32, Set); 8] = [
            // What, lookback now, own before, changes, returned, lookback after, own after. The template says 14.
            ("changed", 14, &[], change(3), &[], 3, &[Lookbacks]),
            ("changed again", 3, &[Lookbacks], change(4), &[], 4, &[Lookbacks]),
            ("set to what the template says", 3, &[Lookbacks], change(14), &[], 14, &[]),
            ("own although the same, and set to it", 14, &[Lookbacks], change(14), &[], 14, &[]),
            ("sent as it was, while the template has moved on", 7, &[], change(7), &[], 7, &[]),
            ("returned", 3, &[Lookbacks, Vat], none(), &[Lookbacks], 14, &[Vat]),
            ("returned, though it was sent too", 3, &[Lookbacks], change(5), &[Lookbacks], 14, &[]),
            ("another setting was changed", 7, &[Vat], none(), &[], 7, &[Vat]),
        ];
        for (name, now, own, change, returned, after, own_after) in table {
            let template = template(Settings { lookbacks: days(14), ..usual() });
            let follows = Following { template: template.id, own: own.iter().copied().collect() };
            let before = connection(Settings { lookbacks: days(now), ..usual() }, Some(follows));
            let changed = template.with_changes(&before, change, returned);
            assert_eq!(changed.settings.lookbacks, days(after), "{name}");
            let own = changed.follows.map(|follows| follows.own).unwrap_or_default();
            assert_eq!(own, own_after.iter().copied().collect(), "{name}");
        }
    }

    prop_compose! {
        fn any_settings()(on in collection::vec(any::<bool>(), 0..3), when in 0..3_u8, own in 0..3_u32, vat in 0..3_u8, leaves in any::<bool>(), apart in any::<bool>()) -> Settings {
            Settings {
                streams: on.iter().zip(["a", "b", "c"]).map(|(on, name)| StreamChoice { name: name.to_owned(), on: *on }).collect(),
                schedule: match when {
                    0 => Schedule::Off,
                    1 => Schedule::Hourly { every: 4 },
                    _ => Schedule::default(),
                },
                lookbacks: days(own),
                vat: match vat {
                    0 => VatState::Included,
                    1 => VatState::Excluded,
                    _ => VatState::Unknown,
                },
                zero_rows: if leaves { ZeroRows::LeaveOut } else { ZeroRows::Keep },
                in_totals: if apart { InTotals::Apart } else { InTotals::Counts },
            }
        }
    }

    fn any_set() -> impl Strategy<Value = BTreeSet<Setting>> {
        sample::subsequence(Setting::ALL.to_vec(), 0..=Setting::ALL.len()).prop_map(|list| list.into_iter().collect())
    }

    proptest! {
        #[test]
        fn giving_is_what_it_says_and_doing_it_twice_is_doing_it_once(
            said in any_settings(), has in any_settings(), own in any_set(), settings in any_set(), keep_own: bool, follows: bool,
        ) {
            let template = template(said);
            let follows = follows.then_some(Following { template: template.id, own });
            let giving = Giving { settings, keep_own };
            let planned = template.plan(connection(has, follows.clone()), &giving);
            prop_assert_eq!(planned.before.settings.differences(&planned.after.settings), planned.changed.clone());
            prop_assert_eq!(template.settings.differences(&planned.after.settings), planned.kept.clone());
            // Nothing is left behind: what differs from the template is somebody's decision.
            prop_assert_eq!(template.behind(&planned.after), vec![]);
            for setting in follows.iter().flat_map(|follows| &follows.own).filter(|_| keep_own) {
                prop_assert!(!planned.changed.contains(setting), "{:?} was its own", setting);
            }
            let again = template.plan(planned.after.clone(), &Giving { keep_own: true, ..giving });
            prop_assert!(again.is_idle() && again.changed.is_empty());
            // Whatever a person does on the connection, the template's values come back.
            let back = template.with_changes(&planned.after, SettingsChange::default(), Setting::ALL);
            prop_assert_eq!(template.settings.differences(&back.settings), vec![]);
            prop_assert_eq!(back.follows.map(|follows| follows.own), Some(BTreeSet::new()));
        }
    }
}
