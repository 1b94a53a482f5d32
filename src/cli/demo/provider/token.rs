//! The token endpoint (RFC 6749, 4.1.3).

use aws_lc_rs::digest::{SHA256, digest};
use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Map, Value, json};

use super::DemoProvider;
use super::backstage::{Backstage, ClientAuthUsed, Grant, TokenFact, VerifierUsed};
use super::misbehave;
use super::params::Params;
use super::trick::Stage;

/// A refusal with its status and its code (RFC 6749, 5.2).
type Refusal = (StatusCode, &'static str);

const INVALID_GRANT: Refusal = (StatusCode::BAD_REQUEST, "invalid_grant");

/// `POST /auth/token`
pub async fn token(State(backstage): State<Backstage>, headers: HeaderMap, body: Bytes) -> Response {
    backstage.count(|counters| counters.token += 1);
    let params = Params::parse(&body);
    let grant = params.get("code").and_then(|code| backstage.grant(code));
    let (client_auth, client) = client_of(&headers, &params);
    let mut fact = TokenFact {
        redirect_uri: params.get("redirect_uri").map(str::to_owned),
        redirect_uri_fits: grant.as_ref().map(|grant| grant.redirect_uri.as_str())
            == params.get("redirect_uri"),
        verifier: verifier_of(grant.as_ref(), params.get("code_verifier")),
        client_auth,
        names: params.pairs().iter().map(|(name, _)| name.clone()).collect(),
        status: 0,
    };
    let trick = backstage.next_trick(Stage::Token);
    if let Some(trick) = trick {
        misbehave::wait(trick).await;
    }
    let response = match trick.and_then(misbehave::instead_of_token) {
        Some(response) => response,
        None => match exchange(&backstage, &params, client, grant, &fact) {
            Ok(answer) => misbehave::twist_token(trick, answer),
            Err(refusal) => refuse(refusal),
        },
    };
    fact.status = response.status().as_u16();
    backstage.note_token_request(fact);
    response
}

fn exchange(
    backstage: &Backstage,
    params: &Params,
    client: Option<(String, String)>,
    grant: Option<Grant>,
    fact: &TokenFact,
) -> Result<Map<String, Value>, Refusal> {
    let known = client
        .is_some_and(|(id, secret)| id == DemoProvider::CLIENT_ID && secret == DemoProvider::CLIENT_SECRET);
    if !known {
        return Err((StatusCode::UNAUTHORIZED, "invalid_client"));
    }
    if params.get("grant_type") != Some("authorization_code") {
        return Err((StatusCode::BAD_REQUEST, "unsupported_grant_type"));
    }
    let code = params.get("code").ok_or((StatusCode::BAD_REQUEST, "invalid_request"))?;
    let grant = grant.ok_or(INVALID_GRANT)?;
    let proved = matches!(fact.verifier, VerifierUsed::Right | VerifierUsed::None);
    if !fact.redirect_uri_fits || !proved || backstage.clock.now() >= grant.expires_at {
        return Err(INVALID_GRANT);
    }
    let token = backstage.exchange(code).ok_or(INVALID_GRANT)?;
    let mut answer = Map::new();
    answer.insert("access_token".to_owned(), Value::String(token));
    answer.insert("token_type".to_owned(), json!("Bearer"));
    answer.insert("expires_in".to_owned(), json!(3600));
    if let Some(scope) = grant.scope {
        answer.insert("scope".to_owned(), Value::String(scope));
    }
    Ok(answer)
}

fn refuse((status, code): Refusal) -> Response {
    let mut response = (status, Json(json!({"error": code}))).into_response();
    if status == StatusCode::UNAUTHORIZED {
        let challenge = axum::http::HeaderValue::from_static("Basic realm=\"demo provider\"");
        response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
    }
    response
}

/// Who the client says it is, and how.
fn client_of(headers: &HeaderMap, params: &Params) -> (ClientAuthUsed, Option<(String, String)>) {
    let basic =
        headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).and_then(basic_client);
    let secret = params.get("client_secret");
    match (basic, secret) {
        (Some(_), Some(_)) => (ClientAuthUsed::Both, None),
        (Some(client), None) => (ClientAuthUsed::Basic, Some(client)),
        (None, Some(secret)) => {
            let client = params.get("client_id").map(|id| (id.to_owned(), secret.to_owned()));
            (ClientAuthUsed::Body, client)
        }
        (None, None) => (ClientAuthUsed::None, None),
    }
}

/// Id and secret of a Basic header; both are form-encoded in it (RFC 6749, 2.3.1).
fn basic_client(header: &str) -> Option<(String, String)> {
    let decoded = STANDARD.decode(header.strip_prefix("Basic ")?).ok()?;
    let (id, secret) = std::str::from_utf8(&decoded).ok()?.split_once(':')?;
    Some((form_decoded(id)?, form_decoded(secret)?))
}

fn form_decoded(text: &str) -> Option<String> {
    let encoded = format!("v={}", text.replace('&', "%26"));
    url::form_urlencoded::parse(encoded.as_bytes()).next().map(|(_, value)| value.into_owned())
}

fn verifier_of(grant: Option<&Grant>, verifier: Option<&str>) -> VerifierUsed {
    let Some(grant) = grant else { return VerifierUsed::Unknown };
    match (&grant.challenge, verifier) {
        (None, None) => VerifierUsed::None,
        (Some(_), None) => VerifierUsed::Missing,
        (None, Some(_)) => VerifierUsed::Wrong,
        (Some(challenge), Some(verifier)) => {
            let hash = URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes()));
            if hash == *challenge { VerifierUsed::Right } else { VerifierUsed::Wrong }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_basic_header_is_decoded_twice() {
        let header = format!("Basic {}", STANDARD.encode("Demo+Client:demo%2Bsecret%2F100%25+public%3A%26"));
        let expected = (DemoProvider::CLIENT_ID.to_owned(), DemoProvider::CLIENT_SECRET.to_owned());
        assert_eq!(basic_client(&header), Some(expected));
        assert_eq!(basic_client("Basic ???"), None);
        assert_eq!(basic_client("Bearer x"), None);
    }

    #[test]
    fn the_verifier_of_rfc_7636_fits_its_challenge() {
        let grant = Grant {
            person: super::super::PEOPLE[0],
            redirect_uri: String::new(),
            challenge: Some("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM".to_owned()),
            scope: None,
            expires_at: jiff::Timestamp::MAX,
            token: None,
        };
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        assert_eq!(verifier_of(Some(&grant), Some(verifier)), VerifierUsed::Right);
        assert_eq!(verifier_of(Some(&grant), Some("other")), VerifierUsed::Wrong);
        assert_eq!(verifier_of(Some(&grant), None), VerifierUsed::Missing);
    }
}
