//! What every page of staff shares: who may see it, the token of its forms, its headers, its limits of time.

use std::time::Duration;

use countersign::domain::staff::Role;
use reqwest::{Method, StatusCode};

use crate::harness::browser::Page;
use crate::harness::staff::AGENT;
use crate::harness::{Choices, Harness};

#[tokio::test]
async fn who_is_not_signed_in_is_shown_the_way_and_comes_back() {
    let harness = Harness::start().await;
    let answer = harness.plain(Method::GET, "/account?x=1&y=2").send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::SEE_OTHER);
    assert_eq!(answer.headers()["location"], "/signin?next=%2Faccount%3Fx%3D1%26y%3D2");
    let part = harness.plain(Method::GET, "/account").header("hx-request", "true").send().await.unwrap();
    assert_eq!(
        (part.status(), &part.headers()["hx-redirect"]),
        (StatusCode::UNAUTHORIZED, &"/signin".parse().unwrap())
    );
    let form =
        harness.plain(Method::POST, "/signout").header("origin", &harness.origin).send().await.unwrap();
    assert_eq!(form.status(), StatusCode::UNAUTHORIZED);
    assert!(form.text().await.unwrap().contains("nothing was changed"));
}

#[tokio::test]
async fn a_signed_in_member_sees_who_is_signed_in() {
    let harness = Harness::start().await;
    let mut agent = harness.staff(Role::Agent).await;
    let page = agent.text("/account").await;
    assert!(
        page.contains(AGENT) && page.contains("<h1>Your account</h1>") && page.contains("by an invitation")
    );
    assert!(!page.contains("/admin"), "an agent is not shown the way to admins' pages");
    assert!(harness.staff(Role::Admin).await.text("/account").await.contains("href=\"/admin/providers\""));
}

#[tokio::test]
async fn a_form_of_another_page_or_another_browser_changes_nothing() {
    let harness = Harness::start().await;
    let (mut dana, other) = (harness.staff(Role::Admin).await, harness.staff(Role::Admin).await);
    for token in ["", "nonsense", other.csrf()] {
        let page = dana.post_with("/signout", token, &[]).await;
        assert_eq!(page.status, StatusCode::FORBIDDEN, "{token}");
        assert!(page.html.contains("too old"));
    }
    let cookies = dana.browser.cookies(&harness.origin.parse().unwrap());
    let jar: Vec<_> = cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let request = harness.plain(Method::POST, "/signout").header("cookie", jar.join("; "));
    let request = request.header("sec-fetch-site", "cross-site").form(&[("csrf", dana.csrf())]);
    assert_eq!(request.send().await.unwrap().status(), StatusCode::FORBIDDEN);
    assert_eq!(dana.get("/account").await.status, StatusCode::OK, "all of that signed nobody out");
}

#[tokio::test]
async fn signing_out_ends_the_session_and_not_the_cookie_alone() {
    let harness = Harness::start().await;
    let mut dana = harness.staff(Role::Admin).await;
    let mut stolen = dana.clone();
    let page = dana.post("/signout", &[]).await;
    assert_eq!((page.status, page.location().path()), (StatusCode::SEE_OTHER, "/signin"));
    assert!(dana.browser.cookies(&page.url).is_empty());
    assert_eq!(stolen.get("/account").await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn a_session_ends_by_silence_and_after_a_day_of_work() {
    let harness = Harness::start().await;
    let mut dana = harness.staff(Role::Admin).await;
    for _ in 0..14 {
        harness.clock.advance(Duration::from_mins(50));
        assert_eq!(dana.get("/account").await.status, StatusCode::OK);
    }
    harness.clock.advance(Duration::from_mins(20));
    assert_eq!(dana.get("/account").await.status, StatusCode::SEE_OTHER, "twelve hours are over");
    let mut idle = harness.staff(Role::Agent).await;
    harness.clock.advance(Duration::from_mins(61));
    assert_eq!(idle.get("/account").await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn every_other_browser_is_signed_out_however_many_there_are() {
    let harness = Harness::start().await;
    let mut dana = harness.staff(Role::Admin).await;
    let mut others = Vec::new();
    for _ in 0..101 {
        others.push(harness.staff_cookie(Role::Admin).await);
    }
    let page = dana.post("/account/sessions/end-others", &[]).await;
    assert_eq!(page.status, StatusCode::SEE_OTHER, "{}", page.html);
    for (name, value) in [&others[0], &others[100]] {
        let request = harness.plain(Method::GET, "/account").header("cookie", format!("{name}={value}"));
        assert_eq!(request.send().await.unwrap().status(), StatusCode::SEE_OTHER, "it must sign in again");
    }
    assert_eq!(dana.get("/account").await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_member_who_loads_pages_without_end_waits_and_nobody_else_does() {
    let main = Some("[limits]\nstaff_pages = 5\n".to_owned());
    let harness = Harness::with(Choices { main, ..Choices::default() }).await;
    let (mut dana, mut ari) = (harness.staff(Role::Admin).await, harness.staff(Role::Agent).await);
    for _ in 0..4 {
        assert_eq!(dana.get("/account").await.status, StatusCode::OK);
    }
    let page = dana.get("/account").await;
    assert_eq!(page.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(page.headers.contains_key("retry-after") && page.html.contains("Please wait"), "{}", page.html);
    let (name, value) = harness.staff_cookie(Role::Admin).await;
    let by_itself = async |method: Method, path: &str| {
        let request = harness.plain(method, path).header("cookie", format!("{name}={value}"));
        let request = request.header("hx-request", "true").header("hx-source", "div#live-board");
        request.send().await.unwrap().status()
    };
    let fetched = by_itself(Method::GET, "/console").await;
    assert_eq!(fetched, StatusCode::OK, "what a page fetches by itself is the page's");
    let too_many = StatusCode::TOO_MANY_REQUESTS;
    assert_eq!(
        by_itself(Method::POST, "/console/search").await,
        too_many,
        "no page sends anything by itself"
    );
    for path in ["/account", "/admin/providers/acme/mapping", "/admin/attempts"] {
        assert_eq!(by_itself(Method::GET, path).await, too_many, "only the console does so: {path}");
    }
    let mut fetched = 0;
    while by_itself(Method::GET, "/console").await == StatusCode::OK {
        fetched += 1;
        assert!(fetched < 300, "it fetches without end");
    }
    assert_eq!(ari.get("/account").await.status, StatusCode::OK);
    harness.clock.advance(std::time::Duration::from_mins(1));
    assert_eq!(dana.get("/account").await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_cookie_is_good_at_its_tenant_only_and_not_in_part() {
    let harness = Harness::start().await;
    let (name, value) = harness.staff_cookie(Role::Admin).await;
    let asked = |host: &str, value: &str| {
        let request = harness.plain(Method::GET, "/account").header("cookie", format!("{name}={value}"));
        request.header("host", host.to_owned()).send()
    };
    let own = harness.origin.trim_start_matches("http://");
    assert_eq!(asked(own, &value).await.unwrap().status(), StatusCode::OK);
    assert_eq!(asked("beta.test", &value).await.unwrap().status(), StatusCode::SEE_OTHER);
    let (id, _) = value.split_once('.').unwrap();
    for bad in [
        id.to_owned(),
        format!("{id}."),
        format!("{value}x"),
        format!("{id}.{}", "A".repeat(43)),
        String::new(),
    ] {
        assert_eq!(asked(own, &bad).await.unwrap().status(), StatusCode::SEE_OTHER, "{bad}");
    }
    let twice = harness.plain(Method::GET, "/account").header("cookie", format!("{name}={value}; {name}=x"));
    assert_eq!(twice.send().await.unwrap().status(), StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn a_page_allows_its_own_scripts_only_and_each_time_by_another_nonce() {
    let harness = Harness::start().await;
    let mut dana = harness.staff(Role::Admin).await;
    let (one, two) = (dana.get("/account").await, dana.get("/account").await);
    let policy = |page: &Page| page.headers["content-security-policy"].to_str().unwrap().to_owned();
    assert_ne!(policy(&one), policy(&two));
    let nonce = policy(&one).split("'nonce-").nth(1).unwrap().split('\'').next().unwrap().to_owned();
    assert!(nonce.len() >= 22, "{nonce}");
    assert_eq!(one.html.matches("<script").count(), one.html.matches(&format!("nonce=\"{nonce}\"")).count());
    for wanted in ["default-src 'none'", "frame-ancestors 'none'", "require-trusted-types-for 'script'"] {
        assert!(policy(&one).contains(wanted), "{wanted}");
    }
    assert!(!policy(&one).contains("unsafe"));
    assert_eq!(one.headers["cache-control"], "no-store");
    for asset in one.html.split("=\"/assets/").skip(1).map(|rest| rest.split('"').next().unwrap()) {
        let answer = harness.plain(Method::GET, &format!("/assets/{asset}")).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "{asset}");
    }
}

#[tokio::test]
async fn nothing_in_an_address_puts_words_into_a_page() {
    let harness = Harness::start().await;
    let mut dana = harness.staff(Role::Admin).await;
    let page = dana.text("/account?said=%3Cscript%3Ealert(1)%3C/script%3E&next=//evil.example").await;
    assert!(
        !page.contains("alert(1)") && !page.contains("evil.example") && !page.contains("role=\"status\"")
    );
    assert!(dana.text("/account?said=saved").await.contains("role=\"status\">Saved.</p>"));
}

#[tokio::test]
async fn over_https_the_cookie_has_the_prefix_that_browsers_guard() {
    let harness = Harness::with(Choices { https: true, ..Choices::default() }).await;
    let (name, value) = harness.staff_cookie(Role::Agent).await;
    assert_eq!(name, "__Host-cs-staff");
    let ask = |name: &str| {
        harness.plain(Method::GET, "/account").header("cookie", format!("{name}={value}")).send()
    };
    assert_eq!(ask(&name).await.unwrap().status(), StatusCode::OK);
    assert_eq!(
        ask("cs-staff").await.unwrap().status(),
        StatusCode::SEE_OTHER,
        "a plain cookie may be another site's"
    );
}

#[tokio::test]
async fn htmx_is_as_it_was_published() {
    let root = env!("CARGO_MANIFEST_DIR");
    for (ours, published) in [
        ("htmx.min.js", "htmx.min.js"),
        ("hx-sse.min.js", "ext/hx-sse.min.js"),
        ("hx-csp.min.js", "ext/hx-csp.min.js"),
    ] {
        let ours = std::fs::read(format!("{root}/assets/vendor/htmx/{ours}")).unwrap();
        let theirs =
            std::fs::read(format!("{root}/tests/providers/node_modules/htmx.org/dist/{published}")).unwrap();
        assert!(ours == theirs, "`{published}` differs from the package's");
    }
}
