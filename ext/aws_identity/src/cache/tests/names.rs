//! What a file is called.

use super::*;

/// Each made by botocore 1.44.5 (`AssumeRoleCredentialFetcher`).
#[test]
fn names_are_those_of_botocore() {
    let policy = r#"{"Version":"2012-10-17",  "Statement":[{"Effect":"Allow","Action":["s3:Get*"],"Resource":"*","Condition":{"NumericLessThan":{"s3:max-keys":10},"Bool":{"aws:SecureTransport":true}}}]}"#;
    let odd = r#" { "b" : [ ] , "a" : {} , "n" : null, "t": true, "f": false, "i": -7, "u": 18446744073709551615, "x": 1.5, "y": 100000.0, "z": 1e16, "s": 0.00001, "w": 0.0001, "m": -0.0, "h": 1.5E300, "g": "\u00fc\ud83d\ude00\u007f\u0000\b\f\n\r\t\"\\/", "\uffff": 1, "\ud83d\ude00": 2, "a": [1, [2, {"z": 0, "y": 1}]] } "#;
    let cases = [
        (plain(), "c6cae71145e1cddf00066b02d05099c6c046dd3b"),
        (
            key(|r| {
                r.options.external_id = Some(Secret::new("id-1"));
                r.options.duration_seconds = Some(3600);
            }),
            "5d80cc2f4d5b243a531e545cbb56529e3b29e282",
        ),
        (
            key(|r| r.options.role_session_name = Some("nightly".into())),
            "c4dc9ff76637cc67b80c23fb4e02e7bc32143833",
        ),
        (
            key(|r| {
                r.options.serial_number = Some("arn:aws:iam::123456789012:mfa/jane".into());
                r.options.duration_seconds = Some(900);
            }),
            "5c1d6b9ca1b22aaad45db5c81d5563dd8886aaf9",
        ),
        (
            key(|r| r.options.policy = Some(policy.into())),
            "d11c98c1c81082281d8d31d00e2c5890e0e67e63",
        ),
        (
            key(|r| r.options.policy = Some(odd.into())),
            "64170c80cca49a6e287e1fb847d00e23fc3de38a",
        ),
        (
            key(|r| r.options.external_id = Some(Secret::new("grüß \"\\ 😀\x7f\0"))),
            "82fe31ed6769fb5da8c0fd749597850cc5f7da08",
        ),
        (
            key(|r| {
                r.options.external_id = Some(Secret::new("x"));
                r.options.duration_seconds = Some(43200);
                r.options.serial_number = Some("GAHT12345678".into());
                r.options.role_session_name = Some("s".into());
                r.options.policy = Some("{}".into());
            }),
            "9d6b3685097913f13c7de17ba06ad4e483caad76",
        ),
        (
            key(|r| r.options.role_session_name = Some("s".into())),
            "0d8b8f11c747e233415ecd87aaaa07e39f155bb0",
        ),
    ];
    for (found, expected) in cases {
        assert_eq!(found.name(), expected);
    }
}

#[test]
fn what_botocore_leaves_out_does_not_change_the_name() {
    let more = key(|r| {
        r.asker = Some("123456789012");
        r.endpoint = Some("http://127.0.0.1:1");
        r.options.tags = tags(&[("a", "b")]);
        r.options.external_id = Some(Secret::new(""));
        r.options.role_session_name = Some(String::new());
        r.options.policy = Some(String::new());
    });
    assert_eq!(more.name(), plain().name());
    assert_ne!(more.own_name(), plain().own_name());
    let digits = more
        .own_name()
        .strip_prefix(&format!("{}-", more.name()))
        .unwrap();
    assert!(
        digits.len() == 8 && digits.bytes().all(|b| b.is_ascii_hexdigit()),
        "{digits}"
    );
}

/// Fails where `serde_json` is built without `float_roundtrip`. The name was made by botocore 1.44.5.
#[test]
fn numbers_in_a_policy_are_not_rounded() {
    let key = key(|r| {
        r.options.policy = Some(r#"{"x": 7.9361e+27, "y": -1.4458626421783697e+23}"#.into());
    });
    assert_eq!(key.name(), "f5b8ec1f24adc3f8c18cd6df32cb4554a15064ed");
}

#[test]
fn a_policy_that_is_no_json_still_has_a_name() {
    let one = key(|r| r.options.policy = Some("{".into()));
    let two = key(|r| r.options.policy = Some("[".into()));
    assert_ne!(one.name(), two.name());
    assert_ne!(one.name(), plain().name());
}

#[test]
fn a_session_without_a_role_belongs_to_its_base() {
    let of = |asker| {
        CacheKey::new(&Request {
            asker: Some(asker),
            options: AssumeRoleOptions {
                serial_number: Some("GAHT12345678".into()),
                ..AssumeRoleOptions::default()
            },
            ..Request::default()
        })
    };
    assert_ne!(of("AKIAONE").name(), of("AKIATWO").name());
}

#[test]
fn the_order_of_tags_and_empty_lists_make_no_difference() {
    let one = key(|r| r.options.tags = tags(&[("a", "1"), ("b", "2")]));
    let two = key(|r| {
        r.options.tags = tags(&[("b", "2"), ("a", "1")]);
        r.options.source_identity = Some(String::new());
    });
    assert_eq!(one, two);
    assert_ne!(one, plain());
}

#[test]
fn a_key_shows_no_context() {
    let key = key(|r| {
        r.options.provided_contexts = vec![("arn".into(), Secret::new("canary-assertion"))];
    });
    assert!(!format!("{key:?}").contains("canary"), "{key:?}");
}

/// Files that earlier versions wrote are found again.
#[test]
fn the_name_of_a_shaped_session_stays() {
    let key = key(|r| {
        r.asker = Some("123456789012");
        r.options.tags = tags(&[("team", "x"), ("a", "b")]);
        r.options.transitive_tag_keys = vec!["a".into()];
        r.options.policy_arns = vec!["arn:aws:iam::aws:policy/ReadOnlyAccess".into()];
        r.options.source_identity = Some("jane".into());
        r.options.provided_contexts = vec![("arn".into(), Secret::new("assertion"))];
    });
    assert_eq!(
        key.own_name(),
        "c6cae71145e1cddf00066b02d05099c6c046dd3b-8d6ea534"
    );
}
