//! What the directory and its files must be like.

use super::*;

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().mode() & 0o7777
}

#[test]
fn what_we_make_is_for_us_alone() {
    let scratch = Scratch::new();
    let deep = scratch.0.join("a/b/cache");
    let cache = CacheDir::open(&deep).unwrap();
    assert_eq!(mode(&deep), 0o700);
    assert_eq!(mode(&scratch.0.join("a")), 0o700);
    let guard = cache.try_lock(&plain(), NOW, |_| true);
    cache
        .write(&plain(), &credentials("ASIAONE", NOW + HOUR), NOW)
        .unwrap();
    drop(guard);
    let mut names: Vec<_> = Vec::new();
    for found in fs::read_dir(&deep).unwrap() {
        let path = found.unwrap().path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
        names.push(path.extension().unwrap().to_owned());
    }
    names.sort();
    assert_eq!(names, ["json", "lock"], "nothing else is left over");
}

#[test]
fn a_directory_others_may_write_to_is_refused() {
    let scratch = Scratch::new();
    let path = scratch.0.join("shared");
    fs::create_dir(&path).unwrap();
    for (permissions, passes) in [
        (0o700, true),
        (0o755, true),
        (0o750, true),
        (0o775, false),
        (0o757, false),
        (0o1777, false),
    ] {
        fs::set_permissions(&path, Permissions::from_mode(permissions)).unwrap();
        let opened = CacheDir::open(&path);
        assert_eq!(opened.is_ok(), passes, "{permissions:o}: {opened:?}");
        assert_eq!(
            mode(&path),
            permissions,
            "an existing directory keeps its mode"
        );
    }
    assert_eq!(
        fs::read_dir(&path).unwrap().count(),
        0,
        "opening leaves nothing behind"
    );
}

#[test]
fn a_directory_of_another_user_is_refused() {
    let scratch = Scratch::new();
    let cache = scratch.cache();
    let found = fs::metadata(&cache.path).unwrap();
    assert!(check_dir(&found, cache.uid, &cache.path).is_ok());
    let warning = check_dir(&found, cache.uid + 1, &cache.path).unwrap_err();
    assert!(warning.to_string().contains("another user"), "{warning}");
}

#[test]
fn a_directory_that_cannot_be_made_is_a_warning() {
    let scratch = Scratch::new();
    let file = scratch.0.join("file");
    fs::write(&file, "").unwrap();
    for path in [file.clone(), file.join("below")] {
        let warning = CacheDir::open(&path).unwrap_err();
        assert!(warning.to_string().contains("cannot make"), "{warning}");
    }
}

#[test]
fn files_that_are_not_ours_alone_are_refused_and_left_alone() {
    let scratch = Scratch::new();
    let cache = scratch.cache();
    let path = file_of(&cache, plain().name());
    let text = cli_file("ASIACLI", "2026-01-02T04:04:05UTC");
    let refused = |cache: &CacheDir, why: &str| {
        let warning = cache.read(&plain(), NOW).unwrap_err();
        assert!(warning.to_string().contains(why), "{warning}");
        assert!(!warning.to_string().contains("canary"), "{warning}");
        assert_eq!(cache.remove(&plain(), "ASIACLI"), Err(warning));
        // Ours goes beside it, and is found there without a warning.
        assert_eq!(
            cache.write(&plain(), &credentials("ASIAOURS", NOW + HOUR), NOW),
            Ok(true)
        );
        assert_eq!(read_id(cache, &plain()).as_deref(), Some("ASIAOURS"));
        fs::remove_file(file_of(cache, plain().own_name())).unwrap();
        path.symlink_metadata().unwrap();
    };

    put_file(&path, &text);
    for permissions in [0o640, 0o604, 0o620, 0o666] {
        fs::set_permissions(&path, Permissions::from_mode(permissions)).unwrap();
        refused(&cache, "group or others");
    }
    fs::remove_file(&path).unwrap();
    let elsewhere = scratch.0.join("elsewhere");
    put_file(&elsewhere, &text);
    symlink(&elsewhere, &path).unwrap();
    refused(&cache, "symbolic link");
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    refused(&cache, "not a file");
    fs::remove_dir(&path).unwrap();
    // A pipe must not make the reader wait for a writer.
    assert!(
        Command::new("mkfifo")
            .args(["-m", "600"])
            .arg(&path)
            .status()
            .unwrap()
            .success()
    );
    refused(&cache, "not a file");
    fs::remove_file(&path).unwrap();

    put_file(&path, &text);
    let stranger = CacheDir {
        uid: cache.uid + 1,
        ..cache.clone()
    };
    let warning = stranger.read(&plain(), NOW).unwrap_err();
    assert!(warning.to_string().contains("another user"), "{warning}");
    assert_eq!(read_id(&cache, &plain()).as_deref(), Some("ASIACLI"));
}

#[test]
fn readers_never_see_half_a_file() {
    let scratch = Scratch::new();
    let cache = scratch.cache();
    cache
        .write(&plain(), &credentials("ASIA0000", NOW + HOUR), NOW)
        .unwrap();
    thread::scope(|scope| {
        for writer in 0..2 {
            let cache = &cache;
            scope.spawn(move || {
                for round in 0..50 {
                    let id = format!("ASIA{writer}{round:03}");
                    cache
                        .write(&plain(), &credentials(&id, NOW + HOUR), NOW)
                        .unwrap();
                }
            });
        }
        for _ in 0..2000 {
            assert!(read_id(&cache, &plain()).is_some());
        }
    });
}

/// Root may write where the mode forbids it, so the test asks for the state itself.
#[test]
fn a_directory_that_may_only_be_read_is_read() {
    let scratch = Scratch::new();
    let cache = scratch.cache();
    let entry = credentials("ASIAONE", NOW + HOUR);
    cache.write(&plain(), &entry, NOW).unwrap();
    let cache = CacheDir {
        is_read_only: true,
        ..cache
    };
    assert_eq!(read_id(&cache, &plain()).as_deref(), Some("ASIAONE"));
    let other = key(|r| r.options.role_session_name = Some("other".into()));
    let attempt = cache.try_lock(&other, NOW, |_| true);
    assert!(
        matches!(attempt.lock, LockOutcome::Unavailable) && attempt.warning.is_none(),
        "{attempt:?}"
    );
    assert_eq!(cache.write(&other, &entry, NOW), Ok(false));
    assert_eq!(cache.remove(&plain(), "ASIAONE"), Ok(false));
    assert_eq!(fs::read_dir(&cache.path).unwrap().count(), 1);
}

#[test]
fn a_read_only_directory_opens() {
    let scratch = Scratch::new();
    scratch.cache();
    let path = scratch.0.join("cache");
    fs::set_permissions(&path, Permissions::from_mode(0o500)).unwrap();
    let is_root = rustix::process::geteuid().is_root();
    assert_eq!(CacheDir::open(&path).unwrap().is_read_only(), !is_root);
    for (kind, passes) in [
        (io::ErrorKind::PermissionDenied, true),
        (io::ErrorKind::ReadOnlyFilesystem, true),
        (io::ErrorKind::StorageFull, false),
    ] {
        assert_eq!(is_read_only(&kind.into()), passes);
    }
}
