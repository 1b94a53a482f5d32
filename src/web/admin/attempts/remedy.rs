//! What a code of a failed sign-in means, what usually causes it, and how to mend it: for the admin,
//! who comes in a hurry. The engineer's words stand in `docs/errors.md`.
//!
//! To add a code: its lines in the table below (the compiler asks): the place where it is mended,
//! then what happened (a heading, without full stop), the usual cause, and what to do.

use crate::domain::fault::Code;
use crate::domain::ids::ProviderId;

/// A code in plain words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Remedy {
    /// What happened, as a heading.
    pub means: &'static str,
    /// What usually causes it.
    pub cause: &'static str,
    /// What to do.
    pub mend: &'static str,
    /// Where.
    pub place: Place,
}

/// Where something is mended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Nowhere in these pages.
    Nowhere,
    /// At the provider's page, which has its redirect URIs.
    Redirects,
    /// In the provider's settings.
    Settings,
    /// Where the provider's secrets are replaced.
    Secrets,
    /// In the mapping.
    Mapping,
    /// By a test login, which shows what was sent and what came back.
    Test,
    /// In the binding policy.
    Binding,
}

/// A link of ours and what it is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Way {
    /// The path.
    pub path: String,
    /// What it is called.
    pub label: &'static str,
}

impl Place {
    /// The way there, for a failure at this provider.
    pub fn way(self, provider: &ProviderId) -> Option<Way> {
        let (page, label) = match self {
            Self::Nowhere => return None,
            Self::Binding => {
                return Some(Way { path: "/admin/binding".to_owned(), label: "Open the binding policy" });
            }
            Self::Redirects => ("", "See the redirect URIs"),
            Self::Settings => ("/settings", "Open the provider’s settings"),
            Self::Secrets => ("/secrets", "Replace the secret"),
            Self::Mapping => ("/mapping", "Open the mapping"),
            Self::Test => ("/test", "Run a test login"),
        };
        let path = format!("/admin/providers/{provider}{page}");
        Some(Way { path, label })
    }
}

macro_rules! remedies {
    ($($code:ident at $place:ident: $means:literal, $cause:literal, $mend:literal;)*) => {
        /// A code in plain words.
        pub fn of(code: Code) -> Remedy {
            match code {
                $(Code::$code => Remedy { means: $means, cause: $cause, mend: $mend, place: Place::$place },)*
            }
        }
    };
}

remedies! {
    ParamsMissing at Test: "The provider’s answer was incomplete",
        "The provider came back without a state, or with neither a code nor an error.",
        "Check at the provider that it answers with an authorization code, and that the redirect URI is the one shown in the provider’s settings here.";
    ParamsConflict at Test: "The provider’s answer contradicts itself",
        "The same parameter came twice, or a code and an error came together. Somebody may have changed the address by hand.",
        "If it happens with every sign-in, compare what the provider sends with its documentation; a test login shows it.";
    StateUnknown at Nowhere: "Nobody had begun this sign-in",
        "Somebody reloaded an old page or pressed “back”, or the answer was used before.",
        "Nothing. If a customer asks, let them open the link in the chat again.";
    StateExpired at Nowhere: "The customer took longer than ten minutes",
        "The customer stayed on the provider’s page for too long, often while looking for a password.",
        "The customer opens the link in the chat again; if that has expired, send a new one.";
    RouteMismatch at Redirects: "The answer came back to another address than asked for",
        "At the provider another redirect URI is registered, or it answers by another method (GET or form_post) than the settings say.",
        "Compare the redirect URIs in the provider’s settings with those registered at the provider, letter by letter, and check the response mode.";
    ProviderChanged at Nowhere: "The provider’s settings changed during the sign-in",
        "New settings were published while this customer was at the provider.",
        "The customer opens the link in the chat again. It does not happen again by itself.";
    IssuerMismatch at Settings: "The answer names another issuer, or none",
        "The issuer in the settings is not the one that answered; often a tenant or region of the same provider was mixed up.",
        "Write the issuer exactly as the provider’s metadata has it. If the provider announces the parameter but never sends it, set “iss” to off.";
    VariableMismatch at Settings: "The customer signed in at another account of the provider",
        "The answer names another domain or account than the one in this provider’s variables.",
        "Check the variables (“vars”) in the provider’s settings. If they are right, somebody signed in at a foreign account: refuse it.";
    CookieMismatch at Nowhere: "Another browser came back than the one that began",
        "The link was opened in one browser and finished in another, where another sign-in was under way.",
        "The customer opens the link in the chat again and stays in one browser.";
    LinkFinal at Nowhere: "The link had ended meanwhile",
        "It was cancelled, replaced by a newer one, completed in another browser, or its time was over.",
        "Send a new link.";
    AccessDenied at Nowhere: "The customer declined at the provider",
        "The customer pressed “cancel”, or did not want to share what was asked for.",
        "Ask the customer; the link can be opened again. If many decline, ask for less (“scope”).";
    ProviderError at Settings: "The provider refused to sign the customer in",
        "Often a scope that the provider does not allow for this client, or a client that is switched off or not yet approved there.",
        "Look into the provider’s own log at this time, and compare the scope in the settings with what the client may ask for.";
    RedirectUriRefused at Redirects: "The redirect URI is not registered at the provider",
        "The address that we come back to is missing at the provider, or differs in a letter, the scheme or a slash.",
        "Copy the redirect URI from the provider’s settings here, and register it there exactly as it is. The notes of the attempt have the one that was used.";
    InvalidGrant at Test: "The provider did not accept its own code",
        "If it happens always: PKCE, the redirect URI or the clocks do not fit. If it happens rarely: the customer went back, or the code was too old.",
        "Run a test login. If it fails the same way, check the redirect URI and PKCE in the settings; else the customer opens the link again.";
    InvalidClient at Secrets: "The provider does not accept our client ID or secret",
        "The secret was changed or has expired at the provider, or it expects it in another way (“client_auth”).",
        "Enter the client ID and a new secret from the provider’s console, test, and publish.";
    TokenRefused at Test: "The provider refused to exchange the code",
        "The provider gave another error than the usual ones: often a grant type or a scope that the client is not allowed.",
        "Run a test login, which shows the provider’s answer, and look into the provider’s log.";
    TokenFailed at Test: "The provider’s token endpoint is broken",
        "It answered with a server error or a redirect, or closed the connection.",
        "If it just began, the provider is down: wait, or tell its operator. If it never worked, check the token URL.";
    TokenTimeout at Test: "The provider’s token endpoint did not answer in time",
        "The provider is overloaded or down, or a firewall drops our calls.",
        "Tell the provider’s operator. If it never worked, check the token URL, and that our addresses may call it.";
    TokenGarbage at Test: "The token endpoint’s answer cannot be read",
        "It is no token response: a page of HTML, or the token stands deeper in the answer.",
        "Run a test login, which shows the answer. If the token stands in an inner object, set “token_path”.";
    TokenTooLarge at Test: "The token endpoint’s answer is too large",
        "More than 1 MiB came; usually the URL is that of something else.",
        "Check the token URL.";
    TokenUrlRefused at Settings: "The token URL may not be called from here",
        "It is not https on an allowed port, or its name leads to a private address.",
        "Correct the token URL. If it is right, the operator of this platform must allow it (“egress.allow”).";
    DiscoveryFailed at Settings: "The provider’s metadata cannot be read",
        "The issuer is misspelt, or the provider publishes no metadata.",
        "Open the issuer with /.well-known/openid-configuration behind it. If there is nothing, leave the issuer out and enter the URLs.";
    DiscoveryTimeout at Test: "The provider’s metadata did not come in time",
        "The provider is overloaded or down, or a firewall drops our calls.",
        "Wait, or tell the provider’s operator; then run a test login.";
    DiscoveryMismatch at Settings: "The metadata speaks of another issuer",
        "The issuer in the settings differs from the one that the provider calls itself, often in a slash at the end.",
        "Write the issuer exactly as the metadata has it.";
    ParFailed at Test: "The provider did not take the pushed request",
        "Often the client’s authentication or the redirect URI.",
        "Run a test login, which shows the provider’s answer.";
    ParTimeout at Test: "The provider did not answer the pushed request in time",
        "The provider is overloaded or down.",
        "Wait, or tell the provider’s operator; then run a test login.";
    JwksFailed at Settings: "The provider’s keys cannot be read",
        "The address of its keys is wrong, or what stands there is no key set.",
        "Open the “jwks_uri” of the provider’s metadata; if it is set by hand here, correct it.";
    JwksTimeout at Test: "The provider’s keys did not come in time",
        "The provider is overloaded or down.",
        "Wait, or tell the provider’s operator; then run a test login.";
    IdTokenMissing at Settings: "The provider sent no id_token",
        "The scope “openid” is not asked for, or the client is not set up for OpenID Connect at the provider.",
        "Add “openid” to the scope. If the provider has no OpenID Connect, leave the issuer out.";
    IdTokenMalformed at Test: "The id_token cannot be read",
        "It is no signed token, or one of another type.",
        "Run a test login, and compare the answer with the provider’s documentation.";
    IdTokenEncrypted at Settings: "The id_token is encrypted",
        "At the provider encryption is switched on for this client.",
        "Switch encryption of id_tokens off for this client at the provider.";
    IdTokenAlgorithm at Settings: "The id_token is signed in a way that is not allowed",
        "The provider signs with another algorithm than the settings allow.",
        "Choose another algorithm for this client at the provider, or allow it here (“id_token_algs”).";
    IdTokenKey at Test: "The provider publishes no key for this id_token",
        "The provider has changed its keys and not published them, or signs with another client’s.",
        "Wait a minute and try again. If it stays, compare the key’s name (“kid”) with the provider’s key set.";
    IdTokenSignature at Test: "The id_token’s signature is wrong",
        "The keys are those of another server or region; or somebody changed the token on its way.",
        "Compare issuer and keys with the provider’s metadata. If they fit, treat it as an attack, and tell the provider’s operator.";
    IdTokenIssuer at Settings: "The id_token comes from another issuer",
        "The issuer in the settings differs from the token’s, often by tenant or by a slash at the end.",
        "Write the issuer exactly as the id_token has it; a test login shows it.";
    IdTokenAudience at Settings: "The id_token is meant for another client",
        "The client ID in the settings is another one than the provider used.",
        "Compare the client ID with the one in the provider’s console.";
    IdTokenExpired at Test: "The id_token was expired when it came",
        "The provider’s clock is wrong, or ours is.",
        "Have the clocks set. Up to 60 seconds of difference are allowed (“clock_skew”).";
    IdTokenTime at Test: "The id_token’s times do not fit",
        "The provider’s clock is ahead, the token is old, or the customer signed in longer ago than “max_age” allows.",
        "Have the clocks set. To make customers sign in afresh, set “prompt” to login.";
    IdTokenNonce at Test: "The id_token belongs to another sign-in",
        "The provider does not repeat what we sent (“nonce”), or somebody replays an old answer.",
        "If it happens always, the provider drops the parameter: tell its operator. If it happens once, leave it refused.";
    IdTokenAtHash at Test: "The id_token does not fit the access token",
        "The provider mixes up its answers, or somebody did on the way.",
        "If it happens always, tell the provider’s operator. If it happens once, leave it refused.";
    IdTokenClaims at Test: "The id_token lacks something that it must say",
        "A claim such as the subject or the time is missing, or the sign-in was weaker than asked for (“acr”).",
        "Run a test login, which names the claim, and compare it with the provider’s documentation.";
    SubjectMismatch at Settings: "Two answers of the provider speak of two persons",
        "The WhoAmI URL belongs to another server than the one that signed the id_token.",
        "Correct the WhoAmI URL, or leave it out and read everything from the id_token (“identity”).";
    WhoamiRefused at Settings: "The WhoAmI endpoint does not accept the access token",
        "A scope is missing, or the URL belongs to another API.",
        "Compare scope and WhoAmI URL with the provider’s documentation.";
    WhoamiFailed at Test: "The WhoAmI endpoint is broken",
        "It answered with an error or a redirect, or closed the connection.",
        "If it just began, the provider is down: wait, or tell its operator. If it never worked, check the WhoAmI URL.";
    WhoamiTimeout at Test: "The WhoAmI endpoint did not answer in time",
        "The provider is overloaded or down, or a firewall drops our calls.",
        "Tell the provider’s operator. If it never worked, check the WhoAmI URL.";
    WhoamiGarbage at Test: "The WhoAmI endpoint’s answer cannot be read",
        "It is no JSON: often a page of HTML from a login wall or a proxy.",
        "Run a test login, which shows the answer, and check the WhoAmI URL.";
    WhoamiTooLarge at Settings: "The WhoAmI endpoint’s answer is too large",
        "More than 1 MiB came.",
        "Ask for fewer fields, if the provider lets you choose.";
    WhoamiUrlRefused at Settings: "The WhoAmI URL may not be called from here",
        "It is not https on an allowed port, or its name leads to a private address.",
        "Correct the WhoAmI URL. If it is right, the operator of this platform must allow it (“egress.allow”).";
    WhoamiUnsigned at Settings: "The WhoAmI answer is not signed",
        "The settings demand a signed answer, and the provider sends a plain one.",
        "Have the client registered for signed UserInfo answers at the provider, or take “userinfo_alg” out here.";
    WhoamiUrlUnfilled at Settings: "A part of the WhoAmI URL is missing",
        "The URL has a place for a value of the token answer, which did not come or cannot stand in a URL.",
        "Compare the names in the WhoAmI URL with the token answer; the notes of the attempt name the part.";
    MappingFailed at Mapping: "The mapping does not fit the provider’s answer",
        "The answer has another shape than the mapping expects: a list where there was a text, or a function on nothing.",
        "Open the mapping, try it on a sample of a test login, and correct it.";
    RequiredMissing at Mapping: "A field that you require is missing",
        "The provider did not send it for this customer, or the mapping does not find it.",
        "Ask for it by scope, map it, or take it out of “required”; the notes of the attempt name it.";
    NotConfirmed at Binding: "The chat did not confirm it",
        "The customer signed in, but the code did not come in the chat within five minutes; in Apple Messages or Messenger, the channel did not say in time who it was.",
        "The customer opens the link again, or gets a new message. If many stop here, let the agent ask for the code, allow “match” on channels with phone numbers, or see that the channel’s webhooks arrive.";
    GuessesSpent at Nowhere: "Too many wrong codes",
        "Five wrong codes were sent. Somebody mistyped, or somebody guesses.",
        "The customer opens the link again, which makes a new code. Be careful if it happens again in the same chat.";
    SomeoneElse at Nowhere: "Somebody else signed in",
        "The channel says that whoever began or finished the sign-in is not the person of this conversation; the link may have been forwarded.",
        "Believe it: nothing was shared. Ask the person in the chat before you send another link.";
    SheetClosed at Nowhere: "The customer closed the sign-in",
        "The phone says that the sign-in was closed, or failed, before it was done.",
        "Send the message again: each is good for one sign-in. If many stop here, look at what the provider shows on phones.";
    TakenBack at Nowhere: "The customer took the link back in Messenger",
        "The customer signed in, and undid it in the app before Facebook’s word of the sign-in had reached us.",
        "Nothing: nobody is verified, and nothing was shared. Send the message again if the customer still wants to sign in.";
    Voided at Nowhere: "A newer sign-in took its place",
        "The customer signed in again with the same link, or the link ended.",
        "Nothing: the newer one counts.";
    Declined at Nowhere: "The customer said: this wasn’t me",
        "The link reached somebody who did not ask for it; it may have been forwarded.",
        "Believe it. Do not send the link again before you know who is in the chat.";
    Interrupted at Nowhere: "The sign-in was cut off on our side",
        "A broker was stopped in the middle, for example by a restart.",
        "The customer opens the link in the chat again. If it happens often, tell the operator of this platform.";
    StoreUnavailable at Nowhere: "Our store did not answer",
        "The database was away or overloaded. Nothing was lost.",
        "The customer opens the link in the chat again. Tell the operator of this platform.";
    Internal at Nowhere: "Something went wrong on our side",
        "A fault of this software.",
        "Report it to the operator of this platform, with the attempt’s reference.";
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_code_says_what_happened_why_and_what_to_do_in_sentences() {
        for code in Code::ALL {
            let Remedy { means, cause, mend, .. } = of(*code);
            assert!(!means.ends_with('.') && means.chars().count() <= 64, "{code}: {means}");
            for sentence in [cause, mend] {
                assert!(sentence.ends_with('.') && sentence.len() > 10, "{code}: {sentence}");
            }
            for text in [means, cause, mend] {
                assert!(text.starts_with(char::is_uppercase), "{code}: {text}");
                assert!(
                    !text.contains('\'') && !text.contains('"') && !text.contains("  "),
                    "{code}: {text}"
                );
            }
        }
    }

    #[test]
    fn no_two_codes_read_alike() {
        let all: BTreeSet<_> = Code::ALL.iter().map(|code| of(*code).means).collect();
        assert_eq!(all.len(), Code::ALL.len());
    }

    #[test]
    fn what_is_mended_here_has_a_way_there() {
        let provider: ProviderId = "acme".parse().unwrap();
        let path = |code| of(code).place.way(&provider).map(|way| way.path);
        assert_eq!(path(Code::InvalidClient).as_deref(), Some("/admin/providers/acme/secrets"));
        assert_eq!(path(Code::RedirectUriRefused).as_deref(), Some("/admin/providers/acme"));
        assert_eq!(path(Code::NotConfirmed).as_deref(), Some("/admin/binding"));
        assert_eq!(path(Code::AccessDenied), None);
    }
}
