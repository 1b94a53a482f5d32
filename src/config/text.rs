//! The forms of text in settings files. Each is told twice, as a function for the reader and as
//! a pattern for the JSON schema; a property test keeps the two equal.
//!
//! To add a form: 1. a constant here with both tellings, a longer function in `holds`, 2. a line in [`ALL`], 3. use it in a
//! table with `Kind::Text`.

mod holds;

use holds::{
    is_account_id, is_client_id, is_duration, is_filled, is_host, is_key_name, is_locale, is_message_version,
    is_origin, is_redirect_uri, is_scope, is_sealed, is_slug, is_time, is_variable,
};

/// A form of text.
#[derive(Debug)]
pub struct Text {
    /// What it is, with article.
    pub what: &'static str,
    /// How to write it.
    pub hint: &'static str,
    /// The same as [`Text::holds`], as a regular expression of ECMA-262.
    pub pattern: &'static str,
    /// Whether a text has this form.
    pub holds: fn(&str) -> bool,
    /// Whether a value may be a secret by mistake, so that it is never shown.
    pub masked: bool,
}

/// Any text that is not blank.
pub const PLAIN: Text = Text {
    what: "a text",
    hint: "write something, or leave the setting out",
    pattern: "[^ \\t\\r\\n]",
    holds: is_filled,
    masked: false,
};

/// Any text that is not blank, never shown.
pub const SEALED_TEXT: Text = Text { masked: true, ..PLAIN };

/// The name of a provider or a snippet.
pub const SLUG: Text = Text {
    what: "an id",
    hint: "use 1 to 63 of `a-z`, `0-9`, `-` and `_`",
    pattern: "^[a-z0-9_-]{1,63}$",
    holds: is_slug,
    masked: false,
};

/// The name of an OAuth client (RFC 6749, 2.2).
pub const CLIENT_ID: Text = Text {
    what: "a client id",
    hint: "use 1 to 200 visible ASCII characters or spaces",
    pattern: "^[ -~]{1,200}$",
    holds: is_client_id,
    masked: false,
};

/// The name of a key of ours, as it stands in tokens and records.
pub const KEY_NAME: Text = Text {
    what: "a key's name",
    hint: "use 1 to 64 of `A-Z a-z 0-9 . _ -`",
    pattern: "^[A-Za-z0-9._-]{1,64}$",
    holds: is_key_name,
    masked: false,
};

/// A length of time.
pub const DURATION: Text = Text {
    what: "a duration",
    hint: "write a whole number and a unit: `30s`, `15m`, `12h` or `1d`",
    pattern: "^[1-9][0-9]{0,5}[smhd]$",
    holds: is_duration,
    masked: false,
};

/// A moment in UTC, to the second (RFC 3339).
pub const TIME: Text = Text {
    what: "a time",
    hint: "write it in UTC, e.g. `2026-01-31T12:00:00Z`",
    pattern: "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$",
    holds: is_time,
    masked: false,
};

/// The name of a host.
pub const HOST: Text = Text {
    what: "a host name",
    hint: "write it without scheme, port, path and wildcard, e.g. `login.acme.example`; international names in punycode (`xn--…`)",
    pattern: "^[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?(\\.[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*$",
    holds: is_host,
    masked: false,
};

/// Where a client may be answered. More is checked by `domain::redirect_uri`.
pub const REDIRECT_URI: Text = Text {
    what: "a redirect uri",
    hint: "write an absolute address, e.g. `https://app.example/callback`",
    pattern: "^[A-Za-z][A-Za-z0-9+.-]*:[!-~]+$",
    holds: is_redirect_uri,
    masked: false,
};

/// The origin of a web page, as browsers write it in the header `Origin` (RFC 6454, 6.2).
pub const ORIGIN: Text = Text {
    what: "a web origin",
    hint: "write scheme and host in small letters, and the port if it is not the usual one, without a slash at the end, e.g. `https://www.acme.example`",
    pattern: "^https?://[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*(:[1-9][0-9]{0,4})?$",
    holds: is_origin,
    masked: false,
};

/// One scope (RFC 6749, 3.3).
pub const SCOPE: Text = Text {
    what: "a scope",
    hint: "use visible ASCII without spaces, quotes and backslashes",
    pattern: "^[!#-\\[\\]-~]+$",
    holds: is_scope,
    masked: false,
};

/// A list of scopes in one text, with spaces between them.
pub const SCOPES: Text = Text {
    what: "a list of scopes",
    hint: "write scopes of visible ASCII with one space between two, without quotes and backslashes",
    pattern: "^[!#-\\[\\]-~]+( [!#-\\[\\]-~]+)*$",
    holds: |text| text.split(' ').all(is_scope),
    masked: false,
};

/// What stands between two scopes.
pub const SEPARATOR: Text = Text {
    what: "a separator",
    hint: "use 1 to 3 ASCII characters, e.g. a space or `,`",
    pattern: "^[ -~]{1,3}$",
    holds: |text| (1..=3).contains(&text.len()) && text.bytes().all(|b| (0x20..0x7f).contains(&b)),
    masked: false,
};

/// A language tag (BCP 47), in the simple form that texts are filed under.
pub const LOCALE: Text = Text {
    what: "a language tag",
    hint: "write a language and perhaps a region: `en`, `de`, `pt-BR`",
    pattern: "^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$",
    holds: is_locale,
    masked: false,
};

/// A publishable key of a website.
pub const PUBLIC_KEY: Text = Text {
    what: "a publishable key",
    hint: "write `pk_dom_` and 16 to 64 letters and digits of your choice; it is public",
    pattern: "^pk_dom_[A-Za-z0-9]{16,64}$",
    holds: |text| {
        text.strip_prefix("pk_dom_").is_some_and(|rest| {
            (16..=64).contains(&rest.len()) && rest.bytes().all(|b| b.is_ascii_alphanumeric())
        })
    },
    masked: false,
};

/// A colour.
pub const COLOUR: Text = Text {
    what: "a colour",
    hint: "write `#` and six hexadecimal digits, e.g. `#0b5fff`",
    pattern: "^#[0-9A-Fa-f]{6}$",
    holds: |text| {
        text.strip_prefix('#')
            .is_some_and(|digits| digits.len() == 6 && digits.bytes().all(|b| b.is_ascii_hexdigit()))
    },
    masked: false,
};

/// What an agent types to find a snippet.
pub const TAG: Text = Text {
    what: "a tag",
    hint: "use 1 to 40 characters without white space, e.g. `/auth`",
    pattern: "^[!-~]{1,40}$",
    holds: |text| (1..=40).contains(&text.len()) && text.bytes().all(|b| (0x21..0x7f).contains(&b)),
    masked: false,
};

/// The name of a contact's or profile's field.
pub const FIELD_NAME: Text = Text {
    what: "a field name",
    hint: "use 1 to 100 of `A-Z`, `a-z`, `0-9`, `_`, `.` and `-`",
    pattern: "^[A-Za-z0-9_.-]{1,100}$",
    holds: |text| {
        (1..=100).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.-".contains(&b))
    },
    masked: false,
};

/// The name of a request parameter.
pub const PARAMETER: Text = Text {
    what: "a parameter name",
    hint: "use 1 to 100 visible ASCII characters",
    pattern: "^[!-~]{1,100}$",
    holds: |text| (1..=100).contains(&text.len()) && text.bytes().all(|b| (0x21..0x7f).contains(&b)),
    masked: false,
};

/// The name of an HTTP header (RFC 9110, 5.1).
pub const HEADER: Text = Text {
    what: "the name of a header",
    hint: "use 1 to 100 letters, digits and `-`, e.g. `X-Api-Key`",
    pattern: "^[A-Za-z0-9-]{1,100}$",
    holds: |text| {
        (1..=100).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    },
    masked: false,
};

/// The value of an HTTP header: visible ASCII and spaces within (RFC 9110, 5.5).
pub const HEADER_VALUE: Text = Text {
    what: "the value of a header",
    hint: "use 1 to 1000 visible ASCII characters, with spaces between them only",
    pattern: "^[!-~]([ -~]{0,998}[!-~])?$",
    holds: |text| {
        (1..=1000).contains(&text.len())
            && text.bytes().all(|b| (0x20..0x7f).contains(&b))
            && !text.starts_with(' ')
            && !text.ends_with(' ')
    },
    masked: false,
};

/// Where an access token stands in a WhoAmI call.
pub const TOKEN_PLACE: Text = Text {
    what: "a place for the access token",
    hint: "write `bearer`, `scheme:token`, `header:X-Name`, `query:access_token` or `body:access_token`",
    pattern: "^(bearer|(scheme|header):[A-Za-z0-9-]{1,100}|(query|body):[!-~]{1,100})$",
    holds: |text| match text.split_once(':') {
        None => text == "bearer",
        Some(("scheme" | "header", name)) => (HEADER.holds)(name),
        Some(("query" | "body", name)) => (PARAMETER.holds)(name),
        Some(_) => false,
    },
    masked: false,
};

/// The name of an environment variable.
pub const VARIABLE: Text = Text {
    what: "the name of an environment variable",
    hint: "use letters, digits and `_`, e.g. `ACME_SECRET`; the secret itself does not belong here",
    pattern: "^[A-Za-z_][A-Za-z0-9_]{0,199}$",
    holds: is_variable,
    masked: true,
};

/// A secret that `countersign secret seal` sealed. Not shown: it may be the secret itself.
pub const SEALED: Text = Text {
    what: "a sealed secret",
    hint: "seal it: `countersign secret seal --keys keys.toml` reads it from standard input",
    pattern: "^cs1\\.[!-~]{1,64}\\.[A-Za-z0-9_-]{38,}$",
    holds: is_sealed,
    masked: true,
};

/// Any text, even an empty one.
pub const ANY: Text =
    Text { what: "a text", hint: "any text will do", pattern: "", holds: |_| true, masked: false };

/// A secret's hash as `countersign secret hash` prints it. Never shown: it may be the secret itself.
pub const SECRET_HASH: Text = Text {
    what: "the argon2id hash of a secret",
    hint: "run `countersign secret hash` and paste what it prints; a secret itself does not belong here",
    pattern: "^\\$argon2id\\$",
    holds: |text| text.starts_with("$argon2id$"),
    masked: true,
};

/// An id that a channel gave out: it stands in JSON, and in headers.
pub const ACCOUNT_ID: Text = Text {
    what: "an account's id",
    hint: "copy it from the channel: visible characters without spaces, at most 200",
    pattern: "^[!-~]{1,200}$",
    holds: is_account_id,
    masked: false,
};

/// The version of an authentication message.
pub const MESSAGE_VERSION: Text = Text {
    what: "a version from 2",
    hint: "write `2.0`, or another version whose whole part is 2 or more",
    pattern: "^([2-9]|[1-9][0-9])(\\.[0-9]{1,2})?$",
    holds: is_message_version,
    masked: false,
};

/// Every form, for the test that compares both tellings.
pub const ALL: &[&Text] = &[
    &PLAIN,
    &SLUG,
    &CLIENT_ID,
    &KEY_NAME,
    &DURATION,
    &TIME,
    &HOST,
    &REDIRECT_URI,
    &ORIGIN,
    &SCOPE,
    &SCOPES,
    &SEPARATOR,
    &LOCALE,
    &PUBLIC_KEY,
    &COLOUR,
    &TAG,
    &FIELD_NAME,
    &PARAMETER,
    &HEADER,
    &HEADER_VALUE,
    &TOKEN_PLACE,
    &VARIABLE,
    &SEALED,
    &ANY,
    &SECRET_HASH,
    &ACCOUNT_ID,
    &MESSAGE_VERSION,
];

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn matches(form: &Text, text: &str) -> bool {
        let schema = serde_json::json!({ "pattern": form.pattern });
        jsonschema::is_valid(&schema, &serde_json::Value::String(text.to_owned()))
    }

    #[test]
    fn both_tellings_of_a_form_agree_on_chosen_texts() {
        let texts = [
            "",
            " ",
            "a",
            "A",
            "acme",
            "a_b-c",
            "-a",
            "a-",
            "a..b",
            "a.b",
            "12h",
            "2026-01-31T12:00:00Z",
            "2026-01-31T12:00:00z",
            "012h",
            "0s",
            "1d",
            "1.5h",
            "1234567s",
            "h",
            "https://a.example",
            "https://A.example",
            "https://a.example/",
            "http://127.0.0.1:8080",
            "https://a:08",
            "é",
            "en",
            "pt-BR",
            "e",
            "en-",
            "en-a",
            "/auth",
            "pk_dom_0123456789abcdEF",
            "pk_dom_0123456789abcde",
            "pk_dom_0123456789abcd_F",
            "#0b5fFF",
            "#0b5fF",
            "#0b5fFg",
            "/a b",
            ",",
            "a b",
            "a  b",
            " a",
            "a\"",
            "a\\",
            "x\n",
            "\n",
            "$argon2id$v=19",
            "argon2id",
            "host:80",
            "*.a",
            "a/b",
            "[",
            "]",
            "^",
            "~",
        ];
        for form in ALL {
            for text in texts {
                assert_eq!((form.holds)(text), matches(form, text), "{} `{text}`", form.what);
            }
            for length in [40, 41, 63, 64, 100, 101, 200, 201] {
                let text = "a".repeat(length);
                assert_eq!((form.holds)(&text), matches(form, &text), "{} of {length}", form.what);
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn both_tellings_of_a_form_agree(text in "[ -~é\\n]{0,8}|[a-z0-9_.-]{0,70}|[0-9]{0,7}[smhdx]?") {
            for form in ALL {
                prop_assert_eq!((form.holds)(&text), matches(form, &text), "{} `{}`", form.what, text);
            }
        }
    }
}
