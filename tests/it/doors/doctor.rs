//! What `doctor` says of the mail server.

use serde_json::{Value, json};
use tokio::process::Command;

use super::mail_server::{MailServer, PASSWORD, USER};

/// The line of the mail server, with these settings.
async fn line(mail: &str, variables: &[(&str, &str)]) -> Value {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("tenants")).unwrap();
    std::fs::write(folder.path().join("countersign.toml"), mail).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_countersign"));
    command.args(["doctor", "--json"]).current_dir(folder.path()).env_clear().envs(variables.iter().copied());
    let output = command.output().await.unwrap();
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    let answer: Value = serde_json::from_str(&told)
        .unwrap_or_else(|_| panic!("{told}{}", String::from_utf8_lossy(&output.stderr)));
    let checks = answer["checks"].as_array().unwrap();
    checks.iter().find(|check| check["about"] == "mail").unwrap()["steps"][0].clone()
}

#[tokio::test]
async fn a_mail_server_that_takes_our_login_is_good_and_one_that_does_not_is_told() {
    let server = MailServer::start(json!({"tls": "start", "user": USER, "password": PASSWORD})).await;
    let mail = format!(
        "[mail]\nurl = \"smtps://{}@localhost:{}\"\nfrom = \"no-reply@acme.example\"\ntls_ca = \"{}\"\n",
        USER.replace('@', "%40"),
        server.port,
        server.authority_file
    );
    let good = line(&mail, &[("COUNTERSIGN__MAIL__PASSWORD", PASSWORD)]).await;
    assert_eq!(good["outcome"], "ok", "{good}");
    let bad = line(&mail, &[("COUNTERSIGN__MAIL__PASSWORD", "wrong-canary")]).await;
    assert_eq!(bad["outcome"], "failed", "{bad}");
    assert!(
        bad["cause"].as_str().unwrap().contains("mail.password") && !bad.to_string().contains("wrong-canary"),
        "{bad}"
    );
}

#[tokio::test]
async fn no_mail_server_a_folder_and_the_log_are_told_apart() {
    let none = line("", &[]).await;
    assert_eq!(none["outcome"], "skipped", "{none}");
    for url in ["file:.", "log"] {
        let told = line(&format!("[mail]\nurl = \"{url}\"\nfrom = \"a@acme.example\"\n"), &[]).await;
        assert_eq!(told["outcome"], "warning", "{told}");
    }
    let gone = line("[mail]\nurl = \"file:/nowhere/at/all\"\nfrom = \"a@acme.example\"\n", &[]).await;
    assert_eq!(gone["outcome"], "failed", "{gone}");
}
