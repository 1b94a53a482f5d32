//! The table of settings as people read of it.

use crate::config::shape::{Each, Field, Kind, Need, Table};
use crate::flow::settings::described::{Described, Holds};

use super::names::member_of;

/// What stands before the example at the end of a setting's meaning.
const EXAMPLE: &str = " Example: `";

/// The settings of a table, without those of later versions.
pub(super) fn describe(shape: &'static Table) -> Vec<Described> {
    let known = shape.fields.iter().filter(|field| !matches!(field.kind, Kind::Later));
    known.map(|field| described(shape, field)).collect()
}

fn described(shape: &'static Table, field: &'static Field) -> Described {
    let (doc, example) = match field.doc.split_once(EXAMPLE) {
        Some((doc, example)) => (doc, Some(example.trim_end_matches(['`', '.']))),
        None => (field.doc, None),
    };
    Described {
        name: field.name,
        member: member_of(shape, field),
        doc,
        example,
        default: match field.need {
            Need::Default(text) if !text.is_empty() => Some(text),
            _ => None,
        },
        required: field.need == Need::Required,
        holds: holds(&field.kind),
    }
}

fn holds(kind: &'static Kind) -> Holds {
    match kind {
        Kind::Text(_) | Kind::Later => Holds::Text,
        Kind::Word(words) => Holds::Word((words.known)()),
        Kind::Count(low, high) => Holds::Count(*low, *high),
        Kind::Flag => Holds::Flag,
        Kind::Literal => Holds::Json,
        Kind::Secret => Holds::Secret,
        Kind::List(Kind::Word(words)) => Holds::List((words.known)()),
        Kind::List(Kind::Table(table)) => Holds::Tables(describe(table)),
        Kind::List(_) => Holds::List(Vec::new()),
        Kind::Table(table) => table_of(table),
        Kind::Either(_) => Holds::TextOrTable,
    }
}

fn table_of(table: &'static Table) -> Holds {
    let each = table.each.as_ref().map(|Each { kind, .. }| Box::new(holds(kind)));
    Holds::Table(describe(table), each)
}

#[cfg(test)]
mod tests {
    use super::super::names::shape_of;
    use super::*;
    use crate::flow::settings::format::Part;

    #[test]
    fn every_setting_of_a_provider_has_a_meaning_and_those_with_texts_an_example() {
        let settings = describe(shape_of(Part::Provider));
        assert_eq!(settings.len(), shape_of(Part::Provider).fields.len());
        for setting in settings {
            assert!(setting.doc.ends_with('.') && !setting.doc.contains("Example"), "{}", setting.name);
            let speaks = matches!(setting.holds, Holds::Word(_) | Holds::Flag | Holds::Secret);
            assert!(speaks || setting.example.is_some(), "`{}` shows no example", setting.name);
            assert!(setting.example.is_none_or(|example| !example.contains('`')), "{}", setting.name);
        }
    }

    #[test]
    fn a_setting_is_described_as_the_table_has_it() {
        let settings = describe(shape_of(Part::Provider));
        let of = |name: &str| settings.iter().find(|setting| setting.name == name).unwrap();
        let pkce = of("pkce");
        assert_eq!((pkce.member.as_str(), pkce.default), ("pkce", Some("S256")));
        assert_eq!(pkce.holds, Holds::Word(vec!["S256", "off"]));
        assert_eq!(of("whoami_url").member, "whoamiUrl");
        assert_eq!(of("clock_skew").holds, Holds::Count(0, 600));
        assert_eq!(of("mapping").holds, Holds::TextOrTable);
        assert!(matches!(of("client_secret").holds, Holds::Secret) && of("client_id").required);
        let Holds::Table(fixed, Some(each)) = &of("enrich").holds else { panic!("enrich is a table") };
        assert_eq!((fixed[0].name, fixed.len()), ("required", 1));
        assert!(matches!(**each, Holds::Word(_)));
        assert!(matches!(&of("whoami").holds, Holds::Tables(fields) if fields.len() == 6));
    }
}
