//! The end of the newer flow in the customer's phone: a page of ours goes to a `messages-auth:` URL,
//! which closes the sheet and makes the reply. Anything else would leave the sheet open for ever.

/// How a sign-in ended, as far as the bubble in the chat is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// The exchange has succeeded.
    Success,
    /// It has not, or not in time.
    Failure,
    /// The customer declined.
    Cancelled,
}

impl Ended {
    /// The word in the URL.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Failure => "failure",
            Self::Cancelled => "cancel",
        }
    }
}

/// The URL that closes the sheet. It holds nothing but the status and a number: neither a code nor a word of the
/// provider. Every page can send a sheet to such a URL, so that the status proves nothing; a number that only our page
/// knew comes back with the reply if it was ours.
pub fn build(ended: Ended, error_code: Option<u32>) -> String {
    let status = ended.as_str();
    match error_code {
        Some(code) => format!("messages-auth://?status={status}&error_code={code}"),
        None => format!("messages-auth://?status={status}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the phone makes of the URL: it stops at an empty or a repeated value.
    fn read_as_a_phone_does(url: &str) -> Option<(String, Option<i64>)> {
        let query = url.strip_prefix("messages-auth://?")?;
        let (mut status, mut code) = (None, None);
        for pair in query.split('&') {
            let (name, value) = pair.split_once('=')?;
            if value.is_empty() {
                return None;
            }
            match name {
                "status" if status.replace(value.to_lowercase()).is_some() => return None,
                "error_code" if code.replace(value.parse().unwrap_or(0)).is_some() => return None,
                _ => {}
            }
        }
        Some((status.filter(|status| ["success", "failure", "cancel"].contains(&&**status))?, code))
    }

    #[test]
    fn a_phone_reads_every_url_that_we_build() {
        for ended in [Ended::Success, Ended::Failure, Ended::Cancelled] {
            for code in [None, Some(1), Some(7), Some(0x7fff_ffff)] {
                let read = read_as_a_phone_does(&build(ended, code)).unwrap();
                assert_eq!(read, (ended.as_str().to_owned(), code.map(i64::from)));
            }
        }
        assert_eq!(build(Ended::Success, None), "messages-auth://?status=success");
    }

    #[test]
    fn the_phone_of_this_test_is_as_strict_as_a_real_one() {
        for bad in [
            "https://acme.example.com/?status=success",
            "messages-auth://?status=",
            "messages-auth://?status=success&status=success",
            "messages-auth://?status=done",
            "messages-auth://?status=failure&error_code=",
        ] {
            assert_eq!(read_as_a_phone_does(bad), None, "{bad}");
        }
        assert_eq!(
            read_as_a_phone_does("messages-auth://?status=SUCCESS"),
            Some(("success".to_owned(), None))
        );
    }
}
