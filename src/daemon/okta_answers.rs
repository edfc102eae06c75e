//! How Okta answered, for `/metrics`: read from the client when somebody asks.

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric as _};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use tokio::sync::watch;

use crate::okta::Client;
use crate::tasks::poller::Change;

/// `rosterd_okta_requests_total{code}`. It begins anew at a reload, which brings another client.
#[derive(Debug)]
pub(super) struct OktaAnswers {
    pub(super) started_with: Client,
    pub(super) changed: watch::Receiver<Option<Change>>,
}

impl Collector for OktaAnswers {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let mut family = encoder.encode_descriptor(
            "okta_requests",
            "Requests to Okta by the status it answered; code none: no answer",
            None,
            MetricType::Counter,
        )?;
        let status = match &*self.changed.borrow() {
            Some(change) => change.okta.status(),
            None => self.started_with.status(),
        };
        for (status, count) in status.answers {
            let code = match status {
                0 => "none".to_owned(),
                status => status.to_string(),
            };
            let labels = [("code", code.as_str())];
            ConstCounter::new(count).encode(family.encode_family(&labels)?)?;
        }
        Ok(())
    }
}
