//! From the JSON of a client to a tree of settings. Names are checked here, since they are others than
//! in a file; what the values say is for the reader of files. Secrets are taken out.

use serde_json::{Map, Number, Value};

use crate::clock::Clock;
use crate::config::shape::{Kind, Table};
use crate::config::words::quoted;
use crate::domain::stored::{Secrets, Settings};
use crate::flow::settings::format::Remark;
use crate::secret::Secret;

use super::names::{Member, choose, find, is_secret};

/// What tells the tables of a list apart, so that a secret that is not sent stays with its own.
const IDENTITIES: [&str; 4] = ["id", "client_id", "name", "url"];

/// Takes what a client sent. A secret that is left out stays as `before` has it, `null` takes it away, and so does it
/// with every other setting.
pub(super) fn take(
    shape: &'static Table,
    sent: &Map<String, Value>,
    before: Option<&Settings>,
    secrets: &mut Secrets,
    clock: &Clock,
) -> Result<Settings, Vec<Remark>> {
    let mut taking = Taking { secrets, clock, remarks: Vec::new() };
    let tree = taking.table(shape, sent, before, "");
    if taking.remarks.is_empty() { Ok(tree) } else { Err(taking.remarks) }
}

struct Taking<'t> {
    secrets: &'t mut Secrets,
    clock: &'t Clock,
    remarks: Vec<Remark>,
}

impl Taking<'_> {
    fn table(
        &mut self,
        shape: &'static Table,
        sent: &Map<String, Value>,
        before: Option<&Settings>,
        at: &str,
    ) -> Settings {
        let mut tree = Settings::new();
        for (member, value) in sent {
            let pointer = format!("{at}/{}", member.replace('~', "~0").replace('/', "~1"));
            let (name, kind) = match find(shape, member) {
                Member::Setting(name, kind) => (name, kind),
                Member::Open(kind) => (member.as_str(), kind),
                Member::Unknown(help) => {
                    self.fault(&pointer, &format!("unknown setting {}", quoted(member)), Some(help));
                    continue;
                }
            };
            let known = before.and_then(|before| before.get(name));
            // Where there is one secret and several are sent, it is the first of those that there are.
            let one = before.filter(|_| known.is_none()).and_then(|before| before.get(one_of(shape, name)?));
            let one = one.map(|one| Value::Array(vec![one.clone()]));
            if let Some(value) = self.value(kind, value, known.or(one.as_ref()), &pointer) {
                tree.insert(name.to_owned(), value);
            }
        }
        // What a client cannot read it need not send.
        for field in shape.fields.iter().filter(|field| is_secret(&field.kind)) {
            // Several stand in place of the one, and the one in place of several.
            let is_other = |name: &str| {
                one_of(shape, name) == Some(field.name) || one_of(shape, field.name) == Some(name)
            };
            let is_sent = sent.iter().any(|(member, value)| match find(shape, member) {
                Member::Setting(name, _) => name == field.name || is_other(name) && !value.is_null(),
                _ => false,
            });
            if let Some(known) = before.and_then(|before| before.get(field.name)).filter(|_| !is_sent) {
                tree.insert(field.name.to_owned(), known.clone());
            }
        }
        tree
    }

    /// A value; none if it is to be as if it were left out.
    fn value(
        &mut self,
        kind: &'static Kind,
        value: &Value,
        before: Option<&Value>,
        at: &str,
    ) -> Option<Value> {
        if value.is_null() {
            return None;
        }
        match (choose(kind, value), value) {
            (kind, shown) if is_secret(kind) && is_shown(shown) => {
                if before.is_none() {
                    let help = "send the secret itself, as a text, or leave it out";
                    self.fault(at, "there is no secret here that could stay", Some(help.to_owned()));
                }
                before.cloned()
            }
            (Kind::Secret, Value::String(text)) => {
                let (now, fresh) = (self.clock.now(), self.clock.fresh_uuid());
                Some(self.secrets.keep(Secret::new(text.as_str()), now, fresh))
            }
            (Kind::Secret, _) => {
                let help = "leave it out to keep it, send a text for another, or null to take it away";
                self.fault(at, "a secret is sent as a text", Some(help.to_owned()));
                None
            }
            (Kind::Table(shape), Value::Object(sent)) => {
                let before = before.and_then(Value::as_object);
                Some(Value::Object(self.table(shape, sent, before, at)))
            }
            (Kind::List(inner), Value::Array(items)) => {
                let known = before.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
                Some(Value::Array(self.list(inner, items, known, at)))
            }
            (_, value) => {
                self.plain(value, at);
                Some(value.clone())
            }
        }
    }

    fn list(&mut self, kind: &'static Kind, items: &[Value], before: &[Value], at: &str) -> Vec<Value> {
        let (mut list, mut shown) = (Vec::new(), 0);
        for (index, item) in items.iter().enumerate() {
            let pointer = format!("{at}/{index}");
            if item.is_null() {
                self.fault(&pointer, "a list holds no null", None);
                continue;
            }
            let known = match (kind, item) {
                (Kind::Table(shape), Value::Object(sent)) => {
                    let own = identity(sent, |name| super::names::member_named(shape, name));
                    let is_it = |known: &&Value| {
                        let tree = known.as_object();
                        own.is_some() && tree.and_then(|tree| identity(tree, str::to_owned)) == own
                    };
                    before.iter().find(is_it)
                }
                // The first that is shown is the first that there is, wherever it stands beside new ones.
                _ if is_secret(kind) && is_shown(item) => {
                    shown += 1;
                    before.get(shown - 1)
                }
                _ => before.get(index),
            };
            list.extend(self.value(kind, item, known, &pointer));
        }
        list
    }

    /// Whether a settings file can hold a value that is kept as it is.
    fn plain(&mut self, value: &Value, at: &str) {
        match value {
            Value::Number(number) if !fits(number) => {
                let help = "send it as a text".to_owned();
                self.fault(at, "the number has more digits than a setting can hold", Some(help));
            }
            Value::Null => self.fault(at, "a setting holds no null within", Some("leave it out".to_owned())),
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    self.plain(item, &format!("{at}/{index}"));
                }
            }
            Value::Object(members) => {
                for (name, item) in members {
                    self.plain(item, &format!("{at}/{}", name.replace('~', "~0").replace('/', "~1")));
                }
            }
            _ => {}
        }
    }

    fn fault(&mut self, at: &str, message: &str, help: Option<String>) {
        self.remarks.push(Remark::new(at, message, help));
    }
}

/// The setting of one secret, if this is the setting of several (`secrets`).
fn one_of(shape: &'static Table, name: &str) -> Option<&'static str> {
    shape.field(name).filter(|field| matches!(field.kind, Kind::List(Kind::Secret)))?;
    let field = shape.field(name.strip_suffix('s')?)?;
    matches!(field.kind, Kind::Secret).then_some(field.name)
}

/// What a client is shown of a secret; sent back, it means the secret that is there.
fn is_shown(value: &Value) -> bool {
    value.as_object().is_some_and(|object| object.get("set") == Some(&Value::Bool(true)))
}

/// The first setting of a table that tells it apart, with its value.
fn identity(tree: &Map<String, Value>, named: impl Fn(&str) -> String) -> Option<(&'static str, &str)> {
    IDENTITIES.into_iter().find_map(|name| Some((name, tree.get(&named(name))?.as_str()?)))
}

/// TOML's numbers are of 64 bits.
fn fits(number: &Number) -> bool {
    let text = number.as_str();
    if text.contains(['.', 'e', 'E']) {
        return text.parse::<f64>().is_ok_and(f64::is_finite);
    }
    text.parse::<i64>().is_ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::super::shape::SHAPE;
    use super::super::names::shape_of;
    use super::*;
    use crate::flow::settings::format::Part;

    fn object(value: Value) -> Map<String, Value> {
        match value {
            Value::Object(object) => object,
            other => panic!("{other}"),
        }
    }

    fn taken(shape: &'static Table, sent: Value, before: Option<&Settings>, secrets: &mut Secrets) -> Value {
        take(shape, &object(sent), before, secrets, &Clock::system()).map(Value::Object).unwrap()
    }

    fn faults(sent: Value) -> Vec<(String, String)> {
        let taken =
            take(shape_of(Part::Provider), &object(sent), None, &mut Secrets::default(), &Clock::system());
        taken.unwrap_err().into_iter().map(|remark| (remark.pointer, remark.message)).collect()
    }

    #[test]
    fn names_change_and_those_that_a_tenant_chose_do_not() {
        let sent = json!({"clientId": "a", "enrich": {"required": ["email"], "fullName": "fill"},
            "authorizeParams": {"maxAge": "1"}, "mapping": {"fullName": "x"}, "scope": null});
        let tree = taken(shape_of(Part::Provider), sent, None, &mut Secrets::default());
        let wanted = json!({"client_id": "a", "enrich": {"required": ["email"], "fullName": "fill"},
            "authorize_params": {"maxAge": "1"}, "mapping": {"fullName": "x"}});
        assert_eq!(tree, wanted);
    }

    #[test]
    fn a_secret_is_taken_out_and_stays_until_another_comes_or_null() {
        let mut secrets = Secrets::default();
        let first =
            object(taken(shape_of(Part::Provider), json!({"clientSecret": "one"}), None, &mut secrets));
        assert!(!Value::Object(first.clone()).to_string().contains("one"));
        assert_eq!(secrets.of(&first["client_secret"]).unwrap().value.expose(), "one");
        for kept in [json!({}), json!({"clientSecret": {"set": true, "changedAt": "x"}})] {
            let again = taken(shape_of(Part::Provider), kept, Some(&first), &mut secrets);
            assert_eq!(again, Value::Object(first.clone()));
        }
        assert_eq!(
            taken(shape_of(Part::Provider), json!({"clientSecret": null}), Some(&first), &mut secrets),
            json!({})
        );
        let other =
            taken(shape_of(Part::Provider), json!({"clientSecret": "two"}), Some(&first), &mut secrets);
        assert_eq!(secrets.of(&other["client_secret"]).unwrap().value.expose(), "two");
        assert_eq!(faults(json!({"clientSecret": {"env": "PATH"}}))[0].0, "/clientSecret");
    }

    #[test]
    fn the_secret_of_a_list_stays_with_its_own_table() {
        let mut secrets = Secrets::default();
        let hook = |id: &str, secret: Value| json!({"id": id, "url": "https://a.example", "secret": secret});
        let sent = json!({"webhooks": [hook("a", json!("sa")), hook("b", json!("sb"))]});
        let first = object(taken(&SHAPE, sent, None, &mut secrets));
        let shown = json!({"set": true});
        let sent = json!({"webhooks": [hook("b", shown.clone()), hook("c", json!("sc"))]});
        let second = taken(&SHAPE, sent, Some(&first), &mut secrets);
        assert_eq!(second["webhook"][0]["secret"], first["webhook"][1]["secret"]);
        let sent = json!({"webhooks": [hook("b", shown.clone()), hook("d", shown)]});
        let refused = take(&SHAPE, &object(sent), Some(&first), &mut secrets, &Clock::system()).unwrap_err();
        let told: Vec<_> = refused.iter().map(|remark| remark.pointer.as_str()).collect();
        assert_eq!(told, ["/webhooks/1/secret"], "a new one has none to keep");
    }

    #[test]
    fn a_secret_is_replaced_behind_which_the_present_one_stays() {
        let (mut secrets, shape) = (Secrets::default(), shape_of(Part::Webhook));
        let texts = |secrets: &Secrets, tree: &Value| -> Vec<String> {
            let of = |one: &Value| secrets.of(one).unwrap().value.expose().to_owned();
            tree["secrets"].as_array().unwrap().iter().map(of).collect()
        };
        let (url, shown) = ("https://a.example/", json!({"set": true}));
        let one = object(taken(shape, json!({"url": url, "secret": "old"}), None, &mut secrets));
        let sent = json!({"url": url, "secrets": ["new", shown.clone()]});
        let both = taken(shape, sent, Some(&one), &mut secrets);
        assert_eq!(
            (texts(&secrets, &both), both.get("secret")),
            (vec!["new".to_owned(), "old".to_owned()], None)
        );
        // And once more, with several that are there.
        let sent = json!({"url": url, "secrets": ["newer", shown.clone()]});
        let next = taken(shape, sent, Some(&object(both.clone())), &mut secrets);
        assert_eq!(texts(&secrets, &next), ["newer", "new"]);
        let sent = json!({"url": url, "secrets": [shown.clone(), shown.clone()]});
        let same = taken(shape, sent, Some(&object(both.clone())), &mut secrets);
        assert_eq!(texts(&secrets, &same), ["new", "old"]);
        let back = taken(shape, json!({"url": url, "secret": "last"}), Some(&object(both)), &mut secrets);
        assert_eq!(
            (back.get("secrets"), secrets.of(&back["secret"]).unwrap().value.expose()),
            (None, "last")
        );
        let sent = object(json!({"url": url, "secrets": ["new", shown.clone(), shown]}));
        let refused = take(shape, &sent, Some(&one), &mut secrets, &Clock::system()).unwrap_err();
        assert_eq!(refused[0].pointer, "/secrets/2", "there is no second one");
    }

    #[test]
    fn what_a_file_cannot_hold_is_refused_at_its_place() {
        let sent = json!({"client_id": "a", "colour": 1, "mapping": {"a/b": "x"}, "trusted": [null]});
        let told: Vec<_> = faults(sent).into_iter().map(|(pointer, _)| pointer).collect();
        assert_eq!(told, ["/client_id", "/colour", "/mapping/a~1b", "/trusted/0"]);
        let sent: Map<_, _> = serde_json::from_str(
            r#"{"rules": [{"when": "x", "set": {"n": 12345678901234567890, "f": 1e999, "l": [1, null]}}]}"#,
        )
        .unwrap();
        let told = take(&SHAPE, &sent, None, &mut Secrets::default(), &Clock::system()).unwrap_err();
        let told: Vec<_> = told.iter().map(|remark| remark.pointer.as_str()).collect();
        assert_eq!(told, ["/rules/0/set/n", "/rules/0/set/f", "/rules/0/set/l/1"]);
    }
}
