//! The process environment as it was at one moment.
//!
//! The caller takes it while nothing else can write to the environment (in Ruby: with the GVL held), so
//! that no thread of a fetch calls `getenv` while the application changes a variable.

mod of_program;

pub use of_program::ProgramEnvironment;

use crate::{credentials::Secret, failure::Failure, util::path::expand_home};
use std::{
    collections::HashMap,
    fmt,
    hash::{BuildHasher as _, RandomState},
    path::PathBuf,
    sync::LazyLock,
};

/// A snapshot of all variables, because a `credential_process` may need any; wiped when dropped. Blank
/// values count as unset, as in every AWS SDK, except where [`Environment::is_blank`] is asked.
#[derive(Clone, Default)]
pub struct Environment(HashMap<String, Secret>);

impl Environment {
    pub fn new<K: Into<String>, V: Into<String>>(all: impl IntoIterator<Item = (K, V)>) -> Self {
        Self(
            all.into_iter()
                .map(|(name, value)| (name.into(), value.into()))
                .map(|(name, value)| (name, Secret::new(value)))
                .collect(),
        )
    }

    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        let value = self.0.get(name).map(Secret::expose);
        value.filter(|value| !value.trim().is_empty())
    }

    /// True where the variable is set and blank.
    #[must_use]
    pub fn is_blank(&self, name: &str) -> bool {
        self.0.contains_key(name) && self.get(name).is_none()
    }

    /// `path` with its `~` or `~user` expanded; `~` is `HOME`.
    #[must_use]
    pub fn expand_home(&self, path: &str) -> PathBuf {
        expand_home(path, self.get("HOME"))
    }

    /// The folder of the AWS CLI's cache of role credentials.
    #[must_use]
    pub fn cli_cache(&self) -> Option<PathBuf> {
        let home = PathBuf::from(self.get("HOME")?);
        Some(home.join(".aws/cli/cache"))
    }

    /// The first of `names` that is set, with its name.
    #[must_use]
    pub fn first<'a>(&self, names: &[&'a str]) -> Option<(&'a str, &str)> {
        names
            .iter()
            .find_map(|name| self.get(name).map(|value| (*name, value)))
    }

    /// Refuses a variable whose file the AWS SDK reads at the first endpoint of a process, without a bound, and
    /// after which no request works if it cannot be read.
    pub fn check(&self) -> Result<(), Failure> {
        const NAME: &str = "SMITHY_CLIENT_SDK_CUSTOM_PARTITION";
        if !self.0.contains_key(NAME) {
            return Ok(());
        }
        Err(Failure::configuration(
            format!(
                "{NAME} is set; it gives the AWS SDK partitions of its own and is not used here."
            ),
            "Unset it. Another endpoint is chosen with endpoint or AWS_ENDPOINT_URL_STS.",
        ))
    }

    /// True where the variable says `true`, in any case.
    #[must_use]
    pub fn is_true(&self, name: &str) -> bool {
        self.get(name)
            .is_some_and(|value| value.trim().eq_ignore_ascii_case("true"))
    }

    /// The same as a switch that may be somewhere else too; `None` where the variable is unset.
    #[must_use]
    pub fn switch(&self, name: &str) -> Option<bool> {
        self.get(name).map(|_| self.is_true(name))
    }

    /// The number of the variable, which is whole and 1 or more.
    pub fn count(&self, name: &str) -> Result<Option<u32>, Failure> {
        match self.get(name).map(|value| value.trim().parse()) {
            None => Ok(None),
            Some(Ok(number @ 1..)) => Ok(Some(number)),
            Some(_) => Err(Failure::configuration(
                format!("{name} is not a whole number of 1 or more."),
                "Correct it, or unset it.",
            )),
        }
    }

    /// Equal where every variable that can change the credentials is equal. It shows nothing of them: its
    /// hashes are salted anew in each process.
    #[must_use]
    pub fn fingerprint(&self) -> u64 {
        static SALT: LazyLock<RandomState> = LazyLock::new(RandomState::new);
        let mut relevant: Vec<_> = self.iter().filter(|(name, _)| is_relevant(name)).collect();
        relevant.sort_unstable();
        SALT.hash_one(relevant)
    }

    /// Every variable, blank ones too, for a child process.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(name, value)| (name.as_str(), value.expose()))
    }
}

/// Whether this crate or the AWS SDK may look at the variable.
fn is_relevant(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    name.starts_with("AWS_")
        || matches!(
            name.as_str(),
            "HOME"
                | "PATH"
                | "LEX_IDENTITY_AWS_PROFILE"
                | "HTTP_PROXY"
                | "HTTPS_PROXY"
                | "NO_PROXY"
                | "SSL_CERT_DIR"
                | "SSL_CERT_FILE"
        )
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut names: Vec<_> = self.0.keys().collect();
        names.sort();
        f.debug_tuple("Environment").field(&names).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blank_is_unset() {
        let env = Environment::new([("AWS_REGION", "  "), ("AWS_PROFILE", "p")]);
        assert_eq!(env.get("AWS_REGION"), None);
        assert!(env.is_blank("AWS_REGION"));
        assert!(!env.is_blank("AWS_PROFILE") && !env.is_blank("AWS_UNSET"));
        assert_eq!(env.iter().count(), 2);
        assert_eq!(env.get("AWS_PROFILE"), Some("p"));
        assert_eq!(
            env.first(&["AWS_REGION", "AWS_PROFILE"]),
            Some(("AWS_PROFILE", "p"))
        );
    }

    #[test]
    fn a_fingerprint_changes_with_what_can_change_the_credentials_only() {
        let of = |all: &[(&str, &str)]| Environment::new(all.iter().copied()).fingerprint();
        let secret = ("AWS_SECRET_ACCESS_KEY", "canary");
        assert_eq!(
            of(&[secret, ("HOME", "/h"), ("OTHER", "x")]),
            of(&[("HOME", "/h"), secret])
        );
        for other in ["no_proxy", "HTTPS_PROXY", "SSL_CERT_FILE", "aws_region"] {
            assert_ne!(of(&[secret, (other, "x")]), of(&[secret]), "{other}");
        }
        assert_ne!(of(&[("AWS_SECRET_ACCESS_KEY", "canarz")]), of(&[secret]));
    }

    #[test]
    fn a_count_is_a_whole_number_from_one() {
        let of =
            |value: &str| Environment::new([("AWS_MAX_ATTEMPTS", value)]).count("AWS_MAX_ATTEMPTS");
        assert_eq!(of(" 3 ").unwrap(), Some(3));
        assert_eq!(of("").unwrap(), None);
        for wrong in ["0", "-1", "1.5", "many", "4294967296"] {
            let failure = of(wrong).unwrap_err();
            assert!(failure.cause.contains("AWS_MAX_ATTEMPTS"), "{failure}");
        }
    }

    #[test]
    fn debug_shows_names_only() {
        let env = Environment::new([("AWS_SECRET_ACCESS_KEY", "canary")]);
        assert_eq!(
            format!("{env:?}"),
            r#"Environment(["AWS_SECRET_ACCESS_KEY"])"#
        );
    }

    #[test]
    fn partitions_of_its_own_are_refused() {
        const NAME: &str = "SMITHY_CLIENT_SDK_CUSTOM_PARTITION";
        for value in ["", "/canary", "fifo"] {
            let failure = Environment::new([(NAME, value)]).check().unwrap_err();
            assert!(failure.cause.starts_with(NAME), "{failure}");
            assert!(!failure.message().contains("canary"), "{failure}");
        }
        Environment::default().check().unwrap();
    }

    #[test]
    fn truth_is_the_word_true() {
        let env = Environment::new([
            ("AWS_EC2_METADATA_DISABLED", "TRUE"),
            ("AWS_USE_FIPS_ENDPOINT", "1"),
        ]);
        assert!(env.is_true("AWS_EC2_METADATA_DISABLED"));
        assert!(!env.is_true("AWS_USE_FIPS_ENDPOINT"));
        assert!(!env.is_true("AWS_UNSET"));
        assert_eq!(env.switch("AWS_USE_FIPS_ENDPOINT"), Some(false));
        assert_eq!(env.switch("AWS_UNSET"), None);
    }
}
