//! Every profile at a glance: what it is, what it needs, whether it could work.

use super::{
    files::{Files, Profile},
    kind::ProfileKind,
    profile_chain::{BaseProvider, ProfileChain},
    resolve::resolve,
    sso_login,
};
use crate::{
    credentials::Millis, environment::Environment, providers::process, providers::token_file,
};
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
    let reason = match resolve(files, name) {
        Err(failure) => Some(failure.message()),
        Ok(profile_chain) => {
            summary.role_arns = role_arns(&profile_chain);
            summary.needs = needs(&profile_chain);
            obstacle(&profile_chain, environment, now)
        }
    };
    summary.could_work = reason.is_none();
    summary.reason = reason;
    summary
}

fn role_arns(profile_chain: &ProfileChain) -> Vec<String> {
    let base = match &profile_chain.base {
        BaseProvider::WebIdentity { role_arn, .. } => Some(role_arn),
        _ => None,
    };
    base.into_iter()
        .chain(
            profile_chain
                .role_steps
                .iter()
                .map(|role_step| &role_step.role_arn),
        )
        .cloned()
        .collect()
}

/// In the order they are met: the own role's first, the base's last.
fn needs(profile_chain: &ProfileChain) -> Vec<Need> {
    let mut needs = Vec::new();
    for (index, role_step) in profile_chain.role_steps.iter().enumerate().rev() {
        needs.extend(role_step.mfa_serial.clone().map(Need::Mfa));
        let before = index
            .checked_sub(1)
            .and_then(|index| profile_chain.role_steps.get(index));
        let source = before.map_or(&profile_chain.base_profile, |role_step| &role_step.profile);
        if *source != role_step.profile {
            needs.push(Need::SourceProfile(source.clone()));
        }
    }
    needs.extend(match &profile_chain.base {
        BaseProvider::Keys(_) | BaseProvider::None => None,
        BaseProvider::Environment => Some(Need::Environment),
        BaseProvider::Container => Some(Need::Container),
        BaseProvider::Imds => Some(Need::Imds),
        BaseProvider::Process { .. } => Some(Need::Program),
        BaseProvider::WebIdentity { token_file, .. } => Some(Need::TokenFile(token_file.clone())),
        BaseProvider::Sso { start_url, .. } => Some(Need::SsoLogin(start_url.clone())),
        BaseProvider::Login { session } => Some(Need::Login(session.clone())),
    });
    needs
}

/// Why this plan is known to fail, seen from here.
pub(crate) fn obstacle(
    profile_chain: &ProfileChain,
    environment: &Environment,
    now: Millis,
) -> Option<String> {
    let set = |name: &str| environment.get(name).is_some_and(|value| !value.is_empty());
    match &profile_chain.base {
        BaseProvider::None => {
            Some("It has no credentials: no keys, role, token file, SSO, login or process.".into())
        }
        BaseProvider::Environment if !(set("AWS_ACCESS_KEY_ID") && set("AWS_SECRET_ACCESS_KEY")) => {
            Some("AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not both set.".into())
        }
        BaseProvider::Container
            if !(set("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI")
                || set("AWS_CONTAINER_CREDENTIALS_FULL_URI")) =>
        {
            Some("Neither AWS_CONTAINER_CREDENTIALS_RELATIVE_URI nor AWS_CONTAINER_CREDENTIALS_FULL_URI is set.".into())
        }
        BaseProvider::Imds
            if environment
                .get("AWS_EC2_METADATA_DISABLED")
                .is_some_and(|value| value.eq_ignore_ascii_case("true")) =>
        {
            Some("AWS_EC2_METADATA_DISABLED is true.".into())
        }
        BaseProvider::Process { command, .. } => process::look_up(command.expose(), environment)
            .err()
            .map(|failure| failure.message()),
        BaseProvider::WebIdentity { token_file, .. } => token_file::read(Path::new(token_file)).err(),
        BaseProvider::Sso { session, start_url, .. } => sso_login::obstacle(
            environment,
            &profile_chain.base_profile,
            session.as_deref(),
            start_url,
            now,
        ),
        BaseProvider::Keys(_) | BaseProvider::Environment | BaseProvider::Container | BaseProvider::Imds | BaseProvider::Login { .. } => None,
    }
}
