//! The clients of a stored tenant: made with a secret that is shown once, given another secret, taken away.

use jiff::{SignedDuration, Timestamp, Unit};
use serde_json::{Value, json};

use crate::domain::actor::Actor;
use crate::domain::audit::AuditAction;
use crate::domain::client::{GrantType, Scopes};
use crate::domain::ids::{ClientId, TenantId};

use super::super::Broker;
use super::super::once::{MadeHere, Once};
use super::change::{Changing, Made};
use super::own::{list_of, place_of, there};
use super::{Precondition, SettingsError, bounds};

/// The list of clients, as the trees call it.
const LIST: &str = "client";
/// The name of one.
const NAME: &str = "client_id";
/// How long an old secret may still be used at most.
pub const LONGEST_OVERLAP: SignedDuration = SignedDuration::from_hours(7 * 24);

/// A client that is to be made.
#[derive(Debug, Clone)]
pub struct NewClient {
    /// Its name.
    pub id: ClientId,
    /// What customers read.
    pub name: Option<String>,
    /// How it proves who it is.
    pub proof: NewProof,
    /// What it may ask for.
    pub scopes: Scopes,
    /// Which grants it may use.
    pub grant_types: Vec<GrantType>,
    /// Where it may be answered.
    pub redirect_uris: Vec<String>,
    /// Whether it may do without PKCE.
    pub pkce_optional: bool,
    /// From where it may come; empty means from anywhere.
    pub allow_from: Vec<String>,
}

/// How a client proves who it is.
#[derive(Debug, Clone)]
pub enum NewProof {
    /// By the secret of this hash.
    Secret(String),
    /// By a key of this JWK set.
    Keys(String),
    /// Not at all.
    None,
}

impl Broker {
    /// Makes a client. There is none of this name yet.
    pub async fn create_client(
        &self,
        tenant: &TenantId,
        client: &NewClient,
        author: &Actor,
        once: Option<&Once>,
    ) -> Result<MadeHere<ClientId>, SettingsError> {
        let settings = client.settings();
        let change = |changing: &mut Changing| {
            there(changing, &Precondition::Any)?;
            if place_of(&changing.tenant, LIST, NAME, client.id.as_str()).is_ok() {
                let text = "there is a client of this name; delete it first, or choose another name";
                return Err(SettingsError::Conflict(text.to_owned()));
            }
            let mut list = list_of(&changing.tenant.document, LIST);
            if list.len() >= bounds::CLIENTS {
                let text = "a tenant has at most 100 clients; delete one that is no longer used";
                return Err(SettingsError::Conflict(text.to_owned()));
            }
            list.push(settings.clone());
            let place = list.len() - 1;
            self.put_list(changing, LIST, list);
            self.read_below(changing, &format!("/clients/{place}"), |_| Some(()))?;
            let made = Made::new(client.id.clone(), AuditAction::ClientCreated, &client.id);
            Ok(made.saying(client.scopes.to_string()))
        };
        self.change_once(tenant, author, once, change).await
    }

    /// Gives a client another secret. The one before may be used for as long as `overlap` says. Whoever may do less than
    /// the client cannot (`scopes` are theirs). Answers until when the old one may be used.
    pub async fn rotate_client_secret(
        &self,
        tenant: &TenantId,
        id: &ClientId,
        (hash, overlap): (&str, SignedDuration),
        scopes: &Scopes,
        author: &Actor,
    ) -> Result<Option<Timestamp>, SettingsError> {
        let until = self.clock.now() + overlap.min(LONGEST_OVERLAP);
        let until = until.round(Unit::Second).unwrap_or(until);
        let change = |changing: &mut Changing| {
            there(changing, &Precondition::Any)?;
            let place = may_change(changing, id, scopes)?;
            let mut list = list_of(&changing.tenant.document, LIST);
            let Some(client) = list[place].as_object_mut() else { return Err(SettingsError::Unknown) };
            let Some(before) = client.insert("secret_hash".to_owned(), json!(hash)) else {
                let text = "the client has no secret: it proves itself by a key, or not at all";
                return Err(SettingsError::Conflict(text.to_owned()));
            };
            client.shift_remove("previous_secret_hash");
            client.shift_remove("previous_secret_until");
            if overlap.is_positive() {
                client.insert("previous_secret_hash".to_owned(), before);
                client.insert("previous_secret_until".to_owned(), json!(until.to_string()));
            }
            self.put_list(changing, LIST, list);
            self.read_whole(changing)?;
            Ok(Made::new((), AuditAction::ClientSecretRotated, id))
        };
        self.change(tenant, author, change).await?;
        Ok(overlap.is_positive().then_some(until))
    }

    /// Takes a client away. Its tokens are refused from the next request on. Whoever may do less than it cannot (`scopes`
    /// are theirs).
    pub async fn delete_client(
        &self,
        tenant: &TenantId,
        id: &ClientId,
        scopes: &Scopes,
        author: &Actor,
    ) -> Result<(), SettingsError> {
        let change = |changing: &mut Changing| {
            there(changing, &Precondition::Any)?;
            may_change(changing, id, scopes)?;
            self.remove(changing, (LIST, NAME), id.as_str())?;
            Ok(Made::new((), AuditAction::ClientDeleted, id))
        };
        self.change(tenant, author, change).await.map(drop)
    }
}

/// The place of a client, if whoever has these scopes may do all that it may.
fn may_change(changing: &Changing, id: &ClientId, scopes: &Scopes) -> Result<usize, SettingsError> {
    let place = place_of(&changing.tenant, LIST, NAME, id.as_str())?;
    let clients = list_of(&changing.tenant.document, LIST);
    let own = clients[place].get("scopes").and_then(Value::as_array).into_iter().flatten();
    let own = own.filter_map(Value::as_str).collect::<Vec<_>>().join(" ");
    if Scopes::parse(&own).is_ok_and(|own| own.may_be_given_by(scopes)) {
        return Ok(place);
    }
    let text = "the client may do more than you; one that has all of its scopes can change it";
    Err(SettingsError::Conflict(text.to_owned()))
}

impl NewClient {
    /// As it stands in the settings.
    fn settings(&self) -> Value {
        let mut settings = json!({
            "client_id": self.id.as_str(),
            "grant_types": self.grant_types.iter().map(|grant| grant.as_str()).collect::<Vec<_>>(),
            "scopes": self.scopes.iter().collect::<Vec<_>>(),
        });
        let mut set = |name: &str, value: Value| settings[name] = value;
        match &self.proof {
            NewProof::Secret(hash) => set("secret_hash", json!(hash)),
            NewProof::Keys(jwks) => {
                set("auth", json!("private_key_jwt"));
                set("jwks", json!(jwks));
            }
            NewProof::None => set("auth", json!("none")),
        }
        if let Some(name) = &self.name {
            set("name", json!(name));
        }
        if !self.redirect_uris.is_empty() {
            set("redirect_uris", json!(self.redirect_uris));
        }
        if self.pkce_optional {
            set("pkce", json!("optional"));
        }
        if !self.allow_from.is_empty() {
            set("allow_from", json!(self.allow_from));
        }
        settings
    }
}
