//! A tenant's rules: compiled once, run at every sign-in within one budget. A rule that errs is a
//! no and a note; it never fails a login (DESIGN §5.5).

use serde_json::{Map, Value};

use crate::domain::conversation::ConversationRef;
use crate::domain::profile::Profile;
use crate::domain::rule::Rule;

use super::expression::meter::{BYTES, FUEL, Meter};
use super::expression::{Expression, Scope};
use super::fault::{EvalFault, MappingFault};
use super::repair;

/// The names that a rule reads.
pub const NAMES: [&str; 4] = ["profile", "whoami", "claims", "conversation"];
/// How many rules a tenant has.
pub const MAX_RULES: usize = 100;
/// One rule takes at most this part of what all of them may cost, so that it starves no other.
const SHARE: u64 = 4;

static NULL: Value = Value::Null;

/// Rules that can run.
#[derive(Debug, Clone)]
pub struct CompiledRules {
    list: Vec<(Expression, Map<String, Value>)>,
}

/// What a sign-in has brought.
#[derive(Debug, Clone, Copy)]
pub struct RuleInput<'a> {
    /// The normalised fields.
    pub profile: &'a Profile,
    /// The WhoAmI body; null if there is no WhoAmI.
    pub whoami: &'a Value,
    /// The claims of a verified `id_token`.
    pub claims: Option<&'a Value>,
    /// Where the link was sent.
    pub conversation: Option<&'a ConversationRef>,
}

/// What the rules say.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Ruling {
    /// What they have set.
    pub fields: Map<String, Value>,
    /// Rules that could not be evaluated: their numbers and why, nothing of the input.
    pub notes: Vec<String>,
}

impl CompiledRules {
    /// Compiles rules; the fault names the rule.
    pub fn new(rules: &[Rule]) -> Result<Self, MappingFault> {
        let read = rules.iter().enumerate().map(|(index, rule)| match repair::parse(&rule.when) {
            Ok(repaired) => Ok((repaired.expression, rule.set.clone())),
            Err(fault) => Err(fault.in_field(&format!("rule {}", index + 1))),
        });
        Ok(Self { list: read.collect::<Result<_, _>>()? })
    }

    /// Evaluates every rule in its order; later ones win.
    pub fn evaluate(&self, input: &RuleInput<'_>) -> Ruling {
        let mut ruling = Ruling::default();
        if self.list.is_empty() {
            return ruling;
        }
        let profile = Value::Object(input.profile.as_map().clone());
        let conversation = serde_json::to_value(input.conversation).expect("a conversation's name is JSON");
        let values = [&profile, input.whoami, input.claims.unwrap_or(&NULL), &conversation];
        let roots: Vec<(&str, &Value)> = NAMES.into_iter().zip(values).collect();
        let scope = Scope::of(&NULL).with_roots(&roots);
        let mut fuel = FUEL;
        for (index, (when, set)) in self.list.iter().enumerate() {
            let share = fuel.min(FUEL / SHARE);
            let meter = Meter::of(share, BYTES);
            match when.find(&scope, &meter) {
                Ok(found) if found.is_truthy() => {
                    ruling.fields.extend(set.iter().map(|(name, value)| (name.clone(), value.clone())));
                }
                Ok(_) => {}
                Err(fault) => ruling.notes.push(note(index + 1, &fault)),
            }
            fuel -= share - meter.fuel_left();
        }
        ruling
    }
}

/// The names in an expression that no rule can read, so that they are always null: a slip.
pub fn unknown_names(text: &str) -> Vec<String> {
    let Ok(repaired) = repair::parse(text) else { return Vec::new() };
    let names = repaired.expression.first_names().into_iter();
    names.filter(|name| !NAMES.contains(name)).map(str::to_owned).collect()
}

fn note(number: usize, fault: &EvalFault) -> String {
    let kind = match fault {
        EvalFault::OutOfFuel => "it takes too many steps for this answer".to_owned(),
        EvalFault::TooLarge => "it makes too much of this answer".to_owned(),
        EvalFault::NotAnObject { .. } | EvalFault::WrongType { .. } => fault.to_string(),
    };
    format!("rule {number} counts as not met: {kind}")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::profile::ProfileField;

    fn rules(rules: &[(&str, Value)]) -> CompiledRules {
        let rules: Vec<_> = rules
            .iter()
            .map(|(when, set)| Rule { when: (*when).to_owned(), set: set.as_object().unwrap().clone() })
            .collect();
        CompiledRules::new(&rules).unwrap()
    }

    fn ruling(list: &[(&str, Value)], whoami: &Value) -> Ruling {
        let mut profile = Profile::default();
        profile.set_text(ProfileField::Email, "vip@acme.example");
        let conversation = serde_json::from_value(json!({"id": "c", "channel": "sms"})).unwrap();
        let input = RuleInput { profile: &profile, whoami, claims: None, conversation: Some(&conversation) };
        rules(list).evaluate(&input)
    }

    #[test]
    fn a_rule_reads_profile_whoami_claims_and_conversation() {
        for (when, met) in [
            ("contains(whoami.roles, 'vip')", true),
            ("ends_with(profile.email, '@acme.example')", true),
            ("conversation.channel == 'sms'", true),
            ("conversation.handle", false),
            ("claims", false),
            ("whoami.roles[?@ == 'other']", false),
            ("`0`", true),
            ("roles", false),
            ("@", false),
        ] {
            let found = ruling(&[(when, json!({"met": true}))], &json!({"roles": ["vip"]}));
            assert_eq!(found.fields.contains_key("met"), met, "{when}");
            assert!(found.notes.is_empty(), "{when}: {:?}", found.notes);
        }
    }

    #[test]
    fn later_rules_win_field_by_field() {
        let list = [
            ("`true`", json!({"queue": "all", "level": 1})),
            ("whoami.vip", json!({"queue": "vip"})),
            ("whoami.nothing", json!({"queue": "none"})),
        ];
        let found = ruling(&list, &json!({"vip": true}));
        assert_eq!(Value::Object(found.fields), json!({"queue": "vip", "level": 1}));
    }

    #[test]
    fn a_rule_that_errs_is_a_no_and_a_note_without_anything_of_the_person() {
        let list = [("length(whoami.secret)", json!({"a": 1})), ("whoami.secret", json!({"b": 1}))];
        let found = ruling(&list, &json!({"secret": 4711}));
        assert_eq!(found.fields.keys().collect::<Vec<_>>(), ["b"]);
        assert_eq!(found.notes.len(), 1);
        let told = "rule 1 counts as not met: `length` wants";
        assert!(found.notes[0].starts_with(told), "{:?}", found.notes);
        assert!(!found.notes[0].contains("4711"), "{:?}", found.notes);
    }

    #[test]
    fn a_dear_rule_does_not_starve_the_others_and_all_together_end() {
        let dear =
            "whoami[*].[$[*].[$[*].[$[*].x]]]".replace('$', "`[0,1,2,3,4,5,6,7,8,9,0,1,2,3,4,5,6,7,8,9]`");
        let mut list = vec![(&*dear, json!({"dear": 1})), ("`true`", json!({"cheap": 1}))];
        let whoami = json!(vec![1; 300]);
        let found = ruling(&list, &whoami);
        assert_eq!((found.fields.contains_key("cheap"), found.notes.len()), (true, 1), "{:?}", found.notes);
        list.splice(0..0, vec![(&*dear, json!({"dear": 1})); 4]);
        let found = ruling(&list, &whoami);
        assert!(found.notes.len() >= 5, "what all of them may cost is spent: {:?}", found.notes);
    }

    #[test]
    fn a_fault_names_its_rule() {
        let broken = Rule { when: "a..b".to_owned(), set: Map::new() };
        let fine = Rule { when: "whoami".to_owned(), set: Map::new() };
        let fault = CompiledRules::new(&[fine, broken]).unwrap_err();
        assert_eq!(fault.field.as_deref(), Some("rule 2"));
    }

    #[test]
    fn a_name_that_is_always_null_is_found_wherever_it_stands_first() {
        assert_eq!(unknown_names("true"), ["true"]);
        assert_eq!(
            unknown_names("contains(roles, 'vip') && !profile.email || user.id == `1`"),
            ["roles", "user"]
        );
        assert_eq!(
            unknown_names("[{a: one}, two[*].x, three[], four.*, five | six]"),
            ["one", "two", "three", "four", "five"]
        );
        for fine in [
            "whoami.a.b",
            "whoami.roles[?name == 'x'].id",
            "sort_by(whoami.list, &age)[0]",
            "@",
            "'x'",
            "whoami | roles",
            "a..b",
        ] {
            assert!(unknown_names(fine).is_empty(), "{fine}");
        }
    }
}
