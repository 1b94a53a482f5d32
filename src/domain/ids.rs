//! Names and identifiers: parsed once, then trusted.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize, Serializer};
use utoipa::openapi::{RefOr, Schema};
use uuid::Uuid;

use super::described;

/// Why a text is no identifier of the wanted kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{given}` is not {wanted}")]
pub struct IdError {
    given: String,
    wanted: &'static str,
}

/// An identifier that we make: a prefix and a version 7 UUID in 32 hexadecimal digits.
macro_rules! made_id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
        #[serde(try_from = "String")]
        pub struct $name(String);

        impl $name {
            /// Makes the identifier from a fresh UUID.
            pub fn from_uuid(uuid: Uuid) -> Self {
                Self(format!(concat!($prefix, "{}"), uuid.simple()))
            }

            /// The text as it stands in URLs and JSON.
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// When it was made, in milliseconds since 1970: the first 48 bits of a version 7
            /// UUID (RFC 9562, 5.7).
            pub fn millis(&self) -> u64 {
                let digits = &self.0[$prefix.len()..$prefix.len() + 12];
                u64::from_str_radix(digits, 16).expect("an id has 32 hexadecimal digits")
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                let digits = text.strip_prefix($prefix).unwrap_or_default();
                let hex = digits.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
                if digits.len() == 32 && hex {
                    Ok(Self(text.to_owned()))
                } else {
                    Err(IdError {
                        given: text.chars().take(80).collect(),
                        wanted: concat!("`", $prefix, "` and 32 hexadecimal digits"),
                    })
                }
            }
        }

        impl utoipa::PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                let pattern = concat!("^", $prefix, "[0-9a-f]{32}$");
                let example = concat!($prefix, "0199a1b2c3d47e5f8a9b0c1d2e3f4a5b");
                described::text($prefix.len() + 32, $prefix.len() + 32, Some(pattern), example)
            }
        }

        text_id!($name);
    };
}

/// An identifier that somebody else chooses, checked by a predicate.
macro_rules! chosen_id {
    ($(#[$doc:meta])* $name:ident, $check:path, $wanted:literal, $most:literal, $pattern:literal, $example:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
        #[serde(try_from = "String")]
        pub struct $name(String);

        impl $name {
            /// The text as it was given.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                if $check(text) {
                    Ok(Self(text.to_owned()))
                } else {
                    Err(IdError { given: text.chars().take(80).collect(), wanted: $wanted })
                }
            }
        }

        impl utoipa::PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                described::text(1, $most, Some($pattern), $example)
            }
        }

        text_id!($name);
    };
}

/// What both kinds share: printing and the way through serde.
macro_rules! text_id {
    ($name:ident) => {
        impl utoipa::ToSchema for $name {}

        impl TryFrom<String> for $name {
            type Error = IdError;

            fn try_from(text: String) -> Result<Self, IdError> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

made_id!(/** An auth link. */ LinkId, "al_");
made_id!(/** One opening of a link. */ AttemptId, "at_");
made_id!(/** A contact record. */ ContactId, "ct_");
made_id!(/** An event. */ EventId, "evt_");
made_id!(/** An audit entry. */ AuditId, "au_");
made_id!(/** A test login. */ TrialId, "pt_");
made_id!(/** A one-time code that was sent. */ OtpId, "ot_");
made_id!(/** An event on its way to a webhook. */ DeliveryId, "dl_");
made_id!(/** A member of staff. */ StaffId, "st_");
made_id!(/** A browser that staff signed in with. */ SessionId, "ss_");
made_id!(/** The tokens of one sign-in of a customer. */ FamilyId, "tf_");

chosen_id!(
    /// A tenant's name: the first label of its host. `_platform` is the operator.
    TenantId, is_tenant_name,
    "a tenant name (1 to 63 of `a-z`, `0-9` and `-`, no hyphen at the ends)",
    63, "^(_platform|[a-z0-9]([a-z0-9-]*[a-z0-9])?)$", "acme"
);
chosen_id!(
    /// A provider's name, unique in its tenant; it may stand in a callback path.
    ProviderId, is_slug, "a provider id (1 to 63 of `a-z`, `0-9`, `-` and `_`)",
    63, "^[a-z0-9_-]+$", "acme"
);
chosen_id!(
    /// A snippet's name, unique in its tenant.
    SnippetId, is_slug, "a snippet id (1 to 63 of `a-z`, `0-9`, `-` and `_`)",
    63, "^[a-z0-9_-]+$", "sign-in"
);
chosen_id!(
    /// A webhook's name, unique in its tenant.
    WebhookId, is_slug, "a webhook id (1 to 63 of `a-z`, `0-9`, `-` and `_`)",
    63, "^[a-z0-9_-]+$", "crm"
);
chosen_id!(
    /// A conversation's name as the platform gave it, unique in its tenant.
    ConversationId, is_foreign_id, "a conversation id (1 to 200 characters, none of them a control character)",
    200, "^[^\\u0000-\\u001f\\u007f-\\u009f]+$", "conv-42"
);
chosen_id!(
    /// An OAuth client's name (RFC 6749, 2.2): visible ASCII.
    ClientId, is_client_id, "a client id (1 to 200 visible ASCII characters or spaces)",
    200, "^[ -~]+$", "acme-bot"
);

impl ProviderId {
    /// The word of sign-ins by an emailed code among a contact's identities. No provider of a tenant may have it.
    pub const EMAIL_CODE: &str = "email_code";

    /// An emailed code in the place of a provider.
    pub fn email_code() -> Self {
        Self(Self::EMAIL_CODE.to_owned())
    }
}

impl TenantId {
    /// The reserved tenant that owns the operator's records.
    pub fn platform() -> Self {
        Self("_platform".to_owned())
    }
}

fn is_tenant_name(text: &str) -> bool {
    let letters = text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    text == "_platform"
        || ((1..=63).contains(&text.len()) && letters && !text.starts_with('-') && !text.ends_with('-'))
}

fn is_slug(text: &str) -> bool {
    (1..=63).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_')
}

fn is_foreign_id(text: &str) -> bool {
    (1..=200).contains(&text.chars().count()) && !text.chars().any(char::is_control)
}

fn is_client_id(text: &str) -> bool {
    (1..=200).contains(&text.len()) && text.bytes().all(|b| (0x20..0x7f).contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_made_id_survives_the_way_through_text() {
        let id = LinkId::from_uuid(Uuid::from_u128(7));
        assert_eq!(id.as_str().parse::<LinkId>().unwrap(), id);
    }

    #[test]
    fn a_made_id_says_when_it_was_made() {
        let uuid = uuid::Builder::from_unix_timestamp_millis(1_767_225_600_123, &[7; 10]).into_uuid();
        assert_eq!(AttemptId::from_uuid(uuid).millis(), 1_767_225_600_123);
    }

    #[test]
    fn an_id_of_another_kind_is_refused() {
        let link = LinkId::from_uuid(Uuid::from_u128(7));
        assert!(link.as_str().parse::<ContactId>().is_err());
        assert!("al_".parse::<LinkId>().is_err());
        assert!("al_ZZ000000000000000000000000000007".parse::<LinkId>().is_err());
    }

    #[test]
    fn a_tenant_name_is_a_host_label() {
        for good in ["acme", "a", "a-1", "_platform"] {
            assert!(good.parse::<TenantId>().is_ok(), "{good}");
        }
        for bad in ["", "-a", "a-", "Acme", "a.b", "_x", &"a".repeat(64)] {
            assert!(bad.parse::<TenantId>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_conversation_id_is_counted_in_characters() {
        assert!("ü".repeat(200).parse::<ConversationId>().is_ok());
        assert!("ü".repeat(201).parse::<ConversationId>().is_err());
        assert!("a\u{0}b".parse::<ConversationId>().is_err());
    }
}
