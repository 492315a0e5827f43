//! The network one step at a time for the doctor, through the code that sends requests.

use super::{
    Http, endpoint, is_loopback, proxy,
    resolver::{Allowed, Resolver},
    trust,
};
use crate::failure::Failure;
use aws_smithy_runtime_api::client::dns::ResolveDns;
use std::net::IpAddr;

impl Http {
    /// The proxy of a request to `url`, unless `NO_PROXY` excepts it: its variable, and its address
    /// as a message shows it. `None` is one of AWS's addresses, as for the client of the SDK.
    pub fn proxy_of(&self, url: Option<&str>) -> Result<Option<(&'static str, String)>, Failure> {
        if url.is_some_and(is_loopback) {
            return Ok(None);
        }
        let named = proxy::named(&self.config.environment, url)?;
        Ok(named.map(|(name, url)| (name, endpoint::shown(&url))))
    }

    /// The certificate authorities that are trusted, as a message shows them.
    #[must_use]
    pub fn roots(&self) -> String {
        trust::roots(self.config.ca_bundle.as_deref(), &self.config.environment)
            .map_or_else(|failure| failure.cause, |roots| roots.shown)
    }

    /// The hosts that are asked without a proxy, and the variable that names them.
    #[must_use]
    pub fn proxy_exceptions(&self) -> Option<(&'static str, &str)> {
        proxy::exceptions(&self.config.environment)
    }

    /// Looks a name up as requests do.
    pub async fn look_up(&self, host: &str) -> Result<Vec<IpAddr>, String> {
        Resolver::new(self.gate, Allowed::Anything)
            .resolve_dns(host)
            .await
            .map_err(|error| super::root_cause(&error))
    }
}
