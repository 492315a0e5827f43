#![forbid(unsafe_code)]
//! AWS identity and credentials without Ruby. From the bottom up; a module uses those above it in this list only.
//!
//! - [`util`]; [`attempt`], [`failure`], [`credentials`], [`environment`], [`principal`], [`region`], [`identity`], [`layer`]: values
//! - [`task`]: one fetch in flight on a thread of its own, the fork gate, panics
//! - [`http`]: client, name look-up, trust, proxy
//! - [`sts`]: the calls, their options, limits and errors; a new option of a role is written in `sts/assume_role.rs`
//! - [`config`]: the option table, and what the layers decide; [`profile`]: the shared config files
//! - [`cache`]: the AWS CLI's cache of role credentials; [`refresh`]: when to fetch
//! - [`providers`]: the provider chain, and one file a source
//! - [`fetch`]: base credentials, roles, identity
//! - [`tokens`]: what proves the identity to other systems
//! - [`session`]: the credentials and identity a process holds; [`doctor`]: the same steps, examined one by one

pub mod attempt;
pub mod cache;
pub mod config;
pub mod credentials;
pub mod doctor;
pub mod environment;
pub mod failure;
pub mod fetch;
pub mod http;
pub mod identity;
pub mod layer;
pub mod principal;
pub mod profile;
pub mod providers;
pub mod refresh;
pub mod region;
pub mod session;
pub mod sts;
pub mod task;
pub mod tokens;
pub mod util;
