//! Real `redis-server` processes on free ports of 127.0.0.1, alone, with sentinels or as a
//! cluster; each ends with its test. `./check` installs the program.

use std::net::TcpListener;
use std::process::Command;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use countersign::store::redis::node::Address;
use tempfile::TempDir;

use super::process::Process;

/// What makes a Redis keep what it acknowledges.
pub const SAFE: &[&str] =
    &["--appendonly", "yes", "--appendfsync", "always", "--maxmemory-policy", "noeviction"];

/// The ports of all servers of this program: below those that the system gives to clients, with the
/// ports of the cluster's own talk, which are 10,000 higher.
const PORTS: std::ops::Range<u16> = 11_000..21_000;

/// One server.
pub struct Server {
    process: Process,
    port: u16,
    /// Its data, which a restart finds again.
    folder: TempDir,
    options: Vec<String>,
}

impl Server {
    /// Starts a server with more options, and waits until it takes connections. Words `{folder}` and
    /// `{port}` in an option stand for its own.
    pub fn start(options: &[&str]) -> Self {
        Self::start_with(options, |_| {})
    }

    /// The same, after `prepare` has put files into its folder.
    pub fn start_with(options: &[&str], prepare: impl FnOnce(&std::path::Path)) -> Self {
        let (port, folder) = (free_port(), tempfile::tempdir().unwrap());
        prepare(folder.path());
        let path = folder.path().display().to_string();
        let filled = |option: &&str| option.replace("{folder}", &path).replace("{port}", &port.to_string());
        let options: Vec<String> = options.iter().map(filled).collect();
        Self { process: run(port, &folder, &options), port, folder, options }
    }

    /// Starts a replica of it with more options, and waits until it has everything and listens for
    /// more. That the master calls it online says only that it was sent everything.
    pub fn replica(&self, options: &[&str]) -> Self {
        let replica = Self::start(&[options, &["--replicaof", "127.0.0.1", &self.port.to_string()]].concat());
        wait_until("the replica follows", || {
            let port = format!("port={},state=online", replica.port);
            self.cli(&["info", "replication"]).contains(&port)
                && replica.cli(&["info", "replication"]).contains("master_link_status:up")
        });
        replica
    }

    /// Where it listens.
    pub fn address(&self) -> Address {
        Address::new("127.0.0.1", self.port)
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The URL of it as the only server.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Everything that it has written into its append-only files.
    pub fn written(&self) -> Vec<u8> {
        let files = std::fs::read_dir(self.folder.path().join("appendonlydir")).unwrap();
        files.flat_map(|file| std::fs::read(file.unwrap().path()).unwrap()).collect()
    }

    /// Ends it as `kill -9` does.
    pub fn kill(&mut self) {
        self.process.signal("-KILL");
        self.process.wait();
    }

    /// Stops it in the middle of whatever it does; connections stay open and say nothing.
    pub fn freeze(&self) {
        self.process.signal("-STOP");
    }

    /// Lets it go on.
    pub fn thaw(&self) {
        self.process.signal("-CONT");
    }

    /// Starts it again on the same port and data, after it was killed.
    pub fn start_again(&mut self) {
        self.process = run(self.port, &self.folder, &self.options);
    }

    /// Runs `redis-cli` against it.
    pub fn cli(&self, arguments: &[&str]) -> String {
        let port = self.port.to_string();
        let mut command = Command::new("redis-cli");
        command.args(["-p", &port]).args(arguments);
        String::from_utf8_lossy(&command.output().unwrap().stdout).into_owned()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Nobody needs its data any more; a frozen one would not hear a kind word.
        self.process.signal("-KILL");
    }
}

/// Three masters, two of them with one replica and one with two.
pub struct Cluster {
    /// The nodes; which are masters is for the cluster to say.
    pub nodes: Vec<Server>,
}

impl Cluster {
    /// Starts the nodes, joins them, and waits until every slot is served and every replica follows.
    pub fn start() -> Self {
        let own =
            ["--cluster-enabled", "yes", "--cluster-node-timeout", "2000", "--min-replicas-to-write", "1"];
        let options = [SAFE, &own, &["--repl-diskless-sync-delay", "0"]].concat();
        let nodes: Vec<Server> = (0..7).map(|_| Server::start(&options)).collect();
        let mut create: Vec<String> = vec!["--cluster".to_owned(), "create".to_owned()];
        create.extend(nodes.iter().map(|node| node.address().to_string()));
        create.extend(["--cluster-replicas", "1", "--cluster-yes"].map(str::to_owned));
        let created = Command::new("redis-cli").args(&create).output().unwrap();
        let told = String::from_utf8_lossy(&created.stdout);
        assert!(created.status.success() && told.contains("All 16384 slots covered"), "{told}");
        let cluster = Self { nodes };
        wait_until("the cluster comes together", || {
            cluster.nodes.iter().all(|node| {
                let told = node.cli(&["info", "replication"]);
                let follows = told.contains("role:slave") && told.contains("master_link_status:up");
                (follows || told.contains("state=online"))
                    && node.cli(&["cluster", "info"]).contains("cluster_state:ok")
            })
        });
        cluster
    }

    /// The URL of the cluster, by three of its nodes.
    pub fn url(&self) -> String {
        let nodes: Vec<String> = self.nodes[4..].iter().map(|node| node.address().to_string()).collect();
        format!("redis+cluster://{}", nodes.join(","))
    }

    /// Which node is the master of what has this hash tag. It has two replicas from now on: when it
    /// dies, its successor has one left, and goes on to take writes.
    pub fn master_of(&self, tag: &str) -> usize {
        let slot: u16 =
            self.nodes[0].cli(&["cluster", "keyslot", &format!("{{{tag}}}")]).trim().parse().unwrap();
        let nodes = self.nodes[0].cli(&["cluster", "nodes"]);
        let owner = nodes.lines().find(|line| {
            line.split(' ').skip(8).any(|range| {
                let (from, to) = range.split_once('-').unwrap_or((range, range));
                from.parse().is_ok_and(|from: u16| from <= slot) && to.parse().is_ok_and(|to: u16| slot <= to)
            })
        });
        let id = owner.expect("every slot has a master").split(' ').next().unwrap();
        let own = |node: &Server| node.cli(&["cluster", "myid"]).trim() == id;
        let owner = self.nodes.iter().position(own).unwrap();
        let count = |node: &Server, number: u8| {
            node.cli(&["info", "replication"]).contains(&format!("connected_slaves:{number}"))
        };
        if !count(&self.nodes[owner], 2) {
            let rich = self.nodes.iter().find(|node| count(node, 2)).expect("seven nodes and three masters");
            let port = format!("master_port:{}", rich.port());
            let spare = self.nodes.iter().find(|node| node.cli(&["info", "replication"]).contains(&port));
            assert_eq!(spare.unwrap().cli(&["cluster", "replicate", id]).trim(), "OK");
            let online =
                |node: &Server| node.cli(&["info", "replication"]).matches("state=online").count() == 2;
            wait_until("the spare replica follows", || online(&self.nodes[owner]));
        }
        owner
    }
}

/// Waits until something is so, for half a minute at most.
pub fn wait_until(what: &str, holds: impl Fn() -> bool) {
    for _ in 0..300 {
        if holds() {
            return;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    panic!("it never came to be: {what}");
}

fn run(port: u16, folder: &TempDir, options: &[String]) -> Process {
    let mut command = Command::new("redis-server");
    // The settings file is the server's to change: sentinels and clusters keep theirs in it.
    let settings = folder.path().join("redis.conf");
    if !settings.exists() {
        std::fs::write(&settings, "").unwrap();
    }
    command.current_dir(folder.path()).arg(&settings).args(["--bind", "127.0.0.1", "--save", ""]);
    command.args(["--port", &port.to_string()]).args(options);
    let process = Process::start("redis-server", &mut command);
    process.wait_for(|line| {
        assert!(!line.contains("Address already in use"), "{line}");
        (line.contains("Ready to accept connections") || line.contains("+monitor")).then_some(())
    });
    process
}

/// A port that no other server of this program has.
fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let own = u16::try_from(std::process::id() % 10_000).unwrap();
    for _ in 0..1_000 {
        let next = NEXT.fetch_add(1, Ordering::Relaxed);
        let port = PORTS.start + (own.wrapping_mul(37) % 10_000 + next) % 10_000;
        let free = |port: u16| TcpListener::bind(("127.0.0.1", port)).is_ok();
        if free(port) && free(port + 10_000) {
            return port;
        }
    }
    panic!("no port is free");
}
