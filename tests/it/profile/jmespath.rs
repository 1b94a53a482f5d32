//! Our evaluation against the specification's behaviour, as cases in files, and against the
//! library's own, as random expressions over random documents.

use countersign::profile::{EvalFault, Expression};
use jmespath::Variable;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::all_in;

#[test]
fn every_expression_gives_what_its_fixture_says() {
    let mut wrong = Vec::new();
    for (file, groups) in all_in("profile/jmespath") {
        for group in groups.as_array().unwrap() {
            for case in group["cases"].as_array().unwrap() {
                let text = case["expression"].as_str().unwrap();
                let got = outcome(text, &group["given"]);
                let expected = case
                    .get("error")
                    .map_or_else(|| case["result"].to_string(), |error| error.as_str().unwrap().to_owned());
                if got != expected {
                    wrong.push(format!("{file}: {text}: expected {expected}, got {got}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The result as JSON, or the kind of fault.
fn outcome(text: &str, given: &Value) -> String {
    match Expression::parse(text).map(|expression| expression.evaluate(given)) {
        Err(_) => "parse".to_owned(),
        Ok(Err(EvalFault::WrongType { .. })) => "type".to_owned(),
        Ok(Err(fault)) => fault.to_string(),
        Ok(Ok(value)) => value.to_string(),
    }
}

/// What the library finds, without its way through serde.
fn library(text: &str, document: &Value) -> jmespath::SearchResult {
    let mut context = jmespath::Context::new(text, &jmespath::DEFAULT_RUNTIME);
    jmespath::interpret(
        &to_variable(document).into(),
        &jmespath::parse(text).expect("the strategy makes expressions"),
        &mut context,
    )
}

/// A value as the library holds it. Its own way through serde takes exact numbers for objects.
fn to_variable(value: &Value) -> Variable {
    match value {
        Value::Null => Variable::Null,
        Value::Bool(flag) => Variable::Bool(*flag),
        Value::Number(number) => Variable::Number(number.clone()),
        Value::String(text) => Variable::String(text.clone()),
        Value::Array(items) => Variable::Array(items.iter().map(|item| to_variable(item).into()).collect()),
        Value::Object(fields) => Variable::Object(
            fields.iter().map(|(key, field)| (key.clone(), to_variable(field).into())).collect(),
        ),
    }
}

/// Back again, with whole doubles as whole numbers: the library counts everything in doubles.
fn to_value(variable: &Variable) -> Value {
    match variable {
        Variable::Null | Variable::Expref(_) => Value::Null,
        Variable::Bool(flag) => json!(flag),
        Variable::Number(number) => plain(number),
        Variable::String(text) => json!(text),
        Variable::Array(items) => items.iter().map(|item| to_value(item)).collect(),
        Variable::Object(fields) => Value::Object(
            fields.iter().map(|(key, field)| (key.clone(), to_value(field))).collect::<Map<_, _>>(),
        ),
    }
}

fn plain(number: &serde_json::Number) -> Value {
    let text = number.to_string();
    text.strip_suffix(".0").unwrap_or(&text).parse::<serde_json::Number>().map_or(Value::Null, Value::Number)
}

fn document() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(|flag| json!(flag)),
        (-3_i64..30).prop_map(|number| json!(number)),
        "[a-c]{0,2}".prop_map(|text| json!(text)),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-c]", inner, 0..4).prop_map(|fields| fields.into_iter().collect()),
        ]
    })
}

/// Expressions over the names of such documents. `merge` and `to_string`
/// are left out: the library sorts an object's fields and writes whole results as doubles.
fn expression() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        4 => "[a-c]",
        2 => Just("@".to_owned()),
        1 => (0_i32..4).prop_map(|number| format!("`{number}`")),
        1 => "'[a-c]{0,2}'",
        1 => Just("`null`".to_owned()),
    ];
    leaf.prop_recursive(4, 24, 3, |inner| {
        let one = inner.clone();
        let two = (inner.clone(), inner.clone());
        let suffix = prop_oneof![
            Just("[0]".to_owned()),
            Just("[-1]".to_owned()),
            Just("[*]".to_owned()),
            Just("[]".to_owned()),
            Just(".*".to_owned()),
            Just("[1:]".to_owned()),
            Just("[::-1]".to_owned()),
            Just("[:-1:2]".to_owned()),
        ];
        let binary = prop::sample::select(vec!["||", "&&", "==", "!=", "<", "<=", ">", ">=", "|"]);
        let function = prop::sample::select(vec![
            "length",
            "keys",
            "values",
            "type",
            "to_array",
            "reverse",
            "sort",
            "max",
            "min",
            "not_null",
            "abs",
            "ceil",
            "floor",
            "sum",
            "to_number",
        ]);
        prop_oneof![
            (one.clone(), suffix).prop_map(|(left, suffix)| format!("({left}){suffix}")),
            (two.clone(), binary)
                .prop_map(|((left, right), operator)| format!("({left} {operator} {right})")),
            (one.clone(), "[a-c]").prop_map(|(left, name)| format!("({left}).{name}")),
            (one.clone(), "[a-c]").prop_map(|(left, name)| format!("({left})[*].{name}")),
            two.clone().prop_map(|(left, test)| format!("({left})[?{test}]")),
            two.clone().prop_map(|(left, right)| format!("[{left}, {right}]")),
            two.clone().prop_map(|(left, right)| format!("{{a: {left}, b: {right}}}")),
            one.clone().prop_map(|inner| format!("!({inner})")),
            (function, one.clone()).prop_map(|(function, inner)| format!("{function}({inner})")),
            two.clone().prop_map(|(each, list)| format!("map(&{each}, {list})")),
            two.clone().prop_map(|(list, each)| format!("sort_by({list}, &{each})")),
            two.clone().prop_map(|(list, each)| format!("max_by({list}, &{each})")),
            two.prop_map(|(list, wanted)| format!("contains({list}, {wanted})")),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn the_library_finds_the_same(text in expression(), document in document()) {
        let library = library(&text, &document);
        let Ok(expression) = Expression::parse(&text) else {
            return Err(TestCaseError::reject("nested too deep"));
        };
        match (expression.evaluate(&document), library) {
            (Ok(ours), Ok(theirs)) => {
                let theirs = to_value(&theirs);
                prop_assert_eq!(ours, theirs, "{}", text);
            }
            (Err(EvalFault::WrongType { .. }), Err(_)) => {}
            (ours, theirs) => prop_assert!(false, "{text}: {ours:?} and {theirs:?}"),
        }
    }

    #[test]
    fn any_text_is_read_or_refused(text in r#"[a-c\[\]{}().,:*|&!?@<>=0-9'"` \\\n-]{0,60}"#, document in document()) {
        match Expression::parse(&text) {
            Ok(expression) => drop(expression.evaluate(&document)),
            Err(fault) => {
                prop_assert!(text.is_char_boundary(fault.offset) && fault.offset <= text.len());
                prop_assert!(fault.caret().contains('^'));
            }
        }
    }
}
