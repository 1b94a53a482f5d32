//! `@node-oauth/oauth2-server`: a plain OAuth 2 server by another hand than ours, with the seed's nested
//! WhoAmI. Its token endpoint takes forms and JSON.

use std::path::Path;
use std::process::Command;

use countersign::cli::demo::provider::DemoProvider;
use reqwest::StatusCode;
use rstest::rstest;
use tokio::net::TcpListener;

use crate::harness::browser::Browser;
use crate::harness::process::Process;
use crate::harness::{Choices, Harness, MAPPING};

#[rstest]
#[case::form("form", 0)]
#[case::json("json", 1)]
#[tokio::test]
async fn a_token_request_is_taken_in_the_form_that_the_setting_says(
    #[case] form: &str,
    #[case] as_json: usize,
) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let own = format!("http://{}", listener.local_addr().unwrap());
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/providers");
    let mut command = Command::new("node");
    command.arg("oauth2.mjs").current_dir(folder);
    command.env("CLIENT_ID", DemoProvider::CLIENT_ID).env("CLIENT_SECRET", DemoProvider::CLIENT_SECRET);
    command.env("REDIRECT_URIS", format!("{own}/idp/eu/oauth/callback"));
    let server = Process::start("node", &mut command);
    let origin = server.wait_for(|line| line.strip_prefix("READY ").map(str::to_owned));
    let block = format!(
        "[[provider]]\nid = \"acme\"\nclient_id = \"{}\"\nclient_secret = {{ env = \"ACME_SECRET\" }}\n\
         authorize_url = \"{origin}/auth\"\ntoken_url = \"{origin}/auth/token\"\nwhoami_url = \"{origin}/whoami\"\n\
         token_request = \"{form}\"\n{MAPPING}",
        DemoProvider::CLIENT_ID
    );
    let allow = vec![origin.trim_start_matches("http://").to_owned()];
    let choices = Choices { provider_block: Some(block), allow, ..Choices::default() };
    let broker = Harness::on(listener, choices).await;
    let link = broker.link("conv-1").await;
    let mut browser = Browser::new();
    let opened = browser.open(link["url"].as_str().unwrap()).await;
    let login = browser.get(&opened.location()).await;
    let person = [("username", "billy"), ("password", "billy-secret")];
    let consent = browser.submit(&login, &login.form(), &person).await;
    let back = browser.submit(&consent, &consent.form(), &[("decision", "allow")]).await;
    let page = browser.arrive(&back.location()).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.html);
    broker.message("conv-1", "+15550100", &page.code().unwrap()).await;
    let contact = &broker.contacts().await[0];
    assert_eq!(
        (&contact["fullName"], &contact["email"]),
        (&"Billy Bob".into(), &"billy.bob@example.com".into())
    );
    let told = server.lines().iter().filter(|line| *line == "JSON /auth/token").count();
    assert_eq!(told, as_json);
}
