//! A small file with a token, read for each fetch, because its writer replaces the token.

use crate::{
    credentials::Secret,
    environment::Environment,
    util::read_file::{self, Unread},
};
use std::{
    io,
    path::{Path, PathBuf},
};

/// STS takes tokens of at most 20,000 characters; a line end and some white space may surround it.
const MOST_BYTES: u64 = 20_480;

/// The token files that variables name, each with its variable.
pub fn named_by(environment: &Environment) -> impl Iterator<Item = (&'static str, PathBuf)> {
    [
        "AWS_WEB_IDENTITY_TOKEN_FILE",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
    ]
    .into_iter()
    .filter_map(|name| {
        let path = environment.get(name)?.trim();
        Some((name, environment.expand_home(path)))
    })
}

/// The trimmed content, or why there is none. The reason never holds the content.
pub fn read(path: &Path) -> Result<Secret, String> {
    let wrong = |why: String| format!("the token file {} {why}", path.display());
    let (_, bytes) = read_file::read(path, MOST_BYTES).map_err(|unread| {
        wrong(match unread {
            Unread::Missing => "cannot be read (it does not exist)".into(),
            Unread::Io(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                "cannot be read (permission denied)".into()
            }
            Unread::Io(error) => format!("cannot be read ({error})"),
            Unread::TooLarge => format!("is longer than {MOST_BYTES} bytes, which no token is"),
            Unread::NotAFile | Unread::Link => "is not a regular file".into(),
        })
    })?;
    let text = std::str::from_utf8(&bytes)
        .map_err(|_| wrong("is not text".into()))?
        .trim();
    if text.is_empty() {
        return Err(wrong("is empty".into()));
    }
    if text.bytes().any(|byte| byte.is_ascii_control()) {
        return Err(wrong(
            "holds control characters; a token is one line of text".into(),
        ));
    }
    Ok(Secret::new(text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{env, fs, process::Command};

    fn scratch(name: &str) -> PathBuf {
        let path = env::temp_dir().join(format!("token-file-{}-{name}", std::process::id()));
        let _ = fs::remove_file(&path);
        path
    }

    #[test]
    fn the_token_is_trimmed() {
        let path = scratch("trimmed");
        fs::write(&path, "  token.of.three\n").unwrap();
        assert_eq!(read(&path).unwrap().expose(), "token.of.three");
        fs::remove_file(path).unwrap();
    }

    #[test]
    fn what_is_no_token_is_refused_without_showing_it() {
        let path = scratch("bad");
        for (content, reason) in [
            (b"\n".to_vec(), "is empty"),
            (b"canary\0x".to_vec(), "control characters"),
            (b"canary\nx".to_vec(), "one line"),
            (vec![0xff, 0xfe], "not text"),
            (vec![b'c'; 20_481], "longer than"),
        ] {
            fs::write(&path, content).unwrap();
            let told = read(&path).unwrap_err();
            assert!(told.contains(reason) && !told.contains("canary"), "{told}");
        }
        fs::remove_file(&path).unwrap();
        assert!(read(&path).unwrap_err().contains("does not exist"));
        assert!(
            read(&env::temp_dir())
                .unwrap_err()
                .contains("not a regular file")
        );
    }

    #[test]
    fn a_fifo_does_not_hang() {
        let path = scratch("fifo");
        assert!(
            Command::new("mkfifo")
                .arg(&path)
                .status()
                .unwrap()
                .success()
        );
        assert!(read(&path).unwrap_err().contains("not a regular file"));
        fs::remove_file(path).unwrap();
    }
}
