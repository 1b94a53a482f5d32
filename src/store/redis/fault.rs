//! What an error of the Redis client means for a call: whether it may have been carried out.

use redis::{ErrorKind, RedisError, ServerErrorKind};

use super::super::backend::Unavailable;
use super::topology::Address;

/// Why a call has no answer.
#[derive(Debug)]
pub(super) enum Fault {
    /// The key lives at another node; nothing was done. `Some` if the node said where.
    Moved(Option<Address>),
    /// The key is on its way to this node; ask there once.
    Ask(Address),
    /// The script is not known there; nothing was done.
    NoScript,
    /// The server refused; nothing was done.
    Refused(String),
    /// The connection was lost, or no answer came in time: it may have been carried out.
    Lost(String),
}

impl Fault {
    /// Reads an error that came from the client, or from the server within a pipeline.
    pub(super) fn of(error: &RedisError) -> Self {
        let address = || error.redirect_node().map(|(host, port)| Address::new(host, port));
        match (error.kind(), address()) {
            (ErrorKind::Server(ServerErrorKind::Ask), Some(address)) => Self::Ask(address),
            (ErrorKind::Server(ServerErrorKind::Moved), address) => Self::Moved(address),
            // A master that became a replica, and a replica that lost its master.
            (ErrorKind::Server(ServerErrorKind::ReadOnly | ServerErrorKind::MasterDown), _) => {
                Self::Moved(None)
            }
            (ErrorKind::Server(ServerErrorKind::NoScript), _) => Self::NoScript,
            // `NOREPLICAS`, `OOM`, `MISCONF`, `CLUSTERDOWN`, `LOADING` …: judged before the first write.
            (ErrorKind::Server(_) | ErrorKind::Extension, _) => Self::Refused(told(error)),
            (ErrorKind::AuthenticationFailed | ErrorKind::InvalidClientConfig, _) => {
                Self::Refused(told(error))
            }
            _ => Self::Lost(told(error)),
        }
    }
}

impl From<Fault> for Unavailable {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Moved(_) | Fault::Ask(_) => Self::new("the cluster does not say where the key lives"),
            Fault::NoScript => Self::new("the script does not stay loaded"),
            Fault::Refused(reason) | Fault::Lost(reason) => Self::new(reason),
        }
    }
}

/// The server's own code, or the kind of the client's error: never a key or a value.
fn told(error: &RedisError) -> String {
    match error.code() {
        Some(code) => format!("the server answers `{code}`"),
        None if error.is_timeout() => "no answer in time".to_owned(),
        None => error.category().to_owned(),
    }
}
