//! A tenant's web chat on a page of its own: the element that shows the sign-in card there, and what it talks to.
//!
//! | path | what |
//! |---|---|
//! | `GET /embed/chat.js` | the element `<countersign-sign-in>`, for any page ([`script`]) |
//! | `POST /embed/open` | the form that the chat's page sends into the window of the sign-in ([`open`]) |
//! | `POST /embed/listen` | what becomes of the link, as server-sent events, for the chat's page ([`listen`]) |
//!
//! Neither POST takes a cookie, and the card's token stands in their bodies: no URL, log or `Referer` ever holds it.
//! Neither starts a sign-in: that is what *Continue* does, on our own page.
//!
//! To add one: 1. a handler in a file of its own, 2. a row above and in [`routes`], 3. its part in
//! `assets/embed/chat.js` and in docs/web-chat.md, 4. a story in `tests/it/channel/web_chat.rs`.

mod listen;
mod open;
mod script;

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, FromRequest as _, Request};
use axum::http::{HeaderMap, header};
use axum::routing::any;

use crate::domain::tenant::Tenant;

use super::Web;

/// The most bytes of a body: a token, and room for what browsers add.
const BODY: usize = 4096;

/// The URLs of web chats.
pub fn routes() -> Router<Arc<Web>> {
    Router::new()
        .route("/embed/chat.js", any(script::script))
        .route("/embed/open", any(open::open))
        .route("/embed/listen", any(listen::listen))
        .layer(DefaultBodyLimit::max(BODY))
}

/// The token in a form's body. A body that cannot be read has none.
async fn token_of(request: Request) -> String {
    let Ok(body) = Bytes::from_request(request, &()).await else { return String::new() };
    let mut tokens = url::form_urlencoded::parse(&body).filter(|(name, _)| name == "token");
    match (tokens.next(), tokens.next()) {
        (Some((_, token)), None) => token.into_owned(),
        _ => String::new(),
    }
}

/// The one origin that the browser names, if it is that of a page of the tenant's chat, to the letter. A page cannot
/// forge it, and a link that is loaded has none.
fn origin_of_chat<'a>(tenant: &'a Tenant, headers: &HeaderMap) -> Result<&'a str, NotOfChat> {
    let mut named = headers.get_all(header::ORIGIN).iter();
    let (Some(origin), None) = (named.next(), named.next()) else { return Err(NotOfChat::Unnamed) };
    match tenant.chat_origins.iter().find(|known| known.as_bytes() == origin.as_bytes()) {
        Some(known) => Ok(known),
        None if origin == "null" => Err(NotOfChat::Withheld),
        None => Err(NotOfChat::Foreign),
    }
}

/// Why a request is not from a page of the tenant's chat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum NotOfChat {
    /// It names no origin, or more than one.
    Unnamed,
    /// The browser keeps the origin back: the page's referrer policy is `no-referrer` or `same-origin`, or the form went
    /// through a redirect of another site.
    Withheld,
    /// It names another page.
    Foreign,
    /// It is the page's origin, but not the window of a sign-in that the form was sent into.
    Framed,
}

impl NotOfChat {
    /// A word for the log.
    fn as_str(self) -> &'static str {
        match self {
            Self::Unnamed => "origin_missing",
            Self::Withheld => "origin_withheld",
            Self::Foreign => "origin_foreign",
            Self::Framed => "framed",
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    const OWN: &str = "https://www.acme.example";

    fn tenant() -> Tenant {
        Tenant {
            name: "Acme".to_owned(),
            origin: "https://acme.example.com".to_owned(),
            chat_origins: vec![OWN.to_owned()],
            ..Tenant::named("acme".parse().unwrap())
        }
    }

    fn judged(named: &[&str]) -> Result<(), NotOfChat> {
        let mut headers = HeaderMap::new();
        for origin in named {
            headers.append(header::ORIGIN, HeaderValue::from_str(origin).unwrap());
        }
        origin_of_chat(&tenant(), &headers).map(drop)
    }

    #[test]
    fn only_one_origin_to_the_letter_is_a_chats() {
        assert_eq!(judged(&[OWN]), Ok(()));
        for (named, why) in [
            (&[][..], NotOfChat::Unnamed),
            (&[OWN, OWN], NotOfChat::Unnamed),
            (&["null"], NotOfChat::Withheld),
            (&["https://evil.example"], NotOfChat::Foreign),
            (&["https://WWW.acme.example"], NotOfChat::Foreign),
            (&["https://www.acme.example:443"], NotOfChat::Foreign),
            (&["https://www.acme.example/"], NotOfChat::Foreign),
            (&["http://www.acme.example"], NotOfChat::Foreign),
            (&["https://www.acme.example.evil.example"], NotOfChat::Foreign),
            (&[""], NotOfChat::Foreign),
        ] {
            assert_eq!(judged(named), Err(why), "{named:?}");
        }
    }

    proptest! {
        #[test]
        fn no_other_text_is_an_origin_of_ours(text in "[ -~]{0,60}") {
            prop_assert_eq!(judged(&[&text]).is_ok(), text == OWN);
        }
    }
}
