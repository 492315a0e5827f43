//! The HTTP clients of a fetch: they are dropped with it, read answers up to a bound only, and never send
//! requests for metadata through a proxy.

mod bounded;
mod certificate;
mod endpoint;
mod no_proxy;
mod plain;
mod probe;
mod problem;
mod proxy;
mod resolver;
mod sent;
mod trace;
mod trust;
mod user_agent;

use bounded::Bounded;
pub use bounded::wiped_body;
pub use certificate::CertificateProblem;
pub use endpoint::{
    check_endpoint, host, is_loopback, is_plain, shown as shown_url, without_userinfo,
};
pub use plain::plain_warning;
use problem::has_kind;
pub use problem::{ConnectionProblem, is_tls_refusal, root_cause};
pub use resolver::Allowed;
pub(crate) use trace::TRACE_ID;
pub(crate) use user_agent::USER_AGENT;

use crate::{
    credentials::{KnownSecrets, Millis},
    environment::Environment,
    failure::Failure,
    task::fork_gate::SharedGate,
};
use aws_smithy_async::rt::sleep::{SharedAsyncSleep, TokioSleep};
use aws_smithy_http_client::{
    Connector,
    proxy::ProxyConfig,
    tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode},
};
use aws_smithy_runtime_api::{
    client::{
        http::{
            HttpConnector, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
            http_client_fn,
        },
        result::ConnectorError,
    },
    http::Request,
};
use aws_smithy_types::body::SdkBody;
use std::{
    io::ErrorKind,
    path::PathBuf,
    sync::{
        Arc, Mutex, OnceLock,
        atomic::{AtomicI64, Ordering::Relaxed},
    },
    time::Duration,
};
use tokio::time::timeout;
use zeroize::Zeroizing;

/// No `Date` header has been seen.
const UNKNOWN: i64 = i64::MIN;

/// What the clients of a fetch need to know.
#[derive(Clone)]
pub struct HttpConfig {
    /// For the proxy and the trust roots it names.
    pub environment: Environment,
    pub connect_timeout: Duration,
    pub read_timeout: Duration,
    pub ca_bundle: Option<PathBuf>,
}

/// Builds the clients of one fetch.
#[derive(Clone)]
pub struct Http {
    gate: SharedGate,
    config: HttpConfig,
    clock: Arc<AtomicI64>,
    /// Of the URLs so far.
    warnings: Arc<Mutex<Vec<String>>>,
    secrets: KnownSecrets,
}

/// A whole answer.
pub struct Reply {
    pub status: u16,
    /// May be credentials.
    pub body: Zeroizing<Vec<u8>>,
}

/// Why a plain request brought no answer.
#[derive(Debug)]
pub enum HttpError {
    /// The connection was not made in time, or the answer did not come in time.
    Timeout,
    /// The connection was refused: no process listens on that port.
    Refused(String),
    /// The connection was reset, or broke, or the name could not be looked up.
    Connection(String),
    /// Another try ends the same: the request cannot be sent, the address may not be asked, or TLS failed.
    Lasting(String),
    /// TLS does not trust the server; in words.
    Certificate(CertificateProblem, String),
}

impl HttpError {
    fn of(error: &ConnectorError) -> Self {
        let why = root_cause(error);
        if error.is_timeout() {
            Self::Timeout
        } else if let ConnectionProblem::Certificate(problem) = ConnectionProblem::of(error) {
            Self::Certificate(problem, why)
        } else if is_tls_refusal(error) || has_kind(error, ErrorKind::PermissionDenied) {
            Self::Lasting(why)
        } else if has_kind(error, ErrorKind::ConnectionRefused) {
            Self::Refused(why)
        } else {
            Self::Connection(why)
        }
    }

    /// What happened, in the words of the library.
    #[must_use]
    pub fn why(&self) -> &str {
        match self {
            Self::Timeout => "no answer in time",
            Self::Refused(why)
            | Self::Connection(why)
            | Self::Lasting(why)
            | Self::Certificate(_, why) => why,
        }
    }

    /// What to do about a certificate, else `remedy`.
    #[must_use]
    pub fn remedy_or<'a>(&self, remedy: &'a str) -> &'a str {
        match self {
            Self::Certificate(problem, _) => problem.remedy(),
            _ => remedy,
        }
    }
}

impl Http {
    #[must_use]
    pub fn new(config: HttpConfig, gate: SharedGate) -> Self {
        Self {
            gate,
            config,
            clock: Arc::new(AtomicI64::new(UNKNOWN)),
            warnings: Arc::default(),
            secrets: KnownSecrets::default(),
        }
    }

    /// The secrets of this fetch.
    #[must_use]
    pub fn secrets(&self) -> &KnownSecrets {
        &self.secrets
    }

    /// The bundle a profile names, where no option, setting or variable names one.
    pub fn set_profile_ca_bundle(&mut self, path: PathBuf) {
        self.config.ca_bundle.get_or_insert(path);
    }

    /// How far the service's clock is ahead of ours, as its last `Date` header says.
    #[must_use]
    pub fn clock_offset(&self) -> Option<Millis> {
        let offset = self.clock.load(Relaxed);
        (offset != UNKNOWN).then_some(offset)
    }

    /// A client for the SDK. `endpoint` is where it will go, if that is known: a plain-HTTP one
    /// needs no trust roots, a loopback one no proxy.
    pub fn sdk_client(&self, endpoint: Option<&str>) -> Result<SharedHttpClient, Failure> {
        let (proxy, trust) = self.route(endpoint)?;
        let gate = self.gate;
        let clock = Arc::clone(&self.clock);
        let secrets = self.secrets.clone();
        // Built at the first request and once: the SDK's own builder makes each connector twice.
        let built = OnceLock::new();
        Ok(http_client_fn(move |wanted, parts| {
            built
                .get_or_init(|| {
                    let connector = connector(
                        &trust,
                        proxy.clone(),
                        wanted.clone(),
                        parts.sleep_impl(),
                        resolver::Resolver::new(gate, Allowed::Anything),
                    );
                    SharedHttpConnector::new(Bounded {
                        inner: connector,
                        clock: Arc::clone(&clock),
                        secrets: secrets.clone(),
                    })
                })
                .clone()
        }))
    }

    /// The proxy and the trust roots for requests to `endpoint`.
    fn route(&self, endpoint: Option<&str>) -> Result<(ProxyConfig, TrustStore), Failure> {
        let plain = endpoint.is_some_and(is_plain);
        endpoint.inspect(|url| self.note_url(url));
        let proxy = if endpoint.is_some_and(is_loopback) {
            ProxyConfig::disabled()
        } else {
            proxy::from_environment(&self.config.environment, endpoint, &self.secrets)?
        };
        let trust = if plain && proxy.is_disabled() {
            TrustStore::empty()
        } else {
            self.trust()?
        };
        Ok((proxy, trust))
    }

    fn note_url(&self, url: &str) {
        self.note_plain(url);
        sent::note_userinfo(url, &self.secrets);
    }

    fn trust(&self) -> Result<TrustStore, Failure> {
        let roots = trust::roots(self.config.ca_bundle.as_deref(), &self.config.environment)?;
        Ok(roots.store)
    }

    /// A connector for metadata endpoints: no proxy, and only addresses that are `allowed`.
    pub fn direct(
        &self,
        uri: &str,
        connect: Duration,
        read: Duration,
        allowed: Allowed,
    ) -> Result<PlainClient, Failure> {
        self.note_url(uri);
        let trust = if is_plain(uri) {
            TrustStore::empty()
        } else {
            self.trust()?
        };
        Ok(self.client(
            &trust,
            ProxyConfig::disabled(),
            (connect, read),
            allowed,
            Arc::new(AtomicI64::new(UNKNOWN)),
        ))
    }

    /// A client for plain requests to a service, proxy, trust roots and clock included.
    pub fn plain(&self, url: &str) -> Result<PlainClient, Failure> {
        let (proxy, trust) = self.route(Some(url))?;
        let clock = Arc::clone(&self.clock);
        Ok(self.client(&trust, proxy, self.timeouts(), Allowed::Anything, clock))
    }

    fn client(
        &self,
        trust: &TrustStore,
        proxy: ProxyConfig,
        (connect, read): (Duration, Duration),
        allowed: Allowed,
        clock: Arc<AtomicI64>,
    ) -> PlainClient {
        let settings = HttpConnectorSettings::builder()
            .connect_timeout(connect)
            .read_timeout(read)
            .build();
        let connector = connector(
            trust,
            proxy,
            settings,
            Some(sleep()),
            resolver::Resolver::new(self.gate, allowed),
        );
        PlainClient {
            connector: SharedHttpConnector::new(Bounded {
                inner: connector,
                clock,
                secrets: self.secrets.clone(),
            }),
            limit: connect + read,
        }
    }

    /// Timeouts for the SDK's clients.
    #[must_use]
    pub fn timeouts(&self) -> (Duration, Duration) {
        (self.config.connect_timeout, self.config.read_timeout)
    }
}

/// Plain requests to one endpoint.
pub struct PlainClient {
    connector: SharedHttpConnector,
    limit: Duration,
}

impl PlainClient {
    /// One request, one answer, no retry, no redirect.
    pub async fn send(
        &self,
        method: &'static str,
        uri: &str,
        headers: &[(&'static str, &str)],
    ) -> Result<Reply, HttpError> {
        let body = SdkBody::empty();
        self.exchange(self.limit, method, uri, headers, body).await
    }

    /// The same, given up after `limit`.
    pub async fn send_within(
        &self,
        limit: Duration,
        method: &'static str,
        uri: &str,
        headers: &[(&'static str, &str)],
    ) -> Result<Reply, HttpError> {
        let body = SdkBody::empty();
        self.exchange(limit, method, uri, headers, body).await
    }

    /// The same with a body.
    pub async fn send_body(
        &self,
        method: &'static str,
        uri: &str,
        headers: &[(&'static str, &str)],
        body: SdkBody,
    ) -> Result<Reply, HttpError> {
        self.exchange(self.limit, method, uri, headers, body).await
    }

    async fn exchange(
        &self,
        limit: Duration,
        method: &'static str,
        uri: &str,
        headers: &[(&'static str, &str)],
        body: SdkBody,
    ) -> Result<Reply, HttpError> {
        let mut request = Request::new(body);
        let broken = |error: &dyn std::fmt::Display| HttpError::Lasting(error.to_string());
        request.set_method(method).map_err(|e| broken(&e))?;
        request.set_uri(uri).map_err(|e| broken(&e))?;
        for (name, value) in headers {
            request
                .headers_mut()
                .try_insert(*name, (*value).to_owned())
                .map_err(|_| {
                    HttpError::Lasting(format!("the {name} header has an illegal value"))
                })?;
        }
        let answer = timeout(limit, self.connector.call(request)).await;
        match answer {
            Err(_) => Err(HttpError::Timeout),
            Ok(Err(error)) => Err(HttpError::of(&error)),
            Ok(Ok(reply)) => Ok(Reply {
                status: reply.status().as_u16(),
                body: Zeroizing::new(reply.body().bytes().unwrap_or_default().to_vec()),
            }),
        }
    }
}

fn connector(
    trust: &TrustStore,
    proxy: ProxyConfig,
    settings: HttpConnectorSettings,
    sleep: Option<SharedAsyncSleep>,
    resolver: resolver::Resolver,
) -> Connector {
    let context = TlsContext::builder()
        .with_trust_store(trust.clone())
        .build();
    let mut builder = Connector::builder()
        .tls_provider(Provider::Rustls(CryptoMode::AwsLc))
        .tls_context(context.unwrap_or_default())
        .connector_settings(settings)
        .proxy_config(proxy)
        .pool_max_idle_per_host(0);
    builder.set_sleep_impl(sleep);
    builder.build_with_resolver(resolver)
}

/// How every client of a fetch sleeps.
#[must_use]
pub fn sleep() -> SharedAsyncSleep {
    SharedAsyncSleep::new(TokioSleep::new())
}
