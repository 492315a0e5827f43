//! The HTTP clients of a fetch: they are dropped with it, read answers up to a bound only, and never send
//! requests for metadata through a proxy.

mod endpoint;
mod probe;
mod problem;
mod proxy;
mod resolver;
mod trust;

pub use endpoint::{check_endpoint, host, is_loopback, is_plain, without_userinfo};
pub use problem::{ConnectionProblem, is_tls_refusal, root_cause};
pub use resolver::Allowed;

use crate::{
    credentials::Millis, environment::Environment, failure::Failure, task::fork_gate::SharedGate,
};
use aws_smithy_async::rt::sleep::{AsyncSleep, SharedAsyncSleep, TokioSleep};
use aws_smithy_http_client::{
    Connector,
    proxy::ProxyConfig,
    tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode},
};
use aws_smithy_runtime_api::{
    client::{
        http::{
            HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
            SharedHttpConnector, http_client_fn,
        },
        orchestrator::{HttpRequest, HttpResponse},
        result::ConnectorError,
    },
    http::Request,
};
use aws_smithy_types::{DateTime, body::SdkBody, byte_stream::ByteStream, date_time::Format};
use std::{
    path::PathBuf,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicI64, AtomicU16, Ordering::Relaxed},
    },
    time::{Duration, SystemTime},
};
use tokio::time::timeout;

/// More than any answer of STS, IMDS or a container endpoint has; a longer one does not come from AWS.
const BODY_LIMIT: usize = 1 << 20;

/// No `Date` header has been seen.
const UNKNOWN: i64 = i64::MIN;

/// How the last request went; every other number is the status of its answer.
const NOT_SENT: u16 = 0;
const NO_ANSWER: u16 = 1;
const CONNECTION_ERROR: u16 = 2;

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
    last: Arc<AtomicU16>,
}

/// How the last request of an SDK client went, for providers whose errors do not say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LastResponse {
    /// No request was sent.
    Nothing,
    /// No answer came in time.
    Timeout,
    /// The connection was refused, reset, or broke.
    ConnectionError,
    /// An answer with this status.
    Answer(u16),
}

/// A whole answer.
pub struct Reply {
    pub status: u16,
    pub body: Vec<u8>,
}

/// Why a plain request brought no answer.
#[derive(Debug)]
pub enum HttpError {
    /// The connection was not made in time, or the answer did not come in time.
    Timeout,
    /// The connection was refused, reset, or broke.
    Connection(String),
}

impl Http {
    #[must_use]
    pub fn new(config: HttpConfig, gate: SharedGate) -> Self {
        Self {
            gate,
            config,
            clock: Arc::new(AtomicI64::new(UNKNOWN)),
            last: Arc::default(),
        }
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

    #[must_use]
    pub fn last_response(&self) -> LastResponse {
        match self.last.load(Relaxed) {
            NOT_SENT => LastResponse::Nothing,
            NO_ANSWER => LastResponse::Timeout,
            CONNECTION_ERROR => LastResponse::ConnectionError,
            status => LastResponse::Answer(status),
        }
    }

    /// A client for the SDK. `endpoint` is where it will go, if that is known: a plain-HTTP one
    /// needs no trust roots, a loopback one no proxy.
    pub fn sdk_client(&self, endpoint: Option<&str>) -> Result<SharedHttpClient, Failure> {
        let (proxy, trust) = self.route(endpoint)?;
        let gate = self.gate;
        let (clock, last) = (Arc::clone(&self.clock), Arc::clone(&self.last));
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
                        last: Arc::clone(&last),
                    })
                })
                .clone()
        }))
    }

    /// The proxy and the trust roots for requests to `endpoint`.
    fn route(&self, endpoint: Option<&str>) -> Result<(ProxyConfig, TrustStore), Failure> {
        let plain = endpoint.is_some_and(is_plain);
        let proxy = if endpoint.is_some_and(is_loopback) {
            ProxyConfig::disabled()
        } else {
            proxy::from_environment(&self.config.environment, plain)?
        };
        let trust = if plain && proxy.is_disabled() {
            TrustStore::empty()
        } else {
            self.trust()?
        };
        Ok((proxy, trust))
    }

    fn trust(&self) -> Result<TrustStore, Failure> {
        trust::store(self.config.ca_bundle.as_deref(), &self.config.environment)
    }

    /// A connector for metadata endpoints: no proxy, and only addresses that are `allowed`.
    pub fn direct(
        &self,
        uri: &str,
        connect: Duration,
        read: Duration,
        allowed: Allowed,
    ) -> Result<MetadataClient, Failure> {
        let trust = if is_plain(uri) {
            TrustStore::empty()
        } else {
            self.trust()?
        };
        let settings = HttpConnectorSettings::builder()
            .connect_timeout(connect)
            .read_timeout(read)
            .build();
        let connector = connector(
            &trust,
            ProxyConfig::disabled(),
            settings,
            Some(SharedAsyncSleep::new(TokioSleep::new())),
            resolver::Resolver::new(self.gate, allowed),
        );
        Ok(MetadataClient {
            connector: SharedHttpConnector::new(Bounded {
                inner: connector,
                clock: Arc::new(AtomicI64::new(UNKNOWN)),
                last: Arc::default(),
            }),
            limit: connect + read,
        })
    }

    /// Timeouts for the SDK's clients.
    #[must_use]
    pub fn timeouts(&self) -> (Duration, Duration) {
        (self.config.connect_timeout, self.config.read_timeout)
    }
}

/// Plain requests to one metadata endpoint.
pub struct MetadataClient {
    connector: SharedHttpConnector,
    limit: Duration,
}

impl MetadataClient {
    /// One request, one answer, no retry, no redirect.
    pub async fn send(
        &self,
        method: &'static str,
        uri: &str,
        headers: &[(&'static str, &str)],
    ) -> Result<Reply, HttpError> {
        let mut request = Request::new(SdkBody::empty());
        let broken = |error: &dyn std::fmt::Display| HttpError::Connection(error.to_string());
        request.set_method(method).map_err(|e| broken(&e))?;
        request.set_uri(uri).map_err(|e| broken(&e))?;
        for (name, value) in headers {
            request
                .headers_mut()
                .try_insert(*name, (*value).to_owned())
                .map_err(|_| {
                    HttpError::Connection(format!("the {name} header has an illegal value"))
                })?;
        }
        let answer = timeout(self.limit, self.connector.call(request)).await;
        match answer {
            Err(_) => Err(HttpError::Timeout),
            Ok(Err(error)) if error.is_timeout() => Err(HttpError::Timeout),
            Ok(Err(error)) => Err(HttpError::Connection(root_cause(&error))),
            Ok(Ok(reply)) => Ok(Reply {
                status: reply.status().as_u16(),
                body: reply.body().bytes().unwrap_or_default().to_vec(),
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

/// Reads the whole answer, up to a bound, and notes the time in its `Date` header.
#[derive(Debug)]
struct Bounded {
    inner: Connector,
    clock: Arc<AtomicI64>,
    last: Arc<AtomicU16>,
}

impl HttpConnector for Bounded {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let answer = self.inner.call(request);
        let (clock, last) = (Arc::clone(&self.clock), Arc::clone(&self.last));
        last.store(NO_ANSWER, Relaxed);
        let reply = async move {
            let mut reply = answer.await?;
            record_clock_offset(&reply, &clock);
            let body = read_body(reply.take_body()).await?;
            *reply.body_mut() = SdkBody::from(body);
            Ok(reply)
        };
        HttpConnectorFuture::new(async move {
            let reply: Result<HttpResponse, ConnectorError> = reply.await;
            match &reply {
                Ok(reply) => last.store(reply.status().as_u16(), Relaxed),
                Err(error) if error.is_timeout() => {}
                Err(_) => last.store(CONNECTION_ERROR, Relaxed),
            }
            reply
        })
    }
}

async fn read_body(body: SdkBody) -> Result<Vec<u8>, ConnectorError> {
    let mut stream = ByteStream::new(body);
    let mut bytes = Vec::new();
    while let Some(chunk) = stream.next().await {
        let chunk = chunk.map_err(|error| ConnectorError::io(error.into()))?;
        if bytes.len() + chunk.len() > BODY_LIMIT {
            let text =
                format!("the answer is longer than {BODY_LIMIT} bytes; it does not come from AWS");
            return Err(ConnectorError::user(text.into()));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

fn record_clock_offset(reply: &HttpResponse, clock: &AtomicI64) {
    let service_time = reply
        .headers()
        .get("date")
        .and_then(|date| DateTime::from_str(date, Format::HttpDate).ok())
        .and_then(|date| date.to_millis().ok());
    let own_time = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    if let (Some(service_time), Ok(own_time)) = (service_time, own_time) {
        let own_time = i64::try_from(own_time.as_millis()).unwrap_or(i64::MAX);
        // The header has whole seconds: inside one it says nothing.
        let offset = service_time - own_time;
        clock.store(if offset.abs() <= 1500 { 0 } else { offset }, Relaxed);
    }
}

/// How every client of a fetch sleeps.
#[must_use]
pub fn sleep() -> impl AsyncSleep + 'static {
    TokioSleep::new()
}
