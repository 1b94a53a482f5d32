//! What statuses, steps and stretches are called on the pages of admins.

use crate::domain::attempt::AttemptStatus;
use crate::domain::binding::Binding;
use crate::domain::fault::Step;
use crate::domain::insight::Leg;

/// How something is marked beside its words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// As it should be.
    Good,
    /// On its way.
    Calm,
    /// Worth a look.
    Warn,
    /// Broken.
    Bad,
    /// Neither good nor bad.
    Plain,
}

impl Tone {
    /// The class in the style sheet; empty for a plain one.
    pub fn class(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Calm => "calm",
            Self::Warn => "warn",
            Self::Bad => "bad",
            Self::Plain => "",
        }
    }
}

/// A status in a word or two, and how it is marked.
pub fn status(status: AttemptStatus) -> (&'static str, Tone) {
    match status {
        AttemptStatus::Started => ("At the provider", Tone::Calm),
        AttemptStatus::Working => ("Being checked", Tone::Calm),
        AttemptStatus::Provisional => ("Waiting for the code", Tone::Calm),
        AttemptStatus::Completed => ("Verified", Tone::Good),
        AttemptStatus::Failed => ("Failed", Tone::Bad),
        AttemptStatus::Denied => ("Declined", Tone::Warn),
        AttemptStatus::Interrupted => ("Cut off", Tone::Bad),
        AttemptStatus::Lapsed => ("Code not sent", Tone::Warn),
        AttemptStatus::Abandoned => ("Did not come back", Tone::Plain),
    }
}

/// A status in a sentence.
pub fn status_sentence(status: AttemptStatus) -> &'static str {
    match status {
        AttemptStatus::Started => "The customer is at the provider’s page right now.",
        AttemptStatus::Working => "The customer is back from the provider, and we are checking the answer.",
        AttemptStatus::Provisional => {
            "The customer has signed in. The code of the result page must still be sent in the chat."
        }
        AttemptStatus::Completed => {
            "The customer signed in, and it is proved that this is who is in the chat."
        }
        AttemptStatus::Failed => "A step failed.",
        AttemptStatus::Denied => "The customer declined at the provider.",
        AttemptStatus::Interrupted => "A broker was stopped in the middle of it.",
        AttemptStatus::Lapsed => "The customer signed in, and nobody sent the code in the chat in time.",
        AttemptStatus::Abandoned => {
            "The customer did not come back from the provider within ten minutes, began anew, or came back in a way that \
             is refused for everybody. If many end like this, run a test login."
        }
    }
}

/// A step of the callback.
pub fn step(step: Step) -> &'static str {
    match step {
        Step::Parse => "Reading the answer",
        Step::Find => "Finding the attempt",
        Step::Verify => "Checking the answer",
        Step::Claim => "Taking the answer, once",
        Step::Exchange => "Exchanging the code",
        Step::IdToken => "Checking the id_token",
        Step::Whoami => "Asking who it is",
        Step::Normalise => "Mapping the profile",
        Step::Bind => "Proving who is in the chat",
        Step::Record => "Writing it down",
        Step::Announce => "Telling the platform",
    }
}

/// A stretch of a sign-in, and who takes the time.
pub fn leg(leg: Leg) -> (&'static str, &'static str) {
    match leg {
        Leg::Message => ("From the message to “Continue”", "the customer"),
        Leg::Provider => ("At the provider’s pages", "the customer and the provider"),
        Leg::Claim => ("Taking the answer, once", "our store"),
        Leg::Exchange => ("Exchanging the code", "the provider"),
        Leg::IdToken => ("Checking the id_token", "us, and the provider for its keys"),
        Leg::Whoami => ("Asking who it is", "the provider"),
        Leg::Normalise => ("Mapping the profile", "us"),
        Leg::Chat => ("From the result page to the code in the chat", "the customer"),
    }
}

/// A binding, as a proof.
pub fn binding(binding: Binding) -> &'static str {
    match binding {
        Binding::None => "nothing proved",
        Binding::Browser => "same browser",
        Binding::Match => "matching phone or email",
        Binding::Code => "code in the chat",
        Binding::Native => "the channel itself",
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_two_statuses_and_no_two_stretches_are_called_alike() {
        let names: BTreeSet<_> = AttemptStatus::ALL.iter().map(|known| status(*known).0).collect();
        assert_eq!(names.len(), AttemptStatus::ALL.len());
        assert!(AttemptStatus::ALL.iter().all(|known| status_sentence(*known).ends_with('.')));
        let names: BTreeSet<_> = Leg::ALL.iter().map(|known| leg(*known).0).collect();
        assert_eq!(names.len(), Leg::ALL.len());
        let names: BTreeSet<_> = Binding::ALL.iter().map(|known| binding(*known)).collect();
        assert_eq!(names.len(), Binding::ALL.len());
    }

    #[test]
    fn a_failure_does_not_look_like_a_success() {
        for known in AttemptStatus::ALL {
            let is_good = status(known).1 == Tone::Good;
            assert_eq!(is_good, known == AttemptStatus::Completed);
        }
        assert_eq!((Tone::Bad.class(), Tone::Plain.class()), ("bad", ""));
    }
}
