//! `countersign key`: the key ring is made, shown, rotated and revoked from.

use std::io::{ErrorKind, Write};
use std::path::Path;

use anyhow::{Context, bail};
use jiff::Timestamp;

use crate::app;
use crate::clock::Clock;
use crate::config::{Config, Environment};
use crate::keyring::KeyRing;
use crate::keyring::edit::{Edit, EditError, Editor, KeyKind, Pace};
use crate::keyring::write::{self, WriteError};

use super::FAILED;
use super::args::{KeyCommand, KeyFile, SettingsArgs};

/// Runs one of the commands.
pub fn run(command: &KeyCommand, environment: &Environment, out: &mut dyn Write) -> anyhow::Result<u8> {
    match command {
        KeyCommand::New { out: path } => new(path, out),
        KeyCommand::List { file } => list(file, out),
        KeyCommand::Rotate { file, kind, now } => rotate(file, *kind, pace(*now), out),
        KeyCommand::Revoke { file, kid } => revoke(file, kid, out),
        KeyCommand::Reindex { settings, now } => reindex(settings, environment, pace(*now), out),
    }
}

/// Writes a fresh key ring and says its keys' names. A file that exists is left alone.
fn new(path: &Path, out: &mut dyn Write) -> anyhow::Result<u8> {
    let shown = path.display();
    let ring = KeyRing::generate(&Clock::system());
    match ring.write_new(path) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            bail!(
                "`{shown}` exists and is not overwritten: without its keys nothing in the store can be read"
            );
        }
        written => written.with_context(|| format!("cannot write `{shown}`"))?,
    }
    let (seal, sign) = (ring.active_seal().id(), ring.active_sign().kid());
    writeln!(
        out,
        "wrote `{shown}` (mode 0600): seal key `{seal}`, sign key `{sign}`; keep a copy in a safe place"
    )?;
    Ok(0)
}

/// Prints a line per key: kind, name, state, since when.
fn list(file: &KeyFile, out: &mut dyn Write) -> anyhow::Result<u8> {
    let ring = KeyRing::read(&file.keys)?;
    let mut line = |kind: KeyKind, name: &str, state: &str, since: Option<Timestamp>| {
        let since = since.map_or_else(|| "-".to_owned(), |since| since.to_string());
        writeln!(out, "{:<6} {name:<24} {state:<9} {since}", kind.as_str())
    };
    for key in ring.seal_keys() {
        line(KeyKind::Seal, key.id(), key.state().as_str(), key.since())?;
    }
    let index = ring.index_keys();
    let others = [("next", index.expose_next()), ("previous", index.expose_previous())];
    line(KeyKind::Index, "-", "active", index.since())?;
    for (state, _) in others.into_iter().filter(|(_, key)| key.is_some()) {
        line(KeyKind::Index, "-", state, index.since())?;
    }
    for key in ring.sign_keys() {
        line(KeyKind::Sign, key.kid(), key.state().as_str(), key.since())?;
    }
    Ok(0)
}

/// Takes the next step for one kind of key, or for each.
fn rotate(file: &KeyFile, kind: Option<KeyKind>, pace: Pace, out: &mut dyn Write) -> anyhow::Result<u8> {
    let kinds = kind.map_or_else(|| KeyKind::ALL.to_vec(), |kind| vec![kind]);
    // Steps that have to wait keep the others from nothing.
    let mut waiting = Vec::new();
    let done = edit(&file.keys, |editor| {
        let mut done = Vec::new();
        for kind in &kinds {
            match editor.rotate(*kind, pace) {
                Ok(edit) => done.push(edit),
                Err(error @ (EditError::TooEarly { .. } | EditError::Reindexing)) => waiting.push(error),
                Err(error) => return Err(error),
            }
        }
        Ok(done)
    })?;
    for edit in &done {
        tell(edit, out)?;
    }
    for error in &waiting {
        writeln!(out, "{error}")?;
    }
    Ok(if waiting.is_empty() { 0 } else { FAILED })
}

/// Revokes a signing key: its tokens are refused from now on.
fn revoke(file: &KeyFile, kid: &str, out: &mut dyn Write) -> anyhow::Result<u8> {
    tell(&edit(&file.keys, |editor| editor.revoke(kid))?, out)?;
    Ok(0)
}

/// Moves everything to the active index key, and drops the previous one when nothing needs it.
fn reindex(
    settings: &SettingsArgs,
    environment: &Environment,
    pace: Pace,
    out: &mut dyn Write,
) -> anyhow::Result<u8> {
    let (config, clock) = (Config::read(&settings.flags(), environment)?.value, Clock::system());
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let moved = runtime.block_on(app::reindex(&config, &clock))?;
    writeln!(out, "moved {moved} records to the active index key")?;
    match edit(&config.keys, |editor| editor.drop_previous_index(pace)) {
        Ok(done) => tell(&done, out)?,
        Err(error) => match error.downcast_ref::<EditError>() {
            Some(told @ (EditError::StillNeeded { .. } | EditError::NothingToDrop)) => {
                writeln!(out, "{told}")?;
                return Ok(if matches!(told, EditError::NothingToDrop) { 0 } else { FAILED });
            }
            _ => return Err(error),
        },
    }
    Ok(0)
}

fn edit<T>(path: &Path, edit: impl FnOnce(&mut Editor) -> Result<T, EditError>) -> anyhow::Result<T> {
    let replaced = write::replace(path, |name, text| {
        let mut editor = Editor::parse(name, text, &Clock::system())?;
        let done = edit(&mut editor).map_err(WriteError::Refused)?;
        Ok((done, editor.into_text()))
    });
    replaced.map_err(|error| match error {
        WriteError::Unusable(faults) => faults.into(),
        WriteError::Refused(refused) => refused.into(),
        other => other.into(),
    })
}

fn tell(edit: &Edit, out: &mut dyn Write) -> std::io::Result<()> {
    let named = |id: &Option<String>| id.as_ref().map_or(String::new(), |id| format!(" `{id}`"));
    match edit {
        Edit::Prepared { kind, id } => writeln!(
            out,
            "the {} key{} is next: in five minutes, when every broker knows it, run this again to use it",
            kind.as_str(),
            named(id)
        ),
        Edit::Activated { kind: KeyKind::Index, .. } => writeln!(
            out,
            "the next index key is active; running brokers move everything to it, and `countersign key reindex` drops \
             the previous one after a day"
        ),
        Edit::Activated { kind, id } => writeln!(
            out,
            "the {} key{} is active; the one before is retired and stays",
            kind.as_str(),
            named(id)
        ),
        Edit::Revoked { kid, instead: None } => writeln!(out, "the sign key `{kid}` is revoked"),
        Edit::Revoked { kid, instead: Some(instead) } => {
            writeln!(
                out,
                "the sign key `{kid}` is revoked, `{instead}` signs instead: clients need new tokens"
            )
        }
        Edit::Dropped => writeln!(out, "the previous index key is dropped"),
    }
}

fn pace(now: bool) -> Pace {
    if now { Pace::Now } else { Pace::Careful }
}
