//! The bound of a caller's loop.

use super::Fetch;
use crate::failure::Failure;

/// More than any caller needs: one for a fetch that brought it nothing, one for the fork of the
/// process, and some for other callers that forget or refuse what has just been fetched.
const MOST: u32 = 8;

/// How many fetches a caller has waited for in vain.
#[derive(Clone, Copy, Debug, Default)]
pub struct Rounds(u32);

impl Rounds {
    /// Counts a fetch that brought the caller nothing. `Err`: it was the last that the caller waits
    /// for.
    pub(super) fn next(&mut self, task: &Fetch) -> Result<(), Failure> {
        self.0 += 1;
        if self.0 < MOST {
            return Ok(());
        }
        Err(match task.outcome() {
            Some(Err(failure)) => failure.clone(),
            _ => Failure::no_credentials(
                format!(
                    "{MOST} fetches in a row brought nothing to use: what they fetched expired, or was refused or forgotten, before this call could read it."
                ),
                "Check the lifetime of the credentials, and what calls invalidate or forget_identity.",
            ),
        })
    }
}
