//! Our own calls at Apple's gateway: the token that says who calls, and the headers that say for whom
//! (*Integrating with Business Chat*).

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jiff::Timestamp;
use serde_json::json;
use zeroize::Zeroizing;

use crate::secret::Secret;

/// What a tenant has from Apple.
#[derive(Debug, Clone, Copy)]
pub struct Account<'a> {
    /// Our id as a messaging platform: we sign as it, and Apple's webhooks are meant for it.
    pub platform_id: &'a str,
    /// The secret as Apple shows it, in base64.
    pub secret: &'a Secret,
}

/// A secret that is not what Apple gives out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the account's secret is not base64; take it from Apple as it stands there")]
pub struct SecretError;

impl Account<'_> {
    /// The bytes of the secret. An empty one signs and verifies nothing.
    pub(in crate::channel) fn key(&self) -> Result<Zeroizing<Vec<u8>>, SecretError> {
        let key =
            STANDARD.decode(self.secret.expose().trim()).map(Zeroizing::new).map_err(|_| SecretError)?;
        if key.is_empty() { Err(SecretError) } else { Ok(key) }
    }

    /// The bearer token of a call: a JWT by HS256 that says who made it and when. It has no end of its own.
    pub fn build_token(&self, now: Timestamp) -> Result<Secret, SecretError> {
        let key = self.key()?;
        let part = |value: serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let header = part(json!({"alg": "HS256", "typ": "JWT"}));
        let claims = part(json!({"iss": self.platform_id, "iat": now.as_second()}));
        let signed = format!("{header}.{claims}");
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &key), signed.as_bytes());
        Ok(Secret::new(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(tag))))
    }
}

#[cfg(test)]
mod tests {
    use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
    use serde_json::Value;

    use super::*;

    #[test]
    fn another_library_reads_the_token_with_the_decoded_secret() {
        let secret = Secret::new(STANDARD.encode(b"a secret of Apple's"));
        let account = Account { platform_id: "msp-1", secret: &secret };
        let token = account.build_token("2026-11-22T10:00:00Z".parse().unwrap()).unwrap();
        let mut validation = Validation::new(Algorithm::HS256);
        validation.required_spec_claims.clear();
        validation.validate_exp = false;
        let key = DecodingKey::from_secret(b"a secret of Apple's");
        let read = decode::<Value>(token.expose(), &key, &validation).unwrap();
        assert_eq!(read.claims, json!({"iss": "msp-1", "iat": 1_795_341_600}));
    }

    #[test]
    fn a_secret_that_apple_never_gave_out_signs_nothing() {
        for bad in ["", "  ", "no base64!"] {
            let account = Account { platform_id: "msp-1", secret: &Secret::new(bad) };
            assert_eq!(account.build_token(Timestamp::UNIX_EPOCH).unwrap_err(), SecretError);
        }
    }
}
