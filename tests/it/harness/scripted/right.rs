//! What a right OpenID provider answers (OpenID Connect Core 1.0; RFC 7636; RFC 9126).

use std::collections::HashMap;

use serde_json::{Value, json};

use countersign::clock::Clock;

use super::answer::Answer;
use super::keys::{Key, Seal, challenge, half_hash, sign};
use super::{Asked, Draft, SUBJECT, Shared, billy, value};

pub(super) fn answer(shared: &Shared, asked: &Asked) -> Answer {
    match asked.path.as_str() {
        "/.well-known/openid-configuration" => metadata(shared),
        "/auth" => authorize(shared, asked),
        "/par" => push(shared, asked),
        "/token" => token(shared, asked),
        "/me" => person(shared),
        "/keys" => Answer::json(&json!({"keys": shared.memory().published})),
        _ => Answer::with(404, "text/plain", "there is nothing here"),
    }
}

fn metadata(shared: &Shared) -> Answer {
    let at = |path: &str| format!("{}{path}", shared.origin);
    let mut told = json!({
        "issuer": shared.origin.as_ref(),
        "authorization_endpoint": at("/auth"),
        "token_endpoint": at("/token"),
        "userinfo_endpoint": at("/me"),
        "jwks_uri": at("/keys"),
        "id_token_signing_alg_values_supported": ["RS256", "PS256", "ES256", "EdDSA", "HS256", "none"],
        "userinfo_signing_alg_values_supported": ["RS256", "ES256", "none"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
    });
    let change = shared.memory().metadata.clone();
    change(&mut told);
    Answer::json(&told)
}

/// Lets the customer in without a page.
fn authorize(shared: &Shared, asked: &Asked) -> Answer {
    let mut params = asked.query.clone();
    if let Some(pushed) = shared.memory().pushed.remove(value(&params, "request_uri")) {
        params = pushed;
    }
    let code = Clock::system().fresh_token().expose().to_owned();
    let mut back = vec![("code".to_owned(), code.clone())];
    back.push(("state".to_owned(), value(&params, "state").to_owned()));
    let redirect_uri = value(&params, "redirect_uri").to_owned();
    let is_form = value(&params, "response_mode") == "form_post";
    shared.memory().grants.insert(code, params);
    let change = shared.memory().callback.clone();
    change(&mut back);
    if is_form {
        let fields = back
            .iter()
            .map(|(name, value)| format!("<input type=\"hidden\" name=\"{name}\" value=\"{value}\">"));
        let fields: String = fields.collect();
        let page = format!("<form method=\"post\" action=\"{redirect_uri}\">{fields}</form>");
        return Answer::with(200, "text/html", page);
    }
    let mut to: url::Url = redirect_uri.parse().unwrap();
    to.query_pairs_mut().extend_pairs(back);
    Answer::redirect(303, to.as_str())
}

fn push(shared: &Shared, asked: &Asked) -> Answer {
    let name = format!("urn:ietf:params:oauth:request_uri:{}", Clock::system().fresh_token().expose());
    shared.memory().pushed.insert(name.clone(), asked.form());
    Answer::with(201, "application/json", json!({"request_uri": name, "expires_in": 60}).to_string())
}

/// A code is good once, for its redirect URI and its verifier. Client authentication is for the test
/// to look at.
fn token(shared: &Shared, asked: &Asked) -> Answer {
    let params = params_of(asked);
    let granted = shared.memory().grants.remove(value(&params, "code"));
    let refused = |why: &str| {
        Answer::with(400, "application/json", json!({"error": "invalid_grant", "why": why}).to_string())
    };
    let Some(granted) = granted else { return refused("no such code") };
    if value(&granted, "redirect_uri") != value(&params, "redirect_uri") {
        return refused("another redirect URI");
    }
    let known = value(&granted, "code_challenge");
    if !known.is_empty() && known != challenge(value(&params, "code_verifier")) {
        return refused("another verifier");
    }
    let access_token = Clock::system().fresh_token().expose().to_owned();
    let mut told = json!({"access_token": access_token, "token_type": "Bearer", "expires_in": 3600});
    if value(&granted, "scope").contains("openid") {
        let mut draft = draft(shared, &granted, &access_token);
        let change = shared.memory().draft.clone();
        change(&mut draft);
        told["id_token"] = sign(&draft.header, &draft.claims, &draft.seal).into();
    }
    let change = shared.memory().token.clone();
    change(&mut told);
    Answer::json(&told)
}

/// The parameters of a token request, in whatever form they came.
pub fn params_of(asked: &Asked) -> Vec<(String, String)> {
    if asked.method == "GET" {
        return asked.query.clone();
    }
    if asked.header("content-type") == "application/json" {
        let members: HashMap<String, Value> = serde_json::from_str(&asked.body).unwrap();
        return members.into_iter().map(|(name, value)| (name, value.as_str().unwrap().to_owned())).collect();
    }
    asked.form()
}

fn draft(shared: &Shared, granted: &[(String, String)], access_token: &str) -> Draft {
    let now = Clock::system().now().as_second();
    let mut claims = json!({
        "iss": shared.origin.as_ref(),
        "sub": SUBJECT,
        "aud": value(granted, "client_id"),
        "exp": now + 300,
        "iat": now,
        "auth_time": now,
        "at_hash": half_hash(access_token),
    });
    if !value(granted, "nonce").is_empty() {
        claims["nonce"] = value(granted, "nonce").into();
    }
    Draft { header: json!({"alg": "RS256", "kid": "rsa-1"}), claims, seal: Seal::With(Key::rsa()) }
}

fn person(shared: &Shared) -> Answer {
    let mut told = billy();
    let change = shared.memory().person.clone();
    change(&mut told);
    Answer::json(&told)
}
