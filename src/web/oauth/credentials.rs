//! How a client says who it is: HTTP Basic or the body, never both (RFC 6749, 2.3.1).

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use crate::issuer::Credentials;
use crate::secret::Secret;

use super::parameters::{ParameterError, Parameters};

/// The value of `client_assertion_type` (RFC 7523, 2.2).
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// Base64 of HTTP Basic. Padding may be missing: some clients leave it out.
const BASIC: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Reads the credentials. `client_id` may stand in the body beside Basic, if it is the same.
pub fn take(headers: &HeaderMap, parameters: &mut Parameters) -> Result<Credentials, CredentialsError> {
    let basic = basic(headers)?;
    let client_id = parameters.take("client_id").map_err(CredentialsError::Parameter)?;
    let secret = parameters.take_proof("client_secret");
    if let Some(assertion) = assertion(parameters)? {
        return match (basic, secret.is_none_or(|secret| secret.is_empty())) {
            (None, true) => Ok(Credentials {
                assertion: Some(assertion),
                ..Credentials::named(client_id.unwrap_or_default())
            }),
            _ => Err(CredentialsError::Both),
        };
    }
    match (basic, client_id, secret) {
        (Some(_), _, Some(secret)) if !secret.is_empty() => Err(CredentialsError::Both),
        (Some(basic), Some(named), _) if named != basic.client_id => Err(CredentialsError::Both),
        // An empty one counts as left out (RFC 6749, 3.1).
        (Some(basic), _, _) => Ok(basic),
        (None, Some(client_id), secret) => {
            Ok(Credentials { secret: secret.map(Secret::new), ..Credentials::named(client_id) })
        }
        (None, None, _) => Err(CredentialsError::None),
    }
}

/// Why there is nobody to authenticate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CredentialsError {
    /// Neither Basic nor `client_id`.
    #[error("the client does not say who it is")]
    None,
    /// An `Authorization` header that is not Basic, or cannot be read.
    #[error("the `Authorization` header is not HTTP Basic")]
    NotBasic,
    /// More than one `Authorization` header.
    #[error("there is more than one `Authorization` header")]
    Several,
    /// Two methods at once, or two client ids.
    #[error("use either HTTP Basic or `client_secret` in the body, not both")]
    Both,
    /// An assertion of another type, or without one.
    #[error("send `client_assertion` with `client_assertion_type`, which names the profile of RFC 7523")]
    Assertion,
    /// A parameter that is no text.
    #[error(transparent)]
    Parameter(ParameterError),
}

fn basic(headers: &HeaderMap) -> Result<Option<Credentials>, CredentialsError> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(CredentialsError::Several);
    }
    let value = value.to_str().map_err(|_| CredentialsError::NotBasic)?;
    let (scheme, rest) = value.split_once(' ').ok_or(CredentialsError::NotBasic)?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return Err(CredentialsError::NotBasic);
    }
    let bytes = BASIC.decode(rest.trim_matches(' ')).map_err(|_| CredentialsError::NotBasic)?;
    let text = String::from_utf8(bytes).map_err(|_| CredentialsError::NotBasic)?;
    let (client_id, secret) = text.split_once(':').ok_or(CredentialsError::NotBasic)?;
    Ok(Some(Credentials {
        secret: Some(Secret::new(form_decode(secret))),
        ..Credentials::named(form_decode(client_id))
    }))
}

/// A JWT in the place of a secret (RFC 7523, 2.2). Of another type it proves nothing.
fn assertion(parameters: &mut Parameters) -> Result<Option<Secret>, CredentialsError> {
    let kind = parameters.take("client_assertion_type").map_err(CredentialsError::Parameter)?;
    let assertion = parameters.take_proof("client_assertion").filter(|assertion| !assertion.is_empty());
    match (kind.as_deref(), assertion) {
        (None, None) => Ok(None),
        (Some(ASSERTION_TYPE), Some(assertion)) => Ok(Some(Secret::new(assertion))),
        _ => Err(CredentialsError::Assertion),
    }
}

/// RFC 6749, 2.3.1 has both parts form-encoded before they are joined. A text without `%` and `+`
/// is its own encoding, so that clients that skip this step work with most secrets.
fn form_decode(part: &str) -> String {
    let spaced = part.replace('+', " ");
    let mut pieces = spaced.split('%');
    let mut decoded = pieces.next().unwrap_or_default().as_bytes().to_vec();
    for piece in pieces {
        if let Some((digits, after)) = piece.as_bytes().split_first_chunk::<2>()
            && let Some(byte) = hex_byte(*digits)
        {
            decoded.push(byte);
            decoded.extend_from_slice(after);
        } else {
            decoded.push(b'%');
            decoded.extend_from_slice(piece.as_bytes());
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

fn hex_byte(digits: [u8; 2]) -> Option<u8> {
    let value = |digit: u8| char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok());
    Some(value(digits[0])? << 4 | value(digits[1])?)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;
    use axum::http::header::CONTENT_TYPE;
    use base64::engine::general_purpose::STANDARD;
    use proptest::prelude::*;

    use super::*;

    fn read(authorization: &[&str], body: &str) -> Result<(String, Option<String>), CredentialsError> {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
        for value in authorization {
            headers.append(AUTHORIZATION, HeaderValue::from_str(value).unwrap());
        }
        let mut parameters = Parameters::parse(&headers, body.as_bytes()).unwrap();
        let credentials = take(&headers, &mut parameters)?;
        Ok((credentials.client_id, credentials.secret.map(|secret| secret.expose().to_owned())))
    }

    fn basic_of(text: &str) -> String {
        format!("Basic {}", STANDARD.encode(text))
    }

    fn pair(client_id: &str, secret: Option<&str>) -> (String, Option<String>) {
        (client_id.to_owned(), secret.map(str::to_owned))
    }

    #[test]
    fn the_body_and_basic_say_the_same() {
        assert_eq!(read(&[], "client_id=bot&client_secret=s%2B1"), Ok(pair("bot", Some("s+1"))));
        assert_eq!(read(&[&basic_of("bot:s%2B1")], ""), Ok(pair("bot", Some("s+1"))));
        assert_eq!(
            read(&[&basic_of("bot:s%2B1").replace("Basic", "bAsIc")], ""),
            Ok(pair("bot", Some("s+1")))
        );
        assert_eq!(read(&[basic_of("bot:s1").trim_end_matches('=')], ""), Ok(pair("bot", Some("s1"))));
    }

    #[test]
    fn basic_is_form_decoded_and_splits_at_the_first_colon() {
        assert_eq!(read(&[&basic_of("my%3Abot:a+b:c%zz%")], ""), Ok(pair("my:bot", Some("a b:c%zz%"))));
        assert_eq!(read(&[&basic_of("b%C3%BCt:%")], ""), Ok(pair("büt", Some("%"))));
    }

    #[test]
    fn a_missing_secret_is_missing_and_an_empty_one_is_empty() {
        assert_eq!(read(&[], "client_id=bot"), Ok(pair("bot", None)));
        assert_eq!(read(&[], "client_id=bot&client_secret="), Ok(pair("bot", Some(""))));
        assert_eq!(read(&[&basic_of("bot:")], ""), Ok(pair("bot", Some(""))));
    }

    #[test]
    fn two_ways_at_once_are_refused_but_the_same_id_may_be_repeated() {
        let basic = basic_of("bot:s");
        assert_eq!(read(&[&basic], "client_id=bot"), Ok(pair("bot", Some("s"))));
        assert_eq!(read(&[&basic], "client_id=other"), Err(CredentialsError::Both));
        assert_eq!(read(&[&basic], "client_id=bot&client_secret=s"), Err(CredentialsError::Both));
        assert_eq!(read(&[&basic], "client_secret="), Ok(pair("bot", Some("s"))), "empty is left out");
        assert_eq!(read(&[&basic, &basic], ""), Err(CredentialsError::Several));
    }

    #[test]
    fn nobody_is_nobody() {
        assert_eq!(read(&[], ""), Err(CredentialsError::None));
        assert_eq!(read(&[], "client_secret=s"), Err(CredentialsError::None));
        for bad in ["Basic", "Basic !!!", "Basic dTpw dTpw", "Bearer abc", "", &basic_of("no-colon")] {
            assert_eq!(read(&[bad], "client_id=bot"), Err(CredentialsError::NotBasic), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn an_encoded_part_is_read_back(text in "\\PC{0,40}") {
            let encoded = serde_urlencoded::to_string([("k", &text)]).unwrap();
            prop_assert_eq!(form_decode(&encoded[2..]), text);
        }

        #[test]
        fn no_header_makes_the_parser_panic(text in "[ -~]{0,60}") {
            let _ = read(&[&text], "client_id=bot");
            let _ = read(&[&basic_of(&text)], "");
        }
    }
}
