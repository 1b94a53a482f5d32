//! Messenger's account linking, by which Facebook itself says that the person of a conversation
//! signed in (*Account linking*, read 2025-07): Meta opens our page with a token and the address to come
//! back to, the token names who opened it, and a signed webhook says that it was done.

use jiff::Timestamp;
use serde_json::Value;
use url::Url;
use url::form_urlencoded;

use crate::domain::conversation::Handle;
use crate::secret::Secret;

/// The only host that a finished sign-in is sent back to. The address is a parameter that anybody can write.
const BACK_HOSTS: [&str; 2] = ["www.facebook.com", "m.facebook.com"];
const BACK_PATH: &str = "/messenger_platform/account_linking";
/// The longest token and address; Meta's are far shorter.
const MOST: usize = 4096;

/// What Meta added to our URL when it opened it.
#[derive(Clone)]
pub struct Opened {
    /// Names the person who opened it, for five minutes.
    pub token: Secret,
    back: Url,
}

/// What is wrong with what was added.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OpenedFault {
    /// Not there, or empty.
    #[error("`{0}` is missing")]
    Missing(&'static str),
    /// Twice, so that nobody knows which one holds.
    #[error("`{0}` stands twice")]
    Twice(&'static str),
    /// Too long, or not what it should be.
    #[error("`{0}` cannot be read")]
    Unreadable(&'static str),
    /// Another address than Facebook's.
    #[error("`redirect_uri` does not lead to Facebook")]
    Foreign,
}

/// What a webhook says of account linking.
#[derive(Debug, Clone)]
pub struct Linked {
    /// Whose conversation: the page-scoped id.
    pub sender: Handle,
    /// On which page.
    pub page: String,
    /// What we gave Meta at the end of the sign-in; none if the link was taken back.
    pub code: Option<Secret>,
    /// When it happened, by Meta's clock; none if it does not say.
    pub at: Option<Timestamp>,
}

/// Reads `account_linking_token` and `redirect_uri` of the query that Meta opens our page with.
pub fn parse_opened(query: &str) -> Result<Opened, OpenedFault> {
    let token = only(query, "account_linking_token")?;
    let back = only(query, "redirect_uri")?;
    if !token.chars().all(|c| c.is_ascii_graphic()) {
        return Err(OpenedFault::Unreadable("account_linking_token"));
    }
    let back = Url::parse(&back).map_err(|_| OpenedFault::Unreadable("redirect_uri"))?;
    if !is_facebooks(&back) {
        return Err(OpenedFault::Foreign);
    }
    Ok(Opened { token: Secret::new(token), back })
}

impl Opened {
    /// The question who opened it, at Meta's Graph API (`https://graph.facebook.com/<version>`), with the page's token.
    /// The answer is for [`parse_opener`].
    pub fn build_question(&self, graph: &Url, page_token: &Secret) -> Url {
        let mut url = graph.clone();
        url.set_path(&format!("{}/me", graph.path().trim_end_matches('/')));
        url.query_pairs_mut()
            .append_pair("fields", "recipient")
            .append_pair("account_linking_token", self.token.expose())
            .append_pair("access_token", page_token.expose());
        url
    }

    /// Where a failed sign-in goes: back to Facebook, without a code.
    pub fn build_failed(&self) -> Url {
        self.back.clone()
    }
}

impl std::fmt::Debug for Opened {
    /// The address holds the token, too.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Opened").finish_non_exhaustive()
    }
}

/// Where a sign-in goes, from the address that was kept ([`Opened::build_failed`]): a finished one with our own one-time
/// code, a failed one without.
pub fn build_back(back: &str, code: Option<&Secret>) -> String {
    let Some(code) = code else { return back.to_owned() };
    let sign = if back.contains('?') { '&' } else { '?' };
    let pair = form_urlencoded::Serializer::new(String::new())
        .append_pair("authorization_code", code.expose())
        .finish();
    format!("{back}{sign}{pair}")
}

/// Who opened the page, of Meta's answer to `GET /me?fields=recipient&account_linking_token=…`. The
/// page is the one whose token asked.
pub fn parse_opener(answer: &[u8]) -> Option<Handle> {
    let answer: Value = serde_json::from_slice(answer).ok()?;
    Handle::parse(answer.get("recipient")?.as_str()?).ok()
}

/// What an event of a webhook says of account linking, if it speaks of that.
pub fn parse_event(event: &Value) -> Option<Linked> {
    let linking = event.get("account_linking")?;
    let id = |who: &str| event.get(who)?.get("id")?.as_str();
    let code = match linking.get("status")?.as_str()? {
        "linked" => Some(Secret::new(linking.get("authorization_code")?.as_str()?)),
        "unlinked" => None,
        _ => return None,
    };
    let at =
        event.get("timestamp").and_then(Value::as_i64).and_then(|ms| Timestamp::from_millisecond(ms).ok());
    Some(Linked { sender: Handle::parse(id("sender")?).ok()?, page: id("recipient")?.to_owned(), code, at })
}

fn only(query: &str, name: &'static str) -> Result<String, OpenedFault> {
    let mut values = form_urlencoded::parse(query.as_bytes()).filter(|(key, _)| key == name);
    let value = values.next().map(|(_, value)| value.into_owned()).unwrap_or_default();
    if values.next().is_some() {
        return Err(OpenedFault::Twice(name));
    }
    match value.len() {
        0 => Err(OpenedFault::Missing(name)),
        length if length > MOST => Err(OpenedFault::Unreadable(name)),
        _ => Ok(value),
    }
}

fn is_facebooks(back: &Url) -> bool {
    let path = back.path().strip_prefix(BACK_PATH);
    back.scheme() == "https"
        && back.host_str().is_some_and(|host| BACK_HOSTS.contains(&host))
        && back.port().is_none()
        && back.username().is_empty()
        && back.password().is_none()
        && path.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    const BACK: &str = "https%3A%2F%2Fwww.facebook.com%2Fmessenger_platform%2Faccount_linking%2F%3Faccount_linking_token%3DARQ";

    fn query(back: &str) -> String {
        let pair = |name: &str, value: &str| {
            form_urlencoded::Serializer::new(String::new()).append_pair(name, value).finish()
        };
        format!("{}&{}", pair("account_linking_token", "ARQ"), pair("redirect_uri", back))
    }

    #[test]
    fn a_finished_sign_in_goes_back_with_our_code_behind_what_was_there() {
        let opened = parse_opened(&format!("account_linking_token=ARQ&redirect_uri={BACK}")).unwrap();
        assert_eq!(opened.token.expose(), "ARQ");
        let kept = opened.build_failed();
        assert_eq!(
            build_back(kept.as_str(), Some(&Secret::new("one time+"))),
            "https://www.facebook.com/messenger_platform/account_linking/?account_linking_token=ARQ&authorization_code=one+time%2B"
        );
        assert!(!kept.as_str().contains("authorization_code"));
        assert_eq!(build_back(kept.as_str(), None), kept.as_str());
    }

    #[test]
    fn nobody_is_sent_anywhere_but_to_facebook() {
        for foreign in [
            "https://evil.example/messenger_platform/account_linking",
            "http://www.facebook.com/messenger_platform/account_linking/",
            "https://www.facebook.com@evil.example/messenger_platform/account_linking/",
            "https://www.facebook.com.evil.example/messenger_platform/account_linking/",
            "https://x:y@www.facebook.com/messenger_platform/account_linking/",
            "https://www.facebook.com:8443/messenger_platform/account_linking/",
            "https://www.facebook.com/l.php?u=https://evil.example",
            "https://www.facebook.com/messenger_platform/account_linkingevil",
            "https://www.facebook.com/messenger_platform/account_linking/../../l.php?u=x",
            "https://www.facebook.com/messenger_platform/account_linking/%2e%2e/%2e%2e/l.php",
            "https:/\\evil.example/messenger_platform/account_linking",
            "javascript:alert(1)",
        ] {
            assert_eq!(parse_opened(&query(foreign)).unwrap_err(), OpenedFault::Foreign, "{foreign}");
        }
        for fine in [
            "https://www.facebook.com/messenger_platform/account_linking",
            "https://m.facebook.com/messenger_platform/account_linking/?a=b",
        ] {
            assert!(parse_opened(&query(fine)).is_ok(), "{fine}");
        }
    }

    #[test]
    fn what_is_missing_or_stands_twice_is_refused() {
        for (query, fault) in [
            (String::new(), OpenedFault::Missing("account_linking_token")),
            (
                "account_linking_token=&redirect_uri=x".to_owned(),
                OpenedFault::Missing("account_linking_token"),
            ),
            ("account_linking_token=a".to_owned(), OpenedFault::Missing("redirect_uri")),
            (
                format!("account_linking_token=a&account_linking_token=b&redirect_uri={BACK}"),
                OpenedFault::Twice("account_linking_token"),
            ),
            (
                format!("account_linking_token=a&redirect_uri={BACK}&redirect_uri={BACK}"),
                OpenedFault::Twice("redirect_uri"),
            ),
            ("account_linking_token=a&redirect_uri=%2Fx".to_owned(), OpenedFault::Unreadable("redirect_uri")),
            (
                format!("account_linking_token=a%0Ab&redirect_uri={BACK}"),
                OpenedFault::Unreadable("account_linking_token"),
            ),
            (
                format!("account_linking_token={}&redirect_uri={BACK}", "a".repeat(5000)),
                OpenedFault::Unreadable("account_linking_token"),
            ),
        ] {
            assert_eq!(parse_opened(&query).unwrap_err(), fault, "{query}");
        }
    }

    #[test]
    fn the_opener_is_who_meta_says() {
        let opened = parse_opened(&format!("account_linking_token=A%26R&redirect_uri={BACK}")).unwrap();
        assert_eq!(
            opened
                .build_question(&"https://graph.facebook.com/v25.0".parse().unwrap(), &Secret::new("p&t"))
                .as_str(),
            "https://graph.facebook.com/v25.0/me?fields=recipient&account_linking_token=A%26R&access_token=p%26t"
        );
        assert_eq!(parse_opener(br#"{"id":"PAGE","recipient":"PSID-1"}"#).unwrap().as_str(), "PSID-1");
        for other in [&b"{}"[..], br#"{"recipient":""}"#, br#"{"recipient":7}"#, b"[]", b"\xFF"] {
            assert!(parse_opener(other).is_none());
        }
    }

    #[test]
    fn an_event_tells_who_linked_with_which_code_and_who_took_it_back_when() {
        let read = |linking: Value, timestamp: Value| {
            let event = json!({
                "sender": {"id": "PSID-1"}, "recipient": {"id": "PAGE"}, "timestamp": timestamp, "account_linking": linking,
            });
            let linked = parse_event(&event)?;
            assert_eq!((linked.sender.as_str(), &*linked.page), ("PSID-1", "PAGE"));
            Some((linked.code.map(|code| code.expose().to_owned()), linked.at.map(Timestamp::as_millisecond)))
        };
        let code = json!({"status": "linked", "authorization_code": "c-1"});
        assert_eq!(read(code, json!(1)), Some((Some("c-1".to_owned()), Some(1))));
        assert_eq!(read(json!({"status": "unlinked"}), json!(null)), Some((None, None)));
        assert_eq!(read(json!({"status": "unlinked"}), json!(i64::MAX)), Some((None, None)));
        assert_eq!(read(json!({"status": "linked"}), json!(1)), None);
        assert_eq!(read(json!({"status": "other", "authorization_code": "c-2"}), json!(1)), None);
        assert!(parse_event(&json!({"message": {"text": "hello"}})).is_none());
    }

    #[test]
    fn nothing_that_meta_added_is_printed() {
        let opened = parse_opened(&query(
            "https://www.facebook.com/messenger_platform/account_linking/?account_linking_token=ARQ",
        ))
        .unwrap();
        assert!(!format!("{opened:?}").contains("ARQ"));
    }

    proptest! {
        #[test]
        fn garbage_is_read_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), text in "\\PC{0,80}") {
            let _ = (parse_opener(&bytes), parse_opened(&text));
        }

        #[test]
        fn an_address_that_is_taken_is_facebooks(host in "[a-z.@:/\\\\]{0,20}", path in "[a-z_./%?#]{0,40}") {
            if let Ok(opened) = parse_opened(&query(&format!("https://{host}{path}"))) {
                prop_assert!(opened.build_failed().as_str().starts_with("https://www.facebook.com/messenger_platform/account_linking")
                    || opened.build_failed().as_str().starts_with("https://m.facebook.com/messenger_platform/account_linking"));
            }
        }
    }
}
