//! Options of a role that nothing takes: an error, or a warning, and never dropped in silence.
//!
//! A policy without a role would hand out the base credentials in full, which is more power than was
//! asked for.

use super::{Base, Settings};
use crate::{
    failure::{Failure, Warning},
    layer::Origin,
    sts::AssumeRoleOptions,
};
use serde_json::Value;

/// What a fetch does with the role options that stand beside no `role_arn`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taker {
    /// A role is assumed with them.
    Role,
    /// A web identity token is exchanged with those that STS has for it.
    WebIdentity,
    /// The base credentials are used as they are.
    Nothing,
}

/// A setting that limits the session; without it the session could do more.
const LIMITS: [&str; 2] = ["policy", "policy_arns"];
/// What `GetSessionToken` takes.
const OF_SESSION_TOKEN: [&str; 3] = [
    "session_duration",
    "serial_number",
    "minimum_session_token_size",
];

impl Settings {
    /// What takes the options, as far as it is known before a fetch: a profile may have a role.
    #[must_use]
    pub fn taker(&self) -> Option<Taker> {
        if self.role_on_top().is_some() {
            return Some(Taker::Role);
        }
        match self.base.as_ref().map(|base| &base.value) {
            Some(Base::WebIdentity(_)) => Some(Taker::WebIdentity),
            Some(Base::Supplied | Base::Keys(_) | Base::Source(_) | Base::Process(_)) => {
                Some(Taker::Nothing)
            }
            None if self.environment.get("AWS_ACCESS_KEY_ID").is_some() => Some(Taker::Nothing),
            Some(Base::Profile(_)) | None => None,
        }
    }

    /// Refuses an option that nothing takes, and a setting that would have limited the session. Returns
    /// a warning for each other setting, unless `roles` may use it.
    pub fn check_taken(&self, taker: Taker) -> Result<Vec<Warning>, Failure> {
        let mut warnings = Vec::new();
        for layer in &self.unscoped_by_layer {
            for name in given(&layer.value) {
                if self.takes(taker, name) {
                    continue;
                }
                let is_option = layer.origin == Origin::Option;
                if is_option || LIMITS.contains(&name) {
                    let mut failure = unused(&layer.origin.name(name), taker);
                    if !is_option && self.names_roles() {
                        failure.remedy = "Write it into the roles it is for, or give role_arn: the process's own credentials would not be limited by it.".into();
                    }
                    return Err(failure);
                }
                if !self.names_roles() {
                    let Failure { cause, remedy, .. } = unused(&layer.origin.name(name), taker);
                    warnings.push(Warning { cause, remedy });
                }
            }
        }
        Ok(warnings)
    }

    fn takes(&self, taker: Taker, name: &str) -> bool {
        let by_session_token = self.get_session_token.value && OF_SESSION_TOKEN.contains(&name);
        by_session_token
            || match taker {
                Taker::Role => true,
                Taker::Nothing => false,
                Taker::WebIdentity => !AssumeRoleOptions::NOT_FOR_WEB_IDENTITY.contains(&name),
            }
    }

    fn names_roles(&self) -> bool {
        let roles = self.roles.as_ref().map(|roles| &roles.value);
        matches!(roles, Some(Value::String(names)) if !names.is_empty())
    }
}

/// The names of the options that are given.
fn given(options: &AssumeRoleOptions) -> impl Iterator<Item = &'static str> {
    let all = options.report().into_iter();
    all.filter_map(|(name, value)| (!value.is_null()).then_some(name))
}

fn unused(label: &str, taker: Taker) -> Failure {
    if taker == Taker::WebIdentity {
        return Failure::configuration(
            format!(
                "{label} is given, and a web identity has none: STS takes it with AssumeRole only."
            ),
            "Remove it, or put a role_arn on top.",
        );
    }
    let remedy = if label.ends_with("policy") {
        "Give the role_arn it is for. To limit a session without a role: session.scoped(policy: …), which is scope_policy in identity.aws.roles."
    } else {
        "Give the role_arn it is for, or remove it."
    };
    Failure::configuration(
        format!("{label} is given, and there is no call of STS here that takes it."),
        remedy,
    )
}
