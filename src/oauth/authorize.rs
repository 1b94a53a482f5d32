//! The authorization request: the URL to which the customer's browser is sent (RFC 6749, 4.1.1).

use std::borrow::Cow;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use url::Url;
use url::form_urlencoded;

use crate::domain::app::Demand;
use crate::domain::provider::oidc::LoginHint;
use crate::domain::provider::{NONCE, Pkce, Provider, ResponseMode, ScopeEncoding};
use crate::secret::Secret;

use super::server::Server;

/// What one opening of a link brings to the provider's settings.
#[derive(Debug, Clone, Copy)]
pub struct AuthorizeRequest<'a> {
    /// The provider's settings.
    pub provider: &'a Provider,
    /// Its server.
    pub server: &'a Server,
    /// The redirect URI; the token request repeats it byte for byte (RFC 6749, 4.1.3).
    pub redirect_uri: &'a str,
    /// The fresh state (RFC 6749, 10.12).
    pub state: &'a str,
    /// PKCE's secret: 43 to 128 characters (RFC 7636, 4.1); none if the provider has PKCE off.
    pub code_verifier: Option<&'a Secret>,
    /// The fresh nonce that the id_token must repeat (OIDC Core, 3.1.2.1); none for a login without one.
    pub nonce: Option<&'a Secret>,
    /// The customer's language tag, sent as `ui_locales` (`OpenID` Connect Core, 3.1.2.1) unless
    /// the provider's settings have one.
    pub locale: Option<&'a str>,
    /// The customer's address in the chat, for a provider whose settings want it as `login_hint`.
    pub handle: Option<&'a str>,
    /// What one of the tenant's apps asks of the sign-in; only an OpenID provider is told.
    pub demand: Demand,
}

/// Parameters in their order.
pub type Parameters<'a> = Vec<(&'a str, Cow<'a, str>)>;

/// The S256 challenge of a verifier, 43 characters of base64url (RFC 7636, 4.2).
pub fn challenge(verifier: &Secret) -> String {
    URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.expose().as_bytes()))
}

/// Whether a request of this provider needs a fresh nonce.
pub fn needs_nonce(provider: &Provider) -> bool {
    provider.is_openid() || provider.authorize_params.values().any(|value| value == NONCE)
}

/// The URL of the provider's sign-in page with every parameter once. What the flow relies on wins
/// over `authorize_params`, and those win over the query that the authorize URL already has.
pub fn build_authorize_url(request: &AuthorizeRequest<'_>) -> Url {
    let pairs = parameters(request);
    let mut url = with_parameters(&request.server.authorize_url, &pairs);
    if request.provider.scope_encoding == ScopeEncoding::Bare {
        let bare = bare_scope(request.provider, url.query().unwrap_or_default());
        url.set_query(Some(&bare));
    }
    url
}

/// A query whose scopes have their separator between them as it is.
fn bare_scope(provider: &Provider, query: &str) -> String {
    let Some(scope) = scope_text(provider) else { return query.to_owned() };
    let (mut encoded, mut bare) = (String::new(), String::new());
    push_pair(&mut encoded, provider.name_of("scope"), &scope);
    for (at, word) in provider.scope.as_deref().unwrap_or_default().split_ascii_whitespace().enumerate() {
        let mut pair = String::new();
        push_pair(&mut pair, provider.name_of("scope"), word);
        let value = pair.split_once('=').map_or("", |(_, value)| value);
        if at == 0 {
            bare.push_str(&pair);
        } else {
            bare.push_str(&provider.scope_separator);
            bare.push_str(value);
        }
    }
    let parts = query.split('&').map(|part| if part == encoded { bare.as_str() } else { part });
    parts.collect::<Vec<_>>().join("&")
}

/// A URL with these parameters in its query, each once.
pub(super) fn with_parameters(url: &Url, pairs: &Parameters<'_>) -> Url {
    let mut query = kept_query(url, pairs);
    for (name, value) in pairs {
        push_pair(&mut query, name, value);
    }
    let mut url = url.clone();
    url.set_query(Some(&query));
    url
}

/// Every parameter of the request, by the provider's names.
pub(super) fn parameters<'a>(request: &AuthorizeRequest<'a>) -> Parameters<'a> {
    let provider = request.provider;
    let response_type = provider.authorize_params.get("response_type").map_or("code", String::as_str);
    let mut pairs: Parameters<'_> = vec![
        ("response_type", response_type.into()),
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
    if let Some(nonce) = request.nonce.filter(|_| provider.is_openid()) {
        pairs.push(("nonce", nonce.expose().into()));
    }
    for (name, _) in &mut pairs {
        *name = provider.name_of(name);
    }
    push_openid(&mut pairs, request);
    for (name, value) in provider.authorize_params.iter().filter(|(name, _)| *name != "response_type") {
        if !holds(&pairs, name) {
            let nonce = request.nonce.filter(|_| value == NONCE).map(Secret::expose);
            pairs.push((name, nonce.unwrap_or(value).into()));
        }
    }
    if let Some(locale) = request.locale {
        let set = request.server.authorize_url.query_pairs().any(|(name, _)| name == "ui_locales");
        if !set && !holds(&pairs, "ui_locales") {
            pairs.push(("ui_locales", locale.into()));
        }
    }
    pairs
}

/// What the settings say of the sign-in itself (OIDC Core, 3.1.2.1 and 5.5).
fn push_openid<'a>(pairs: &mut Parameters<'a>, request: &AuthorizeRequest<'a>) {
    let oidc = &request.provider.oidc;
    let demand = if request.provider.is_openid() { request.demand } else { Demand::default() };
    if let Some(seconds) = oidc.max_age.into_iter().chain(demand.oldest()).min() {
        pairs.push(("max_age", seconds.to_string().into()));
    }
    if !oidc.acr_values.is_empty() {
        pairs.push(("acr_values", oidc.acr_values.join(" ").into()));
    }
    if let Some(prompt) = prompt(request.provider, demand) {
        pairs.push(("prompt", prompt));
    }
    let hint = match &oidc.login_hint {
        Some(LoginHint::Handle) => request.handle,
        Some(LoginHint::Fixed(hint)) => Some(hint.as_str()),
        None => None,
    };
    pairs.extend(hint.map(|hint| ("login_hint", hint.into())));
    if let Some(claims) = &oidc.claims {
        pairs.push(("claims", claims.to_string().into()));
    }
}

/// What the provider must show: what the settings want, wherever they say so, and what an app asks for beside it.
fn prompt(provider: &Provider, demand: Demand) -> Option<Cow<'_, str>> {
    let mut asked = demand.prompts().peekable();
    if asked.peek().is_none() {
        return provider.oidc.prompt.as_deref().map(Cow::Borrowed);
    }
    let set = provider.oidc.prompt.as_ref().or_else(|| provider.authorize_params.get("prompt"));
    // `none` stands alone, and contradicts whatever is asked for.
    let set =
        set.map(String::as_str).unwrap_or_default().split(' ').filter(|word| !matches!(*word, "" | "none"));
    let mut words: Vec<&str> = set.collect();
    for word in asked {
        if !words.contains(&word) {
            words.push(word);
        }
    }
    Some(words.join(" ").into())
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
        build(provider, locale, None, Some("+15550100"))
    }

    fn build(provider: &Provider, locale: Option<&str>, nonce: Option<&Secret>, handle: Option<&str>) -> Url {
        let verifier = Secret::new(VERIFIER);
        build_authorize_url(&AuthorizeRequest {
            provider,
            server: &Server::of(provider, None).unwrap(),
            redirect_uri: "https://acme.example.com/idp/eu/oauth/callback",
            state: "a-state",
            code_verifier: Some(&verifier),
            nonce,
            locale,
            handle,
            demand: Demand::default(),
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
            "https://p.example/a?tenant=x%2By&&st%61te=evil&response_type=token&flag".parse().ok();
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
        provider.scope_encoding = ScopeEncoding::Bare;
        provider.scope = Some("user:read a&b".to_owned());
        assert!(url_of(&provider, None).as_str().contains("&scope=user%3Aread,a%26b&"));
        provider.scope_separator = "+".to_owned();
        assert!(url_of(&provider, None).as_str().contains("&scope=user%3Aread+a%26b&"));
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
            server: &Server::of(&provider, None).unwrap(),
            redirect_uri,
            state,
            code_verifier: None,
            nonce: None,
            locale: None,
            handle: None,
            demand: Demand::default(),
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

    #[test]
    fn a_provider_has_names_of_its_own_for_our_parameters() {
        let mut provider = provider();
        provider.rename =
            [("client_id", "appid"), ("state", "st")].map(|(a, b)| (a.to_owned(), b.to_owned())).into();
        let url = url_of(&provider, None);
        let names: Vec<_> = url.query_pairs().map(|(name, _)| name.into_owned()).collect();
        assert!(names.contains(&"appid".to_owned()) && names.contains(&"st".to_owned()));
        assert!(!names.contains(&"client_id".to_owned()) && !names.contains(&"state".to_owned()));
    }

    #[test]
    fn a_nonce_is_sent_where_it_is_needed_and_another_response_type_where_it_is_set() {
        let mut provider = provider();
        assert!(!needs_nonce(&provider));
        provider.authorize_params.insert("nonce".to_owned(), NONCE.to_owned());
        provider.authorize_params.insert("response_type".to_owned(), "web_server".to_owned());
        assert!(needs_nonce(&provider));
        let nonce = Secret::new("a-nonce");
        let url = build(&provider, None, Some(&nonce), None);
        let pairs: Vec<_> = url.query_pairs().collect();
        assert_eq!(pairs.iter().filter(|(name, _)| name == "nonce").count(), 1);
        assert!(pairs.contains(&("nonce".into(), "a-nonce".into())));
        assert_eq!(pairs.iter().filter(|(name, _)| name == "response_type").count(), 1);
        assert!(pairs.contains(&("response_type".into(), "web_server".into())));
    }

    #[test]
    fn what_the_settings_say_of_the_sign_in_is_sent() {
        let mut provider = provider();
        provider.oidc.max_age = Some(0);
        provider.oidc.acr_values = vec!["gold".to_owned(), "silver".to_owned()];
        provider.oidc.prompt = Some("login consent".to_owned());
        provider.oidc.login_hint = Some(LoginHint::Handle);
        provider.oidc.claims = Some(serde_json::json!({"id_token": {"email": null}}));
        let url = url_of(&provider, None);
        let pairs: Vec<_> = url.query_pairs().collect();
        for (name, value) in [
            ("max_age", "0"),
            ("acr_values", "gold silver"),
            ("prompt", "login consent"),
            ("login_hint", "+15550100"),
            ("claims", r#"{"id_token":{"email":null}}"#),
        ] {
            assert!(pairs.contains(&(name.into(), value.into())), "{name}");
        }
        provider.oidc.login_hint = Some(LoginHint::Fixed("dana".to_owned()));
        assert!(url_of(&provider, None).as_str().contains("login_hint=dana"));
    }

    #[test]
    fn what_an_app_asks_of_the_sign_in_joins_what_the_settings_say_and_only_openid_providers_are_told() {
        let url = |provider: &Provider, demand| {
            build_authorize_url(&AuthorizeRequest {
                provider,
                server: &Server::of(provider, None).unwrap(),
                redirect_uri: "https://acme.example.com/",
                state: "s",
                code_verifier: Some(&Secret::new(VERIFIER)),
                nonce: Some(&Secret::new("n")),
                locale: None,
                handle: None,
                demand,
            })
        };
        let told = |provider: &Provider, demand, name: &str| {
            let url = url(provider, demand);
            let found = url.query_pairs().filter(|pair| pair.0 == name);
            let found: Vec<String> = found.map(|(_, value)| value.into_owned()).collect();
            assert!(found.len() < 2, "{name} stands twice");
            found.into_iter().next()
        };
        let demand = Demand { max_age: Some(300), login: true, select_account: false };
        let mut provider = provider();
        assert_eq!((told(&provider, demand, "prompt"), told(&provider, demand, "max_age")), (None, None));
        provider.scope = Some("openid".to_owned());
        provider.oidc.issuer = Some("https://yoursite.com".to_owned());
        provider.oidc.jwks_url = "https://yoursite.com/keys".parse().ok();
        assert_eq!(told(&provider, demand, "prompt").as_deref(), Some("login"));
        assert_eq!(told(&provider, demand, "max_age").as_deref(), Some("0"), "a sign-in anew is of no age");
        let young = Demand { login: false, ..demand };
        assert_eq!(told(&provider, young, "max_age").as_deref(), Some("300"));
        provider.authorize_params.insert("prompt".to_owned(), "consent none".to_owned());
        provider.oidc.max_age = Some(60);
        assert_eq!(told(&provider, demand, "prompt").as_deref(), Some("consent login"));
        assert_eq!(told(&provider, young, "max_age").as_deref(), Some("60"), "the stricter of both");
        provider.oidc.prompt = Some("login".to_owned());
        assert_eq!(told(&provider, demand, "prompt").as_deref(), Some("login"));
        assert_eq!(told(&provider, Demand::default(), "prompt").as_deref(), Some("login"));
        let both = Demand { select_account: true, ..demand };
        assert_eq!(told(&provider, both, "prompt").as_deref(), Some("login select_account"));
    }
}
