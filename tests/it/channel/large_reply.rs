//! A reply that is too big for a webhook: fetched at a gateway that does as Apple's does, decrypted, and read.

use std::sync::{Arc, Mutex};

use aws_lc_rs::cipher::{AES_256, DecryptingKey, DecryptionContext, UnboundCipherKey};
use aws_lc_rs::iv::FixedLength;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode as Status, Uri};
use axum::routing::any;
use reqwest::StatusCode;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::world::{AppleWorld, BILLY, BUSINESS, MALLORY, apple};
use crate::harness::Choices;

const KEY: [u8; 32] = [7; 32];

/// What the gateway holds, and whether it fails.
#[derive(Default)]
struct Held {
    address: String,
    plain: Vec<u8>,
    is_down: bool,
    asked: Vec<String>,
}

type Gate = Arc<Mutex<Held>>;

/// Counter mode is its own inverse.
fn seal(plain: &[u8]) -> Vec<u8> {
    let key = UnboundCipherKey::new(&AES_256, &KEY).and_then(DecryptingKey::ctr).unwrap();
    let mut bytes = plain.to_vec();
    key.decrypt(&mut bytes, DecryptionContext::Iv128(FixedLength::from([0; 16]))).unwrap();
    bytes
}

async fn serve(
    State(gate): State<Gate>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> (Status, Vec<u8>) {
    let mut held = gate.lock().unwrap();
    held.asked.push(format!("{method} {}", uri.path()));
    if held.is_down {
        return (Status::BAD_GATEWAY, Vec::new());
    }
    let is = |name: &str, value: &str| headers.get(name).is_some_and(|found| found == value);
    let authorized =
        headers.get("authorization").is_some_and(|token| token.as_bytes().starts_with(b"Bearer "));
    match uri.path() {
        "/v1/preDownload" => {
            let fits = is("source-id", BUSINESS) && is("mmcs-url", "https://mmcs.example/1");
            let fits = fits && is("mmcs-signature", "gf8A") && is("mmcs-owner", "M-1") && authorized;
            let answer = json!({"download-url": format!("http://{}/blob", held.address)});
            if fits { (Status::OK, answer.to_string().into_bytes()) } else { (Status::FORBIDDEN, Vec::new()) }
        }
        "/blob" if !authorized => (Status::OK, seal(&held.plain)),
        "/v1/decodePayload" if is("bid", "the.extension") && authorized && *body == held.plain[..] => {
            (Status::OK, held.plain.clone())
        }
        _ => (Status::FORBIDDEN, Vec::new()),
    }
}

async fn start() -> (AppleWorld, Gate) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let gate: Gate = Arc::new(Mutex::new(Held { address: address.clone(), ..Held::default() }));
    let router = Router::new().fallback(any(serve)).with_state(Arc::clone(&gate));
    tokio::spawn(async move { axum::serve(listener, router).await });
    let tenant = apple(&format!("gateway = \"http://{address}/v1\""));
    (AppleWorld::with(Choices { tenant, allow: vec![address], ..Choices::default() }).await, gate)
}

/// The webhook that points at what the gateway holds.
fn reference(reply: &Value, size: usize) -> Value {
    json!({
        "type": "interactive", "sourceId": reply["sourceId"], "destinationId": reply["destinationId"],
        "interactiveDataRef": {
            "url": "https://mmcs.example/1", "owner": "M-1", "size": size, "signature": "81ff00",
            "key": format!("00{}", "07".repeat(32)), "bid": "the.extension",
        },
    })
}

#[tokio::test]
async fn a_reply_that_is_too_big_for_a_webhook_is_fetched_and_counts_like_any_other() {
    let (world, gate) = start().await;
    let link = world.link("conv-1", &BILLY, json!({})).await;
    let (opened, page) = world.sign_in(&BILLY, &link).await;
    let reply = BILLY.reply(BUSINESS, &opened.sheet, &page);
    let plain = reply["interactiveData"].to_string().into_bytes();
    let size = plain.len();
    gate.lock().unwrap().plain = plain;

    // The gateway is down: Apple may send it again. It holds something else than the webhook says: that stays so.
    gate.lock().unwrap().is_down = true;
    assert_eq!(world.post(&reference(&reply, size)).await.0, StatusCode::SERVICE_UNAVAILABLE);
    gate.lock().unwrap().is_down = false;
    let (status, answer) = world.post(&reference(&reply, size + 1)).await;
    assert_eq!((status, &answer["items"][0]["matched"]), (StatusCode::OK, &json!(false)));
    assert_eq!(world.status(&link).await["status"], "provisional");

    gate.lock().unwrap().asked.clear();
    let (status, answer) = world.post(&reference(&reply, size)).await;
    assert_eq!((status, &answer["items"][0]["matched"]), (StatusCode::OK, &json!(true)));
    assert_eq!(world.status(&link).await["binding"]["reached"], "native");
    let asked = gate.lock().unwrap().asked.clone();
    assert_eq!(asked, ["GET /v1/preDownload", "GET /blob", "POST /v1/decodePayload"]);
}

#[tokio::test]
async fn a_reply_that_nobody_waits_for_is_not_fetched() {
    let (world, gate) = start().await;
    let link = world.link("conv-1", &BILLY, json!({})).await;
    let (opened, page) = world.sign_in(&BILLY, &link).await;
    let stranger = MALLORY.reply(BUSINESS, &opened.sheet, &page);
    let (status, answer) = world.post(&reference(&stranger, 10)).await;
    assert_eq!((status, &answer["items"][0]["matched"]), (StatusCode::OK, &json!(false)));
    world.post(&BILLY.reply(BUSINESS, &opened.sheet, &page)).await;
    world.post(&reference(&BILLY.reply(BUSINESS, &opened.sheet, &page), 10)).await;
    assert_eq!(gate.lock().unwrap().asked, Vec::<String>::new());
}

#[tokio::test]
async fn what_will_never_be_had_is_answered_once_and_for_all() {
    let (world, gate) = start().await;
    let link = world.link("conv-1", &BILLY, json!({})).await;
    let (opened, page) = world.sign_in(&BILLY, &link).await;
    let reply = BILLY.reply(BUSINESS, &opened.sheet, &page);
    let plain = b"no json".to_vec();
    let size = plain.len();
    gate.lock().unwrap().plain = plain;
    let mut refused = reference(&reply, size);
    refused["interactiveDataRef"]["owner"] = json!("M-2");
    for message in [reference(&reply, size), refused] {
        let (status, answer) = world.post(&message).await;
        assert_eq!((status, &answer["items"][0]["matched"]), (StatusCode::OK, &json!(false)), "{message}");
    }
    // A place where nobody from here may go: the broker does not.
    gate.lock().unwrap().address = "169.254.169.254".to_owned();
    assert_eq!(world.post(&reference(&reply, size)).await.0, StatusCode::OK);
    assert_eq!(world.status(&link).await["status"], "provisional");
}

#[tokio::test]
async fn a_reference_beside_an_empty_interactive_part_is_read() {
    let (world, gate) = start().await;
    let link = world.link("conv-1", &BILLY, json!({})).await;
    let (opened, page) = world.sign_in(&BILLY, &link).await;
    let reply = BILLY.reply(BUSINESS, &opened.sheet, &page);
    let plain = reply["interactiveData"].to_string().into_bytes();
    let mut message = reference(&reply, plain.len());
    gate.lock().unwrap().plain = plain;
    message["interactiveData"] = json!({"bid": "the.extension"});
    assert_eq!(world.post(&message).await.1["items"][0]["matched"], true);
}
