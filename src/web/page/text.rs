//! The messages of the pages, by name. The compiler finds one that no page uses; a test finds one
//! that a language lacks.

use fluent_bundle::{FluentArgs, FluentValue};

use crate::domain::conversation::Channel;

use super::language::Language;

macro_rules! texts {
    ($($name:ident => $id:literal [$($variable:ident)*]),* $(,)?) => {
        /// A message, with the variables that it takes.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Text { $($name),* }

        impl Text {
            /// Its name in the language files.
            fn id(self) -> &'static str {
                match self { $(Self::$name => $id),* }
            }

            /// The variables that it takes.
            fn variables(self) -> &'static [&'static str] {
                match self { $(Self::$name => &[$(stringify!($variable)),*]),* }
            }

            /// Every message.
            #[cfg(test)]
            const ALL: &[Self] = &[$(Self::$name),*];
        }
    };
}

texts! {
    ChannelName => "channel-name" [channel label],
    FieldEmail => "field-email" [],
    FieldName => "field-name" [],
    FieldPhone => "field-phone" [],
    FieldUserName => "field-user-name" [],
    FieldUserId => "field-user-id" [],
    FieldLocale => "field-locale" [],
    FieldOther => "field-other" [],
    UntilMinutes => "until-minutes" [minutes clock],
    UntilHours => "until-hours" [hours clock],
    UntilDays => "until-days" [date clock],
    LandingHeading => "landing-heading" [tenant],
    LandingLead => "landing-lead" [tenant],
    LandingFacts => "landing-facts" [],
    LandingChat => "landing-chat" [],
    LandingProvider => "landing-provider" [],
    LandingShares => "landing-shares" [tenant],
    LandingSharesNothing => "landing-shares-nothing" [],
    LandingExpires => "landing-expires" [],
    LandingPassword => "landing-password" [host],
    LandingContinue => "landing-continue" [],
    LandingUnasked => "landing-unasked" [],
    LandingDecline => "landing-decline" [],
    DeclineHeading => "decline-heading" [],
    DeclineLead => "decline-lead" [tenant],
    DeclineConfirm => "decline-confirm" [],
    DeclineBack => "decline-back" [],
    DeclinedHeading => "declined-heading" [],
    DeclinedLead => "declined-lead" [],
    CompletedHeading => "completed-heading" [],
    CompletedLead => "completed-lead" [tenant],
    BackToChat => "back-to-chat" [],
    AwayHeading => "away-heading" [],
    AwayLead => "away-lead" [tenant],
    AwayFailedHeading => "away-failed-heading" [],
    AwayFailedLead => "away-failed-lead" [],
    ProvisionalHeading => "provisional-heading" [],
    ProvisionalLead => "provisional-lead" [],
    ProvisionalCode => "provisional-code" [],
    ProvisionalSpelled => "provisional-spelled" [letters],
    ProvisionalUntil => "provisional-until" [],
    ProvisionalWarning => "provisional-warning" [],
    WorkingHeading => "working-heading" [],
    WorkingLead => "working-lead" [],
    DeniedHeading => "denied-heading" [],
    DeniedLead => "denied-lead" [provider],
    LateHeading => "late-heading" [],
    LateLead => "late-lead" [provider],
    BusyHeading => "busy-heading" [provider],
    BusyLead => "busy-lead" [],
    SetupHeading => "setup-heading" [],
    SetupLead => "setup-lead" [tenant],
    MissingHeading => "missing-heading" [],
    MissingLead => "missing-lead" [provider tenant],
    UnconfirmedHeading => "unconfirmed-heading" [],
    UnconfirmedLead => "unconfirmed-lead" [],
    SpentHeading => "spent-heading" [],
    SpentLead => "spent-lead" [],
    VoidedHeading => "voided-heading" [],
    VoidedLead => "voided-lead" [],
    InterruptedHeading => "interrupted-heading" [],
    InterruptedLead => "interrupted-lead" [],
    OursHeading => "ours-heading" [],
    OursLead => "ours-lead" [],
    NothingShared => "nothing-shared" [],
    TryAgain => "try-again" [],
    Reference => "reference" [],
    ExpiredHeading => "expired-heading" [],
    ExpiredLead => "expired-lead" [],
    CancelledHeading => "cancelled-heading" [],
    CancelledLead => "cancelled-lead" [],
    SupersededHeading => "superseded-heading" [],
    SupersededLead => "superseded-lead" [],
    DoneHeading => "done-heading" [],
    DoneLead => "done-lead" [],
    UnknownHeading => "unknown-heading" [],
    UnknownLead => "unknown-lead" [],
    NeutralHeading => "neutral-heading" [],
    NeutralLead => "neutral-lead" [],
    WrongHostHeading => "wrong-host-heading" [],
    WrongHostLead => "wrong-host-lead" [],
    ForbiddenHeading => "forbidden-heading" [],
    ForbiddenLead => "forbidden-lead" [],
    TooManyHeading => "too-many-heading" [],
    TooManyLead => "too-many-lead" [],
    TooOftenHeading => "too-often-heading" [],
    TooOftenLead => "too-often-lead" [],
    UnavailableHeading => "unavailable-heading" [],
    UnavailableLead => "unavailable-lead" [],
    MethodHeading => "method-heading" [],
    MethodLead => "method-lead" [],
    TooLargeHeading => "too-large-heading" [],
    TooLargeLead => "too-large-lead" [],
    LetterSubject => "letter-subject" [tenant],
    LetterLead => "letter-lead" [tenant],
    LetterGood => "letter-good" [minutes],
    LetterWarning => "letter-warning" [tenant],
    LetterUnasked => "letter-unasked" [],
    ConsentHeading => "consent-heading" [app],
    ConsentLead => "consent-lead" [app tenant],
    ConsentAsks => "consent-asks" [app],
    ConsentReturn => "consent-return" [host],
    ConsentProvider => "consent-provider" [provider],
    ConsentCancel => "consent-cancel" [],
    ScopeOpenid => "scope-openid" [],
    ScopeProfile => "scope-profile" [],
    ScopeEmail => "scope-email" [],
    ScopePhone => "scope-phone" [],
    ScopeOffline => "scope-offline" [],
    ScopeReadProfile => "scope-read-profile" [],
    ScopeWriteProfile => "scope-write-profile" [],
    ScopeOther => "scope-other" [scope],
    EmailedSend => "emailed-send" [],
    EmailedHeading => "emailed-heading" [],
    EmailedLead => "emailed-lead" [address minutes],
    EmailedCode => "emailed-code" [],
    EmailedNoAddress => "emailed-no-address" [],
    EmailedWrong => "emailed-wrong" [left],
    EmailedOver => "emailed-over" [],
    AppUnknownHeading => "app-unknown-heading" [],
    AppUnknownLead => "app-unknown-lead" [],
    Preview => "preview" [],
    InappHeading => "inapp-heading" [],
    InappLead => "inapp-lead" [provider],
    InappOpen => "inapp-open" [],
    InappHow => "inapp-how" [],
    InappAddress => "inapp-address" [],
    InappAnyway => "inapp-anyway" [],
    CardWindow => "card-window" [],
    CardOpened => "card-opened" [],
    CardBlocked => "card-blocked" [],
    CardPage => "card-page" [],
    CardCode => "card-code" [],
    CardDone => "card-done" [],
    CardAgain => "card-again" [],
    CardOver => "card-over" [],
}

/// The language of one page.
pub struct Words {
    language: &'static Language,
}

impl Words {
    /// In the best language for a visitor.
    pub fn negotiate(locale: Option<&str>, accept_language: Option<&str>) -> Self {
        Self { language: Language::negotiate(locale, accept_language) }
    }

    /// In a language.
    pub fn in_language(language: &'static Language) -> Self {
        Self { language }
    }

    /// In the language of this tag, or English.
    #[cfg(test)]
    pub fn of(tag: &str) -> Self {
        Self::negotiate(Some(tag), None)
    }

    /// The language.
    pub fn language(&self) -> &'static Language {
        self.language
    }

    /// A message without variables.
    pub fn say(&self, text: Text) -> String {
        self.with(text, &[])
    }

    /// A message with its variables; numbers choose the plural. Handing in a variable that the
    /// message does not list is allowed, so that callers can hand in what they have.
    pub fn with(&self, text: Text, values: &[(&'static str, FluentValue)]) -> String {
        let given = |name: &&&str| values.iter().any(|(known, _)| known == *name);
        debug_assert_eq!(text.variables().iter().find(|name| !given(name)), None, "{text:?} lacks it");
        let mut args = FluentArgs::new();
        for (name, value) in values {
            let value = match value {
                FluentValue::String(value) => FluentValue::from(clean(value)),
                other => other.clone(),
            };
            args.set(*name, value);
        }
        self.language.format(text.id(), &args)
    }

    /// What a customer calls a channel.
    pub fn channel(&self, channel: Channel) -> String {
        let values = [("channel", channel.as_str().into()), ("label", channel.label().into())];
        self.with(Text::ChannelName, &values)
    }
}

/// How many characters of a name are shown.
const NAME: usize = 100;

/// A name as it may be shown: on one line, at most 100 characters, without control characters and
/// without the marks that turn the direction of what follows (Unicode Standard Annex 9).
pub fn clean(name: &str) -> String {
    let mut shown = tidy(name);
    if shown.chars().count() > NAME {
        shown = shown.chars().take(NAME - 1).collect::<String>() + "…";
    }
    shown
}

/// The same for whole sentences, which are not cut.
pub fn tidy(text: &str) -> String {
    let turns = |c: char| matches!(c, '\u{61c}' | '\u{200b}' | '\u{200e}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
    let kept = text.chars().filter(|c| !turns(*c)).map(|c| if c.is_control() { ' ' } else { c });
    let kept: String = kept.collect();
    kept.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use proptest::prelude::*;

    use super::*;

    /// The messages of a language file with the variables that each names.
    fn messages(tag: &str) -> BTreeMap<String, BTreeSet<String>> {
        let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        let mut current = String::new();
        for line in Language::source(tag).lines() {
            if line.starts_with(|c: char| c.is_ascii_lowercase()) {
                current = line.split(" = ").next().unwrap().to_owned();
                assert!(!found.contains_key(&current), "{tag}: `{current}` stands twice");
                found.insert(current.clone(), BTreeSet::new());
            }
            for part in line.split('$').skip(1) {
                let name: String = part.chars().take_while(char::is_ascii_lowercase).collect();
                found.get_mut(&current).unwrap().insert(name);
            }
        }
        found
    }

    #[test]
    fn every_language_has_every_message_with_the_same_variables() {
        let listed = |text: &Text| {
            let variables = text.variables().iter().map(|name| (*name).to_owned()).collect();
            (text.id().to_owned(), variables)
        };
        let expected: BTreeMap<String, BTreeSet<String>> = Text::ALL.iter().map(listed).collect();
        assert_eq!(expected.len(), Text::ALL.len(), "two messages have one name");
        for language in Language::all() {
            let tag = language.tag();
            assert_eq!(messages(tag), expected, "`{tag}` differs from the list");
        }
    }

    #[test]
    fn every_message_of_every_language_formats_without_a_hole() {
        for language in Language::all() {
            let words = Words { language };
            for text in Text::ALL {
                for number in [0, 1, 2, 3, 5, 11, 100] {
                    let value = |name: &&'static str| match *name {
                        "minutes" | "hours" => (*name, FluentValue::from(number)),
                        name => (name, FluentValue::from("Value")),
                    };
                    let values: Vec<_> = text.variables().iter().map(value).collect();
                    let shown = words.with(*text, &values);
                    assert!(
                        !shown.is_empty() && !shown.contains('{'),
                        "{} {text:?}: {shown}",
                        language.tag()
                    );
                }
            }
        }
    }

    #[test]
    fn the_first_language_is_english_and_right_to_left_ones_are_there() {
        let tags: Vec<_> = Language::all().iter().map(Language::tag).collect();
        assert_eq!(tags[0], "en");
        for tag in ["ar", "de", "es", "fr", "he", "it", "ja", "nl", "pt", "sv"] {
            assert!(tags.contains(&tag), "{tag}");
        }
    }

    #[test]
    fn a_name_cannot_turn_the_sentence_around_it() {
        let shown = Words::of("en").with(Text::LandingHeading, &[("tenant", "Acme\u{202e}knaB".into())]);
        assert_eq!(shown, "Sign in to \u{2068}AcmeknaB\u{2069}");
    }

    #[test]
    fn a_name_is_one_short_line() {
        assert_eq!(clean(" A\u{0}\n b\u{2028}c "), "A bc");
        assert_eq!(clean(&"x".repeat(200)).chars().count(), NAME);
        assert_eq!(clean("مصرف الأمل"), "مصرف الأمل");
    }

    #[test]
    fn a_channel_is_called_by_the_name_that_its_customers_know() {
        assert_eq!(Words::of("en").channel(Channel::Webchat), "Web chat");
        assert!(Words::of("de").channel(Channel::Whatsapp).contains("WhatsApp"));
    }

    proptest! {
        #[test]
        fn what_is_shown_of_a_name_has_no_control_character(name in any::<String>()) {
            let shown = clean(&name);
            prop_assert!(!shown.chars().any(char::is_control));
            prop_assert!(shown.chars().count() <= NAME);
        }
    }
}
