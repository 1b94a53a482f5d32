//! The WhoAmI endpoint: whose access token it is. What the answer says is `profile`'s business;
//! here is only decided whether there is one.

use url::Url;

use crate::domain::fault::{Code, Fault, Step};
use crate::secret::Secret;

use super::media::Media;
use super::quirk::Quirk;
use super::token::TokenResponse;
use super::wire::{Method, OutboundRequest, ProviderAnswer};

/// A body that may be read as JSON.
#[derive(Clone, Copy)]
pub struct WhoamiBody<'a> {
    /// The bytes, not yet parsed; never blank. JSON in UTF-8 whatever the header says.
    pub json: &'a [u8],
    /// What was tolerated.
    pub quirk: Option<Quirk>,
}

/// The call with the access token in the header, and nowhere else (RFC 6750, 2.1).
pub fn build_whoami_request(url: &Url, token: &TokenResponse) -> OutboundRequest {
    let bearer = Secret::new(format!("Bearer {}", token.access_token.expose()));
    let headers = vec![("accept", Secret::new("application/json")), ("authorization", bearer)];
    OutboundRequest { method: Method::Get, url: url.clone(), headers, body: None }
}

/// Takes the body of an answer that is one. Plain text and a missing content type are tolerated;
/// a page is none, nor is a signed answer that nobody asked for.
pub fn check_whoami_answer(answer: &ProviderAnswer) -> Result<WhoamiBody<'_>, Fault> {
    let fault = |code| Err(Fault::new(Step::Whoami, code));
    match answer.status {
        204 | 205 => return fault(Code::WhoamiFailed),
        200..=299 => {}
        401 | 403 => return fault(Code::WhoamiRefused),
        _ => return fault(Code::WhoamiFailed),
    }
    let quirk = match Media::parse(answer.content_type.as_deref()) {
        Media::Json => None,
        Media::Text | Media::Missing => Some(Quirk::ContentType),
        Media::Form | Media::Html | Media::Other => return fault(Code::WhoamiGarbage),
    };
    if answer.body.trim_ascii().is_empty() {
        return fault(Code::WhoamiGarbage);
    }
    Ok(WhoamiBody { json: &answer.body, quirk })
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::Value;

    use super::*;

    fn answer(status: u16, content_type: Option<&str>, body: &str) -> ProviderAnswer {
        ProviderAnswer { status, content_type: content_type.map(str::to_owned), body: body.into() }
    }

    #[test]
    fn the_token_stands_in_the_header_once() {
        let url: Url = "https://p.example/me?v=2".parse().unwrap();
        let access_token = Secret::new("the-token");
        let token = TokenResponse { access_token, body: Value::Null, expires_in: None, quirks: Vec::new() };
        let request = build_whoami_request(&url, &token);
        assert_eq!((request.method, request.url), (Method::Get, url));
        assert!(request.body.is_none());
        let headers: Vec<_> = request.headers.iter().map(|(name, value)| (*name, value.expose())).collect();
        assert_eq!(headers, [("accept", "application/json"), ("authorization", "Bearer the-token")]);
    }

    #[rstest]
    #[case::json(Some("application/json; charset=latin1"), None)]
    #[case::suffixed(Some("application/scim+json"), None)]
    #[case::plain(Some("text/plain"), Some(Quirk::ContentType))]
    #[case::missing(None, Some(Quirk::ContentType))]
    fn json_is_taken_under_its_usual_names(#[case] content_type: Option<&str>, #[case] quirk: Option<Quirk>) {
        let answer = answer(200, content_type, "[{}]");
        let body = check_whoami_answer(&answer).unwrap();
        assert_eq!((body.json, body.quirk), (&b"[{}]"[..], quirk));
    }

    #[rstest]
    #[case::unauthorized(401, Code::WhoamiRefused)]
    #[case::forbidden(403, Code::WhoamiRefused)]
    #[case::redirect(302, Code::WhoamiFailed)]
    #[case::no_content(204, Code::WhoamiFailed)]
    #[case::not_found(404, Code::WhoamiFailed)]
    #[case::too_many(429, Code::WhoamiFailed)]
    #[case::broken(500, Code::WhoamiFailed)]
    #[case::unavailable(503, Code::WhoamiFailed)]
    fn another_status_than_success_is_a_fault(#[case] status: u16, #[case] code: Code) {
        let fault = check_whoami_answer(&answer(status, Some("application/json"), "{}")).err().unwrap();
        assert_eq!(fault, Fault::new(Step::Whoami, code));
    }

    #[rstest]
    #[case::page(Some("text/html"), "{}")]
    #[case::signed(Some("application/jwt"), "e30.e30.x")]
    #[case::xml(Some("application/xml"), "<me/>")]
    #[case::empty(Some("application/json"), "")]
    #[case::blank(Some("application/json"), " \n")]
    fn what_is_no_json_is_garbage(#[case] content_type: Option<&str>, #[case] body: &str) {
        let fault = check_whoami_answer(&answer(200, content_type, body)).err().unwrap();
        assert_eq!(fault, Fault::new(Step::Whoami, Code::WhoamiGarbage));
    }
}
