//! Options that nothing takes.

use super::*;

const KEYS: [(&str, &str); 2] = [
    ("AWS_ACCESS_KEY_ID", "AKIAX"),
    ("AWS_SECRET_ACCESS_KEY", "s"),
];

/// Every option of a role, alone.
fn every() -> Vec<(&'static str, Value)> {
    let values = [
        ("role_session_name", json!("night")),
        ("session_duration", json!(900)),
        ("minimum_session_token_size", json!(1024)),
        ("external_id", json!("x-1")),
        (
            "policy",
            json!({"Statement": [{"Effect": "Deny", "Action": "*", "Resource": "*"}]}),
        ),
        (
            "policy_arns",
            json!(["arn:aws:iam::aws:policy/ReadOnlyAccess"]),
        ),
        ("tags", json!({"a": 1})),
        ("transitive_tag_keys", json!(["a"])),
        ("source_identity", json!("jane")),
        ("serial_number", json!("GAHT12345678")),
        (
            "provided_contexts",
            json!([{"provider_arn": "arn:aws:iam::aws:contextProvider/X", "context_assertion": "canary"}]),
        ),
    ];
    let all = AssumeRoleOptions::default().report();
    assert_eq!(all.len(), values.len());
    values.to_vec()
}

fn with(mut base: Value, name: &str, value: &Value) -> Value {
    base[name] = value.clone();
    base
}

#[test]
fn an_option_without_a_role_is_an_error_whatever_the_base_is() {
    for (name, value) in every() {
        for (base, environment) in [
            (json!({}), &KEYS[..]),
            (json!({"role_arn": false}), &KEYS[..]),
            (json!({"source": true}), &[]),
            (json!({"credential_source": "EcsContainer"}), &[]),
            (json!({"credential_process": "tool"}), &[]),
        ] {
            let failure = failure(with(base, name, &value), json!({}), environment);
            assert_eq!(failure.kind, Kind::Configuration);
            assert!(failure.cause.starts_with(name), "{failure}");
            assert!(failure.remedy.contains("role_arn"), "{failure}");
        }
    }
}

#[test]
fn a_role_takes_them_all() {
    for (name, value) in every() {
        for (options, settings, environment) in [
            (
                with(json!({"role_arn": ROLE}), name, &value),
                json!({}),
                &KEYS[..],
            ),
            (json!({"role_arn": ROLE}), json!({name: value}), &KEYS[..]),
            (json!({name: value}), json!({"role_arn": ROLE}), &KEYS[..]),
            (json!({name: value}), json!({}), &[("AWS_ROLE_ARN", ROLE)]),
            (
                json!({"role_arn": ROLE, "source": true}),
                json!({name: value}),
                &[],
            ),
        ] {
            let settings = decide(options, settings, environment);
            assert!(settings.warnings.is_empty(), "{:?}", settings.warnings);
            assert_eq!(settings.taker(), Some(Taker::Role));
        }
    }
}

#[test]
fn a_profile_may_take_them_and_says_so_later() {
    for (name, value) in every() {
        for options in [
            json!({name: value}),
            with(json!({"profile": "p"}), name, &value),
        ] {
            let settings = decide(options, json!({}), &[]);
            assert_eq!(settings.taker(), None);
            assert_eq!(settings.check_taken(Taker::Role), Ok(Vec::new()));
            let failure = settings.check_taken(Taker::Nothing).unwrap_err();
            assert!(failure.cause.starts_with(name), "{failure}");
        }
    }
}

#[test]
fn get_session_token_takes_three() {
    for (name, value) in every() {
        let given = with(json!({"get_session_token": true}), name, &value);
        let taken = Settings::new(layers(given, json!({}), &KEYS));
        let three = [
            "session_duration",
            "serial_number",
            "minimum_session_token_size",
        ];
        assert_eq!(taken.is_ok(), three.contains(&name), "{name}");
    }
}

#[test]
fn a_web_identity_takes_what_sts_has_for_it() {
    for (name, value) in every() {
        let given = with(
            json!({"web_identity_token_file": "/t", "role_arn": ROLE}),
            name,
            &value,
        );
        let taken = Settings::new(layers(given, json!({}), &[]));
        let lacks = AssumeRoleOptions::NOT_FOR_WEB_IDENTITY.contains(&name);
        assert_eq!(taken.is_err(), lacks, "{name}");
        let on_top = with(
            json!({"web_identity_token_file": "/t", "role_arn": [ROLE, OTHER]}),
            name,
            &value,
        );
        assert!(
            Settings::new(layers(on_top, json!({}), &[])).is_ok(),
            "{name}"
        );
    }
}

#[test]
fn a_setting_warns_once_but_a_policy_is_an_error() {
    for (name, value) in every() {
        let alone = Settings::new(layers(json!({}), json!({name: value}), &KEYS));
        let beside_roles = Settings::new(layers(
            json!({}),
            json!({name: value, "roles": {"deploy": ROLE}}),
            &KEYS,
        ));
        if ["policy", "policy_arns"].contains(&name) {
            let beside_roles = beside_roles.unwrap_err();
            assert!(
                beside_roles.remedy.contains("into the roles"),
                "{beside_roles}"
            );
            for failure in [alone.unwrap_err(), beside_roles] {
                assert_eq!(failure.kind, Kind::Configuration);
                let label = format!("identity.aws.{name}");
                assert!(failure.cause.starts_with(&label), "{failure}");
            }
        } else {
            let warnings = alone.unwrap().warnings;
            assert_eq!(warnings.len(), 1, "{name}: {warnings:?}");
            assert!(warnings[0].cause.contains(&format!("identity.aws.{name}")));
            assert!(beside_roles.unwrap().warnings.is_empty(), "{name}");
        }
    }
}
