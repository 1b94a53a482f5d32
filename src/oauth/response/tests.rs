//! Tests of the authorization response, and the provider and grant that the sibling files test with.

use std::collections::BTreeMap;

use jiff::Timestamp;
use proptest::prelude::*;
use rstest::rstest;

use super::*;
use crate::domain::ids::{AttemptId, LinkId};
use crate::domain::provider::call::WhoamiCall;
use crate::domain::provider::oidc::{CLOCK_SKEW, Oidc};
use crate::domain::provider::template::UrlTemplate;
use crate::domain::provider::{
    CallbackPath, ClientAuth, EnrichPolicy, Identity, Pkce, Revision, TokenRequestForm,
};
use crate::domain::request::{Phase, REQUEST_LIFETIME};

const REDIRECT_URI: &str = "https://acme.example.com/idp/eu/oauth/callback";

/// The seed's minimal provider.
pub(crate) fn provider() -> Provider {
    Provider {
        id: "acme".parse().unwrap(),
        label: "Acme".to_owned(),
        client_id: "Quiq Client".to_owned(),
        client_secret: Some(Secret::new("the-secret")),
        scope: Some("read".to_owned()),
        previous_secret: None,
        previous_key: None,
        assertion: crate::domain::provider::AssertionNames::default(),
        scope_encoding: crate::domain::provider::ScopeEncoding::Percent,
        callback_keep: Vec::new(),
        issued_by: None,
        private_key: None,
        authorize_url: "https://yoursite.com/auth".parse().ok(),
        token_url: "https://yoursite.com/auth/token".parse().ok(),
        whoami: Some(WhoamiCall::bearer(UrlTemplate::parse("https://yoursite.com/whoami").unwrap())),
        further_whoami: Vec::new(),
        identity: Identity::Whoami,
        mapping: None,
        subject: None,
        trusted: Vec::new(),
        callback_path: CallbackPath::Bare,
        client_auth: ClientAuth::Auto,
        token_request: TokenRequestForm::Form,
        pkce: Pkce::S256,
        scope_separator: " ".to_owned(),
        authorize_params: BTreeMap::new(),
        token_params: BTreeMap::new(),
        token_headers: BTreeMap::new(),
        token_path: None,
        exchange: None,
        rename: BTreeMap::new(),
        callback_names: CallbackNames::default(),
        vars: BTreeMap::new(),
        oidc: Oidc { clock_skew: CLOCK_SKEW, ..Oidc::default() },
        response_mode: ResponseMode::Query,
        enrich: EnrichPolicy::default(),
        merge_by_email: false,
        vault: false,
        blocks_webviews: false,
        for_staff: true,
        revision: Revision::new("r1"),
    }
}

/// A grant of that provider with the code `the-code` and the verifier `the-verifier`.
pub(crate) fn grant() -> Grant {
    let provider = provider();
    match response("code=the-code&state=s").verify(&sent(), &arrival(&provider)) {
        Ok(Verdict::Granted(grant)) => grant,
        other => panic!("{other:?}"),
    }
}

fn sent() -> AuthorizationRequest {
    let id = uuid::Uuid::from_u128(1);
    AuthorizationRequest {
        key: "key".to_owned(),
        id: AttemptId::from_uuid(id),
        link: LinkId::from_uuid(id),
        provider: "acme".parse().unwrap(),
        revision: Revision::new("r1"),
        route: Route::EndUser,
        redirect_uri: REDIRECT_URI.to_owned(),
        code_verifier: Some(Secret::new("the-verifier")),
        nonce: Some(Secret::new("the-nonce")),
        issuer: None,
        names_issuer: false,
        brought: None,
        cookie_hash: "h".to_owned(),
        cookie_name: "__Host-cs-12345678".to_owned(),
        native: None,
        in_chat: false,
        created_at: Timestamp::UNIX_EPOCH,
        expires_at: Timestamp::UNIX_EPOCH + REQUEST_LIFETIME,
        phase: Phase::Started,
        timeline: crate::domain::timeline::Timeline::default(),
    }
}

fn arrival(provider: &Provider) -> Arrival<'_> {
    let (route, mode) = (Route::EndUser, ResponseMode::Query);
    Arrival { provider, route, redirect_uri: REDIRECT_URI, mode, issuer: None, names_issuer: false }
}

fn response(query: &str) -> AuthorizationResponse {
    parse_query(query).and_then(|pairs| parse_response(&pairs, &CallbackNames::default())).unwrap()
}

fn fault_of(query: &str) -> Code {
    let fault =
        parse_query(query).and_then(|pairs| parse_response(&pairs, &CallbackNames::default())).unwrap_err();
    assert_eq!(fault.step, Step::Parse, "{query}");
    fault.code
}

#[test]
fn code_state_and_issuer_are_read_and_the_rest_is_ignored() {
    let response =
        response("code=a%2Fb&state=s+1&iss=https%3A%2F%2Fp.example&scope=read&scope=write&realmId=7");
    assert_eq!((response.state.as_str(), response.iss.as_deref()), ("s 1", Some("https://p.example")));
    let Answer::Code(code) = response.answer else { panic!("no code") };
    assert!(code.matches("a/b"));
}

#[rstest]
#[case::state("code=a&state=s&state=s")]
#[case::code("code=a&code=b&state=s")]
#[case::code_and_blank_code("code=a&code=&state=s")]
#[case::iss("code=a&state=s&iss=x&iss=x")]
#[case::error("error=a&error=b&state=s")]
#[case::description("error=a&error_description=x&error_description=y&state=s")]
#[case::spelled_otherwise("code=a&c%6Fde=b&state=s")]
#[case::both("code=a&error=access_denied&state=s")]
fn two_answers_are_a_conflict(#[case] query: &str) {
    assert_eq!(fault_of(query), Code::ParamsConflict);
}

#[rstest]
#[case::nothing("")]
#[case::no_state("code=a")]
#[case::blank_state("code=a&state=")]
#[case::denial_without_state("error=access_denied")]
#[case::neither("state=s")]
#[case::blank_code("code=&state=s")]
#[case::null("code=a%00b&state=s")]
#[case::line_break("code=a&state=s%0d%0aSet-Cookie:x")]
#[case::c1_control("code=a&state=s&iss=%C2%85")]
#[case::no_utf8("code=a&state=%ff%fe")]
#[case::no_hex("code=%zz&state=s")]
#[case::javascript_escape("code=%u0041&state=s")]
fn what_is_missing_or_no_text_is_refused(#[case] query: &str) {
    assert_eq!(fault_of(query), Code::ParamsMissing);
}

#[test]
fn a_value_is_at_most_four_kibibytes() {
    let long = |len| format!("code={}&state=s", "a".repeat(len));
    assert!(matches!(response(&long(VALUE)).answer, Answer::Code(_)));
    assert_eq!(fault_of(&long(VALUE + 1)), Code::ParamsMissing);
}

#[test]
fn too_many_parameters_are_refused() {
    assert_eq!(fault_of(&vec!["a=b"; 65].join("&")), Code::ParamsMissing);
}

#[test]
fn an_error_with_a_blank_code_beside_it_is_an_error() {
    let denied = response("error=access_denied&code=&state=s");
    assert!(matches!(denied.answer, Answer::Error(error) if error == "access_denied"));
}

#[test]
fn an_error_code_that_is_none_reads_unrecognised() {
    for error in ["%C3%BC", "a%22b", "a%5Cb", &"a".repeat(65)] {
        let answer = response(&format!("error={error}&state=s")).answer;
        assert!(matches!(answer, Answer::Error(error) if error == "unrecognised"), "{error}");
    }
}

#[test]
fn neither_code_nor_state_is_shown() {
    let shown = format!("{:?}", response("code=canary&state=canary&iss=i"));
    assert_eq!(shown, "AuthorizationResponse(code, iss Some(\"i\"))");
}

#[test]
fn a_verified_response_is_a_grant_with_what_was_pinned() {
    let grant = grant();
    assert!(grant.code().matches("the-code"));
    assert_eq!(grant.redirect_uri(), REDIRECT_URI);
    assert!(grant.code_verifier().unwrap().matches("the-verifier"));
    assert!(grant.nonce().unwrap().matches("the-nonce"));
}

#[test]
fn a_denial_is_told_from_another_error() {
    for (error, code) in [("access_denied", Code::AccessDenied), ("server_error", Code::ProviderError)] {
        let provider = provider();
        let verdict = response(&format!("error={error}&state=s")).verify(&sent(), &arrival(&provider));
        let Ok(Verdict::Refused(fault)) = verdict else { panic!("{verdict:?}") };
        assert_eq!(fault, Fault::new(Step::Verify, code));
    }
}

#[test]
fn another_provider_or_revision_than_pinned_is_refused() {
    let mut renamed = provider();
    renamed.id = "other".parse().unwrap();
    let mut edited = provider();
    edited.revision = Revision::new("r2");
    for provider in [renamed, edited] {
        assert_eq!(verify_fault(&arrival(&provider)), Code::ProviderChanged);
    }
}

#[test]
fn another_way_back_than_pinned_is_refused() {
    let provider = provider();
    let other_uri = "https://acme.example.com/idp/eu/oauth/callback/";
    let ways = [
        Arrival { route: Route::Abc, ..arrival(&provider) },
        Arrival { redirect_uri: other_uri, ..arrival(&provider) },
        Arrival { mode: ResponseMode::FormPost, ..arrival(&provider) },
    ];
    for way in ways {
        assert_eq!(verify_fault(&way), Code::RouteMismatch);
    }
}

#[rstest]
#[case::missing("code=a&state=s")]
#[case::other("code=a&state=s&iss=https%3A%2F%2Fevil.example")]
#[case::trailing_slash("code=a&state=s&iss=https%3A%2F%2Fp.example%2F")]
#[case::in_an_error_too("error=access_denied&state=s")]
fn an_announced_issuer_is_required_and_compared_exactly(#[case] query: &str) {
    let provider = provider();
    let arrival = Arrival { issuer: Some("https://p.example"), names_issuer: true, ..arrival(&provider) };
    let fault = response(query).verify(&sent(), &arrival).unwrap_err();
    assert_eq!(fault, Fault::new(Step::Verify, Code::IssuerMismatch));
    let named = response("code=a&state=s&iss=https%3A%2F%2Fp.example").verify(&sent(), &arrival);
    assert!(matches!(named, Ok(Verdict::Granted(_))));
}

#[test]
fn an_issuer_that_is_not_announced_may_be_missing_but_not_another_one() {
    let provider = provider();
    let arrival = Arrival { issuer: Some("https://p.example"), ..arrival(&provider) };
    assert!(response("code=a&state=s").verify(&sent(), &arrival).is_ok());
    let other = response("code=a&state=s&iss=https%3A%2F%2Fevil.example").verify(&sent(), &arrival);
    assert_eq!(other.unwrap_err().code, Code::IssuerMismatch);
}

#[test]
fn a_provider_may_call_code_and_state_otherwise() {
    let usual = CallbackNames::default();
    let other = CallbackNames { code: "auth_code".to_owned(), state: "st".to_owned() };
    let pairs = parse_query("auth_code=c&st=s&code=x").unwrap();
    assert_eq!(names_of(&pairs, [&usual, &other]), other);
    let response = parse_response(&pairs, &other).unwrap();
    assert_eq!(response.state, "s");
    assert!(matches!(response.answer, Answer::Code(code) if code.matches("c")));
    assert_eq!(names_of(&parse_query("state=s").unwrap(), [&other, &usual]), usual);
    assert_eq!(names_of(&[], [&other]), usual);
    let twice = parse_query("auth_code=c&auth_code=d&st=s").unwrap();
    assert_eq!(parse_response(&twice, &other).unwrap_err().code, Code::ParamsConflict);
}

fn verify_fault(arrival: &Arrival<'_>) -> Code {
    let fault = response("code=a&state=s").verify(&sent(), arrival).unwrap_err();
    assert_eq!(fault.step, Step::Verify);
    fault.code
}

proptest! {
    #[test]
    fn any_form_is_a_response_or_a_fault(bytes: Vec<u8>) {
        let _ = parse_form(&bytes).map(|pairs| parse_response(&pairs, &CallbackNames::default()));
    }

    #[test]
    fn a_parsed_response_holds_no_control_character(
        names in proptest::collection::vec("state|code|iss|error|x", 0..5),
        values in proptest::collection::vec(".{0,8}", 5),
    ) {
        let pairs: Vec<_> = names.into_iter().zip(values).collect();
        if let Ok(response) = parse_response(&pairs, &CallbackNames::default()) {
            let iss = response.iss.as_deref().unwrap_or_default();
            prop_assert!(!response.state.is_empty());
            prop_assert!(!response.state.chars().chain(iss.chars()).any(char::is_control));
            if let Answer::Error(error) = response.answer {
                prop_assert!(error.is_ascii() && error.len() <= ERROR_CODE);
            }
        }
    }
}
