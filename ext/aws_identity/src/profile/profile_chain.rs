//! What one profile asks for, as data.

use super::{files::Files, notes::Notes};
use crate::{
    credentials::{Credentials, Secret},
    failure::Failure,
    sts::AssumeRoleOptions,
};

/// Where the credentials of a profile come from, and what else it sets.
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
    /// Endpoints the profile sets. A failure here counts only where no option and no variable
    /// `AWS_ENDPOINT_URL…` names the endpoint.
    pub endpoints: Result<Endpoints, Failure>,
    pub ignore_configured_endpoint_urls: Option<bool>,
    /// A file of trust roots that replaces all others.
    pub ca_bundle: Option<String>,
    pub use_fips_endpoint: Option<bool>,
    pub use_dualstack_endpoint: Option<bool>,
    pub ec2_metadata_service_endpoint: Option<Secret>,
    /// `IPv4` or `IPv6`, as written.
    pub ec2_metadata_service_endpoint_mode: Option<String>,
    pub notes: Notes,
    /// How long one answer of IMDS may take, in seconds.
    pub metadata_service_timeout: Option<u32>,
    /// How often a question is put to IMDS.
    pub metadata_service_num_attempts: Option<u32>,
    /// The most requests of one call of STS.
    pub max_attempts: Option<u32>,
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
    pub external_id: Option<Secret>,
    pub role_session_name: Option<String>,
    /// 900 to 43200.
    pub duration_seconds: Option<u32>,
    pub mfa_serial: Option<String>,
}

impl RoleStep {
    /// The options of its `AssumeRole`: what the profile says, and no default.
    #[must_use]
    pub fn options(&self) -> AssumeRoleOptions {
        AssumeRoleOptions {
            role_session_name: self.role_session_name.clone(),
            duration_seconds: self.duration_seconds,
            external_id: self.external_id.clone(),
            serial_number: self.mfa_serial.clone(),
            ..AssumeRoleOptions::default()
        }
    }
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

impl ProfileChain {
    /// That of a profile that does not exist.
    pub(super) fn absent(name: &str, files: &Files) -> Self {
        Self {
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
            notes: Notes::of_files(files),
            metadata_service_timeout: None,
            metadata_service_num_attempts: None,
            max_attempts: None,
        }
    }
}
