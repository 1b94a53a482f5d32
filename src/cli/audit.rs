//! `countersign audit`: whether anybody changed the audit behind our back, and what it says.

use std::io::Write;

use anyhow::Context as _;

use crate::app::upkeep;
use crate::clock::Clock;
use crate::config::{Config, Environment};
use crate::domain::audit::AuditEntry;
use crate::store::audit_verify::{Anchor, Verified};

use super::FAILED;
use super::args::{AuditCommand, ListArgs, VerifyArgs};

/// Runs the command.
pub fn run(command: &AuditCommand, environment: &Environment, out: &mut dyn Write) -> anyhow::Result<u8> {
    match command {
        AuditCommand::Verify(args) => verify(args, environment, out),
        AuditCommand::List(args) => list(args, environment, out),
    }
}

fn verify(args: &VerifyArgs, environment: &Environment, out: &mut dyn Write) -> anyhow::Result<u8> {
    let anchors = anchors(&args.since)?;
    let config = Config::read(&args.settings.flags(), environment)?.value;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let clock = Clock::system();
    let tell = |verified: &Verified| -> anyhow::Result<()> {
        if args.json {
            serde_json::to_writer(&mut *out, verified)?;
            writeln!(out)?;
        } else {
            writeln!(out, "{}", in_words(verified))?;
        }
        Ok(())
    };
    let good =
        runtime.block_on(upkeep::verify_audit(&config, &clock, args.tenant.as_ref(), &anchors, tell))?;
    Ok(if good { 0 } else { FAILED })
}

fn list(args: &ListArgs, environment: &Environment, out: &mut dyn Write) -> anyhow::Result<u8> {
    let config = Config::read(&args.settings.flags(), environment)?.value;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let tell = |position: u64, entry: &AuditEntry| -> anyhow::Result<()> {
        let mut line = serde_json::to_value(entry)?;
        line["position"] = position.into();
        Ok(writeln!(out, "{line}")?)
    };
    runtime.block_on(upkeep::list_audit(&config, &Clock::system(), &args.tenant, tell))?;
    Ok(0)
}

/// Checkpoints as they were typed, or the lines of a file that hold one: a line that `audit verify` printed ends with
/// it.
fn anchors(given: &[String]) -> anyhow::Result<Vec<Anchor>> {
    let mut anchors = Vec::new();
    for text in given {
        let Some(path) = text.strip_prefix('@') else {
            anchors.push(text.parse()?);
            continue;
        };
        let lines = std::fs::read_to_string(path).with_context(|| format!("cannot read `{path}`"))?;
        let before = anchors.len();
        anchors.extend(lines.lines().filter_map(anchor_of));
        anyhow::ensure!(
            anchors.len() > before,
            "`{path}` holds no checkpoint; keep what `audit verify` prints"
        );
    }
    Ok(anchors)
}

fn anchor_of(line: &str) -> Option<Anchor> {
    let json: Option<serde_json::Value> = serde_json::from_str(line).ok();
    match json.as_ref().and_then(|line| line["checkpoint"].as_str()) {
        Some(checkpoint) => checkpoint.parse().ok(),
        None => line.split_whitespace().last()?.parse().ok(),
    }
}

fn in_words(verified: &Verified) -> String {
    let Verified { tenant, checkpoints, sealed, unsealed, unsealed_since, checkpoint, tampering } = verified;
    if let Some(found) = tampering {
        return format!(
            "{tenant}: TAMPERED at position {}: {} ({sealed} entries before it under {checkpoints} good checkpoints)",
            found.position, found.detail
        );
    }
    let waiting = match unsealed_since {
        Some(since) => format!(", {unsealed} since {since} not yet under one"),
        None => String::new(),
    };
    let last = checkpoint.as_ref().map(|last| format!("; last: {last}")).unwrap_or_default();
    format!("{tenant}: good: {sealed} entries under {checkpoints} checkpoints{waiting}{last}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_printed_before_is_read_in_either_form() {
        let anchor = format!("acme:1:2:{}", "x".repeat(43));
        let lines = [
            format!("acme: good: 2 entries under 1 checkpoints; last: {anchor}"),
            format!("{{\"tenant\":\"acme\",\"checkpoint\":\"{anchor}\",\"tampering\":null}}"),
            anchor.clone(),
        ];
        for line in lines {
            assert_eq!(anchor_of(&line).unwrap().to_string(), anchor, "{line}");
        }
        assert!(anchor_of("acme: good: 0 entries under 0 checkpoints").is_none());
    }
}
