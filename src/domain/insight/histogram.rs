//! Durations on a logarithmic scale: every doubling is cut into eight, so that a value that is read
//! from it is wrong by 6.25 % at most, and two histograms add up to the one of both.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Below this many milliseconds, each has a slot of its own.
const EXACT: u64 = 8;
/// The longest time that is told from longer ones: 74 hours.
const LONGEST: u64 = (1 << 28) - 1;

/// How often something took how long.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<(u8, u64)>", into = "Vec<(u8, u64)>")]
pub struct Histogram {
    /// Slots that hold anything.
    slots: BTreeMap<u8, u64>,
}

impl Histogram {
    /// Adds one that took so many milliseconds.
    pub fn add(&mut self, ms: u64) {
        self.raise(slot(ms), 1);
    }

    /// Adds everything that another one holds.
    pub fn merge(&mut self, other: &Self) {
        for (slot, count) in &other.slots {
            self.raise(*slot, *count);
        }
    }

    /// How many it holds.
    pub fn count(&self) -> u64 {
        self.slots.values().fold(0, |sum, count| sum.saturating_add(*count))
    }

    /// The time in milliseconds that `percent` of a hundred took at most; none if it holds nothing.
    pub fn quantile(&self, percent: u32) -> Option<u64> {
        let rank = (u128::from(self.count()) * u128::from(percent.min(100))).div_ceil(100).max(1);
        let mut seen = 0;
        for (slot, count) in &self.slots {
            seen += u128::from(*count);
            if seen >= rank {
                return Some(middle(*slot));
            }
        }
        None
    }

    fn raise(&mut self, slot: u8, by: u64) {
        if by > 0 {
            let count = self.slots.entry(slot).or_default();
            *count = count.saturating_add(by);
        }
    }
}

impl From<Vec<(u8, u64)>> for Histogram {
    fn from(pairs: Vec<(u8, u64)>) -> Self {
        let mut histogram = Self::default();
        for (slot, count) in pairs {
            histogram.raise(slot, count);
        }
        histogram
    }
}

impl From<Histogram> for Vec<(u8, u64)> {
    fn from(histogram: Histogram) -> Self {
        histogram.slots.into_iter().collect()
    }
}

fn slot(ms: u64) -> u8 {
    let ms = ms.min(LONGEST);
    let number = if ms < EXACT {
        ms
    } else {
        let octave = ms.ilog2();
        let eighth = (ms >> (octave - 3)) & 7;
        u64::from(octave - 2) * 8 + eighth
    };
    u8::try_from(number).expect("the longest time has slot 207")
}

/// The middle of a slot, in milliseconds.
fn middle(slot: u8) -> u64 {
    if u64::from(slot) < EXACT {
        return slot.into();
    }
    let width = 1_u64 << (slot / 8 - 1);
    (8 + u64::from(slot % 8)) * width + width / 2
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(times: &[u64]) -> Histogram {
        let mut histogram = Histogram::default();
        for ms in times {
            histogram.add(*ms);
        }
        histogram
    }

    #[test]
    fn the_middle_and_the_slow_end_are_found() {
        let histogram = of(&(1..=100).map(|number| number * 10).collect::<Vec<_>>());
        let (half, slow) = (histogram.quantile(50).unwrap(), histogram.quantile(95).unwrap());
        assert!((470..=530).contains(&half), "{half}");
        assert!((890..=1010).contains(&slow), "{slow}");
        assert_eq!(histogram.count(), 100);
    }

    #[test]
    fn nothing_has_no_middle_and_one_thing_is_its_own() {
        assert_eq!(Histogram::default().quantile(50), None);
        for percent in [0, 1, 50, 100, 1000] {
            assert_eq!(of(&[7]).quantile(percent), Some(7));
        }
    }

    #[test]
    fn a_year_counts_as_the_longest_time() {
        let year = 365 * 24 * 3_600_000;
        assert_eq!(of(&[year]), of(&[LONGEST]));
        assert_eq!(of(&[u64::MAX]), of(&[LONGEST]));
    }

    #[test]
    fn slots_are_in_the_order_of_time_without_a_gap() {
        let mut last = 0;
        for ms in 0..100_000_u64 {
            let now = slot(ms);
            assert!(now == last || now == last + 1, "{ms}");
            last = now;
        }
    }

    proptest! {
        #[test]
        fn a_time_is_read_back_within_six_and_a_quarter_percent(ms in 0..LONGEST) {
            let read = of(&[ms]).quantile(50).unwrap();
            prop_assert!(read.abs_diff(ms) * 16 <= ms, "{ms} is read as {read}");
        }

        #[test]
        fn two_together_are_the_one_of_all_in_any_order(a in prop::collection::vec(any::<u64>(), 0..60), b in prop::collection::vec(any::<u64>(), 0..60)) {
            let (mut ab, mut ba) = (of(&a), of(&b));
            ab.merge(&of(&b));
            ba.merge(&of(&a));
            prop_assert_eq!(&ab, &of(&[a.clone(), b.clone()].concat()));
            prop_assert_eq!(&ab, &ba);
            prop_assert_eq!(ab.count(), (a.len() + b.len()) as u64);
        }

        #[test]
        fn three_add_up_to_the_same_however_they_are_grouped(a in prop::collection::vec(any::<u64>(), 0..30), b in prop::collection::vec(any::<u64>(), 0..30), c in prop::collection::vec(any::<u64>(), 0..30)) {
            let (mut left, mut right, mut inner) = (of(&a), of(&a), of(&b));
            left.merge(&of(&b));
            left.merge(&of(&c));
            inner.merge(&of(&c));
            right.merge(&inner);
            prop_assert_eq!(left, right);
        }

        #[test]
        fn quantiles_never_fall_and_lie_within_what_was_measured(times in prop::collection::vec(0..LONGEST, 1..60)) {
            let histogram = of(&times);
            let read: Vec<_> = (0..=100).map(|percent| histogram.quantile(percent).unwrap()).collect();
            prop_assert!(read.is_sorted());
            let (least, most) = (times.iter().min().unwrap(), times.iter().max().unwrap());
            prop_assert!(read[0] * 16 >= least * 15 && read[100] * 16 <= most * 17 + 16);
        }

        #[test]
        fn it_survives_the_store_and_what_never_was_one_is_no_panic(times in prop::collection::vec(any::<u64>(), 0..60), pairs in prop::collection::vec(any::<(u8, u64)>(), 0..20)) {
            let histogram = of(&times);
            let text = serde_json::to_string(&histogram).unwrap();
            prop_assert_eq!(serde_json::from_str::<Histogram>(&text).unwrap(), histogram);
            let odd = Histogram::from(pairs);
            let mut twice = odd.clone();
            twice.merge(&odd);
            prop_assert_eq!(odd.quantile(95).is_none(), twice.count() == 0);
        }
    }
}
