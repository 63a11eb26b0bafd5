//! What a counter on the advertiser's site (or in its application) saw of the people that an ad brought.
//!
//! The analytics simulators show the same world as the advertising ones, from the other end: fewer visits than clicks, because some
//! people leave before the page is there, and fewer people than visits. Counted per ad and day; everything larger is by definition the sum.

use std::ops::AddAssign;

use chrono::NaiveDate;
use serde::Serialize;

use crate::truth::Truth;
use crate::world::{Figures, Level};

/// Visits and what is counted in them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Visits {
    /// Visits; sessions in other words.
    pub visits: i64,
    /// People who made them.
    pub users: i64,
    /// Pages (or screens) seen.
    pub page_views: i64,
    /// Visits that ended where they began.
    pub bounces: i64,
}

impl Visits {
    /// The visits that one ad's day brought.
    pub fn of(ad: &Figures) -> Self {
        let visits = (ad.clicks - ad.clicks / 12).max(ad.conversions);
        let bounces = (visits - ad.conversions) / 4;
        Self { visits, users: visits - visits / 9, page_views: visits * 3 - bounces * 2, bounces }
    }
}

impl AddAssign for Visits {
    fn add_assign(&mut self, other: Self) {
        self.visits += other.visits;
        self.users += other.users;
        self.page_views += other.page_views;
        self.bounces += other.bounces;
    }
}

impl Truth {
    /// Visits that an object of any level brought over a range; none when there is no such object.
    pub fn visits(&self, level: Level, id: u64, from: NaiveDate, to: NaiveDate) -> Option<Visits> {
        let mut sum = Visits::default();
        for ad in self.ad_days(level, id, from, to)? {
            sum += Visits::of(&ad);
        }
        Some(sum)
    }
}
