//! The providers of base credentials, with which roles are assumed.
//!
//! [`CHAIN`] has the order of the sources; each source has a file with `provide`, which asks it,
//! and `check`, which says without network what it would give. A new source needs a file, a line in
//! `chain.rs` and, if a profile can name it, an arm in `profile.rs`.

mod callbacks;
mod chain;
mod configured;
mod container;
mod context;
mod credential_json;
mod environment;
mod fetch_notes;
mod imds;
mod login;
mod login_file;
pub mod metadata_credentials;
pub mod process;
mod profile;
mod record;
mod service;
mod source;
mod sso;
mod summary;
mod supplied;
pub mod token_file;
mod web_identity;

pub use callbacks::{CallbackAnswers, Callbacks};
pub use chain::{CHAIN, base_credentials, uses_profile};
pub use context::{Context, Local};
pub(crate) use environment::NAME as ENVIRONMENT;
pub use fetch_notes::FetchNotes;
pub(crate) use login::token_path as login_token_path;
pub(crate) use profile::known_asker;
pub use record::Record;
pub use source::{Availability, BaseCredentials, Provided, Source};
pub(crate) use sso::token_path as sso_token_path;
pub(crate) use summary::profiles;
pub(crate) use web_identity::traded as traded_web_identity;
