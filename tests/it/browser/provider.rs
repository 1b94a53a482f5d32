//! An OAuth server from npm, in a process of its own.

use std::path::Path;
use std::process::Command;

use countersign::cli::demo::provider::DemoProvider;

use crate::harness::process::Process;

/// Which server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `oidc-provider`: certified, its own pages, Basic, PKCE demanded.
    Oidc,
    /// `@node-oauth/oauth2-server` with the seed's nested WhoAmI.
    OAuth2,
}

/// A running server.
pub struct Provider {
    process: Process,
    /// `http://127.0.0.1:<port>`
    pub origin: String,
}

impl Provider {
    /// Starts it for a client that may come back to these redirect URIs.
    pub fn start(kind: Kind, redirect_uris: &[String]) -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/providers");
        assert!(
            folder.join("node_modules").is_dir(),
            "the providers of the tests are not installed: run `./check`, which installs what the tests need"
        );
        let file = match kind {
            Kind::Oidc => "oidc.mjs",
            Kind::OAuth2 => "oauth2.mjs",
        };
        let mut command = Command::new("node");
        command.arg(file).current_dir(folder);
        command.env("CLIENT_ID", DemoProvider::CLIENT_ID).env("CLIENT_SECRET", DemoProvider::CLIENT_SECRET);
        command.env("REDIRECT_URIS", redirect_uris.join(" "));
        let process = Process::start("node", &mut command);
        let origin = process.wait_for(|line| line.strip_prefix("READY ").map(str::to_owned));
        Self { process, origin }
    }

    /// Its port.
    pub fn port(&self) -> &str {
        self.origin.rsplit(':').next().unwrap_or_default()
    }

    /// How often it was asked, e.g. for `POST /auth/token`.
    pub fn asked(&self, request: &str) -> usize {
        self.process.lines().iter().filter(|line| *line == request).count()
    }
}
