//! A line of the log, from time, level and fields.

use jiff::Timestamp;
use jiff::fmt::temporal::DateTimePrinter;
use serde::Serialize;
use serde_json::Value;
use tracing::Level;

use super::fields::Fields;

/// The keys of a line in their order; those that an event does not have are left out, others come
/// after them (DESIGN §9). `event` is the message, `ts` RFC 3339 in UTC with milliseconds.
pub const KEYS: [&str; 10] =
    ["ts", "level", "event", "tenant", "provider", "link_id", "request_id", "step", "code", "duration_ms"];

/// One JSON object and a line feed. Everything is escaped, so that a value cannot begin a new line.
pub(super) fn json(now: Timestamp, level: Level, mut fields: Fields) -> String {
    let mut line = Vec::with_capacity(384);
    line.push(b'{');
    member(&mut line, "ts", &stamp(now));
    member(&mut line, "level", word(level));
    for key in &KEYS[2..] {
        if let Some(value) = fields.take(key) {
            member(&mut line, key, &value);
        }
    }
    for (key, value) in fields.rest().filter(|(key, _)| !KEYS.contains(key)) {
        member(&mut line, key, &value);
    }
    line.extend_from_slice(b"}\n");
    String::from_utf8(line).expect("JSON is UTF-8")
}

/// Time of day, level, event, and the fields as `key=value`.
pub(super) fn text(now: Timestamp, level: Level, mut fields: Fields) -> String {
    let event = fields.take("event").map(|event| plain(&event)).unwrap_or_default();
    let mut line = format!("{} {:5} {event}", &stamp(now)[11..23], word(level));
    for key in &KEYS[3..] {
        if let Some(value) = fields.take(key) {
            pair(&mut line, key, &value);
        }
    }
    for (key, value) in fields.rest().filter(|(key, _)| !KEYS.contains(key)) {
        pair(&mut line, key, &value);
    }
    line.push('\n');
    line
}

fn pair(line: &mut String, key: &str, value: &Value) {
    line.push(' ');
    line.push_str(key);
    line.push('=');
    line.push_str(&plain(value));
}

fn member(line: &mut Vec<u8>, key: &str, value: &(impl Serialize + ?Sized)) {
    if line.last() != Some(&b'{') {
        line.push(b',');
    }
    let written = serde_json::to_writer(&mut *line, key).and_then(|()| {
        line.push(b':');
        serde_json::to_writer(&mut *line, value)
    });
    written.expect("texts and numbers are JSON, and memory takes them");
}

/// A value without quotes; what a terminal would obey is escaped.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => {
            let escape =
                |c: char| if c.is_control() { c.escape_default().to_string() } else { c.to_string() };
            text.chars().map(escape).collect()
        }
        other => other.to_string(),
    }
}

fn stamp(now: Timestamp) -> String {
    const PRINTER: DateTimePrinter = DateTimePrinter::new().precision(Some(3));
    PRINTER.timestamp_to_string(&now)
}

fn word(level: Level) -> &'static str {
    match level {
        Level::ERROR => "error",
        Level::WARN => "warn",
        Level::INFO => "info",
        Level::DEBUG => "debug",
        Level::TRACE => "trace",
    }
}
