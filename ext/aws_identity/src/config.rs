//! What is asked for: options, settings and environment, merged and checked.

mod layer;
pub mod options;
pub mod region;
mod role;
mod settings;

pub use role::{AssumeRoleOptions, Role, RoleRequest};
pub use settings::*;
