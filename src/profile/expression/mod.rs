//! Bounded JMESPath (jmespath.org/specification.html). The library parses; before it a check of
//! length and nesting, behind it our own tree and our own walk with fuel and a byte budget, so
//! that no text and no answer can take the process down.
//!
//! In order: `bounds` (before the parser), `wording` (its faults in our words), `growth` (what the tree
//! may make), `compile` (the tree into `node`), `walk` over `found` values within a `meter`, from a `scope`.
//!
//! To add a kind of expression: 1. a variant of `node::Node`, 2. its making in `compile` and its
//! evaluation in `walk` (the compiler asks), both paid for at the `meter`, 3. cases in
//! `fixtures/profile/jmespath/`. How to add a function stands in `functions/`.

pub mod bounds;
mod compare;
mod compile;
mod found;
mod functions;
mod growth;
pub mod meter;
mod node;
mod scope;
mod walk;
mod wording;

use serde_json::Value;

use super::fault::{EvalFault, MappingFault};
use meter::Meter;
use node::Node;

pub use found::Found;
pub use scope::Scope;

/// A checked expression, compiled once and run often.
#[derive(Debug, Clone, PartialEq)]
pub struct Expression {
    root: Node,
}

/// One field of an answer: its name, and what the expression found or why it could not.
pub type Entry<'a> = (&'a str, Result<Found<'a>, EvalFault>);

impl Expression {
    /// Reads an expression of at most 16 KiB. Unknown functions, slices that take nothing, texts that
    /// nest too deep and those that multiply what they read without end are refused here.
    pub fn parse(text: &str) -> Result<Self, MappingFault> {
        Self::read(text, growth::check)
    }

    /// Reads an expression that the meter alone has to stop: to show that it does.
    #[cfg(test)]
    pub(in crate::profile) fn parse_for_the_meter(text: &str) -> Result<Self, MappingFault> {
        Self::read(text, |_, _| Ok(()))
    }

    fn read(
        text: &str,
        check: impl Fn(&str, &jmespath::ast::Ast) -> Result<(), MappingFault>,
    ) -> Result<Self, MappingFault> {
        bounds::check(text)?;
        if text.trim().is_empty() {
            return Err(
                MappingFault::at(text, 0, "the expression is empty").with_hint("`@` is the whole answer")
            );
        }
        let tree = jmespath::parse(text).map_err(|error| wording::fault(text, &error))?;
        check(text, &tree)?;
        Ok(Self { root: compile::compile(text, &tree)? })
    }

    /// What it finds in a value; null if that is nothing.
    pub fn evaluate(&self, value: &Value) -> Result<Value, EvalFault> {
        self.evaluate_in(&Scope::of(value))
    }

    /// What it finds in a scope; null if that is nothing.
    pub fn evaluate_in(&self, scope: &Scope<'_>) -> Result<Value, EvalFault> {
        let meter = Meter::default();
        self.find(scope, &meter)?.to_value(&meter)
    }

    /// What it finds, uncopied.
    pub fn find<'a>(&'a self, scope: &'a Scope<'a>, meter: &Meter) -> Result<Found<'a>, EvalFault> {
        walk::eval(&self.root, &scope.as_found(), meter)
    }

    /// The names that it looks up in the scope itself, not behind another name.
    pub fn first_names(&self) -> Vec<&str> {
        let mut names = Vec::new();
        self.root.first_names(&mut names);
        names
    }

    /// The keys of the object that it writes out as `{a: …, b: …}`; none if it gives something else.
    pub fn written_keys(&self) -> Option<Vec<&str>> {
        let node = match &self.root {
            Node::Then(links) => links.last()?,
            node => node,
        };
        let Node::Object(fields) = node else { return None };
        Some(fields.iter().map(|(key, _)| &**key).collect())
    }

    /// The expression of one field of the object that it writes out; none if it writes none of that name.
    pub fn written(&self, key: &str) -> Option<Self> {
        let (before, node) = match &self.root {
            Node::Then(links) => links.split_last().map(|(last, before)| (before, last))?,
            node => (&[][..], node),
        };
        let Node::Object(fields) = node else { return None };
        let (_, value) = fields.iter().find(|(name, _)| **name == *key)?;
        let root = match before {
            [] => value.clone(),
            _ => Node::Then(before.iter().chain([value]).cloned().collect()),
        };
        Some(Self { root })
    }

    /// The fields of the object that it gives. Where the object is written out as `{a: …, b: …}`,
    /// each field stands for itself: one that cannot be evaluated does not take the others with it.
    pub fn entries<'a>(&'a self, scope: &'a Scope<'a>, meter: &Meter) -> Result<Vec<Entry<'a>>, EvalFault> {
        let (at, node) = match &self.root {
            Node::Then(links) => {
                let (last, before) = links.split_last().expect("a chain has at least two links");
                (walk::through(before, scope.as_found(), meter)?, last)
            }
            node => (scope.as_found(), node),
        };
        if let Node::Object(fields) = node
            && !at.is_null()
        {
            let entries = fields.iter().map(|(key, value)| (&**key, walk::eval(value, &at, meter)));
            return Ok(entries.collect());
        }
        let found = walk::eval(node, &at, meter)?;
        if found.kind() != found::Kind::Object {
            return Err(EvalFault::NotAnObject { found: found.kind().described() });
        }
        meter.spend(found.width())?;
        Ok(found.entries().into_iter().map(|(key, value)| (key, Ok(value))).collect())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn found(text: &str, value: &Value) -> Result<Value, EvalFault> {
        Expression::parse_for_the_meter(text).expect(text).evaluate(value)
    }

    /// Runs on half of the stack that a worker thread has.
    fn on_a_small_stack<T: Send + 'static>(run: impl FnOnce() -> T + Send + 'static) -> T {
        std::thread::Builder::new().stack_size(1024 * 1024).spawn(run).unwrap().join().unwrap()
    }

    #[test]
    fn the_deepest_texts_that_pass_fit_a_small_stack() {
        let wrap =
            |open: &str, close: &str, times: usize| format!("{}a{}", open.repeat(times), close.repeat(times));
        let deepest = bounds::MAX_DEPTH - 1;
        let texts = [
            wrap("[", "]", deepest),
            wrap("(", ")", deepest),
            wrap("{a:", "}", deepest),
            wrap("not_null(", ")", deepest),
            wrap("!", "", deepest),
            wrap("a.", "", deepest),
            wrap("*.", "", deepest / 2),
            wrap("[*].", "", deepest / 3),
            format!("a{}", "[]".repeat(deepest)),
            wrap("[?", "]", deepest),
            wrap("map(&", ", @)", deepest / 2),
            wrap("a||", "", 256),
            wrap("@|", "", 256),
        ];
        for text in texts {
            let value = on_a_small_stack(move || {
                let expression = Expression::parse(&text).map_err(|fault| format!("{fault}: {text}"))?;
                let _ = expression.evaluate(&json!({"a": [1]}));
                Ok::<(), String>(())
            });
            assert_eq!(value, Ok(()));
        }
    }

    #[test]
    fn two_thousand_brackets_are_refused_and_not_parsed() {
        let depth = "the expression is nested too deep";
        for text in ["[".repeat(2000), "(".repeat(2000), "!".repeat(5000), "not_null(".repeat(1500)] {
            assert_eq!(on_a_small_stack(move || Expression::parse(&text)).unwrap_err().message, depth);
        }
    }

    #[test]
    fn what_multiplies_without_end_is_refused_with_its_place_and_would_end_at_the_budget() {
        let ten = ["@"; 10].join(",");
        let list = "`[0,1,2,3,4,5,6,7,8,9]`[*].[";
        for text in [
            format!("@{}", "|[@,@]".repeat(25)),
            format!("@{}", "|{a:@,b:@}".repeat(25)),
            format!("@{}", format!("|[{ten}][]").repeat(8)),
            format!("@{}", format!("|join('',[{ten}])").repeat(8)),
            format!("{}@{}", list.repeat(9), "]".repeat(9)),
            format!("@{}", "|map(&[@,@],[@,@])".repeat(16)),
        ] {
            let fault = Expression::parse(&text).expect_err(&text);
            assert!(fault.message.contains("1,000,000") && fault.offset > 0, "{fault}");
            let whoami = json!({"a": "x".repeat(1000)});
            let found = Expression::parse_for_the_meter(&text).expect(&text).evaluate(&whoami);
            assert!(
                matches!(
                    found,
                    Err(EvalFault::TooLarge | EvalFault::OutOfFuel | EvalFault::WrongType { .. })
                ),
                "{text}"
            );
        }
    }

    #[test]
    fn literals_of_any_size_and_depth_are_read_or_refused_and_fit_a_small_stack() {
        let nested = |depth: usize| format!("`{}1{}`", "[".repeat(depth), "]".repeat(depth));
        let objects = |depth: usize| format!("`{}1{}`", "{\"a\":".repeat(depth), "}".repeat(depth));
        for text in
            [nested(100), objects(100), format!("{}{}{}", "[".repeat(40), nested(100), "]".repeat(40))]
        {
            let read = on_a_small_stack(move || {
                Expression::parse(&text).map(|expression| expression.evaluate(&json!(1)).map(drop))
            });
            assert_eq!(read, Ok(Ok(())));
        }
        for text in [nested(128), nested(8000), objects(2000), "`[".to_owned() + &"1,".repeat(8000) + "1`"] {
            let fault = on_a_small_stack(move || Expression::parse(&text)).err();
            assert!(fault.is_none_or(|fault| fault.message.contains("no JSON") || fault.message.contains("16 KiB")));
        }
        let huge = format!("`{}`", "9".repeat(5000));
        for text in
            [huge.clone(), format!("abs({huge})"), format!("sum([{huge},{huge}])"), "ceil(`1e99999`)".into()]
        {
            let _ = Expression::parse(&text).expect("a number").evaluate(&json!(1));
        }
    }

    #[test]
    fn a_doubling_pipe_ends_at_the_budget() {
        let doubling = format!("@{}", "|[@,@]".repeat(25));
        assert_eq!(found(&doubling, &json!("x")), Err(EvalFault::TooLarge));
        assert_eq!(found(&format!("{doubling}|to_string(@)"), &json!("x")), Err(EvalFault::OutOfFuel));
        assert_eq!(found(&format!("{doubling}|@==@"), &json!("x")), Err(EvalFault::OutOfFuel));
        assert_eq!(
            found(&format!("{doubling}|length(@)"), &json!("x")),
            Ok(json!(2)),
            "sharing costs nothing"
        );
    }

    #[test]
    fn the_mapping_that_took_gigabytes_ends_at_the_budget() {
        let ten = ["@"; 10].join(",");
        let lists = format!("@{}", format!("|[{ten}][]").repeat(8));
        assert_eq!(lists.len(), 193);
        assert_eq!(found(&lists, &json!([1])), Err(EvalFault::TooLarge));
        let texts = format!("@{}", format!("|join('',[{ten}])").repeat(8));
        assert_eq!(found(&texts, &json!("x")), Err(EvalFault::TooLarge));
    }

    #[test]
    fn nested_references_end_at_the_fuel() {
        let list = json!(vec![1; 200]);
        let maps = "map(&map(&map(&map(&@, @), [@,@]), [@,@]), @)".replace("[@,@]", "$");
        let maps = maps.replace('$', "[`1`,`2`,`3`]");
        assert!(found(&maps, &list).is_err());
        let sorts = "[*].[sort_by($, &@)]".replace('$', "`[[3],[1],[2]]`[*][0]");
        assert!(found(&sorts, &list).is_ok());
        let squared = "[*].[$[*].[$[*].[$[*].x]]]"
            .replace('$', "`[0,1,2,3,4,5,6,7,8,9,0,1,2,3,4,5,6,7,8,9,0,1,2,3,4,5,6,7,8,9]`");
        assert_eq!(found(&squared, &list), Err(EvalFault::OutOfFuel));
    }

    #[test]
    fn sorting_a_hundred_thousand_is_refused_or_done_but_paid_for() {
        let many: Value = (0..100_000).map(|n| json!(format!("{:06}", n * 7919 % 100_000))).collect();
        assert!(matches!(
            found("sort(@)[0]", &many),
            Ok(_) | Err(EvalFault::OutOfFuel | EvalFault::TooLarge)
        ));
        let some: Value = (0..10_000).map(|n| json!(n * 7919 % 10_000)).collect();
        assert_eq!(found("sort(@)[:3]", &some), Ok(json!([0, 1, 2])));
    }

    #[test]
    fn slices_with_huge_numbers_are_refused() {
        for text in ["a[1::2147483647]", "a[-2000000:]", "a[:2147483647]", "a[::0]", "[9223372036854775807]"]
        {
            assert!(Expression::parse(text).is_err(), "{text} passed");
        }
        assert_eq!(found("a[1::1000000]", &json!({"a": [1, 2, 3]})), Ok(json!([2])));
        assert_eq!(found("a[2147483647] || a[-2147483647]", &json!({"a": [1]})), Ok(Value::Null));
    }

    #[test]
    fn an_unknown_function_is_refused_where_it_stands() {
        let fault = Expression::parse("{a: b,\n c: lenght (d)}").unwrap_err();
        assert_eq!((fault.line, fault.column), (2, 5));
        assert_eq!(fault.message, "there is no function `lenght`");
        assert_eq!(fault.hint.as_deref(), Some("did you mean `length`"));
    }

    #[test]
    fn calls_are_checked_before_they_run() {
        for (text, message) in [
            ("length()", "`length` takes one argument and is given 0"),
            ("join(a)", "`join` takes two arguments and is given 1"),
            ("merge()", "`merge` takes at least one argument and is given 0"),
            ("sort_by(a, b)", "argument 2 of `sort_by` wants an `&` before it"),
            ("length(&a)", "`&` does not stand here"),
            ("[&a]", "`&` does not stand here"),
        ] {
            assert_eq!(Expression::parse(text).unwrap_err().message, message);
        }
    }

    #[test]
    fn every_digit_survives() {
        let value: Value = serde_json::from_str(r#"{"id": 12345678901234567890123, "f": 1.0}"#).unwrap();
        for text in
            ["id", "[id][0]", "{a: id}.a", "to_number(to_string(id))", "max([id])", "abs(id)", "ceil(id)"]
        {
            assert_eq!(found(text, &value).unwrap().to_string(), "12345678901234567890123", "{text}");
        }
        assert_eq!(found("f", &value).unwrap().to_string(), "1.0");
        assert_eq!(found("id == `12345678901234567890124`", &value), Ok(json!(false)));
        assert_eq!(
            found("`98765432109876543210987`", &value).unwrap().to_string(),
            "98765432109876543210987"
        );
    }

    #[test]
    fn faults_of_the_parser_are_told_in_our_words() {
        for (text, wanted) in [
            (
                "{a: b",
                "the expression ends too early (line 1, column 6); the `{` at line 1, column 1 is never closed",
            ),
            ("a.b c", "unexpected `c` (line 1, column 5)"),
            ("a[?b = 'x']", "unexpected `=` (line 1, column 6); did you mean `==`"),
            ("a[?b > 18]", "unexpected `18` (line 1, column 8); a number stands in backticks: `` `18` ``"),
            ("$.user", "unexpected `$` (line 1, column 1); paths do not begin with `$`: write `user.id`"),
            ("{a b}", "a `:` is missing behind the field's name, before `b` (line 1, column 4)"),
            ("'abc", "this quote is never closed (line 1, column 1)"),
            (
                "`[1,2`",
                "what stands between the backticks is no JSON (line 1, column 1); a text stands in single quotes: 'text'",
            ),
            (
                "é.b",
                "unexpected `é` (line 1, column 1); a name with other characters than letters, digits and `_` stands in double quotes",
            ),
            ("  ", "the expression is empty (line 1, column 1); `@` is the whole answer"),
        ] {
            assert_eq!(Expression::parse(text).unwrap_err().to_string(), wanted);
        }
    }

    #[test]
    fn roots_win_over_named_values_and_those_over_the_body() {
        let body = json!({"claims": {"sub": "forged"}, "emails": "own", "id": 7});
        let (named, claims) = ([("emails".to_owned(), json!(["call"]))], json!({"sub": "true"}));
        let roots = [("whoami", &body), ("claims", &claims), ("token_response", &Value::Null)];
        let scope = Scope::of(&body).with_named(&named).with_roots(&roots);
        let find = |text: &str| Expression::parse(text).unwrap().evaluate_in(&scope).unwrap();
        assert_eq!(find("claims.sub"), json!("true"));
        assert_eq!(find("@.claims.sub"), json!("true"));
        assert_eq!(find("[emails, whoami.emails]"), json!([["call"], "own"]));
        assert_eq!(find("token_response"), Value::Null);
        assert_eq!(find("sort(keys(@))"), json!(["emails", "id"]), "roots are found by name only");
        assert_eq!(find("@"), json!({"id": 7, "emails": ["call"]}));
        assert_eq!(find("[length(@), type(@), @ == @]"), json!([2, "object", true]));
    }

    #[test]
    fn a_body_that_is_a_list_or_missing_still_has_roots_beside_it() {
        let (list, claims) = (json!([{"uid": "u1"}]), json!({"sub": "s"}));
        let roots = [("claims", &claims)];
        let find = |body: &Value, text: &str| {
            Expression::parse(text).unwrap().evaluate_in(&Scope::of(body).with_roots(&roots)).unwrap()
        };
        assert_eq!(find(&list, "[0].uid"), json!("u1"));
        assert_eq!(find(&list, "@"), list);
        assert_eq!(find(&list, "[claims.sub, type(@)]"), json!(["s", "array"]));
        assert_eq!(find(&Value::Null, "{a: claims.sub}"), json!({"a": "s"}));
    }
}
