//! Meta's `X-Hub-Signature-256` on webhooks of Messenger, Instagram and WhatsApp: HMAC-SHA256 of the
//! raw body with the app secret (*Webhooks: validating payloads*); and the question by which Meta makes sure
//! of the URL before it sends any (*Webhooks: verification requests*).

use aws_lc_rs::hmac;
use url::form_urlencoded;

use super::super::hex;
use crate::secret::Secret;

/// A webhook that Meta did not sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MetaFault {
    /// No signature, or another kind than `sha256=` and 64 hexadecimal digits.
    #[error("the header `X-Hub-Signature-256` is missing or has another form than `sha256=<hex>`")]
    Form,
    /// The signature of another body, or made with another secret.
    #[error("the signature is not that of this body and the app secret")]
    Signature,
}

/// Verifies the header against the body as it came, byte by byte: parsed and written again it would
/// be another one.
pub fn verify(app_secret: &Secret, body: &[u8], header: Option<&str>) -> Result<(), MetaFault> {
    let signature = read(header)?;
    if app_secret.is_blank() {
        return Err(MetaFault::Signature);
    }
    let key = hmac::Key::new(hmac::HMAC_SHA256, app_secret.expose().as_bytes());
    hmac::verify(&key, body, &signature).map_err(|_| MetaFault::Signature)
}

/// The signature of the header. What has another form is nobody's of Meta's, whatever the body is.
pub fn read(header: Option<&str>) -> Result<Vec<u8>, MetaFault> {
    let digits = header.and_then(|header| header.trim().strip_prefix("sha256=")).ok_or(MetaFault::Form)?;
    hex::parse(digits).filter(|bytes| bytes.len() == 32).ok_or(MetaFault::Form)
}

/// What Meta's question at a new URL is answered with: its challenge, if it knows the token that the tenant
/// chose for it.
pub fn answer_challenge(verify_token: &Secret, query: &str) -> Option<String> {
    let only = |name: &str| {
        let mut values = form_urlencoded::parse(query.as_bytes()).filter(|(key, _)| key == name);
        let value = values.next()?.1.into_owned();
        values.next().is_none().then_some(value)
    };
    let known = !verify_token.is_blank() && verify_token.matches(&only("hub.verify_token")?);
    let challenge = only("hub.challenge")?;
    // The answer is a text that whoever asks has chosen: nothing that a browser could take for a page.
    let plain =
        challenge.len() <= 256 && challenge.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c));
    (known && plain && only("hub.mode")? == "subscribe").then_some(challenge)
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use proptest::prelude::*;

    use super::*;

    const BODY: &[u8] = b"what do ya want for nothing?";
    /// RFC 4231, 4.3.
    const RIGHT: &str = "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";

    fn judged(secret: &str, body: &[u8], header: Option<&str>) -> Result<(), MetaFault> {
        verify(&Secret::new(secret), body, header)
    }

    #[test]
    fn the_signature_of_the_body_is_accepted_in_either_case() {
        assert_eq!(judged("Jefe", BODY, Some(RIGHT)), Ok(()));
        let upper = format!("sha256={}", RIGHT[7..].to_uppercase());
        assert_eq!(judged("Jefe", BODY, Some(&upper)), Ok(()));
    }

    #[test]
    fn another_body_secret_or_signature_is_refused() {
        assert_eq!(judged("Jefe", b"what do ya want for nothing!", Some(RIGHT)), Err(MetaFault::Signature));
        assert_eq!(judged("jefe", BODY, Some(RIGHT)), Err(MetaFault::Signature));
        assert_eq!(judged("Jefe", BODY, Some(&RIGHT.replace("3843", "3842"))), Err(MetaFault::Signature));
        assert_eq!(judged("Jefe", b"", Some(RIGHT)), Err(MetaFault::Signature));
    }

    #[test]
    fn a_header_of_another_form_is_refused() {
        let digits = &RIGHT[7..];
        for header in [
            None,
            Some(""),
            Some("sha256="),
            Some(digits),
            Some(&*format!("sha1={digits}")),
            Some(&*format!("sha256={}", &digits[2..])),
            Some(&*format!("sha256={digits}00")),
            Some(&*format!("sha256={}g", &digits[1..])),
            Some(&*format!("{RIGHT},{RIGHT}")),
        ] {
            assert_eq!(judged("Jefe", BODY, header), Err(MetaFault::Form), "{header:?}");
        }
    }

    #[test]
    fn an_empty_secret_verifies_nothing() {
        let key = hmac::Key::new(hmac::HMAC_SHA256, b"");
        let mut header = "sha256=".to_owned();
        for byte in hmac::sign(&key, BODY).as_ref() {
            write!(header, "{byte:02x}").unwrap();
        }
        assert_eq!(judged("", BODY, Some(&header)), Err(MetaFault::Signature));
    }

    #[test]
    fn a_new_url_is_vouched_for_to_those_who_know_its_token() {
        let token = Secret::new("chosen by the tenant");
        let asked = |query: &str| answer_challenge(&token, query);
        let right = "hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token=chosen+by+the+tenant";
        assert_eq!(asked(right).as_deref(), Some("1158201444"));
        for wrong in [
            "",
            "hub.mode=subscribe&hub.challenge=1",
            "hub.mode=subscribe&hub.challenge=1&hub.verify_token=another",
            "hub.mode=unsubscribe&hub.challenge=1&hub.verify_token=chosen+by+the+tenant",
            "hub.mode=subscribe&hub.verify_token=chosen+by+the+tenant",
            "hub.mode=subscribe&hub.challenge=%3Cscript%3E&hub.verify_token=chosen+by+the+tenant",
            &format!("{right}&hub.challenge=2"),
        ] {
            assert_eq!(asked(wrong), None, "{wrong}");
        }
        assert_eq!(answer_challenge(&Secret::new(""), &right.replace("chosen+by+the+tenant", "")), None);
    }

    proptest! {
        #[test]
        fn no_other_header_is_accepted(header in "(sha256=)?[0-9a-fA-F\\PC]{0,70}", body in prop::collection::vec(any::<u8>(), 0..60)) {
            prop_assert!(judged("Jefe", &body, Some(&header)).is_err());
        }

        #[test]
        fn one_changed_bit_is_another_body(at in 0..BODY.len(), bit in 0..8_u8) {
            let mut body = BODY.to_vec();
            body[at] ^= 1 << bit;
            prop_assert_eq!(judged("Jefe", &body, Some(RIGHT)), Err(MetaFault::Signature));
        }
    }
}
