use super::*;

#[test]
fn the_report_says_each_value_and_where_it_came_from() {
    let settings = decide(
        json!({"region": "eu-west-1", "role_arn": [ROLE, OTHER], "session_duration": 900, "resolve_timeout": 2}),
        json!({"name_with_account": true, "ca_bundle": "/ca.pem"}),
        &[
            ("AWS_PROFILE", "p"),
            ("AWS_ENDPOINT_URL", "https://u:canary@h/x"),
        ],
    );
    let reported: Vec<(&str, Value, String)> = settings
        .report()
        .iter()
        .map(|(name, value, origin)| (*name, value.clone(), origin.label()))
        .collect();
    for expected in [
        ("region", json!("eu-west-1"), "option"),
        ("profile", json!("p"), "environment AWS_PROFILE"),
        ("role_arn", json!(format!("{ROLE}, {OTHER}")), "option"),
        ("session_duration", json!(900), "option"),
        ("resolve_timeout", json!(2.0), "option"),
        ("negative_ttl", json!(60.0), "default"),
        ("name_with_account", json!(true), "settings"),
        ("ca_bundle", json!("/ca.pem"), "settings"),
        (
            "endpoint",
            json!("https://h/x"),
            "environment AWS_ENDPOINT_URL",
        ),
    ] {
        let (name, value, origin) = expected;
        assert!(
            reported.contains(&(name, value, origin.to_owned())),
            "{name}: {reported:?}"
        );
    }
    let none = options(json!({}));
    let roles: Vec<_> = none
        .report()
        .into_iter()
        .filter(|(name, ..)| *name == "role_arn")
        .collect();
    assert_eq!(roles, [("role_arn", Value::Null, Origin::Default)]);
}

#[test]
fn what_belongs_to_no_role_is_reported_with_its_own_origin() {
    let settings = decide(
        json!({}),
        json!({"session_duration": 900, "role_session_name": "unscoped"}),
        &[],
    );
    for (name, value) in [
        ("session_duration", json!(900)),
        ("role_session_name", json!("unscoped")),
    ] {
        let reported = settings
            .report()
            .into_iter()
            .find(|(reported, ..)| *reported == name)
            .unwrap();
        assert_eq!(
            (reported.1, reported.2),
            (value, Origin::Settings),
            "{name}"
        );
    }
}

#[test]
fn an_option_that_is_not_given_is_reported_as_the_default() {
    let reported = |settings: &Settings| {
        let found = settings
            .report()
            .into_iter()
            .find(|(name, ..)| *name == "session_duration");
        found.map(|(_, value, origin)| (value, origin)).unwrap()
    };
    assert_eq!(
        reported(&options(json!({"role_arn": ROLE}))),
        (json!(3600), Origin::Default)
    );
    let both = decide(
        json!({"role_arn": ROLE, "session_duration": 900}),
        json!({"session_duration": 1800}),
        &[],
    );
    assert_eq!(reported(&both), (json!(900), Origin::Option));
    let lower = decide(
        json!({"role_arn": ROLE}),
        json!({"session_duration": 1800}),
        &[],
    );
    assert_eq!(reported(&lower), (json!(1800), Origin::Settings));
    let role_step = options(json!({"role_arn": [{"role_arn": ROLE, "session_duration": 900}]}));
    assert_eq!(reported(&role_step), (json!(900), Origin::Option));
    let named = decide(
        json!({}),
        json!({}),
        &[("AWS_ROLE_ARN", ROLE), ("AWS_ROLE_SESSION_NAME", "night")],
    );
    assert!(named.report().contains(&(
        "role_session_name",
        json!("night"),
        Origin::Environment("AWS_ROLE_SESSION_NAME")
    )));
}

#[test]
fn printing_the_settings_shows_no_secret() {
    let settings = decide(
        json!({"web_identity_token": "canary-token", "role_arn": [ROLE, OTHER], "endpoint": "https://u:canary@h",
               "provided_contexts": [{"provider_arn": "arn:aws:iam::aws:contextProvider/X", "context_assertion": "canary"}]}),
        json!({}),
        &[
            ("AWS_SECRET_ACCESS_KEY", "canary"),
            ("HTTPS_PROXY", "http://u:canary@h"),
        ],
    );
    let shown = format!("{settings:?} {:?}", settings.report());
    assert!(!shown.contains("canary"), "{shown}");
}

#[test]
fn every_option_that_is_given_is_reported_and_no_secret() {
    let role = json!({
        "region": "eu-west-1", "role_arn": ROLE, "role_session_name": "name",
        "session_duration": 900, "minimum_session_token_size": 1024, "external_id": "canary", "policy": {"Statement": []},
        "policy_arns": ["arn:aws:iam::aws:policy/ReadOnlyAccess"], "tags": {"a": "1", "b": "2"},
        "transitive_tag_keys": ["a", "b"], "source_identity": "jane", "serial_number": "GAHT12345678",
        "profile": "p", "provided_contexts": [{"provider_arn": "arn:aws:iam::aws:contextProvider/X", "context_assertion": "canary"}],
        "token_provider": true, "provider_id": "example.com",
        "get_session_token": true, "endpoint": "https://u:canary@h", "ca_bundle": "/ca", "resolve_timeout": 1,
        "connect_timeout": 1, "read_timeout": 1, "process_timeout": 1, "token_timeout": 1, "negative_ttl": 1,
        "advisory_window": 60, "cache": "/cache", "name_with_account": true,
    });
    let lower = json!({
        "enabled": true, "broker_bridge": false, "sdk_default": true,
        "tokens": {"rabbitmq": {"kind": "identity", "audience": "canary"}},
        "vault": {"role": "canary", "mount": "aws"},
        "roles": {"one": {"role_arn": ROLE, "external_id": "canary"}, "two": ROLE},
    });
    let other = [
        options(json!({
            "source": true, "scope_policy": {"Statement": []}, "scope_duration": 60, "scope_description": "job",
        })),
        options(json!({"web_identity_token": "canary-token"})),
        options(json!({"credential_source": "EcsContainer"})),
        options(json!({"credential_process": "tool --password canary"})),
        decide(
            json!({}),
            json!({"access_key_id": "AKIAX", "secret_access_key": "canary", "session_token": "canary"}),
            &[],
        ),
        decide(json!({}), json!({"web_identity_token_file": "/t"}), &[]),
    ];
    let settings = decide(role, lower, &[]);
    let mut reported = settings.report();
    reported.extend(other.iter().flat_map(Settings::report));
    for option in crate::config::options::OPTIONS {
        let found = reported.iter().any(|(name, value, origin)| {
            *name == option.name && !value.is_null() && *origin != Origin::Default
        });
        assert!(found, "{} is missing", option.name);
    }
    for expected in [
        ("external_id", json!("set"), Origin::Option),
        ("policy", json!("{\"Statement\":[]}"), Origin::Option),
        ("tags", json!("a=1, b=2"), Origin::Option),
        ("transitive_tag_keys", json!("a, b"), Origin::Option),
        ("serial_number", json!("GAHT12345678"), Origin::Option),
        ("provided_contexts", json!("set"), Origin::Option),
        ("web_identity_token", json!("set"), Origin::Option),
        ("web_identity_token_file", json!("/t"), Origin::Settings),
        ("source", json!("set"), Origin::Option),
        ("scope_policy", json!("{\"Statement\":[]}"), Origin::Option),
        ("scope_duration", json!(60), Origin::Option),
        ("access_key_id", json!("AKIAX"), Origin::Settings),
        ("secret_access_key", json!("set"), Origin::Settings),
        ("session_token", json!("set"), Origin::Settings),
        ("credential_process", json!("set"), Origin::Option),
        ("credential_source", json!("EcsContainer"), Origin::Option),
        ("advisory_window", json!(60.0), Origin::Option),
        ("enabled", json!(true), Origin::Settings),
        ("roles", json!("one, two"), Origin::Settings),
        ("sdk_default", json!(true), Origin::Settings),
        ("tokens", json!("rabbitmq"), Origin::Settings),
        ("vault", json!("mount, role"), Origin::Settings),
    ] {
        assert!(reported.contains(&expected), "{expected:?}: {reported:?}");
    }
    assert!(!format!("{reported:?}").contains("canary"), "{reported:?}");
}

#[test]
fn every_option_of_a_role_is_in_the_table() {
    for (name, _) in AssumeRoleOptions::default().report() {
        assert!(crate::config::options::find(name).is_some(), "{name}");
    }
}

#[test]
fn an_option_of_a_lower_role_is_not_in_force() {
    let settings = decide(
        json!({"role_arn": [{"role_arn": ROLE, "tags": {"a": 1}}]}),
        json!({"tags": {"b": 2}, "external_id": "x1"}),
        &[],
    );
    let report = settings.report();
    assert!(report.contains(&("tags", json!("a=1"), Origin::Option)));
    assert!(report.contains(&("external_id", json!("set"), Origin::Settings)));
    let other = decide(
        json!({"role_arn": ROLE}),
        json!({"role_arn": OTHER, "external_id": "x1"}),
        &[],
    );
    assert!(
        other
            .report()
            .iter()
            .all(|(name, ..)| *name != "external_id")
    );
}
