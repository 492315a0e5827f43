//! Reading a file that a user names: regular files only, up to a limit, and without waiting.

use rustix::{
    fs::{Mode, OFlags},
    io::Errno,
};
use std::{
    fmt,
    fs::{File, Metadata},
    io::{self, Read as _},
    path::Path,
};
use zeroize::Zeroizing;

/// As much as is read of a file that says it is empty, in bytes: those of the kernel do, and some of them, such
/// as `/proc/self/pagemap`, have no end.
const UNSAID: u64 = 1 << 20;
/// The first buffer, in bytes.
const LEAST: usize = 4096;

/// Why there is nothing to read.
#[derive(Debug)]
pub enum Unread {
    Missing,
    /// A directory, a FIFO, a device such as `/dev/null`.
    NotAFile,
    /// A symbolic link, where none is followed.
    Link,
    TooLarge,
    Io(io::Error),
}

impl fmt::Display for Unread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str("missing"),
            Self::NotAFile => f.write_str("not a regular file"),
            Self::Link => f.write_str("a symbolic link"),
            Self::TooLarge => f.write_str("too large"),
            Self::Io(error) => write!(f, "unreadable: {error}"),
        }
    }
}

/// Whether a path may end in a symbolic link.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Links {
    Follow,
    Refuse,
}

/// Opens a regular file.
///
/// Opened without blocking, so that a FIFO cannot hold the caller, and looked at when it is open, so
/// that nothing can be put in its place in between.
pub fn open(path: &Path, links: Links) -> Result<(File, Metadata), Unread> {
    let mut flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOCTTY;
    flags.set(OFlags::NOFOLLOW, links == Links::Refuse);
    let file = match rustix::fs::open(path, flags, Mode::empty()) {
        Ok(file) => File::from(file),
        Err(Errno::NOENT | Errno::NOTDIR) => return Err(Unread::Missing),
        // A socket, or a device without a driver.
        Err(Errno::NXIO | Errno::NODEV) => return Err(Unread::NotAFile),
        Err(Errno::LOOP) if links == Links::Refuse => return Err(Unread::Link),
        Err(error) => return Err(Unread::Io(error.into())),
    };
    let found = file.metadata().map_err(Unread::Io)?;
    if found.is_file() {
        Ok((file, found))
    } else {
        Err(Unread::NotAFile)
    }
}

/// Reads a regular file of at most `limit` bytes, symbolic links followed.
pub fn read(path: &Path, limit: u64) -> Result<(Metadata, Zeroizing<Vec<u8>>), Unread> {
    let (file, found) = open(path, Links::Follow)?;
    let bytes = content(file, &found, limit)?;
    Ok((found, bytes))
}

/// What is in an open file that is `found` to be regular, at most `limit` bytes.
pub fn content(mut file: File, found: &Metadata, limit: u64) -> Result<Zeroizing<Vec<u8>>, Unread> {
    let most = match found.len() {
        0 => limit.min(UNSAID),
        length if length > limit => return Err(Unread::TooLarge),
        _ => limit,
    };
    let most = usize::try_from(most).unwrap_or(usize::MAX - 1);
    let expected = usize::try_from(found.len()).unwrap_or(0);
    let mut bytes = Zeroizing::new(vec![0; (expected + 1).max(LEAST)]);
    let mut length = 0;
    loop {
        match file.read(&mut bytes[length..]) {
            Ok(0) => break,
            Ok(read) => length += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(Unread::Io(error)),
        }
        if length > most {
            return Err(Unread::TooLarge);
        }
        if length == bytes.len() {
            // Not read_to_end: files of the kernel, such as pagemap, refuse the odd lengths that it reads.
            let mut larger = Zeroizing::new(vec![0; 2 * length]);
            larger[..length].copy_from_slice(&bytes);
            bytes = larger;
        }
    }
    bytes.truncate(length);
    Ok(bytes)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn tells_what_is_no_file_and_reads_what_is() {
        let folder =
            std::env::temp_dir().join(format!("aws-identity-read-file-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let at = |name: &str| folder.join(name);
        std::fs::write(at("file"), "12345").unwrap();
        symlink(at("file"), at("link")).unwrap();
        symlink(at("nowhere"), at("dangling")).unwrap();
        rustix::fs::mknodat(
            rustix::fs::CWD,
            at("fifo"),
            rustix::fs::FileType::Fifo,
            Mode::RUSR | Mode::WUSR,
            0,
        )
        .unwrap();
        let _socket = std::os::unix::net::UnixListener::bind(at("socket")).unwrap();
        let read = |name: &str, limit| {
            read(&at(name), limit)
                .map(|(_, bytes)| bytes.to_vec())
                .map_err(|why| why.to_string())
        };

        assert_eq!(read("file", 5).as_deref(), Ok(b"12345".as_slice()));
        assert_eq!(read("link", 5).as_deref(), Ok(b"12345".as_slice()));
        assert_eq!(read("file", 4), Err("too large".into()));
        for (name, why) in [
            ("nowhere", "missing"),
            ("dangling", "missing"),
            ("file/below", "missing"),
            ("", "not a regular file"),
            ("fifo", "not a regular file"),
            ("socket", "not a regular file"),
        ] {
            assert_eq!(read(name, 5), Err(why.into()), "{name}");
        }
        #[cfg(target_os = "linux")]
        assert!(matches!(
            super::read(Path::new("/proc/self/pagemap"), 64 << 20),
            Err(Unread::TooLarge)
        ));
        // The second buffer, and the third.
        for length in [LEAST - 1, LEAST, LEAST + 1, 3 * LEAST] {
            std::fs::write(at("file"), "x".repeat(length)).unwrap();
            let (file, found) = open(&at("file"), Links::Follow).unwrap();
            let more = "y".repeat(3 * LEAST);
            std::fs::write(at("file"), "x".repeat(length) + &more).unwrap();
            let grown = content(file, &found, 1 << 20).unwrap();
            assert_eq!(grown.len(), length + more.len());
            assert!(grown.ends_with(b"y") && !grown.contains(&0));
        }
        assert!(matches!(
            super::read(Path::new("/dev/null"), 5),
            Err(Unread::NotAFile)
        ));
        assert!(matches!(
            open(&at("link"), Links::Refuse),
            Err(Unread::Link)
        ));
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
