//! The command line: what one can type, and what is printed. Exit codes: 0, 1 (the check
//! failed), 2 (bad usage or config).
//!
//! To add a command: 1. a variant of [`Command`] with its help and an example, 2. a file with
//! its `run`, which writes to the given outputs, 3. an arm in [`run`], 4. a test in
//! `tests/it/commands.rs` that starts the program.

pub mod args;
mod audit;
mod backup;
mod check;
pub mod demo;
mod doctor;
mod key;
mod link;
mod map;
mod openapi;
mod secret;
mod serve;
mod staff;

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

use clap::{CommandFactory as _, Parser as _};

use crate::config::{Environment, Fault, Faults, Look};

pub use args::{Cli, Command, DemoArgs, KeyCommand, OpenapiArgs, SecretCommand, SettingsArgs};
pub use secret::hash_secret;

/// The check failed.
const FAILED: u8 = 1;
/// Bad usage or configuration.
const UNUSABLE: u8 = 2;

/// Runs the command that was typed. Bad usage has its own message and ends with 2.
pub fn main() -> ExitCode {
    run(Cli::parse(), &Environment::of_process())
}

fn run(cli: Cli, environment: &Environment) -> ExitCode {
    let (mut out, mut err) = (io::stdout(), io::stderr());
    let outcome = match cli.command {
        Command::Serve(args) => serve::run(&args, environment, look_of(&err, environment), &mut err),
        Command::Demo(args) => demo::run(&args, &mut out),
        Command::Check(args) => check::run(&args, environment, look_of(&out, environment), &mut out),
        Command::Doctor(args) => doctor::run(&args, environment, &mut out),
        Command::Secret(SecretCommand::Hash) => secret::run(&mut io::stdin(), &mut out, &mut err),
        Command::Secret(SecretCommand::Seal(file)) => {
            secret::seal(&file, &mut io::stdin(), &mut out, &mut err)
        }
        Command::Map(args) => {
            map::run(&args, environment, look_of(&out, environment), &mut io::stdin(), &mut out)
        }
        Command::Link(args) => link::run(&args, environment, &mut io::stdin(), &mut out, &mut err),
        Command::Completions { shell } => {
            clap_complete::generate(shell, &mut Cli::command(), "countersign", &mut out);
            Ok(0)
        }
        Command::Openapi(OpenapiArgs { server }) => openapi::run(server.as_deref(), &mut out),
        Command::Key(command) => key::run(&command, environment, &mut out),
        Command::Staff(command) => staff::run(&command, environment, &mut out),
        Command::Audit(command) => audit::run(&command, environment, &mut out),
        Command::Export(args) => backup::export(&args, environment, &mut out, &mut err),
        Command::Import(args) => backup::import(&args, environment, &mut out, &mut err),
    };
    match outcome {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            complain(&error, look_of(&err, environment), &mut err);
            ExitCode::from(UNUSABLE)
        }
    }
}

/// Prints why a command could not do its work: settings with their carets, everything else in a line.
fn complain(error: &anyhow::Error, look: Look, err: &mut dyn Write) {
    let text = match error.downcast_ref::<Faults>() {
        Some(faults) => {
            let warnings: String =
                faults.warnings().iter().map(|warning| warning.render(look) + "\n").collect();
            format!("{warnings}{}", faults.render(look))
        }
        None => format!("error: {error:#}\n"),
    };
    // Nobody is left to tell if this fails.
    let _ = err.write_all(text.as_bytes());
}

/// Warnings as they are printed before a command goes on.
pub fn render_all(warnings: &[Fault], look: Look) -> String {
    warnings.iter().map(|warning| warning.render(look)).collect::<Vec<_>>().join("\n")
}

/// Colours only for terminals, and only if nobody asked for none (<https://no-color.org>).
fn look_of(output: &impl IsTerminal, environment: &Environment) -> Look {
    let plain = environment.get("NO_COLOR").is_some_and(|value| !value.is_empty());
    if output.is_terminal() && !plain { Look::Colours } else { Look::Plain }
}
