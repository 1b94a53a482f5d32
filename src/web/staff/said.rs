//! What a page says once after a change: a redirect names it, and only these sentences exist, so that no address can
//! put words into a page.

use axum::response::Response;

use crate::web::visit::see_other;

macro_rules! said {
    ($($name:ident => $word:literal, $sentence:literal;)*) => {
        /// A sentence that tells how a change went.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[expect(missing_docs, reason = "the sentence stands beside each")]
        pub enum Said { $($name),* }

        impl Said {
            /// Every one of them.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// The word in the address.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $word),* }
            }

            /// The sentence.
            pub const fn sentence(self) -> &'static str {
                match self { $(Self::$name => $sentence),* }
            }
        }
    };
}

said! {
    Saved => "saved", "Saved.";
    Deleted => "deleted", "Deleted.";
    Removed => "removed", "Removed from the staff. Every browser of this person is signed out.";
    SignedOut => "signed-out", "That browser is signed out.";
    OthersSignedOut => "others-signed-out", "Every other browser of yours is signed out.";
    SignInSent => "sent", "The sign-in is ready. If your platform does not send it by itself, copy the message into the chat.";
    SignInResent => "resent", "The message is worded again. Its link is the same as before.";
    SignInCancelled => "taken-back", "The sign-in was taken back. Nobody can use its link any more.";
    TooLateCompleted => "too-late", "The sign-in had completed already, so nothing was changed. Look at who is verified.";
    TooLateOver => "over", "The sign-in was over already, so nothing was changed.";
    WordingGone => "wording-gone", "These words are no longer there, so nothing was changed.";
    CodeRight => "code-right", "The code is right. The customer is verified.";
    CodeSpent => "code-spent", "That was not the code. That was the last try: the customer must sign in again.";
    CodeTooLate => "code-too-late", "No code is taken any more. The customer must sign in again.";
    VerificationEnded => "ended", "Nobody is verified here any more.";
    FieldRestored => "restored", "The field is as it was before.";
    SuggestionAccepted => "accepted", "The suggestion was taken over.";
    SuggestionDismissed => "dismissed", "The suggestion was dismissed.";
    ContactStale => "contact-stale", "Somebody else changed this contact meanwhile, so nothing was changed. Look again.";
    ContactErased => "contact-erased", "The contact is erased. Events and sign-ins stay, without the person.";
    ContactsMerged => "contacts-merged", "The two contacts are one now.";
    NothingToChange => "nothing-to-change", "Nothing was changed: there is nothing left to do for this field.";
    SimulatedConfirmed => "simulated-right", "The code was right: the business knows who the customer is.";
    SimulatedWrong => "simulated-wrong", "That was not the code. The customer may try again.";
    SimulatedSpent => "simulated-spent", "No code is taken any more. Open the link and sign in again.";
    SimulatedNothing => "simulated-nothing", "The message was passed on. It holds no code that anything waits for.";
    ProviderAdded => "provider-added", "The provider is saved as a draft. Customers notice nothing of it yet.";
    ProviderDeleted => "provider-deleted", "The provider is deleted.";
    DraftSaved => "draft-saved", "The draft is saved.";
    DraftDiscarded => "draft-discarded", "The draft is thrown away. What was live stays live.";
    Published => "published", "Published: customers sign in with these settings from now on.";
    RolledBack => "rolled-back", "The earlier version is live again.";
    SecretReplaced => "secret-replaced", "The secret is replaced.";
    SecretDropped => "secret-dropped", "The previous secret is gone.";
    KeyInDraft => "key-in-draft", "The new private key is in the draft. Test it, then publish.";
    ProposalAccepted => "proposal-accepted", "The setting is in the draft. Run the test again.";
    MappingInDraft => "mapping-in-draft", "The mapping is in the draft.";
    SampleSaved => "sample-saved", "The sample is saved.";
    SampleAccepted => "sample-accepted", "The sample must come out as it does now.";
    SampleDeleted => "sample-deleted", "The sample is deleted.";
}

impl Said {
    /// What the query of a path and query wants to be said.
    pub fn of_query(asked: &str) -> Option<Self> {
        let (_, query) = asked.split_once('?')?;
        let word = url::form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "said")?.1;
        Self::ALL.iter().copied().find(|said| said.as_str() == word)
    }
}

/// A redirect to one of our paths, which says this once.
pub fn see_other_saying(path: &str, said: Said) -> Response {
    let mark = if path.contains('?') { '&' } else { '?' };
    see_other(&format!("{path}{mark}said={}", said.as_str()))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn only_our_own_sentences_are_said() {
        assert_eq!(Said::of_query("/console?a=b&said=saved"), Some(Said::Saved));
        for other in ["/console", "/console?said=", "/console?said=You+are+hacked", "said=saved"] {
            assert_eq!(Said::of_query(other), None, "{other}");
        }
    }

    #[test]
    fn no_two_sentences_share_a_word_and_each_is_a_sentence() {
        let words: BTreeSet<_> = Said::ALL.iter().map(|said| said.as_str()).collect();
        assert_eq!(words.len(), Said::ALL.len());
        assert!(Said::ALL.iter().all(|said| said.sentence().ends_with(['.', '!'])));
    }
}
