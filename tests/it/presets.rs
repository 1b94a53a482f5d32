//! The presets against their fixtures: a preset without one fails, and so does a fixture whose
//! answers do not make the profile that it promises.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use countersign::config::shape::{Kind, Table};
use countersign::config::{Environment, Fault};
use countersign::domain::profile::ProfileField;
use countersign::domain::provider::{Mapping, TrustedField};
use countersign::oauth::issuer::Issuer;
use countersign::preset::{self, Preset, VarFault};
use countersign::profile::{Input, Normaliser};
use countersign::tenants::shape::SHAPE;
use countersign::tenants::{ReadContext, file};
use serde_json::{Value, json};
use url::Url;

/// Settings that only a tenant can know, or that would make a preset of a preset.
const OF_THE_TENANT: [&str; 9] =
    ["callback_path", "client_id", "client_secret", "enrich", "id", "label", "preset", "private_key", "vars"];

/// The stems of a folder's files with this extension.
fn stems(folder: &str, extension: &str) -> BTreeSet<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let paths = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let ours = paths.filter(|path| path.extension().is_some_and(|end| end == extension));
    ours.map(|path| path.file_stem().unwrap().to_string_lossy().into_owned()).collect()
}

/// A preset's fixture.
fn fixture(id: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("fixtures/preset/{id}.json"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A preset's settings with the values of its fixture.
fn settings(preset: &Preset) -> toml::Table {
    let values: BTreeMap<String, String> =
        serde_json::from_value(fixture(preset.id)["vars"].clone()).unwrap();
    preset.settings(&values).unwrap_or_else(|faults| panic!("{}: {faults:?}", preset.id))
}

/// Every text in a value, with the name that it stands under.
fn texts<'a>(name: &'a str, value: &'a toml::Value, found: &mut Vec<(&'a str, &'a str)>) {
    match value {
        toml::Value::String(text) => found.push((name, text)),
        toml::Value::Array(items) => items.iter().for_each(|item| texts(name, item, found)),
        toml::Value::Table(table) => table.iter().for_each(|(name, value)| texts(name, value, found)),
        _ => {}
    }
}

#[test]
fn every_file_is_a_preset_with_a_fixture_and_no_fixture_has_none() {
    let known: BTreeSet<String> = preset::all().iter().map(|preset| preset.id.to_owned()).collect();
    assert!(known.len() >= 40, "{}", known.len());
    assert_eq!(stems("src/preset", "toml"), known, "src/preset/files.rs");
    assert_eq!(stems("fixtures/preset", "json"), known, "fixtures/preset");
}

#[test]
fn every_preset_tells_people_what_they_need() {
    for preset in preset::all() {
        let id = preset.id;
        assert!(!preset.title.trim().is_empty(), "{id}");
        let docs: Url = preset.docs.parse().unwrap_or_else(|error| panic!("{id}: {error}"));
        assert_eq!(docs.scheme(), "https", "{id}");
        let variables = preset.vars.iter().map(|variable| &variable.help);
        for sentence in preset.notes.iter().chain([&preset.console]).chain(variables) {
            assert!(sentence.ends_with('.') && sentence.len() > 10, "{id}: {sentence}");
            assert!(!sentence.contains('|') && !sentence.contains('\n'), "{id}: {sentence}");
        }
        assert!(preset.console.len() < 400, "{id}: one sentence says where");
    }
}

#[test]
fn every_variable_is_used_and_its_example_is_a_good_value() {
    for preset in preset::all() {
        let used = json!(preset.template()).to_string();
        for variable in &preset.vars {
            let at = format!("{}: {}", preset.id, variable.name);
            assert!(used.contains(&format!("{{{}}}", variable.name)), "{at} is asked for and not used");
            assert!(!variable.label.is_empty(), "{at}");
            assert!(variable.form.holds(&variable.example), "{at}: the example");
            assert!(
                variable.default.as_ref().is_none_or(|value| variable.form.holds(value)),
                "{at}: the default"
            );
        }
    }
}

/// What is wrong with settings, by the table of what a tenant may write.
fn check_table(at: &str, settings: &toml::Table, known: &Table, faults: &mut Vec<String>) {
    for (name, value) in settings {
        let field = known.fields.iter().find(|field| field.name == name);
        let Some(kind) = field.map(|field| &field.kind).or_else(|| known.each.as_ref().map(|each| each.kind))
        else {
            faults.push(format!("{at}.{name} is no setting"));
            continue;
        };
        check_value(&format!("{at}.{name}"), value, kind, faults);
    }
}

fn check_value(at: &str, value: &toml::Value, kind: &Kind, faults: &mut Vec<String>) {
    match (kind, value) {
        (Kind::Table(table), toml::Value::Table(value)) => check_table(at, value, table, faults),
        (Kind::List(kind), toml::Value::Array(items)) => {
            for item in items {
                check_value(at, item, kind, faults);
            }
        }
        (Kind::Word(words), toml::Value::String(word)) => {
            if !(words.known)().contains(&word.as_str()) && !words.later.contains(&word.as_str()) {
                faults.push(format!("{at}: `{word}` is no {}", words.what));
            }
        }
        (Kind::Text(text), toml::Value::String(value)) => {
            if !(text.holds)(value) {
                faults.push(format!("{at}: `{value}` is not {}", text.what));
            }
        }
        (Kind::Either(kinds), value) => {
            let fits = kinds.iter().any(|kind| {
                let mut own = Vec::new();
                check_value(at, value, kind, &mut own);
                own.is_empty()
            });
            if !fits {
                faults.push(format!("{at} is none of what it may be"));
            }
        }
        (Kind::Later | Kind::Literal, _)
        | (Kind::Count(..), toml::Value::Integer(_))
        | (Kind::Flag, toml::Value::Boolean(_)) => {}
        _ => faults.push(format!("{at} is of another type")),
    }
}

#[test]
fn every_setting_is_one_that_a_tenant_could_write() {
    let provider = SHAPE.fields.iter().find(|field| field.name == "provider").unwrap();
    let Kind::List(Kind::Table(table)) = &provider.kind else { panic!("a list of tables") };
    let mut faults = Vec::new();
    for preset in preset::all() {
        let settings = settings(preset);
        check_table(preset.id, &settings, table, &mut faults);
        for name in OF_THE_TENANT.into_iter().filter(|name| settings.contains_key(*name)) {
            faults.push(format!("{}.{name} is the tenant's own", preset.id));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn every_preset_leads_to_https_addresses_and_leaves_no_variable_open() {
    for preset in preset::all() {
        let (id, settings) = (preset.id, settings(preset));
        let has = |name| settings.contains_key(name);
        assert!(has("issuer") || (has("authorize_url") && has("token_url")), "{id} leads nowhere");
        let whoami = has("issuer") || has("whoami_url");
        let identity = settings.get("identity").and_then(toml::Value::as_str);
        assert!(whoami || identity == Some("token_response"), "{id} never learns who it was");
        let mut found = Vec::new();
        settings.iter().for_each(|(name, value)| texts(name, value, &mut found));
        for (name, text) in found {
            for variable in &preset.vars {
                assert!(!text.contains(&format!("{{{}}}", variable.name)), "{id}.{name}: {text}");
            }
            if name == "issuer" || name == "url" || name.ends_with("_url") {
                let filled = text.replace(['{', '}'], "");
                let url: Url = filled.parse().unwrap_or_else(|error| panic!("{id}.{name}: {error}"));
                assert_eq!(url.scheme(), "https", "{id}.{name}");
                assert!(url.username().is_empty() && url.fragment().is_none(), "{id}.{name}");
                assert!(url.port().is_none() && !url.host_str().unwrap().contains(['{', '}']), "{id}.{name}");
                assert!(
                    name.starts_with("whoami") || name == "url" || !text.contains('{'),
                    "{id}.{name}: {text}"
                );
            }
        }
    }
}

#[test]
fn what_is_less_safe_is_said_in_the_notes() {
    for preset in preset::all() {
        let notes = preset.notes.join(" ");
        let settings = preset.template();
        if settings.get("pkce").is_some() {
            assert!(notes.contains("PKCE"), "{}: why PKCE is off", preset.id);
        }
        if let Some(url) = settings.get("whoami_url").and_then(toml::Value::as_str)
            && url.contains("{access_token}")
        {
            assert!(notes.contains("token in its path"), "{}: a token in a URL", preset.id);
        }
    }
}

/// A preset's rules for profiles, as a login compiles them.
fn normaliser(id: &str, settings: &toml::Table) -> Normaliser {
    let mapping: Option<Mapping> =
        settings.get("mapping").map(|mapping| serde_json::from_value(json!(mapping)).expect(id));
    let trusted: Vec<TrustedField> =
        settings.get("trusted").map_or(vec![], |list| serde_json::from_value(json!(list)).expect(id));
    let subject = settings.get("subject").and_then(toml::Value::as_str);
    assert!(subject.is_some(), "{id} does not say what identifies a person");
    let normaliser =
        Normaliser::new(mapping.as_ref(), subject, &trusted).unwrap_or_else(|fault| panic!("{id}: {fault}"));
    assert_eq!(normaliser.mapping().and_then(|mapping| mapping.repaired()), None, "{id}: repaired");
    normaliser
}

#[test]
fn the_answers_of_every_fixture_make_its_profile() {
    for preset in preset::all() {
        let (id, file) = (preset.id, fixture(preset.id));
        let named = file.get("named").and_then(Value::as_object).into_iter().flatten();
        let named: Vec<(String, Value)> = named.map(|(name, value)| (name.clone(), value.clone())).collect();
        let input = Input {
            whoami: &file["whoami"],
            claims: file.get("claims"),
            token_response: file.get("token_response"),
            named: &named,
        };
        let signed_in = normaliser(id, &settings(preset))
            .normalise(&input)
            .unwrap_or_else(|fault| panic!("{id}: {fault}"));
        assert_eq!(signed_in.warnings, Vec::<String>::new(), "{id}");
        let expected = file["profile"].as_object().unwrap();
        let made = signed_in.profile.as_map();
        for field in ProfileField::ALL.map(ProfileField::as_str) {
            assert_eq!(made.get(field), expected.get(field), "{id}: {field}");
        }
        for (field, value) in expected {
            assert_eq!(made.get(field), Some(value), "{id}: {field}");
        }
        assert_eq!(json!(signed_in.subject), file["subject"], "{id}");
        assert_eq!(signed_in.email_verified, file["emailVerified"] == true, "{id}: email");
        assert_eq!(signed_in.phone_verified, file.get("phoneVerified") == Some(&json!(true)), "{id}: phone");
    }
}

#[test]
fn a_fixture_has_the_answers_that_its_preset_asks_for() {
    for preset in preset::all() {
        let (id, file, settings) = (preset.id, fixture(preset.id), settings(preset));
        let calls = settings.get("whoami").and_then(toml::Value::as_array).into_iter().flatten();
        let called: BTreeSet<&str> = calls.filter_map(|call| call.get("name")?.as_str()).collect();
        let named = file.get("named").and_then(Value::as_object);
        assert_eq!(
            named.into_iter().flatten().map(|(name, _)| name.as_str()).collect::<BTreeSet<_>>(),
            called,
            "{id}"
        );
        match settings.get("identity").and_then(toml::Value::as_str) {
            Some("id_token") => assert!(file["whoami"].is_null() && file["claims"].is_object(), "{id}"),
            Some("token_response") => {
                assert!(file["whoami"].is_null() && file["token_response"].is_object(), "{id}");
            }
            _ => assert!(file["whoami"].is_object() || file["whoami"].is_array(), "{id}"),
        }
        if let (Some(issuer), Some(claims)) =
            (settings.get("issuer").and_then(toml::Value::as_str), file.get("claims"))
        {
            let (iss, tid) = (claims["iss"].as_str().unwrap(), claims["tid"].as_str());
            // A server for many directories announces a template where it is asked for all of them.
            let announced = match tid {
                Some(tid) if iss != issuer => iss.replace(tid, "{tenantid}"),
                _ => iss.to_owned(),
            };
            let issuer = Issuer::of_metadata(issuer, &announced);
            assert!(issuer.is_some_and(|issuer| issuer.matches(iss, tid)), "{id}: another issuer");
            assert!(file["whoami"].is_null() || file["whoami"]["sub"] == claims["sub"], "{id}: sub");
        }
    }
}

#[test]
fn a_preset_without_its_variables_says_what_it_asks_for() {
    let none = BTreeMap::new();
    for preset in preset::all() {
        let asked: Vec<&str> = preset
            .vars
            .iter()
            .filter(|variable| variable.default.is_none())
            .map(|variable| variable.name.as_str())
            .collect();
        match preset.settings(&none) {
            Ok(_) => assert!(asked.is_empty(), "{}", preset.id),
            Err(faults) => {
                assert_eq!(faults.iter().map(VarFault::name).collect::<Vec<_>>(), asked, "{}", preset.id);
            }
        }
    }
}

#[test]
fn every_preset_makes_a_provider_that_nothing_is_wrong_with() {
    let base_url: Url = "https://tenants.example".parse().unwrap();
    let key = STANDARD.encode(rcgen::KeyPair::generate().unwrap().serialize_der());
    let key = format!("-----BEGIN PRIVATE KEY-----\n{key}\n-----END PRIVATE KEY-----\n");
    let environment: Environment = [("SECRET", "a secret".to_owned()), ("KEY", key)].into_iter().collect();
    let context = ReadContext {
        stored: false,
        without_secrets: false,
        base_url: &base_url,
        allow: &[],
        ports: &[443],
        dangerous_demo: false,
        environment: &environment,
        keys: std::path::Path::new("keys.toml"),
    };
    for preset in preset::all() {
        let mut settings = settings(preset);
        let credential = match settings.get("client_auth").and_then(toml::Value::as_str) {
            Some("none") => None,
            Some("private_key_jwt") => Some(("private_key", "KEY")),
            _ => Some(("client_secret", "SECRET")),
        };
        if let Some((name, variable)) = credential {
            let place = toml::Table::from_iter([("env".to_owned(), variable.into())]);
            settings.insert(name.to_owned(), place.into());
        }
        settings.insert("id".to_owned(), "acme".into());
        settings.insert("client_id".to_owned(), "client-1".into());
        let providers = toml::Value::Array(vec![settings.into()]);
        let tenant =
            toml::Table::from_iter([("name".to_owned(), "Acme".into()), ("provider".to_owned(), providers)]);
        let text = toml::to_string(&tenant).unwrap();
        let draft = file::read(&"acme".parse().unwrap(), preset.id, text, &context);
        let told: Vec<&str> = draft.faults.iter().chain(&draft.warnings).map(Fault::message).collect();
        let is_off = preset.template().contains_key("pkce");
        let unexpected: Vec<_> = told.iter().filter(|told| !(is_off && told.contains("PKCE"))).collect();
        assert!(unexpected.is_empty(), "{}: {unexpected:?}", preset.id);
        assert_eq!(draft.tenant.unwrap().providers.len(), 1, "{}", preset.id);
    }
}
