//! Counts as rows of tables.

use crate::domain::conversation::Channel;
use crate::domain::fault::Fault;
use crate::domain::ids::ProviderId;
use crate::domain::insight::counted::is_counted_alone;
use crate::domain::insight::{Funnel, Leg, ProviderTally, Tally};
use crate::domain::tenant::Tenant;
use crate::web::admin::attempts::remedy::{self, Way};
use crate::web::admin::words;
use crate::web::page::clean;
use crate::web::staff::Local;

/// Reasons that are shown.
const REASONS: usize = 8;
/// The width of a bar, in its own units.
const WIDTH: u64 = 1000;

/// A stage of the funnel.
pub(super) struct StageRow {
    pub(super) name: &'static str,
    pub(super) hint: &'static str,
    pub(super) count: String,
    /// Its part of those that were sent.
    pub(super) of_sent: Option<String>,
    /// Its part of the stage before.
    pub(super) of_before: Option<String>,
    /// How wide its bar is, of 1000.
    pub(super) width: u64,
}

/// One channel of one provider.
pub(super) struct Lane {
    pub(super) provider: String,
    pub(super) channel: &'static str,
    pub(super) sent: String,
    pub(super) opened: String,
    pub(super) signed_in: String,
    pub(super) verified: String,
    pub(super) share: Option<String>,
}

/// A stretch of a sign-in.
pub(super) struct TimeRow {
    pub(super) name: &'static str,
    pub(super) whose: &'static str,
    pub(super) count: String,
    pub(super) half: String,
    pub(super) most: String,
    /// How wide the bar of the slow end is, of 1000.
    pub(super) width: u64,
}

/// Why attempts failed.
pub(super) struct Reason {
    pub(super) means: &'static str,
    pub(super) code: &'static str,
    pub(super) step: &'static str,
    pub(super) provider: String,
    pub(super) provider_id: String,
    pub(super) count: String,
    pub(super) share: Option<String>,
    pub(super) mend: &'static str,
    pub(super) way: Option<Way>,
    /// Whether the attempts can be listed by it: some are refused before anything is written down.
    pub(super) is_listed: bool,
}

/// The stages, first one first.
pub(super) fn stages(funnel: Funnel, local: &Local) -> Vec<StageRow> {
    let all = [
        ("Sent", "links that were made", funnel.sent),
        ("Opened", "somebody pressed “Continue”", funnel.opened),
        ("Signed in", "the provider said who it is", funnel.signed_in),
        ("Verified", "and it is who is in the chat", funnel.verified),
    ];
    let mut before = None;
    let mut rows = Vec::with_capacity(all.len());
    for (name, hint, count) in all {
        rows.push(StageRow {
            name,
            hint,
            count: local.number(count),
            of_sent: share(count, funnel.sent, local),
            of_before: before.and_then(|before| share(count, before, local)),
            width: width(count, funnel.sent),
        });
        before = Some(count);
    }
    rows
}

/// Channels of providers, the busiest first.
pub(super) fn lanes(tally: &Tally, tenant: &Tenant, local: &Local) -> Vec<Lane> {
    let mut all: Vec<(&ProviderId, Channel, Funnel)> = Vec::new();
    for (id, provider) in &tally.providers {
        all.extend(provider.channels.iter().map(|(channel, funnel)| (id, *channel, *funnel)));
    }
    all.sort_by_key(|(_, _, funnel)| std::cmp::Reverse(funnel.sent));
    let lane = |(id, channel, funnel): (&ProviderId, Channel, Funnel)| Lane {
        provider: label(tenant, id),
        channel: channel.label(),
        sent: local.number(funnel.sent),
        opened: local.number(funnel.opened),
        signed_in: local.number(funnel.signed_in),
        verified: local.number(funnel.verified),
        share: share(funnel.verified, funnel.sent, local),
    };
    all.into_iter().map(lane).collect()
}

/// Stretches that were measured, in their order.
pub(super) fn times(all: &ProviderTally, local: &Local) -> Vec<TimeRow> {
    let measured = |leg: Leg| {
        let times = all.times.get(&leg)?;
        Some((leg, times.count(), times.quantile(50)?, times.quantile(95)?))
    };
    let measured: Vec<_> = Leg::ALL.into_iter().filter_map(measured).collect();
    let longest = measured.iter().map(|(.., most)| *most).max().unwrap_or(0);
    let row = |(leg, count, half, most): (Leg, u64, u64, u64)| {
        let (name, whose) = words::leg(leg);
        TimeRow {
            name,
            whose,
            count: local.number(count),
            half: local.duration(half),
            most: local.duration(most),
            width: width(most, longest),
        }
    };
    measured.into_iter().map(row).collect()
}

/// The most frequent reasons, and how many others there are.
pub(super) fn reasons(tally: &Tally, tenant: &Tenant, local: &Local) -> (Vec<Reason>, usize) {
    let mut all: Vec<(&ProviderId, Fault, u64)> = Vec::new();
    for (id, provider) in &tally.providers {
        all.extend(provider.faults().map(|(fault, count)| (id, fault, count)));
    }
    let sum = all.iter().fold(0_u64, |sum, (_, _, count)| sum.saturating_add(*count));
    all.sort_by(|(_, a_fault, a), (_, b_fault, b)| {
        b.cmp(a).then(a_fault.code.as_str().cmp(b_fault.code.as_str()))
    });
    let more = all.len().saturating_sub(REASONS);
    let reason = |(id, fault, count): (&ProviderId, Fault, u64)| {
        let remedy = remedy::of(fault.code);
        Reason {
            means: remedy.means,
            code: fault.code.as_str(),
            step: words::step(fault.step),
            provider: label(tenant, id),
            provider_id: id.to_string(),
            count: local.number(count),
            share: share(count, sum, local),
            mend: remedy.mend,
            way: remedy.place.way(id).filter(|_| tenant.provider(Some(id)).is_some()),
            is_listed: !is_counted_alone(fault.code),
        }
    };
    (all.into_iter().take(REASONS).map(reason).collect(), more)
}

/// A part of a whole; none of nothing.
fn share(part: u64, whole: u64, local: &Local) -> Option<String> {
    #[expect(clippy::cast_precision_loss, reason = "a percentage of numbers of links")]
    let share = (whole > 0).then(|| part as f64 / whole as f64);
    share.map(|share| local.percent(share))
}

/// A part of the width of a bar; what is there at all is seen.
fn width(part: u64, whole: u64) -> u64 {
    if part == 0 || whole == 0 {
        return 0;
    }
    let width = u128::from(WIDTH) * u128::from(part.min(whole)) / u128::from(whole);
    u64::try_from(width).unwrap_or(WIDTH).max(4)
}

fn label(tenant: &Tenant, id: &ProviderId) -> String {
    tenant.provider(Some(id)).map_or_else(|| id.to_string(), |provider| clean(&provider.label))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn local() -> Local {
        Local::new("en", "UTC")
    }

    #[test]
    fn each_stage_is_told_as_a_part_of_all_and_of_the_one_before() {
        let funnel = Funnel { sent: 200, opened: 100, signed_in: 80, verified: 60, declined: 1 };
        let rows = stages(funnel, &local());
        let of_sent: Vec<_> = rows.iter().map(|row| row.of_sent.as_deref().unwrap()).collect();
        assert_eq!(of_sent, ["100%", "50%", "40%", "30%"]);
        let of_before: Vec<_> = rows.iter().map(|row| row.of_before.as_deref()).collect();
        assert_eq!(of_before, [None, Some("50%"), Some("80%"), Some("75%")]);
        assert_eq!(rows.iter().map(|row| row.width).collect::<Vec<_>>(), [1000, 500, 400, 300]);
    }

    #[test]
    fn nothing_is_no_part_of_nothing() {
        let rows = stages(Funnel::default(), &local());
        assert!(rows.iter().all(|row| row.of_sent.is_none() && row.of_before.is_none() && row.width == 0));
        assert!(times(&ProviderTally::default(), &local()).is_empty());
    }

    #[test]
    fn only_what_was_measured_has_a_row_and_the_longest_the_widest_bar() {
        let mut tally = ProviderTally::default();
        (0..100).for_each(|_| tally.times.entry(Leg::Exchange).or_default().add(100));
        tally.times.entry(Leg::Message).or_default().add(60_000);
        let rows = times(&tally, &local());
        assert_eq!(
            rows.iter().map(|row| row.name).collect::<Vec<_>>(),
            [words::leg(Leg::Message).0, words::leg(Leg::Exchange).0]
        );
        assert_eq!((rows[0].width, rows[1].count.as_str(), rows[1].half.as_str()), (1000, "100", "100 ms"));
        assert!(rows[1].width < 100 && rows[1].width >= 4);
    }

    proptest! {
        #[test]
        fn a_bar_is_never_wider_than_its_chart(part: u64, whole: u64) {
            let width = width(part, whole);
            prop_assert!(width <= WIDTH);
            prop_assert_eq!(width == 0, part == 0 || whole == 0);
        }
    }
}
