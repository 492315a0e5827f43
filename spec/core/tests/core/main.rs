//! The core against the local AWS: real sockets, real files, real fetch tasks, no Ruby.
//!
//! Every test has a machine of its own (`support::Machine`), and its name is the rule it tests.

mod cache;
mod certificates;
mod chain;
mod container;
mod deadline;
mod echo;
mod endpoint;
mod gate;
mod identity_token;
mod imds;
mod library;
mod life;
mod login;
mod odd_files;
mod process;
mod proxy;
mod questions;
mod readers;
mod region;
mod roles;
mod rotation;
mod scoped;
mod session;
mod settings;
mod sso;
mod sts;
mod stub;
mod support;
mod tls;
mod web_identity;
