//! Spans for an OpenTelemetry collector: one per request and one per call to
//! a provider. Compiled with the feature `otel`; silent unless `OTEL_EXPORTER_OTLP_ENDPOINT` is set.
//!
//! Spans are those of `tracing`, at level `debug` and of our own target; events stay in the log.
//!
//! To add a span: `.instrument(tracing::debug_span!("area.what"))` around the future, with facts of
//! ours as fields: what may not stand in a log line may not stand here.

use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::SpanExporter;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing::{Metadata, Subscriber};
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::Layer;
use tracing_subscriber::registry::LookupSpan;

use super::TelemetryError;

/// The spans that still wait are sent when this is dropped.
#[derive(Debug)]
pub struct Sending(SdkTracerProvider);

impl Drop for Sending {
    fn drop(&mut self) {
        if let Err(error) = self.0.shutdown() {
            tracing::warn!(detail = %error, "traces.lost");
        }
    }
}

/// A layer that sends spans, as this service, to the collector of the usual variables.
pub fn layer<S>(service: &str) -> Result<(impl Layer<S> + Send + Sync, Sending), TelemetryError>
where
    S: Subscriber + for<'a> LookupSpan<'a> + Send + Sync,
{
    let exporter = SpanExporter::builder().with_http().build();
    let exporter = exporter.map_err(|error| TelemetryError::Traces(error.to_string()))?;
    let resource = Resource::builder().with_service_name(service.to_owned()).build();
    let provider = SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource).build();
    let layer = tracing_opentelemetry::layer()
        .with_tracer(provider.tracer(env!("CARGO_PKG_NAME")))
        .with_location(false)
        .with_threads(false)
        .with_tracked_inactivity(false);
    Ok((layer.with_filter(filter_fn(is_ours)), Sending(provider)))
}

fn is_ours(metadata: &Metadata<'_>) -> bool {
    metadata.is_span() && metadata.target().starts_with(env!("CARGO_PKG_NAME"))
}
