//! A signed JWT as it is written (RFC 7515, 7.1): three segments of base64url, with what its header
//! says. Nothing in it is believed here: see [`id_token`](super::id_token).

use aws_lc_rs::digest::{self, SHA256, SHA384, SHA512};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use crate::domain::algorithm::Algorithm;

use super::json;

/// How long a JWT may be, in bytes. The largest seen in the wild, with hundreds of groups, have 20 KiB.
pub const MAX_LENGTH: usize = 64 * 1024;

/// How many segments an encrypted JWT has (RFC 7516, 7.1).
const ENCRYPTED: usize = 5;

/// A JWT, read but not verified.
pub struct Jws<'a> {
    /// What the header says.
    pub header: Header,
    /// The claims: an object in which no name stands twice, with every digit of its numbers.
    pub claims: Map<String, Value>,
    /// What was signed: the first two segments with the dot between.
    pub signed: &'a [u8],
    /// The signature, decoded.
    pub signature: Vec<u8>,
}

/// The members of a header that mean something to us. `jwk`, `jku`, `x5c` and `x5u` do not: a token
/// that brings its own key proves nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// How it says to be signed.
    pub algorithm: Algorithm,
    /// The key's name in the issuer's key set.
    pub kid: Option<String>,
    /// What kind of JWT it says to be, in lower case and without `application/` (RFC 7515, 4.1.9).
    pub typ: Option<String>,
}

/// Why a text is no signed JWT. It quotes nothing of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoJws {
    /// Longer than [`MAX_LENGTH`].
    #[error("it is longer than 64 KiB")]
    TooLong,
    /// Other than three segments.
    #[error("it has not three segments")]
    Segments,
    /// Five segments: encrypted.
    #[error("it is encrypted")]
    Encrypted,
    /// A segment is no base64url without padding.
    #[error("a segment is no base64url")]
    Base64,
    /// The header is no object, a name stands twice in it, or a member is of another type.
    #[error("the header is no JSON object as it must be")]
    Header,
    /// The header demands an extension (RFC 7515, 4.1.11); none is known here.
    #[error("the header has `crit`")]
    Critical,
    /// `alg` is missing, `none`, or unknown here.
    #[error("the header's `alg` is none that can be checked")]
    Algorithm,
    /// The payload is no object, or a name stands twice in it.
    #[error("the payload is no JSON object as it must be")]
    Payload,
}

impl<'a> Jws<'a> {
    /// Reads the compact form. Segments are counted before anything is decoded, so that neither
    /// their number nor their size costs memory.
    pub fn parse(text: &'a str) -> Result<Self, NoJws> {
        if text.len() > MAX_LENGTH {
            return Err(NoJws::TooLong);
        }
        let mut segments = text.splitn(ENCRYPTED + 1, '.');
        let mut next = || segments.next().ok_or(NoJws::Segments);
        let (header, payload, signature) = (next()?, next()?, next()?);
        match segments.count() {
            0 => {}
            2 => return Err(NoJws::Encrypted),
            _ => return Err(NoJws::Segments),
        }
        let header = Header::parse(&object(header)?.map_err(|_| NoJws::Header)?)?;
        let claims = object(payload)?.map_err(|_| NoJws::Payload)?;
        let signed = &text.as_bytes()[..text.len() - signature.len() - 1];
        Ok(Self { header, claims, signed, signature: decode(signature)? })
    }
}

impl Header {
    fn parse(members: &Map<String, Value>) -> Result<Self, NoJws> {
        if members.contains_key("crit") {
            return Err(NoJws::Critical);
        }
        let text = |name: &str| match members.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.as_str())),
            Some(_) => Err(NoJws::Header),
        };
        let algorithm = text("alg")?.and_then(|name| name.parse().ok()).ok_or(NoJws::Algorithm)?;
        let kid = text("kid")?.map(str::to_owned);
        let typ = text("typ")?.map(str::to_ascii_lowercase);
        let typ = typ.map(|typ| typ.strip_prefix("application/").unwrap_or(&typ).to_owned());
        Ok(Self { algorithm, kid, typ })
    }
}

/// Decodes base64url as JOSE writes it: without padding, and without bits that mean nothing
/// (RFC 7515, 2), so that a JWT has one spelling.
pub fn decode(segment: &str) -> Result<Vec<u8>, NoJws> {
    URL_SAFE_NO_PAD.decode(segment).map_err(|_| NoJws::Base64)
}

/// The hash of an algorithm, which `at_hash` and `c_hash` use too (OpenID Connect Core 1.0, 3.1.3.6).
/// Ed25519 signs with SHA-512 inside.
pub fn hash(algorithm: Algorithm) -> &'static digest::Algorithm {
    match algorithm {
        Algorithm::Rs256 | Algorithm::Ps256 | Algorithm::Es256 | Algorithm::Hs256 => &SHA256,
        Algorithm::Rs384 | Algorithm::Ps384 | Algorithm::Es384 | Algorithm::Hs384 => &SHA384,
        Algorithm::Rs512
        | Algorithm::Ps512
        | Algorithm::Es512
        | Algorithm::Hs512
        | Algorithm::EdDsa
        | Algorithm::Ed25519 => &SHA512,
    }
}

fn object(segment: &str) -> Result<Result<Map<String, Value>, json::JsonError>, NoJws> {
    Ok(match json::parse(&decode(segment)?) {
        Ok(Value::Object(members)) => Ok(members),
        _ => Err(json::JsonError),
    })
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    /// A JWT of these two texts with a signature of one byte.
    pub(in crate::oauth) fn unsigned(header: &str, payload: &str) -> String {
        format!("{}.{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload), "AA")
    }

    fn refused(text: &str) -> NoJws {
        Jws::parse(text).err().unwrap_or_else(|| panic!("taken: {text}"))
    }

    #[test]
    fn what_is_signed_is_the_text_before_the_last_dot() {
        let text = unsigned(r#"{"alg":"RS256","kid":"a","typ":"JWT"}"#, r#"{"id":12345678901234567890123}"#);
        let jws = Jws::parse(&text).unwrap();
        assert_eq!(jws.signed, text.as_bytes().strip_suffix(b".AA").unwrap());
        assert_eq!(
            (jws.signature, jws.claims["id"].to_string()),
            (vec![0], "12345678901234567890123".into())
        );
        let (kid, typ) = (Some("a".to_owned()), Some("jwt".to_owned()));
        assert_eq!(jws.header, Header { algorithm: Algorithm::Rs256, kid, typ });
    }

    #[rstest]
    #[case::none(r#"{"alg":"none"}"#, NoJws::Algorithm)]
    #[case::none_in_another_case(r#"{"alg":"NonE"}"#, NoJws::Algorithm)]
    #[case::no_algorithm("{}", NoJws::Algorithm)]
    #[case::number(r#"{"alg":256}"#, NoJws::Header)]
    #[case::encryption(r#"{"alg":"RSA-OAEP"}"#, NoJws::Algorithm)]
    #[case::critical(r#"{"alg":"RS256","crit":["bork"],"bork":1}"#, NoJws::Critical)]
    #[case::critical_but_empty(r#"{"alg":"RS256","crit":[]}"#, NoJws::Critical)]
    #[case::unencoded_payload(r#"{"alg":"RS256","b64":false,"crit":["b64"]}"#, NoJws::Critical)]
    #[case::kid_is_a_number(r#"{"alg":"RS256","kid":1}"#, NoJws::Header)]
    #[case::typ_is_a_list(r#"{"alg":"RS256","typ":["JWT"]}"#, NoJws::Header)]
    #[case::twice(r#"{"alg":"RS256","alg":"none"}"#, NoJws::Header)]
    #[case::array("[]", NoJws::Header)]
    #[case::no_json("alg", NoJws::Header)]
    fn a_header_that_cannot_be_trusted_is_refused(#[case] header: &str, #[case] wanted: NoJws) {
        assert_eq!(refused(&unsigned(header, "{}")), wanted);
    }

    #[rstest]
    #[case::twice(r#"{"sub":"a","sub":"b"}"#)]
    #[case::array(r#"["sub"]"#)]
    #[case::text("\"sub\"")]
    #[case::trailing("{} {}")]
    #[case::empty("")]
    fn a_payload_with_two_meanings_is_refused(#[case] payload: &str) {
        assert_eq!(refused(&unsigned(r#"{"alg":"RS256"}"#, payload)), NoJws::Payload);
    }

    #[test]
    fn only_three_segments_are_a_signed_jwt() {
        let [header, payload] = [r#"{"alg":"RS256"}"#, "{}"].map(|text| URL_SAFE_NO_PAD.encode(text));
        for text in ["", "a", "a.b", "a.b.c.d", "a.b.c.d.e.f", &"a.".repeat(32_000)] {
            assert_eq!(refused(text), NoJws::Segments, "{} bytes", text.len());
        }
        assert_eq!(refused("a.b.c.d.e"), NoJws::Encrypted);
        assert_eq!(refused(&"a.".repeat(1_000_000)), NoJws::TooLong);
        assert_eq!(refused(&"a".repeat(MAX_LENGTH + 1)), NoJws::TooLong);
        for text in [
            format!("{header}=.{payload}.AA"),
            format!("{header}.{payload}.AA=="),
            format!("{header}.{payload}.+/"),
            format!("{header}.{payload}.A A"),
            format!("{header}.{payload}.AB"),
            format!("{header}.{payload}.A"),
            format!("{header}.{payload}.AA\n"),
        ] {
            assert_eq!(refused(&text), NoJws::Base64, "{text}");
        }
    }

    #[test]
    fn the_example_of_the_rfc_is_read() {
        // RFC 7515, A.1: an HMAC over a payload with line breaks.
        let text = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9\
                    .eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ\
                    .dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        let jws = Jws::parse(text).unwrap();
        assert_eq!((jws.header.algorithm, jws.claims["iss"].as_str()), (Algorithm::Hs256, Some("joe")));
        assert_eq!(jws.signature.len(), 32);
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "[A-Za-z0-9_.=-]{0,80}|\\PC{0,80}") {
            let _ = Jws::parse(&text);
        }

        #[test]
        fn any_header_and_payload_are_read_or_refused(header in r#"\{"alg":"(RS256|none)"(,"(kid|typ|crit)":("x"|1|\[\]|null)){0,3}\}"#, payload in "\\PC{0,40}") {
            if let Ok(jws) = Jws::parse(&unsigned(&header, &payload)) {
                prop_assert_eq!(jws.header.algorithm, Algorithm::Rs256);
                prop_assert!(!header.contains("crit"));
            }
        }
    }
}
