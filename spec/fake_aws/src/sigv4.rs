//! AWS Signature Version 4 as the receiver computes it, written from the published description alone:
//! the check of what clients send must not share code with any of them.

use crate::http::{Request, decode};
use ring::{digest, hmac};
use std::fmt::Write;

const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// A parsed Authorization header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authorization {
    pub access_key_id: String,
    pub date: String,
    pub region: String,
    pub service: String,
    pub terminator: String,
    pub signed_headers: Vec<String>,
    pub signature: String,
}

impl Authorization {
    /// # Errors
    /// AWS's message for the part that is missing.
    pub fn parse(header: &str) -> Result<Self, String> {
        let rest =
            header.strip_prefix(ALGORITHM).ok_or_else(|| format!("Unsupported AWS 'algorithm': only {ALGORITHM} is taken"))?;
        let part = |name: &str| {
            rest.split(',')
                .filter_map(|part| part.trim().split_once('='))
                .find(|(key, _)| *key == name)
                .map(|(_, value)| value.to_owned())
                .ok_or_else(|| format!("Authorization header requires '{name}' parameter."))
        };
        let (credential, signed, signature) = (part("Credential")?, part("SignedHeaders")?, part("Signature")?);
        let [access_key_id, date, region, service, terminator] = credential.splitn(5, '/').collect::<Vec<_>>()[..] else {
            return Err("Credential must have exactly 5 slash-delimited elements".into());
        };
        Ok(Self {
            access_key_id: access_key_id.into(),
            date: date.into(),
            region: region.into(),
            service: service.into(),
            terminator: terminator.into(),
            signed_headers: signed.split(';').map(str::to_owned).collect(),
            signature,
        })
    }

    /// The signature of this request with that secret and time.
    #[must_use]
    pub fn expected_signature(&self, request: &Request, secret: &str, timestamp: &str) -> String {
        let scope = format!("{}/{}/{}/{}", self.date, self.region, self.service, self.terminator);
        let hash = hex(digest::digest(&digest::SHA256, canonical(request, &self.signed_headers).as_bytes()).as_ref());
        let mut key = format!("AWS4{secret}").into_bytes();
        for part in [&self.date, &self.region, &self.service, &self.terminator] {
            key = sign(&key, part).as_ref().to_vec();
        }
        hex(sign(&key, &format!("{ALGORITHM}\n{timestamp}\n{scope}\n{hash}")).as_ref())
    }
}

fn sign(key: &[u8], text: &str) -> hmac::Tag {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text.as_bytes())
}

/// Lower-case hexadecimal.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn canonical(request: &Request, signed_headers: &[String]) -> String {
    let mut text = format!("{}\n{}\n{}\n", request.method, canonical_path(&request.path), canonical_query(&request.query));
    for name in signed_headers {
        let values: Vec<String> = request
            .headers
            .iter()
            .filter(|(key, _)| key == name)
            .map(|(_, value)| value.split_ascii_whitespace().collect::<Vec<_>>().join(" "))
            .collect();
        let _ = writeln!(text, "{name}:{}", values.join(","));
    }
    let payload = hex(digest::digest(&digest::SHA256, &request.body).as_ref());
    let _ = write!(text, "\n{}\n{payload}", signed_headers.join(";"));
    text
}

/// Dots and empty segments are removed; what the client encoded is encoded a second time (every service but S3).
fn canonical_path(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => {
                kept.pop();
            }
            other => kept.push(other),
        }
    }
    let mut text = String::new();
    for segment in &kept {
        text.push('/');
        text.push_str(&encode(segment.as_bytes()));
    }
    if kept.is_empty() || ["/", "/.", "/.."].iter().any(|end| path.ends_with(end)) {
        text.push('/');
    }
    text
}

fn canonical_query(query: &str) -> String {
    let mut pairs: Vec<(String, String)> = query
        .split('&')
        .filter(|part| !part.is_empty())
        .map(|part| part.split_once('=').unwrap_or((part, "")))
        .map(|(name, value)| (encode(&decode(name, false)), encode(&decode(value, false))))
        .collect();
    pairs.sort();
    pairs.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
}

fn encode(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len()), |mut text, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(byte) {
            text.push(char::from(*byte));
        } else {
            let _ = write!(text, "%{byte:02X}");
        }
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

    fn vectors() -> Vec<(String, Request)> {
        let file: Vec<[String; 2]> = serde_json::from_str(include_str!("../tests/data/sigv4_vectors.json")).unwrap();
        file.into_iter()
            .map(|[name, text]| {
                let (head, body) = text.split_once("\n\n").unwrap();
                let mut request = Request::parse_head(head.as_bytes()).unwrap();
                request.body = body.into();
                (name, request)
            })
            .collect()
    }

    fn judge(request: &Request, secret: &str) -> (String, String) {
        let authorization = Authorization::parse(request.header("authorization").unwrap()).unwrap();
        let timestamp = request.header("x-amz-date").unwrap();
        let expected = authorization.expected_signature(request, secret, timestamp);
        (authorization.signature, expected)
    }

    #[test]
    fn agrees_with_the_published_vectors() {
        let vectors = vectors();
        assert!(vectors.len() > 25, "only {} vectors", vectors.len());
        for (name, request) in vectors {
            let (sent, expected) = judge(&request, SECRET);
            assert_eq!(sent, expected, "{name}");
        }
    }

    #[test]
    fn any_change_breaks_the_signature() {
        for (name, request) in vectors() {
            let (sent, other_secret) = judge(&request, "another");
            assert_ne!(sent, other_secret, "{name}");
            for change in [
                |r: &mut Request| r.body.push(b'x'),
                |r: &mut Request| r.method = "PUT".into(),
                |r: &mut Request| r.path.push_str("/x"),
                |r: &mut Request| r.query.push_str("&x=y"),
                |r: &mut Request| r.headers.iter_mut().find(|(name, _)| name == "host").unwrap().1.push('x'),
            ] {
                let mut changed = request.clone();
                change(&mut changed);
                let (sent, expected) = judge(&changed, SECRET);
                assert_ne!(sent, expected, "{name}");
            }
        }
    }

    #[test]
    fn says_what_is_missing() {
        let parse = |text: &str| Authorization::parse(text).unwrap_err();
        assert!(parse("Bearer x").contains("algorithm"));
        assert!(parse("AWS4-HMAC-SHA256 SignedHeaders=host, Signature=0").contains("'Credential'"));
        assert!(parse("AWS4-HMAC-SHA256 Credential=a/b/c/d/e, Signature=0").contains("'SignedHeaders'"));
        assert!(parse("AWS4-HMAC-SHA256 Credential=a/b/c/d/e, SignedHeaders=host").contains("'Signature'"));
        assert!(parse("AWS4-HMAC-SHA256 Credential=a/b, SignedHeaders=host, Signature=0").contains("5 slash"));
    }
}
