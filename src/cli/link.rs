//! `countersign link`: asks a running broker for an auth link, as a platform does, and waits for its
//! customer if it is told to.

use std::io::{IsTerminal, Read, Write};
use std::time::Duration;

use anyhow::{Context as _, bail};
use reqwest::{Client, Method, StatusCode, Url};
use serde_json::{Value, json};

use crate::clock::Clock;
use crate::config::Environment;
use crate::secret::Secret;

use super::args::LinkArgs;
use super::{FAILED, secret};

/// The variable that holds the client's secret.
pub const SECRET: &str = "COUNTERSIGN_CLIENT_SECRET";
/// How many seconds one question for the link's status waits.
const WAIT: u64 = 30;
/// How long a call may take.
const CALL: Duration = Duration::from_secs(WAIT + 15);

/// Why a call did not work; its words are for the person at the shell.
#[derive(Debug, thiserror::Error)]
enum CallError {
    /// No answer.
    #[error("{0} does not answer: {1}")]
    Silent(String, String),
    /// An answer that refuses.
    #[error("{0}")]
    Refused(String),
}

/// A broker that is called with a client's token.
struct Platform {
    http: Client,
    base: Url,
    token: Option<Secret>,
}

/// Makes the link, prints it, and waits if wanted. 1 if the broker refuses, does not answer, or the
/// link ends without a sign-in.
pub fn run(
    args: &LinkArgs,
    environment: &Environment,
    input: &mut (impl Read + IsTerminal),
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> anyhow::Result<u8> {
    let secret = match environment.get(SECRET) {
        Some(secret) => Secret::new(secret),
        None => secret::ask(input, err)?,
    };
    if secret.is_blank() {
        bail!("`{SECRET}` is blank");
    }
    let base = base(&args.url)?;
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
        let mut platform = Platform { http: http()?, base, token: None };
        match talk(args, &mut platform, &secret, out).await? {
            Ok(code) => Ok(code),
            Err(error) => {
                writeln!(err, "error: {error}")?;
                Ok(FAILED)
            }
        }
    })
}

/// The steps; what goes wrong with the output is the outer error.
async fn talk(
    args: &LinkArgs,
    platform: &mut Platform,
    secret: &Secret,
    out: &mut dyn Write,
) -> anyhow::Result<Result<u8, CallError>> {
    let grant = json!({
        "grant_type": "client_credentials", "client_id": args.client_id, "client_secret": secret.expose(),
    });
    let token = match platform.call(Method::POST, "/v1/oauth/token", Some(grant)).await {
        Ok(answer) => answer,
        Err(error) => return Ok(Err(error)),
    };
    platform.token = token["access_token"].as_str().map(Secret::new);
    let link = match platform.call(Method::POST, "/v1/auth-links", Some(order(args))).await {
        Ok(link) => link,
        Err(error) => return Ok(Err(error)),
    };
    if args.json {
        writeln!(out, "{link}")?;
    } else {
        for (name, pointer) in
            [("url", "/url"), ("message", "/message/text"), ("id", "/id"), ("expires", "/expiresAt")]
        {
            writeln!(out, "{name:<8} {}", link.pointer(pointer).and_then(Value::as_str).unwrap_or_default())?;
        }
        for warning in link["message"]["warnings"].as_array().into_iter().flatten().filter_map(Value::as_str)
        {
            writeln!(out, "warning  {warning}")?;
        }
    }
    out.flush()?;
    if args.wait { wait(args, platform, link, out).await } else { Ok(Ok(0)) }
}

/// Tells each status of the link until it is final. 0 if somebody signed in.
async fn wait(
    args: &LinkArgs,
    platform: &Platform,
    mut link: Value,
    out: &mut dyn Write,
) -> anyhow::Result<Result<u8, CallError>> {
    let id = link["id"].as_str().unwrap_or_default().to_owned();
    let clock = Clock::system();
    while link["final"] != true {
        let known = link["status"].as_str().unwrap_or_default().to_owned();
        let asked = clock.tick();
        let path = format!("/v1/auth-links/{id}?wait={WAIT}&status={known}");
        link = match platform.call(Method::GET, &path, None).await {
            Ok(link) => link,
            Err(error) => return Ok(Err(error)),
        };
        if link["status"] == known.as_str() {
            // A broker that does not wait is not asked more than once a second.
            tokio::time::sleep(Duration::from_secs(1).saturating_sub(asked.elapsed())).await;
        } else if !args.json {
            writeln!(out, "status   {}", told(&link))?;
            out.flush()?;
        }
    }
    if args.json {
        writeln!(out, "{link}")?;
    } else if let Some(profile) = link["profile"].as_object() {
        for (name, value) in profile {
            writeln!(
                out,
                "profile  {name}: {}",
                value.as_str().map_or_else(|| value.to_string(), str::to_owned)
            )?;
        }
    }
    Ok(Ok(if link["status"] == "completed" { 0 } else { FAILED }))
}

/// A status with its reason, if it has one.
fn told(link: &Value) -> String {
    let word = |name: &str| link[name].as_str().unwrap_or_default().to_owned();
    match (word("code"), word("step")) {
        (code, _) if code.is_empty() => word("status"),
        (code, step) if step.is_empty() => format!("{}: {code}", word("status")),
        (code, step) => format!("{}: {code} at {step}", word("status")),
    }
}

fn order(args: &LinkArgs) -> Value {
    let mut order = json!({"conversation": {"id": args.conversation, "channel": args.channel}});
    if let Some(handle) = &args.handle {
        order["conversation"]["handle"] = json!(handle);
    }
    let texts = [("provider", &args.provider), ("snippet", &args.snippet), ("locale", &args.locale)];
    for (name, value) in texts {
        if let Some(value) = value {
            order[name] = json!(value);
        }
    }
    if let Some(seconds) = args.expires_in {
        order["expiresIn"] = json!(seconds);
    }
    if let Some(minimum) = &args.minimum {
        order["binding"] = json!({"minimum": minimum});
    }
    order
}

fn base(text: &str) -> anyhow::Result<Url> {
    let url =
        Url::parse(text).with_context(|| format!("`{text}` is no URL; write `https://acme.example.com`"))?;
    if !matches!(url.scheme(), "https" | "http") || url.cannot_be_a_base() {
        bail!("`{text}` is no address of a broker; write `https://acme.example.com`");
    }
    Ok(url)
}

#[expect(clippy::disallowed_methods, reason = "who types the command names the broker; no tenant does")]
fn http() -> anyhow::Result<Client> {
    let client = Client::builder().redirect(reqwest::redirect::Policy::none()).timeout(CALL);
    client.build().context("no HTTP client can be made")
}

impl Platform {
    async fn call(&self, method: Method, path: &str, body: Option<Value>) -> Result<Value, CallError> {
        let url = self.base.join(path).map_err(|error| CallError::Refused(format!("`{path}`: {error}")))?;
        let mut request = self.http.request(method.clone(), url);
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {}", token.expose()));
        }
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body.to_string());
        }
        let silent = |error: reqwest::Error| {
            let cause =
                std::error::Error::source(&error).map_or_else(|| error.to_string(), ToString::to_string);
            CallError::Silent(self.base.to_string(), cause)
        };
        let response = request.send().await.map_err(silent)?;
        let status = response.status();
        let bytes = response.bytes().await.map_err(silent)?;
        let answer = serde_json::from_slice::<Value>(&bytes).unwrap_or_default();
        if status.is_success() && answer.is_object() {
            return Ok(answer);
        }
        let path = path.split('?').next().unwrap_or(path);
        Err(CallError::Refused(format!("{method} {path} was answered with {}", refusal(status, &answer))))
    }
}

/// A refusal in one line: the status, and what a problem document or an OAuth error says.
fn refusal(status: StatusCode, answer: &Value) -> String {
    let faults = answer["faults"].as_array().into_iter().flatten().map(|fault| {
        let text = |name: &str| fault[name].as_str().unwrap_or_default().to_owned();
        format!("{}: {}", text("pointer"), text("detail"))
    });
    let faults: Vec<String> = faults.collect();
    let word = answer["code"].as_str().or(answer["error"].as_str()).unwrap_or("no answer of a broker");
    let detail = answer["detail"].as_str().or(answer["error_description"].as_str()).unwrap_or_default();
    let detail = if faults.is_empty() { detail.to_owned() } else { faults.join("; ") };
    format!("{} {word}{}{detail}", status.as_u16(), if detail.is_empty() { "" } else { ": " })
}
