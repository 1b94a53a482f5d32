//! Client authentication: how we say who we are at the token endpoint (RFC 6749, 2.3.1; RFC 7523, 2.2).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use url::form_urlencoded;

use crate::domain::provider::{ClientAuth, Provider};
use crate::secret::Secret;

/// What an assertion is (RFC 7523, 2.2).
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// How a request says who we are: in a header or in its parameters, and never in both.
#[derive(Debug, Clone, Default)]
pub struct Credentials {
    /// The header `Authorization`.
    pub header: Option<Secret>,
    /// Parameters, by the names of the RFCs.
    pub params: Vec<(&'static str, Secret)>,
}

/// What proves that it is us.
#[derive(Debug, Clone, Copy)]
pub enum Proof<'a> {
    /// Our secret; none for a public client.
    Secret(Option<&'a Secret>),
    /// A signed assertion.
    Assertion(&'a Secret),
}

/// The credentials of a provider's settings, with `auth` in place of its `auto`. A provider without a secret makes
/// us a public client whatever the setting says.
pub fn build_credentials(provider: &Provider, auth: ClientAuth, proof: Proof<'_>) -> Credentials {
    let client_id = Secret::new(&*provider.client_id);
    let secret = match proof {
        Proof::Assertion(signed) if auth == ClientAuth::SignedSecret => {
            let params = vec![("client_id", client_id), ("client_secret", signed.clone())];
            return Credentials { header: None, params };
        }
        Proof::Assertion(assertion) => {
            let params = vec![
                ("client_id", client_id),
                ("client_assertion_type", Secret::new(ASSERTION_TYPE)),
                ("client_assertion", assertion.clone()),
            ];
            return Credentials { header: None, params };
        }
        Proof::Secret(secret) => secret,
    };
    match (auth, secret) {
        (ClientAuth::ClientSecretBasic, Some(secret)) => {
            Credentials { header: Some(basic(&provider.client_id, secret.expose())), params: Vec::new() }
        }
        // The client id has no place in the header, so it stands in the body (RFC 6749, 3.2.1).
        (ClientAuth::SecretAsUser, Some(secret)) => {
            Credentials { header: Some(basic(secret.expose(), "")), params: vec![("client_id", client_id)] }
        }
        (ClientAuth::Auto | ClientAuth::ClientSecretPost, Some(secret)) => Credentials {
            header: None,
            params: vec![("client_id", client_id), ("client_secret", secret.clone())],
        },
        _ => Credentials { header: None, params: vec![("client_id", client_id)] },
    }
}

/// Both parts are form-encoded before they are joined, so that a colon in the first stays a part of it.
fn basic(name: &str, password: &str) -> Secret {
    let mut pair = String::with_capacity(128);
    pair.extend(form_urlencoded::byte_serialize(name.as_bytes()));
    pair.push(':');
    pair.extend(form_urlencoded::byte_serialize(password.as_bytes()));
    Secret::new(format!("Basic {}", STANDARD.encode(pair)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oauth::response::tests::provider;

    fn params(credentials: &Credentials) -> Vec<(&str, &str)> {
        credentials.params.iter().map(|(name, value)| (*name, value.expose())).collect()
    }

    fn pair_of(credentials: &Credentials) -> String {
        let header = credentials.header.as_ref().unwrap().expose();
        String::from_utf8(STANDARD.decode(header.strip_prefix("Basic ").unwrap()).unwrap()).unwrap()
    }

    #[test]
    fn basic_encodes_both_parts_as_a_form_before_base64() {
        let mut provider = provider();
        provider.client_id = "a:b c".to_owned();
        let secret = Secret::new("100%+ü");
        let built = build_credentials(&provider, ClientAuth::ClientSecretBasic, Proof::Secret(Some(&secret)));
        assert_eq!(pair_of(&built), "a%3Ab+c:100%25%2B%C3%BC");
        assert!(built.params.is_empty());
    }

    #[test]
    fn auto_without_metadata_is_the_body() {
        let secret = Secret::new("the-secret");
        for auth in [ClientAuth::Auto, ClientAuth::ClientSecretPost] {
            let built = build_credentials(&provider(), auth, Proof::Secret(Some(&secret)));
            assert_eq!(params(&built), [("client_id", "Quiq Client"), ("client_secret", "the-secret")]);
            assert!(built.header.is_none());
        }
    }

    #[test]
    fn the_secret_may_be_the_user_name() {
        let secret = Secret::new("sk_1");
        let built = build_credentials(&provider(), ClientAuth::SecretAsUser, Proof::Secret(Some(&secret)));
        assert_eq!(pair_of(&built), "sk_1:");
        assert_eq!(params(&built), [("client_id", "Quiq Client")]);
    }

    #[test]
    fn a_public_client_sends_no_secret() {
        let secret = Secret::new("the-secret");
        for (auth, secret) in [(ClientAuth::None, Some(&secret)), (ClientAuth::ClientSecretBasic, None)] {
            let built = build_credentials(&provider(), auth, Proof::Secret(secret));
            assert_eq!(params(&built), [("client_id", "Quiq Client")]);
            assert!(built.header.is_none());
        }
    }

    #[test]
    fn an_assertion_stands_alone() {
        let assertion = Secret::new("a.b.c");
        let built = build_credentials(&provider(), ClientAuth::PrivateKeyJwt, Proof::Assertion(&assertion));
        let names: Vec<_> = params(&built).into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["client_id", "client_assertion_type", "client_assertion"]);
    }

    #[test]
    fn a_signed_secret_stands_where_a_secret_does() {
        let signed = Secret::new("a.b.c");
        let built = build_credentials(&provider(), ClientAuth::SignedSecret, Proof::Assertion(&signed));
        assert_eq!(params(&built), [("client_id", "Quiq Client"), ("client_secret", "a.b.c")]);
        assert!(built.header.is_none());
    }
}
