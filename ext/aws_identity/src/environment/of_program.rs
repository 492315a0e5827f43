//! The environment of a program that is started.

use super::Environment;
use std::{
    ffi::{OsStr, OsString},
    fmt,
};
use zeroize::Zeroize as _;

/// All variables of a process, blank ones and other than UTF-8 too. Wiped when dropped.
#[derive(Clone, Default)]
pub struct ProgramEnvironment(Vec<(OsString, OsString)>);

impl ProgramEnvironment {
    pub fn new(variables: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        Self(variables.into_iter().collect())
    }

    /// The same with one variable set.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<OsString>) -> Self {
        self.0.retain(|(other, _)| other != name);
        self.0.push((name.into(), value.into()));
        self
    }

    #[must_use]
    pub fn get(&self, name: &str) -> Option<&OsStr> {
        let found = self.0.iter().find(|(other, _)| other == name)?;
        Some(&found.1)
    }

    /// Names and values.
    pub fn variables(&self) -> impl Iterator<Item = (&OsStr, &OsStr)> {
        self.0
            .iter()
            .map(|(name, value)| (name.as_os_str(), value.as_os_str()))
    }
}

impl From<&Environment> for ProgramEnvironment {
    fn from(environment: &Environment) -> Self {
        Self::new(
            environment
                .iter()
                .map(|(name, value)| (name.into(), value.into())),
        )
    }
}

impl Drop for ProgramEnvironment {
    fn drop(&mut self) {
        for (_, value) in self.0.drain(..) {
            value.into_encoded_bytes().zeroize();
        }
    }
}

impl fmt::Debug for ProgramEnvironment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.0.iter().map(|(name, _)| name))
            .finish()
    }
}
