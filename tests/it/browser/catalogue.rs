//! Every page that a browser can be shown, and the states in which an [`Inspector`](super::inspector::Inspector) looks
//! at it. Compared with the URL tables of `src/web`, and with what the tests look at.
//!
//! To add a page: 1. its route and its states in [`PAGES`], 2. a test that looks at each of them, with `look` and the
//! state's name. To add a route that shows no page: a row in [`NO_PAGE`], with the reason.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// The route of pages that may stand anywhere.
const ANYWHERE: &str = "*";

/// Each route that can show a page, as its URL table writes it, and the states that are looked at there.
const PAGES: &[(&str, &[&str])] = &[
    (
        ANYWHERE,
        &[
            "nothing-here",
            "wrong-host",
            "refused-role",
            "refused-old-form",
            "refused-foreign-form",
            "refused-signed-out",
            "refused-too-many",
            "refused-store",
        ],
    ),
    // Before signing in
    ("/signin", &["signin", "signin-without-mail", "signin-of-a-tenant-without-provider"]),
    ("/signin/email", &["signin-fault"]),
    ("/signin/provider", &["signin-too-many"]),
    ("/signin/code", &["signin-code", "signin-code-fault", "signin-code-over"]),
    ("/signin/invite/{handle}", &["signin-invitation", "signin-over"]),
    ("/signin/refused/{reference}", &["signin-refused"]),
    // The account
    (
        "/account",
        &[
            "account",
            "account-of-an-agent",
            "account-with-browsers",
            "account-of-a-stored-tenant",
            "account-fault",
        ],
    ),
    // The console
    ("/console", &["console-empty", "console-lists", "console-waiting"]),
    ("/console/search", &["console-found", "console-found-nothing"]),
    ("/console/new", &["console-new", "console-new-faulty"]),
    (
        "/console/conversations/{id}",
        &[
            "console-unknown",
            "conversation-new",
            "conversation-sent",
            "conversation-failed",
            "conversation-waits-for-code",
            "conversation-verified",
            "conversation-elsewhere",
            "conversation-declined",
            "conversation-unproved",
            "conversation-said",
            "conversation-expired",
            "conversation-trouble",
        ],
    ),
    ("/console/conversations/{id}/message", &["conversation-other-words"]),
    ("/console/conversations/{id}/send", &["conversation-overtaken"]),
    ("/console/conversations/{id}/confirm", &["conversation-wrong-code"]),
    ("/console/contacts/{id}/merge", &["contact-merge", "contact-merge-found", "contact-merge-fault"]),
    ("/console/contacts/{id}/erase", &["contact-erase", "contact-erase-fault"]),
    ("/console/simulator/{id}", &["simulator-at-work", "simulator-off"]),
    // Overview, attempts, binding, web chat
    ("/admin", &["overview-empty", "overview-full", "overview-day", "overview-unhealthy"]),
    (
        "/admin/attempts",
        &["attempts-empty", "attempts-list", "attempts-none-found", "attempts-filter-at-fault"],
    ),
    ("/admin/attempts/{id}", &["attempt-waiting", "attempt-failed", "attempt-away", "attempt-missing"]),
    (
        "/admin/binding",
        &[
            "binding-in-a-file",
            "binding-policy",
            "binding-preview",
            "binding-at-fault",
            "binding-conflict",
            "binding-saved",
        ],
    ),
    ("/admin/websites", &["websites-none", "websites-fault", "websites-list"]),
    ("/admin/websites/website", &["website-one"]),
    ("/admin/webchat", &["webchat-in-a-file", "webchat-pages", "webchat-at-fault", "webchat-conflict"]),
    // Clients
    (
        "/admin/clients",
        &["clients-few", "clients-many", "clients-fault", "client-secret", "clients-in-a-file"],
    ),
    ("/admin/clients/client", &["client-one"]),
    ("/admin/clients/change", &["client-fault"]),
    ("/admin/clients/rotate", &["client-rotated"]),
    // Staff
    ("/admin/staff", &["staff-list", "staff-fault", "staff-in-a-file"]),
    ("/admin/staff/{id}", &["staff-member", "staff-last-admin"]),
    ("/admin/staff/{id}/invite", &["staff-invited"]),
    // Providers
    ("/admin/providers", &["providers-empty", "providers-list", "providers-in-a-file"]),
    ("/admin/providers/~new", &["provider-choose", "provider-search", "provider-search-nothing"]),
    ("/admin/providers/~new/discover", &["provider-issuer-fault", "provider-issuer-found"]),
    ("/admin/providers/~new/form", &["provider-preset", "provider-by-hand", "provider-form-faults"]),
    ("/admin/providers/{id}", &["provider-overview", "provider-first-draft", "provider-in-a-file"]),
    (
        "/admin/providers/{id}/settings",
        &[
            "provider-settings",
            "provider-settings-faults",
            "provider-settings-stale",
            "provider-settings-in-a-file",
        ],
    ),
    ("/admin/providers/{id}/secrets", &["provider-secrets", "provider-secret-replaced"]),
    ("/admin/providers/{id}/secrets/replace", &["provider-secret-fault"]),
    ("/admin/providers/{id}/test", &["provider-test"]),
    (
        "/admin/providers/{id}/tests/{test}",
        &["provider-test-waits", "provider-test-failed", "provider-test-passed"],
    ),
    ("/admin/providers/{id}/mapping", &["provider-mapping", "provider-mapping-fault"]),
    (
        "/admin/providers/{id}/publish",
        &["provider-publish-nothing", "provider-publish", "provider-publish-untested"],
    ),
    ("/admin/providers/{id}/versions", &["provider-versions", "provider-versions-two"]),
    ("/admin/providers/{id}/versions/{version}", &["provider-version"]),
    ("/admin/providers/{id}/delete", &["provider-delete", "provider-delete-fault"]),
    // Customers: what each page can say in all is rendered in `tests/it/pages.rs` and looked at in `customers`
    ("/t/{handle}", &["trial-waits", "trial-failed", "trial-passed"]),
    (
        "/a/{token}",
        &["link-landing", "link-used", "link-unknown", "link-superseded", "link-cancelled", "link-expired"],
    ),
    ("/a/{token}/decline", &["link-decline", "link-declined"]),
    (
        "/a/r/{handle}",
        &[
            "result-code",
            "result-completed",
            "result-denied",
            "result-late",
            "result-busy",
            "result-setup",
            "result-missing",
        ],
    ),
    ("/idp/eu/oauth/callback", &["callback-neutral"]),
    ("/v1/oauth/authorize", &["consent-asked", "consent-code", "consent-code-wrong"]),
    ("/docs", &["docs-home"]),
    ("/docs/{group}", &["docs-group"]),
];

/// Routes at which nothing is shown that is not looked at elsewhere.
const NO_PAGE: &[(&str, &[&str])] = &[
    (
        "leads on; what it refuses is shown by the page that it leads to, or by a page of `*`",
        &[
            "/signout",
            "/account/sessions/end-others",
            "/account/sessions/{id}/end",
            "/console/conversations/{id}/cancel",
            "/console/conversations/{id}/resend",
            "/console/conversations/{id}/end",
            "/console/contacts/{id}/undo",
            "/console/contacts/{id}/accept",
            "/console/contacts/{id}/dismiss",
            "/console/simulator/{id}/message",
            "/admin/clients/delete",
            "/admin/websites/codes",
            "/admin/websites/delete",
            "/admin/staff/{id}/remove",
            "/admin/staff/{id}/sessions/{session}/end",
            "/admin/providers/{id}/secrets/drop",
            "/admin/providers/{id}/tests/{test}/accept",
            "/embed/open",
            "/web/inbound/abc/oauth/authorize",
        ],
    ),
    (
        "the same handler as `/idp/eu/oauth/callback`",
        &[
            "/idp/eu/oauth/callback/{provider}",
            "/web/inbound/abc/oauth/redirect",
            "/web/inbound/abc/oauth/redirect/{provider}",
            "/web/inbound/abc/oauth/abcAuth2Redirect",
            "/web/inbound/abc/oauth/abcAuth2Redirect/{provider}",
        ],
    ),
    (
        "refuses by the page of the form that was sent there, which is looked at under its own route",
        &[
            "/admin/websites/change",
            "/admin/providers/{id}/secrets/key",
            "/admin/providers/{id}/mapping/keep",
            "/admin/providers/{id}/mapping/samples",
            "/admin/providers/{id}/mapping/samples/accept",
            "/admin/providers/{id}/mapping/samples/delete",
            "/admin/providers/{id}/discard",
        ],
    ),
    ("a part of a page, for htmx", &["/console/side"]),
    (
        "no page: a file, a stream, or an answer for programs",
        &[
            "/console/live",
            "/admin/attempts.csv",
            "/assets/{*path}",
            "/sdk/{file}",
            "/embed/chat.js",
            "/embed/listen",
            "/web/inbound/abc/oauth/token",
        ],
    ),
];

/// Fails unless the catalogue has this state at the route of this path.
pub fn check(name: &str, path: &str) {
    let page = PAGES.iter().find(|(_, states)| states.contains(&name));
    let (route, _) = page.unwrap_or_else(|| panic!("`{name}` stands nowhere in the catalogue of pages"));
    assert!(
        *route == ANYWHERE || fits(route, path),
        "`{name}` stands at {route}, and was looked at at {path}"
    );
}

/// Whether a path is one of a route's.
fn fits(route: &str, path: &str) -> bool {
    let (route, path) = (route.split('/'), path.split('/'));
    route.clone().count() == path.clone().count()
        && route.zip(path).all(|(wanted, segment)| {
            wanted == segment || wanted.starts_with('{') && !segment.is_empty() && !segment.starts_with('~')
        })
}

/// Every Rust file under a folder of the repository, with its text.
fn sources(folder: &str) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                found.push((path, text));
            }
        }
    }
    found
}

/// The text that a call begins with: written there, or a constant of the file.
fn first_text(call: &str, file: &str) -> String {
    let literal = |text: &str| text.strip_prefix('"')?.split('"').next().map(str::to_owned);
    let name = call.split(',').next().unwrap().trim();
    let constant = || literal(file.split(&format!("const {name}: &str = ")).nth(1)?);
    literal(call.trim_start()).or_else(constant).unwrap_or_else(|| panic!("`{name}` is no text"))
}

/// Every route of a browser: those of the tables, and endpoints of programs that are described to answer with a page.
fn routes() -> BTreeSet<String> {
    let mut routes = BTreeSet::new();
    for (_, text) in sources("src/web") {
        let text = text.split("#[cfg(test)]").next().unwrap();
        routes.extend(text.split(".route(").skip(1).map(|row| first_text(row, text)));
    }
    let document = crate::openapi::document();
    for (path, item) in document["paths"].as_object().unwrap() {
        let shows = |operation: &serde_json::Value| {
            let mut answers = operation["responses"].as_object().unwrap().values();
            answers.any(|answer| answer["content"].get("text/html").is_some())
        };
        if item.as_object().unwrap().values().any(shows) {
            routes.insert(path.clone());
        }
    }
    routes
}

#[test]
fn every_route_of_a_browser_has_its_pages_in_the_catalogue_or_says_why_it_has_none() {
    let mut told = BTreeMap::new();
    let pages = PAGES.iter().map(|(route, _)| *route).filter(|route| *route != ANYWHERE);
    for route in pages.chain(NO_PAGE.iter().flat_map(|(_, routes)| routes.iter().copied())) {
        *told.entry(route.to_owned()).or_insert(0) += 1;
    }
    let twice: Vec<_> = told.iter().filter(|(_, times)| **times > 1).collect();
    assert!(twice.is_empty(), "in the catalogue twice: {twice:?}");
    let (told, routes) = (told.into_keys().collect::<BTreeSet<_>>(), routes());
    assert!(routes.len() > 60, "the URL tables are read");
    let untold: Vec<_> = routes.difference(&told).collect();
    assert!(
        untold.is_empty(),
        "give these routes their states in tests/it/browser/catalogue.rs: {untold:#?}"
    );
    let gone: Vec<_> = told.difference(&routes).collect();
    assert!(gone.is_empty(), "no route any more: {gone:?}");
}

#[test]
fn every_state_of_the_catalogue_is_given_to_the_inspector() {
    let tests = sources("tests/it").into_iter().filter(|(path, _)| !path.ends_with("catalogue.rs"));
    let tests: Vec<_> = tests.filter(|(_, text)| text.contains(".look")).collect();
    let states: Vec<_> = PAGES.iter().flat_map(|(_, states)| states.iter()).collect();
    let faults = states.iter().filter_map(|state| {
        // `look` itself fails for a name that is not here, or at another page.
        let named = format!("\"{state}\"");
        match tests.iter().map(|(_, text)| text.matches(&named).count()).sum::<usize>() {
            1 => None,
            0 => Some(format!("nobody looks at `{state}`")),
            times => Some(format!("`{state}` is named {times} times: each state is looked at once")),
        }
    });
    let faults: Vec<_> = faults.collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    let unique: BTreeSet<_> = states.iter().collect();
    assert_eq!(unique.len(), states.len());
}

#[test]
fn a_path_is_of_one_route() {
    assert!(fits("/admin/staff/{id}", "/admin/staff/st_1"));
    for (route, path) in [
        ("/admin/staff/{id}", "/admin/staff"),
        ("/admin/staff/{id}", "/admin/staff/"),
        ("/admin/staff/{id}", "/admin/staff/st_1/invite"),
        ("/admin/providers/{id}", "/admin/providers/~new"),
        ("/console", "/account"),
    ] {
        assert!(!fits(route, path), "{route} {path}");
    }
}
