//! With the feature `otel`: the real program sends its spans to a collector on 127.0.0.1.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};

/// Ends the program with the test.
struct Program(Child);

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Reads one request, head and body.
fn receive(stream: &TcpStream) -> (String, Vec<u8>) {
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        assert_ne!(reader.read_line(&mut head).unwrap(), 0, "the request broke off");
    }
    let length =
        head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
    let mut body = vec![0; length.unwrap()];
    reader.read_exact(&mut body).unwrap();
    (head, body)
}

fn has(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

#[test]
fn a_request_becomes_a_span_that_says_its_route_and_not_its_path() {
    let collector = TcpListener::bind("127.0.0.1:0").unwrap();
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("tenants")).unwrap();
    let program = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_countersign"));
        command.current_dir(folder.path()).env_clear();
        command
    };
    assert!(program().args(["key", "new", "--out", "keys.toml"]).output().unwrap().status.success());
    let mut serve = program();
    serve.args(["serve", "--listen", "127.0.0.1:0"]).stdout(Stdio::piped()).stderr(Stdio::inherit());
    serve.env("OTEL_EXPORTER_OTLP_ENDPOINT", format!("http://{}", collector.local_addr().unwrap()));
    serve.env("OTEL_BSP_SCHEDULE_DELAY", "100");
    let mut program = Program(serve.spawn().unwrap());
    let mut log = BufReader::new(program.0.stdout.take().unwrap()).lines();
    let listen = log.find_map(|line| {
        let line: serde_json::Value = serde_json::from_str(&line.unwrap()).unwrap();
        (line["event"] == "serve.ready").then(|| line["listen"].as_str().unwrap().to_owned())
    });
    let mut client = TcpStream::connect(listen.unwrap()).unwrap();
    client.write_all(b"GET /a/canary-token HTTP/1.1\r\nHost: nobody.example\r\n\r\n").unwrap();

    let (stream, _) = collector.accept().unwrap();
    let (head, body) = receive(&stream);
    assert!(head.starts_with("POST /v1/traces "), "{head}");
    assert!(head.to_lowercase().contains("content-type: application/x-protobuf"), "{head}");
    for text in ["http.request", "/a/{token}", "request_id", "countersign"] {
        assert!(has(&body, text), "{text}");
    }
    assert!(!has(&body, "canary-token") && !has(&body, "nobody.example"));
    (&stream).write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").unwrap();
}
