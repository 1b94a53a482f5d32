//! The real program as a process of its own, for tests that kill it.

use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use countersign::cli::demo::provider::DemoProvider;
use countersign::config::Flags;

use super::receiver::{HOOK_SECRET, NEXT_SECRET};

/// How often a process that starts is asked whether it is ready, fifty milliseconds apart.
const TRIES: u32 = 1200;

/// A running `countersign serve`. Killed at the end of the test.
#[derive(Debug)]
pub struct BrokerProcess {
    child: Child,
}

impl BrokerProcess {
    /// Starts the program with these settings and waits until it answers. Its output is appended to
    /// [`log_file`].
    pub async fn start(folder: &Path, flags: &Flags) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_countersign"));
        command.arg("serve").env_clear();
        command.env("ACME_SECRET", DemoProvider::CLIENT_SECRET).env("COUNTERSIGN_LOG", "trace");
        command.env("ACME_HOOK", HOOK_SECRET).env("ACME_HOOK_NEXT", NEXT_SECRET);
        for (name, value) in crate::channel::world::SECRETS {
            command.env(name, value);
        }
        if let Some(config) = &flags.config {
            command.arg("--config").arg(config);
        }
        let given = [
            ("--listen", &flags.listen),
            ("--base-url", &flags.base_url),
            ("--store", &flags.store),
            ("--tenants", &flags.tenants),
            ("--keys", &flags.keys),
            ("--allow-egress", &flags.allow_egress),
        ];
        for (name, values) in given {
            for value in values {
                command.arg(name).arg(value);
            }
        }
        let output: File = OpenOptions::new().create(true).append(true).open(log_file(folder)).unwrap();
        command.stdin(Stdio::null()).stdout(output.try_clone().unwrap()).stderr(output);
        let mut process = Self { child: command.spawn().unwrap() };
        process.ready(&flags.listen[0], folder).await;
        process
    }

    /// Ends it as `kill -9` does, and waits until it is gone.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Asks it to end, as `kill` does.
    pub fn terminate(&self) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    }

    /// Waits until it has ended by itself; answers its exit code.
    pub async fn ended(&mut self) -> Option<i32> {
        for _ in 0..TRIES {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("the program does not end")
    }

    async fn ready(&mut self, listen: &str, folder: &Path) {
        let http = super::http_client();
        for _ in 0..TRIES {
            if let Some(status) = self.child.try_wait().unwrap() {
                let log = std::fs::read_to_string(log_file(folder)).unwrap_or_default();
                panic!("the program ended with {status}: {log}");
            }
            let answer = http.get(format!("http://{listen}/livez")).send().await;
            if answer.is_ok_and(|answer| answer.status().is_success()) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("the program does not answer");
    }
}

impl Drop for BrokerProcess {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Where the output of the program stands.
pub fn log_file(folder: &Path) -> PathBuf {
    folder.join("countersign.log")
}
