//! How long something still holds, in words.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::text::{Text, Words};

/// Until when, and how much longer seen from `now`: "14:32 UTC, for 15 more minutes". The time of
/// day stands beside the rest because a page may lie open for a while.
pub fn until(words: &Words, end: Timestamp, now: Timestamp) -> String {
    let seconds = end.duration_since(now).as_secs().max(0);
    let end = end.to_zoned(TimeZone::UTC);
    let clock = end.strftime("%H:%M").to_string();
    let minutes = (seconds + 59) / 60;
    if minutes <= 90 {
        return words.with(Text::UntilMinutes, &[("clock", clock.into()), ("minutes", minutes.into())]);
    }
    let hours = (seconds + 1800) / 3600;
    if hours <= 24 {
        return words.with(Text::UntilHours, &[("clock", clock.into()), ("hours", hours.into())]);
    }
    let date = end.strftime("%Y-%m-%d").to_string();
    words.with(Text::UntilDays, &[("clock", clock.into()), ("date", date.into())])
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(0, "12:00 UTC, for 0 more minutes")]
    #[case(1, "12:00 UTC, for one more minute")]
    #[case(890, "12:14 UTC, for 15 more minutes")]
    #[case(7_200, "14:00 UTC, for 2 more hours")]
    #[case(100_000, "2026-11-23, 15:46 UTC")]
    #[case(-5, "11:59 UTC, for 0 more minutes")]
    fn the_rest_is_told_in_the_unit_that_fits(#[case] seconds: i64, #[case] expected: &str) {
        let now: Timestamp = "2026-11-22T12:00:00Z".parse().unwrap();
        let text = until(&Words::of("en"), now + jiff::SignedDuration::from_secs(seconds), now);
        assert_eq!(text.replace(['\u{2068}', '\u{2069}'], ""), expected);
    }
}
