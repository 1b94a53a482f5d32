//! Every endpoint answers in every wrong way. Each login ends at its step with its code, before its
//! deadline and with at most 1 MiB read, and a login of another tenant goes through meanwhile.

use reqwest::StatusCode;
use rstest::rstest;

use crate::harness::browser::Browser;
use crate::harness::scripted::answer::Answer;
use crate::harness::scripted::{Scripted, billy};
use crate::harness::stage::Stage;
use crate::harness::{Choices, eventually};

/// A gzip stream of 64 MiB of blanks in less than 512 KiB (RFC 1951, RFC 1952).
fn gzip_bomb() -> Vec<u8> {
    // The last block, with fixed codes: one blank, and then 258 more of the same again and again.
    let mut bits = Bits::default();
    bits.push(0b011, 3);
    bits.code(0x30 + u32::from(b' '), 8);
    for _ in 0..270_000 {
        // Length 258 is symbol 285 (8 bits, 11000101); distance 1 is symbol 0 (5 bits).
        bits.code(0b1100_0101, 8);
        bits.push(0, 5);
    }
    bits.code(0, 7);
    let head = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    [head.as_slice(), &bits.bytes].concat()
}

/// Deflate's order of bits (RFC 1951, 3.1.1).
#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    used: u32,
}

impl Bits {
    fn push(&mut self, value: u32, width: u32) {
        for at in 0..width {
            if self.used.is_multiple_of(8) {
                self.bytes.push(0);
            }
            let last = self.bytes.len() - 1;
            self.bytes[last] |= u8::try_from(value >> at & 1).unwrap() << (self.used % 8);
            self.used += 1;
        }
    }

    /// A Huffman code stands with its highest bit first.
    fn code(&mut self, value: u32, width: u32) {
        self.push(value.reverse_bits() >> (32 - width), width);
    }
}

fn json(body: impl Into<Vec<u8>>) -> Answer {
    Answer::with(200, "application/json", body)
}

fn nested(depth: usize) -> String {
    format!("{{\"a\":{}{}}}", "[".repeat(depth), "]".repeat(depth))
}

fn zipped() -> Answer {
    let headers = [("content-type", "application/json"), ("content-encoding", "gzip")];
    let headers = headers.map(|(name, value)| (name, value.to_owned()));
    Answer::Bytes(200, headers.to_vec(), gzip_bomb())
}

fn too_long() -> Answer {
    json(vec![b' '; 1024 * 1024 + 1])
}

#[rstest]
#[case::silent(|| Answer::Silence, "token_timeout")]
#[case::trickling(|| Answer::Trickle, "token_timeout")]
#[case::endless(|| Answer::Endless, "token_too_large")]
#[case::one_byte_more(too_long, "token_too_large")]
#[case::gzip_bomb(zipped, "token_too_large")]
#[case::truncated(|| Answer::Truncated(b"{\"access_token\":".to_vec()), "token_failed")]
#[case::cut_off_json(|| json("{\"access_token\":"), "token_garbage")]
#[case::redirect(|| Answer::redirect(302, "http://127.0.0.1:1/"), "token_failed")]
#[case::no_content(|| Answer::Bytes(204, Vec::new(), Vec::new()), "token_garbage")]
#[case::empty(|| json(""), "token_garbage")]
#[case::page(|| Answer::with(200, "text/html", "<html>access_token=a&token_type=bearer</html>"), "token_garbage")]
#[case::xml(|| Answer::with(200, "application/xml", "<access_token>a</access_token>"), "token_garbage")]
#[case::nested(|| json(nested(129)), "token_garbage")]
#[case::nested_without_end(|| json("[".repeat(100_000)), "token_garbage")]
#[case::twice(|| json(r#"{"access_token":"a","access_token":"b","token_type":"Bearer"}"#), "token_garbage")]
#[case::utf_16(|| json("{\"access_token\":\"a\"}".encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>()), "token_garbage")]
#[case::no_utf_8(|| json(b"{\"access_token\":\"\xff\"}".to_vec()), "token_garbage")]
#[case::a_line_break_in_the_token(|| json(r#"{"access_token":"a\r\nx-evil: 1","token_type":"Bearer"}"#), "token_garbage")]
#[case::a_token_of_20_kib(|| json(format!(r#"{{"access_token":"{}"}}"#, "a".repeat(20_000))), "token_garbage")]
#[case::another_type(|| json(r#"{"access_token":"a","token_type":"mac"}"#), "token_garbage")]
#[case::an_error_inside(|| json(r#"{"ok":false,"error":"bad_code"}"#), "token_refused")]
#[tokio::test]
async fn a_hostile_token_endpoint(#[case] answer: fn() -> Answer, #[case] code: &str) {
    hostile("/token", answer, "exchange", code).await;
}

#[rstest]
#[case::silent(|| Answer::Silence, "whoami_timeout")]
#[case::trickling(|| Answer::Trickle, "whoami_timeout")]
#[case::endless(|| Answer::Endless, "whoami_too_large")]
#[case::one_byte_more(too_long, "whoami_too_large")]
#[case::gzip_bomb(zipped, "whoami_too_large")]
#[case::truncated(|| Answer::Truncated(b"{\"sub\":".to_vec()), "whoami_failed")]
#[case::cut_off_json(|| json("{\"sub\":"), "whoami_garbage")]
#[case::redirect(|| Answer::redirect(301, "http://127.0.0.1:1/"), "whoami_failed")]
#[case::no_content(|| Answer::Bytes(204, Vec::new(), Vec::new()), "whoami_failed")]
#[case::empty(|| json(" "), "whoami_garbage")]
#[case::page(|| Answer::with(200, "text/html", "<html>"), "whoami_garbage")]
#[case::nested(|| json(nested(129)), "whoami_garbage")]
#[case::nested_without_end(|| json("{\"a\":".repeat(100_000)), "whoami_garbage")]
#[case::twice(|| json(r#"{"sub":"billy-1","sub":"mallory"}"#), "whoami_garbage")]
#[case::no_utf_8(|| json(b"{\"sub\":\"billy-1\",\"name\":\"\xe9\"}".to_vec()), "whoami_garbage")]
#[case::refused(|| Answer::with(403, "application/json", "{}"), "whoami_refused")]
#[case::failed(|| Answer::with(500, "application/json", "{}"), "whoami_failed")]
#[tokio::test]
async fn a_hostile_whoami_endpoint(#[case] answer: fn() -> Answer, #[case] code: &str) {
    hostile("/me", answer, "whoami", code).await;
}

#[rstest]
#[case::silent(|| Answer::Silence)]
#[case::trickling(|| Answer::Trickle)]
#[case::endless(|| Answer::Endless)]
#[case::one_byte_more(too_long)]
#[case::gzip_bomb(zipped)]
#[case::truncated(|| Answer::Truncated(b"{\"issuer\":".to_vec()))]
#[case::redirect(|| Answer::redirect(302, "http://127.0.0.1:1/"))]
#[case::no_content(|| Answer::Bytes(204, Vec::new(), Vec::new()))]
#[case::empty(|| json(""))]
#[case::page(|| Answer::with(200, "text/html", "<html>"))]
#[case::nested(|| json(nested(129)))]
#[case::twice(|| json(r#"{"issuer":"a","issuer":"b"}"#))]
#[tokio::test]
async fn hostile_metadata(#[case] answer: fn() -> Answer) {
    let (mut stage, other) = beside().await;
    let path = "/.well-known/openid-configuration";
    stage.provider.at(path, move |_| answer());
    let neighbour = signs_in_elsewhere(other);
    let ((), ()) = tokio::join!(stage.must_wait("provider.undiscovered"), neighbour);
    stage.provider.mend(path);
    // A question that nobody answers is given up by itself; then it is asked again.
    let url = stage.url().parse().unwrap();
    eventually("the provider is found again", async || {
        let landing = Browser::new().get(&url).await;
        (landing.status == StatusCode::OK).then_some(())
    })
    .await;
    stage.completes().await;
}

/// The largest and deepest that is allowed, in a charset that the header gets wrong.
#[tokio::test]
async fn what_is_just_within_the_bounds_passes() {
    let mut stage = Stage::by_urls("").await;
    stage.provider.at("/me", |_| {
        let mut told = billy();
        told["deep"] = serde_json::from_str(&format!("{}{}", "[".repeat(100), "]".repeat(100))).unwrap();
        told["name"] = "Bílly Bob".into();
        let mut body = told.to_string().into_bytes();
        body.resize(1024 * 1024, b' ');
        Answer::with(200, "application/json; charset=iso-8859-1", body)
    });
    let contact = stage.completes().await;
    assert_eq!(contact["fullName"], "Bílly Bob");
}

/// A broker with a second tenant, whose provider is the demo's.
async fn beside() -> (Stage, serde_json::Value) {
    let provider = Scripted::start().await;
    let choices = Choices {
        provider_block: Some(provider.by_issuer("")),
        others: vec![("gamma", "127.0.0.2")],
        ..Choices::default()
    };
    let stage = Stage::with(provider, choices).await;
    let link = stage.broker.elsewhere("127.0.0.2").link("conv-other").await;
    (stage, link)
}

async fn hostile(path: &str, answer: fn() -> Answer, step: &str, code: &str) {
    let (mut stage, other) = beside().await;
    stage.provider.at(path, move |_| answer());
    let neighbour = signs_in_elsewhere(other);
    let (_, ()) = tokio::join!(stage.fails(step, code), neighbour);
    stage.provider.mend(path);
    stage.completes().await;
}

/// The customer of the other tenant, at the same time.
async fn signs_in_elsewhere(link: serde_json::Value) {
    let page = Browser::new().sign_in(link["url"].as_str().unwrap()).await;
    assert!(page.code().is_some(), "the other tenant's customer signs in: {}", page.html);
}

#[test]
fn the_bomb_is_small_on_the_wire() {
    let bomb = gzip_bomb();
    assert!(bomb.len() < 512 * 1024, "{}", bomb.len());
}
