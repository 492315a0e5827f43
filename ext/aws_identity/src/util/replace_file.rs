//! Writing a file so that every reader sees all of the old one or all of the new one.

use std::{
    fs::{self, File, OpenOptions},
    hash::{BuildHasher as _, RandomState},
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    time::SystemTime,
};

/// Writes `content` with mode 0600 in place of what is at `path`, also across a crash.
pub fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let (mut file, temporary) = make_temporary(folder, &stem)?;
    let written = file
        .write_all(content)
        .and_then(|()| file.sync_all())
        .and_then(|()| fs::rename(&temporary, path));
    if written.is_err() {
        let _ = fs::remove_file(&temporary); // the first error is the one to report
    }
    written?;
    // Some file systems cannot sync a directory. The file is whole either way.
    let _ = File::open(folder).and_then(|folder| folder.sync_all());
    Ok(())
}

/// A new file with mode 0600 in `folder`, since a rename must not cross file systems.
pub fn make_temporary(folder: &Path, stem: &str) -> io::Result<(File, PathBuf)> {
    loop {
        // Processes in containers may share a directory and have the same id.
        let chance = RandomState::new().hash_one(SystemTime::now());
        let path = folder.join(format!("{stem}.{}-{chance:016x}.tmp", std::process::id()));
        let made = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .custom_flags(libc::O_NOFOLLOW)
            .open(&path);
        match made {
            Ok(file) => return Ok((file, path)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
}
