//! From a letter to a message (RFC 5322): plain text and HTML side by side. Whatever stands in a
//! subject or a name, it stays one header: types of the library hold addresses, and it encodes the rest.

use std::str::FromStr;

use lettre::address::Envelope;
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart};
use lettre::{Address, Message};

use crate::clock::Clock;

use super::{Letter, MailError};

/// The most characters of a subject.
const SUBJECT: usize = 150;

/// Who letters come from: a name, perhaps, and an address.
#[derive(Debug, Clone)]
pub struct Sender(Mailbox);

/// A text that names no sender.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no address to send from")]
pub struct NoSender;

impl FromStr for Sender {
    type Err = NoSender;

    fn from_str(text: &str) -> Result<Self, NoSender> {
        if text.chars().any(char::is_control) {
            return Err(NoSender);
        }
        text.parse().map(Self).map_err(|_| NoSender)
    }
}

impl Sender {
    /// The part of the address behind its sign.
    pub fn domain(&self) -> &str {
        self.0.email.domain()
    }

    /// The text as it stands in a header.
    pub fn to_text(&self) -> String {
        self.0.to_string()
    }
}

/// A message and whom it is for.
pub(super) struct Enveloped {
    pub(super) envelope: Envelope,
    pub(super) bytes: Vec<u8>,
}

/// Makes the message of a letter.
pub(super) fn build(sender: &Sender, letter: &Letter, clock: &Clock) -> Result<Enveloped, MailError> {
    let to: Address = letter.to.parse().map_err(|_| MailError::Address)?;
    let id = format!("<{}@{}>", clock.fresh_uuid().simple(), sender.domain());
    let mut message = Message::builder()
        .from(from(sender, letter))
        .to(Mailbox::new(None, to))
        .subject(one_line(&letter.subject))
        .date(clock.now().into())
        .message_id(Some(id))
        .multipart(MultiPart::alternative_plain_html(letter.text.clone(), letter.html.clone()))
        .map_err(|_| MailError::Address)?;
    // Nobody's absence note is to answer it (RFC 3834, 5).
    let name = HeaderName::new_from_ascii_str("Auto-Submitted");
    message.headers_mut().insert_raw(HeaderValue::new(name, "auto-generated".to_owned()));
    Ok(Enveloped { envelope: message.envelope().clone(), bytes: message.formatted() })
}

/// Who a letter comes from.
fn from(sender: &Sender, letter: &Letter) -> Mailbox {
    let own = letter.sender.as_deref().map(one_line).filter(|name| !name.is_empty());
    Mailbox::new(own.or_else(|| sender.0.name.clone()), sender.0.email.clone())
}

/// A text without anything that ends or bends a line.
fn one_line(text: &str) -> String {
    let plain: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    plain.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(SUBJECT).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn letter(to: &str, subject: &str, text: &str) -> Letter {
        let (to, subject, text) = (to.to_owned(), subject.to_owned(), text.to_owned());
        Letter { sender: None, to, subject, html: format!("<p>{}</p>", text.len()), text }
    }

    fn headers(message: &Enveloped) -> Vec<String> {
        let text = String::from_utf8(message.bytes.clone()).unwrap();
        let head = text.split("\r\n\r\n").next().unwrap().replace("\r\n ", " ").replace("\r\n\t", " ");
        head.split("\r\n").map(str::to_owned).collect()
    }

    fn sender() -> Sender {
        "Acme sign-in <no-reply@acme.example>".parse().unwrap()
    }

    #[test]
    fn a_message_has_both_parts_and_says_that_a_machine_wrote_it() {
        let letter = letter("dana@acme.example", "Your sign-in code", "It is 123456.");
        let message = build(&sender(), &letter, &Clock::system()).unwrap();
        let names: Vec<_> =
            headers(&message).iter().map(|line| line.split(':').next().unwrap().to_owned()).collect();
        for name in ["From", "To", "Subject", "Date", "Message-ID", "MIME-Version", "Auto-Submitted"] {
            assert_eq!(names.iter().filter(|found| *found == name).count(), 1, "{name} in {names:?}");
        }
        let text = String::from_utf8(message.bytes).unwrap();
        assert!(text.contains("multipart/alternative"), "{text}");
        assert!(text.contains("text/plain; charset=utf-8") && text.contains("text/html; charset=utf-8"));
        assert!(text.contains("It is 123456."), "{text}");
        assert_eq!(message.envelope.to()[0].to_string(), "dana@acme.example");
    }

    #[test]
    fn a_letter_may_come_from_another_name_but_from_no_other_address() {
        let plain = letter("dana@acme.example", "x", "x");
        for (name, wanted) in [
            ("Acme Shop", "From: \"Acme Shop\" <no-reply@acme.example>"),
            ("Eve <eve@evil.example>\r\nBcc: eve@evil.example", "no-reply@acme.example>"),
            (" ", "From: \"Acme sign-in\" <no-reply@acme.example>"),
        ] {
            let letter = Letter { sender: Some(name.to_owned()), ..plain.clone() };
            let message = build(&sender(), &letter, &Clock::system()).unwrap();
            let headers = headers(&message);
            let from: Vec<_> = headers.iter().filter(|line| line.starts_with("From:")).collect();
            assert!(from.len() == 1 && from[0].ends_with(wanted), "{headers:?}");
            assert!(!headers.iter().any(|line| line.starts_with("Bcc")), "{headers:?}");
            assert_eq!(message.envelope.from().unwrap().to_string(), "no-reply@acme.example");
        }
    }

    #[test]
    fn what_is_no_address_is_not_written_to() {
        for to in
            ["", "dana", "dana@acme.example\r\nBcc: eve@evil.example", "a@b@c", "Dana <dana@acme.example>"]
        {
            let told = build(&sender(), &letter(to, "x", "x"), &Clock::system());
            assert!(matches!(told, Err(MailError::Address)), "{to:?}");
        }
    }

    #[test]
    fn a_sender_has_an_address_and_no_second_line() {
        assert_eq!(sender().domain(), "acme.example");
        assert_eq!("no-reply@acme.example".parse::<Sender>().unwrap().to_text(), "no-reply@acme.example");
        for bad in ["", "Acme", "a@b.example\r\nBcc: c@d.example", "a@b.example, c@d.example"] {
            assert!(bad.parse::<Sender>().is_err(), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn no_text_becomes_another_header(subject in "[a-zé\r\n:\u{2028}\u{0} ]{0,80}", text: String) {
            let message = build(&sender(), &letter("dana@acme.example", &subject, &text), &Clock::system()).unwrap();
            let headers = headers(&message);
            let expected =
                ["From", "To", "Subject", "Date", "Message-ID", "MIME-Version", "Content-Type", "Auto-Submitted"];
            for line in &headers {
                let name = line.split(':').next().unwrap();
                prop_assert!(expected.contains(&name), "{:?}", headers);
            }
        }
    }
}
