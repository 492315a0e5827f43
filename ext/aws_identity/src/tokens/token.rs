//! A token for another system.

use crate::credentials::{Millis, Secret};

/// A token for another system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    pub text: Secret,
    /// When the other system takes it no more.
    pub expires_at: Millis,
    /// What it is for, such as `eks`.
    pub kind: &'static str,
}
