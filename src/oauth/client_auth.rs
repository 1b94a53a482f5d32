//! Client authentication: how we say who we are at the token endpoint (RFC 6749, 2.3.1).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use url::form_urlencoded;

use crate::domain::provider::{ClientAuth, Provider};
use crate::secret::Secret;

/// Where the client's credentials stand in a token request.
#[derive(Debug, Clone)]
pub enum Credentials<'a> {
    /// In the header `Authorization`, and nowhere else.
    Header(Secret),
    /// In the body: the client id and, for a confidential client, the secret.
    Body {
        /// Our name at the provider.
        client_id: &'a str,
        /// Our secret there.
        client_secret: Option<&'a Secret>,
    },
}

/// The credentials of a provider's settings. `auto` without metadata means the body; a provider
/// without a secret makes us a public client whatever the setting says.
pub fn build_credentials(provider: &Provider) -> Credentials<'_> {
    let client_id = provider.client_id.as_str();
    match (provider.client_auth, &provider.client_secret) {
        (ClientAuth::ClientSecretBasic, Some(secret)) => Credentials::Header(basic(client_id, secret)),
        (ClientAuth::None, _) | (_, None) => Credentials::Body { client_id, client_secret: None },
        (ClientAuth::Auto | ClientAuth::ClientSecretPost, secret) => {
            Credentials::Body { client_id, client_secret: secret.as_ref() }
        }
    }
}

/// Both parts are form-encoded before they are joined, so that a colon in the id stays a part of it.
fn basic(client_id: &str, secret: &Secret) -> Secret {
    let mut pair = String::with_capacity(128);
    pair.extend(form_urlencoded::byte_serialize(client_id.as_bytes()));
    pair.push(':');
    pair.extend(form_urlencoded::byte_serialize(secret.expose().as_bytes()));
    Secret::new(format!("Basic {}", STANDARD.encode(pair)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oauth::response::tests::provider;

    #[test]
    fn basic_encodes_both_parts_as_a_form_before_base64() {
        let mut provider = provider();
        provider.client_auth = ClientAuth::ClientSecretBasic;
        provider.client_id = "a:b c".to_owned();
        provider.client_secret = Some(Secret::new("100%+ü"));
        let Credentials::Header(header) = build_credentials(&provider) else { panic!("no header") };
        let pair = STANDARD.decode(header.expose().strip_prefix("Basic ").unwrap()).unwrap();
        assert_eq!(String::from_utf8(pair).unwrap(), "a%3Ab+c:100%25%2B%C3%BC");
    }

    #[test]
    fn auto_without_metadata_is_the_body() {
        let provider = provider();
        let Credentials::Body { client_id, client_secret } = build_credentials(&provider) else {
            panic!("not in the body")
        };
        assert_eq!(client_id, "Quiq Client");
        assert!(client_secret.unwrap().matches("the-secret"));
    }

    #[test]
    fn a_public_client_sends_no_secret() {
        let mut with_secret = provider();
        with_secret.client_auth = ClientAuth::None;
        let mut without = provider();
        without.client_auth = ClientAuth::ClientSecretBasic;
        without.client_secret = None;
        for provider in [with_secret, without] {
            let credentials = build_credentials(&provider);
            assert!(matches!(credentials, Credentials::Body { client_secret: None, .. }));
        }
    }
}
