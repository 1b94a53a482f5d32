//! A real mail server, `aiosmtpd`, which a test can make misbehave (tests/mail/server.py).

use std::path::Path;
use std::process::Stdio;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use countersign::egress::mail::{Guarded, PATIENCE, Relay};
use countersign::secret::Secret;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

/// Who may send.
pub const USER: &str = "dana@acme.example";
/// With this password.
pub const PASSWORD: &str = "correct horse battery staple";

/// Runs until it is dropped.
pub struct MailServer {
    _process: Child,
    lines: Lines<BufReader<ChildStdout>>,
    /// Where it listens.
    pub port: u16,
    /// The authority that signed its certificate (PEM).
    pub authority: Vec<u8>,
    /// The same as a file.
    pub authority_file: String,
    _folder: tempfile::TempDir,
}

impl MailServer {
    /// A server as `orders` say; see tests/mail/server.py.
    pub async fn start(mut orders: Value) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let authority = certificates(folder.path());
        let file = |name: &str| folder.path().join(name).display().to_string();
        orders["cert"] = json!(file("cert.pem"));
        orders["key"] = json!(file("key.pem"));
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mail");
        let python = root.join(".venv/bin/python");
        assert!(python.exists(), "`./check` installs the mail server of the tests");
        let mut command = Command::new(python);
        command.arg(root.join("server.py")).arg(orders.to_string()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut process = command.spawn().unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let first: Value = serde_json::from_str(&lines.next_line().await.unwrap().unwrap()).unwrap();
        let port = u16::try_from(first["port"].as_u64().unwrap()).unwrap();
        let authority_file = file("ca.pem");
        Self { _process: process, lines, port, authority, authority_file, _folder: folder }
    }

    /// The next message that it took.
    pub async fn message(&mut self) -> Value {
        serde_json::from_str(&self.lines.next_line().await.unwrap().unwrap()).unwrap()
    }

    /// As a broker would be told of it.
    pub fn relay(&self, guarded: Guarded) -> Relay {
        Relay {
            host: "localhost".to_owned(),
            port: self.port,
            guarded,
            login: None,
            authority: Some(self.authority.clone()),
            patience: PATIENCE,
        }
    }

    /// The same with a login.
    pub fn relay_as(&self, guarded: Guarded, password: &str) -> Relay {
        let login = Some((USER.to_owned(), Secret::new(password)));
        Relay { login, ..self.relay(guarded) }
    }
}

/// An authority of its own and a certificate for `localhost`, as files; the authority's, as bytes.
fn certificates(folder: &Path) -> Vec<u8> {
    let mut params = rcgen::CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let authority_key = rcgen::KeyPair::generate().unwrap();
    let authority = params.self_signed(&authority_key).unwrap();
    let issuer = rcgen::Issuer::new(params, authority_key);
    let key = rcgen::KeyPair::generate().unwrap();
    let params = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let certificate = params.signed_by(&key, &issuer).unwrap();
    let authority = pem("CERTIFICATE", authority.der());
    std::fs::write(folder.join("cert.pem"), pem("CERTIFICATE", certificate.der())).unwrap();
    std::fs::write(folder.join("key.pem"), pem("PRIVATE KEY", &key.serialize_der())).unwrap();
    std::fs::write(folder.join("ca.pem"), &authority).unwrap();
    authority.into_bytes()
}

/// As RFC 7468 has it.
fn pem(label: &str, der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let lines: Vec<_> = text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}
