//! `countersign serve`: the product.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context as _;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};

use crate::app::{self, App};
use crate::clock::Clock;
use crate::config::{Config, Environment, Fault, Look};
use crate::domain::binding::Binding;
use crate::domain::tenant::Tenant;
use crate::flow::trail;
use crate::telemetry::{self, Format, Level};
use crate::tenants::folder::Folder;

use super::args::SettingsArgs;
use super::render_all;

/// Reads everything, serves until the process is asked to stop, and finishes the running requests.
pub fn run(
    args: &SettingsArgs,
    environment: &Environment,
    look: Look,
    err: &mut dyn Write,
) -> anyhow::Result<u8> {
    let clock = Clock::system();
    let began = clock.tick();
    let config = Config::read(&args.flags(), environment)?;
    let tenants = app::read_tenants(&config.value, environment)?;
    warn(&[config.warnings, tenants.warnings].concat(), look, err)?;
    let config = config.value;
    let _started = telemetry::start(
        level(environment)?,
        Format::Json,
        spans_as(environment),
        &clock,
        trail::request_id,
    )?;
    runtime()?.block_on(async {
        app::check_store(&config, &clock).await?;
        let (count, open) = (tenants.value.tenants().count(), unproved(&tenants.value));
        let app = App::build(&config, tenants.value, clock.clone())?;
        app.check_store().await?;
        let listener = bind(config.server.listen, &config, "server.listen").await?;
        let ops = match config.ops {
            Some(address) => Some(bind(address, &config, "ops.listen").await?),
            None => None,
        };
        let listen = listener.local_addr()?;
        if config.server.base_url.scheme() == "http" {
            tracing::warn!("serve.dangerous_plain_http");
        }
        for tenant in open {
            tracing::warn!(%tenant, "serve.dangerous_minimum_none");
        }
        let stop = app::stop_signal();
        let duration_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        tracing::info!(%listen, tenants = count, duration_ms, "serve.ready");
        app.serve(listener, ops, stop).await;
        tracing::info!("serve.stopped");
        Ok(0)
    })
}

/// One async thread per processor. Where there is one processor, the thread that is there already: to
/// wake another one and be woken by it costs more than a small request.
fn runtime() -> io::Result<Runtime> {
    let alone = std::thread::available_parallelism().is_ok_and(|processors| processors.get() == 1);
    let mut builder = if alone { Builder::new_current_thread() } else { Builder::new_multi_thread() };
    builder.enable_all().build()
}

async fn bind(address: SocketAddr, config: &Config, setting: &str) -> anyhow::Result<TcpListener> {
    let bound = TcpListener::bind(address).await;
    bound.with_context(|| format!("cannot listen on `{address}`, which stands in {}", config.origin(setting)))
}

/// Warnings of the settings are for the person at the terminal, before the log begins.
fn warn(warnings: &[Fault], look: Look, err: &mut dyn Write) -> anyhow::Result<()> {
    if !warnings.is_empty() {
        writeln!(err, "{}", render_all(warnings, look))?;
    }
    Ok(())
}

/// `COUNTERSIGN_LOG`: `off`, `error`, `warn`, `info` (default), `debug` or `trace`.
fn level(environment: &Environment) -> anyhow::Result<Level> {
    Ok(environment.get("COUNTERSIGN_LOG").map(str::parse).transpose()?.unwrap_or_default())
}

/// The service whose spans go to a collector, if the usual variable of OpenTelemetry names one.
fn spans_as(environment: &Environment) -> Option<&str> {
    environment.get("OTEL_EXPORTER_OTLP_ENDPOINT")?;
    Some(environment.get("OTEL_SERVICE_NAME").unwrap_or(env!("CARGO_PKG_NAME")))
}

/// Tenants that let a sign-in count without any proof from the chat.
fn unproved(folder: &Folder) -> Vec<String> {
    let open = |tenant: &&Arc<Tenant>| {
        tenant.binding.minimum == Some(Binding::None)
            || tenant.binding.channels.values().any(|minimum| *minimum == Binding::None)
    };
    folder.tenants().filter(open).map(|tenant| tenant.id.to_string()).collect()
}
