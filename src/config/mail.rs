//! `[mail]`: how letters go out, to staff and customers. Without it there are none: sign-in codes are not offered, and invitations are
//! links to hand over.

use std::path::PathBuf;

use url::{Host, Url};

use crate::egress::mail::message::Sender;
use crate::egress::mail::{Guarded, PATIENCE, Relay, Way};
use crate::secret::Secret;

use super::layers::{Layers, Problem};
use super::read::read_text;
use super::redis_url::decoded;
use super::shape::{Field, Kind, Need, PLAIN, SEALED_TEXT, Table};

/// The settings, checked.
#[derive(Debug, Clone)]
pub struct Mail {
    /// Where letters go.
    pub way: Way,
    /// Who they come from.
    pub sender: Sender,
}

/// The section's description.
pub static MAIL: Table = Table {
    doc: "How letters go out: sign-in codes of staff and customers, and invitations (docs/staff.md, docs/customers.md).",
    fields: &[
        Field {
            name: "url",
            // It may hold a password by mistake.
            kind: Kind::Text(&SEALED_TEXT),
            need: Need::Optional,
            doc: "`smtps://user@host[:465]` (TLS from the start), `smtp://user@host[:587]` (STARTTLS, without which nothing \
                  is sent), `smtp+plain://127.0.0.1[:25]` (no TLS, to this machine only), `file:` and a folder (one file \
                  per letter, for development), or `log` (letters with their codes in the log, for development with an \
                  `http:` base URL only). Without it no mail is sent.",
        },
        text(
            "from",
            "Who letters come from: `no-reply@acme.example` or `Acme sign-in <no-reply@acme.example>`.",
        ),
        Field {
            name: "password",
            kind: Kind::Text(&SEALED_TEXT),
            need: Need::Optional,
            doc: "The password of the user in `url`: best given as `COUNTERSIGN__MAIL__PASSWORD`.",
        },
        text("password_file", "A file that holds it, in place of `password`."),
        text(
            "tls_ca",
            "A file with the authority that signed the mail server's certificate (PEM); without it the public ones count.",
        ),
    ],
    each: None,
};

const fn text(name: &'static str, doc: &'static str) -> Field {
    Field { name, kind: Kind::Text(&PLAIN), need: Need::Optional, doc }
}

/// How the URL is written.
const HELP: &str = "write `smtps://user@mail.example`, `smtp://user@mail.example:587`, `file:mails` or `log`";

/// What the URL says.
#[derive(Debug)]
enum Named {
    Relay { host: String, port: u16, guarded: Guarded, user: Option<String> },
    Folder(PathBuf),
    Log,
}

/// Reads the section; none if no mail is to be sent, or if something in it is wrong, which is a fault then.
pub fn read(layers: &mut Layers<'_>, base_url: Option<&Url>) -> Option<Mail> {
    let is_local = base_url.is_none_or(|url| url.scheme() == "http");
    let named = layers.one("mail", "url", |text| named(text, is_local));
    let is_set = layers.origins.contains_key("mail.url");
    let sender = layers.one("mail", "from", |text| {
        text.parse::<Sender>().map_err(|_| {
            Problem::new(
                "no address to send from",
                "write `no-reply@acme.example` or `Acme <no-reply@acme.example>`",
            )
        })
    });
    if is_set && !layers.origins.contains_key("mail.from") {
        layers.lacks("mail", "from", "`mail.url` needs it: who do letters come from?");
    }
    let typed = layers.one("mail", "password", password);
    let kept = layers.one("mail", "password_file", |path| password(&file(path)?));
    let authority = layers.one("mail", "tls_ca", |path| file(path).map(String::into_bytes));
    let password = typed.or(kept);
    let way = match named? {
        Named::Relay { host, port, guarded, user } => {
            let login = user.zip(password);
            Way::Relay(Relay { host, port, guarded, login, authority, patience: PATIENCE })
        }
        Named::Folder(folder) => Way::Folder(folder),
        Named::Log => Way::DangerousLog,
    };
    Some(Mail { way, sender: sender? })
}

/// The URL may hold a password, so that a fault repeats nothing of it.
fn named(text: &str, is_local: bool) -> Result<Named, Problem> {
    match text {
        "log" if is_local => return Ok(Named::Log),
        "log" => {
            let message = "`log` shows sign-in codes to whoever reads the log, so that it goes with an `http:` base URL only";
            return Err(Problem::new(message, "name a mail server: `smtps://user@mail.example`"));
        }
        _ => {}
    }
    if let Some(folder) = text.strip_prefix("file:") {
        let folder = folder.strip_prefix("//").filter(|rest| rest.starts_with('/')).unwrap_or(folder);
        if folder.is_empty() {
            return Err(Problem::new("`file:` needs the path of a folder", HELP));
        }
        return Ok(Named::Folder(PathBuf::from(folder)));
    }
    let url = Url::parse(text).map_err(|_| Problem::new("not a URL", HELP))?;
    let (guarded, port) = match url.scheme() {
        "smtps" => (Guarded::FromTheStart, 465),
        "smtp" => (Guarded::ByStartTls, 587),
        "smtp+plain" => (Guarded::ByNothing, 25),
        _ => return Err(Problem::new("not a way to send mail", HELP)),
    };
    if url.password().is_some() {
        return Err(Problem::new("the password stands in the URL", "put it into `mail.password` or a file"));
    }
    let bare = matches!(url.path(), "" | "/") && url.query().is_none() && url.fragment().is_none();
    let host = url.host_str().filter(|host| bare && !host.is_empty());
    let host =
        host.ok_or_else(|| Problem::new("a mail server has a host, perhaps a port, and nothing else", HELP))?;
    if guarded == Guarded::ByNothing && !is_this_machine(&url) {
        let message = "`smtp+plain:` sends codes in clear, so that it goes to this machine only";
        return Err(Problem::new(message, "use `smtps:` or `smtp:`"));
    }
    let user =
        decoded(url.username()).map_err(|_| Problem::new("the user of the URL cannot be read", HELP))?;
    let user = Some(user).filter(|user| !user.is_empty());
    let host = host.trim_matches(['[', ']']).to_owned();
    Ok(Named::Relay { host, port: url.port().unwrap_or(port), guarded, user })
}

fn is_this_machine(url: &Url) -> bool {
    // The parser knows no host of a scheme of ours, but a text.
    let host = url.host_str().unwrap_or_default();
    match Host::parse(host) {
        Ok(Host::Ipv4(address)) => address.is_loopback(),
        Ok(Host::Ipv6(address)) => address.is_loopback(),
        Ok(Host::Domain(name)) => name == "localhost",
        Err(_) => false,
    }
}

fn password(text: &str) -> Result<Secret, Problem> {
    match text.trim_end_matches(['\r', '\n']) {
        text if text.trim().is_empty() => Err(Problem::new("the password is blank", "leave the setting out")),
        text => Ok(Secret::new(text)),
    }
}

fn file(path: &str) -> Result<String, Problem> {
    read_text(path).map_err(|told| Problem::new(format!("the file {told}"), "name a file that we can read"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn relay(text: &str) -> (String, u16, Guarded, Option<String>) {
        match named(text, false).unwrap_or_else(|problem| panic!("{text}: {}", problem.message)) {
            Named::Relay { host, port, guarded, user } => (host, port, guarded, user),
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn a_mail_server_is_named_by_a_url() {
        let user = Some("dana@acme.example".to_owned());
        for (text, wanted) in [
            ("smtps://mail.acme.example", ("mail.acme.example", 465, Guarded::FromTheStart, None)),
            (
                "smtp://dana%40acme.example@mail.acme.example",
                ("mail.acme.example", 587, Guarded::ByStartTls, user),
            ),
            ("smtp://[2001:db8::1]:2525/", ("2001:db8::1", 2525, Guarded::ByStartTls, None)),
            ("smtp+plain://127.0.0.1:2525", ("127.0.0.1", 2525, Guarded::ByNothing, None)),
            ("smtp+plain://localhost", ("localhost", 25, Guarded::ByNothing, None)),
        ] {
            let (host, port, guarded, user) = wanted;
            assert_eq!(relay(text), (host.to_owned(), port, guarded, user), "{text}");
        }
    }

    #[test]
    fn what_would_show_a_code_or_a_password_is_refused_and_not_repeated() {
        for text in [
            "smtp+plain://mail.acme.example",
            "smtp+plain://10.0.0.1",
            "smtps://dana:hunter2@mail.acme.example",
            "smtps:",
            "smtps://",
            "smtps://mail.acme.example/hunter2",
            "smtps://mail.acme.example?hunter2",
            "https://mail.acme.example/hunter2",
            "hunter2",
            "file:",
            "log",
        ] {
            let problem = named(text, false).expect_err(text);
            assert!(!problem.message.contains("hunter2"), "{}", problem.message);
        }
        assert!(matches!(named("log", true), Ok(Named::Log)));
        assert!(
            matches!(named("file:mails", false), Ok(Named::Folder(folder)) if folder.as_os_str() == "mails")
        );
        assert!(
            matches!(named("file:///var/mails", false), Ok(Named::Folder(folder)) if folder.is_absolute())
        );
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_a_panic(text: String) {
            let _ = named(&text, true);
        }
    }
}
