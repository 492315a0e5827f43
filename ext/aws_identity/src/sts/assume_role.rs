//! `AssumeRole`: all its options.
//!
//! A new option is a field here, a row in `config/options.rs` and a line in the docs. Every function in
//! which a forgotten field would be lost in silence destructures the struct without `..`, so that it does
//! not compile: merged away, or left out of the cache key, an option would change the identity of a process.

mod call;

use super::limits;
use crate::{credentials::Secret, failure::Failure, layer::Layer};
use serde_json::{Value, json};

/// One role, and the options it is assumed with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleRequest {
    pub role_arn: String,
    pub options: AssumeRoleOptions,
}

/// What a caller may say when a role is assumed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AssumeRoleOptions {
    pub role_session_name: Option<String>,
    pub duration_seconds: Option<u32>,
    /// The least size of the session token, in bytes.
    pub minimum_session_token_size: Option<u32>,
    pub external_id: Option<Secret>,
    pub policy: Option<String>,
    pub policy_arns: Vec<String>,
    pub tags: Vec<(String, String)>,
    pub transitive_tag_keys: Vec<String>,
    pub source_identity: Option<String>,
    pub serial_number: Option<String>,
    /// Providers and their signed assertions, which are secret.
    pub provided_contexts: Vec<(String, Secret)>,
}

/// What of the options tells one cache entry from another. Some of the values are secret.
pub struct CacheArguments {
    /// What the AWS CLI's file name is made of, under STS's names.
    pub named: Vec<(&'static str, Value)>,
    /// What shapes the session beside that, and the AWS CLI's name does not tell apart.
    pub session: Vec<(&'static str, Value)>,
}

impl AssumeRoleOptions {
    /// What `AssumeRoleWithWebIdentity` has no parameter for.
    pub(crate) const NOT_FOR_WEB_IDENTITY: [&str; 6] = [
        "external_id",
        "tags",
        "transitive_tag_keys",
        "source_identity",
        "serial_number",
        "provided_contexts",
    ];

    /// The options of `layer`, not yet checked.
    pub(crate) fn read(layer: &Layer<'_>) -> Result<Self, Failure> {
        let contexts = layer.pairs("provided_contexts", ("provider_arn", "context_assertion"))?;
        Ok(Self {
            role_session_name: layer.text("role_session_name")?,
            // Which limit holds depends on the call it goes with: see `check`.
            duration_seconds: layer
                .whole_seconds("session_duration")?
                .map(|value| u32::try_from(value).unwrap_or(u32::MAX)),
            minimum_session_token_size: layer
                .whole("minimum_session_token_size", "a whole number of bytes")?
                .map(|value| u32::try_from(value).unwrap_or(u32::MAX)),
            external_id: layer.text("external_id")?.map(Secret::new),
            policy: layer.json_object("policy", "an IAM policy")?,
            policy_arns: layer.texts_or("policy_arns", "arn")?,
            tags: layer.pairs("tags", ("key", "value"))?,
            transitive_tag_keys: layer.texts("transitive_tag_keys")?,
            source_identity: layer.text("source_identity")?,
            serial_number: layer.text("serial_number")?,
            provided_contexts: contexts
                .into_iter()
                .map(|(arn, assertion)| (arn, Secret::new(assertion)))
                .collect(),
        })
    }

    /// Refuses what STS would refuse. `for_session_token`: the duration is that of `GetSessionToken`.
    pub(crate) fn check(&self, for_session_token: bool) -> Result<(), Failure> {
        let Self {
            role_session_name,
            duration_seconds,
            minimum_session_token_size,
            external_id,
            policy,
            policy_arns,
            tags,
            transitive_tag_keys,
            source_identity,
            serial_number,
            provided_contexts,
        } = self;
        if let Some(seconds) = duration_seconds {
            let range = if for_session_token {
                limits::SESSION_TOKEN_SECONDS
            } else {
                limits::ROLE_SECONDS
            };
            limits::seconds("session_duration", u64::from(*seconds), range)?;
        }
        if let Some(size) = minimum_session_token_size {
            limits::minimum_session_token_size(*size)?;
        }
        if let Some(name) = role_session_name {
            limits::session_name("role_session_name", name)?;
        }
        if let Some(id) = external_id {
            limits::external_id(id.expose())?;
        }
        if let Some(policy) = policy {
            limits::policy(policy)?;
        }
        limits::policy_arns(policy_arns)?;
        limits::tags(tags)?;
        limits::transitive_tag_keys(transitive_tag_keys)?;
        if let Some(identity) = source_identity {
            limits::source_identity(identity)?;
        }
        if let Some(serial) = serial_number {
            limits::serial_number("serial_number", serial)?;
        }
        limits::provided_contexts(provided_contexts)
    }

    /// These options, and each that is not given here as `below` has it.
    #[must_use]
    pub fn with_fallback(&self, below: &Self) -> Self {
        fn list<T: Clone>(above: &[T], below: &[T]) -> Vec<T> {
            if above.is_empty() { below } else { above }.to_vec()
        }
        fn one<T: Clone>(above: Option<&T>, below: Option<&T>) -> Option<T> {
            above.or(below).cloned()
        }
        let Self {
            role_session_name,
            duration_seconds,
            minimum_session_token_size,
            external_id,
            policy,
            policy_arns,
            tags,
            transitive_tag_keys,
            source_identity,
            serial_number,
            provided_contexts,
        } = self;
        Self {
            role_session_name: one(role_session_name.as_ref(), below.role_session_name.as_ref()),
            duration_seconds: one(duration_seconds.as_ref(), below.duration_seconds.as_ref()),
            minimum_session_token_size: one(
                minimum_session_token_size.as_ref(),
                below.minimum_session_token_size.as_ref(),
            ),
            external_id: one(external_id.as_ref(), below.external_id.as_ref()),
            policy: one(policy.as_ref(), below.policy.as_ref()),
            policy_arns: list(policy_arns, &below.policy_arns),
            tags: list(tags, &below.tags),
            transitive_tag_keys: list(transitive_tag_keys, &below.transitive_tag_keys),
            source_identity: one(source_identity.as_ref(), below.source_identity.as_ref()),
            serial_number: one(serial_number.as_ref(), below.serial_number.as_ref()),
            provided_contexts: list(provided_contexts, &below.provided_contexts),
        }
    }

    /// True where a session that was opened with `requested` is what these options ask for, so that the
    /// role need not assume itself. The session's name, lifetime and token size, and what only admits the caller
    /// (external id, MFA), make no difference to what the session may do.
    #[must_use]
    pub fn is_satisfied_by(&self, requested: &Self) -> bool {
        let Self {
            role_session_name: _,
            duration_seconds: _,
            minimum_session_token_size: _,
            external_id: _,
            policy,
            policy_arns,
            tags,
            transitive_tag_keys,
            source_identity,
            serial_number: _,
            provided_contexts,
        } = self;
        *policy == requested.policy
            && *policy_arns == requested.policy_arns
            && *tags == requested.tags
            && *transitive_tag_keys == requested.transitive_tag_keys
            && *source_identity == requested.source_identity
            && *provided_contexts == requested.provided_contexts
    }

    /// The first option given that `AssumeRoleWithWebIdentity` has no parameter for, and without which
    /// the session would be another one. An external id is not among them: it admits the caller, and
    /// there the token does.
    #[must_use]
    pub fn unsupported_by_web_identity(&self) -> Option<&'static str> {
        let Self {
            role_session_name: _,
            duration_seconds: _,
            minimum_session_token_size: _,
            external_id: _,
            policy: _,
            policy_arns: _,
            tags,
            transitive_tag_keys,
            source_identity,
            serial_number,
            provided_contexts,
        } = self;
        let unsupported = [
            ("tags", !tags.is_empty()),
            ("transitive_tag_keys", !transitive_tag_keys.is_empty()),
            ("source_identity", source_identity.is_some()),
            ("serial_number", serial_number.is_some()),
            ("provided_contexts", !provided_contexts.is_empty()),
        ];
        unsupported
            .iter()
            .find_map(|(option, is_given)| is_given.then_some(*option))
    }

    /// What of these options must be equal for a cache entry to serve.
    #[must_use]
    pub fn cache_arguments(&self) -> CacheArguments {
        let Self {
            role_session_name,
            duration_seconds,
            minimum_session_token_size,
            external_id,
            policy,
            policy_arns,
            tags,
            transitive_tag_keys,
            source_identity,
            serial_number,
            provided_contexts,
        } = self;
        // botocore hashes the parsed policy, so that white space and the order of its keys do not count.
        let policy = policy
            .as_deref()
            .map(|policy| serde_json::from_str::<Value>(policy).unwrap_or_else(|_| json!(policy)));
        let tags = tags
            .iter()
            .map(|(key, value)| (key.as_str(), value.as_str()));
        let contexts = provided_contexts
            .iter()
            .map(|(arn, assertion)| (arn.as_str(), assertion.expose()));
        CacheArguments {
            named: vec![
                ("DurationSeconds", json!(duration_seconds)),
                (
                    "ExternalId",
                    json!(external_id.as_ref().map(Secret::expose)),
                ),
                ("Policy", json!(policy)),
                ("RoleSessionName", json!(role_session_name)),
                ("SerialNumber", json!(serial_number)),
            ],
            session: vec![
                ("MinimumSessionTokenSize", json!(minimum_session_token_size)),
                ("PolicyArns", json!(policy_arns)),
                ("ProvidedContexts", json!(contexts.collect::<Vec<_>>())),
                ("SourceIdentity", json!(source_identity)),
                ("Tags", json!(tags.collect::<Vec<_>>())),
                ("TransitiveTagKeys", json!(transitive_tag_keys)),
            ],
        }
    }

    /// Every option under its name, as a report may show it: null where it is not given, "set" in
    /// place of what is not to be shown.
    #[must_use]
    pub fn report(&self) -> Vec<(&'static str, Value)> {
        fn list(items: impl ExactSizeIterator<Item = String>) -> Value {
            if items.len() == 0 {
                return Value::Null;
            }
            items.collect::<Vec<_>>().join(", ").into()
        }
        let Self {
            role_session_name,
            duration_seconds,
            minimum_session_token_size,
            external_id,
            policy,
            policy_arns,
            tags,
            transitive_tag_keys,
            source_identity,
            serial_number,
            provided_contexts,
        } = self;
        vec![
            ("role_session_name", json!(role_session_name)),
            ("session_duration", json!(duration_seconds)),
            (
                "minimum_session_token_size",
                json!(minimum_session_token_size),
            ),
            ("external_id", json!(external_id.as_ref().map(|_| "set"))),
            ("policy", json!(policy)),
            ("policy_arns", list(policy_arns.iter().cloned())),
            (
                "tags",
                list(tags.iter().map(|(key, value)| format!("{key}={value}"))),
            ),
            (
                "transitive_tag_keys",
                list(transitive_tag_keys.iter().cloned()),
            ),
            ("source_identity", json!(source_identity)),
            ("serial_number", json!(serial_number)),
            (
                "provided_contexts",
                json!((!provided_contexts.is_empty()).then_some("set")),
            ),
        ]
    }

    /// The same for a finding of the doctor, which is about one role: what is not given is left out,
    /// but for what every role has.
    #[must_use]
    pub fn describe(&self) -> Vec<(&'static str, Value)> {
        self.report()
            .into_iter()
            .filter_map(|(name, value)| match name {
                "session_duration" => Some((
                    "duration_seconds",
                    json!(
                        self.duration_seconds
                            .unwrap_or(limits::DEFAULT_ROLE_SECONDS)
                    ),
                )),
                "external_id" => Some(("external_id_given", json!(!value.is_null()))),
                "role_session_name" | "serial_number" => Some((name, value)),
                _ => (!value.is_null()).then_some((name, value)),
            })
            .collect()
    }
}
