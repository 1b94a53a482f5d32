//! Calls to a platform's webhook, signed by the Standard Webhooks convention
//! (<https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>).

use std::time::Duration;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER};
use jiff::Timestamp;
use reqwest::{Body, Method, Request, Response};
use url::Url;

use crate::domain::ids::TenantId;
use crate::secret::Secret;

use super::dialer::{Dialer, DialerError};
use super::error::EgressError;
use super::guard::Guard;
use super::resolver::{Lookup, system_lookup};

/// The whole call, from the name lookup to the answer's head.
pub const DEADLINE: Duration = Duration::from_secs(12);
/// Name lookup, TCP and TLS together.
const CONNECT: Duration = Duration::from_secs(4);
/// So much of the answer's body is read, and for so long, that the connection can be used again. It means
/// nothing to us; a longer one costs its sender the connection.
const DRAINED: usize = 16 * 1024;
const DRAINING: Duration = Duration::from_millis(500);
/// What stands before a secret's base64.
const PREFIX: &str = "whsec_";
/// How many bytes a secret may have.
const BYTES: std::ops::RangeInclusive<usize> = 24..=64;

/// What is sent.
#[derive(Debug)]
pub struct Message<'a> {
    /// Where to.
    pub url: &'a Url,
    /// What signs: each secret gives a signature.
    pub secrets: &'a [Secret],
    /// The message's id: the same at every attempt, so that a receiver knows one that it has.
    pub id: &'a str,
    /// When this attempt is made.
    pub at: Timestamp,
    /// The body: JSON.
    pub body: String,
}

/// What the receiver said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// How long it wants us to wait.
    pub retry_after: Option<Duration>,
}

/// Why a text is no secret of a webhook.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadSecret {
    /// It begins otherwise.
    #[error("it does not begin with `whsec_`")]
    Prefix,
    /// The rest is no base64.
    #[error("behind `whsec_` stands no base64")]
    Base64,
    /// It is too short or too long.
    #[error("it is not 24 to 64 bytes long")]
    Length,
}

/// The one way to a webhook. Cheap to clone; all clones share their connections.
#[derive(Debug, Clone)]
pub struct WebhookClient {
    dialer: Dialer,
}

impl WebhookClient {
    /// A client that asks the operating system for addresses.
    pub fn new(guard: Guard) -> Result<Self, DialerError> {
        Self::with_lookup(guard, &system_lookup())
    }

    /// A client that asks `lookup` for addresses; they are judged all the same.
    pub fn with_lookup(guard: Guard, lookup: &Lookup) -> Result<Self, DialerError> {
        Ok(Self { dialer: Dialer::new(guard, CONNECT, lookup)? })
    }

    /// Sends a message and waits for the head of the answer. Redirects are answers like any other.
    pub async fn send(&self, tenant: &TenantId, message: Message<'_>) -> Result<Answer, EgressError> {
        let now = message.at;
        let request = build_request(message)?;
        let response = tokio::time::timeout(DEADLINE, self.dialer.send(tenant, request)).await;
        let response = response.unwrap_or(Err(EgressError::Timeout))?;
        let status = response.status().as_u16();
        let retry_after = retry_after(response.headers(), now);
        drain(response).await;
        Ok(Answer { status, retry_after })
    }
}

/// Whether a text is a secret that can sign.
pub fn check_secret(secret: &Secret) -> Result<(), BadSecret> {
    key(secret).map(drop)
}

/// The value of `webhook-signature`: one signature per secret, a space between. Secrets that cannot sign are
/// left out.
pub fn sign(secrets: &[Secret], id: &str, at: Timestamp, body: &str) -> String {
    let text = format!("{id}.{}.{body}", at.as_second());
    let signature = |key: hmac::Key| format!("v1,{}", STANDARD.encode(hmac::sign(&key, text.as_bytes())));
    let signatures: Vec<_> = secrets.iter().filter_map(|secret| key(secret).ok()).map(signature).collect();
    signatures.join(" ")
}

fn key(secret: &Secret) -> Result<hmac::Key, BadSecret> {
    let text = secret.expose().strip_prefix(PREFIX).ok_or(BadSecret::Prefix)?;
    let bytes = zeroize::Zeroizing::new(STANDARD.decode(text).map_err(|_| BadSecret::Base64)?);
    if !BYTES.contains(&bytes.len()) {
        return Err(BadSecret::Length);
    }
    Ok(hmac::Key::new(hmac::HMAC_SHA256, &bytes))
}

fn build_request(message: Message<'_>) -> Result<Request, EgressError> {
    let Message { url, secrets, id, at, body } = message;
    let mut request = Request::new(Method::POST, url.clone());
    let signature = sign(secrets, id, at, &body);
    let headers = [
        ("webhook-id", id.to_owned()),
        ("webhook-timestamp", at.as_second().to_string()),
        ("webhook-signature", signature),
    ];
    for (name, value) in headers {
        let value = HeaderValue::try_from(value).map_err(|_| EgressError::Unsendable)?;
        request.headers_mut().insert(HeaderName::from_static(name), value);
    }
    request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    *request.body_mut() = Some(Body::from(body));
    Ok(request)
}

/// `Retry-After` in either form (RFC 9110, 10.2.3).
fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = value.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let date = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(value).ok()?;
    Duration::try_from(date.duration_since(now)).ok()
}

/// Reads a little of the body, so that the connection can be used again.
async fn drain(mut response: Response) {
    let read = async {
        let mut left = DRAINED;
        while let Ok(Some(piece)) = response.chunk().await {
            match left.checked_sub(piece.len()) {
                Some(rest) => left = rest,
                None => return,
            }
        }
    };
    // Whatever comes of it, the answer's head has said everything.
    let _ = tokio::time::timeout(DRAINING, read).await;
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at() -> Timestamp {
        Timestamp::from_second(1_614_265_330).unwrap()
    }

    #[test]
    fn the_signature_is_the_one_of_the_conventions_example() {
        let secret = Secret::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        let signed = sign(&[secret], "msg_p5jXN8AQM9LWM0D4loKWxJek", at(), r#"{"test": 2432232314}"#);
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn every_secret_gives_a_signature() {
        let secrets = ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSx"];
        let signed = sign(&secrets.map(Secret::new), "evt_1", at(), "{}");
        let parts: Vec<_> = signed.split(' ').collect();
        assert!(parts.len() == 2 && parts[0] != parts[1], "{signed}");
    }

    #[test]
    fn a_text_that_cannot_sign_is_no_secret() {
        for (text, wrong) in [
            ("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", BadSecret::Prefix),
            ("whsec_not base64", BadSecret::Base64),
            ("whsec_c2hvcnQ=", BadSecret::Length),
        ] {
            assert_eq!(check_secret(&Secret::new(text)), Err(wrong), "{text}");
        }
        let long = format!("whsec_{}", STANDARD.encode([7; 65]));
        assert_eq!(check_secret(&Secret::new(long)), Err(BadSecret::Length));
        assert_eq!(check_secret(&Secret::new(format!("whsec_{}", STANDARD.encode([7; 24])))), Ok(()));
    }

    #[test]
    fn a_receiver_asks_for_patience_in_either_form() {
        let asked = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, HeaderValue::from_str(value).unwrap());
            retry_after(&headers, at()).map(|time| time.as_secs())
        };
        assert_eq!(asked("120"), Some(120));
        assert_eq!(asked("Thu, 25 Feb 2021 15:03:10 GMT"), Some(60));
        for none in ["Thu, 25 Feb 2021 15:00:00 GMT", "soon", "", "-1", "1.5"] {
            assert_eq!(asked(none), None, "{none}");
        }
    }

    proptest! {
        #[test]
        fn whatever_a_receiver_asks_for_is_no_panic(value in "[ -~]{0,40}") {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, HeaderValue::from_str(&value).unwrap());
            retry_after(&headers, at());
        }
    }
}
