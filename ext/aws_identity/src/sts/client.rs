//! Where STS is, the client that calls it, and what its answers have in common.

use super::{
    errors::explain,
    retry::{Retries, RetryLimits},
    sdk_environment::SdkEnvironment,
};
use crate::{
    credentials::{Credentials, Millis, Secret},
    failure::{Failure, Kind},
    http::{self, Http},
    region::partition_of_region,
};
use aws_sdk_sts::{
    Client,
    config::{
        BehaviorVersion, Credentials as SigningKeys, IdentityCache, Region,
        endpoint::{DefaultResolver, Params, ResolveEndpoint},
        http::HttpResponse,
        retry::{RetryConfig, RetryPartition, TokenBucket},
        timeout::TimeoutConfig,
    },
    error::{ProvideErrorMetadata, SdkError},
    types::AssumedRoleUser,
};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use std::{collections::BTreeMap, sync::OnceLock};

/// Which endpoint of STS is called.
#[derive(Clone, Debug)]
pub struct Endpoint {
    pub region: String,
    /// In place of the region's own. May hold a user and a password.
    pub url: Option<Secret>,
    pub use_fips: Option<bool>,
    pub use_dualstack: Option<bool>,
}

impl Endpoint {
    /// Where requests go, by the SDK's own rules. A configured URL may have a password in it.
    pub async fn address(&self) -> Result<Secret, Failure> {
        self.resolve().await.map_err(|reason| {
            Failure::configuration(
                format!(
                    "There is no STS endpoint for region {} with these settings ({reason}).",
                    self.region
                ),
                "Check region, AWS_USE_FIPS_ENDPOINT and AWS_USE_DUALSTACK_ENDPOINT.",
            )
        })
    }

    /// The same, with the SDK's reason for an error.
    pub(crate) async fn resolve(&self) -> Result<Secret, String> {
        let params = Params::builder()
            .region(self.region.as_str())
            .set_endpoint(self.url.as_ref().map(|url| url.expose().to_owned()))
            .set_use_fips(self.use_fips)
            .set_use_dual_stack(self.use_dualstack)
            .build()
            .map_err(|error| error.to_string())?;
        let resolver = DefaultResolver::new();
        let found = resolver.resolve_endpoint(&params).await;
        found
            .map(|endpoint| Secret::new(endpoint.url()))
            .map_err(|error| error.to_string())
    }

    /// How a message names it: the configured URL without what may be secret, else the region.
    pub(super) fn shown(&self) -> String {
        match &self.url {
            Some(url) => http::shown_url(url.expose()),
            None => format!("STS in {}", self.region),
        }
    }

    /// The switches that shape the name of STS, as a message shows them.
    #[must_use]
    pub fn switches(&self) -> Vec<&'static str> {
        let is_on = |switch: Option<bool>| switch == Some(true) && self.url.is_none();
        let fips = is_on(self.use_fips).then_some("AWS_USE_FIPS_ENDPOINT (use_fips_endpoint)");
        let dualstack = is_on(self.use_dualstack)
            .then_some("AWS_USE_DUALSTACK_ENDPOINT (use_dualstack_endpoint)");
        fips.into_iter().chain(dualstack).collect()
    }

    /// What to do where its name cannot be looked up.
    #[must_use]
    pub fn name_remedy(&self) -> String {
        let switches = self.switches();
        if switches.is_empty() {
            return "Check the region's name, the endpoint and the name server.".into();
        }
        format!(
            "{} made this name, and not every region has such an endpoint: unset it, or set a region that has one; else check the region's name and the name server.",
            switches.join(" and ")
        )
    }

    /// What to do where STS does not know the access key id.
    pub(super) fn unknown_key_remedy(&self) -> String {
        format!(
            "The access key id is not, or no longer, known in {} (partition {}). Check which keys are used, and the region: keys of another partition, such as China or GovCloud, are known in its regions only.",
            self.region,
            partition_of_region(&self.region)
        )
    }
}

/// The STS client of one fetch.
pub struct Sts<'a> {
    pub(super) http: &'a Http,
    pub(super) endpoint: &'a Endpoint,
    limits: RetryLimits,
    /// The variable that names the proxy of its requests, and its address; set once a client is made.
    proxy: OnceLock<Option<(&'static str, String)>>,
}

/// An MFA device and the code it shows.
#[derive(Clone, Debug)]
pub struct Mfa<'a> {
    pub serial_number: &'a str,
    pub code: &'a Secret,
}

impl<'a> Sts<'a> {
    #[must_use]
    pub fn new(http: &'a Http, endpoint: &'a Endpoint, limits: RetryLimits) -> Self {
        Self {
            http,
            endpoint,
            limits,
            proxy: OnceLock::new(),
        }
    }

    /// The failure of `call`, which was about `subject` (a role ARN, or nothing).
    pub(super) fn failure<E>(
        &self,
        call: &str,
        subject: &str,
        error: &SdkError<E, HttpResponse>,
    ) -> Failure
    where
        E: std::error::Error + ProvideErrorMetadata + Send + Sync + 'static,
    {
        let proxy = self.proxy.get().and_then(Option::as_ref);
        let route = (self.endpoint, proxy);
        explain(call, subject, route, self.http.secrets(), error)
    }

    /// A client that signs with `keys`. With an MFA code it sends one request: STS refuses a code it has seen.
    pub(super) async fn signing_client(
        &self,
        keys: &Credentials,
        mfa: Option<&Mfa<'_>>,
    ) -> Result<Client, Failure> {
        self.build(Some(keys), mfa.map(|_| 1)).await
    }

    /// A client that signs with `keys`, or does not sign. Made for one call: its time begins now.
    pub(super) async fn client(&self, keys: Option<&Credentials>) -> Result<Client, Failure> {
        self.build(keys, None).await
    }

    async fn build(
        &self,
        keys: Option<&Credentials>,
        attempts: Option<u32>,
    ) -> Result<Client, Failure> {
        let url = self.endpoint.url.as_ref().map(Secret::expose);
        let mut config = aws_sdk_sts::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .interceptor(SdkEnvironment::of(self.http)?)
            .region(Region::new(self.endpoint.region.clone()))
            .http_client(self.http_client().await?)
            .sleep_impl(http::sleep())
            .retry_config(self.retry_config(attempts))
            .retry_classifier(self.retries())
            .retry_partition(retry_partition())
            .timeout_config(self.timeouts())
            // The client is made for one call with keys at hand, and the SDK's own cache adds up the pauses of all attempts
            // beforehand.
            .identity_cache(IdentityCache::no_cache());
        // The SDK 1.124.0 would sign for a host with user and password in it, and sends neither.
        config.set_endpoint_url(url.map(http::without_userinfo));
        config.set_use_fips(self.endpoint.use_fips);
        config.set_use_dual_stack(self.endpoint.use_dualstack);
        if let Some(keys) = keys {
            config = config.credentials_provider(signing_keys(keys));
        }
        Ok(Client::from_conf(config.build()))
    }

    /// `attempts`: the most requests of this call; `None`: as many as the limits allow.
    pub(super) fn retry_config(&self, attempts: Option<u32>) -> RetryConfig {
        let attempts = attempts.or(self.limits.attempts).unwrap_or(u32::MAX);
        RetryConfig::standard().with_max_attempts(attempts)
    }

    /// The pauses of one call, whose time begins now.
    pub(super) fn retries(&self) -> Retries {
        Retries::new(self.limits.time)
    }

    pub(super) fn timeouts(&self) -> TimeoutConfig {
        let (connect, read) = self.http.timeouts();
        TimeoutConfig::builder()
            .connect_timeout(connect)
            .read_timeout(read)
            .build()
    }

    /// The region's own address is looked up only where it decides whether a proxy is asked.
    pub(super) async fn http_client(&self) -> Result<SharedHttpClient, Failure> {
        let address = match &self.endpoint.url {
            Some(url) => Some(url.clone()),
            None if self.http.proxy_exceptions().is_some() => Some(self.endpoint.address().await?),
            None => None,
        };
        let address = address.as_ref().map(Secret::expose);
        let proxy = self.http.proxy_of(address)?;
        let _ = self.proxy.set(proxy);
        self.http.sdk_client(address)
    }
}

/// The SDK's default partition is a static mutex, which a forked child could inherit locked.
pub(super) fn retry_partition() -> RetryPartition {
    RetryPartition::custom("lex-identity-aws")
        .token_bucket(TokenBucket::unlimited())
        .build()
}

/// Without their expiration: STS decides by its own clock whether they are still good.
pub(crate) fn signing_keys(keys: &Credentials) -> SigningKeys {
    SigningKeys::new(
        &keys.access_key_id,
        keys.secret_access_key.expose(),
        keys.session_token
            .as_ref()
            .map(|token| token.expose().to_owned()),
        None,
        "lex-identity-aws",
    )
}

/// The credentials in the answer to `call`, which asked for this duration, with `details` of what it
/// says beside them.
pub(super) fn credentials(
    given: Option<aws_sdk_sts::types::Credentials>,
    call: &str,
    seconds: u32,
    details: BTreeMap<String, String>,
) -> Result<Credentials, Failure> {
    let Some(given) = given else {
        return Err(Failure::new(
            Kind::Service,
            format!("STS answered {call} without credentials."),
            "Whatever answers at the endpoint is not STS; check it.",
        ));
    };
    let expires_at = given.expiration().to_millis().ok();
    // Moved, so that no copy is left that is not wiped.
    let mut credentials = Credentials::new(
        given.access_key_id,
        given.secret_access_key,
        Some(given.session_token),
        call,
    );
    credentials.expires_at = expires_at;
    credentials.requested = Some(Millis::from(seconds) * 1_000);
    credentials.account_id = details
        .get("assumed_role_arn")
        .and_then(|arn| arn.split(':').nth(4))
        .map(str::to_owned);
    credentials.details = details;
    let names = [
        "AccessKeyId",
        "SecretAccessKey",
        "SessionToken",
        "account in AssumedRoleUser",
    ];
    match credentials.defect(names) {
        None => Ok(credentials),
        Some((name, what)) => Err(Failure::new(
            Kind::Service,
            format!("STS answered {call} with a value for {name} that {what}."),
            "Whatever answers at the endpoint is not STS; check it.",
        )),
    }
}

pub(super) fn add_detail(
    details: &mut BTreeMap<String, String>,
    name: &str,
    value: Option<impl ToString>,
) {
    if let Some(value) = value {
        details.insert(name.into(), value.to_string());
    }
}

/// What STS says of every assumed role beside its credentials.
pub(super) fn add_role_details(
    details: &mut BTreeMap<String, String>,
    packed_policy_size: Option<i32>,
    source_identity: Option<&str>,
    user: Option<&AssumedRoleUser>,
) {
    add_detail(details, "packed_policy_size", packed_policy_size);
    add_detail(details, "source_identity", source_identity);
    add_detail(details, "assumed_role_arn", user.map(AssumedRoleUser::arn));
    add_detail(
        details,
        "assumed_role_id",
        user.map(AssumedRoleUser::assumed_role_id),
    );
}

/// How large the session token is, where STS says it.
pub(super) fn add_token_details(
    details: &mut BTreeMap<String, String>,
    size: Option<i32>,
    utilization: Option<i32>,
) {
    add_detail(details, "session_token_size", size);
    add_detail(details, "session_token_utilization", utilization);
}

/// A number as the SDK takes it; it was checked before.
pub(super) fn number(value: Option<u32>) -> Option<i32> {
    value.and_then(|value| i32::try_from(value).ok())
}
