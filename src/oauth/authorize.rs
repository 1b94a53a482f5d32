//! The authorization request: the URL to which the customer's browser is sent (RFC 6749, 4.1.1).

use std::borrow::Cow;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use url::Url;
use url::form_urlencoded;

use crate::domain::provider::{Pkce, Provider, ResponseMode};
use crate::secret::Secret;

/// What one opening of a link brings to the provider's settings.
#[derive(Debug, Clone, Copy)]
pub struct AuthorizeRequest<'a> {
    /// The provider's settings.
    pub provider: &'a Provider,
    /// The redirect URI; the token request repeats it byte for byte (RFC 6749, 4.1.3).
    pub redirect_uri: &'a str,
    /// The fresh state (RFC 6749, 10.12).
    pub state: &'a str,
    /// PKCE's secret: 43 to 128 characters (RFC 7636, 4.1); none if the provider has PKCE off.
    pub code_verifier: Option<&'a Secret>,
    /// The customer's language tag, sent as `ui_locales` (`OpenID` Connect Core, 3.1.2.1) unless
    /// the provider's settings have one.
    pub locale: Option<&'a str>,
}

/// The S256 challenge of a verifier, 43 characters of base64url (RFC 7636, 4.2).
pub fn challenge(verifier: &Secret) -> String {
    URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.expose().as_bytes()))
}

/// The URL of the provider's sign-in page with every parameter once. What the flow relies on wins
/// over `authorize_params`, and those win over the query that the authorize URL already has.
pub fn build_authorize_url(request: &AuthorizeRequest<'_>) -> Url {
    let pairs = parameters(request);
    let mut query = kept_query(&request.provider.authorize_url, &pairs);
    for (name, value) in &pairs {
        push_pair(&mut query, name, value);
    }
    let mut url = request.provider.authorize_url.clone();
    url.set_query(Some(&query));
    url
}

fn parameters<'a>(request: &AuthorizeRequest<'a>) -> Vec<(&'a str, Cow<'a, str>)> {
    let provider = request.provider;
    let mut pairs: Vec<(&str, Cow<'_, str>)> = vec![
        ("response_type", "code".into()),
        ("client_id", provider.client_id.as_str().into()),
        ("redirect_uri", request.redirect_uri.into()),
    ];
    if let Some(scope) = scope_text(provider) {
        pairs.push(("scope", scope));
    }
    pairs.push(("state", request.state.into()));
    if provider.pkce == Pkce::S256 {
        let verifier =
            request.code_verifier.expect("a request has a verifier unless its provider has PKCE off");
        pairs.push(("code_challenge", challenge(verifier).into()));
        pairs.push(("code_challenge_method", "S256".into()));
    }
    if provider.response_mode == ResponseMode::FormPost {
        pairs.push(("response_mode", "form_post".into()));
    }
    for (name, value) in &provider.authorize_params {
        if !holds(&pairs, name) {
            pairs.push((name, value.as_str().into()));
        }
    }
    if let Some(locale) = request.locale {
        let set = provider.authorize_url.query_pairs().any(|(name, _)| name == "ui_locales");
        if !set && !holds(&pairs, "ui_locales") {
            pairs.push(("ui_locales", locale.into()));
        }
    }
    pairs
}

/// The scopes with the provider's separator between them; nothing if there are none, because an
/// empty `scope` is an error at many providers (RFC 6749, 3.3).
fn scope_text(provider: &Provider) -> Option<Cow<'_, str>> {
    let scope = provider.scope.as_deref()?;
    let scopes: Vec<&str> = scope.split_ascii_whitespace().collect();
    match scopes.as_slice() {
        [] => None,
        [one] => Some(Cow::Borrowed(*one)),
        many => Some(many.join(&provider.scope_separator).into()),
    }
}

/// The authorize URL's own query, byte for byte, without the parameters that are set anew.
fn kept_query(url: &Url, pairs: &[(&str, Cow<'_, str>)]) -> String {
    let mut kept = String::with_capacity(512);
    for part in url.query().unwrap_or_default().split('&').filter(|part| !part.is_empty()) {
        let name = form_urlencoded::parse(part.as_bytes()).next().map(|(name, _)| name);
        if name.is_some_and(|name| !holds(pairs, &name)) {
            separate(&mut kept);
            kept.push_str(part);
        }
    }
    kept
}

fn holds(pairs: &[(&str, Cow<'_, str>)], name: &str) -> bool {
    pairs.iter().any(|(known, _)| *known == name)
}

/// Spaces become `%20`: every form decoder understands it, while some providers take `+` for a plus.
fn push_pair(query: &mut String, name: &str, value: &str) {
    separate(query);
    for (part, end) in [(name, "="), (value, "")] {
        for piece in form_urlencoded::byte_serialize(part.as_bytes()) {
            query.push_str(if piece == "+" { "%20" } else { piece });
        }
        query.push_str(end);
    }
}

fn separate(query: &mut String) {
    if !query.is_empty() {
        query.push('&');
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oauth::response::tests::provider;

    const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

    fn url_of(provider: &Provider, locale: Option<&str>) -> Url {
        let verifier = Secret::new(VERIFIER);
        build_authorize_url(&AuthorizeRequest {
            provider,
            redirect_uri: "https://acme.example.com/idp/eu/oauth/callback",
            state: "a-state",
            code_verifier: Some(&verifier),
            locale,
        })
    }

    #[test]
    fn the_challenge_is_that_of_rfc_7636_appendix_b() {
        assert_eq!(challenge(&Secret::new(VERIFIER)), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    }

    #[test]
    fn the_seeds_provider_gets_the_parameters_of_the_rfc_each_once() {
        assert_eq!(
            url_of(&provider(), None).as_str(),
            "https://yoursite.com/auth?response_type=code&client_id=Quiq%20Client\
             &redirect_uri=https%3A%2F%2Facme.example.com%2Fidp%2Feu%2Foauth%2Fcallback\
             &scope=read&state=a-state\
             &code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256"
        );
    }

    #[test]
    fn a_query_of_the_authorize_url_is_kept_but_loses_what_we_set() {
        let mut provider = provider();
        provider.authorize_url =
            "https://p.example/a?tenant=x%2By&&st%61te=evil&response_type=token&flag".parse().unwrap();
        let url = url_of(&provider, None);
        assert!(url.as_str().starts_with("https://p.example/a?tenant=x%2By&flag&response_type=code&"));
        assert_eq!(url.query_pairs().filter(|(name, _)| name == "state").count(), 1);
    }

    #[test]
    fn fixed_parameters_never_replace_what_the_flow_relies_on() {
        let mut provider = provider();
        for (name, value) in [("state", "fixed"), ("redirect_uri", "https://evil.example"), ("prompt", "a b")]
        {
            provider.authorize_params.insert(name.to_owned(), value.to_owned());
        }
        let url = url_of(&provider, None);
        let pairs: Vec<_> = url.query_pairs().collect();
        assert!(pairs.contains(&("prompt".into(), "a b".into())));
        assert!(pairs.contains(&("state".into(), "a-state".into())));
        assert!(!url.as_str().contains("evil") && !url.as_str().contains("fixed"));
    }

    #[test]
    fn an_empty_scope_is_left_out_and_others_get_the_providers_separator() {
        let mut provider = provider();
        provider.scope = Some("  ".to_owned());
        assert!(!url_of(&provider, None).as_str().contains("scope"));
        provider.scope = Some("read  write".to_owned());
        assert!(url_of(&provider, None).as_str().contains("&scope=read%20write&"));
        provider.scope_separator = ",".to_owned();
        assert!(url_of(&provider, None).as_str().contains("&scope=read%2Cwrite&"));
    }

    #[test]
    fn pkce_is_left_out_only_where_it_is_switched_off() {
        let mut provider = provider();
        provider.pkce = Pkce::Off;
        assert!(!url_of(&provider, None).as_str().contains("code_challenge"));
    }

    #[test]
    #[should_panic(expected = "a request has a verifier")]
    fn a_request_without_verifier_is_not_built_for_a_provider_with_pkce() {
        let provider = provider();
        let (redirect_uri, state) = ("https://acme.example.com/", "s");
        let _ = build_authorize_url(&AuthorizeRequest {
            provider: &provider,
            redirect_uri,
            state,
            code_verifier: None,
            locale: None,
        });
    }

    #[test]
    fn form_post_is_asked_for() {
        let mut provider = provider();
        provider.response_mode = ResponseMode::FormPost;
        assert!(url_of(&provider, None).as_str().contains("&response_mode=form_post"));
    }

    #[test]
    fn the_customers_language_yields_to_a_fixed_one() {
        let mut provider = provider();
        assert!(url_of(&provider, Some("de-CH")).as_str().ends_with("&ui_locales=de-CH"));
        provider.authorize_params.insert("ui_locales".to_owned(), "fr".to_owned());
        let url = url_of(&provider, Some("de-CH"));
        assert!(url.as_str().contains("ui_locales=fr") && !url.as_str().contains("de-CH"));
    }
}
