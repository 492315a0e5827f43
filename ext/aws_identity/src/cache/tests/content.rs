//! What stands in a file.

use super::*;
use serde_json::Value;

#[test]
fn what_was_written_is_read() {
    let scratch = Scratch::new();
    let cache = scratch.cache();
    let mut written = credentials("ASIAONE", NOW + HOUR);
    written.account_id = Some("123456789012".into());
    for (name, text) in [
        (
            "assumed_role_arn",
            "arn:aws:sts::123456789012:assumed-role/Worker/s",
        ),
        ("assumed_role_id", "AROAEXAMPLE:s"),
        ("packed_policy_size", "12"),
        ("session_token_size", "1024"),
        ("session_token_utilization", "25"),
        ("subject", "system:serviceaccount:a:b"),
        ("request_id", "r-1"),
    ] {
        written.details.insert(name.into(), text.into());
    }
    assert_eq!(cache.read(&plain(), NOW), Ok(None));
    assert_eq!(cache.write(&plain(), &written, NOW), Ok(true));
    assert_eq!(cache.read(&plain(), NOW), Ok(Some(written)));
}

#[test]
fn the_file_has_botocores_members() {
    let scratch = Scratch::new();
    let cache = scratch.cache();
    let key = key(|r| r.asker = Some("123456789012"));
    let mut written = credentials("ASIAONE", NOW + HOUR + 999);
    written
        .details
        .insert("assumed_role_arn".into(), "arn:x".into());
    cache.write(&key, &written, NOW).unwrap();
    let text = fs::read_to_string(file_of(&cache, key.name())).unwrap();
    let file: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(
        file,
        json!({
            "Credentials": {
                "AccessKeyId": "ASIAONE",
                "SecretAccessKey": "canary/secret",
                "SessionToken": "canary\"token",
                "Expiration": "2026-01-02T04:04:05Z"
            },
            "AssumedRoleUser": { "Arn": "arn:x" },
            "ResponseMetadata": { "HTTPStatusCode": 200 },
            "LexIdentityAws": { "Base": "123456789012" }
        })
    );
}

#[test]
fn every_expiration_the_aws_cli_wrote_is_read() {
    let scratch = Scratch::new();
    let cache = scratch.cache();
    let path = file_of(&cache, plain().name());
    for expiration in [
        "2026-01-02T04:04:05UTC",
        "2026-01-02T04:04:05Z",
        "2026-01-02T04:04:05+00:00",
        "2026-01-02 04:04:05+00:00",
        "2026-01-02T04:04:05.000Z",
        "2026-01-02T04:04:05GMT",
        "2026-01-02T06:04:05+02:00",
    ] {
        put_file(&path, &cli_file("ASIACLI", expiration));
        let found = cache.read(&plain(), NOW).unwrap().unwrap();
        assert_eq!(found.expires_at, Some(NOW + HOUR), "{expiration}");
        assert_eq!(found.account_id.as_deref(), Some("123456789012"));
        assert_eq!(found.session_token, Some(Secret::new("canary/token==")));
        assert_eq!(found.details["packed_policy_size"], "6");
        assert_eq!(
            found.details["assumed_role_id"],
            "AROAEXAMPLE:botocore-session-1"
        );
    }
    for expiration in [
        "2026-01-02T04:04:05",
        "soon",
        "",
        "2026-01-02T04:04:05PST",
        "ü",
    ] {
        put_file(&path, &cli_file("ASIACLI", expiration));
        assert_eq!(cache.read(&plain(), NOW), Ok(None), "{expiration}");
    }
}

#[test]
fn the_account_comes_from_the_sessions_arn_where_an_old_botocore_wrote_none() {
    let scratch = Scratch::new();
    let cache = scratch.cache();
    let text = cli_file("ASIACLI", "2026-01-02T04:04:05UTC");
    let text = text.replace("\"AccountId\":\"123456789012\",", "");
    assert!(!text.contains("AccountId"));
    put_file(&file_of(&cache, plain().name()), &text);
    let found = cache.read(&plain(), NOW).unwrap().unwrap();
    assert_eq!(found.account_id.as_deref(), Some("123456789012"));
}

#[test]
fn an_account_that_is_a_number_is_taken() {
    for (number, account) in [("210987654321", "210987654321"), ("1234", "000000001234")] {
        let scratch = Scratch::new();
        let cache = scratch.cache();
        let text = cli_file("ASIACLI", "2026-01-02 04:04:05 +0000").replace(
            "\"AccountId\":\"123456789012\"",
            &format!("\"AccountId\":{number}"),
        );
        assert!(text.contains(number));
        put_file(&file_of(&cache, plain().name()), &text);
        let found = cache.read(&plain(), NOW).unwrap().unwrap();
        assert_eq!(found.account_id.as_deref(), Some(account));
    }
}

#[test]
fn expired_credentials_are_a_miss() {
    let scratch = Scratch::new();
    let cache = scratch.cache();
    cache
        .write(&plain(), &credentials("ASIAONE", NOW + HOUR), NOW)
        .unwrap();
    assert!(cache.read(&plain(), NOW + HOUR - 1).unwrap().is_some());
    assert_eq!(cache.read(&plain(), NOW + HOUR), Ok(None));
}

#[test]
fn credentials_without_an_expiration_or_a_token_are_not_written() {
    let scratch = Scratch::new();
    let cache = scratch.cache();
    let mut endless = credentials("ASIAONE", NOW + HOUR);
    endless.expires_at = None;
    let mut tokenless = credentials("ASIAONE", NOW + HOUR);
    tokenless.session_token = None;
    for useless in [endless, tokenless] {
        assert_eq!(cache.write(&plain(), &useless, NOW), Ok(false));
    }
    assert_eq!(fs::read_dir(&cache.path).unwrap().count(), 0);
}

#[test]
fn a_damaged_file_is_a_miss_and_is_replaced() {
    let scratch = Scratch::new();
    let cache = scratch.cache();
    cache
        .write(&plain(), &credentials("ASIAONE", NOW + HOUR), NOW)
        .unwrap();
    let path = file_of(&cache, plain().name());
    let whole = fs::read(&path).unwrap();
    for length in 0..whole.len() {
        fs::write(&path, &whole[..length]).unwrap();
        assert_eq!(cache.read(&plain(), NOW), Ok(None), "cut to {length} bytes");
    }
    // Damage that leaves it readable is not ours to find; it must only do no harm.
    for position in 0..whole.len() {
        let mut damaged = whole.clone();
        damaged[position] ^= 0x11;
        fs::write(&path, damaged).unwrap();
        assert!(cache.read(&plain(), NOW).is_ok());
    }
    let huge = format!(
        "{}{}",
        cli_file("ASIACLI", "2026-01-02T04:04:05Z"),
        " ".repeat(300 * 1024)
    );
    for text in [
        "null",
        "[]",
        "{}",
        "\"x\"",
        "{\"Credentials\":null}",
        "{\"Credentials\":{}}",
        &huge,
    ] {
        put_file(&path, text);
        assert_eq!(cache.read(&plain(), NOW), Ok(None));
    }
    put_file(&path, &"[".repeat(100_000));
    assert_eq!(cache.read(&plain(), NOW), Ok(None));
    cache
        .write(&plain(), &credentials("ASIATWO", NOW + HOUR), NOW)
        .unwrap();
    assert_eq!(read_id(&cache, &plain()).as_deref(), Some("ASIATWO"));
}

#[test]
fn blank_keys_are_a_miss() {
    let scratch = Scratch::new();
    let cache = scratch.cache();
    let whole = cli_file("ASIACLI", "2026-01-02T04:04:05Z");
    for (from, to) in [
        ("\"ASIACLI\"", "\" \""),
        ("\"canary/secret\"", "\"\""),
        ("\"canary/token==\"", "7"),
        ("\"AccessKeyId\"", "\"Other\""),
    ] {
        assert!(whole.contains(from));
        put_file(&file_of(&cache, plain().name()), &whole.replace(from, to));
        assert_eq!(cache.read(&plain(), NOW), Ok(None), "{from} as {to}");
    }
}
