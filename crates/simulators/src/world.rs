//! The advertising world behind the simulators: agencies, client cabinets, campaigns, groups, ads and what they earned.
//!
//! It speaks no vendor's language, so the next simulators can show the same clients in other platforms. Objects are built
//! once from (seed, first day); figures are computed when asked (see `noise`). All schedules lie on absolute dates counted
//! from the first day: a simulator restarted tomorrow tells the same history plus one more day.
//! Money is integer kopecks, and a higher level is by definition the sum of its ads, so levels agree exactly.

use std::collections::HashMap;
use std::ops::{AddAssign, Range};

use chrono::{Datelike, Duration, Months, NaiveDate, NaiveDateTime, NaiveTime};
use serde::Serialize;

use crate::noise::{Draws, between, hash};

/// Where an object stands on a given day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// It may deliver.
    Active,
    /// Stopped by its owner.
    Stopped,
    /// Removed; its past figures remain.
    Deleted,
}

/// What a campaign is bought for; decides which events accompany its conversions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Aim {
    /// Visits and purchases on a site.
    Site,
    /// Lead forms inside the network.
    Leads,
    /// Members of a community.
    Community,
}

/// When an object lives and how it ends.
#[derive(Debug, Clone, Copy)]
pub struct Life {
    /// First day.
    pub starts: NaiveDate,
    /// Last day of delivery, when it has one.
    pub ends: Option<NaiveDate>,
    /// What becomes of it after `ends`.
    pub afterwards: Status,
}

impl Life {
    /// Whether the object exists on `today` at all.
    pub fn exists(&self, today: NaiveDate) -> bool {
        self.starts <= today
    }

    /// Its status on `today`.
    pub fn status(&self, today: NaiveDate) -> Status {
        if self.ends.is_some_and(|end| end < today) { self.afterwards } else { Status::Active }
    }

    /// Whether it may deliver on `day`.
    fn covers(&self, day: NaiveDate) -> bool {
        self.starts <= day && self.ends.is_none_or(|end| day <= end)
    }

    /// When it was last changed, as seen on `today`; `minute` is its own constant minute of the day.
    pub fn updated(&self, today: NaiveDate, minute: u32) -> NaiveDateTime {
        let day = match self.ends {
            Some(end) if end < today => end,
            _ => self.starts,
        };
        at_minute(day, minute)
    }

    /// When it was created.
    pub fn created(&self, minute: u32) -> NaiveDateTime {
        at_minute(self.starts, minute)
    }
}

/// A date with a minute of the day.
fn at_minute(day: NaiveDate, minute: u32) -> NaiveDateTime {
    let seconds = (minute % 1440) * 60 + minute % 60;
    day.and_time(NaiveTime::from_num_seconds_from_midnight_opt(seconds, 0).unwrap_or_default())
}

/// An agency and the key it was given for the interface.
#[derive(Debug, Clone)]
pub struct Agency {
    /// Number of its account.
    pub id: u64,
    /// Name shown to people.
    pub name: String,
    /// Sign-in name.
    pub login: String,
    /// Its cabinets, as places in `World::cabinets`.
    pub cabinets: Range<usize>,
}

/// One client's advertising cabinet.
#[derive(Debug, Clone)]
pub struct Cabinet {
    /// Number of the account.
    pub id: u64,
    /// Name of the business.
    pub name: String,
    /// Sign-in name.
    pub login: String,
    /// Place of its agency in `World::agencies`; none for an advertiser with a key of its own.
    pub agency: Option<usize>,
    /// Its campaigns, in order of id.
    pub campaigns: Vec<Campaign>,
    /// Its groups, in order of id.
    pub groups: Vec<Group>,
    /// Its ads, in order of id.
    pub ads: Vec<Ad>,
    /// Money left, kopecks.
    pub balance_kopecks: i64,
    trade: Trade,
}

/// A campaign.
#[derive(Debug, Clone)]
pub struct Campaign {
    /// Number.
    pub id: u64,
    /// Name, deliberately of every length and script.
    pub name: String,
    /// Life.
    pub life: Life,
    /// Aim.
    pub aim: Aim,
    /// Daily budget, kopecks.
    pub daily_budget_kopecks: i64,
    /// Minute of the day its changes carry.
    pub minute: u32,
    /// Its groups, as places in the cabinet.
    pub groups: Range<usize>,
    /// Its ads, as places in the cabinet.
    pub ads: Range<usize>,
    trend_permille_a_year: i64,
    order_kopecks: i64,
}

/// A group of ads.
#[derive(Debug, Clone)]
pub struct Group {
    /// Number.
    pub id: u64,
    /// Name.
    pub name: String,
    /// Life.
    pub life: Life,
    /// Place of its campaign in the cabinet.
    pub campaign: usize,
    /// Minute of the day its changes carry.
    pub minute: u32,
    /// Its ads, as places in the cabinet.
    pub ads: Range<usize>,
}

/// An ad.
#[derive(Debug, Clone)]
pub struct Ad {
    /// Number.
    pub id: u64,
    /// Name.
    pub name: String,
    /// Headline.
    pub title: String,
    /// Text.
    pub text: String,
    /// Landing page.
    pub url: String,
    /// Life.
    pub life: Life,
    /// Place of its group in the cabinet.
    pub group: usize,
    /// Place of its campaign in the cabinet.
    pub campaign: usize,
    /// Minute of the day its changes carry.
    pub minute: u32,
    daily_impressions: i64,
    cpm_kopecks: i64,
    click_ppm: i64,
    conversion_ppm: i64,
}

/// What happened on a day or over days.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Figures {
    /// Impressions.
    pub impressions: i64,
    /// Clicks.
    pub clicks: i64,
    /// Money spent, kopecks.
    pub spend_kopecks: i64,
    /// Conversions.
    pub conversions: i64,
    /// Value of the conversions, kopecks.
    pub revenue_kopecks: i64,
}

impl AddAssign for Figures {
    fn add_assign(&mut self, other: Self) {
        self.impressions += other.impressions;
        self.clicks += other.clicks;
        self.spend_kopecks += other.spend_kopecks;
        self.conversions += other.conversions;
        self.revenue_kopecks += other.revenue_kopecks;
    }
}

/// A day with everything about it that does not depend on the ad.
#[derive(Debug, Clone, Copy)]
pub struct Day {
    /// Date.
    pub date: NaiveDate,
    number: u64,
    since_first: i64,
    weekday: usize,
    month: usize,
    age_days: i64,
}

/// How large a world to build.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WorldSize {
    /// Agencies (up to the number of prepared names).
    pub agencies: usize,
    /// Cabinets of each agency.
    pub cabinets_per_agency: usize,
    /// Advertisers with a key of their own.
    pub advertisers: usize,
    /// Campaigns in a cabinet.
    pub campaigns: usize,
    /// Groups in a campaign; varies by one in a varied world.
    pub groups: usize,
    /// Ads in a group; varies by two in a varied world.
    pub ads: usize,
    /// Varied lives (new, stopped, deleted) as in a real account, their beginnings scattered over this many days from the
    /// first one; without it everything runs from the first day, which makes row counts round.
    pub varied_over_days: Option<u32>,
}

/// The whole world.
#[derive(Debug)]
pub struct World {
    seed: u64,
    /// The first day that has figures.
    pub first_day: NaiveDate,
    /// Agencies.
    pub agencies: Vec<Agency>,
    /// Cabinets of agencies first, then those of advertisers of their own.
    pub cabinets: Vec<Cabinet>,
    campaigns_by_id: HashMap<u64, Place>,
    groups_by_id: HashMap<u64, Place>,
    ads_by_id: HashMap<u64, Place>,
}

/// Where an object lies: cabinet and place in it.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    /// Place of the cabinet.
    pub cabinet: usize,
    /// Place in the cabinet's list.
    pub index: usize,
}

/// Levels of the tree at which figures are asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// The cabinet itself.
    Cabinet,
    /// Campaigns.
    Campaign,
    /// Groups.
    Group,
    /// Ads.
    Ad,
}

/// The share of a day that has happened when one looks at "today". Constant, so that truth does not move by the minute.
const TODAY_PERMILLE: i64 = 420;
/// Days during which clicks and spend still get smaller while fraud is taken out.
const CORRECTION_DAYS: i64 = 3;
/// How much of a day's conversions is known after so many days: (age, permille). The platform attributes up to 30 days late.
const RIPENESS: [(i64, i64); 11] =
    [(0, 330), (1, 520), (2, 620), (3, 690), (4, 740), (5, 780), (7, 840), (10, 890), (14, 930), (21, 970), (30, 1000)];

/// A kind of business: its week and its year, in permille of an average day.
#[derive(Debug, Clone, Copy)]
struct Trade {
    week: [i64; 7],
    year: [i64; 12],
}

const SHOP: Trade = Trade {
    week: [960, 940, 950, 980, 1080, 1120, 970],
    year: [820, 980, 1120, 940, 900, 880, 860, 950, 1020, 1060, 1250, 1380],
};
const BUILDING: Trade = Trade {
    week: [1150, 1140, 1120, 1080, 1000, 700, 640],
    year: [640, 760, 980, 1200, 1290, 1240, 1180, 1140, 1100, 960, 800, 640],
};
const CLINIC: Trade = Trade {
    week: [1180, 1120, 1080, 1040, 960, 840, 700],
    year: [960, 1080, 1120, 1040, 860, 820, 800, 880, 1100, 1140, 1120, 1000],
};
const CAFE: Trade = Trade {
    week: [820, 840, 880, 960, 1200, 1300, 1080],
    year: [900, 960, 1020, 1000, 1060, 1080, 1040, 1020, 980, 960, 960, 1180],
};

/// Prepared businesses: name, sign-in name, landing host, trade.
const BUSINESSES: [(&str, &str, &str, Trade); 8] = [
    ("Ромашка", "romashka", "romashka-cvety.example", SHOP),
    ("СтройДом", "stroydom", "stroydom.example", BUILDING),
    ("Клиника Альфа", "klinika_alfa", "klinika-alfa.example", CLINIC),
    ("Окна Север", "okna_sever", "okna-sever.example", BUILDING),
    ("Кофейня Зерно", "kofe_zerno", "kofe-zerno.example", CAFE),
    ("Детский клуб «Ёжик»", "klub_ezhik", "ezhik-club.example", CLINIC),
    ("Автошкола Вираж", "avto_virazh", "virazh.example", CLINIC),
    ("ООО «Торговый дом „Мебель & Свет“ — Санкт-Петербург»", "mebel_svet", "mebel-svet.example", SHOP),
];
const AGENCIES: [(&str, &str); 2] =
    [("Агентство «Медиа Точка»", "media_tochka"), ("Digital-бюро «Вектор»", "bureau_vektor")];
const THEMES: [&str; 14] = [
    "Ретаргетинг — посетители сайта",
    "Широкая аудитория",
    "Похожие на покупателей (LAL 3 %)",
    "Акция выходного дня",
    "Бренд",
    "Лид-форма: консультация",
    "Подписка на сообщество",
    "Каталог / динамика",
    "Весенняя распродажа −30 %",
    "Конкуренты",
    "Интересы: ремонт и дом",
    "Новинки 🌷",
    "Видео 15 сек",
    "Сезонное предложение",
];
const AUDIENCES: [&str; 10] = [
    "Ж 25–34, Москва",
    "М 25–44, МО",
    "Ж 35–54, Санкт-Петербург",
    "Все 18–65, Россия",
    "Ретаргет 30 дней",
    "Корзина 7 дней",
    "LAL покупатели",
    "Сообщества конкурентов",
    "Гео 3 км от точки",
    "Интерес: подарки",
];
const CREATIVES: [&str; 10] = [
    "Баннер 1080×1080 v1",
    "Баннер 1080×1080 v2",
    "Карусель 5 карточек",
    "Видео 9:16",
    "Видео 1:1 с субтитрами",
    "Статичное фото",
    "UGC-ролик",
    "Промопост",
    "Универсальная запись",
    "Текст «Скидка сегодня»",
];
/// Names as people really leave them: blank edges, markup, quotes, tabs, another script, and the longest the vendor accepts.
const ODD_NAMES: [&str; 6] = [
    "  копия копия (2) новая кампания  ",
    "<b>Тест</b> & \"кавычки\" 'и' `апострофы`; DROP TABLE",
    "Կարmen 花屋 — 🌸🌷💐 — שלום",
    "Очень длинное название, в которое специалист записал гипотезу целиком: аудитория посетителей сайта за 180 дней без покупок, \
     исключая заявки из CRM, креативы второй волны, ставка по максимуму целей, посадочная без квиза, менеджер Анна, согласовано 14",
    "тест\tтабуляция",
    "=СУММ(A1:A9)",
];

impl World {
    /// Builds the objects. The same arguments give the same world.
    pub fn build(seed: u64, first_day: NaiveDate, size: &WorldSize) -> Self {
        let mut world = Self {
            seed,
            first_day,
            agencies: Vec::new(),
            cabinets: Vec::new(),
            campaigns_by_id: HashMap::new(),
            groups_by_id: HashMap::new(),
            ads_by_id: HashMap::new(),
        };
        let mut numbers = Numbers { campaign: 6_617_840, group: 91_367_300, ad: 123_826_900 };
        for (place, &(name, login)) in AGENCIES.iter().enumerate().take(size.agencies) {
            let from = world.cabinets.len();
            for _ in 0..size.cabinets_per_agency {
                world.add_cabinet(Some(place), size, &mut numbers);
            }
            world.agencies.push(Agency {
                id: 17_000_001 + place as u64 * 1_000,
                name: name.to_owned(),
                login: login.to_owned(),
                cabinets: from..world.cabinets.len(),
            });
        }
        for _ in 0..size.advertisers {
            world.add_cabinet(None, size, &mut numbers);
        }
        world
    }

    fn add_cabinet(&mut self, agency: Option<usize>, size: &WorldSize, numbers: &mut Numbers) {
        let place = self.cabinets.len();
        let (name, login, host, trade) = BUSINESSES[place % BUSINESSES.len()];
        // More cabinets than names repeat a name with a number, so that names stay distinct.
        let round = place / BUSINESSES.len();
        let suffix = if round == 0 { String::new() } else { format!("{}", round + 1) };
        let id = 17_600_010 + place as u64 * 137;
        let mut draws = Draws::new(self.seed, id);
        let mut cabinet = Cabinet {
            id,
            name: if suffix.is_empty() { name.to_owned() } else { format!("{name} {suffix}") },
            login: format!("{login}{suffix}"),
            agency,
            campaigns: Vec::new(),
            groups: Vec::new(),
            ads: Vec::new(),
            balance_kopecks: draws.between(200_000, 30_000_000),
            trade,
        };
        for position in 0..size.campaigns {
            add_campaign(&mut cabinet, position, host, self.first_day, size, &mut draws, numbers);
        }
        let at = |index| Place { cabinet: place, index };
        self.campaigns_by_id.extend(cabinet.campaigns.iter().enumerate().map(|(i, it)| (it.id, at(i))));
        self.groups_by_id.extend(cabinet.groups.iter().enumerate().map(|(i, it)| (it.id, at(i))));
        self.ads_by_id.extend(cabinet.ads.iter().enumerate().map(|(i, it)| (it.id, at(i))));
        self.cabinets.push(cabinet);
    }

    /// The cabinet with this number.
    pub fn cabinet(&self, id: u64) -> Option<usize> {
        self.cabinets.iter().position(|cabinet| cabinet.id == id)
    }

    /// Where the object of this level and number lies.
    pub fn find(&self, level: Level, id: u64) -> Option<Place> {
        match level {
            Level::Cabinet => self.cabinet(id).map(|cabinet| Place { cabinet, index: 0 }),
            Level::Campaign => self.campaigns_by_id.get(&id).copied(),
            Level::Group => self.groups_by_id.get(&id).copied(),
            Level::Ad => self.ads_by_id.get(&id).copied(),
        }
    }

    /// The ads under an object.
    pub fn ads_under(&self, level: Level, place: Place) -> Range<usize> {
        let cabinet = &self.cabinets[place.cabinet];
        match level {
            Level::Cabinet => 0..cabinet.ads.len(),
            Level::Campaign => cabinet.campaigns[place.index].ads.clone(),
            Level::Group => cabinet.groups[place.index].ads.clone(),
            Level::Ad => place.index..place.index + 1,
        }
    }

    /// Whether the object exists on `today`.
    pub fn exists(&self, level: Level, place: Place, today: NaiveDate) -> bool {
        let cabinet = &self.cabinets[place.cabinet];
        match level {
            Level::Cabinet => true,
            Level::Campaign => cabinet.campaigns[place.index].life.exists(today),
            Level::Group => cabinet.groups[place.index].life.exists(today),
            Level::Ad => cabinet.ads[place.index].life.exists(today),
        }
    }

    /// The days of a range as seen on `today`; later days do not exist yet and are left out.
    pub fn days(&self, from: NaiveDate, to: NaiveDate, today: NaiveDate) -> Vec<Day> {
        let last = to.min(today);
        let mut days = Vec::new();
        let mut date = from;
        while date <= last {
            days.push(Day {
                date,
                number: u64::try_from(date.num_days_from_ce()).unwrap_or(0),
                since_first: (date - self.first_day).num_days(),
                weekday: date.weekday().num_days_from_monday() as usize,
                month: date.month0() as usize,
                age_days: (today - date).num_days(),
            });
            date += Duration::days(1);
        }
        days
    }

    /// What an ad did on a day, as the platform knows it on the day's "today".
    pub fn figures(&self, cabinet: &Cabinet, ad: &Ad, day: &Day) -> Figures {
        if day.since_first < 0 || !ad.life.covers(day.date) {
            return Figures::default();
        }
        let campaign = &cabinet.campaigns[ad.campaign];
        let week_number = day.number / 7;
        // A specialist pauses a campaign for a week now and then, and an ad loses a day to moderation.
        if hash(self.seed, campaign.id, 0x5000_0000 + week_number) % 100 < 4 {
            return Figures::default();
        }
        let luck = hash(self.seed, ad.id, day.number);
        if luck % 100 < 3 {
            return Figures::default();
        }
        let trend = (1000 + campaign.trend_permille_a_year * day.since_first / 365).clamp(350, 2600);
        let burst = if hash(self.seed, cabinet.id, 0x6000_0000 + day.number).is_multiple_of(170) { 2400 } else { 1000 };
        let noise = between(luck >> 8, 720, 1280);
        let mut impressions =
            ad.daily_impressions * cabinet.trade.week[day.weekday] / 1000 * cabinet.trade.year[day.month] / 1000
                * trend
                / 1000
                * burst
                / 1000
                * noise
                / 1000;
        if day.age_days == 0 {
            impressions = impressions * TODAY_PERMILLE / 1000;
        }
        let dice = hash(self.seed ^ 0x51CC, ad.id, day.number);
        let clicks = (impressions * ad.click_ppm + between(dice, 0, 999_999)) / 1_000_000;
        let price = ad.cpm_kopecks * between(dice >> 20, 850, 1150) / 1000;
        let spend = (impressions * price + between(dice >> 30, 0, 999)) / 1000;
        let outcome = hash(self.seed ^ 0xC04, ad.id, day.number);
        let eventual = (clicks * ad.conversion_ppm + between(outcome, 0, 999_999)) / 1_000_000;
        // The threshold is constant for the day, so known conversions only grow and end exactly at the eventual number.
        let conversions = (eventual * ripeness(day.age_days) + between(outcome >> 24, 0, 999)) / 1000;
        let suspicious = (clicks * 35 + between(dice >> 40, 0, 999)) / 1000;
        let uncorrected = (CORRECTION_DAYS - day.age_days).clamp(0, CORRECTION_DAYS);
        let extra_clicks = (suspicious * uncorrected + between(dice >> 50, 0, CORRECTION_DAYS - 1)) / CORRECTION_DAYS;
        let extra_spend = if clicks == 0 { 0 } else { extra_clicks * spend / clicks };
        Figures {
            impressions,
            clicks: clicks + extra_clicks,
            spend_kopecks: spend + extra_spend,
            conversions: conversions.min(eventual),
            revenue_kopecks: conversions.min(eventual) * campaign.order_kopecks,
        }
    }
}

/// The first day a world has by default: the start of a half-year that lies at least eighteen months back. It moves twice a
/// year and not daily, so that history stays the same between restarts.
pub fn default_first_day(today: NaiveDate) -> NaiveDate {
    let back = today.checked_sub_months(Months::new(18)).unwrap_or(today);
    let month = if back.month() <= 6 { 1 } else { 7 };
    NaiveDate::from_ymd_opt(back.year(), month, 1).unwrap_or(back)
}

/// Permille of a day's conversions that are known at this age.
fn ripeness(age_days: i64) -> i64 {
    RIPENESS.iter().rev().find(|(age, _)| *age <= age_days).map_or(0, |(_, permille)| *permille)
}

/// The next free numbers of each kind.
struct Numbers {
    campaign: u64,
    group: u64,
    ad: u64,
}

fn add_campaign(
    cabinet: &mut Cabinet,
    position: usize,
    host: &str,
    first_day: NaiveDate,
    size: &WorldSize,
    draws: &mut Draws,
    numbers: &mut Numbers,
) {
    numbers.campaign += u64::try_from(draws.between(1, 40)).unwrap_or(1);
    let theme = THEMES[position % THEMES.len()];
    // One campaign in nine carries an odd name; the offset makes each cabinet meet different ones.
    let odd = position % 9 == 4;
    let name = if odd {
        ODD_NAMES[(position / 9 + usize::try_from(cabinet.id % 6).unwrap_or(0)) % ODD_NAMES.len()].to_owned()
    } else if position < THEMES.len() {
        theme.to_owned()
    } else {
        format!("{theme} #{}", position / THEMES.len() + 1)
    };
    let aim = match theme {
        "Лид-форма: консультация" => Aim::Leads,
        "Подписка на сообщество" => Aim::Community,
        _ => Aim::Site,
    };
    let span = size.varied_over_days.map(i64::from);
    let life = span.map_or_else(|| endless(first_day), |span| campaign_life(position, first_day, span, draws));
    let mut campaign = Campaign {
        id: numbers.campaign,
        name,
        life,
        aim,
        daily_budget_kopecks: draws.between(10, 200) * 50_000,
        minute: u32::try_from(draws.between(540, 1139)).unwrap_or(540),
        groups: cabinet.groups.len()..cabinet.groups.len(),
        ads: cabinet.ads.len()..cabinet.ads.len(),
        trend_permille_a_year: draws.between(-250, 450),
        order_kopecks: draws.between(6, 40) * 10_000,
    };
    let place = cabinet.campaigns.len();
    let spread = |draws: &mut Draws, mean: usize, by: i64| {
        let wanted = i64::try_from(mean).unwrap_or(1) + if span.is_some() { draws.between(-by, by) } else { 0 };
        usize::try_from(wanted.max(1)).unwrap_or(1)
    };
    for _ in 0..spread(draws, size.groups, 1) {
        numbers.group += u64::try_from(draws.between(1, 30)).unwrap_or(1);
        let group_life = span.map_or(life, |span| inside(&life, span / 75, span, draws));
        let from = cabinet.ads.len();
        let audience = draws.pick(&AUDIENCES);
        let group_place = cabinet.groups.len();
        for _ in 0..spread(draws, size.ads, 2) {
            numbers.ad += u64::try_from(draws.between(1, 12)).unwrap_or(1);
            let creative = draws.pick(&CREATIVES);
            cabinet.ads.push(Ad {
                id: numbers.ad,
                name: format!("{creative} | {audience}"),
                title: format!("{}: {}", cabinet.name, theme),
                text: "Успейте до конца месяца. Подробности на сайте.".to_owned(),
                url: format!("https://{host}/?utm_source=vk&utm_campaign={}&utm_content={}", campaign.id, numbers.ad),
                life: span.map_or(life, |span| inside(&group_life, span / 20, span, draws)),
                group: group_place,
                campaign: place,
                minute: u32::try_from(draws.between(540, 1139)).unwrap_or(540),
                daily_impressions: draws.between(120, 2600),
                cpm_kopecks: draws.between(9_000, 28_000),
                click_ppm: draws.between(2_500, 15_000),
                conversion_ppm: draws.between(8_000, 75_000),
            });
        }
        cabinet.groups.push(Group {
            id: numbers.group,
            name: audience.to_owned(),
            life: group_life,
            campaign: place,
            minute: u32::try_from(draws.between(540, 1139)).unwrap_or(540),
            ads: from..cabinet.ads.len(),
        });
    }
    campaign.groups.end = cabinet.groups.len();
    campaign.ads.end = cabinet.ads.len();
    cabinet.campaigns.push(campaign);
}

fn endless(first_day: NaiveDate) -> Life {
    Life { starts: first_day, ends: None, afterwards: Status::Stopped }
}

/// A third of the campaigns runs from the beginning, the others start within the span, some of them in the future.
fn campaign_life(position: usize, first_day: NaiveDate, span: i64, draws: &mut Draws) -> Life {
    let offset = if position.is_multiple_of(3) { draws.between(0, span / 45) } else { draws.between(span / 90, span) };
    let starts = first_day + Duration::days(offset);
    let ends = (!draws.chance(35)).then(|| starts + Duration::days(draws.between(span / 20, span * 4 / 9)));
    Life { starts, ends, afterwards: fate(draws) }
}

/// A life that begins up to `late` days after its parent's and ends no later.
fn inside(parent: &Life, late: i64, span: i64, draws: &mut Draws) -> Life {
    let mut starts = parent.starts + Duration::days(draws.between(0, late));
    let own = draws.chance(45).then(|| starts + Duration::days(draws.between(span / 45, span * 13 / 45)));
    let ends = match (parent.ends, own) {
        (Some(theirs), Some(mine)) => Some(theirs.min(mine)),
        (theirs, mine) => theirs.or(mine),
    };
    if let Some(end) = ends {
        starts = starts.min(end);
    }
    let own_fate = fate(draws);
    // What lay in a removed campaign is removed with it.
    let afterwards =
        if ends == parent.ends && parent.afterwards == Status::Deleted { Status::Deleted } else { own_fate };
    Life { starts, ends, afterwards }
}

/// What becomes of an object when it stops: most are paused, some removed, some stay "active" with their budget spent.
fn fate(draws: &mut Draws) -> Status {
    match draws.between(0, 99) {
        0..=59 => Status::Stopped,
        60..=84 => Status::Deleted,
        _ => Status::Active,
    }
}
