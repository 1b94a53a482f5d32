//! The WhoAmI endpoint: whose access token it is. What the answer says is `profile`'s business;
//! here is only decided whether there is one.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::domain::fault::{Code, Fault, Step};
use crate::domain::provider::Provider;
use crate::domain::provider::call::{WhoamiAuth, WhoamiCall, WhoamiMethod};
use crate::domain::provider::template::FillError;
use crate::secret::Secret;

use super::json;
use super::media::Media;
use super::quirk::Quirk;
use super::token::{TokenResponse, filled, form_body, json_body, push_headers};
use super::wire::{Method, OutboundBody, OutboundRequest, ProviderAnswer};

/// A body that may be read as JSON.
#[derive(Clone, Copy)]
pub struct WhoamiBody<'a> {
    /// The bytes, not yet parsed; never blank. JSON in UTF-8 whatever the header says.
    pub json: &'a [u8],
    /// What was tolerated.
    pub quirk: Option<Quirk>,
}

/// The call with the access token in the place that the settings say, and nowhere else (RFC 6750, 2). A value of
/// the token answer that the URL needs may be missing, or unfit for its place. What was `kept` of the callback stands in
/// paths and queries only: nobody vouches for it, and the access token goes to no host that a browser has named.
pub fn build_whoami_request(
    call: &WhoamiCall,
    provider: &Provider,
    token: &TokenResponse,
    kept: &BTreeMap<String, String>,
) -> Result<OutboundRequest, FillError> {
    let kept = |name: &str, in_host: bool| kept.get(name).filter(|_| !in_host).cloned();
    let mut url = call.url.fill(|name, in_host| value_of(token, name).or_else(|| kept(name, in_host)))?;
    let bearer = &token.access_token;
    let mut params: Vec<(&str, Secret)> = call
        .params
        .iter()
        .map(|(name, value)| {
            (&**name, Secret::new(filled(value, &[("{client_id}", &provider.client_id)]).into_owned()))
        })
        .collect();
    let mut headers = vec![("accept".into(), Secret::new("application/json"))];
    match &call.auth {
        WhoamiAuth::Bearer => headers.push(("authorization".into(), with_scheme("Bearer", bearer))),
        WhoamiAuth::Scheme(scheme) => headers.push(("authorization".into(), with_scheme(scheme, bearer))),
        WhoamiAuth::Header(name) => headers.push((name.clone().into(), bearer.clone())),
        WhoamiAuth::Query(name) => {
            url.query_pairs_mut().append_pair(name, bearer.expose());
        }
        WhoamiAuth::Body(name) => params.push((name, bearer.clone())),
    }
    let (method, body) = match call.method {
        WhoamiMethod::Get => {
            if !params.is_empty() {
                url.query_pairs_mut().extend_pairs(params.iter().map(|(name, value)| (name, value.expose())));
            }
            (Method::Get, None)
        }
        WhoamiMethod::Post if params.is_empty() => (Method::Post, None),
        WhoamiMethod::Post => (Method::Post, Some(body_of(call, &params))),
    };
    let mut request = OutboundRequest { method, url, headers, body };
    push_headers(&mut request, &call.headers, provider);
    Ok(request)
}

fn with_scheme(scheme: &str, token: &Secret) -> Secret {
    Secret::new(format!("{scheme} {}", token.expose()))
}

/// A form; JSON where the call's own header says that it is (GraphQL over HTTP).
fn body_of(call: &WhoamiCall, params: &[(&str, Secret)]) -> OutboundBody {
    let pairs: Vec<_> = params.iter().map(|(name, value)| (*name, value.expose())).collect();
    let kind = call.headers.get("content-type").map(String::as_str);
    if kind.is_some() && Media::parse(kind) == Media::Json { json_body(&pairs) } else { form_body(&pairs) }
}

/// A text or number of the token answer: at its top level, or one step below.
fn value_of(token: &TokenResponse, name: &str) -> Option<String> {
    if name == "access_token" {
        return Some(token.access_token.expose().to_owned());
    }
    let members = token.body.as_object()?;
    let inner = || members.values().filter_map(Value::as_object).find_map(|inner| inner.get(name));
    match members.get(name).or_else(inner)? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// The text of an answer that is signed (`application/jwt`; OIDC Core, 5.3.2), whose signature nobody has looked
/// at yet.
pub fn signed_answer(answer: &ProviderAnswer) -> Option<&str> {
    let is_signed =
        (200..300).contains(&answer.status) && Media::parse(answer.content_type.as_deref()) == Media::Jwt;
    std::str::from_utf8(&answer.body).ok().filter(|_| is_signed)
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
    if let Some(json) = json::padding_off(&answer.body) {
        return Ok(WhoamiBody { json, quirk: Some(Quirk::Padded) });
    }
    let quirk = match Media::parse(answer.content_type.as_deref()) {
        Media::Json => None,
        Media::Text | Media::Missing => Some(Quirk::ContentType),
        Media::Form | Media::Html | Media::Jwt | Media::Other => return fault(Code::WhoamiGarbage),
    };
    if answer.body.trim_ascii().is_empty() {
        return fault(Code::WhoamiGarbage);
    }
    Ok(WhoamiBody { json: &answer.body, quirk })
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;
    use crate::domain::provider::template::UrlTemplate;
    use crate::oauth::response::tests::provider;
    use crate::oauth::token::Terms;

    fn answer(status: u16, content_type: Option<&str>, body: &str) -> ProviderAnswer {
        ProviderAnswer { status, content_type: content_type.map(str::to_owned), body: body.into() }
    }

    #[test]
    fn the_token_stands_in_the_header_once() {
        let request = built(&call("https://p.example/me?v=2"), json!({}));
        assert_eq!((request.method, request.url.as_str()), (Method::Get, "https://p.example/me?v=2"));
        assert!(request.body.is_none());
        assert_eq!(
            headers(&request),
            [("accept", "application/json"), ("authorization", "Bearer the-token")]
        );
    }

    #[test]
    fn the_token_stands_where_the_settings_say() {
        let mut call = call("https://p.example/me?v=2");
        call.auth = WhoamiAuth::Scheme("token".to_owned());
        assert!(headers(&built(&call, json!({}))).contains(&("authorization", "token the-token")));
        call.auth = WhoamiAuth::Header("x-token".to_owned());
        let request = built(&call, json!({}));
        assert!(headers(&request).contains(&("x-token", "the-token")));
        assert!(!headers(&request).iter().any(|(name, _)| *name == "authorization"));
        call.auth = WhoamiAuth::Query("oauth_token".to_owned());
        let request = built(&call, json!({}));
        assert_eq!(request.url.query(), Some("v=2&oauth_token=the-token"));
        assert_eq!(headers(&request).len(), 1);
    }

    #[test]
    fn parameters_and_headers_are_added() {
        let mut call = call("https://p.example/me");
        call.params = [("f".to_owned(), "json&x".to_owned())].into();
        call.headers =
            [("client-id".to_owned(), "{client_id}".to_owned()), ("accept".to_owned(), "a/b".to_owned())]
                .into();
        let request = built(&call, json!({}));
        assert_eq!(request.url.query(), Some("f=json%26x"));
        assert!(headers(&request).contains(&("client-id", "Quiq Client")));
        assert_eq!(headers(&request).iter().filter(|(name, _)| *name == "accept").count(), 1);
        call.method = WhoamiMethod::Post;
        call.auth = WhoamiAuth::Body("access_token".to_owned());
        let request = built(&call, json!({}));
        assert_eq!((request.method, request.url.query()), (Method::Post, None));
        assert_eq!(request.body.unwrap().text.expose(), "f=json%26x&access_token=the-token");
    }

    #[test]
    fn a_part_of_the_url_may_stand_in_the_token_answer() {
        let call = call("https://{shop}.example.com/users/{user_id}");
        let request =
            built(&call, json!({"shop": "acme", "user": {"user_id": 18_446_744_073_709_551_615_u64}}));
        assert_eq!(request.url.as_str(), "https://acme.example.com/users/18446744073709551615");
        for told in [json!({"shop": "evil.example/", "user_id": 1}), json!({"shop": "acme"}), json!([])] {
            assert!(build_whoami_request(&call, &provider(), &token(told), &BTreeMap::new()).is_err());
        }
    }

    #[test]
    fn what_was_kept_of_the_callback_fills_a_path_and_never_a_host() {
        let kept = [("realm".to_owned(), "91 7".to_owned())].into();
        let asked =
            |url: &str, told: Value| build_whoami_request(&call(url), &provider(), &token(told), &kept);
        let url = asked("https://p.example/company/{realm}/info?id={realm}", json!({})).unwrap().url;
        assert_eq!(url.as_str(), "https://p.example/company/91%207/info?id=91%207");
        assert!(asked("https://{realm}.p.example/me", json!({})).is_err(), "no browser names a host");
        let url = asked("https://p.example/{realm}", json!({"realm": "told"})).unwrap().url;
        assert_eq!(url.path(), "/told", "what the provider says wins");
    }

    fn call(url: &str) -> WhoamiCall {
        WhoamiCall::bearer(UrlTemplate::parse(url).unwrap())
    }

    fn token(body: Value) -> TokenResponse {
        let access_token = Secret::new("the-token");
        TokenResponse {
            access_token,
            id_token: None,
            body,
            expires_in: None,
            terms: Terms::default(),
            quirks: Vec::new(),
        }
    }

    fn built(call: &WhoamiCall, told: Value) -> OutboundRequest {
        build_whoami_request(call, &provider(), &token(told), &BTreeMap::new()).unwrap()
    }

    fn headers(request: &OutboundRequest) -> Vec<(&str, &str)> {
        request.headers.iter().map(|(name, value)| (&**name, value.expose())).collect()
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
