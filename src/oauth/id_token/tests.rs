//! Tests of signed tokens. Cases are files under `fixtures/oauth/id_token/`: `{about, header, claims,
//! sign, settings?, expect: {subject, quirks?, claim?} | {fault, code}}` or `{about, token, expect}`.
//! `sign` names a key, with ` flipped` or ` changed` behind it for a token that was tampered with;
//! what `settings` leaves out is as in `Case::default`. The time is 1700000000.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use proptest::prelude::*;
use rstest::rstest;
use serde_json::json;

use super::*;
use crate::domain::fault::{Code, Step};
use crate::oauth::assertion::tests::{jwks, key, key_set, token};
use crate::oauth::jws::NoJws;

const NOW: i64 = 1_700_000_000;
const ISSUER: &str = "https://login.example.com";
const NONCE: &str = "n-0S6_WzA2Mj";
const SECRET: &str = "a client secret of some length";

/// What a fixture is judged with.
struct Case {
    issuer: Issuer,
    nonce: Option<Secret>,
    access_token: Option<Secret>,
    code: Option<Secret>,
    max_age: Option<Duration>,
    acr_values: Vec<String>,
    skew: Duration,
    algorithms: Vec<Algorithm>,
    secret: Option<Secret>,
    keys: Option<KeySet>,
}

impl Default for Case {
    fn default() -> Self {
        let mut set = jwks(&["rsa", "p256", "p384", "p521", "ed", "other-rsa"]);
        let mut only = key("rsa").public_jwk(Some("rsa-only-rs512"));
        only["alg"] = "RS512".into();
        set["keys"].as_array_mut().unwrap().push(only);
        Self {
            issuer: Issuer::Exact(ISSUER.to_owned()),
            nonce: Some(Secret::new(NONCE)),
            access_token: None,
            code: None,
            max_age: None,
            acr_values: Vec::new(),
            skew: SKEW,
            algorithms: Algorithm::ALL.into_iter().filter(|algorithm| !algorithm.is_symmetric()).collect(),
            secret: Some(Secret::new(SECRET)),
            keys: Some(KeySet::parse(set.to_string().as_bytes()).unwrap()),
        }
    }
}

impl Case {
    fn of(settings: &Value) -> Self {
        let mut case = Self::default();
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let texts = |value: &Value| {
            value.as_array().unwrap().iter().map(|one| text(one).unwrap()).collect::<Vec<_>>()
        };
        let seconds = |value: &Value| value.to_string().parse().map(Duration::from_secs).unwrap();
        for (name, value) in settings.as_object().into_iter().flatten() {
            match name.as_str() {
                "issuer" => {
                    let asked = settings["asked"].as_str().unwrap();
                    case.issuer = Issuer::of_metadata(asked, value.as_str().unwrap()).unwrap();
                }
                "asked" => {}
                "nonce" => case.nonce = text(value).map(Secret::new),
                "accessToken" => case.access_token = text(value).map(Secret::new),
                "code" => case.code = text(value).map(Secret::new),
                "maxAge" => case.max_age = Some(seconds(value)),
                "acrValues" => case.acr_values = texts(value),
                "skew" => case.skew = seconds(value),
                "algorithms" => {
                    case.algorithms = texts(value).iter().map(|name| name.parse().unwrap()).collect();
                }
                "secret" => case.secret = text(value).map(Secret::new),
                "keys" if value.is_null() => case.keys = None,
                "keys" => {
                    let names = texts(value);
                    case.keys = Some(key_set(&names.iter().map(String::as_str).collect::<Vec<_>>()));
                }
                other => panic!("no setting of a case: {other}"),
            }
        }
        case
    }

    fn judge(&self, token: &str) -> Result<Verified, TokenFault> {
        let keys = Keys {
            set: self.keys.as_ref(),
            client_secret: self.secret.as_ref(),
            algorithms: &self.algorithms,
        };
        let expected = ExpectedIdToken {
            issuer: &self.issuer,
            client_id: "our-client",
            nonce: self.nonce.as_ref(),
            access_token: self.access_token.as_ref(),
            code: self.code.as_ref(),
            max_age: self.max_age,
            acr_values: &self.acr_values,
            moment: Moment { now: Timestamp::from_second(NOW).unwrap(), skew: self.skew },
        };
        verify_id_token(token, &keys, &expected)
    }
}

fn hmac_of(header: &Value, secret: &[u8], text: &str) -> Vec<u8> {
    let hash = match header["alg"].as_str().unwrap() {
        "HS384" => hmac::HMAC_SHA384,
        "HS512" => hmac::HMAC_SHA512,
        _ => hmac::HMAC_SHA256,
    };
    hmac::sign(&hmac::Key::new(hash, secret), text.as_bytes()).as_ref().to_vec()
}

/// Signs as a fixture says.
fn signed(fixture: &Value) -> String {
    if let Some(token) = fixture["token"].as_str() {
        return token.to_owned();
    }
    let header = &fixture["header"];
    let claims = fixture["claims"].as_str().map_or_else(|| fixture["claims"].to_string(), str::to_owned);
    let encode = |text: &str| URL_SAFE_NO_PAD.encode(text);
    let mut text = format!("{}.{}", encode(&header.to_string()), encode(&claims));
    let algorithm = || header["alg"].as_str().unwrap().parse().unwrap();
    let (signer, how) =
        fixture["sign"].as_str().unwrap().split_once(' ').unwrap_or((fixture["sign"].as_str().unwrap(), ""));
    let mut signature = match (signer, how) {
        ("none", _) => Vec::new(),
        ("zeros", length) => vec![0; length.parse().unwrap()],
        ("secret", _) => hmac_of(header, SECRET.as_bytes(), &text),
        ("empty", _) => hmac_of(header, b"", &text),
        ("public", _) => {
            hmac_of(header, key("rsa").public_jwk(None)["n"].as_str().unwrap().as_bytes(), &text)
        }
        (name, _) => key(name).sign(algorithm(), text.as_bytes()).unwrap(),
    };
    match how {
        "flipped" => signature[7] ^= 1,
        "changed" => {
            text = format!("{}.{}", encode(&header.to_string()), encode(&claims.replace("24828", "24829")));
        }
        _ => {}
    }
    format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature))
}

#[test]
fn every_fixture_is_believed_or_refused_with_its_reason() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/oauth/id_token");
    let mut count = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let fixture: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        let outcome = match Case::of(&fixture["settings"]).judge(&signed(&fixture)) {
            Err(fault) => json!({ "fault": format!("{fault:?}"), "code": fault.code().as_str() }),
            Ok(verified) => {
                let mut outcome = json!({ "subject": verified.subject });
                if !verified.quirks.is_empty() {
                    outcome["quirks"] = verified.quirks.iter().map(|quirk| quirk.as_str()).collect();
                }
                if let Some(name) = fixture["expect"]["claim"][0].as_str() {
                    outcome["claim"] = json!([name, verified.claims[name].to_string()]);
                }
                outcome
            }
        };
        assert_eq!(outcome, fixture["expect"], "{}", path.display());
        count += 1;
    }
    assert!(count >= 140, "{count}");
}

fn claims() -> Value {
    json!({ "iss": ISSUER, "sub": "billy", "aud": "our-client", "exp": NOW + 300, "iat": NOW, "nonce": NONCE })
}

fn header() -> Value {
    json!({ "alg": "RS256", "kid": "rsa" })
}

fn with(mut claims: Value, name: &str, value: Value) -> Value {
    claims[name] = value;
    claims
}

fn without(mut claims: Value, name: &str) -> Value {
    claims.as_object_mut().unwrap().remove(name);
    claims
}

fn moment() -> Moment {
    Moment { now: Timestamp::from_second(NOW).unwrap(), skew: SKEW }
}

fn access_token(audience: Option<&str>, header: &Value, claims: &Value) -> Result<Verified, TokenFault> {
    let (issuer, set) = (Issuer::Exact(ISSUER.to_owned()), key_set(&["rsa"]));
    let keys = Keys { set: Some(&set), client_secret: None, algorithms: &[Algorithm::Rs256] };
    let expected = ExpectedAccessToken { issuer: &issuer, audience, moment: moment() };
    verify_access_token(&token(header, claims, "rsa", Algorithm::Rs256), &keys, &expected)
}

fn whoami(header: &Value, claims: &Value) -> Result<Verified, TokenFault> {
    let (issuer, set) = (Issuer::Exact(ISSUER.to_owned()), key_set(&["rsa"]));
    let keys = Keys { set: Some(&set), client_secret: None, algorithms: &[Algorithm::Rs256] };
    let expected = ExpectedWhoami { issuer: &issuer, client_id: "our-client", moment: moment() };
    verify_whoami(&token(header, claims, "rsa", Algorithm::Rs256), &keys, &expected)
}

#[test]
fn an_access_token_needs_no_audience_nonce_or_subject() {
    let bare = json!({ "iss": ISSUER, "exp": NOW + 5, "customer_number": 90_071_992_547_409_931_i64 });
    let verified = access_token(None, &with(header(), "typ", json!("at+jwt")), &bare).unwrap();
    assert_eq!((verified.subject, verified.claims), (None, bare));
    for audience in [json!("api"), json!(["x", "api"])] {
        assert!(access_token(Some("api"), &header(), &with(claims(), "aud", audience)).is_ok());
    }
}

#[rstest]
#[case::issuer(with(claims(), "iss", json!("https://evil.example")), TokenFault::Issuer)]
#[case::no_issuer(without(claims(), "iss"), TokenFault::ClaimMissing("iss"))]
#[case::expired(with(claims(), "exp", json!(NOW - 60)), TokenFault::Expired)]
#[case::no_expiry(without(claims(), "exp"), TokenFault::ClaimMissing("exp"))]
#[case::to_come(with(claims(), "nbf", json!(NOW + 61)), TokenFault::NotYet)]
#[case::issued_in_future(with(claims(), "iat", json!(NOW + 61)), TokenFault::IssuedInFuture)]
#[case::audience(claims(), TokenFault::Audience)]
#[case::no_audience(without(claims(), "aud"), TokenFault::ClaimMissing("aud"))]
#[case::subject(with(with(claims(), "aud", json!("api")), "sub", json!(7)), TokenFault::ClaimForm("sub"))]
fn an_access_token_that_says_something_else_is_refused(#[case] claims: Value, #[case] wanted: TokenFault) {
    assert_eq!(access_token(Some("api"), &header(), &claims).unwrap_err(), wanted);
}

#[test]
fn one_kind_of_token_does_not_pass_for_another() {
    let typed = |typ: &str| with(header(), "typ", json!(typ));
    assert_eq!(access_token(None, &typed("id_token+jwt"), &claims()).unwrap_err(), TokenFault::Type);
    assert_eq!(access_token(None, &typed("logout+jwt"), &claims()).unwrap_err(), TokenFault::Type);
    assert_eq!(whoami(&typed("at+jwt"), &claims()).unwrap_err(), TokenFault::Type);
    assert!(whoami(&typed("JWT"), &claims()).is_ok());
}

#[test]
fn a_signed_whoami_answer_is_judged_by_what_it_says() {
    let bare = whoami(&header(), &json!({ "sub": "billy", "email": "b@example.com" })).unwrap();
    assert_eq!(bare.subject.as_deref(), Some("billy"));
    for (claims, wanted) in [
        (with(claims(), "iss", json!("https://evil.example")), TokenFault::Issuer),
        (with(claims(), "aud", json!("other")), TokenFault::Audience),
        (with(claims(), "aud", json!([])), TokenFault::Audience),
        (with(claims(), "exp", json!(NOW - 60)), TokenFault::Expired),
        (with(claims(), "sub", json!("")), TokenFault::ClaimForm("sub")),
    ] {
        assert_eq!(whoami(&header(), &claims).unwrap_err(), wanted, "{claims}");
    }
    let issuer = Issuer::Exact(ISSUER.to_owned());
    let keys = Keys { set: None, client_secret: None, algorithms: &[Algorithm::Rs256] };
    let expected = ExpectedWhoami { issuer: &issuer, client_id: "our-client", moment: moment() };
    let nested = verify_whoami("e30.e30.e30.e30.e30", &keys, &expected).unwrap_err();
    assert_eq!(nested, TokenFault::Form(NoJws::Encrypted));
}

#[test]
fn a_whoami_answer_speaks_of_the_person_of_the_id_token() {
    assert_eq!(check_subject(&json!({ "sub": "a" }), "a"), Ok(()));
    for whoami in [json!({ "sub": "b" }), json!({ "sub": "A" }), json!({}), json!({ "sub": 1 }), json!([])] {
        assert_eq!(check_subject(&whoami, "a"), Err(TokenFault::Subject), "{whoami}");
    }
    assert_eq!(TokenFault::Subject.at(Step::Whoami).code, Code::SubjectMismatch);
}

#[test]
fn nothing_of_a_token_is_shown() {
    let verified = Case::default().judge(&token(&header(), &claims(), "rsa", Algorithm::Rs256)).unwrap();
    assert_eq!(format!("{verified:?}"), "Verified(quirks [])");
}

#[test]
fn the_hash_of_the_first_algorithm_of_each_family_is_half_of_its_length() {
    for (algorithm, length) in [(Algorithm::Rs256, 32), (Algorithm::Ps384, 48), (Algorithm::Ed25519, 64)] {
        assert_eq!(crate::oauth::jws::hash(algorithm).output_len(), length);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever bit of a good token is turned, it is good no more.
    #[test]
    fn a_token_that_was_touched_is_refused(at in 0_usize..2000, bit in 0_u8..7) {
        let good = token(&json!({ "alg": "ES256", "kid": "p256" }), &claims(), "p256", Algorithm::Es256);
        let mut bytes = good.clone().into_bytes();
        let at = at % bytes.len();
        bytes[at] ^= 1 << bit;
        if let Ok(touched) = String::from_utf8(bytes) {
            prop_assert!(Case::default().judge(&touched).is_err());
        }
    }

    /// Any value in place of a claim is a verdict, never a panic, and only the claims that nothing
    /// depends on may be anything.
    #[test]
    fn any_value_of_a_claim_is_judged(
        name in "iss|aud|exp|iat|nonce|sub|azp|nbf|acr|auth_time|at_hash|tid",
        value in "null|true|-?[0-9]{1,30}(\\.[0-9]{1,5})?(e[0-9]{1,4})?|\"\\PC{0,8}\"|\\[\\]|\\{\\}",
    ) {
        let Ok(value) = serde_json::from_str::<Value>(&value) else { return Ok(()) };
        let claims = with(claims(), &name, value);
        let signed = token(&json!({ "alg": "EdDSA", "kid": "ed" }), &claims, "ed", Algorithm::EdDsa);
        if Case::default().judge(&signed).is_ok() {
            prop_assert!(!["iss", "aud", "nonce"].contains(&name.as_str()), "{}", claims);
        }
    }

    #[test]
    fn any_text_is_judged(text in "[A-Za-z0-9_-]{0,30}(\\.[A-Za-z0-9_-]{0,30}){0,4}") {
        prop_assert!(Case::default().judge(&text).is_err());
    }
}
