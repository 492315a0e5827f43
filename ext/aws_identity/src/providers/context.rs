//! What a source works with.

use crate::{
    config::Settings,
    credentials::{Credentials, Millis, Secret},
    environment::Environment,
    failure::Failure,
    http::Http,
    profile::ProfileChain,
    sts::Endpoint,
    task::fetch_task::Deadline,
};

/// What `provide` works with: everything of one fetch.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    pub local: Local<'a>,
    pub settings: &'a Settings,
    pub http: &'a Http,
    pub endpoint: &'a Endpoint,
    pub answers: &'a CallbackAnswers,
    pub deadline: &'a Deadline,
    /// The role session name where none was chosen.
    pub session_name: &'a str,
}

/// What `check` works with. There is no client in it, so a check cannot send a request.
#[derive(Clone, Copy)]
pub struct Local<'a> {
    pub environment: &'a Environment,
    pub profile: Result<&'a ProfileChain, &'a Failure>,
    pub now: Millis,
}

/// What only the application can give, asked for before the fetch starts.
#[derive(Clone, Debug, Default)]
pub struct CallbackAnswers {
    /// The six digits an MFA device shows.
    pub token_code: Option<Secret>,
    /// What the callable given as `web_identity_token` returned.
    pub web_identity_token: Option<Secret>,
    /// The credentials of the object given as `source`.
    pub source: Option<Credentials>,
}
