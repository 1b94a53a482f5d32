use countersign::domain::profile::{ProfileField, SignedIn};
use countersign::domain::provider::{Mapping, TrustedField};
use countersign::profile::{Input, Normaliser, email, parse_whoami};
use proptest::prelude::*;
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

/// Answers with the keys that the default normaliser knows, at any place, with values that are none.
fn answer() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<u32>().prop_map(Value::from),
        prop::sample::select(vec![
            "a@example.com",
            "B@example.com",
            "a@b@example.com",
            "a＠example.com",
            "Ada Byron",
            "true",
            "王伟",
            "null",
            "de_AT",
            "",
            "2026-01-01",
            "primary",
            "Byron, Ada",
        ])
        .prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 80, 8, |inner| {
        let key = prop::sample::select(vec![
            "email",
            "emails",
            "mail",
            "email_verified",
            "verified",
            "confirmed_at",
            "primary",
            "value",
            "user",
            "data",
            "profile",
            "users",
            "id",
            "sub",
            "name",
            "first_name",
            "lastName",
            "displayName",
            "locale",
            "phone",
            "login",
            "attributes",
            "contact",
            "metadata",
            "owner",
            "localized",
            "verified_email",
            "x",
        ]);
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            prop::collection::vec((key, inner), 0..8)
                .prop_map(|fields| fields.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()),
        ]
    })
}

/// Whether the text stands somewhere in the value as it is.
fn holds(value: &Value, text: &str) -> bool {
    match value {
        Value::String(own) => own.trim() == text,
        Value::Array(items) => items.iter().any(|item| holds(item, text)),
        Value::Object(fields) => fields.values().any(|field| holds(field, text)),
        _ => false,
    }
}

/// The same without what could be a flag or a time.
fn without_flags(value: &Value) -> Value {
    match value {
        Value::Bool(_) | Value::Number(_) => Value::Null,
        Value::String(text) if text == "true" || text.starts_with("2026") => Value::Null,
        Value::Array(items) => items.iter().map(without_flags).collect(),
        Value::Object(fields) => fields
            .iter()
            .filter(|(key, _)| *key != "verified_email")
            .map(|(key, field)| (key.clone(), without_flags(field)))
            .collect(),
        other => other.clone(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn no_answer_makes_an_email_up_or_vouches_for_one_without_a_flag(
        whoami in answer(), claims in answer(), token in answer(), call in answer(),
    ) {
        let normaliser = Normaliser::new(None, None, &[]).expect("nothing to compile");
        let named = [("emails".to_owned(), call)];
        let input = Input { whoami: &whoami, claims: Some(&claims), token_response: Some(&token), named: &named };
        let signed_in = normaliser.normalise(&input).expect("only mappings have budgets");
        if let Some(address) = signed_in.profile.text(ProfileField::Email) {
            let parsed = email::parse(address);
            prop_assert_eq!(parsed.as_deref(), Some(address));
            let places = [&whoami, &claims, &token, &named[0].1];
            prop_assert!(places.into_iter().any(|place| holds(place, address)), "{address}");
        }
        prop_assert!(!signed_in.email_verified || signed_in.profile.text(ProfileField::Email).is_some());
        prop_assert!(signed_in.warnings.len() <= 50);

        let (whoami, claims, token) = (without_flags(&whoami), without_flags(&claims), without_flags(&token));
        let named = [("emails".to_owned(), without_flags(&named[0].1))];
        let input = Input { whoami: &whoami, claims: Some(&claims), token_response: Some(&token), named: &named };
        let signed_in = normaliser.normalise(&input).expect("only mappings have budgets");
        prop_assert!(!signed_in.email_verified && !signed_in.phone_verified);
    }
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
