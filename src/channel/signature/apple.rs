//! The token on webhooks of Apple Messages for Business: `Authorization: Bearer` and a JWT by HS256 with
//! the account's secret, whose audience is our id as a platform (*Integrating with Business Chat*). It signs
//! no body; TLS and its short life are what ties it to one.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};

use super::super::apple::gateway::Account;

/// How old a token may be. Apple's have no expiry of their own.
const OLDEST: SignedDuration = SignedDuration::from_mins(5);
/// How far clocks may differ.
const SKEW: SignedDuration = SignedDuration::from_mins(1);
/// The longest token; Apple's have about 200 characters.
const MOST: usize = 4096;

/// A webhook that Apple did not send, not to us, or not now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AppleFault {
    /// No bearer token.
    #[error("the header `Authorization` has no bearer token")]
    Missing,
    /// The account's secret is no base64, or empty.
    #[error("the account's secret is not base64; take it from Apple as it stands there")]
    Secret,
    /// No JWT with the algorithm HS256.
    #[error("the token is no JWT by HS256")]
    Form,
    /// Signed with another secret, or changed.
    #[error("the token is not signed with the account's secret")]
    Signature,
    /// Meant for another platform.
    #[error("the token is meant for another audience")]
    Audience,
    /// From the future.
    #[error("the token is not valid yet")]
    Early,
    /// Too old, or past its own end.
    #[error("the token has expired")]
    Expired,
    /// It says neither when it was made nor when it ends.
    #[error("the token has neither `iat` nor `exp`")]
    Undated,
}

/// Whether the header `Authorization` holds a token of Apple's, and not one of ours: they have different algorithms.
/// Neither is believed for that.
pub fn is_apples(header: &str) -> bool {
    let claimed = bearer(Some(header)).ok().and_then(|token| object(token.split('.').next()?).ok());
    claimed.is_some_and(|claimed| claimed.get("alg").and_then(Value::as_str) == Some("HS256"))
}

/// Verifies the header `Authorization` as it came.
pub fn verify(account: &Account<'_>, header: Option<&str>, now: Timestamp) -> Result<(), AppleFault> {
    let claims = read(account, bearer(header)?)?;
    if account.platform_id.is_empty() || !is_meant_for(&claims, account.platform_id) {
        return Err(AppleFault::Audience);
    }
    check_times(&claims, now)
}

fn bearer(header: Option<&str>) -> Result<&str, AppleFault> {
    let (scheme, token) =
        header.and_then(|header| header.trim().split_once(' ')).ok_or(AppleFault::Missing)?;
    let token = token.trim();
    if !scheme.eq_ignore_ascii_case("bearer") || token.is_empty() {
        return Err(AppleFault::Missing);
    }
    if token.len() > MOST { Err(AppleFault::Form) } else { Ok(token) }
}

/// The claims of a token that is signed with the secret. The algorithm is fixed: what the token says of it
/// is compared, not obeyed.
fn read(account: &Account<'_>, token: &str) -> Result<Map<String, Value>, AppleFault> {
    let (signed, signature) = token.rsplit_once('.').ok_or(AppleFault::Form)?;
    let (header, claims) = signed.split_once('.').ok_or(AppleFault::Form)?;
    let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| AppleFault::Form)?;
    let key = account.key().map_err(|_| AppleFault::Secret)?;
    let header = object(header)?;
    // RFC 7515, 4.1.11: a token that asks for more than we know is not ours to read.
    if header.get("alg").and_then(Value::as_str) != Some("HS256") || header.contains_key("crit") {
        return Err(AppleFault::Form);
    }
    let key = hmac::Key::new(hmac::HMAC_SHA256, &key);
    hmac::verify(&key, signed.as_bytes(), &signature).map_err(|_| AppleFault::Signature)?;
    object(claims)
}

fn object(part: &str) -> Result<Map<String, Value>, AppleFault> {
    let bytes = URL_SAFE_NO_PAD.decode(part).map_err(|_| AppleFault::Form)?;
    serde_json::from_slice(&bytes).map_err(|_| AppleFault::Form)
}

/// RFC 7519, 4.1.3: one audience, or a list of them.
fn is_meant_for(claims: &Map<String, Value>, platform_id: &str) -> bool {
    match claims.get("aud") {
        Some(Value::String(audience)) => audience == platform_id,
        Some(Value::Array(audiences)) => audiences.iter().any(|audience| audience == platform_id),
        _ => false,
    }
}

fn check_times(claims: &Map<String, Value>, now: Timestamp) -> Result<(), AppleFault> {
    let made = moment(claims, "iat")?;
    let ends = moment(claims, "exp")?;
    if made.is_none() && ends.is_none() {
        return Err(AppleFault::Undated);
    }
    let begins = [made, moment(claims, "nbf")?].into_iter().flatten().max();
    if begins.is_some_and(|begins| begins.duration_since(now) > SKEW) {
        return Err(AppleFault::Early);
    }
    let too_old = made.is_some_and(|made| now.duration_since(made) > OLDEST + SKEW);
    let over = ends.is_some_and(|ends| now.duration_since(ends) >= SKEW);
    if too_old || over { Err(AppleFault::Expired) } else { Ok(()) }
}

/// A moment in seconds, of which some write fractions (RFC 7519, 2, a `NumericDate`).
fn moment(claims: &Map<String, Value>, name: &str) -> Result<Option<Timestamp>, AppleFault> {
    let Some(value) = claims.get(name) else { return Ok(None) };
    let Value::Number(number) = value else { return Err(AppleFault::Form) };
    let text = number.to_string();
    let seconds = text.split('.').next().and_then(|whole| whole.parse().ok()).ok_or(AppleFault::Form)?;
    Timestamp::from_second(seconds).map(Some).map_err(|_| AppleFault::Form)
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::STANDARD;
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::secret::Secret;

    const KEY: &[u8] = b"an apple a day keeps nobody away";

    fn now() -> Timestamp {
        "2026-11-22T10:00:00Z".parse().unwrap()
    }

    fn at(seconds: i64) -> i64 {
        now().as_second() + seconds
    }

    fn signed(key: &[u8], header: &Value, claims: &Value) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let text = format!("{}.{}", part(header), part(claims));
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text.as_bytes());
        format!("Bearer {text}.{}", URL_SAFE_NO_PAD.encode(tag))
    }

    fn token(claims: &Value) -> String {
        signed(KEY, &json!({"alg": "HS256", "typ": "JWT"}), claims)
    }

    fn judged(header: &str) -> Result<(), AppleFault> {
        let secret = Secret::new(STANDARD.encode(KEY));
        verify(&Account { platform_id: "msp-1", secret: &secret }, Some(header), now())
    }

    #[test]
    fn a_fresh_token_for_us_is_accepted() {
        assert_eq!(judged(&token(&json!({"aud": "msp-1", "iat": at(-2)}))), Ok(()));
        assert_eq!(judged(&token(&json!({"aud": ["x", "msp-1"], "exp": at(300)}))), Ok(()));
        assert_eq!(judged(&token(&json!({"aud": "msp-1", "iat": 1_795_341_600.25}))), Ok(()));
        assert_eq!(
            judged(&token(&json!({"aud": "msp-1", "iat": at(0)})).replace("Bearer ", "bearer  ")),
            Ok(())
        );
    }

    #[test]
    fn a_token_for_somebody_else_is_refused() {
        for aud in
            [json!("msp-2"), json!("MSP-1"), json!("msp-1 "), json!(["x"]), json!([]), json!(7), Value::Null]
        {
            let claims = json!({"aud": aud, "iat": at(0)});
            assert_eq!(judged(&token(&claims)), Err(AppleFault::Audience), "{claims}");
        }
        assert_eq!(judged(&token(&json!({"iat": at(0)}))), Err(AppleFault::Audience));
    }

    #[test]
    fn a_token_lives_five_minutes_and_clocks_may_differ_by_one() {
        for (claims, expected) in [
            (json!({"iat": at(-360)}), Ok(())),
            (json!({"iat": at(-361)}), Err(AppleFault::Expired)),
            (json!({"iat": at(60)}), Ok(())),
            (json!({"iat": at(61)}), Err(AppleFault::Early)),
            (json!({"exp": at(-59)}), Ok(())),
            (json!({"exp": at(-60)}), Err(AppleFault::Expired)),
            (json!({"iat": at(0), "exp": at(-60)}), Err(AppleFault::Expired)),
            (json!({"iat": at(-361), "exp": at(9000)}), Err(AppleFault::Expired)),
            (json!({"iat": at(0), "nbf": at(61)}), Err(AppleFault::Early)),
            (json!({}), Err(AppleFault::Undated)),
            (json!({"iat": "soon"}), Err(AppleFault::Form)),
            (json!({"iat": 1e300}), Err(AppleFault::Form)),
            (json!({"exp": null}), Err(AppleFault::Form)),
        ] {
            let mut claims = claims;
            claims["aud"] = json!("msp-1");
            assert_eq!(judged(&token(&claims)), expected, "{claims}");
        }
    }

    #[test]
    fn another_secret_algorithm_or_text_is_refused() {
        let claims = json!({"aud": "msp-1", "iat": at(0)});
        let hs256 = json!({"alg": "HS256"});
        assert_eq!(judged(&signed(b"another", &hs256, &claims)), Err(AppleFault::Signature));
        assert_eq!(
            judged(&signed(STANDARD.encode(KEY).as_bytes(), &hs256, &claims)),
            Err(AppleFault::Signature),
            "the secret is decoded first"
        );
        for alg in ["none", "HS512", "RS256", "hs256", ""] {
            assert_eq!(judged(&signed(KEY, &json!({"alg": alg}), &claims)), Err(AppleFault::Form), "{alg}");
        }
        let extended = json!({"alg": "HS256", "crit": ["exp"], "exp": at(60)});
        assert_eq!(judged(&signed(KEY, &extended, &claims)), Err(AppleFault::Form));
        let fine = token(&claims);
        let (text, tag) = fine.rsplit_once('.').unwrap();
        assert_eq!(judged(&format!("{text}.")), Err(AppleFault::Signature));
        assert_eq!(judged(&format!("{text}.{}", &tag[..41])), Err(AppleFault::Form));
        assert_eq!(judged(&format!("{text}.{tag}.{tag}")), Err(AppleFault::Signature));
        for header in ["", "Bearer", "Bearer ", "Basic abc", &fine[7..]] {
            assert_eq!(judged(header), Err(AppleFault::Missing), "{header}");
        }
        assert_eq!(judged(&format!("Bearer {}", "a".repeat(5000))), Err(AppleFault::Form));
    }

    #[test]
    fn an_account_without_a_secret_or_an_id_believes_nothing() {
        let header = signed(b"", &json!({"alg": "HS256"}), &json!({"aud": "", "iat": at(0)}));
        let (none, some) = (Secret::new(""), Secret::new(STANDARD.encode(KEY)));
        let account = Account { platform_id: "msp-1", secret: &none };
        assert_eq!(verify(&account, Some(&header), now()), Err(AppleFault::Secret));
        let account = Account { platform_id: "", secret: &some };
        let header = token(&json!({"aud": "", "iat": at(0)}));
        assert_eq!(verify(&account, Some(&header), now()), Err(AppleFault::Audience));
        let account = Account { platform_id: "msp-1", secret: &Secret::new("no base64!") };
        assert_eq!(verify(&account, Some(&header), now()), Err(AppleFault::Secret));
        assert_eq!(verify(&account, None, now()), Err(AppleFault::Missing));
    }

    proptest! {
        #[test]
        fn garbage_is_refused_without_a_panic(header in "(Bearer )?[A-Za-z0-9_.\\PC-]{0,80}") {
            prop_assert!(judged(&header).is_err());
        }

        #[test]
        fn one_changed_letter_is_another_token(at in 0_usize..100, letter in "[A-Za-z0-9]") {
            let fine = token(&json!({"aud": "msp-1", "iat": self::at(0)}));
            let at = 7 + at % (fine.len() - 7);
            let mut changed = fine.clone();
            changed.replace_range(at..=at, &letter);
            // The last letter of base64 has two bits that mean nothing; the decoder refuses other ones.
            prop_assert!(changed == fine || judged(&changed).is_err(), "{}", changed);
        }
    }
}
