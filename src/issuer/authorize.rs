//! The authorization endpoint (RFC 6749, 3.1): what an app asks for, checked; and where the answer goes. Who the customer
//! is, is none of this file's business.
//!
//! An app is answered at an address that its client has registered, and nowhere else: while client and address are not
//! both known, there is no answer but a page (RFC 6749, 4.1.2.1).

use crate::domain::app::{AppRequest, Demand};
use crate::domain::client::{Client, GrantType, Scopes};
use crate::domain::tenant::Tenant;

/// The longest `state` and `nonce`, in bytes.
const LONGEST: usize = 2000;

/// The parameters of an authorization request, as they came, each at most once. An empty one is none.
#[derive(Debug, Clone, Default)]
pub struct AuthorizeQuery {
    /// `client_id`
    pub client_id: Option<String>,
    /// `redirect_uri`
    pub redirect_uri: Option<String>,
    /// `response_type`
    pub response_type: Option<String>,
    /// `response_mode`
    pub response_mode: Option<String>,
    /// `scope`
    pub scope: Option<String>,
    /// `state`
    pub state: Option<String>,
    /// `nonce`
    pub nonce: Option<String>,
    /// `code_challenge` (RFC 7636)
    pub code_challenge: Option<String>,
    /// `code_challenge_method`
    pub code_challenge_method: Option<String>,
    /// `prompt` (OpenID Connect Core, 3.1.2.1)
    pub prompt: Option<String>,
    /// `max_age`
    pub max_age: Option<String>,
    /// Whether `request` or `request_uri` is there.
    pub request_object: Option<&'static str>,
    /// Whether any parameter stands twice.
    pub twice: bool,
}

/// Why a request is not put before the customer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoRequest {
    /// Nobody may be answered: a page says so. The word is for the log.
    Nowhere(&'static str),
    /// The app is told, at its registered address.
    Answer {
        /// Where.
        redirect_uri: String,
        /// What it gets back.
        state: Option<String>,
        /// What it is told.
        fault: AuthorizeFault,
    },
}

/// What an app is told (RFC 6749, 4.1.2.1; OpenID Connect Core, 3.1.2.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AuthorizeFault {
    /// A parameter is missing, stands twice or cannot be read.
    #[error("{0}")]
    InvalidRequest(&'static str),
    /// Another response type than `code`.
    #[error("use `response_type=code`")]
    UnsupportedResponseType,
    /// The client has no `authorization_code`.
    #[error("this client may not use `authorization_code`")]
    UnauthorizedClient,
    /// A scope is none, or not one of the client's.
    #[error("a scope is malformed, or this client may not have it")]
    InvalidScope,
    /// Nobody is signed in here for longer than one request, and the provider signed nobody in as lately as was asked.
    #[error("the customer must sign in, and did not do so now")]
    LoginRequired,
    /// `request` or `request_uri`.
    #[error("send the parameters themselves")]
    RequestNotSupported(&'static str),
    /// The customer declined.
    #[error("the customer declined")]
    AccessDenied,
    /// The provider is out of order.
    #[error("the provider is out of order; try again later")]
    TemporarilyUnavailable,
    /// The sign-in failed.
    #[error("the sign-in failed")]
    ServerError,
}

impl AuthorizeFault {
    /// The error word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InvalidRequest(_) => "invalid_request",
            Self::UnsupportedResponseType => "unsupported_response_type",
            Self::UnauthorizedClient => "unauthorized_client",
            Self::InvalidScope => "invalid_scope",
            Self::LoginRequired => "login_required",
            Self::RequestNotSupported(word) => word,
            Self::AccessDenied => "access_denied",
            Self::TemporarilyUnavailable => "temporarily_unavailable",
            Self::ServerError => "server_error",
        }
    }
}

/// What an app may put before a customer.
pub fn check(tenant: &Tenant, query: &AuthorizeQuery) -> Result<AppRequest, NoRequest> {
    let id = query.client_id.as_deref().ok_or(NoRequest::Nowhere("client_missing"))?;
    let client = tenant.client(id).ok_or(NoRequest::Nowhere("client_unknown"))?;
    let asked = query.redirect_uri.as_deref().ok_or(NoRequest::Nowhere("redirect_uri_missing"))?;
    if !client.redirect_uris.iter().any(|known| known.allows(asked)) {
        return Err(NoRequest::Nowhere("redirect_uri_unknown"));
    }
    let readable = query.state.clone().filter(|state| is_short(state));
    let answer = |fault| NoRequest::Answer { redirect_uri: asked.to_owned(), state: readable.clone(), fault };
    let (scopes, demand) = check_wishes(client, query).map_err(answer)?;
    Ok(AppRequest {
        client: client.client_id.clone(),
        redirect_uri: asked.to_owned(),
        scopes,
        state: query.state.clone(),
        nonce: query.nonce.clone(),
        code_challenge: query.code_challenge.clone(),
        demand,
    })
}

/// Where an app gets its code (RFC 6749, 4.1.2), with the issuer's name (RFC 9207).
pub fn answer_with_code(tenant: &Tenant, app: &AppRequest, code: &str) -> String {
    answer_url(tenant, (&app.redirect_uri, app.state.as_deref()), &[("code", code)])
}

/// Where an app is told why it gets none.
pub fn answer_with_fault(
    tenant: &Tenant,
    (redirect_uri, state): (&str, Option<&str>),
    fault: AuthorizeFault,
) -> String {
    let told = fault.to_string();
    let told = [("error", fault.as_str()), ("error_description", told.as_str())];
    answer_url(tenant, (redirect_uri, state), &told)
}

/// What the client may ask for, and asks for in the way it must.
fn check_wishes(client: &Client, query: &AuthorizeQuery) -> Result<(Scopes, Demand), AuthorizeFault> {
    use AuthorizeFault as F;
    if query.twice {
        return Err(F::InvalidRequest("a parameter stands more than once"));
    }
    if [&query.state, &query.nonce].into_iter().flatten().any(|text| !is_short(text)) {
        return Err(F::InvalidRequest("use at most 2000 visible ASCII characters for state and nonce"));
    }
    if let Some(word) = query.request_object {
        return Err(F::RequestNotSupported(word));
    }
    match query.response_type.as_deref() {
        Some("code") => {}
        Some(_) => return Err(F::UnsupportedResponseType),
        None => return Err(F::InvalidRequest("`response_type` is missing")),
    }
    if query.response_mode.as_deref().is_some_and(|mode| mode != "query") {
        return Err(F::InvalidRequest("use `response_mode=query`"));
    }
    if !client.may(GrantType::AuthorizationCode) {
        return Err(F::UnauthorizedClient);
    }
    check_pkce(client, query)?;
    let max_age = query.max_age.as_deref().map(str::parse).transpose();
    let max_age = max_age.map_err(|_| F::InvalidRequest("`max_age` is a number of seconds"))?;
    let scopes = scopes(client, query.scope.as_deref())?;
    Ok((scopes, Demand { max_age, ..prompted(query.prompt.as_deref())? }))
}

/// PKCE by S256 (RFC 7636, 4.3), of whoever must use it and whoever does.
fn check_pkce(client: &Client, query: &AuthorizeQuery) -> Result<(), AuthorizeFault> {
    let refused = |why| Err(AuthorizeFault::InvalidRequest(why));
    match (&query.code_challenge, query.code_challenge_method.as_deref()) {
        (None, None) if client.needs_pkce() => refused("`code_challenge` is missing; this client needs PKCE"),
        (None, Some(_)) => refused("`code_challenge` is missing"),
        (Some(_), method) if method != Some("S256") => refused("use `code_challenge_method=S256`"),
        (Some(challenge), _) if !is_challenge(challenge) => {
            refused("`code_challenge` is the SHA-256 of the verifier in base64url: 43 characters")
        }
        (None, None) | (Some(_), _) => Ok(()),
    }
}

fn scopes(client: &Client, asked: Option<&str>) -> Result<Scopes, AuthorizeFault> {
    let asked = asked.map(Scopes::parse).transpose().map_err(|_| AuthorizeFault::InvalidScope)?;
    match asked {
        Some(asked) if asked.is_empty() => Ok(client.scopes.clone()),
        Some(asked) if client.scopes.contain_all(&asked) => Ok(asked),
        Some(_) => Err(AuthorizeFault::InvalidScope),
        None => Ok(client.scopes.clone()),
    }
}

/// What `prompt` asks for. Our page of consent is shown for every request; nobody stays signed in here, so that `none`
/// cannot be done.
fn prompted(prompt: Option<&str>) -> Result<Demand, AuthorizeFault> {
    let words: Vec<&str> = prompt.unwrap_or_default().split(' ').filter(|word| !word.is_empty()).collect();
    if words == ["none"] {
        return Err(AuthorizeFault::LoginRequired);
    }
    let is_known = |word: &&str| matches!(*word, "login" | "consent" | "select_account");
    if !words.iter().all(is_known) {
        return Err(AuthorizeFault::InvalidRequest(
            "`prompt` is `none` alone, or `login`, `consent` and `select_account`",
        ));
    }
    let asks = |word| words.contains(&word);
    Ok(Demand { max_age: None, login: asks("login"), select_account: asks("select_account") })
}

fn is_short(text: &str) -> bool {
    text.len() <= LONGEST && text.bytes().all(|b| (0x20..0x7f).contains(&b))
}

fn is_challenge(text: &str) -> bool {
    text.len() == 43 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

fn answer_url(
    tenant: &Tenant,
    (redirect_uri, state): (&str, Option<&str>),
    parameters: &[(&str, &str)],
) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(parameters);
    query.extend_pairs(state.map(|state| ("state", state)));
    query.append_pair("iss", &tenant.origin);
    let separator = match redirect_uri {
        text if text.ends_with(['?', '&']) => "",
        text if text.contains('?') => "&",
        _ => "?",
    };
    format!("{redirect_uri}{separator}{}", query.finish())
}
