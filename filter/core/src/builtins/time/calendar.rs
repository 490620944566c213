//! The Gregorian calendar, both ways.

/// A moment as a calendar and a clock show it.
pub(super) struct Civil {
    pub(super) year: i64,
    /// From 1.
    pub(super) month: i64,
    /// From 1.
    pub(super) day: i64,
    pub(super) hour: i64,
    pub(super) minute: i64,
    pub(super) second: i64,
    pub(super) nanosecond: i64,
    /// Seconds that the clock is ahead of UTC.
    pub(super) offset: i64,
    /// The zone's abbreviation.
    pub(super) zone: String,
}

pub(super) const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

pub(super) const DAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

const SECONDS_PER_DAY: i64 = 86_400;

/// Days of the 400 years after which the calendar repeats.
const DAYS_PER_ERA: i64 = 146_097;

impl Civil {
    /// What a clock that is `offset` seconds ahead of UTC shows.
    pub(super) fn at(nanoseconds: i64, offset: i64, zone: String) -> Self {
        let seconds = nanoseconds.div_euclid(1_000_000_000).saturating_add(offset);
        let (days, clock) = (seconds.div_euclid(SECONDS_PER_DAY), seconds.rem_euclid(SECONDS_PER_DAY));
        let (year, month, day) = date(days);
        Self {
            year,
            month,
            day,
            hour: clock.div_euclid(3600),
            minute: clock.div_euclid(60).rem_euclid(60),
            second: clock.rem_euclid(60),
            nanosecond: nanoseconds.rem_euclid(1_000_000_000),
            offset,
            zone,
        }
    }

    /// Seconds since the epoch if the clock shows UTC. Months and days may be beyond their range.
    pub(super) fn seconds(&self) -> i64 {
        days(self.year, self.month, self.day)
            .saturating_mul(SECONDS_PER_DAY)
            .saturating_add(self.hour.saturating_mul(3600))
            .saturating_add(self.minute.saturating_mul(60))
            .saturating_add(self.second)
    }

    /// From 1.
    pub(super) fn day_of_year(&self) -> i64 {
        days(self.year, self.month, self.day).saturating_sub(days(self.year, 1, 0))
    }

    pub(super) fn weekday_name(&self) -> &'static str {
        // The epoch was a Thursday.
        let weekday = days(self.year, self.month, self.day).saturating_add(4).rem_euclid(7);
        name(&DAYS, weekday)
    }

    pub(super) fn month_name(&self) -> &'static str {
        name(&MONTHS, self.month.saturating_sub(1))
    }
}

fn name(names: &[&'static str], place: i64) -> &'static str {
    usize::try_from(place).ok().and_then(|place| names.get(place)).copied().unwrap_or_default()
}

/// Days since the epoch. Months beyond 12 are in later years, days beyond the month in later months.
pub(super) fn days(year: i64, month: i64, day: i64) -> i64 {
    let months = month.saturating_sub(1);
    let year = year.saturating_add(months.div_euclid(12));
    // The year begins in March, so that the leap day is its last.
    let month = months.rem_euclid(12).saturating_add(10).rem_euclid(12);
    let year = if month >= 10 { year.saturating_sub(1) } else { year };
    let (era, year) = (year.div_euclid(400), year.rem_euclid(400));
    let before_month = month.saturating_mul(153).saturating_add(2).div_euclid(5);
    let before_year = year.saturating_mul(365).saturating_add(year.div_euclid(4)).saturating_sub(year.div_euclid(100));
    era.saturating_mul(DAYS_PER_ERA)
        .saturating_add(before_year)
        .saturating_add(before_month)
        .saturating_add(day)
        // 1 January 1970 is that many days after 1 March of year 0, and days count from 1.
        .saturating_sub(719_469)
}

/// Year, month and day of the month, of a day since the epoch.
pub(crate) fn date(days: i64) -> (i64, i64, i64) {
    let days = days.saturating_add(719_468);
    let (era, day) = (days.div_euclid(DAYS_PER_ERA), days.rem_euclid(DAYS_PER_ERA));
    let year = day
        .saturating_sub(day.div_euclid(1_460))
        .saturating_add(day.div_euclid(36_524))
        .saturating_sub(day.div_euclid(146_096))
        .div_euclid(365);
    let before_year = year.saturating_mul(365).saturating_add(year.div_euclid(4)).saturating_sub(year.div_euclid(100));
    let day = day.saturating_sub(before_year);
    let month = day.saturating_mul(5).saturating_add(2).div_euclid(153);
    let day = day.saturating_sub(month.saturating_mul(153).saturating_add(2).div_euclid(5)).saturating_add(1);
    let year = era.saturating_mul(400).saturating_add(year);
    match month {
        0..=9 => (year, month.saturating_add(3), day),
        _ => (year.saturating_add(1), month.saturating_sub(9), day),
    }
}

/// Days of a month.
pub(super) fn days_in_month(year: i64, month: i64) -> i64 {
    days(year, month.saturating_add(1), 1).saturating_sub(days(year, month, 1))
}
