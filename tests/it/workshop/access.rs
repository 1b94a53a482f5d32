//! Who may see these pages, and of what.

use countersign::domain::staff::Role;
use reqwest::StatusCode;

use super::{Shop, words};
use crate::harness::Harness;

/// Every page that is shown, below `/admin/providers`.
const PAGES: [&str; 13] = [
    "",
    "/~new",
    "/~new/form",
    "/~new/form?preset=google",
    "/acme",
    "/acme/settings",
    "/acme/secrets",
    "/acme/test",
    "/acme/mapping",
    "/acme/publish",
    "/acme/versions",
    "/acme/delete",
    "/~new?q=acme",
];

/// Every change.
const CHANGES: [&str; 17] = [
    "/~new/discover",
    "/~new/form",
    "/acme/settings",
    "/acme/secrets/replace",
    "/acme/secrets/drop",
    "/acme/secrets/key",
    "/acme/test",
    "/acme/tests/pt_00000000000000000000000000000007/accept",
    "/acme/mapping",
    "/acme/mapping/keep",
    "/acme/mapping/samples",
    "/acme/mapping/samples/accept",
    "/acme/mapping/samples/delete",
    "/acme/publish",
    "/acme/discard",
    "/acme/versions/1",
    "/acme/delete",
];

#[tokio::test]
async fn an_admin_sees_every_page_and_an_agent_none() {
    let mut shop = Shop::live().await;
    for page in PAGES {
        let page = shop.get(&format!("/admin/providers{page}")).await;
        assert_eq!(page.status, StatusCode::OK, "{}: {}", page.url, page.html);
        assert_eq!(page.html.matches("<h1").count(), 1, "{}", page.url);
    }
    shop.come_as(Role::Agent).await;
    for page in PAGES {
        let page = shop.get(&format!("/admin/providers{page}")).await;
        assert_eq!(page.status, StatusCode::FORBIDDEN, "{}", page.url);
        assert!(!page.html.contains("acme-client"), "{}", page.url);
    }
    let before = shop.provider().await;
    for change in CHANGES {
        let page =
            shop.post_few(&format!("/admin/providers{change}"), &[("typed", "acme"), ("version", "2")]).await;
        assert_eq!(page.status, StatusCode::FORBIDDEN, "{change}");
    }
    assert_eq!(shop.provider().await, before);
}

#[tokio::test]
async fn nobody_who_is_not_signed_in_or_sends_a_foreign_form_gets_in() {
    let mut shop = Shop::live().await;
    let before = shop.provider().await;
    for change in CHANGES {
        let fields = vec![("csrf".to_owned(), "another".to_owned()), ("version".to_owned(), "2".to_owned())];
        let page = shop.post(&format!("/admin/providers{change}"), fields).await;
        assert!(page.status.is_client_error(), "{change}: {}", page.status);
    }
    shop.staff.tamper(|_, _| None);
    for page in PAGES {
        let page = shop.get(&format!("/admin/providers{page}")).await;
        assert_eq!(page.status, StatusCode::SEE_OTHER, "{}", page.url);
        assert_eq!(page.location().path(), "/signin");
    }
    assert_eq!(shop.provider().await, before);
}

#[tokio::test]
async fn what_another_tenant_has_is_not_there() {
    let mut shop = Shop::start().await;
    // The tenant of the file has a provider `acme`; this one has none.
    for page in PAGES.iter().filter(|page| page.starts_with("/acme")) {
        let page = shop.get(&format!("/admin/providers{page}")).await;
        assert_eq!(page.status, StatusCode::NOT_FOUND, "{}", page.url);
    }
    for change in CHANGES.iter().filter(|change| change.starts_with("/acme")) {
        let page = shop.post_few(&format!("/admin/providers{change}"), &[("typed", "acme")]).await;
        assert_eq!(page.status, StatusCode::NOT_FOUND, "{change}");
    }
    for odd in
        ["/Acme", "/..%2facme", "/%00", "/acme/tests/pt_1", "/acme/versions/one", "/~new/form?preset=none"]
    {
        assert_eq!(shop.get(&format!("/admin/providers{odd}")).await.status, StatusCode::NOT_FOUND, "{odd}");
    }
}

#[tokio::test]
async fn a_provider_of_a_file_is_shown_and_tried_and_not_changed() {
    let broker = Harness::start().await;
    let mut admin = broker.staff(Role::Admin).await;
    let list = admin.text("/admin/providers").await;
    assert!(list.contains("From a file") && list.contains("tenants/acme.toml"), "{list}");
    assert!(!list.contains("Add a provider"), "{list}");
    let settings = admin.text("/admin/providers/acme/settings").await;
    assert!(settings.contains("It is changed there") && settings.contains("disabled"), "{settings}");
    assert!(settings.contains(&format!("{}/whoami", broker.provider.origin())), "{settings}");
    for change in CHANGES.iter().filter(|change| change.starts_with("/acme/")) {
        let tries = ["/acme/test", "/acme/mapping"];
        if tries.contains(change) || change.contains("samples") {
            continue;
        }
        let fields = [("version", "0"), ("typed", "acme"), ("client_secret", "x"), ("private_key", "x")];
        let page = admin.post(&format!("/admin/providers{change}"), &fields).await;
        assert!([404, 409].contains(&page.status.as_u16()), "{change}: {} {}", page.status, page.html);
    }
    let begun = admin.post("/admin/providers/acme/test", &[]).await;
    assert_eq!(begun.status, StatusCode::SEE_OTHER, "{}", begun.html);
    let report = admin.follow(begun).await;
    assert!(words(&report.html).contains("Open the test page"), "{}", report.html);
}
