//! Which certificate authorities are trusted.
//!
//! Files are read here and not by the HTTP library: that reads the system's once in the life of a process,
//! so that a file that is mended later has no effect, and waits where a file is a FIFO.

mod known;
mod pem;
mod places;

use crate::{
    environment::Environment,
    failure::Failure,
    util::read_file::{self, Links, Unread},
};
use aws_smithy_http_client::tls::TrustStore;
use aws_smithy_types::base64;
use places::{MOST_FILES, Origin, Places, Roots};
use rustls::RootCertStore;
use rustls_pki_types::CertificateDer;
use std::{
    collections::HashSet,
    fmt::Write,
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

/// As much as is read of all files together, in bytes: a bundle of every public authority has about 200 kB.
const LIMIT: u64 = 8 << 20;

/// The authorities that are trusted now.
pub(super) fn roots(bundle: Option<&Path>, environment: &Environment) -> Result<Roots, Failure> {
    let Some(places) = Places::of(bundle, environment) else {
        // The HTTP library reads them, once in a process.
        return Ok(Roots {
            store: TrustStore::empty().with_native_roots(true),
            shown: "the system's authorities".into(),
        });
    };
    known::roots(places, |places| match places.origin {
        Origin::Bundle => of_bundle(places),
        Origin::Variables => named(places),
        Origin::System => Ok(of_system(places)),
    })
}

fn of_bundle(places: &Places) -> Result<Roots, Failure> {
    let path = places.file.as_deref().unwrap_or(Path::new(""));
    let mut found = Found::default();
    match found.file(path) {
        Ok(()) => Ok(found.roots(format!("the bundle {} alone", path.display()))),
        Err(why) => Err(Failure::configuration(
            format!("The CA bundle {} {why}.", path.display()),
            "Check AWS_CA_BUNDLE, ca_bundle and the file; without them the system's authorities are used.",
        )),
    }
}

/// One of the two may be wrong where the other has authorities.
fn named(places: &Places) -> Result<Roots, Failure> {
    let mut found = Found::default();
    let (mut good, mut wrong) = (Vec::new(), Vec::new());
    let mut note = |name: &str, path: &Path, read: Result<(), String>| match read {
        Ok(()) => good.push(format!("{name}={}", path.display())),
        Err(why) => wrong.push(format!("{name}={} {why}", path.display())),
    };
    if let Some(file) = &places.file {
        note("SSL_CERT_FILE", file, found.file(file));
    }
    for folder in &places.folders {
        note("SSL_CERT_DIR", folder, found.folder(folder));
    }
    let wrong = wrong.join("; ");
    if found.certificates.is_empty() {
        return Err(Failure::configuration(
            format!("There is no authority to trust: {wrong}."),
            "Name a file with certificates of authorities (PEM), or unset the variable: then the system's are used.",
        ));
    }
    let mut shown = format!("the authorities of {}", good.join(" and "));
    if !wrong.is_empty() {
        let _ = write!(shown, " ({wrong})");
    }
    Ok(found.roots(shown))
}

fn of_system(places: &Places) -> Roots {
    let mut found = Found::default();
    if let Some(file) = &places.file {
        let _ = found.file(file);
    }
    for folder in &places.folders {
        let _ = found.folder(folder);
    }
    if found.certificates.is_empty() {
        return Roots {
            store: TrustStore::empty()
                .with_pem_certificate(as_pem(webpki_root_certs::TLS_SERVER_ROOT_CERTS)),
            shown: "Mozilla's authorities as of this release, since the system has none".into(),
        };
    }
    found.roots("the system's authorities".into())
}

/// The usable certificates of files and folders.
struct Found {
    certificates: Vec<CertificateDer<'static>>,
    /// By device and inode: a folder has several links to each file.
    files: HashSet<(u64, u64)>,
    /// How many bytes may still be read.
    left: u64,
}

impl Default for Found {
    fn default() -> Self {
        Self {
            certificates: Vec::new(),
            files: HashSet::new(),
            left: LIMIT,
        }
    }
}

impl Found {
    /// Reads the file, or says what is wrong with it.
    fn file(&mut self, path: &Path) -> Result<(), String> {
        let is_usable = self.read(path).map_err(|why| match why {
            Unread::Missing => "cannot be read (it does not exist)".to_owned(),
            Unread::Io(error) => format!("cannot be read ({error})"),
            Unread::TooLarge => "is far too large for a bundle of certificates".into(),
            Unread::NotAFile | Unread::Link => "is not a regular file".into(),
        })?;
        if is_usable {
            Ok(())
        } else {
            Err("holds no certificate".into())
        }
    }

    /// Reads the files of the folder; one that cannot be read is passed over, as in OpenSSL.
    fn folder(&mut self, path: &Path) -> Result<(), String> {
        let listing = fs::read_dir(path).map_err(|error| format!("cannot be read ({error})"))?;
        let files: Vec<PathBuf> = listing
            .flatten()
            .take(MOST_FILES)
            .map(|file| file.path())
            .collect();
        let mut is_usable = false;
        for file in files {
            is_usable |= self.read(&file).unwrap_or(false);
        }
        if is_usable {
            Ok(())
        } else {
            Err("holds no certificate".into())
        }
    }

    /// True where the file has a usable certificate.
    ///
    /// Left to the SDK, a certificate that cannot be parsed would be a panic: aws-smithy-http-client 1.5.2
    /// calls `expect` on each (`tls/rustls_provider.rs`). So those are left out here.
    fn read(&mut self, path: &Path) -> Result<bool, Unread> {
        let (file, found) = read_file::open(path, Links::Follow)?;
        if !self.files.insert((found.dev(), found.ino())) {
            return Ok(true); // read already
        }
        let text = read_file::content(file, &found, self.left)?;
        self.left = self.left.saturating_sub(text.len() as u64);
        let before = self.certificates.len();
        let mut usable = RootCertStore::empty();
        self.certificates.extend(
            pem::certificates(&text)
                .into_iter()
                .filter(|certificate| usable.add(certificate.clone()).is_ok()),
        );
        Ok(self.certificates.len() > before)
    }

    fn roots(mut self, shown: String) -> Roots {
        self.certificates.sort_unstable_by(|a, b| a.cmp(b));
        self.certificates.dedup();
        let store = TrustStore::empty().with_pem_certificate(as_pem(&self.certificates));
        Roots { store, shown }
    }
}

/// The SDK takes certificates as PEM only.
fn as_pem(certificates: &[CertificateDer<'_>]) -> Vec<u8> {
    let mut text = String::new();
    for certificate in certificates {
        let body = base64::encode(certificate);
        let _ = writeln!(
            text,
            "-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----"
        );
    }
    text.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::super::resolver::{Allowed, Resolver};
    use super::*;
    use crate::task::fork_gate::NoFork;
    use aws_smithy_http_client::proxy::ProxyConfig;
    use aws_smithy_runtime_api::client::http::HttpConnectorSettings;
    use std::panic::{AssertUnwindSafe, catch_unwind};

    #[test]
    fn the_built_in_list_is_usable() {
        let text = as_pem(webpki_root_certs::TLS_SERVER_ROOT_CERTS);
        let mut roots = RootCertStore::empty();
        let read = pem::certificates(&text);
        assert!(read.len() > 100, "{}", read.len());
        assert!(
            read.into_iter()
                .all(|certificate| roots.add(certificate).is_ok())
        );
    }

    /// As soon as this fails, bundles may go to the SDK as they are.
    #[test]
    fn the_sdk_still_panics_on_a_certificate_that_cannot_be_parsed() {
        let bad = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        let connect = || {
            super::super::connector(
                &TrustStore::empty().with_pem_certificate(bad),
                ProxyConfig::disabled(),
                HttpConnectorSettings::default(),
                None,
                Resolver::new(&NoFork, Allowed::Anything),
            )
        };
        assert!(catch_unwind(AssertUnwindSafe(connect)).is_err());
    }
}
