//! `/account`: what a member sets, and the browsers that are signed in.

use countersign::domain::staff::Role;
use reqwest::StatusCode;

use crate::harness::Harness;
use crate::harness::staff::StaffBrowser;

/// The paths of the forms that sign a browser out.
fn ends(html: &str) -> Vec<String> {
    let forms = crate::harness::page::forms(html);
    forms.into_iter().map(|form| form.action).filter(|action| action.ends_with("/end")).collect()
}

async fn is_in(browser: &mut StaffBrowser) -> bool {
    browser.get("/account").await.status == StatusCode::OK
}

#[tokio::test]
async fn the_browsers_of_a_member_are_listed_and_each_can_be_signed_out() {
    let broker = Harness::start().await;
    let (mut here, mut there) = (broker.staff(Role::Agent).await, broker.staff(Role::Agent).await);
    let page = here.text("/account").await;
    assert_eq!(page.matches("Test browser").count(), 3, "two rows, and the label of a button: {page}");
    assert!(page.contains("This one"));
    let paths = ends(&page);
    assert_eq!(paths.len(), 1, "the own one has another button: {paths:?}");
    let done = here.post(&paths[0], &[]).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.html);
    assert!(here.follow(done).await.html.contains("signed out"));
    assert!(is_in(&mut here).await && !is_in(&mut there).await);
}

#[tokio::test]
async fn all_others_are_signed_out_at_once() {
    let broker = Harness::start().await;
    let mut here = broker.staff(Role::Agent).await;
    let mut others = [broker.staff(Role::Agent).await, broker.staff(Role::Agent).await];
    let mut dana = broker.staff(Role::Admin).await;
    let done = here.post("/account/sessions/end-others", &[]).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.html);
    assert!(is_in(&mut here).await && is_in(&mut dana).await);
    for other in &mut others {
        assert!(!is_in(other).await);
    }
}

#[tokio::test]
async fn nobody_signs_out_the_browser_of_somebody_else_here() {
    let broker = Harness::start().await;
    let (mut agent, mut dana) = (broker.staff(Role::Agent).await, broker.staff(Role::Admin).await);
    broker.staff(Role::Admin).await;
    let path = ends(&dana.text("/account").await).remove(0);
    assert_eq!(agent.post(&path, &[]).await.status, StatusCode::NOT_FOUND);
    assert_eq!(agent.post("/account/sessions/x/end", &[]).await.status, StatusCode::NOT_FOUND);
    assert!(is_in(&mut dana).await);
}

#[tokio::test]
async fn language_and_zone_are_kept_and_used_from_now_on() {
    let broker = Harness::start().await;
    let mut agent = broker.staff(Role::Agent).await;
    let fields = [("locale", "de-AT"), ("zone", "Europe/Vienna")];
    let done = agent.post("/account", &fields).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.html);
    let page = agent.text("/account").await;
    assert!(page.contains("value=\"Europe/Vienna\""), "{page}");
    let mut again = broker.staff(Role::Agent).await;
    assert!(again.text("/account").await.contains("value=\"Europe/Vienna\""), "also at the next sign-in");
    for (bad, place) in [
        ([("locale", "de"), ("zone", "Mars/Olympus")], "zone"),
        ([("locale", "<b>"), ("zone", "UTC")], "locale"),
    ] {
        let page = agent.post("/account", &bad).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(
            page.html.contains(&format!("href=\"#{place}\"")) && !page.html.contains("<b>"),
            "{}",
            page.html
        );
    }
    assert!(agent.text("/account").await.contains("value=\"Europe/Vienna\""));
}

#[tokio::test]
async fn without_the_token_nothing_is_changed() {
    let broker = Harness::start().await;
    let (mut agent, mut other) = (broker.staff(Role::Agent).await, broker.staff(Role::Agent).await);
    for path in ["/account", "/account/sessions/end-others"] {
        let page = agent.post_with(path, "", &[("locale", "de"), ("zone", "UTC")]).await;
        assert_eq!(page.status, StatusCode::FORBIDDEN, "{path}");
        let csrf = other.csrf().to_owned();
        assert_eq!(agent.post_with(path, &csrf, &[]).await.status, StatusCode::FORBIDDEN, "{path}");
    }
    assert!(is_in(&mut other).await);
}
