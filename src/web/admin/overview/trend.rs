//! Links over time: by the hour for a day, by the reader's days for longer.

use crate::domain::insight::{Funnel, Hour};
use crate::flow::insight::{Insight, Period};
use crate::web::staff::{Local, Moment};

/// The height of the chart, in its own units.
const HEIGHT: u64 = 100;
/// The width of one bar and the room around it.
const STEP: u64 = 10;

/// Links over time.
pub(super) struct Trend {
    pub(super) spans: Vec<Span>,
    /// The width of the chart.
    pub(super) width: u64,
    /// What the chart says, in a sentence.
    pub(super) sentence: String,
}

/// An hour or a day.
pub(super) struct Span {
    pub(super) when: Moment,
    pub(super) sent: String,
    pub(super) verified: String,
    pub(super) outer: Bar,
    pub(super) inner: Bar,
}

/// A bar of the chart, standing on its ground.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Bar {
    pub(super) x: u64,
    pub(super) y: u64,
    pub(super) height: u64,
}

/// The links of a period over time.
pub(super) fn of(insight: &Insight, period: Period, local: &Local) -> Trend {
    let spans = spans(insight, period, local);
    let most = spans.iter().map(|(_, funnel)| funnel.sent).max().unwrap_or(0);
    let busiest = spans.iter().max_by_key(|(_, funnel)| funnel.sent).filter(|_| most > 0);
    let sentence = busiest.map_or_else(
        || "No links in this time.".to_owned(),
        |(when, funnel)| {
            let (sent, verified) = (local.number(funnel.sent), local.number(funnel.verified));
            format!("The most links were sent on {}: {sent}, of which {verified} were verified.", when.text)
        },
    );
    let width = STEP * u64::try_from(spans.len()).unwrap_or(0);
    let bar = |number: u64, count: u64| bar(number, count, most);
    let drawn = (0..).zip(spans).map(|(number, (when, funnel))| Span {
        when,
        sent: local.number(funnel.sent),
        verified: local.number(funnel.verified),
        outer: bar(number, funnel.sent),
        inner: bar(number, funnel.verified.min(funnel.sent)),
    });
    Trend { spans: drawn.collect(), width, sentence }
}

/// Every span of the period, also those without links.
fn spans(insight: &Insight, period: Period, local: &Local) -> Vec<(Moment, Funnel)> {
    let last = Hour::of(insight.since).ends_after(i64::from(period.hours()) - 1);
    let mut spans: Vec<(Moment, Funnel)> = Vec::new();
    let mut counted = insight.hours.iter().peekable();
    for hour in Hour::of(last).last(period.hours()) {
        let when = if period == Period::Day { local.moment(hour.begins()) } else { local.day(hour.begins()) };
        let funnel = counted.next_if(|(known, _)| *known == hour).map(|(_, funnel)| *funnel);
        match spans.last_mut().filter(|(known, _)| known.text == when.text) {
            Some((_, sum)) => sum.merge(&funnel.unwrap_or_default()),
            None => spans.push((when, funnel.unwrap_or_default())),
        }
    }
    spans
}

fn bar(number: u64, count: u64, most: u64) -> Bar {
    let height = if count == 0 || most == 0 {
        0
    } else {
        let height = u128::from(HEIGHT) * u128::from(count.min(most)) / u128::from(most);
        u64::try_from(height).unwrap_or(HEIGHT).max(2)
    };
    Bar { x: number * STEP + 1, y: HEIGHT - height, height }
}

#[cfg(test)]
mod tests {
    use crate::domain::insight::Tally;

    use super::*;

    fn insight(since: &str, hours: &[(&str, u64, u64)]) -> Insight {
        let hours = hours.iter().map(|(at, sent, verified)| {
            let funnel = Funnel { sent: *sent, verified: *verified, ..Funnel::default() };
            (Hour::of(at.parse().unwrap()), funnel)
        });
        Insight {
            since: since.parse().unwrap(),
            tally: Tally::default(),
            hours: hours.collect(),
            health: Vec::new(),
            has_links: true,
        }
    }

    #[test]
    fn a_day_has_an_hour_for_each_and_empty_ones_too() {
        let insight = insight(
            "2026-11-21T21:00:00Z",
            &[("2026-11-22T10:00:00Z", 8, 4), ("2026-11-22T20:00:00Z", 2, 2)],
        );
        let trend = of(&insight, Period::Day, &Local::new("en-GB", "UTC"));
        assert_eq!((trend.spans.len(), trend.width), (24, 240));
        let busiest = &trend.spans[13];
        assert_eq!((busiest.sent.as_str(), busiest.outer.height, busiest.inner.height), ("8", 100, 50));
        assert_eq!(trend.spans[23].outer, Bar { x: 231, y: 75, height: 25 });
        assert_eq!(trend.spans[0].outer.height, 0);
        assert!(trend.sentence.contains("22 Nov 2026, 10:00 UTC: 8, of which 4"), "{}", trend.sentence);
    }

    #[test]
    fn a_week_is_cut_into_the_days_of_the_reader() {
        let links = [("2026-11-20T23:00:00Z", 3, 0), ("2026-11-21T10:00:00Z", 1, 1)];
        let insight = insight("2026-11-15T21:00:00Z", &links);
        let berlin = of(&insight, Period::Week, &Local::new("en-GB", "Europe/Berlin"));
        let day = berlin.spans.iter().find(|span| span.when.text == "21 Nov 2026").unwrap();
        assert_eq!((day.sent.as_str(), day.verified.as_str()), ("4", "1"), "23:00 UTC is the next day there");
        let utc = of(&insight, Period::Week, &Local::new("en-GB", "UTC"));
        assert_eq!(
            utc.spans.iter().map(|span| span.sent.as_str()).filter(|sent| *sent != "0").collect::<Vec<_>>(),
            ["3", "1"]
        );
        assert_eq!(utc.spans.len(), 8, "the first day and the last are not whole");
    }

    #[test]
    fn a_period_without_links_says_so() {
        let trend = of(&insight("2026-11-15T21:00:00Z", &[]), Period::Month, &Local::new("en", "UTC"));
        assert_eq!(trend.sentence, "No links in this time.");
        assert!(trend.spans.iter().all(|span| span.outer.height == 0));
    }
}
