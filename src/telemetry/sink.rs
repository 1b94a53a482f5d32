//! The way of a line to its output, through a thread of its own: a reader that is slow or gone
//! costs lines, never a request.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, TrySendError, sync_channel};
use std::thread;
use std::time::Duration;

/// How many lines may wait: some megabytes.
const QUEUE: usize = 8192;

/// How long a line may wait for others, so that many are written at once: to wake a thread and to
/// write costs more than to make a line.
const GATHER: Duration = Duration::from_millis(20);

/// How long the end of the program waits for the last lines.
const LAST_LINES: Duration = Duration::from_secs(1);

/// Where lines go in.
pub(super) struct Sink {
    queue: SyncSender<Entry>,
    dropped: Arc<AtomicU64>,
}

enum Entry {
    Line(String),
    /// Everything before it is written when the sender hears back.
    Flush(SyncSender<()>),
}

impl Sink {
    /// Hands a line over, or drops and counts it if too many wait.
    pub(super) fn put(&self, line: String) {
        if let Err(TrySendError::Full(_)) = self.queue.try_send(Entry::Line(line)) {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Holds the log open. Dropping it writes the lines that still wait, for at most a second.
#[derive(Debug)]
pub struct Writing {
    queue: SyncSender<Entry>,
}

impl Writing {
    /// Writes the lines that still wait. True if all of them are out.
    pub fn flush(&self) -> bool {
        let (done, wait) = sync_channel(1);
        // A full queue means a stuck reader: waiting for room could take forever.
        self.queue.try_send(Entry::Flush(done)).is_ok() && wait.recv_timeout(LAST_LINES).is_ok()
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        self.flush();
    }
}

/// Starts the thread that writes to `output`.
pub(super) fn start(output: Box<dyn Write + Send>) -> io::Result<(Sink, Writing)> {
    let (queue, lines) = sync_channel(QUEUE);
    let dropped = Arc::new(AtomicU64::new(0));
    let writer = Writer { output: Some(output), dropped: Arc::clone(&dropped) };
    thread::Builder::new().name("log".to_owned()).spawn(move || writer.run(&lines))?;
    Ok((Sink { queue: queue.clone(), dropped }, Writing { queue }))
}

/// What the thread holds.
struct Writer {
    /// None once the reader is gone: then lines are taken and forgotten.
    output: Option<Box<dyn Write + Send>>,
    dropped: Arc<AtomicU64>,
}

impl Writer {
    fn run(mut self, lines: &Receiver<Entry>) {
        loop {
            match lines.try_recv() {
                Ok(entry) => self.take(entry),
                Err(TryRecvError::Disconnected) => return self.flush(),
                Err(TryRecvError::Empty) => {
                    // Nothing waits: now is the time to be visible.
                    self.flush();
                    match lines.recv() {
                        Ok(entry @ Entry::Flush(_)) => self.take(entry),
                        Ok(entry) => {
                            self.take(entry);
                            thread::sleep(GATHER);
                        }
                        Err(_) => return,
                    }
                }
            }
        }
    }

    fn take(&mut self, entry: Entry) {
        match entry {
            Entry::Line(line) => {
                self.report_dropped();
                self.write(line.as_bytes());
            }
            Entry::Flush(done) => {
                self.report_dropped();
                self.flush();
                // Who asked may have stopped waiting.
                let _ = done.send(());
            }
        }
    }

    /// Says how many lines are missing here, in the form of both formats' readers: JSON.
    fn report_dropped(&mut self) {
        let dropped = self.dropped.swap(0, Ordering::Relaxed);
        if dropped > 0 {
            self.write(
                format!("{{\"level\":\"warn\",\"event\":\"log.lines_dropped\",\"lines\":{dropped}}}\n")
                    .as_bytes(),
            );
        }
    }

    fn write(&mut self, bytes: &[u8]) {
        if let Some(output) = &mut self.output
            && output.write_all(bytes).is_err_and(|error| is_gone(&error))
        {
            self.output = None;
        }
    }

    fn flush(&mut self) {
        if let Some(output) = &mut self.output
            && output.flush().is_err_and(|error| is_gone(&error))
        {
            self.output = None;
        }
    }
}

/// Whether the reader will not come back. A full disk may have room again.
fn is_gone(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::BrokenPipe
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::mpsc::{Receiver as Gate, channel};

    use super::*;

    /// An output that stops at a gate before each write.
    struct Gated(Gate<()>, Arc<Mutex<Vec<u8>>>);

    impl Write for Gated {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            // A gate that is gone is open.
            let _ = self.0.recv();
            self.1.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// An output whose reader has left.
    struct Broken(Arc<AtomicU64>);

    impl Write for Broken {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            self.0.fetch_add(1, Ordering::Relaxed);
            Err(io::ErrorKind::BrokenPipe.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_reader_that_does_not_read_costs_lines_and_the_log_says_how_many() {
        let (open, gate) = channel();
        let written = Arc::new(Mutex::new(Vec::new()));
        let (sink, writing) = start(Box::new(Gated(gate, Arc::clone(&written)))).unwrap();
        let lines = QUEUE + 500;
        for number in 0..lines {
            sink.put(format!("line {number}\n"));
        }
        drop(open);
        while !writing.flush() {
            thread::yield_now();
        }
        let text = String::from_utf8(written.lock().unwrap().clone()).unwrap();
        let kept = text.lines().filter(|line| line.starts_with("line ")).count();
        // How often it was said depends on how fast the reader was; in all it is every line that is missing.
        let reports = text.lines().filter(|line| line.contains("log.lines_dropped"));
        let reports: Vec<serde_json::Value> =
            reports.map(|line| serde_json::from_str(line).unwrap()).collect();
        let dropped: u64 = reports.iter().map(|report| report["lines"].as_u64().unwrap()).sum();
        assert_eq!(dropped, (lines - kept) as u64, "{kept} kept");
        assert!(dropped > 0);
    }

    #[test]
    fn a_reader_that_is_gone_is_not_written_to_again_and_nothing_panics() {
        let writes = Arc::new(AtomicU64::new(0));
        let (sink, writing) = start(Box::new(Broken(Arc::clone(&writes)))).unwrap();
        for _ in 0..10 {
            sink.put("line\n".to_owned());
        }
        assert!(writing.flush());
        assert_eq!(writes.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn dropping_the_guard_writes_what_waits() {
        let (open, gate) = channel();
        drop(open);
        let written = Arc::new(Mutex::new(Vec::new()));
        let (sink, writing) = start(Box::new(Gated(gate, Arc::clone(&written)))).unwrap();
        sink.put("last words\n".to_owned());
        drop(writing);
        assert_eq!(*written.lock().unwrap(), b"last words\n");
    }
}
