use super::*;

#[test]
fn false_is_no_role_and_stops_the_lower_layers() {
    let settings = decide(
        json!({"role_arn": false}),
        json!({"role_arn": ROLE}),
        &[("AWS_ROLE_ARN", OTHER)],
    );
    assert_eq!(settings.role, chosen(Role::Off, Origin::Option));
    assert_eq!(settings.role_on_top(), None);
    assert_eq!(
        decide(
            json!({}),
            json!({"role_arn": false}),
            &[("AWS_ROLE_ARN", OTHER)]
        )
        .role
        .value,
        Role::Off
    );
}

#[test]
fn the_environment_s_role_belongs_to_its_token_file() {
    let pair = [
        ("AWS_ROLE_ARN", ROLE),
        ("AWS_WEB_IDENTITY_TOKEN_FILE", "/token"),
    ];
    assert_eq!(decide(json!({}), json!({}), &pair).role.value, Role::Unset);
    // A token that is asked for may have it all the same.
    let asked = decide(json!({"web_identity_token": "a-token"}), json!({}), &pair);
    assert_eq!(asked.web_identity_role().unwrap().role_arn, ROLE);
    assert_eq!(asked.role_on_top(), None);
    let on_top = decide(json!({"role_arn": OTHER}), json!({}), &pair);
    assert_eq!(on_top.role_on_top().unwrap()[0].role_arn, OTHER);
}

#[test]
fn the_environment_s_session_name_goes_with_its_role() {
    let named = [("AWS_ROLE_ARN", ROLE), ("AWS_ROLE_SESSION_NAME", " night ")];
    let settings = decide(json!({}), json!({}), &named);
    assert_eq!(
        chain(&settings)[0].options.role_session_name.as_deref(),
        Some("night")
    );
    let other = decide(json!({"role_arn": OTHER}), json!({}), &named);
    assert_eq!(chain(&other)[0].options, AssumeRoleOptions::default());
    assert!(
        failure(
            json!({}),
            json!({}),
            &[("AWS_ROLE_ARN", ROLE), ("AWS_ROLE_SESSION_NAME", "a b")]
        )
        .message()
        .contains("AWS_ROLE_SESSION_NAME")
    );
    assert!(
        failure(json!({}), json!({}), &[("AWS_ROLE_ARN", "nonsense")])
            .message()
            .contains("AWS_ROLE_ARN")
    );
}

#[test]
fn options_belong_to_the_role_of_their_layer() {
    let settings = decide(
        json!({"role_arn": ROLE, "external_id": "mine"}),
        json!({"role_session_name": "unscoped", "session_duration": 900}),
        &[],
    );
    let options = &chain(&settings)[0].options;
    assert_eq!(options.external_id, Some(Secret::new("mine")));
    assert!(!format!("{options:?}").contains("mine"), "{options:?}");
    assert_eq!(
        (
            options.role_session_name.as_deref(),
            options.duration_seconds
        ),
        (None, None)
    );
    assert_eq!(
        settings.unscoped.role_session_name.as_deref(),
        Some("unscoped")
    );
    assert_eq!(settings.unscoped.duration_seconds, Some(900));
}

#[test]
fn options_of_a_role_that_is_not_used_are_not_used() {
    let settings = decide(
        json!({"role_arn": ROLE}),
        json!({"role_arn": OTHER, "external_id": "theirs", "session_duration": 900}),
        &[],
    );
    assert_eq!(chain(&settings)[0].options, AssumeRoleOptions::default());
    assert_eq!(settings.unscoped, AssumeRoleOptions::default());
    let off = decide(
        json!({"role_arn": false}),
        json!({"role_arn": OTHER, "external_id": "theirs"}),
        &[],
    );
    assert_eq!(off.unscoped, AssumeRoleOptions::default());
}

#[test]
fn of_two_unscoped_options_the_higher_layer_s_wins() {
    let settings = decide(
        json!({"role_session_name": "option"}),
        json!({"role_session_name": "setting", "external_id": "setting"}),
        &[("AWS_ROLE_ARN", ROLE)],
    );
    assert_eq!(
        settings.unscoped.role_session_name.as_deref(),
        Some("option")
    );
    assert_eq!(settings.unscoped.external_id, Some(Secret::new("setting")));
}

#[test]
fn a_list_is_a_chain_whose_last_has_the_plain_options_and_whose_first_the_device() {
    let settings = options(json!({
        "role_arn": [{"role_arn": ROLE, "external_id": "first", "session_duration": 7200}, OTHER, THIRD],
        "external_id": "last", "serial_number": "GAHT12345678", "tags": {"a": 1},
    }));
    let [first, second, third] = chain(&settings) else {
        panic!("{settings:?}")
    };
    assert_eq!(
        (&*first.role_arn, &*second.role_arn, &*third.role_arn),
        (ROLE, OTHER, THIRD)
    );
    assert_eq!(first.options.external_id, Some(Secret::new("first")));
    assert_eq!(first.options.duration_seconds, Some(7200));
    assert_eq!(first.options.serial_number.as_deref(), Some("GAHT12345678"));
    assert_eq!(second.options, AssumeRoleOptions::default());
    assert_eq!(third.options.external_id, Some(Secret::new("last")));
    assert_eq!(third.options.tags, [("a".into(), "1".into())]);
    assert_eq!(third.options.serial_number, None);
}

#[test]
fn a_list_is_an_option_only_and_has_something_in_it() {
    let in_settings = failure(json!({}), json!({"role_arn": [ROLE]}), &[]);
    assert_eq!(in_settings.kind, Kind::Configuration);
    assert!(
        in_settings
            .message()
            .contains("identity.aws.role_arn is a list"),
        "{}",
        in_settings.message()
    );
    let waiting = failure(json!({}), json!({"role_arn": ["vault://x#y", ROLE]}), &[]);
    assert_eq!(waiting.kind, Kind::NotReady);
    for bad in [
        json!([]),
        json!([3]),
        json!(["nonsense"]),
        json!([{"external_id": "x1"}]),
        json!([{"role_arn": ROLE, "serial_number": "GAHT12345678"}]),
        json!([{"role_arn": ROLE, "region": "eu-west-1"}]),
        json!([{"role_arn": ROLE, "session_duration": 60}]),
        json!([[ROLE]]),
        json!({"role_arn": ROLE}),
        json!(true),
        json!(7),
    ] {
        let failure = refused(json!({"role_arn": bad}));
        assert_eq!(failure.kind, Kind::Configuration, "{bad}");
        assert!(
            failure.message().contains("role") || failure.message().contains("session_duration"),
            "{}",
            failure.message()
        );
    }
}

#[test]
fn a_web_identity_that_is_asked_for_has_the_first_role_of_the_list() {
    let settings = options(json!({"role_arn": [ROLE, OTHER], "web_identity_token": "a-token"}));
    assert_eq!(settings.web_identity_role().unwrap().role_arn, ROLE);
    assert_eq!(settings.role_on_top().unwrap().len(), 1);
    let none = options(json!({"web_identity_token": "a-token"}));
    assert_eq!(
        none.web_identity_role().unwrap_err().kind,
        Kind::Configuration
    );
    let off = options(json!({"web_identity_token": "a-token", "role_arn": false}));
    assert!(off.web_identity_role().is_err());
}

#[test]
fn a_token_is_text_a_file_or_supplied() {
    let token = |settings: Settings| settings.base.unwrap();
    assert_eq!(
        token(options(json!({"web_identity_token": " a-token\n"}))),
        chosen(
            Base::WebIdentity(TokenSource::Text(Secret::new("a-token"))),
            Origin::Option
        )
    );
    assert_eq!(
        token(options(json!({"web_identity_token": true}))),
        chosen(Base::WebIdentity(TokenSource::Supplied), Origin::Option)
    );
    assert_eq!(
        token(decide(
            json!({}),
            json!({"web_identity_token_file": "/t"}),
            &[]
        )),
        chosen(
            Base::WebIdentity(TokenSource::File("/t".into())),
            Origin::Settings
        )
    );
    assert!(
        refused(json!({"web_identity_token": "canary-token", "web_identity_token_file": "/t"}))
            .message()
            .contains("Keep one")
    );
    for bad in [
        json!(7),
        json!("abc"),
        json!(["canary"]),
        json!("canary\nline"),
        json!(false),
    ] {
        assert_eq!(
            refused(json!({"web_identity_token": bad})).kind,
            Kind::Configuration,
            "{bad}"
        );
    }
}

#[test]
fn a_policy_is_a_hash_or_text_that_is_one() {
    let policy = json!({"Version": "2012-10-17", "Statement": []});
    let of = |value: Value| options(json!({"role_arn": ROLE, "policy": value}));
    let read = |settings: &Settings| -> Value {
        serde_json::from_str(chain(settings)[0].options.policy.as_deref().unwrap()).unwrap()
    };
    assert_eq!(read(&of(policy.clone())), policy);
    assert_eq!(read(&of(policy.to_string().into())), policy);
    for bad in [json!("canary"), json!("[]"), json!([policy]), json!(1)] {
        assert_eq!(
            refused(json!({"role_arn": ROLE, "policy": bad})).kind,
            Kind::Configuration
        );
    }
}

#[test]
fn pairs_come_as_a_hash_or_as_a_list_of_hashes() {
    let of = |tags: Value| {
        chain(&options(json!({"role_arn": ROLE, "tags": tags})))[0]
            .options
            .tags
            .clone()
    };
    let expected = [("Team".to_owned(), "7".to_owned())];
    assert_eq!(of(json!({"Team": 7})), expected);
    assert_eq!(of(json!([{"key": "Team", "value": "7"}])), expected);
    for bad in [
        json!("Team=7"),
        json!([{"key": "Team"}]),
        json!({"Team": {"canary": 1}}),
        json!(["Team"]),
    ] {
        assert!(
            refused(json!({"role_arn": ROLE, "tags": bad}))
                .message()
                .contains("tags")
        );
    }
    let settings =
        options(json!({"role_arn": ROLE, "policy_arns": "arn:aws:iam::aws:policy/ReadOnlyAccess"}));
    assert_eq!(
        chain(&settings)[0].options.policy_arns.len(),
        1,
        "one is a list of one"
    );
}
