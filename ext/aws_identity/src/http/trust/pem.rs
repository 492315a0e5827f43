//! Certificates in a file, as OpenSSL reads them.

use rustls_pki_types::{CertificateDer, pem::PemObject};
use std::borrow::Cow;

/// The certificates of a PEM file that may vouch for a server. What cannot be read is left out.
///
/// OpenSSL takes three labels for a certificate, and a byte order mark before the first. Behind a `TRUSTED
/// CERTIFICATE` stands what it is trusted for.
pub(super) fn certificates(text: &[u8]) -> Vec<CertificateDer<'static>> {
    let text = text.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(text);
    let mut text = String::from_utf8_lossy(text);
    for label in ["X509 CERTIFICATE-----", "TRUSTED CERTIFICATE-----"] {
        for edge in ["-----BEGIN ", "-----END "] {
            let line = format!("{edge}{label}");
            if text.contains(&line) {
                text = Cow::Owned(text.replace(&line, &format!("{edge}CERTIFICATE-----")));
            }
        }
    }
    CertificateDer::pem_slice_iter(text.as_bytes())
        .flatten()
        .filter_map(|der| {
            let (_, _, rest) = element(&der)?;
            let certificate = der[..der.len() - rest.len()].to_vec();
            (rest.is_empty() || vouches_for_servers(rest)).then(|| certificate.into())
        })
        .collect()
}

/// `serverAuth` and `anyExtendedKeyUsage`, encoded.
const SERVERS: [&[u8]; 2] = [&[0x2b, 6, 1, 5, 5, 7, 3, 1], &[0x55, 0x1d, 0x25, 0]];
const SEQUENCE: u8 = 0x30;
/// `[0]`: the purposes for which the certificate is rejected.
const REJECTED: u8 = 0xa0;

/// What OpenSSL's `X509_CERT_AUX` says: a list of purposes it is trusted for (without one, for all), and one
/// of those it is rejected for.
fn vouches_for_servers(aux: &[u8]) -> bool {
    let Some((SEQUENCE, aux, _)) = element(aux) else {
        return false;
    };
    let list = |tag| elements(aux).find(|element| element.0 == tag);
    let has_servers = |(_, list)| elements(list).any(|(_, oid)| SERVERS.contains(&oid));
    list(SEQUENCE).is_none_or(has_servers) && !list(REJECTED).is_some_and(has_servers)
}

fn elements(mut der: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    std::iter::from_fn(move || {
        let (tag, content, rest) = element(der)?;
        der = rest;
        Some((tag, content))
    })
}

/// The tag and the content of the first element of `der`, and what follows it.
fn element(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = der.split_first()?;
    let (&length, rest) = rest.split_first()?;
    let (length, rest) = match length {
        0..=0x7f => (usize::from(length), rest),
        0x81..=0x84 => {
            let (bytes, rest) = rest.split_at_checked(usize::from(length & 0x7f))?;
            let length = bytes
                .iter()
                .fold(0_usize, |sum, &byte| (sum << 8) | usize::from(byte));
            (length, rest)
        }
        _ => return None,
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((tag, content, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(tag: u8, oids: &[&[u8]]) -> Vec<u8> {
        let body: Vec<u8> = oids
            .iter()
            .flat_map(|oid| [&[6, u8::try_from(oid.len()).unwrap()], *oid].concat())
            .collect();
        [&[tag, u8::try_from(body.len()).unwrap()], &body[..]].concat()
    }

    #[test]
    fn what_a_certificate_is_trusted_for_counts() {
        const CLIENTS: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 3, 2];
        let [servers, any] = SERVERS;
        let alias = [0x0c, 1, b'a'].to_vec();
        for (parts, is_trusted) in [
            (vec![], true),
            (vec![alias.clone()], true),
            (vec![list(SEQUENCE, &[servers]), alias], true),
            (vec![list(SEQUENCE, &[CLIENTS, any])], true),
            (vec![list(SEQUENCE, &[CLIENTS])], false),
            (vec![list(SEQUENCE, &[])], false),
            (vec![list(REJECTED, &[servers])], false),
            (vec![list(REJECTED, &[any])], false),
            (vec![list(REJECTED, &[CLIENTS])], true),
            (
                vec![list(SEQUENCE, &[servers]), list(REJECTED, &[servers])],
                false,
            ),
        ] {
            let body = parts.concat();
            let aux = [&[SEQUENCE, u8::try_from(body.len()).unwrap()], &body[..]].concat();
            assert_eq!(vouches_for_servers(&aux), is_trusted, "{aux:x?}");
        }
        for broken in [&[4, 0][..], &[SEQUENCE, 5, 1], &[SEQUENCE]] {
            assert!(!vouches_for_servers(broken));
        }
    }

    #[test]
    fn lengths_are_read_in_every_form() {
        let long = [&[4, 0x82, 1, 0], &[7; 256][..], &[9]].concat();
        assert_eq!(element(&long), Some((4, &[7; 256][..], &[9][..])));
        for broken in [
            &[4, 0x80][..],
            &[4, 0x82, 1],
            &[4, 2, 0],
            &[4],
            &[4, 0x85, 0, 0, 0, 0, 1, 0],
        ] {
            assert_eq!(element(broken), None);
        }
    }
}
