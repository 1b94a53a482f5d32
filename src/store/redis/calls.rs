//! A call, wherever its key has moved to. It is sent again only where a server said that it did
//! not carry it out.

use std::mem;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use redis::{Cmd, Pipeline, Value, cmd};

use super::super::backend::{Batch, Commit, Durability, Partition};
use super::RedisBackend;
use super::fault::Fault;
use super::node::{Lane, Node};
use super::script::{self, BatchScript};

/// How often a call follows a key that has moved.
const MOVES: usize = 6;
/// The wait before a call is sent again whose keys are being moved.
const MOVING: Duration = Duration::from_millis(50);
/// How long a durable commit waits for its replicas, in milliseconds.
const REPLICAS_WITHIN: u32 = 700;

/// Where a call goes next.
struct Way {
    node: Arc<Node>,
    /// Whether the key has only partly arrived there.
    asking: bool,
}

impl RedisBackend {
    /// Asks the master of a partition what may be asked twice: once more if the connection turns out to have ended,
    /// as idle ones do when a server is started again.
    pub(super) async fn ask(&self, partition: Partition, command: &Cmd) -> Result<Value, Fault> {
        let mut way = self.way(partition).await?;
        let mut is_first = true;
        for _ in 0..MOVES {
            let answer = if way.asking {
                let commands = asking(command.clone());
                way.node.ask_all(Lane::Fast, &commands).await.and_then(|answers| nth(answers, 1, &way.node))
            } else {
                way.node.ask(Lane::Fast, command).await
            };
            match answer {
                Ok(value) => return Ok(value),
                Err(Fault::Dropped(_)) if mem::take(&mut is_first) => {}
                Err(fault) => self.follow(partition, fault, &mut way).await?,
            }
        }
        Err(Fault::Moved(None))
    }

    /// The same for a change that must be safe before it is answered.
    pub(super) async fn ask_safely(&self, partition: Partition, command: &Cmd) -> Result<Value, Fault> {
        let (answer, is_safe) = self.send(partition, Durability::Durable, command.clone()).await?;
        if is_safe { Ok(answer) } else { Err(Fault::Refused("too few replicas answer in time".to_owned())) }
    }

    /// Sends a batch once.
    pub(super) async fn run(
        &self,
        partition: Partition,
        batch: &Batch,
        durability: Durability,
    ) -> Result<Commit, Fault> {
        let mut version = [0; 8];
        self.clock.fill(&mut version);
        let call = self.script.call(batch, version);
        let (answer, is_safe) = self.send(partition, durability, call).await?;
        Ok(match script::read(answer)? {
            // It stands at the master, but too few replicas have said that they have it.
            Commit::Done if !is_safe => Commit::Unknown,
            commit => commit,
        })
    }

    /// Sends a change; answers what the server says, and whether enough replicas have it.
    async fn send(
        &self,
        partition: Partition,
        durability: Durability,
        mut command: Cmd,
    ) -> Result<(Value, bool), Fault> {
        let mut way = self.way(partition).await?;
        for _ in 0..MOVES {
            match self.attempt(&way, durability, &mut command).await {
                Ok(answered) => return Ok(answered),
                Err(fault) => self.follow(partition, fault, &mut way).await?,
            }
        }
        Err(Fault::Moved(None))
    }

    async fn attempt(
        &self,
        way: &Way,
        durability: Durability,
        command: &mut Cmd,
    ) -> Result<(Value, bool), Fault> {
        let replicas = match durability {
            Durability::Relaxed => 0,
            Durability::Durable => way.node.live(Lane::Fast).await?.pledge.replicas,
        };
        if replicas == 0 && !way.asking {
            return Ok((way.node.ask(Lane::Fast, command).await?, true));
        }
        let lane = match replicas {
            0 => Lane::Fast,
            _ => Lane::Durable(self.next_lane.fetch_add(1, Ordering::Relaxed)),
        };
        send_and_wait(way, lane, command, replicas).await
    }

    async fn way(&self, partition: Partition) -> Result<Way, Fault> {
        Ok(Way { node: self.topology.master(partition).await?, asking: false })
    }

    /// Prepares the next attempt after a call that was not carried out; fails if there can be none.
    async fn follow(&self, partition: Partition, fault: Fault, way: &mut Way) -> Result<(), Fault> {
        match fault {
            Fault::Moved(Some(there)) => {
                self.topology.doubt();
                *way = Way { node: self.topology.node(&there), asking: false };
            }
            Fault::Moved(None) => {
                way.node.close();
                self.topology.doubt();
                *way = self.way(partition).await?;
            }
            Fault::Ask(there) => *way = Way { node: self.topology.node(&there), asking: true },
            Fault::Moving => tokio::time::sleep(MOVING).await,
            Fault::NoScript => drop(way.node.ask(Lane::Fast, &BatchScript::load()).await?),
            fault => {
                self.topology.doubt();
                return Err(fault);
            }
        }
        Ok(())
    }
}

/// Sends a change and what belongs around it in one go. The command is taken, and put back for another attempt.
async fn send_and_wait(
    way: &Way,
    lane: Lane,
    command: &mut Cmd,
    replicas: u32,
) -> Result<(Value, bool), Fault> {
    let mut commands = Pipeline::with_capacity(3);
    if way.asking {
        commands.cmd("ASKING");
    }
    commands.add_command(mem::replace(command, Cmd::new()));
    if replicas > 0 {
        commands.cmd("WAIT").arg(replicas).arg(REPLICAS_WITHIN);
    }
    let answers = way.node.ask_all(lane, &commands).await;
    let at = usize::from(way.asking);
    let answered = answers.and_then(|mut answers| {
        let waited = if replicas > 0 { answers.pop() } else { None };
        let have_it = waited.and_then(|waited| redis::from_redis_value::<u32>(waited).ok());
        let is_safe = replicas == 0 || have_it.is_some_and(|have_it| have_it >= replicas);
        Ok((nth(answers, at, &way.node)?, is_safe))
    });
    if answered.is_err() {
        commands.cmd_iter().nth(at).cloned().into_iter().for_each(|sent| *command = sent);
    }
    answered
}

fn asking(command: Cmd) -> Pipeline {
    let mut commands = Pipeline::with_capacity(2);
    commands.add_command(cmd("ASKING")).add_command(command);
    commands
}

/// One of several answers, which may be an error.
fn nth(answers: Vec<Value>, at: usize, node: &Node) -> Result<Value, Fault> {
    let answer = answers.into_iter().nth(at).ok_or_else(|| Fault::Late("an answer is missing".to_owned()))?;
    answer.extract_error().map_err(|error| Fault::of(&error, node.address()))
}
