//! From a JSON value to a type, with a pointer and plain words for what does not fit: no name of a
//! type of ours, and no array in the place of an object, which serde's own reader takes.

use std::fmt;

use serde::de::value::{StrDeserializer, StringDeserializer};
use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Unexpected, Visitor};
use serde::forward_to_deserialize_any;
use serde_json::{Map, Value};

/// The most characters of a request that an answer repeats.
const REPEATED: usize = 80;

/// What does not fit, and where.
#[derive(Debug, PartialEq, Eq)]
pub struct Misfit {
    /// The way to the place, innermost first.
    path: Vec<String>,
    /// In words.
    pub detail: String,
}

impl Misfit {
    fn new(detail: impl Into<String>) -> Self {
        Self { path: Vec::new(), detail: detail.into() }
    }

    fn inside(mut self, name: impl Into<String>) -> Self {
        self.path.push(name.into());
        self
    }

    /// The place as a JSON pointer (RFC 6901).
    pub fn pointer(&self) -> String {
        self.path.iter().rev().fold(String::new(), |mut pointer, name| {
            pointer.push('/');
            pointer.push_str(&name.replace('~', "~0").replace('/', "~1"));
            pointer
        })
    }
}

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.pointer(), self.detail)
    }
}

impl std::error::Error for Misfit {}

impl serde::de::Error for Misfit {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::new(message.to_string())
    }

    fn invalid_type(found: Unexpected<'_>, _: &dyn serde::de::Expected) -> Self {
        Self::new(format!("{} does not belong here", unexpected(&found)))
    }

    fn invalid_value(found: Unexpected<'_>, _: &dyn serde::de::Expected) -> Self {
        Self::new(match found {
            Unexpected::Unsigned(_) | Unexpected::Signed(_) | Unexpected::Float(_) => {
                "the number is out of range".to_owned()
            }
            other => format!("{} cannot be used here", unexpected(&other)),
        })
    }

    fn invalid_length(length: usize, _: &dyn serde::de::Expected) -> Self {
        Self::new(format!("{length} are too few or too many"))
    }

    fn unknown_variant(word: &str, known: &'static [&'static str]) -> Self {
        Self::new(format!("`{}` is not known; use one of {}", short(word), listed(known)))
    }

    fn unknown_field(name: &str, known: &'static [&'static str]) -> Self {
        let detail = match known {
            [] => "there is no such member, nor any other".to_owned(),
            known => format!("there is no such member; known are {}", listed(known)),
        };
        Self::new(detail).inside(short(name))
    }

    fn missing_field(name: &'static str) -> Self {
        Self::new("is missing").inside(name)
    }

    fn duplicate_field(name: &'static str) -> Self {
        Self::new("stands twice; send it once").inside(name)
    }
}

/// A value on its way to a type.
pub struct Typed(pub Value);

impl Typed {
    fn refuse(&self, wanted: &str) -> Misfit {
        Misfit::new(format!("expected {wanted}, found {}", kind(&self.0)))
    }

    /// A whole number, as its digits say: `1.0` and `1e3` are none.
    fn whole<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        let Value::Number(number) = &self.0 else { return Err(self.refuse("a whole number")) };
        match (number.as_u64(), number.as_i64()) {
            (Some(natural), _) => visitor.visit_u64(natural),
            (None, Some(whole)) => visitor.visit_i64(whole),
            (None, None) if number.as_str().bytes().all(|b| b.is_ascii_digit() || b == b'-') => {
                Err(Misfit::new("the number is out of range"))
            }
            (None, None) => {
                Err(Misfit::new("expected a whole number, found one with a fraction or an exponent"))
            }
        }
    }
}

macro_rules! whole_numbers {
    ($($method:ident),*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
            self.whole(visitor)
        })*
    };
}

impl<'de> Deserializer<'de> for Typed {
    type Error = Misfit;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        match self.0 {
            Value::Null => visitor.visit_unit(),
            Value::Bool(truth) => visitor.visit_bool(truth),
            // Its own reader hands on every digit.
            Value::Number(number) => number.deserialize_any(visitor).map_err(Misfit::custom),
            Value::String(text) => visitor.visit_string(text),
            Value::Array(items) => visitor.visit_seq(Items { items: items.into_iter(), at: 0 }),
            Value::Object(members) => {
                visitor.visit_map(Members { members: members.into_iter(), value: None })
            }
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        match self.0 {
            Value::Bool(truth) => visitor.visit_bool(truth),
            _ => Err(self.refuse("true or false")),
        }
    }

    whole_numbers!(
        deserialize_i8,
        deserialize_i16,
        deserialize_i32,
        deserialize_i64,
        deserialize_i128,
        deserialize_u8,
        deserialize_u16,
        deserialize_u32,
        deserialize_u64,
        deserialize_u128
    );

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        match self.0 {
            Value::String(text) => visitor.visit_string(text),
            _ => Err(self.refuse("a text")),
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        self.deserialize_str(visitor)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        if self.0.is_array() { self.deserialize_any(visitor) } else { Err(self.refuse("a list")) }
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        if self.0.is_object() { self.deserialize_any(visitor) } else { Err(self.refuse("an object")) }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Misfit> {
        self.deserialize_map(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        words: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Misfit> {
        match &self.0 {
            Value::String(word) => visitor.visit_enum(StrDeserializer::new(word)),
            _ => Err(self.refuse(&format!("one of {}", listed(words)))),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        if self.0.is_null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Misfit> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! { f32 f64 char bytes byte_buf unit unit_struct tuple tuple_struct identifier }
}

struct Items {
    items: std::vec::IntoIter<Value>,
    at: usize,
}

impl<'de> SeqAccess<'de> for Items {
    type Error = Misfit;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Misfit> {
        let Some(item) = self.items.next() else { return Ok(None) };
        let at = self.at;
        self.at += 1;
        seed.deserialize(Typed(item)).map(Some).map_err(|misfit| misfit.inside(at.to_string()))
    }
}

struct Members {
    members: <Map<String, Value> as IntoIterator>::IntoIter,
    value: Option<(String, Value)>,
}

impl<'de> MapAccess<'de> for Members {
    type Error = Misfit;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Misfit> {
        let Some((name, value)) = self.members.next() else { return Ok(None) };
        let key = seed.deserialize(StringDeserializer::new(name.clone()));
        self.value = Some((name, value));
        key.map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Misfit> {
        let (name, value) = self.value.take().expect("serde asks for a value after its key");
        seed.deserialize(Typed(value)).map_err(|misfit| misfit.inside(name))
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

fn unexpected(found: &Unexpected<'_>) -> &'static str {
    match found {
        Unexpected::Bool(_) => "true or false",
        Unexpected::Unsigned(_) | Unexpected::Signed(_) | Unexpected::Float(_) => "a number",
        Unexpected::Str(_) | Unexpected::Char(_) | Unexpected::Bytes(_) => "a text",
        Unexpected::Unit | Unexpected::Option => "null",
        Unexpected::Seq => "a list",
        _ => "an object",
    }
}

fn listed(words: &[&str]) -> String {
    words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}

fn short(text: &str) -> String {
    text.chars().take(REPEATED).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use rstest::rstest;
    use serde::Deserialize;
    use serde::de::DeserializeOwned;
    use serde_json::json;

    use super::*;
    use crate::domain::conversation::{Channel, Handle};
    use crate::domain::ids::ConversationId;
    use crate::domain::provider::Mapping;

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(rename_all = "camelCase", deny_unknown_fields)]
    struct Body {
        id: ConversationId,
        channel: Option<Channel>,
        handle: Option<Handle>,
        expires_in: Option<i64>,
        small: Option<u8>,
        open: Option<bool>,
        #[serde(default)]
        words: Vec<String>,
        inner: Option<Box<Body>>,
        anything: Option<Value>,
        table: Option<BTreeMap<String, u32>>,
        mapping: Option<Mapping>,
    }

    fn read<T: DeserializeOwned>(value: Value) -> Result<T, (String, String)> {
        T::deserialize(Typed(value)).map_err(|misfit| (misfit.pointer(), misfit.detail))
    }

    #[rstest]
    #[case::no_object(json!(7), "", "expected an object, found a number")]
    #[case::an_array_is_no_object(json!(["c", "sms"]), "", "expected an object, found a list")]
    #[case::missing(json!({}), "/id", "is missing")]
    #[case::missing_inside(json!({"id": "c", "inner": {}}), "/inner/id", "is missing")]
    #[case::null(json!({"id": null}), "/id", "expected a text, found null")]
    #[case::id(json!({"id": ""}), "/id", "`` is not a conversation id (1 to 200 characters, none of them a control character)")]
    #[case::fraction(json!({"id": "c", "expiresIn": 1.5}), "/expiresIn", "expected a whole number, found one with a fraction or an exponent")]
    #[case::text(json!({"id": "c", "expiresIn": "900"}), "/expiresIn", "expected a whole number, found a text")]
    #[case::range(json!({"id": "c", "small": 256}), "/small", "the number is out of range")]
    #[case::below(json!({"id": "c", "small": -1}), "/small", "the number is out of range")]
    #[case::truth(json!({"id": "c", "open": 1}), "/open", "expected true or false, found a number")]
    #[case::list(json!({"id": "c", "words": {}}), "/words", "expected a list, found an object")]
    #[case::item(json!({"id": "c", "words": ["a", 1]}), "/words/1", "expected a text, found a number")]
    #[case::escaped(json!({"id": "c", "table": {"a/b~": "x"}}), "/table/a~1b~0", "expected a whole number, found a text")]
    #[case::handle(json!({"id": "c", "handle": ""}), "/handle", "a handle has 1 to 320 characters, none of them a control character")]
    #[case::mapping(json!({"id": "c", "mapping": 7}), "/mapping", "expected an expression, or an object with an expression per field")]
    #[case::table_mapping(json!({"id": "c", "mapping": {"a": 7}}), "/mapping", "expected an expression, or an object with an expression per field")]
    fn what_does_not_fit_is_told_in_plain_words(
        #[case] value: Value,
        #[case] pointer: &str,
        #[case] detail: &str,
    ) {
        assert_eq!(read::<Body>(value), Err((pointer.to_owned(), detail.to_owned())));
    }

    #[test]
    fn what_is_not_known_is_told_with_what_is() {
        let (pointer, detail) = read::<Body>(json!({"id": "c", "channel": "pigeon"})).unwrap_err();
        assert_eq!(pointer, "/channel");
        assert!(detail.starts_with("`pigeon` is not known; use one of `sms`, `whatsapp`,"), "{detail}");
        let (pointer, detail) = read::<Body>(json!({"id": "c", "hanlde": 1})).unwrap_err();
        assert_eq!(pointer, "/hanlde");
        assert!(
            detail.starts_with("there is no such member; known are `id`, `channel`, `handle`,"),
            "{detail}"
        );
        let (_, detail) = read::<Body>(json!({"id": "c", "channel": "x".repeat(500)})).unwrap_err();
        assert!(detail.len() < 300, "{detail}");
        let (_, detail) = read::<Body>(json!({"id": "c", "channel": {"sms": null}})).unwrap_err();
        assert!(
            detail.starts_with("expected one of `sms`") && detail.ends_with("found an object"),
            "{detail}"
        );
    }

    #[test]
    fn a_number_that_is_too_long_for_any_type_is_out_of_range() {
        let digits: Value =
            serde_json::from_str("{\"id\": \"c\", \"expiresIn\": 123456789012345678901234}").unwrap();
        assert_eq!(read::<Body>(digits).unwrap_err().1, "the number is out of range");
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            "-?[1-9][0-9]{0,30}(\\.[0-9]{1,20})?(e[0-9]{1,3})?"
                .prop_map(|digits| Value::Number(digits.parse().unwrap())),
            ".{0,8}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map("[a-z~/]{0,4}", inner, 0..4)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn a_value_without_a_type_comes_through_to_the_last_digit(value in any_json()) {
            let read: Value = read(value.clone()).unwrap();
            prop_assert_eq!(read.to_string(), value.to_string());
        }

        #[test]
        fn any_value_fits_or_is_told_about_without_a_rust_word(value in any_json(), name in "(id|channel|handle|expiresIn|small|open|words|inner|table|mapping)") {
            let body = json!({"id": "c", name: value});
            if let Err((_, detail)) = read::<Body>(body) {
                for word in ["struct", "enum", "variant", "i64", "u8", "Body", "map", "sequence"] {
                    let told = detail.split('`').step_by(2).any(|part| part.split(' ').any(|said| said == word));
                    prop_assert!(!told, "{}", detail);
                }
            }
        }
    }
}
