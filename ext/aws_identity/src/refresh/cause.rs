//! Why a fetch failed, as the refresh rules see it.

use crate::failure::{Failure, Kind};

/// Why a fetch failed, as far as it decides what is done next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// A retry cannot cure it, as [`is_final`] says.
    Final,
    /// The source answered, with an error.
    Answered,
    /// The source was not reached.
    Unreached,
}

impl Cause {
    /// `is_final`: as [`is_final`] says, unless the caller knows better.
    #[must_use]
    pub fn of(failure: &Failure, is_final: bool) -> Self {
        match (is_final, failure.reached) {
            (true, _) => Self::Final,
            (false, true) => Self::Answered,
            (false, false) => Self::Unreached,
        }
    }
}

/// True for a failure that a retry cannot cure: it is raised at once.
///
/// The SDKs' list, by the service's code: refusals of STS and SSO, and errors in the
/// configuration. Every other failure is retryable: expired base credentials, throttling,
/// transport, 5xx.
#[must_use]
pub fn is_final(failure: &Failure) -> bool {
    if matches!(
        failure.kind,
        Kind::Configuration | Kind::ProcessLoop | Kind::NotReady
    ) {
        return true;
    }
    // A 401 or 403 without a code is IMDS, a container endpoint, a proxy or a mesh, and passes.
    let Some(code) = failure.code.as_deref() else {
        return false;
    };
    if failure.kind == Kind::Connection {
        return false; // AWS could not reach the identity provider, whatever the code
    }
    matches!(
        code.strip_suffix("Exception").unwrap_or(code),
        "AccessDenied"
            | "Forbidden" // SSO: the login does not have this role
            | "ResourceNotFound" // SSO: there is no such account or role
            | "MalformedPolicyDocument"
            | "PackedPolicyTooLarge"
            | "RegionDisabled"
            | "IDPRejectedClaim"
            | "InvalidIdentityToken"
            | "Unauthorized" // SSO: the token is not, or no longer, valid
            | "InvalidGrant" // SSO-OIDC: the token cannot be refreshed
            | "invalid_grant"
            | "TOKEN_EXPIRED" // AWS Sign-In, as the next two
            | "USER_CREDENTIALS_CHANGED"
            | "INSUFFICIENT_PERMISSIONS"
    )
}
