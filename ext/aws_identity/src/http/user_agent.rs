//! The `User-Agent` of requests of our own, and what of the environment the AWS SDK writes into its one.

use super::Http;
use crate::failure::Failure;

pub(crate) const USER_AGENT: &str = concat!("lex-identity-aws/", env!("CARGO_PKG_VERSION"));

impl Http {
    /// Refuses a variable that the AWS SDK writes into its `User-Agent` and cannot send.
    pub(crate) fn check_user_agent(&self) -> Result<(), Failure> {
        const NAME: &str = "AWS_EXECUTION_ENV";
        let value = self.config.environment.get(NAME).unwrap_or_default();
        if value.chars().any(|c| c.is_ascii_control()) {
            return Err(Failure::configuration(
                format!(
                    "{NAME} holds control characters, and the AWS SDK sends it as part of a header."
                ),
                "Check what sets it, or unset it.",
            ));
        }
        Ok(())
    }
}
