//! What the tests of the cache share.

mod content;
mod files;
mod listing;
mod lock;
mod names;
mod sharing;

use super::*;
use crate::{credentials::Secret, sts::AssumeRoleOptions};
use serde_json::json;
use std::{
    fs::Permissions,
    future::ready,
    io::{BufRead, BufReader, Read},
    os::unix::fs::{PermissionsExt, symlink},
    pin::pin,
    process::{Child, ChildStdout, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    task::{Context, Poll, Waker},
    thread,
    time::Instant,
};

const ROLE: &str = "arn:aws:iam::123456789012:role/Worker";
/// 2026-01-02T03:04:05Z
const NOW: Millis = 1_767_323_045_000;
const HOUR: Millis = 3_600_000;

/// A directory that is removed at the end of the test.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("lex-cache-{}-{number}", std::process::id()));
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    fn cache(&self) -> CacheDir {
        CacheDir::open(self.0.join("cache")).unwrap()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn key(change: impl FnOnce(&mut Request<'static>)) -> CacheKey {
    let mut request = Request {
        role_arn: Some(ROLE),
        ..Request::default()
    };
    change(&mut request);
    CacheKey::new(&request)
}

fn plain() -> CacheKey {
    key(|_| {})
}

fn tags(tags: &[(&str, &str)]) -> Vec<(String, String)> {
    tags.iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect()
}

fn credentials(access_key_id: &str, expires_at: Millis) -> Credentials {
    let mut credentials = Credentials::new(
        access_key_id,
        "canary/secret",
        Some("canary\"token".into()),
        SOURCE,
    );
    credentials.expires_at = Some(expires_at);
    credentials
}

fn file_of(cache: &CacheDir, name: &str) -> PathBuf {
    cache.path.join(format!("{name}.json"))
}

fn put_file(path: &Path, content: &str) {
    fs::write(path, content).unwrap();
    fs::set_permissions(path, Permissions::from_mode(0o600)).unwrap();
}

/// As the AWS CLI writes it.
fn cli_file(access_key_id: &str, expiration: &str) -> String {
    json!({
        "Credentials": {
            "AccessKeyId": access_key_id,
            "SecretAccessKey": "canary/secret",
            "SessionToken": "canary/token==",
            "Expiration": expiration,
            "AccountId": "123456789012"
        },
        "AssumedRoleUser": {
            "AssumedRoleId": "AROAEXAMPLE:botocore-session-1",
            "Arn": "arn:aws:sts::123456789012:assumed-role/Worker/botocore-session-1"
        },
        "PackedPolicySize": 6,
        "ResponseMetadata": {
            "RequestId": "c6104cbe-af31-11e0-8154-cbc7ccf896c7",
            "HTTPStatusCode": 200,
            "HTTPHeaders": { "server": "amazon.com" },
            "RetryAttempts": 0
        }
    })
    .to_string()
}

fn read_id(cache: &CacheDir, key: &CacheKey) -> Option<String> {
    cache
        .read(key, NOW)
        .unwrap()
        .map(|found| found.access_key_id)
}
