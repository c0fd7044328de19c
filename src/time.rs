//! What time it is, in numbers and in text.

use chrono::{DateTime, Datelike, Local, NaiveDate, SecondsFormat, TimeZone, Utc};

/// Milliseconds since 1970 (Unix time).
pub fn now_ms() -> i64 {
    Utc::now().timestamp_millis()
}

/// The time as RFC 3339 in UTC, to the second.
pub fn now_text() -> String {
    rfc3339(now_ms())
}

/// Milliseconds since 1970 as RFC 3339 in UTC, to the second. Empty of a number that is no time of this calendar.
pub fn rfc3339(ms: i64) -> String {
    DateTime::<Utc>::from_timestamp_millis(ms)
        .map(|time| time.to_rfc3339_opts(SecondsFormat::Secs, true))
        .unwrap_or_default()
}

/// The day of a time, as a person says it: "today", "yesterday", "14 Nov", "14 Nov 2024".
pub fn day(ms: i64) -> String {
    let local = |ms| DateTime::<Utc>::from_timestamp_millis(ms).map(|t| t.with_timezone(&Local).date_naive());
    match (local(ms), local(now_ms())) {
        (Some(day), Some(today)) => day_on(day, today),
        _ => String::new(),
    }
}

fn day_on(day: NaiveDate, today: NaiveDate) -> String {
    match (today - day).num_days() {
        0 => "today".to_owned(),
        1 => "yesterday".to_owned(),
        -300..=300 => day.format("%-d %b").to_string(),
        _ => day.format("%-d %b %Y").to_string(),
    }
}

/// "29 Nov 13:35", as the clocks here show it; the year is said where it is not the one of `now_ms`. Both in milliseconds
/// since 1970. Empty of a number that is no time of this calendar.
pub fn day_and_time(ms: i64, now_ms: i64) -> String {
    let local = |ms: i64| Local.timestamp_millis_opt(ms).single();
    let Some(time) = local(ms) else { return String::new() };
    let this_year = local(now_ms).is_some_and(|now| now.year() == time.year());
    time.format(if this_year { "%-d %b %H:%M" } else { "%-d %b %Y %H:%M" }).to_string()
}

/// As [`day_and_time`], but "today 13:35" within the day.
pub fn when(ms: i64, now_ms: i64) -> String {
    let day = |ms: i64| Local.timestamp_millis_opt(ms).single().map(|time| time.date_naive());
    match (day(ms), Local.timestamp_millis_opt(ms).single()) {
        (Some(date), Some(time)) if day(now_ms) == Some(date) => time.format("today %H:%M").to_string(),
        _ => day_and_time(ms, now_ms),
    }
}

/// Milliseconds since 1970 of a time as [`rfc3339`] writes it; None of other text.
pub fn of_rfc3339(text: &str) -> Option<i64> {
    DateTime::parse_from_rfc3339(text).ok().map(|time| time.timestamp_millis())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_those_of_the_clocks_here() {
        let at = |day, hour| Local.with_ymd_and_hms(2026, 11, day, hour, 35, 0).unwrap().timestamp_millis();
        assert_eq!(day_and_time(at(9, 13), at(9, 14)), "9 Nov 13:35");
        assert_eq!(when(at(9, 13), at(9, 23)), "today 13:35");
        assert_eq!(when(at(9, 13), at(10, 0)), "9 Nov 13:35");
        let next_year = at(9, 13) + 365 * 24 * 3_600_000;
        assert_eq!(when(at(9, 13), next_year), "9 Nov 2026 13:35");
        assert_eq!(when(i64::MAX, 0), "");
        assert_eq!(of_rfc3339(&rfc3339(1_700_000_000_000)), Some(1_700_000_000_000));
        assert_eq!(of_rfc3339("yesterday"), None);
    }

    #[test]
    fn dates_are_those_of_the_calendar() {
        assert_eq!(rfc3339(0), "1970-01-01T00:00:00Z");
        assert_eq!(rfc3339(951_782_399_999), "2000-02-28T23:59:59Z");
        assert_eq!(rfc3339(951_782_400_000), "2000-02-29T00:00:00Z");
        assert_eq!(rfc3339(4_107_542_400_000), "2100-03-01T00:00:00Z");
        assert_eq!(rfc3339(i64::MAX), "");
    }

    #[test]
    fn a_day_is_said_as_a_person_says_it() {
        let day = |y, m, d| NaiveDate::from_ymd_opt(y, m, d).unwrap();
        let today = day(2026, 11, 30);
        assert_eq!(day_on(today, today), "today");
        assert_eq!(day_on(day(2026, 11, 29), today), "yesterday");
        assert_eq!(day_on(day(2026, 11, 4), today), "4 Nov");
        assert_eq!(day_on(day(2024, 11, 14), today), "14 Nov 2024");
    }
}
