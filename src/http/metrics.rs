//! The counters behind `/metrics`.
//!
//! A family is registered by whoever counts it ([`Metrics::register`]), once, when the daemon starts; what is read from
//! the store (users, teams, runs) is set just before the text is made.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Metric, Registry};

use super::gauges::Gauges;
use crate::service::status::Status;

/// The media type of [`Metrics::encode`].
pub const MEDIA_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The registry of this process. Cheap to clone.
#[derive(Clone)]
pub struct Metrics {
    registry: Arc<Mutex<Registry>>,
    scim_requests: Family<ScimRequest, Counter>,
    scim_seconds: Family<ScimRoute, Histogram, fn() -> Histogram>,
    log_dropped: Counter,
    gauges: Gauges,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ScimRequest {
    route: &'static str,
    method: &'static str,
    code: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ScimRoute {
    route: &'static str,
    method: &'static str,
}

impl Default for Metrics {
    fn default() -> Self {
        let metrics = Self {
            registry: Arc::new(Mutex::new(Registry::with_prefix("rosterd"))),
            scim_requests: Family::default(),
            scim_seconds: Family::new_with_constructor(durations),
            log_dropped: Counter::default(),
            gauges: Gauges::default(),
        };
        metrics.gauges.register(
            &mut metrics
                .registry
                .lock()
                .unwrap_or_else(PoisonError::into_inner),
        );
        metrics.register(
            "scim_requests",
            "SCIM requests answered",
            metrics.scim_requests.clone(),
        );
        metrics.register(
            "scim_request_duration_seconds",
            "Time to the head of a SCIM answer",
            metrics.scim_seconds.clone(),
        );
        metrics.register(
            "scim_request_log_dropped",
            "SCIM requests that the request log had no room for",
            metrics.log_dropped.clone(),
        );
        metrics
    }
}

impl Metrics {
    /// Adds a metric under `rosterd_` + `name`; a counter's name is given without `_total`.
    pub fn register(&self, name: &str, help: &str, metric: impl Metric) {
        self.registry
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .register(name, help, metric);
    }

    /// Adds what is read when somebody asks; its names get `rosterd_` in front too.
    pub fn register_collector(&self, collector: Box<dyn Collector>) {
        self.registry
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .register_collector(collector);
    }

    /// Counts an answered SCIM request. `route` and `method` come from closed sets: a client cannot make new series.
    pub fn scim_answered(
        &self,
        route: &'static str,
        method: &'static str,
        code: u16,
        took: Duration,
    ) {
        let request = ScimRequest {
            route,
            method,
            code,
        };
        self.scim_requests.get_or_create(&request).inc();
        self.scim_seconds
            .get_or_create(&ScimRoute { route, method })
            .observe(took.as_secs_f64());
    }

    /// Counts a request that the log had no room for.
    pub fn log_dropped(&self) {
        self.log_dropped.inc();
    }

    /// Sets what is read from the store.
    pub fn stand(&self, status: &Status) {
        self.gauges.set(status);
    }

    /// Everything as OpenMetrics text.
    ///
    /// # Errors
    /// When a metric cannot be written as text: a defect.
    pub fn encode(&self) -> Result<String, std::fmt::Error> {
        let mut text = String::new();
        let registry = self.registry.lock().unwrap_or_else(PoisonError::into_inner);
        prometheus_client::encoding::text::encode(&mut text, &registry)?;
        Ok(text)
    }
}

/// 0.5 ms to about 8 s.
fn durations() -> Histogram {
    Histogram::new(exponential_buckets(0.0005, 2.0, 15))
}

impl std::fmt::Debug for Metrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Metrics;

    #[test]
    fn a_request_is_counted_by_route_method_and_code() {
        let metrics = Metrics::default();
        metrics.scim_answered("/Users", "GET", 200, Duration::from_millis(2));
        metrics.scim_answered("/Users", "GET", 200, Duration::from_millis(2));
        let text = metrics.encode().unwrap_or_default();
        let line = r#"rosterd_scim_requests_total{route="/Users",method="GET",code="200"} 2"#;
        assert!(text.contains(line), "{text}");
        assert!(
            text.contains("rosterd_scim_request_duration_seconds_bucket"),
            "{text}"
        );
    }
}
