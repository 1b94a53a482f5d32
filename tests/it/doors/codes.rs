//! Staff sign in by a code that is sent to their address.

use std::time::Duration;

use reqwest::StatusCode;
use url::Url;

use super::*;
use crate::harness::staff::{ADMIN, AGENT};

#[tokio::test]
async fn a_code_signs_in_and_the_browser_goes_where_it_wanted_to() {
    let office = Office::start().await;
    let mut browser = Browser::new();
    let done = office.sign_in_by_code(&mut browser, " Dana@Acme.EXAMPLE ", "%2Faccount%3Fx%3D1").await;
    assert_eq!(
        (done.status, done.location().as_str()),
        (StatusCode::SEE_OTHER, office.url("/account?x=1").as_str())
    );
    let account = browser.get(&done.location()).await;
    assert!(account.html.contains(ADMIN) && account.html.contains("by an emailed code"), "{}", account.html);
    let again = browser.get(&office.url("/signin?next=/account")).await;
    assert_eq!(again.location().path(), "/account", "who is in goes on");
    let letter = office.letter(0).await;
    assert!(letter.contains("To: dana@acme.example") && letter.contains("Acme Bank"), "{letter}");
}

#[tokio::test]
async fn without_a_wish_an_agent_goes_to_the_console_and_an_admin_to_the_overview() {
    let office = Office::start().await;
    for (email, home) in [(AGENT, "/console"), (ADMIN, "/admin")] {
        let done = office.sign_in_by_code(&mut Browser::new(), email, "").await;
        assert_eq!(done.location().path(), home);
    }
}

#[tokio::test]
async fn who_asks_for_an_address_that_nobody_has_sees_the_same_and_nothing_is_sent() {
    let office = Office::start().await;
    let (mut known, mut unknown) = (Browser::new(), Browser::new());
    let one = office.ask(&mut known, ADMIN, "").await;
    let two = office.ask(&mut unknown, "eve@acme.example", "").await;
    let plain = |page: &Page, email: &str| {
        let attempt =
            form_to(page, "/signin/code").fields.into_iter().find(|(name, _)| name == "attempt").unwrap().1;
        let nonce = page.html.split("nonce=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
        page.html.replace(email, "…").replace(&attempt, "…").replace(&nonce, "…")
    };
    assert_eq!((one.status, plain(&one, ADMIN)), (two.status, plain(&two, "eve@acme.example")));
    for left in ["4 more tries", "3 more tries", "2 more tries", "one more try"] {
        let wrong = office.type_code(&mut unknown, &two, "000000").await;
        assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(wrong.html.contains(left), "{left} in {}", wrong.html);
    }
    assert_eq!(office.type_code(&mut unknown, &two, "000000").await.status, StatusCode::GONE);
    let letters = office.letters();
    assert!(letters.iter().all(|letter| !letter.contains("eve@")), "{letters:?}");
}

#[tokio::test]
async fn five_wrong_codes_spend_it_and_the_right_one_comes_too_late() {
    let office = Office::start().await;
    let mut browser = Browser::new();
    let page = office.ask(&mut browser, ADMIN, "").await;
    let code = code_of(&office.letter(0).await);
    for _ in 0..4 {
        let wrong = office.type_code(&mut browser, &page, &another(&code)).await;
        assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", wrong.html);
        assert!(wrong.html.contains("aria-invalid=\"true\""));
    }
    assert_eq!(office.type_code(&mut browser, &page, &another(&code)).await.status, StatusCode::GONE);
    assert_eq!(office.type_code(&mut browser, &page, &code).await.status, StatusCode::GONE);
}

#[tokio::test]
async fn of_fifty_guesses_at_once_five_are_evaluated() {
    let office = Office::start().await;
    let mut browser = Browser::new();
    let page = office.ask(&mut browser, ADMIN, "").await;
    let code = code_of(&office.letter(0).await);
    let guesses = (0..50).map(|_| {
        let (mut browser, page, office, wrong) = (browser.clone(), &page, &office, another(&code));
        async move { office.type_code(&mut browser, page, &wrong).await }
    });
    let answers = futures_util::future::join_all(guesses).await;
    let evaluated = answers.iter().filter(|page| page.status == StatusCode::UNPROCESSABLE_ENTITY).count();
    assert!(evaluated <= 4, "the fifth wrong one is the last: {evaluated} others said so");
    assert!(answers.iter().all(|page| [422, 410, 429].contains(&page.status.as_u16())));
    assert_eq!(office.type_code(&mut browser, &page, &code).await.status, StatusCode::GONE);
}

#[tokio::test]
async fn a_code_is_good_once_even_under_a_race() {
    let office = Office::start().await;
    let mut browser = Browser::new();
    let page = office.ask(&mut browser, ADMIN, "/account").await;
    let code = code_of(&office.letter(0).await);
    let tries = (0..4).map(|_| {
        let (mut browser, page, office, code) = (browser.clone(), &page, &office, &code);
        async move { office.type_code(&mut browser, page, code).await }
    });
    let answers = futures_util::future::join_all(tries).await;
    let let_in = answers.iter().filter(|page| page.status == StatusCode::SEE_OTHER).count();
    assert_eq!(let_in, 1, "{:?}", answers.iter().map(|page| page.status).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_code_is_for_the_browser_and_the_attempt_that_asked_for_it() {
    let office = Office::start().await;
    let (mut dana, mut eve) = (Browser::new(), Browser::new());
    let page = office.ask(&mut dana, ADMIN, "").await;
    let code = code_of(&office.letter(0).await);
    assert_eq!(office.type_code(&mut eve, &page, &code).await.status, StatusCode::GONE, "no cookie, no code");
    let other = office.ask(&mut eve, AGENT, "").await;
    let stolen = office.type_code(&mut eve, &other, &code).await;
    assert_eq!(stolen.status, StatusCode::UNPROCESSABLE_ENTITY, "it is another code's cookie");
    let newer = office.ask(&mut dana, ADMIN, "").await;
    let stale = office.type_code(&mut dana, &page, &code).await;
    assert!(stale.html.contains("A newer code was sent"), "{}", stale.html);
    let code = code_of(&office.letter(2).await);
    assert_eq!(office.type_code(&mut dana, &newer, &code).await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn a_code_is_for_its_tenant() {
    let office = Office::start().await;
    let mut browser = Browser::new();
    let page = office.ask(&mut browser, ADMIN, "").await;
    let code = code_of(&office.letter(0).await);
    let jar: Vec<_> = browser
        .cookies(&office.url("/"))
        .into_iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let attempt = form_to(&page, "/signin/code").fields;
    let mut fields = attempt.clone();
    fields.retain(|(name, _)| name != "code");
    fields.push(("code".to_owned(), code));
    let request = office.broker.plain(reqwest::Method::POST, "/signin/code").header("host", "beta.test");
    let request =
        request.header("cookie", jar.join("; ")).header("sec-fetch-site", "same-origin").form(&fields);
    assert_eq!(request.send().await.unwrap().status(), StatusCode::GONE);
}

#[tokio::test]
async fn a_code_is_good_for_ten_minutes() {
    let office = Office::start().await;
    let mut browser = Browser::new();
    let page = office.ask(&mut browser, ADMIN, "").await;
    let code = code_of(&office.letter(0).await);
    office.broker.clock.advance(Duration::from_mins(10));
    assert_eq!(office.type_code(&mut browser, &page, &code).await.status, StatusCode::GONE);
    assert_eq!(browser.get(&office.url("/signin/code")).await.location().path(), "/signin");
}

#[tokio::test]
async fn only_so_many_codes_go_to_an_address_whether_anybody_has_it_or_not() {
    let office = Office::start().await;
    for email in [ADMIN, "eve@acme.example"] {
        for _ in 0..5 {
            assert_eq!(office.ask(&mut Browser::new(), email, "").await.status, StatusCode::OK);
        }
        let over = office.ask(&mut Browser::new(), email, "").await;
        assert_eq!(over.status, StatusCode::TOO_MANY_REQUESTS, "{email}");
        let wait: u64 = over.headers["retry-after"].to_str().unwrap().parse().unwrap();
        assert!((600..=900).contains(&wait), "{wait}");
    }
    assert_eq!(office.letters().len(), 5);
    office.broker.clock.advance(Duration::from_mins(16));
    assert_eq!(office.ask(&mut Browser::new(), ADMIN, "").await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_stranger_who_asks_for_all_codes_keeps_nobody_out_who_came_in_before() {
    let office = Office::start().await;
    let mut known = Browser::new();
    office.sign_in_by_code(&mut known, ADMIN, "").await;
    let home = office.url("/");
    let mark = known.cookies(&home)["cs-mark"].clone();
    assert!(!mark.contains("dana") && !mark.contains("st_"), "{mark}");
    let mut stranger = Browser::new();
    while office.ask(&mut stranger, ADMIN, "").await.status != StatusCode::TOO_MANY_REQUESTS {}
    // The member's own browser, signed out; one that another member came in with; and one that made a mark up.
    let marked = |mark: &str| {
        let mut browser = Browser::new();
        browser.hold(&office.broker.origin, "cs-mark", mark);
        browser
    };
    office.letter(4).await;
    let mut own = marked(&mark);
    let page = office.ask(&mut own, ADMIN, "").await;
    let code = code_of(&office.letter(5).await);
    let done = office.type_code(&mut own, &page, &code).await;
    assert_eq!(done.location().path(), "/admin", "the code came, and is right");
    let mut colleague = Browser::new();
    office.sign_in_by_code(&mut colleague, AGENT, "").await;
    let other = colleague.cookies(&home)["cs-mark"].clone();
    for other in [other.as_str(), "made-up", ""] {
        let refused = office.ask(&mut marked(other), ADMIN, "").await;
        assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS, "{other}");
    }
    for _ in 0..4 {
        assert_eq!(office.ask(&mut marked(&mark), ADMIN, "").await.status, StatusCode::OK);
    }
    let over = office.ask(&mut marked(&mark), ADMIN, "").await;
    assert_eq!(over.status, StatusCode::TOO_MANY_REQUESTS, "a mailbox is not filled by its owner either");
}

#[tokio::test]
async fn only_so_many_attempts_come_from_an_address() {
    let more = "[limits]\naddress_sign_ins = 3\n".to_owned();
    let office = Office::with(Choices { main: Some(more), ..Choices::default() }).await;
    for number in 0..3 {
        let page = office.ask(&mut Browser::new(), &format!("p{number}@acme.example"), "").await;
        assert_eq!(page.status, StatusCode::OK);
    }
    let over = office.ask(&mut Browser::new(), ADMIN, "").await;
    assert_eq!(over.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(over.headers.contains_key("retry-after") && over.html.contains("Please wait"), "{}", over.html);
    office.broker.clock.advance(Duration::from_mins(1));
    assert_eq!(office.ask(&mut Browser::new(), ADMIN, "").await.status, StatusCode::OK);
}

#[tokio::test]
async fn what_is_no_address_stays_in_the_form_with_its_fault() {
    let office = Office::start().await;
    let page = office.ask(&mut Browser::new(), "dana<script>", "/account").await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        page.html.contains("value=\"dana&#60;script&#62;\"")
            || page.html.contains("value=\"dana&lt;script&gt;\""),
        "{}",
        page.html
    );
    assert!(
        page.html.contains("href=\"#email\"") && page.html.contains("value=\"/account\""),
        "{}",
        page.html
    );
}

#[tokio::test]
async fn no_address_leads_anywhere_else() {
    let office = Office::start().await;
    for next in
        ["//evil.example", "https://evil.example", "/%5Cevil.example", "/admin//evil.example", "/signin"]
    {
        let mut browser = Browser::new();
        let page = browser.get(&office.url(&format!("/signin?next={next}"))).await;
        assert!(!page.html.contains("evil.example"), "{next}");
        let form = form_to(&page, "/signin/email");
        let before = office.letters().len();
        let sent = browser.submit(&page, &form, &[("email", ADMIN), ("next", next)]).await;
        if sent.status == StatusCode::TOO_MANY_REQUESTS {
            office.broker.clock.advance(Duration::from_mins(16));
            continue;
        }
        let asked = browser.get(&sent.location()).await;
        let done = office.type_code(&mut browser, &asked, &code_of(&office.letter(before).await)).await;
        assert_eq!(done.location().as_str(), office.url("/admin").as_str(), "{next}");
    }
}

#[tokio::test]
async fn a_form_of_another_site_asks_for_nothing() {
    let office = Office::start().await;
    for path in ["/signin/email", "/signin/code", "/signin/provider", "/signin/invite/x.y"] {
        let foreign = office.broker.plain(reqwest::Method::POST, path).header("sec-fetch-site", "cross-site");
        let foreign = foreign.form(&[("email", ADMIN), ("provider", "acme")]);
        assert_eq!(foreign.send().await.unwrap().status(), StatusCode::FORBIDDEN, "{path}");
        let silent = office.broker.plain(reqwest::Method::POST, path).form(&[("email", ADMIN)]);
        assert_eq!(silent.send().await.unwrap().status(), StatusCode::FORBIDDEN, "{path}");
    }
    assert!(office.letters().is_empty());
}

#[tokio::test]
async fn whoever_is_taken_out_meanwhile_is_not_let_in() {
    let office = Office::start().await;
    let mut browser = Browser::new();
    let page = office.ask(&mut browser, AGENT, "").await;
    let code = code_of(&office.letter(0).await);
    let file = office.broker.tenant_file();
    let text = std::fs::read_to_string(&file).unwrap();
    let (before, rest) = text.split_once("[[staff]]").unwrap();
    let (admin, _) = rest.split_once("[[staff]]").unwrap();
    std::fs::write(&file, format!("{before}[[staff]]{admin}")).unwrap();
    eventually("the file is read again", async || {
        let tenant = office.broker.broker().tenant_at("127.0.0.1").unwrap();
        (tenant.staff.len() == 1).then_some(())
    })
    .await;
    assert_eq!(office.type_code(&mut browser, &page, &code).await.status, StatusCode::GONE);
}

#[tokio::test]
async fn elsewhere_than_on_its_own_host_the_sign_in_is_sent_there() {
    let office = Office::start().await;
    let port = Url::parse(&office.broker.origin).unwrap().port().unwrap();
    let request = office.broker.plain(reqwest::Method::GET, "/signin?next=/account");
    let answer = request.header("host", format!("acme.localhost:{port}")).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::SEE_OTHER);
    assert_eq!(answer.headers()["location"], format!("{}/signin?next=%2Faccount", office.broker.origin));
}

#[tokio::test]
async fn without_a_mail_server_no_code_is_offered() {
    let broker = Harness::start().await;
    let page = Browser::new().get(&format!("{}/signin", broker.origin).parse().unwrap()).await;
    assert!(!page.html.contains("/signin/email") && page.html.contains("/signin/provider"), "{}", page.html);
}

#[tokio::test]
async fn each_sign_in_has_a_new_cookie_and_the_one_before_is_worth_nothing() {
    let office = Office::start().await;
    let mut browser = Browser::new();
    office.sign_in_by_code(&mut browser, ADMIN, "/account").await;
    let first = browser.clone();
    let cookie = |browser: &Browser| browser.cookies(&office.url("/")).remove("cs-staff").unwrap();
    // Who is in is not asked again, so that the page is made with a fresh browser and sent by this one.
    let mut fresh = Browser::new();
    let before = office.letters().len();
    let page = office.ask(&mut fresh, ADMIN, "/account").await;
    let code = code_of(&office.letter(before).await);
    fresh.hold(&office.broker.origin, "cs-staff", &cookie(&first));
    let done = office.type_code(&mut fresh, &page, &code).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER);
    assert_ne!(cookie(&fresh), cookie(&first), "a cookie that somebody planted is not taken over");
    assert_eq!(fresh.get(&office.url("/account")).await.status, StatusCode::OK);
    assert_eq!(first.clone().get(&office.url("/account")).await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn over_https_every_cookie_has_the_prefix_and_its_flags() {
    let office = Office::with(Choices { https: true, ..Choices::default() }).await;
    let sent = office
        .broker
        .plain(reqwest::Method::POST, "/signin/email")
        .header("sec-fetch-site", "same-origin")
        .form(&[("email", ADMIN)])
        .send()
        .await
        .unwrap();
    let ticket = sent.headers()["set-cookie"].to_str().unwrap().to_owned();
    check_flags(&ticket, "__Host-cs-ticket=");
    let cookie = ticket.split(';').next().unwrap().to_owned();
    let ask = office.broker.plain(reqwest::Method::GET, "/signin/code").header("cookie", &cookie);
    let html = ask.send().await.unwrap().text().await.unwrap();
    let attempt =
        html.split("name=\"attempt\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let code = code_of(&office.letter(0).await);
    let done = office.broker.plain(reqwest::Method::POST, "/signin/code").header("cookie", cookie);
    let done = done.header("sec-fetch-site", "same-origin").form(&[("attempt", &attempt), ("code", &code)]);
    let done = done.send().await.unwrap();
    let set: Vec<_> =
        done.headers().get_all("set-cookie").iter().map(|value| value.to_str().unwrap()).collect();
    let staff = set.iter().find(|cookie| cookie.starts_with("__Host-cs-staff=")).unwrap();
    check_flags(staff, "__Host-cs-staff=");
    assert!(
        set.iter().any(|cookie| cookie.starts_with("__Host-cs-ticket=;") && cookie.contains("Max-Age=0"))
    );
}

fn check_flags(cookie: &str, name: &str) {
    assert!(cookie.starts_with(name), "{cookie}");
    for flag in ["; Path=/", "; HttpOnly", "; SameSite=Lax", "; Secure"] {
        assert!(cookie.contains(flag), "{flag} in {cookie}");
    }
    assert!(!cookie.contains("Domain"), "{cookie}");
}
