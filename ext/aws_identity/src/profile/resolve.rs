//! What one profile asks for, as data.

use super::{files::Files, reader::Scope};
use crate::{
    credentials::{Credentials, Secret},
    failure::Failure,
};
use std::collections::HashSet;

/// How the credentials of a profile come about, and what it sets beside them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProfileChain {
    /// The profile that was asked for.
    pub profile: String,
    /// False only for `default`, which need not exist; then everything below is empty.
    pub exists: bool,
    pub base: BaseProvider,
    /// The profile `base` is written in: the last of the `source_profile` chain.
    pub base_profile: String,
    /// The roles to assume on top of `base`, in the order of the calls: the profile's own is the last.
    pub role_steps: Vec<RoleStep>,
    pub region: Option<String>,
    /// Endpoints the profile sets. A failure here counts only if an endpoint is looked up at all:
    /// the variables `AWS_ENDPOINT_URL…` come first.
    pub endpoints: Result<Endpoints, Failure>,
    pub ignore_configured_endpoint_urls: Option<bool>,
    /// A file of trust roots that replaces all others.
    pub ca_bundle: Option<String>,
    pub use_fips_endpoint: Option<bool>,
    pub use_dualstack_endpoint: Option<bool>,
    pub ec2_metadata_service_endpoint: Option<Secret>,
    /// `IPv4` or `IPv6`, as written.
    pub ec2_metadata_service_endpoint_mode: Option<String>,
}

/// The credentials the first call is signed with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BaseProvider {
    /// Keys written in one of the files.
    Keys(Credentials),
    /// `credential_source = Environment`: the variables `AWS_ACCESS_KEY_ID` and so on.
    Environment,
    /// `credential_source = EcsContainer`.
    Container,
    /// `credential_source = Ec2InstanceMetadata`.
    Imds,
    /// `credential_process`: a command line, split without a shell. It may hold a secret.
    Process {
        command: Secret,
        /// `aws_account_id`, for when the program does not say.
        account_id: Option<String>,
    },
    /// `AssumeRoleWithWebIdentity` with the token in a file.
    WebIdentity {
        role_arn: String,
        token_file: String,
        role_session_name: Option<String>,
        duration_seconds: Option<u32>,
    },
    /// IAM Identity Center, by `sso_session` or (without one) by the older four keys.
    Sso {
        session: Option<String>,
        start_url: String,
        region: String,
        account_id: String,
        role_name: String,
    },
    /// `login_session`, written by `aws login`.
    Login { session: String },
    /// The profile has no credentials: nothing but, say, a region.
    None,
}

/// One `AssumeRole`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleStep {
    /// The profile it is written in.
    pub profile: String,
    pub role_arn: String,
    pub external_id: Option<String>,
    pub role_session_name: Option<String>,
    /// 900 to 43200.
    pub duration_seconds: Option<u32>,
    pub mfa_serial: Option<String>,
}

/// Service endpoints: of the service's part in the `services` section, else `endpoint_url`.
///
/// An address may hold a user and a password.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Endpoints {
    pub sts: Option<Secret>,
    pub sso: Option<Secret>,
    pub sso_oidc: Option<Secret>,
    pub signin: Option<Secret>,
}

/// What the profile `name` asks for. `default` may be missing; any other profile must exist.
pub fn resolve(files: &Files, name: &str) -> Result<ProfileChain, Failure> {
    let Some(found) = files.profile(name) else {
        return if name == "default" {
            Ok(absent(name))
        } else {
            Err(files.missing(name))
        };
    };
    let top = Scope {
        files,
        name,
        profile: found,
    };
    let (base, base_profile, role_steps) = chain(top)?;
    Ok(ProfileChain {
        profile: name.to_owned(),
        exists: true,
        base,
        base_profile,
        role_steps,
        region: top.optional("region")?,
        endpoints: top.endpoints(),
        ignore_configured_endpoint_urls: top.switch("ignore_configured_endpoint_urls")?,
        ca_bundle: top.optional("ca_bundle")?,
        use_fips_endpoint: top.switch("use_fips_endpoint")?,
        use_dualstack_endpoint: top.switch("use_dualstack_endpoint")?,
        ec2_metadata_service_endpoint: top
            .optional("ec2_metadata_service_endpoint")?
            .map(Secret::new),
        ec2_metadata_service_endpoint_mode: top.optional("ec2_metadata_service_endpoint_mode")?,
    })
}

fn absent(name: &str) -> ProfileChain {
    ProfileChain {
        profile: name.to_owned(),
        exists: false,
        base: BaseProvider::None,
        base_profile: name.to_owned(),
        role_steps: Vec::new(),
        region: None,
        endpoints: Ok(Endpoints::default()),
        ignore_configured_endpoint_urls: None,
        ca_bundle: None,
        use_fips_endpoint: None,
        use_dualstack_endpoint: None,
        ec2_metadata_service_endpoint: None,
        ec2_metadata_service_endpoint_mode: None,
    }
}

/// Follows `source_profile` down to the base. A source profile with keys of its own is a base even
/// if it names a role: so a profile may be its own source, for keys and role in one place.
fn chain(top: Scope<'_>) -> Result<(BaseProvider, String, Vec<RoleStep>), Failure> {
    let mut scope = top;
    let mut visited = vec![top.name];
    let mut known = HashSet::from([top.name]);
    let mut role_steps = Vec::new();
    let mut is_base = !top.profile.names_role();
    top.whole()?;
    while !is_base {
        role_steps.push(scope.role_step()?);
        match scope.source()? {
            Source::Named(base) => {
                role_steps.reverse();
                return Ok((base, scope.name.to_owned(), role_steps));
            }
            Source::Profile(next) => {
                let own_keys = next.name == scope.name && next.profile.has_keys();
                if !known.insert(next.name) && !own_keys {
                    return Err(looped(&visited, next.name));
                }
                visited.push(next.name);
                is_base = next.profile.has_keys() || !next.profile.names_role();
                scope = next;
                scope.whole()?;
            }
        }
    }
    let base = scope.own_credentials()?;
    if base == BaseProvider::None && !role_steps.is_empty() {
        return Err(scope.failure(format_args!(
            "is the source_profile of {:?} and has no credentials. Give it some, or name another source_profile",
            role_steps.last().map_or("", |role_step: &RoleStep| &role_step.profile),
        )));
    }
    role_steps.reverse();
    Ok((base, scope.name.to_owned(), role_steps))
}

fn looped(visited: &[&str], next: &str) -> Failure {
    let from = visited.iter().position(|name| *name == next).unwrap_or(0);
    let path = [&visited[from..], &[next]].concat().join(" -> ");
    Failure::configuration(
        format!(
            "The source_profile of the profile {:?} leads back to itself: {path}. Name a source_profile that has credentials of its own.",
            visited.last().unwrap_or(&next),
        ),
        "",
    )
}

/// Where the credentials for a profile's role come from.
enum Source<'a> {
    Named(BaseProvider),
    Profile(Scope<'a>),
}

impl<'a> Scope<'a> {
    fn role_step(self) -> Result<RoleStep, Failure> {
        Ok(RoleStep {
            profile: self.name.to_owned(),
            role_arn: self.role_arn()?,
            external_id: self.external_id()?,
            role_session_name: self.role_session_name()?,
            duration_seconds: self.duration_seconds()?,
            mfa_serial: self.mfa_serial()?,
        })
    }

    fn source(self) -> Result<Source<'a>, Failure> {
        let named = self.required("credential_source")?;
        let profile = self.required("source_profile")?;
        match (named, profile) {
            (Some(_), Some(_)) => Err(self.failure(
                "has both source_profile and credential_source. Keep the one the role is to be assumed with",
            )),
            (None, None) => Err(self.failure(
                "has role_arn and nothing to assume it with. Add source_profile, credential_source or web_identity_token_file",
            )),
            (Some(named), None) => self.named_source(&named),
            (None, Some(next)) => match self.files.profiles().get_key_value(next.as_str()) {
                Some((name, profile)) => Ok(Source::Profile(Self { name, profile, ..self })),
                None => Err(self
                    .files
                    .missing(&next)
                    .within(&format!("The profile {:?} names a source_profile", self.name))),
            },
        }
    }

    /// botocore takes these names in exactly this spelling.
    fn named_source(self, named: &str) -> Result<Source<'a>, Failure> {
        match named {
            "Environment" => Ok(Source::Named(BaseProvider::Environment)),
            "EcsContainer" => Ok(Source::Named(BaseProvider::Container)),
            "Ec2InstanceMetadata" => Ok(Source::Named(BaseProvider::Imds)),
            _ => Err(self.failure(format_args!(
                "has the credential_source \"{named}\"; it is one of Environment, EcsContainer and Ec2InstanceMetadata, in this spelling"
            ))),
        }
    }
}
