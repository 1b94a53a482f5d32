//! The token endpoint: a grant becomes an access token (RFC 6749, 4.1.3 to 5.2).

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde_json::{Map, Value};
use url::Url;
use url::form_urlencoded;

use crate::domain::fault::{Code, Fault, Step};
use crate::domain::provider::call::{Exchange, WhoamiAuth};
use crate::domain::provider::{Identity, Provider, TokenRequestForm};
use crate::secret::Secret;

use super::client_auth::Credentials;
use super::quirk::Quirk;
use super::response::Grant;
use super::server::Server;
use super::token_body::{NoTokenBody, TokenBody, id_token_of};
use super::wire::{Method, OutboundBody, OutboundRequest, ProviderAnswer};

/// The most bytes of a refresh token, or of a scope.
const LONGEST: usize = 16 * 1024;

/// A token response that is good enough to go on with. Its `Debug` shows quirks only.
#[derive(Clone)]
pub struct TokenResponse {
    /// What is borne to the WhoAmI endpoint: visible ASCII.
    pub access_token: Secret,
    /// The signed claims about the sign-in, not yet verified (OIDC Core, 3.1.3.3).
    pub id_token: Option<Secret>,
    /// The whole answer as an object, for the mapping's root `token_response`. It holds secrets:
    /// it goes nowhere but into the mapping.
    pub body: Value,
    /// How long the access token lives; none if the provider does not say, or says what cannot be.
    pub expires_in: Option<Duration>,
    /// What lets the token be used for longer.
    pub terms: Terms,
    /// What was tolerated.
    pub quirks: Vec<Quirk>,
}

/// What stands beside an access token (RFC 6749, 5.1). Nothing in it is needed for a sign-in.
#[derive(Clone, Default)]
pub struct Terms {
    /// What becomes a fresh access token (RFC 6749, 6).
    pub refresh_token: Option<Secret>,
    /// How the access token is used: `Bearer`, in the provider's own letters.
    pub token_type: Option<String>,
    /// What the access token may do, where it may do something else than what was asked for.
    pub scope: Option<String>,
}

/// The exchange of a grant (RFC 6749, 4.1.3; RFC 7636, 4.5), as a form, as JSON or as a query.
pub fn build_token_request(
    provider: &Provider,
    server: &Server,
    grant: &Grant,
    credentials: &Credentials,
) -> OutboundRequest {
    let mut pairs = vec![
        ("grant_type", "authorization_code"),
        ("code", grant.code().expose()),
        ("redirect_uri", grant.redirect_uri()),
    ];
    if let Some(verifier) = grant.code_verifier() {
        pairs.push(("code_verifier", verifier.expose()));
    }
    pairs.extend(credentials.params.iter().map(|(name, value)| (*name, value.expose())));
    finish(provider, server, credentials, pairs, |_| true)
}

/// A refresh token for a fresh access token (RFC 6749, 6), in the form of the token request. The scope stays what it
/// was, and so it is not asked for.
pub fn build_refresh_request(
    provider: &Provider,
    server: &Server,
    refresh_token: &Secret,
    credentials: &Credentials,
) -> OutboundRequest {
    let mut pairs = vec![("grant_type", "refresh_token"), ("refresh_token", refresh_token.expose())];
    pairs.extend(credentials.params.iter().map(|(name, value)| (*name, value.expose())));
    // A fixed `grant_type` is the exchange's own.
    finish(provider, server, credentials, pairs, |name| name != provider.name_of("grant_type"))
}

/// A request to the token endpoint with the provider's own names, and its fixed values as far as they are `meant`.
fn finish<'a>(
    provider: &'a Provider,
    server: &Server,
    credentials: &Credentials,
    pairs: Vec<(&'a str, &'a str)>,
    meant: impl Fn(&str) -> bool,
) -> OutboundRequest {
    let mut pairs: Vec<(&str, Cow<'_, str>)> =
        pairs.into_iter().map(|(name, value)| (provider.name_of(name), value.into())).collect();
    let fixed = || provider.token_params.iter().filter(|(name, _)| meant(name));
    for (name, value) in fixed() {
        // A fixed value wins: some providers want another `grant_type`, or an empty one.
        pairs.retain(|(known, _)| known != name);
        pairs.push((name, filled(value, &[("{client_id}", &provider.client_id)])));
    }
    // Some providers refuse a parameter that they do not know, even a standard one: an empty fixed value takes it out.
    pairs.retain(|(name, value)| !(value.is_empty() && fixed().any(|(known, _)| known == name)));
    let mut request = build_request(provider.token_request, &server.token_url, &pairs);
    request.headers.extend(credentials.header.clone().map(|header| ("authorization".into(), header)));
    push_headers(&mut request, &provider.token_headers, provider);
    request
}

/// The second exchange: our access token for another one. Its parameters are the tenant's, in the form of the
/// token request.
pub fn build_exchange_request(
    provider: &Provider,
    exchange: &Exchange,
    access_token: &Secret,
    secret: Option<&Secret>,
) -> OutboundRequest {
    let values = [
        ("{access_token}", access_token.expose()),
        ("{client_id}", provider.client_id.as_str()),
        ("{client_secret}", secret.map(Secret::expose).unwrap_or_default()),
    ];
    let pairs: Vec<_> =
        exchange.params.iter().map(|(name, value)| (name.as_str(), filled(value, &values))).collect();
    let mut request = build_request(provider.token_request, &exchange.url, &pairs);
    push_headers(&mut request, &provider.token_headers, provider);
    request
}

/// Finds a value within another one.
pub type Find<'a> = dyn Fn(&Value) -> Option<Value> + 'a;

/// How an answer is read.
#[derive(Clone, Copy)]
pub struct Reading<'a> {
    /// Finds the object that holds `access_token`, where it is not the answer itself.
    pub find: Option<&'a Find<'a>>,
    /// Whether `token_type` may be another one than `Bearer`, because the token is sent in another way.
    pub any_type: bool,
}

impl<'a> Reading<'a> {
    /// As a provider's settings want it.
    pub fn of(provider: &Provider, find: Option<&'a Find<'a>>) -> Self {
        let otherwise = provider.whoami.as_ref().is_some_and(|call| call.auth != WhoamiAuth::Bearer);
        Self { find, any_type: otherwise || provider.identity != Identity::Whoami }
    }
}

/// Reads the answer to the exchange. Redirects are never followed, so they are failures.
pub fn parse_token_response(answer: &ProviderAnswer, reading: Reading<'_>) -> Result<TokenResponse, Fault> {
    match answer.status {
        200 | 201 => parse_success(answer, reading),
        202..=299 => Err(exchange_fault(Code::TokenGarbage)),
        400..=499 => {
            let body = TokenBody::parse(answer).ok();
            let error = body.as_ref().and_then(|body| body.members.get("error")).and_then(Value::as_str);
            Err(refusal(error, answer.status))
        }
        _ => Err(exchange_fault(Code::TokenFailed)),
    }
}

impl Terms {
    /// Reads them where the access token stands, or in the answer as a whole.
    fn of(members: &Map<String, Value>, whole: Option<&Map<String, Value>>) -> Self {
        let everywhere = || std::iter::once(members).chain(whole);
        let text = |name: &str| everywhere().find_map(|members| members.get(name)?.as_str());
        let list = |value: &Value| {
            let words: Vec<_> = value.as_array()?.iter().filter_map(Value::as_str).collect();
            Some(words.join(" "))
        };
        let scope = text("scope").map(str::to_owned);
        let scope = scope.or_else(|| everywhere().find_map(|members| list(members.get("scope")?)));
        Self {
            refresh_token: text("refresh_token").filter(|token| is_token(token)).map(Secret::new),
            token_type: text("token_type").filter(|kind| is_token(kind)).map(str::to_owned),
            scope: scope.filter(|scope| is_token(scope)),
        }
    }
}

/// Visible ASCII and spaces of a sensible length (RFC 6749, appendix A).
fn is_token(text: &str) -> bool {
    (1..=LONGEST).contains(&text.len()) && text.bytes().all(|byte| (b' '..=b'~').contains(&byte))
}

impl fmt::Debug for TokenResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TokenResponse(quirks {:?})", self.quirks)
    }
}

impl From<NoTokenBody> for Fault {
    fn from(_: NoTokenBody) -> Self {
        exchange_fault(Code::TokenGarbage)
    }
}

/// A request with these parameters, in the form that the provider takes.
fn build_request(form: TokenRequestForm, url: &Url, pairs: &[(&str, Cow<'_, str>)]) -> OutboundRequest {
    let headers = vec![("accept".into(), Secret::new("application/json"))];
    let (method, url, body) = match form {
        TokenRequestForm::Form => (Method::Post, url.clone(), Some(form_body(pairs))),
        TokenRequestForm::Json => (Method::Post, url.clone(), Some(json_body(pairs))),
        TokenRequestForm::Query => {
            let mut url = url.clone();
            url.query_pairs_mut().extend_pairs(pairs);
            (Method::Get, url, None)
        }
    };
    OutboundRequest { method, url, headers, body }
}

/// Parameters as a form.
pub(super) fn form_body<N: AsRef<str>, V: AsRef<str>>(pairs: &[(N, V)]) -> OutboundBody {
    let mut text = form_urlencoded::Serializer::new(String::with_capacity(512));
    text.extend_pairs(pairs.iter().map(|(name, value)| (name, value)));
    OutboundBody { content_type: "application/x-www-form-urlencoded", text: Secret::new(text.finish()) }
}

/// Parameters as a JSON object of texts.
pub(super) fn json_body<N: AsRef<str>, V: AsRef<str>>(pairs: &[(N, V)]) -> OutboundBody {
    let members = pairs.iter().map(|(name, value)| (name.as_ref().to_owned(), Value::from(value.as_ref())));
    let text = Value::Object(members.collect::<Map<_, _>>()).to_string();
    OutboundBody { content_type: "application/json", text: Secret::new(text) }
}

/// Adds fixed headers; one that is there already gives way.
pub(super) fn push_headers(
    request: &mut OutboundRequest,
    headers: &BTreeMap<String, String>,
    provider: &Provider,
) {
    for (name, value) in headers {
        request.headers.retain(|(known, _)| known != name);
        let value = filled(value, &[("{client_id}", &provider.client_id)]);
        request.headers.push((name.clone().into(), Secret::new(value.into_owned())));
    }
}

/// A fixed value with what is known only now in it.
pub(super) fn filled<'a>(value: &'a str, known: &[(&str, &str)]) -> Cow<'a, str> {
    if !value.contains('{') {
        return Cow::Borrowed(value);
    }
    let mut text = value.to_owned();
    for (name, known) in known {
        text = text.replace(name, known);
    }
    Cow::Owned(text)
}

fn parse_success(answer: &ProviderAnswer, reading: Reading<'_>) -> Result<TokenResponse, Fault> {
    let mut body = TokenBody::parse(answer)?;
    match body.members.get("error") {
        None | Some(Value::Null | Value::Bool(false)) => {}
        Some(Value::String(error)) if error.is_empty() => {}
        Some(error) => return Err(refusal(error.as_str(), answer.status)),
    }
    if answer.status != 200 {
        body.quirks.push(Quirk::TokenStatus);
    }
    let whole = match reading.find {
        Some(find) => Some(body.narrow(find)?),
        None => None,
    };
    let access_token = body.access_token()?;
    if !reading.any_type {
        body.check_token_type()?;
    }
    let expires_in = body.expires_in();
    body.check_scope();
    let beside = || whole.as_ref().and_then(id_token_of);
    let id_token = id_token_of(&body.members).or_else(beside);
    let terms = Terms::of(&body.members, whole.as_ref());
    let (told, quirks) = (Value::Object(whole.unwrap_or(body.members)), body.quirks);
    Ok(TokenResponse { access_token, id_token, body: told, expires_in, terms, quirks })
}

/// The error code decides; without one that we know, the status does (RFC 6749, 5.2).
fn refusal(error: Option<&str>, status: u16) -> Fault {
    exchange_fault(match (error, status) {
        (Some("invalid_grant"), _) => Code::InvalidGrant,
        (Some("invalid_client"), _) | (_, 401) => Code::InvalidClient,
        _ => Code::TokenRefused,
    })
}

fn exchange_fault(code: Code) -> Fault {
    Fault::new(Step::Exchange, code)
}

#[cfg(test)]
mod tests;
