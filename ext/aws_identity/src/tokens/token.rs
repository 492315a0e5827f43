//! A token for another system.

use crate::{
    credentials::{Millis, Secret},
    sts::IdentityToken,
};

/// A token for another system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    pub text: Secret,
    /// When the other system takes it no more.
    pub expires_at: Millis,
    /// What it is for, such as `eks`.
    pub kind: &'static str,
}

impl From<IdentityToken> for Token {
    fn from(issued: IdentityToken) -> Self {
        Self {
            text: issued.text,
            expires_at: issued.expires_at,
            kind: "identity",
        }
    }
}
