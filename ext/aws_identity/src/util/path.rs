//! `~` and `~user` at the beginning of a path, as a shell and the AWS CLI expand them.

use super::read_file;
use std::path::{Path, PathBuf};

const PASSWD: &str = "/etc/passwd";
/// More than the user list of any machine that keeps its users in this file.
const SIZE_LIMIT: u64 = 4 * 1024 * 1024;

/// `path` with a leading `~` replaced by `home` and a leading `~user` by that user's home directory.
///
/// The user is looked up in `/etc/passwd` alone: a name service (LDAP, SSSD) may wait for the network. A
/// path whose `~` has no known directory stays as it is, as with Python's `os.path.expanduser`.
#[must_use]
pub fn expand_home(path: &str, home: Option<&str>) -> PathBuf {
    expand(path, home, Path::new(PASSWD))
}

fn expand(path: &str, home: Option<&str>, passwd: &Path) -> PathBuf {
    let Some(after) = path.strip_prefix('~') else {
        return path.into();
    };
    let (user, below) = after.split_at(after.find('/').unwrap_or(after.len()));
    let folder = if user.is_empty() {
        home.map(str::to_owned)
    } else {
        home_of(user, passwd)
    };
    match folder {
        // Joined as text, since `Path::join` would take "/below" for a path of its own.
        Some(folder) => match folder.trim_end_matches('/') {
            "" if below.is_empty() => "/".into(),
            folder => format!("{folder}{below}").into(),
        },
        None => path.into(),
    }
}

/// The sixth field of the user's line.
fn home_of(user: &str, passwd: &Path) -> Option<String> {
    let (_, bytes) = read_file::read(passwd, SIZE_LIMIT).ok()?;
    String::from_utf8_lossy(&bytes).lines().find_map(|line| {
        let mut fields = line.split(':');
        let is_users = fields.next() == Some(user);
        let home = fields.nth(4).filter(|home| !home.is_empty());
        home.filter(|_| is_users).map(str::to_owned)
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    // Each expectation is what Python's `os.path.expanduser` answers with such users.
    #[test]
    fn expands_as_the_aws_cli_does() {
        let passwd = std::env::temp_dir().join(format!("passwd-{}", std::process::id()));
        std::fs::write(
            &passwd,
            "# users\nroot:x:0:0:root:/root:/bin/sh\nann:x:1:1:Ann, B.:/home/ann/:/bin/sh\nshort:x\nnone:x:2:2:::/bin/sh\ntop:x:3:3::/:\n",
        )
        .unwrap();
        let home = Some("/home/me");
        for (path, home, expanded) in [
            ("~", home, "/home/me"),
            ("~/a/b", home, "/home/me/a/b"),
            ("~//a", home, "/home/me//a"),
            ("~/a", Some("/home/me/"), "/home/me/a"),
            ("~/a", Some("/"), "/a"),
            ("~", Some("/"), "/"),
            ("~/a", None, "~/a"),
            ("~root/x", home, "/root/x"),
            ("~ann", None, "/home/ann"),
            ("~ann/x y", home, "/home/ann/x y"),
            ("~top/a", home, "/a"),
            ("~short/a", home, "~short/a"),
            ("~none/a", home, "~none/a"),
            ("~nowhere/a", home, "~nowhere/a"),
            ("/a/~/b", home, "/a/~/b"),
            ("a~", home, "a~"),
            ("", home, ""),
        ] {
            assert_eq!(
                expand(path, home, &passwd),
                PathBuf::from(expanded),
                "{path}"
            );
        }
        std::fs::remove_file(&passwd).unwrap();
        assert_eq!(expand("~root", home, &passwd), PathBuf::from("~root"));
    }
}
