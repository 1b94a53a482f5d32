//! Whether a text has a form: the tellings that are longer than a line.

pub(super) fn is_account_id(text: &str) -> bool {
    (1..=200).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic())
}

pub(super) fn is_message_version(text: &str) -> bool {
    let (whole, rest) = text.split_once('.').map_or((text, "0"), |(whole, rest)| (whole, rest));
    let digits = |text: &str| (1..=2).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    let is_newer = !whole.starts_with('0') && whole != "1";
    digits(whole) && digits(rest) && is_newer
}

pub(super) fn is_filled(text: &str) -> bool {
    text.bytes().any(|b| !matches!(b, b' ' | b'\t' | b'\r' | b'\n'))
}

pub(super) fn is_sealed(text: &str) -> bool {
    let parts = text.strip_prefix("cs1.").and_then(|rest| rest.rsplit_once('.'));
    let is_base64 = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'_');
    parts.is_some_and(|(id, body)| {
        let is_id = (1..=64).contains(&id.len()) && id.bytes().all(|c| c.is_ascii_graphic());
        is_id && body.len() >= 38 && body.bytes().all(is_base64)
    })
}

pub(super) fn is_slug(text: &str) -> bool {
    (1..=63).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_')
}

pub(super) fn is_client_id(text: &str) -> bool {
    (1..=200).contains(&text.len()) && text.bytes().all(|b| (0x20..0x7f).contains(&b))
}

pub(super) fn is_key_name(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
}

pub(super) fn is_duration(text: &str) -> bool {
    let Some((digits, unit)) = text.split_at_checked(text.len().saturating_sub(1)) else { return false };
    (1..=6).contains(&digits.len())
        && digits.bytes().all(|b| b.is_ascii_digit())
        && !digits.starts_with('0')
        && matches!(unit, "s" | "m" | "h" | "d")
}

pub(super) fn is_time(text: &str) -> bool {
    const FORM: &[u8] = b"0000-00-00T00:00:00Z";
    let fits = |(given, form): (u8, &u8)| if *form == b'0' { given.is_ascii_digit() } else { given == *form };
    text.len() == FORM.len() && text.bytes().zip(FORM).all(fits)
}

pub(super) fn is_host(text: &str) -> bool {
    text.split('.').all(|label| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    })
}

pub(super) fn is_redirect_uri(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once(':') else { return false };
    scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b"+.-".contains(&b))
        && !rest.is_empty()
        && rest.bytes().all(|b| (0x21..0x7f).contains(&b))
}

pub(super) fn is_origin(text: &str) -> bool {
    let Some(rest) = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")) else {
        return false;
    };
    let (host, port) = rest.split_once(':').map_or((rest, None), |(host, port)| (host, Some(port)));
    let is_port = |port: &str| {
        (1..=5).contains(&port.len()) && port.bytes().all(|b| b.is_ascii_digit()) && !port.starts_with('0')
    };
    is_host(host) && !host.bytes().any(|b| b.is_ascii_uppercase()) && port.is_none_or(is_port)
}

pub(super) fn is_variable(text: &str) -> bool {
    (1..=200).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
        && !text.starts_with(|c: char| c.is_ascii_digit())
}

pub(super) fn is_scope(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| (0x21..0x7f).contains(&b) && b != b'"' && b != b'\\')
}

pub(super) fn is_locale(text: &str) -> bool {
    let mut parts = text.split('-');
    let language = parts.next().unwrap_or_default();
    (2..=3).contains(&language.len())
        && language.bytes().all(|b| b.is_ascii_alphabetic())
        && parts.all(|part| (2..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric()))
}
