//! What an expression finds on its way: a reference into the answer wherever that is possible,
//! and shared where something new was made, so that nothing is copied before the end.

use std::rc::Rc;

use serde_json::{Map, Number, Value};

use super::super::fault::EvalFault;
use super::meter::Meter;
use super::scope::Scope;

static NULL: Value = Value::Null;
static TRUE: Value = Value::Bool(true);
static FALSE: Value = Value::Bool(false);

/// A value on its way through an expression.
#[derive(Clone)]
pub enum Found<'a> {
    /// A part of the answer, or a literal.
    Json(&'a Value),
    /// A text that stands somewhere already: a key, or the name of a type.
    Text(&'a str),
    /// A number or text that was computed.
    Made(Rc<Value>),
    /// A list that was put together.
    List(Rc<Vec<Found<'a>>>),
    /// An object that was put together.
    Object(Rc<Vec<(&'a str, Found<'a>)>>),
    /// The root, whose parts stand in several places.
    Scope(&'a Scope<'a>),
}

/// The types of JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Null,
    Boolean,
    Number,
    String,
    Array,
    Object,
}

impl Kind {
    /// The name that `type()` gives.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Boolean => "boolean",
            Self::Number => "number",
            Self::String => "string",
            Self::Array => "array",
            Self::Object => "object",
        }
    }

    /// The name with its article, for a sentence.
    pub(super) fn described(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Boolean => "a boolean",
            Self::Number => "a number",
            Self::String => "a string",
            Self::Array => "a list",
            Self::Object => "an object",
        }
    }
}

/// A list, wherever its elements stand.
pub(super) enum Items<'a> {
    Json(&'a [Value]),
    Made(Rc<Vec<Found<'a>>>),
}

impl<'a> Items<'a> {
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Json(items) => items.len(),
            Self::Made(items) => items.len(),
        }
    }

    pub(super) fn get(&self, index: usize) -> Option<Found<'a>> {
        match self {
            Self::Json(items) => items.get(index).map(Found::Json),
            Self::Made(items) => items.get(index).cloned(),
        }
    }

    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = Found<'a>> + '_ {
        (0..self.len()).filter_map(|index| self.get(index))
    }
}

impl Default for Found<'_> {
    fn default() -> Self {
        Self::null()
    }
}

impl<'a> Found<'a> {
    /// `null`, which is also what is not there.
    pub(super) fn null() -> Self {
        Self::Json(&NULL)
    }

    pub(super) fn boolean(value: bool) -> Self {
        Self::Json(if value { &TRUE } else { &FALSE })
    }

    pub(super) fn number(number: Number) -> Self {
        Self::Made(Rc::new(Value::Number(number)))
    }

    pub(super) fn text(text: String) -> Self {
        Self::Made(Rc::new(Value::String(text)))
    }

    pub(super) fn list(items: Vec<Found<'a>>, meter: &Meter) -> Result<Self, EvalFault> {
        meter.make(size_of::<Rc<Vec<Found<'_>>>>() * 4 + items.capacity() * size_of::<Found<'_>>())?;
        Ok(Self::List(Rc::new(items)))
    }

    pub(super) fn object(entries: Vec<(&'a str, Found<'a>)>, meter: &Meter) -> Result<Self, EvalFault> {
        meter.make(
            size_of::<Rc<Vec<Found<'_>>>>() * 4 + entries.capacity() * size_of::<(&str, Found<'_>)>(),
        )?;
        Ok(Self::Object(Rc::new(entries)))
    }

    pub(super) fn kind(&self) -> Kind {
        match self {
            Self::Json(value) => kind_of(value),
            Self::Made(value) => kind_of(value),
            Self::Text(_) => Kind::String,
            Self::List(_) => Kind::Array,
            Self::Object(_) => Kind::Object,
            Self::Scope(scope) => scope.list().map_or(Kind::Object, |_| Kind::Array),
        }
    }

    /// Whether nothing was found.
    pub fn is_null(&self) -> bool {
        self.kind() == Kind::Null
    }

    /// Whether it is an empty text, list or object, or null.
    pub fn is_empty(&self) -> bool {
        self.kind() != Kind::Boolean && !self.is_truthy()
    }

    /// False, null and what is empty count as no; numbers always as yes.
    pub(in crate::profile) fn is_truthy(&self) -> bool {
        match self.kind() {
            Kind::Null => false,
            Kind::Number => true,
            Kind::Boolean => matches!(self, Self::Json(Value::Bool(true))),
            Kind::String => self.as_str().is_some_and(|text| !text.is_empty()),
            Kind::Array => self.items().is_some_and(|items| items.len() > 0),
            Kind::Object => self.width() > 0,
        }
    }

    /// The text, if it is one.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Json(value) => value.as_str(),
            Self::Made(value) => value.as_str(),
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The number with its digits, if it is one.
    pub fn as_number(&self) -> Option<&Number> {
        match self {
            Self::Json(Value::Number(number)) => Some(number),
            Self::Made(value) => match &**value {
                Value::Number(number) => Some(number),
                _ => None,
            },
            _ => None,
        }
    }

    /// The elements, if it is a list.
    pub(super) fn items(&self) -> Option<Items<'a>> {
        match self {
            Self::Json(Value::Array(items)) => Some(Items::Json(items)),
            Self::List(items) => Some(Items::Made(Rc::clone(items))),
            Self::Scope(scope) => scope.list().map(Items::Json),
            _ => None,
        }
    }

    /// The fields in their order; none if it is no object.
    pub(super) fn entries(&self) -> Vec<(&'a str, Found<'a>)> {
        match self {
            Self::Json(Value::Object(fields)) => {
                fields.iter().map(|(key, value)| (key.as_str(), Found::Json(value))).collect()
            }
            Self::Object(entries) => entries.to_vec(),
            Self::Scope(scope) => scope.entries(),
            _ => Vec::new(),
        }
    }

    /// How many fields an object has; 0 if it is none.
    pub(super) fn width(&self) -> usize {
        match self {
            Self::Json(Value::Object(fields)) => fields.len(),
            Self::Object(entries) => entries.len(),
            Self::Scope(scope) => scope.width(),
            _ => 0,
        }
    }

    /// One field; none if there is none, or no object.
    pub(super) fn find(&self, name: &str, meter: &Meter) -> Result<Option<Self>, EvalFault> {
        Ok(match self {
            Self::Json(Value::Object(fields)) => fields.get(name).map(Found::Json),
            Self::Scope(scope) => scope.field(name).map(Found::Json),
            Self::Object(entries) => {
                meter.spend(entries.len() / 8)?;
                entries.iter().find(|(key, _)| *key == name).map(|(_, found)| found.clone())
            }
            _ => None,
        })
    }

    /// A copy of its own, paid for before it is made.
    pub fn to_value(&self, meter: &Meter) -> Result<Value, EvalFault> {
        match self {
            Self::Json(value) => meter.copy_of(value).map(|()| (*value).clone()),
            Self::Made(value) => meter.copy_of(value).map(|()| (**value).clone()),
            Self::Text(text) => meter.make(text.len()).map(|()| Value::String((*text).to_owned())),
            Self::List(items) => {
                meter.make(items.len() * size_of::<Value>())?;
                items.iter().map(|item| item.to_value(meter)).collect::<Result<Vec<_>, _>>().map(Value::Array)
            }
            Self::Scope(scope) => match scope.list() {
                Some(items) => Found::List(Rc::new(items.iter().map(Found::Json).collect())).to_value(meter),
                None => object_of(&scope.entries(), meter),
            },
            Self::Object(entries) => object_of(entries, meter),
        }
    }
}

fn object_of(entries: &[(&str, Found<'_>)], meter: &Meter) -> Result<Value, EvalFault> {
    let mut fields = Map::new();
    for (key, found) in entries {
        meter.make(key.len() + 2 * size_of::<Value>())?;
        fields.insert((*key).to_owned(), found.to_value(meter)?);
    }
    Ok(Value::Object(fields))
}

fn kind_of(value: &Value) -> Kind {
    match value {
        Value::Null => Kind::Null,
        Value::Bool(_) => Kind::Boolean,
        Value::Number(_) => Kind::Number,
        Value::String(_) => Kind::String,
        Value::Array(_) => Kind::Array,
        Value::Object(_) => Kind::Object,
    }
}
