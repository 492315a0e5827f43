//! Which role is asked for, and which words go with it.

use super::{Chosen, Origin, chosen, layer::Layer};
use crate::{credentials::Secret, environment::Environment, failure::Failure, sts::limits};
use serde_json::{Map, Value};

/// What an option, a setting or `AWS_ROLE_ARN` says about a role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Role {
    /// Nobody asks for one.
    Unset,
    /// `role_arn: false`: none on top of the base, whatever the other layers say.
    Off,
    /// Each assumed from the one before.
    Chain(Vec<RoleRequest>),
}

impl Role {
    /// The MFA device of the first role, which then needs none.
    pub(super) fn take_serial_number(&mut self) -> Option<String> {
        match self {
            Self::Chain(chain) => chain.first_mut()?.options.serial_number.take(),
            _ => None,
        }
    }

    pub(super) fn report(&self) -> Value {
        match self {
            Self::Unset => Value::Null,
            Self::Off => Value::Bool(false),
            Self::Chain(chain) => chain
                .iter()
                .map(|role| role.role_arn.as_str())
                .collect::<Vec<_>>()
                .join(", ")
                .into(),
        }
    }
}

/// One role and everything STS lets us say with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleRequest {
    pub role_arn: String,
    pub options: AssumeRoleOptions,
}

/// The options that belong to a role.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AssumeRoleOptions {
    pub role_session_name: Option<String>,
    pub duration_seconds: Option<u32>,
    pub external_id: Option<String>,
    pub policy: Option<String>,
    pub policy_arns: Vec<String>,
    pub tags: Vec<(String, String)>,
    pub transitive_tag_keys: Vec<String>,
    pub source_identity: Option<String>,
    pub serial_number: Option<String>,
    /// Providers and what they assert, which is signed and for nobody else.
    pub provided_contexts: Vec<(String, Secret)>,
}

impl AssumeRoleOptions {
    fn read(layer: &Layer<'_>) -> Result<Self, Failure> {
        let options = Self {
            role_session_name: layer.text("role_session_name")?,
            // Which limit holds is known once it is known what it belongs to.
            duration_seconds: layer
                .whole_seconds("session_duration")?
                .map(|value| u32::try_from(value).unwrap_or(u32::MAX)),
            external_id: layer.text("external_id")?,
            policy: policy(layer)?,
            policy_arns: layer.texts("policy_arns")?,
            tags: layer.pairs("tags", ("key", "value"))?,
            transitive_tag_keys: layer.texts("transitive_tag_keys")?,
            source_identity: layer.text("source_identity")?,
            serial_number: layer.text("serial_number")?,
            provided_contexts: layer
                .pairs("provided_contexts", ("provider_arn", "context_assertion"))?
                .into_iter()
                .map(|(arn, assertion)| (arn, Secret::new(assertion)))
                .collect(),
        };
        Ok(options)
    }

    /// Every limit STS has for these words.
    pub(super) fn check(&self, for_session_token: bool) -> Result<(), Failure> {
        if let Some(seconds) = self.duration_seconds {
            let range = if for_session_token {
                limits::SESSION_TOKEN_SECONDS
            } else {
                limits::ROLE_SECONDS
            };
            limits::seconds("session_duration", seconds.into(), range)?;
        }
        if let Some(name) = &self.role_session_name {
            limits::session_name("role_session_name", name)?;
        }
        if let Some(id) = &self.external_id {
            limits::external_id(id)?;
        }
        if let Some(policy) = &self.policy {
            limits::policy(policy)?;
        }
        limits::policy_arns(&self.policy_arns)?;
        limits::tags(&self.tags)?;
        limits::transitive_tag_keys(&self.transitive_tag_keys)?;
        if let Some(identity) = &self.source_identity {
            limits::session_name("source_identity", identity)?;
        }
        if let Some(serial) = &self.serial_number {
            limits::serial_number("serial_number", serial)?;
        }
        limits::provided_contexts(&self.provided_contexts)
    }

    /// True where a session that was asked for with `said` is all these words want. Its name and its
    /// life are no reason to have a role assume itself, nor is what only opens the role's door.
    #[must_use]
    pub fn is_satisfied_by(&self, requested: &Self) -> bool {
        self.policy == requested.policy
            && self.policy_arns == requested.policy_arns
            && self.tags == requested.tags
            && self.transitive_tag_keys == requested.transitive_tag_keys
            && self.source_identity == requested.source_identity
            && self.provided_contexts == requested.provided_contexts
    }

    /// These words, and those of `below` where these say nothing.
    #[must_use]
    pub fn over(&self, below: &Self) -> Self {
        fn list<T: Clone>(above: &[T], below: &[T]) -> Vec<T> {
            if above.is_empty() { below } else { above }.to_vec()
        }
        fn one<T: Clone>(above: Option<&T>, below: Option<&T>) -> Option<T> {
            above.or(below).cloned()
        }
        Self {
            role_session_name: one(
                self.role_session_name.as_ref(),
                below.role_session_name.as_ref(),
            ),
            duration_seconds: one(
                self.duration_seconds.as_ref(),
                below.duration_seconds.as_ref(),
            ),
            external_id: one(self.external_id.as_ref(), below.external_id.as_ref()),
            policy: one(self.policy.as_ref(), below.policy.as_ref()),
            policy_arns: list(&self.policy_arns, &below.policy_arns),
            tags: list(&self.tags, &below.tags),
            transitive_tag_keys: list(&self.transitive_tag_keys, &below.transitive_tag_keys),
            source_identity: one(
                self.source_identity.as_ref(),
                below.source_identity.as_ref(),
            ),
            serial_number: one(self.serial_number.as_ref(), below.serial_number.as_ref()),
            provided_contexts: list(&self.provided_contexts, &below.provided_contexts),
        }
    }
}

/// The role in force and the words that belong to no role of their layer.
///
/// `for_web_identity`: an option or setting names a token, so that `AWS_ROLE_ARN` may be its role.
pub(super) fn choose(
    stack: &[Layer<'_>],
    environment: &Environment,
    for_web_identity: bool,
) -> Result<(Chosen<Role>, AssumeRoleOptions), Failure> {
    let mut role = None;
    let mut unscoped = AssumeRoleOptions::default();
    for layer in stack {
        let options = AssumeRoleOptions::read(layer)?;
        match named(layer)? {
            None => unscoped = unscoped.over(&options),
            Some(named) if role.is_none() => {
                role = Some(chosen(with_words(named, &options)?, layer.origin));
            }
            Some(_) => {} // a role further down: its words belong to it, and it is not used
        }
    }
    let role = match role {
        Some(role) => role,
        None => from_environment(environment, for_web_identity)?,
    };
    Ok((role, unscoped))
}

/// `AWS_ROLE_ARN`, which while `AWS_WEB_IDENTITY_TOKEN_FILE` is set belongs to the web identity.
fn from_environment(
    environment: &Environment,
    for_web_identity: bool,
) -> Result<Chosen<Role>, Failure> {
    let taken = environment.get("AWS_WEB_IDENTITY_TOKEN_FILE").is_some() && !for_web_identity;
    let Some(role_arn) = environment.get("AWS_ROLE_ARN").filter(|_| !taken) else {
        return Ok(chosen(Role::Unset, Origin::Default));
    };
    limits::role_arn("AWS_ROLE_ARN", role_arn.trim())?;
    let options = AssumeRoleOptions {
        role_session_name: environment
            .get("AWS_ROLE_SESSION_NAME")
            .map(|name| name.trim().to_owned()),
        ..AssumeRoleOptions::default()
    };
    if let Some(name) = &options.role_session_name {
        limits::session_name("AWS_ROLE_SESSION_NAME", name)?;
    }
    let chain = vec![RoleRequest {
        role_arn: role_arn.trim().to_owned(),
        options,
    }];
    Ok(chosen(
        Role::Chain(chain),
        Origin::Environment("AWS_ROLE_ARN"),
    ))
}

/// What `role_arn` of this layer says, without the words beside it.
fn named(layer: &Layer<'_>) -> Result<Option<Role>, Failure> {
    let single = |text: &str| -> Result<RoleRequest, Failure> {
        limits::role_arn(&layer.label("role_arn"), text.trim())?;
        Ok(RoleRequest {
            role_arn: text.trim().to_owned(),
            options: AssumeRoleOptions::default(),
        })
    };
    match layer.get("role_arn") {
        None => Ok(None),
        Some(Value::Bool(false)) => Ok(Some(Role::Off)),
        Some(Value::String(text)) => Ok(Some(Role::Chain(vec![single(text)?]))),
        Some(Value::Array(_)) if layer.origin == Origin::Settings => Err(Failure::configuration(
            "identity.aws.role_arn is a list. In settings a list is a fallback list for secrets; name one role there, \
             and give a chain of roles as an option.",
            "",
        )),
        Some(Value::Array(items)) if items.is_empty() => Err(Failure::configuration(
            "role_arn is an empty list. Name a role, or give false for none.",
            "",
        )),
        Some(value @ Value::Array(items)) => items
            .iter()
            .map(|item| match item {
                Value::String(text) => single(text),
                Value::Object(fields) => role_step(fields),
                _ => Err(layer.wrong(
                    "role_arn",
                    value,
                    "a string, false, or a list of strings and Hashes",
                )),
            })
            .collect::<Result<_, _>>()
            .map(|chain| Some(Role::Chain(chain))),
        Some(other) => Err(layer.wrong(
            "role_arn",
            other,
            "a string, false, or a list of strings and Hashes",
        )),
    }
}

/// The options one hop of a chain may have for itself.
const HOP_WORDS: [&str; 10] = [
    "role_arn",
    "role_session_name",
    "session_duration",
    "external_id",
    "policy",
    "policy_arns",
    "tags",
    "transitive_tag_keys",
    "source_identity",
    "provided_contexts",
];

fn role_step(fields: &Map<String, Value>) -> Result<RoleRequest, Failure> {
    if let Some(stranger) = fields
        .keys()
        .find(|name| !HOP_WORDS.contains(&name.as_str()))
    {
        return Err(Failure::configuration(
            format!(
                "A role of the list in role_arn has the option {stranger:?}, which a single role cannot have. It takes {}.",
                HOP_WORDS.join(", ")
            ),
            "",
        ));
    }
    let layer = Layer {
        origin: Origin::Option,
        values: fields,
    };
    let Some(role_arn) = layer.text("role_arn")? else {
        return Err(Failure::configuration(
            "A role of the list in role_arn has no role_arn.",
            "",
        ));
    };
    limits::role_arn("role_arn", &role_arn)?;
    let options = AssumeRoleOptions::read(&layer)?;
    options.check(false)?;
    Ok(RoleRequest { role_arn, options })
}

/// Plain options apply to the last role, MFA to the first: that is the one the user's own keys assume.
fn with_words(role: Role, options: &AssumeRoleOptions) -> Result<Role, Failure> {
    let Role::Chain(mut chain) = role else {
        return Ok(role);
    };
    options.check(false)?;
    let mut options = options.clone();
    let serial_number = options.serial_number.take();
    if let Some(last) = chain.last_mut() {
        last.options = options.over(&last.options);
    }
    if let Some(first) = chain.first_mut() {
        first.options.serial_number = serial_number;
    }
    Ok(Role::Chain(chain))
}

/// The inline policy: text as it is, or a Hash to be written as JSON.
fn policy(layer: &Layer<'_>) -> Result<Option<String>, Failure> {
    match layer.get("policy") {
        Some(value @ Value::Object(_)) => Ok(Some(value.to_string())),
        Some(Value::String(text)) if serde_json::from_str::<Map<String, Value>>(text).is_err() => {
            Err(Failure::configuration(
                "policy is not a JSON object. Give an IAM policy as a Hash or as JSON text.",
                "",
            ))
        }
        _ => layer.text("policy"),
    }
}
