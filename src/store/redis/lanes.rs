//! Connections: a few to each server, each shared by all calls and answered in order. A call that is
//! given up leaves its answer to be thrown away; the next call gets its own.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, Cmd, ConnectionAddr, ConnectionInfo, Pipeline, Value};
use tokio::sync::Mutex;

use super::fault::Fault;
use super::topology::Address;

/// How long a connection may take to be there.
const CONNECT: Duration = Duration::from_millis(1000);
/// How long an answer may take: a caller must be able to say 503 within two seconds.
const ANSWER: Duration = Duration::from_millis(1500);

/// What a connection is for. `WAIT` blocks the connection it is sent on, and nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Lane {
    /// Reads and relaxed commits.
    Read,
    /// Durable commits that wait for replicas; one of a few.
    Durable(u8),
    /// Questions to a sentinel.
    Sentinel,
}

/// How to get in everywhere.
#[derive(Clone)]
pub(super) struct Access {
    /// Settings for the data servers: TLS, user, password, database.
    pub(super) servers: ConnectionInfo,
}

/// Every open connection.
pub(super) struct Lanes {
    access: Access,
    open: Mutex<HashMap<(Address, Lane), Arc<Mutex<Option<MultiplexedConnection>>>>>,
}

impl Lanes {
    pub(super) fn new(access: Access) -> Self {
        Self { access, open: Mutex::new(HashMap::new()) }
    }

    /// Sends one command and waits for its answer.
    pub(super) async fn ask(&self, at: &Address, lane: Lane, command: &Cmd) -> Result<Value, Fault> {
        let mut connection = self.connection(at, lane).await?;
        let answer = connection.send_packed_command(command).await;
        self.judge(at, lane, answer).await?.extract_error().map_err(|error| Fault::of(&error))
    }

    /// Sends several commands at once and waits for all answers. An answer may be an error.
    pub(super) async fn ask_all(&self, at: &Address, lane: Lane, commands: &Pipeline) -> Result<Vec<Value>, Fault> {
        let mut connection = self.connection(at, lane).await?;
        let answers = connection.send_packed_commands(commands, 0, commands.len()).await;
        self.judge(at, lane, answers).await
    }

    /// A connection that failed is not used again.
    async fn judge<T>(&self, at: &Address, lane: Lane, answer: redis::RedisResult<T>) -> Result<T, Fault> {
        match answer {
            Ok(value) => Ok(value),
            Err(error) => {
                let fault = Fault::of(&error);
                if matches!(fault, Fault::Lost(_)) {
                    self.open.lock().await.remove(&(at.clone(), lane));
                }
                Err(fault)
            }
        }
    }

    /// The connection, opened by the first that needs it; the others wait for that one attempt.
    async fn connection(&self, at: &Address, lane: Lane) -> Result<MultiplexedConnection, Fault> {
        let slot = Arc::clone(self.open.lock().await.entry((at.clone(), lane)).or_default());
        let mut slot = slot.lock().await;
        if let Some(connection) = &*slot {
            return Ok(connection.clone());
        }
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECT))
            .set_response_timeout(Some(ANSWER));
        let refused = |error: redis::RedisError| Fault::Refused(format!("cannot connect to {at}: {}", error.category()));
        let client = Client::open(self.info(at, lane)).map_err(refused)?;
        let connection = client.get_multiplexed_async_connection_with_config(&config).await.map_err(refused)?;
        *slot = Some(connection.clone());
        Ok(connection)
    }

    fn info(&self, at: &Address, lane: Lane) -> ConnectionInfo {
        let servers = &self.access.servers;
        let address = match servers.addr() {
            ConnectionAddr::TcpTls { insecure, tls_params, .. } => ConnectionAddr::TcpTls {
                host: at.host.clone(),
                port: at.port,
                insecure: *insecure,
                tls_params: tls_params.clone(),
            },
            _ => ConnectionAddr::Tcp(at.host.clone(), at.port),
        };
        let info = servers.clone().set_addr(address);
        if lane == Lane::Sentinel { info.set_redis_settings(redis::RedisConnectionInfo::default()) } else { info }
    }
}
