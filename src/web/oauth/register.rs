//! `POST /v1/oauth/register` (RFC 7591): an app becomes a client by itself, with the initial access token that the tenant
//! gave it. Off unless the tenant's settings say otherwise.

use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::domain::actor::Actor;
use crate::domain::client::{GrantType, Registration, Scopes};
use crate::domain::redirect_uri::RedirectUri;
use crate::domain::tenant::Tenant;
use crate::flow::settings::SettingsError;
use crate::flow::settings::clients::{NewClient, NewProof, Terms};
use crate::issuer::{ClientError, TokenError};
use crate::secret::Secret;
use crate::web::Web;
use crate::web::access::bearer_token;
use crate::web::api::clients::fresh_secret;

use super::answer::{ErrorBody, OAuthError, json};
use super::token::{Counted, read_body};

/// The most characters of a client's name.
const NAME: usize = 100;

/// A client that registered (RFC 7591, 3.2.1).
#[derive(Serialize, ToSchema)]
#[schema(as = RegisteredClient)]
pub struct RegisteredBody {
    /// Its id.
    client_id: String,
    /// Its secret, which is shown this once.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    client_secret: Option<String>,
    /// When it was made, in seconds since 1970.
    client_id_issued_at: i64,
    /// Always 0: the secret does not expire.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    client_secret_expires_at: Option<i64>,
    /// What customers read.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    client_name: Option<String>,
    /// Where customers come back to.
    redirect_uris: Vec<String>,
    /// Which grants it may use.
    grant_types: Vec<&'static str>,
    /// Always `code`.
    response_types: [&'static str; 1],
    /// How it proves who it is.
    token_endpoint_auth_method: &'static str,
    /// What it may ask for.
    scope: String,
}

/// Why a client was not registered (RFC 7591, 3.2.2; RFC 6750, 3.1).
#[derive(Debug, thiserror::Error)]
enum NotRegistered {
    #[error("clients do not register by themselves here")]
    Off,
    #[error("the initial access token is missing or not good")]
    Token,
    #[error("{0}")]
    RedirectUri(String),
    #[error("{0}")]
    Metadata(String),
    #[error("the clients of this tenant are made elsewhere")]
    Elsewhere,
    #[error(transparent)]
    Request(#[from] OAuthError),
}

impl NotRegistered {
    fn kind(&self) -> (StatusCode, &'static str) {
        match self {
            Self::Off | Self::Elsewhere => (StatusCode::FORBIDDEN, "access_denied"),
            Self::Token => (StatusCode::UNAUTHORIZED, "invalid_token"),
            Self::RedirectUri(_) => (StatusCode::BAD_REQUEST, "invalid_redirect_uri"),
            Self::Metadata(_) => (StatusCode::BAD_REQUEST, "invalid_client_metadata"),
            Self::Request(error) => error.kind(),
        }
    }

    fn respond(self, tenant: &Tenant) -> Response {
        let (status, error) = self.kind();
        tracing::info!(tenant = %tenant.id, code = error, reason = %self, "oauth.not_registered");
        if let Self::Request(error) = self {
            return error.into_response();
        }
        let mut response = json(status, &ErrorBody { error, error_description: self.to_string() });
        if status == StatusCode::UNAUTHORIZED {
            let challenge = format!("Bearer realm=\"{}\", error=\"invalid_token\"", tenant.id);
            let challenge = challenge.parse().expect("a tenant's name is ASCII");
            response.headers_mut().insert(axum::http::header::WWW_AUTHENTICATE, challenge);
        }
        response
    }
}

/// Answers a registration.
pub async fn register(web: &Web, tenant: &Tenant, counted: Counted<'_>, request: Request) -> Response {
    match registered(web, tenant, counted, request).await {
        Ok(body) => json(StatusCode::CREATED, &body),
        Err(why) => why.respond(tenant),
    }
}

async fn registered(
    web: &Web,
    tenant: &Tenant,
    counted: Counted<'_>,
    request: Request,
) -> Result<RegisteredBody, NotRegistered> {
    let allowed = tenant.registration.as_ref().ok_or(NotRegistered::Off)?;
    let (parts, body) = request.into_parts();
    let token = bearer_token(&parts.headers).map_err(|_| NotRegistered::Token)?;
    let guess = counted.guess(tenant, "registration")?;
    match web.issuer.may_register(allowed, &Secret::new(token)).await {
        Ok(()) => guess.forgive(counted.now),
        Err(ClientError::Busy) => return Err(OAuthError::Token(TokenError::Busy).into()),
        Err(_) => return Err(NotRegistered::Token),
    }
    let body = read_body(&parts.headers, body).await?;
    let metadata: Map<String, Value> = serde_json::from_slice(&body)
        .map_err(|_| NotRegistered::Metadata("send a JSON object".to_owned()))?;
    let (mut client, method) = client_of(web, allowed, &metadata)?;
    let secret = if matches!(client.proof, NewProof::Secret(_)) {
        let made = fresh_secret(web).await;
        let (secret, hash) = made.map_err(|_| OAuthError::Token(TokenError::Internal))?;
        client.proof = NewProof::Secret(hash);
        Some(secret)
    } else {
        None
    };
    let author = Actor::Client(client.id.clone());
    web.broker.create_client(&tenant.id, &client, &author, None).await.map_err(refused)?;
    Ok(RegisteredBody {
        client_id: client.id.to_string(),
        client_secret_expires_at: secret.as_ref().map(|_| 0),
        client_secret: secret.map(|secret| secret.expose().to_owned()),
        client_id_issued_at: counted.now.as_second(),
        client_name: client.terms.name,
        redirect_uris: client.terms.redirect_uris,
        grant_types: client.terms.grant_types.iter().map(|grant| grant.as_str()).collect(),
        response_types: ["code"],
        token_endpoint_auth_method: method,
        scope: client.terms.scopes.to_string(),
    })
}

/// The client that its own words describe, as far as the tenant lets clients register.
fn client_of(
    web: &Web,
    allowed: &Registration,
    said: &Map<String, Value>,
) -> Result<(NewClient, &'static str), NotRegistered> {
    let wrong = |words: &str| NotRegistered::Metadata(words.to_owned());
    let grant_types = grants(&list(said, "grant_types")?.unwrap_or(vec!["authorization_code".to_owned()]))
        .ok_or_else(|| wrong("`grant_types` may hold `authorization_code` and `refresh_token`"))?;
    if list(said, "response_types")?.is_some_and(|types| types != ["code"]) {
        return Err(wrong("`response_types` is `code`"));
    }
    let redirect_uris = list(said, "redirect_uris")?.unwrap_or_default();
    if redirect_uris.is_empty() {
        return Err(NotRegistered::RedirectUri("`redirect_uris` is missing".to_owned()));
    }
    for uri in &redirect_uris {
        RedirectUri::parse(uri).map_err(|why| NotRegistered::RedirectUri(why.to_string()))?;
    }
    let asked = text(said, "scope")?.map(|scope| Scopes::parse(&scope)).transpose();
    let scopes = asked.map_err(|_| wrong("`scope` is malformed"))?.unwrap_or(allowed.scopes.clone());
    if !scopes.iter().all(|scope| allowed.scopes.has(scope)) {
        return Err(wrong("`scope` holds more than clients may register for"));
    }
    let name = text(said, "client_name")?;
    if name.as_ref().is_some_and(|name| name.trim().is_empty() || name.chars().count() > NAME) {
        return Err(wrong("`client_name` has 1 to 100 characters"));
    }
    let (proof, method) = match text(said, "token_endpoint_auth_method")?.as_deref() {
        None | Some("client_secret_basic") => (NewProof::Secret(String::new()), "client_secret_basic"),
        Some("client_secret_post") => (NewProof::Secret(String::new()), "client_secret_post"),
        Some("none") => (NewProof::None, "none"),
        Some("private_key_jwt") => match said.get("jwks") {
            Some(jwks @ Value::Object(_)) => (NewProof::Keys(jwks.to_string()), "private_key_jwt"),
            _ => return Err(wrong("`private_key_jwt` needs `jwks`; `jwks_uri` is not fetched")),
        },
        Some(_) => return Err(wrong("this `token_endpoint_auth_method` is not supported")),
    };
    let id = format!("app_{}", &web.broker.clock().fresh_token().expose()[..22]);
    let client = NewClient {
        id: id.parse().expect("a mark and base64url are a client id"),
        proof,
        terms: Terms {
            name,
            scopes,
            grant_types,
            redirect_uris,
            pkce_optional: false,
            allow_from: Vec::new(),
        },
    };
    Ok((client, method))
}

/// A client that registers by itself acts for customers only.
fn grants(words: &[String]) -> Option<Vec<GrantType>> {
    let known = [GrantType::AuthorizationCode, GrantType::RefreshToken];
    let named = |word: &String| known.into_iter().find(|grant| grant.as_str() == word);
    let grants: Option<Vec<GrantType>> = words.iter().map(named).collect();
    grants.filter(|grants| grants.contains(&GrantType::AuthorizationCode))
}

fn text(said: &Map<String, Value>, name: &str) -> Result<Option<String>, NotRegistered> {
    match said.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(NotRegistered::Metadata(format!("`{name}` is a string"))),
    }
}

fn list(said: &Map<String, Value>, name: &str) -> Result<Option<Vec<String>>, NotRegistered> {
    let wrong = || NotRegistered::Metadata(format!("`{name}` is a list of strings"));
    let items = match said.get(name) {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::Array(items)) => items,
        Some(_) => return Err(wrong()),
    };
    let texts: Option<Vec<String>> = items.iter().map(|item| item.as_str().map(str::to_owned)).collect();
    texts.map(Some).ok_or_else(wrong)
}

/// What is in the way of writing it down.
fn refused(error: SettingsError) -> NotRegistered {
    match error {
        SettingsError::Store(error) => OAuthError::Token(error.into()).into(),
        SettingsError::Refused(remarks) => {
            let words = remarks.first().map_or("it cannot be used", |remark| remark.message.as_str());
            NotRegistered::Metadata(words.replace(['"', '\\'], "'"))
        }
        SettingsError::InFile(_) | SettingsError::Fixed => NotRegistered::Elsewhere,
        other => NotRegistered::Metadata(other.to_string()),
    }
}
