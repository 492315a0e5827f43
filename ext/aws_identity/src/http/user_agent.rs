//! The `User-Agent` of requests of our own, and what of the environment the AWS SDK writes into its headers.

use super::{Http, trace};
use crate::failure::Failure;
use aws_types::os_shim_internal::Env;

pub(crate) const USER_AGENT: &str = concat!("lex-identity-aws/", env!("CARGO_PKG_VERSION"));

impl Http {
    /// The value of [`trace::TRACE_ID`] for the AWS SDK.
    pub(crate) fn trace_id(&self) -> String {
        trace::of(&self.config.environment)
    }

    /// What of the environment the AWS SDK writes into its `User-Agent`.
    ///
    /// # Errors
    /// Where it cannot be sent.
    pub(crate) fn user_agent_environment(&self) -> Result<Env, Failure> {
        const NAME: &str = "AWS_EXECUTION_ENV";
        let Some(value) = self.config.environment.get(NAME) else {
            return Ok(Env::from_slice(&[]));
        };
        if value.chars().any(|c| c.is_ascii_control()) {
            return Err(Failure::configuration(
                format!(
                    "{NAME} holds control characters, and the AWS SDK sends it as part of a header."
                ),
                "Check what sets it, or unset it.",
            ));
        }
        Ok(Env::from_slice(&[(NAME, value)]))
    }
}
