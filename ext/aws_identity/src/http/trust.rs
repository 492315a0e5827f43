//! Which certificate authorities are trusted.

use crate::{failure::Failure, settings::Chosen};
use aws_smithy_http_client::tls::TrustStore;
use aws_smithy_types::base64;
use rustls::RootCertStore;
use rustls_pki_types::{CertificateDer, pem::PemObject};
use std::{fmt::Write, fs, path::PathBuf};

/// A bundle of every public authority has about 200 kB.
const MOST_BYTES: u64 = 16 << 20;

/// A bundle replaces all other roots, as in botocore; else the system's are used, which honour
/// `SSL_CERT_FILE` and `SSL_CERT_DIR`.
pub(super) fn store(bundle: Option<&Chosen<PathBuf>>) -> Result<TrustStore, Failure> {
    match bundle {
        None => Ok(TrustStore::empty().with_native_roots(true)),
        Some(bundle) => Ok(TrustStore::empty().with_pem_certificate(read(&bundle.value)?)),
    }
}

/// The bundle's usable certificates. The SDK panics on one it cannot parse, so those are left out;
/// a bundle with none at all is an error.
fn read(path: &PathBuf) -> Result<Vec<u8>, Failure> {
    let unusable = |why: &str| {
        Failure::configuration(format!(
            "The CA bundle {} {why}. Check AWS_CA_BUNDLE, ca_bundle and the file; without them the system's authorities are used.",
            path.display()
        ))
    };
    let size = fs::metadata(path)
        .map_err(|error| unusable(&format!("cannot be read ({error})")))?
        .len();
    if size > MOST_BYTES {
        return Err(unusable("is far too large for a bundle of certificates"));
    }
    let pem = fs::read(path).map_err(|error| unusable(&format!("cannot be read ({error})")))?;
    let mut roots = RootCertStore::empty();
    let mut usable = String::new();
    for certificate in CertificateDer::pem_slice_iter(&pem).flatten() {
        if roots.add(certificate.clone()).is_ok() {
            let _ = writeln!(
                usable,
                "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----",
                base64::encode(&certificate)
            );
        }
    }
    if usable.is_empty() {
        return Err(unusable("holds no certificate"));
    }
    Ok(usable.into_bytes())
}
