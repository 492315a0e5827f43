//! What is listed of the directory, and what is cleared.

use super::*;

#[test]
fn entries_are_listed_whoever_wrote_them_and_nothing_else_is() {
    let scratch = Scratch::new();
    let cache = scratch.cache();
    let ours = key(|request| {
        request.asker = Some("AKIAONE");
        request.options.tags = tags(&[("a", "b")]);
    });
    cache
        .write(&ours, &credentials("ASIAOURS", NOW - HOUR), NOW - 2 * HOUR)
        .unwrap();
    put_file(
        &file_of(&cache, plain().name()),
        &cli_file("ASIACLI", "2026-01-02T04:04:05UTC"),
    );
    let broken = key(|request| request.role_arn = Some("arn:aws:iam::123456789012:role/Other"));
    put_file(&file_of(&cache, broken.name()), "{");
    for name in ["session.db", "notes.json", "0123.json"] {
        put_file(&cache.path.join(name), "{}");
    }
    drop(cache.try_lock(&plain(), NOW, |_| false));

    let files = cache.list().unwrap();
    let of = |key: &CacheKey| {
        let key = key.clone().without_asker();
        let mut found = files.iter().filter(|listed| listed.is_of(&key));
        let first = found.next();
        assert_eq!(found.next(), None, "{files:?}");
        first.unwrap()
    };
    assert_eq!(files.len(), 3, "{files:?}");
    assert_eq!(ours.name(), plain().name(), "only the tag tells them apart");
    let (mine, cli) = (of(&ours), of(&plain()));
    assert_eq!(cli.access_key_id.as_deref(), Some("ASIACLI"));
    let arn = cli.assumed_role_arn.as_deref().unwrap();
    assert!(arn.ends_with("assumed-role/Worker/botocore-session-1"));
    assert_eq!(
        (cli.expires_at, cli.asker.as_deref()),
        (Some(NOW + HOUR), None)
    );
    assert_eq!(
        (mine.expires_at, mine.asker.as_deref()),
        (Some(NOW - HOUR), Some("AKIAONE"))
    );
    let unread = of(&broken);
    assert!(unread.unusable.is_some() && unread.expires_at.is_none());
    assert!(!format!("{files:?}").contains("canary"));

    assert_eq!(cache.clear(mine), Ok(true));
    assert_eq!(cache.clear(mine), Ok(false), "it is gone");
    assert_eq!(cache.clear(unread), Ok(true));
    assert_eq!(cache.list().unwrap(), std::slice::from_ref(cli));
}

#[test]
fn what_is_not_ours_alone_is_listed_with_the_reason_and_can_be_cleared() {
    let scratch = Scratch::new();
    let cache = scratch.cache();
    let open = file_of(&cache, plain().name());
    put_file(&open, &cli_file("ASIACLI", "2026-01-02T04:04:05UTC"));
    fs::set_permissions(&open, Permissions::from_mode(0o644)).unwrap();
    let elsewhere = scratch.0.join("elsewhere");
    put_file(&elsewhere, "{}");
    symlink(&elsewhere, file_of(&cache, plain().own_name())).unwrap();

    let files = cache.list().unwrap();
    let why: Vec<_> = files
        .iter()
        .filter_map(|listed| listed.unusable.as_deref())
        .collect();
    assert_eq!(why.len(), 2);
    assert!(
        why.iter().any(|why| why.contains("others may read")),
        "{why:?}"
    );
    assert!(
        why.iter().any(|why| why.contains("symbolic link")),
        "{why:?}"
    );
    for listed in &files {
        assert_eq!(cache.clear(listed), Ok(true));
    }
    assert!(
        elsewhere.exists(),
        "the link is removed, and not what it leads to"
    );
}

#[test]
fn a_directory_that_is_not_there_is_not_made() {
    let scratch = Scratch::new();
    let path = scratch.0.join("none");
    assert_eq!(CacheDir::open_existing(&path), Ok(None));
    assert!(!path.exists());
    let cache = scratch.cache();
    assert_eq!(
        CacheDir::open_existing(&cache.path),
        Ok(Some(cache.clone()))
    );
}

#[test]
fn a_look_at_the_directory_writes_nothing_there() {
    let scratch = Scratch::new();
    let cache = scratch.cache();
    let changed = || fs::metadata(&cache.path).unwrap().modified().unwrap();
    let before = changed();
    let found = CacheDir::open_existing(&cache.path).unwrap().unwrap();
    found.list().unwrap();
    found.read(&plain(), NOW).unwrap();
    assert_eq!(changed(), before);
    fs::set_permissions(&cache.path, Permissions::from_mode(0o722)).unwrap();
    let refused = CacheDir::open_existing(&cache.path).unwrap_err();
    assert!(refused.to_string().contains("write to it"), "{refused}");
}
