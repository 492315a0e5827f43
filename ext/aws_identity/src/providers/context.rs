//! The context of a source.

use super::{callbacks::Callbacks, notes::Notes};
use crate::{
    config::Settings, credentials::Millis, environment::Environment, failure::Failure, http::Http,
    profile::ProfileChain, sts::Endpoint, task::deadline::Deadline,
};

/// The context of `provide`, for one fetch.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    pub local: Local<'a>,
    pub settings: &'a Settings,
    pub http: &'a Http,
    pub endpoint: &'a Endpoint,
    pub callbacks: Callbacks<'a>,
    pub deadline: &'a Deadline,
    pub notes: &'a Notes,
    /// The default role session name.
    pub session_name: &'a str,
}

/// The context of `check`, without a client, so that a check cannot send a request.
#[derive(Clone, Copy)]
pub struct Local<'a> {
    pub environment: &'a Environment,
    pub profile: Result<&'a ProfileChain, &'a Failure>,
    pub now: Millis,
}
