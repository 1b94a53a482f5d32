//! `countersign export` and `countersign import`: everything of a store into one file, and back.

use std::io::Write;

use crate::app::upkeep::{self, ImportError};
use crate::clock::Clock;
use crate::config::{Config, Environment};
use crate::store::backend::AsOf;
use crate::store::backup::Summary;

use super::FAILED;
use super::args::{ExportArgs, ImportArgs};

/// Pieces after which the progress is told.
const STEP: u64 = 50_000;

/// Writes the settings' store into a file.
pub fn export(
    args: &ExportArgs,
    environment: &Environment,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> anyhow::Result<u8> {
    let config = Config::read(&args.settings.flags(), environment)?.value;
    let (clock, mut progress) = (Clock::system(), Progress::new(err));
    let summary = runtime()?.block_on(upkeep::export(&config, &clock, &args.out, |done| progress.tell(done)));
    let summary = summary?;
    writeln!(out, "wrote `{}`: {}", args.out.display(), in_words(&summary))?;
    match summary.as_of {
        AsOf::OneMoment => writeln!(out, "it shows everything as of one moment")?,
        AsOf::EachMoment => writeln!(
            out,
            "each thing is as of the moment in which it was read: if brokers wrote meanwhile, take the copy again \
             while they stand still (docs/operations.md)"
        )?,
    }
    let keys: Vec<_> = summary.keys.iter().map(|id| format!("`{id}`")).collect();
    let keys = if keys.is_empty() { String::new() } else { format!(" (seal keys {})", keys.join(", ")) };
    writeln!(
        out,
        "the key ring `{}` is not part of it: keep a copy{keys}, since without it nothing of the backup can be read",
        config.keys.display()
    )?;
    Ok(0)
}

/// Puts a file into the settings' store. What is refused changes nothing.
pub fn import(
    args: &ImportArgs,
    environment: &Environment,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> anyhow::Result<u8> {
    let config = Config::read(&args.settings.flags(), environment)?.value;
    let (clock, mut progress) = (Clock::system(), Progress::new(err));
    let work = upkeep::import(&config, &clock, &args.file, !args.check, |done| progress.tell(done));
    match runtime()?.block_on(work) {
        Ok(summary) if args.check => {
            writeln!(out, "`{}` can be imported: {}", args.file.display(), in_words(&summary))?;
            Ok(0)
        }
        Ok(summary) => {
            writeln!(out, "imported `{}`: {}", args.file.display(), in_words(&summary))?;
            Ok(0)
        }
        Err(ImportError::Unusable(error)) => Err(error),
        Err(ImportError::Refused(error)) => {
            writeln!(err, "error: {error}")?;
            Ok(FAILED)
        }
    }
}

fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()
}

fn in_words(summary: &Summary) -> String {
    let Summary { records, members, entries, counters, .. } = summary;
    format!("{records} records, {members} members of sets, {entries} entries of logs, {counters} counters")
}

/// Says now and then how far it is.
struct Progress<'w> {
    err: &'w mut dyn Write,
    next: u64,
}

impl<'w> Progress<'w> {
    fn new(err: &'w mut dyn Write) -> Self {
        Self { err, next: STEP }
    }

    fn tell(&mut self, done: u64) {
        if done >= self.next {
            self.next = (done / STEP + 1) * STEP;
            // Whoever does not listen misses nothing.
            let _ = writeln!(self.err, "{done} pieces");
        }
    }
}
