//! Shared config and credentials files: what a profile asks for, decided before anything is sent.
//!
//! [`Files`] reads both files, [`resolve()`] turns one profile into a [`ProfileChain`]: where the base
//! credentials come from and which roles are assumed on top. [`describe()`] says of every profile what
//! it is and what it needs. Nothing here touches the network or runs a program.
//!
//! The order inside a profile is botocore's (`botocore/credentials.py`): role, web identity token
//! file, SSO, keys in the credentials file, login session, process, keys in the config file. Where
//! boto3 refuses a profile, so do we; and where it would go on with half of what was written (half a
//! key pair, a duration that is no number), we refuse as well.

mod base_provider;
mod files;
mod ini;
mod kind;
mod list;
mod reader;
mod resolve;

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod public_cases;

pub use files::{Environment, Files};
pub use kind::ProfileKind;
pub use list::{Need, ProfileSummary, describe};
pub use resolve::{BaseProvider, Endpoints, ProfileChain, RoleStep, resolve};
