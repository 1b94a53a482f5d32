//! What extractors answer when they refuse, as the description says it: one component per status,
//! and a group per extractor, so that a handler names what it takes and not what that may answer.
//!
//! To add a refusal: 1. its line in [`REFUSALS`], 2. a group that holds it, 3. its codes in
//! `docs/errors.md` (a test asks).

use std::collections::BTreeMap;

use serde_json::{Value, json};
use utoipa::openapi::header::Header;
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{ContentBuilder, Ref, RefOr, Response, ResponseBuilder, Schema};
use utoipa::{IntoResponses, PartialSchema as _, ToSchema as _};

use crate::domain::ids::SnippetId;
use crate::web::error::ProblemDocument;

/// What an API call may be refused with.
struct Refusal {
    /// The name of its component.
    name: &'static str,
    status: u16,
    description: &'static str,
    /// Code, title and words of its example.
    example: (&'static str, &'static str, &'static str),
    /// A header that goes with it, with its meaning.
    header: Option<(&'static str, &'static str)>,
}

/// A refusal without a header of its own.
const fn plain(
    name: &'static str,
    status: u16,
    description: &'static str,
    example: (&'static str, &'static str, &'static str),
) -> Refusal {
    Refusal { name, status, description, example, header: None }
}

const CHALLENGE: Option<(&str, &str)> = Some(("WWW-Authenticate", "The challenge of RFC 6750, 3."));

/// Every refusal of the API, by its status.
const REFUSALS: [Refusal; 15] = [
    plain(
        "Malformed",
        400,
        "The request cannot be read: `malformed` with `faults`, or `invalid_request` where it has more than one \
         `Authorization` header.",
        ("malformed", "The request cannot be read", "see `faults` for the places"),
    ),
    Refusal {
        name: "Unauthorized",
        status: 401,
        description: "There is no access token (`token_missing`), or it is expired, of another tenant, or none at \
                      all (`invalid_token`).",
        example: (
            "invalid_token",
            "Access refused",
            "the access token is invalid, expired or of another tenant",
        ),
        header: CHALLENGE,
    },
    Refusal {
        name: "Forbidden",
        status: 403,
        description: "The access token lacks the scope of this endpoint, which the challenge names.",
        example: (
            "insufficient_scope",
            "Access refused",
            "the access token lacks the scope `write:auth_links`",
        ),
        header: CHALLENGE,
    },
    plain(
        "NotFound",
        404,
        "The tenant has nothing with this id.",
        ("not_found", "Not found", "this tenant has nothing with this id"),
    ),
    plain(
        "Conflict",
        409,
        "The state of the thing forbids it.",
        ("conflict", "Not in this state", "no sign-in waits for a code; the link is created"),
    ),
    plain("Gone", 410, "It is over.", ("gone", "It is over", "the link is cancelled, which is final")),
    plain(
        "Stale",
        412,
        "It was changed since the caller read it: `If-Match`, or `version` in the body, names another version.",
        (
            "stale",
            "It was changed meanwhile",
            "nothing was changed; read it again, and repeat the change if it is still wanted",
        ),
    ),
    plain(
        "Unconditional",
        428,
        "A change says which version it is meant for: `If-Match` with the `ETag` that was read, or `If-None-Match: *`.",
        (
            "precondition_required",
            "Say which version you change",
            "say which version you change: send its `ETag` as `If-Match`, or `If-None-Match: *` to make a new one",
        ),
    ),
    plain(
        "TooLarge",
        413,
        "The body is larger than 2 MiB.",
        ("too_large", "The body is too large", "send at most 2 MiB"),
    ),
    plain(
        "NotJson",
        415,
        "The body is not announced as JSON.",
        ("not_json", "The body must be JSON", "send it with `Content-Type: application/json`"),
    ),
    plain(
        "WrongHost",
        421,
        "No tenant is served at this host.",
        ("wrong_host", "Wrong host", "no tenant is served at this host; check the host name in the URL"),
    ),
    plain(
        "Invalid",
        422,
        "The request can be read, but not carried out as it stands; `faults` says where and why.",
        ("invalid", "The request cannot be carried out as it stands", "see `faults` for the places"),
    ),
    Refusal {
        name: "TooManyRequests",
        status: 429,
        description: "The client, or all clients of the tenant together, call too often. `RateLimit` says what is left, \
                      `RateLimit-Policy` how many are allowed (draft-ietf-httpapi-ratelimit-headers-10).",
        example: (
            "too_many_requests",
            "Too many requests",
            "wait for as long as `Retry-After` says; `RateLimit-Policy` says how many are allowed",
        ),
        header: Some(("Retry-After", "Seconds to wait.")),
    },
    plain(
        "Internal",
        500,
        "A fault of our own; the log has its cause under the request id.",
        ("internal", "A fault of our own", "see the log"),
    ),
    Refusal {
        name: "Unavailable",
        status: 503,
        description: "The store does not answer (`unavailable`), or too many requests are at work (`overloaded`): nothing was \
                      changed. Or the store did not say whether it was (`uncertain`).",
        example: (
            "unavailable",
            "The store does not answer",
            "nothing was changed; try again in a few seconds",
        ),
        header: Some(("Retry-After", "Seconds to wait.")),
    },
];

/// Code, title and status of every example, to be compared with what is answered.
#[cfg(test)]
pub fn examples() -> impl Iterator<Item = (&'static str, &'static str, u16)> {
    REFUSALS.iter().map(|refusal| (refusal.example.0, refusal.example.1, refusal.status))
}

/// The refusals as components of the description.
pub fn components() -> impl Iterator<Item = (String, RefOr<Response>)> {
    REFUSALS.iter().map(|refusal| (refusal.name.to_owned(), RefOr::T(refusal.response())))
}

/// The schema of the document that all of them are.
pub fn problem() -> (String, RefOr<Schema>) {
    (ProblemDocument::name().into_owned(), ProblemDocument::schema())
}

/// The schemas that the problem document names.
pub fn parts() -> Vec<(String, RefOr<Schema>)> {
    let mut schemas = Vec::new();
    ProblemDocument::schemas(&mut schemas);
    // A snippet is a body of free names, so that nothing else leads to its id.
    schemas.push((SnippetId::name().into_owned(), SnippetId::schema()));
    schemas
}

impl Refusal {
    fn response(&self) -> Response {
        let content = ContentBuilder::new()
            .schema(Some(Ref::from_schema_name(ProblemDocument::name())))
            .example(Some(self.example()))
            .build();
        let response =
            ResponseBuilder::new().description(self.description).content("application/problem+json", content);
        match self.header {
            None => response.build(),
            Some((name, description)) => response.header(name, text_header(description)).build(),
        }
    }

    fn example(&self) -> Value {
        let (code, title, detail) = self.example;
        let mut problem = json!({
            "type": "about:blank", "title": title, "status": self.status, "code": code, "detail": detail,
        });
        if matches!(code, "malformed" | "invalid") {
            problem["faults"] = json!([{"pointer": "/conversation/channel", "detail": "not a channel"}]);
        }
        problem["requestId"] = json!("8kq2m0vx4t7bn5ch");
        problem
    }
}

/// A header whose value is a text.
pub fn text_header(description: &str) -> Header {
    let mut header = Header::new(ObjectBuilder::new().schema_type(Type::String));
    header.description = Some(description.to_owned());
    header
}

macro_rules! groups {
    ($($(#[$doc:meta])* $name:ident: [$($refusal:literal),*]),* $(,)?) => {
        $(
            $(#[$doc])*
            #[derive(Debug)]
            pub struct $name;

            impl IntoResponses for $name {
                fn responses() -> BTreeMap<String, RefOr<Response>> {
                    refer(&[$($refusal),*])
                }
            }
        )*
    };
}

groups! {
    /// A handler that takes the tenant of the host.
    AtHost: ["WrongHost"],
    /// A handler that takes a `Caller`.
    Called: ["Malformed", "Unauthorized", "Forbidden", "WrongHost", "TooManyRequests"],
    /// A handler that takes a `StrictJson` body.
    WithBody: ["Malformed", "TooLarge", "NotJson", "Invalid"],
    /// A handler that asks the store.
    Stored: ["Internal", "Unavailable"],
    /// A handler that takes a key of an order without a body.
    Keyed: ["Conflict", "Invalid"],
    /// A handler that looks for one thing.
    Sought: ["NotFound"],
    /// A handler that changes what may be in another state.
    InState: ["Conflict"],
    /// A handler that takes an `IfMatch`.
    Versioned: ["Stale"],
    /// A handler that demands a [`Condition`](crate::web::precondition::Condition).
    Unconditional: ["Unconditional"],
    /// A handler that changes what may be over.
    Over: ["Gone"],
}

fn refer(names: &[&str]) -> BTreeMap<String, RefOr<Response>> {
    let named = REFUSALS.iter().filter(|refusal| names.contains(&refusal.name));
    named.map(|refusal| (refusal.status.to_string(), Ref::from_response_name(refusal.name).into())).collect()
}
