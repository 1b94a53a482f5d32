//! Where a browser wants to go after the sign-in: paths of ours, and nothing that a browser could read as another place.

use crate::domain::staff::Role;

/// What such a path begins with.
const PAGES: [&str; 3] = ["/console", "/admin", "/account"];
/// The longest of them, in bytes.
const LONGEST: usize = 1000;

/// A path of ours with its query; perhaps none, which means the first page of whoever signs in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Next(String);

impl Next {
    /// Reads what stands in an address or a form. Anything that is no page of staff is none.
    pub(super) fn parse(text: &str) -> Self {
        let path = text.split(['?', '#']).next().unwrap_or_default();
        let is_page = PAGES
            .iter()
            .any(|page| path.strip_prefix(page).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')));
        let is_plain = text.len() <= LONGEST
            && text.bytes().all(|b| (0x21..0x7f).contains(&b) && b != b'\\')
            && !path.contains("//")
            && !path.split('/').any(|part| part == ".." || part == ".");
        if is_page && is_plain { Self(text.to_owned()) } else { Self::default() }
    }

    /// As it stands in a form.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// As a part of a query, with the mark before it; empty if there is none.
    pub(super) fn query(&self) -> String {
        if self.0.is_empty() {
            return String::new();
        }
        let encoded: String = url::form_urlencoded::byte_serialize(self.0.as_bytes()).collect();
        format!("?next={encoded}")
    }

    /// Where whoever has this role goes.
    pub(super) fn or_home(&self, role: Role) -> &str {
        match (self.0.as_str(), role) {
            ("", Role::Admin) => "/admin",
            ("", Role::Agent) => "/console",
            (path, _) => path,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_pages_of_staff_are_gone_to() {
        for good in ["/console", "/admin/providers/acme?tab=draft", "/account", "/admin?x=//evil.example"] {
            assert_eq!(Next::parse(good).as_str(), good);
        }
        for bad in [
            "",
            "//evil.example",
            "/\\evil.example",
            "https://evil.example",
            "/consoles",
            "/signin",
            "/a/x",
            "/admin//evil.example",
            "/admin/../../x",
            "/admin/..",
            "/admin/\u{e9}",
            "/admin x",
            "/admin\r\nset-cookie: x",
            "javascript:alert(1)",
            "/admin\\x",
            &format!("/admin/{}", "a".repeat(LONGEST)),
        ] {
            assert_eq!(Next::parse(bad), Next::default(), "{bad:?}");
        }
    }

    #[test]
    fn who_wants_to_go_nowhere_goes_home() {
        assert_eq!(Next::default().or_home(Role::Agent), "/console");
        assert_eq!(Next::default().or_home(Role::Admin), "/admin");
        assert_eq!(Next::parse("/account").or_home(Role::Admin), "/account");
        assert_eq!(Next::parse("/account?a=b").query(), "?next=%2Faccount%3Fa%3Db");
    }

    proptest! {
        #[test]
        fn a_browser_stays_with_us_whatever_it_is_told(text in "[/a-z\\\\.:@?#% \t\r\n]{0,40}|/(console|admin|account)[ -~]{0,40}") {
            let next = Next::parse(&text);
            let base = url::Url::parse("https://acme.example.com/signin").unwrap();
            let there = base.join(next.or_home(Role::Agent)).unwrap();
            prop_assert_eq!(there.origin(), base.origin());
            prop_assert!(PAGES.iter().any(|page| there.path().starts_with(page)), "{}", there);
        }
    }
}
