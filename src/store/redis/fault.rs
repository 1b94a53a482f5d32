//! What an error of the Redis client means for a call: whether it may have been carried out.

use redis::{ErrorKind, RedisError, ServerErrorKind};

use super::super::backend::Unavailable;
use super::node::Address;

/// Why a call has no answer.
#[derive(Debug, Clone)]
pub(super) enum Fault {
    /// The key lives at another node; nothing was done. `Some` if the node said where.
    Moved(Option<Address>),
    /// The key is on its way to this node; ask there once.
    Ask(Address),
    /// Some keys of the call have moved already and some have not; nothing was done.
    Moving,
    /// The script is not known there; nothing was done.
    NoScript,
    /// The server refused; nothing was done.
    Refused(String),
    /// The server is not one that may be used, which does not mend itself; nothing was done.
    Unfit(String),
    /// The connection ended before the answer, perhaps long before the question: it may have been carried out.
    Dropped(String),
    /// No answer came in time: it may have been carried out.
    Late(String),
}

impl Fault {
    /// Reads an error of the server, or of the client on its way to it. `asked` is who was asked.
    pub(super) fn of(error: &RedisError, asked: &Address) -> Self {
        let redirect = || Address::redirected(error.redirect_node()?.0, asked);
        match error.kind() {
            ErrorKind::Server(ServerErrorKind::Ask) => redirect().map_or(Self::Moved(None), Self::Ask),
            ErrorKind::Server(ServerErrorKind::Moved) => Self::Moved(redirect()),
            // A master that became a replica, and a replica that lost its master.
            ErrorKind::Server(ServerErrorKind::ReadOnly | ServerErrorKind::MasterDown) => Self::Moved(None),
            ErrorKind::Server(ServerErrorKind::TryAgain) => Self::Moving,
            ErrorKind::Server(ServerErrorKind::NoScript) => Self::NoScript,
            ErrorKind::AuthenticationFailed => {
                Self::Unfit(format!("`{asked}` refuses user name or password"))
            }
            ErrorKind::InvalidClientConfig => Self::Unfit(format!("`{asked}`: {}", error.category())),
            ErrorKind::Server(_) | ErrorKind::Extension => Self::said(error, asked),
            _ => Self::Dropped(told(error, asked)),
        }
    }

    /// `NOREPLICAS`, `OOM`, `MISCONF`, `CLUSTERDOWN`, `LOADING` …: judged before the first write.
    fn said(error: &RedisError, asked: &Address) -> Self {
        let says = |words: &str| error.detail().is_some_and(|detail| detail.contains(words));
        match error.code() {
            Some("NOAUTH") => Self::Unfit(format!("`{asked}` wants a password, and none is set")),
            Some("WRONGPASS") => Self::Unfit(format!("`{asked}` refuses user name or password")),
            Some("NOPERM") => Self::Unfit(format!("`{asked}` does not let this user do what a store needs")),
            _ if says("cluster support disabled") => {
                Self::Unfit(format!("`{asked}` is no cluster; for one server write `redis://`"))
            }
            _ if says("unknown command 'SENTINEL'") => Self::Unfit(format!("`{asked}` is no sentinel")),
            _ => Self::Refused(told(error, asked)),
        }
    }

    /// The same for a caller who asks for nothing but the answer.
    pub(super) fn unavailable(self) -> Unavailable {
        Unavailable::new(match self {
            Self::Moved(_) | Self::Ask(_) => "nobody says where the key lives".to_owned(),
            Self::Moving => "the key is on its way to another server".to_owned(),
            Self::NoScript => "the script does not stay loaded".to_owned(),
            Self::Refused(reason) | Self::Unfit(reason) | Self::Dropped(reason) | Self::Late(reason) => {
                reason
            }
        })
    }
}

/// The server's own code, or the kind of the client's error: never a key or a value.
fn told(error: &RedisError, asked: &Address) -> String {
    match error.code() {
        Some(code) => format!("`{asked}` answers `{code}`"),
        None if error.is_timeout() => format!("`{asked}` does not answer in time"),
        None => format!("`{asked}`: {}", error.category()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(kind: ServerErrorKind, detail: &str) -> Fault {
        let error = RedisError::from((ErrorKind::Server(kind), "said", detail.to_owned()));
        Fault::of(&error, &Address::new("asked", 1))
    }

    #[test]
    fn a_server_that_says_where_the_key_lives_is_believed() {
        let Fault::Moved(Some(there)) = fault(ServerErrorKind::Moved, "3999 10.0.0.7:6381") else { panic!() };
        assert_eq!(there, Address::new("10.0.0.7", 6381));
        let Fault::Ask(there) = fault(ServerErrorKind::Ask, "3999 fe80::1:6381") else { panic!() };
        assert_eq!(there, Address::new("fe80::1", 6381), "an address of IPv6 stands there without brackets");
        // A node that does not know its own name means the one that was asked.
        let Fault::Moved(Some(there)) = fault(ServerErrorKind::Moved, "3999 :6381") else { panic!() };
        assert_eq!(there, Address::new("asked", 6381));
        assert!(matches!(fault(ServerErrorKind::Moved, "nonsense"), Fault::Moved(None)));
    }

    #[test]
    fn what_was_refused_was_not_done_and_what_was_lost_may_have_been() {
        assert!(matches!(fault(ServerErrorKind::BusyLoading, ""), Fault::Refused(_)));
        assert!(matches!(fault(ServerErrorKind::ClusterDown, ""), Fault::Refused(_)));
        assert!(matches!(fault(ServerErrorKind::TryAgain, ""), Fault::Moving));
        let lost = RedisError::from(std::io::Error::from(std::io::ErrorKind::ConnectionReset));
        assert!(matches!(Fault::of(&lost, &Address::new("asked", 1)), Fault::Dropped(_)));
    }
}
