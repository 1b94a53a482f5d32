//! The bare base domain: the operator's clients, what they see, and what is not there.

use std::fs;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::harness::{BOT_SECRET, Choices, Harness, bot_secret_hash, eventually};
use crate::openapi::{check_answer, document};

/// A broker whose operator has a client that may do everything and one that may do nothing.
async fn broker() -> Harness {
    let client = |id: &str, scopes: &str| {
        let hash = bot_secret_hash();
        format!("[[client]]\nclient_id = \"{id}\"\nsecret_hash = \"{hash}\"\nscopes = [{scopes}]\n")
    };
    let main = [client("ops", "\"admin:all\""), client("guest", "\"read:contacts\"")].concat();
    Harness::with(Choices { main: Some(main), ..Choices::default() }).await
}

/// A request at the bare base domain.
fn at_base(broker: &Harness, method: Method, path: &str) -> reqwest::RequestBuilder {
    broker.plain(method, path).header("host", "localhost")
}

async fn token_at(broker: &Harness, host: &str, client: &str) -> Result<String, StatusCode> {
    let form = [("grant_type", "client_credentials"), ("client_id", client), ("client_secret", BOT_SECRET)];
    let request = broker.plain(Method::POST, "/v1/oauth/token").header("host", host).form(&form);
    let answer = request.send().await.unwrap();
    let status = answer.status();
    let body: Value = answer.json().await.unwrap();
    body["access_token"].as_str().map(str::to_owned).ok_or(status)
}

async fn operator(broker: &Harness) -> String {
    token_at(broker, "localhost", "ops").await.unwrap()
}

async fn get(broker: &Harness, path: &str, token: &str) -> (StatusCode, Value) {
    let answer = at_base(broker, Method::GET, path).bearer_auth(token).send().await.unwrap();
    (answer.status(), answer.json().await.unwrap())
}

#[tokio::test]
async fn the_operators_tokens_are_issued_by_the_base_url_for_the_base_url() {
    let broker = broker().await;
    let token = operator(&broker).await;
    let payload = token.split('.').nth(1).unwrap();
    let claims: Value = serde_json::from_slice(
        &base64::Engine::decode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, payload).unwrap(),
    )
    .unwrap();
    let base_url = broker.origin.replace("127.0.0.1", "localhost");
    assert_eq!((&claims["iss"], &claims["aud"]), (&json!(base_url), &json!(base_url)));
    assert_eq!((&claims["tenant"], &claims["scope"]), (&json!("_platform"), &json!("admin:all")));
    for path in ["/v1/oauth/.well-known/jwks.json", "/api/oauth2/jwks"] {
        let keys: Value = at_base(&broker, Method::GET, path).send().await.unwrap().json().await.unwrap();
        assert_eq!(keys["keys"].as_array().unwrap().len(), 1);
    }
}

#[tokio::test]
async fn tokens_work_only_where_they_were_issued() {
    let broker = broker().await;
    let (operators, tenants) = (operator(&broker).await, broker.token().await);
    assert_eq!(get(&broker, "/v1/tenants", &tenants).await.0, StatusCode::UNAUTHORIZED);
    let request = broker.plain(Method::GET, "/v1/contacts").bearer_auth(&operators);
    assert_eq!(request.send().await.unwrap().status(), StatusCode::UNAUTHORIZED);
    assert_eq!(token_at(&broker, "127.0.0.1", "ops").await, Err(StatusCode::UNAUTHORIZED));
    assert_eq!(token_at(&broker, "localhost", "acme-bot").await, Err(StatusCode::UNAUTHORIZED));
    let guest = token_at(&broker, "localhost", "guest").await.unwrap();
    let (status, body) = get(&broker, "/v1/tenants", &guest).await;
    assert_eq!((status, &body["code"]), (StatusCode::FORBIDDEN, &json!("insufficient_scope")));
}

#[tokio::test]
async fn the_tenants_are_listed_by_name_in_pages() {
    let (broker, document) = (broker().await, document());
    let token = operator(&broker).await;
    let (status, all) = get(&broker, "/v1/tenants", &token).await;
    assert_eq!(status, StatusCode::OK);
    check_answer(&document, "GET", "/v1/tenants", 200, &all);
    let names = all["items"].as_array().unwrap().iter().map(|tenant| tenant["id"].as_str().unwrap());
    let names: Vec<_> = names.collect();
    assert_eq!((names, &all["next"]), (vec!["acme", "beta"], &Value::Null));
    let acme = &all["items"][0];
    assert_eq!(
        (&acme["name"], &acme["hosts"]),
        (&json!("Acme Bank"), &json!(["127.0.0.1", "acme.localhost"]))
    );
    assert_eq!(acme["providers"], json!([{"id": "acme", "label": "Acme online banking"}]));
    assert!(acme["source"].as_str().unwrap().ends_with("tenants/acme.toml"));
    assert_eq!((acme["revision"].as_str().unwrap().len(), &acme["faults"]), (64, &json!([])));

    let (_, first) = get(&broker, "/v1/tenants?limit=1", &token).await;
    let next = first["next"].as_str().unwrap();
    let (_, second) = get(&broker, &format!("/v1/tenants?limit=1&cursor={next}"), &token).await;
    assert_eq!([&first["items"][0], &second["items"][0]], [acme, &all["items"][1]]);
    assert_eq!(second["next"], Value::Null);
    for query in ["limit=0", "limit=x", "cursor=!", "cursor=ZWNobyAx", "page=2"] {
        let (status, body) = get(&broker, &format!("/v1/tenants?{query}"), &token).await;
        assert_eq!((status, &body["code"]), (StatusCode::BAD_REQUEST, &json!("malformed")), "{query}");
    }
}

#[tokio::test]
async fn a_tenant_is_seen_with_what_is_wrong_with_its_newest_edit() {
    let (broker, document) = (broker().await, document());
    let token = operator(&broker).await;
    let (_, before) = get(&broker, "/v1/tenants/acme", &token).await;
    check_answer(&document, "GET", "/v1/tenants/{id}", 200, &before);
    let path = broker.folder().join("tenants/acme.toml");
    let good = fs::read_to_string(&path).unwrap();
    fs::write(&path, good.replace("Acme Bank\"", "")).unwrap();
    let told = eventually("a fault", async || {
        let (_, told) = get(&broker, "/v1/tenants/acme", &token).await;
        (told["faults"] != json!([])).then_some(told)
    })
    .await;
    check_answer(&document, "GET", "/v1/tenants/{id}", 200, &told);
    assert_eq!(told["faults"][0]["line"], 2, "{told}");
    assert_eq!((&told["name"], &told["revision"]), (&json!("Acme Bank"), &before["revision"]));
    fs::write(&path, good.replace("Acme Bank", "Acme Two")).unwrap();
    let told = eventually("the change", async || {
        let (_, told) = get(&broker, "/v1/tenants/acme", &token).await;
        (told["name"] == "Acme Two").then_some(told)
    })
    .await;
    assert!(told["faults"] == json!([]) && told["revision"] != before["revision"], "{told}");
    for unknown in ["gamma", "_platform", "Not a name"] {
        let (status, body) = get(&broker, &format!("/v1/tenants/{unknown}"), &token).await;
        assert_eq!((status, &body["code"]), (StatusCode::NOT_FOUND, &json!("not_found")), "{unknown}");
    }
}

#[tokio::test]
async fn nothing_else_of_the_api_is_at_the_base_domain() {
    let broker = broker().await;
    let token = operator(&broker).await;
    for (method, path) in [
        (Method::GET, "/v1/contacts"),
        (Method::POST, "/v1/auth-links"),
        (Method::GET, "/v1/events"),
        (Method::GET, "/v1/nothing"),
        (Method::GET, "/openapi.json"),
    ] {
        let answer = at_base(&broker, method, path).bearer_auth(&token).send().await.unwrap();
        let status = answer.status();
        let body: Value = answer.json().await.unwrap();
        assert_eq!((status, &body["code"]), (StatusCode::NOT_FOUND, &json!("no_such_path")), "{path}");
    }
    for path in ["/", "/a/token", "/idp/eu/oauth/callback?state=a&code=b", "/a/r/handle"] {
        let answer = at_base(&broker, Method::GET, path).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{path}");
        assert!(answer.headers()["content-type"].to_str().unwrap().starts_with("text/html"), "{path}");
        let page = answer.text().await.unwrap();
        assert!(!page.contains("Acme") && !page.contains("_platform"), "{page}");
    }
}

#[tokio::test]
async fn a_tenants_host_has_no_list_of_tenants() {
    let broker = broker().await;
    for path in ["/v1/tenants", "/v1/tenants/acme"] {
        let (status, body) = broker.api(Method::GET, path, None).await;
        assert_eq!((status, &body["code"]), (StatusCode::NOT_FOUND, &json!("no_such_path")));
        let request = broker.plain(Method::GET, path).header("host", "evil.test");
        assert_eq!(request.send().await.unwrap().status(), StatusCode::MISDIRECTED_REQUEST);
    }
}
