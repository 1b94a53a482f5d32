//! The mapping playground, and samples that must go on to work.

use reqwest::{Method, StatusCode};
use serde_json::json;

use super::{Shop, words};

const ANSWER: &str = r#"{"user": {"id": "u-1", "name": "Billy Bob", "email": "billy@example.com"}}"#;
const MAPPING: &str = "{userId: user.id, fullName: user.name, email: user.email}";

/// What lies on the bench.
fn bench<'a>(expression: &'a str, whoami: &'a str) -> [(&'a str, &'a str); 2] {
    [("expression", expression), ("whoami", whoami)]
}

#[tokio::test]
async fn a_mapping_is_tried_without_a_script_and_nothing_is_kept() {
    let mut shop = Shop::live().await;
    let before = shop.provider().await;
    let html = shop.page("/mapping").await;
    assert!(html.contains("email = user.email"), "the draft's own stands there: {html}");
    let page = shop.send("/mapping", "/mapping", &bench(MAPPING, ANSWER)).await;
    let told = words(&page.html);
    assert!(told.contains("email billy@example.com") && told.contains("lastName Bob"), "{told}");
    assert!(page.html.contains(MAPPING), "what was typed stays");
    assert_eq!(shop.provider().await, before);
}

#[tokio::test]
async fn a_part_of_the_page_is_enough_for_a_script() {
    let mut shop = Shop::live().await;
    let html = shop.page("/mapping").await;
    assert!(html.contains("hx-post=\"/admin/providers/acme/mapping\"") && html.contains("hx-nonce=\""));
    let fields = [("csrf", shop.csrf.as_str()), ("expression", MAPPING), ("whoami", ANSWER)];
    let cookies = shop.staff.cookies(&shop.origin.parse().unwrap());
    let cookie = cookies.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ");
    let request = shop.broker.plain(Method::POST, "/admin/providers/acme/mapping");
    let host = shop.origin.trim_start_matches("http://").to_owned();
    let request = request.header("host", &host).header("origin", &shop.origin).header("cookie", cookie);
    let answer = request.header("hx-request", "true").form(&fields).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    let part = answer.text().await.unwrap();
    assert!(part.contains("billy@example.com") && !part.contains("<html"), "{part}");
}

#[tokio::test]
async fn a_fault_has_its_caret_and_a_repair_is_shown() {
    let mut shop = Shop::live().await;
    let page =
        shop.send("/mapping", "/mapping", &bench("{email: user.email,\n fullName user.name}", ANSWER)).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(page.html.contains("made-fault") && page.html.contains("fullName user.name}\n"), "{}", page.html);
    assert!(words(&page.html).contains("line 2"), "{}", words(&page.html));
    let page = shop.send("/mapping", "/mapping", &bench("{\u{201c}email\u{201d}: user.email}", ANSWER)).await;
    assert!(words(&page.html).contains("It was repaired, and is read as"), "{}", words(&page.html));
    let page = shop.send("/mapping", "/mapping", &bench(MAPPING, "{\"user\": ")).await;
    assert!(words(&page.html).contains("In the answer: This is no JSON"), "{}", words(&page.html));
    let page = shop.send("/mapping", "/mapping", &bench("{nothing: user.none}", ANSWER)).await;
    assert!(words(&page.html).contains("No field is found in this answer"), "{}", words(&page.html));
    let hostile = r#"{"user": {"email": "a@example.com", "name": "<script>alert(1)</script>"}}"#;
    let page = shop.send("/mapping", "/mapping", &bench(MAPPING, hostile)).await;
    assert!(!page.html.contains("<script>alert"), "{}", page.html);
}

#[tokio::test]
async fn a_mapping_goes_into_the_draft_unless_somebody_was_faster() {
    let mut shop = Shop::live().await;
    let page = shop.page("/mapping").await;
    let typed = bench("email = user.email\nfullName = user.name", ANSWER);
    let kept = shop
        .post_few("/admin/providers/acme/mapping/keep", &[typed[0], typed[1], ("version", &version(&page))])
        .await;
    assert_eq!(kept.status, StatusCode::SEE_OTHER, "{}", words(&kept.html));
    let draft = shop.provider().await["draft"]["settings"].clone();
    assert_eq!(draft["mapping"], json!({"email": "user.email", "fullName": "user.name"}));
    assert_eq!(draft["clientSecret"]["set"], true, "everything else stays");
    let late = shop
        .post_few(
            "/admin/providers/acme/mapping/keep",
            &[("expression", "user"), ("version", &version(&page))],
        )
        .await;
    assert_eq!(late.status, StatusCode::CONFLICT);
    assert!(late.html.contains(">\nuser</textarea>"), "what was typed stays: {}", late.html);
    let html = shop.page("/mapping").await;
    let broken = [("expression", "{email:"), ("whoami", ANSWER), ("version", &version(&html))];
    let refused = shop.post_few("/admin/providers/acme/mapping/keep", &broken).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", words(&refused.html));
}

#[tokio::test]
async fn a_sample_that_comes_out_otherwise_keeps_a_draft_from_going_live() {
    let mut shop = Shop::live().await;
    let sample = [("expression", MAPPING), ("whoami", ANSWER), ("name", "Billy <b>B</b>")];
    let unnamed = shop.post_few("/admin/providers/acme/mapping/samples", &sample[..2]).await;
    assert_eq!(unnamed.status, StatusCode::UNPROCESSABLE_ENTITY, "it needs a name");
    let saved = shop.post_few("/admin/providers/acme/mapping/samples", &sample).await;
    let html = shop.follow(&saved).await;
    assert!(!html.contains("<b>B</b>") && words(&html).contains("personal data"), "{html}");

    let mut settings = shop.settings();
    settings["mapping"] = json!({"userName": "user.id", "email": "user.mail"});
    settings.as_object_mut().unwrap().remove("clientSecret");
    shop.put_draft(&settings).await;
    let page = shop.page("/publish").await;
    let told = words(&page);
    assert!(told.contains("1 of 1 sample comes out otherwise"), "{told}");
    assert!(told.contains("email billy@example.com nothing"), "{told}");
    let refused = shop.send_on(&page, "/publish", &[("untested", "yes")]).await;
    assert_eq!(refused.status, StatusCode::CONFLICT);
    assert!(words(&refused.html).contains("1 of 1 saved samples"), "{}", words(&refused.html));
    let (status, answer) =
        shop.try_api(Method::POST, "/v1/providers/acme/publish", Some(json!({"untested": true}))).await;
    assert_eq!(
        (status, &answer["code"]),
        (StatusCode::CONFLICT, &json!("conflict")),
        "the API keeps it, too"
    );

    let accepted = shop.post_few("/admin/providers/acme/mapping/samples/accept", &[("sample", "1")]).await;
    assert_eq!(accepted.status, StatusCode::SEE_OTHER, "{}", accepted.html);
    let published = shop.send("/publish", "/publish", &[("untested", "yes")]).await;
    assert_eq!(published.status, StatusCode::SEE_OTHER, "{}", words(&published.html));
    assert_eq!(shop.provider().await["live"]["settings"]["mapping"]["email"], "user.mail");
    // Nor does an earlier version go live again that the sample does not pass.
    let (status, answer) =
        shop.try_api(Method::POST, "/v1/providers/acme/rollback", Some(json!({"version": 1}))).await;
    assert_eq!((status, &answer["code"]), (StatusCode::CONFLICT, &json!("conflict")), "{answer}");
    let audit = shop.audit().await;
    for action in ["provider.sample_saved", "provider.samples_read"] {
        let by = audit.iter().find(|(known, _)| known == action).map(|(_, by)| by.as_str());
        assert!(by.is_some_and(|by| by.starts_with("staff:st_")), "{action}: {audit:?}");
    }
}

#[tokio::test]
async fn samples_are_few_and_small_and_deleted_one_by_one_or_with_their_provider() {
    let mut shop = Shop::live().await;
    let path = "/admin/providers/acme/mapping/samples";
    let large = format!("{{\"user\": {{\"id\": \"{}\"}}}}", "x".repeat(17_000));
    let refused =
        shop.post_few(path, &[("expression", MAPPING), ("whoami", &large), ("name", "large")]).await;
    assert!(words(&refused.html).contains("at most 16 kB"), "{}", words(&refused.html));
    for number in 1..=10 {
        let name = format!("sample {number}");
        let saved =
            shop.post_few(path, &[("expression", MAPPING), ("whoami", ANSWER), ("name", &name)]).await;
        assert_eq!(saved.status, StatusCode::SEE_OTHER, "{}", words(&saved.html));
    }
    let full =
        shop.post_few(path, &[("expression", MAPPING), ("whoami", ANSWER), ("name", "one more")]).await;
    assert_eq!(full.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(words(&full.html).contains("at most 10 samples"), "{}", words(&full.html));
    let deleted = shop.post_few(&format!("{path}/delete"), &[("sample", "3")]).await;
    let html = shop.follow(&deleted).await;
    assert!(!html.contains("sample 3<") && html.contains("sample 10<"), "{html}");
    assert_eq!(
        shop.post_few(&format!("{path}/delete"), &[("sample", "3")]).await.status,
        StatusCode::NOT_FOUND
    );
    let one = shop.get("/admin/providers/acme/mapping?sample=10").await;
    assert!(one.html.contains("u-1"), "{}", one.html);
    assert_eq!(shop.get("/admin/providers/acme/mapping?sample=3").await.status, StatusCode::NOT_FOUND);

    let deleted = shop.send("/delete", "/delete", &[("typed", "acme")]).await;
    assert_eq!(deleted.status, StatusCode::SEE_OTHER, "{}", words(&deleted.html));
    shop.put_draft(&shop.settings()).await;
    assert!(shop.page("/mapping").await.contains("No sample yet"), "another provider of that name has none");
}

#[tokio::test]
async fn what_a_test_login_told_is_taken_to_the_bench_and_saved() {
    let mut shop = Shop::drafted().await;
    let report = shop.test_login().await;
    let html = shop.get(&report).await.html;
    let link = super::attribute(&html, "href=\"/admin/providers/acme/mapping?test=").unwrap();
    let bench = shop.get(&format!("/admin/providers/acme/mapping?test={link}")).await;
    assert_eq!(bench.status, StatusCode::OK);
    assert!(words(&bench.html).contains("billy.bob@example.com"), "{}", bench.html);
    let saved = shop
        .send_on(
            &bench.html.replace(
                "action=\"/admin/providers/acme/mapping\"",
                "action=\"/admin/providers/acme/mapping/samples\"",
            ),
            "/mapping/samples",
            &[("name", "Billy")],
        )
        .await;
    let html = shop.follow(&saved).await;
    assert!(html.contains("As it must be"), "{}", words(&html));
    let other = shop.get("/admin/providers/acme/mapping?test=pt_00000000000000000000000000000007").await;
    assert_eq!(other.status, StatusCode::NOT_FOUND);
}

/// The version in the first form of a page.
fn version(html: &str) -> String {
    super::attribute(html, "name=\"version\" value=\"").unwrap()
}
