//! Which form of a message is sent: the best one that the customer's device takes and the tenant has
//! set up, and why it is not a better one.
//!
//! What a device can do is said by the platform, in words of [`Capabilities`]. Where nothing is said the
//! best form that cannot do harm is tried: Apple's devices always say what they can do, so that silence
//! means no; RCS and Messenger never do, so that only a list without the word means no.

use std::fmt;

use serde::Serialize;
use utoipa::ToSchema;

pub use crate::domain::accounts::AppleFlow;
use crate::domain::conversation::Channel;

/// A form in which a channel carries an auth message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, ToSchema)]
#[schema(as = MessageCarrier)]
#[serde(rename_all = "snake_case")]
pub enum Carrier {
    /// Apple's newer authentication message.
    AuthenticateV2,
    /// Apple's older, deprecated authentication message.
    AuthenticateV1,
    /// Apple's card of a link.
    RichLink,
    /// WhatsApp's message with one URL button.
    CtaUrl,
    /// A WhatsApp template that the tenant had approved, with a URL button.
    Template,
    /// Messenger's *Log In* button.
    AccountLink,
    /// A button that opens a URL, of Messenger and Instagram.
    UrlButton,
    /// An RCS suggestion that opens a URL.
    OpenUrl,
    /// An SMS.
    Sms,
    /// An email with a plain and an HTML part.
    Email,
    /// The sign-in card of our web chat element.
    Card,
    /// A plain text.
    Text,
}

impl Carrier {
    /// Every form.
    pub const ALL: [Self; 12] = [
        Self::AuthenticateV2,
        Self::AuthenticateV1,
        Self::RichLink,
        Self::CtaUrl,
        Self::Template,
        Self::AccountLink,
        Self::UrlButton,
        Self::OpenUrl,
        Self::Sms,
        Self::Email,
        Self::Card,
        Self::Text,
    ];

    /// The word in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AuthenticateV2 => "authenticate_v2",
            Self::AuthenticateV1 => "authenticate_v1",
            Self::RichLink => "rich_link",
            Self::CtaUrl => "cta_url",
            Self::Template => "template",
            Self::AccountLink => "account_link",
            Self::UrlButton => "url_button",
            Self::OpenUrl => "open_url",
            Self::Sms => "sms",
            Self::Email => "email",
            Self::Card => "card",
            Self::Text => "text",
        }
    }
}

impl fmt::Display for Carrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What the platform says of the customer's device and of the conversation: words in any case, one by
/// one or separated by commas as in Apple's header `capabilities`. Unknown words are no fault. Known:
/// `auth` and `auth2` (Apple), `account_link` (Messenger's apps), `rcs`, and `template_only` (WhatsApp's
/// 24 hours are over).
#[derive(Debug, Clone, Copy, Default)]
pub struct Capabilities<'a>(&'a [String]);

impl<'a> Capabilities<'a> {
    /// The words of a create call.
    pub fn new(words: &'a [String]) -> Self {
        Self(words)
    }

    /// Whether WhatsApp takes nothing but a template now.
    pub(super) fn is_template_only(self) -> bool {
        self.says("template_only")
    }

    fn says(self, word: &str) -> bool {
        self.words().any(|said| said.eq_ignore_ascii_case(word))
    }

    /// Whether the platform spoke of the device, and of this nothing.
    fn lacks(self, word: &str) -> bool {
        self.words().next().is_some() && !self.says(word)
    }

    fn words(self) -> impl Iterator<Item = &'a str> {
        self.0.iter().flat_map(|words| words.split(',')).map(str::trim).filter(|word| !word.is_empty())
    }
}

/// A tenant's account for Messages for Business.
#[derive(Debug, Clone, Copy)]
pub struct AppleAccount<'a> {
    /// The business id: the `sourceId` of its messages.
    pub business_id: &'a str,
    /// Which flow it uses.
    pub flow: AppleFlow,
    /// Whether authentication messages were prepared: Apple knows the tenant's URLs.
    pub signs_in: bool,
}

/// A template that Meta approved for the tenant: a fixed text and one URL button, whose URL is that of
/// the tenant's links (`https://<host>/a/{{1}}`).
#[derive(Debug, Clone, Copy)]
pub struct Template<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its language as Meta writes it: `en_US`.
    pub language: &'a str,
}

/// What a tenant has set up.
#[derive(Debug, Clone, Copy, Default)]
pub struct Means<'a> {
    /// Its account at Apple.
    pub apple: Option<AppleAccount<'a>>,
    /// Its template at WhatsApp.
    pub template: Option<Template<'a>>,
    /// Whether its Messenger page takes account linking.
    pub account_linking: bool,
}

/// A carrier, and the better ones that were passed over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// The best that is possible.
    pub carrier: Carrier,
    passed: Vec<(Carrier, Why)>,
}

/// Why a carrier was passed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Why {
    /// The device did not say this word.
    Unsaid(&'static str),
    /// The tenant lacks this.
    Missing(&'static str),
    /// The tenant wants the other flow.
    Unwanted,
    /// Nobody made what it asks for.
    Unprepared,
}

impl Choice {
    /// Why it is this one, in one sentence.
    pub fn reason(&self) -> String {
        let carrier = self.carrier;
        if self.passed.is_empty() {
            return format!("`{carrier}` is the best form of this channel");
        }
        let groups = self.passed.chunk_by(|(_, one), (_, next)| one == next);
        let told = groups.map(|group| {
            let carriers: Vec<_> = group.iter().map(|(carrier, _)| format!("`{carrier}`")).collect();
            format!("not {}: {}", carriers.join(" or "), group[0].1)
        });
        told.collect::<Vec<_>>().join("; ")
    }

    /// The next one, because nobody prepared what this one asks for.
    pub(super) fn without(mut self, unprepared: Carrier, next: Carrier) -> Self {
        self.passed.push((unprepared, Why::Unprepared));
        self.carrier = next;
        self
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unsaid(word) => write!(f, "the device does not say `{word}`"),
            Self::Missing(what) => write!(f, "the tenant has {what}"),
            Self::Unwanted => f.write_str("the tenant's setting asks for the other flow"),
            Self::Unprepared => f.write_str("no sign-in was prepared for it"),
        }
    }
}

/// Chooses the best carrier of a channel. There is always one.
pub fn choose(channel: Channel, can: Capabilities<'_>, means: &Means<'_>) -> Choice {
    let (better, last) = chain(channel, can);
    let mut passed = Vec::new();
    for carrier in better {
        match judge(*carrier, can, means) {
            None => return Choice { carrier: *carrier, passed },
            Some(why) => passed.push((*carrier, why)),
        }
    }
    Choice { carrier: last, passed }
}

/// The forms of a channel, the best first, and the one that is always possible.
fn chain(channel: Channel, can: Capabilities<'_>) -> (&'static [Carrier], Carrier) {
    match channel {
        Channel::Apple => (&[Carrier::AuthenticateV2, Carrier::AuthenticateV1], Carrier::RichLink),
        Channel::Whatsapp if can.is_template_only() => (&[Carrier::Template], Carrier::CtaUrl),
        Channel::Whatsapp => (&[], Carrier::CtaUrl),
        Channel::Messenger => (&[Carrier::AccountLink], Carrier::UrlButton),
        Channel::Instagram => (&[], Carrier::UrlButton),
        Channel::Rcs => (&[Carrier::OpenUrl], Carrier::Sms),
        Channel::Sms => (&[], Carrier::Sms),
        Channel::Email => (&[], Carrier::Email),
        Channel::Webchat => (&[], Carrier::Card),
        Channel::Line | Channel::Telegram | Channel::Viber | Channel::Slack | Channel::Teams => {
            (&[], Carrier::Text)
        }
    }
}

/// What stands against a carrier, if anything.
fn judge(carrier: Carrier, can: Capabilities<'_>, means: &Means<'_>) -> Option<Why> {
    match carrier {
        Carrier::AuthenticateV2 | Carrier::AuthenticateV1 => judge_apple(carrier, can, means.apple.as_ref()),
        Carrier::Template => means.template.is_none().then_some(Why::Missing("no template")),
        Carrier::AccountLink if !means.account_linking => Some(Why::Missing("no account linking")),
        Carrier::AccountLink => can.lacks("account_link").then_some(Why::Unsaid("account_link")),
        Carrier::OpenUrl => can.lacks("rcs").then_some(Why::Unsaid("rcs")),
        Carrier::RichLink
        | Carrier::CtaUrl
        | Carrier::UrlButton
        | Carrier::Sms
        | Carrier::Email
        | Carrier::Card
        | Carrier::Text => None,
    }
}

fn judge_apple(carrier: Carrier, can: Capabilities<'_>, account: Option<&AppleAccount<'_>>) -> Option<Why> {
    let Some(account) = account.filter(|account| account.signs_in) else {
        return Some(Why::Missing("no sign-in at Apple"));
    };
    let signs_in = can.says("auth") || can.says("auth2");
    match (carrier, account.flow) {
        (Carrier::AuthenticateV2, AppleFlow::Older) | (Carrier::AuthenticateV1, AppleFlow::Newer) => {
            Some(Why::Unwanted)
        }
        (Carrier::AuthenticateV2, AppleFlow::Auto) if !can.says("auth2") => Some(Why::Unsaid("auth2")),
        _ => (!signs_in).then_some(Why::Unsaid("auth")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WORDS: [&str; 7] = ["auth", "auth2", "account_link", "rcs", "template_only", "list", "QUICK"];

    fn words(said: &str) -> Vec<String> {
        said.split_whitespace().map(str::to_owned).collect()
    }

    fn apple(flow: AppleFlow) -> Means<'static> {
        let account = AppleAccount { business_id: "b", flow, signs_in: true };
        Means { apple: Some(account), ..Means::default() }
    }

    fn chosen(channel: Channel, said: &str, means: &Means<'_>) -> Carrier {
        choose(channel, Capabilities::new(&words(said)), means).carrier
    }

    /// Everything that a tenant can have set up.
    fn all_means() -> Vec<Means<'static>> {
        let mut accounts = vec![None];
        for flow in [AppleFlow::Auto, AppleFlow::Older, AppleFlow::Newer] {
            for signs_in in [false, true] {
                accounts.push(Some(AppleAccount { business_id: "b", flow, signs_in }));
            }
        }
        let template = Template { name: "t", language: "en_US" };
        let mut all = Vec::new();
        for apple in accounts {
            for template in [None, Some(template)] {
                for account_linking in [false, true] {
                    all.push(Means { apple, template, account_linking });
                }
            }
        }
        all
    }

    #[test]
    fn apple_goes_from_newer_to_older_to_a_rich_link() {
        use Carrier::{AuthenticateV1 as V1, AuthenticateV2 as V2, RichLink};
        for (said, auto, older, newer) in [
            ("", RichLink, RichLink, RichLink),
            ("list quick", RichLink, RichLink, RichLink),
            ("auth", V1, V1, V2),
            ("auth2", V2, V1, V2),
            ("auth auth2", V2, V1, V2),
            ("LIST,AUTH", V1, V1, V2),
            ("auth,Auth2", V2, V1, V2),
            ("authentication", RichLink, RichLink, RichLink),
        ] {
            for (flow, expected) in
                [(AppleFlow::Auto, auto), (AppleFlow::Older, older), (AppleFlow::Newer, newer)]
            {
                assert_eq!(chosen(Channel::Apple, said, &apple(flow)), expected, "{said} {flow:?}");
            }
            assert_eq!(chosen(Channel::Apple, said, &Means::default()), RichLink, "{said}: no account");
        }
    }

    #[test]
    fn messenger_and_rcs_step_down_where_the_device_is_said_to_lack_it() {
        let linking = Means { account_linking: true, ..Means::default() };
        for (said, expected) in
            [("", Carrier::AccountLink), ("account_link", Carrier::AccountLink), ("list", Carrier::UrlButton)]
        {
            assert_eq!(chosen(Channel::Messenger, said, &linking), expected, "{said}");
            assert_eq!(chosen(Channel::Messenger, said, &Means::default()), Carrier::UrlButton, "{said}");
            assert_eq!(chosen(Channel::Instagram, said, &linking), Carrier::UrlButton, "{said}");
        }
        for (said, expected) in [("", Carrier::OpenUrl), ("RCS", Carrier::OpenUrl), ("mms", Carrier::Sms)] {
            assert_eq!(chosen(Channel::Rcs, said, &Means::default()), expected, "{said}");
        }
    }

    #[test]
    fn whatsapp_takes_the_template_only_when_its_window_is_closed() {
        let with = Means { template: Some(Template { name: "t", language: "en" }), ..Means::default() };
        for (said, have, lack) in [
            ("", Carrier::CtaUrl, Carrier::CtaUrl),
            ("auth", Carrier::CtaUrl, Carrier::CtaUrl),
            ("template_only", Carrier::Template, Carrier::CtaUrl),
        ] {
            assert_eq!(chosen(Channel::Whatsapp, said, &with), have, "{said}");
            assert_eq!(chosen(Channel::Whatsapp, said, &Means::default()), lack, "{said}");
        }
    }

    #[test]
    fn the_reason_names_every_better_form_and_what_was_in_its_way() {
        let reason = |channel, said: &str, means: &Means<'_>| {
            choose(channel, Capabilities::new(&words(said)), means).reason()
        };
        assert_eq!(
            reason(Channel::Apple, "list", &apple(AppleFlow::Auto)),
            "not `authenticate_v2`: the device does not say `auth2`; \
             not `authenticate_v1`: the device does not say `auth`"
        );
        assert_eq!(
            reason(Channel::Apple, "auth", &Means::default()),
            "not `authenticate_v2` or `authenticate_v1`: the tenant has no sign-in at Apple"
        );
        assert_eq!(
            reason(Channel::Messenger, "", &Means::default()),
            "not `account_link`: the tenant has no account linking"
        );
        assert_eq!(
            reason(Channel::Rcs, "mms", &Means::default()),
            "not `open_url`: the device does not say `rcs`"
        );
        assert_eq!(reason(Channel::Sms, "", &Means::default()), "`sms` is the best form of this channel");
    }

    #[test]
    fn a_carrier_nobody_prepared_gives_way_and_says_so() {
        let choice = choose(Channel::Apple, Capabilities::new(&words("auth")), &apple(AppleFlow::Newer));
        let choice = choice.without(Carrier::AuthenticateV2, Carrier::RichLink);
        assert_eq!(choice.carrier, Carrier::RichLink);
        assert_eq!(choice.reason(), "not `authenticate_v2`: no sign-in was prepared for it");
    }

    #[test]
    fn whatever_is_said_and_set_up_there_is_one_carrier_of_the_channel_and_it_depends_on_nothing_else() {
        for channel in Channel::ALL {
            for means in all_means() {
                for subset in 0_usize..1 << WORDS.len() {
                    let said: Vec<_> = (0..WORDS.len()).filter(|bit| subset >> bit & 1 == 1).collect();
                    let said: Vec<_> = said.into_iter().map(|bit| WORDS[bit].to_owned()).collect();
                    let can = Capabilities::new(&said);
                    let choice = choose(channel, can, &means);
                    let (better, last) = chain(channel, can);
                    assert!(better.contains(&choice.carrier) || last == choice.carrier);
                    let passed: Vec<_> = choice.passed.iter().map(|(carrier, _)| *carrier).collect();
                    assert_eq!(passed, better[..passed.len()], "the better ones, in their order");
                    // The order of the words, their case and commas between them are the same.
                    let joined =
                        [said.iter().rev().map(|word| word.to_uppercase()).collect::<Vec<_>>().join(" , ")];
                    assert_eq!(choose(channel, Capabilities::new(&joined), &means), choice);
                }
            }
        }
    }

    #[test]
    fn an_authentication_message_is_never_chosen_without_an_account_and_a_device_that_takes_it() {
        for means in all_means() {
            for said in ["", "auth", "auth2", "list"] {
                let carrier = chosen(Channel::Apple, said, &means);
                let able = means.apple.is_some_and(|account| account.signs_in) && said.starts_with("auth");
                assert_eq!(carrier != Carrier::RichLink, able, "{said} {means:?}");
            }
        }
    }

    #[test]
    fn the_words_in_json_are_those_of_the_enum() {
        for carrier in Carrier::ALL {
            assert_eq!(serde_json::to_value(carrier).unwrap(), carrier.as_str());
        }
    }
}
