//! What a source works with.

use super::callbacks::Callbacks;
use crate::{
    config::Settings, credentials::Millis, environment::Environment, failure::Failure, http::Http,
    profile::ProfileChain, sts::Endpoint, task::deadline::Deadline,
};

/// What `provide` works with: everything of one fetch.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    pub local: Local<'a>,
    pub settings: &'a Settings,
    pub http: &'a Http,
    pub endpoint: &'a Endpoint,
    pub callbacks: Callbacks<'a>,
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
