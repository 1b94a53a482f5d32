//! The ways in which the demo provider can misbehave, one request at a time.

use std::fmt;
use std::str::FromStr;

/// At which request a trick is played.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Stage {
    /// The answer to the browser.
    Authorize,
    /// The answer of the token endpoint.
    Token,
    /// The answer of the WhoAmI endpoint.
    Whoami,
}

macro_rules! tricks {
    ($($(#[doc = $doc:literal])* $name:ident => $stage:ident $text:literal $label:literal),* $(,)?) => {
        /// A misbehaviour that is played once.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Trick { $($(#[doc = $doc])* $name),* }

        impl Trick {
            /// Every trick, in the order of the menus.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// Its name in forms.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text),* }
            }

            /// What a menu calls it: the end of "What if the provider …".
            pub fn label(self) -> &'static str {
                match self { $(Self::$name => $label),* }
            }

            /// The request at which it is played.
            pub fn stage(self) -> Stage {
                match self { $(Self::$name => Stage::$stage),* }
            }
        }
    };
}

tricks! {
    /// `access_denied`, whatever the person presses.
    Deny => Authorize "deny" "denies access",
    /// `server_error` with a description that asks for a call.
    AuthorizeError => Authorize "authorize-error" "reports an error instead of a code",
    /// The answer carries no state.
    NoState => Authorize "no-state" "forgets the state",
    /// The answer carries a state that was never asked for.
    WrongState => Authorize "wrong-state" "returns a foreign state",
    /// The answer names another issuer (RFC 9207).
    WrongIss => Authorize "wrong-iss" "names another issuer",
    /// The answer carries its code twice.
    TwoCodes => Authorize "two-codes" "sends two codes at once",
    /// The answer carries a code that the token endpoint does not know.
    WrongCode => Authorize "wrong-code" "sends a code that it does not know itself",
    /// The answer comes as a form (OAuth 2.0 Form Post Response Mode) though nobody asked for it.
    FormPost => Authorize "form-post" "answers with a form (form_post)",
    /// Takes its time, but answers rightly.
    TokenSlow => Token "token-slow" "takes 3 seconds for the token",
    /// Does not answer for a minute.
    TokenHang => Token "token-hang" "never answers for the token",
    /// 400 `invalid_grant`.
    TokenInvalidGrant => Token "token-invalid-grant" "refuses the code (invalid_grant)",
    /// 401 `invalid_client`.
    TokenInvalidClient => Token "token-invalid-client" "refuses our secret (invalid_client)",
    /// 500 with a page.
    TokenError => Token "token-500" "fails at the token (500)",
    /// 200 with something that is no JSON.
    TokenGarbage => Token "token-garbage" "answers the token with garbage",
    /// 200 with a JSON object of more than 2 MiB.
    TokenHuge => Token "token-huge" "answers the token with megabytes",
    /// 307 to another address.
    TokenRedirect => Token "token-redirect" "redirects the token request",
    /// A good answer with `access_token` twice.
    TokenTwice => Token "token-twice" "names two access tokens",
    /// A good answer without `access_token`.
    TokenMissing => Token "token-missing" "forgets the access token",
    /// A good answer without `token_type`.
    TokenNoType => Token "token-no-type" "forgets the token type (tolerated)",
    /// A good answer with `expires_in` as a text.
    TokenTextExpiry => Token "token-text-expiry" "writes the expiry as text (tolerated)",
    /// A good answer as `text/plain`.
    TokenPlain => Token "token-plain" "sends the token as plain text (tolerated)",
    /// Takes its time, but answers rightly.
    WhoamiSlow => Whoami "whoami-slow" "takes 3 seconds for the person",
    /// Does not answer for a minute.
    WhoamiHang => Whoami "whoami-hang" "never says who it is",
    /// 401.
    WhoamiRefused => Whoami "whoami-401" "refuses its own token (401)",
    /// 500.
    WhoamiError => Whoami "whoami-500" "fails at the person (500)",
    /// 200 with something that is no JSON.
    WhoamiGarbage => Whoami "whoami-garbage" "describes the person with garbage",
    /// 200 with a JSON array of numbers.
    WhoamiWrong => Whoami "whoami-wrong" "sends a list instead of a person",
    /// 200 with an object that names nobody.
    WhoamiNobody => Whoami "whoami-nobody" "describes nobody",
    /// 200 with more than 2 MiB.
    WhoamiHuge => Whoami "whoami-huge" "describes the person in megabytes",
    /// 200 with a person whose name is markup.
    WhoamiHostile => Whoami "whoami-hostile" "sends a name full of markup",
}

impl fmt::Display for Trick {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Trick {
    type Err = UnknownTrick;

    fn from_str(text: &str) -> Result<Self, UnknownTrick> {
        Self::ALL.iter().copied().find(|trick| trick.as_str() == text).ok_or(UnknownTrick)
    }
}

/// A word that names no trick.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no such trick")]
pub struct UnknownTrick;

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_trick_has_a_name_and_a_label_of_its_own() {
        let names: BTreeSet<_> = Trick::ALL.iter().map(|trick| trick.as_str()).collect();
        let labels: BTreeSet<_> = Trick::ALL.iter().map(|trick| trick.label()).collect();
        assert_eq!((names.len(), labels.len()), (Trick::ALL.len(), Trick::ALL.len()));
        for trick in Trick::ALL {
            assert_eq!(trick.to_string().parse::<Trick>(), Ok(*trick));
        }
        assert!("no".parse::<Trick>().is_err());
    }
}
