//! Rows of CSV (RFC 4180): every field is quoted, every row ends with CR LF. A text that a
//! spreadsheet would take for a formula gets an apostrophe in front.

use std::io;

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use futures_util::{Stream, StreamExt as _, stream};

use crate::web::Web;
use crate::web::caller::Caller;
use crate::web::error::{ApiError, BodyFault};
use crate::web::limit::File;

use super::query::Query;

/// Whether a question wants a file, which has no pages. `format` decides; without it CSV is told to those who accept
/// it and not JSON.
pub fn is_wanted(query: &Query, headers: &HeaderMap) -> Result<bool, ApiError> {
    let fault = |pointer: &str, detail: &str| ApiError::Malformed(vec![BodyFault::at(pointer, detail)]);
    let is_wanted = match query.get("format") {
        Some("csv") => true,
        Some("json") => false,
        Some(_) => return Err(fault("?format", "use `json` or `csv`")),
        None => accepts(headers, "text/csv") && !accepts(headers, "application/json"),
    };
    if is_wanted && query.get("limit").or(query.get("cursor")).is_some() {
        return Err(fault("?limit", "a CSV file has no pages; leave `limit` and `cursor` out"));
    }
    Ok(is_wanted)
}

/// The place of one more file of the caller's.
pub fn place<S>(web: &Web, caller: &Caller<S>) -> Result<File, ApiError> {
    let place = web.limits.file(&caller.tenant.id, &caller.client_id);
    place
        .ok_or_else(|| ApiError::TooManyWait("four files of this client are on their way already".to_owned()))
}

/// A file: what is read of it already, and the rest as it is read. It keeps its place until its last byte is sent, or nobody
/// takes it any more.
pub fn send(
    (name, place): (&str, File),
    first: String,
    rest: impl Stream<Item = io::Result<Bytes>> + Send + 'static,
) -> Response {
    let text = stream::once(async { Ok(Bytes::from(first)) }).chain(rest);
    let body = Body::from_stream(text.inspect(move |_| {
        let _ = &place;
    }));
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8; header=present".to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")),
    ];
    (headers, body).into_response()
}

/// Adds a row.
pub fn push_row<'f>(text: &mut String, fields: impl IntoIterator<Item = &'f str>) {
    for (number, field) in fields.into_iter().enumerate() {
        text.push_str(if number == 0 { "\"" } else { ",\"" });
        if field.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']) {
            text.push('\'');
        }
        for c in field.chars() {
            if c == '"' {
                text.push('"');
            }
            text.push(c);
        }
        text.push('"');
    }
    text.push_str("\r\n");
}

fn accepts(headers: &HeaderMap, kind: &str) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    accept
        .split(',')
        .any(|one| one.split(';').next().is_some_and(|one| one.trim().eq_ignore_ascii_case(kind)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::web::limit::work::Work;
    use crate::web::limit::{Limits, Rates};

    fn row(fields: &[&str]) -> String {
        let mut text = String::new();
        push_row(&mut text, fields.iter().copied());
        text
    }

    /// What a reader of RFC 4180 makes of a row.
    fn read(row: &str) -> Vec<String> {
        let inside = row.strip_suffix("\r\n").unwrap().strip_prefix('"').unwrap().strip_suffix('"').unwrap();
        inside.split("\",\"").map(|field| field.replace("\"\"", "\"")).collect()
    }

    #[test]
    fn a_file_has_its_place_until_nobody_takes_it_any_more() {
        let limits = Limits::new(Rates::default(), Work::default());
        let (tenant, client) = ("acme".parse().unwrap(), "bot".parse().unwrap());
        let place = || limits.file(&tenant, &client);
        let rest = || stream::once(async { Ok(Bytes::from_static(b"more")) });
        let mut files: Vec<_> =
            (0..4).map(|_| send(("a.csv", place().unwrap()), "first".to_owned(), rest())).collect();
        assert!(place().is_none(), "a fifth one of the client's");
        assert!(limits.file(&tenant, &"other".parse().unwrap()).is_some());
        assert_eq!(files[0].headers()["content-disposition"], "attachment; filename=\"a.csv\"");
        files.pop();
        assert!(place().is_some());
    }

    #[test]
    fn a_formula_is_a_text_in_every_spreadsheet() {
        for formula in ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"] {
            assert!(row(&["a", formula]).contains(&format!(",\"'{formula}\"")), "{formula:?}");
        }
        assert_eq!(row(&["a", "b=1", ""]), "\"a\",\"b=1\",\"\"\r\n");
    }

    proptest! {
        #[test]
        fn what_was_written_is_read_again(fields in prop::collection::vec("[a-z\", \r\n]{0,8}x", 1..4)) {
            let texts: Vec<&str> = fields.iter().map(String::as_str).collect();
            // The simple reader knows no `","` within a field.
            prop_assume!(fields.iter().all(|field| !field.contains("\",\"") && !field.starts_with('"')));
            let read: Vec<String> = read(&row(&texts)).into_iter().map(|field| field.trim_start_matches('\'').to_owned()).collect();
            prop_assert_eq!(read, fields);
        }
    }
}
