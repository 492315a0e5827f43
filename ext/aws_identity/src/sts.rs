//! The calls of STS, their options, limits and errors.
//!
//! Each call is made once with everything it needs; the caller decides when.

mod assume_role;
mod caller_identity;
mod client;
mod errors;
mod identity_token;
pub mod limits;
mod query;
mod retry;
mod scoped_credentials;
mod sdk_environment;
mod session_token;
mod web_identity;

pub use assume_role::{AssumeRoleOptions, CacheArguments, RoleRequest};
pub(crate) use client::signing_keys;
pub use client::{Endpoint, Mfa, Sts};
pub use errors::{denied_action, is_wrong_code, refuses_keys};
pub use identity_token::{IdentityToken, IdentityTokenRequest};
pub use retry::RetryLimits;
pub use scoped_credentials::{MOST_SCOPES, SCOPES, Scope};
pub use web_identity::WebIdentity;
