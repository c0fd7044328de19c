//! What time it is, in numbers and in text.

use chrono::{DateTime, SecondsFormat, Utc};

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
}
