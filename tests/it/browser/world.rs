//! A browser, a broker and a provider that know each other.

use countersign::cli::demo::provider::DemoProvider;
use countersign::domain::request::Route;
use tokio::net::TcpListener;

use super::provider::{Kind, Provider};
use super::{Chromium, Scripts};
use crate::harness::{Choices, Harness};

/// The seed's mapping to the letter, stray backslashes and odd quote included.
const PRINTED_MAPPING: &str =
    r#"mapping = '''{"userName\": user.id, \"fullName\": user.name, \"email\": user.email}"'''"#;

/// *Continue* on the landing page, and on no other.
pub const CONTINUE: &str = "form:not([action$='/decline']) button.primary";
/// *Yes, this wasn't me* on the page that asks once more.
pub const CONFIRM: &str = "input[name=confirm] + button";
/// A page of ours that asks for nothing more.
pub const END: &str = ".sheet main:not(:has(form)) h1";

/// What a test may choose.
pub struct Setup {
    /// The server.
    pub kind: Kind,
    /// `[binding] minimum` of the tenant.
    pub minimum: &'static str,
    /// More lines for the tenant's `[[provider]]`.
    pub more: &'static str,
    /// More lines at the end of the tenant's file.
    pub tenant: String,
    /// The name by which the browser reaches the provider: `127.0.0.1`, or `localhost`, which is
    /// another site than the broker's.
    pub provider_host: &'static str,
    /// Whether pages may run scripts.
    pub scripts: Scripts,
}

impl Setup {
    /// The certified server, and a tenant that demands the code.
    pub fn oidc() -> Self {
        Self { kind: Kind::Oidc, ..Self::oauth2("code") }
    }

    /// The plain server, with the seed's mapping.
    pub fn oauth2(minimum: &'static str) -> Self {
        let (more, provider_host) = ("", "127.0.0.1");
        let tenant = String::new();
        Self { kind: Kind::OAuth2, minimum, more, tenant, provider_host, scripts: Scripts::On }
    }
}

/// Everything that takes part.
pub struct World {
    /// The browser, the first to end.
    pub browser: Chromium,
    /// The broker.
    pub broker: Harness,
    /// The provider.
    pub provider: Provider,
    kind: Kind,
    scripts: Scripts,
}

impl World {
    /// Starts everything.
    pub async fn start(setup: Setup) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let routes = [Route::EndUser, Route::Abc, Route::AbcAuth2];
        let redirect_uris: Vec<_> = routes.iter().map(|route| format!("{origin}{}", route.path())).collect();
        let provider = Provider::start(setup.kind, &redirect_uris);
        let choices = Choices {
            minimum: setup.minimum,
            provider_block: Some(block(&setup, &provider.origin)),
            allow: ["127.0.0.1", setup.provider_host]
                .map(|host| format!("{host}:{}", provider.port()))
                .into(),
            tenant: setup.tenant.clone(),
            ..Choices::default()
        };
        let broker = Harness::on(listener, choices).await;
        assert_eq!(broker.origin, origin);
        let browser = Chromium::start(setup.scripts).await;
        Self { browser, broker, provider, kind: setup.kind, scripts: setup.scripts }
    }

    /// Opens a link and presses *Continue*, up to the provider's login page.
    pub async fn open(&self, link: &serde_json::Value) {
        self.browser.open(link["url"].as_str().unwrap()).await;
        self.browser.press(CONTINUE).await;
    }

    /// Signs in at the provider and allows access.
    pub async fn sign_in(&self) {
        match self.kind {
            Kind::Oidc => {
                self.browser.fill("input[name=login]", "billy").await;
                self.browser.fill("input[name=password]", "billy-secret").await;
                self.browser.press("form button[type=submit]").await;
                self.browser.see("input[name=prompt][value=consent]").await;
                self.browser.press("form button[type=submit]").await;
            }
            Kind::OAuth2 => {
                self.reach_consent().await;
                self.browser.press("#allow").await;
            }
        }
    }

    /// Signs in at the plain provider, up to its consent page.
    pub async fn reach_consent(&self) {
        self.browser.fill("input[name=username]", "billy").await;
        self.browser.fill("input[name=password]", "billy-secret").await;
        self.browser.press("#sign-in").await;
        self.browser.see("#allow").await;
    }

    /// Presses the button of a form that cannot send itself.
    pub async fn send_form_by_hand(&self) {
        if self.scripts == Scripts::Off {
            self.browser.press("#back").await;
        }
    }

    /// How many codes the provider was asked to exchange.
    pub fn exchanges(&self) -> usize {
        self.provider.asked(match self.kind {
            Kind::Oidc => "POST /token",
            Kind::OAuth2 => "POST /auth/token",
        })
    }
}

fn block(setup: &Setup, origin: &str) -> String {
    let (token, whoami, own) = match setup.kind {
        Kind::Oidc => {
            ("/token", "/me", "scope = \"openid profile email\"\nclient_auth = \"client_secret_basic\"")
        }
        Kind::OAuth2 => ("/auth/token", "/whoami", PRINTED_MAPPING),
    };
    format!(
        r#"
[[provider]]
id = "acme"
label = "Acme online banking"
client_id = "{id}"
client_secret = {{ env = "ACME_SECRET" }}
authorize_url = "{front}/auth"
token_url = "{origin}{token}"
whoami_url = "{origin}{whoami}"
{own}
{more}
"#,
        id = DemoProvider::CLIENT_ID,
        front = origin.replace("127.0.0.1", setup.provider_host),
        more = setup.more,
    )
}
