//! Dates and numbers as a member of staff writes them.

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// How dates and numbers are written for somebody.
#[derive(Debug, Clone)]
pub struct Local {
    zone: TimeZone,
    zone_name: String,
}

/// A time on a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moment {
    /// For machines: RFC 3339.
    pub iso: String,
    /// For people.
    pub text: String,
}

impl Local {
    /// For a BCP 47 tag and an IANA zone; an unknown zone is UTC.
    pub fn new(_locale: &str, zone: &str) -> Self {
        match TimeZone::get(zone) {
            Ok(found) => Self { zone: found, zone_name: zone.to_owned() },
            Err(_) => Self { zone: TimeZone::UTC, zone_name: "UTC".to_owned() },
        }
    }

    /// The name of the zone in which times are written.
    pub fn zone(&self) -> &str {
        &self.zone_name
    }

    /// Day and time.
    pub fn moment(&self, at: Timestamp) -> Moment {
        let text = at.to_zoned(self.zone.clone()).strftime("%-d %b %Y, %H:%M").to_string();
        Moment { iso: at.to_string(), text }
    }

    /// How long ago it was, or how soon it will be.
    pub fn ago(&self, at: Timestamp, now: Timestamp) -> Moment {
        let seconds = now.duration_since(at).as_secs();
        let (number, unit) = match seconds.abs() {
            0..60 => return Moment { iso: at.to_string(), text: "just now".to_owned() },
            s @ 60..3600 => (s / 60, "min"),
            s @ 3600..86_400 => (s / 3600, "h"),
            s => (s / 86_400, "d"),
        };
        let text = if seconds > 0 { format!("{number} {unit} ago") } else { format!("in {number} {unit}") };
        Moment { iso: at.to_string(), text }
    }

    /// A whole number.
    pub fn number(&self, number: u64) -> String {
        number.to_string()
    }

    /// A share of one, in whole percent.
    pub fn percent(&self, share: f64) -> String {
        format!("{:.0} %", share * 100.0)
    }

    /// A time that something took, in milliseconds.
    pub fn duration(&self, millis: u64) -> String {
        match millis {
            0..1000 => format!("{millis} ms"),
            _ => format!("{}.{} s", millis / 1000, millis % 1000 / 100),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_zone_is_utc_and_says_so() {
        let local = Local::new("en", "Mars/Olympus");
        assert_eq!(
            (local.zone(), local.moment(Timestamp::UNIX_EPOCH).text.as_str()),
            ("UTC", "1 Jan 1970, 00:00")
        );
        assert_eq!(Local::new("en", "Europe/Berlin").moment(Timestamp::UNIX_EPOCH).text, "1 Jan 1970, 01:00");
    }

    #[test]
    fn how_long_ago_is_told_in_the_largest_unit() {
        let (local, now) = (Local::new("en", "UTC"), Timestamp::from_second(1_800_000_000).unwrap());
        let told =
            |seconds: i64| local.ago(Timestamp::from_second(1_800_000_000 - seconds).unwrap(), now).text;
        assert_eq!(
            [told(5), told(180), told(7200), told(200_000), told(-120)],
            ["just now", "3 min ago", "2 h ago", "2 d ago", "in 2 min"]
        );
    }
}
