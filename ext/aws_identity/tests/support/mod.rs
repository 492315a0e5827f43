//! Texts of profiles.

use aws_identity::profile::Files;

pub const ROLE: &str = "role_arn = arn:aws:iam::123456789012:role/r\n";
pub const KEYS: &str = "aws_access_key_id = AKID\naws_secret_access_key = canary-secret\n";

pub fn files(config: &str, credentials: &str) -> Files {
    Files::from_texts(config, credentials).unwrap()
}

pub fn says(message: &str, parts: &[&str]) {
    for part in parts {
        assert!(message.contains(part), "{part:?} is not in: {message}");
    }
}
