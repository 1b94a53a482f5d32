//! Pages of lists that are kept as a whole: settings, in the order in which they were made or stand in the file.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::web::error::{ApiError, BodyFault};

use super::query::Query;

/// The part of a list that a query string asks for (`limit`, `cursor`), and the cursor of the next one. `what` names the
/// list, `id` an item in it; the cursor of another list, or behind an item that is gone, is refused (400).
pub fn page_of<T>(
    raw: Option<&str>,
    what: &str,
    mut items: Vec<T>,
    id: impl Fn(&T) -> String,
) -> Result<(Vec<T>, Option<String>), ApiError> {
    let query = Query::parse(raw, &["limit", "cursor"])?;
    let limit = query.limit()?;
    if let Some(cursor) = query.get("cursor") {
        let behind = parse(what, cursor).and_then(|last| items.iter().position(|item| id(item) == last));
        let behind = behind.ok_or_else(|| {
            let detail = "not a cursor of this list, or what it stood behind is gone; begin again without it";
            ApiError::Malformed(vec![BodyFault::at("?cursor", detail)])
        })?;
        items.drain(..=behind);
    }
    let more = items.len() > limit;
    items.truncate(limit);
    let next = items.last().filter(|_| more).map(|last| build(what, &id(last)));
    Ok((items, next))
}

fn build(what: &str, last: &str) -> String {
    URL_SAFE_NO_PAD.encode(format!("{what}\0{last}"))
}

fn parse(what: &str, cursor: &str) -> Option<String> {
    let text = String::from_utf8(URL_SAFE_NO_PAD.decode(cursor).ok()?).ok()?;
    let (list, last) = text.split_once('\0')?;
    (list == what).then(|| last.to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn numbers(raw: &str, count: usize) -> Result<(Vec<usize>, Option<String>), ApiError> {
        page_of(Some(raw), "numbers", (0..count).collect(), ToString::to_string)
    }

    #[test]
    fn a_list_is_read_page_by_page_in_its_own_order() {
        let (first, next) = numbers("limit=2", 5).unwrap();
        assert_eq!(first, [0, 1]);
        let (second, next) = numbers(&format!("limit=2&cursor={}", next.unwrap()), 5).unwrap();
        assert_eq!(second, [2, 3]);
        let (last, next) = numbers(&format!("limit=2&cursor={}", next.unwrap()), 5).unwrap();
        assert_eq!((last, next), (vec![4], None));
        assert_eq!(numbers("", 50).unwrap().1, None, "50 are one page");
        assert!(numbers("", 51).unwrap().1.is_some());
    }

    #[test]
    fn a_cursor_of_another_list_or_behind_what_is_gone_is_refused() {
        for cursor in [build("others", "1"), build("numbers", "7"), "garbage".to_owned(), "AAAA".to_owned()] {
            let refused = numbers(&format!("cursor={cursor}"), 3);
            assert!(matches!(refused, Err(ApiError::Malformed(_))), "{cursor}");
        }
    }

    proptest! {
        #[test]
        fn any_cursor_is_read_or_refused(cursor in "[A-Za-z0-9_-]{1,40}") {
            drop(numbers(&format!("cursor={cursor}"), 3));
        }
    }
}
