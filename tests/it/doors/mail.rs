//! Letters go out by a real mail server, or not at all and nobody hears why but the operator.

use std::time::Duration;

use countersign::clock::Clock;
use countersign::egress::mail::message::Sender;
use countersign::egress::mail::post::Post;
use countersign::egress::mail::{Guarded, Letter, MailError, Relay, Way};
use serde_json::json;

use super::mail_server::{MailServer, PASSWORD, USER};

const LONG: Duration = Duration::from_mins(1);

fn sender() -> Sender {
    "Acme sign-in <no-reply@acme.example>".parse().unwrap()
}

fn letter(to: &str) -> Letter {
    Letter {
        sender: None,
        to: to.to_owned(),
        subject: "Your sign-in code for Dörte & Söhne\r\nBcc: eve@evil.example".to_owned(),
        text: "123456 is your sign-in code.".to_owned(),
        html: "<p>123456</p>".to_owned(),
    }
}

async fn send(relay: Relay, to: &str) -> Result<(), MailError> {
    let post = Post::open(Way::Relay(relay), sender(), Clock::system());
    let tenant = "acme".parse().unwrap();
    post.send(&tenant, letter(to)).unwrap().within(LONG).await
}

#[tokio::test]
async fn a_letter_goes_out_under_tls_from_the_start_with_a_login() {
    let orders = json!({"tls": "start", "user": USER, "password": PASSWORD});
    let mut server = MailServer::start(orders).await;
    assert_eq!(send(server.relay_as(Guarded::FromTheStart, PASSWORD), "dana@acme.example").await, Ok(()));
    let message = server.message().await;
    assert_eq!(
        (&message["from"], &message["to"]),
        (&json!("no-reply@acme.example"), &json!(["dana@acme.example"]))
    );
    assert_eq!((&message["tls"], &message["authenticated"]), (&json!(true), &json!(true)));
    assert_eq!(message["name"], "acme.example", "we say who we are by the domain that we send from");
    let data = message["data"].as_str().unwrap();
    assert!(data.contains("123456 is your sign-in code."), "{data}");
    assert!(!data.contains("\nBcc:"), "a subject is one header: {data}");
}

#[tokio::test]
async fn a_letter_goes_out_under_starttls() {
    let orders = json!({"tls": "starttls", "user": USER, "password": PASSWORD});
    let mut server = MailServer::start(orders).await;
    assert_eq!(send(server.relay_as(Guarded::ByStartTls, PASSWORD), "dana@acme.example").await, Ok(()));
    let message = server.message().await;
    assert_eq!((&message["tls"], &message["authenticated"]), (&json!(true), &json!(true)));
}

#[tokio::test]
async fn a_server_without_starttls_gets_neither_password_nor_letter() {
    let server = MailServer::start(json!({"tls": "none"})).await;
    let told = send(server.relay_as(Guarded::ByStartTls, PASSWORD), "dana@acme.example").await;
    assert_eq!(told, Err(MailError::Unsafe));
}

#[tokio::test]
async fn a_certificate_that_nobody_vouches_for_gets_neither() {
    let server = MailServer::start(json!({"tls": "start"})).await;
    let mut relay = server.relay(Guarded::FromTheStart);
    relay.authority = None;
    assert_eq!(Way::Relay(relay).probe(&sender()).await, Err(MailError::Unsafe));
    let mut elsewhere = server.relay(Guarded::FromTheStart);
    elsewhere.host = "127.0.0.1".to_owned();
    assert_eq!(Way::Relay(elsewhere).probe(&sender()).await, Err(MailError::Unsafe), "it is another name's");
}

#[tokio::test]
async fn a_login_that_is_refused_is_told_and_not_tried_again() {
    let orders = json!({"tls": "start", "user": USER, "password": PASSWORD});
    let server = MailServer::start(orders).await;
    let told = send(server.relay_as(Guarded::FromTheStart, "wrong"), "dana@acme.example").await;
    assert_eq!(told, Err(MailError::Login));
    let nobody = send(server.relay(Guarded::FromTheStart), "dana@acme.example").await;
    assert_eq!(nobody, Err(MailError::Login), "it wants one");
}

#[tokio::test]
async fn a_refused_addressee_is_told_by_its_number_only() {
    let server = MailServer::start(json!({"tls": "none"})).await;
    let told = send(server.relay(Guarded::ByNothing), "nobody@acme.example").await;
    assert_eq!(told, Err(MailError::Refused(550)));
    assert!(!told.unwrap_err().to_string().contains("acme.example"));
}

#[tokio::test]
async fn a_server_that_is_busy_is_asked_again() {
    let mut server = MailServer::start(json!({"tls": "none"})).await;
    assert_eq!(send(server.relay(Guarded::ByNothing), "busy@acme.example").await, Ok(()));
    assert_eq!(server.message().await["to"], json!(["busy@acme.example"]));
}

#[tokio::test]
async fn a_slow_server_is_not_waited_for() {
    let server = MailServer::start(json!({"tls": "none", "slow": "EHLO"})).await;
    let relay = Relay { patience: Duration::from_millis(300), ..server.relay(Guarded::ByNothing) };
    assert_eq!(Way::Relay(relay).probe(&sender()).await, Err(MailError::Silent));
}

#[tokio::test]
async fn nobody_at_the_port_is_told_as_silence() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let server = MailServer::start(json!({"tls": "none"})).await;
    let relay = Relay { port, ..server.relay(Guarded::ByNothing) };
    assert_eq!(Way::Relay(relay).probe(&sender()).await, Err(MailError::Silent));
}
