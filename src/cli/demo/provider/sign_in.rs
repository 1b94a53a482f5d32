//! The pages of the demo provider: who are you, and do you allow it.

use askama::Template;
use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use jiff::SignedDuration;
use url::Url;

use super::DemoProvider;
use super::backstage::{Backstage, Grant, Pending};
use super::params::Params;
use super::people::{PEOPLE, Person};
use super::trick::{Stage, Trick};

/// How long a code may be exchanged.
const CODE_LIFETIME: SignedDuration = SignedDuration::from_secs(60);

#[derive(Template)]
#[template(path = "demo/login.html")]
struct LoginView<'a> {
    request: &'a str,
    people: &'a [Person],
    tricks: &'a [Trick],
}

#[derive(Template)]
#[template(path = "demo/consent.html")]
struct ConsentView<'a> {
    request: &'a str,
    person: Person,
    scope: &'a str,
    target: &'a str,
}

#[derive(Template)]
#[template(path = "demo/form_post.html")]
struct FormPostView<'a> {
    action: &'a str,
    fields: &'a [(String, String)],
}

/// `GET /auth`: the authorization endpoint (RFC 6749, 4.1.1). Faults in client or redirect URI
/// are shown, never sent back.
pub async fn authorize(State(backstage): State<Backstage>, RawQuery(query): RawQuery) -> Response {
    let params = Params::parse(query.unwrap_or_default().as_bytes());
    if let Err(fault) = check(&params) {
        return (StatusCode::BAD_REQUEST, fault).into_response();
    }
    let request = backstage.begin(params);
    show(&LoginView { request: &request, people: &PEOPLE, tricks: Trick::ALL })
}

/// `POST /auth/login`: any password is right.
pub async fn login(State(backstage): State<Backstage>, body: Bytes) -> Response {
    let form = Params::parse(&body);
    let request = form.get("request").unwrap_or_default();
    let person = form.get("person").and_then(Person::named);
    let (Some(pending), Some(person)) = (backstage.pending(request), person) else { return over() };
    backstage.choose(request, person);
    if let Some(trick) = form.get("trick").and_then(|name| name.parse().ok()) {
        backstage.script(trick);
    }
    show(&ConsentView {
        request,
        person,
        scope: pending.params.get("scope").unwrap_or_default(),
        target: &host_of(pending.params.get("redirect_uri").unwrap_or_default()),
    })
}

/// `POST /auth/consent`: back to the client, with a code or with a refusal (RFC 6749, 4.1.2).
pub async fn consent(State(backstage): State<Backstage>, body: Bytes) -> Response {
    let form = Params::parse(&body);
    let request = form.get("request").unwrap_or_default();
    let Some(Pending { params, person: Some(person) }) = backstage.pending(request) else { return over() };
    backstage.end(request);
    let allowed = form.get("decision") == Some("allow");
    let trick = backstage.next_trick(Stage::Authorize);
    let answer = answer(&backstage, &params, person, allowed, trick);
    let form_post = params.get("response_mode") == Some("form_post") || trick == Some(Trick::FormPost);
    send_back(params.get("redirect_uri").unwrap_or_default(), &answer, form_post)
}

/// `GET /style.css`
pub async fn stylesheet() -> Response {
    let css = include_str!("../../../../assets/demo/provider.css");
    ([(header::CONTENT_TYPE, "text/css; charset=utf-8")], css).into_response()
}

fn check(params: &Params) -> Result<(), &'static str> {
    if params.get("client_id") != Some(DemoProvider::CLIENT_ID) {
        return Err("the demo provider does not know this client_id");
    }
    let target = params.get("redirect_uri").and_then(|uri| Url::parse(uri).ok());
    if !target.is_some_and(|uri| matches!(uri.scheme(), "http" | "https") && uri.fragment().is_none()) {
        return Err("the demo provider needs an absolute redirect_uri");
    }
    if params.get("response_type") != Some("code") {
        return Err("the demo provider knows response_type=code only");
    }
    if params.get("code_challenge").is_some() && params.get("code_challenge_method") != Some("S256") {
        return Err("the demo provider knows code_challenge_method=S256 only");
    }
    Ok(())
}

/// The parameters of the answer.
fn answer(
    backstage: &Backstage,
    params: &Params,
    person: Person,
    allowed: bool,
    trick: Option<Trick>,
) -> Vec<(String, String)> {
    let mut answer = Vec::new();
    let mut add = |name: &str, value: &str| answer.push((name.to_owned(), value.to_owned()));
    match trick {
        Some(Trick::AuthorizeError) => {
            add("error", "server_error");
            add("error_description", "Call +1 555 0199 to unlock <b>your account</b>");
            add("error_uri", "javascript:alert(1)");
        }
        _ if !allowed || trick == Some(Trick::Deny) => add("error", "access_denied"),
        Some(Trick::WrongCode) => add("code", "a-code-that-nobody-knows"),
        _ => {
            let grant = Grant {
                person,
                redirect_uri: params.get("redirect_uri").unwrap_or_default().to_owned(),
                challenge: params.get("code_challenge").map(str::to_owned),
                scope: params.get("scope").map(str::to_owned),
                expires_at: backstage.clock.now() + CODE_LIFETIME,
                token: None,
            };
            add("code", &backstage.put_grant(grant));
        }
    }
    if trick == Some(Trick::TwoCodes) {
        add("code", "another");
    }
    match trick {
        Some(Trick::NoState) => {}
        Some(Trick::WrongState) => add("state", "a-state-that-nobody-asked-for-00000000000000"),
        _ => {
            if let Some(state) = params.get("state") {
                add("state", state);
            }
        }
    }
    if trick == Some(Trick::WrongIss) {
        add("iss", "https://attacker.example");
    }
    answer
}

fn send_back(redirect_uri: &str, answer: &[(String, String)], form_post: bool) -> Response {
    if form_post {
        return show(&FormPostView { action: redirect_uri, fields: answer });
    }
    let Ok(mut target) = Url::parse(redirect_uri) else { return over() };
    target.query_pairs_mut().extend_pairs(answer);
    let headers = [(header::LOCATION, String::from(target)), (header::CACHE_CONTROL, "no-store".to_owned())];
    (StatusCode::SEE_OTHER, headers).into_response()
}

fn show(page: &impl Template) -> Response {
    let html = page.render().expect("a template writes to memory, which does not fail");
    let headers = [
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; style-src 'self'; img-src 'self'; frame-ancestors 'none'",
        ),
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
    ];
    (headers, Html(html)).into_response()
}

/// The request is not known, or was answered before.
fn over() -> Response {
    (StatusCode::BAD_REQUEST, "this sign-in is over; start again from the chat").into_response()
}

fn host_of(redirect_uri: &str) -> String {
    let parsed = Url::parse(redirect_uri).ok();
    parsed.and_then(|uri| uri.host_str().map(str::to_owned)).unwrap_or_default()
}
