//! `GET` and `POST /v1/oauth/authorize`: an app asks for a customer's consent (RFC 6749, 4.1.1). Looking is harmless; the
//! button of our own page starts a sign-in at the provider.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{FromRequest as _, Request, State};
use axum::http::header::{self, CONTENT_TYPE};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::Response;

use crate::domain::app::AppRequest;
use crate::domain::fault::Code;
use crate::domain::ids::ProviderId;
use crate::domain::tenant::Tenant;
use crate::flow::app::arrive::AppArrived;
use crate::flow::app::enter::{EnterAppError, can_serve};
use crate::issuer::authorize::{
    AuthorizeFault, AuthorizeQuery, NoRequest, answer_with_code, answer_with_fault, check,
};
use crate::web::Web;
use crate::web::error::login_status;
use crate::web::page::{self, CodeFault, Consent, Notice};
use crate::web::strict_json::is_too_large;
use crate::web::visit::{Visit, see_other};

use super::emailed;

/// Where the page's form leads.
pub(super) const PATH: &str = "/v1/oauth/authorize";
/// What the form has beside the parameters: which button was pressed.
const DECISION: &str = "decision";
/// What a button of a provider says.
const PROVIDER: &str = "provider:";
/// What the buttons of the emailed code say: send one, and here it is.
const EMAIL: &str = "email";
const CODE: &str = "code";

/// The parameters of a request, and what the customer decided if they came from our page.
#[derive(Default)]
pub(super) struct Wish {
    query: AuthorizeQuery,
    decision: Option<String>,
    pub(super) email: Option<String>,
    pub(super) ticket: Option<String>,
    pub(super) code: Option<String>,
}

/// Answers an authorization request.
pub async fn authorize(visit: Visit, State(web): State<Arc<Web>>, request: Request) -> Response {
    if !visit.is_at_origin() {
        return at_origin(&visit, &request);
    }
    let wish = match visit.method {
        Method::GET | Method::HEAD => Wish::read(request.uri().query().unwrap_or_default().as_bytes()),
        Method::POST => match posted(&visit, request).await {
            Ok(wish) => wish,
            Err(notice) => return visit.notice(notice),
        },
        _ => return visit.wrong_method("GET, HEAD, POST"),
    };
    let app = match check(&visit.tenant, &wish.query) {
        Ok(app) => app,
        Err(refusal) => return refused(&visit, &web, &refusal),
    };
    let is_ours = visit.method == Method::POST && visit.is_same_origin();
    match wish.decision.as_deref().filter(|_| is_ours) {
        Some(EMAIL) => emailed::send(&visit, &web, &app, &wish).await,
        Some(CODE) => emailed::typed(&visit, &web, &app, &wish).await,
        Some(decision) => decide(&visit, &web, app, decision).await,
        None => ask_again(&visit, &web, &app, None).await,
    }
}

/// The same request at the canonical host: the provider answers there, and the cookie of the way must come along. Both
/// methods keep what they carry (RFC 9110, 15.4.8).
fn at_origin(visit: &Visit, request: &Request) -> Response {
    let asked = request.uri().path_and_query().map_or(PATH, |asked| asked.as_str());
    // Parsed, so that it is ASCII whatever was sent.
    let Ok(there) = url::Url::parse(&format!("{}{asked}", visit.tenant.origin)) else {
        return nobody_to_answer(visit, "unreadable");
    };
    let mut response = see_other(there.as_str());
    *response.status_mut() = StatusCode::TEMPORARY_REDIRECT;
    response
}

/// A customer came back from the provider: the app gets its code, or is told why it gets none.
pub async fn arrived(visit: &Visit, web: &Web, arrived: AppArrived) -> Response {
    let AppArrived { app, end } = arrived;
    if !is_registered(&visit.tenant, &app) {
        return nobody_to_answer(visit, "client_gone");
    }
    let (contact, times) = match end {
        Ok(signed_in) => signed_in,
        Err(fault) => return told(visit, &app, fault_of(&app, fault.code)),
    };
    match web.issuer.give_code(&visit.tenant, &app, (&contact.id, times)).await {
        Ok(code) => see_other(&answer_with_code(&visit.tenant, &app, code.expose())),
        Err(error) => visit.unavailable(&error),
    }
}

/// The page of consent, perhaps with what was wrong with what was typed there. Showing it changes nothing.
pub(super) async fn ask_again(
    visit: &Visit,
    web: &Web,
    app: &AppRequest,
    fault: Option<CodeFault>,
) -> Response {
    let Some(client) = visit.tenant.client(app.client.as_str()) else {
        return nobody_to_answer(visit, "client_unknown");
    };
    let mut providers = Vec::new();
    let mut plain = Vec::new();
    for provider in visit.tenant.providers.iter().filter(|provider| can_serve(provider, app.demand)) {
        let address = web.broker.address_of(&visit.tenant, provider).await;
        plain.extend(address.filter(|url| url.scheme() != "https"));
        providers.push((format!("{PROVIDER}{}", provider.id), provider.label.as_str()));
    }
    let emails = visit.tenant.customers.email_code && web.broker.sends_mail();
    if providers.is_empty() && !emails && app.demand.is_of_time() {
        // Nobody here can be asked for a sign-in of now (OpenID Connect Core, 3.1.2.3).
        return told(visit, app, AuthorizeFault::LoginRequired);
    }
    let cancel = answer_with_fault(
        &visit.tenant,
        (&app.redirect_uri, app.state.as_deref()),
        AuthorizeFault::AccessDenied,
    );
    let scopes: Vec<&str> = app.scopes.iter().collect();
    page::consent(
        &visit.visitor(None),
        &Consent {
            app: client.shown_name(),
            scopes: &scopes,
            providers: &providers,
            plain_origins: &plain,
            redirect_uri: &app.redirect_uri,
            path: PATH,
            fields: &fields(app),
            cancel: &cancel,
            emails,
            fault,
        },
    )
}

/// The customer pressed a button of our page.
async fn decide(visit: &Visit, web: &Web, app: AppRequest, decision: &str) -> Response {
    let provider = decision.strip_prefix(PROVIDER).and_then(|id| id.parse::<ProviderId>().ok());
    let Some(provider) = provider else { return ask_again(visit, web, &app, None).await };
    let now = web.broker.clock().now();
    if let Err(quota) = web.limits.app_sign_in(visit.address, &visit.tenant.id, now) {
        return crate::web::visit::too_many(&visit.visitor(None), &quota);
    }
    match web.broker.enter_app(&visit.tenant, &provider, app.clone(), None).await {
        Ok(entering) => {
            let mut response = see_other(entering.authorize_url.as_str());
            let cookie = visit.set_cookie(&entering.cookie, entering.cross_site);
            response.headers_mut().append(header::SET_COOKIE, cookie);
            response
        }
        Err(EnterAppError::Unknown) => ask_again(visit, web, &app, None).await,
        Err(EnterAppError::OutOfOrder(provider)) => visit.out_of_order(&provider, None),
        Err(EnterAppError::Store(error)) => visit.unavailable(&error),
    }
}

/// Only an app whose client and address are known is told anything.
fn refused(visit: &Visit, web: &Web, refusal: &NoRequest) -> Response {
    match refusal {
        NoRequest::Nowhere(why) => {
            if let Err(quota) = web.limits.miss(visit.address, web.broker.clock().now()) {
                return crate::web::visit::too_many(&visit.visitor(None), &quota);
            }
            nobody_to_answer(visit, why)
        }
        NoRequest::Answer { redirect_uri, state, fault } => {
            tracing::info!(tenant = %visit.tenant.id, code = fault.as_str(), reason = %fault, "authorize.refused");
            see_other(&answer_with_fault(&visit.tenant, (redirect_uri, state.as_deref()), *fault))
        }
    }
}

fn nobody_to_answer(visit: &Visit, why: &'static str) -> Response {
    tracing::info!(tenant = %visit.tenant.id, request_id = visit.request_id, code = why, "authorize.refused");
    visit.notice(Notice::AppUnknown)
}

fn told(visit: &Visit, app: &AppRequest, fault: AuthorizeFault) -> Response {
    see_other(&answer_with_fault(&visit.tenant, (&app.redirect_uri, app.state.as_deref()), fault))
}

/// Whether the app may still be answered: its client may have changed while the customer was away.
fn is_registered(tenant: &Tenant, app: &AppRequest) -> bool {
    let client = tenant.client(app.client.as_str());
    client.is_some_and(|client| client.redirect_uris.iter().any(|known| known.allows(&app.redirect_uri)))
}

fn fault_of(app: &AppRequest, code: Code) -> AuthorizeFault {
    match (code, login_status(code)) {
        (Code::AccessDenied, _) => AuthorizeFault::AccessDenied,
        // The provider went by an earlier sign-in, or does not say when it was.
        (Code::IdTokenTime | Code::IdTokenClaims, _) if app.demand.is_of_time() => {
            AuthorizeFault::LoginRequired
        }
        (_, StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT) => {
            AuthorizeFault::TemporarilyUnavailable
        }
        _ => AuthorizeFault::ServerError,
    }
}

/// The request once more, for the form.
pub(super) fn fields(app: &AppRequest) -> Vec<(&'static str, String)> {
    let mut fields = vec![
        ("response_type", "code".to_owned()),
        ("client_id", app.client.to_string()),
        ("redirect_uri", app.redirect_uri.clone()),
        ("scope", app.scopes.to_string()),
    ];
    fields.extend(app.state.clone().map(|state| ("state", state)));
    fields.extend(app.nonce.clone().map(|nonce| ("nonce", nonce)));
    fields.extend(app.demand.max_age.map(|seconds| ("max_age", seconds.to_string())));
    let prompt = app.demand.prompts().collect::<Vec<_>>().join(" ");
    fields.extend(Some(("prompt", prompt)).filter(|(_, prompt)| !prompt.is_empty()));
    if let Some(challenge) = &app.code_challenge {
        fields.push(("code_challenge", challenge.clone()));
        fields.push(("code_challenge_method", "S256".to_owned()));
    }
    fields
}

/// A form that was posted: by an app's page, or by our own.
async fn posted(visit: &Visit, request: Request) -> Result<Wish, Notice> {
    if !is_form(&visit.headers) {
        return Err(Notice::AppUnknown);
    }
    let body = Bytes::from_request(request, &()).await;
    let body = body.map_err(|error| if is_too_large(&error) { Notice::TooLarge } else { Notice::TooLate })?;
    Ok(Wish::read(&body))
}

fn is_form(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    kind.eq_ignore_ascii_case("application/x-www-form-urlencoded")
}

impl Wish {
    fn read(form: &[u8]) -> Self {
        let mut wish = Self::default();
        let mut names = Vec::new();
        for (name, value) in url::form_urlencoded::parse(form) {
            wish.query.twice |= names.contains(&name.to_string());
            names.push(name.to_string());
            let Some(slot) = wish.slot(&name) else { continue };
            // Of two values none counts: an address that stands twice is no address.
            let again = slot.is_some();
            *slot = Some(value.into_owned()).filter(|value| !value.is_empty() && !again);
        }
        wish.query.request_object =
            [("request", "request_not_supported"), ("request_uri", "request_uri_not_supported")]
                .into_iter()
                .find(|(name, _)| names.iter().any(|given| given == name))
                .map(|(_, word)| word);
        let both = |name: &str| names.iter().filter(|given| *given == name).count() > 1;
        if both("client_id") || both("redirect_uri") {
            wish.query.client_id = None;
        }
        wish
    }

    fn slot(&mut self, name: &str) -> Option<&mut Option<String>> {
        let query = &mut self.query;
        Some(match name {
            "client_id" => &mut query.client_id,
            "redirect_uri" => &mut query.redirect_uri,
            "response_type" => &mut query.response_type,
            "response_mode" => &mut query.response_mode,
            "scope" => &mut query.scope,
            "state" => &mut query.state,
            "nonce" => &mut query.nonce,
            "code_challenge" => &mut query.code_challenge,
            "code_challenge_method" => &mut query.code_challenge_method,
            "prompt" => &mut query.prompt,
            "max_age" => &mut query.max_age,
            DECISION => &mut self.decision,
            "email" => &mut self.email,
            "ticket" => &mut self.ticket,
            "code" => &mut self.code,
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_parameter_that_stands_twice_is_known_and_never_an_address() {
        let wish = Wish::read(b"client_id=a&redirect_uri=x&redirect_uri=y&state=1");
        assert!(wish.query.twice && wish.query.client_id.is_none());
        let wish = Wish::read(b"client_id=a&redirect_uri=x&scope=a&scope=b");
        assert!(wish.query.twice && wish.query.client_id.is_some() && wish.query.scope.is_none());
        let wish = Wish::read(b"client_id=a&unknown=1&unknown=2");
        assert!(wish.query.twice);
    }

    #[test]
    fn an_empty_parameter_is_left_out() {
        let wish = Wish::read(b"client_id=&state=&decision=provider%3Aacme&request_uri=x");
        assert!(!wish.query.twice && wish.query.client_id.is_none() && wish.query.state.is_none());
        assert_eq!(wish.decision.as_deref(), Some("provider:acme"));
        assert_eq!(wish.query.request_object, Some("request_uri_not_supported"));
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Wish::read(&bytes);
        }
    }
}
