//! `countersign demo` as a newcomer starts it: no settings, one process, from *Send sign-in* to the
//! filled contact card.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, ChildStdout, Command, Stdio};

use reqwest::{Method, StatusCode};
use rstest::rstest;
use url::Url;

use super::harness::browser::{Browser, Page};
use super::harness::page::Form;

/// The program, and where it says it is. It ends with the test.
struct Demo {
    process: Child,
    /// Kept open, as a terminal is.
    _output: BufReader<ChildStdout>,
    url: Url,
}

impl Demo {
    fn start(more: &[&str]) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_countersign"))
            .args(["demo", "--listen", "127.0.0.1:0"])
            .args(more)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut output = BufReader::new(process.stdout.take().unwrap());
        output.read_line(&mut line).unwrap();
        let url = line.split_whitespace().last().unwrap().parse().unwrap();
        Self { process, _output: output, url }
    }

    /// Stops it as Ctrl-C does and says how it ended.
    fn interrupt(&mut self) -> Option<i32> {
        let id = self.process.id().to_string();
        assert!(Command::new("kill").args(["-INT", &id]).status().unwrap().success());
        self.process.wait().unwrap().code()
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        // In order, so that it takes its folder away.
        if let Ok(None) = self.process.try_wait() {
            self.interrupt();
        }
    }
}

/// Presses a button of the desk and loads the page again.
async fn press(browser: &mut Browser, desk: &Page, action: &str, fields: &[(&str, &str)]) -> Page {
    let form = Form { action: action.to_owned(), ..Form::default() };
    let answer = browser.submit(desk, &form, fields).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.html);
    browser.get(&desk.url).await
}

#[tokio::test]
async fn a_newcomer_gets_into_the_console_and_sees_the_same_conversation() {
    let demo = Demo::start(&[]);
    let mut browser = Browser::new();
    let desk = browser.get(&demo.url).await;
    assert!(desk.html.contains("action=\"/demo/console\""));
    press(&mut browser, &desk, "/demo/send", &[("channel", "sms")]).await;
    let form = Form { action: "/demo/console".to_owned(), ..Form::default() };
    let answer = browser.submit(&desk, &form, &[]).await;
    assert_eq!(
        (answer.status, answer.location().path()),
        (StatusCode::SEE_OTHER, "/console"),
        "{}",
        answer.html
    );
    let console = browser.get(&answer.location()).await;
    assert_eq!(console.status, StatusCode::OK);
    assert!(console.html.contains("Sent, not opened"), "{}", console.html);
    let path = console.html.split("class=\"console-row\" href=\"").nth(1).unwrap().split('"').next().unwrap();
    let conversation = browser.get(&console.url.join(path).unwrap()).await;
    assert!(conversation.html.contains("href=\"/console/simulator/demo-"), "{}", conversation.html);

    let foreign = super::harness::http_client().post(demo.url.join("/demo/console").unwrap());
    let foreign = foreign.header("origin", "https://evil.example").send().await.unwrap();
    assert_eq!(foreign.status(), StatusCode::FORBIDDEN, "no other site signs this browser in");
}

/// What the customer presses in the chat.
fn link_in(page: &Page) -> String {
    let (_, rest) = page.html.split_once("<a class=\"link").expect("the auth message is in the chat");
    let (_, rest) = rest.split_once("href=\"").unwrap();
    super::harness::page::text(rest.split('"').next().unwrap())
}

#[tokio::test]
async fn a_newcomer_gets_from_the_first_button_to_the_filled_card() {
    let mut demo = Demo::start(&[]);
    let mut browser = Browser::new();
    let desk = browser.get(&demo.url).await;
    assert!(desk.html.contains("Unknown person"));
    let desk = press(&mut browser, &desk, "/demo/send", &[("channel", "sms")]).await;
    let shown = Browser::new().sign_in(&link_in(&desk)).await;
    let code = shown.code().expect("the chat has to confirm it");
    let desk = press(&mut browser, &desk, "/demo/message", &[("text", "hello")]).await;
    assert!(desk.html.contains("data-status=\"provisional\"") && !desk.html.contains("Billy"));
    let desk = press(&mut browser, &desk, "/demo/message", &[("text", &format!("it is {code}"))]).await;
    for told in [
        "data-status=\"completed\"",
        "CUST-000001",
        "billy.bob@example.com",
        "Binding: code",
        "provider “demo”",
        "Thank you, Billy!",
        "<code>auth.completed</code>",
    ] {
        assert!(desk.html.contains(told), "`{told}` is missing");
    }
    assert_eq!(demo.interrupt(), Some(0));
}

#[tokio::test]
async fn a_fault_chosen_at_the_desk_ends_calmly_and_the_next_try_works() {
    let demo = Demo::start(&[]);
    let mut browser = Browser::new();
    let desk = browser.get(&demo.url).await;
    let desk = press(&mut browser, &desk, "/demo/trick", &[("trick", "whoami-500")]).await;
    let desk = press(&mut browser, &desk, "/demo/send", &[]).await;
    let link = link_in(&desk);
    let failed = Browser::new().sign_in(&link).await;
    assert_eq!(failed.status, StatusCode::BAD_GATEWAY);
    assert!(failed.html.contains("Nothing about you was passed on."));
    let desk = browser.get(&demo.url).await;
    assert!(
        desk.html.contains("<code>whoami_failed at whoami</code>") && desk.html.contains("Unknown person")
    );
    assert!(Browser::new().sign_in(&link).await.code().is_some());
}

#[tokio::test]
async fn the_address_without_a_path_leads_to_the_page() {
    let demo = Demo::start(&[]);
    let answer = Browser::new().get(&demo.url.join("/").unwrap()).await;
    assert_eq!(answer.location(), demo.url);
    let http = super::harness::http_client();
    let foreign =
        http.request(Method::GET, demo.url.clone()).header("host", "attacker.example").send().await.unwrap();
    assert_eq!(foreign.status(), StatusCode::MISDIRECTED_REQUEST);
}

#[test]
fn a_data_folder_is_kept_and_can_be_used_again() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("demo").display().to_string();
    for _ in 0..2 {
        assert_eq!(Demo::start(&["--data", &data]).interrupt(), Some(0));
    }
    assert!(folder.path().join("demo/keys.toml").exists());
}

#[test]
fn an_address_that_others_can_reach_is_refused() {
    for address in ["0.0.0.0:0", "[::1]:0"] {
        let output = Command::new(env!("CARGO_BIN_EXE_countersign"))
            .args(["demo", "--listen", address])
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(2));
        assert!(String::from_utf8_lossy(&output.stderr).contains("127.0.0.1"), "{address}");
    }
}

#[tokio::test]
async fn each_channel_is_shown_as_its_customer_would_see_it() {
    let demo = Demo::start(&[]);
    let mut browser = Browser::new();
    let mut desk = browser.get(&demo.url).await;
    let (text, button) = ("<a class=\"link\" href=\"", "<a class=\"link button\" href=\"");
    let bubble = "<a class=\"link sheet\" href=\"";
    for (channel, app, shown, carrier) in [
        ("sms", "newest", text, "sms"),
        ("whatsapp", "newest", button, "cta_url"),
        ("whatsapp", "older", button, "template"),
        ("messenger", "newest", ">Log In</a>", "account_link"),
        ("messenger", "links", button, "url_button"),
        ("instagram", "newest", button, "url_button"),
        ("apple", "newest", bubble, "authenticate_v2"),
        ("apple", "older", bubble, "authenticate_v1"),
        ("apple", "links", "<a class=\"link preview\" href=\"", "rich_link"),
        ("rcs", "newest", button, "open_url"),
        ("rcs", "older", text, "sms"),
        ("email", "newest", "<p class=\"subject\">", "email"),
        ("webchat", "newest", "<countersign-sign-in card=\"", "card"),
        ("line", "newest", text, "text"),
    ] {
        desk = press(&mut browser, &desk, "/demo/restart", &[]).await;
        desk = press(&mut browser, &desk, "/demo/send", &[("channel", channel), ("app", app)]).await;
        assert!(
            desk.html.contains(&format!("<div class=\"thread\" data-channel=\"{channel}\">")),
            "{channel}"
        );
        assert!(desk.html.contains(shown), "{channel} {app}: {}", desk.html);
        assert!(desk.html.contains(&format!("<code>{carrier}</code>")), "{channel} {app}");
        assert!(desk.html.contains(&format!("<option value=\"{app}\" selected>")), "it is remembered");
    }
}

/// The customer presses what is in the chat, and signs in or declines: the page that the app then shows.
async fn press_and_decide(desk: &Page, decision: &str) -> Page {
    let mut phone = Browser::new();
    let mut came = phone.get(&link_in(desk).parse().unwrap()).await;
    if came.status == StatusCode::OK {
        // Messenger's button opens our landing page first.
        let form = came.form();
        came = phone.submit(&came, &form, &[]).await;
    }
    let callback = phone.sign_in_at_provider(&came.location(), decision).await;
    phone.get(&callback).await
}

#[rstest]
#[case::apple("apple", "newest", "The sheet is closed")]
#[case::an_older_iphone("apple", "older", "The phone has caught the code")]
#[case::messenger("messenger", "newest", "Back in Messenger")]
#[tokio::test]
async fn what_a_channel_vouches_for_is_played_to_its_end_and_needs_no_code(
    #[case] channel: &str,
    #[case] app: &str,
    #[case] heading: &str,
) {
    let demo = Demo::start(&[]);
    let mut browser = Browser::new();
    let desk = browser.get(&demo.url).await;
    let desk = press(&mut browser, &desk, "/demo/send", &[("channel", channel), ("app", app)]).await;
    let end = press_and_decide(&desk, "allow").await;
    assert_eq!(end.status, StatusCode::OK, "{}", end.html);
    assert!(end.html.contains(heading) && !end.html.contains("role=\"alert\""), "{}", end.html);
    let desk = browser.get(&demo.url).await;
    for told in ["data-status=\"completed\"", "Binding: native", "Thank you, Billy!"] {
        assert!(desk.html.contains(told), "`{told}` is missing in {}", desk.html);
    }
}

#[tokio::test]
async fn who_declines_in_the_sheet_is_told_to_the_agent_and_a_second_tap_begins_nothing() {
    let demo = Demo::start(&[]);
    let mut browser = Browser::new();
    let desk = browser.get(&demo.url).await;
    let desk = press(&mut browser, &desk, "/demo/send", &[("channel", "apple")]).await;
    let bubble = link_in(&desk);
    assert!(press_and_decide(&desk, "deny").await.html.contains("The sheet is closed"));
    let desk = browser.get(&demo.url).await;
    assert!(desk.html.contains("data-status=\"denied\"") && desk.html.contains("Unknown person"));
    let again = Browser::new().get(&bubble.parse().unwrap()).await;
    assert!(again.html.contains("The sheet is closed") && !again.html.contains("role=\"alert\""));
    assert!(browser.get(&demo.url).await.html.contains("data-status=\"denied\""));
}

#[tokio::test]
async fn the_web_chat_of_the_demo_needs_no_code() {
    let demo = Demo::start(&[]);
    let mut browser = Browser::new();
    let desk = browser.get(&demo.url).await;
    let desk = press(&mut browser, &desk, "/demo/send", &[("channel", "webchat")]).await;
    let card = desk.html.split("<countersign-sign-in card=\"").nth(1).unwrap().split('"').next().unwrap();
    let card: serde_json::Value = serde_json::from_str(&super::harness::page::text(card)).unwrap();
    let token = card["embed"]["token"].as_str().unwrap().to_owned();
    let form = Form {
        action: "/embed/open".to_owned(),
        fields: vec![("token".to_owned(), token)],
        ..Form::default()
    };
    let came = browser.submit(&desk, &form, &[]).await;
    assert_eq!(browser.sign_in(came.location().as_str()).await.code(), None);
    let desk = browser.get(&demo.url).await;
    assert!(
        desk.html.contains("Binding: browser") && desk.html.contains("Thank you, Billy!"),
        "{}",
        desk.html
    );
}
