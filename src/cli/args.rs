//! What one can type, with its help.

mod staff;
mod upkeep;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::config::Flags;
use crate::domain::binding::Binding;
use crate::domain::conversation::Channel;
use crate::keyring::edit::KeyKind;

pub use staff::{StaffArgs, StaffCommand, StaffInviteArgs, StaffListArgs};
pub use upkeep::{AuditCommand, DoctorArgs, ExportArgs, ImportArgs, ListArgs, VerifyArgs};

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
                  countersign staff invite --tenant acme --email you@acme.example\n  \
                  countersign map --mapping '…' sample.json   what does a mapping make of an answer?\n  \
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
                      Tenants that the store holds are looked at, too, where there is a store.\n\n\
                      Exit codes: 0 no fault, 1 a fault was found, 2 bad usage.")]
    Check(CheckArgs),
    /// Ask every provider, the store, the mail server, the key ring and the clock, and say what to fix
    #[command(after_help = "Examples:\n  countersign doctor --config countersign.toml\n  \
                      countersign doctor --tenant acme --provider google\n  \
                      countersign doctor --json | jq '.checks[].steps[] | select(.outcome == \"failed\")'\n\n\
                      Providers are asked for their names, certificates, metadata, keys and sign-in page, and with \
                      made-up values at their token endpoint and WhoAmI. Nothing is written.\n\n\
                      Exit codes: 0 nothing failed, 1 something failed, 2 bad usage or settings.")]
    Doctor(DoctorArgs),
    /// Show what a mapping makes of a provider's answer
    #[command(
        after_help = "Examples:\n  countersign map --mapping '{email: user.email, fullName: user.name}' sample.json\n  \
                      countersign map --mapping @mapping.jmespath sample.json\n  \
                      countersign map --field email=user.email --field userId=user.id sample.json\n  \
                      countersign map --provider-file tenants/acme.toml --provider acme sample.json\n  \
                      curl -s https://id.example.com/whoami | countersign map -\n\n\
                      Without a mapping the default one is used. The tenant's file is checked as `check` does, but its \
                      secrets need not be there.\n\n\
                      Exit codes: 0 done, 1 the mapping or the sample is at fault, 2 bad usage."
    )]
    Map(MapArgs),
    /// Make an auth link at a running broker, and wait for the customer if wanted
    #[command(after_help = "Examples:\n  export COUNTERSIGN_CLIENT_SECRET=…\n  \
                      countersign link --url https://acme.example.com --client-id acme-bot \\\n      \
                      --conversation conv-42 --channel sms --handle +15550100\n  \
                      countersign link … --wait --json\n\n\
                      The client's secret is read from COUNTERSIGN_CLIENT_SECRET, or else from standard input.\n\n\
                      Exit codes: 0 made (with --wait: somebody signed in), 1 refused, no answer, or ended otherwise, \
                      2 bad usage.")]
    Link(LinkArgs),
    /// Print the completions of a shell
    #[command(
        after_help = "Examples:\n  countersign completions bash > /etc/bash_completion.d/countersign\n  \
                      countersign completions zsh > ~/.zfunc/_countersign\n  \
                      countersign completions fish > ~/.config/fish/completions/countersign.fish"
    )]
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
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
    /// Let people use a tenant's pages
    #[command(subcommand)]
    Staff(StaffCommand),
    /// Work with the audit
    #[command(subcommand)]
    Audit(AuditCommand),
    /// Write everything of the store into a file
    #[command(after_help = "Examples:\n  countersign export --out backup.csbackup\n  \
                      countersign export --store sqlite:data/countersign.db --out monday.csbackup\n\n\
                      Brokers may go on meanwhile: docs/operations.md says what the file then shows. The key ring is \
                      not part of the file; without it nothing of it can be read.\n\n\
                      Exit codes: 0 written, 2 bad usage, or the store or the file failed.")]
    Export(ExportArgs),
    /// Put everything of a file that `export` wrote into an empty store, also one of the other kind
    #[command(after_help = "Examples:\n  countersign import --check backup.csbackup\n  \
                      countersign import --store sqlite:data/restored.db --keys keys.toml backup.csbackup\n\n\
                      The whole file is looked through before anything is written: one that is cut short, altered, made \
                      with other keys or by a newer version is refused, and so is a store that is not empty. No broker \
                      may use the store meanwhile.\n\n\
                      Exit codes: 0 done, 1 refused, 2 bad usage or settings.")]
    Import(ImportArgs),
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

/// A mapping and what it is tried on.
#[derive(Debug, Args)]
pub struct MapArgs {
    /// What the WhoAmI endpoint answers, as JSON; `-` is standard input
    #[arg(value_name = "SAMPLE")]
    pub sample: String,
    /// A JMESPath expression, or `@` and the name of a file that holds one
    #[arg(long, value_name = "EXPR|@FILE", conflicts_with = "field")]
    pub mapping: Option<String>,
    /// An expression per field instead; can be given several times
    #[arg(long, value_name = "NAME=EXPR")]
    pub field: Vec<String>,
    /// The claims of a verified `id_token`, as JSON
    #[arg(long, value_name = "FILE")]
    pub claims: Option<String>,
    /// A tenant's file whose mapping, subject, trusted fields, policies and rules are used
    #[arg(long, value_name = "FILE")]
    pub provider_file: Option<PathBuf>,
    /// Which provider of that file [default: the only one]
    #[arg(long, value_name = "ID", requires = "provider_file")]
    pub provider: Option<String>,
    /// Print JSON, as `POST /v1/mapping/preview` answers
    #[arg(long)]
    pub json: bool,
}

/// A link and where it is made.
#[derive(Debug, Args)]
pub struct LinkArgs {
    /// The tenant's address
    #[arg(long, value_name = "URL")]
    pub url: String,
    /// The client that asks, with the scope `write:auth_links` (to wait: `read:auth_links` too)
    #[arg(long, value_name = "ID")]
    pub client_id: String,
    /// The platform's id of the conversation
    #[arg(long, value_name = "ID")]
    pub conversation: String,
    /// The conversation's channel
    #[arg(long, value_name = "CHANNEL", value_parser = clap::builder::PossibleValuesParser::new(Channel::ALL.map(Channel::as_str)))]
    pub channel: String,
    /// The customer's address there
    #[arg(long, value_name = "ADDRESS", allow_hyphen_values = true)]
    pub handle: Option<String>,
    /// Where the customer signs in [default: the only provider]
    #[arg(long, value_name = "ID")]
    pub provider: Option<String>,
    /// The id or tag of a snippet
    #[arg(long, value_name = "NAME")]
    pub snippet: Option<String>,
    /// The language of message and pages
    #[arg(long, value_name = "TAG")]
    pub locale: Option<String>,
    /// For how many seconds the link can be opened [default: 900]
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(i64).range(1..=86_400))]
    pub expires_in: Option<i64>,
    /// What the chat must prove, at least what the tenant demands
    #[arg(long, value_name = "BINDING", value_parser = clap::builder::PossibleValuesParser::new(Binding::ALL.map(Binding::as_str)))]
    pub minimum: Option<String>,
    /// Wait until the link is final and tell what becomes of it
    #[arg(long)]
    pub wait: bool,
    /// Print JSON: the new link, and with --wait the final one on a second line
    #[arg(long)]
    pub json: bool,
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
    /// Read a secret from standard input and print it sealed, to stand in a tenant's file
    #[command(after_help = "Example:\n  countersign secret seal --keys keys.toml < acme-secret.txt\n\n\
                      Put it into the file: `client_secret = { sealed = \"…\" }`. Whoever has the key ring can open \
                      it, so keep the ring apart from the files.")]
    Seal(KeyFile),
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
    /// Show the keys' names and states, and never a key
    #[command(after_help = "Example:\n  countersign key list --keys keys.toml")]
    List {
        /// Where the keys stand.
        #[command(flatten)]
        file: KeyFile,
    },
    /// Take the next step of a rotation: make a new key known, or use the one that is
    #[command(
        after_help = "Example:\n  countersign key rotate --keys keys.toml --kind sign   # makes a key that is \
                      next\n  countersign key rotate --keys keys.toml --kind sign   # five minutes later: it signs\n\n\
                      Running brokers read the file by themselves. No request fails; see docs/keys.md.\n\
                      Exit codes: 0 done, 1 a step has to wait, 2 bad usage."
    )]
    Rotate {
        /// Where the keys stand.
        #[command(flatten)]
        file: KeyFile,
        /// One kind of key only
        #[arg(long)]
        kind: Option<KeyKind>,
        /// Do not wait until every broker and every cache knows the next key: requests may fail
        #[arg(long)]
        now: bool,
    },
    /// Revoke a signing key: its tokens are refused within seconds
    #[command(
        after_help = "Example:\n  countersign key revoke 2026-01-01-77c2 --keys keys.toml\n\nIf it signs, the \
                      next key does so in its place, or a fresh one. Clients then need new tokens."
    )]
    Revoke {
        /// The key's name, as `countersign key list` shows it
        kid: String,
        /// Where the keys stand.
        #[command(flatten)]
        file: KeyFile,
    },
    /// Move every record to the active index key, and drop the previous one when nothing needs it
    #[command(
        after_help = "Example:\n  countersign key reindex --config countersign.toml\n\nRunning brokers do the \
                      same by themselves, but never change the file.\n\
                      Exit codes: 0 done, 1 the previous key is needed for a while, 2 bad usage."
    )]
    Reindex {
        /// The settings.
        #[command(flatten)]
        settings: SettingsArgs,
        /// Drop the previous key though sign-ins that are under way may fail
        #[arg(long)]
        now: bool,
    },
}

/// Where the keys stand.
#[derive(Debug, Args)]
pub struct KeyFile {
    /// The key ring file
    #[arg(long, value_name = "FILE", default_value = "keys.toml")]
    pub keys: PathBuf,
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
