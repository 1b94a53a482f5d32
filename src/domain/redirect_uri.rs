//! Where an app may be answered: compared letter by letter, but for the port of a loopback address, which a native app
//! chooses anew each time (RFC 8252, 7.3).

use serde::{Deserialize, Serialize};
use url::Url;

/// The longest one, in bytes.
const LONGEST: usize = 2000;
/// The loopback addresses. `localhost` is a name that others may answer to (RFC 8252, 8.3): its port is not free.
const LOOPBACK: [&str; 2] = ["http://127.0.0.1", "http://[::1]"];
/// Schemes that show or run something themselves.
const REFUSED: [&str; 10] = [
    "javascript",
    "data",
    "vbscript",
    "blob",
    "file",
    "filesystem",
    "about",
    "view-source",
    "intent",
    "content",
];

/// An address that a client has registered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RedirectUri(String);

/// Why a text is no redirect URI.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadRedirectUri {
    /// No absolute address in visible ASCII of at most 2000 characters.
    #[error("write an absolute address in visible ASCII, at most 2000 characters")]
    NoUri,
    /// It has a fragment.
    #[error("a redirect uri has no fragment (`#…`)")]
    Fragment,
    /// It has a user name or a password.
    #[error("a redirect uri has no user name")]
    UserInfo,
    /// A wildcard.
    #[error("a redirect uri has no wildcard: register every address")]
    Wildcard,
    /// `http` that leaves the device.
    #[error("`http` is for `127.0.0.1`, `[::1]` and `localhost` only; use `https`")]
    Plain,
    /// A private scheme without a dot, or one that runs something.
    #[error("a private scheme is a domain of yours read backwards, e.g. `com.example.app:/callback`")]
    Scheme,
}

impl RedirectUri {
    /// Reads what a client registers: `https`, `http` on the device itself, or a private scheme that is named after a
    /// domain (RFC 8252, 7).
    pub fn parse(text: &str) -> Result<Self, BadRedirectUri> {
        if text.len() > LONGEST || !text.bytes().all(|b| (0x21..0x7f).contains(&b)) {
            return Err(BadRedirectUri::NoUri);
        }
        let url = Url::parse(text).map_err(|_| BadRedirectUri::NoUri)?;
        if text.contains('#') {
            return Err(BadRedirectUri::Fragment);
        }
        if text.contains('*') {
            return Err(BadRedirectUri::Wildcard);
        }
        if !url.username().is_empty() || url.password().is_some() || has_user_info(text) {
            return Err(BadRedirectUri::UserInfo);
        }
        match url.scheme() {
            "https" if url.host_str().is_some() && is_plainly(text, "https://") => Ok(()),
            "http" if is_on_device(&url) && is_plainly(text, "http://") => Ok(()),
            "http" => Err(BadRedirectUri::Plain),
            "https" => Err(BadRedirectUri::NoUri),
            scheme if scheme.contains('.') && !REFUSED.contains(&scheme) => Ok(()),
            _ => Err(BadRedirectUri::Scheme),
        }?;
        Ok(Self(text.to_owned()))
    }

    /// The text as it was registered.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a request may be answered at `asked`.
    pub fn allows(&self, asked: &str) -> bool {
        if self.0 == asked {
            return true;
        }
        let (Some(own), Some(other)) = (on_loopback(&self.0), on_loopback(asked)) else { return false };
        own == other
    }

    /// The origin of the pages that are answered here; none for an app on the device.
    pub fn origin(&self) -> Option<String> {
        let url = Url::parse(&self.0).ok().filter(|url| matches!(url.scheme(), "https" | "http"))?;
        Some(url.origin().ascii_serialization())
    }
}

impl TryFrom<String> for RedirectUri {
    type Error = BadRedirectUri;

    fn try_from(text: String) -> Result<Self, BadRedirectUri> {
        Self::parse(&text)
    }
}

impl From<RedirectUri> for String {
    fn from(uri: RedirectUri) -> Self {
        uri.0
    }
}

/// `@` in the authority, which some readers take for the end of a user name.
fn has_user_info(text: &str) -> bool {
    let Some((_, rest)) = text.split_once("://") else { return false };
    rest.split(['/', '?']).next().is_some_and(|authority| authority.contains('@'))
}

/// Written as it is read: browsers forgive a missing slash and a backslash.
fn is_plainly(text: &str, start: &str) -> bool {
    text.starts_with(start) && !text.contains('\\')
}

fn is_on_device(url: &Url) -> bool {
    matches!(url.host_str(), Some("127.0.0.1" | "[::1]" | "localhost"))
}

/// An address and what follows its port, of a text that begins with a loopback address.
fn on_loopback(text: &str) -> Option<(&'static str, &str)> {
    let (host, rest) = LOOPBACK.into_iter().find_map(|host| Some((host, text.strip_prefix(host)?)))?;
    let rest = match rest.strip_prefix(':') {
        Some(with_port) => {
            let path = with_port.trim_start_matches(|c: char| c.is_ascii_digit());
            let port = &with_port[..with_port.len() - path.len()];
            port.parse::<u16>().ok().filter(|port| *port > 0)?;
            path
        }
        None => rest,
    };
    let is_whole = rest.is_empty() || rest.starts_with(['/', '?']);
    is_whole.then_some((host, rest))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn uri(text: &str) -> RedirectUri {
        RedirectUri::parse(text).unwrap()
    }

    #[test]
    fn https_the_device_itself_and_private_schemes_are_taken() {
        for good in [
            "https://yourapp.com/callback",
            "https://yourapp.com/callback?x=1",
            "https://yourapp.com:8443",
            "http://127.0.0.1/cb",
            "http://[::1]:4000/cb",
            "http://localhost:3000/cb",
            "com.example.app:/callback",
            "com.example.app://callback",
        ] {
            assert_eq!(uri(good).as_str(), good);
        }
    }

    #[test]
    fn what_could_lead_elsewhere_is_not() {
        use BadRedirectUri as B;
        for (bad, why) in [
            ("", B::NoUri),
            ("/callback", B::NoUri),
            ("https://", B::NoUri),
            ("https:yourapp.com", B::NoUri),
            ("https:\\\\yourapp.com", B::NoUri),
            ("https://yourapp.com/ü", B::NoUri),
            ("https://yourapp.com/a b", B::NoUri),
            ("https://yourapp.com/#x", B::Fragment),
            ("https://yourapp.com/#", B::Fragment),
            ("https://*.yourapp.com/", B::Wildcard),
            ("https://you@yourapp.com/", B::UserInfo),
            ("https://@yourapp.com/", B::UserInfo),
            ("http://yourapp.com/cb", B::Plain),
            ("http://127.0.0.1.evil.example/cb", B::Plain),
            ("javascript:alert(1)", B::Scheme),
            ("data:text/html,x", B::Scheme),
            ("myapp:/callback", B::Scheme),
        ] {
            assert_eq!(RedirectUri::parse(bad), Err(why), "{bad}");
        }
        assert_eq!(RedirectUri::parse(&format!("https://a.example/{}", "x".repeat(2000))), Err(B::NoUri));
    }

    #[test]
    fn an_address_is_compared_letter_by_letter() {
        let known = uri("https://yourapp.com/callback");
        assert!(known.allows("https://yourapp.com/callback"));
        for other in [
            "https://yourapp.com/callback/",
            "https://yourapp.com/callback?",
            "https://yourapp.com/callback?x=1",
            "https://yourapp.com/Callback",
            "https://YOURAPP.com/callback",
            "https://yourapp.com:443/callback",
            "https://yourapp.com/x/../callback",
            "https://yourapp.com/%63allback",
            "https://yourapp.com.evil.example/callback",
            "http://yourapp.com/callback",
            "",
        ] {
            assert!(!known.allows(other), "{other}");
        }
    }

    #[test]
    fn an_app_in_a_page_has_an_origin_and_one_on_a_device_has_none() {
        assert_eq!(uri("https://yourapp.com/callback").origin().as_deref(), Some("https://yourapp.com"));
        assert_eq!(uri("http://localhost:3000/cb").origin().as_deref(), Some("http://localhost:3000"));
        assert_eq!(uri("com.example.app:/callback").origin(), None);
    }

    #[test]
    fn only_the_port_of_a_loopback_address_is_free() {
        let known = uri("http://127.0.0.1/cb");
        for good in ["http://127.0.0.1/cb", "http://127.0.0.1:1/cb", "http://127.0.0.1:65535/cb"] {
            assert!(known.allows(good), "{good}");
        }
        for bad in [
            "http://127.0.0.1:0/cb",
            "http://127.0.0.1:65536/cb",
            "http://127.0.0.1:/cb",
            "http://127.0.0.1:80@evil.example/cb",
            "http://127.0.0.1:80/cb2",
            "http://127.0.0.1:80/cb?x",
            "http://127.0.0.1.evil.example/cb",
            "http://127.0.0.1evil.example/cb",
            "http://[::1]:80/cb",
            "http://localhost:80/cb",
            "https://127.0.0.1:80/cb",
        ] {
            assert!(!known.allows(bad), "{bad}");
        }
        assert!(uri("http://[::1]:4000/cb").allows("http://[::1]:4001/cb"));
        assert!(!uri("http://localhost:3000/cb").allows("http://localhost:3001/cb"));
        assert!(!uri("com.example.app:/cb").allows("com.example.app:1/cb"));
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parser_panic_and_what_is_registered_is_allowed(text in "\\PC{0,60}", tail in "[!-~]{0,30}") {
            for text in [text, format!("http://127.0.0.1:{tail}"), format!("https://a.example/{tail}")] {
                let _ = uri("http://127.0.0.1/cb").allows(&text);
                if let Ok(known) = RedirectUri::parse(&text) {
                    prop_assert!(known.allows(&text));
                }
            }
        }
    }
}
