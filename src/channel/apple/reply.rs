//! What Apple's gateway posts to us: a gzip body with one message of a customer, of which the replies to our
//! authentication messages are ours to read (*Messages received*).

use std::io::Read as _;

use flate2::read::GzDecoder;
use serde_json::Value;

use super::RequestIdentifier;
use super::large_reply::LargeReply;
use crate::domain::conversation::Handle;
use crate::secret::Secret;

/// A message of a customer. Its pictures are not ours.
#[derive(Debug, Clone)]
pub struct Inbound {
    /// Who wrote it: Apple's opaque id of the customer with this business (`sourceId`).
    pub customer: Handle,
    /// To which business (`destinationId`).
    pub business: String,
    /// What it is to us.
    pub content: Content,
}

/// What a message is to us.
#[derive(Debug, Clone)]
pub enum Content {
    /// The reply to an authentication message.
    Reply(Reply),
    /// A reply too big for a webhook: fetch it, then read it with [`parse_interactive`].
    Large(LargeReply),
    /// What the customer wrote: it may hold a confirmation code.
    Text {
        /// What was written.
        text: Secret,
        /// The message's own name, which stays the same when Apple sends it again.
        id: Option<String>,
    },
    /// The customer has ended the conversation: nothing may be sent any more.
    Closed,
    /// Anything else.
    Other,
}

/// The reply to an authentication message.
#[derive(Debug, Clone)]
pub struct Reply {
    /// To which one.
    pub request: RequestIdentifier,
    /// What the phone says of the sign-in.
    pub outcome: Outcome,
}

/// What the phone says of a sign-in.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// The older flow: the access token of our token endpoint, encrypted for this request, as base64.
    Token(Secret),
    /// The newer flow: a page said that it succeeded.
    Success {
        /// The number that the page gave.
        error_code: Option<i64>,
    },
    /// It failed.
    Failure,
    /// The customer closed the sheet.
    Cancelled,
    /// A word that the phone, or we, do not know.
    Unknown,
}

/// What is wrong with a message: where, as a JSON pointer, and what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ReplyFault {
    /// No gzip.
    #[error("the body is no gzip")]
    NotGzip,
    /// Too large when it is unpacked.
    #[error("the body is larger than {0} bytes when it is unpacked")]
    TooLarge(usize),
    /// No JSON object.
    #[error("the body is no JSON object")]
    NotJson,
    /// A field is missing or of the wrong kind.
    #[error("`{pointer}` {problem}")]
    Field {
        /// Where in the message.
        pointer: &'static str,
        /// What is wrong there.
        problem: &'static str,
    },
}

/// Unpacks a body up to `most` bytes.
pub fn unzip(body: &[u8], most: usize) -> Result<Vec<u8>, ReplyFault> {
    let mut unpacked = Vec::new();
    let limit = u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1);
    GzDecoder::new(body).take(limit).read_to_end(&mut unpacked).map_err(|_| ReplyFault::NotGzip)?;
    if unpacked.len() > most {
        return Err(ReplyFault::TooLarge(most));
    }
    Ok(unpacked)
}

/// Reads a message. What is not ours is read no further than its kind.
pub fn parse(json: &[u8]) -> Result<Inbound, ReplyFault> {
    let message: Value = serde_json::from_slice(json).map_err(|_| ReplyFault::NotJson)?;
    if !message.is_object() {
        return Err(ReplyFault::NotJson);
    }
    let customer = text(&message, "/sourceId")?;
    let customer = Handle::parse(customer)
        .map_err(|_| ReplyFault::Field { pointer: "/sourceId", problem: "is no address of a customer" })?;
    let business = text(&message, "/destinationId")?.to_owned();
    let content = match text(&message, "/type")? {
        "close" => Content::Closed,
        "text" => {
            let id = message.get("id").and_then(Value::as_str).map(str::to_owned);
            let body = message.get("body").and_then(Value::as_str);
            body.map_or(Content::Other, |body| Content::Text { text: Secret::new(body), id })
        }
        "interactive" => parse_content(&message)?,
        _ => Content::Other,
    };
    Ok(Inbound { customer, business, content })
}

/// Reads the interactive part of a message: the one in a webhook, or a big one that was fetched.
pub fn parse_interactive(interactive: &Value) -> Result<Option<Reply>, ReplyFault> {
    let data = interactive.get("data").unwrap_or(interactive);
    let Some(authenticate) = data.get("authenticate") else { return Ok(None) };
    let request = data
        .get("requestIdentifier")
        .and_then(Value::as_str)
        .and_then(|text| RequestIdentifier::parse(text).ok());
    let request = request.ok_or(ReplyFault::Field {
        pointer: "/interactiveData/data/requestIdentifier",
        problem: "is missing or no identifier",
    })?;
    let status = authenticate.get("status").and_then(Value::as_str).ok_or(ReplyFault::Field {
        pointer: "/interactiveData/data/authenticate/status",
        problem: "is missing or no text",
    })?;
    Ok(Some(Reply { request, outcome: parse_outcome(status, authenticate)? }))
}

fn parse_content(message: &Value) -> Result<Content, ReplyFault> {
    // Beside a reference the interactive part may stand empty, or name the extension only.
    let is_whole = message.pointer("/interactiveData/data").is_some_and(|data| !data.is_null());
    match (message.get("interactiveDataRef"), message.get("interactiveData")) {
        (Some(reference), _) if !is_whole && !reference.is_null() => {
            Ok(Content::Large(LargeReply::parse(reference)?))
        }
        (_, Some(interactive)) => Ok(parse_interactive(interactive)?.map_or(Content::Other, Content::Reply)),
        (_, None) => Ok(Content::Other),
    }
}

/// Both flows' words. A phone sends only those of its own, and the flow is told apart by our record of the request.
fn parse_outcome(status: &str, authenticate: &Value) -> Result<Outcome, ReplyFault> {
    let error_code = || {
        let told = authenticate.get("error_code");
        number(told.or_else(|| authenticate.pointer("/errors/0/code"))?)
    };
    Ok(match status.to_ascii_lowercase().as_str() {
        "authenticated" => {
            let token = authenticate.get("token").and_then(Value::as_str).ok_or(ReplyFault::Field {
                pointer: "/interactiveData/data/authenticate/token",
                problem: "is missing or no text",
            })?;
            Outcome::Token(Secret::new(token))
        }
        "success" => Outcome::Success { error_code: error_code() },
        "failed" | "failure" => Outcome::Failure,
        "cancel" => Outcome::Cancelled,
        _ => Outcome::Unknown,
    })
}

/// A whole number, which some gateways write as text.
fn number(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_str()?.parse().ok())
}

/// A text of the message's top level.
fn text<'a>(message: &'a Value, pointer: &'static str) -> Result<&'a str, ReplyFault> {
    let found = message.pointer(pointer).and_then(Value::as_str).filter(|text| !text.is_empty());
    found.ok_or(ReplyFault::Field { pointer, problem: "is missing or no text" })
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::path::Path;

    use flate2::Compression;
    use flate2::write::GzEncoder;
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn zip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    /// What was read, in one line, as the fixtures say it.
    fn told(read: Result<Inbound, ReplyFault>) -> String {
        let inbound = match read {
            Ok(inbound) => inbound,
            Err(ReplyFault::Field { pointer, .. }) => return format!("fault {pointer}"),
            Err(fault) => return format!("fault {fault:?}"),
        };
        match inbound.content {
            Content::Closed => "closed".to_owned(),
            Content::Text { text, id } => {
                assert!(id.is_some(), "every message of the fixtures has a name");
                format!("text {}", text.expose())
            }
            Content::Other => "other".to_owned(),
            Content::Large(large) => format!("large {}", large.size),
            Content::Reply(Reply { request, outcome }) => match outcome {
                Outcome::Token(token) => format!("{request} token {}", token.expose()),
                Outcome::Success { error_code: Some(code) } => format!("{request} Success {code}"),
                Outcome::Success { error_code: None } => format!("{request} Success"),
                outcome => format!("{request} {outcome:?}"),
            },
        }
    }

    #[test]
    fn every_message_of_the_fixtures_is_read_as_it_says() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/apple/inbound.json");
        let cases: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        for case in cases.as_array().unwrap() {
            let body = zip(case["message"].to_string().as_bytes());
            let read = unzip(&body, 64 * 1024).and_then(|json| parse(&json));
            assert_eq!(told(read), case["expect"].as_str().unwrap(), "{}", case["name"]);
        }
    }

    #[test]
    fn who_wrote_to_whom_is_read_and_not_printed() {
        let json =
            json!({"type": "text", "sourceId": "urn:mbid:AQ", "destinationId": "biz-1", "body": "hello"});
        let inbound = parse(json.to_string().as_bytes()).unwrap();
        assert_eq!((inbound.customer.as_str(), &*inbound.business), ("urn:mbid:AQ", "biz-1"));
        assert!(!format!("{inbound:?}").contains("urn:mbid"));
    }

    #[test]
    fn a_big_reply_is_read_as_a_small_one_once_it_is_there() {
        let data = json!({"requestIdentifier": "r-1", "version": 2, "authenticate": {"status": "success"}});
        for interactive in [json!({"bid": "x", "data": data}), data] {
            let reply = parse_interactive(&interactive).unwrap().unwrap();
            assert!(
                matches!(reply.outcome, Outcome::Success { error_code: None })
                    && reply.request.as_str() == "r-1"
            );
        }
        assert!(parse_interactive(&json!({"data": {"listPicker": {}}})).unwrap().is_none());
    }

    #[test]
    fn a_bomb_is_unpacked_no_further_than_its_bound() {
        let bomb = zip(&vec![b' '; 2_000_000]);
        assert!(bomb.len() < 20_000);
        assert_eq!(unzip(&bomb, 100_000), Err(ReplyFault::TooLarge(100_000)));
        assert_eq!(unzip(&zip(b"{}"), 2).unwrap(), b"{}");
        assert_eq!(unzip(&zip(b"{} "), 2), Err(ReplyFault::TooLarge(2)));
    }

    #[test]
    fn a_body_that_is_no_gzip_or_was_cut_is_refused() {
        for body in [&b""[..], b"{}", &zip(b"{\"type\": \"text\"}")[..20]] {
            assert_eq!(unzip(body, 1000), Err(ReplyFault::NotGzip));
        }
        assert_eq!(told(parse(b"[]")), "fault NotJson");
        assert_eq!(told(parse("[".repeat(100_000).as_bytes())), "fault NotJson");
    }

    proptest! {
        #[test]
        fn garbage_is_read_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = (unzip(&bytes, 1000), parse(&bytes));
        }

        #[test]
        fn a_status_that_nobody_knows_is_no_success(status in "[a-zA-Z ]{0,12}") {
            let data = json!({"data": {"requestIdentifier": "r", "authenticate": {"status": status, "token": "t"}}});
            let reply = parse_interactive(&data).unwrap().unwrap();
            let known = status.to_ascii_lowercase();
            prop_assert_eq!(matches!(reply.outcome, Outcome::Success { .. }), known == "success");
            prop_assert_eq!(matches!(reply.outcome, Outcome::Token(_)), known == "authenticated");
        }
    }
}
