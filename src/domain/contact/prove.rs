//! A customer and the own record: whoever read a code at an address has proved to be there, and may take away ways to
//! sign in.

use jiff::Timestamp;
use serde_json::Value;

use crate::domain::ids::ProviderId;

use super::{Change, Contact, Identity, Provenance};

/// The field that is proved.
const EMAIL: &str = "email";

/// Why a sign-in cannot be taken away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UnlinkError {
    /// There is none such.
    #[error("there is no such sign-in")]
    Unknown,
    /// Nobody could sign in any more.
    #[error("this is the only way to sign in; link another one first")]
    Last,
}

impl Contact {
    /// Somebody typed the code that was sent to this address, in normal form: it is verified, and the contact's own
    /// where it has none. Another address that stands there stays.
    pub fn prove_email(&mut self, address: &str, now: Timestamp) -> Option<Change> {
        match &self.email {
            None => {
                self.email = Some(address.to_owned());
                let previous = Some(Value::Null);
                let proved =
                    Provenance { verified: true, previous, ..Provenance::typed(ProviderId::EMAIL_CODE, now) };
                self.provenance.insert(EMAIL.to_owned(), proved);
                Some(Change::new(EMAIL, None, Some(address.into())))
            }
            Some(known) if known.trim().to_lowercase() == address => {
                let typed = || Provenance::typed(ProviderId::EMAIL_CODE, now);
                self.provenance.entry(EMAIL.to_owned()).or_insert_with(typed).verified = true;
                None
            }
            Some(_) => None,
        }
    }

    /// Takes a way to sign in away, unless it is the only one.
    pub fn unlink_identity(&mut self, wanted: impl Fn(&Identity) -> bool) -> Result<Identity, UnlinkError> {
        let place = self.identities.iter().position(wanted).ok_or(UnlinkError::Unknown)?;
        if self.identities.len() == 1 {
            return Err(UnlinkError::Last);
        }
        Ok(self.identities.remove(place))
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{contact, read_at};
    use super::*;

    #[test]
    fn a_proved_address_is_verified_and_fills_a_blank_one_only() {
        let mut contact = contact(1);
        let change = contact.prove_email("dana@acme.example", read_at(5)).unwrap();
        assert_eq!((change.from, change.to), (Value::Null, "dana@acme.example".into()));
        let known = &contact.provenance["email"];
        assert_eq!((known.source.as_str(), known.verified), ("email_code", true));
        assert_eq!(contact.prove_email("other@acme.example", read_at(6)), None);
        assert_eq!(contact.email.as_deref(), Some("dana@acme.example"));
    }

    #[test]
    fn an_address_that_was_typed_is_verified_by_its_code_however_it_is_written() {
        let mut contact = contact(1);
        contact.email = Some(" Dana@Acme.Example".to_owned());
        contact.provenance.insert("email".to_owned(), Provenance::typed("client:crm", read_at(1)));
        assert_eq!(contact.prove_email("dana@acme.example", read_at(5)), None);
        let known = &contact.provenance["email"];
        assert_eq!((known.source.as_str(), known.verified), ("client:crm", true), "who wrote it stays");
    }

    #[test]
    fn the_last_way_to_sign_in_stays() {
        let mut contact = contact(1);
        let provider: ProviderId = "acme".parse().unwrap();
        contact.link_identity(&provider, "7", read_at(1));
        assert_eq!(contact.unlink_identity(|_| true), Err(UnlinkError::Last));
        contact.link_identity(&ProviderId::email_code(), "dana@acme.example", read_at(2));
        assert_eq!(contact.unlink_identity(|known| known.subject == "8"), Err(UnlinkError::Unknown));
        let gone = contact.unlink_identity(|known| known.subject == "7").unwrap();
        assert_eq!((gone.provider, contact.identities.len()), (provider, 1));
    }
}
