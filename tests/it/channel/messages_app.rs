//! Apple Messages as it behaves (CHANNELS §1): the phone that opens a sign-in and replies, and the gateway that posts
//! the reply to us. It knows nothing of our code: it reads what was sent and writes what a phone writes.

use std::io::Write as _;

use aes_gcm::aead::{Aead as _, KeyInit as _, consts::U16};
use aes_gcm::{AesGcm, Nonce, aes::Aes256};
use aws_lc_rs::agreement::{ECDH_P384, PrivateKey, UnparsedPublicKey, agree};
use aws_lc_rs::{digest, hmac};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use url::Url;

/// Where the older flow's code is caught.
const CAUGHT: &str = "https://auth.businesschat.apple.com";

/// What stands in Apple's register for a business.
pub struct Registered {
    /// The authorize URL; the phone replaces its query.
    pub authorize: Url,
    pub client_id: &'static str,
}

/// A customer's phone.
pub struct Phone {
    pub customer: &'static str,
}

/// A sheet over the chat.
pub struct Sheet {
    /// What it opens.
    pub url: Url,
    data: Value,
    is_newer: bool,
}

/// What the sheet does with a page that it is sent to.
#[derive(Debug, PartialEq, Eq)]
pub enum Page {
    /// The older flow: never loaded, its code is taken.
    Caught { code: String },
    /// The newer flow: never loaded, the sheet closes with this status.
    Closed { status: &'static str, error_code: Option<i64> },
    /// An ordinary page.
    Loaded,
}

impl Phone {
    /// What happens when the bubble is pressed; words if the phone refuses the message.
    pub fn press(&self, message: &Value, at: &Registered) -> Result<Sheet, &'static str> {
        if message["destinationId"] != self.customer {
            return Err("sent to somebody else");
        }
        let data = &message["interactiveData"]["data"];
        let version: f64 = data["version"].as_str().and_then(|text| text.parse().ok()).ok_or("no version")?;
        let oauth2 = &data["authenticate"]["oauth2"];
        let text = |name: &str| oauth2[name].as_str().filter(|text| !text.is_empty());
        let kind =
            text("responseType").filter(|kind| ["code", "token"].contains(kind)).ok_or("responseType")?;
        let scope: Vec<_> =
            oauth2["scope"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        if scope.iter().all(|word| word.is_empty()) {
            return Err("scope");
        }
        let is_newer = version >= 2.0;
        let mut url = at.authorize.clone();
        url.set_query(None);
        url.query_pairs_mut().append_pair("client_id", at.client_id);
        if is_newer {
            let page = text("redirectURI").filter(|page| page.starts_with("http")).ok_or("redirectURI")?;
            url.query_pairs_mut().append_pair("redirect_uri", page);
        } else {
            let key = text("responseEncryptionKey").ok_or("responseEncryptionKey")?;
            url.query_pairs_mut()
                .append_pair("redirect_uri", CAUGHT)
                .append_pair("response_encryption_key", key);
        }
        url.query_pairs_mut()
            .append_pair("response_type", kind)
            .append_pair("scope", &scope.join(" "))
            .append_pair("state", text("state").ok_or("state")?);
        Ok(Sheet { url, data: data.clone(), is_newer })
    }

    /// The message that the phone sends when the sheet is closed, as the gateway has it.
    fn writes(&self, business: &str, data: &Value) -> Value {
        json!({
            "id": "0198a1b2-0000-4000-8000-000000000001", "v": 1, "type": "interactive",
            "sourceId": self.customer, "destinationId": business,
            "interactiveData": {"bid": "com.apple.messages.MSMessageExtensionBalloonPlugin", "data": data},
        })
    }

    /// The newer flow's reply.
    pub fn reply(&self, business: &str, sheet: &Sheet, page: &Page) -> Value {
        let Page::Closed { status, error_code } = page else { panic!("the sheet is still open") };
        let mut authenticate = json!({"status": status});
        if let Some(code) = error_code {
            authenticate["error_code"] = json!(code);
        }
        let request = &sheet.data["requestIdentifier"];
        self.writes(
            business,
            &json!({"requestIdentifier": request, "version": "2", "authenticate": authenticate}),
        )
    }

    /// The older flow's reply: what the token endpoint gave, encrypted for the key of the message.
    pub fn reply_with(&self, business: &str, sheet: &Sheet, access_token: &str) -> Value {
        let key = sheet.data["authenticate"]["oauth2"]["responseEncryptionKey"].as_str().unwrap();
        let token = encrypt(&STANDARD.decode(key).unwrap(), access_token.as_bytes());
        let authenticate = json!({"status": "authenticated", "token": token});
        let request = &sheet.data["requestIdentifier"];
        self.writes(
            business,
            &json!({"requestIdentifier": request, "version": "1.0", "authenticate": authenticate}),
        )
    }
}

impl Sheet {
    /// What the sheet does when a page sends it on.
    pub fn follow(&self, location: &str) -> Page {
        if location.to_lowercase().starts_with(CAUGHT) && !self.is_newer {
            let url = Url::parse(location).unwrap();
            let code = url.query_pairs().find(|(name, _)| name == "code").map(|(_, code)| code.into_owned());
            return code.map_or(Page::Loaded, |code| Page::Caught { code });
        }
        match location.strip_prefix("messages-auth:") {
            Some(rest) if self.is_newer => closed(rest.trim_start_matches('/')),
            _ => Page::Loaded,
        }
    }

    /// The form that the phone posts to the token endpoint.
    pub fn redeem(&self, client_id: &str, code: &str) -> String {
        assert!(!self.is_newer, "the newer flow's code is ours");
        url::form_urlencoded::Serializer::new(String::new())
            .append_pair("client_id", client_id)
            .append_pair("code", code)
            .append_pair("grant_type", "authorization_code")
            .append_pair("redirect_uri", CAUGHT)
            .finish()
    }
}

/// An empty or repeated value stops the phone's parser, and the status is unknown.
fn closed(query: &str) -> Page {
    let unknown = Page::Closed { status: "unknown", error_code: None };
    let (mut status, mut error_code) = (None, None);
    for (name, value) in url::form_urlencoded::parse(query.trim_start_matches('?').as_bytes()) {
        let repeated = match &*name {
            _ if value.is_empty() => true,
            "status" => status.replace(value.to_lowercase()).is_some(),
            "error_code" => error_code.replace(value.parse().unwrap_or(0)).is_some(),
            _ => false,
        };
        if repeated {
            return unknown;
        }
    }
    let known = ["success", "failure", "cancel"].into_iter().find(|word| status.as_deref() == Some(word));
    known.map_or(unknown, |status| Page::Closed { status, error_code })
}

fn encrypt(point: &[u8], plain: &[u8]) -> String {
    let own = PrivateKey::generate(&ECDH_P384).unwrap();
    let public = own.compute_public_key().unwrap();
    let derived = agree(&own, UnparsedPublicKey::new(&ECDH_P384, point), (), |shared| {
        let block = |counter: u8| {
            let input = [shared, &[0, 0, 0, counter], public.as_ref()].concat();
            digest::digest(&digest::SHA256, &input).as_ref().to_vec()
        };
        Ok([block(1), block(2)].concat())
    });
    let derived = derived.unwrap();
    let cipher = AesGcm::<Aes256, U16>::new_from_slice(&derived[..32]).unwrap();
    let iv = <&Nonce<U16>>::try_from(&derived[32..48]).unwrap();
    STANDARD.encode([public.as_ref(), &cipher.encrypt(iv, plain).unwrap()].concat())
}

/// Apple's gateway: signs and packs what it posts.
pub struct Gateway {
    pub platform_id: &'static str,
    pub key: &'static [u8],
}

impl Gateway {
    /// The header `Authorization` and the body of a webhook.
    pub fn post(&self, message: &Value, issued_at: i64) -> (String, Vec<u8>) {
        let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let (header, claims) = (json!({"alg": "HS256"}), json!({"aud": self.platform_id, "iat": issued_at}));
        let text = format!("{}.{}", part(header), part(claims));
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, self.key), text.as_bytes());
        let mut packed = GzEncoder::new(Vec::new(), Compression::default());
        packed.write_all(message.to_string().as_bytes()).unwrap();
        (format!("Bearer {text}.{}", URL_SAFE_NO_PAD.encode(tag)), packed.finish().unwrap())
    }
}
