//! What a login asks of the Redis: docs/scale.md says it, and this compares.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::process::Command;

use reqwest::StatusCode;

use super::on;
use crate::harness::Harness;
use crate::harness::browser::Browser;
use crate::harness::process::Process;
use crate::harness::redis::{SAFE, Server};

/// The partition of the tenant `acme`.
const TAG: &str = "\"{82}:";

/// Logins over which bytes are counted.
const LOGINS: u64 = 10;
/// Bytes of a sweep's question for one partition, and of its answer.
const SWEPT: (u64, u64) = (84, 4);

/// Commands of callers, and operations within scripts, by step.
type Counted = Vec<(&'static str, BTreeMap<String, usize>)>;

/// Everything that the server is told about one tenant.
struct Monitor {
    process: Process,
    seen: usize,
}

impl Monitor {
    fn start(server: &Server) -> Self {
        let mut command = Command::new("redis-cli");
        command.args(["-p", &server.port().to_string(), "monitor"]);
        let process = Process::start("redis-cli", &mut command);
        process.wait_for(|line| (line == "OK").then_some(()));
        Self { process, seen: 0 }
    }

    /// What callers have sent since the last question, by command.
    fn since(&mut self, server: &Server) -> BTreeMap<String, usize> {
        // A mark of our own shows that everything before it was heard.
        let mark = format!("mark-{}", self.seen);
        server.cli(&["echo", &mark]);
        let lines = loop {
            let lines = self.process.lines();
            if lines[self.seen..].iter().any(|line| line.contains(&mark)) {
                break lines;
            }
            std::thread::sleep(std::time::Duration::from_millis(5));
        };
        let mut counted = BTreeMap::new();
        for line in &lines[self.seen..] {
            // What sweeps look at and what reads logs in the background is no login's.
            let is_background = line.contains(":due\" \"(\"") || line.contains("\"XRANGE\"");
            if line.contains(TAG) && !line.contains(" lua] ") && !is_background {
                let command = line.split('"').nth(1).unwrap_or_default().to_owned();
                *counted.entry(command).or_default() += 1;
            }
        }
        self.seen = lines.len();
        counted
    }
}

async fn login(broker: &Harness, server: &Server, number: usize) -> Counted {
    let mut monitor = Monitor::start(server);
    let mut counted = Counted::new();
    let conversation = format!("conv-{number}");
    let link = broker.link(&conversation).await;
    counted.push(("create the link", monitor.since(server)));
    let mut browser = Browser::new();
    let landing = browser.get(&link["url"].as_str().unwrap().parse().unwrap()).await;
    counted.push(("show its page", monitor.since(server)));
    let opened = browser.submit(&landing, &landing.form(), &[]).await;
    counted.push(("open it", monitor.since(server)));
    let callback = browser.sign_in_at_provider(&opened.location(), "allow").await;
    let answer = browser.get(&callback).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    counted.push(("the callback", monitor.since(server)));
    let page = browser.get(&answer.location()).await;
    counted.push(("the result page", monitor.since(server)));
    if let Some(code) = page.code() {
        assert_eq!(broker.message(&conversation, "+15550100", &code).await["matched"], true);
        counted.push(("the code in the chat", monitor.since(server)));
    }
    assert_eq!(broker.status(&link).await["status"], "completed");
    counted
}

/// The fewest of each: what the process does in the background now and then is no login's.
fn least(counted: Counted, other: &Counted) -> Counted {
    let mut steps = other.iter();
    let mut fewer = |(step, commands): (&'static str, BTreeMap<String, usize>)| {
        let other = &steps.next().expect("logins have the same steps").1;
        let both =
            commands.into_iter().filter_map(|(name, count)| Some((count.min(*other.get(&name)?), name)));
        (step, both.map(|(count, name)| (name, count)).collect())
    };
    counted.into_iter().map(&mut fewer).collect()
}

fn table(counted: &Counted) -> String {
    let mut text =
        String::from("| step | reads (`MGET`) | commits (`EVALSHA`) | others |\n|---|---|---|---|\n");
    let mut sums = [0, 0, 0];
    for (step, commands) in counted {
        let of = |name: &str| commands.get(name).copied().unwrap_or_default();
        let (reads, commits) = (of("MGET"), of("EVALSHA"));
        let others: usize = commands.values().sum::<usize>() - reads - commits;
        sums = [sums[0] + reads, sums[1] + commits, sums[2] + others];
        writeln!(text, "| {step} | {reads} | {commits} | {others} |").unwrap();
    }
    writeln!(text, "| **together** | **{}** | **{}** | **{}** |", sums[0], sums[1], sums[2]).unwrap();
    text
}

/// What `INFO` counts under a name.
fn info(server: &Server, section: &str, name: &str) -> u64 {
    let told = server.cli(&["info", section]);
    let line = told.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).unwrap_or("0");
    line.trim().trim_start_matches("calls=").split(',').next().unwrap().parse().unwrap()
}

/// Bytes to the server and back, without those of sweeps, which look at every partition's set.
fn bytes(server: &Server) -> [u64; 2] {
    let swept = info(server, "commandstats", "cmdstat_zrange");
    let (there, back) = ("total_net_input_bytes", "total_net_output_bytes");
    [info(server, "stats", there) - swept * SWEPT.0, info(server, "stats", back) - swept * SWEPT.1]
}

#[tokio::test]
async fn a_login_moves_as_many_bytes_as_the_page_on_scale_says() {
    let server = Server::start(SAFE);
    let broker = on(&server, "code").await;
    let mut before = [0, 0];
    for number in 0..=LOGINS {
        if number == 1 {
            before = bytes(&server);
        }
        let conversation = format!("conv-{number}");
        let link = broker.link(&conversation).await;
        let page = Browser::new().sign_in(link["url"].as_str().unwrap()).await;
        let said = broker.message(&conversation, "+15550100", &page.code().unwrap()).await;
        assert_eq!(said["matched"], true);
    }
    let after = bytes(&server);
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/scale.md")).unwrap();
    let said = page.split("A login sends about ").nth(1).expect("the page says it");
    let said: Vec<f64> = said.split(' ').filter_map(|word| word.parse().ok()).take(2).collect();
    #[expect(clippy::cast_precision_loss, reason = "a few thousand")]
    let found = [0, 1].map(|way| (after[way] - before[way]) as f64 / LOGINS as f64 / 1000.0);
    for (said, found_one) in said.iter().zip(found) {
        assert!((said / found_one - 1.0).abs() < 0.15, "the page says {said:?}, counted were {found:?} kB");
    }
}

#[tokio::test]
async fn a_login_asks_as_often_as_the_page_on_scale_says() {
    let server = Server::start(SAFE);
    let broker = on(&server, "code").await;
    // The first one teaches the server the script, and reserves numbers for contacts.
    login(&broker, &server, 0).await;
    let mut counted = login(&broker, &server, 1).await;
    for number in 2..5 {
        counted = least(counted, &login(&broker, &server, number).await);
    }
    let counted = table(&counted);
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/scale.md");
    let page = std::fs::read_to_string(path).unwrap();
    let (before, rest) = page.split_once("<!-- counted by tests/it/on_redis/cost.rs -->\n").unwrap();
    let end = rest.find("\n\n").map_or(rest.len(), |end| end + 1);
    let (stands, after) = rest.split_at(if rest.starts_with('|') { end } else { 0 });
    if std::env::var_os("UPDATE_DOCS").is_some() {
        let page = [before, "<!-- counted by tests/it/on_redis/cost.rs -->\n", &counted, after].concat();
        std::fs::write(path, page).unwrap();
        return;
    }
    assert_eq!(stands, counted, "UPDATE_DOCS=1 rewrites the table");
}
