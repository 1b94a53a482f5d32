//! What the whole test binary logs, at every level. A line is found by the ids that stand in it, so
//! tests that run at the same time do not disturb each other.

use std::io;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use countersign::clock::Clock;
use countersign::telemetry::{self, Format, Level, Writing};
use serde_json::Value;

/// The lines so far, and the thread that writes them.
struct Log {
    bytes: Arc<Mutex<Vec<u8>>>,
    writing: Writing,
}

/// A writer into shared memory.
struct Memory(Arc<Mutex<Vec<u8>>>);

impl io::Write for Memory {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

static LOG: OnceLock<Log> = OnceLock::new();

/// Starts listening, once per process.
pub fn listen() {
    LOG.get_or_init(|| {
        let bytes = Arc::new(Mutex::new(Vec::new()));
        let level: Level = "trace".parse().unwrap();
        let output = Box::new(Memory(Arc::clone(&bytes)));
        let (subscriber, writing) = telemetry::subscriber(
            level,
            Format::Json,
            &Clock::system(),
            countersign::flow::trail::request_id,
            output,
        )
        .unwrap();
        tracing::subscriber::set_global_default(subscriber).unwrap();
        Log { bytes, writing }
    });
}

/// Everything that was logged so far.
pub fn text() -> String {
    let log = LOG.get().expect("a harness was started");
    let mut tries = 0;
    while !log.writing.flush() {
        tries += 1;
        assert!(tries < 60, "the log is written");
    }
    let bytes = log.bytes.lock().unwrap_or_else(PoisonError::into_inner);
    String::from_utf8(bytes.clone()).expect("a log is UTF-8")
}

/// The lines in which `needle` stands.
pub fn lines(needle: &str) -> Vec<Value> {
    let text = text();
    let lines = text.lines().filter(|line| line.contains(needle));
    lines.map(|line| serde_json::from_str(line).expect("a line is JSON")).collect()
}
