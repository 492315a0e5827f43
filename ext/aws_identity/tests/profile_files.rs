//! Where the shared config files are looked up, and how they are read.

#![allow(clippy::unwrap_used)]

use aws_identity::{environment::Environment, failure::Kind, profile::Files};
use rustix::fs::{CWD, FileType, Mode, mknodat};
use std::{
    fs,
    os::unix::fs::symlink,
    path::PathBuf,
    time::{Duration, Instant},
};

/// A home directory for one test, removed at its end.
struct Home(PathBuf);

impl Home {
    fn new(name: &str) -> Self {
        let path =
            std::env::temp_dir().join(format!("aws-identity-files-{name}-{}", std::process::id()));
        fs::create_dir_all(path.join(".aws")).unwrap();
        Self(path)
    }

    fn path(&self, below: &str) -> PathBuf {
        self.0.join(below)
    }

    fn write(&self, below: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(below);
        fs::write(&path, text).unwrap();
        path
    }

    fn environment(&self, more: &[(&str, &str)]) -> Environment {
        let home = self.0.to_str().unwrap();
        Environment::new(more.iter().copied().chain([("HOME", home)]))
    }

    fn load(&self, more: &[(&str, &str)]) -> Files {
        Files::load(&self.environment(more)).unwrap()
    }

    fn names(&self, more: &[(&str, &str)]) -> Vec<String> {
        self.load(more).names().map(str::to_owned).collect()
    }

    fn refused(&self, more: &[(&str, &str)]) -> String {
        let failure = Files::load(&self.environment(more)).unwrap_err();
        assert_eq!(failure.kind, Kind::Configuration);
        assert!(!failure.message().contains("canary"), "{failure}");
        failure.message()
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn says(message: &str, parts: &[&str]) {
    for part in parts {
        assert!(message.contains(part), "{part:?} is not in: {message}");
    }
}

#[test]
fn both_files_below_home() {
    let home = Home::new("home");
    let config = home.write(".aws/config", "[profile a]\n");
    let credentials = home.write(".aws/credentials", "[b]\n[c]\n");
    assert_eq!(home.names(&[]), ["a", "b", "c"]);
    let files = home.load(&[]);
    assert_eq!(
        Files::places(&home.environment(&[])),
        (Some(config.clone()), Some(credentials.clone()))
    );
    assert_eq!(
        files.looked_at(),
        format!(
            "{} (1 profile) and {} (2 profiles)",
            config.display(),
            credentials.display()
        )
    );
}

#[test]
fn variables_name_other_files_and_are_expanded() {
    let home = Home::new("variables");
    let other = home
        .write("other", "[profile other]\n")
        .display()
        .to_string();
    for path in [
        other.as_str(),
        "~/other",
        "$HOME/other",
        "${HOME}/other",
        "$HOME/$NAME",
        "${HOME}/o$PART",
    ] {
        let more = [
            ("AWS_CONFIG_FILE", path),
            ("NAME", "other"),
            ("PART", "ther"),
        ];
        assert_eq!(home.names(&more), ["other"], "{path}");
    }
    home.write("$PRICE", "[odd]\n");
    assert_eq!(
        home.names(&[("AWS_SHARED_CREDENTIALS_FILE", "~/$PRICE")]),
        ["odd"]
    );
}

/// As in the AWS CLI, where such a variable is the way to a machine's role although a file is there.
#[test]
fn a_blank_variable_means_no_file_and_the_other_file_is_read() {
    let home = Home::new("blank");
    home.write(".aws/config", "[profile config]\n");
    home.write(".aws/credentials", "[credentials]\n");
    for blank in ["", "  ", "\t"] {
        let variable = [("AWS_SHARED_CREDENTIALS_FILE", blank)];
        assert_eq!(home.names(&variable), ["config"]);
        says(
            &home.load(&variable).looked_at(),
            &["no file (AWS_SHARED_CREDENTIALS_FILE is blank)"],
        );
        assert_eq!(home.names(&[("AWS_CONFIG_FILE", blank)]), ["credentials"]);
    }
}

#[test]
fn a_missing_file_or_one_that_is_not_regular_has_no_profiles() {
    let home = Home::new("missing");
    assert!(home.names(&[]).is_empty());
    says(
        &home.load(&[]).looked_at(),
        &["config (missing)", "credentials (missing)"],
    );
    for path in ["/dev/null", "~/.aws", "~/nowhere/at/all"] {
        assert!(
            home.names(&[("AWS_CONFIG_FILE", path)]).is_empty(),
            "{path}"
        );
    }
    says(
        &home.load(&[("AWS_CONFIG_FILE", "/dev/null")]).looked_at(),
        &["/dev/null (not a regular file)"],
    );
    let nowhere = Files::load(&Environment::default()).unwrap();
    assert_eq!(Files::places(&Environment::default()), (None, None));
    assert_eq!(nowhere.names().count(), 0);
    says(&nowhere.looked_at(), &["no file (no HOME)"]);
}

#[test]
fn a_fifo_does_not_block() {
    let home = Home::new("fifo");
    mknodat(
        CWD,
        home.path(".aws/config"),
        FileType::Fifo,
        Mode::RUSR | Mode::WUSR,
        0,
    )
    .unwrap();
    let start = Instant::now();
    assert!(home.names(&[]).is_empty());
    assert!(start.elapsed() < Duration::from_secs(1));
}

#[test]
fn an_unreadable_file_fails_if_a_variable_names_it() {
    let home = Home::new("unreadable");
    // Even root cannot follow a link that leads to itself.
    symlink(home.path("loop"), home.path("loop")).unwrap();
    says(
        &home.refused(&[("AWS_CONFIG_FILE", "~/loop")]),
        &["AWS_CONFIG_FILE names", "loop", "unset the variable"],
    );
    symlink(home.path(".aws/config"), home.path(".aws/config")).unwrap();
    assert!(home.names(&[]).is_empty());
    says(&home.load(&[]).looked_at(), &["config (unreadable: "]);
}

#[test]
fn a_malformed_file_is_refused() {
    let home = Home::new("odd");
    home.write(".aws/config", vec![b'#'; 4 * 1024 * 1024 + 1]);
    says(
        &home.refused(&[]),
        &[".aws/config is larger than 4194304 bytes"],
    );
    home.write(".aws/config", vec![b'#'; 4 * 1024 * 1024]);
    assert!(home.names(&[]).is_empty(), "exactly the limit is read");
    home.write(
        ".aws/config",
        b"[profile a]\naws_secret_access_key = canary\xff\n",
    );
    says(&home.refused(&[]), &[".aws/config, line 2", "not UTF-8"]);
    home.write(".aws/config", "[profile a]\n\ncanary\n");
    says(
        &home.refused(&[]),
        &[".aws/config, line 3", "'=' is expected"],
    );
    fs::remove_file(home.path(".aws/config")).unwrap();
    home.write(".aws/credentials", "[a]\n[a]\n");
    says(
        &home.refused(&[]),
        &[".aws/credentials, line 2", "second time"],
    );
}
