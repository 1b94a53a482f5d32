//! Logs: one JSON object per line, or text for people. They name facts (ids, codes, steps, times)
//! and never hold a secret or what a person typed; a field whose name promises one is struck out.
//!
//! To log something: 1. an event is a constant `area.what` as the message, 2. its fields are among
//! [`KEYS`] or further facts, which come after them, 3. nothing that came from outside goes in
//! unparsed. Fields of the spans around it are added, the innermost winning.

mod fields;
mod line;
pub mod metrics;
mod sink;
#[cfg(feature = "otel")]
mod traces;

use std::io;
use std::str::FromStr;

use tracing::level_filters::LevelFilter;
use tracing::{Event, Subscriber, span};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};
use tracing_subscriber::registry::{LookupSpan, Registry, Scope};

use crate::clock::Clock;

use fields::Fields;
use sink::Sink;

pub use line::KEYS;
pub use sink::Writing;

/// How a line looks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Format {
    /// One JSON object, for machines.
    #[default]
    Json,
    /// Words, for people.
    Text,
}

impl FromStr for Format {
    type Err = TelemetryError;

    fn from_str(text: &str) -> Result<Self, TelemetryError> {
        match text {
            "json" => Ok(Self::Json),
            "text" => Ok(Self::Text),
            _ => Err(TelemetryError::Format(text.chars().take(80).collect())),
        }
    }
}

/// From which level on our own events are logged. Libraries are heard from `warn` on at most: what
/// they say below that may quote headers and bodies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Level(LevelFilter);

impl Default for Level {
    fn default() -> Self {
        Self(LevelFilter::INFO)
    }
}

impl FromStr for Level {
    type Err = TelemetryError;

    fn from_str(text: &str) -> Result<Self, TelemetryError> {
        let level = match text {
            "off" => LevelFilter::OFF,
            "error" => LevelFilter::ERROR,
            "warn" => LevelFilter::WARN,
            "info" => LevelFilter::INFO,
            "debug" => LevelFilter::DEBUG,
            "trace" => LevelFilter::TRACE,
            _ => return Err(TelemetryError::Level(text.chars().take(80).collect())),
        };
        Ok(Self(level))
    }
}

/// Why there are no logs.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TelemetryError {
    /// A level that does not exist.
    #[error("`{0}` is no log level; use `off`, `error`, `warn`, `info`, `debug` or `trace`")]
    Level(String),
    /// A format that does not exist.
    #[error("`{0}` is no log format; use `json` or `text`")]
    Format(String),
    /// The process logs already.
    #[error("logging was started before")]
    Started,
    /// The thread that writes could not be started.
    #[error("the thread that writes the log could not be started")]
    Thread,
    /// The usual variables of OpenTelemetry do not make an exporter.
    #[cfg(feature = "otel")]
    #[error("spans cannot be sent: {0}; check the `OTEL_EXPORTER_OTLP_…` variables")]
    Traces(String),
}

/// Logs, and spans if they are switched on. When this is dropped, what still waits is written and sent.
#[derive(Debug)]
pub struct Started {
    #[cfg(feature = "otel")]
    _sending: Option<traces::Sending>,
    _writing: Writing,
}

/// Starts logging to standard output for the whole process. Keep what it returns: when it is
/// dropped, the lines that still wait are written. With the feature `otel` and a `service`, spans go
/// to the collector that the usual variables of OpenTelemetry name, as those of this service.
pub fn start(
    level: Level,
    format: Format,
    service: Option<&str>,
    clock: &Clock,
    request: RequestName,
) -> Result<Started, TelemetryError> {
    let output = Box::new(io::BufWriter::new(io::stdout()));
    let (subscriber, writing) = subscriber(level, format, clock, request, output)?;
    #[cfg(feature = "otel")]
    let (layer, sending) = service.map(traces::layer).transpose()?.unzip();
    #[cfg(feature = "otel")]
    let subscriber = subscriber.with(layer);
    #[cfg(not(feature = "otel"))]
    let _ = service;
    tracing::subscriber::set_global_default(subscriber).map_err(|_| TelemetryError::Started)?;
    Ok(Started {
        #[cfg(feature = "otel")]
        _sending: sending,
        _writing: writing,
    })
}

/// The same with any output and for the caller to install: tests read back what was logged.
pub fn subscriber(
    level: Level,
    format: Format,
    clock: &Clock,
    request: RequestName,
    output: Box<dyn io::Write + Send>,
) -> Result<(impl Subscriber + for<'a> LookupSpan<'a> + Send + Sync, Writing), TelemetryError> {
    let (sink, writing) = sink::start(output).map_err(|_| TelemetryError::Thread)?;
    let heard = Targets::new()
        .with_default(level.0.min(LevelFilter::WARN))
        .with_target(env!("CARGO_PKG_NAME"), level.0);
    let lines = Lines { format, clock: clock.clone(), request, sink };
    Ok((Registry::default().with(lines.with_filter(heard)), writing))
}

/// A fresh name for a request, for logs and error pages: 16 characters of Crockford's base 32 (80
/// random bits), which can be read out on the telephone.
pub fn request_id(clock: &Clock) -> String {
    const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
    let mut random = [0; 16];
    clock.fill(&mut random);
    random.iter().map(|byte| char::from(ALPHABET[usize::from(byte % 32)])).collect()
}

/// Names the request that is being answered where a line is written, if one is.
pub type RequestName = fn() -> Option<String>;

/// Makes a line of every event.
struct Lines {
    format: Format,
    clock: Clock,
    request: RequestName,
    sink: Sink,
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Lines {
    fn on_new_span(&self, attributes: &span::Attributes<'_>, id: &span::Id, context: Context<'_, S>) {
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        if let Some(span) = context.span(id) {
            span.extensions_mut().insert(fields);
        }
    }

    fn on_record(&self, id: &span::Id, values: &span::Record<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(fields) = span.extensions_mut().get_mut::<Fields>()
        {
            values.record(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut fields = Fields::default();
        if let Some(request) = (self.request)() {
            fields.put("request_id", request.into());
        }
        for span in context.event_scope(event).into_iter().flat_map(Scope::from_root) {
            if let Some(outer) = span.extensions().get::<Fields>() {
                fields.overlay(outer);
            }
        }
        event.record(&mut fields);
        let metadata = event.metadata();
        if !metadata.target().starts_with(env!("CARGO_PKG_NAME")) {
            fields.put("target", metadata.target().into());
        }
        let now = self.clock.now();
        let text = match self.format {
            Format::Json => line::json(now, *metadata.level(), fields),
            Format::Text => line::text(now, *metadata.level(), fields),
        };
        self.sink.put(text);
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    use serde_json::Value;
    use tracing::{debug, debug_span, info, warn};

    use crate::secret::Secret;

    use super::*;

    #[derive(Clone, Default)]
    struct Memory(Arc<Mutex<Vec<u8>>>);

    impl Write for Memory {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn logged(level: &str, format: Format, events: impl FnOnce()) -> String {
        let memory = Memory::default();
        let (subscriber, writing) =
            subscriber(level.parse().unwrap(), format, &Clock::system(), || None, Box::new(memory.clone()))
                .unwrap();
        tracing::subscriber::with_default(subscriber, events);
        assert!(writing.flush());
        String::from_utf8(memory.0.lock().unwrap().clone()).unwrap()
    }

    fn keys(line: &str) -> Vec<String> {
        let Value::Object(object) = serde_json::from_str(line).unwrap() else { panic!("{line}") };
        object.keys().cloned().collect()
    }

    #[test]
    fn a_line_has_the_documented_keys_in_their_order_and_further_facts_after_them() {
        let log = logged("info", Format::Json, || {
            info!(
                attempts = 3,
                duration_ms = 12,
                code = "token_timeout",
                step = "exchange",
                request_id = "r1",
                link_id = "al_1",
                provider = "acme",
                tenant = "acme",
                "auth.failed"
            );
        });
        let mut wanted: Vec<&str> = KEYS.to_vec();
        wanted.push("attempts");
        assert_eq!(keys(&log), wanted);
        let line: Value = serde_json::from_str(&log).unwrap();
        assert_eq!(line["event"], "auth.failed");
        assert_eq!(line["level"], "info");
        assert_eq!(line["duration_ms"], 12);
        let stamp = line["ts"].as_str().unwrap();
        assert_eq!(stamp.len(), "2026-01-01T00:00:00.000Z".len());
        assert!(stamp.parse::<jiff::Timestamp>().is_ok());
    }

    #[test]
    fn what_an_event_does_not_have_is_left_out() {
        let log = logged("info", Format::Json, || warn!("store.slow"));
        assert_eq!(keys(&log), ["ts", "level", "event"]);
    }

    #[test]
    fn the_fields_of_the_spans_around_are_added_and_the_inner_word_wins() {
        let log = logged("debug", Format::Json, || {
            let request =
                debug_span!("request", request_id = "r1", tenant = "outer", step = tracing::field::Empty);
            let _request = request.enter();
            request.record("step", "find");
            let _inner = debug_span!("inner", tenant = "inner").entered();
            info!(code = "x", "auth.failed");
        });
        let line: Value = serde_json::from_str(&log).unwrap();
        assert_eq!(line["request_id"], "r1");
        assert_eq!(line["tenant"], "inner");
        assert_eq!(line["step"], "find");
        assert_eq!(line["code"], "x");
    }

    #[test]
    fn secrets_are_struck_out_whatever_logs_them() {
        let secret = Secret::new("canary-1");
        let events = || {
            let _span = debug_span!("s", cookie = "canary-2", client_secret = "canary-3").entered();
            info!(access_token = "canary-4", state = %"canary-5", email = "canary-6", "auth.failed");
            info!(secret_hash = ?secret, code_verifier = ?"canary-7", "auth.failed");
            info!(uri = "/cb?code=canary-8", authorization = "canary-9", full_name = "canary-0", "x.y");
        };
        for format in [Format::Json, Format::Text] {
            let log = logged("trace", format, events);
            assert_eq!(log.lines().count(), 3);
            assert!(!log.contains("canary"), "{log}");
            assert!(log.contains("[redacted]"));
        }
    }

    #[test]
    fn libraries_are_heard_from_warn_on_whatever_our_level_is() {
        let log = logged("trace", Format::Json, || {
            debug!(target: "hyper::proto", "a header: canary");
            info!(target: "reqwest", "a body: canary");
            warn!(target: "rustls", "handshake");
            debug!("ours");
        });
        let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines.len(), 2);
        assert_eq!((&lines[0]["event"], &lines[0]["target"]), (&"handshake".into(), &"rustls".into()));
        assert_eq!((&lines[1]["event"], lines[1].get("target")), (&"ours".into(), None));
    }

    #[test]
    fn a_level_leaves_out_what_is_below_it() {
        let events = || {
            info!("one");
            warn!("two");
        };
        assert_eq!(logged("warn", Format::Json, events).lines().count(), 1);
        assert_eq!(logged("off", Format::Json, events), "");
    }

    #[test]
    fn a_value_cannot_begin_a_new_line_or_speak_to_the_terminal() {
        let events = || info!(reason = "a\n{\"level\":\"error\"}\u{1b}[2J", "x.y");
        for format in [Format::Json, Format::Text] {
            let log = logged("info", format, events);
            assert_eq!(log.matches('\n').count(), 1, "{log}");
            assert!(!log.contains('\u{1b}'));
        }
    }

    #[test]
    fn text_is_for_people() {
        let log = logged("info", Format::Text, || info!(tenant = "acme", attempts = 2, "auth.completed"));
        assert_eq!(&log[12..], " info  auth.completed tenant=acme attempts=2\n");
    }

    #[test]
    fn a_long_value_is_cut() {
        let log = logged("info", Format::Json, || info!(reason = "ä".repeat(5000), "x.y"));
        assert!(log.chars().count() < 500);
    }

    #[test]
    fn an_unknown_level_or_format_is_refused_with_the_words_that_are_known() {
        let level = "INFO".parse::<Level>().unwrap_err();
        assert!(level.to_string().contains("`INFO`") && level.to_string().contains("`info`"));
        assert!("xml".parse::<Format>().unwrap_err().to_string().contains("`json`"));
    }

    #[test]
    fn a_request_id_is_short_and_never_the_same() {
        let clock = Clock::system();
        let ids: std::collections::HashSet<String> = (0..1000).map(|_| request_id(&clock)).collect();
        assert_eq!(ids.len(), 1000);
        assert!(ids.iter().all(|id| id.len() == 16 && id.bytes().all(|b| b.is_ascii_alphanumeric())));
    }
}
