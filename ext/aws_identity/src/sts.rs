//! The four STS calls, each sent once with everything it needs, and their failures in our words.

mod errors;
pub mod limits;

use crate::{
    config::AssumeRoleOptions,
    credentials::{Credentials, Secret},
    failure::Failure,
    http::{self, Http},
    principal::Principal,
};
use aws_sdk_sts::{
    Client,
    config::{
        BehaviorVersion, Credentials as SigningKeys, Region,
        endpoint::{DefaultResolver, Params, ResolveEndpoint},
        retry::{RetryConfig, RetryPartition},
        timeout::TimeoutConfig,
    },
    types::{AssumedRoleUser, PolicyDescriptorType, ProvidedContext, Tag},
};
use errors::explain;
use std::{collections::BTreeMap, time::Duration};

/// No call takes longer, however generous the deadline is: STS answers in milliseconds.
const CALL: Duration = Duration::from_secs(3);
/// One repetition, for the connection that breaks once in a while.
const TRIES: u32 = 2;

/// Which STS is asked, and from where.
#[derive(Clone, Debug)]
pub struct Endpoint {
    pub region: String,
    /// Instead of the region's own. May hold a user and a password.
    pub url: Option<Secret>,
    pub use_fips: Option<bool>,
    pub use_dualstack: Option<bool>,
}

impl Endpoint {
    /// Where requests go, by the SDK's own rules. A configured URL may have a password in it.
    pub async fn address(&self) -> Result<Secret, Failure> {
        let params = Params::builder()
            .region(self.region.as_str())
            .set_endpoint(self.url.as_ref().map(|url| url.expose().to_owned()))
            .set_use_fips(self.use_fips)
            .set_use_dual_stack(self.use_dualstack)
            .build()
            .map_err(|error| self.unknown(&error))?;
        let resolver = DefaultResolver::new();
        let found = resolver.resolve_endpoint(&params).await;
        found
            .map(|endpoint| Secret::new(endpoint.url()))
            .map_err(|error| self.unknown(error.as_ref()))
    }

    fn unknown(&self, error: &dyn std::error::Error) -> Failure {
        Failure::configuration(
            format!(
                "There is no STS endpoint for region {} with these settings ({error}). Check region, AWS_USE_FIPS_ENDPOINT and AWS_USE_DUALSTACK_ENDPOINT.",
                self.region
            ),
            "",
        )
    }
}

/// One STS, for one flight.
pub struct Sts<'a> {
    http: &'a Http,
    endpoint: &'a Endpoint,
}

/// A web identity and what goes with it.
pub struct WebIdentity<'a> {
    pub role_arn: &'a str,
    pub token: &'a Secret,
    pub provider_id: Option<&'a str>,
}

/// An MFA device and the code it shows.
#[derive(Clone, Debug)]
pub struct Mfa<'a> {
    pub serial_number: &'a str,
    pub code: &'a Secret,
}

impl<'a> Sts<'a> {
    #[must_use]
    pub fn new(http: &'a Http, endpoint: &'a Endpoint) -> Self {
        Self { http, endpoint }
    }

    /// Who these credentials are.
    pub async fn caller_identity(&self, keys: &Credentials) -> Result<Principal, Failure> {
        let client = self.client(Some(keys), TRIES)?;
        let reply = client
            .get_caller_identity()
            .send()
            .await
            .map_err(|error| explain("GetCallerIdentity", "", self.endpoint, &error))?;
        let arn = reply.arn().unwrap_or_default();
        Principal::parse(arn, reply.account(), reply.user_id().unwrap_or_default())
    }

    /// Assumes `role_arn` with the credentials of `keys`.
    pub async fn assume_role(
        &self,
        keys: &Credentials,
        role_arn: &str,
        options: &AssumeRoleOptions,
        session_name: &str,
        mfa: Option<&Mfa<'_>>,
    ) -> Result<Credentials, Failure> {
        // A code is good for one use: asked again it would be refused.
        let client = self.client(Some(keys), if mfa.is_some() { 1 } else { TRIES })?;
        let reply = client
            .assume_role()
            .role_arn(role_arn)
            .role_session_name(session_name)
            .set_duration_seconds(seconds(options.duration_seconds))
            .set_external_id(options.external_id.clone())
            .set_policy(options.policy.clone())
            .set_policy_arns(policy_arns(options))
            .set_tags(tags(options)?)
            .set_transitive_tag_keys(list(&options.transitive_tag_keys))
            .set_source_identity(options.source_identity.clone())
            .set_provided_contexts(provided_contexts(options))
            .set_serial_number(mfa.map(|mfa| mfa.serial_number.to_owned()))
            .set_token_code(mfa.map(|mfa| mfa.code.expose().to_owned()))
            .send()
            .await
            .map_err(|error| explain("AssumeRole", role_arn, self.endpoint, &error))?;
        let mut details = BTreeMap::new();
        #[expect(deprecated, reason = "its successor is not yet answered everywhere")]
        let policy_size = reply.packed_policy_size();
        note_role(
            &mut details,
            policy_size,
            reply.source_identity(),
            reply.assumed_role_user(),
        );
        set(reply.credentials(), "AssumeRole", details)
    }

    /// Trades a token of an OpenID Connect or OAuth 2.0 provider for credentials. Not signed.
    pub async fn assume_role_with_web_identity(
        &self,
        identity: &WebIdentity<'_>,
        options: &AssumeRoleOptions,
        session_name: &str,
    ) -> Result<Credentials, Failure> {
        let client = self.client(None, TRIES)?;
        let reply = client
            .assume_role_with_web_identity()
            .role_arn(identity.role_arn)
            .role_session_name(session_name)
            .web_identity_token(identity.token.expose())
            .set_provider_id(identity.provider_id.map(str::to_owned))
            .set_duration_seconds(seconds(options.duration_seconds))
            .set_policy(options.policy.clone())
            .set_policy_arns(policy_arns(options))
            .send()
            .await
            .map_err(|error| {
                explain(
                    "AssumeRoleWithWebIdentity",
                    identity.role_arn,
                    self.endpoint,
                    &error,
                )
            })?;
        let mut details = BTreeMap::new();
        note(
            &mut details,
            "subject",
            reply.subject_from_web_identity_token(),
        );
        note(&mut details, "audience", reply.audience());
        note(&mut details, "provider", reply.provider());
        #[expect(deprecated, reason = "its successor is not yet answered everywhere")]
        let policy_size = reply.packed_policy_size();
        note_role(
            &mut details,
            policy_size,
            reply.source_identity(),
            reply.assumed_role_user(),
        );
        set(reply.credentials(), "AssumeRoleWithWebIdentity", details)
    }

    /// Trades long-lived keys of a user for temporary ones, with MFA or without.
    pub async fn session_token(
        &self,
        keys: &Credentials,
        duration_seconds: Option<u32>,
        mfa: Option<&Mfa<'_>>,
    ) -> Result<Credentials, Failure> {
        let client = self.client(Some(keys), if mfa.is_some() { 1 } else { TRIES })?;
        let reply = client
            .get_session_token()
            .set_duration_seconds(seconds(duration_seconds))
            .set_serial_number(mfa.map(|mfa| mfa.serial_number.to_owned()))
            .set_token_code(mfa.map(|mfa| mfa.code.expose().to_owned()))
            .send()
            .await
            .map_err(|error| explain("GetSessionToken", "", self.endpoint, &error))?;
        set(reply.credentials(), "GetSessionToken", BTreeMap::new())
    }

    fn client(&self, keys: Option<&Credentials>, tries: u32) -> Result<Client, Failure> {
        let url = self.endpoint.url.as_ref().map(Secret::expose);
        let (connect, read) = self.http.timeouts();
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(connect)
            .read_timeout(read)
            .operation_timeout(CALL.max(connect).max(read))
            .build();
        let mut config = aws_sdk_sts::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(self.endpoint.region.clone()))
            .http_client(self.http.sdk_client(url)?)
            .sleep_impl(http::sleep())
            .retry_config(
                RetryConfig::standard()
                    .with_max_attempts(tries)
                    .with_initial_backoff(Duration::from_millis(100)),
            )
            // The default partition is a static mutex, which a forked child could inherit locked.
            .retry_partition(RetryPartition::custom("lex-identity-aws").build())
            .timeout_config(timeouts);
        config.set_endpoint_url(url.map(str::to_owned));
        config.set_use_fips(self.endpoint.use_fips);
        config.set_use_dual_stack(self.endpoint.use_dualstack);
        if let Some(keys) = keys {
            config = config.credentials_provider(signing_keys(keys));
        }
        Ok(Client::from_conf(config.build()))
    }
}

/// Without their expiry: whether they are still good is for STS to say, by its own clock.
fn signing_keys(keys: &Credentials) -> SigningKeys {
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

fn set(
    given: Option<&aws_sdk_sts::types::Credentials>,
    call: &str,
    details: BTreeMap<String, String>,
) -> Result<Credentials, Failure> {
    let Some(given) = given else {
        return Err(Failure::new(
            crate::failure::Kind::Service,
            format!(
                "STS answered {call} without credentials. Whatever answers at the endpoint is not STS; check it."
            ),
            "",
        ));
    };
    let expires_at = given.expiration().to_millis().ok();
    let mut credentials = Credentials::new(
        given.access_key_id(),
        given.secret_access_key(),
        Some(given.session_token().to_owned()),
        call,
    );
    credentials.expires_at = expires_at;
    credentials.account_id = details
        .get("assumed_role_arn")
        .and_then(|arn| arn.split(':').nth(4))
        .map(str::to_owned);
    credentials.details = details;
    Ok(credentials)
}

fn note(details: &mut BTreeMap<String, String>, name: &str, value: Option<impl ToString>) {
    if let Some(value) = value {
        details.insert(name.into(), value.to_string());
    }
}

/// What every assumed role says beside its credentials.
fn note_role(
    details: &mut BTreeMap<String, String>,
    packed_policy_size: Option<i32>,
    source_identity: Option<&str>,
    user: Option<&AssumedRoleUser>,
) {
    note(details, "packed_policy_size", packed_policy_size);
    note(details, "source_identity", source_identity);
    note(details, "assumed_role_arn", user.map(AssumedRoleUser::arn));
    note(
        details,
        "assumed_role_id",
        user.map(AssumedRoleUser::assumed_role_id),
    );
}

fn seconds(duration: Option<u32>) -> Option<i32> {
    duration.and_then(|seconds| i32::try_from(seconds).ok())
}

fn list<T: Clone>(items: &[T]) -> Option<Vec<T>> {
    (!items.is_empty()).then(|| items.to_vec())
}

fn policy_arns(options: &AssumeRoleOptions) -> Option<Vec<PolicyDescriptorType>> {
    list(&options.policy_arns).map(|arns| {
        arns.into_iter()
            .map(|arn| PolicyDescriptorType::builder().arn(arn).build())
            .collect()
    })
}

fn tags(options: &AssumeRoleOptions) -> Result<Option<Vec<Tag>>, Failure> {
    let Some(tags) = list(&options.tags) else {
        return Ok(None);
    };
    tags.into_iter()
        .map(|(key, value)| Tag::builder().key(key).value(value).build())
        .collect::<Result<_, _>>()
        .map(Some)
        .map_err(|error| Failure::internal(format!("A session tag cannot be built: {error}"), ""))
}

fn provided_contexts(options: &AssumeRoleOptions) -> Option<Vec<ProvidedContext>> {
    list(&options.provided_contexts).map(|contexts| {
        contexts
            .into_iter()
            .map(|(arn, assertion)| {
                ProvidedContext::builder()
                    .provider_arn(arn)
                    .context_assertion(assertion.expose())
                    .build()
            })
            .collect()
    })
}
