//! Where authorities are looked for, and what is found there.

use crate::environment::Environment;
use aws_smithy_http_client::tls::TrustStore;
use std::path::{Path, PathBuf};

/// More than any folder of authorities has.
pub(super) const MOST_FILES: usize = 10_000;

/// What names the places.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    Bundle,
    Variables,
    System,
}

/// Where they are looked for.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Places {
    pub origin: Origin,
    pub file: Option<PathBuf>,
    pub folders: Vec<PathBuf>,
}

/// The authorities that are trusted now.
#[derive(Clone)]
pub(crate) struct Roots {
    pub store: TrustStore,
    /// What they are, as a message shows it.
    pub shown: String,
}

impl Places {
    /// A bundle replaces all other roots, as in botocore; else `SSL_CERT_FILE` and `SSL_CERT_DIR` name them, or
    /// they are the system's; where the system has none, as in a container image without an operating system,
    /// Mozilla's list as it was when this was built.
    /// `None`: the system's are in a keychain.
    pub(super) fn of(bundle: Option<&Path>, environment: &Environment) -> Option<Self> {
        let file = environment.get("SSL_CERT_FILE").map(PathBuf::from);
        let folders = environment.get("SSL_CERT_DIR").map(|folders| {
            let folders = folders.split(':').filter(|folder| !folder.is_empty());
            folders.map(PathBuf::from).collect::<Vec<_>>()
        });
        let (origin, file, folders) = if let Some(bundle) = bundle {
            (Origin::Bundle, Some(bundle.to_owned()), Vec::new())
        } else if file.is_some() || folders.is_some() {
            (Origin::Variables, file, folders.unwrap_or_default())
        } else if cfg!(target_os = "macos") {
            return None;
        } else {
            let found = openssl_probe::probe();
            (Origin::System, found.cert_file, found.cert_dir)
        };
        Some(Self {
            origin,
            file,
            folders,
        })
    }
}
