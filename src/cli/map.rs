//! `countersign map`: what a mapping makes of a sample, before any customer signs in.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, anyhow, bail};
use serde_json::{Map, Value, json};

use crate::clock::Clock;
use crate::config::source::Source;
use crate::config::{Config, Environment, Fault, Flags, Look, Place};
use crate::domain::ids::ProviderId;
use crate::domain::json;
use crate::domain::provider::Mapping;
use crate::domain::tenant::Tenant;
use crate::flow::preview::{Preview, PreviewError, Sample, preview};
use crate::profile::{CompiledRules, MappingFault, RuleInput};
use crate::tenants::{self, ReadContext};

use super::FAILED;
use super::args::MapArgs;

/// The most bytes of a sample or a mapping.
const MOST: u64 = 1024 * 1024;

/// A text with its name, as faults refer to it.
struct Named {
    name: String,
    text: String,
}

/// The mapping that was typed.
#[derive(Default)]
struct Typed {
    mapping: Option<Mapping>,
    /// Its texts, by their field.
    texts: Vec<(Option<String>, Named)>,
}

/// Prints the profile and what goes with it. 1 if the mapping or the sample is at fault.
pub fn run(
    args: &MapArgs,
    environment: &Environment,
    look: Look,
    input: &mut dyn Read,
    out: &mut dyn Write,
) -> anyhow::Result<u8> {
    let tenant = args.provider_file.as_deref().map(|path| read_tenant(path, environment)).transpose()?;
    let provider = tenant.as_ref().map(|tenant| chosen(tenant, args.provider.as_deref())).transpose()?;
    let Typed { mapping, texts } = mapping(args, input)?;
    let sample = read(&args.sample, input)?;
    let whoami = match parse(&sample) {
        Ok(whoami) => whoami,
        Err(fault) => return failed(&fault, look, out),
    };
    let claims = match args.claims.as_ref().map(|path| read(path, input)).transpose()? {
        None => None,
        Some(claims) => match parse(&claims) {
            Ok(claims) => Some(claims),
            Err(fault) => return failed(&fault, look, out),
        },
    };
    let sample = Sample { mapping, whoami, claims, provider, conversation: None };
    let rules = tenant.as_ref().map(|tenant| CompiledRules::new(&tenant.rules.list)).transpose();
    let rules = rules.map_err(|fault| anyhow!("the tenant's rules cannot be used: {fault}"))?;
    let evaluate = |heard: &RuleInput<'_>| rules.map(|rules| rules.evaluate(heard)).unwrap_or_default();
    match preview(tenant.as_ref(), &sample, evaluate, &Clock::system()) {
        Ok(made) if args.json => writeln!(out, "{:#}", as_json(&made))?,
        Ok(made) => out.write_all(as_text(&made).as_bytes())?,
        Err(PreviewError::Mapping(fault)) => return failed(&placed(&fault, &texts), look, out),
        Err(error) => {
            writeln!(out, "error: {error}")?;
            return Ok(FAILED);
        }
    }
    Ok(0)
}

fn failed(fault: &Fault, look: Look, out: &mut dyn Write) -> anyhow::Result<u8> {
    out.write_all(fault.render(look).as_bytes())?;
    Ok(FAILED)
}

/// The tenant of a file, checked as `check` does; its secrets need not be there.
fn read_tenant(path: &Path, environment: &Environment) -> anyhow::Result<Tenant> {
    let config = Config::read(&Flags::default(), environment)?.value;
    let text = fs::read_to_string(path).unwrap_or_default();
    let named = text.split("env").skip(1).filter_map(|rest| rest.split('"').nth(1)).map(str::to_owned);
    let missing =
        named.filter(|name| environment.get(name).is_none()).map(|name| (name, "absent".to_owned()));
    let known = environment.starting_with("").map(|(name, value)| (name.to_owned(), value.to_owned()));
    let environment: Environment = known.chain(missing).collect();
    let read = tenants::read_files(&[path.to_owned()], &ReadContext::of(&config, &environment))?;
    read.value.into_iter().next().ok_or_else(|| anyhow!("`{}` holds no tenant", path.display()))
}

/// The provider that was named, or the only one.
fn chosen(tenant: &Tenant, wanted: Option<&str>) -> anyhow::Result<ProviderId> {
    let id = wanted.map(str::parse::<ProviderId>).transpose()?;
    if let Some(provider) = tenant.provider(id.as_ref()) {
        return Ok(provider.id.clone());
    }
    let known: Vec<_> = tenant.providers.iter().map(|provider| format!("`{}`", provider.id)).collect();
    bail!("name one of the tenant's providers with `--provider`: {}", known.join(", "))
}

/// The mapping that was given: an expression, or one per field.
fn mapping(args: &MapArgs, input: &mut dyn Read) -> anyhow::Result<Typed> {
    if let Some(given) = &args.mapping {
        let named = match given.strip_prefix('@') {
            Some(path) => read(path, input)?,
            None => Named { name: "--mapping".to_owned(), text: given.clone() },
        };
        let mapping = Some(Mapping::Whole(named.text.clone()));
        return Ok(Typed { mapping, texts: vec![(None, named)] });
    }
    let mut typed = Typed::default();
    let mut fields = BTreeMap::new();
    for given in &args.field {
        let (field, text) = given
            .split_once('=')
            .with_context(|| format!("`{given}` is no field; write `--field email=user.email`"))?;
        if fields.insert(field.to_owned(), text.to_owned()).is_some() {
            bail!("the field `{field}` is given twice");
        }
        let named = Named { name: format!("--field {field}"), text: text.to_owned() };
        typed.texts.push((Some(field.to_owned()), named));
    }
    typed.mapping = (!fields.is_empty()).then_some(Mapping::Fields(fields));
    Ok(typed)
}

/// A file, or standard input for `-`.
fn read(path: &str, input: &mut dyn Read) -> anyhow::Result<Named> {
    let mut text = String::new();
    let name = if path == "-" { "standard input" } else { path };
    if path == "-" {
        input.take(MOST + 1).read_to_string(&mut text).context("standard input is not UTF-8")?;
    } else {
        let file = fs::File::open(path).with_context(|| format!("`{path}` cannot be read"))?;
        file.take(MOST + 1).read_to_string(&mut text).with_context(|| format!("`{path}` cannot be read"))?;
    }
    if text.len() as u64 > MOST {
        bail!("`{name}` is larger than 1 MiB, which no provider's answer may be");
    }
    Ok(Named { name: name.to_owned(), text })
}

fn parse(named: &Named) -> Result<Value, Fault> {
    json::parse(&named.text).map_err(|error| {
        let text = error.to_string();
        let told = text.split(" at line ").next().unwrap_or(&text);
        let source = Source::typed(&named.name, &named.text);
        let start = named
            .text
            .split_inclusive('\n')
            .take(error.line().saturating_sub(1))
            .map(str::len)
            .sum::<usize>();
        let at = floor(&named.text, start + error.column().saturating_sub(1));
        Fault::new(Place::At(source, at..at), format!("this is no JSON: {told}"))
            .with_help("give the WhoAmI answer as the provider sends it")
    })
}

/// A fault of a mapping at its place: in what was typed, or in the tenant's file.
fn placed(fault: &MappingFault, texts: &[(Option<String>, Named)]) -> Fault {
    let typed = texts.iter().find(|(field, _)| *field == fault.field).map(|(_, named)| named);
    let place = match typed {
        Some(named) => {
            let at = floor(&named.text, fault.offset);
            Place::At(Arc::clone(&Source::typed(&named.name, &named.text)), at..at)
        }
        None => Place::Default,
    };
    let found = Fault::new(place, fault.message.clone());
    fault.hint.as_ref().map_or(found.clone(), |hint| found.with_help(hint.clone()))
}

/// The start of the character that a byte belongs to.
fn floor(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or_default()
}

fn as_json(made: &Preview) -> Value {
    let mut repaired = Map::new();
    for (field, text) in &made.repaired {
        repaired.insert(field.clone().unwrap_or_else(|| "mapping".to_owned()), text.clone().into());
    }
    let mut view = json!({
        "profile": made.signed_in.profile,
        "subject": made.signed_in.subject,
        "verified": {"email": made.signed_in.email_verified, "phone": made.signed_in.phone_verified},
        "contactChanges": made.contact_changes,
        "warnings": made.signed_in.warnings,
        "repaired": repaired,
    });
    if let Some(fields) = &made.fields {
        view["fields"] = Value::Object(fields.clone());
    }
    view
}

fn as_text(made: &Preview) -> String {
    let signed_in = &made.signed_in;
    let mut text =
        section("Profile", signed_in.profile.iter().map(|(name, value)| (name.as_str(), plain(value))));
    let subject = signed_in.subject.clone().unwrap_or_else(|| "none: the answer names nobody".to_owned());
    let said = |verified| if verified { "yes" } else { "no" }.to_owned();
    let rest = [
        ("subject", subject),
        ("email verified", said(signed_in.email_verified)),
        ("phone verified", said(signed_in.phone_verified)),
    ];
    text += &section("Person", rest.into_iter());
    let changes = made.contact_changes.iter().map(|change| (change.field.as_str(), plain(&change.to)));
    text += &section("An empty contact takes", changes);
    if let Some(fields) = &made.fields {
        text += &section("Rules set", fields.iter().map(|(name, value)| (name.as_str(), plain(value))));
    }
    let repaired = made.repaired.iter();
    text += &section(
        "Repaired",
        repaired.map(|(field, text)| (field.as_deref().unwrap_or("mapping"), text.clone())),
    );
    text += &section("Warnings", signed_in.warnings.iter().map(|warning| ("", warning.clone())));
    text
}

/// A heading with its rows; nothing without rows, but for the profile.
fn section<'a>(heading: &str, rows: impl Iterator<Item = (&'a str, String)>) -> String {
    let rows: Vec<_> = rows.collect();
    let width = rows.iter().map(|(name, _)| name.chars().count()).max().unwrap_or_default();
    let lines: String = rows
        .iter()
        .map(|(name, value)| match *name {
            "" => format!("  {value}\n"),
            name => format!("  {name:width$}  {value}\n"),
        })
        .collect::<Vec<_>>()
        .concat();
    match (rows.is_empty(), heading) {
        (true, "Profile") => format!("{heading}\n  nothing\n"),
        (true, _) => String::new(),
        (false, _) => format!("{heading}\n{lines}"),
    }
}

/// A value on one line; a text without its quotes, and without what would move the cursor.
fn plain(value: &Value) -> String {
    match value.as_str() {
        Some(text) if !text.chars().any(char::is_control) => text.to_owned(),
        _ => value.to_string(),
    }
}
