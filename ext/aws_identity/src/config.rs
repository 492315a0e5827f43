//! The configuration of a session: options, settings and environment, merged and checked.
//!
//! A value comes from an explicit option, else from `LegionIO`'s `identity.aws.*`, else from the
//! environment, else from the shared config files. This folder decides the first three;
//! [`crate::profile`] reads the files.

mod base;
mod foreign_names;
mod inherited;
mod layers;
pub mod options;
mod report;
mod role;
mod scope;
mod settings;
mod unused;

pub use crate::{
    layer::{Chosen, Origin},
    sts::{AssumeRoleOptions, RoleRequest},
};
pub use base::{Base, CredentialSource, TokenSource};
pub use inherited::Inherited;
pub use layers::Layers;
pub use role::Role;
pub use settings::*;
pub use unused::Taker;
