//! Files with credentials, and files that name providers: whether they exist, and which other users
//! may read or write them.

use super::{
    finding::Finding,
    mend,
    watched::{OTHERS_WRITE, Rule, entries, rule_of, tokens},
};
use crate::{
    config::Settings,
    environment::Environment,
    profile::{Files, ProfileChain},
    util::read_file::{self, Links, Unread},
};
use std::{
    fs::{self, Metadata},
    io::ErrorKind,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

const CHECK: &str = "files";
/// What mends what it can of the findings here.
const FIX: &str = "lex-identity-aws doctor --fix";
const ANYONE_WRITES: u32 = 0o002;
const STICKY: u32 = 0o1000;

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
    let places = [config, credentials];
    let mut folders: Vec<&Path> = places
        .iter()
        .flatten()
        .filter_map(|path| path.parent())
        .collect();
    folders.dedup();
    findings.extend(folders.into_iter().filter_map(open_folder));
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
            Ok((_, about)) => judged(&name, &path, &about, rule_of(&path)),
            // The sources check reports whether the file is needed.
            Err(why) => unreadable(&name, &path, &why).mild(),
        });
    }
    if let Some(folder) = environment.cli_cache() {
        cached(findings, &folder);
    }
}

/// One of the two shared files, which need not exist.
fn shared(name: &str, path: &Path, rule: Rule) -> Finding {
    let found = match read_file::open(path, Links::Follow) {
        Ok((_, about)) => judged(name, path, &about, rule),
        Err(Unread::Missing) => {
            Finding::skipped(CHECK, name, format!("{} is not there", path.display()))
        }
        Err(why @ Unread::Io(_)) => unreadable(name, path, &why),
        Err(why) => Finding::skipped(CHECK, name, format!("{} is {why}", path.display())),
    };
    found.detail("path", path.to_string_lossy())
}

/// Who may write to the folder may put another file in the place of any in it, but where its mode says (sticky) that
/// only the owner of a file may. Shared with a group it may be on purpose.
fn open_folder(path: &Path) -> Option<Finding> {
    let mode = fs::metadata(path).ok()?.mode() & 0o7777;
    let folder = path.display();
    let what = format!(
        "{folder} (mode {mode:04o}) may be written by anyone, who could put other files there and give this process another identity"
    );
    let remedy = format!("Run `chmod o-w {folder}`.");
    let found = Finding::warning(CHECK, "folder", what, remedy);
    (mode & (ANYONE_WRITES | STICKY) == ANYONE_WRITES)
        .then(|| found.detail("mode", format!("{mode:04o}")))
}

fn judged(name: &str, path: &Path, about: &Metadata, rule: Rule) -> Finding {
    let mode = about.mode() & 0o7777;
    let shown = format!("{} (mode {mode:04o})", path.display());
    if mode & rule.judged() == 0 {
        return Finding::ok(CHECK, name, shown).detail("mode", format!("{mode:04o}"));
    }
    let what = if mode & OTHERS_WRITE != 0 {
        format!("{shown} may be written by others, who could give this process another identity")
    } else {
        format!("{shown} may be read by others")
    };
    let command = format!("{} {}", rule.command(), path.display());
    let is_ours = mend::obstacle(path, about, rule).is_none();
    let remedy = if is_ours {
        format!("Run `{FIX}`, or `{command}`.")
    } else {
        format!("Run `{command}`.")
    };
    Finding::warning(CHECK, name, what, remedy)
        .detail("mode", format!("{mode:04o}"))
        .detail("fixable", is_ours)
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
    let rule = Rule::CacheEntry;
    let open: Vec<(PathBuf, Metadata)> = entries(dir)
        .into_iter()
        .filter_map(|path| {
            let about = fs::metadata(&path).ok()?;
            (about.mode() & rule.judged() != 0).then_some((path, about))
        })
        .collect();
    let first = open.first()?.0.file_name()?.to_string_lossy();
    let which = match open.len() {
        1 => first.into_owned(),
        count => format!("{first} and {} more", count - 1),
    };
    let is_ours =
        |(path, about): &&(PathBuf, Metadata)| mend::obstacle(path, about, rule).is_none();
    let ours = open.iter().filter(is_ours).count();
    let folder = dir.display();
    let remedy = match (ours, open.len() - ours) {
        (_, 0) => format!("Run `{FIX}`, or `chmod 600 {folder}/*.json`."),
        (0, _) => format!("Run `chmod 600 {folder}/*.json` if you trust them, else remove them."),
        _ => format!("Run `{FIX}`, which leaves those that others may have written; remove these."),
    };
    let found = Finding::warning(
        CHECK,
        name,
        format!(
            "{folder}: {which} may be read or written by others, and holds credentials; such a file is not used"
        ),
        remedy,
    );
    Some(
        found
            .detail("files", open.len())
            .detail("fixable", ours > 0),
    )
}
