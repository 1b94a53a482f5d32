//! `docs/commands.md`: what the program says of its commands and flags.

use clap::CommandFactory as _;
use countersign::cli::Cli;

use super::generated;

/// The help of a command and of those below it.
fn help(command: &mut clap::Command, path: &str, page: &mut Vec<String>) {
    let text = command.render_long_help().to_string();
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    page.push(format!("### `{path}`\n\n```text\n{}\n```\n", lines.join("\n").trim()));
    for inner in command.get_subcommands_mut().filter(|inner| inner.get_name() != "help") {
        let path = format!("{path} {}", inner.get_name());
        help(inner, &path, page);
    }
}

#[test]
fn every_command_stands_in_the_docs_with_its_flags() {
    let mut command = Cli::command().term_width(100);
    command.build();
    let mut page = Vec::new();
    help(&mut command, "countersign", &mut page);
    assert!(page.len() > 8);
    generated("docs/commands.md", "commands", &page.join("\n"));
}
