//! How to get in everywhere: user, password, database and TLS are the same for all servers.

use std::sync::atomic::AtomicBool;
use std::time::Duration;

use redis::io::tcp::{TcpSettings, socket2::TcpKeepalive};
use redis::{
    Client, ClientTlsConfig, ConnectionAddr, ConnectionInfo, IntoConnectionInfo as _, RedisConnectionInfo,
    RedisError, TlsCertificates,
};

use super::node::Address;
use crate::secret::Secret;

/// After this time without an acknowledgement the kernel gives a connection up: a batch does not
/// travel for minutes after its caller was told that nobody knows what became of it.
const UNACKNOWLEDGED: Duration = Duration::from_secs(10);
/// A connection on which nothing is asked is probed this often.
const PROBED: Duration = Duration::from_secs(15);

/// How to get in.
#[derive(Debug, Clone, Default)]
pub struct Login {
    /// The name of an ACL user; none is Redis' `default`.
    pub username: Option<String>,
    /// The password.
    pub password: Option<Secret>,
    /// The number of the database; a cluster has only 0.
    pub database: u16,
    /// Whether the servers speak TLS, and whom to trust.
    pub tls: Option<Tls>,
}

/// Whom to trust, and how to prove who we are. All texts are PEM.
#[derive(Clone, Default)]
pub struct Tls {
    /// The authority that signed the servers' certificates; none is the public ones.
    pub authority: Option<Vec<u8>>,
    /// Our own certificate and its private key.
    pub own: Option<(Vec<u8>, Vec<u8>)>,
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Tls(authority: {}, own: {})", self.authority.is_some(), self.own.is_some())
    }
}

/// The login, ready for use, with what was decided for all servers.
pub(super) struct Access {
    servers: ConnectionInfo,
    /// Whether servers that can lose what they acknowledged are accepted.
    pub(super) volatile: bool,
    /// Whether the servers are a cluster.
    pub(super) clustered: bool,
    /// Whether the loss was said in the log.
    pub(super) said: AtomicBool,
}

impl Access {
    /// Fails if a certificate or a key is none.
    pub(super) fn new(login: &Login, volatile: bool, clustered: bool) -> Result<Self, RedisError> {
        let mut redis = RedisConnectionInfo::default()
            .set_db(login.database.into())
            .set_lib_name("countersign", env!("CARGO_PKG_VERSION"));
        if let Some(username) = &login.username {
            redis = redis.set_username(username);
        }
        if let Some(password) = &login.password {
            redis = redis.set_password(password.expose());
        }
        let keepalive = TcpKeepalive::new().with_time(PROBED).with_interval(PROBED);
        let tcp = TcpSettings::default()
            .set_nodelay(true)
            .set_keepalive(keepalive)
            .set_user_timeout(UNACKNOWLEDGED);
        let servers = address(login.tls.as_ref())?.into_connection_info()?;
        let servers = servers.set_redis_settings(redis).set_tcp_settings(tcp);
        Ok(Self { servers, volatile, clustered, said: AtomicBool::new(false) })
    }

    /// How to get in at `at`. A sentinel has no databases.
    pub(super) fn info(&self, at: &Address, topology: bool) -> ConnectionInfo {
        let address = match self.servers.addr() {
            ConnectionAddr::TcpTls { insecure, tls_params, .. } => ConnectionAddr::TcpTls {
                host: at.host.clone(),
                port: at.port,
                insecure: *insecure,
                tls_params: tls_params.clone(),
            },
            _ => ConnectionAddr::Tcp(at.host.clone(), at.port),
        };
        let info = self.servers.clone().set_addr(address);
        if topology {
            let settings = info.redis_settings().clone().set_db(0);
            return info.set_redis_settings(settings);
        }
        info
    }
}

/// An address without a host, which holds the settings of TLS.
fn address(tls: Option<&Tls>) -> Result<ConnectionAddr, RedisError> {
    let Some(Tls { authority, own }) = tls else { return Ok(ConnectionAddr::Tcp(String::new(), 0)) };
    let any = ConnectionAddr::TcpTls { host: String::new(), port: 0, insecure: false, tls_params: None };
    let own = own.as_ref();
    let client_tls =
        own.map(|(cert, key)| ClientTlsConfig { client_cert: cert.clone(), client_key: key.clone() });
    let certificates = TlsCertificates { client_tls, root_cert: authority.clone() };
    let client = Client::build_with_tls(any, certificates)?;
    Ok(client.get_connection_info().addr().clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_shows_no_secret() {
        let login = Login {
            username: Some("broker".to_owned()),
            password: Some(Secret::new("canary")),
            tls: Some(Tls { authority: None, own: Some((b"canary".to_vec(), b"canary".to_vec())) }),
            ..Login::default()
        };
        assert!(!format!("{login:?}").contains("canary"));
    }

    #[test]
    fn what_is_no_certificate_is_refused() {
        let tls = Tls { authority: Some(b"-----BEGIN CERTIFICATE-----\nno\n".to_vec()), own: None };
        assert!(Access::new(&Login { tls: Some(tls), ..Login::default() }, false, false).is_err());
    }

    #[test]
    fn every_server_is_entered_in_the_same_way() {
        let login = Login { password: Some(Secret::new("p")), database: 3, ..Login::default() };
        let access = Access::new(&login, false, false).unwrap();
        let info = access.info(&Address::new("::1", 6380), false);
        assert!(matches!(info.addr(), ConnectionAddr::Tcp(host, 6380) if host == "::1"));
        assert_eq!((info.redis_settings().db(), info.redis_settings().password()), (3, Some("p")));
        assert_eq!(access.info(&Address::new("s", 26379), true).redis_settings().db(), 0);
    }
}
