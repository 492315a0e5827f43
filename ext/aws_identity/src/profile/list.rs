//! Every profile at a glance: what it is, what it needs, whether it could work.

use super::{
    files::{Environment, Files, Profile},
    kind::ProfileKind,
    resolve::{Base, Plan, plan},
    sso_login,
};
use crate::{credentials::Millis, providers::process, providers::token_file};
use std::path::Path;

/// One profile, without anything secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProfileSummary {
    pub name: String,
    pub kind: ProfileKind,
    pub region: Option<String>,
    /// The roles it ends in, in the order they are assumed; its own is the last.
    pub role_arns: Vec<String>,
    /// As written, whether or not there is such a profile.
    pub source_profile: Option<String>,
    pub needs: Vec<Need>,
    /// False if it is known to fail before anything is sent.
    pub could_work: bool,
    /// Why it could not.
    pub reason: Option<String>,
}

/// Something outside the files that must be there for a profile to work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Need {
    /// Another profile, for the credentials of this one.
    SourceProfile(String),
    /// A code of the device with this serial number or ARN.
    Mfa(String),
    /// A file with a web identity token.
    TokenFile(String),
    /// `aws sso login` from time to time; the start URL.
    SsoLogin(String),
    /// `aws login` from time to time; the session.
    Login(String),
    /// The program of its `credential_process`.
    Program,
    /// `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY` in the environment.
    Environment,
    /// A container endpoint in the environment.
    Container,
    /// An EC2 instance with a role.
    Imds,
}

/// All profiles, sorted by name. Looks at files and the environment, never at the network, and runs
/// no program.
#[must_use]
pub fn list(files: &Files, environment: &Environment, now: Millis) -> Vec<ProfileSummary> {
    files
        .profiles()
        .iter()
        .map(|(name, profile)| summary(files, environment, now, name, profile))
        .collect()
}

fn summary(
    files: &Files,
    environment: &Environment,
    now: Millis,
    name: &str,
    profile: &Profile,
) -> ProfileSummary {
    let text = |key| {
        profile
            .value(key)
            .map(|value| value.text.to_string())
            // What goes on over the next line may have a secret in it.
            .filter(|text| !text.is_empty() && !text.contains('\n'))
    };
    let mut summary = ProfileSummary {
        name: name.to_owned(),
        kind: profile.kind(),
        region: text("region"),
        role_arns: Vec::new(),
        source_profile: text("source_profile"),
        needs: Vec::new(),
        could_work: true,
        reason: None,
    };
    let reason = match plan(files, name) {
        Err(failure) => Some(failure.message),
        Ok(plan) => {
            summary.role_arns = role_arns(&plan);
            summary.needs = needs(&plan);
            obstacle(&plan, environment, now)
        }
    };
    summary.could_work = reason.is_none();
    summary.reason = reason;
    summary
}

fn role_arns(plan: &Plan) -> Vec<String> {
    let base = match &plan.base {
        Base::WebIdentity { role_arn, .. } => Some(role_arn),
        _ => None,
    };
    base.into_iter()
        .chain(plan.hops.iter().map(|hop| &hop.role_arn))
        .cloned()
        .collect()
}

/// In the order they are met: the own role's first, the base's last.
fn needs(plan: &Plan) -> Vec<Need> {
    let mut needs = Vec::new();
    for (index, hop) in plan.hops.iter().enumerate().rev() {
        needs.extend(hop.mfa_serial.clone().map(Need::Mfa));
        let before = index.checked_sub(1).and_then(|index| plan.hops.get(index));
        let source = before.map_or(&plan.base_profile, |hop| &hop.profile);
        if *source != hop.profile {
            needs.push(Need::SourceProfile(source.clone()));
        }
    }
    needs.extend(match &plan.base {
        Base::Keys(_) | Base::None => None,
        Base::Environment => Some(Need::Environment),
        Base::Container => Some(Need::Container),
        Base::Imds => Some(Need::Imds),
        Base::Process { .. } => Some(Need::Program),
        Base::WebIdentity { token_file, .. } => Some(Need::TokenFile(token_file.clone())),
        Base::Sso { start_url, .. } => Some(Need::SsoLogin(start_url.clone())),
        Base::Login { session } => Some(Need::Login(session.clone())),
    });
    needs
}

/// Why this plan is known to fail, seen from here.
pub(crate) fn obstacle(plan: &Plan, environment: &Environment, now: Millis) -> Option<String> {
    let set = |name: &str| environment.get(name).is_some_and(|value| !value.is_empty());
    match &plan.base {
        Base::None => {
            Some("It has no credentials: no keys, role, token file, SSO, login or process.".into())
        }
        Base::Environment if !(set("AWS_ACCESS_KEY_ID") && set("AWS_SECRET_ACCESS_KEY")) => {
            Some("AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not both set.".into())
        }
        Base::Container
            if !(set("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI")
                || set("AWS_CONTAINER_CREDENTIALS_FULL_URI")) =>
        {
            Some("Neither AWS_CONTAINER_CREDENTIALS_RELATIVE_URI nor AWS_CONTAINER_CREDENTIALS_FULL_URI is set.".into())
        }
        Base::Imds
            if environment
                .get("AWS_EC2_METADATA_DISABLED")
                .is_some_and(|value| value.eq_ignore_ascii_case("true")) =>
        {
            Some("AWS_EC2_METADATA_DISABLED is true.".into())
        }
        Base::Process { command, .. } => process::look_up(command.expose(), environment)
            .err()
            .map(|failure| failure.message),
        Base::WebIdentity { token_file, .. } => token_file::read(Path::new(token_file)).err(),
        Base::Sso { session, start_url, .. } => sso_login::obstacle(
            environment,
            &plan.base_profile,
            session.as_deref(),
            start_url,
            now,
        ),
        Base::Keys(_) | Base::Environment | Base::Container | Base::Imds | Base::Login { .. } => None,
    }
}
