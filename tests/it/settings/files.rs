//! Tenants' files, good and bad, and what is said about them.

use std::path::PathBuf;

use countersign::cli::render_all;
use countersign::config::{Fault, Look};
use countersign::domain::accounts::AppleFlow;
use countersign::domain::binding::Binding;
use countersign::domain::conversation::Channel;
use countersign::domain::event::EventType;
use countersign::domain::provider::call::{WhoamiAuth, WhoamiMethod};
use countersign::domain::provider::oidc::{Announced, LoginHint, Oidc};
use countersign::domain::provider::{
    CallbackPath, ClientAuth, Enrich, Identity, Mapping, Pkce, ResponseMode, TokenRequestForm, TrustedField,
};
use countersign::domain::tenant::Tenant;
use countersign::tenants::{ReadContext, file, read_files};
use proptest::prelude::*;
use serde_json::json;

use super::{Surroundings, compare_beside, fixtures};
use crate::harness::receiver::NEXT_SECRET;

fn read(path: &str) -> Tenant {
    let loaded = read_files(&[PathBuf::from(path)], &Surroundings::new().context());
    loaded.unwrap_or_else(|faults| panic!("{}", faults.render(Look::Plain))).value.remove(0)
}

fn draft(text: &str) -> file::Draft {
    draft_with(text, &Surroundings::new().context())
}

fn draft_with(text: &str, context: &ReadContext<'_>) -> file::Draft {
    file::read(&"acme".parse().unwrap(), "acme.toml", text.to_owned(), context)
}

fn minimal(more: &str) -> String {
    let minimal = std::fs::read_to_string("fixtures/settings/good/minimal.toml").unwrap();
    format!("{minimal}{more}")
}

#[test]
fn a_good_file_is_read_and_its_warnings_are_as_written_beside_it() {
    for path in fixtures("good") {
        let loaded = read_files(std::slice::from_ref(&path), &Surroundings::new().context())
            .unwrap_or_else(|faults| panic!("{}", faults.render(Look::Plain)));
        assert_eq!(loaded.value.len(), 1);
        compare_beside(&path, &render_all(&loaded.warnings, Look::Plain));
    }
}

#[test]
fn a_bad_file_is_refused_with_the_report_beside_it() {
    for path in fixtures("bad") {
        let faults = read_files(std::slice::from_ref(&path), &Surroundings::new().context())
            .map(|_| panic!("{} was accepted", path.display()))
            .unwrap_err();
        let report = [render_all(faults.warnings(), Look::Plain), faults.render(Look::Plain)].concat();
        assert!(!report.contains("canary"), "no secret is shown: {report}");
        let debug = format!("{faults:?} {faults}");
        assert!(!debug.contains("canary"), "no secret is logged: {debug}");
        compare_beside(&path, &report);
    }
}

#[test]
fn every_fault_says_where_it_stands_and_how_to_mend_it() {
    for path in fixtures("bad") {
        let faults = read_files(std::slice::from_ref(&path), &Surroundings::new().context()).unwrap_err();
        for fault in faults.iter() {
            assert!(fault.line_and_column().is_some(), "{fault}");
            assert!(fault.help().is_some_and(|help| !help.is_empty()), "{fault}");
            let first = fault.message().chars().next().unwrap();
            assert!(!first.is_uppercase() && !fault.message().ends_with('.'), "{fault}");
        }
    }
}

#[test]
fn every_setting_reaches_the_tenant() {
    let tenant = read("fixtures/settings/good/everything.toml");
    assert_eq!(tenant.name, "Acme \"Bank\" Zürich");
    assert_eq!(tenant.id.as_str(), "everything");
    assert_eq!(tenant.origin, "https://login.acme.example");
    assert_eq!(tenant.hosts, ["login.acme.example", "everything.tenants.example", "a.b.tenants.example"]);
    assert_eq!(tenant.binding.minimum_for(Channel::Line), Binding::Match);
    assert_eq!(tenant.binding.minimum_for(Channel::Apple), Binding::Native);
    assert_eq!(tenant.binding.minimum_for(Channel::Sms), Binding::Code);
    assert_eq!(tenant.binding.lasts.as_hours(), 24);
    assert_eq!(tenant.returns[&Channel::Whatsapp], "whatsapp://send?phone=15550199");
    assert_eq!(tenant.returns.len(), 4);
    assert_eq!(tenant.chat_origins, ["https://shop.acme.example:8443", "https://www.acme.example"]);
    let snippet = tenant.snippet("/auth").unwrap();
    assert_eq!(snippet.wording(Channel::Sms, "en").unwrap().text, "{link}");
    assert_eq!(snippet.wording(Channel::Email, "en").unwrap().text, "Sign in to {tenant}: {link}");
    assert_eq!(tenant.snippet("short").unwrap().channels.len(), 1);
    let [crm, other] = &*tenant.webhooks else { panic!("two webhooks") };
    assert_eq!((crm.id.as_str(), crm.url.as_str()), ("crm", "https://crm.example/hook?key=1"));
    assert_eq!(
        (crm.secrets.len(), crm.enabled, crm.description.as_deref()),
        (2, true, Some("Tells the CRM"))
    );
    assert!(crm.secrets[0].matches(NEXT_SECRET), "the newest first");
    assert!(crm.wants(EventType::Failed) && !crm.wants(EventType::ContactErased));
    assert!(!other.wants(EventType::Failed) && other.events.len() == 1, "disabled, and told of everything");
    assert!(other.id.as_str().starts_with("wh-"), "{}", other.id);
    check_accounts(&tenant);
    let client = tenant.client("acme bot").unwrap();
    assert_eq!(client.scopes.to_string(), "write:auth_links admin:all write:policies");
    assert_eq!(client.grant_types.len(), 1);
    assert_eq!(tenant.client("other").unwrap().grant_types, client.grant_types, "the default");
    let [first, second] = tenant.rules.list.as_slice() else { panic!("two rules") };
    assert_eq!(first.when, "contains(whoami.roles, 'vip')");
    let set = serde_json::json!({"queue": "vip", "priority": 1, "limits": [1.5, 16, {"deep": true}]});
    assert_eq!(serde_json::Value::Object(first.set.clone()), set);
    assert_eq!(second.set["queue"], "sms");
}

fn check_accounts(tenant: &Tenant) {
    let apple = tenant.accounts.apple.as_ref().unwrap();
    assert_eq!((apple.business_id.as_str(), apple.platform_id.as_str()), ("0a1b2c3d", "4e5f6a7b"));
    assert_eq!((apple.flow, apple.version.as_str()), (AppleFlow::Auto, "2.1"));
    assert_eq!((apple.client_id.as_str(), apple.secret.expose()), ("acme-at-apple", "YSBzZWNyZXQ="));
    assert_eq!(apple.gateway.as_str(), "https://mspgw-int.push.apple.com/v1");
    assert!(tenant.accounts.links_accounts());
    for (channel, id) in
        [(Channel::Messenger, "1066"), (Channel::Instagram, "17841"), (Channel::Whatsapp, "10661")]
    {
        let account = tenant.accounts.meta(channel).unwrap();
        assert_eq!((account.id.as_str(), account.app_secret.expose()), (id, "a secret"));
        assert_eq!(account.verify_token.is_some(), channel == Channel::Messenger);
    }
    assert!(tenant.accounts.messenger.as_ref().unwrap().graph.path().ends_with("v26.0"));
    let template = tenant.accounts.whatsapp.as_ref().unwrap().template.clone();
    assert_eq!(template, Some(("sign_in".to_owned(), "en_US".to_owned())));
    assert!(tenant.accounts.meta(Channel::Sms).is_none());
}

#[test]
fn every_setting_reaches_the_client() {
    let tenant = read("fixtures/settings/good/everything.toml");
    let app = tenant.client("shop-app").unwrap();
    assert!(app.is_public() && app.needs_pkce() && app.redirect_uris.len() == 3);
    assert_eq!(app.shown_name(), "Acme Shop");
    let server = tenant.client("server").unwrap();
    assert!(!server.is_public() && !server.needs_pkce() && server.redirect_uris.len() == 1);
    assert_eq!(server.previous_secret.as_ref().unwrap().until.to_string(), "2026-12-01T12:00:00Z");
    for (address, may) in
        [("192.0.2.7", true), ("192.0.2.8", false), ("10.9.9.9", true), ("2001:db8::1", true)]
    {
        assert_eq!(server.may_come_from(Some(address.parse().unwrap())), may, "{address}");
    }
    assert!(!server.may_come_from(None) && app.may_come_from(None));
    let keyed = tenant.client("keyed").unwrap();
    assert!(keyed.keys.is_some() && keyed.secret_hash.is_none() && !keyed.is_public());
    let registration = tenant.registration.as_ref().unwrap();
    assert_eq!(registration.scopes.to_string(), "openid email");
}

#[test]
fn every_setting_reaches_the_provider() {
    let tenant = read("fixtures/settings/good/everything.toml");
    let provider = tenant.provider(Some(&"acme".parse().unwrap())).unwrap();
    assert_eq!((provider.label.as_str(), provider.client_id.as_str()), ("Acme online banking", "c"));
    assert_eq!(provider.client_secret.as_ref().unwrap().expose(), "a secret");
    assert_eq!(provider.scope.as_deref(), Some("read write"));
    assert_eq!(provider.authorize_url.as_ref().unwrap().as_str(), "https://a.example/auth?realm=x");
    assert_eq!(provider.token_url.as_ref().unwrap().as_str(), "https://a.example/token");
    assert_eq!(provider.whoami.as_ref().unwrap().url.as_str(), "https://a.example/whoami");
    let Some(Mapping::Fields(fields)) = &provider.mapping else { panic!("a table of fields") };
    assert_eq!(fields["loyalty"], "user.tier");
    assert_eq!(provider.subject.as_deref(), Some("user.id"));
    assert_eq!(provider.trusted, [TrustedField::Phone, TrustedField::Email]);
    assert_eq!(provider.callback_path, CallbackPath::Bare);
    assert_eq!(provider.client_auth, ClientAuth::ClientSecretBasic);
    assert_eq!(provider.token_request, TokenRequestForm::Json);
    assert_eq!(provider.pkce, Pkce::S256);
    assert_eq!(provider.scope_separator, ",");
    assert_eq!(provider.response_mode, ResponseMode::FormPost);
    assert_eq!(provider.authorize_params["prompt"], "login");
    assert_eq!(provider.enrich.of("email"), Enrich::Overwrite);
    assert_eq!(provider.enrich.of("loyalty"), Enrich::Suggest);
    assert_eq!(provider.enrich.of("phone"), Enrich::Ignore);
    assert_eq!(provider.enrich.required, ["email"]);
    assert!(provider.merge_by_email && provider.blocks_webviews);
    let named = tenant.provider(Some(&"eu_2".parse().unwrap())).unwrap();
    assert_eq!(named.callback_path, CallbackPath::Named);
    assert_eq!(named.label, tenant.name, "without a label customers read the tenant's name");
    assert!(matches!(&named.mapping, Some(Mapping::Whole(text)) if text.starts_with('{')));
}

#[test]
fn every_quirk_reaches_the_provider() {
    let tenant = read("fixtures/settings/good/quirks.toml");
    let odd = tenant.provider(Some(&"odd".parse().unwrap())).unwrap();
    assert_eq!(odd.client_auth, ClientAuth::SecretAsUser);
    assert!(odd.previous_secret.is_some() && odd.vault);
    assert_eq!(odd.token_request, TokenRequestForm::Query);
    assert_eq!(odd.authorize_params["response_type"], "web_server");
    assert_eq!(odd.token_params["grant_type"], "");
    assert_eq!(odd.token_headers["x-version"], "2026-01-01", "names of headers have no case");
    assert_eq!(odd.token_path.as_deref(), Some("data.user"));
    let exchange = odd.exchange.as_ref().unwrap();
    assert_eq!((exchange.url.as_str(), exchange.params.len()), ("https://a.example/long", 3));
    assert_eq!(odd.name_of("client_id"), "appid");
    assert_eq!((&*odd.callback_names.code, &*odd.callback_names.state), ("auth_code", "st"));
    assert_eq!(odd.vars["shop"], "acme");
    let whoami = odd.whoami.as_ref().unwrap();
    assert_eq!(whoami.url.as_str(), "https://{region}.a.example/users/{user_id}?v=2");
    assert_eq!(
        (&whoami.auth, whoami.method),
        (&WhoamiAuth::Header("x-token".to_owned()), WhoamiMethod::Post)
    );
    assert_eq!((&*whoami.params["fields"], &*whoami.headers["client-id"]), ("id,email", "{client_id}"));
    let further: Vec<_> = odd.further_whoami.iter().map(|(name, call)| (&**name, &call.auth)).collect();
    let query = WhoamiAuth::Query("oauth_token".to_owned());
    assert_eq!(further, [("emails", &query), ("roles", &WhoamiAuth::Body("token".to_owned()))]);
}

#[test]
fn every_setting_of_openid_reaches_the_provider() {
    let tenant = read("fixtures/settings/good/quirks.toml");
    let openid = tenant.provider(Some(&"openid".parse().unwrap())).unwrap();
    assert!(openid.is_openid() && openid.needs_metadata());
    assert_eq!(openid.client_auth, ClientAuth::PrivateKeyJwt);
    assert_eq!(openid.private_key.as_ref().unwrap().id.as_deref(), Some("k1"));
    assert_eq!((openid.authorize_url.as_ref(), openid.token_url.as_ref()), (None, None));
    assert_eq!(openid.identity, Identity::IdToken);
    let jwks_url = "https://a.example/keys".parse().ok();
    assert_eq!(
        openid.oidc,
        Oidc {
            issuer: Some("https://a.example/realms/one".to_owned()),
            jwks_url,
            id_token_algs: vec!["ES256".to_owned(), "PS256".to_owned()],
            userinfo_alg: Some("RS256".to_owned()),
            clock_skew: 30,
            max_age: Some(3600),
            acr_values: vec!["gold".to_owned(), "silver".to_owned()],
            prompt: Some("login consent".to_owned()),
            login_hint: Some(LoginHint::Handle),
            claims: Some(json!({"id_token": {"email": {"essential": true}}})),
            iss: Announced::Required,
            par: Announced::Required,
        }
    );
}

#[test]
fn a_preset_fills_what_the_tenant_leaves_out() {
    let tenant = read("fixtures/settings/good/presets.toml");
    let of = |id: &str| tenant.provider(Some(&id.parse().unwrap())).unwrap();
    let google = of("google");
    assert_eq!(google.oidc.issuer.as_deref(), Some("https://accounts.google.com"));
    assert!(google.is_openid() && google.needs_metadata());
    assert_eq!(google.authorize_params["hd"], "acme.example");
    let github = of("github");
    assert_eq!(github.scope.as_deref(), Some("read:user"), "the tenant's own word wins");
    let headers = &github.whoami.as_ref().unwrap().headers;
    assert_eq!(headers["x-github-api-version"], "2030-01-01");
    assert!(headers.contains_key("accept"), "entries of a table are put together");
    assert_eq!(github.further_whoami[0].0, "emails");
    assert!(of("okta").oidc.issuer.as_deref().unwrap().starts_with("https://acme.okta.com"));
    assert_eq!(of("okta").vars["domain"], "acme.okta.com");
}

#[test]
fn defaults_are_those_of_the_documentation() {
    let tenant = read("fixtures/settings/good/minimal.toml");
    let provider = tenant.provider(None).unwrap();
    assert_eq!(tenant.origin, "https://minimal.tenants.example");
    assert_eq!(tenant.binding.lasts.as_hours(), 12);
    assert_eq!(tenant.binding.minimum_for(Channel::Webchat), Binding::Browser);
    assert_eq!(provider.client_auth, ClientAuth::Auto);
    assert_eq!(provider.token_request, TokenRequestForm::Form);
    assert_eq!(provider.callback_path, CallbackPath::Bare);
    assert_eq!((provider.pkce, provider.response_mode), (Pkce::S256, ResponseMode::Query));
    assert_eq!(provider.scope_separator, " ");
    assert_eq!(provider.enrich.of("email"), Enrich::Fill);
    assert!(!provider.merge_by_email && tenant.rules.list.is_empty());
}

#[test]
fn the_example_has_no_fault_and_needs_no_warning() {
    let path = PathBuf::from("tenants/example.toml");
    let loaded = read_files(&[path], &Surroundings::new().context())
        .unwrap_or_else(|faults| panic!("{}", faults.render(Look::Plain)));
    assert_eq!(render_all(&loaded.warnings, Look::Plain), "");
    let provider = loaded.value[0].provider(None).unwrap();
    assert_eq!(provider.client_id, "Quiq Client");
    assert_eq!(loaded.value[0].clients.len(), 1);
}

#[test]
fn the_revision_follows_the_settings_and_not_the_secret() {
    let revision = |text: &str, secret: &str| {
        let mut surroundings = Surroundings::new();
        surroundings.environment = [("ACME_SECRET", secret)].into_iter().collect();
        let draft = draft_with(text, &surroundings.context());
        draft.tenant.unwrap().provider(None).unwrap().revision.to_string()
    };
    let first = revision(&minimal(""), "one");
    assert_eq!(first.len(), 64);
    assert_eq!(first, revision(&minimal(""), "two"), "the secret does not count");
    assert_eq!(first, revision(&minimal("pkce = \"S256\"\n"), "one"), "a default written out does not count");
    for change in [
        "pkce = \"off\"",
        "scope = \"read\"",
        "client_auth = \"client_secret_post\"",
        "label = \"x\"",
        "callback_path = \"named\"",
        "whoami_url = \"https://a.example/w\"",
        "mapping = \"x\"",
        "subject = \"x\"",
        "trusted = [\"email\"]",
        "token_request = \"json\"",
        "scope_separator = \",\"",
        "response_mode = \"form_post\"",
        "authorize_params = {a = \"b\"}",
        "enrich = {email = \"ignore\"}",
        "enrich = {required = [\"email\"]}",
        "merge_by_email = true",
    ] {
        assert_ne!(first, revision(&minimal(&format!("{change}\n")), "one"), "{change}");
    }
}

#[test]
fn the_port_of_the_base_url_holds_for_every_tenant() {
    let mut surroundings = Surroundings::new();
    surroundings.base_url = "http://localhost:8080".parse().unwrap();
    let tenant = draft_with(&minimal("[return]\nsms = \"http://localhost:1/\"\n"), &surroundings.context())
        .tenant
        .unwrap();
    assert_eq!(tenant.origin, "http://acme.localhost:8080");
    assert_eq!(tenant.hosts, ["acme.localhost"]);
}

#[test]
fn under_an_address_a_tenant_must_name_its_host() {
    let mut surroundings = Surroundings::new();
    surroundings.base_url = "http://127.0.0.1:8080".parse().unwrap();
    let context = surroundings.context();
    assert!(draft_with(&minimal(""), &context).faults[0].message().contains("no host"));
    let text = minimal("").replace("name =", "hosts = [\"127.0.0.1\"]\nname =");
    let tenant = draft_with(&text, &context).tenant.unwrap();
    assert_eq!(tenant.origin, "http://127.0.0.1:8080");
    let text = minimal("").replace("name =", "hosts = []\nname =");
    assert!(draft_with(&text, &context).tenant.is_none());
}

#[test]
fn a_literal_secret_is_for_the_demonstration_only() {
    let text = minimal("").replace("{ env = \"ACME_SECRET\" }", "\"in clear\"");
    assert!(draft(&text).tenant.is_none());
    let surroundings = Surroundings::new();
    let context = ReadContext { dangerous_demo: true, ..surroundings.context() };
    let tenant = draft_with(&text, &context).tenant.unwrap();
    assert_eq!(tenant.provider(None).unwrap().client_secret.as_ref().unwrap().expose(), "in clear");
}

#[test]
fn line_and_column_are_the_same_in_words_and_in_the_picture() {
    for text in ["näme = 1\n", "name = \"é\" # ü\n\"ü\" = 5\n", "\tname = 5\n", "name = 5\r\nx = 1\r\n"] {
        for fault in draft(text).faults {
            let (line, column) = fault.line_and_column().unwrap();
            let shown = fault.render(Look::Plain);
            assert!(shown.contains(&format!("acme.toml:{line}:{column}]")), "{shown}");
        }
    }
}

#[test]
fn a_broken_line_does_not_hide_the_faults_of_the_others() {
    let faults = draft("name = \"Acme\nlable = 1\n[binding]\nsms = \"mach\"\n").faults;
    let told = faults.iter().map(Fault::message).collect::<Vec<_>>().join("\n");
    assert!(told.contains("no TOML") && told.contains("`lable`") && told.contains("`mach`"), "{told}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn the_reader_never_panics_on_any_text(text in "\\PC{0,200}|[\\x00-\\x7f]{0,200}") {
        all_shown(&text);
    }

    #[test]
    fn the_reader_never_panics_on_pieces_of_settings(pieces in prop::collection::vec(piece(), 0..30)) {
        all_shown(&pieces.concat());
    }

    #[test]
    fn the_reader_never_panics_on_a_cut_example(start in 0_usize..9000, end in 0_usize..9000) {
        let text = std::fs::read_to_string("tenants/example.toml").unwrap();
        let (start, end) = (start.min(text.len()), end.min(text.len()));
        if let Some(cut) = text.get(..start.min(end)).zip(text.get(start.max(end)..)) {
            all_shown(&[cut.0, cut.1].concat());
        }
    }
}

/// Reads a text and shows everything that is said about it.
fn all_shown(text: &str) {
    let draft = draft(text);
    assert_eq!(draft.tenant.is_some(), draft.faults.is_empty());
    for fault in draft.faults.iter().chain(&draft.warnings) {
        assert!(!fault.render(Look::Plain).is_empty() && !fault.render(Look::Colours).is_empty());
    }
}

fn piece() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "name",
        "=",
        " ",
        "\n",
        "\"",
        "'",
        "\"\"\"",
        "'''",
        "[",
        "]",
        "{",
        "}",
        "[[provider]]\n",
        "id = \"a\"\n",
        "client_secret = ",
        "{ env = \"ACME_SECRET\" }\n",
        "mapping = ",
        "subject = \"a[\"\n",
        "hosts = [",
        "\"é\"",
        "[binding]\n",
        "sms = \"none\"\n",
        "text.en = ",
        "{link}",
        "[[snippet]]\n",
        "[[client]]\n",
        "client_id",
        "secret_hash",
        "[return]\n",
        "authorize_url = \"https://a.example/\"\n",
        "5",
        "true",
        "\\u0000",
        "\u{feff}",
        "#",
        ",",
    ])
}
