//! The binding policy as a form: what stands in the settings, and what somebody typed over it.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::domain::binding::{Binding, BindingPolicy};
use crate::domain::conversation::Channel;
use crate::flow::settings::format::Remark;
use crate::flow::settings::own::own_part;
use crate::web::staff::Posted;

/// The member of the settings.
const MEMBER: &str = "binding";
/// How long a conversation stays verified, if nobody says.
const LASTS: &str = "12h";

/// The fields of the form, as they are shown.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Typed {
    /// The minimum of every channel without one of its own; empty for the default.
    pub(super) minimum: String,
    /// Channels with a minimum of their own.
    pub(super) channels: BTreeMap<Channel, String>,
    /// How long a conversation stays verified.
    pub(super) lasts: String,
}

/// What is wrong with a field: its name, or none for the whole, and a sentence.
pub(super) type Fault = (Option<String>, String);

impl Typed {
    /// What stands in a tenant's settings.
    pub(super) fn of_settings(document: &Map<String, Value>) -> Self {
        let empty = Map::new();
        let table = document.get(MEMBER).and_then(Value::as_object).unwrap_or(&empty);
        let text = |name: &str| table.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let own =
            |channel: Channel| Some((channel, text(channel.as_str()))).filter(|(_, own)| !own.is_empty());
        let lasts = Some(text("lasts")).filter(|lasts| !lasts.is_empty());
        Self {
            minimum: text("minimum"),
            channels: Channel::ALL.into_iter().filter_map(own).collect(),
            lasts: lasts.unwrap_or_else(|| LASTS.to_owned()),
        }
    }

    /// What is served of a tenant whose settings cannot be shown.
    pub(super) fn of_policy(policy: &BindingPolicy) -> Self {
        Self {
            minimum: policy.minimum.map(|minimum| minimum.to_string()).unwrap_or_default(),
            channels: policy.channels.iter().map(|(channel, own)| (*channel, own.to_string())).collect(),
            lasts: format!("{}m", policy.lasts.as_mins()),
        }
    }

    /// What somebody sent.
    pub(super) fn of_form(form: &Posted) -> Self {
        let own = |channel: Channel| {
            Some((channel, form.text(channel.as_str()).to_owned())).filter(|(_, own)| !own.is_empty())
        };
        Self {
            minimum: form.text("minimum").to_owned(),
            channels: Channel::ALL.into_iter().filter_map(own).collect(),
            lasts: form.text("lasts").to_owned(),
        }
    }

    /// What stands in the field of a channel.
    pub(super) fn own(&self, channel: Channel) -> &str {
        self.channels.get(&channel).map_or("", String::as_str)
    }

    /// The member of the settings that this makes.
    fn table(&self) -> Map<String, Value> {
        let fields = [("minimum", &self.minimum), ("lasts", &self.lasts)];
        let own = self.channels.iter().map(|(channel, own)| (channel.as_str(), own));
        let given = fields.into_iter().chain(own).filter(|(_, text)| !text.is_empty());
        given.map(|(name, text)| (name.to_owned(), Value::String(text.clone()))).collect()
    }

    /// A tenant's settings with this policy in place of the one before.
    pub(super) fn put_into(&self, document: Map<String, Value>) -> Map<String, Value> {
        let mut document = own_part(document);
        document.insert(MEMBER.to_owned(), Value::Object(self.table()));
        document
    }

    /// What must be the same for a change to be one of what was read: in one form, so that two are compared
    /// as texts.
    pub(super) fn print(&self) -> String {
        let mut table: Vec<_> = self.table().into_iter().collect();
        table.sort_by(|(a, _), (b, _)| a.cmp(b));
        Value::Object(table.into_iter().collect()).to_string()
    }

    /// What each channel must prove, as far as what was typed can be read.
    pub(super) fn effective(&self, channel: Channel) -> Option<Binding> {
        let minimum = match self.minimum.as_str() {
            "" => None,
            typed => Some(typed.parse().ok()?),
        };
        let own = match self.own(channel) {
            "" => None,
            typed => Some(typed.parse().ok()?),
        };
        let channels = own.map(|own| (channel, own)).into_iter().collect();
        Some(BindingPolicy { minimum, channels, ..BindingPolicy::default() }.minimum_for(channel))
    }

    /// Channels on which nothing need be proved.
    pub(super) fn unproved(&self) -> Vec<Channel> {
        Channel::ALL.into_iter().filter(|channel| self.effective(*channel) == Some(Binding::None)).collect()
    }

    /// The fields in which two differ, and what stands there in each.
    pub(super) fn differences<'a>(&'a self, other: &'a Self) -> Vec<(&'static str, &'a str, &'a str)> {
        let mut all = vec![
            ("Every other channel", self.minimum.as_str(), other.minimum.as_str()),
            ("Stays verified for", self.lasts.as_str(), other.lasts.as_str()),
        ];
        all.extend(
            Channel::ALL.into_iter().map(|channel| (channel.label(), self.own(channel), other.own(channel))),
        );
        all.retain(|(_, ours, theirs)| ours != theirs);
        all
    }

    /// The lines of a tenant's file.
    pub(super) fn toml(&self) -> String {
        let lines = self.table().into_iter().map(|(name, value)| format!("{name} = {value}\n"));
        format!("[binding]\n{}", lines.collect::<String>())
    }
}

/// What the settings' reader says, field by field.
pub(super) fn faults(remarks: Vec<Remark>) -> Vec<Fault> {
    let field = |pointer: &str| {
        let name = pointer.strip_prefix("/binding/")?;
        let known = name == "minimum" || name == "lasts" || name.parse::<Channel>().is_ok();
        known.then(|| name.to_owned())
    };
    let fault = |remark: Remark| {
        let place = field(&remark.pointer);
        let help = remark.help.map(|help| format!(": {help}")).unwrap_or_default();
        let elsewhere = if place.is_none() { format!(" (at {})", remark.pointer) } else { String::new() };
        (place, format!("{}{help}{elsewhere}.", capital(&remark.message)))
    };
    remarks.into_iter().map(fault).collect()
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn settings(binding: &Value) -> Map<String, Value> {
        let all = json!({"name": "Acme", "hosts": ["a"], "binding": binding, "clients": [], "webhooks": []});
        all.as_object().unwrap().clone()
    }

    fn typed(binding: &Value) -> Typed {
        Typed::of_settings(&settings(binding))
    }

    #[test]
    fn what_stands_in_the_settings_is_shown_and_put_back_as_it_was() {
        let binding = json!({"minimum": "code", "lasts": "8h", "sms": "match"});
        let typed = typed(&binding);
        assert_eq!(
            (typed.minimum.as_str(), typed.own(Channel::Sms), typed.own(Channel::Line)),
            ("code", "match", "")
        );
        let put = typed.put_into(settings(&json!({"minimum": "none"})));
        assert_eq!(Value::Object(put), json!({"name": "Acme", "binding": binding}));
    }

    #[test]
    fn settings_without_a_policy_have_the_defaults() {
        let none = Typed::of_settings(&Map::new());
        assert_eq!((none.minimum.as_str(), none.lasts.as_str()), ("", "12h"));
        assert_eq!(none.effective(Channel::Webchat), Some(Binding::Browser));
        assert_eq!(none.effective(Channel::Sms), Some(Binding::Code));
        assert_eq!(none, Typed { lasts: "12h".to_owned(), ..Typed::of_policy(&BindingPolicy::default()) });
    }

    #[test]
    fn a_channel_without_a_line_of_its_own_has_the_minimum() {
        let typed = typed(&json!({"minimum": "none", "sms": "code"}));
        assert_eq!(typed.unproved().len(), Channel::ALL.len() - 1);
        assert!(!typed.unproved().contains(&Channel::Sms));
        let odd = Typed { minimum: "nothing".to_owned(), ..Typed::default() };
        assert_eq!(odd.effective(Channel::Sms), None);
        assert!(odd.unproved().is_empty());
    }

    #[test]
    fn two_are_the_same_whatever_the_order_of_their_lines() {
        let (a, b) = (
            typed(&json!({"sms": "code", "minimum": "match"})),
            typed(&json!({"minimum": "match", "sms": "code"})),
        );
        assert_eq!(a.print(), b.print());
        assert!(a.differences(&b).is_empty());
        let c = typed(&json!({"minimum": "match", "lasts": "1h"}));
        assert_ne!(a.print(), c.print());
        assert_eq!(a.differences(&c), [("Stays verified for", "12h", "1h"), ("SMS", "code", "")]);
    }

    #[test]
    fn the_lines_of_a_file_are_those_of_a_file() {
        let text = typed(&json!({"minimum": "code", "sms": "match", "lasts": "1h"})).toml();
        assert_eq!(text, "[binding]\nminimum = \"code\"\nlasts = \"1h\"\nsms = \"match\"\n");
        let hostile = Typed { lasts: "1\"\n[evil]".to_owned(), ..Typed::default() };
        assert!(!hostile.toml().contains("\n[evil]"));
    }

    #[test]
    fn a_fault_is_told_at_its_field_or_by_its_place() {
        let remark =
            |pointer: &str, help: Option<&str>| Remark::new(pointer, "is wrong", help.map(str::to_owned));
        let told = faults(vec![
            remark("/binding/lasts", Some("use `12h`")),
            remark("/binding/fax", None),
            remark("/name", None),
        ]);
        assert_eq!(told[0], (Some("lasts".to_owned()), "Is wrong: use `12h`.".to_owned()));
        assert_eq!(told[1], (None, "Is wrong (at /binding/fax).".to_owned()));
        assert_eq!(told[2].0, None);
    }
}
