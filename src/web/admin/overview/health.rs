//! How a provider is, in words.

use jiff::Timestamp;

use crate::flow::insight::{Health, Passes};
use crate::web::admin::words::Tone;
use crate::web::page::clean;
use crate::web::staff::{Local, Moment};

/// A provider's row.
pub(super) struct HealthRow {
    pub(super) id: String,
    pub(super) label: String,
    pub(super) state: &'static str,
    pub(super) tone: Tone,
    /// Since when, if it ever changed.
    pub(super) since: Option<(Moment, Moment)>,
    pub(super) sentence: &'static str,
}

/// What is known of a provider.
pub(super) fn row(health: &Health, local: &Local, now: Timestamp) -> HealthRow {
    let is_known_bad = health.known.as_ref().is_some_and(|known| !known.healthy);
    let (state, tone, sentence) = match (is_known_bad, health.passes) {
        (true, Passes::All) => (
            "Fails elsewhere",
            Tone::Warn,
            "Another broker sees it fail for everybody; here customers are still sent there.",
        ),
        (_, Passes::Probes) => (
            "Fails for everybody",
            Tone::Bad,
            "Customers are not sent there; they see a page that says to try again. One sign-in every two seconds finds out \
             whether it is back.",
        ),
        (_, Passes::Few) => (
            "Coming back",
            Tone::Warn,
            "It answered again. A few customers at a time are let through until three sign-ins in a row were answered.",
        ),
        (false, Passes::All) => ("Works", Tone::Good, "Customers are sent there."),
    };
    let since = health.known.as_ref().map(|known| (local.moment(known.since), local.ago(known.since, now)));
    HealthRow {
        id: health.provider.to_string(),
        label: clean(&health.label),
        state,
        tone,
        since: since.filter(|_| is_known_bad || health.passes == Passes::All),
        sentence,
    }
}

impl HealthRow {
    /// Whether somebody should do something.
    pub(super) fn is_bad(&self) -> bool {
        self.tone != Tone::Good
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use crate::domain::health::ProviderHealth;

    use super::*;

    #[rstest]
    #[case(None, Passes::All, "Works")]
    #[case(Some(true), Passes::All, "Works")]
    #[case(Some(false), Passes::All, "Fails elsewhere")]
    #[case(Some(false), Passes::Probes, "Fails for everybody")]
    #[case(None, Passes::Probes, "Fails for everybody")]
    #[case(Some(false), Passes::Few, "Coming back")]
    #[case(Some(true), Passes::Few, "Coming back")]
    fn what_this_broker_sees_and_what_all_know_make_one_word(
        #[case] healthy: Option<bool>,
        #[case] passes: Passes,
        #[case] state: &str,
    ) {
        let since = Timestamp::UNIX_EPOCH;
        let known = healthy.map(|healthy| ProviderHealth { healthy, since, failed_at: since });
        let health =
            Health { provider: "acme".parse().unwrap(), label: "A\u{202e}cme".to_owned(), known, passes };
        let row = row(&health, &Local::new("en", "UTC"), Timestamp::UNIX_EPOCH);
        assert_eq!((row.state, row.label.as_str(), row.is_bad()), (state, "Acme", state != "Works"));
        assert!(row.sentence.ends_with('.'));
    }
}
