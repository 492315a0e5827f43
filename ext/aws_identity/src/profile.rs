//! Shared config and credentials files: what a profile asks for, decided before anything is sent.
//!
//! [`Files`] reads both files, [`resolve()`] turns one profile into a [`ProfileChain`]: where the base
//! credentials come from and which roles are assumed on top. [`describe()`] says of every profile what
//! it is and what it needs. Nothing here touches the network or runs a program.
//!
//! The order inside a profile is botocore's (`botocore/credentials.py`): role, web identity token
//! file, SSO, keys in the credentials file, login session, process, keys in the config file. A profile
//! that boto3 refuses is refused; so is one of which boto3 would use only half (half a key pair, a
//! duration that is no number).

mod base_provider;
mod chain_notes;
mod files;
mod identity_keys;
mod ini;
mod kind;
mod list;
mod notes;
mod profile_chain;
mod reader;
mod resolve;
mod set_aside;
mod source_file;

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod public_cases;

pub use files::Files;
pub use kind::ProfileKind;
pub use list::{Need, ProfileSummary, describe};
pub use notes::Notes;
pub use profile_chain::{BaseProvider, Endpoints, ProfileChain, RoleStep};
pub use resolve::resolve;
