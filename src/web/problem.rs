//! The form of a refusal: a problem document (RFC 9457), and the places that are to blame.

use serde::Serialize;
use utoipa::ToSchema;

/// One thing that is wrong with a request body or query.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Fault)]
pub struct BodyFault {
    /// A JSON pointer (RFC 6901) to the place in the body, or `?` and the name of a query parameter.
    #[schema(examples("/conversation/channel"))]
    pub pointer: String,
    /// What is wrong and how to mend it.
    pub detail: String,
    /// How to mend it, where that is told by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = String)]
    pub help: Option<String>,
    /// The line, from 1: of the body, or of the expression that the pointer names.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = usize)]
    pub line: Option<usize>,
    /// The column, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = usize)]
    pub column: Option<usize>,
}

/// Why a request was refused (RFC 9457).
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Problem)]
pub struct ProblemDocument<'a> {
    /// Always `about:blank`: `code` says what it is.
    #[serde(rename = "type")]
    #[schema(examples("about:blank"))]
    pub kind: &'static str,
    /// A few words for people.
    pub title: &'a str,
    /// The status of the answer.
    #[schema(minimum = 400, maximum = 599)]
    pub status: u16,
    /// A stable word for programs; `docs/errors.md` has them all.
    #[schema(examples("not_found"))]
    pub code: &'a str,
    /// What to do.
    pub detail: &'a str,
    /// What is wrong and where, if a member of the request is to blame.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = Vec<BodyFault>)]
    pub faults: Option<&'a [BodyFault]>,
    /// With `wrong_code`: how many more may be tried.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = u8)]
    pub attempts_left: Option<u8>,
    /// With `stale`: the version of the thing now.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = u64)]
    pub version: Option<u64>,
    /// The request's name in the log, and in `X-Request-Id`.
    pub request_id: &'static str,
}

impl BodyFault {
    /// A fault at a place.
    pub fn at(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), detail: detail.into(), help: None, line: None, column: None }
    }
}
