//! From a tree of settings to the JSON of the API, without secrets, and what differs between two trees.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::config::shape::{Kind, Table};
use crate::domain::stored::{Difference, Secrets, Settings};

use super::names::{choose, is_secret, member_named};

/// The settings as a client may see them.
pub(super) fn show(shape: &'static Table, tree: &Settings, secrets: &Secrets) -> Map<String, Value> {
    let shown = tree.iter().map(|(name, value)| {
        // What the table does not know was a setting once: nobody can say what it holds.
        let shown = match shape.kind_of(name) {
            Some(kind) => shown(kind, value, secrets),
            None => json!({ "set": true }),
        };
        (member_named(shape, name), shown)
    });
    shown.collect()
}

/// Every setting that is not the same, by its pointer.
pub(super) fn differences(shape: &'static Table, before: &Settings, after: &Settings) -> Vec<Difference> {
    let mut found = Vec::new();
    compare(shape, before, after, "", &mut found);
    found
}

fn shown(kind: &'static Kind, value: &Value, secrets: &Secrets) -> Value {
    match (choose(kind, value), value) {
        (Kind::List(inner), Value::Array(items)) => {
            items.iter().map(|item| shown(inner, item, secrets)).collect()
        }
        (kind, value) if is_secret(kind) => match secrets.of(value) {
            Some(kept) => json!({ "set": true, "changedAt": kept.since }),
            None => json!({ "set": true }),
        },
        (Kind::Table(shape), Value::Object(tree)) => Value::Object(show(shape, tree, secrets)),
        // It was of another kind once.
        (Kind::Later, _) => json!({ "set": true }),
        (_, value) => value.clone(),
    }
}

fn compare(
    shape: &'static Table,
    before: &Settings,
    after: &Settings,
    at: &str,
    found: &mut Vec<Difference>,
) {
    let names: BTreeSet<_> = before.keys().chain(after.keys()).collect();
    for name in names {
        let (old, new) = (before.get(name), after.get(name));
        if old == new {
            continue;
        }
        let member = member_named(shape, name).replace('~', "~0").replace('/', "~1");
        let setting = format!("{at}/{member}");
        let kind = shape.kind_of(name);
        if let (Some(Kind::Table(inner)), Some(Value::Object(old)), Some(Value::Object(new))) =
            (kind, old, new)
        {
            compare(inner, old, new, &setting, found);
            continue;
        }
        let what = match (old, new) {
            (None, _) => "added",
            (_, None) => "removed",
            _ => "changed",
        };
        // Lists of tables may hold secrets: they are shown as they are shown to all.
        let none = Secrets::default();
        let seen = |value: Option<&Value>| {
            let kind = kind.filter(|kind| !is_secret(kind))?;
            Some(shown(kind, value?, &none))
        };
        found.push(Difference { before: seen(old), after: seen(new), setting, what });
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use uuid::Uuid;

    use super::super::super::shape::SHAPE;
    use super::super::names::shape_of;
    use super::*;
    use crate::flow::settings::format::Part;
    use crate::secret::Secret;

    fn tree(value: Value) -> Settings {
        let Value::Object(tree) = value else { panic!("{value}") };
        tree
    }

    #[test]
    fn secrets_and_hashes_are_told_of_and_never_shown() {
        let mut secrets = Secrets::default();
        let one = secrets.keep(Secret::new("canary"), Timestamp::UNIX_EPOCH, Uuid::from_u128(1));
        let settings = tree(json!({
            "name": "A", "client": [{"client_id": "c", "secret_hash": "$argon2id$canary", "redirect_uris": ["canary"]}],
            "webhook": [{"url": "https://a", "secrets": [one, one]}], "gone": "canary",
        }));
        let told = Value::Object(show(&SHAPE, &settings, &secrets));
        let set = json!({"set": true, "changedAt": "1970-01-01T00:00:00Z"});
        assert_eq!(
            told,
            json!({
                "name": "A",
                "clients": [{"clientId": "c", "secretHash": {"set": true}, "redirectUris": {"set": true}}],
                "webhooks": [{"url": "https://a", "secrets": [set, set]}], "gone": {"set": true},
            })
        );
        let provider =
            show(shape_of(Part::Provider), &tree(json!({"client_secret": one, "client_id": "x"})), &secrets);
        assert_eq!(Value::Object(provider), json!({"clientSecret": set, "clientId": "x"}));
    }

    #[test]
    fn what_differs_is_told_setting_by_setting_and_of_secrets_only_that() {
        let before = tree(
            json!({"client_secret": {"env": "SECRET_1"}, "scope": "a", "enrich": {"email": "fill", "phone": "fill"}, "mapping": "a"}),
        );
        let after = tree(
            json!({"client_secret": {"env": "SECRET_2"}, "label": "b", "enrich": {"email": "overwrite", "phone": "fill"}, "mapping": {"email": "a"}}),
        );
        let told: Vec<_> = differences(shape_of(Part::Provider), &before, &after)
            .into_iter()
            .map(|found| (found.setting, found.what, found.before, found.after))
            .collect();
        let text = |text: &str| Some(json!(text));
        assert_eq!(
            told,
            [
                ("/clientSecret".to_owned(), "changed", None, None),
                ("/enrich/email".to_owned(), "changed", text("fill"), text("overwrite")),
                ("/label".to_owned(), "added", None, text("b")),
                ("/mapping".to_owned(), "changed", text("a"), Some(json!({"email": "a"}))),
                ("/scope".to_owned(), "removed", text("a"), None),
            ]
        );
    }
}
