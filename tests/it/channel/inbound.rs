//! The doors of the channels: what cannot be read, who may hand a webhook on, and replies that are fetched.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::world::{AppleWorld, BILLY, BUSINESS, GATEWAY, META_VERIFY};
use crate::harness::{Choices, Harness};

const META: &str = r#"
[channel.whatsapp]
phone_number_id = "1066"
app_secret = { env = "META_SECRET" }
verify_token = { env = "META_VERIFY" }
[channel.instagram]
account_id = "IG"
app_secret = { env = "META_SECRET" }
"#;

/// The webhook in which somebody writes a text.
type Writes<'a> = &'a dyn Fn(&str) -> Value;

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::best());
    packed.write_all(bytes).unwrap();
    packed.finish().unwrap()
}

#[tokio::test]
async fn what_cannot_be_read_is_answered_with_the_place() {
    let world = AppleWorld::start("").await;
    let (token, _) = GATEWAY.post(&Value::Null, world.broker.clock.now().as_second());
    let message = |more: Value| {
        let mut message = json!({"type": "interactive", "sourceId": "urn:mbid:X", "destinationId": BUSINESS});
        message.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        gzip(message.to_string().as_bytes())
    };
    let reference =
        json!({"interactiveDataRef": {"url": "https://x", "owner": "o", "bid": "b", "signature": "zz"}});
    let identifier = json!({"interactiveData": {"data": {"requestIdentifier": "a b", "authenticate": {"status": "success"}}}});
    for (body, status, pointer) in [
        (b"{}".to_vec(), 400, Some("")),
        (gzip(b"no json"), 400, Some("")),
        (gzip(b"[]"), 400, Some("")),
        (gzip(b"{}"), 400, Some("/sourceId")),
        (message(reference), 400, Some("/interactiveDataRef/signature")),
        (message(identifier), 400, Some("/interactiveData/data/requestIdentifier")),
        // A bomb of 8 MiB in a few kB, and a body that is too large as it comes.
        (gzip(&vec![b' '; 8 * 1024 * 1024]), 413, None),
        (vec![0x1f; 3 * 1024 * 1024], 413, None),
    ] {
        let (answered, problem) = world.send("apple", &[("authorization", &token)], body).await;
        assert_eq!(answered.as_u16(), status, "{problem}");
        assert_eq!(problem["faults"][0]["pointer"].as_str(), pointer, "{problem}");
    }
    assert_eq!(world.broker.event_types().await, Vec::<String>::new());
}

#[tokio::test]
async fn the_platform_may_hand_a_webhook_on_packed_or_not() {
    for packed in [true, false] {
        let world = AppleWorld::start("").await;
        let link = world.link("conv-1", &BILLY, json!({})).await;
        let (opened, page) = world.sign_in(&BILLY, &link).await;
        let reply = BILLY.reply(BUSINESS, &opened.sheet, &page).to_string();
        let body = if packed { gzip(reply.as_bytes()) } else { reply.into_bytes() };
        let token = format!("Bearer {}", world.broker.token().await);
        let (status, answer) = world.send("apple", &[("authorization", &token)], body.clone()).await;
        assert_eq!((status, &answer["items"][0]["matched"]), (StatusCode::OK, &json!(true)));
        let (status, _) = world.send("apple", &[("authorization", "Bearer of.nothing")], body).await;
        assert_eq!(status, StatusCode::UNAUTHORIZED);
    }
}

#[tokio::test]
async fn a_channel_without_an_account_or_without_webhooks_has_no_door() {
    let broker = Harness::start().await;
    let token = format!("Bearer {}", broker.token().await);
    for channel in ["apple", "messenger", "instagram", "whatsapp", "sms", "webchat", "nothing"] {
        for headers in [&[("authorization", token.as_str())][..], &[]] {
            let (status, _) = super::world::send(&broker, channel, headers, b"{}".to_vec()).await;
            assert_eq!(status, StatusCode::NOT_FOUND, "{channel}");
        }
    }
}

#[tokio::test]
async fn a_code_that_a_customer_writes_in_whatsapp_or_instagram_confirms_the_sign_in() {
    let broker = Harness::with(Choices { tenant: META.to_owned(), ..Choices::default() }).await;
    let whatsapp = |code: &str| {
        let message = json!({"from": "15550100", "type": "text", "text": {"body": code}});
        let value = json!({"metadata": {"phone_number_id": "1066"}, "messages": [message]});
        json!({"object": "whatsapp_business_account", "entry": [{"id": "W", "changes": [{"value": value}]}]})
    };
    let instagram = |code: &str| {
        let event = json!({"sender": {"id": "BILLY"}, "recipient": {"id": "IG"}, "message": {"text": code}});
        json!({"object": "instagram", "entry": [{"id": "IG", "messaging": [event]}]})
    };
    let cases: [(&str, &str, Writes<'_>); 2] =
        [("whatsapp", "+1 555 0100", &whatsapp), ("instagram", "BILLY", &instagram)];
    for (channel, handle, webhook) in cases {
        let conversation = json!({"id": format!("conv-{channel}"), "channel": channel, "handle": handle});
        let link = broker.post("/v1/auth-links", json!({"conversation": conversation})).await;
        let page = crate::harness::browser::Browser::new().sign_in(link["url"].as_str().unwrap()).await;
        let body = webhook(&page.code().unwrap()).to_string().into_bytes();
        let signature = super::facebook::sign(super::world::META_SECRET, &body);
        let header = [("x-hub-signature-256", signature.as_str())];
        // Forged, unsigned, and of another account.
        let forged = super::facebook::sign("a guess", &body);
        let (status, answer) =
            super::world::send(&broker, channel, &[("x-hub-signature-256", &forged)], body.clone()).await;
        assert_eq!((status, &answer["code"]), (StatusCode::FORBIDDEN, &json!("bad_signature")));
        assert_eq!(super::world::send(&broker, channel, &[], body.clone()).await.0, StatusCode::UNAUTHORIZED);
        let foreign =
            String::from_utf8(body.clone()).unwrap().replace("1066", "1067").replace("\"IG\"", "\"IH\"");
        let signed = super::facebook::sign(super::world::META_SECRET, foreign.as_bytes());
        let (status, _) =
            super::world::send(&broker, channel, &[("x-hub-signature-256", &signed)], foreign.into_bytes())
                .await;
        assert_eq!(status, StatusCode::FORBIDDEN);
        assert_eq!(broker.status(&link).await["status"], "provisional");
        let (status, answer) = super::world::send(&broker, channel, &header, body).await;
        assert_eq!(status, StatusCode::OK);
        assert_eq!(answer, json!({"items": [{"matched": true, "authLinkId": link["id"]}]}));
        assert_eq!(broker.status(&link).await["binding"]["reached"], "code");
    }
}

#[tokio::test]
async fn metas_question_is_answered_to_who_knows_the_word() {
    let broker = Harness::with(Choices { tenant: META.to_owned(), ..Choices::default() }).await;
    let ask = async |channel: &str, word: &str, challenge: &str| {
        let query = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("hub.mode", "subscribe")
            .append_pair("hub.verify_token", word)
            .append_pair("hub.challenge", challenge)
            .finish();
        let answer =
            broker.plain(Method::GET, &format!("/v1/inbound/{channel}?{query}")).send().await.unwrap();
        (answer.status(), answer.text().await.unwrap())
    };
    assert_eq!(ask("whatsapp", META_VERIFY, "1158201444").await, (StatusCode::OK, "1158201444".to_owned()));
    for (channel, word, challenge) in [
        ("whatsapp", "a guess", "1"),
        ("whatsapp", META_VERIFY, "<script>"),
        ("instagram", META_VERIFY, "1"),
        ("messenger", META_VERIFY, "1"),
        ("apple", META_VERIFY, "1"),
    ] {
        assert_eq!(ask(channel, word, challenge).await.0, StatusCode::FORBIDDEN, "{channel} {word}");
    }
}

#[tokio::test]
async fn a_body_is_read_from_nobody_who_shows_nothing() {
    let tenant = format!("{META}{}", super::world::apple(""));
    let broker = Harness::with(Choices { tenant, ..Choices::default() }).await;
    // The body never comes: who is refused does not wait for it.
    let address = broker.origin.trim_start_matches("http://").to_owned();
    for (path, status) in
        [("/v1/inbound/whatsapp", "401"), ("/v1/inbound/apple", "401"), ("/v1/inbound/messenger", "404")]
    {
        let mut stream = tokio::net::TcpStream::connect(&address).await.unwrap();
        let head = format!("POST {path} HTTP/1.1\r\nhost: {address}\r\ncontent-length: 1000\r\n\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut line = [0; 12];
        stream.read_exact(&mut line).await.unwrap();
        assert_eq!(String::from_utf8_lossy(&line), format!("HTTP/1.1 {status}"), "{path}");
    }
}

#[tokio::test]
async fn who_is_not_believed_is_heard_a_few_times_only() {
    let main = Some("[limits]\naddress_misses = 8\n".to_owned());
    let tenant = format!("{META}{}", super::world::apple(""));
    let broker = Harness::with(Choices { tenant, main, ..Choices::default() }).await;
    let mut statuses = Vec::new();
    for _ in 0..3 {
        let forged = [("x-hub-signature-256", "sha256=00")];
        statuses.push(super::world::send(&broker, "whatsapp", &forged, b"{}".to_vec()).await.0.as_u16());
        statuses.push(super::world::send(&broker, "apple", &[], b"{}".to_vec()).await.0.as_u16());
        let ask = broker.plain(Method::GET, "/v1/inbound/whatsapp?hub.mode=subscribe").send().await.unwrap();
        statuses.push(ask.status().as_u16());
        let redeem = broker.plain(Method::POST, "/web/inbound/abc/oauth/token").body("code=x").send().await;
        statuses.push(redeem.unwrap().status().as_u16());
    }
    assert_eq!(statuses[..8], [403, 401, 403, 400, 403, 401, 403, 400]);
    assert_eq!(statuses[8..], [429; 4]);
    // The platform has shown who it is.
    let token = format!("Bearer {}", broker.token().await);
    let (status, _) =
        super::world::send(&broker, "whatsapp", &[("authorization", &token)], b"{}".to_vec()).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
}
