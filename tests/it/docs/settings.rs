//! `docs/settings.md`: every setting, as the readers of the files know it.

use std::fmt::Write as _;

use countersign::config::Flags;
use countersign::config::settings::SHAPE as MAIN;
use countersign::config::shape::{Each, Field, Kind, Names, Need, Table};
use countersign::tenants::shape::SHAPE as TENANT;

use super::{generated, read};

/// What a value is, in a few words.
fn kind(kind: &Kind) -> String {
    match kind {
        Kind::Text(text) => bare(text.what).to_owned(),
        Kind::Word(words) => {
            let known: Vec<String> = (words.known)().iter().map(|word| format!("`{word}`")).collect();
            known.join(" ")
        }
        Kind::Count(low, high) => format!("{low} to {high}"),
        Kind::Flag => "`true` or `false`".to_owned(),
        Kind::Literal => "anything".to_owned(),
        Kind::Secret => "`{ env = \"NAME\" }`, `{ file = \"path\" }` or `{ sealed = \"…\" }`".to_owned(),
        Kind::Table(_) => "table".to_owned(),
        Kind::List(Kind::Table(_)) => "list of tables".to_owned(),
        Kind::List(inner) => format!("list of: {}", self::kind(inner)),
        Kind::Either(kinds) => kinds.iter().map(self::kind).collect::<Vec<_>>().join(", or a "),
        Kind::Later => unreachable!("left out"),
    }
}

fn bare(what: &str) -> &str {
    what.strip_prefix("a ").or_else(|| what.strip_prefix("an ")).unwrap_or(what)
}

fn default(need: Need) -> String {
    match need {
        Need::Required => "**required**".to_owned(),
        Need::Optional => String::new(),
        Need::Default("") => "none".to_owned(),
        Need::Default(text) => {
            text.split(',').map(|part| format!("`{}`", part.trim())).collect::<Vec<_>>().join(", ")
        }
    }
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}

/// The table of a section and those of the sections in it.
fn sections(heading: &str, table: &Table, is_main: bool, page: &mut String) {
    let shown = |field: &&Field| !matches!(field.kind, Kind::Later);
    let inner = |kind: &'static Kind| match kind {
        Kind::Table(table) | Kind::List(Kind::Table(table)) => Some(table),
        Kind::Either(kinds) => {
            kinds.iter().find_map(|kind| if let Kind::Table(table) = kind { Some(table) } else { None })
        }
        _ => None,
    };
    let _ = writeln!(page, "### {heading}\n\n{}\n", table.doc);
    let (more, line) = if is_main { (" flag |", "---|") } else { ("", "") };
    let _ = writeln!(page, "| setting | value | default |{more} meaning |\n|---|---|---|{line}---|");
    let section = heading.trim_matches(['`', '[', ']']);
    for field in table
        .fields
        .iter()
        .filter(shown)
        .filter(|field| !(is_main && heading == "The file" && inner_only(&field.kind)))
    {
        let flag =
            Flags::default().of(section, field.name).map_or(String::new(), |(flag, _)| format!("`{flag}`"));
        let flag = if is_main { format!(" {flag} |") } else { String::new() };
        let _ = writeln!(
            page,
            "| `{}` | {} | {} |{flag} {} |",
            field.name,
            cell(&kind(&field.kind)),
            default(field.need),
            cell(field.doc)
        );
    }
    if let Some(Each { names, kind: each, doc }) = &table.each {
        let name = match names {
            Names::Words(words) => format!("*{}*", bare(words.what)),
            Names::Like(text) => format!("*{}*", bare(text.what)),
        };
        let _ = writeln!(
            page,
            "| {name} | {} | |{} {} |",
            cell(&kind(each)),
            if is_main { " |" } else { "" },
            cell(doc)
        );
    }
    let _ = writeln!(page);
    for field in table.fields.iter().filter(shown) {
        if let Some(table) = inner(&field.kind) {
            let (open, close) = if matches!(field.kind, Kind::List(_)) { ("[[", "]]") } else { ("[", "]") };
            let outer = if heading == "The file" { String::new() } else { format!("{section}.") };
            sections(&format!("`{open}{outer}{}{close}`", field.name), table, is_main, page);
        }
    }
}

fn inner_only(kind: &Kind) -> bool {
    matches!(kind, Kind::Table(_))
}

fn tables(table: &'static Table, is_main: bool) -> String {
    let mut page = String::new();
    sections("The file", table, is_main, &mut page);
    page.trim_end().to_owned() + "\n"
}

#[test]
fn every_main_setting_stands_in_the_docs_as_it_is_read() {
    generated("docs/settings.md", "main settings", &tables(&MAIN, true));
}

#[test]
fn every_setting_of_a_tenant_stands_in_the_docs_as_it_is_read() {
    generated("docs/settings.md", "tenant settings", &tables(&TENANT, false));
}

#[test]
fn every_environment_variable_that_the_program_reads_stands_in_the_docs() {
    let page = read("docs/settings.md");
    let mut found = 0;
    for (path, text) in super::sources("src") {
        for name in text.split('"').skip(1).step_by(2) {
            let ours = ["COUNTERSIGN_", "OTEL_", "NO_COLOR"].iter().any(|start| name.starts_with(start));
            let whole = name.chars().all(|c| c.is_ascii_uppercase() || c == '_') && !name.ends_with("__");
            if ours && whole {
                found += 1;
                assert!(
                    page.contains(&format!("`{name}`")),
                    "{path} reads `{name}`, of which docs/settings.md says nothing"
                );
            }
        }
    }
    assert!(found >= 5, "{found}");
}

#[test]
fn the_readme_tells_the_flags_and_defaults_of_the_main_settings() {
    let readme = read("README.md");
    for section in MAIN.fields {
        let Kind::Table(table) = &section.kind else { continue };
        for field in table.fields.iter().filter(|field| !matches!(field.kind, Kind::Later)) {
            let flag = Flags::default()
                .of(section.name, field.name)
                .map_or(String::new(), |(flag, _)| format!("`{flag}`"));
            let fallback = Some(default(field.need)).filter(|text| !text.is_empty());
            let fallback = fallback.unwrap_or_else(|| "none".to_owned());
            let row = format!("| `{}.{}` | {flag} | {fallback} |", section.name, field.name);
            let row = row.replace("|  |", "| |");
            assert!(readme.contains(&row), "README.md has no line {row}");
        }
    }
}
