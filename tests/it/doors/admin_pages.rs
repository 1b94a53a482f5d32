//! `/admin/staff`: an admin invites, changes and removes, and sees who is signed in.

use countersign::domain::staff::{Role, SignedInBy};
use countersign::flow::staff::session::Browser as Letting;
use reqwest::{Method, StatusCode};
use serde_json::json;
use url::Url;

use super::form_to;
use crate::harness::browser::{Browser, Page};
use crate::harness::page::Form;
use crate::harness::staff::{ADMIN, AGENT};
use crate::harness::{Choices, Harness};
use crate::stored::{HOST, If, World};

/// An admin of the store's tenant, in a browser of their own.
struct Desk {
    world: World,
    browser: Browser,
}

impl Desk {
    async fn start() -> Self {
        Self::of(World::start().await).await
    }

    async fn of(world: World) -> Self {
        let dana = json!({"email": "dana@shop.example", "role": "admin", "name": "Dana"});
        world.call(Method::POST, "/v1/staff", If::Nothing, Some(dana)).await.is(201);
        let mut desk = Self { world, browser: Browser::new() };
        desk.browser = desk.signed_in("dana@shop.example").await;
        desk
    }

    /// A browser in which a member is signed in.
    async fn signed_in(&self, email: &str) -> Browser {
        let broker = self.world.broker.broker();
        let tenant = broker.tenant_at(HOST).unwrap();
        let member = tenant.member_with(&email.parse().unwrap()).unwrap();
        let letting =
            Letting { device: "Test browser".to_owned(), locale: "en".to_owned(), zone: "UTC".to_owned() };
        let begun = broker.begin_session(&tenant, member, SignedInBy::Code, &letting).await.unwrap();
        let mut browser = Browser::new();
        browser.hold(&self.url("/").origin().ascii_serialization(), "cs-staff", begun.cookie.expose());
        browser
    }

    fn url(&self, path: &str) -> Url {
        format!("{}{path}", self.world.broker.origin.replace("127.0.0.1", HOST)).parse().unwrap()
    }

    async fn get(&mut self, path: &str) -> Page {
        let page = self.browser.get(&self.url(path)).await;
        assert_eq!(page.status, StatusCode::OK, "{path}: {}", page.html);
        page
    }

    async fn send(&mut self, page: &Page, form: &Form, more: &[(&str, &str)]) -> Page {
        self.browser.submit(page, form, more).await
    }

    /// Fills the form of an invitation in and sends it.
    async fn invite(&mut self, email: &str, name: &str, role: &str) -> Page {
        let page = self.get("/admin/staff").await;
        let fields = [("email", email), ("name", name), ("role", role)];
        self.send(&page, &form_to(&page, "/admin/staff"), &fields).await
    }

    /// The path of a member's page.
    async fn path_of(&mut self, email: &str) -> String {
        let listed = self.world.call(Method::GET, "/v1/staff", If::Nothing, None).await.is(200);
        let items = listed.body["items"].as_array().unwrap();
        let item = items.iter().find(|item| item["email"] == email).unwrap();
        format!("/admin/staff/{}", item["id"].as_str().unwrap())
    }
}

#[tokio::test]
async fn an_invitation_makes_somebody_staff_and_its_link_is_shown_once() {
    let mut desk = Desk::start().await;
    let page = desk.invite("Ari@Shop.example", "Ari", "agent").await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.html);
    let link = crate::harness::page::element(&page.html, "code").unwrap();
    assert!(link.contains("/signin/invite/st_"), "{}", page.html);
    let list = desk.get("/admin/staff").await;
    assert!(list.html.contains("ari@shop.example") && list.html.contains("Never"), "{}", list.html);
    assert!(!list.html.contains("/signin/invite/"));
    let mut ari = Browser::new();
    let door = ari.get(&link.parse().unwrap()).await;
    let done = ari.submit(&door, &door.form(), &[]).await;
    assert_eq!(done.location().path(), "/console");
    assert!(!desk.get("/admin/staff").await.html.contains("Never"));
}

#[tokio::test]
async fn what_was_typed_stays_with_its_fault() {
    let mut desk = Desk::start().await;
    for (email, name, status, place) in [
        ("no address", "Ari", StatusCode::UNPROCESSABLE_ENTITY, "#email"),
        ("ari@shop.example", &"x".repeat(101), StatusCode::UNPROCESSABLE_ENTITY, "#name"),
        ("dana@shop.example", "Ari", StatusCode::CONFLICT, ""),
    ] {
        let page = desk.invite(email, name, "admin").await;
        assert_eq!(page.status, status, "{email}: {}", page.html);
        assert!(
            page.html.contains(&format!("value=\"{email}\""))
                && page.html.contains(&format!("value=\"{name}\""))
        );
        assert!(page.html.contains("data-focus") && page.html.contains(place), "{}", page.html);
        assert!(page.html.contains("value=\"admin\" checked"), "{}", page.html);
    }
}

#[tokio::test]
async fn what_was_typed_about_a_member_stays_with_its_fault() {
    let mut desk = Desk::start().await;
    desk.invite("ari@shop.example", "Ari", "agent").await;
    let path = desk.path_of("ari@shop.example").await;
    let page = desk.get(&path).await;
    let long = "x".repeat(101);
    let refused = desk.send(&page, &form_to(&page, &path), &[("role", "admin"), ("name", &long)]).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", refused.html);
    for told in
        [&format!("value=\"{long}\""), "value=\"admin\" checked", "href=\"#name\"", "id=\"name-fault\""]
    {
        assert!(refused.html.contains(told), "{told}: {}", refused.html);
    }
}

#[tokio::test]
async fn a_role_is_changed_and_a_page_of_before_is_told_apart() {
    let mut desk = Desk::start().await;
    desk.invite("ari@shop.example", "Ari", "agent").await;
    let path = desk.path_of("ari@shop.example").await;
    let mut ari = desk.signed_in("ari@shop.example").await;
    let forbidden = ari.get(&desk.url("/admin/staff")).await;
    assert_eq!(forbidden.status, StatusCode::FORBIDDEN);
    let page = desk.get(&path).await;
    let form = form_to(&page, &path);
    let done = desk.send(&page, &form, &[("role", "admin"), ("name", "Ari A.")]).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.html);
    assert_eq!(ari.get(&desk.url("/admin/staff")).await.status, StatusCode::OK, "at once");
    let stale = desk.send(&page, &form, &[("role", "agent")]).await;
    assert_eq!(stale.status, StatusCode::PRECONDITION_FAILED);
    assert!(stale.html.contains("Somebody changed the settings"), "{}", stale.html);
    assert_eq!(ari.get(&desk.url("/admin/staff")).await.status, StatusCode::OK, "nothing was changed");
}

#[tokio::test]
async fn the_last_admin_is_neither_removed_nor_made_an_agent() {
    let mut desk = Desk::start().await;
    let path = desk.path_of("dana@shop.example").await;
    let page = desk.get(&path).await;
    let refused = desk.send(&page, &form_to(&page, &path), &[("role", "agent")]).await;
    assert_eq!(refused.status, StatusCode::CONFLICT);
    assert!(refused.html.contains("This is the last admin"), "{}", refused.html);
    let refused = desk.send(&page, &form_to(&page, &format!("{path}/remove")), &[]).await;
    assert_eq!(refused.status, StatusCode::CONFLICT);
}

#[tokio::test]
async fn somebody_who_is_removed_is_out_with_the_next_click() {
    let mut desk = Desk::start().await;
    desk.invite("ari@shop.example", "", "agent").await;
    let path = desk.path_of("ari@shop.example").await;
    let mut ari = desk.signed_in("ari@shop.example").await;
    assert_eq!(ari.get(&desk.url("/account")).await.status, StatusCode::OK);
    let page = desk.get(&path).await;
    assert!(page.html.contains("Test browser"), "{}", page.html);
    let done = desk.send(&page, &form_to(&page, &format!("{path}/remove")), &[]).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.html);
    assert_eq!(ari.get(&desk.url("/account")).await.status, StatusCode::SEE_OTHER);
    let list = desk.browser.get(&done.location()).await;
    assert!(list.html.contains("Removed from the staff") && !list.html.contains("ari@shop"), "{}", list.html);
}

#[tokio::test]
async fn an_admin_signs_out_a_browser_of_somebody_else() {
    let mut desk = Desk::start().await;
    desk.invite("ari@shop.example", "", "agent").await;
    let path = desk.path_of("ari@shop.example").await;
    let mut ari = desk.signed_in("ari@shop.example").await;
    let page = desk.get(&path).await;
    let forms = crate::harness::page::forms(&page.html);
    let end = forms.iter().find(|form| form.action.ends_with("/end")).unwrap();
    let done = desk.send(&page, end, &[]).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.html);
    assert_eq!(ari.get(&desk.url("/account")).await.status, StatusCode::SEE_OTHER);
    let own = desk.path_of("dana@shop.example").await;
    let session =
        end.action.trim_start_matches(&format!("{path}/sessions/")).trim_end_matches("/end").to_owned();
    let wrong = Form { action: format!("{own}/sessions/{session}/end"), ..end.clone() };
    assert_eq!(desk.send(&page, &wrong, &[]).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn agents_and_strangers_see_and_change_nothing_here() {
    let broker = Harness::start().await;
    let mut agent = broker.staff(Role::Agent).await;
    for path in ["/admin/staff", "/admin/staff/st_00000000000000000000000000000000"] {
        assert_eq!(agent.get(path).await.status, StatusCode::FORBIDDEN, "{path}");
        assert_eq!(
            agent.post(path, &[("email", "x@acme.example"), ("role", "admin")]).await.status,
            StatusCode::FORBIDDEN
        );
        let nobody = broker.plain(Method::GET, path).send().await.unwrap();
        assert_eq!(nobody.status(), StatusCode::SEE_OTHER, "{path}");
    }
    let mut dana = broker.staff(Role::Admin).await;
    for path in ["/admin/staff/st_00000000000000000000000000000000", "/admin/staff/x"] {
        assert_eq!(dana.get(path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    let page = dana.post_with("/admin/staff", "", &[("email", "x@acme.example"), ("role", "admin")]).await;
    assert_eq!(page.status, StatusCode::FORBIDDEN, "without the token");
}

#[tokio::test]
async fn staff_in_a_file_are_shown_with_where_they_are_changed() {
    let broker = Harness::with(Choices { name: "<i>Acme</i>", ..Choices::default() }).await;
    let mut dana = broker.staff(Role::Admin).await;
    let page = dana.text("/admin/staff").await;
    assert!(page.contains("acme.toml") && page.contains("[[staff]]"), "{page}");
    assert!(page.contains(ADMIN) && page.contains(AGENT) && !page.contains("<i>Acme"), "{page}");
    assert!(!page.contains("Invite somebody"));
    let refused = dana.post("/admin/staff", &[("email", "x@acme.example"), ("role", "agent")]).await;
    assert_eq!(refused.status, StatusCode::CONFLICT);
    assert!(refused.html.contains("acme.toml"), "{}", refused.html);
    let id = broker.broker().tenant_at("127.0.0.1").unwrap().staff[1].id.clone();
    let link = dana.post(&format!("/admin/staff/{id}/invite"), &[]).await;
    assert!(link.html.contains("/signin/invite/"), "a link they can have: {}", link.html);
}

#[tokio::test]
async fn with_mail_an_invitation_is_sent_and_not_shown() {
    let office = super::Office::start().await;
    let mut dana = office.broker.staff(Role::Admin).await;
    let id = office.broker.broker().tenant_at("127.0.0.1").unwrap().staff[1].id.clone();
    let page = dana.post(&format!("/admin/staff/{id}/invite"), &[]).await;
    assert!(
        page.html.contains("The invitation is sent") && !page.html.contains("/signin/invite/"),
        "{}",
        page.html
    );
    let letter = office.letter(0).await;
    assert!(letter.contains(&format!("To: {AGENT}")) && letter.contains("/signin/invite/"), "{letter}");
}

#[tokio::test]
async fn a_mail_server_that_refuses_leaves_the_link_to_the_admin() {
    let server = super::mail_server::MailServer::start(json!({"tls": "none"})).await;
    let main = format!(
        "[mail]\nurl = \"smtp+plain://127.0.0.1:{}\"\nfrom = \"no-reply@acme.example\"\n",
        server.port
    );
    let more = "[[staff]]\nemail = \"nobody@acme.example\"\nrole = \"agent\"\n".to_owned();
    let broker = Harness::with(Choices { main: Some(main), tenant: more, ..Choices::default() }).await;
    let mut dana = broker.staff(Role::Admin).await;
    let id = broker.broker().tenant_at("127.0.0.1").unwrap().staff[2].id.clone();
    let page = dana.post(&format!("/admin/staff/{id}/invite"), &[]).await;
    assert!(
        page.html.contains("refuses the letter (550)") && page.html.contains("/signin/invite/"),
        "{}",
        page.html
    );
}
