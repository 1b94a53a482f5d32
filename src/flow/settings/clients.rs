//! The clients of a stored tenant: made with a secret that is shown once, changed, given another secret, taken away.

use jiff::{SignedDuration, Timestamp, Unit};
use serde_json::{Map, Value, json};

use crate::domain::actor::Actor;
use crate::domain::audit::AuditAction;
use crate::domain::client::{GrantType, Scopes};
use crate::domain::ids::{ClientId, TenantId};
use crate::domain::tenant::Tenant;
use crate::secret::Secret;

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
    /// How it proves who it is.
    pub proof: NewProof,
    /// What it may do.
    pub terms: Terms,
}

/// What a client may do, and where. It can be changed as a whole.
#[derive(Debug, Clone)]
pub struct Terms {
    /// What customers read.
    pub name: Option<String>,
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

/// Another secret for a client.
#[derive(Debug, Clone, Copy)]
pub struct NewSecret<'a> {
    /// It.
    pub secret: &'a Secret,
    /// Its hash.
    pub hash: &'a str,
    /// For how long the one that it replaces may still be used; zero for not at all.
    pub overlap: SignedDuration,
    /// Whether a still older one, which is good from the last change-over, may end before its time.
    pub ends_older: bool,
    /// The [`secret_mark`](Broker::secret_mark) of the secret that it shall replace; none for whichever there is.
    pub replaces: Option<&'a str>,
}

/// A client that has another secret.
#[derive(Debug, Clone)]
pub struct Rotated {
    /// The secret.
    pub secret: Secret,
    /// Until when the one before may be used; none if it is good no more.
    pub previous_until: Option<Timestamp>,
    /// Whether the same order had made it before.
    pub replayed: bool,
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

/// What an order with a key remembers of a new secret, to tell it once more.
struct Told<'a> {
    secret: &'a str,
    hash: &'a str,
    previous_until: Option<Timestamp>,
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
            Ok(made.saying(client.terms.scopes.to_string()))
        };
        self.change_once(tenant, author, once, change).await
    }

    /// Changes what a client may do, all of it, and its keys if there are other ones; how it proves who it is stays. Its
    /// tokens may do no more than it from the next request on. Whoever may do less than the client cannot (`scopes` are
    /// theirs).
    pub async fn change_client(
        &self,
        tenant: &TenantId,
        (id, condition): (&ClientId, &Precondition),
        (terms, keys): (&Terms, Option<&str>),
        scopes: &Scopes,
        author: &Actor,
    ) -> Result<(), SettingsError> {
        let change = |changing: &mut Changing| {
            there(changing, condition)?;
            let place = may_change(changing, id, scopes)?;
            let mut list = list_of(&changing.tenant.document, LIST);
            let Some(client) = list[place].as_object_mut() else { return Err(SettingsError::Unknown) };
            terms.put(client);
            if let Some(keys) = keys {
                if !client.contains_key("jwks") {
                    let help = "make another client, and delete this one when it is no longer used";
                    return Err(SettingsError::refused(
                        "/jwks",
                        "the client does not prove itself by a key",
                        help,
                    ));
                }
                client.insert("jwks".to_owned(), json!(keys));
            }
            self.put_list(changing, LIST, list);
            self.read_below(changing, &format!("/clients/{place}"), |_| Some(()))?;
            Ok(Made::new((), AuditAction::ClientChanged, id).saying(terms.scopes.to_string()))
        };
        self.change(tenant, author, change).await.map(drop)
    }

    /// The clients of a stored tenant as they are now, in a tenant that has them, and the version of the settings in which
    /// they stand. None of a tenant that stands elsewhere.
    pub async fn stored_clients(&self, tenant: &TenantId) -> Result<Option<(Tenant, u64)>, SettingsError> {
        if self.writable(tenant).is_err() {
            return Ok(None);
        }
        let Some(stored) = self.stored_tenant(tenant).await? else { return Ok(None) };
        let read = self.format().read(&stored.id, &stored.document, &stored.live(), &stored.secrets);
        let reading = read.map_err(SettingsError::Refused)?;
        Ok(Some((reading.tenant, stored.document_version)))
    }

    /// Gives a client another secret. The one before may be used for as long as the overlap says. A client has two secrets
    /// at most: while one of an earlier change-over is good, there is no other unless the order ends it, since it may be
    /// the one in use. Whoever may do less than the client cannot (`scopes` are theirs). The same order again is answered
    /// with the same secret as long as that is the client's: the one who lost the answer could only end what is in use
    /// otherwise.
    pub async fn rotate_client_secret(
        &self,
        tenant: &TenantId,
        (id, order): (&ClientId, &NewSecret<'_>),
        scopes: &Scopes,
        author: &Actor,
        once: Option<&Once>,
    ) -> Result<Rotated, SettingsError> {
        let NewSecret { secret, hash, overlap, ends_older, replaces } = *order;
        let now = self.clock.now();
        let until = now + overlap.min(LONGEST_OVERLAP);
        let until = until.round(Unit::Second).unwrap_or(until);
        let change = |changing: &mut Changing| {
            there(changing, &Precondition::Any)?;
            let place = may_change(changing, id, scopes)?;
            let mut list = list_of(&changing.tenant.document, LIST);
            let Some(client) = list[place].as_object_mut() else { return Err(SettingsError::Unknown) };
            if let Some(older) = older_until(client).filter(|older| *older > now && !ends_older) {
                let text = format!(
                    "an older secret is good until {older}, and may be the one in use; wait until then, or order that it ends now"
                );
                return Err(SettingsError::Conflict(text));
            }
            let Some(before) = client.insert("secret_hash".to_owned(), json!(hash)) else {
                let text = "the client has no secret: it proves itself by a key, or not at all";
                return Err(SettingsError::Conflict(text.to_owned()));
            };
            let mark = before.as_str().map(|before| self.secret_mark(tenant, before));
            if replaces.is_some_and(|replaces| mark.as_deref() != Some(replaces)) {
                let text = "the client got another secret meanwhile; look again";
                return Err(SettingsError::Conflict(text.to_owned()));
            }
            client.shift_remove("previous_secret_hash");
            client.shift_remove("previous_secret_until");
            if overlap.is_positive() {
                client.insert("previous_secret_hash".to_owned(), before);
                client.insert("previous_secret_until".to_owned(), json!(until.to_string()));
            }
            self.put_list(changing, LIST, list);
            self.read_whole(changing)?;
            let told = Told {
                secret: secret.expose(),
                hash,
                previous_until: overlap.is_positive().then_some(until),
            }
            .to_text();
            Ok(Made::new(told.clone(), AuditAction::ClientSecretRotated, id).telling(told))
        };
        let made = self.change_telling(tenant, author, once, change).await?;
        let Told { secret, hash, previous_until } = Told::of_text(&made.id).ok_or(SettingsError::Unknown)?;
        if made.replayed {
            self.check_secret_is_used(tenant, id, hash).await?;
        }
        Ok(Rotated { secret: Secret::new(secret), previous_until, replayed: made.replayed })
    }

    /// Whether a client still has the secret of this hash. One that was ended since is handed out to nobody: whoever
    /// installed it would be shut out.
    async fn check_secret_is_used(
        &self,
        tenant: &TenantId,
        id: &ClientId,
        hash: &str,
    ) -> Result<(), SettingsError> {
        let stored = self.stored_tenant(tenant).await?.ok_or(SettingsError::Unknown)?;
        let place = place_of(&stored, LIST, NAME, id.as_str())?;
        let clients = list_of(&stored.document, LIST);
        if clients[place].get("secret_hash").and_then(Value::as_str) == Some(hash) {
            return Ok(());
        }
        let text = "the secret that this order made was replaced since; order another one with a new `Idempotency-Key`";
        Err(SettingsError::Conflict(text.to_owned()))
    }

    /// What names the secret of this hash in a form, and tells nothing of it.
    pub fn secret_mark(&self, tenant: &TenantId, hash: &str) -> String {
        self.store.at(tenant).hash("secret", hash)
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

/// Until when the secret before may be used.
fn older_until(client: &Map<String, Value>) -> Option<Timestamp> {
    client.get("previous_secret_until").and_then(Value::as_str).and_then(|until| until.parse().ok())
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

impl<'a> Told<'a> {
    /// With a space between its parts, none of which has one.
    fn to_text(&self) -> Secret {
        let until = self.previous_until.map(|until| until.to_string()).unwrap_or_default();
        Secret::new(format!("{} {} {until}", self.secret, self.hash))
    }

    fn of_text(text: &'a Secret) -> Option<Self> {
        let mut parts = text.expose().splitn(3, ' ');
        let (secret, hash) = (parts.next()?, parts.next()?);
        Some(Self { secret, hash, previous_until: parts.next()?.parse().ok() })
    }
}

impl NewClient {
    /// As it stands in the settings.
    fn settings(&self) -> Value {
        let mut settings = Map::new();
        let mut set = |name: &str, value: Value| settings.insert(name.to_owned(), value);
        set("client_id", json!(self.id.as_str()));
        match &self.proof {
            NewProof::Secret(hash) => set("secret_hash", json!(hash)),
            NewProof::Keys(jwks) => {
                set("auth", json!("private_key_jwt"));
                set("jwks", json!(jwks))
            }
            NewProof::None => set("auth", json!("none")),
        };
        self.terms.put(&mut settings);
        Value::Object(settings)
    }
}

impl Terms {
    /// Writes them into the settings of a client; what is left out is taken out.
    fn put(&self, settings: &mut Map<String, Value>) {
        let mut set = |name: &str, value: Option<Value>| match value {
            Some(value) => drop(settings.insert(name.to_owned(), value)),
            None => drop(settings.shift_remove(name)),
        };
        let list = |items: &[String]| (!items.is_empty()).then(|| json!(items));
        set("grant_types", Some(self.grant_types.iter().map(|grant| grant.as_str()).collect()));
        set("scopes", Some(self.scopes.iter().collect()));
        set("name", self.name.as_ref().map(|name| json!(name)));
        set("redirect_uris", list(&self.redirect_uris));
        set("pkce", self.pkce_optional.then(|| json!("optional")));
        set("allow_from", list(&self.allow_from));
    }
}
