//! The normalised result of a sign-in: what the provider said of the person, in our names.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{RefOr, Schema};

use super::vault::ProviderTokens;

/// The fields that have a meaning of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "the names are the contract's own")]
pub enum ProfileField {
    Email,
    UserName,
    FullName,
    FirstName,
    LastName,
    UserId,
    Phone,
    Locale,
}

impl ProfileField {
    /// Every known field, in the order of DESIGN §1.
    pub const ALL: [Self; 8] = [
        Self::Email,
        Self::UserName,
        Self::FullName,
        Self::FirstName,
        Self::LastName,
        Self::UserId,
        Self::Phone,
        Self::Locale,
    ];

    /// The name in JSON and in a mapping.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::UserName => "userName",
            Self::FullName => "fullName",
            Self::FirstName => "firstName",
            Self::LastName => "lastName",
            Self::UserId => "userId",
            Self::Phone => "phone",
            Self::Locale => "locale",
        }
    }

    /// The field of this name, if it is a known one.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|field| field.as_str() == name)
    }
}

/// A profile: known fields as texts, and everything else that the mapping named, as it was.
/// Personal data: it goes into sealed records, the API and events of completed links only.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Profile {
    fields: Map<String, Value>,
}

impl Profile {
    /// A known field's text.
    pub fn text(&self, field: ProfileField) -> Option<&str> {
        self.fields.get(field.as_str()).and_then(Value::as_str)
    }

    /// Sets a known field; an empty text is not set.
    pub fn set_text(&mut self, field: ProfileField, text: impl Into<String>) {
        let text = text.into();
        if !text.is_empty() {
            self.fields.insert(field.as_str().to_owned(), Value::String(text));
        }
    }

    /// Keeps a field that has no meaning of its own.
    pub fn set_extra(&mut self, name: impl Into<String>, value: Value) {
        self.fields.insert(name.into(), value);
    }

    /// Takes a field out.
    pub fn remove(&mut self, name: &str) {
        self.fields.shift_remove(name);
    }

    /// Every field by its name.
    pub fn iter(&self) -> impl Iterator<Item = (&String, &Value)> {
        self.fields.iter()
    }

    /// Whether nothing is known of the person.
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// The whole as a JSON object.
    pub fn as_map(&self) -> &Map<String, Value> {
        &self.fields
    }
}

impl utoipa::PartialSchema for Profile {
    fn schema() -> RefOr<Schema> {
        let known = ProfileField::ALL.into_iter().fold(ObjectBuilder::new(), |object, field| {
            object
                .property(field.as_str(), ObjectBuilder::new().schema_type(Type::String).min_length(Some(1)))
        });
        let description = "What the provider said of the person, in our names: the known fields as texts, where there \
                           is something to say, and every other field that the mapping names, as it was.";
        let example = serde_json::json!({"email": "billy@example.com", "fullName": "Billy Bob", "firstName": "Billy", "lastName": "Bob", "userId": "1234"});
        known.description(Some(description)).examples([example]).into()
    }
}

impl utoipa::ToSchema for Profile {}

impl std::fmt::Debug for Profile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Profile({} fields)", self.fields.len())
    }
}

/// What a sign-in proved about its person: the profile, who it is at the provider, and which
/// of its fields the provider vouches for.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct SignedIn {
    /// The normalised fields.
    pub profile: Profile,
    /// Who this is at the provider; none if the answer names nobody.
    pub subject: Option<String>,
    /// Whether the provider says that the email was verified, or the tenant trusts it.
    pub email_verified: bool,
    /// Whether the provider itself says so, whatever the tenant trusts.
    #[serde(default)]
    pub email_vouched: bool,
    /// Whether the provider says that the phone was verified, or the tenant trusts it.
    pub phone_verified: bool,
    /// What was repaired or left out on the way, for the admin.
    pub warnings: Vec<String>,
    /// What the tenant's rules have set. Personal, as the profile is.
    #[serde(default)]
    pub fields: Map<String, Value>,
    /// What opens the tenant's own API for the person, where the provider's `vault` is on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens: Option<Box<ProviderTokens>>,
    /// When the person signed in at the provider, if its id_token says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authenticated_at: Option<Timestamp>,
}
