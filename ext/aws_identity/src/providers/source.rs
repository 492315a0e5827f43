//! What every source of the chain has, and what one gives.

use super::{
    context::{Context, Local},
    imds::client::Imds,
};
use crate::{config::AssumeRoleOptions, credentials::Credentials, failure::Failure};
use std::pin::Pin;

/// One source of the chain.
pub struct Source {
    /// How the record and the doctor name it.
    pub name: &'static str,
    /// True where `provide` only reads a metadata endpoint: no program is run and no token exchanged.
    pub is_metadata: bool,
    pub(super) label: fn(&Context<'_>) -> String,
    pub(super) provide: for<'a> fn(&'a Context<'a>) -> Providing<'a>,
    pub(super) check: fn(&Local<'_>) -> Availability,
}

/// A source that is being asked.
pub(super) type Providing<'a> = Pin<Box<dyn Future<Output = Result<Provided, Failure>> + 'a>>;

/// What a source answers when it does not fail.
pub enum Provided {
    Found(Box<BaseCredentials>),
    /// Nothing is configured for it here; why.
    Absent(String),
}

/// What a source would give, as far as can be seen without network, programs and token exchange.
#[derive(Debug)]
pub enum Availability {
    /// It has what it needs; what it would do.
    Available(String),
    /// Nothing is configured for it here; why.
    Absent(String),
    /// It is configured, and would fail.
    Unusable(Failure),
}

/// Base credentials, and what is known about them.
pub struct BaseCredentials {
    pub credentials: Credentials,
    /// Whether the profile gave them, so that its roles are assumed on top.
    pub from_profile: bool,
    /// The role these credentials are a session of, where that is known.
    pub role_arn: Option<String>,
    /// What that role was assumed with.
    pub options: AssumeRoleOptions,
    /// The connection to IMDS, if IMDS gave them: it knows the region too.
    pub imds: Option<Imds>,
}

impl Source {
    /// How the record names it in this fetch, such as `profile prod`.
    #[must_use]
    pub fn label(&self, context: &Context<'_>) -> String {
        (self.label)(context)
    }

    /// Asks it for credentials.
    pub async fn provide(&self, context: &Context<'_>) -> Result<Provided, Failure> {
        (self.provide)(context).await
    }

    /// Says what it would give. Sends nothing, runs nothing.
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
            imds: None,
        }
    }
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
