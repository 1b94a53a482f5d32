//! A line of the log, from time, level and fields.

use jiff::Timestamp;
use serde_json::Value;
use tracing::Level;

use super::fields::Fields;

/// The keys of a line in their order; those that an event does not have are left out, others come
/// after them (DESIGN §9). `event` is the message, `ts` RFC 3339 in UTC with milliseconds.
pub const KEYS: [&str; 10] =
    ["ts", "level", "event", "tenant", "provider", "link_id", "request_id", "step", "code", "duration_ms"];

/// One JSON object and a line feed. Everything is escaped, so that a value cannot begin a new line.
pub(super) fn json(now: Timestamp, level: Level, mut fields: Fields) -> String {
    let mut line = String::with_capacity(256);
    line.push('{');
    member(&mut line, "ts", &stamp(now).into());
    member(&mut line, "level", &word(level).into());
    for key in &KEYS[2..] {
        if let Some(value) = fields.take(key) {
            member(&mut line, key, &value);
        }
    }
    for (key, value) in fields.rest().filter(|(key, _)| !KEYS.contains(key)) {
        member(&mut line, key, &value);
    }
    line.push_str("}\n");
    line
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

fn member(line: &mut String, key: &str, value: &Value) {
    if !line.ends_with('{') {
        line.push(',');
    }
    line.push_str(&Value::from(key).to_string());
    line.push(':');
    line.push_str(&value.to_string());
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
    now.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
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
