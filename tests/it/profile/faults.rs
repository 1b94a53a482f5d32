//! Mappings from hell and answers that are none: refused when they are saved or read, with the
//! place and the reason, and harmless if they get through.

use countersign::domain::provider::Mapping;
use countersign::profile::{CompiledMapping, EvalFault, Input, Normaliser, parse_whoami};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::all_in;

/// A fixture's mapping: as it stands there, or put together of pieces that stand there.
fn mapping(file: &Value) -> Mapping {
    let Some(made) = file.get("made") else {
        return serde_json::from_value(file["mapping"].clone()).expect("a mapping");
    };
    let text = |name: &str| made.get(name).and_then(Value::as_str).unwrap_or_default();
    let times = usize::try_from(made["times"].as_u64().expect("a number")).expect("a small number");
    let middle = format!("{}{}{}", text("open").repeat(times), text("middle"), text("close").repeat(times));
    Mapping::Whole(format!("{}{middle}{}", text("before"), text("after")))
}

/// Runs on half of the stack that a worker thread has.
fn on_a_small_stack<T: Send + 'static>(run: impl FnOnce() -> T + Send + 'static) -> T {
    let thread = std::thread::Builder::new().stack_size(1024 * 1024).spawn(run).expect("a thread");
    thread.join().expect("no panic and no overflow")
}

#[test]
fn every_fault_is_told_as_its_fixture_says() {
    let files = all_in("profile/faults");
    assert!(files.len() > 45);
    let mut wrong = Vec::new();
    for (name, file) in files {
        if let Some(body) = file.get("body") {
            let fault = parse_whoami(file["raw"].as_str().unwrap().as_bytes()).expect_err(&name);
            assert!(fault.to_string().contains(body.as_str().unwrap()), "{name}: {fault}");
            continue;
        }
        let (mapping, refused) = (mapping(&file), file.get("refused"));
        let read = on_a_small_stack(move || Normaliser::new(Some(&mapping), None, &[]));
        if let Some(refused) = refused {
            let fault = read.expect_err(&name);
            assert!(fault.message.contains(refused["message"].as_str().unwrap()), "{name}: {fault}");
            if refused.get("column").is_some_and(|column| *column != json!(fault.column)) {
                wrong.push(format!("{name}: {fault}"));
            }
            let told = format!("{}{fault}", fault.caret());
            assert!(told.len() < 2000, "{name}: {} bytes are told", told.len());
            continue;
        }
        let normaliser = read.unwrap_or_else(|fault| panic!("{name}: {fault}"));
        let input = Input { whoami: &file["whoami"], claims: None, token_response: None, named: &[] };
        let fault = normaliser.normalise(&input).expect_err(&name).to_string();
        assert!(fault.contains(file["fault"].as_str().unwrap()), "{name}: {fault}");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Pieces of mappings from hell, repeated and put into each other.
fn hell() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "@",
        "a",
        "[",
        "]",
        "{a:",
        "}",
        "(",
        ")",
        "|",
        "||",
        "&&",
        ".",
        "*",
        "[]",
        "[*]",
        "[?",
        "!",
        "&",
        ",",
        "@|[@,@]",
        "|{a:@,b:@}",
        "[0]",
        "[::2]",
        "[-1:]",
        "`[1,2]`",
        "`{\"a\":",
        "'",
        "\"",
        "`",
        "map(&",
        "sort_by(@,&",
        "join('',",
        "to_string(",
        "merge(",
        "not_null(",
        "length(",
        "==",
        "<",
        "é",
        "\u{0}",
        "\\",
    ]);
    prop::collection::vec((piece, 1_usize..60), 1..8)
        .prop_map(|pieces| pieces.into_iter().map(|(piece, times)| piece.repeat(times)).collect())
}

/// An answer with names that the pieces look for.
fn answer() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "[a-z@.]{0,12}".prop_map(Value::from),
        Just(json!("x".repeat(2000))),
    ];
    leaf.prop_recursive(5, 60, 6, |inner| {
        let key = prop::sample::select(vec![
            "a", "b", "email", "emails", "user", "data", "name", "id", "profile", "value", "verified",
            "primary",
        ]);
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::Array),
            prop::collection::vec((key, inner), 0..6)
                .prop_map(|fields| fields.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn a_mapping_from_hell_is_refused_or_ends_within_its_budget(text in hell(), whoami in answer()) {
        if let Err(fault) = CompiledMapping::parse(&Mapping::Whole(text.clone())) {
            prop_assert!(fault.offset <= text.len() && fault.line >= 1 && fault.column >= 1);
            prop_assert!(!fault.message.is_empty() && fault.caret().len() < 3000);
        } else {
            let normaliser = Normaliser::new(Some(&Mapping::Whole(text)), None, &[]).expect("it was read before");
            let input = Input { whoami: &whoami, claims: None, token_response: None, named: &[] };
            match normaliser.normalise(&input) {
                Ok(signed_in) => prop_assert!(json!(signed_in.profile).to_string().len() < 8 * 1024 * 1024),
                Err(fault) => prop_assert!(!matches!(fault, EvalFault::WrongType { .. }), "{fault}"),
            }
        }
    }
}
