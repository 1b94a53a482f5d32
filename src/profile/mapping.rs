//! A tenant's mapping, read and checked once: one expression that gives an object, or one
//! expression per field.

use crate::domain::profile::ProfileField;
use crate::domain::provider::Mapping;

use super::draft::is_extra_name;
use super::expression::meter::Meter;
use super::expression::{Entry, Scope};
use super::fault::{EvalFault, MappingFault, quoted};
use super::repair::{self, Repaired};

pub use super::expression::Expression;

/// How many fields a mapping may name.
const MAX_FIELDS: usize = 200;

/// A mapping that can run.
#[derive(Debug, Clone, PartialEq)]
pub struct CompiledMapping {
    form: Form,
}

#[derive(Debug, Clone, PartialEq)]
enum Form {
    Whole(Repaired),
    Fields(Vec<(String, Repaired)>),
}

impl CompiledMapping {
    /// Reads a mapping. Curly quotes, stray backslashes and an odd quote at either end are repaired.
    pub fn parse(mapping: &Mapping) -> Result<Self, MappingFault> {
        let form = match mapping {
            Mapping::Whole(text) => Form::Whole(repair::parse(text)?),
            Mapping::Fields(fields) => {
                if fields.len() > MAX_FIELDS {
                    return Err(MappingFault::at(
                        "",
                        0,
                        format!("a mapping names at most {MAX_FIELDS} fields"),
                    ));
                }
                if let Some(name) = fields.keys().find(|name| !is_extra_name(name)) {
                    let message = format!("{} is no name for a field", quoted(name));
                    return Err(MappingFault::at("", 0, message)
                        .with_hint("a name has 1 to 256 bytes and is not one that programs reserve"));
                }
                let read = fields.iter().map(|(name, text)| match repair::parse(text) {
                    Ok(repaired) => Ok((name.clone(), repaired)),
                    Err(fault) => Err(fault.in_field(name)),
                });
                Form::Fields(read.collect::<Result<_, _>>()?)
            }
        };
        Ok(Self { form })
    }

    /// The text after repair of a mapping that is one expression, or of the first field that
    /// needed it; none if all was fine.
    pub fn repaired(&self) -> Option<&str> {
        self.repairs().next().map(|(_, text)| text)
    }

    /// Every text that was repaired, with the name of its field in a table mapping.
    pub fn repairs(&self) -> impl Iterator<Item = (Option<&str>, &str)> {
        let (whole, fields) = match &self.form {
            Form::Whole(repaired) => (Some(repaired), &[][..]),
            Form::Fields(fields) => (None, fields.as_slice()),
        };
        let whole = whole.and_then(|repaired| Some((None, repaired.text.as_deref()?)));
        let fields = fields
            .iter()
            .filter_map(|(name, repaired)| Some((Some(name.as_str()), repaired.text.as_deref()?)));
        whole.into_iter().chain(fields)
    }

    /// The fields that the mapping writes out, whatever the answer is; none if the answer decides which there are.
    pub(super) fn written_fields(&self) -> Option<Vec<&str>> {
        match &self.form {
            Form::Whole(repaired) => repaired.expression.written_keys(),
            Form::Fields(fields) => Some(fields.iter().map(|(name, _)| name.as_str()).collect()),
        }
    }

    /// From where it takes the `userId`: none if it does not; the whole expression if the answer decides.
    pub(super) fn user_id(&self) -> Option<Expression> {
        let name = ProfileField::UserId.as_str();
        match &self.form {
            Form::Whole(repaired) => match repaired.expression.written_keys() {
                Some(_) => repaired.expression.written(name),
                None => Some(repaired.expression.clone()),
            },
            Form::Fields(fields) => {
                let found = fields.iter().find(|(field, _)| field == name);
                found.map(|(_, repaired)| repaired.expression.clone())
            }
        }
    }

    /// The fields that the mapping gives, uncopied. A fault of one field stands in its place; a
    /// budget that is spent ends it all.
    pub(super) fn entries<'a>(
        &'a self,
        scope: &'a Scope<'a>,
        meter: &Meter,
    ) -> Result<Vec<Entry<'a>>, EvalFault> {
        let entries = match &self.form {
            Form::Whole(repaired) => repaired.expression.entries(scope, meter)?,
            Form::Fields(fields) => fields
                .iter()
                .map(|(name, repaired)| (name.as_str(), repaired.expression.find(scope, meter)))
                .collect(),
        };
        match entries
            .iter()
            .find_map(|(_, found)| found.as_ref().err().filter(|fault| !fault.is_of_one_field()))
        {
            Some(spent) => Err(spent.clone()),
            None => Ok(entries),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn fields(pairs: &[(&str, &str)]) -> Mapping {
        Mapping::Fields(pairs.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect())
    }

    #[test]
    fn a_fault_in_a_table_names_its_field() {
        let fault = CompiledMapping::parse(&fields(&[("email", "mail"), ("phone", "a..b")])).unwrap_err();
        assert_eq!(fault.field.as_deref(), Some("phone"));
        assert!(fault.to_string().starts_with("`phone`: "), "{fault}");
    }

    #[test]
    fn repairs_are_shown() {
        let whole = CompiledMapping::parse(&Mapping::Whole("{“email”: mail}".into())).unwrap();
        assert_eq!(whole.repaired(), Some("{\"email\": mail}"));
        let table = CompiledMapping::parse(&fields(&[("a", "b"), ("c", "“d”")])).unwrap();
        assert_eq!(table.repairs().collect::<Vec<_>>(), [(Some("c"), "\"d\"")]);
        let fine = CompiledMapping::parse(&Mapping::Whole("{email: mail}".into())).unwrap();
        assert_eq!(fine.repaired(), None);
    }

    #[test]
    fn where_the_user_id_comes_from_is_known_through_either_form() {
        let of = |mapping: &Mapping| CompiledMapping::parse(mapping).unwrap().user_id();
        let whole = |text: &str| of(&Mapping::Whole(text.to_owned()));
        let table = |text: &str| of(&fields(&[("email", "mail"), ("userId", text)]));
        assert!(whole("{email: mail, userId: user.id}").is_some());
        assert_eq!(whole("{email: mail, userId: user.id}"), table("user.id"));
        assert_eq!(whole("user | {userId: id}"), table("user | id"));
        assert_eq!(whole("user.{userId: id, email: mail}"), table("user.id"));
        assert_ne!(whole("{userId: user.id}"), table("user.name"));
        assert_eq!((whole("{email: mail}"), of(&fields(&[("email", "mail")]))), (None, None));
        assert!(whole("user").is_some(), "it may say anything");
    }

    #[test]
    fn a_field_that_no_profile_can_carry_is_refused() {
        for name in ["", "__proto__", &"x".repeat(300)] {
            let fault = CompiledMapping::parse(&fields(&[(name, "a")])).unwrap_err();
            assert!(
                fault.message.ends_with("is no name for a field") && fault.message.len() < 300,
                "{fault}"
            );
        }
    }

    #[test]
    fn a_mapping_that_slips_through_ends_at_the_budget() {
        let doubling = format!("{{email: @{}}}", "|[@,@]".repeat(25));
        assert!(CompiledMapping::parse(&Mapping::Whole(doubling.clone())).is_err());
        let expression = Expression::parse_for_the_meter(&doubling).unwrap();
        let mapping = CompiledMapping { form: Form::Whole(Repaired { expression, text: None }) };
        let body = serde_json::json!({"a": "x".repeat(1000)});
        let (scope, meter) = (Scope::of(&body), Meter::default());
        let entries = mapping.entries(&scope, &meter).expect("lists share what they hold");
        let (_, found) = &entries[0];
        assert_eq!(found.as_ref().unwrap().to_value(&meter), Err(EvalFault::TooLarge));
    }

    #[test]
    fn a_mapping_of_too_many_fields_is_refused() {
        let many: BTreeMap<String, String> = (0..201).map(|n| (format!("f{n}"), "a".to_owned())).collect();
        assert!(CompiledMapping::parse(&Mapping::Fields(many)).is_err());
    }
}
