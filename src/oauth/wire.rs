//! What goes out and what comes back, as values: a request that `egress` sends, and the answer
//! that it read.

use std::borrow::Cow;
use std::fmt;

use url::Url;

use crate::secret::Secret;

/// The methods that the protocol uses (RFC 9110, 9.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Reads.
    Get,
    /// Hands something over.
    Post,
}

impl Method {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
        }
    }
}

/// A call to a provider, complete. It holds secrets; its `Debug` shows method, host and path.
#[derive(Clone)]
pub struct OutboundRequest {
    /// How.
    pub method: Method,
    /// Where to; `egress` checks it again before it is called.
    pub url: Url,
    /// Header names in lower case, each with a value of visible ASCII.
    pub headers: Vec<(Cow<'static, str>, Secret)>,
    /// What is handed over; none for a GET.
    pub body: Option<OutboundBody>,
}

/// The body of a call.
#[derive(Debug, Clone)]
pub struct OutboundBody {
    /// The value of `Content-Type`.
    pub content_type: &'static str,
    /// The text itself.
    pub text: Secret,
}

/// What a provider answered, whole and decoded. Its `Debug` shows no byte of the body.
#[derive(Clone)]
pub struct ProviderAnswer {
    /// The HTTP status.
    pub status: u16,
    /// The header `Content-Type` as it came, if it came as ASCII.
    pub content_type: Option<String>,
    /// The body, at most as large as the cap of `egress`.
    pub body: Vec<u8>,
}

impl fmt::Debug for OutboundRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (method, host) = (self.method.as_str(), self.url.host_str().unwrap_or_default());
        write!(f, "{method} {}://{host}{}", self.url.scheme(), self.url.path())
    }
}

impl fmt::Debug for ProviderAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({} bytes of {:?})", self.status, self.body.len(), self.content_type)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neither_headers_nor_query_nor_bodies_are_shown() {
        let request = OutboundRequest {
            method: Method::Post,
            url: "https://p.example/token?key=canary".parse().unwrap(),
            headers: vec![("authorization".into(), Secret::new("Bearer canary"))],
            body: Some(OutboundBody { content_type: "text/plain", text: Secret::new("canary") }),
        };
        assert_eq!(format!("{request:?}"), "POST https://p.example/token");
        assert!(!format!("{:?}", request.body).contains("canary"));
        let answer = ProviderAnswer { status: 200, content_type: None, body: b"canary".to_vec() };
        assert_eq!(format!("{answer:?}"), "200 (6 bytes of None)");
    }
}
