//! Small readings of text that several settings share: the nearest known word, a duration, and
//! quoting what stands in a file.

use jiff::SignedDuration;

use super::text::DURATION;

/// The known word that `given` was probably meant to be: a slip or two away, fewer in short words.
pub fn nearest<'a>(given: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let given: String = given.chars().take(64).flat_map(char::to_lowercase).collect();
    let length = given.chars().count();
    let allowed = (length / 3).clamp(1, 3);
    known
        .into_iter()
        .filter(|word| word.chars().count().abs_diff(length) <= allowed)
        .map(|word| (distance(&given, &word.to_lowercase()), word))
        .filter(|(slips, _)| *slips <= allowed)
        .min_by_key(|(slips, _)| *slips)
        .map(|(_, word)| word)
}

/// `did you mean …` for the nearest known word, or the list of all.
pub fn suggest(given: &str, known: &[&str]) -> String {
    match nearest(given, known.iter().copied()) {
        Some(word) => format!("did you mean `{word}`?"),
        None => format!("use one of {}", listed(known)),
    }
}

/// Words in backticks with commas between them.
pub fn listed(words: &[&str]) -> String {
    words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}

/// A text of a file as it may stand in a message: in backticks, at most 60 characters of it,
/// control characters escaped.
pub fn quoted(text: &str) -> String {
    let mut shown: String = text.chars().take(60).flat_map(escaped).collect();
    if text.chars().nth(60).is_some() {
        shown.push('…');
    }
    format!("`{shown}`")
}

/// A duration in the form of [`DURATION`].
pub fn parse_duration(text: &str) -> Option<SignedDuration> {
    if !(DURATION.holds)(text) {
        return None;
    }
    let (digits, unit) = text.split_at(text.len() - 1);
    let count: i64 = digits.parse().ok()?;
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        _ => 86_400,
    };
    Some(SignedDuration::from_secs(count * seconds))
}

fn escaped(c: char) -> Vec<char> {
    if c.is_control() { c.escape_default().collect() } else { vec![c] }
}

/// How many slips of the pen lie between two words: insertions, deletions, replacements, and
/// neighbours swapped.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let replaced = last[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut best = replaced.min(last[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(before[j - 2] + 1);
            }
            row.push(best);
        }
        before = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_finds_its_word_and_a_stranger_finds_none() {
        let known = ["client_id", "client_secret", "label", "id"];
        assert_eq!(nearest("lable", known), Some("label"));
        assert_eq!(nearest("clientid", known), Some("client_id"));
        assert_eq!(nearest("Client_Secret", known), Some("client_secret"));
        assert_eq!(nearest("colour", known), None);
        assert_eq!(nearest("", known), None);
    }

    #[test]
    fn swapped_neighbours_are_one_slip() {
        assert_eq!(distance("ab", "ba"), 1);
        assert_eq!(distance("whatsapp", "whatsap"), 1);
        assert_eq!(distance("", "abc"), 3);
    }

    #[test]
    fn durations_have_four_units() {
        assert_eq!(parse_duration("30s"), Some(SignedDuration::from_secs(30)));
        assert_eq!(parse_duration("15m"), Some(SignedDuration::from_mins(15)));
        assert_eq!(parse_duration("12h"), Some(SignedDuration::from_hours(12)));
        assert_eq!(parse_duration("1d"), Some(SignedDuration::from_hours(24)));
        assert!(parse_duration("999999d").is_some());
        for bad in ["", "12", "h", "-1h", "1.5h", "0h", "1w", "12 h", "é", "1é"] {
            assert_eq!(parse_duration(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_quoted_text_is_short_and_harmless() {
        assert_eq!(quoted("a\u{1b}[31m"), "`a\\u{1b}[31m`");
        assert_eq!(quoted(&"x".repeat(61)), format!("`{}…`", "x".repeat(60)));
    }
}
