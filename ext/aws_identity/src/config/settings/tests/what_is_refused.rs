use super::*;

#[test]
fn an_unknown_option_is_an_argument_error_with_a_suggestion() {
    let failure = refused(json!({"sesion_duration": 900}));
    assert_eq!(failure.kind, Kind::Argument);
    assert!(
        failure.message().contains("session_duration"),
        "{}",
        failure.message()
    );
    assert_eq!(
        refused(json!({"enabled": true})).kind,
        Kind::Argument,
        "that is a settings key"
    );
}

#[test]
fn an_unknown_setting_is_a_warning_unless_it_resembles_a_choice_of_identity() {
    let settings = decide(
        json!({}),
        json!({"sesion_duration": 900, "enabled": true}),
        &[],
    );
    assert_eq!(settings.warnings.len(), 1);
    assert!(
        settings.warnings[0]
            .to_string()
            .contains("session_duration"),
        "{:?}",
        settings.warnings[0]
    );
    for typo in [
        "rolearn",
        "role_arns",
        "ROLE_ARN",
        "profil",
        "profiles",
        "external-id",
        "role",
    ] {
        assert_eq!(
            failure(json!({}), json!({typo: "canary"}), &[]).kind,
            Kind::Configuration,
            "{typo}"
        );
    }
    let settings = decide(json!({}), json!({"token_provider": "canary"}), &[]);
    assert_eq!(settings.warnings.len(), 1, "it is an option only");
    assert!(!settings.token_provider);
    for word in ["source", "web_identity_token"] {
        let failure = failure(json!({}), json!({word: "canary"}), &[]);
        assert_eq!(
            failure.kind,
            Kind::Configuration,
            "{word} is an option only"
        );
    }
}

#[test]
fn an_unresolved_reference_is_not_ready_wherever_it_could_change_the_identity() {
    for scheme in ["env://X", "vault://secret/x#y", " lease://aws/creds"] {
        for (name, value) in [
            ("role_arn", json!(scheme)),
            ("profile", json!(scheme)),
            ("external_id", json!(scheme)),
            ("policy", json!({"Statement": [{"Resource": scheme}]})),
            ("tags", json!([{"key": "k", "value": scheme}])),
            (
                "policy_arns",
                json!(["arn:aws:iam::aws:policy/ReadOnlyAccess", scheme]),
            ),
            ("endpoint", json!(scheme)),
            ("ca_bundle", json!(scheme)),
            ("cache", json!(scheme)),
            ("source_identity", json!(scheme)),
            ("web_identity_token_file", json!(scheme)),
            ("name_with_account", json!(scheme)),
            ("get_session_token", json!(scheme)),
            ("credential_process", json!(scheme)),
            ("credential_source", json!(scheme)),
            ("minimum_session_token_size", json!(scheme)),
        ] {
            let failure = failure(json!({}), json!({name: value}), &[]);
            assert_eq!(failure.kind, Kind::NotReady, "{name}");
            assert!(failure.remedy.contains("Only LegionIO resolves it"));
            assert!(
                failure.message().contains(&format!("identity.aws.{name}")),
                "{}",
                failure.message()
            );
            assert_eq!(
                refused(json!({name: value})).kind,
                Kind::NotReady,
                "{name} as an option"
            );
        }
    }
}

#[test]
fn an_unresolved_reference_is_absent_where_it_could_not() {
    let reference = "vault://x#y";
    let settings = decide(
        json!({}),
        json!({
            "region": reference, "role_session_name": reference, "session_duration": reference,
            "resolve_timeout": reference, "connect_timeout": reference, "read_timeout": reference,
            "negative_ttl": reference, "process_timeout": reference, "token_timeout": reference,
            "advisory_window": reference,
        }),
        &[("AWS_REGION", "eu-west-1")],
    );
    assert_eq!(settings.region.unwrap().value, "eu-west-1");
    assert_eq!(settings.unscoped, AssumeRoleOptions::default());
    assert_eq!(settings.resolve_timeout.value, RESOLVE_TIMEOUT);
    assert!(settings.warnings.is_empty());
}

#[test]
fn every_limit_of_sts_names_option_limit_and_value() {
    let role = |name: &str, value: Value| json!({"role_arn": ROLE, name: value});
    for (given, said) in [
        (
            role("session_duration", json!(899)),
            "session_duration is 899 seconds; STS takes 900 to 43200",
        ),
        (role("session_duration", json!(43_201)), "43201 seconds"),
        (
            role("role_session_name", json!("a")),
            "role_session_name has 1 characters; STS takes 2 and more",
        ),
        (
            role("minimum_session_token_size", json!(4097)),
            "minimum_session_token_size is 4097 bytes; STS takes 0 to 4096",
        ),
        (
            role("role_session_name", json!("a b")),
            "role_session_name holds ' '",
        ),
        (role("external_id", json!("a*b")), "external_id holds '*'"),
        (
            role("source_identity", json!("a/b")),
            "source_identity holds '/'",
        ),
        (
            role("serial_number", json!("short")),
            "serial_number has 5 characters; STS takes 9 and more",
        ),
        (
            role("policy_arns", json!(["arn:aws:s3:::bucket"])),
            "policy_arns holds",
        ),
        (
            role("tags", json!({"": "v"})),
            "tags: a key has 0 characters",
        ),
        (role("tags", json!({"Team": 1, "team": 2})), "twice"),
        (
            role("transitive_tag_keys", json!([""])),
            "transitive_tag_keys",
        ),
        (
            role(
                "provided_contexts",
                json!([{"provider_arn": "x", "context_assertion": "canary"}]),
            ),
            "provided_contexts",
        ),
        (
            json!({"role_arn": "arn:aws:iam::1:role/x"}),
            "role_arn is \"arn:aws:iam::1:role/x\"",
        ),
        (
            json!({"provider_id": "abc"}),
            "provider_id has 3 characters",
        ),
    ] {
        let failure = refused(given);
        assert_eq!(failure.kind, Kind::Configuration);
        assert!(
            failure.message().contains(said),
            "{said}: {}",
            failure.message()
        );
    }
}

#[test]
fn a_number_that_does_not_fit_is_told_by_its_kind() {
    for (given, said) in [
        (
            json!(900.5),
            "a whole number of seconds, and was given a fraction.",
        ),
        (
            json!(-900),
            "a whole number of seconds, and was given a negative number.",
        ),
        (
            json!("1h"),
            "a whole number of seconds, and was given a string of another form.",
        ),
    ] {
        let failure = refused(json!({"role_arn": ROLE, "session_duration": given}));
        assert!(failure.message().contains(said), "{failure}");
    }
    let failure = refused(json!({"profile": 5}));
    assert!(
        failure
            .message()
            .contains("takes a string, and was given a number."),
        "{failure}"
    );
}

#[test]
fn unscoped_options_have_the_same_limits() {
    for given in [
        json!({"session_duration": 60}),
        json!({"role_session_name": "a b"}),
        json!({"external_id": "*"}),
        json!({"policy_arns": ["x"]}),
    ] {
        assert_eq!(refused(given.clone()).kind, Kind::Configuration);
        assert_eq!(failure(json!({}), given, &[]).kind, Kind::Configuration);
    }
}

#[test]
fn a_session_token_may_live_longer_than_a_role() {
    let settings = options(json!({"get_session_token": true, "session_duration": 129_600}));
    assert_eq!(settings.unscoped.duration_seconds, Some(129_600));
    assert!(
        refused(json!({"session_duration": 129_600}))
            .message()
            .contains("43200")
    );
    assert!(
        refused(json!({"get_session_token": true, "session_duration": 129_601}))
            .message()
            .contains("129600")
    );
}

#[test]
fn a_value_of_another_type_is_named_and_not_shown() {
    for (name, value) in [
        ("region", json!(["canary"])),
        ("profile", json!({"canary": 1})),
        ("external_id", json!(["canary"])),
        ("session_duration", json!("canary")),
        ("session_duration", json!(900.5)),
        ("session_duration", json!(-900)),
        ("resolve_timeout", json!("canary")),
        ("name_with_account", json!("canary")),
        ("get_session_token", json!(1)),
        ("ca_bundle", json!(3)),
        ("endpoint", json!(true)),
        ("policy_arns", json!({"canary": 1})),
    ] {
        let failure = refused(json!({name: value}));
        assert_eq!(failure.kind, Kind::Configuration, "{name}");
        assert!(
            failure.message().contains(name) && failure.message().contains("takes"),
            "{}",
            failure.message()
        );
    }
}

#[test]
fn a_time_is_more_than_nothing_and_within_reason() {
    for name in [
        "resolve_timeout",
        "connect_timeout",
        "read_timeout",
        "process_timeout",
        "token_timeout",
        "negative_ttl",
    ] {
        for bad in [
            json!(0),
            json!(-1),
            json!(3601),
            json!("inf"),
            json!("nan"),
            json!(1e300),
        ] {
            let failure = refused(json!({name: bad}));
            assert_eq!(failure.kind, Kind::Configuration, "{name} {bad}");
            assert!(failure.message().contains(name), "{}", failure.message());
        }
    }
    assert_eq!(
        options(json!({"advisory_window": 43_200})).advisory_window(),
        Some(43_200_000)
    );
    assert!(
        refused(json!({"advisory_window": 43_201}))
            .message()
            .contains("43200")
    );
}

#[test]
fn a_region_becomes_part_of_a_host_name() {
    for bad in [
        "eu-west-1.evil.example",
        "-x",
        "a/b",
        "a b",
        "r\u{e9}gion",
        &"x".repeat(64),
    ] {
        for failure in [
            refused(json!({"region": bad})),
            failure(json!({}), json!({}), &[("AWS_REGION", bad)]),
        ] {
            assert_eq!(failure.kind, Kind::Configuration, "{bad}");
        }
    }
    assert!(
        failure(json!({}), json!({}), &[("AWS_REGION", "a b")])
            .message()
            .contains("environment AWS_REGION")
    );
}

#[test]
fn an_endpoint_is_a_url_and_its_password_is_not_shown() {
    for bad in [
        "127.0.0.1",
        "ftp://u:canary@h",
        "http://",
        "http://u:canary@",
        "http://u:canary@h:port",
    ] {
        let failure = refused(json!({"endpoint": bad}));
        assert!(
            failure.message().contains("endpoint (option)"),
            "{}",
            failure.message()
        );
    }
    assert!(
        failure(
            json!({}),
            json!({}),
            &[("AWS_ENDPOINT_URL_STS", "u:canary@h")]
        )
        .message()
        .contains("AWS_ENDPOINT_URL_STS")
    );
}

#[test]
fn a_value_in_place_of_the_settings() {
    let layers = Layers {
        is_malformed: true,
        ..layers(
            json!({}),
            json!({}),
            &[("AWS_ACCESS_KEY_ID", "a"), ("AWS_SECRET_ACCESS_KEY", "b")],
        )
    };
    let failure = Settings::new(layers).unwrap_err();
    assert_eq!(failure.kind, Kind::Configuration);
    assert!(
        failure.cause.contains("identity.aws holds a value"),
        "{failure}"
    );
}

#[test]
fn what_an_option_takes_is_said_whole_and_the_place_of_what_it_does_not() {
    for (name, value, message) in [
        (
            "policy",
            json!([1]),
            "policy takes a Hash, or JSON text, and was given an Array.",
        ),
        (
            "policy",
            json!(1),
            "policy takes a Hash, or JSON text, and was given a number.",
        ),
        (
            "tags",
            json!([{"key": "a", "value": "b"}, "canary"]),
            "tags takes a Hash, or a list of Hashes with key and value, and number 2 in it is a string.",
        ),
        (
            "tags",
            json!([{"key": "canary"}]),
            "tags takes a Hash, or a list of Hashes with key and value, and number 1 in it is a Hash of another form.",
        ),
        (
            "tags",
            json!({"canary": [1]}),
            "tags takes a Hash, or a list of Hashes with key and value, and number 1 in it is an Array.",
        ),
        (
            "policy_arns",
            json!([{"canary": 1}]),
            "policy_arns takes a list of strings, or of Hashes with arn alone, and number 1 in it is a Hash of another form.",
        ),
        (
            "transitive_tag_keys",
            json!(["a", 1]),
            "transitive_tag_keys takes a list of strings, and number 2 in it is a number.",
        ),
    ] {
        let failure = refused(json!({"role_arn": ROLE, name: value}));
        assert_eq!(failure.cause, message);
    }
    assert_eq!(
        refused(json!({"role_arn": [ROLE, null]})).cause,
        "role_arn takes a string, false, or a list of strings and Hashes, and number 2 in it is nil."
    );
}
