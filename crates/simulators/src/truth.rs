//! What the figures really are, told from the world alone.
//!
//! No reply of the simulator passes through here: totals are summed straight from ads, so an error in paging, grouping or
//! writing of replies shows as a difference instead of cancelling out.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{Duration, NaiveDate};
use serde::Serialize;

use crate::world::{Day, Figures, Level, Place, World};

/// The truth as of one simulated day.
#[derive(Debug, Clone)]
pub struct Truth {
    world: Arc<World>,
    today: NaiveDate,
}

/// How many objects of a level there are and how many daily rows they give.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Rows {
    /// Objects that exist on the simulated day, stopped and deleted ones included.
    pub objects: u64,
    /// Rows of the range: every object has one for every day up to the simulated one.
    pub rows: u64,
    /// Rows with at least one impression.
    pub rows_with_delivery: u64,
}

/// The truth of one cabinet over a range.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CabinetTruth {
    /// Number of the account.
    pub cabinet: u64,
    /// Name of the business.
    pub name: String,
    /// Name of its agency.
    pub agency: Option<String>,
    /// First day of the range.
    pub from: NaiveDate,
    /// Last day of the range.
    pub to: NaiveDate,
    /// Totals; the same on every level.
    pub totals: Figures,
    /// Campaigns.
    pub campaigns: Rows,
    /// Groups.
    pub ad_groups: Rows,
    /// Ads.
    pub ads: Rows,
}

impl Truth {
    /// The truth of a world as of a day.
    pub(crate) fn new(world: Arc<World>, today: NaiveDate) -> Self {
        Self { world, today }
    }

    /// The simulated day.
    pub fn today(&self) -> NaiveDate {
        self.today
    }

    /// The truth as the platform told it on another day: conversions that came later and corrections made since are not in it.
    #[must_use]
    pub fn as_of(&self, today: NaiveDate) -> Self {
        Self { world: Arc::clone(&self.world), today }
    }

    /// The first day that has figures.
    pub fn first_day(&self) -> NaiveDate {
        self.world.first_day
    }

    /// Numbers of all cabinets.
    pub fn cabinets(&self) -> Vec<u64> {
        self.world.cabinets.iter().map(|cabinet| cabinet.id).collect()
    }

    /// Totals of a cabinet; none when there is no such cabinet.
    pub fn totals(&self, cabinet: u64, from: NaiveDate, to: NaiveDate) -> Option<Figures> {
        self.object(Level::Cabinet, cabinet, from, to)
    }

    /// Totals of one object of any level; none when there is no such object.
    pub fn object(&self, level: Level, id: u64, from: NaiveDate, to: NaiveDate) -> Option<Figures> {
        let place = self.world.find(level, id)?;
        let mut total = Figures::default();
        for figures in self.by_day(level, place, from, to).into_values() {
            total += figures;
        }
        Some(total)
    }

    /// Totals of each day of a cabinet; none when there is no such cabinet.
    pub fn days(&self, cabinet: u64, from: NaiveDate, to: NaiveDate) -> Option<BTreeMap<NaiveDate, Figures>> {
        let place = self.world.find(Level::Cabinet, cabinet)?;
        Some(self.by_day(Level::Cabinet, place, from, to))
    }

    /// Numbers of the objects of a level that exist on the simulated day, in order; none when there is no such cabinet.
    pub fn objects(&self, level: Level, cabinet: u64) -> Option<Vec<u64>> {
        let cabinet = &self.world.cabinets[self.world.cabinet(cabinet)?];
        let today = self.today;
        Some(match level {
            Level::Cabinet => vec![cabinet.id],
            Level::Campaign => cabinet.campaigns.iter().filter(|it| it.life.exists(today)).map(|it| it.id).collect(),
            Level::Group => cabinet.groups.iter().filter(|it| it.life.exists(today)).map(|it| it.id).collect(),
            Level::Ad => cabinet.ads.iter().filter(|it| it.life.exists(today)).map(|it| it.id).collect(),
        })
    }

    /// The campaign of an ad; none when there is no such ad.
    pub fn campaign_of(&self, ad: u64) -> Option<u64> {
        let place = self.world.find(Level::Ad, ad)?;
        let cabinet = &self.world.cabinets[place.cabinet];
        Some(cabinet.campaigns[cabinet.ads[place.index].campaign].id)
    }

    /// Everything about a cabinet over a range; none when there is no such cabinet.
    pub fn cabinet(&self, id: u64, from: NaiveDate, to: NaiveDate) -> Option<CabinetTruth> {
        let cabinet = &self.world.cabinets[self.world.cabinet(id)?];
        let mut totals = Figures::default();
        let (mut by_campaign, mut by_group, mut by_ad) = (0, 0, 0);
        for day in self.world.days(from, to, self.today) {
            let mut campaigns = vec![false; cabinet.campaigns.len()];
            let mut groups = vec![false; cabinet.groups.len()];
            for ad in &cabinet.ads {
                let figures = self.world.figures(cabinet, ad, &day);
                totals += figures;
                if figures.impressions > 0 {
                    by_ad += 1;
                    by_campaign += u64::from(!std::mem::replace(&mut campaigns[ad.campaign], true));
                    by_group += u64::from(!std::mem::replace(&mut groups[ad.group], true));
                }
            }
        }
        let days = u64::try_from((to.min(self.today) - from + Duration::days(1)).num_days().max(0)).unwrap_or(0);
        let rows = |level, rows_with_delivery| {
            let objects = self.objects(level, id).map_or(0, |ids| ids.len() as u64);
            Rows { objects, rows: objects * days, rows_with_delivery }
        };
        Some(CabinetTruth {
            cabinet: cabinet.id,
            name: cabinet.name.clone(),
            agency: cabinet.agency.map(|place| self.world.agencies[place].name.clone()),
            from,
            to,
            totals,
            campaigns: rows(Level::Campaign, by_campaign),
            ad_groups: rows(Level::Group, by_group),
            ads: rows(Level::Ad, by_ad),
        })
    }

    fn by_day(&self, level: Level, place: Place, from: NaiveDate, to: NaiveDate) -> BTreeMap<NaiveDate, Figures> {
        let days = self.world.days(from, to, self.today);
        days.into_iter()
            .map(|day| {
                let mut sum = Figures::default();
                for figures in self.ads_of(level, place, &day) {
                    sum += figures;
                }
                (day.date, sum)
            })
            .collect()
    }

    /// What each ad of an object did on each day of a range; none when there is no such object.
    pub(crate) fn ad_days(&self, level: Level, id: u64, from: NaiveDate, to: NaiveDate) -> Option<Vec<Figures>> {
        let place = self.world.find(level, id)?;
        let days = self.world.days(from, to, self.today);
        Some(days.iter().flat_map(|day| self.ads_of(level, place, day)).collect())
    }

    /// What each ad of an object did on a day.
    fn ads_of(&self, level: Level, place: Place, day: &Day) -> impl Iterator<Item = Figures> {
        let cabinet = &self.world.cabinets[place.cabinet];
        // Membership is read from each ad's own links and not from the ranges that replies are summed over.
        let belongs = move |index: usize, ad: &crate::world::Ad| match level {
            Level::Cabinet => true,
            Level::Campaign => ad.campaign == place.index,
            Level::Group => ad.group == place.index,
            Level::Ad => index == place.index,
        };
        let ads = cabinet.ads.iter().enumerate().filter(move |(index, ad)| belongs(*index, ad));
        ads.map(move |(_, ad)| self.world.figures(cabinet, ad, day))
    }
}
