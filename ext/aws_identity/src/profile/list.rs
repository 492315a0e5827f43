//! The list of profiles: what each is, and what it needs.

use super::{
    files::{Files, Profile},
    kind::ProfileKind,
    profile_chain::{BaseProvider, ProfileChain},
    resolve::resolve,
};
use crate::{credentials::Millis, failure::Failure};

/// One profile, without anything secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProfileSummary {
    pub name: String,
    pub kind: ProfileKind,
    pub region: Option<String>,
    /// The roles to assume, in the order of the calls; its own is the last.
    pub role_arns: Vec<String>,
    /// As written, whether or not there is such a profile.
    pub source_profile: Option<String>,
    pub needs: Vec<Need>,
    /// False if it is known to fail before anything is sent.
    pub could_work: bool,
    /// Why it could not.
    pub reason: Option<String>,
    /// When the credentials of its role in the AWS CLI's cache expire.
    pub cached_until: Option<Millis>,
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

/// Every profile, sorted by name: what it is, and what it resolves to or why it does not. Whether it
/// could work is for `providers::profiles` to say; until then it could.
pub fn describe(
    files: &Files,
) -> impl Iterator<Item = (ProfileSummary, Result<ProfileChain, Failure>)> {
    files.profiles().iter().map(|(name, profile)| {
        let chain = resolve(files, name);
        (summary(name, profile, chain.as_ref().ok()), chain)
    })
}

fn summary(name: &str, profile: &Profile, chain: Option<&ProfileChain>) -> ProfileSummary {
    let text = |key| {
        profile
            .value(key)
            .map(|value| value.text.to_string())
            // A value that goes on over the next line may have a secret in it.
            .filter(|text| !text.is_empty() && !text.contains('\n'))
    };
    ProfileSummary {
        name: name.to_owned(),
        kind: profile.kind(),
        region: text("region"),
        role_arns: chain.map(role_arns).unwrap_or_default(),
        source_profile: text("source_profile"),
        needs: chain.map(needs).unwrap_or_default(),
        could_work: true,
        reason: None,
        cached_until: None,
    }
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

/// What the profile needs: for its own role first, for its base last.
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
