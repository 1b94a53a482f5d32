//! What each proof is worth, and what it asks of the customer, in plain words.

use crate::domain::binding::Binding;
use crate::domain::conversation::Channel;

/// A proof in plain words.
pub(super) struct Proof {
    pub(super) binding: Binding,
    pub(super) name: &'static str,
    pub(super) proves: &'static str,
    pub(super) protects: &'static str,
    pub(super) costs: &'static str,
}

/// Every proof, the strongest first.
pub(super) const PROOFS: [Proof; Binding::ALL.len()] = [
    Proof {
        binding: Binding::Native,
        name: "The channel itself",
        proves: "Apple or Facebook says, signed, that the person of this conversation answered its own sign-in message; and \
                 the sign-in ended in the browser in which it began.",
        protects: "Forwarded links: the message opens in the customer’s own app. On Messenger somebody can still forward the \
                   page that Facebook has opened, if page_token is set there.",
        costs: "Nothing more. It needs your account with the channel, and a device that knows such messages; without them the \
                customer cannot sign in where this is demanded.",
    },
    Proof {
        binding: Binding::Code,
        name: "Code in the chat",
        proves: "Who signed in also writes in this chat: the page after the sign-in shows a six-digit code, and it came back \
                 in the conversation.",
        protects: "Forwarded links. Somebody who sends the link of their own chat to a victim, and waits for the victim to \
                   sign in, never gets the victim’s code.",
        costs: "One message more: the customer copies or types six digits.",
    },
    Proof {
        binding: Binding::Match,
        name: "Matching phone or email",
        proves: "The phone number or email address that your provider has verified is the one that the customer writes from, \
                 and the sign-in ended in the browser in which it began.",
        protects: "Forwarded links, as long as nobody else uses the number. It is weaker than the code where numbers are \
                   shared or passed on.",
        costs: "Nothing where it matches. Where it does not, the customer sends the code.",
    },
    Proof {
        binding: Binding::Browser,
        name: "Same browser",
        proves: "Chat and sign-in are in one browser.",
        protects: "Forwarded links, on your website’s own chat.",
        costs: "Nothing on the pages that stand in [webchat] origins. From anywhere else the customer sends the code instead.",
    },
    Proof {
        binding: Binding::None,
        name: "Nothing",
        proves: "Only that somebody with an account opened the link. It may be anybody.",
        protects: "Nothing. Whoever gets a link to sign in on makes the chat look like that person’s.",
        costs: "Nothing.",
    },
];

/// What a choice of a proof is called.
pub(super) fn label(binding: Binding) -> &'static str {
    match binding {
        Binding::None => "Nothing (dangerous)",
        other => PROOFS.iter().find(|proof| proof.binding == other).map_or("", |proof| proof.name),
    }
}

/// The proofs that may be chosen for a channel, strongest first; `set` is what stands there now.
pub(super) fn choices(channel: Option<Channel>, set: Option<Binding>) -> Vec<Binding> {
    let fits = |binding: &Binding| match binding {
        Binding::Code | Binding::None => true,
        Binding::Match => channel.is_none_or(can_match),
        Binding::Browser => channel == Some(Channel::Webchat),
        Binding::Native => channel.is_some_and(Channel::vouches),
    };
    let all = Binding::ALL.into_iter().rev();
    all.filter(|binding| fits(binding) || Some(*binding) == set).collect()
}

/// What a channel can prove.
pub(super) fn provable(channel: Channel) -> &'static str {
    match channel {
        _ if channel.has_phone_handles() => "the code, or a phone number that your provider verifies",
        Channel::Email => "the code, or an email address that your provider verifies",
        Channel::Webchat => "the code, or the same browser",
        _ if channel.vouches() => "the code, or the channel itself, with your account there in the settings",
        _ => "the code",
    }
}

/// What a customer of this channel will have to do.
pub(super) fn preview(channel: Channel, binding: Binding) -> &'static str {
    match binding {
        Binding::None => "Signs in, and counts as verified at once. Anybody who holds the link can do that.",
        Binding::Match if channel == Channel::Email => {
            "Signs in. If your provider vouches for the email address of the chat, that is all; otherwise the page shows a \
             code, which the customer sends in the chat."
        }
        Binding::Match if can_match(channel) => {
            "Signs in. If your provider vouches for the phone number of the chat, that is all; otherwise the page shows a \
             code, which the customer sends in the chat."
        }
        Binding::Match => {
            "Signs in, then sends the code of the page in the chat: this channel has no number or address to compare."
        }
        Binding::Browser if channel == Channel::Webchat => {
            "Signs in beside the chat. On a page that does not stand in [webchat] origins, the customer sends the code of the \
             page in the chat."
        }
        Binding::Browser => {
            "Signs in, then sends the code of the page in the chat: only web chat lives in the browser."
        }
        Binding::Code => "Signs in, then sends the code of the page in the chat, such as CS-123456.",
        Binding::Native if channel.vouches() => {
            "Signs in by the channel’s own sign-in message, and the channel says who it was. A link is refused where the \
             customer’s device has no such message, or your account there is not in the settings."
        }
        Binding::Native => "Cannot sign in: this channel does not vouch for a person. Choose another proof.",
    }
}

fn can_match(channel: Channel) -> bool {
    channel.has_phone_handles() || channel == Channel::Email
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_channel_and_proof_says_what_the_customer_does() {
        for channel in Channel::ALL {
            for binding in Binding::ALL {
                assert!(preview(channel, binding).ends_with('.'), "{channel} {binding}");
            }
            assert!(provable(channel).starts_with("the code"));
        }
        for binding in Binding::ALL {
            assert!(!label(binding).is_empty(), "{binding}");
        }
    }

    #[test]
    fn only_what_a_channel_can_prove_is_offered_and_what_is_set_is_never_hidden() {
        assert_eq!(choices(Some(Channel::Sms), None), [Binding::Code, Binding::Match, Binding::None]);
        assert_eq!(choices(Some(Channel::Line), None), [Binding::Code, Binding::None]);
        assert_eq!(choices(Some(Channel::Webchat), None), [Binding::Code, Binding::Browser, Binding::None]);
        let native = [Binding::Native, Binding::Code, Binding::None];
        assert_eq!(choices(Some(Channel::Apple), None), native);
        assert_eq!(choices(None, None), [Binding::Code, Binding::Match, Binding::None]);
        let native = choices(Some(Channel::Line), Some(Binding::Native));
        assert_eq!(native, [Binding::Native, Binding::Code, Binding::None]);
    }

    #[test]
    fn the_strongest_proof_stands_first_and_none_last() {
        let told: Vec<_> = PROOFS.iter().map(|proof| proof.binding).collect();
        let every: Vec<_> = Binding::ALL.into_iter().rev().collect();
        assert_eq!(told, every, "each proof has its row");
        for proof in PROOFS {
            for text in [proof.proves, proof.protects, proof.costs] {
                assert!(text.ends_with('.') && !text.contains("  "), "{text}");
            }
        }
    }
}
