//! The functions of JMESPath, all of them and no others. They are written here and not handed to
//! the library, because its own copy their arguments, turn long ids into doubles and know no budget.
//!
//! To add a function: 1. a variant and its row in [`Function::ALL`], 2. its arguments in
//! `arity_range` (and `reference_position` if it takes `&expression`), 3. its arm in [`Call::run`],
//! the code in the file of its kind (`lists`, `numbers`, `texts`), 4. cases in
//! `fixtures/profile/jmespath/functions.json`.

mod lists;
mod numbers;
mod texts;

use super::super::fault::EvalFault;
use super::compare::is_equal;
use super::found::{Found, Items, Kind};
use super::meter::Meter;
use super::node::{Argument, Called, Node};
use super::walk;

/// A function that an expression may call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Function {
    Abs,
    Avg,
    Ceil,
    Contains,
    EndsWith,
    Floor,
    Join,
    Keys,
    Length,
    Map,
    Max,
    MaxBy,
    Merge,
    Min,
    MinBy,
    NotNull,
    Reverse,
    Sort,
    SortBy,
    StartsWith,
    Sum,
    ToArray,
    ToNumber,
    ToString,
    Type,
    Values,
}

/// What people look for who know another language, and what to use here.
const ELSEWHERE: &[(&[&str], &str)] = &[
    (&["concat", "concatenate", "format", "string"], "texts are put together by `join(' ', [a, b])`"),
    (
        &["split", "substring", "substr", "regex", "match", "replace"],
        "JMESPath cannot cut texts; map `fullName`, and first and last name are split from it",
    ),
    (
        &["lower", "upper", "lowercase", "uppercase", "trim", "strip"],
        "texts are trimmed without being asked; their case stays",
    ),
    (&["coalesce", "default", "ifnull", "nvl", "if"], "use `a || b`, or `not_null(a, b)`"),
    (&["count", "size", "len"], "did you mean `length`"),
    (&["first", "last", "get", "nth"], "use an index: `[0]` is the first, `[-1]` the last"),
    (&["filter", "where", "select", "find"], "use a filter: `emails[?primary].value`"),
];

impl Function {
    /// Every function by its name.
    pub(super) const ALL: [(&'static str, Self); 26] = [
        ("abs", Self::Abs),
        ("avg", Self::Avg),
        ("ceil", Self::Ceil),
        ("contains", Self::Contains),
        ("ends_with", Self::EndsWith),
        ("floor", Self::Floor),
        ("join", Self::Join),
        ("keys", Self::Keys),
        ("length", Self::Length),
        ("map", Self::Map),
        ("max", Self::Max),
        ("max_by", Self::MaxBy),
        ("merge", Self::Merge),
        ("min", Self::Min),
        ("min_by", Self::MinBy),
        ("not_null", Self::NotNull),
        ("reverse", Self::Reverse),
        ("sort", Self::Sort),
        ("sort_by", Self::SortBy),
        ("starts_with", Self::StartsWith),
        ("sum", Self::Sum),
        ("to_array", Self::ToArray),
        ("to_number", Self::ToNumber),
        ("to_string", Self::ToString),
        ("type", Self::Type),
        ("values", Self::Values),
    ];

    /// The function of this name.
    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(own, _)| *own == name).map(|(_, function)| function)
    }

    /// Its name.
    pub(super) fn name(self) -> &'static str {
        Self::ALL.into_iter().find(|(_, function)| *function == self).map_or("", |(name, _)| name)
    }

    /// What somebody may have meant by a name that is no function.
    pub(super) fn hint_for(name: &str) -> Option<String> {
        let folded = name.to_lowercase().replace('-', "_");
        if let Some((_, hint)) = ELSEWHERE.iter().find(|(names, _)| names.contains(&folded.as_str())) {
            return Some((*hint).to_owned());
        }
        let nearest = Self::ALL
            .into_iter()
            .map(|(own, _)| (distance(&folded.replace('_', ""), &own.replace('_', "")), own))
            .min()?;
        (nearest.0 <= 2 && nearest.0 < folded.len()).then(|| format!("did you mean `{}`", nearest.1))
    }

    /// Whether it takes so many arguments.
    pub(super) fn takes(self, count: usize) -> bool {
        let (least, most) = self.arity_range();
        count >= least && count <= most
    }

    /// How many arguments it takes, for a sentence.
    pub(super) fn arity(self) -> &'static str {
        match self.arity_range() {
            (1, 1) => "one argument",
            (2, 2) => "two arguments",
            _ => "at least one argument",
        }
    }

    /// Which argument is an `&expression`, from 0.
    pub(super) fn reference_position(self) -> Option<usize> {
        match self {
            Self::Map => Some(0),
            Self::MaxBy | Self::MinBy | Self::SortBy => Some(1),
            _ => None,
        }
    }

    fn arity_range(self) -> (usize, usize) {
        match self {
            Self::Merge | Self::NotNull => (1, usize::MAX),
            Self::Contains
            | Self::EndsWith
            | Self::Join
            | Self::Map
            | Self::MaxBy
            | Self::MinBy
            | Self::SortBy
            | Self::StartsWith => (2, 2),
            _ => (1, 1),
        }
    }
}

/// A call with its arguments evaluated.
pub(super) struct Call<'a, 'm> {
    called: Called,
    values: Vec<Found<'a>>,
    each: Option<&'a Node>,
    meter: &'m Meter,
}

impl<'a, 'm> Call<'a, 'm> {
    /// Evaluates the arguments.
    pub(super) fn gather(
        called: Called,
        arguments: &'a [Argument],
        at: &Found<'a>,
        meter: &'m Meter,
    ) -> Result<Self, EvalFault> {
        let (values, each) = walk::arguments(arguments, at, meter)?;
        Ok(Self { called, values, each, meter })
    }

    /// Gives the function's result.
    pub(super) fn run(self) -> Result<Found<'a>, EvalFault> {
        match self.called.function {
            Function::Abs => numbers::abs(&self),
            Function::Avg => numbers::avg(&self),
            Function::Ceil => numbers::rounded(&self, f64::ceil),
            Function::Floor => numbers::rounded(&self, f64::floor),
            Function::Sum => numbers::sum(&self),
            Function::ToNumber => Ok(numbers::to_number(&self)),
            Function::EndsWith => texts::ends_with(&self),
            Function::StartsWith => texts::starts_with(&self),
            Function::Join => texts::join(&self),
            Function::ToString => texts::to_string(&self),
            Function::Type => Ok(Found::Text(self.values[0].kind().name())),
            Function::Contains => self.contains(),
            Function::Length => self.length(),
            Function::Reverse => self.reverse(),
            Function::Keys => lists::keys(&self),
            Function::Values => lists::values(&self),
            Function::Merge => lists::merge(&self),
            Function::Map => lists::map(&self),
            Function::Sort => lists::sort(&self),
            Function::SortBy => lists::sort_by(&self),
            Function::Max => lists::extreme(&self, std::cmp::Ordering::Greater),
            Function::Min => lists::extreme(&self, std::cmp::Ordering::Less),
            Function::MaxBy => lists::extreme_by(&self, std::cmp::Ordering::Greater),
            Function::MinBy => lists::extreme_by(&self, std::cmp::Ordering::Less),
            Function::NotNull => {
                Ok(self.values.into_iter().find(|value| !value.is_null()).unwrap_or_default())
            }
            Function::ToArray => match self.values[0].kind() {
                Kind::Array => Ok(self.values[0].clone()),
                _ => Found::list(self.values, self.meter),
            },
        }
    }

    fn contains(&self) -> Result<Found<'a>, EvalFault> {
        let (within, wanted) = (&self.values[0], &self.values[1]);
        if let Some(text) = within.as_str() {
            self.meter.read(text.len())?;
            return Ok(Found::boolean(wanted.as_str().is_some_and(|wanted| text.contains(wanted))));
        }
        let items = within.items().ok_or_else(|| self.wrong(0, "a list or a string"))?;
        for item in items.iter() {
            if is_equal(&item, wanted, self.meter)? {
                return Ok(Found::boolean(true));
            }
        }
        Ok(Found::boolean(false))
    }

    fn length(&self) -> Result<Found<'a>, EvalFault> {
        let value = &self.values[0];
        let length = match value.kind() {
            Kind::String => {
                let text = value.as_str().unwrap_or_default();
                self.meter.read(text.len())?;
                text.chars().count()
            }
            Kind::Array => value.items().map_or(0, |items| items.len()),
            Kind::Object => value.width(),
            _ => return Err(self.wrong(0, "a list, an object or a string")),
        };
        Ok(Found::number(length.into()))
    }

    fn reverse(&self) -> Result<Found<'a>, EvalFault> {
        if let Some(text) = self.values[0].as_str() {
            self.meter.make(text.len())?;
            return Ok(Found::text(text.chars().rev().collect()));
        }
        let items = self.items(0, "a list or a string")?;
        self.meter.spend(items.len())?;
        Found::list(items.iter().rev().collect(), self.meter)
    }

    fn items(&self, position: usize, wanted: &'static str) -> Result<Items<'a>, EvalFault> {
        self.values[position].items().ok_or_else(|| self.wrong(position, wanted))
    }

    /// The expression that stands behind `&`; the compiler has seen to it that there is one.
    fn each(&self) -> &'a Node {
        self.each.expect("the compiler refuses such a call without its `&expression`")
    }

    fn wrong(&self, position: usize, wanted: &'static str) -> EvalFault {
        let found = self.values.get(position).map_or("nothing", |value| value.kind().described());
        self.wrong_type(position, wanted, found)
    }

    fn wrong_type(&self, position: usize, wanted: &'static str, found: &'static str) -> EvalFault {
        let Called { function, line, column } = self.called;
        EvalFault::WrongType {
            function: function.name(),
            position: position + 1,
            wanted,
            found,
            line,
            column,
        }
    }
}

/// How many letters must be changed, added or dropped (Levenshtein).
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, from) in left.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in right.iter().enumerate() {
            let changed = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = changed.min(row[j] + 1).min(row[j + 1] + 1);
        }
    }
    row[right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_function_is_found_by_its_name() {
        for (name, function) in Function::ALL {
            assert_eq!(Function::named(name), Some(function));
            assert_eq!(function.name(), name);
        }
        assert_eq!(Function::named("eval"), None);
    }

    #[test]
    fn a_misspelt_name_gets_a_hint() {
        assert_eq!(Function::hint_for("lenght").as_deref(), Some("did you mean `length`"));
        assert_eq!(Function::hint_for("startsWith").as_deref(), Some("did you mean `starts_with`"));
        assert!(Function::hint_for("concat").unwrap().contains("join("));
        assert_eq!(Function::hint_for("xyzzyplugh"), None);
    }
}
