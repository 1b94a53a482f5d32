//! The store of a run beside the brokers: none (a SQLite file of theirs), one Redis, or a cluster of
//! three masters with a replica each, and a spare one. Real `redis-server` processes on free ports of 127.0.0.1.

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

/// What makes a Redis keep what it acknowledges.
const SAFE: [&str; 6] =
    ["--appendonly", "yes", "--appendfsync", "always", "--maxmemory-policy", "noeviction"];
/// A node is missed after so many milliseconds.
const NODE_TIMEOUT: &str = "2000";

/// Servers, ended when this is dropped.
pub struct Redis {
    nodes: Vec<Server>,
}

struct Server {
    child: Child,
    port: u16,
    folder: TempDir,
    options: Vec<String>,
}

impl Redis {
    /// Starts what is asked for: `sqlite`, `redis` or `cluster`.
    pub fn start(store: &str) -> Self {
        match store {
            "sqlite" => Self { nodes: Vec::new() },
            "redis" => Self { nodes: vec![Server::start(&[])] },
            _ => Self { nodes: start_cluster() },
        }
    }

    /// The `store.url` of the brokers; empty if they use a file of their own.
    pub fn url(&self) -> String {
        let ports: Vec<String> = self.nodes.iter().map(|node| format!("127.0.0.1:{}", node.port)).collect();
        match ports.len() {
            0 => String::new(),
            1 => format!("redis://{}", ports[0]),
            _ => format!("redis+cluster://{}", ports.join(",")),
        }
    }

    /// For the figures: what it is, and how it syncs.
    pub fn words(&self) -> &'static str {
        match self.nodes.len() {
            0 => "SQLite, WAL, fdatasync at `created` and `completed`",
            1 => "one Redis, appendfsync always",
            _ => "Redis Cluster, three masters, a replica each, appendfsync always, WAIT 1",
        }
    }

    /// Ends every server as `kill -9` does, and starts it again on its data.
    pub fn kill_and_start(&mut self) {
        for node in &mut self.nodes {
            node.kill();
            node.child = run(node.port, &node.folder, &node.options);
        }
        self.nodes.iter().for_each(|node| node.wait_for(&["ping"], "PONG"));
    }

    /// Ends the master that has two replicas, as `kill -9` does. One takes over, and goes on to take writes since
    /// the other follows it.
    pub fn kill_a_master(&mut self) {
        let is_rich = |node: &&mut Server| node.ask(&["info", "replication"]).contains("connected_slaves:2");
        self.nodes.iter_mut().find(is_rich).expect("seven nodes and three masters").kill();
    }

    /// Bytes of memory that hold the data, over all masters; none without a Redis.
    pub fn bytes(&self) -> Option<u64> {
        let masters =
            self.nodes.iter().filter(|node| node.ask(&["info", "replication"]).contains("role:master"));
        masters.map(Server::used_memory).reduce(|sum, bytes| sum + bytes)
    }
}

impl Server {
    fn start(options: &[&str]) -> Self {
        let options: Vec<String> = SAFE.iter().chain(options).map(|option| (*option).to_owned()).collect();
        // Beside the program, so that the disk is the one that was built on and not one in memory.
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let port = free_port();
        let server = Self { child: run(port, &folder, &options), port, folder, options };
        server.wait_for(&["ping"], "PONG");
        server
    }

    fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    fn ask(&self, words: &[&str]) -> String {
        let asked = Command::new("redis-cli").args(["-p", &self.port.to_string()]).args(words).output();
        String::from_utf8_lossy(&asked.unwrap().stdout).into_owned()
    }

    fn wait_for(&self, words: &[&str], answer: &str) {
        for _ in 0..600 {
            if self.ask(words).contains(answer) {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("redis-server does not answer {words:?} with `{answer}`");
    }

    fn used_memory(&self) -> u64 {
        let told = self.ask(&["info", "memory"]);
        let line = told.lines().find_map(|line| line.strip_prefix("used_memory_dataset:"));
        line.expect("Redis tells of its memory").trim().parse().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

fn start_cluster() -> Vec<Server> {
    let options = [
        "--cluster-enabled",
        "yes",
        "--cluster-node-timeout",
        NODE_TIMEOUT,
        "--cluster-require-full-coverage",
        "no",
    ];
    let nodes: Vec<Server> = (0..7).map(|_| Server::start(&options)).collect();
    let mut create = vec!["--cluster".to_owned(), "create".to_owned()];
    create.extend(nodes.iter().map(|node| format!("127.0.0.1:{}", node.port)));
    create.extend(["--cluster-replicas", "1", "--cluster-yes"].map(str::to_owned));
    let created = Command::new("redis-cli").args(&create).output().unwrap();
    assert!(created.status.success(), "{}", String::from_utf8_lossy(&created.stdout));
    for node in &nodes {
        node.wait_for(&["cluster", "info"], "cluster_state:ok");
        let linked = if node.ask(&["info", "replication"]).contains("role:slave") {
            "master_link_status:up"
        } else {
            "state=online"
        };
        node.wait_for(&["info", "replication"], linked);
    }
    for node in &nodes {
        node.ask(&["config", "set", "min-replicas-to-write", "1"]);
    }
    nodes
}

fn run(port: u16, folder: &TempDir, options: &[String]) -> Child {
    let mut command = Command::new("redis-server");
    command.current_dir(folder.path()).args([
        "--bind",
        "127.0.0.1",
        "--save",
        "",
        "--port",
        &port.to_string(),
    ]);
    command.args(options).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().expect("`redis-server` is installed: Debian package redis-server")
}

/// A port for a server, and for a node of a cluster also the one 10,000 above it.
fn free_port() -> u16 {
    let is_free = |port: u16| TcpListener::bind(("127.0.0.1", port)).is_ok();
    let offer = || TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let low = |port: u16| if port > 50_000 { port - 20_000 } else { port };
    let found = (0..100).map(|_| low(offer())).find(|port| is_free(*port) && is_free(*port + 10_000));
    found.expect("of a hundred ports one is free")
}
