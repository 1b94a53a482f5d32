//! Every state of every customer page: its markup, its headers, its languages. With the variable
//! `COUNTERSIGN_PAGES_OUT` the pages are also written to that folder, to be looked at.

use std::path::Path;

use axum::body::to_bytes;
use axum::response::Response;
use countersign::domain::conversation::{Channel, Handle};
use countersign::domain::fault::Code;
use countersign::secret::Secret;
use countersign::web::page::{self, Decline, Elsewhere, Landing, Notice, Outcome, ResultPage, Visitor};
use http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use url::Url;

const LANGUAGES: [&str; 13] = ["en", "ar", "de", "es", "fr", "he", "it", "ja", "nl", "pl", "pt", "sv", "zh"];

const NOTICES: [Notice; 18] = [
    Notice::Declined,
    Notice::Expired,
    Notice::Cancelled,
    Notice::Superseded,
    Notice::Completed,
    Notice::Unknown,
    Notice::Neutral,
    Notice::WrongHost,
    Notice::Forbidden,
    Notice::TooMany { retry_after: 30 },
    Notice::Unavailable { retry_after: 5 },
    Notice::Internal,
    Notice::Method,
    Notice::TooLarge,
    Notice::AppUnknown,
    Notice::OpenedTooOften,
    Notice::UriTooLong,
    Notice::TooLate,
];

/// The names that stand on a page, which tenants, providers and customers choose.
pub struct Names<'a> {
    tenant: &'a str,
    provider: &'a str,
    handle: &'a str,
    field: &'a str,
    reference: &'a str,
    back: &'a str,
}

pub const PLAIN: Names = Names {
    tenant: "Acme Bank",
    provider: "Acme online banking",
    handle: "+15550142",
    field: "loyalty",
    reference: "at_7f3k-20m4",
    back: "sms:+15550199",
};

/// A rendered page.
#[derive(Debug, Clone)]
pub struct Shown {
    /// What it is called.
    pub name: String,
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: http::HeaderMap,
    /// The page.
    pub body: String,
}

impl Shown {
    async fn of(name: String, response: Response) -> Self {
        let (parts, body) = response.into_parts();
        let body = to_bytes(body, usize::MAX).await.unwrap();
        let body = String::from_utf8(body.to_vec()).unwrap();
        Self { name, status: parts.status, headers: parts.headers, body }
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    fn count(&self, what: &str) -> usize {
        self.body.matches(what).count()
    }
}

fn now() -> Timestamp {
    "2026-11-22T14:17:00Z".parse().unwrap()
}

fn landing_of(visitor: &Visitor, names: &Names, authorize_url: &str, robot: bool) -> Response {
    let handle = Handle::parse(names.handle).unwrap();
    let landing = Landing {
        channel: Channel::Whatsapp,
        handle: Some(&handle),
        provider: names.provider,
        authorize_url: &authorize_url.parse::<Url>().unwrap(),
        shares: &["email", "fullName", "phone", names.field],
        query: "",
        path: "/a/3vJ0wq1bYt",
        now: now(),
        expires_at: now() + SignedDuration::from_mins(15),
        robot,
        can_decline: true,
    };
    page::landing(visitor, &landing)
}

/// The page that leads out of an app's own browser, with a way out or without.
fn elsewhere_of(visitor: &Visitor, names: &Names, way_out: Option<&str>) -> Response {
    let (address, path) = ("https://acme.example.com/a/3vJ0wq1bYt", "/a/3vJ0wq1bYt");
    page::elsewhere(visitor, &Elsewhere { provider: names.provider, way_out, address, path, query: "" })
}

fn result_of(visitor: &Visitor, names: &Names, status: u16, outcome: Outcome) -> Response {
    let result = ResultPage {
        status: StatusCode::from_u16(status).unwrap(),
        channel: Channel::Whatsapp,
        provider: names.provider,
        outcome,
        back: Some(names.back),
        retry: Some("/a/3vJ0wq1bYt"),
        reference: names.reference,
        now: now(),
    };
    page::result(visitor, &result)
}

/// Every state of every page in one language.
pub async fn every_page(locale: &str, names: &Names<'_>) -> Vec<Shown> {
    let visitor = Visitor {
        tenant: Some(names.tenant),
        locale: Some(locale),
        accept_language: None,
        request_id: names.reference,
        https: true,
    };
    let landing = landing_of(&visitor, names, "https://login.acme.example/auth", false);
    let mut pages = vec![
        ("landing".to_owned(), landing),
        (
            "landing-for-robots".to_owned(),
            landing_of(&visitor, names, "https://login.acme.example/auth", true),
        ),
        (
            "elsewhere".to_owned(),
            elsewhere_of(&visitor, names, Some("intent://acme.example.com/a/3vJ0wq1bYt#Intent;end")),
        ),
        ("elsewhere-by-hand".to_owned(), elsewhere_of(&visitor, names, None)),
        ("decline".to_owned(), page::decline(&visitor, &Decline { path: "/a/3vJ0wq1bYt" })),
        ("completed".to_owned(), result_of(&visitor, names, 200, Outcome::Completed)),
        ("working".to_owned(), result_of(&visitor, names, 200, Outcome::Working)),
    ];
    let code = Secret::new("482913");
    let until = now() + SignedDuration::from_mins(5);
    pages.push((
        "provisional".to_owned(),
        result_of(&visitor, names, 200, Outcome::Provisional { code: &code, until }),
    ));
    for code in Code::ALL {
        pages.push((format!("failed-{code}"), result_of(&visitor, names, 400, Outcome::Failed(*code))));
    }
    for notice in NOTICES {
        pages.push((format!("notice-{}", notice_name(notice)), page::notice(&visitor, notice)));
    }
    let mut shown = Vec::new();
    for (name, response) in pages {
        shown.push(Shown::of(name, response).await);
    }
    shown
}

fn notice_name(notice: Notice) -> String {
    let name = format!("{notice:?}").to_lowercase();
    name.split(' ').next().unwrap().to_owned()
}

#[tokio::test]
async fn every_page_has_the_headers_that_a_page_needs() {
    for page in every_page("en", &PLAIN).await {
        let name = &page.name;
        let has_form = page.count("<form") > 0;
        let policy = page.header("content-security-policy");
        for part in ["default-src 'none'", "style-src 'self'", "base-uri 'none'", "frame-ancestors 'none'"] {
            assert!(policy.contains(part), "{name}: {policy}");
        }
        assert!(!policy.contains("script") && !policy.contains("unsafe"), "{name}: {policy}");
        let (forms, referrer) = if has_form {
            ("form-action 'self' https:", "same-origin")
        } else {
            ("form-action 'none'", "no-referrer")
        };
        assert!(policy.ends_with(forms), "{name}: {policy}");
        assert_eq!(page.header("referrer-policy"), referrer, "{name}");
        for (header, value) in [
            ("content-type", "text/html; charset=utf-8"),
            ("content-language", "en"),
            ("cache-control", "no-store"),
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("cross-origin-opener-policy", "same-origin"),
            ("strict-transport-security", "max-age=31536000"),
        ] {
            assert_eq!(page.header(header), value, "{name}: {header}");
        }
        assert!(page.header("x-robots-tag").contains("noindex"), "{name}");
        assert!(page.header("permissions-policy").contains("camera=()"), "{name}");
    }
}

#[tokio::test]
async fn every_page_has_one_heading_its_language_and_no_script() {
    for locale in LANGUAGES {
        let direction = if matches!(locale, "ar" | "he") { "rtl" } else { "ltr" };
        for page in every_page(locale, &PLAIN).await {
            let name = format!("{locale}/{}", page.name);
            assert!(page.body.contains(&format!("<html lang=\"{locale}\" dir=\"{direction}\">")), "{name}");
            assert_eq!(page.header("content-language"), locale, "{name}");
            assert_eq!((page.count("<h1>"), page.count("<main ")), (1, 1), "{name}");
            let outputs = usize::from(page.name == "provisional");
            assert_eq!(page.count("<output"), outputs, "{name}");
            for refused in
                ["<script", "<style", " style=", " onclick=", "javascript:", "<iframe", "{{", "{ $"]
            {
                assert!(!page.body.contains(refused), "{name} has `{refused}`");
            }
            assert!(page.body.contains("<meta name=\"robots\" content=\"noindex"), "{name}");
            assert!(page.body.len() < 12_000, "{name} has {} bytes", page.body.len());
        }
    }
}

#[tokio::test]
async fn a_preview_learns_nothing_of_anybody() {
    for page in every_page("en", &PLAIN).await {
        let previews: Vec<_> = page.body.lines().filter(|line| line.contains("property=\"og:")).collect();
        let expected = [
            "<meta property=\"og:type\" content=\"website\">",
            "<meta property=\"og:site_name\" content=\"Acme Bank\">",
            "<meta property=\"og:title\" content=\"Sign in to continue your chat\">",
        ];
        assert_eq!(previews, expected, "{}", page.name);
        assert!(!page.body.contains("5550142"), "{} shows the whole handle", page.name);
    }
}

#[tokio::test]
async fn a_robot_is_told_neither_the_chat_nor_what_is_shared_and_may_be_a_person_all_the_same() {
    let pages = every_page("en", &PLAIN).await;
    let page = pages.iter().find(|page| page.name == "landing-for-robots").unwrap();
    for private in ["+1•••42", "WhatsApp", "Acme online banking", "Phone number"] {
        assert!(!page.body.contains(private), "`{private}` is told");
    }
    assert_eq!(page.count("<form"), 2, "whoever it is can go on or decline");
}

#[tokio::test]
async fn an_apps_own_browser_is_led_out_of_and_may_stay() {
    let pages = every_page("en", &PLAIN).await;
    let of = |name: &str| pages.iter().find(|page| page.name == name).unwrap();
    let (with, without) = (of("elsewhere"), of("elsewhere-by-hand"));
    assert!(with.body.contains("href=\"intent://acme.example.com/a/3vJ0wq1bYt#Intent;end\""));
    assert!(!without.body.contains("intent:"));
    for page in [with, without] {
        assert!(
            page.body.contains("value=\"https://acme.example.com/a/3vJ0wq1bYt\""),
            "the address can be copied"
        );
        assert!(page.body.contains("href=\"/a/3vJ0wq1bYt?here\""), "the landing page is one link away");
        assert_eq!(page.count("<form"), 0);
    }
}

#[tokio::test]
async fn the_landing_page_says_who_where_what_and_until_when() {
    let pages = every_page("en", &PLAIN).await;
    let body = pages[0].body.replace(['\u{2068}', '\u{2069}'], "");
    for told in [
        "Sign in to Acme Bank",
        "WhatsApp",
        "+1•••42",
        "Acme online banking",
        "login.acme.example",
        "Email",
        "Name",
        "Phone number",
        "Further details of your account",
        "14:32 UTC, for 15 more minutes",
        "datetime=\"2026-11-22T14:32:00Z\"",
        "If you did not ask for this, close this page.",
    ] {
        assert!(body.contains(told), "`{told}` is missing");
    }
    let forms: Vec<_> = body.lines().filter(|line| line.contains("<form")).collect();
    let expected = [
        "<form method=\"post\" action=\"/a/3vJ0wq1bYt\">",
        "<form method=\"post\" action=\"/a/3vJ0wq1bYt/decline\">",
    ];
    assert_eq!(forms, expected, "*Continue* is the first form");
    assert!(!body.contains("name=\"confirm\""), "the first press of *This wasn't me* confirms nothing");
}

#[tokio::test]
async fn a_plain_provider_is_named_in_the_policy_of_its_form() {
    let visitor = Visitor { tenant: Some("Acme Bank"), ..Visitor::default() };
    let response = landing_of(&visitor, &PLAIN, "http://127.0.0.1:4711/authorize", false);
    let page = Shown::of("landing".to_owned(), response).await;
    assert!(
        page.header("content-security-policy").ends_with("form-action 'self' https: http://127.0.0.1:4711")
    );
    assert_eq!(page.header("strict-transport-security"), "", "a plain page promises no https");
}

#[tokio::test]
async fn declining_is_asked_once_more() {
    let pages = every_page("en", &PLAIN).await;
    let decline = pages.iter().find(|page| page.name == "decline").unwrap();
    assert_eq!(decline.status, StatusCode::OK);
    assert!(decline.body.contains("<form method=\"post\" action=\"/a/3vJ0wq1bYt/decline\">"));
    assert!(decline.body.contains("<input type=\"hidden\" name=\"confirm\" value=\"yes\">"));
}

#[tokio::test]
async fn the_code_stands_alone_in_the_one_output() {
    let pages = every_page("de", &PLAIN).await;
    let page = pages.iter().find(|page| page.name == "provisional").unwrap();
    let (_, rest) = page.body.split_once("<output").unwrap();
    let (_, rest) = rest.split_once('>').unwrap();
    assert_eq!(rest.split_once("</output>").unwrap().0, "CS-482913");
    assert!(page.body.contains("C S 4 8 2 9 1 3"), "a screen reader can spell it");
    assert_eq!(page.count("482913"), 1, "and it stands nowhere else");
}

#[tokio::test]
async fn the_english_code_page_says_where_the_code_belongs() {
    let pages = every_page("en", &PLAIN).await;
    let page = pages.iter().find(|page| page.name == "provisional").unwrap();
    assert!(page.body.contains("Send this code in the chat where you asked for it. Type it only there."));
    assert!(page.body.contains("WhatsApp") && page.body.contains("14:22"));
    assert!(page.body.contains("href=\"sms:+15550199\""));
}

#[tokio::test]
async fn a_running_sign_in_is_looked_at_again() {
    let pages = every_page("en", &PLAIN).await;
    let page = pages.iter().find(|page| page.name == "working").unwrap();
    assert_eq!(page.header("refresh"), "2");
}

#[tokio::test]
async fn a_failure_tells_a_reference_but_never_its_code() {
    for page in every_page("en", &PLAIN).await {
        let Some(code) = page.name.strip_prefix("failed-") else { continue };
        if code.contains('_') {
            assert!(!page.body.contains(code), "{} tells its code", page.name);
        }
        let quiet = ["access_denied", "not_confirmed", "sheet_closed", "taken_back", "voided", "declined"];
        assert_eq!(page.body.contains(PLAIN.reference), !quiet.contains(&code), "{}", page.name);
    }
}

#[tokio::test]
async fn a_notice_has_its_status_and_says_when_to_come_back() {
    let statuses: Vec<u16> = NOTICES.iter().map(|notice| notice.status().as_u16()).collect();
    assert_eq!(
        statuses,
        [200, 410, 410, 410, 410, 404, 400, 421, 403, 429, 503, 500, 405, 413, 400, 429, 414, 408]
    );
    for page in every_page("en", &PLAIN).await {
        let expected = match page.name.as_str() {
            "notice-toomany" => "30",
            "notice-unavailable" => "5",
            "notice-openedtoooften" => "86400",
            _ => "",
        };
        assert_eq!(page.header("retry-after"), expected, "{}", page.name);
    }
}

#[tokio::test]
async fn the_neutral_page_differs_by_its_reference_only() {
    let show = |reference| {
        let visitor = Visitor { tenant: Some("Acme Bank"), request_id: reference, ..Visitor::default() };
        Shown::of(String::new(), page::notice(&visitor, Notice::Neutral))
    };
    let (one, other) = (show("ref-1").await, show("ref-2").await);
    assert_eq!(one.status, StatusCode::BAD_REQUEST);
    assert_eq!(one.body.replace("ref-1", "ref-2"), other.body);
    assert_eq!(one.count("ref-1"), 1);
}

#[tokio::test]
async fn hostile_names_stay_text() {
    let payloads = [
        "<script>alert(1)</script>",
        "\"><img src=x onerror=alert(1)>",
        "' autofocus onfocus='alert(1)",
        "</title></style><svg/onload=alert(1)>",
        "{{ 7*7 }} { $tenant } ${7*7}",
        "`\u{2028}\u{202e}\u{0}&lt;b&gt;",
        "javascript:alert(1)",
    ];
    for payload in payloads {
        let names = Names {
            tenant: payload,
            provider: payload,
            handle: &payload.replace(char::is_control, ""),
            field: payload,
            reference: payload,
            back: payload,
        };
        for page in every_page("en", &names).await {
            let name = format!("{payload}: {}", page.name);
            for raw in ["<script", "<img", "<svg/", "\" onfocus", "' autofocus", "</style"] {
                assert!(!page.body.contains(raw), "{name} has `{raw}`");
            }
            assert!(!page.body.contains("href=\"javascript:"), "{name}");
            assert!(!page.body.contains(['\u{202e}', '\u{2028}', '\u{0}']), "{name}");
        }
    }
}

/// The file behind an address on a page.
fn asset(path: &str) -> Response {
    page::asset(path.strip_prefix("/assets/").unwrap(), false).expect("what a page names is served")
}

#[tokio::test]
async fn the_files_that_a_page_names_are_served() {
    let pages = every_page("en", &PLAIN).await;
    let named: Vec<&str> = pages[0].body.split('"').filter(|part| part.starts_with("/assets/")).collect();
    assert_eq!(named.len(), 2, "a stylesheet and an icon");
    for path in named {
        let served = Shown::of(path.to_owned(), asset(path)).await;
        assert_eq!(served.status, StatusCode::OK);
        assert!(served.body.len() < 9_000, "{path} has {} bytes", served.body.len());
    }
}

#[tokio::test]
async fn the_pages_can_be_written_out_to_be_looked_at() {
    let Some(folder) = std::env::vars_os().find(|(name, _)| name == "COUNTERSIGN_PAGES_OUT") else { return };
    for locale in LANGUAGES {
        for page in every_page(locale, &PLAIN).await {
            let folder = Path::new(&folder.1).join(locale);
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(folder.join(format!("{}.html", page.name)), &page.body).unwrap();
            for path in page.body.split('"').filter(|part| part.starts_with("/assets/")) {
                let asset = Shown::of(path.to_owned(), asset(path)).await;
                let target = Path::new(&folder).join("..").join(path.trim_start_matches('/'));
                std::fs::create_dir_all(target.parent().unwrap()).unwrap();
                std::fs::write(target, &asset.body).unwrap();
            }
        }
    }
}
