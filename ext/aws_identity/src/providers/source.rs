//! A source of the chain, and its answers.

use super::{
    context::{Context, Local},
    imds::client::Imds,
};
use crate::{config::AssumeRoleOptions, credentials::Credentials, failure::Failure};
use std::pin::Pin;

/// The name of the profile as a source, with which its label begins.
pub(super) const PROFILE: &str = "profile";

/// One source of the chain.
pub struct Source {
    /// Its name in the record and in the findings of the doctor.
    pub name: &'static str,
    /// True if `provide` only reads a metadata endpoint, so that it runs no program and exchanges
    /// no token.
    pub is_metadata: bool,
    pub(super) label: fn(&Context<'_>) -> String,
    pub(super) provide: for<'a> fn(&'a Context<'a>) -> Providing<'a>,
    pub(super) check: fn(&Local<'_>) -> Availability,
}

/// A source that is being asked.
pub(super) type Providing<'a> = Pin<Box<dyn Future<Output = Result<Provided, Failure>> + 'a>>;

/// The answer of a source that does not fail.
pub enum Provided {
    Found(Box<BaseCredentials>),
    Absent(Absence),
}

/// Why a source is not configured.
pub struct Absence {
    pub reason: String,
    /// It is there as far as can be told from outside, and turned off.
    pub is_off: bool,
}

impl From<String> for Absence {
    fn from(reason: String) -> Self {
        Self {
            reason,
            is_off: false,
        }
    }
}

/// Whether a source would give credentials, as far as can be known without network and programs.
#[derive(Debug)]
pub enum Availability {
    /// It is configured, and what it would do.
    Available(String),
    /// It is not configured, and why.
    Absent(String),
    /// It is configured, but would fail.
    Unusable(Failure),
}

/// Base credentials, and how they were obtained.
pub struct BaseCredentials {
    pub credentials: Credentials,
    /// True if the profile gave them, so that its roles are assumed with them.
    pub from_profile: bool,
    /// The role of these credentials, if it is known.
    pub role_arn: Option<String>,
    /// The options with which that role was assumed.
    pub options: AssumeRoleOptions,
    /// True if a web identity token was exchanged for them.
    pub is_web_identity: bool,
    /// The client of IMDS, if IMDS gave them, since IMDS knows the region too.
    pub imds: Option<Imds>,
    /// The region of the `source`, if that is a session.
    pub region: Option<String>,
    /// A problem for the log, which does not make the fetch fail.
    pub warning: Option<String>,
    /// The account and the role of a login of IAM Identity Center.
    pub(super) sso_role: Option<String>,
}

impl Source {
    /// Its name in the record of this fetch, such as `profile prod`.
    #[must_use]
    pub fn label(&self, context: &Context<'_>) -> String {
        (self.label)(context)
    }

    /// Asks it for credentials.
    pub async fn provide(&self, context: &Context<'_>) -> Result<Provided, Failure> {
        (self.provide)(context).await
    }

    /// Checks whether it would give credentials. Sends no request and runs no program.
    #[must_use]
    pub fn check(&self, local: &Local<'_>) -> Availability {
        (self.check)(local)
    }
}

impl BaseCredentials {
    pub(super) fn new(credentials: Credentials) -> Self {
        let role_arn = credentials.details.get("role_arn").cloned();
        Self {
            credentials,
            from_profile: false,
            role_arn,
            options: AssumeRoleOptions::default(),
            is_web_identity: false,
            imds: None,
            region: None,
            sso_role: None,
            warning: None,
        }
    }

    /// Who signs the calls made with these credentials, for the cache on disk: the role if it is
    /// known, else the access key id, which names the user of long-lived keys.
    #[must_use]
    pub fn asker(&self) -> String {
        let credentials = &self.credentials;
        let instance_role = credentials.details.get("instance_profile_role");
        match (
            &self.role_arn,
            &self.sso_role,
            &credentials.account_id,
            instance_role,
        ) {
            (Some(arn), ..) => arn.clone(),
            (None, Some(role), ..) => sso_asker(role),
            // The name of an instance's role is unique within an account only.
            (None, None, Some(account), Some(role)) => format!("instance profile {account} {role}"),
            _ => credentials.access_key_id.clone(),
        }
    }
}

/// The same for a login of IAM Identity Center, by its account and role.
pub(super) fn sso_asker(role: &str) -> String {
    format!("sso {role}")
}

impl From<BaseCredentials> for Provided {
    fn from(found: BaseCredentials) -> Self {
        Self::Found(Box::new(found))
    }
}

impl From<Credentials> for Provided {
    fn from(credentials: Credentials) -> Self {
        BaseCredentials::new(credentials).into()
    }
}
