//! Dates and numbers as a member of staff writes them: by the member's locale (CLDR's data, compiled
//! in) and time zone (the IANA database, compiled in: no file of the machine decides what a page says).
//! The words around them are English, as the pages are. Days are those of the Gregorian calendar, in
//! every locale: they are compared with logs and with the API.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::LazyLock;

use icu_calendar::{Date, Gregorian};
use icu_datetime::fieldsets::{T, YMD, YMDT};
use icu_datetime::input::{DateTime, Time};
use icu_datetime::options::TimePrecision;
use icu_datetime::{FixedCalendarDateTimeFormatter, NoCalendarFormatter};
use icu_decimal::DecimalFormatter;
use icu_decimal::input::Decimal;
use icu_decimal::options::DecimalFormatterOptions;
use icu_locale_core::{Locale, locale};
use jiff::Timestamp;
use jiff::tz::{TimeZone, TimeZoneDatabase};

/// Locales whose forms one thread remembers.
const REMEMBERED: usize = 64;
/// The longest locale tag that is looked at.
const TAG: usize = 64;

/// How dates and numbers are written for somebody.
#[derive(Debug, Clone)]
pub struct Local {
    locale: Locale,
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

/// What one locale needs to write anything.
struct Writer {
    moment: FixedCalendarDateTimeFormatter<Gregorian, YMDT>,
    exact: FixedCalendarDateTimeFormatter<Gregorian, YMDT>,
    day: FixedCalendarDateTimeFormatter<Gregorian, YMD>,
    time: NoCalendarFormatter<T>,
    number: DecimalFormatter,
}

thread_local! {
    static WRITERS: RefCell<HashMap<Locale, Rc<Writer>>> = RefCell::default();
}

static ZONES: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);

impl Local {
    /// For a BCP 47 tag and an IANA zone. A locale that nobody knows is English, an unknown zone is UTC, and every
    /// time then says so.
    pub fn new(locale: &str, zone: &str) -> Self {
        let locale = Locale::try_from_str(locale).ok().filter(|_| locale.len() <= TAG);
        let locale = locale.filter(is_known).unwrap_or(locale!("en"));
        match ZONES.get(zone) {
            Ok(found) => {
                Self { locale, zone_name: found.iana_name().unwrap_or("UTC").to_owned(), zone: found }
            }
            Err(_) => Self { locale, zone: TimeZone::UTC, zone_name: "UTC".to_owned() },
        }
    }

    /// The name of the zone in which times are written.
    pub fn zone(&self) -> &str {
        &self.zone_name
    }

    /// Day and time, to the minute.
    pub fn moment(&self, at: Timestamp) -> Moment {
        let text = self.written(at, |writer, at| writer.moment.format(at).to_string());
        self.at(at, self.with_zone(text))
    }

    /// Day and time, to the second.
    pub fn exact(&self, at: Timestamp) -> Moment {
        let text = self.written(at, |writer, at| writer.exact.format(at).to_string());
        self.at(at, self.with_zone(text))
    }

    /// The day.
    pub fn day(&self, at: Timestamp) -> Moment {
        let text = self.written(at, |writer, at| writer.day.format(&at.date).to_string());
        self.at(at, text)
    }

    /// The time of the day, to the minute.
    pub fn time(&self, at: Timestamp) -> Moment {
        let text = self.written(at, |writer, at| writer.time.format(&at.time).to_string());
        self.at(at, self.with_zone(text))
    }

    /// A day and a time as a form sends them (`2026-01-31T12:00`), in the zone of who typed them.
    pub fn parse(&self, typed: &str) -> Option<Timestamp> {
        let civil: jiff::civil::DateTime = typed.parse().ok()?;
        Some(civil.to_zoned(self.zone.clone()).ok()?.timestamp())
    }

    /// How long ago it was, or how soon it will be; the day itself if that is more than a week.
    pub fn ago(&self, at: Timestamp, now: Timestamp) -> Moment {
        let seconds = now.duration_since(at).as_secs();
        let (number, unit) = match seconds.unsigned_abs() {
            0..45 => return self.at(at, "just now".to_owned()),
            passed @ 45..3570 => ((passed + 30) / 60, "min"),
            passed @ 3570..84_600 => ((passed + 1800) / 3600, "h"),
            passed @ 84_600..604_800 => ((passed + 43_200) / 86_400, "d"),
            _ => return self.day(at),
        };
        let number = self.number(number);
        let text = if seconds > 0 { format!("{number} {unit} ago") } else { format!("in {number} {unit}") };
        self.at(at, text)
    }

    /// A whole number.
    pub fn number(&self, number: u64) -> String {
        self.decimal(&Decimal::from(number))
    }

    /// A share of one, in whole percent. Whatever is not nothing is not 0, and what is not all is not 100.
    pub fn percent(&self, share: f64) -> String {
        let share = if share.is_finite() { share.clamp(0.0, 1.0) } else { 0.0 };
        let whole = (0..=100_u32).find(|whole| f64::from(*whole) + 0.5 > share * 100.0).unwrap_or(100);
        let (less, whole) = match whole {
            0 if share > 0.0 => ("< ", 1),
            100 if share < 1.0 => ("", 99),
            whole => ("", whole),
        };
        format!("{less}{}", percent_form(&self.locale, &self.number(whole.into())))
    }

    /// A time that something took, in milliseconds, with the two largest units that matter.
    pub fn duration(&self, millis: u64) -> String {
        let (seconds, minutes, hours) = (millis.div_ceil(1000), millis / 60_000, millis / 3_600_000);
        let two = |first: u64, unit: &str, second: u64, smaller: &str| match second {
            0 => format!("{} {unit}", self.number(first)),
            _ => format!("{} {unit} {} {smaller}", self.number(first), self.number(second)),
        };
        match millis {
            0..1000 => format!("{} ms", self.number(millis)),
            1000..60_000 => {
                let mut tenths = Decimal::from(millis / 100);
                tenths.multiply_pow10(-1);
                tenths.trim_end();
                format!("{} s", self.decimal(&tenths))
            }
            60_000..3_600_000 => two(minutes, "min", (millis / 1000) % 60, "s"),
            3_600_000..86_400_000 => two(hours, "h", minutes % 60, "min"),
            _ => two(seconds / 86_400, "d", hours % 24, "h"),
        }
    }

    fn decimal(&self, number: &Decimal) -> String {
        with_writer(&self.locale, |writer| writer.number.format(number).to_string())
    }

    fn written(&self, at: Timestamp, write: impl Fn(&Writer, &DateTime<Gregorian>) -> String) -> String {
        let Some(civil) = civil(at, &self.zone) else { return at.to_string() };
        with_writer(&self.locale, |writer| write(writer, &civil))
    }

    /// A time without its zone is taken for that of the clock on the wall.
    fn with_zone(&self, text: String) -> String {
        if self.zone_name == "UTC" { format!("{text} UTC") } else { text }
    }

    #[expect(clippy::unused_self, reason = "it reads as a question to the locale, as its neighbours do")]
    fn at(&self, at: Timestamp, text: String) -> Moment {
        Moment { iso: at.to_string(), text }
    }
}

impl Writer {
    /// None of a locale for which there is no data, which CLDR's root has for all.
    fn new(locale: &Locale) -> Option<Self> {
        let to_minutes = YMDT::medium().with_time_precision(TimePrecision::Minute);
        Some(Self {
            moment: FixedCalendarDateTimeFormatter::try_new(locale.into(), to_minutes).ok()?,
            exact: FixedCalendarDateTimeFormatter::try_new(locale.into(), YMDT::medium()).ok()?,
            day: FixedCalendarDateTimeFormatter::try_new(locale.into(), YMD::medium()).ok()?,
            time: NoCalendarFormatter::try_new(
                locale.into(),
                T::short().with_time_precision(TimePrecision::Minute),
            )
            .ok()?,
            number: DecimalFormatter::try_new(locale.into(), DecimalFormatterOptions::default()).ok()?,
        })
    }
}

/// Forms are looked up once for a thread: that costs more than what is written with them.
fn with_writer<T>(locale: &Locale, write: impl FnOnce(&Writer) -> T) -> T {
    let known = WRITERS.with_borrow(|known| known.get(locale).cloned());
    let writer = known.unwrap_or_else(|| {
        let made = Writer::new(locale).or_else(|| Writer::new(&locale!("en")));
        let made = Rc::new(made.expect("English is compiled in"));
        WRITERS.with_borrow_mut(|known| {
            if known.len() >= REMEMBERED {
                known.clear();
            }
            known.insert(locale.clone(), Rc::clone(&made));
        });
        made
    });
    write(&writer)
}

/// Whether a locale has words of its own: without, CLDR's root would write `M11` for November.
fn is_known(locale: &Locale) -> bool {
    let november = Date::try_new_gregorian(2026, 11, 22);
    let long = |locale: &Locale| {
        let form =
            FixedCalendarDateTimeFormatter::<Gregorian, _>::try_new(locale.into(), YMD::long()).ok()?;
        Some(form.format(november.as_ref().ok()?).to_string())
    };
    let own = long(locale);
    own.is_some() && own != long(&Locale::UNKNOWN)
}

fn civil(at: Timestamp, zone: &TimeZone) -> Option<DateTime<Gregorian>> {
    let there = at.to_zoned(zone.clone()).datetime();
    let part = |number: i8| u8::try_from(number).ok();
    let (month, day) = (part(there.month())?, part(there.day())?);
    let (hour, minute, second) = (part(there.hour())?, part(there.minute())?, part(there.second())?);
    let date = Date::try_new_gregorian(there.year().into(), month, day).ok()?;
    Some(DateTime { date, time: Time::try_new(hour, minute, second, 0).ok()? })
}

/// A number with the percent sign as CLDR's patterns have it.
fn percent_form(locale: &Locale, number: &str) -> String {
    let language = locale.id.language.as_str();
    let sign = match language {
        "ar" if !number.is_ascii() => Cow::Borrowed("\u{66a}\u{61c}"),
        "fa" | "ckb" | "ur" if !number.is_ascii() => Cow::Borrowed("\u{66a}"),
        _ => Cow::Borrowed("%"),
    };
    match language {
        "tr" => format!("{sign}{number}"),
        "eu" => format!("{sign}\u{a0}{number}"),
        "fr" => format!("{number}\u{202f}{sign}"),
        "be" | "bs" | "ca" | "cs" | "da" | "de" | "es" | "fi" | "gl" | "hr" | "lt" | "nb" | "nn" | "no"
        | "ro" | "ru" | "sk" | "sl" | "sv" | "uk" => format!("{number}\u{a0}{sign}"),
        _ => format!("{number}{sign}"),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn evening() -> Timestamp {
        at("2026-11-22T20:51:09Z")
    }

    /// Without the marks of direction, and with plain spaces: they are not the same in all versions of CLDR.
    fn plain(text: &str) -> String {
        text.replace(['\u{202f}', '\u{a0}'], " ").replace(['\u{200f}', '\u{61c}'], "")
    }

    #[rstest]
    #[case("en-US", "America/New_York", "Nov 22, 2026, 3:51 PM")]
    #[case("en-GB", "Europe/London", "22 Nov 2026, 20:51")]
    #[case("de", "Europe/Berlin", "22.11.2026, 21:51")]
    #[case("fr", "Europe/Paris", "22 nov. 2026, 21:51")]
    #[case("hi", "Asia/Kolkata", "23 नव॰ 2026, 2:21 am")]
    #[case("ar-EG", "Africa/Cairo", "٢٢/١١/٢٠٢٦، ١٠:٥١ م")]
    fn a_moment_is_written_as_people_there_write_it(
        #[case] locale: &str,
        #[case] zone: &str,
        #[case] text: &str,
    ) {
        let moment = Local::new(locale, zone).moment(evening());
        assert_eq!(plain(&moment.text), text);
        assert_eq!(moment.iso, "2026-11-22T20:51:09Z");
    }

    #[test]
    fn day_and_time_stand_alone_and_a_moment_may_be_exact() {
        let local = Local::new("en-GB", "Asia/Tokyo");
        assert_eq!(local.day(evening()).text, "23 Nov 2026");
        assert_eq!(local.time(evening()).text, "05:51");
        assert_eq!(local.exact(evening()).text, "23 Nov 2026, 05:51:09");
    }

    #[test]
    fn summer_time_is_that_of_the_day_and_not_of_now() {
        let local = Local::new("en-GB", "Europe/Berlin");
        assert_eq!(local.time(at("2026-07-01T10:00:00Z")).text, "12:00");
        assert_eq!(local.time(at("2026-01-01T10:00:00Z")).text, "11:00");
    }

    #[test]
    fn an_unknown_zone_is_utc_and_says_so() {
        for zone in ["Mars/Olympus", "", "../../etc/passwd", "UTC", "Europe/Berlin\u{0}"] {
            let local = Local::new("en-GB", zone);
            assert_eq!(
                (local.zone(), &*local.moment(evening()).text),
                ("UTC", "22 Nov 2026, 20:51 UTC"),
                "{zone}"
            );
        }
        assert_eq!(Local::new("en", "europe/berlin").zone(), "Europe/Berlin");
    }

    #[rstest]
    #[case("xx")]
    #[case("")]
    #[case("und")]
    #[case("tlh")]
    #[case("no locale at all")]
    #[case("\u{202e}de")]
    fn an_unknown_locale_is_english(#[case] locale: &str) {
        let local = Local::new(locale, "Europe/London");
        assert_eq!(local.moment(evening()), Local::new("en", "Europe/London").moment(evening()));
    }

    #[rstest]
    #[case("en", "1,234,567", "45%", "2.4 s")]
    #[case("de", "1.234.567", "45 %", "2,4 s")]
    #[case("fr", "1 234 567", "45 %", "2,4 s")]
    #[case("hi", "12,34,567", "45%", "2.4 s")]
    #[case("ar-EG", "١٬٢٣٤٬٥٦٧", "٤٥٪", "٢٫٤ s")]
    #[case("tr", "1.234.567", "%45", "2,4 s")]
    fn numbers_are_written_as_people_there_write_them(
        #[case] locale: &str,
        #[case] number: &str,
        #[case] percent: &str,
        #[case] duration: &str,
    ) {
        let local = Local::new(locale, "UTC");
        let written = [local.number(1_234_567), local.percent(0.45), local.duration(2_430)];
        assert_eq!(written.map(|text| plain(&text)), [number, percent, duration]);
    }

    #[test]
    fn nothing_and_all_are_told_from_almost_nothing_and_almost_all() {
        let local = Local::new("en", "UTC");
        let percent = |share| local.percent(share);
        assert_eq!(
            [percent(0.0), percent(0.001), percent(0.004), percent(0.015)],
            ["0%", "< 1%", "< 1%", "2%"]
        );
        assert_eq!(
            [percent(0.994), percent(0.9999), percent(1.0), percent(7.0)],
            ["99%", "99%", "100%", "100%"]
        );
        assert_eq!([percent(f64::NAN), percent(-1.0), percent(f64::INFINITY)], ["0%", "0%", "0%"]);
    }

    #[test]
    fn a_duration_has_at_most_two_units() {
        let local = Local::new("en", "UTC");
        let told = [0, 999, 1_000, 1_050, 59_999, 60_000, 61_500, 3_600_000, 3_720_000, 90_000_000];
        assert_eq!(
            told.map(|millis| local.duration(millis)),
            ["0 ms", "999 ms", "1 s", "1 s", "59.9 s", "1 min", "1 min 1 s", "1 h", "1 h 2 min", "1 d 1 h"]
        );
    }

    #[test]
    fn how_long_ago_is_told_in_the_largest_unit_and_then_by_the_day() {
        let (local, now) = (Local::new("en", "UTC"), Timestamp::from_second(1_800_000_000).unwrap());
        let told =
            |seconds: i64| local.ago(Timestamp::from_second(1_800_000_000 - seconds).unwrap(), now).text;
        assert_eq!(
            [told(5), told(60), told(180), told(3_599), told(7_200), told(86_000), told(200_000), told(-120)],
            ["just now", "1 min ago", "3 min ago", "1 h ago", "2 h ago", "1 d ago", "2 d ago", "in 2 min"]
        );
        assert_eq!(told(800_000), "Jan 6, 2027");
        assert_eq!(told(-10), "just now");
        assert_eq!(
            Local::new("ar-EG", "UTC").ago(now - jiff::SignedDuration::from_mins(3), now).text,
            "٣ min ago"
        );
    }

    #[test]
    fn what_is_typed_into_a_form_is_a_time_of_the_readers_zone() {
        let local = Local::new("de", "Europe/Berlin");
        for typed in ["2026-01-31T12:00", "2026-01-31T12:00:00", "2026-01-31 12:00"] {
            assert_eq!(local.parse(typed), Some(at("2026-01-31T11:00:00Z")), "{typed}");
        }
        for typed in ["", "yesterday", "2026-02-30T12:00", "12:00", "31.01.2026"] {
            assert_eq!(local.parse(typed), None, "{typed}");
        }
    }

    #[test]
    fn far_away_times_are_written_too() {
        for far in [Timestamp::MIN, Timestamp::MAX, Timestamp::UNIX_EPOCH] {
            let local = Local::new("en", "Pacific/Kiritimati");
            assert!(!local.moment(far).text.is_empty());
        }
    }

    proptest! {
        #[test]
        fn no_text_from_outside_is_a_panic(locale in ".{0,80}", zone in ".{0,80}", second in -9_000_000_000_i64..9_000_000_000) {
            let local = Local::new(&locale, &zone);
            let at = Timestamp::from_second(second).unwrap();
            prop_assert!(!local.moment(at).text.is_empty());
            prop_assert!(!local.ago(at, Timestamp::UNIX_EPOCH).text.is_empty());
        }

        #[test]
        fn every_tag_that_looks_like_one_writes_something(tag in "[a-z]{2,3}(-[A-Z][a-z]{3})?(-[A-Z]{2})?(-u-nu-[a-z]{4})?", number: u64, share: f64) {
            let local = Local::new(&tag, "UTC");
            prop_assert!(!local.number(number).is_empty());
            prop_assert!(!local.percent(share).is_empty());
            prop_assert!(!local.duration(number).is_empty());
        }
    }
}
