//! What one can type, with its help.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::config::Flags;

/// A multi-tenant OAuth relying-party broker for messaging platforms.
#[derive(Debug, Parser)]
#[command(
    name = "countersign",
    version,
    about,
    long_about = "Countersign sends a sign-in link into a chat, lets the customer sign in at the tenant's own OAuth \
                  provider, makes sure that who signed in is who is in the chat, and enriches the contact.",
    after_help = "Start here:\n  countersign demo                            everything in one process, no settings\n  \
                  countersign key new --out keys.toml         the keys of a new installation\n  \
                  countersign check                           is everything set up?\n  \
                  countersign serve --config countersign.toml",
    subcommand_required = true,
    arg_required_else_help = true
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the broker
    #[command(after_help = "Examples:\n  countersign serve --config countersign.toml\n  \
                      countersign serve --listen 0.0.0.0:8080 --base-url https://auth.example.com\n  \
                      countersign serve --allow-egress acme=localhost:9000\n\n\
                      Every setting can also be given as an environment variable, e.g. \
                      COUNTERSIGN__SERVER__LISTEN.\nFlags win over variables, variables over the file, the file over \
                      defaults. Paths are taken from the working directory.")]
    Serve(SettingsArgs),
    /// Show everything in one process, with a provider and a tenant of its own
    #[command(
        after_help = "Example:\n  countersign demo\n\nIt listens on loopback only and needs no settings."
    )]
    Demo(DemoArgs),
    /// Check the settings, the tenants and the key ring, and say what is wrong and how to mend it
    #[command(after_help = "Examples:\n  countersign check --config countersign.toml\n  \
                      countersign check --tenants tenants\n  \
                      countersign check tenants/acme.toml\n\n\
                      Exit codes: 0 no fault, 1 a fault was found, 2 bad usage.")]
    Check(CheckArgs),
    /// Print the description of the API (OpenAPI 3.1, as JSON)
    #[command(after_help = "Examples:\n  countersign openapi > openapi.json\n  \
                      countersign openapi --server https://acme.example.com\n\n\
                      A running broker answers the same at /openapi.json, with its own host.")]
    Openapi(OpenapiArgs),
    /// Work with secrets
    #[command(subcommand)]
    Secret(SecretCommand),
    /// Work with the key ring
    #[command(subcommand)]
    Key(KeyCommand),
}

/// Where the settings come from, and the settings that have a flag.
#[derive(Debug, Default, Args)]
pub struct SettingsArgs {
    /// The settings file [default: countersign.toml, if there is one]
    #[arg(long, value_name = "FILE")]
    pub config: Option<String>,
    /// The address to listen on [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub listen: Option<String>,
    /// The base domain with scheme and port [default: `http://localhost:8080`]
    #[arg(long, value_name = "URL")]
    pub base_url: Option<String>,
    /// Where everything is kept [default: sqlite:data/countersign.db]
    #[arg(long, value_name = "URL")]
    pub store: Option<String>,
    /// The folder of the tenants' files [default: tenants]
    #[arg(long, value_name = "DIR")]
    pub tenants: Option<String>,
    /// The key ring file [default: keys.toml]
    #[arg(long, value_name = "FILE")]
    pub keys: Option<String>,
    /// A host that may be reached though it is not public or not https; can be given several times
    #[arg(long, value_name = "[TENANT=]HOST:PORT")]
    pub allow_egress: Vec<String>,
}

/// What `check` looks at.
#[derive(Debug, Default, Args)]
pub struct CheckArgs {
    /// The settings.
    #[command(flatten)]
    pub settings: SettingsArgs,
    /// Tenants' files to check instead of the folder
    #[arg(value_name = "TENANT FILE")]
    pub files: Vec<PathBuf>,
}

/// How the demonstration runs.
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// The address to listen on; only loopback is accepted
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8080")]
    pub listen: std::net::SocketAddr,
    /// A folder for its keys and its database; without it everything is forgotten at the end
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
}

/// What the description says of the server.
#[derive(Debug, Args)]
pub struct OpenapiArgs {
    /// The scheme and host of a tenant [default: `https://acme.example.com`]
    #[arg(long, value_name = "URL")]
    pub server: Option<String>,
}

/// Commands on secrets.
#[derive(Debug, Subcommand)]
pub enum SecretCommand {
    /// Read a client's secret from standard input and print its argon2id hash
    #[command(
        after_help = "Example:\n  openssl rand -base64 32 | tee /dev/stderr | countersign secret hash\n\n\
                      Put the hash into `secret_hash` of a `[[client]]`, and give the secret to the client."
    )]
    Hash,
}

/// Commands on the key ring.
#[derive(Debug, Subcommand)]
pub enum KeyCommand {
    /// Make a new key ring; an existing file is never overwritten
    #[command(after_help = "Example:\n  countersign key new --out keys.toml\n\n\
                      The file can be read by its owner only. Keep a copy in a safe place: without it nothing in \
                      the store can be read.")]
    New {
        /// The file to make
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
}

impl SettingsArgs {
    /// What was typed, as the settings want it.
    pub fn flags(&self) -> Flags {
        let one = |value: &Option<String>| value.iter().cloned().collect();
        Flags {
            config: self.config.clone(),
            listen: one(&self.listen),
            base_url: one(&self.base_url),
            store: one(&self.store),
            tenants: one(&self.tenants),
            keys: one(&self.keys),
            allow_egress: self.allow_egress.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_flag_reaches_the_settings() {
        let typed = [
            "countersign",
            "serve",
            "--config",
            "c",
            "--listen",
            "l",
            "--base-url",
            "b",
            "--store",
            "s",
            "--tenants",
            "t",
            "--keys",
            "k",
            "--allow-egress",
            "a:1",
            "--allow-egress",
            "x=b:2",
        ];
        let Command::Serve(args) = Cli::parse_from(typed).command else { panic!("serve was typed") };
        let flags = args.flags();
        assert_eq!(flags.config.as_deref(), Some("c"));
        let given = [&flags.listen, &flags.base_url, &flags.store, &flags.tenants, &flags.keys];
        assert_eq!(given.map(|values| values.concat()), ["l", "b", "s", "t", "k"]);
        assert_eq!(flags.allow_egress, ["a:1", "x=b:2"]);
    }
}
