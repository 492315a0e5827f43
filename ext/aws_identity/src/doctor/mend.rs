//! Takes the rights of other users on the files that the doctor looks at: those of this user alone, and never
//! through a symbolic link.

use super::{
    finding::Finding,
    watched::{OTHERS_WRITE, Rule, watched},
};
use crate::{
    config::{Layers, Settings},
    fetch,
    util::read_file::{self, Links, Unread},
};
use rustix::process::geteuid;
use std::{
    fs::{self, Metadata, Permissions},
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
};

const CHECK: &str = "fix";

/// What was mended, each under its path, and what could not be.
#[must_use]
pub fn mend(layers: Layers) -> Vec<Finding> {
    let environment = layers.environment.clone();
    let settings = Settings::new(layers).ok();
    let chain = settings.as_ref().and_then(|settings| {
        let chain = fetch::profile_chain(settings).ok()?;
        chain.ok()
    });
    let mut done: Vec<(PathBuf, Rule)> = Vec::new();
    let mut findings = Vec::new();
    for (path, rule) in watched(&environment, settings.as_ref(), chain.as_ref()) {
        // Two variables may name one file, of which then both rules hold.
        let file = (path, rule);
        if !done.contains(&file) {
            findings.extend(mended(&file.0, rule));
            done.push(file);
        }
    }
    findings
}

/// Why the mode of this file, which is open as `about` says, is not ours to change.
pub(super) fn obstacle(path: &Path, about: &Metadata, rule: Rule) -> Option<&'static str> {
    if fs::symlink_metadata(path).is_ok_and(|there| there.is_symlink()) {
        return Some("it is a symbolic link");
    }
    if about.uid() != geteuid().as_raw() {
        return Some("it belongs to another user");
    }
    if about.nlink() > 1 {
        return Some("it has another name too, a hard link");
    }
    // With another mode it would be used, and others may have written what is in it.
    (rule == Rule::CacheEntry && about.mode() & OTHERS_WRITE != 0)
        .then_some("others may have written it")
}

fn mended(path: &Path, rule: Rule) -> Option<Finding> {
    let taken = rule.taken();
    let (_, about) = read_file::open(path, Links::Follow).ok()?;
    let mode = about.mode() & 0o7777;
    if mode & rule.judged() == 0 {
        return None;
    }
    let name = path.display().to_string();
    let left = |why: &str| {
        let what = format!("mode {mode:04o}, left as it is: {why}");
        Some(Finding::skipped(CHECK, &name, what)) // the finding about the file says what to do
    };
    if let Some(why) = obstacle(path, &about, rule) {
        return left(why);
    }
    // Looked at again when it is open, since another file may stand there by now.
    let (file, about) = match read_file::open(path, Links::Refuse) {
        Ok(opened) => opened,
        Err(Unread::Link) => return left("it is a symbolic link"),
        Err(why) => return left(&why.to_string()),
    };
    if let Some(why) = obstacle(path, &about, rule) {
        return left(why);
    }
    let new = about.mode() & 0o7777 & !taken;
    match file.set_permissions(Permissions::from_mode(new)) {
        Ok(()) => Some(Finding::ok(
            CHECK,
            &name,
            format!("mode {mode:04o}, now {new:04o}"),
        )),
        Err(error) => left(&error.to_string()),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let id = std::process::id();
            let path = std::env::temp_dir().join(format!("aws-identity-mend-{name}-{id}"));
            fs::create_dir_all(&path).unwrap();
            Self(path)
        }

        fn file(&self, name: &str, mode: u32) -> PathBuf {
            let path = self.0.join(name);
            fs::write(&path, "x").unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            path
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().mode() & 0o7777
    }

    #[test]
    fn takes_what_others_may_do_and_nothing_a_second_time() {
        let folder = Folder::new("modes");
        for (rule, before, after) in [
            (Rule::OwnerOnly, 0o644, Some(0o600)),
            (Rule::OwnerOnly, 0o666, Some(0o600)),
            (Rule::OwnerOnly, 0o755, Some(0o700)),
            (Rule::OwnerOnly, 0o400, None),
            (Rule::OthersMayRead, 0o666, Some(0o644)),
            (Rule::OthersMayRead, 0o644, None),
            (Rule::CacheEntry, 0o640, Some(0o600)),
            (Rule::CacheEntry, 0o600, None),
        ] {
            let path = folder.file("a", before);
            let found = mended(&path, rule);
            let what = found.map(|found| found.what);
            let wanted = after.map(|after| format!("mode {before:04o}, now {after:04o}"));
            assert_eq!(what, wanted);
            assert_eq!(mode(&path), after.unwrap_or(before));
            assert_eq!(mended(&path, rule), None);
        }
    }

    #[test]
    fn leaves_what_is_not_ours_to_mend() {
        let folder = Folder::new("links");
        let real = folder.file("real", 0o644);
        let link = folder.0.join("link");
        symlink(&real, &link).unwrap();
        let why = |path: &Path, rule| mended(path, rule).unwrap().what;
        assert!(why(&link, Rule::OwnerOnly).contains("symbolic link"));
        assert_eq!(mode(&real), 0o644);

        let twin = folder.0.join("twin");
        fs::hard_link(&real, &twin).unwrap();
        assert!(why(&twin, Rule::OwnerOnly).contains("hard link"));
        assert_eq!(mode(&real), 0o644);

        let foreign = folder.file("foreign", 0o666);
        assert!(why(&foreign, Rule::CacheEntry).contains("others may have written"));
        assert_eq!(mode(&foreign), 0o666);
        assert_eq!(mended(&folder.0.join("nothing"), Rule::OwnerOnly), None);
    }
}
