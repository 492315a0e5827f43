//! The identity of this process: its principal and canonical name.

use crate::principal::Principal;

/// A principal, and how it was resolved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    pub principal: Principal,
    /// Matches `^[a-z0-9][a-z0-9_-]*$`.
    pub canonical_name: String,
    pub region: String,
    /// The source of the credentials that signed the request, such as `imds`.
    pub source: String,
    /// How long the fetch took, credentials included.
    pub milliseconds: u64,
}
