//! Which requests share a file, and when a file is removed.

use super::*;

#[test]
fn bases_do_not_share_credentials() {
    let scratch = Scratch::new();
    let cache = scratch.cache();
    let one = key(|r| r.asker = Some("111111111111"));
    let two = key(|r| r.asker = Some("222222222222"));
    cache
        .write(&one, &credentials("ASIAONE", NOW + HOUR), NOW)
        .unwrap();
    assert_eq!(cache.read(&two, NOW), Ok(None));
    cache
        .write(&two, &credentials("ASIATWO", NOW + HOUR), NOW)
        .unwrap();
    assert_eq!(read_id(&cache, &one).as_deref(), Some("ASIAONE"));
    assert_eq!(read_id(&cache, &two).as_deref(), Some("ASIATWO"));
    assert!(file_of(&cache, one.name()).exists());
    assert!(!file_of(&cache, one.own_name()).exists());
    assert!(file_of(&cache, two.own_name()).exists());
}

#[test]
fn an_expired_entry_of_another_base_is_overwritten() {
    let scratch = Scratch::new();
    let cache = scratch.cache();
    let one = key(|r| r.asker = Some("111111111111"));
    let two = key(|r| r.asker = Some("222222222222"));
    cache
        .write(&one, &credentials("ASIAONE", NOW + 1000), NOW)
        .unwrap();
    let later = NOW + 1000;
    cache
        .write(&two, &credentials("ASIATWO", NOW + HOUR), later)
        .unwrap();
    assert!(!file_of(&cache, two.own_name()).exists());
    assert_eq!(cache.read(&one, later), Ok(None));
    assert_eq!(read_id(&cache, &two).as_deref(), Some("ASIATWO"));
}

#[test]
fn a_file_of_the_aws_cli_counts_unless_the_request_says_more() {
    let scratch = Scratch::new();
    let cache = scratch.cache();
    let path = file_of(&cache, plain().name());
    let text = cli_file("ASIACLI", "2026-01-02T04:04:05UTC");
    put_file(&path, &text);
    let endpoint = Some("http://127.0.0.1:9");
    for fits in [
        plain(),
        key(|r| r.asker = Some("123456789012")),
        key(|r| (r.endpoint, r.endpoint_is_shared) = (endpoint, true)),
    ] {
        assert_eq!(read_id(&cache, &fits).as_deref(), Some("ASIACLI"));
    }
    for more in [
        key(|r| r.endpoint = endpoint),
        key(|r| r.options.tags = tags(&[("a", "b")])),
        key(|r| {
            r.options.policy_arns = vec!["arn:aws:iam::aws:policy/ReadOnlyAccess".into()];
        }),
        key(|r| r.options.source_identity = Some("jane".into())),
        key(|r| r.options.provided_contexts = vec![("a".into(), Secret::new("b"))]),
        key(|r| {
            (r.endpoint, r.endpoint_is_shared) = (endpoint, true);
            r.options.source_identity = Some("jane".into());
        }),
    ] {
        assert_eq!(cache.read(&more, NOW), Ok(None));
        cache
            .write(&more, &credentials("ASIAOURS", NOW + HOUR), NOW)
            .unwrap();
        assert_eq!(read_id(&cache, &more).as_deref(), Some("ASIAOURS"));
        assert!(file_of(&cache, more.own_name()).exists());
        assert_eq!(
            fs::read_to_string(&path).unwrap(),
            text,
            "the CLI's file was touched"
        );
    }
}

#[test]
fn endpoints_do_not_share_credentials() {
    let scratch = Scratch::new();
    let cache = scratch.cache();
    let of = |endpoint, shared| key(|r| (r.endpoint, r.endpoint_is_shared) = (endpoint, shared));
    let local = of(Some("http://127.0.0.1:9"), true);
    cache
        .write(&local, &credentials("ASIALOCAL", NOW + HOUR), NOW)
        .unwrap();
    assert!(file_of(&cache, local.name()).exists());
    assert_eq!(cache.read(&plain(), NOW), Ok(None));
    assert_eq!(
        read_id(&cache, &of(Some("http://127.0.0.1:9/"), false)).as_deref(),
        Some("ASIALOCAL")
    );
}

#[test]
fn a_shaped_session_never_stands_where_the_aws_cli_looks() {
    let scratch = Scratch::new();
    let cache = scratch.cache();
    let shaped = key(|r| r.options.tags = tags(&[("team", "x")]));
    cache
        .write(&shaped, &credentials("ASIAOURS", NOW + HOUR), NOW)
        .unwrap();
    assert!(!file_of(&cache, shaped.name()).exists());
    assert_eq!(read_id(&cache, &shaped).as_deref(), Some("ASIAOURS"));
    assert_eq!(cache.read(&plain(), NOW), Ok(None));
}

#[test]
fn removal_takes_the_named_credentials_only() {
    let scratch = Scratch::new();
    let cache = scratch.cache();
    let (one, two) = (key(|r| r.asker = Some("1")), key(|r| r.asker = Some("2")));
    cache
        .write(&one, &credentials("ASIAONE", NOW + HOUR), NOW)
        .unwrap();
    cache
        .write(&two, &credentials("ASIATWO", NOW + HOUR), NOW)
        .unwrap();
    assert_eq!(cache.remove(&one, "ASIAOTHER"), Ok(false));
    assert_eq!(cache.remove(&two, "ASIAONE"), Ok(false), "another base's");
    assert_eq!(cache.remove(&two, "ASIATWO"), Ok(true));
    assert_eq!(cache.read(&two, NOW), Ok(None));
    assert_eq!(read_id(&cache, &one).as_deref(), Some("ASIAONE"));
    assert_eq!(cache.remove(&one, "ASIAONE"), Ok(true));
    assert_eq!(cache.remove(&one, "ASIAONE"), Ok(false));
}

#[test]
fn a_write_clears_away_what_has_expired_and_what_was_left() {
    let scratch = Scratch::new();
    let cache = scratch.cache();
    let shaped = |name: &str| key(|r| r.options.source_identity = Some(name.into()));
    let (gone, alive) = (shaped("gone"), shaped("alive"));
    cache
        .write(&gone, &credentials("ASIAGONE", NOW + 1000), NOW)
        .unwrap();
    cache
        .write(&alive, &credentials("ASIAALIVE", NOW + HOUR), NOW)
        .unwrap();
    let left = cache.path.join(format!("{}.1-00.tmp", plain().name()));
    let fresh = cache.path.join(format!("{}.2-00.tmp", plain().name()));
    let probe = cache.path.join("probe.1-00.tmp");
    let foreign = cache.path.join("something.tmp");
    let then = SystemTime::now() - Duration::from_hours(2);
    for (path, then) in [
        (&left, then),
        (&probe, then),
        (&fresh, SystemTime::now()),
        (&foreign, then),
    ] {
        File::create(path).unwrap().set_modified(then).unwrap();
    }
    cache
        .write(&plain(), &credentials("ASIAONE", NOW + HOUR), NOW + 1000)
        .unwrap();
    assert!(!file_of(&cache, gone.own_name()).exists());
    assert!(file_of(&cache, alive.own_name()).exists());
    assert!(!left.exists() && !probe.exists());
    assert!(fresh.exists() && foreign.exists());
}

#[test]
fn a_file_without_a_tag_is_no_session_of_get_session_token() {
    let scratch = Scratch::new();
    let cache = scratch.cache();
    let own = CacheKey::new(&Request {
        asker: Some("AKIAONE"),
        ..Request::default()
    });
    put_file(
        &file_of(&cache, own.name()),
        &cli_file("ASIACLI", "2026-01-02T04:04:05UTC"),
    );
    assert_eq!(cache.read(&own, NOW), Ok(None));
}
