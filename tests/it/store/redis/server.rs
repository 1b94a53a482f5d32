//! Real `redis-server` processes on free ports of 127.0.0.1, alone or as a cluster; each ends with
//! its test.

use std::net::TcpListener;
use std::process::Command;

use countersign::store::redis::topology::Address;
use tempfile::TempDir;

use crate::harness::process::Process;

/// What makes a Redis keep what it acknowledges.
pub const SAFE: &[&str] =
    &["--appendonly", "yes", "--appendfsync", "always", "--maxmemory-policy", "noeviction"];

/// One server.
pub struct Server {
    process: Process,
    port: u16,
    /// Its data, which a restart finds again.
    folder: TempDir,
    options: Vec<String>,
}

impl Server {
    /// Starts a server with more options, and waits until it takes connections.
    pub fn start(options: &[&str]) -> Self {
        let port = free_port();
        let folder = tempfile::tempdir().unwrap();
        let options: Vec<String> = options.iter().map(|option| (*option).to_owned()).collect();
        Self { process: run(port, &folder, &options), port, folder, options }
    }

    /// Where it listens.
    pub fn address(&self) -> Address {
        Address::new("127.0.0.1", self.port)
    }

    /// Ends it as `kill -9` does.
    pub fn kill(&mut self) {
        self.process.signal("-KILL");
        self.process.wait();
    }

    /// Starts it again on the same port and data, after it was killed.
    pub fn start_again(&mut self) {
        self.process = run(self.port, &self.folder, &self.options);
    }

    /// Runs `redis-cli` against it.
    pub fn cli(&self, arguments: &[&str]) -> String {
        cli(self.port, arguments)
    }
}

/// Three masters with a replica each.
pub struct Cluster {
    /// The nodes; which are masters is for the cluster to say.
    pub nodes: Vec<Server>,
}

impl Cluster {
    /// Starts six nodes, joins them, and waits until every slot is served.
    pub fn start() -> Self {
        let options = [SAFE, &["--cluster-enabled", "yes", "--cluster-node-timeout", "1000"]].concat();
        let nodes: Vec<Server> = (0..6).map(|_| Server::start(&options)).collect();
        let mut create: Vec<String> = vec!["--cluster".to_owned(), "create".to_owned()];
        create.extend(nodes.iter().map(|node| node.address().to_string()));
        create.extend(["--cluster-replicas", "1", "--cluster-yes"].map(str::to_owned));
        let created = Command::new("redis-cli").args(&create).output().unwrap();
        let told = String::from_utf8_lossy(&created.stdout);
        assert!(created.status.success() && told.contains("All 16384 slots covered"), "{told}");
        let cluster = Self { nodes };
        cluster.wait_until(|node| node.cli(&["cluster", "info"]).contains("cluster_state:ok"));
        cluster.wait_until(|node| {
            let told = node.cli(&["info", "replication"]);
            told.contains("role:slave") && told.contains("master_link_status:up") || told.contains("connected_slaves:1")
        });
        for node in &cluster.nodes {
            node.cli(&["config", "set", "min-replicas-to-write", "1"]);
        }
        cluster
    }

    fn wait_until(&self, holds: impl Fn(&Server) -> bool) {
        for _ in 0..300 {
            if self.nodes.iter().all(&holds) {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(100));
        }
        panic!("the cluster does not come together");
    }
}

fn run(port: u16, folder: &TempDir, options: &[String]) -> Process {
    let mut command = Command::new("redis-server");
    command.current_dir(folder.path()).args(["--bind", "127.0.0.1", "--save", ""]);
    command.args(["--port", &port.to_string()]).args(options);
    let process = Process::start("redis-server", &mut command);
    process.wait_for(|line| line.contains("Ready to accept connections").then_some(()));
    process
}

fn cli(port: u16, arguments: &[&str]) -> String {
    let output = Command::new("redis-cli").args(["-p", &port.to_string()]).args(arguments).output().unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// A port for the server, and for a cluster node also the one 10,000 above it.
fn free_port() -> u16 {
    for _ in 0..100 {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let low = if port > 50_000 { port - 20_000 } else { port };
        let free = |port: u16| TcpListener::bind(("127.0.0.1", port)).is_ok();
        if low < 50_000 && free(low) && free(low + 10_000) {
            return low;
        }
    }
    panic!("no port is free");
}
