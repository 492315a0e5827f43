//! Who this machine is, as `LegionIO` asks first.

use crate::principal::Principal;

/// A principal, and how it was found out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    pub principal: Principal,
    /// Matches `^[a-z0-9][a-z0-9_-]*$`.
    pub canonical_name: String,
    pub region: String,
    /// The source of the credentials that were asked about, such as `imds`.
    pub source: String,
    /// How long it took to find out, credentials included.
    pub milliseconds: u64,
}
