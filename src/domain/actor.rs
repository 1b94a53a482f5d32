//! Who does something: as the audit, the source of a field and an event name it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::ids::{ClientId, ContactId, IdError, StaffId};
use super::link::{Sender, SenderKind};

/// A caller of the API, a member of staff, or the broker itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Actor {
    /// A client of the tenant.
    Client(ClientId),
    /// A client of the platform operator.
    Operator(ClientId),
    /// A member of the tenant's staff, at our pages.
    Staff(StaffId),
    /// A customer, of the own record.
    Customer(ContactId),
    /// The broker itself.
    System,
}

impl Actor {
    /// The sender of a link that names none.
    pub fn as_sender(&self) -> Sender {
        let (kind, id) = match self {
            Self::Client(id) | Self::Operator(id) => (SenderKind::Bot, id.to_string()),
            Self::Staff(id) => (SenderKind::Agent, id.to_string()),
            Self::Customer(_) | Self::System => (SenderKind::Bot, self.to_string()),
        };
        Sender { kind, id }
    }
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Client(id) => write!(f, "client:{id}"),
            Self::Operator(id) => write!(f, "operator:{id}"),
            Self::Staff(id) => write!(f, "staff:{id}"),
            Self::Customer(id) => write!(f, "customer:{id}"),
            Self::System => f.write_str("system"),
        }
    }
}

impl FromStr for Actor {
    type Err = IdError;

    /// Reads what `Display` writes. A name without a kind is a client's: so it was written down before there was staff.
    fn from_str(text: &str) -> Result<Self, IdError> {
        match text.split_once(':') {
            Some(("client", id)) => id.parse().map(Self::Client),
            Some(("operator", id)) => id.parse().map(Self::Operator),
            Some(("staff", id)) => id.parse().map(Self::Staff),
            Some(("customer", id)) => id.parse().map(Self::Customer),
            None if text == "system" => Ok(Self::System),
            _ => text.parse().map(Self::Client),
        }
    }
}

impl TryFrom<String> for Actor {
    type Error = IdError;

    fn try_from(text: String) -> Result<Self, IdError> {
        text.parse()
    }
}

impl From<Actor> for String {
    fn from(actor: Actor) -> Self {
        actor.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_actors_have_one_name() {
        let id: ClientId = "acme-bot".parse().unwrap();
        let staff = StaffId::from_uuid(uuid::Uuid::from_u128(7));
        let customer = Actor::Customer(ContactId::from_uuid(uuid::Uuid::from_u128(7)));
        let actors =
            [Actor::Client(id.clone()), Actor::Operator(id), Actor::Staff(staff), customer, Actor::System];
        let names: Vec<_> = actors.iter().map(Actor::to_string).collect();
        assert_eq!(&names[..2], ["client:acme-bot", "operator:acme-bot"]);
        assert_eq!(names[2], "staff:st_00000000000000000000000000000007");
        let again: Vec<Actor> = names.iter().map(|name| name.parse().unwrap()).collect();
        assert_eq!(again, actors);
    }
}
