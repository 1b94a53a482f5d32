//! Apple Messages for Business: both of its sign-in flows and the card of a link, pure.
//!
//! The **newer** flow (iOS 16 and later): the phone opens our page in a sheet of its own, the provider's code
//! comes to us, we answer with a `messages-auth:` URL that closes the sheet ([`sheet`]), and the phone replies
//! with a status ([`reply`]). The **older** one (iOS 12 and later): the phone takes a code at a URL of Apple's,
//! redeems it at our token endpoint ([`relay`]), and replies with what it got, encrypted for this one request
//! ([`response_key`]). In both the reply is what proves who signed in; [`verdict`] weighs it.
//!
//! [`message`] builds what is sent. Our own calls at Apple carry the token of [`gateway`]; one of them fetches a
//! reply that is too big for a webhook, which [`large_reply`] decrypts.
//!
//! To add what Apple adds: 1. the fact and its source in the file that it concerns, 2. a fixture under
//! `fixtures/channel/apple/` for what is sent, or a case of `fixtures/apple/` for what is received. The message's
//! version is the tenant's setting: a new one needs no code.

pub mod gateway;
pub mod large_reply;
mod message;
pub mod relay;
pub mod reply;
pub mod response_key;
pub mod sheet;
pub mod verdict;

use std::fmt;

use aws_lc_rs::digest::{SHA256, digest};
use uuid::Builder;

use crate::secret::Secret;

pub(super) use message::payload;

/// Which of the two flows. The phone decides by the version of the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Flow {
    /// Versions up to 1: the phone redeems the code itself.
    Older,
    /// Versions from 2: the code comes to us.
    Newer,
}

/// What joins a message, the sign-in that it began, and the customer's reply. A UUID of ours that Apple
/// hands back; compared in any case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestIdentifier(String);

impl RequestIdentifier {
    /// Takes 1 to 64 letters, digits and hyphens.
    pub fn parse(text: &str) -> Result<Self, RequestIdentifierError> {
        let shaped = text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
        if text.is_empty() || text.len() > 64 || !shaped {
            return Err(RequestIdentifierError);
        }
        Ok(Self(text.to_ascii_lowercase()))
    }

    /// The text in the message, in lower case.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RequestIdentifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A text that is no request identifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a request identifier has 1 to 64 letters, digits and hyphens")]
pub struct RequestIdentifierError;

/// What an authentication message asks the phone for.
#[derive(Debug, Clone, Copy)]
pub struct Ask<'a> {
    /// Fresh for every message.
    pub request: &'a RequestIdentifier,
    /// The nonce by which our page knows the message again.
    pub state: &'a Secret,
    /// What the phone puts into the URL, of which our page takes no notice. The phone wants one at least.
    pub scope: &'a [String],
    /// The version of the message as Apple's gateway takes it; the tenant's setting.
    pub version: Option<&'a str>,
    /// What the flow needs beside that.
    pub way: Way<'a>,
}

/// What each flow needs.
#[derive(Debug, Clone, Copy)]
pub enum Way<'a> {
    /// The older flow.
    Older {
        /// The public half of this request's key pair, as [`response_key`] writes it.
        public_key: &'a str,
    },
    /// The newer flow.
    Newer {
        /// Our callback, where the provider's code comes to.
        redirect_uri: &'a str,
    },
}

impl Ask<'_> {
    /// Which flow it begins.
    pub fn flow(&self) -> Flow {
        match self.way {
            Way::Older { .. } => Flow::Older,
            Way::Newer { .. } => Flow::Newer,
        }
    }
}

/// The id of a message: a UUID that is the same for the same rendering of a link, so that an order which
/// is repeated sends the same message, and another one for the next.
fn message_id(link_id: &str, rendering: u32) -> String {
    let hash = digest(&SHA256, format!("apple message\n{link_id}\n{rendering}").as_bytes());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash.as_ref()[..16]);
    Builder::from_custom_bytes(bytes).into_uuid().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_identifier_is_compared_in_any_case() {
        let upper = RequestIdentifier::parse("0198A1B2-0000-7000-8000-00000000000A").unwrap();
        assert_eq!(upper, RequestIdentifier::parse("0198a1b2-0000-7000-8000-00000000000a").unwrap());
        for bad in ["", "a b", "a\n", "ä", &"a".repeat(65)] {
            assert_eq!(RequestIdentifier::parse(bad), Err(RequestIdentifierError), "{bad}");
        }
    }

    #[test]
    fn a_message_has_one_id_and_its_next_rendering_another() {
        let id = message_id("al_7", 0);
        assert_eq!(id, message_id("al_7", 0));
        assert!(id != message_id("al_7", 1) && id != message_id("al_8", 0));
        assert_eq!((id.len(), &id[14..15]), (36, "8"), "RFC 9562, 5.8");
    }
}
