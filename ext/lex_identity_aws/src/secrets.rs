//! Objects of Ruby whose secrets stay in native memory, which is wiped when Ruby collects them.

use crate::error::guard;
use aws_identity::{credentials::Secret, environment::Environment as Variables};
use magnus::{Error, RString, Ruby, TryConvert as _, Value};
use std::env;

/// `Native::Environment`: the variables of this process at one moment.
#[magnus::wrap(
    class = "Legion::Extensions::Identity::Aws::Internal::Native::Environment",
    free_immediately,
    size
)]
pub struct Environment(pub Variables);

impl Environment {
    /// Read with the GVL held, so that no Ruby thread changes a variable meanwhile. `home` is taken
    /// where HOME is not set. No variable that is not UTF-8 is needed.
    pub fn current(ruby: &Ruby, home: Option<String>) -> Result<Self, Error> {
        guard(ruby, || {
            let home = home.map(|home| ("HOME".into(), home.into()));
            let all = home.into_iter().chain(env::vars_os());
            let texts = all.filter_map(|(name, value)| {
                Some((name.into_string().ok()?, value.into_string().ok()?))
            });
            Ok(Self(Variables::new(texts)))
        })
    }

    pub fn fingerprint(&self) -> u64 {
        self.0.fingerprint()
    }
}

/// `Native::SecretText`: becomes a Ruby String only where `expose` is called.
#[magnus::wrap(
    class = "Legion::Extensions::Identity::Aws::Internal::Native::SecretText",
    free_immediately,
    size
)]
pub struct SecretText(pub Secret);

impl SecretText {
    pub fn new(ruby: &Ruby, text: RString) -> Result<Self, Error> {
        guard(ruby, || {
            let text = text.to_string().map_err(|_| {
                // The text itself is the secret.
                Error::new(ruby.exception_arg_error(), "a secret is not valid UTF-8")
            })?;
            Ok(Self(Secret::new(text)))
        })
    }

    /// Not frozen, because the message of a `FrozenError` shows the String.
    pub fn expose(ruby: &Ruby, this: &Self) -> RString {
        ruby.str_new(this.0.expose())
    }

    pub fn is_empty(&self) -> bool {
        self.0.expose().is_empty()
    }

    pub fn is_equal(&self, other: Value) -> bool {
        <&Self>::try_convert(other).is_ok_and(|other| other.0 == self.0)
    }
}
