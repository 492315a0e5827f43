//! The proof that a request comes from the machine that logged in: RFC 9449, signed with ES256.

use crate::credentials::Millis;
use base64ct::{Base64, Base64UrlUnpadded, Encoding as _};
use p256::{
    SecretKey,
    ecdsa::{Signature, SigningKey, signature::Signer as _},
    elliptic_curve::sec1::ToEncodedPoint as _,
    pkcs8::DecodePrivateKey as _,
};
use serde_json::json;
use std::{
    hash::{BuildHasher as _, RandomState},
    time::SystemTime,
};
use zeroize::Zeroizing;

/// The private key of a login. Wiped when it is dropped.
pub(super) struct DpopKey(SecretKey);

impl DpopKey {
    /// Reads PEM as botocore does: the lines between the first and the last are base64, of whatever
    /// width. A line end may be written as `\n`.
    pub(super) fn parse(pem: &str) -> Option<Self> {
        let lines = Zeroizing::new(pem.replace("\\n", "\n"));
        let mut text = Zeroizing::new(String::with_capacity(lines.len()));
        lines
            .lines()
            .filter(|line| !line.starts_with("-----"))
            .for_each(|line| text.extend(line.split_whitespace()));
        let der = Zeroizing::new(Base64::decode_vec(&text).ok()?);
        let key = SecretKey::from_sec1_der(&der)
            .or_else(|_| SecretKey::from_pkcs8_der(&der))
            .ok()?;
        Some(Self(key))
    }

    /// The value of the `DPoP` header of a request for `url` at the time `now`.
    pub(super) fn proof(&self, method: &str, url: &str, now: Millis) -> String {
        let point = self.0.public_key().to_encoded_point(false);
        let coordinate = |bytes: Option<&p256::FieldBytes>| {
            Base64UrlUnpadded::encode_string(
                bytes.map(p256::FieldBytes::as_slice).unwrap_or_default(),
            )
        };
        let key = json!({ "kty": "EC", "crv": "P-256", "x": coordinate(point.x()), "y": coordinate(point.y()) });
        let header = json!({ "typ": "dpop+jwt", "alg": "ES256", "jwk": key });
        let payload = json!({ "htm": method, "htu": url, "iat": now / 1000, "jti": unique() });
        let part =
            |json: serde_json::Value| Base64UrlUnpadded::encode_string(json.to_string().as_bytes());
        let message = format!("{}.{}", part(header), part(payload));
        let signature: Signature = SigningKey::from(&self.0).sign(message.as_bytes());
        format!(
            "{message}.{}",
            Base64UrlUnpadded::encode_string(&signature.to_bytes())
        )
    }
}

/// 128 bits that no other request has.
fn unique() -> String {
    let chance = || RandomState::new().hash_one(SystemTime::now());
    format!("{:016x}{:016x}", chance(), chance())
}

#[cfg(test)]
mod tests {
    use super::*;
    use p256::ecdsa::{VerifyingKey, signature::Verifier as _};

    /// The key of the SDKs' public test cases.
    const KEY: &str = "-----BEGIN EC PRIVATE KEY-----\nMHcCAQEEIFDZHUzOG1Pzq+6F0mjMlOSp1syN9LRPBuHMoCFXTcXhoAoGCCqGSM49\nAwEHoUQDQgAE9qhj+KtcdHj1kVgwxWWWw++tqoh7H7UHs7oXh8jBbgF47rrYGC+t\ndjiIaHK3dBvvdE7MGj5HsepzLm3Kj91bqA==\n-----END EC PRIVATE KEY-----\n";

    #[test]
    fn a_key_is_read_in_every_form() {
        let key = DpopKey::parse(KEY).unwrap().0;
        let one_line = KEY
            .replace('\n', "")
            .replace("KEY-----", "KEY-----\n")
            .replace("-----END", "\n-----END");
        for form in [
            KEY.replace('\n', "\\n"),
            KEY.replace('\n', "\r\n"),
            KEY.trim().to_owned(),
            one_line,
        ] {
            assert_eq!(
                DpopKey::parse(&form).map(|read| read.0),
                Some(key.clone()),
                "{form}"
            );
        }
        for wrong in [
            "",
            "canary",
            "-----BEGIN EC PRIVATE KEY-----\n-----END EC PRIVATE KEY-----",
            &KEY.replace("MHcC", "MHcD"),
        ] {
            assert!(DpopKey::parse(wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    fn a_proof_is_signed_and_never_the_same() {
        let key = DpopKey::parse(KEY).unwrap();
        let proof = key.proof(
            "POST",
            "https://us-east-1.signin.aws.amazon.com/v1/token",
            1_767_323_045_678,
        );
        let parts: Vec<&str> = proof.split('.').collect();
        let read = |part: &str| -> serde_json::Value {
            serde_json::from_slice(&Base64UrlUnpadded::decode_vec(part).unwrap()).unwrap()
        };
        let (header, payload) = (read(parts[0]), read(parts[1]));
        assert_eq!(
            (header["typ"].as_str(), header["alg"].as_str()),
            (Some("dpop+jwt"), Some("ES256"))
        );
        assert_eq!(
            header["jwk"]["x"],
            "9qhj-KtcdHj1kVgwxWWWw--tqoh7H7UHs7oXh8jBbgE"
        );
        assert_eq!(
            payload["htu"],
            "https://us-east-1.signin.aws.amazon.com/v1/token"
        );
        assert_eq!(
            (payload["htm"].as_str(), payload["iat"].as_i64()),
            (Some("POST"), Some(1_767_323_045))
        );
        let signature =
            Signature::from_slice(&Base64UrlUnpadded::decode_vec(parts[2]).unwrap()).unwrap();
        let message = format!("{}.{}", parts[0], parts[1]);
        VerifyingKey::from(key.0.public_key())
            .verify(message.as_bytes(), &signature)
            .unwrap();
        assert_ne!(
            proof,
            key.proof(
                "POST",
                "https://us-east-1.signin.aws.amazon.com/v1/token",
                1_767_323_045_678
            )
        );
    }
}
