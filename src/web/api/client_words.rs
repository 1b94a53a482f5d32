//! The words of a client's settings, and what is wanted of one, new or not.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::client::{GrantType, Scopes};
use crate::domain::ids::ClientId;
use crate::flow::settings::clients::Terms;
use crate::web::error::ApiError;

/// How a client proves who it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = ClientAuth)]
pub enum AuthWord {
    /// By a secret.
    ClientSecret,
    /// By a key of its own (RFC 7523).
    PrivateKeyJwt,
    /// Not at all: an app on a device or in a page.
    None,
}

/// Whether PKCE is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = ClientPkce)]
pub enum PkceWord {
    /// Always.
    Required,
    /// For a client that cannot do it.
    Optional,
}

/// A way to get a token.
#[derive(Debug, Clone, Copy, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = GrantType)]
pub enum GrantWord {
    /// The client acts for itself.
    ClientCredentials,
    /// A customer signed in.
    AuthorizationCode,
    /// A later access token for the same sign-in.
    RefreshToken,
}

/// What is wanted of a client, new or not.
pub(super) struct Wanted {
    pub(super) name: Option<String>,
    pub(super) scopes: Vec<String>,
    pub(super) grant_types: Option<Vec<GrantWord>>,
    pub(super) redirect_uris: Option<Vec<String>>,
    pub(super) pkce: Option<PkceWord>,
    pub(super) allow_from: Option<Vec<String>>,
}

/// The id in a path.
pub(super) fn id_of(segment: &str) -> Result<ClientId, ApiError> {
    segment.parse().map_err(|_| ApiError::NotFound)
}

impl Wanted {
    /// What a client may do: its scopes are at most those of the caller.
    pub(super) fn terms(self, held: &Scopes) -> Result<Terms, ApiError> {
        let scopes = Scopes::parse(&self.scopes.join(" "));
        let scopes = scopes.map_err(|error| ApiError::refused("/scopes", error.to_string()))?;
        if !scopes.may_be_given_by(held) {
            let told = "a client gets at most the scopes of the token that makes it";
            return Err(ApiError::refused("/scopes", told));
        }
        let grants = self.grant_types.unwrap_or_else(|| vec![GrantWord::ClientCredentials]);
        Ok(Terms {
            name: self.name,
            scopes,
            grant_types: grants.into_iter().map(GrantWord::known).collect(),
            redirect_uris: self.redirect_uris.unwrap_or_default(),
            pkce_optional: self.pkce == Some(PkceWord::Optional),
            allow_from: self.allow_from.unwrap_or_default(),
        })
    }
}

impl GrantWord {
    fn known(self) -> GrantType {
        match self {
            Self::ClientCredentials => GrantType::ClientCredentials,
            Self::AuthorizationCode => GrantType::AuthorizationCode,
            Self::RefreshToken => GrantType::RefreshToken,
        }
    }
}
