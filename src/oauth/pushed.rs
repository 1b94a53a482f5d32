//! Pushed authorization requests (RFC 9126): the parameters go to the provider directly, and the
//! customer's browser carries a name for them only.

use serde_json::Value;
use url::Url;

use crate::domain::fault::{Code, Fault, Step};
use crate::domain::provider::Provider;
use crate::secret::Secret;

use super::authorize::{AuthorizeRequest, parameters, with_parameters};
use super::client_auth::Credentials;
use super::json;
use super::token::form_body;
use super::wire::{Method, OutboundRequest, ProviderAnswer};

/// How long a name may be, in bytes; it stands in a URL.
const MAX_LENGTH: usize = 1024;

/// The call that hands the parameters over, with the same client authentication as the token call
/// (RFC 9126, 2.1).
pub fn build_pushed_request(
    url: &Url,
    request: &AuthorizeRequest<'_>,
    credentials: &Credentials,
) -> OutboundRequest {
    let mut pairs: Vec<(&str, &str)> = Vec::new();
    let parameters = parameters(request);
    pairs.extend(parameters.iter().map(|(name, value)| (*name, &**value)));
    for (name, value) in &credentials.params {
        let name = request.provider.name_of(name);
        if !pairs.iter().any(|(known, _)| *known == name) {
            pairs.push((name, value.expose()));
        }
    }
    let mut headers = vec![("accept".into(), Secret::new("application/json"))];
    headers.extend(credentials.header.clone().map(|header| ("authorization".into(), header)));
    OutboundRequest { method: Method::Post, url: url.clone(), headers, body: Some(form_body(&pairs)) }
}

/// Reads the provider's name for the request (RFC 9126, 2.2). A refusal names our credentials or
/// our parameters; both are the tenant's settings.
pub fn parse_pushed_answer(answer: &ProviderAnswer) -> Result<String, Fault> {
    let fault = || Fault::new(Step::Verify, Code::ParFailed);
    if !matches!(answer.status, 200 | 201) {
        return Err(fault());
    }
    let body = json::parse(&answer.body).map_err(|_| fault())?;
    let name = body.get("request_uri").and_then(Value::as_str).ok_or_else(fault)?;
    let fits = (1..=MAX_LENGTH).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_graphic());
    if fits { Ok(name.to_owned()) } else { Err(fault()) }
}

/// The URL of the sign-in page for a request that was pushed (RFC 9126, 4).
pub fn build_pushed_url(provider: &Provider, authorize_url: &Url, request_uri: &str) -> Url {
    let client_id = (provider.name_of("client_id"), provider.client_id.as_str().into());
    with_parameters(authorize_url, &vec![client_id, ("request_uri", request_uri.into())])
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::domain::provider::ClientAuth;
    use crate::oauth::client_auth::{Proof, build_credentials};
    use crate::oauth::response::tests::provider;
    use crate::oauth::server::Server;

    #[test]
    fn every_parameter_is_pushed_once_and_the_browser_carries_a_name() {
        let provider = provider();
        let server = Server::of(&provider, None).unwrap();
        let verifier = Secret::new("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
        let request = AuthorizeRequest {
            provider: &provider,
            server: &server,
            redirect_uri: "https://acme.example.com/idp/eu/oauth/callback",
            state: "a-state",
            code_verifier: Some(&verifier),
            nonce: None,
            locale: None,
            handle: None,
            demand: crate::domain::app::Demand::default(),
        };
        let secret = Secret::new("the-secret");
        let credentials =
            build_credentials(&provider, ClientAuth::ClientSecretPost, Proof::Secret(Some(&secret)));
        let url = "https://yoursite.com/par".parse().unwrap();
        let pushed = build_pushed_request(&url, &request, &credentials);
        assert_eq!((pushed.method, &pushed.url), (Method::Post, &url));
        let body = pushed.body.unwrap().text.expose().to_owned();
        assert_eq!(body.matches("client_id=").count(), 1);
        assert!(body.contains("state=a-state") && body.ends_with("client_secret=the-secret"), "{body}");
        let url = build_pushed_url(&provider, &server.authorize_url, "urn:x:1");
        assert_eq!(url.as_str(), "https://yoursite.com/auth?client_id=Quiq%20Client&request_uri=urn%3Ax%3A1");
    }

    #[rstest]
    #[case(201, r#"{"request_uri":"urn:a","expires_in":60}"#, Some("urn:a"))]
    #[case(200, r#"{"request_uri":"urn:a"}"#, Some("urn:a"))]
    #[case(201, r#"{"request_uri":""}"#, None)]
    #[case(201, r#"{"request_uri":"a b"}"#, None)]
    #[case(201, r#"{"request_uri":7}"#, None)]
    #[case(201, "<html>", None)]
    #[case(400, r#"{"error":"invalid_request","request_uri":"urn:a"}"#, None)]
    #[case(302, "", None)]
    fn an_answer_names_the_request_or_is_a_fault(
        #[case] status: u16,
        #[case] body: &str,
        #[case] name: Option<&str>,
    ) {
        let answer = ProviderAnswer { status, content_type: None, body: body.into() };
        assert_eq!(parse_pushed_answer(&answer).ok().as_deref(), name);
    }
}
