//! Which certificate authorities are trusted.

use crate::{
    environment::Environment,
    failure::Failure,
    util::read_file::{self, Unread},
};
use aws_smithy_http_client::tls::TrustStore;
use aws_smithy_types::base64;
use rustls::RootCertStore;
use rustls_pki_types::{CertificateDer, pem::PemObject};
use std::{
    fmt::Write,
    fs,
    path::{Path, PathBuf},
};

/// A bundle of every public authority has about 200 kB.
const BUNDLE_LIMIT: u64 = 16 << 20;

/// A bundle replaces all other roots, as in botocore; else the system's are used, which honour
/// `SSL_CERT_FILE` and `SSL_CERT_DIR`; where the system has none, as in a container image without an
/// operating system, Mozilla's list as it was when this was built.
pub(super) fn store(
    bundle: Option<&Path>,
    environment: &Environment,
) -> Result<TrustStore, Failure> {
    let none = TrustStore::empty();
    match bundle {
        Some(bundle) => Ok(none.with_pem_certificate(read(bundle)?)),
        None if environment
            .first(&["SSL_CERT_FILE", "SSL_CERT_DIR"])
            .is_some()
            || system_has_roots() =>
        {
            Ok(none.with_native_roots(true))
        }
        None => Ok(none.with_pem_certificate(pem(webpki_root_certs::TLS_SERVER_ROOT_CERTS))),
    }
}

/// What `store` returns, as a message shows it.
pub(super) fn describe(bundle: Option<&Path>, environment: &Environment) -> String {
    if let Some(bundle) = bundle {
        return format!("the bundle {} alone", bundle.display());
    }
    match environment.first(&["SSL_CERT_FILE", "SSL_CERT_DIR"]) {
        Some((name, path)) => format!("the authorities of {name}={path}"),
        None if system_has_roots() => "the system's authorities".into(),
        None => "Mozilla's authorities as of this release, since the system has none".into(),
    }
}

/// Looks for the files only: reading them takes the SDK two milliseconds, once a process.
fn system_has_roots() -> bool {
    cfg!(target_os = "macos") || {
        let found = openssl_probe::probe();
        let is_filled =
            |dir: &PathBuf| fs::read_dir(dir).is_ok_and(|mut files| files.next().is_some());
        found.cert_file.is_some() || found.cert_dir.iter().any(is_filled)
    }
}

/// The bundle's usable certificates, or why there is none.
///
/// Left to the SDK, a certificate that cannot be parsed would be a panic: aws-smithy-http-client 1.5.2
/// calls `expect` on each (`tls/rustls_provider.rs`). So those are left out here.
fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let unusable = |why: &str| {
        Failure::configuration(
            format!("The CA bundle {} {why}.", path.display()),
            "Check AWS_CA_BUNDLE, ca_bundle and the file; without them the system's authorities are used.",
        )
    };
    let (_, text) = read_file::read(path, BUNDLE_LIMIT).map_err(|why| match why {
        Unread::Missing => unusable("cannot be read (it does not exist)"),
        Unread::Io(error) => unusable(&format!("cannot be read ({error})")),
        Unread::TooLarge => unusable("is far too large for a bundle of certificates"),
        Unread::NotAFile | Unread::Link => unusable("is not a regular file"),
    })?;
    let mut roots = RootCertStore::empty();
    let usable: Vec<_> = CertificateDer::pem_slice_iter(&text)
        .flatten()
        .filter(|certificate| roots.add(certificate.clone()).is_ok())
        .collect();
    if usable.is_empty() {
        return Err(unusable("holds no certificate"));
    }
    Ok(pem(&usable))
}

/// The SDK takes certificates as PEM only.
fn pem(certificates: &[CertificateDer<'_>]) -> Vec<u8> {
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
        let text = pem(webpki_root_certs::TLS_SERVER_ROOT_CERTS);
        let mut roots = RootCertStore::empty();
        let read: Vec<_> = CertificateDer::pem_slice_iter(&text).flatten().collect();
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
