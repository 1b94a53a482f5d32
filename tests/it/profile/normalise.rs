use countersign::domain::profile::{ProfileField, SignedIn};
use countersign::domain::provider::{Mapping, TrustedField};
use countersign::profile::{Input, Normaliser, parse_whoami};
use serde_json::{Value, json};

use super::all_in;

/// A fixture's provider settings and answers, and the profile that they make.
struct Case {
    normaliser: Normaliser,
    whoami: Value,
    claims: Option<Value>,
    token_response: Option<Value>,
    named: Vec<(String, Value)>,
}

impl Case {
    fn of(file: &Value) -> Self {
        let mapping: Option<Mapping> =
            file.get("mapping").map(|mapping| serde_json::from_value(mapping.clone()).expect("a mapping"));
        let trusted: Vec<TrustedField> = file
            .get("trusted")
            .map_or(vec![], |list| serde_json::from_value(list.clone()).expect("trusted fields"));
        let subject = file.get("subject").and_then(Value::as_str);
        let mut whoami = match file.get("raw") {
            Some(raw) => parse_whoami(raw.as_str().expect("a text").as_bytes()).expect("JSON"),
            None => file["whoami"].clone(),
        };
        // That many fields more, which a file need not hold.
        for place in 0..file.get("padding").and_then(Value::as_u64).unwrap_or_default() {
            whoami[format!("k{place:05}")] = json!(place);
        }
        let named = file.get("named").and_then(Value::as_object).into_iter().flatten();
        Self {
            normaliser: Normaliser::new(mapping.as_ref(), subject, &trusted).expect("good settings"),
            whoami,
            claims: file.get("claims").cloned(),
            token_response: file.get("token_response").cloned(),
            named: named.map(|(name, value)| (name.clone(), value.clone())).collect(),
        }
    }

    fn input(&self) -> Input<'_> {
        Input {
            whoami: &self.whoami,
            claims: self.claims.as_ref(),
            token_response: self.token_response.as_ref(),
            named: &self.named,
        }
    }
}

/// The known fields alone, without what else an answer says.
fn contact_of(profile: &Value) -> Value {
    let known =
        |(key, value): (&String, &Value)| Some((ProfileField::named(key)?, key.clone(), value.clone()));
    let fields = profile.as_object().expect("a profile").iter().filter_map(known);
    Value::Object(fields.map(|(_, key, value)| (key, value)).collect())
}

/// Compares what a fixture expects: the whole `profile`, its text, or the `contact` fields alone.
fn compare(name: &str, expect: &Value, signed_in: &SignedIn) {
    let profile = json!(signed_in.profile);
    let warnings = &signed_in.warnings;
    if let Some(text) = expect.get("profile_text") {
        assert_eq!(profile.to_string(), text.as_str().unwrap(), "{name}");
    } else if let Some(contact) = expect.get("contact") {
        assert_eq!(&contact_of(&profile), contact, "{name}: {warnings:?}");
    } else {
        assert_eq!(profile, expect["profile"], "{name}: {warnings:?}");
    }
    assert_eq!(json!(signed_in.subject), expect["subject"], "{name}: {warnings:?}");
    assert_eq!(signed_in.email_verified, expect["emailVerified"] == true, "{name}: email");
    assert_eq!(signed_in.phone_verified, expect["phoneVerified"] == true, "{name}: phone");
    let expected: Vec<&str> =
        expect["warnings"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    for part in &expected {
        assert!(warnings.iter().any(|warning| warning.contains(part)), "{name}: {warnings:?}");
    }
    assert_eq!(warnings.is_empty(), expected.is_empty(), "{name}: {warnings:?}");
}

#[test]
fn every_payload_gives_the_profile_of_its_fixture() {
    let files = all_in("profile/payloads");
    assert!(files.len() > 180);
    for (name, file) in files {
        let case = Case::of(&file);
        let signed_in =
            case.normaliser.normalise(&case.input()).unwrap_or_else(|fault| panic!("{name}: {fault}"));
        compare(&name, &file["expect"], &signed_in);
        let repaired = case.normaliser.mapping().and_then(|mapping| mapping.repaired());
        assert_eq!(repaired, file.get("repaired").and_then(Value::as_str), "{name}: repair");
    }
}

#[test]
fn every_faulty_mapping_fails_as_its_fixture_says() {
    for (name, file) in all_in("profile/faults") {
        let case = Case::of(&file);
        let fault = case.normaliser.normalise(&case.input()).expect_err(&name).to_string();
        assert!(fault.contains(file["fault"].as_str().unwrap()), "{name}: {fault}");
    }
}

#[test]
fn warnings_and_faults_never_tell_a_value() {
    let secret = "Xq7-canary";
    let whoami = json!({
        "id": [secret], "email": format!("{secret}@@x"), "name": format!("{secret}@x.example"), "phone": secret,
        "login": format!("{secret}\u{7}"), "password": secret, "__proto__": secret,
    });
    let mappings = [
        None,
        Some(
            "{userId: id, email: email, fullName: name, phone: phone, userName: login, a: length(`1`), b: abs(email), c: join('', id[0])}",
        ),
        Some("email"),
        Some("{a: id}.a"),
    ];
    for mapping in mappings {
        let mapping = mapping.map(|text| Mapping::Whole(text.to_owned()));
        let normaliser = Normaliser::new(mapping.as_ref(), Some("email.x || abs(email)"), &[]).unwrap();
        let input = Input { whoami: &whoami, claims: None, token_response: None, named: &[] };
        let told = match normaliser.normalise(&input) {
            Ok(signed_in) => signed_in.warnings.join(" "),
            Err(fault) => fault.to_string(),
        };
        assert!(!told.is_empty() && !told.contains("canary"), "{told}");
    }
}

#[test]
fn a_body_of_a_mebibyte_is_normalised_without_keeping_it_all() {
    let large: Vec<Value> = (0..20_000).map(|n| json!({"n": n, "text": "x".repeat(20)})).collect();
    let whoami = json!({"id": "1", "login": "jd", "small": 1, "large": large});
    let normaliser = Normaliser::new(None, None, &[]).unwrap();
    let input = Input { whoami: &whoami, claims: None, token_response: None, named: &[] };
    let signed_in = normaliser.normalise(&input).unwrap();
    assert_eq!(json!(signed_in.profile), json!({"userName": "jd", "userId": "1", "small": 1}));
    assert_eq!(signed_in.warnings.len(), 1);
}

#[test]
fn a_fault_names_its_field_and_shows_its_place() {
    let mapping = Mapping::Fields([("email".to_owned(), "user..mail".to_owned())].into());
    let fault = Normaliser::new(Some(&mapping), None, &[]).unwrap_err();
    assert_eq!((fault.field.as_deref(), fault.line, fault.column), (Some("email"), 1, 6));
    insta::assert_snapshot!(fault.caret(), @r"
    user..mail
         ^ expected identifier, `*`, `{`, `[`, `&`, or `[?` and found `.`
    ");
    let fault = Normaliser::new(None, Some("lenght(id)"), &[]).unwrap_err();
    assert_eq!(
        fault.to_string(),
        "`subject`: there is no function `lenght` (line 1, column 1); did you mean `length`"
    );
}
