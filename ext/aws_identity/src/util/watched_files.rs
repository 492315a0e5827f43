//! Files that are read for credentials, and whether one of them has changed since.

use super::file_stamp::Stamp;
use std::path::PathBuf;

/// Paths, each with the stamp its file had before it was read.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct WatchedFiles(Vec<(PathBuf, Option<Stamp>)>);

impl WatchedFiles {
    /// Takes the stamp of a file that is about to be read, or may appear.
    pub fn add(&mut self, path: PathBuf) {
        let stamp = Stamp::of(&path);
        self.0.push((path, stamp));
    }

    /// True if a file was written, replaced, made or removed. Looks at each and reads none; on a
    /// file system that hangs it blocks the thread.
    #[must_use]
    pub fn have_changed(&self) -> bool {
        self.0
            .iter()
            .any(|(path, before)| Stamp::of(path) != *before)
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use std::{fs, os::unix::fs::symlink, thread, time::Duration};

    type Change<'a> = (&'a str, Box<dyn Fn() + 'a>);

    #[test]
    fn a_change_of_any_kind_is_seen() {
        let folder = std::env::temp_dir().join(format!("watched-files-{}", std::process::id()));
        fs::create_dir_all(folder.join("v1")).unwrap();
        fs::create_dir_all(folder.join("v2")).unwrap();
        let at = |name: &str| folder.join(name);
        fs::write(at("v1/token"), "one").unwrap();
        fs::write(at("v2/token"), "one").unwrap();
        symlink("v1", at("data")).unwrap();
        fs::write(at("file"), "[a]").unwrap();
        let changes: [Change<'_>; 6] = [
            (
                "written, same length",
                Box::new(|| fs::write(at("file"), "[b]").unwrap()),
            ),
            (
                "replaced, same text",
                Box::new(|| {
                    fs::write(at("new"), "[b]").unwrap();
                    fs::rename(at("new"), at("file")).unwrap();
                }),
            ),
            ("removed", Box::new(|| fs::remove_file(at("file")).unwrap())),
            ("made", Box::new(|| fs::write(at("file"), "[c]").unwrap())),
            ("emptied", Box::new(|| fs::write(at("file"), "").unwrap())),
            (
                "a link to other files",
                Box::new(|| {
                    symlink("v2", at("next")).unwrap();
                    fs::rename(at("next"), at("data")).unwrap();
                }),
            ),
        ];
        for (kind, change) in &changes {
            let mut files = WatchedFiles::default();
            assert!(files.is_empty());
            for name in ["file", "data/token", "nowhere"] {
                files.add(at(name));
            }
            assert!(!files.have_changed(), "before: {kind}");
            // File systems store times with a resolution of some milliseconds.
            thread::sleep(Duration::from_millis(20));
            change();
            assert!(files.have_changed(), "{kind}");
        }
        fs::remove_dir_all(&folder).unwrap();
    }
}
