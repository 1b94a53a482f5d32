//! Whether a provider works, as all brokers together know it: the record by which a change is told
//! once, however many of them see it.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// How long a failure counts that nobody sees any more: its broker may be gone.
const REMEMBERED: SignedDuration = SignedDuration::from_mins(1);

/// What is known of a provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProviderHealth {
    /// Whether it works.
    pub healthy: bool,
    /// Since when.
    pub since: Timestamp,
    /// When a broker last saw it fail.
    pub failed_at: Timestamp,
}

/// What one broker has seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sight {
    /// It has begun to fail.
    Fails,
    /// It goes on failing.
    StillFails,
    /// It failed here, and works again.
    Recovered,
    /// It works, and always did here.
    Works,
}

impl ProviderHealth {
    /// The record after a sight; none if it stays as it is.
    pub fn after(known: Option<&Self>, sight: Sight, now: Timestamp) -> Option<Self> {
        let failing = known.filter(|known| !known.healthy);
        let forgotten = |known: &&Self| now.duration_since(known.failed_at) >= REMEMBERED;
        match sight {
            Sight::Fails => Some(Self {
                healthy: false,
                since: failing.map_or(now, |failing| failing.since),
                failed_at: now,
            }),
            Sight::StillFails => failing.map(|failing| Self { failed_at: now, ..failing.clone() }),
            Sight::Recovered => failing.map(|failing| Self { healthy: true, since: now, ..failing.clone() }),
            Sight::Works => {
                failing.filter(forgotten).map(|failing| Self { healthy: true, since: now, ..failing.clone() })
            }
        }
    }

    /// Whether this record says something else than the one before.
    pub fn is_news(&self, before: Option<&Self>) -> bool {
        self.healthy != before.is_none_or(|before| before.healthy)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    /// The records after each sight, and whether it was news.
    fn told(sights: &[(Sight, i64)]) -> Vec<bool> {
        let mut known = None;
        let one = |(sight, second): &(Sight, i64)| {
            let next = ProviderHealth::after(known.as_ref(), *sight, at(*second));
            let news = next.as_ref().is_some_and(|next| next.is_news(known.as_ref()));
            known = next.or(known.take());
            news
        };
        sights.iter().map(one).collect()
    }

    #[test]
    fn two_brokers_that_see_the_same_tell_it_once() {
        let seen = [(Sight::Fails, 0), (Sight::Fails, 1), (Sight::Recovered, 9), (Sight::Recovered, 10)];
        assert_eq!(told(&seen), [true, false, true, false]);
    }

    #[test]
    fn a_broker_without_trouble_of_its_own_does_not_contradict_one_that_has_it() {
        let seen = [(Sight::Fails, 0), (Sight::Works, 30), (Sight::StillFails, 50), (Sight::Works, 100)];
        assert_eq!(told(&seen), [true, false, false, false]);
    }

    #[test]
    fn what_a_broker_saw_that_is_gone_is_forgotten_after_a_minute() {
        assert_eq!(told(&[(Sight::Fails, 0), (Sight::Works, 59), (Sight::Works, 60)]), [true, false, true]);
    }

    #[test]
    fn a_provider_that_always_worked_leaves_no_record() {
        for sight in [Sight::Works, Sight::Recovered, Sight::StillFails] {
            assert_eq!(ProviderHealth::after(None, sight, at(0)), None);
        }
    }
}
