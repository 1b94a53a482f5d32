//! What a provider complains of, where it says so in words: an error code and its description at the
//! callback (RFC 6749, 4.1.2.1), or a page that a person would read. Nothing here names a provider;
//! nothing depends on it but words for the tenant's admin.
//!
//! To add a complaint: 1. a variant with its words below, 2. a case in the test.

/// What a provider does not take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Complaint {
    /// The redirect URI is not registered there.
    RedirectUri,
    /// It does not know PKCE, or not so.
    Pkce,
    /// A scope is unknown, or may not be asked for.
    Scope,
    /// It knows no way to answer as it was asked to.
    ResponseMode,
    /// The client is unknown, or may not sign people in.
    Client,
}

/// How far apart, in bytes, a thing and what is said of it may stand.
const NEAR: usize = 120;
/// What is said of a thing that is not taken.
const SAID: [&str; 26] = [
    "mismatch",
    "does not match",
    "doesn't match",
    "do not match",
    "don't match",
    "did not match",
    "not match",
    "not registered",
    "unregistered",
    "not allowed",
    "disallowed",
    "not permitted",
    "not valid",
    "invalid",
    "not whitelisted",
    "not listed",
    "not recognized",
    "not recognised",
    "unknown",
    "unsupported",
    "not supported",
    "not found",
    "not authorized",
    "does not exist",
    "incorrect",
    "bad ",
];
/// Codes that mean one thing wherever they stand.
const CODES: [(&str, Complaint); 12] = [
    ("redirect_uri_mismatch", Complaint::RedirectUri),
    ("invalid_redirect_uri", Complaint::RedirectUri),
    ("invalid_redirect_url", Complaint::RedirectUri),
    ("redirect_uri_not_allowed", Complaint::RedirectUri),
    ("bad_redirect_uri", Complaint::RedirectUri),
    ("invalid_scope", Complaint::Scope),
    ("invalid_client_id", Complaint::Client),
    ("unknown_client", Complaint::Client),
    ("invalid_client", Complaint::Client),
    ("unauthorized_client", Complaint::Client),
    ("unsupported_response_mode", Complaint::ResponseMode),
    ("unsupported_response_type", Complaint::ResponseMode),
];
/// What things are called, each before what is part of it.
const THINGS: [(&str, Complaint); 26] = [
    ("redirect_uri", Complaint::RedirectUri),
    ("redirect uri", Complaint::RedirectUri),
    ("redirecturi", Complaint::RedirectUri),
    ("redirect_url", Complaint::RedirectUri),
    ("redirect url", Complaint::RedirectUri),
    ("redirection uri", Complaint::RedirectUri),
    ("redirect address", Complaint::RedirectUri),
    ("callback url", Complaint::RedirectUri),
    ("callback_url", Complaint::RedirectUri),
    ("callback uri", Complaint::RedirectUri),
    ("reply url", Complaint::RedirectUri),
    ("return url", Complaint::RedirectUri),
    ("return_url", Complaint::RedirectUri),
    ("code_challenge", Complaint::Pkce),
    ("code challenge", Complaint::Pkce),
    ("pkce", Complaint::Pkce),
    ("scope", Complaint::Scope),
    ("response_mode", Complaint::ResponseMode),
    ("response mode", Complaint::ResponseMode),
    ("response_type", Complaint::ResponseMode),
    ("client_id", Complaint::Client),
    ("client id", Complaint::Client),
    ("clientid", Complaint::Client),
    ("client", Complaint::Client),
    ("application", Complaint::Client),
    ("app id", Complaint::Client),
];

impl Complaint {
    /// What an error at the callback complains of: the description decides, where it names a thing.
    pub fn of_error(error: &str, description: Option<&str>) -> Option<Self> {
        description.and_then(Self::of_text).or_else(|| Self::of_text(error))
    }

    /// What a text complains of. One that only names a thing complains of nothing.
    pub fn of_text(text: &str) -> Option<Self> {
        let text = text.to_lowercase();
        let coded = CODES.iter().filter(|(code, _)| text.contains(code)).map(|(_, complaint)| *complaint);
        coded.chain(Self::said_of(&text)).min()
    }

    /// What the visible words of a page complain of.
    pub fn of_page(html: &str) -> Option<Self> {
        Self::of_text(&visible(html))
    }

    fn said_of(text: &str) -> Option<Self> {
        let is_said = |at: usize, name: &str| {
            let (from, to) = (at.saturating_sub(NEAR), (at + name.len() + NEAR).min(text.len()));
            let near = String::from_utf8_lossy(&text.as_bytes()[from..to]);
            SAID.iter().any(|said| near.contains(said))
        };
        let named = |(name, complaint): &(&str, Self)| {
            text.match_indices(name).any(|(at, name)| is_said(at, name)).then_some(*complaint)
        };
        THINGS.iter().filter_map(named).min()
    }
}

/// The words of a page that a person would see: no tags, no scripts, no styles, single spaces.
pub fn visible(html: &str) -> String {
    let lower = html.to_ascii_lowercase();
    let (mut text, mut at) = (String::new(), 0);
    while let Some(open) = html[at..].find('<').map(|found| at + found) {
        text.push_str(&html[at..open]);
        text.push(' ');
        let hidden = ["script", "style", "template", "!--"];
        let name = hidden.iter().find(|name| lower[open + 1..].starts_with(*name));
        let end = match name {
            Some(&"!--") => lower[open..].find("-->").map(|found| open + found + 3),
            Some(name) => {
                let close = lower[open..].find(&format!("</{name}"));
                close.and_then(|found| lower[open + found..].find('>').map(|end| open + found + end + 1))
            }
            None => lower[open..].find('>').map(|found| open + found + 1),
        };
        at = end.unwrap_or(html.len());
    }
    text.push_str(&html[at..]);
    let plain =
        text.replace("&quot;", "\"").replace("&#39;", "'").replace("&amp;", "&").replace("&nbsp;", " ");
    plain.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(
        "invalid_request",
        Some("redirect_uri did not match any registered uri"),
        Some(Complaint::RedirectUri)
    )]
    #[case("redirect_uri_mismatch", None, Some(Complaint::RedirectUri))]
    #[case(
        "invalid_request",
        Some("The 'redirect_uri' parameter must be a Login URL that is not allowed"),
        Some(Complaint::RedirectUri)
    )]
    #[case("invalid_request", Some("Unsupported parameter: code_challenge"), Some(Complaint::Pkce))]
    #[case("invalid_request", Some("Invalid scopes: openid,email"), Some(Complaint::Scope))]
    #[case("invalid_scope", None, Some(Complaint::Scope))]
    #[case("unauthorized_client", None, Some(Complaint::Client))]
    #[case("unsupported_response_mode", None, Some(Complaint::ResponseMode))]
    #[case("server_error", Some("try again later"), None)]
    #[case("access_denied", None, None)]
    fn an_error_says_what_it_complains_of(
        #[case] error: &str,
        #[case] description: Option<&str>,
        #[case] wanted: Option<Complaint>,
    ) {
        assert_eq!(Complaint::of_error(error, description), wanted);
    }

    #[rstest]
    #[case("<h1>Error 400: redirect_uri_mismatch</h1>", Some(Complaint::RedirectUri))]
    #[case(
        "<p>The redirect URI in the request, <b>https://x</b>, does not match.</p>",
        Some(Complaint::RedirectUri)
    )]
    #[case("<p>Callback URL mismatch.</p><p>client</p>", Some(Complaint::RedirectUri))]
    #[case("<p>Invalid parameter: redirect_uri</p>", Some(Complaint::RedirectUri))]
    #[case("<p>Client not found.</p>", Some(Complaint::Client))]
    #[case("<p>The application was not found in the directory</p>", Some(Complaint::Client))]
    #[case(
        "<form action='/login?redirect_uri=x'><script>'invalid redirect_uri'</script>Sign in</form>",
        None
    )]
    #[case("<!-- invalid client --><p>Sign in to the application</p>", None)]
    fn a_page_says_what_it_complains_of(#[case] page: &str, #[case] wanted: Option<Complaint>) {
        assert_eq!(Complaint::of_page(page), wanted);
    }

    proptest! {
        #[test]
        fn any_text_is_read(text in "(<(script|style|!--|b)?|>|-->|</script>|é|redirect_uri|invalid|[a-z ]){0,30}", any: String) {
            Complaint::of_page(&text);
            Complaint::of_text(&any);
            visible(&any);
        }
    }
}
