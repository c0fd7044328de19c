//! What time it is, in numbers and in text.

use chrono::{DateTime, Local, NaiveDate, SecondsFormat, Utc};

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

#[cfg(test)]
mod tests {
    use super::*;

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
