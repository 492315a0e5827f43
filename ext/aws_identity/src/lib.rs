#![forbid(unsafe_code)]
//! AWS identity and credentials without Ruby.

pub mod attempt;
pub mod cache_file;
pub mod clock;
pub mod container;
pub mod credential_process;
pub mod credentials;
pub mod doctor;
pub mod environment;
pub mod failure;
pub mod fetch;
pub mod flight;
pub mod gate;
pub mod http;
pub mod identity;
pub mod imds;
pub mod limits;
pub mod metadata_set;
pub mod panic;
pub mod principal;
pub mod profile;
pub mod refresh;
pub mod region;
pub mod session;
pub mod settings;
pub mod source;
pub mod sts;
pub mod token_file;
