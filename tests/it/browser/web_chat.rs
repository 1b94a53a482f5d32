//! The web chat element in a real browser, on a page of another site, and preview robots that run scripts.

use axum::Router;
use axum::extract::{Path, State};
use axum::response::{Html, IntoResponse as _, Response};
use axum::routing::get;
use countersign::web::page::clean;
use serde_json::{Value, json};
use thirtyfour::prelude::*;
use tokio::net::TcpListener;
use tokio::sync::watch;

use super::{CONTINUE, Chromium, Scripts, Setup, World};
use crate::channel::facebook::Facebook;
use crate::channel::messages_app::Registered;
use crate::channel::world::{BILLY, META_SECRET, apple};

/// What the chat's page has heard, as JSON.
const HEARD: &str = "return JSON.stringify(window.heard || [])";

/// A shop whose page holds a chat. It shows the card that it was given last.
struct Shop {
    /// `http://localhost:<port>`: another site than the broker's.
    origin: String,
    /// The same pages under an address that stands in no settings.
    foreign: String,
    card: watch::Sender<Value>,
}

impl Shop {
    async fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (card, shown) = watch::channel(Value::Null);
        let router = Router::new().route("/{policy}", get(page)).with_state(shown);
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        let (origin, foreign) = (format!("http://localhost:{port}"), format!("http://127.0.0.1:{port}"));
        Self { origin, foreign, card }
    }

    /// The tenant's settings that name the shop's page.
    fn settings(&self) -> String {
        format!("[webchat]\norigins = [\"{}\"]", self.origin)
    }

    /// The platform hands a card to the page.
    fn show(&self, link: &Value) {
        self.card.send_replace(link["message"]["payload"].clone());
    }
}

/// The shop's page. Its path is its referrer policy.
async fn page(State(card): State<watch::Receiver<Value>>, Path(policy): Path<String>) -> Response {
    let card = card.borrow().clone();
    let script = card["embed"]["script"].as_str().unwrap_or_default().to_owned();
    let card = card.to_string().replace('&', "&amp;").replace('\'', "&#39;");
    let html = format!(
        "<!doctype html><html lang=\"en\"><head><title>Shop</title><link rel=\"icon\" href=\"data:,\">\
         <meta name=\"viewport\" content=\"width=device-width\"><meta name=\"color-scheme\" content=\"light dark\">\
         <script src=\"{script}\" async></script>\
         <script>addEventListener('countersign', (event) => (window.heard ||= []).push(event.detail))</script></head>\
         <body><main><h1>Shop</h1><div role=\"log\" aria-label=\"Chat\">\
         <countersign-sign-in card='{card}'></countersign-sign-in></div></main></body></html>"
    );
    ([("referrer-policy", clean(&policy))], Html(html)).into_response()
}

async fn world(shop: &Shop) -> World {
    World::start(Setup { tenant: shop.settings(), ..Setup::oauth2("browser") }).await
}

/// A card in a web chat.
async fn card(world: &World, conversation: &str, locale: &str) -> Value {
    let at = json!({"id": conversation, "channel": "webchat", "handle": "visitor-1"});
    world.broker.post("/v1/auth-links", json!({"conversation": at, "locale": locale})).await
}

/// Something inside of the element, once it is there.
async fn inside(browser: &Chromium, css: &str) -> WebElement {
    let host = browser.see("countersign-sign-in").await;
    for _ in 0..600 {
        if let Ok(root) = host.get_shadow_root().await
            && let Ok(found) = root.find(By::Css(css)).await
        {
            return found;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    panic!("no `{css}` in the element: {:?}", browser.console().await)
}

/// Waits until the page has heard this status, and answers what it heard with it.
async fn heard(browser: &Chromium, status: &str) -> Value {
    let mut last = Value::Null;
    for _ in 0..600 {
        let told = browser.driver().execute(HEARD, vec![]).await.unwrap();
        last = serde_json::from_str(told.json().as_str().unwrap()).unwrap();
        if let Some(found) = last.as_array().unwrap().iter().find(|told| told["status"] == status) {
            return found.clone();
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    panic!("the page never hears `{status}`, but {last}: {:?}", browser.console().await)
}

/// Goes on in the window that is not `first`, once it is there.
async fn follow(browser: &Chromium, first: &WindowHandle) {
    for _ in 0..600 {
        let windows = browser.driver().windows().await.unwrap();
        if let Some(other) = windows.into_iter().find(|window| window != first) {
            browser.driver().switch_to_window(other).await.unwrap();
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    panic!("no window was opened: {:?}", browser.console().await);
}

/// Presses the card's button and signs in in the window that opens, up to the result page.
async fn sign_in(world: &World, chat: &WindowHandle) {
    inside(&world.browser, "button").await.send_keys(Key::Enter).await.unwrap();
    follow(&world.browser, chat).await;
    world.browser.press(CONTINUE).await;
    world.sign_in().await;
}

#[tokio::test]
async fn a_sign_in_from_the_page_of_the_chat_proves_the_browser_and_nothing_else_does() {
    let shop = Shop::open().await;
    let world = world(&shop).await;
    let browser = &world.browser;
    let link = card(&world, "conv-1", "en").await;
    shop.show(&link);
    browser.open(&format!("{}/strict-origin-when-cross-origin", shop.origin)).await;
    let chat = browser.driver().window().await.unwrap();
    sign_in(&world, &chat).await;
    browser.see(".mood.good").await;
    browser.driver().close_window().await.unwrap();
    browser.driver().switch_to_window(chat.clone()).await.unwrap();
    let told = heard(browser, "completed").await;
    assert_eq!(
        told,
        json!({"authLinkId": link["id"], "status": "completed", "final": true, "binding": "browser"})
    );
    assert_eq!(inside(browser, "[role=status]").await.text().await.unwrap(), "You are signed in.");
    let done = world.broker.status(&link).await;
    assert_eq!(done["binding"], json!({"minimum": "browser", "reached": "browser"}));
    let token = link["message"]["payload"]["embed"]["token"].as_str().unwrap();
    let requests = browser.requests().await;
    assert!(requests.iter().all(|url| !url.as_str().contains(token)), "no URL holds the token");

    // The same card on a page that is not the tenant's, in the same browser: it hears nothing and proves nothing.
    let link = card(&world, "conv-2", "en").await;
    shop.show(&link);
    browser.open(&format!("{}/strict-origin-when-cross-origin", shop.foreign)).await;
    sign_in(&world, &chat).await;
    let code = browser.code().await;
    assert!(code.starts_with("CS-"), "{code}");
    browser.driver().close_window().await.unwrap();
    browser.driver().switch_to_window(chat.clone()).await.unwrap();
    let heard_there = browser.driver().execute(HEARD, vec![]).await.unwrap();
    assert_eq!(heard_there.json(), "[]", "another page is told nothing");
    assert_eq!(world.broker.status(&link).await["status"], "provisional");

    // A page that keeps its origin back goes on by the code, and the chat hears that one is needed.
    let link = card(&world, "conv-3", "en").await;
    shop.show(&link);
    browser.open(&format!("{}/no-referrer", shop.origin)).await;
    sign_in(&world, &chat).await;
    browser.code().await;
    browser.driver().close_window().await.unwrap();
    browser.driver().switch_to_window(chat).await.unwrap();
    heard(browser, "provisional").await;
}

#[tokio::test]
async fn the_card_can_be_read_by_everybody_and_goes_on_where_windows_are_kept_shut() {
    let shop = Shop::open().await;
    let world = world(&shop).await;
    let browser = &world.browser;
    for (conversation, locale, button) in [("conv-1", "ar", "تسجيل الدخول"), ("conv-2", "en", "Sign in")]
    {
        let link = card(&world, conversation, locale).await;
        shop.show(&link);
        browser.open(&format!("{}/origin", shop.origin)).await;
        let said = inside(browser, "button").await.text().await.unwrap();
        assert!(said.starts_with(button), "{said}");
        let direction = inside(browser, ".card").await.prop("dir").await.unwrap();
        assert_eq!(direction.as_deref(), Some(if locale == "ar" { "rtl" } else { "ltr" }));
        for (width, scheme) in [(1280, "light"), (320, "dark")] {
            let size = json!({"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": false});
            browser.command("Emulation.setDeviceMetricsOverride", size).await;
            let media = json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]});
            browser.command("Emulation.setEmulatedMedia", media).await;
            assert_eq!(browser.axe().await, Vec::<String>::new(), "{locale}, {scheme}");
            let over = "return document.documentElement.scrollWidth - document.documentElement.clientWidth";
            assert_eq!(browser.driver().execute(over, vec![]).await.unwrap().json().as_f64(), Some(0.0));
            picture(browser, &format!("{locale}-{scheme}")).await;
        }
    }
    // The browser keeps the window shut: the plain link is there, and a live region says so.
    browser.driver().execute("window.open = () => null", vec![]).await.unwrap();
    inside(browser, "button").await.click().await.unwrap();
    let link = inside(browser, "[role=status] a").await;
    assert_eq!(link.text().await.unwrap(), "Open the sign-in page");
    assert_eq!(browser.axe().await, Vec::<String>::new(), "with the link");
    assert_eq!(link.attr("rel").await.unwrap().as_deref(), Some("noopener noreferrer"));
    // What stands in a chat may be forged: a card that leads elsewhere is not shown.
    let forge =
        "const card = document.querySelector('countersign-sign-in'); const forged = JSON.parse(card.card);
        forged.button.url = 'https://evil.example/a/x'; forged.title = '<img src=x onerror=window.hit=1>';
        card.card = forged; return card.shadowRoot.childNodes.length + (window.hit || 0)";
    assert_eq!(browser.driver().execute(forge, vec![]).await.unwrap().json(), &json!(0));
    let hostile = "const card = document.querySelector('countersign-sign-in'); const hostile = JSON.parse(card.card);
        hostile.button.url = card.dataset.link; hostile.text = '<img src=x onerror=window.hit=1>'; card.card = hostile;
        return card.shadowRoot.querySelectorAll('img').length + (window.hit || 0)";
    let known = format!(
        "document.querySelector('countersign-sign-in').dataset.link = {:?}",
        format!("{}/a/x", world.broker.origin)
    );
    browser.driver().execute(&known, vec![]).await.unwrap();
    assert_eq!(browser.driver().execute(hostile, vec![]).await.unwrap().json(), &json!(0), "text stays text");
    assert!(inside(browser, ".title").await.text().await.unwrap().contains("<img"));
}

/// Keeps a picture, to be looked at by people.
async fn picture(browser: &Chromium, look: &str) {
    let Some(folder) = std::env::var_os("COUNTERSIGN_SCREENSHOTS").map(std::path::PathBuf::from) else {
        return;
    };
    std::fs::create_dir_all(&folder).unwrap();
    let taken = browser.driver().screenshot_as_png().await.unwrap();
    std::fs::write(folder.join(format!("web-chat.{look}.png")), taken).unwrap();
}

/// Accounts at Apple and Facebook.
fn accounts() -> String {
    let messenger =
        "page_id = \"PAGE\"\napp_secret = { env = \"META_SECRET\" }\npage_token = { env = \"PAGE_TOKEN\" }";
    format!("{}[channel.messenger]\n{messenger}\n", apple(""))
}

/// A robot that runs scripts, stays on the page, and comes back while the customer is at the provider: on the page of a
/// link, on the one that Messenger's button opens, and, if it says that it is one, on Apple's.
#[tokio::test]
async fn a_robot_that_runs_scripts_spends_nothing_before_a_login_or_during_it() {
    let world = World::start(Setup { tenant: accounts(), ..Setup::oauth2("none") }).await;
    let link = world.broker.link("conv-1").await;
    let [messenger, apple] = [("messenger", "BILLY"), ("apple", BILLY.customer)].map(|(channel, handle)| {
        let at = json!({"id": channel, "channel": channel, "handle": handle});
        json!({"conversation": at, "capabilities": ["auth", "account_link"]})
    });
    let messenger = world.broker.post("/v1/auth-links", messenger).await;
    let apple = world.broker.post("/v1/auth-links", apple).await;
    let pressed = Facebook::new(META_SECRET, "PAGE").press("BILLY", &messenger["message"]["payload"]);
    let authorize = format!("{}/web/inbound/abc/oauth/authorize", world.broker.origin).parse().unwrap();
    let registered = Registered { authorize, client_id: "countersign" };
    let sheet = BILLY.press(&apple["message"]["payload"], &registered);
    let sheet = sheet.unwrap_or_else(|fault| panic!("{fault}")).url;
    let urls = [link["url"].as_str().unwrap(), pressed.as_str(), sheet.as_str()];
    let robot = Chromium::start(Scripts::On).await;
    let agents = [
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_11_1) AppleWebKit/601.2.4 (KHTML, like Gecko) Version/9.0.1 \
         Safari/601.2.4 facebookexternalhit/1.1 Facebot Twitterbot/1.0",
        "Mozilla/5.0 (compatible; BingPreview/1.0b)",
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36",
    ];
    let looks = async |when: &str| {
        // A sheet cannot be told from a robot with the face of a browser (docs/channels.md).
        let pages = agents.iter().flat_map(|agent| urls.map(|url| (*agent, url)));
        for (agent, url) in pages.filter(|(agent, url)| *agent != agents[2] || *url != urls[2]) {
            robot.command("Network.setUserAgentOverride", json!({"userAgent": agent})).await;
            robot.open(url).await;
            robot.see(CONTINUE).await;
            let asked = robot.requests().await;
            let elsewhere: Vec<_> =
                asked.iter().filter(|asked| !asked.as_str().starts_with(&world.broker.origin)).collect();
            assert!(elsewhere.is_empty(), "{when}: {elsewhere:?}");
        }
    };
    looks("before").await;
    for link in [&link, &messenger, &apple] {
        assert_eq!(world.broker.status(link).await["status"], "created");
    }
    world.open(&link).await;
    world.browser.see("#sign-in").await;
    looks("during").await;
    world.sign_in().await;
    world.browser.see(".mood.good").await;
    assert_eq!(world.broker.status(&link).await["status"], "completed");
    assert_eq!(world.exchanges(), 1);
}
