//! The fuzz targets: a function for each parser of foreign input. It panics where the parser does,
//! and where a property that must hold for every input does not.
//!
//! `rake fuzz` searches for such inputs with libFuzzer; `cargo test` runs the seeds and mutations of
//! them. Secrets in the seeds contain [`CANARY`]; no reason, message or `Debug` output may show it.

use aws_identity::{
    cache::{CacheDir, CacheKey, Request},
    config::Layers,
    credentials::{Credentials, KnownSecrets, Millis},
    environment::Environment,
    fetch,
    principal::{self, Principal},
    profile::{self, Files},
    providers::{metadata_credentials, process::answer, token_file},
};
use std::{
    fs::{self, File},
    io::Write as _,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    sync::OnceLock,
};

pub mod answers;

type Target = fn(&[u8]);

/// All targets, by name.
pub const TARGETS: [(&str, Target); 10] = [
    ("arn", arn),
    ("cache_file", cache_file),
    ("container_or_imds", container_or_imds),
    ("credential_process", credential_process),
    ("profile_files", profile_files),
    ("signin_answer", answers::signin),
    ("sso_answer", answers::sso),
    ("sso_token", sso_token),
    ("sts_answer", answers::sts),
    ("token_file", token_file),
];

/// Part of every secret in the seeds, and of nothing else there.
pub const CANARY: &str = "canary";

/// The separator of the texts in an input that has several.
const NEXT: &str = "\n----\n";

/// An ARN as `GetCallerIdentity` prints it, and the user id.
pub fn arn(input: &[u8]) {
    let Ok(text) = str::from_utf8(input) else {
        return;
    };
    let (arn, user_id) = text.split_once(NEXT).unwrap_or((text, "AROAEXAMPLE:s"));
    if let Some(name) = principal::normalize(text) {
        assert_legal(&name);
        assert_eq!(principal::normalize(&name), Some(name.clone()), "of {text:?}");
    }
    let Ok(principal) = Principal::parse(arn, None, user_id) else {
        return;
    };
    for with_account in [false, true] {
        assert_legal(&principal.canonical_name(with_account));
    }
    assert_eq!(principal.arn, arn);
}

/// LegionIO refuses any other name.
fn assert_legal(name: &str) {
    let inner = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_');
    let starts = name.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit());
    assert!(starts && name.bytes().all(inner), "{name:?} is no legal name");
}

/// A file of `~/.aws/cli/cache`. Credentials read from it, written and read again are the same.
pub fn cache_file(input: &[u8]) {
    let folder = scratch("cache");
    let cache = CacheDir::open(&folder).expect("a folder of our own");
    let key = CacheKey::new(&Request { role_arn: Some("arn:aws:iam::123456789012:role/worker"), ..Request::default() });
    let now = Millis::MIN;
    for name in [key.name(), key.own_name()] {
        let _ = fs::remove_file(folder.join(format!("{name}.json")));
    }
    write(&folder.join(format!("{}.json", key.name())), input);
    let Ok(Some(found)) = cache.read(&key, now) else {
        return;
    };
    assert_hidden(&found, &format!("{found:?}"));
    if cache.write(&key, &found, now).expect("a file of our own") {
        let again = cache.read(&key, now).expect("a readable file").expect("an entry");
        let expires_at = found.expires_at.map(|it| it.div_euclid(1000) * 1000);
        assert_eq!(again, Credentials { expires_at, source: again.source.clone(), ..found });
    }
}

/// The answer of a container endpoint or IMDS.
pub fn container_or_imds(input: &[u8]) {
    match metadata_credentials::parse(input, "imds", &KnownSecrets::default()) {
        Ok(credentials) => assert_hidden(&credentials, &format!("{credentials:?}")),
        // Code and message of a refusal are the only parts of the answer that a reason shows.
        Err(reason) => assert!(!reason.contains(CANARY) || reason.starts_with("it gave none: "), "{reason}"),
    }
}

/// The output of a `credential_process`.
pub fn credential_process(input: &[u8]) {
    match answer::read(input) {
        Ok(credentials) => assert_hidden(&credentials, &format!("{credentials:?}")),
        Err(reason) => assert!(!reason.contains(CANARY), "{reason}"),
    }
}

/// The config file and the credentials file.
pub fn profile_files(input: &[u8]) {
    let Ok(text) = str::from_utf8(input) else {
        return;
    };
    let (config, credentials) = text.split_once(NEXT).unwrap_or((text, ""));
    let files = match Files::from_texts(config, credentials) {
        Ok(files) => files,
        Err(failure) => {
            let shown = failure.message().contains(CANARY);
            return assert!(!shown || !only_in_values(text), "{}", failure.message());
        }
    };
    let summaries = fetch::profiles(&files, Layers::default(), 0);
    assert_eq!(summaries.len(), files.names().count());
    for summary in &summaries {
        assert!(files.contains(&summary.name));
        assert_eq!(summary.could_work, summary.reason.is_none(), "{}", summary.name);
        let Ok(chain) = profile::resolve(&files, &summary.name) else {
            continue;
        };
        if let profile::BaseProvider::Keys(keys) = &chain.base {
            assert_hidden(keys, &format!("{keys:?}"));
        }
    }
}

/// True if the canary stands in values only: names of profiles and keys may be shown, values not.
fn only_in_values(text: &str) -> bool {
    let is_word = |key: &str| key.trim_end().bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    text.split(['\n', '\r'])
        .filter(|line| line.contains(CANARY))
        .all(|line| line.split_once('=').is_some_and(|(key, _)| is_word(key)))
}

/// The token file that `aws sso login` writes.
pub fn sso_token(input: &[u8]) {
    static FILES: OnceLock<Files> = OnceLock::new();
    let files = FILES.get_or_init(|| {
        let config = "[profile p]\nsso_session = s\nsso_account_id = 123456789012\nsso_role_name = r\n\
                      [sso-session s]\nsso_start_url = https://example.awsapps.com/start\nsso_region = eu-west-1\n";
        Files::from_texts(config, "").expect("a good config file")
    });
    let home = scratch("home");
    let folder = home.join(".aws/sso/cache");
    fs::create_dir_all(&folder).expect("a folder of our own");
    // SHA-1 of the session's name, "s".
    write(&folder.join("a0f1490a20d0211c997b44bc357e1972deab8ae3.json"), input);
    let layers = Layers { environment: Environment::new([("HOME", home.to_string_lossy())]), ..Layers::default() };
    let summaries = fetch::profiles(files, layers, 1_800_000_000_000);
    let reason = summaries[0].reason.as_deref().unwrap_or_default();
    assert!(!reason.contains(CANARY), "{reason}");
    assert!(!reason.contains("is missing"), "the file has another name: {reason}");
}

/// The token file that Kubernetes mounts for a web identity and for Pod Identity.
pub fn token_file(input: &[u8]) {
    let path = scratch("token").join("token");
    write(&path, input);
    match token_file::read(&path) {
        Ok(token) => {
            let text = token.expose();
            assert!(!text.is_empty() && text == text.trim());
            assert!(!text.bytes().any(|byte| byte.is_ascii_control()), "{text:?}");
            assert!(!format!("{token:?}").contains(CANARY));
        }
        Err(reason) => assert!(!reason.contains(CANARY), "{reason}"),
    }
}

/// The secrets of `it` are not in `shown`, unless a field that is shown on purpose has the canary too.
fn assert_hidden(it: &Credentials, shown: &str) {
    let open = format!("{}{:?}{:?}{}", it.access_key_id, it.account_id, it.details, it.source);
    if !open.contains(CANARY) {
        assert!(!shown.contains(CANARY), "{shown}");
    }
}

/// Removes the files the targets have written.
pub fn clean_up() {
    let _ = fs::remove_dir_all(scratch(""));
}

/// A folder for this process alone.
fn scratch(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("aws-identity-fuzz-{}", std::process::id())).join(name);
    if !folder.exists() {
        let mut builder = fs::DirBuilder::new();
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.recursive(true).create(&folder).expect("a folder of our own");
    }
    folder
}

/// Writes a new file each time: some file systems flush a truncated one to the disk at once, which is slow.
fn write(path: &Path, content: &[u8]) {
    let _ = fs::remove_file(path);
    let mut file = File::options().write(true).create_new(true).mode(0o600).open(path).expect("a file of our own");
    file.write_all(content).expect("room for a small file");
}
