//! Files with credentials, and files that name providers: whether they exist, and which other users
//! may read or write them.

use super::finding::Finding;
use crate::{
    config::{Settings, TokenSource},
    environment::Environment,
    profile::{BaseProvider, Files, ProfileChain},
    providers,
    util::read_file::{self, Links, Unread},
};
use std::{
    fs,
    io::ErrorKind,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
};

const CHECK: &str = "files";
const OTHERS_READ: u32 = 0o044;
const OTHERS_WRITE: u32 = 0o022;

/// What other users may do with a file.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Rule {
    /// Nothing, since it holds a secret.
    OwnerOnly,
    /// Read it, since it holds no secret, but not write it, since it decides about programs and
    /// roles.
    OthersMayRead,
}

pub(super) fn look(
    environment: &Environment,
    settings: Option<&Settings>,
    profile_chain: Option<&ProfileChain>,
    findings: &mut Vec<Finding>,
) {
    // With settings, the source that reads the files reports the failure.
    if settings.is_none()
        && let Err(failure) = Files::load(environment)
    {
        findings.push(Finding::failed(CHECK, "profiles", &failure));
    }
    let (config, credentials) = Files::places(environment);
    let mut shared = |name, variable, path: Option<&Path>, rule| match path {
        Some(path) => findings.push(shared(name, path, rule)),
        None if environment.is_blank(variable) => {
            let what = format!("none is read, since {variable} is blank");
            findings.push(Finding::skipped(CHECK, name, what));
        }
        None => findings.push(Finding::skipped(CHECK, name, "HOME is not set")),
    };
    shared(
        "config file",
        "AWS_CONFIG_FILE",
        config.as_deref(),
        Rule::OthersMayRead,
    );
    shared(
        "credentials file",
        "AWS_SHARED_CREDENTIALS_FILE",
        credentials.as_deref(),
        Rule::OwnerOnly,
    );
    if let Some(chain) = profile_chain {
        let notes = &chain.notes;
        let mut told = Vec::new(); // a section that another replaced is also one without credentials
        for note in notes
            .unusable
            .iter()
            .chain(&notes.set_aside)
            .chain(&notes.comments)
            .chain(&notes.passed_over)
        {
            if told.contains(&note) {
                continue;
            }
            told.push(note);
            findings.push(Finding::warning(
                CHECK,
                "profiles",
                &note.cause,
                &note.remedy,
            ));
        }
    }
    for (name, path) in tokens(environment, settings, profile_chain) {
        findings.push(match read_file::open(&path, Links::Follow) {
            Ok((_, about)) => judged(&name, &path, about.mode(), rule_of(&path)),
            // The sources check reports whether the file is needed.
            Err(why) => unreadable(&name, &path, &why).mild(),
        });
    }
    if let Some(home) = environment.get("HOME") {
        cached(findings, &Path::new(home).join(".aws/cli/cache"));
    }
}

/// One of the two shared files, which need not exist.
fn shared(name: &str, path: &Path, rule: Rule) -> Finding {
    let found = match read_file::open(path, Links::Follow) {
        Ok((_, about)) => judged(name, path, about.mode(), rule),
        Err(Unread::Missing) => {
            Finding::skipped(CHECK, name, format!("{} is not there", path.display()))
        }
        Err(why @ Unread::Io(_)) => unreadable(name, path, &why),
        Err(why) => Finding::skipped(CHECK, name, format!("{} is {why}", path.display())),
    };
    found.detail("path", path.to_string_lossy())
}

/// Token files that an option, the environment or the profile names.
fn tokens(
    environment: &Environment,
    settings: Option<&Settings>,
    profile_chain: Option<&ProfileChain>,
) -> Vec<(String, PathBuf)> {
    let mut tokens = Vec::new();
    if let Some(TokenSource::File(path)) = settings.and_then(Settings::web_identity) {
        tokens.push(("web_identity_token_file".to_owned(), path.clone()));
    }
    for name in [
        "AWS_WEB_IDENTITY_TOKEN_FILE",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
    ] {
        if let Some(path) = environment.get(name) {
            tokens.push((name.to_owned(), environment.expand_home(path.trim())));
        }
    }
    match profile_chain.map(|profile_chain| (&profile_chain.base, &profile_chain.base_profile)) {
        Some((BaseProvider::WebIdentity { token_file, .. }, profile)) => {
            tokens.push((
                format!("token file of profile {profile}"),
                environment.expand_home(token_file),
            ));
        }
        Some((
            BaseProvider::Sso {
                session, start_url, ..
            },
            profile,
        )) => {
            let path = providers::sso_token_path(environment, session.as_deref(), start_url);
            // The source reports a missing login.
            if path.exists() {
                tokens.push((format!("SSO token of profile {profile}"), path));
            }
        }
        Some((BaseProvider::Login { session }, profile)) => {
            let path = providers::login_token_path(environment, session);
            if path.exists() {
                tokens.push((format!("console session of profile {profile}"), path));
            }
        }
        _ => {}
    }
    tokens
}

/// Kubernetes mounts tokens with a mode that lets any user of the container read them.
fn rule_of(path: &Path) -> Rule {
    let is_mounted = ["/var/run/secrets", "/run/secrets"]
        .iter()
        .any(|folder| path.starts_with(folder));
    if is_mounted {
        Rule::OthersMayRead
    } else {
        Rule::OwnerOnly
    }
}

fn judged(name: &str, path: &Path, mode: u32, rule: Rule) -> Finding {
    let mode = mode & 0o7777;
    let shown = format!("{} (mode {mode:04o})", path.display());
    let found = if mode & OTHERS_WRITE != 0 {
        Finding::warning(
            CHECK,
            name,
            format!(
                "{shown} may be written by others, who could give this process another identity"
            ),
            format!("Run `chmod go-w {}`.", path.display()),
        )
    } else if mode & OTHERS_READ != 0 && rule == Rule::OwnerOnly {
        Finding::warning(
            CHECK,
            name,
            format!("{shown} may be read by others"),
            format!("Run `chmod 600 {}`.", path.display()),
        )
    } else {
        Finding::ok(CHECK, name, shown)
    };
    found.detail("mode", format!("{mode:04o}"))
}

fn unreadable(name: &str, path: &Path, why: &Unread) -> Finding {
    let why = match why {
        Unread::Missing => "does not exist".to_owned(),
        Unread::Io(error) if error.kind() == ErrorKind::PermissionDenied => {
            "may not be read by this user".into()
        }
        why => format!("is {why}"),
    };
    let remedy = format!(
        "Check the path, the mount, and that this user may read it; or do not name it ({name})."
    );
    Finding::failure(CHECK, name, format!("{} {why}.", path.display()), remedy)
}

/// Role sessions of the AWS CLI, and of this gem if `cache` is set: each file holds credentials.
fn cached(findings: &mut Vec<Finding>, dir: &Path) {
    if dir.is_dir() {
        let found = open_to_others(dir, "AWS CLI cache");
        findings.push(found.unwrap_or_else(|| {
            Finding::ok(
                CHECK,
                "AWS CLI cache",
                format!("{}: only its owner may read what is in it", dir.display()),
            )
        }));
    }
}

/// The files of a cache that group or others may read or write.
pub(super) fn open_to_others(dir: &Path, name: &str) -> Option<Finding> {
    let listing = fs::read_dir(dir).ok()?;
    let mut open: Vec<String> = listing
        .flatten()
        .filter(|entry| {
            entry
                .path()
                .extension()
                .is_some_and(|extension| extension == "json")
        })
        .filter(|entry| {
            let mode = entry.metadata().map(|about| about.permissions().mode());
            mode.is_ok_and(|mode| mode & (OTHERS_READ | OTHERS_WRITE) != 0)
        })
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    open.sort();
    let first = open.first()?;
    let which = match open.len() {
        1 => first.clone(),
        count => format!("{first} and {} more", count - 1),
    };
    let found = Finding::warning(
        CHECK,
        name,
        format!(
            "{}: {which} may be read or written by others, and holds credentials; such a file is not used",
            dir.display()
        ),
        format!(
            "Run `chmod 600 {}/*.json` if you trust them, else remove them.",
            dir.display()
        ),
    );
    Some(found.detail("files", open.len()))
}
