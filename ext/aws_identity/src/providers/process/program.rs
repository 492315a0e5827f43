//! The program of a command line: where it is, or why it cannot be started.

use crate::{
    failure::Failure,
    util::{
        foreign_text::shown,
        read_file::{self, Links},
        system_error::without_number,
    },
};
use rustix::io::Errno;
use std::{
    ffi::OsStr,
    fmt,
    io::{self, ErrorKind, Read as _},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

/// The first word of the command line, which is the only one that messages show.
pub(super) struct Program(pub String);

/// Why there is no program to start.
pub(super) enum Unfound {
    Missing,
    /// It is there, and a directory or a device.
    NotAFile,
    NotExecutable(PathBuf),
    /// The system does not say whether it is there, such as where a folder may not be searched.
    Unseen(io::Error),
}

impl Program {
    /// Its absolute path, if it can be run: as written if it names a folder, else found on `path`.
    pub(super) fn find(&self, path: Option<&OsStr>) -> Result<PathBuf, Unfound> {
        if self.0.contains('/') {
            return runnable(Path::new(&self.0));
        }
        let folders = path.unwrap_or(OsStr::new("/bin:/usr/bin"));
        let mut unfound = Unfound::Missing;
        for folder in std::env::split_paths(folders) {
            match runnable(&folder.join(&self.0)) {
                Ok(found) => return Ok(found),
                Err(Unfound::Missing | Unfound::Unseen(_)) => {}
                Err(why) => unfound = why,
            }
        }
        Err(unfound)
    }
}

fn runnable(path: &Path) -> Result<PathBuf, Unfound> {
    let path = std::path::absolute(path).map_err(|_| Unfound::Missing)?;
    let found = std::fs::metadata(&path).map_err(|error| match error.kind() {
        ErrorKind::NotFound | ErrorKind::NotADirectory => Unfound::Missing,
        _ => Unfound::Unseen(error),
    })?;
    if !found.is_file() {
        return Err(Unfound::NotAFile);
    }
    if found.permissions().mode() & 0o111 == 0 {
        return Err(Unfound::NotExecutable(path));
    }
    Ok(path)
}

/// Text after a `=` is not shown, since in a mistaken `TOKEN=… program` it is a secret; nor is text after
/// white space, since quotes around a whole command make one word of it.
impl fmt::Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = self.0.split_whitespace().next().unwrap_or_default();
        let is_cut = word.len() < self.0.len();
        let (name, end) = match word.split_once('=') {
            Some((name, _)) => (name, "=..."),
            None if is_cut => (word, " ..."),
            None => (word, ""),
        };
        write!(f, "The credential_process \"{}{end}\"", shown(name))
    }
}

impl Unfound {
    pub(super) fn failure(&self, program: &Program) -> Failure {
        let place = if program.0.contains('/') {
            "at that path"
        } else {
            "on PATH"
        };
        // Of a path in quotes with its arguments no more is known than its first word.
        let quoted = program.0.contains(char::is_whitespace);
        match self {
            Self::Missing if quoted => Failure::configuration(
                format!(
                    "{program} is no program {place}: the quotes make its first words one word, blanks included."
                ),
                "Put quotes around the path of the program alone, not around the whole command.",
            ),
            Self::Missing => Failure::configuration(
                format!(
                    "{program} is no program {place}. It runs without a shell: ~, $NAME, pipes and NAME=value before it mean nothing."
                ),
                "Write the whole path, or sh -c '...'.",
            ),
            Self::Unseen(error) => Failure::configuration(
                format!(
                    "{program} cannot be found {place}: {}.",
                    without_number(&error.to_string())
                ),
                match error.kind() {
                    ErrorKind::PermissionDenied => {
                        "Check that this user may search the folders of the path."
                    }
                    _ => "Check the path.",
                },
            ),
            Self::NotAFile => Failure::configuration(
                format!("{program} is a directory or a device {place}, and no program."),
                "Name a program.",
            ),
            Self::NotExecutable(path) => Failure::configuration(
                format!(
                    "{program} is there {place}, and may not be executed: its mode does not allow it."
                ),
                if quoted {
                    "Make it executable (chmod +x).".to_owned()
                } else {
                    format!(
                        "Make it executable: chmod +x {}",
                        shown(&path.to_string_lossy())
                    )
                },
            ),
        }
    }
}

/// The failure of a program that is there and cannot be started.
pub(super) fn unstarted(program: &Program, path: &Path, error: &io::Error) -> Failure {
    let errno = error.raw_os_error().map(Errno::from_raw_os_error);
    let (why, remedy) = match errno {
        Some(Errno::NOENT | Errno::NOTDIR) => match interpreter(path) {
            Some(interpreter) if interpreter.ends_with('\r') => (
                "its lines end with CR LF, so that the first one names an interpreter whose name ends with CR".into(),
                "Write it with LF line ends.",
            ),
            Some(interpreter) => (
                format!("it is run by \"{}\", as its first line says, and that is not there", shown(&interpreter)),
                "Correct its first line, or install what it names.",
            ),
            None => (
                "the loader or the library that it is built for is not there".into(),
                "Install one that is built for this system.",
            ),
        },
        Some(Errno::NOEXEC) => (
            "it is neither a program of this system nor a script with an interpreter in its first line".into(),
            "Begin a script with #!/bin/sh or the like, or write sh and its path.",
        ),
        Some(Errno::ACCESS | Errno::PERM) => (
            format!("it may not be executed by this user ({error})"),
            "Check its mode, its folders, its interpreter, and whether its file system is mounted noexec.",
        ),
        // Such as EAGAIN, ENOMEM, and ETXTBSY of a program that is being replaced: it may pass.
        _ => {
            return Failure::no_credentials(
                format!("{program} cannot be started: {error}."),
                "Check the file, and the limits on processes and memory.",
            );
        }
    };
    Failure::configuration(format!("{program} cannot be started: {why}."), remedy)
}

/// What the first line of a script names.
fn interpreter(path: &Path) -> Option<String> {
    const LONGEST: u64 = 256;
    let (file, _) = read_file::open(path, Links::Follow).ok()?;
    let mut start = Vec::new();
    file.take(LONGEST).read_to_end(&mut start).ok()?;
    let line = start
        .strip_prefix(b"#!")?
        .split(|byte| *byte == b'\n')
        .next()?;
    let text = String::from_utf8_lossy(line)
        .trim_start_matches([' ', '\t'])
        .to_owned();
    let end = text.find([' ', '\t']).unwrap_or(text.len());
    Some(text[..end].to_owned())
}
