//! Base credentials: the provider chain, and one file a source.

mod callbacks;
mod chain;
pub mod container;
mod environment;
pub mod imds;
mod login;
pub mod metadata_credentials;
pub mod process;
mod record;
mod sdk;
mod sso;
pub mod token_file;

pub use callbacks::{CallbackAnswers, Callbacks};
pub use chain::*;
pub use record::Record;
