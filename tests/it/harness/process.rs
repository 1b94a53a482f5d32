//! A program that is started for a test and ends with it, with everything that it started itself.

use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread;
use std::time::Duration;

/// How long a program may take to start on a busy machine.
const START: Duration = Duration::from_mins(1);
/// How long it may take to end when asked.
const END: Duration = Duration::from_secs(5);

/// A running program, in a process group of its own.
pub struct Process {
    child: Child,
    name: &'static str,
    lines: Arc<Mutex<Vec<String>>>,
    complaints: Arc<Mutex<Vec<String>>>,
    heard: mpsc::Receiver<String>,
    readers: Vec<thread::JoinHandle<()>>,
}

impl Process {
    /// Starts a program. `./check` installs those that may be missing.
    pub fn start(name: &'static str, command: &mut Command) -> Self {
        let command = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.process_group(0).spawn().unwrap_or_else(|error| {
            panic!("`{name}` cannot be started ({error}): run `./check`, which installs what the tests need")
        });
        let (lines, complaints) = (Arc::default(), Arc::default());
        let (tell, heard) = mpsc::channel();
        let readers = vec![
            collect(child.stdout.take().unwrap(), Arc::clone(&lines), Some(tell)),
            collect(child.stderr.take().unwrap(), Arc::clone(&complaints), None),
        ];
        Self { child, name, lines, complaints, heard, readers }
    }

    /// Waits for a line of its output that `wanted` accepts.
    pub fn wait_for<T>(&self, wanted: impl Fn(&str) -> Option<T>) -> T {
        while let Ok(line) = self.heard.recv_timeout(START) {
            if let Some(found) = wanted(&line) {
                return found;
            }
        }
        panic!("`{}` did not start; it said:\n{}\n{}", self.name, self.lines().join("\n"), self.complaints())
    }

    /// What it printed so far.
    pub fn lines(&self) -> Vec<String> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What it complained about so far.
    pub fn complaints(&self) -> String {
        self.complaints.lock().unwrap_or_else(PoisonError::into_inner).join("\n")
    }

    /// Sends a signal to it and to what it started.
    pub fn signal(&self, signal: &str) {
        // The group is ours: it exists as long as its leader was not waited for.
        let group = format!("-{}", self.child.id());
        let _ = Command::new("kill").args([signal, "--", &group]).stderr(Stdio::null()).status();
    }

    /// Waits until it has ended by itself and everything it said was heard, and returns its exit
    /// code.
    pub fn wait(&mut self) -> Option<i32> {
        let code = self.child.wait().unwrap().code();
        for reader in self.readers.drain(..) {
            reader.join().unwrap();
        }
        code
    }

    fn group_is_gone(&self) -> bool {
        let group = format!("-{}", self.child.id());
        let asked = Command::new("kill").args(["-0", "--", &group]).stderr(Stdio::null()).status();
        asked.is_ok_and(|status| !status.success())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(Some(_))) && self.group_is_gone() {
            return;
        }
        self.signal("-TERM");
        let (ended, wait) = mpsc::channel::<()>();
        let mut steps = END.as_millis() / 50;
        while steps > 0 && matches!(self.child.try_wait(), Ok(None)) {
            steps -= 1;
            // Nobody sends: this is a pause that polls.
            let _ = wait.recv_timeout(Duration::from_millis(50));
        }
        drop(ended);
        self.signal("-KILL");
        let _ = self.child.wait();
    }
}

fn collect(
    from: impl Read + Send + 'static,
    into: Arc<Mutex<Vec<String>>>,
    tell: Option<mpsc::Sender<String>>,
) -> thread::JoinHandle<()> {
    thread::spawn(move || {
        for line in BufReader::new(from).lines().map_while(Result::ok) {
            into.lock().unwrap_or_else(PoisonError::into_inner).push(line.clone());
            if let Some(tell) = &tell {
                let _ = tell.send(line);
            }
        }
    })
}
