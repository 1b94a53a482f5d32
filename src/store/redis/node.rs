//! A server, and the connections to it: a few, each shared by all calls and answered in order. A
//! call that is given up leaves its answer to be thrown away; the next call gets its own.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared};
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, Cmd, Pipeline, Value};
use tokio::time::timeout;

use super::access::Access;
use super::fault::Fault;
use super::safety::{self, Pledge, Role};

/// How long a connection may take to be there, with all that is asked of a server first.
const CONNECT: Duration = Duration::from_millis(800);
/// How long an answer may take: a caller must be able to say 503 within two seconds.
const ANSWER: Duration = Duration::from_secs(1);
/// Calls that may wait to be written to a connection; more wait in front of it.
const WAITING: usize = 1024;
/// Connections for commits that wait for replicas.
const DURABLE: usize = 8;

/// A server's name and port.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Address {
    /// Its name, or its address without brackets.
    pub host: String,
    /// Its port.
    pub port: u16,
}

impl Address {
    /// The server at `host` and `port`.
    pub fn new(host: impl Into<String>, port: u16) -> Self {
        Self { host: host.into(), port }
    }

    /// Where a server of a cluster sends a caller: `host:port`, without a host if it does not know it.
    pub(super) fn redirected(to: &str, asked: &Self) -> Option<Self> {
        let (host, port) = to.rsplit_once(':')?;
        let host = if host.is_empty() { &asked.host } else { host };
        Some(Self::new(host, port.parse().ok()?))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

/// What a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lane {
    /// Reads, and commits that wait for nobody.
    Fast,
    /// Commits with `WAIT`, which blocks the connection it is sent on, and nothing else.
    Durable(usize),
    /// Questions where the masters are: nothing is demanded of who answers them.
    Topology,
}

/// One server with its connections.
pub(super) struct Node {
    address: Address,
    access: Arc<Access>,
    fast: Slot,
    durable: [Slot; DURABLE],
    topology: Slot,
}

/// A place for one connection, opened by the first that needs it.
#[derive(Default)]
struct Slot {
    live: ArcSwapOption<Live>,
    opening: Mutex<Option<Opening>>,
}

/// Who comes while a connection is being opened shares the attempt, and its end.
type Opening = Shared<BoxFuture<'static, Result<Arc<Live>, Fault>>>;

/// An open connection.
pub(super) struct Live {
    connection: MultiplexedConnection,
    /// How many calls were answered on it.
    answered: AtomicU64,
    /// What its server keeps to.
    pub(super) pledge: Pledge,
}

impl Node {
    pub(super) fn new(address: Address, access: Arc<Access>) -> Self {
        let durable = std::array::from_fn(|_| Slot::default());
        Self { address, access, fast: Slot::default(), durable, topology: Slot::default() }
    }

    pub(super) fn address(&self) -> &Address {
        &self.address
    }

    /// Sends one command and waits for its answer.
    pub(super) async fn ask(&self, lane: Lane, command: &Cmd) -> Result<Value, Fault> {
        let live = self.live(lane).await?;
        let (mut connection, before) = (live.connection.clone(), live.answered.load(Ordering::Relaxed));
        let answer = timeout(ANSWER, connection.send_packed_command(command)).await;
        self.judge(lane, &live, before, answer)?
            .extract_error()
            .map_err(|error| Fault::of(&error, &self.address))
    }

    /// Sends several commands at once and waits for all answers, each of which may be an error.
    pub(super) async fn ask_all(&self, lane: Lane, commands: &Pipeline) -> Result<Vec<Value>, Fault> {
        let live = self.live(lane).await?;
        let (mut connection, before) = (live.connection.clone(), live.answered.load(Ordering::Relaxed));
        let answers = timeout(ANSWER, connection.send_packed_commands(commands, 0, commands.len())).await;
        self.judge(lane, &live, before, answers)
    }

    /// A connection that is lost, or on which nobody was answered while a call waited, is not used again: one that is
    /// only slow is, since another would be no faster. Answers that are on their way there are still waited for by
    /// those who asked.
    fn judge<T>(
        &self,
        lane: Lane,
        live: &Arc<Live>,
        before: u64,
        answer: Result<redis::RedisResult<T>, tokio::time::error::Elapsed>,
    ) -> Result<T, Fault> {
        let fault = match answer {
            Ok(Ok(value)) => {
                live.answered.fetch_add(1, Ordering::Relaxed);
                return Ok(value);
            }
            Ok(Err(error)) => Fault::of(&error, &self.address),
            Err(_) => Fault::Late(format!("`{}` does not answer in time", self.address)),
        };
        let is_slow = live.answered.load(Ordering::Relaxed) != before;
        if matches!(fault, Fault::Dropped(_)) || (matches!(fault, Fault::Late(_)) && !is_slow) {
            self.slot(lane).retire(live);
        }
        Err(fault)
    }

    /// Judges the answers to [`safety::questions`].
    pub(super) fn examine(&self, answers: Vec<Value>) -> Result<(Pledge, Role), Fault> {
        safety::examine(answers, &self.address, &self.access)
    }

    /// It is no master any more: whoever has its name by now is asked on new connections.
    pub(super) fn close(&self) {
        for slot in self.durable.iter().chain([&self.fast]) {
            slot.live.store(None);
        }
    }

    /// The open connection of a lane; opens it if there is none.
    pub(super) async fn live(&self, lane: Lane) -> Result<Arc<Live>, Fault> {
        let slot = self.slot(lane);
        if let Some(live) = &*slot.live.load() {
            return Ok(Arc::clone(live));
        }
        let opening = {
            let mut opening = slot.opening.lock().unwrap_or_else(PoisonError::into_inner);
            opening.get_or_insert_with(|| self.open(lane)).clone()
        };
        let opened = opening.clone().await;
        let mut current = slot.opening.lock().unwrap_or_else(PoisonError::into_inner);
        if current.as_ref().is_some_and(|current| current.ptr_eq(&opening)) {
            *current = None;
            if let Ok(live) = &opened {
                slot.live.store(Some(Arc::clone(live)));
            }
        }
        opened
    }

    /// A task of its own opens it, so that a caller who gives up does not end the attempt of the others.
    fn open(&self, lane: Lane) -> Opening {
        let opening = tokio::spawn(open(self.address.clone(), Arc::clone(&self.access), lane));
        let opened = async move {
            opening.await.unwrap_or_else(|_| Err(Fault::Refused("the broker is stopping".to_owned())))
        };
        opened.boxed().shared()
    }

    fn slot(&self, lane: Lane) -> &Slot {
        match lane {
            Lane::Fast => &self.fast,
            Lane::Durable(number) => &self.durable[number % DURABLE],
            Lane::Topology => &self.topology,
        }
    }
}

impl Slot {
    /// Forgets a connection, if it is still the one in use.
    fn retire(&self, live: &Arc<Live>) {
        self.live.rcu(|current| current.clone().filter(|current| !Arc::ptr_eq(current, live)));
    }
}

async fn open(address: Address, access: Arc<Access>, lane: Lane) -> Result<Arc<Live>, Fault> {
    match timeout(CONNECT, connect(&address, &access, lane)).await {
        Ok(opened) => opened.map(Arc::new),
        Err(_) => Err(Fault::Refused(format!("cannot connect to `{address}`: no answer in time"))),
    }
}

async fn connect(address: &Address, access: &Access, lane: Lane) -> Result<Live, Fault> {
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(None)
        .set_response_timeout(None)
        .set_pipeline_buffer_size(WAITING);
    // What goes wrong before the first call was sent has done nothing.
    let refused = |error: redis::RedisError| match Fault::of(&error, address) {
        Fault::Dropped(_) => Fault::Refused(format!("cannot connect to `{address}`: {error}")),
        fault => fault,
    };
    let client = Client::open(access.info(address, lane == Lane::Topology)).map_err(refused)?;
    let mut connection =
        client.get_multiplexed_async_connection_with_config(&config).await.map_err(refused)?;
    let pledge = match lane {
        Lane::Topology => Pledge::default(),
        Lane::Fast | Lane::Durable(_) => safety::check(&mut connection, address, access).await?,
    };
    Ok(Live { connection, answered: AtomicU64::new(0), pledge })
}
