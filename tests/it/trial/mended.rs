//! The misconfigurations that a test login must explain: cause and remedy alone are enough to mend
//! each, and nothing was stored.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::Arc;

use rustls::pki_types::PrivateKeyDer;
use serde_json::json;

use super::provider::{Provider, Wants};
use super::*;

#[tokio::test]
async fn a_wrong_token_url() {
    let provider = Provider::start().await;
    let mut choices = choices(&provider, "");
    let block = choices.provider_block.unwrap().replace("/token\"", "/oauth/tokens\"");
    choices.provider_block = Some(block);
    let broker = Harness::with(choices).await;
    let (_, found) = try_it(&broker).await;
    let (cause, remedy) = words(&found);
    assert!(
        cause.contains(&format!("{}/oauth/tokens", provider.origin())) && cause.contains("404"),
        "{cause}"
    );
    assert!(
        cause.contains("no token endpoint") && remedy.contains("correct `token_url`"),
        "{cause} {remedy}"
    );
    assert_eq!(step(&found, "token")["outcome"], "failed");
    assert_eq!(step(&found, "whoami")["outcome"], "skipped");
    check_nothing_is_stored(&broker).await;
}

#[tokio::test]
async fn a_wrong_secret() {
    let provider = Provider::start().await;
    provider.script(|script| script.wants = Wants::Another);
    let broker = broker(&provider, "").await;
    let (page, found) = try_it(&broker).await;
    let (cause, remedy) = words(&found);
    assert!(
        cause.contains("does not take our client id or secret") && cause.contains("invalid_client"),
        "{cause}"
    );
    assert!(
        remedy.contains("copy `client_id` and `client_secret` anew") && remedy.contains("acme-client"),
        "{remedy}"
    );
    assert!(proposed(&found).is_empty(), "{found:#}");
    assert!(page.html.contains("Test failed") && page.html.contains("anew"), "{}", page.html);
    check_nothing_is_stored(&broker).await;
}

#[tokio::test]
async fn a_secret_in_the_wrong_place() {
    let provider = Provider::start().await;
    provider.script(|script| script.wants = Wants::Basic);
    let broker = broker(&provider, "").await;
    let (_, found) = try_it(&broker).await;
    let (_, remedy) = words(&found);
    assert!(remedy.contains("client_auth = \"client_secret_basic\""), "{remedy}");
    assert_eq!(proposed(&found), ["client_auth = \"client_secret_basic\""]);
    check_nothing_is_stored(&broker).await;
}

#[tokio::test]
async fn a_redirect_uri_that_is_not_allowed() {
    let provider = Provider::start().await;
    provider.script(|script| script.registered = Some("https://elsewhere.example/callback".to_owned()));
    let broker = broker(&provider, "").await;
    let begun = begin(&broker).await;
    check_nothing_leaks(&begun);
    assert!(begun.get("url").is_none(), "there is nothing to sign in to: {begun:#}");
    let (cause, remedy) = words(&begun);
    let uri = format!("{}/idp/eu/oauth/callback", broker.origin);
    assert!(cause.contains("does not allow the redirect URI") && cause.contains(&uri), "{cause}");
    assert!(remedy.contains(&format!("register exactly `{uri}`")), "{remedy}");
    assert_eq!(begun["redirectUris"][0]["uri"], uri.as_str());
    assert_eq!(step(&begun, "authorize")["code"], "redirect_uri_refused");
    // Once it is registered, the same test goes through.
    provider.script(|script| script.registered = Some(uri));
    assert_eq!(try_it(&broker).await.1["state"], "passed");
    check_nothing_is_stored(&broker).await;
}

#[tokio::test]
async fn the_redirect_uri_of_apples_flow_is_tried_where_the_tenant_has_an_account_there() {
    let provider = Provider::start().await;
    let choices = Choices { tenant: crate::channel::world::apple(""), ..choices(&provider, "") };
    let broker = Harness::with(choices).await;
    let everybodys = format!("{}/idp/eu/oauth/callback", broker.origin);
    provider.script(|script| script.registered = Some(everybodys));
    let begun = begin(&broker).await;
    assert!(begun["url"].is_string(), "everybody else can sign in: {begun:#}");
    let found = step(&begun, "authorize");
    assert_eq!((&found["outcome"], &found["code"]), (&json!("warning"), &json!("redirect_uri_refused")));
    let remedy = found["remedy"].as_str().unwrap();
    assert!(remedy.contains("/web/inbound/abc/oauth/abcAuth2Redirect"), "{remedy}");
    provider.script(|script| script.registered = None);
    assert_eq!(step(&begin(&broker).await, "authorize")["outcome"], "ok");
}

#[tokio::test]
async fn an_expired_certificate() {
    let port = expired_server();
    let block = format!(
        r#"
[[provider]]
id = "acme"
label = "Acme"
client_id = "acme-client"
client_secret = {{ env = "ACME_SECRET" }}
authorize_url = "https://127.0.0.1:{port}/authorize"
token_url = "https://127.0.0.1:{port}/token"
whoami_url = "https://127.0.0.1:{port}/whoami"
"#
    );
    let allow = vec![format!("127.0.0.1:{port}")];
    let broker = Harness::with(Choices { provider_block: Some(block), allow, ..Choices::default() }).await;
    let begun = begin(&broker).await;
    let (cause, remedy) = words(&begun);
    assert!(cause.contains(&format!("127.0.0.1:{port}")) && cause.contains("certificate expired"), "{cause}");
    assert!(remedy.contains("certificate") && remedy.contains("renewed"), "{remedy}");
    assert_eq!(step(&begun, "tls")["code"], "certificate_expired");
    assert_eq!(step(&begun, "authorize")["outcome"], "skipped");
    check_nothing_is_stored(&broker).await;
}

#[tokio::test]
async fn a_whoami_that_answers_403() {
    let provider = Provider::start().await;
    let said = r#"{"error": "insufficient_scope", "error_description": "requires profile:read"}"#;
    provider.script(|script| script.whoami = (403, "application/json", said.to_owned()));
    let broker = broker(&provider, "scope = \"read\"").await;
    let (_, found) = try_it(&broker).await;
    let (cause, remedy) = words(&found);
    assert!(cause.contains(&format!("{}/whoami", provider.origin())) && cause.contains("403"), "{cause}");
    assert!(cause.contains("requires profile:read"), "the provider's own words: {cause}");
    assert!(remedy.contains("add the scope") && remedy.contains("only `read` is asked for"), "{remedy}");
    assert_eq!(step(&found, "token")["outcome"], "ok");
    check_nothing_is_stored(&broker).await;
}

#[tokio::test]
async fn a_mapping_with_a_typo() {
    let provider = Provider::start().await;
    let mapping =
        "mapping = '{userName: user.id, fullName: user.name, email: user.emial}'\nsubject = \"user.id\"";
    let one = broker(&provider, mapping).await;
    let (_, found) = try_it(&one).await;
    assert_eq!(found["state"], "passed", "a login goes on: {found:#}");
    let mapped = step(&found, "mapping");
    assert_eq!(mapped["outcome"], "warning");
    let (cause, remedy) = (mapped["cause"].as_str().unwrap(), mapped["remedy"].as_str().unwrap());
    assert!(cause.contains("`email` empty") && cause.contains("`user.emial`"), "{cause}");
    assert!(remedy.contains("write `user.email` instead of `user.emial`"), "{remedy}");
    let mended = "mapping = \"{userName: user.id, fullName: user.name, email: user.email}\"";
    assert_eq!(proposed(&found), [mended]);
    check_nothing_is_stored(&one).await;
    let all = broker(&provider, "mapping = '{userName: usr.id, email: usr.email}'").await;
    let (_, found) = try_it(&all).await;
    let (cause, remedy) = words(&found);
    assert!(cause.contains("no field of the profile was found") && cause.contains("`usr.id`"), "{cause}");
    assert!(remedy.contains("`user.id` instead of `usr.id`"), "{remedy}");
    check_nothing_is_stored(&all).await;
}

/// A server whose certificate ended long ago; its port.
fn expired_server() -> u16 {
    let mut params = rcgen::CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
    params.not_before = rcgen::date_time_ymd(2019, 1, 1);
    params.not_after = rcgen::date_time_ymd(2020, 1, 1);
    let key = rcgen::KeyPair::generate().unwrap();
    let certificate = params.self_signed(&key).unwrap();
    let private = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config =
        builder.unwrap().with_no_client_auth().with_single_cert(vec![certificate.der().clone()], private);
    let config = Arc::new(config.unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        // It ends with the test's process.
        while let Ok((stream, _)) = listener.accept() {
            let config = Arc::clone(&config);
            std::thread::spawn(move || {
                let connection = rustls::ServerConnection::new(config).unwrap();
                let mut stream = rustls::StreamOwned::new(connection, stream);
                let _ = stream.read(&mut [0; 1024]);
                let _ = stream.write_all(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n");
            });
        }
    });
    port
}
