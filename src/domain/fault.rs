//! What can go wrong in a login: the step it went wrong at, and a stable code. This is the one
//! list; `docs/errors.md` is compared with it by a test.
//!
//! To add a code: 1. a line in the table below, 2. its HTTP status in `web/error.rs` (the
//! compiler asks), 3. a row in `docs/errors.md` (a test asks).

use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A step of a login, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names are those of DESIGN §5.3")]
pub enum Step {
    Parse,
    Find,
    Verify,
    Claim,
    Exchange,
    IdToken,
    Whoami,
    Normalise,
    Bind,
    Record,
    Announce,
}

impl Step {
    /// The word in JSON and logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Parse => "parse",
            Self::Find => "find",
            Self::Verify => "verify",
            Self::Claim => "claim",
            Self::Exchange => "exchange",
            Self::IdToken => "id_token",
            Self::Whoami => "whoami",
            Self::Normalise => "normalise",
            Self::Bind => "bind",
            Self::Record => "record",
            Self::Announce => "announce",
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

macro_rules! codes {
    ($($(#[doc = $doc:literal])* $name:ident => $text:literal),* $(,)?) => {
        /// A stable code for what went wrong in a login.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
        #[schema(as = LoginCode)]
        #[serde(rename_all = "snake_case")]
        pub enum Code { $($(#[doc = $doc])* $name),* }

        impl Code {
            /// Every code.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// The word in JSON, logs and docs.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text),* }
            }
        }
    };
}

codes! {
    // --- refused before anything was claimed: the customer sees one neutral page
    /// The callback carries no `state`, no `code` and no `error`, or a value that is no text.
    ParamsMissing => "params_missing",
    /// A parameter stands twice, or `code` and `error` stand together.
    ParamsConflict => "params_conflict",
    /// No authorization request has this state.
    StateUnknown => "state_unknown",
    /// The authorization request is older than ten minutes.
    StateExpired => "state_expired",
    /// The answer came back on another path or method than it was asked for.
    RouteMismatch => "route_mismatch",
    /// The provider's settings changed while the customer was signing in.
    ProviderChanged => "provider_changed",
    /// `iss` names another issuer, or is missing though announced (RFC 9207).
    IssuerMismatch => "issuer_mismatch",
    /// The callback repeats one of the provider's variables with another value (SECURITY 12).
    VariableMismatch => "variable_mismatch",
    /// The browser holds another login's cookie than the one of this request, or none where the channel itself must vouch.
    CookieMismatch => "cookie_mismatch",
    /// The link was cancelled, superseded, completed or expired in the meantime.
    LinkFinal => "link_final",
    // --- the provider said no
    /// The customer declined at the provider (`access_denied`).
    AccessDenied => "access_denied",
    /// The provider answered the authorization with another error.
    ProviderError => "provider_error",
    /// The provider says that our redirect URI is not registered there.
    RedirectUriRefused => "redirect_uri_refused",
    // --- the token endpoint
    /// The provider does not accept the code (`invalid_grant`).
    InvalidGrant => "invalid_grant",
    /// The provider does not accept our client id or secret (`invalid_client`).
    InvalidClient => "invalid_client",
    /// The token endpoint refused with another error.
    TokenRefused => "token_refused",
    /// The token endpoint answered with a server error, or closed the connection.
    TokenFailed => "token_failed",
    /// The token endpoint did not answer in time.
    TokenTimeout => "token_timeout",
    /// The token endpoint's answer is no token response.
    TokenGarbage => "token_garbage",
    /// The token endpoint's answer is larger than the cap.
    TokenTooLarge => "token_too_large",
    /// The token URL may not be called from here (SECURITY 11).
    TokenUrlRefused => "token_url_refused",
    // --- OpenID Connect: metadata, keys and the id_token
    /// The provider's metadata cannot be read.
    DiscoveryFailed => "discovery_failed",
    /// The provider's metadata did not come in time.
    DiscoveryTimeout => "discovery_timeout",
    /// The provider's metadata speaks of another issuer (RFC 8414, 3.3).
    DiscoveryMismatch => "discovery_mismatch",
    /// The pushed authorization request was not taken (RFC 9126).
    ParFailed => "par_failed",
    /// The endpoint for pushed authorization requests did not answer in time.
    ParTimeout => "par_timeout",
    /// The provider's keys cannot be read.
    JwksFailed => "jwks_failed",
    /// The provider's keys did not come in time.
    JwksTimeout => "jwks_timeout",
    /// The token response holds no id_token though one was asked for.
    IdTokenMissing => "id_token_missing",
    /// The id_token is no signed JWT.
    IdTokenMalformed => "id_token_malformed",
    /// The id_token is encrypted.
    IdTokenEncrypted => "id_token_encrypted",
    /// The id_token is signed with an algorithm that is not allowed.
    IdTokenAlgorithm => "id_token_algorithm",
    /// The provider publishes no key that the id_token could be signed with.
    IdTokenKey => "id_token_key",
    /// The signature of the id_token is wrong.
    IdTokenSignature => "id_token_signature",
    /// The id_token comes from another issuer.
    IdTokenIssuer => "id_token_issuer",
    /// The id_token is meant for another client.
    IdTokenAudience => "id_token_audience",
    /// The id_token is expired.
    IdTokenExpired => "id_token_expired",
    /// The id_token is not good yet, too old, or of a sign-in too long ago.
    IdTokenTime => "id_token_time",
    /// The id_token belongs to another authorization request.
    IdTokenNonce => "id_token_nonce",
    /// The id_token belongs to another access token or code.
    IdTokenAtHash => "id_token_at_hash",
    /// A claim of the id_token is missing, or is not what it must be.
    IdTokenClaims => "id_token_claims",
    /// The WhoAmI answer speaks of somebody else than the id_token.
    SubjectMismatch => "subject_mismatch",
    // --- the WhoAmI endpoint
    /// The WhoAmI endpoint does not accept the access token.
    WhoamiRefused => "whoami_refused",
    /// The WhoAmI endpoint answered with another status, or closed the connection.
    WhoamiFailed => "whoami_failed",
    /// The WhoAmI endpoint did not answer in time.
    WhoamiTimeout => "whoami_timeout",
    /// The WhoAmI endpoint's answer is no JSON.
    WhoamiGarbage => "whoami_garbage",
    /// The WhoAmI endpoint's answer is larger than the cap.
    WhoamiTooLarge => "whoami_too_large",
    /// The WhoAmI URL may not be called from here (SECURITY 11).
    WhoamiUrlRefused => "whoami_url_refused",
    /// The WhoAmI answer is not signed, although the settings demand it.
    WhoamiUnsigned => "whoami_unsigned",
    /// A part of the WhoAmI URL is missing in the token answer, or cannot stand there (SECURITY 12).
    WhoamiUrlUnfilled => "whoami_url_unfilled",
    // --- the profile
    /// The mapping cannot be evaluated on this answer.
    MappingFailed => "mapping_failed",
    /// A field that the tenant requires is missing.
    RequiredMissing => "required_missing",
    // --- binding and recording
    /// The chat did not confirm it in time: the code was not sent, or the channel did not say who it was.
    NotConfirmed => "not_confirmed",
    /// Too many wrong codes.
    GuessesSpent => "guesses_spent",
    /// The channel itself says that somebody else signed in than the person of the conversation.
    SomeoneElse => "someone_else",
    /// The customer's phone says that the sign-in was closed, or came to nothing.
    SheetClosed => "sheet_closed",
    /// The customer took the link back in the app, and the word of that came before the word of the sign-in.
    TakenBack => "taken_back",
    /// A newer sign-in of the same link took its place.
    Voided => "voided",
    /// The customer said *This wasn't me*.
    Declined => "declined",
    /// The broker was stopped in the middle of this sign-in.
    Interrupted => "interrupted",
    /// The store did not answer; nothing was lost, the customer may try again.
    StoreUnavailable => "store_unavailable",
    /// A fault of our own.
    Internal => "internal",
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A step and a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{code} at {step}")]
pub struct Fault {
    /// Where.
    pub step: Step,
    /// What.
    pub code: Code,
}

impl Fault {
    /// A fault at a step.
    pub fn new(step: Step, code: Code) -> Self {
        Self { step, code }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_written_alike_in_json_and_in_text() {
        for code in Code::ALL {
            assert_eq!(serde_json::to_value(code).unwrap(), code.as_str());
        }
        assert_eq!(serde_json::to_value(Step::IdToken).unwrap(), Step::IdToken.as_str());
    }
}
