//! Staff: a tenant's admins and agents, who use our pages.
//!
//! The settings say who may come in ([`Member`]); what the broker learned of those who came stands in one
//! record ([`StaffBook`]); a browser that is let in holds a [`StaffSession`].

use std::fmt;
use std::str::FromStr;

use email_address::{EmailAddress, Options};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::ids::{ProviderId, SessionId, StaffId};

/// A browser that asked for nothing for this long is signed out.
pub const IDLE: SignedDuration = SignedDuration::from_mins(60);
/// However busy it is, a browser is signed out after this long.
pub const LONGEST: SignedDuration = SignedDuration::from_hours(12);
/// How exactly it is known when a browser was last seen: each note of it is a write.
pub const SEEN_EXACTNESS: SignedDuration = SignedDuration::from_mins(1);
/// The most staff of one tenant.
pub const MOST_STAFF: usize = 500;

/// What a member of staff may do. An admin may do all that an agent may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Sends sign-in messages, sees conversations and contacts.
    Agent,
    /// Sets providers and policies, sees attempts, lets others in.
    Admin,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 2] = [Self::Agent, Self::Admin];

    /// The word in settings and JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Agent => "agent",
            Self::Admin => "admin",
        }
    }

    /// Whether who has this role may do what `needed` may.
    pub fn may(self, needed: Self) -> bool {
        self >= needed
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Role {
    type Err = UnknownRole;

    fn from_str(text: &str) -> Result<Self, UnknownRole> {
        Self::ALL.into_iter().find(|role| role.as_str() == text).ok_or(UnknownRole)
    }
}

/// A word that names no role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a role; use `admin` or `agent`")]
pub struct UnknownRole;

/// The email address of a member of staff, in lower case: it names the member.
/// Personal data: it never goes into a log.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct StaffEmail(String);

impl StaffEmail {
    /// The address as it is compared and written to.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for StaffEmail {
    type Err = StaffEmailError;

    fn from_str(text: &str) -> Result<Self, StaffEmailError> {
        let text = text.trim();
        let is_plain = text.is_ascii() && text.len() <= 254 && !text.contains(['"', '\\']);
        let options = Options::default().without_display_text().without_domain_literal().with_required_tld();
        let parsed = EmailAddress::parse_with_options(text, options).ok().filter(|_| is_plain);
        parsed.map(|email| Self(email.as_str().to_lowercase())).ok_or(StaffEmailError)
    }
}

impl TryFrom<String> for StaffEmail {
    type Error = StaffEmailError;

    fn try_from(text: String) -> Result<Self, StaffEmailError> {
        text.parse()
    }
}

impl From<StaffEmail> for String {
    fn from(email: StaffEmail) -> Self {
        email.0
    }
}

impl fmt::Debug for StaffEmail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[email]")
    }
}

/// A text that is no email address of a member of staff.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an email address, e.g. `dana@acme.example`")]
pub struct StaffEmailError;

/// Who may use a tenant's pages, as its settings say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// The member's name in records and in the audit, which hold no addresses: it follows from the address.
    pub id: StaffId,
    /// The address, by which the member signs in.
    pub email: StaffEmail,
    /// What others read of the member; the address if there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What the member may do.
    pub role: Role,
}

impl Member {
    /// What others read of the member.
    pub fn shown_name(&self) -> &str {
        self.name.as_deref().unwrap_or(self.email.as_str())
    }
}

/// What the broker knows of a member who was here.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Known {
    /// Who.
    pub id: StaffId,
    /// Who the member is at the tenant's providers, pinned at the first sign-in at each: the provider and the subject
    /// there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub identities: Vec<(ProviderId, String)>,
    /// How dates and numbers are written for the member: a BCP 47 tag; none means as the browser asks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locale: Option<String>,
    /// The IANA name of the member's time zone; none means as the browser says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// When the member came for the first time.
    pub first_seen: Timestamp,
    /// When the member signed in last.
    pub last_seen: Timestamp,
}

/// What the broker knows of a tenant's staff: one record, so that what holds for all of them can be kept true.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct StaffBook {
    /// Those who were here, in the order of their first coming.
    pub known: Vec<Known>,
}

impl StaffBook {
    /// What is known of a member.
    pub fn find(&self, id: &StaffId) -> Option<&Known> {
        self.known.iter().find(|known| known.id == *id)
    }

    /// Pins a person of a provider to a member: the first sign-in there says who it is, and no later one can say otherwise.
    /// Pins of those who are not staff any more count for nothing. False if they were pinned already.
    pub fn pin(
        &mut self,
        member: &StaffId,
        (provider, subject): (&ProviderId, &str),
        is_staff: impl Fn(&StaffId) -> bool,
        now: Timestamp,
    ) -> Result<bool, OtherPerson> {
        let is_it = |(known, person): &(ProviderId, String)| known == provider && person == subject;
        let own = self.find(member);
        if own.is_some_and(|own| own.identities.iter().any(is_it)) {
            return Ok(false);
        }
        let is_else = own.is_some_and(|own| own.identities.iter().any(|(known, _)| known == provider));
        let mut others = self.known.iter().filter(|known| known.id != *member && is_staff(&known.id));
        if is_else || others.any(|other| other.identities.iter().any(is_it)) {
            return Err(OtherPerson);
        }
        for known in &mut self.known {
            known.identities.retain(|identity| !is_it(identity));
        }
        self.enter(member, now).identities.push((provider.clone(), subject.to_owned()));
        Ok(true)
    }

    /// Forgets a member who is no longer staff.
    pub fn forget(&mut self, id: &StaffId) {
        self.known.retain(|known| known.id != *id);
    }

    /// What is known of a member, to be changed; who comes for the first time is entered.
    pub fn enter(&mut self, id: &StaffId, now: Timestamp) -> &mut Known {
        let at = self.known.iter().position(|known| known.id == *id).unwrap_or_else(|| {
            self.known.push(Known {
                id: id.clone(),
                identities: Vec::new(),
                locale: None,
                zone: None,
                first_seen: now,
                last_seen: now,
            });
            self.known.len() - 1
        });
        &mut self.known[at]
    }
}

/// A provider's person is somebody else's, or a member has another one there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the provider's person is another one than before")]
pub struct OtherPerson;

/// By what a browser was let in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SignedInBy {
    /// The tenant's own provider vouched for the address.
    Provider(ProviderId),
    /// A code that was sent to the address.
    Code,
    /// A one-time link of an admin or of the command line.
    Invite,
    /// The demo, which lets everybody in.
    Demo,
}

/// A browser that was let in. It is found by its id and proved by the secret behind it in the cookie.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct StaffSession {
    /// Its name in lists.
    pub id: SessionId,
    /// Whose it is.
    pub staff: StaffId,
    /// By what.
    pub how: SignedInBy,
    /// The keyed hash of the cookie's secret.
    pub secret_hash: String,
    /// What the browser calls itself, in short.
    pub device: String,
    /// How dates and numbers are written: a BCP 47 tag.
    pub locale: String,
    /// The IANA name of its time zone.
    pub zone: String,
    /// When it was let in.
    pub created_at: Timestamp,
    /// When it was last seen, to [`SEEN_EXACTNESS`].
    pub seen_at: Timestamp,
}

impl StaffSession {
    /// Whether it still counts.
    pub fn is_live(&self, now: Timestamp) -> bool {
        now < self.ends_at()
    }

    /// When it ends if nothing more is asked for.
    pub fn ends_at(&self) -> Timestamp {
        (self.seen_at + IDLE).min(self.created_at + LONGEST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_admin_may_do_what_an_agent_may_and_not_the_other_way_round() {
        assert!(Role::Admin.may(Role::Agent) && Role::Admin.may(Role::Admin) && Role::Agent.may(Role::Agent));
        assert!(!Role::Agent.may(Role::Admin));
    }

    #[test]
    fn an_address_names_one_member_however_it_is_written() {
        assert_eq!(" Dana@Acme.EXAMPLE ".parse::<StaffEmail>().unwrap().as_str(), "dana@acme.example");
        for bad in [
            "",
            "dana",
            "a@b@c.example",
            "dana@acme.example\nBcc: x",
            "dаna@acme.example",
            "\"a b\"@c.example",
            "Dana <dana@acme.example>",
            "dana@[127.0.0.1]",
            "dana@acme",
        ] {
            assert!(bad.parse::<StaffEmail>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_session_ends_by_silence_and_however_busy_it_is() {
        let at = |minute: i64| Timestamp::from_second(1_800_000_000 + 60 * minute).unwrap();
        let mut session = StaffSession {
            id: SessionId::from_uuid(uuid::Uuid::from_u128(1)),
            staff: StaffId::from_uuid(uuid::Uuid::from_u128(2)),
            how: SignedInBy::Code,
            secret_hash: String::new(),
            device: String::new(),
            locale: "en".to_owned(),
            zone: "UTC".to_owned(),
            created_at: at(0),
            seen_at: at(0),
        };
        assert!(session.is_live(at(59)) && !session.is_live(at(60)));
        session.seen_at = at(719);
        assert!(session.is_live(at(719)) && !session.is_live(at(720)));
    }

    #[test]
    fn the_first_sign_in_says_who_it_is_and_no_later_one_says_otherwise() {
        let (acme, beta): (ProviderId, ProviderId) = ("acme".parse().unwrap(), "beta".parse().unwrap());
        let [dana, amy] = [1, 2].map(|number| StaffId::from_uuid(uuid::Uuid::from_u128(number)));
        let (mut book, now) = (StaffBook::default(), Timestamp::UNIX_EPOCH);
        assert_eq!(book.pin(&dana, (&acme, "u-1"), |_| true, now), Ok(true));
        assert_eq!(book.pin(&dana, (&acme, "u-1"), |_| true, now), Ok(false), "it is pinned already");
        assert_eq!(book.pin(&dana, (&acme, "u-2"), |_| true, now), Err(OtherPerson));
        assert_eq!(book.pin(&amy, (&acme, "u-1"), |_| true, now), Err(OtherPerson), "it is somebody else's");
        assert_eq!(book.pin(&dana, (&beta, "u-2"), |_| true, now), Ok(true));
        assert_eq!(book.find(&dana).unwrap().identities.len(), 2);
        assert_eq!(book.pin(&amy, (&acme, "u-1"), |id| *id == amy, now), Ok(true), "who left holds nothing");
        assert_eq!(book.find(&dana).unwrap().identities.len(), 1);
        book.forget(&amy);
        assert!(book.find(&amy).is_none());
    }

    #[test]
    fn who_comes_again_is_known_from_the_first_time() {
        let mut book = StaffBook::default();
        let id = StaffId::from_uuid(uuid::Uuid::from_u128(1));
        book.enter(&id, Timestamp::UNIX_EPOCH).locale = Some("de".to_owned());
        let again = book.enter(&id, Timestamp::UNIX_EPOCH + LONGEST);
        assert_eq!((again.locale.as_deref(), again.first_seen), (Some("de"), Timestamp::UNIX_EPOCH));
        assert_eq!(book.known.len(), 1);
    }
}
