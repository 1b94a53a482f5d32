//! The letter with the code: by a real mail server, in the customer's language, with the website's name and colour.

use reqwest::Method;
use serde_json::json;

use super::*;
use crate::doors::mail_server::MailServer;
use crate::harness::eventually;

/// The words of a letter, with its encoded lines put together (RFC 2045, 6.7).
fn decoded(letter: &str) -> String {
    let joined = letter.replace("=\r\n", "");
    let mut bytes = Vec::new();
    let mut rest = joined.as_bytes();
    while let [first, tail @ ..] = rest {
        let hex = tail.get(..2).and_then(|two| std::str::from_utf8(two).ok());
        let hex = hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()).filter(|_| *first == b'=');
        bytes.push(hex.unwrap_or(*first));
        rest = if hex.is_some() { &tail[2..] } else { tail };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[tokio::test]
async fn the_code_of_a_letter_that_a_real_mail_server_took_signs_in() {
    let mut server = MailServer::start(json!({"tls": "none"})).await;
    let main = format!(
        "[mail]\nurl = \"smtp+plain://127.0.0.1:{}\"\nfrom = \"no-reply@acme.example\"\n",
        server.port
    );
    let tenant = settings("", ORIGIN);
    let broker = Harness::with(Choices { main: Some(main), tenant, ..Choices::default() }).await;
    let post = |path: &str, body: Value| {
        let request = broker.plain(Method::POST, &format!("/api/client/v1/{path}")).header("origin", ORIGIN);
        answer(request.json(&body))
    };
    let sent = post("otp/send", json!({"publicKey": KEY, "email": DANA})).await;
    let ticket = sent.data()["ticket"].as_str().unwrap().to_owned();
    let message = server.message().await;
    assert_eq!((&message["from"], &message["to"]), (&json!("no-reply@acme.example"), &json!([DANA])));
    let letter = message["data"].as_str().unwrap();
    assert!(letter.contains("From: \"Acme Shop\" <no-reply@acme.example>"), "{letter}");
    assert!(letter.contains("multipart/alternative") && letter.contains("text/html"), "{letter}");
    let signed_in = post("otp/verify", typed(DANA, &ticket, &code_of(letter))).await;
    assert_eq!(signed_in.data()["user"]["email"], DANA);
}

#[tokio::test]
async fn a_letter_is_in_the_language_that_was_asked_for_or_that_of_the_browser() {
    let shop = Shop::start().await;
    let asked = |locale: &str, accepted: &'static str| {
        let body = json!({"publicKey": KEY, "email": DANA, "locale": locale});
        shop.request(Method::POST, "otp/send").header("accept-language", accepted).json(&body)
    };
    for (number, (locale, accepted, lang)) in
        [("ar", "de", "lang=\"ar\" dir=\"rtl\""), ("tlh", "de-CH,en;q=0.5", "lang=\"de\" dir=\"ltr\"")]
            .into_iter()
            .enumerate()
    {
        assert_eq!(answer(asked(locale, accepted)).await.status, 200);
        let letter = decoded(&shop.office.letter(number).await);
        assert!(letter.contains(lang), "{letter}");
    }
}

#[tokio::test]
async fn each_website_has_its_own_sender_and_colour() {
    let shop = Shop::start().await;
    shop.ask(DANA).await;
    let one = decoded(&shop.office.letter(0).await);
    assert!(one.contains("\"Acme Shop\" <no-reply@acme.example>") && one.contains("#ffdd00"), "{one}");
    let request = shop.broker().plain(Method::POST, "/api/client/v1/otp/send").header("origin", OTHER_ORIGIN);
    let sent = answer(request.json(&json!({"publicKey": OTHER_KEY, "email": DANA}))).await;
    assert_eq!(sent.status, 200);
    let two = decoded(&shop.office.letter(1).await);
    assert!(two.contains("\"Acme Bank\" <no-reply@acme.example>") && !two.contains("#ffdd00"), "{two}");
}

/// A mail server that greets nobody until it is told to, and then takes one letter.
async fn held_mail_server() -> (u16, tokio::sync::oneshot::Sender<()>, tokio::task::JoinHandle<Option<String>>)
{
    use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};

    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (greet, greeting) = tokio::sync::oneshot::channel::<()>();
    let talk = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let mut stream = BufReader::new(stream);
        greeting.await.ok()?;
        stream.write_all(b"220 localhost\r\n").await.ok()?;
        let (mut letter, mut is_letter) = (String::new(), false);
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line).await.ok()? == 0 {
                return None;
            }
            let answer: &[u8] = match line.trim_end() {
                "." if is_letter => {
                    stream.write_all(b"250 taken\r\n").await.ok()?;
                    return Some(letter);
                }
                _ if is_letter => {
                    letter.push_str(&line);
                    continue;
                }
                "DATA" => {
                    is_letter = true;
                    b"354 go on\r\n"
                }
                _ => b"250 localhost\r\n",
            };
            stream.write_all(answer).await.ok()?;
        }
    });
    (port, greet, talk)
}

#[tokio::test]
async fn a_letter_that_waits_when_the_broker_is_told_to_stop_still_goes_out() {
    let (port, greet, talk) = held_mail_server().await;
    let main = format!(
        "[mail]\nurl = \"smtp+plain://127.0.0.1:{port}\"\nfrom = \"no-reply@acme.example\"\n[limits]\nlinger_ms = 0\n"
    );
    let choices = Choices { main: Some(main), tenant: settings("", ORIGIN), ..Choices::default() };
    let mut broker = Harness::process(choices).await;
    let request = broker.plain(Method::POST, "/api/client/v1/otp/send").header("origin", ORIGIN);
    let sent = answer(request.json(&json!({"publicKey": KEY, "email": DANA}))).await;
    assert_eq!(sent.status, 200, "{}", sent.body);
    broker.running_process().terminate();
    let at = broker.origin.trim_start_matches("http://").to_owned();
    // Nobody is served any more: what is left is what the stop waits for.
    eventually("the broker has closed its door", async || {
        tokio::net::TcpStream::connect(&at).await.is_err().then_some(())
    })
    .await;
    greet.send(()).unwrap();
    let letter = talk.await.unwrap().expect("the letter was lost");
    assert_eq!(code_of(&letter).len(), 6, "{letter}");
    assert_eq!(broker.running_process().ended().await, Some(0));
}
