//! Mail: a letter goes by SMTP (RFC 5321), always under TLS but to this very machine; in development
//! into a folder, or into the log.
//!
//! | file | what it holds |
//! |---|---|
//! | this one | what is sent and where to: [`Letter`], [`Way`], [`MailError`] |
//! | [`message`] | from a letter to the bytes of a message (RFC 5322), whatever stands in it |
//! | [`post`] | the queue: who sends a letter does not wait for the mail server |
//!
//! To add a way: 1. a variant of [`Way`], 2. its arm in [`Post`](post::Post) and in [`Way::probe`], 3. its URL in
//! `config/mail.rs`, 4. a case in `tests/it/doors/mail.rs`.

pub mod message;
pub mod post;

use std::path::PathBuf;
use std::time::Duration;

use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, CertificateStore, Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::{AsyncSmtpTransport, Tokio1Executor};

use crate::secret::Secret;

/// How long a mail server may take for a letter, if nobody says otherwise.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// What is to be sent.
#[derive(Clone)]
pub struct Letter {
    /// The name of who it comes from, in place of the one in the settings. The address is always theirs.
    pub sender: Option<String>,
    /// The address, without a name.
    pub to: String,
    /// The subject.
    pub subject: String,
    /// What it says, in plain text.
    pub text: String,
    /// The same as HTML.
    pub html: String,
}

impl std::fmt::Debug for Letter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Letter")
    }
}

/// Where letters go.
#[derive(Debug, Clone)]
pub enum Way {
    /// To a mail server.
    Relay(Relay),
    /// Into a folder, one file per letter: for development.
    Folder(PathBuf),
    /// Into the log, with what is secret in it: for development on one's own machine.
    DangerousLog,
}

/// A mail server.
#[derive(Debug, Clone)]
pub struct Relay {
    /// Its name, which its certificate must have.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the way to it is guarded.
    pub guarded: Guarded,
    /// Who we are there, if it wants to know.
    pub login: Option<(String, Secret)>,
    /// An authority of its own that signed its certificate (PEM); none for the public ones.
    pub authority: Option<Vec<u8>>,
    /// How long it may take for a letter, from the connection to its last answer.
    pub patience: Duration,
}

/// How the way to a mail server is guarded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Guarded {
    /// By TLS from the first byte (RFC 8314, 3.3).
    FromTheStart,
    /// By STARTTLS (RFC 3207), without which nothing is sent.
    ByStartTls,
    /// Not at all: it is a server on this machine.
    ByNothing,
}

/// Why a letter did not go out. Nothing in here tells to whom, or what the server said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MailError {
    /// What should be an address cannot be written to.
    #[error("the address cannot be written to")]
    Address,
    /// The server refuses our login.
    #[error("the mail server refuses our login; check the user in `mail.url` and `mail.password`")]
    Login,
    /// The server refuses the letter or its addressee, for good.
    #[error("the mail server refuses the letter ({0})")]
    Refused(u16),
    /// The server wants us to come back.
    #[error("the mail server takes no letter now ({0})")]
    Busy(u16),
    /// The server's certificate is not good, or it offers no TLS.
    #[error("there is no safe way to the mail server: it offers no TLS, or its certificate is not good")]
    Unsafe,
    /// No answer in time, or no connection.
    #[error("the mail server does not answer")]
    Silent,
    /// The server's words are no SMTP, or it lacks what we need.
    #[error("the mail server does not speak as it should")]
    Garbage,
    /// The folder cannot be written.
    #[error("the folder of the letters cannot be written")]
    Folder,
    /// So many wait already that this one was not taken.
    #[error("too many letters wait to be sent")]
    Full,
}

impl MailError {
    /// The word in logs and metrics.
    pub fn code(self) -> &'static str {
        match self {
            Self::Address => "address",
            Self::Login => "login",
            Self::Refused(_) => "refused",
            Self::Busy(_) => "busy",
            Self::Unsafe => "unsafe",
            Self::Silent => "silent",
            Self::Garbage => "garbage",
            Self::Folder => "folder",
            Self::Full => "full",
        }
    }

    /// Whether another try may go better.
    pub fn may_pass(self) -> bool {
        matches!(self, Self::Busy(_) | Self::Silent | Self::Garbage)
    }
}

impl From<lettre::transport::smtp::Error> for MailError {
    fn from(error: lettre::transport::smtp::Error) -> Self {
        let status = error.status().map(u16::from);
        match status {
            // RFC 4954, 6: the login was not good, or is demanded.
            Some(530 | 534 | 535 | 538) => Self::Login,
            Some(code) if error.is_permanent() => Self::Refused(code),
            Some(code) => Self::Busy(code),
            None if error.is_tls() || is_about_tls(&error) => Self::Unsafe,
            None if error.is_response() => Self::Garbage,
            // The library says in words only what it lacks there: a login that we can do, or STARTTLS.
            None if error.is_client() && error.to_string().contains("authentication") => Self::Login,
            None if error.is_client() => Self::Unsafe,
            None => Self::Silent,
        }
    }
}

/// Whether a handshake failed: the library tells it as a connection that failed.
fn is_about_tls(error: &lettre::transport::smtp::Error) -> bool {
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        let inner = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        if error.is::<rustls::Error>()
            || inner.is_some_and(<dyn std::error::Error + Send + Sync>::is::<rustls::Error>)
        {
            return true;
        }
        cause = error.source();
    }
    false
}

/// What comes of a talk with a mail server in this time: the library itself waits for answers without end.
async fn within<T>(
    patience: Duration,
    talk: impl Future<Output = Result<T, lettre::transport::smtp::Error>>,
) -> Result<T, MailError> {
    match tokio::time::timeout(patience, talk).await {
        Ok(told) => Ok(told?),
        Err(_) => Err(MailError::Silent),
    }
}

impl Way {
    /// The word in messages to the operator.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Relay(_) => "smtp",
            Self::Folder(_) => "file",
            Self::DangerousLog => "log",
        }
    }

    /// Whether a letter could go: enters the mail server, or finds the folder. Nothing is sent.
    pub async fn probe(&self, sender: &message::Sender) -> Result<(), MailError> {
        match self {
            Self::Relay(relay) => {
                let transport = relay.transport(sender)?;
                let answers = within(relay.patience, transport.test_connection()).await?;
                if answers { Ok(()) } else { Err(MailError::Garbage) }
            }
            Self::Folder(folder) => match std::fs::metadata(folder) {
                Ok(found) if found.is_dir() && !found.permissions().readonly() => Ok(()),
                _ => Err(MailError::Folder),
            },
            Self::DangerousLog => Ok(()),
        }
    }
}

impl Relay {
    /// A way to it, which connects anew for each letter.
    fn transport(&self, sender: &message::Sender) -> Result<AsyncSmtpTransport<Tokio1Executor>, MailError> {
        let tls = match self.guarded {
            Guarded::FromTheStart => Tls::Wrapper(self.parameters()?),
            Guarded::ByStartTls => Tls::Required(self.parameters()?),
            Guarded::ByNothing => Tls::None,
        };
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(self.host.as_str())
            .port(self.port)
            .tls(tls)
            .timeout(Some(self.patience))
            .hello_name(ClientId::Domain(sender.domain().to_owned()));
        if let Some((user, password)) = &self.login {
            builder = builder.credentials(Credentials::new(user.clone(), password.expose().to_owned()));
        }
        Ok(builder.build())
    }

    fn parameters(&self) -> Result<TlsParameters, MailError> {
        let mut builder = TlsParameters::builder(self.host.clone());
        if let Some(pem) = &self.authority {
            let authority = Certificate::from_pem(pem).map_err(|_| MailError::Unsafe)?;
            builder = builder.certificate_store(CertificateStore::None).add_root_certificate(authority);
        }
        builder.build_rustls().map_err(|_| MailError::Unsafe)
    }
}
