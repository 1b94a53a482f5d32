//! Quirks: where a provider's answer leaves the RFC and we went on. A test login shows them to
//! the tenant's admin.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A deviation that was tolerated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Quirk {
    /// A token response with another status of success than 200 (RFC 6749, 5.1).
    TokenStatus,
    /// JSON under another content type, or under none.
    ContentType,
    /// JSON inside of a function call (JSONP).
    Padded,
    /// A form where JSON was asked for.
    FormEncoded,
    /// No `token_type`; taken as `Bearer` (RFC 6749, 5.1 requires it).
    TokenTypeMissing,
    /// `expires_in` as a text.
    ExpiresInText,
    /// `expires_in` with a fraction; the fraction is dropped.
    ExpiresInFraction,
    /// `expires_in` is a point in time and no duration; ignored.
    ExpiresInEpoch,
    /// `expires_in` is zero, negative, no number or beyond all measure; ignored.
    ExpiresInUnusable,
    /// `scope` as a list of texts.
    ScopeList,
    /// An id_token that does not name its key, though several come into question; each was tried.
    KidMissing,
    /// `auth_time` as 0, as a fraction, or as no number at all, where nothing depends on it.
    AuthTime,
}

impl Quirk {
    /// Every quirk.
    pub const ALL: [Self; 12] = [
        Self::TokenStatus,
        Self::ContentType,
        Self::Padded,
        Self::FormEncoded,
        Self::TokenTypeMissing,
        Self::ExpiresInText,
        Self::ExpiresInFraction,
        Self::ExpiresInEpoch,
        Self::ExpiresInUnusable,
        Self::ScopeList,
        Self::KidMissing,
        Self::AuthTime,
    ];

    /// The word in JSON and logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::TokenStatus => "token_status",
            Self::ContentType => "content_type",
            Self::Padded => "padded",
            Self::FormEncoded => "form_encoded",
            Self::TokenTypeMissing => "token_type_missing",
            Self::ExpiresInText => "expires_in_text",
            Self::ExpiresInFraction => "expires_in_fraction",
            Self::ExpiresInEpoch => "expires_in_epoch",
            Self::ExpiresInUnusable => "expires_in_unusable",
            Self::ScopeList => "scope_list",
            Self::KidMissing => "kid_missing",
            Self::AuthTime => "auth_time",
        }
    }
}

impl fmt::Display for Quirk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quirk_is_written_alike_in_json_and_in_text() {
        for quirk in Quirk::ALL {
            assert_eq!(serde_json::to_value(quirk).unwrap(), quirk.as_str());
        }
    }
}
