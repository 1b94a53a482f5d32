//! What an agent reads of a status, a failure and a proof: words for somebody who talks with a customer at the same
//! time, and cannot change any setting.
//!
//! To add a code: its row among the reasons (the compiler asks): what happened, and what the agent can do now.

use crate::domain::binding::Binding;
use crate::domain::conversation::Channel;
use crate::domain::fault::Code;
use crate::domain::link::LinkStatus;
use crate::web::page::clean;

/// Why a sign-in came to nothing, in words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reason {
    /// What happened.
    pub happened: &'static str,
    /// What the agent can do now.
    pub now: &'static str,
}

/// The link is as good as it was: the customer can use it once more.
const AGAIN: &str = "Ask the customer to open the same link again.";
/// Waiting does not help: somebody has to change a setting.
const ADMIN: &str =
    "Trying again will not help. Tell an admin of your business: the attempt's page says what to mend.";
/// The provider is to blame, and may be better in a moment.
const LATER: &str =
    "Ask the customer to open the same link again in a few minutes. If it goes on, tell an admin.";

macro_rules! reasons {
    ($($($code:ident)+ => $happened:literal, $now:expr;)*) => {
        impl Reason {
            /// The words for a code.
            pub fn of(code: Code) -> Self {
                let (happened, now) = match code { $($(Code::$code)|+ => ($happened, $now)),* };
                Self { happened, now }
            }
        }
    };
}

reasons! {
    ParamsMissing ParamsConflict => "The provider sent the customer back with an incomplete answer.", LATER;
    StateUnknown => "The customer came back with an old or a foreign sign-in.", AGAIN;
    StateExpired => "The customer took longer than ten minutes at the provider.", AGAIN;
    RouteMismatch => "The provider sent the customer back to another address than it was asked for.", ADMIN;
    ProviderChanged => "The settings of the provider changed while the customer was signing in.", AGAIN;
    IssuerMismatch => "The answer came from another server than the provider.", ADMIN;
    VariableMismatch => "The customer signed in at another account of the provider than yours.", ADMIN;
    CookieMismatch =>
        "The customer began in one browser and came back in another.",
        "Ask the customer to open the same link again, and to stay in one browser.";
    LinkFinal => "The link was over before the customer came back.", "Send a new sign-in when the customer is ready.";
    AccessDenied =>
        "The customer said no at the provider.",
        "Ask what the customer is worried about. The same link can be opened again.";
    ProviderError => "The provider refused the sign-in.", ADMIN;
    RedirectUriRefused => "The provider does not know our address.", ADMIN;
    InvalidGrant => "The provider no longer accepted the customer's sign-in.", AGAIN;
    InvalidClient => "The provider does not accept your business's own password there.", ADMIN;
    TokenRefused => "The provider refused to finish the sign-in.", ADMIN;
    TokenFailed TokenTimeout => "The provider did not answer.", LATER;
    TokenGarbage TokenTooLarge => "The provider's answer cannot be understood.", ADMIN;
    TokenUrlRefused WhoamiUrlRefused WhoamiUrlUnfilled =>
        "An address of the provider may not be called from here.",
        ADMIN;
    DiscoveryFailed DiscoveryTimeout JwksFailed JwksTimeout =>
        "The provider did not say how to reach it.",
        LATER;
    DiscoveryMismatch => "The provider calls itself by another name than in the settings.", ADMIN;
    ParFailed ParTimeout => "The provider did not take our request.", LATER;
    IdTokenMissing IdTokenMalformed IdTokenEncrypted IdTokenAlgorithm IdTokenKey IdTokenSignature
    IdTokenIssuer IdTokenAudience IdTokenAtHash IdTokenClaims =>
        "The provider's statement of who it is cannot be trusted.",
        ADMIN;
    IdTokenExpired IdTokenTime IdTokenNonce =>
        "The provider's statement of who it is belongs to another sign-in, or is too old.",
        AGAIN;
    SubjectMismatch => "The provider spoke of two different people in one sign-in.", ADMIN;
    WhoamiRefused WhoamiGarbage WhoamiTooLarge WhoamiUnsigned =>
        "The customer signed in, but the provider did not say who it is in a way that can be used.",
        ADMIN;
    WhoamiFailed WhoamiTimeout => "The customer signed in, but the provider did not say who it is.", LATER;
    MappingFailed => "The customer signed in, but what the provider said cannot be read.", ADMIN;
    RequiredMissing =>
        "The customer signed in, but the provider did not share something that your business requires.",
        "Ask the customer to complete the account at the provider. If it is complete, tell an admin.";
    NotConfirmed =>
        "The customer signed in, but this chat did not confirm it in time.",
        "Ask the customer to open the same link again and, if the page shows a code, to send it here. If it was a message \
         of Apple’s, send another one.";
    GuessesSpent =>
        "Too many wrong codes came. The sign-in was thrown away.",
        "Make sure that you talk with the right person. The same link can be opened again.";
    SomeoneElse =>
        "Somebody else signed in than the person in this chat. Nothing was shared.",
        "Believe it: somebody may have forwarded the message. Ask before you send another one.";
    SheetClosed =>
        "The customer closed the sign-in on the phone, or it failed there.",
        "Send a new message if the customer still wants to sign in.";
    TakenBack =>
        "The customer signed in, and took it back in the app at once. Nothing was shared.",
        "Send a new message if the customer still wants to sign in.";
    Voided => "A newer sign-in of the same link took its place.", "Nothing: look at the newer one.";
    Declined =>
        "The customer said: this wasn't me.",
        "Believe it: somebody may have forwarded the link. Ask before you send another one.";
    Interrupted => "Our side was stopped in the middle of this sign-in.", AGAIN;
    StoreUnavailable => "Our side could not write the sign-in down. Nothing was lost.", AGAIN;
    Internal => "Something went wrong on our side.", LATER;
}

/// A link's status in two or three words, for a badge.
pub fn status(status: LinkStatus) -> &'static str {
    match status {
        LinkStatus::Created => "Sent, not opened",
        LinkStatus::Opened => "At the provider",
        LinkStatus::Provisional => "Waiting for the code",
        LinkStatus::Denied => "Customer said no",
        LinkStatus::Failed => "Failed",
        LinkStatus::Completed => "Completed",
        LinkStatus::Cancelled => "Taken back",
        LinkStatus::Superseded => "Replaced",
        LinkStatus::Expired => "Expired",
    }
}

/// What is going on, and what the agent can do.
pub fn sentence(status: LinkStatus) -> &'static str {
    match status {
        LinkStatus::Created => "The customer has not opened the link yet.",
        LinkStatus::Opened => "The customer has opened the link and is signing in at the provider.",
        LinkStatus::Provisional => {
            "The customer has signed in and sees a code. It must come in this chat, from the same customer."
        }
        LinkStatus::Denied | LinkStatus::Failed => "The latest try came to nothing.",
        LinkStatus::Completed => "The customer has signed in.",
        LinkStatus::Cancelled => "The link was taken back. Nobody can sign in with it any more.",
        LinkStatus::Superseded => {
            "A newer sign-in took its place. Nobody can sign in with this one any more."
        }
        LinkStatus::Expired => "The link's time is over. Send a new one when the customer is ready.",
    }
}

/// How it was proved that who signed in is who is in the chat.
pub fn proof(binding: Binding) -> &'static str {
    match binding {
        Binding::None => "Nothing was demanded: whoever opened the link signed in",
        Binding::Browser => "The chat and the sign-in were in the same browser",
        Binding::Match => "The provider vouches for the address that this chat comes from",
        Binding::Code => "The code of the sign-in page came in this chat",
        Binding::Native => "The channel itself vouches for the person",
    }
}

/// Whether a proof proves anything.
pub fn is_proof(binding: Binding) -> bool {
    binding > Binding::None
}

/// A name that somebody chose, as text that looks like nothing else: on one line, and without the pictures (ticks,
/// shields, locks) that pages use for their own signs.
pub fn plain_name(name: &str) -> String {
    let is_picture = |c: char| {
        matches!(c, '\u{2190}'..='\u{2bff}' | '\u{3200}'..='\u{33ff}' | '\u{e000}'..='\u{f8ff}' | '\u{fe00}'..='\u{fe0f}'
            | '\u{1f000}'..='\u{1fbff}' | '\u{e0000}'..='\u{10ffff}' | '\u{200d}' | '\u{fffc}' | '\u{fffd}')
    };
    clean(&name.chars().filter(|c| !is_picture(*c)).collect::<String>())
}

/// What a field of the broker's own is called.
pub fn field(name: &str) -> Option<&'static str> {
    Some(match name {
        "fullName" => "Name",
        "firstName" => "First name",
        "lastName" => "Last name",
        "email" => "Email",
        "phone" => "Phone",
        "userName" => "User name",
        "locale" => "Language",
        "externalId" => "Your id",
        _ => return None,
    })
}

/// What stands before a customer's address on a channel.
pub fn address(channel: Channel) -> &'static str {
    if channel.has_phone_handles() {
        "Phone number"
    } else if channel == Channel::Email {
        "Email address"
    } else {
        "Address there"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_failure_is_told_in_whole_sentences_and_without_our_words_for_it() {
        for code in Code::ALL {
            let Reason { happened, now } = Reason::of(*code);
            for text in [happened, now] {
                assert!(text.ends_with('.') && text.len() > 20, "{code}: {text}");
                assert!(
                    !text.contains('_') && !text.contains("token") && !text.contains("callback"),
                    "{text}"
                );
            }
        }
    }

    #[test]
    fn every_status_and_proof_has_words_of_its_own() {
        let mut told: Vec<_> = LinkStatus::ALL.iter().map(|known| status(*known)).collect();
        told.sort_unstable();
        told.dedup();
        assert_eq!(told.len(), LinkStatus::ALL.len());
        assert!(!is_proof(Binding::None) && Binding::ALL[1..].iter().all(|binding| is_proof(*binding)));
    }

    #[test]
    fn a_name_cannot_carry_the_signs_of_a_page() {
        assert_eq!(plain_name("✓ Verified 🛡️ Billy ✅"), "Verified Billy");
        assert_eq!(plain_name("Zoë O’Hara-Müller"), "Zoë O’Hara-Müller");
        assert_eq!(plain_name("山田 太郎"), "山田 太郎");
        assert_eq!(plain_name("مريم\u{202e}x"), "مريمx");
    }
}
