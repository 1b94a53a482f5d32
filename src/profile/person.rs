//! The person in an answer: which of its objects speaks of who signed in, and what it says. Where an
//! answer speaks of several people, nobody is taken.

use serde_json::{Map, Value};

use crate::domain::profile::ProfileField;

use super::addresses;
use super::aliases::{ENVELOPES, FACETS, Folded, LISTS, OF_THE_TOKEN, PERSONS, TOKEN_PERSONS, is_one_of};
use super::values::says_something;

/// How deep envelopes lie in each other.
const MAX_ENVELOPES: usize = 4;
/// How deep objects lie in each other that say more of the same person.
const MAX_FACETS: usize = 2;
/// Objects beside the person in which only its addresses and language are believed.
const ABOUT_SETTINGS: &[&str] = &["settings", "preferences", "communication"];
/// Objects beside the person's own that may be somebody else's.
const OF_ANYBODY: &[&str] =
    &["contact", "contactinfo", "contactdetails", "person", "info", "attributes", "login", "communication"];

/// What an object says of a person, by our names.
pub(super) struct Person<'a> {
    /// The object itself.
    pub(super) object: &'a Map<String, Value>,
    found: [Option<Spelt<'a>>; 8],
    /// The object that holds the parts of the name.
    parts: Option<(&'a str, &'a Map<String, Value>)>,
    /// Further objects that speak of the same person, by their keys.
    facets: Vec<(&'a str, Person<'a>)>,
    /// The id that stands outside of the object.
    outer_id: Option<&'a Value>,
}

#[derive(Clone, Copy)]
struct Spelt<'a> {
    rank: u8,
    key: &'a str,
    value: &'a Value,
}

/// What was found in an answer.
#[expect(clippy::large_enum_variant, reason = "it is there once, on the stack, and mostly a person")]
pub(super) enum Sought<'a> {
    /// Somebody, or an object that names nobody.
    Person(Person<'a>),
    /// Several people, of whom nothing says which one signed in.
    Several,
    /// Nothing that could be a person.
    Nobody,
}

impl<'a> Sought<'a> {
    /// The person in an answer: its top level if that says who it is, else the object in it that does.
    pub(super) fn in_answer(answer: &'a Value) -> Self {
        within(answer, MAX_ENVELOPES)
    }

    pub(super) fn as_person(&self) -> Option<&Person<'a>> {
        match self {
            Self::Person(person) => Some(person),
            Self::Several | Self::Nobody => None,
        }
    }

    pub(super) fn person(self) -> Option<Person<'a>> {
        match self {
            Self::Person(person) => Some(person),
            Self::Several | Self::Nobody => None,
        }
    }
}

impl<'a> Person<'a> {
    /// The person in this object alone.
    pub(super) fn of(object: &'a Map<String, Value>) -> Self {
        let mut person = Self { object, found: [None; 8], parts: None, facets: Vec::new(), outer_id: None };
        for (key, value) in object {
            let Some((field, rank)) = Folded::of(key).and_then(|folded| folded.alias()) else { continue };
            if field == ProfileField::FullName
                && let Some(parts) = parts_of(value)
            {
                person.parts = person.parts.or(Some((key, parts)));
            } else if says_something(field, value) {
                let best = &mut person.found[field as usize];
                if best.is_none_or(|best| rank < best.rank) {
                    *best = Some(Spelt { rank, key, value });
                }
            }
        }
        person
    }

    /// The people of a token response: what stands beside the token, then the object that is somebody.
    pub(super) fn in_token(token: &'a Map<String, Value>) -> [Option<Self>; 2] {
        let objects = token.iter().filter(|(_, value)| value.is_object());
        let known = objects.filter(|(key, _)| is_one_of(key, PERSONS) || is_one_of(key, TOKEN_PERSONS));
        let people = known.filter_map(|(key, value)| {
            let mut person = within(value, 2).person()?;
            if is_one_of(key, ENVELOPES) {
                person.forget_the_tokens_own();
            }
            (person.names_somebody() || person.value(ProfileField::UserId).is_some()).then_some(person)
        });
        let inner = people.min_by_key(|person| !person.names_somebody());
        let mut beside = Self::of(token);
        beside.forget_the_tokens_own();
        [Some(beside), inner]
    }

    /// What stands for a field in the object itself.
    pub(super) fn own(&self, field: ProfileField) -> Option<&'a Value> {
        self.found[field as usize].map(|spelt| spelt.value)
    }

    /// What stands for a field, here or in the objects that say more.
    pub(super) fn value(&self, field: ProfileField) -> Option<&'a Value> {
        let facets =
            || self.facets.iter().find_map(|(key, facet)| facet.value(field).filter(|_| tells(key, field)));
        let outer = || self.outer_id.filter(|_| field == ProfileField::UserId);
        self.own(field).or_else(facets).or_else(outer)
    }

    /// What else the object says for a field, the best first: for where the best one is nothing.
    pub(super) fn others(&self, field: ProfileField) -> Vec<&'a Value> {
        let best = self.found[field as usize].map(|spelt| spelt.key);
        let spelt = self.object.iter().filter_map(|(key, value)| {
            let (own, rank) = Folded::of(key)?.alias()?;
            let is_other = own == field && best != Some(key.as_str()) && says_something(field, value);
            (is_other && !value.is_object()).then_some((rank, value))
        });
        let mut others: Vec<_> = spelt.collect();
        others.sort_by_key(|(rank, _)| *rank);
        others.into_iter().map(|(_, value)| value).collect()
    }

    /// The parts of the name, if they stand in an object of their own.
    pub(super) fn parts(&self) -> Option<Self> {
        self.parts.map(|(_, parts)| Self::of(parts))
    }

    /// The objects that say more of the same person, and which fields of theirs count.
    pub(super) fn facets(&self) -> impl Iterator<Item = (&'a str, &Self)> {
        self.facets.iter().map(|(key, facet)| (*key, facet))
    }

    /// The id that stands outside of the object.
    pub(super) fn outer_id(&self) -> Option<&'a Value> {
        self.outer_id
    }

    /// Whether this key of the object stands for a field, or holds more of the person.
    pub(super) fn uses(&self, key: &str) -> bool {
        self.found.iter().flatten().any(|spelt| spelt.key == key)
            || self.parts.is_some_and(|(own, _)| own == key)
            || self.facets.iter().any(|(own, _)| *own == key)
    }

    /// Shows the object and those that say more of the same person.
    pub(super) fn each_object(&self, see: &mut dyn FnMut(&'a Map<String, Value>)) {
        see(self.object);
        self.facets.iter().for_each(|(_, facet)| facet.each_object(see));
    }

    /// An id alone may be that of the answer.
    pub(super) fn names_somebody(&self) -> bool {
        self.names_itself() || self.facets.iter().any(|(_, facet)| facet.names_somebody())
    }

    fn names_itself(&self) -> bool {
        use ProfileField::{Email, FirstName, FullName, LastName, UserName};
        let named = [Email, UserName, FullName, FirstName, LastName];
        self.parts.is_some() || named.into_iter().any(|field| self.own(field).is_some())
    }

    fn says_anything(&self) -> bool {
        self.found.iter().any(Option::is_some) || self.parts.is_some() || !self.facets.is_empty()
    }

    /// Adds the objects within that say more of the person.
    fn complete(&mut self, depth: usize) {
        for (key, value) in self.object {
            let Value::Object(inner) = value else { continue };
            if self.uses(key) || !is_one_of(key, FACETS) {
                continue;
            }
            let mut facet = Self::of(inner);
            if depth > 1 {
                facet.complete(depth - 1);
            }
            if facet.says_anything() {
                self.facets.push((key, facet));
            }
        }
    }

    fn forget_the_tokens_own(&mut self) {
        for spelt in &mut self.found {
            *spelt = spelt.filter(|spelt| !is_one_of(spelt.key, OF_THE_TOKEN));
        }
        self.parts = None;
    }
}

/// Whether an object that says more of a person may say this field: settings have names of their own.
pub(super) fn tells(facet: &str, field: ProfileField) -> bool {
    use ProfileField::{Email, Locale, Phone};
    matches!(field, Email | Phone | Locale) || !is_one_of(facet, ABOUT_SETTINGS)
}

/// An object that may hold the person, or be it.
struct Candidate<'a> {
    key: &'a str,
    class: usize,
    person: Person<'a>,
}

fn within(answer: &Value, depth: usize) -> Sought<'_> {
    let object = match answer {
        Value::Object(object) => object,
        Value::Array(items) => return in_list(items, depth),
        _ => return Sought::Nobody,
    };
    let mut person = Person::of(object);
    person.complete(MAX_FACETS);
    if person.names_itself() || depth == 0 {
        return Sought::Person(person);
    }
    let mut are_several = false;
    // Mostly there is one, and nothing to allocate.
    let (mut first, mut others) = (None, Vec::new());
    for (key, value) in object {
        let Some((class, value)) = class_of(key, value) else { continue };
        match within(value, depth - 1) {
            Sought::Person(inner)
                if inner.names_somebody() || inner.value(ProfileField::UserId).is_some() =>
            {
                let candidate = Candidate { key, class, person: inner };
                match first {
                    None => first = Some(candidate),
                    Some(_) => others.push(candidate),
                }
            }
            Sought::Several => are_several = true,
            Sought::Person(_) | Sought::Nobody => {}
        }
    }
    match first {
        None if are_several && !person.names_somebody() => Sought::Several,
        None => Sought::Person(person),
        Some(first) => match chosen(person, first, others) {
            Sought::Person(person) if are_several && !person.names_somebody() => Sought::Several,
            sought => sought,
        },
    }
}

fn in_list(items: &[Value], depth: usize) -> Sought<'_> {
    match items {
        [only @ Value::Object(_)] => within(only, depth),
        [_, _, ..] if items.iter().any(Value::is_object) => Sought::Several,
        _ => Sought::Nobody,
    }
}

/// The best of the objects in `outer`.
fn chosen<'a>(outer: Person<'a>, first: Candidate<'a>, mut others: Vec<Candidate<'a>>) -> Sought<'a> {
    let Candidate { key, class, mut person } = best_of(first, &mut others);
    if class == 1 && person.value(ProfileField::UserId).is_none() && !outer.object.contains_key("jsonrpc") {
        person.outer_id = outer.own(ProfileField::UserId);
    }
    let email =
        if others.is_empty() { None } else { person.value(ProfileField::Email).and_then(addresses::best) };
    for other in others {
        let is_another =
            other.person.value(ProfileField::Email).and_then(addresses::best).is_some_and(|other| {
                email.as_deref().is_some_and(|email| !super::email::is_same(email, &other))
            });
        if is_another && other.class == class {
            return Sought::Several;
        }
        let is_own = other.class == 1 && (class == 1 || !is_one_of(other.key, OF_ANYBODY));
        if is_own && !is_another && other.key != key {
            person.facets.push((other.key, other.person));
        }
    }
    for (key, facet) in outer.facets {
        let is_known =
            std::ptr::eq(facet.object, person.object) || person.facets.iter().any(|(own, _)| *own == key);
        if !is_known && is_one_of(key, ABOUT_SETTINGS) {
            person.facets.push((key, facet));
        }
    }
    Sought::Person(person)
}

/// Takes the best one: somebody before an id, the person before an envelope, more before less.
fn best_of<'a>(first: Candidate<'a>, others: &mut [Candidate<'a>]) -> Candidate<'a> {
    let poverty = |Candidate { class, person, .. }: &Candidate<'_>| {
        let fields = ProfileField::ALL.into_iter().filter(|field| person.value(*field).is_some()).count();
        (!person.names_somebody(), *class, usize::MAX - fields)
    };
    let mut best = first;
    for other in others {
        if poverty(other) < poverty(&best) {
            std::mem::swap(other, &mut best);
        }
    }
    best
}

/// What a key says of the object behind it: the person, more of the person, an envelope, or a list
/// or map of one; the smaller the better.
fn class_of<'a>(key: &str, value: &'a Value) -> Option<(usize, &'a Value)> {
    let folded = Folded::of(key)?;
    match value {
        Value::Object(object) => {
            if folded.is_one_of(PERSONS) {
                return Some((0, value));
            }
            if folded.is_one_of(FACETS) || (key.len() > 8 && folded.as_bytes().ends_with(b"account")) {
                return Some((1, value));
            }
            if folded.is_one_of(ENVELOPES) {
                return Some((2, value));
            }
            let mut values = object.values();
            match (values.next(), values.next()) {
                (Some(only @ Value::Object(_)), None) if folded.is_one_of(LISTS) => Some((3, only)),
                _ => None,
            }
        }
        Value::Array(_) if folded.is_one_of(LISTS) => Some((3, value)),
        _ => None,
    }
}

/// The object that holds the parts of a name; of several the primary one.
fn parts_of(value: &Value) -> Option<&Map<String, Value>> {
    let parts = match value {
        Value::Object(parts) => parts,
        Value::Array(entries) => addresses::primary(entries)?.as_object()?,
        _ => return None,
    };
    let speaks = |field| parts.keys().any(|key| Folded::of(key).is_some_and(|folded| folded.spells(field)));
    [ProfileField::FirstName, ProfileField::LastName, ProfileField::FullName]
        .into_iter()
        .any(speaks)
        .then_some(parts)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn value(answer: &Value, field: ProfileField) -> Option<Value> {
        Sought::in_answer(answer).person()?.value(field).cloned()
    }

    #[test]
    fn the_best_spelling_that_says_something_wins() {
        let answer = json!({"id": 1, "sub": "s", "email": null, "e-mail": " ", "Mail": "a@x.example"});
        let person = Sought::in_answer(&answer).person().unwrap();
        assert_eq!(person.value(ProfileField::UserId), Some(&json!("s")));
        assert_eq!(person.value(ProfileField::Email), Some(&json!("a@x.example")));
        assert!(person.uses("Mail") && person.uses("sub") && !person.uses("id"));
        assert_eq!(person.others(ProfileField::UserId), [&json!(1)]);
    }

    #[test]
    fn an_id_alone_does_not_keep_us_from_the_envelope() {
        let answer = json!({"id": "answer-1", "user": {"id": "u1", "name": "Billy Bob"}});
        assert_eq!(value(&answer, ProfileField::UserId), Some(json!("u1")));
        let flat = json!({"id": "u1", "login": "billy", "data": {"id": "d1", "name": "a plan"}});
        assert_eq!(value(&flat, ProfileField::UserId), Some(json!("u1")));
        let plain = json!({"id": "u1", "data": {"plan": "free"}});
        assert_eq!(value(&plain, ProfileField::UserId), Some(json!("u1")));
    }

    #[test]
    fn the_id_stands_outside_of_attributes_but_not_of_an_answer() {
        let resource = json!({"data": {"id": "7", "type": "user", "attributes": {"email": "a@x.example"}}});
        assert_eq!(value(&resource, ProfileField::UserId), Some(json!("7")));
        let call = json!({"jsonrpc": "2.0", "id": 1, "result": {"email": "a@x.example"}});
        assert_eq!(value(&call, ProfileField::UserId), None, "or all people were one");
        let wrapped = json!({"id": "request-1", "result": {"email": "a@x.example"}});
        assert_eq!(value(&wrapped, ProfileField::UserId), None);
    }

    #[test]
    fn a_list_is_a_person_only_if_it_holds_one() {
        assert!(value(&json!({"data": [{"login": "billy"}]}), ProfileField::UserName).is_some());
        assert!(value(&json!([{"login": "billy"}]), ProfileField::UserName).is_some());
        assert!(value(&json!({"users": {"42": {"login": "billy"}}}), ProfileField::UserName).is_some());
        let two = [{ json!({"login": "billy"}) }, { json!({"login": "bob"}) }];
        for answer in [json!({"data": two}), json!(two), json!({"user": two[0], "users": two})] {
            let sought = Sought::in_answer(&answer);
            let is_clear = answer.get("user").is_some();
            assert_eq!(matches!(sought, Sought::Several), !is_clear, "{answer}");
        }
        assert!(matches!(Sought::in_answer(&json!("billy")), Sought::Nobody));
    }

    #[test]
    fn two_people_side_by_side_are_nobody() {
        let answer = json!({"user": {"email": "a@x.example"}, "viewer": {"email": "b@x.example"}});
        assert!(matches!(Sought::in_answer(&answer), Sought::Several));
        let same = json!({"user": {"email": "a@x.example"}, "viewer": {"email": "A@x.example"}});
        assert!(value(&same, ProfileField::Email).is_some());
        let company = json!({"user": {"email": "a@x.example"}, "account": {"email": "billing@x.example"}});
        assert_eq!(value(&company, ProfileField::Email), Some(json!("a@x.example")));
    }

    #[test]
    fn settings_do_not_name_anybody() {
        let answer =
            json!({"id": 1, "username": "billy", "settings": {"name": "dark", "email": "a@x.example"}});
        assert_eq!(value(&answer, ProfileField::Email), Some(json!("a@x.example")));
        assert_eq!(value(&answer, ProfileField::FullName), None);
    }
}
