//! Why a signed token is not believed: a fact, the code of a login, and words for the tenant's
//! admin, which a test login shows. Nothing is quoted of the token.

use crate::domain::fault::{Code, Fault, Step};
use crate::oauth::jws::NoJws;

/// What is wrong with an id_token, with a JWT access token, or with a signed WhoAmI answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenFault {
    /// There is none.
    #[error("there is no token")]
    Missing,
    /// It is no signed JWT.
    #[error(transparent)]
    Form(#[from] NoJws),
    /// It is another kind of JWT, by its header's `typ`.
    #[error("the header's `typ` is of another kind of token")]
    Type,
    /// Its algorithm is not allowed for this provider.
    #[error("the header's `alg` is not allowed")]
    AlgorithmNotAllowed,
    /// It is signed with the client secret, and we have none.
    #[error("it is signed with the client secret, and there is none")]
    SecretMissing,
    /// The provider has no key set.
    #[error("there are no keys")]
    KeysMissing,
    /// No key has its `kid`, or without a `kid` none is for its algorithm.
    #[error("no key has the header's `kid`")]
    KeyUnknown,
    /// The key with its `kid` is for something else.
    #[error("the key with the header's `kid` is not for its `alg`")]
    KeyUnfit,
    /// The signature is not one of this text by this key.
    #[error("the signature is wrong")]
    Signature,
    /// `iss` is another issuer.
    #[error("`iss` is another issuer")]
    Issuer,
    /// `aud` does not name us.
    #[error("`aud` does not name this client")]
    Audience,
    /// `aud` names others beside us, and `azp` does not say that it was issued to us.
    #[error("`aud` names several clients, and `azp` is missing")]
    AudiencesWithoutParty,
    /// `azp` names another client.
    #[error("`azp` names another client")]
    AuthorizedParty,
    /// `exp` is over.
    #[error("`exp` is over")]
    Expired,
    /// `nbf` is to come.
    #[error("`nbf` is in the future")]
    NotYet,
    /// `iat` is to come.
    #[error("`iat` is in the future")]
    IssuedInFuture,
    /// `iat` is more than a day ago, and no nonce says that it is fresh.
    #[error("`iat` is more than a day ago")]
    IssuedLongAgo,
    /// The sign-in is longer ago than `max_age`.
    #[error("`auth_time` is longer ago than `max_age`")]
    SignedInLongAgo,
    /// A nonce was sent, and none came back.
    #[error("`nonce` is missing")]
    NonceMissing,
    /// Another nonce came back.
    #[error("`nonce` is another one")]
    NonceWrong,
    /// None was sent, and one came back.
    #[error("`nonce` is there, but none was sent")]
    NonceUnasked,
    /// `at_hash` is of another access token.
    #[error("`at_hash` is of another access token")]
    AccessTokenHash,
    /// `c_hash` is of another code.
    #[error("`c_hash` is of another code")]
    CodeHash,
    /// A claim that must be there is not.
    #[error("`{0}` is missing")]
    ClaimMissing(&'static str),
    /// A claim is of another type or form than it must be.
    #[error("`{0}` is not what it must be")]
    ClaimForm(&'static str),
    /// `acr` is none of those that were demanded.
    #[error("`acr` is none of those that were demanded")]
    ContextClass,
    /// A WhoAmI answer has another `sub` than the id_token, or none.
    #[error("`sub` is another one than in the id_token")]
    Subject,
}

impl TokenFault {
    /// Whether fresh keys may change the verdict: a server that rotates its keys signs with one that
    /// an older key set does not have, or reuses a name for it.
    pub fn wants_fresh_keys(self) -> bool {
        matches!(self, Self::KeyUnknown | Self::KeyUnfit | Self::Signature)
    }

    /// The code of the login that ends with it.
    pub fn code(self) -> Code {
        match self {
            Self::Missing => Code::IdTokenMissing,
            Self::Form(NoJws::Encrypted) => Code::IdTokenEncrypted,
            Self::Form(NoJws::Algorithm) | Self::AlgorithmNotAllowed => Code::IdTokenAlgorithm,
            Self::Form(_) | Self::Type => Code::IdTokenMalformed,
            Self::SecretMissing | Self::KeysMissing | Self::KeyUnknown | Self::KeyUnfit => Code::IdTokenKey,
            Self::Signature => Code::IdTokenSignature,
            Self::Issuer => Code::IdTokenIssuer,
            Self::Audience | Self::AudiencesWithoutParty | Self::AuthorizedParty => Code::IdTokenAudience,
            Self::Expired => Code::IdTokenExpired,
            Self::NotYet | Self::IssuedInFuture | Self::IssuedLongAgo | Self::SignedInLongAgo => {
                Code::IdTokenTime
            }
            Self::NonceMissing | Self::NonceWrong | Self::NonceUnasked => Code::IdTokenNonce,
            Self::AccessTokenHash | Self::CodeHash => Code::IdTokenAtHash,
            Self::ClaimMissing(_) | Self::ClaimForm(_) | Self::ContextClass => Code::IdTokenClaims,
            Self::Subject => Code::SubjectMismatch,
        }
    }

    /// The fault of a login at this step.
    pub fn at(self, step: Step) -> Fault {
        Fault::new(step, self.code())
    }

    /// What it means, in a sentence for the tenant's admin.
    pub fn explanation(self) -> &'static str {
        match self {
            Self::Missing => "The provider's answer holds no id_token.",
            Self::Form(form) => explain_form(form),
            Self::Type => "The token says in its header to be another kind of token than was expected.",
            Self::AlgorithmNotAllowed => "The token is signed with an algorithm that is not allowed here.",
            Self::SecretMissing => "The token is signed with the client secret, and none is set.",
            Self::KeysMissing => "No address is known where the provider publishes its keys.",
            Self::KeyUnknown => "The provider publishes no key with the name that the token gives.",
            Self::KeyUnfit => "The key that the token names is not for signatures of its algorithm.",
            Self::Signature => "The signature of the token does not fit the provider's published key.",
            Self::Issuer => "The token comes from another issuer than the one of the settings.",
            Self::Audience => "The token is meant for another client.",
            Self::AudiencesWithoutParty => {
                "The token is meant for several clients and does not say for which."
            }
            Self::AuthorizedParty => "The token was issued to another client.",
            Self::Expired => "The token was expired when it came.",
            Self::NotYet => "The token is not good yet when it comes.",
            Self::IssuedInFuture => "The token was issued in the future by its own account.",
            Self::IssuedLongAgo => "The token was issued more than a day ago.",
            Self::SignedInLongAgo => "The customer signed in longer ago than `max_age` allows.",
            Self::NonceMissing => "The token does not carry the nonce that was sent.",
            Self::NonceWrong => "The token carries the nonce of another sign-in.",
            Self::NonceUnasked => "The token carries a nonce, though none was sent.",
            Self::AccessTokenHash => "The token belongs to another access token than the one beside it.",
            Self::CodeHash => "The token belongs to another code than the one that was exchanged.",
            Self::ClaimMissing(_) => "A claim that every such token must have is missing.",
            Self::ClaimForm(_) => "A claim has another form than the standard gives it.",
            Self::ContextClass => "The customer did not sign in by one of the ways that were demanded.",
            Self::Subject => "The WhoAmI answer speaks of somebody else than the id_token, or of nobody.",
        }
    }

    /// What to do about it, in a sentence for the tenant's admin.
    pub fn remedy(self) -> &'static str {
        match self {
            Self::Missing => "Add `openid` to `scope`.",
            Self::Form(form) => remedy_form(form),
            Self::Type => {
                "Compare the token with the provider's documentation; it may have put its access token there."
            }
            Self::AlgorithmNotAllowed => {
                "Name the algorithm in `id_token_algs`, or choose another one for this client at the provider."
            }
            Self::SecretMissing => {
                "Set `client_secret`, or choose RS256 or ES256 for this client at the provider."
            }
            Self::KeysMissing => "Set `issuer`, or `jwks_url` where the provider has no metadata.",
            Self::KeyUnknown | Self::KeyUnfit => {
                "Compare the `kid` in the token's header with the provider's key set; `jwks_url` may be another server's."
            }
            Self::Signature => {
                "Look whether `jwks_url` or `issuer` is that of the server that issued the token."
            }
            Self::Issuer => "Write `issuer` exactly as `iss` of the token has it, to the last slash.",
            Self::Audience | Self::AudiencesWithoutParty | Self::AuthorizedParty => {
                "Compare `client_id` with the one at the provider."
            }
            Self::Expired | Self::NotYet | Self::IssuedInFuture => {
                "Set the clock of the side that is wrong; `clock_skew` allows a difference."
            }
            Self::IssuedLongAgo => "Ask the provider why it hands out old tokens.",
            Self::SignedInLongAgo => "Set `prompt = \"login\"`, or a longer `max_age`.",
            Self::NonceMissing | Self::NonceWrong | Self::NonceUnasked => {
                "Ask the provider whether it keeps the parameter `nonce`; otherwise somebody replays answers."
            }
            Self::AccessTokenHash | Self::CodeHash => {
                "Ask the provider how it computes `at_hash`; otherwise somebody mixes answers."
            }
            Self::ClaimMissing(_) | Self::ClaimForm(_) => {
                "Compare the claim with the provider's documentation."
            }
            Self::ContextClass => "Set another `acr_values`, or register the customers for what it demands.",
            Self::Subject => {
                "Set the WhoAmI URL of the same server, or `identity = \"id_token\"` without one."
            }
        }
    }
}

fn explain_form(form: NoJws) -> &'static str {
    match form {
        NoJws::Encrypted => "The token is encrypted, and no key to decrypt it is registered.",
        NoJws::Algorithm => "The token is not signed, or with an algorithm that is unknown here.",
        NoJws::Critical => "The token demands an extension that is unknown here.",
        NoJws::TooLong => "The token is longer than 64 KiB.",
        NoJws::Segments | NoJws::Base64 | NoJws::Header | NoJws::Payload => "The token is no signed JWT.",
    }
}

fn remedy_form(form: NoJws) -> &'static str {
    match form {
        NoJws::Encrypted => "Switch the encryption of id_tokens off for this client at the provider.",
        NoJws::Algorithm => "Choose RS256, PS256, ES256 or EdDSA for this client at the provider.",
        NoJws::TooLong => "Have the provider put fewer claims, such as groups, into the token.",
        NoJws::Critical | NoJws::Segments | NoJws::Base64 | NoJws::Header | NoJws::Payload => {
            "Compare the token with the provider's documentation."
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// One of each.
    const ALL: [TokenFault; 34] = [
        TokenFault::Missing,
        TokenFault::Form(NoJws::TooLong),
        TokenFault::Form(NoJws::Segments),
        TokenFault::Form(NoJws::Encrypted),
        TokenFault::Form(NoJws::Base64),
        TokenFault::Form(NoJws::Header),
        TokenFault::Form(NoJws::Critical),
        TokenFault::Form(NoJws::Algorithm),
        TokenFault::Form(NoJws::Payload),
        TokenFault::Type,
        TokenFault::AlgorithmNotAllowed,
        TokenFault::SecretMissing,
        TokenFault::KeysMissing,
        TokenFault::KeyUnknown,
        TokenFault::KeyUnfit,
        TokenFault::Signature,
        TokenFault::Issuer,
        TokenFault::Audience,
        TokenFault::AudiencesWithoutParty,
        TokenFault::AuthorizedParty,
        TokenFault::Expired,
        TokenFault::NotYet,
        TokenFault::IssuedInFuture,
        TokenFault::IssuedLongAgo,
        TokenFault::SignedInLongAgo,
        TokenFault::NonceMissing,
        TokenFault::NonceWrong,
        TokenFault::NonceUnasked,
        TokenFault::AccessTokenHash,
        TokenFault::CodeHash,
        TokenFault::ClaimMissing("sub"),
        TokenFault::ClaimForm("sub"),
        TokenFault::ContextClass,
        TokenFault::Subject,
    ];

    #[test]
    fn every_fault_says_what_it_means_and_what_to_do() {
        for fault in ALL {
            for words in [fault.explanation(), fault.remedy()] {
                assert!(words.ends_with('.') && words.starts_with(char::is_uppercase), "{fault}: {words}");
            }
            assert!(!fault.to_string().ends_with('.'), "{fault}");
        }
        let facts: BTreeSet<_> = ALL.iter().map(ToString::to_string).collect();
        assert_eq!(facts.len(), ALL.len());
    }

    #[test]
    fn every_code_of_a_token_has_a_fault() {
        let told: BTreeSet<_> = ALL.iter().map(|fault| fault.code().as_str()).collect();
        let codes = Code::ALL.iter().map(|code| code.as_str());
        let of_tokens = codes.filter(|code| code.starts_with("id_token_") || *code == "subject_mismatch");
        assert_eq!(told, of_tokens.collect());
    }

    #[test]
    fn only_what_other_keys_could_mend_asks_for_them() {
        let asking: Vec<_> = ALL.into_iter().filter(|fault| fault.wants_fresh_keys()).collect();
        assert_eq!(asking, [TokenFault::KeyUnknown, TokenFault::KeyUnfit, TokenFault::Signature]);
    }
}
