//! The pages on which a tenant's admin sets its providers up: `/admin/providers…`, over HTTP and in a real
//! browser.
//!
//! To add a page: 1. its path in [`access`], 2. a test of what it shows, of each fault, and of two who change it at
//! once, in the file of its subject.

mod access;
mod add;
mod clients;
mod edit;
mod for_staff;
mod journey;
mod looks;
mod playground;
mod publish;
mod secrets;
mod tries;
mod websites;

use countersign::cli::demo::provider::DemoProvider;
use countersign::domain::staff::{Role, SignedInBy};
use countersign::flow::staff::session::Browser as Letting;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use url::Url;

use crate::harness::browser::{Browser, Page};
use crate::harness::page::{Form, text};
use crate::harness::staff::{ADMIN, AGENT, csrf};
use crate::harness::{BOT_SECRET, Choices, Harness, bot_secret_hash};

/// The host of the tenant `shop`, which stands in the store: an address of this machine, so that a browser finds it.
const HOST: &str = "127.0.0.2";

/// A broker with the store's tenant `shop`, and a browser of one of its staff.
struct Shop {
    broker: Harness,
    origin: String,
    staff: Browser,
    csrf: String,
}

impl Shop {
    /// The tenant has no provider yet; its admin is signed in.
    async fn start() -> Self {
        Self::with(Choices::default()).await
    }

    async fn with(choices: Choices) -> Self {
        let hash = bot_secret_hash();
        let main =
            format!("[[client]]\nclient_id = \"ops\"\nsecret_hash = \"{hash}\"\nscopes = [\"admin:all\"]\n");
        let choices = Choices { main: Some(main), ..choices };
        let broker = Harness::on(TcpListener::bind("0.0.0.0:0").await.unwrap(), choices).await;
        let token = token(&broker, "localhost", "ops").await;
        let tenant = json!({
            "name": "The Shop",
            "hosts": [HOST],
            "binding": {"minimum": "none"},
            "clients": [{"clientId": "admin", "secretHash": hash, "scopes": ["admin:all"]}],
            "staff": [{"email": ADMIN, "role": "admin"}, {"email": AGENT, "role": "agent"}],
        });
        let made = broker.plain(Method::PUT, "/v1/tenants/shop").header("host", "localhost");
        let made = made.header("if-none-match", "*").bearer_auth(token).json(&tenant).send().await.unwrap();
        assert_eq!(made.status(), StatusCode::CREATED, "{}", made.text().await.unwrap());
        let origin = broker.origin.replace("127.0.0.1", HOST);
        let mut shop = Self { broker, origin, staff: Browser::new(), csrf: String::new() };
        shop.come_as(Role::Admin).await;
        shop
    }

    /// The tenant has the provider `acme`, live: the demo's.
    async fn live() -> Self {
        let shop = Self::drafted().await;
        shop.api(Method::POST, "/v1/providers/acme/publish", Some(json!({"untested": true}))).await;
        shop
    }

    /// The tenant has a draft of the provider `acme`: the demo's.
    async fn drafted() -> Self {
        let shop = Self::start().await;
        shop.put_draft(&shop.settings()).await;
        shop
    }

    /// Settings of the demo's provider.
    fn settings(&self) -> Value {
        let origin = self.broker.provider.origin();
        json!({
            "label": "The Shop's account",
            "clientId": DemoProvider::CLIENT_ID,
            "clientSecret": DemoProvider::CLIENT_SECRET,
            "authorizeUrl": format!("{origin}/auth"),
            "tokenUrl": format!("{origin}/auth/token"),
            "whoamiUrl": format!("{origin}/whoami"),
            "mapping": {"userName": "user.id", "fullName": "user.name", "email": "user.email"},
            "subject": "user.id",
        })
    }

    /// Writes a draft of `acme` as somebody else does, over the API.
    async fn put_draft(&self, settings: &Value) {
        let token = token(&self.broker, HOST, "admin").await;
        let there = self.broker.plain(Method::GET, "/v1/providers/acme").header("host", HOST);
        let there = there.bearer_auth(&token).send().await.unwrap();
        let request = self.broker.plain(Method::PUT, "/v1/providers/acme").header("host", HOST);
        let request = match there.headers().get("etag") {
            Some(etag) => request.header("if-match", etag),
            None => request.header("if-none-match", "*"),
        };
        let answer = request.bearer_auth(token).json(settings).send().await.unwrap();
        assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
    }

    /// A call of the API that must work.
    async fn api(&self, method: Method, path: &str, body: Option<Value>) -> Value {
        let (status, answer) = self.try_api(method, path, body).await;
        assert!(status.is_success(), "{path}: {status} {answer}");
        answer
    }

    async fn try_api(&self, method: Method, path: &str, body: Option<Value>) -> (StatusCode, Value) {
        let token = token(&self.broker, HOST, "admin").await;
        let request = self.broker.plain(method, path).header("host", HOST).bearer_auth(token);
        let request = match body {
            Some(body) => request.json(&body),
            None => request,
        };
        let answer = request.send().await.unwrap();
        let status = answer.status();
        (status, answer.json().await.unwrap_or(Value::Null))
    }

    /// The provider as the API has it.
    async fn provider(&self) -> Value {
        self.api(Method::GET, "/v1/providers/acme", None).await
    }

    /// Another member of staff takes the place at the browser.
    async fn come_as(&mut self, role: Role) {
        let (name, value) = self.cookie(role).await;
        self.staff = Browser::new();
        self.staff.hold(&self.origin, &name, &value);
        self.csrf = csrf(&self.get("/account").await);
    }

    /// Name and value of the cookie of a browser that was let in.
    async fn cookie(&self, role: Role) -> (String, String) {
        let broker = self.broker.broker();
        let tenant = broker.tenant_at(HOST).expect("the tenant is served at this address");
        let member = tenant.staff.iter().find(|member| member.role == role).expect("the tenant has staff");
        let letting = Letting { device: "Test".to_owned(), locale: "en".to_owned(), zone: "UTC".to_owned() };
        let begun = broker.begin_session(&tenant, member, SignedInBy::Invite, &letting).await.unwrap();
        ("cs-staff".to_owned(), begun.cookie.expose().to_owned())
    }

    /// Loads a page of ours.
    async fn get(&mut self, path: &str) -> Page {
        let url: Url = format!("{}{path}", self.origin).parse().unwrap();
        self.staff.get(&url).await
    }

    /// The text of a page of `acme` that must be there.
    async fn page(&mut self, path: &str) -> String {
        let page = self.get(&format!("/admin/providers/acme{path}")).await;
        assert_eq!(page.status, StatusCode::OK, "{path}: {}", page.html);
        page.html
    }

    /// Sends a form of a page of `acme`, as it was served but for some fields.
    async fn send(&mut self, from: &str, action: &str, more: &[(&str, &str)]) -> Page {
        let html = self.page(from).await;
        self.send_on(&html, action, more).await
    }

    /// Sends a form of a page that was loaded before.
    async fn send_on(&mut self, html: &str, action: &str, more: &[(&str, &str)]) -> Page {
        let path = format!("/admin/providers/acme{action}");
        let mut fields = fields(html, &path);
        for (name, value) in more {
            fields.retain(|(known, _)| known != name);
            fields.push(((*name).to_owned(), (*value).to_owned()));
        }
        self.post(&path, fields).await
    }

    /// Sends fields to a path of ours, with the token.
    async fn post(&mut self, path: &str, mut fields: Vec<(String, String)>) -> Page {
        let url: Url = format!("{}{path}", self.origin).parse().unwrap();
        if !fields.iter().any(|(name, _)| name == "csrf") {
            fields.push(("csrf".to_owned(), self.csrf.clone()));
        }
        let form = Form { action: url.to_string(), fields, buttons: Vec::new() };
        self.staff.submit(&Page::blank(&url), &form, &[]).await
    }

    /// Sends a few fields.
    async fn post_few(&mut self, path: &str, fields: &[(&str, &str)]) -> Page {
        let fields = fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        self.post(path, fields.collect()).await
    }

    /// Follows a redirect to a page of ours.
    async fn follow(&mut self, page: &Page) -> String {
        assert_eq!(page.status, StatusCode::SEE_OTHER, "{}", page.html);
        let page = self.staff.get(&page.location()).await;
        assert_eq!(page.status, StatusCode::OK, "{}", page.html);
        page.html
    }

    /// Begins a test login and signs in at the demo's provider; the path of its report.
    async fn test_login(&mut self) -> String {
        let begun = self.send("/test", "/test", &[]).await;
        let report = begun.location().path().to_owned();
        let html = self.follow(&begun).await;
        let door = attribute(&html, "href=\"/t/").unwrap_or_else(|| panic!("no way in: {html}"));
        let page = self.get(&format!("/t/{door}")).await;
        let opened = self.staff.submit(&page, &page.form(), &[]).await;
        let back = self.staff.sign_in_at_provider(&opened.location(), "allow").await;
        self.staff.arrive(&back).await;
        report
    }

    /// The actions of the tenant's audit, oldest first.
    async fn audit(&self) -> Vec<(String, String)> {
        let page = self.api(Method::GET, "/v1/audit?limit=200", None).await;
        let word = |entry: &Value, name: &str| entry[name].as_str().unwrap_or_default().to_owned();
        let items = page["items"].as_array().unwrap().iter().rev();
        items.map(|entry| (word(entry, "action"), word(entry, "actor"))).collect()
    }
}

/// An access token of a client at a host.
async fn token(broker: &Harness, host: &str, client: &str) -> String {
    let form = [("grant_type", "client_credentials"), ("client_id", client), ("client_secret", BOT_SECRET)];
    let request = broker.plain(Method::POST, "/v1/oauth/token").header("host", host).form(&form);
    let answer: Value = request.send().await.unwrap().json().await.unwrap();
    answer["access_token"].as_str().unwrap().to_owned()
}

/// The fields of the form that is sent to a path, as a browser without scripts sends them.
fn fields(html: &str, action: &str) -> Vec<(String, String)> {
    let mark = format!("action=\"{action}\"");
    let form =
        html.split("<form").skip(1).find(|form| form.split('>').next().unwrap_or_default().contains(&mark));
    let form = form.unwrap_or_else(|| panic!("no form for {action}: {html}"));
    let form = form.split("</form>").next().unwrap();
    let mut fields = Vec::new();
    for tag in form.split('<').skip(1) {
        let (head, rest) = tag.split_once('>').unwrap_or((tag, ""));
        let value = |name: &str| {
            let start = head.find(&format!(" {name}=\""))? + name.len() + 3;
            head[start..].split('"').next().map(text)
        };
        let Some(name) = value("name") else { continue };
        let has = |word: &str| head.split_whitespace().any(|known| known == word);
        if head.starts_with("textarea") {
            let typed = rest.strip_prefix('\n').unwrap_or(rest);
            fields.push((name, text(typed)));
        } else if head.starts_with("select") {
            let options = form[form.find(head).unwrap()..].split("</select>").next().unwrap();
            let chosen = options.split("<option").skip(1).find(|option| option.contains(" selected"));
            let value = chosen.and_then(|option| option.split("value=\"").nth(1)?.split('"').next());
            fields.push((name, text(value.unwrap_or_default())));
        } else if head.starts_with("input") {
            let is_box = head.contains("type=\"checkbox\"");
            if !is_box || has("checked") {
                fields.push((name, value("value").unwrap_or_default()));
            }
        }
    }
    fields
}

/// What follows the first place of a text, up to the next quote.
fn attribute(html: &str, start: &str) -> Option<String> {
    let rest = &html[html.find(start)? + start.len()..];
    rest.split('"').next().map(str::to_owned)
}

/// The text of a page without its tags, with one space between words.
fn words(html: &str) -> String {
    text(&html.replace('<', " <")).split_whitespace().collect::<Vec<_>>().join(" ")
}
