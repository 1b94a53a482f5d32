//! Who issues: the text that metadata, id_tokens and authorization responses are compared with,
//! byte for byte (OpenID Connect Core 1.0, 3.1.3.7; RFC 8414, 3.3; RFC 9207, 2.4).

use std::fmt;

use url::Url;

/// The place of a template that a directory's id fills.
const PLACE: &str = "{tenantid}";

/// An issuer as the provider's metadata announces it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Issuer {
    /// The text itself.
    Exact(String),
    /// A text with one whole path segment `{tenantid}`: a server that signs for many directories
    /// under one address announces it so. An id_token fits if its `iss` is this text with the
    /// token's own `tid` in that place, and `tid` is a UUID. Which directories may sign in is then
    /// decided by nobody but the server; a tenant that means one directory gives its own issuer.
    Template {
        /// What stands before the place, with the slash.
        before: String,
        /// What stands behind it: nothing, or a slash and more.
        behind: String,
    },
}

/// Why a text is no issuer to ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadIssuer {
    /// No URL with a host.
    #[error("an issuer is a url like `https://login.example.com`")]
    Url,
    /// RFC 8414, 2 allows neither.
    #[error("an issuer has neither `?` nor `#`; leave out what stands behind it")]
    Parts,
}

impl Issuer {
    /// The issuer that `announced` names where `asked` was asked for; none if they differ. They are
    /// equal to the last byte, or `announced` is a template and `asked` has another word in its
    /// place (`common`, `organizations`). A UUID there means that directory and no other.
    pub fn of_metadata(asked: &str, announced: &str) -> Option<Self> {
        if asked == announced {
            return Some(Self::Exact(asked.to_owned()));
        }
        let (before, behind) = split(announced)?;
        let word = asked.strip_prefix(before)?.strip_suffix(behind)?;
        if word.is_empty() || word.contains('/') {
            return None;
        }
        if is_uuid(word) {
            return Some(Self::Exact(asked.to_owned()));
        }
        Some(Self::Template { before: before.to_owned(), behind: behind.to_owned() })
    }

    /// The issuer of settings that give every address themselves, so that no metadata is asked: the
    /// text itself, or a template, if it is written as one.
    pub fn of_settings(text: &str) -> Self {
        match split(text) {
            Some((before, behind)) => Self::Template { before: before.to_owned(), behind: behind.to_owned() },
            None => Self::Exact(text.to_owned()),
        }
    }

    /// Whether an id_token may come from here, by its `iss` and its `tid`.
    pub fn matches(&self, iss: &str, tid: Option<&str>) -> bool {
        match self {
            Self::Exact(text) => text == iss,
            Self::Template { before, behind } => {
                let filled = |tid: &str| {
                    iss.strip_prefix(before.as_str()).and_then(|rest| rest.strip_suffix(behind.as_str()))
                        == Some(tid)
                };
                tid.is_some_and(|tid| is_uuid(tid) && filled(tid))
            }
        }
    }

    /// Whether an authorization response may come from here, by its `iss` (RFC 9207, 2.4): a template stands for any
    /// directory; which one it was the id_token says.
    pub fn answers_as(&self, iss: &str) -> bool {
        match self {
            Self::Exact(text) => text == iss,
            Self::Template { before, behind } => {
                let rest = iss.strip_prefix(before.as_str());
                rest.and_then(|rest| rest.strip_suffix(behind.as_str())).is_some_and(is_uuid)
            }
        }
    }

    /// The one text, if there is one: what `iss` of an authorization response must be (RFC 9207).
    pub fn as_exact(&self) -> Option<&str> {
        match self {
            Self::Exact(text) => Some(text),
            Self::Template { .. } => None,
        }
    }
}

impl fmt::Display for Issuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(text) => f.write_str(text),
            Self::Template { before, behind } => write!(f, "{before}{PLACE}{behind}"),
        }
    }
}

/// Where the metadata of an issuer may stand, in the order of asking: OpenID Connect Discovery 1.0, 4
/// appends to the path; RFC 8414, 3.1 puts its own name before it, and for an issuer with a path the
/// name of OpenID Connect too (RFC 8414, 5).
pub fn metadata_urls(issuer: &str) -> Result<Vec<Url>, BadIssuer> {
    let url: Url = issuer.parse().map_err(|_| BadIssuer::Url)?;
    if !matches!(url.scheme(), "https" | "http") || url.host_str().is_none() {
        return Err(BadIssuer::Url);
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(BadIssuer::Parts);
    }
    let path = url.path().trim_end_matches('/');
    let mut paths = vec![
        format!("{path}/.well-known/openid-configuration"),
        format!("/.well-known/oauth-authorization-server{path}"),
    ];
    if !path.is_empty() {
        paths.push(format!("/.well-known/openid-configuration{path}"));
    }
    let at = |path: String| {
        let mut url = url.clone();
        url.set_path(&path);
        url
    };
    Ok(paths.into_iter().map(at).collect())
}

/// A template's text before and behind its place, which is one whole segment of the path. It is never
/// the host: a word of somebody else's must not choose whom we believe.
fn split(text: &str) -> Option<(&str, &str)> {
    let (before, behind) = text.split_once(PLACE)?;
    let (host, _) = before.split_once("://")?.1.split_once('/')?;
    let whole = before.ends_with('/') && (behind.is_empty() || behind.starts_with('/'));
    (!host.is_empty() && whole && !behind.contains(PLACE)).then_some((before, behind))
}

/// `8-4-4-4-12` hexadecimal digits in either case.
fn is_uuid(text: &str) -> bool {
    let groups = text.split('-').map(|group| {
        let is_hex = group.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_hex.then_some(group.len())
    });
    groups.eq([8, 4, 4, 4, 12].map(Some))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    const DIRECTORY: &str = "0f8fad5b-d9cb-469f-a165-70867728950e";

    fn template() -> Issuer {
        Issuer::of_metadata("https://i.example/common/v2.0", "https://i.example/{tenantid}/v2.0").unwrap()
    }

    #[rstest]
    #[case("https://i.example", "https://i.example/")]
    #[case("https://i.example/", "https://i.example")]
    #[case("https://i.example", "http://i.example")]
    #[case("https://i.example", "https://I.example")]
    #[case("https://i.example", "https://i.example:443")]
    #[case("https://i.example/a", "https://i.example/A")]
    #[case("https://i.example/a", "https://i.example/b")]
    #[case("https://i.example", "https://{tenantid}")]
    #[case("https://i.example/a", "https://{tenantid}/a")]
    #[case("https:///i.example/a", "https:///{tenantid}/a")]
    #[case("i.example/a", "i.example/{tenantid}")]
    #[case("https://i.example/x/v2.0", "https://i.example/{tenantid}/v1.0")]
    #[case("https://i.example/x/y/v2.0", "https://i.example/{tenantid}/v2.0")]
    #[case("https://i.example//v2.0", "https://i.example/{tenantid}/v2.0")]
    #[case("https://evil.example/x/v2.0", "https://i.example/{tenantid}/v2.0")]
    #[case("https://i.example/x/x", "https://i.example/{tenantid}/{tenantid}")]
    #[case("https://i.example/ax/v2.0", "https://i.example/a{tenantid}/v2.0")]
    #[case("https://i.example/x", "https://i.example/{tid}")]
    fn another_issuer_is_refused(#[case] asked: &str, #[case] announced: &str) {
        assert_eq!(Issuer::of_metadata(asked, announced), None);
    }

    #[test]
    fn an_exact_issuer_is_equal_to_the_last_byte() {
        let issuer = Issuer::of_metadata("https://i.example/a", "https://i.example/a").unwrap();
        assert_eq!(issuer.as_exact(), Some("https://i.example/a"));
        assert!(issuer.matches("https://i.example/a", None));
        for other in ["https://i.example/a/", "https://i.example/A", "http://i.example/a", ""] {
            assert!(!issuer.matches(other, Some(DIRECTORY)), "{other}");
        }
    }

    #[test]
    fn a_template_takes_the_tokens_own_directory_and_no_other() {
        let issuer = template();
        assert_eq!(
            (issuer.as_exact(), issuer.to_string().as_str()),
            (None, "https://i.example/{tenantid}/v2.0")
        );
        let iss = format!("https://i.example/{DIRECTORY}/v2.0");
        assert!(issuer.matches(&iss, Some(DIRECTORY)));
        for (iss, tid) in [
            (iss.as_str(), None),
            (&iss, Some("1f8fad5b-d9cb-469f-a165-70867728950e")),
            (&iss, Some("0F8FAD5B-D9CB-469F-A165-70867728950E")),
            ("https://i.example/common/v2.0", Some("common")),
            ("https://i.example/{tenantid}/v2.0", Some("{tenantid}")),
            ("https://i.example/a/../b/v2.0", Some("a/../b")),
            ("https://i.example//v2.0", Some("")),
        ] {
            assert!(!issuer.matches(iss, tid), "{iss} {tid:?}");
        }
    }

    #[test]
    fn a_directory_that_was_asked_for_by_its_id_is_the_only_one() {
        let asked = format!("https://i.example/{DIRECTORY}/v2.0");
        let issuer = Issuer::of_metadata(&asked, "https://i.example/{tenantid}/v2.0").unwrap();
        assert_eq!(issuer.as_exact(), Some(asked.as_str()));
    }

    #[test]
    fn an_answer_comes_from_the_issuer_or_from_any_directory_of_a_template() {
        let exact = Issuer::of_settings("https://i.example/a");
        assert!(exact.answers_as("https://i.example/a") && !exact.answers_as("https://i.example/a/"));
        let many = template();
        assert!(many.answers_as("https://i.example/72f988bf-86f1-41af-91ab-2d7cd011db47/v2.0"));
        for other in
            ["https://i.example/{tenantid}/v2.0", "https://i.example/common/v2.0", "https://evil.example"]
        {
            assert!(!many.answers_as(other), "{other}");
        }
    }

    #[test]
    fn settings_may_name_a_template_too() {
        assert_eq!(Issuer::of_settings("https://i.example/{tenantid}/v2.0"), template());
        for exact in ["https://i.example/a", "https://{tenantid}/", "https://i.example/{tenantid}x"] {
            assert_eq!(Issuer::of_settings(exact).as_exact(), Some(exact));
        }
    }

    #[rstest]
    #[case("https://i.example", &["https://i.example/.well-known/openid-configuration", "https://i.example/.well-known/oauth-authorization-server"])]
    #[case("https://i.example/", &["https://i.example/.well-known/openid-configuration", "https://i.example/.well-known/oauth-authorization-server"])]
    #[case("https://i.example:8443/a/b/", &[
        "https://i.example:8443/a/b/.well-known/openid-configuration",
        "https://i.example:8443/.well-known/oauth-authorization-server/a/b",
        "https://i.example:8443/.well-known/openid-configuration/a/b",
    ])]
    fn metadata_is_looked_for_where_both_documents_say(#[case] issuer: &str, #[case] urls: &[&str]) {
        let found: Vec<_> = metadata_urls(issuer).unwrap().iter().map(Url::to_string).collect();
        assert_eq!(found, urls);
    }

    #[rstest]
    #[case("https://i.example/?a", BadIssuer::Parts)]
    #[case("https://i.example/#a", BadIssuer::Parts)]
    #[case("i.example", BadIssuer::Url)]
    #[case("mailto:a@i.example", BadIssuer::Url)]
    #[case("", BadIssuer::Url)]
    fn what_is_no_issuer_is_asked_nowhere(#[case] issuer: &str, #[case] wanted: BadIssuer) {
        assert_eq!(metadata_urls(issuer), Err(wanted));
    }

    proptest! {
        #[test]
        fn metadata_is_asked_of_the_issuers_own_host(issuer in "https://i\\.example(:[0-9]{1,4})?(/[ -~]{0,20})?") {
            let host = issuer.parse::<Url>().unwrap();
            for url in metadata_urls(&issuer).unwrap_or_default() {
                prop_assert_eq!((url.scheme(), url.host(), url.port()), (host.scheme(), host.host(), host.port()));
            }
        }

        #[test]
        fn an_announced_text_fits_only_what_it_says(asked in "https://i/[a-z{}/]{0,12}", announced in "https://i/[a-z{}/]{0,6}(\\{tenantid\\})?[a-z/]{0,6}") {
            if let Some(Issuer::Exact(text)) = Issuer::of_metadata(&asked, &announced) {
                prop_assert_eq!(text, announced);
            }
        }
    }
}
