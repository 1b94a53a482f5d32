//! Functions over texts.

use super::super::super::fault::EvalFault;
use super::super::found::{Found, Kind};
use super::super::meter::Meter;
use super::Call;

pub(super) fn starts_with<'a>(call: &Call<'a, '_>) -> Result<Found<'a>, EvalFault> {
    let (text, part) = (text(call, 0)?, text(call, 1)?);
    call.meter.read(part.len())?;
    Ok(Found::boolean(text.starts_with(part)))
}

pub(super) fn ends_with<'a>(call: &Call<'a, '_>) -> Result<Found<'a>, EvalFault> {
    let (text, part) = (text(call, 0)?, text(call, 1)?);
    call.meter.read(part.len())?;
    Ok(Found::boolean(text.ends_with(part)))
}

pub(super) fn join<'a>(call: &Call<'a, '_>) -> Result<Found<'a>, EvalFault> {
    const TEXTS: &str = "a list of strings";
    let glue = text(call, 0)?;
    let mut joined = String::new();
    for (place, item) in call.items(1, TEXTS)?.iter().enumerate() {
        let part = item
            .as_str()
            .ok_or_else(|| call.wrong_type(1, TEXTS, "a list with something else (null, perhaps)"))?;
        call.meter.make(glue.len() + part.len())?;
        if place > 0 {
            joined.push_str(glue);
        }
        joined.push_str(part);
    }
    Ok(Found::text(joined))
}

/// A text as it is, everything else as compact JSON.
pub(super) fn to_string<'a>(call: &Call<'a, '_>) -> Result<Found<'a>, EvalFault> {
    let value = &call.values[0];
    if value.kind() == Kind::String {
        return Ok(value.clone());
    }
    let mut json = String::new();
    write(value, &mut json, call.meter)?;
    Ok(Found::text(json))
}

fn text<'c>(call: &'c Call<'_, '_>, position: usize) -> Result<&'c str, EvalFault> {
    call.values[position].as_str().ok_or_else(|| call.wrong(position, "a string"))
}

/// Writes JSON piece by piece, so that the budget ends it and not the memory.
fn write(value: &Found<'_>, json: &mut String, meter: &Meter) -> Result<(), EvalFault> {
    meter.make(8)?;
    match value.kind() {
        Kind::Null => json.push_str("null"),
        Kind::Boolean => json.push_str(if value.is_truthy() { "true" } else { "false" }),
        Kind::Number => {
            let digits = value.as_number().map_or("null", |number| number.as_str());
            meter.make(digits.len())?;
            json.push_str(digits);
        }
        Kind::String => {
            let text = value.as_str().unwrap_or_default();
            meter.make(text.len())?;
            quote(text, json);
        }
        Kind::Array => {
            let items = value.items().expect("a list has items");
            json.push('[');
            for (place, item) in items.iter().enumerate() {
                if place > 0 {
                    json.push(',');
                }
                write(&item, json, meter)?;
            }
            json.push(']');
        }
        Kind::Object => {
            meter.make(value.width() * size_of::<(&str, Found<'_>)>())?;
            json.push('{');
            for (place, (key, field)) in value.entries().into_iter().enumerate() {
                meter.make(key.len() + 4)?;
                if place > 0 {
                    json.push(',');
                }
                quote(key, json);
                json.push(':');
                write(&field, json, meter)?;
            }
            json.push('}');
        }
    }
    Ok(())
}

/// A JSON string (RFC 8259, 7).
fn quote(text: &str, json: &mut String) {
    json.push_str(&serde_json::to_string(text).expect("a text is always JSON"));
}
