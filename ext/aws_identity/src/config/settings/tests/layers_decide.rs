use super::*;

#[test]
fn an_option_outranks_a_setting_and_that_the_environment() {
    let environment = [
        ("AWS_REGION", "eu-west-3"),
        ("AWS_PROFILE", "environment"),
        ("AWS_ENDPOINT_URL", "http://environment"),
        ("AWS_CA_BUNDLE", "/environment"),
        ("AWS_ROLE_ARN", THIRD),
    ];
    let options = |n: &str, role: &str| json!({"region": n, "profile": n, "endpoint": format!("http://{n}"), "ca_bundle": format!("/{n}"), "role_arn": role});
    let of = |settings: &Settings| {
        let text = |chosen: &Option<Chosen<String>>| chosen.as_ref().unwrap().value.clone();
        let endpoint = settings.endpoint.as_ref().unwrap();
        let bundle = settings.ca_bundle.as_ref().unwrap();
        [
            text(&settings.region),
            text(&settings.profile),
            endpoint.value.expose().replace("http://", ""),
            bundle.value.to_str().unwrap().replace('/', ""),
            chain(settings)[0].role_arn.clone(),
        ]
    };
    let all = decide(
        options("option", ROLE),
        options("setting", OTHER),
        &environment,
    );
    assert_eq!(of(&all), ["option", "option", "option", "option", ROLE]);
    assert_eq!(all.region.unwrap().origin, Origin::Option);
    let two = decide(json!({}), options("setting", OTHER), &environment);
    assert_eq!(
        of(&two),
        ["setting", "setting", "setting", "setting", OTHER]
    );
    assert_eq!(two.role.origin, Origin::Settings);
    let one = decide(json!({}), json!({}), &environment);
    assert_eq!(
        of(&one),
        [
            "eu-west-3",
            "environment",
            "environment",
            "environment",
            THIRD
        ]
    );
    assert_eq!(one.role.origin, Origin::Environment("AWS_ROLE_ARN"));
}

#[test]
fn of_two_variables_the_newer_name_wins() {
    let both = [
        ("AWS_DEFAULT_REGION", "eu-west-1"),
        ("AWS_REGION", "eu-west-2"),
        ("AWS_DEFAULT_PROFILE", "old"),
        ("AWS_PROFILE", "new"),
        ("AWS_ENDPOINT_URL", "http://all"),
        ("AWS_ENDPOINT_URL_STS", "http://sts"),
    ];
    let settings = decide(json!({}), json!({}), &both);
    assert_eq!(
        settings.region.unwrap(),
        chosen("eu-west-2".into(), Origin::Environment("AWS_REGION"))
    );
    assert_eq!(settings.profile.unwrap().value, "new");
    assert_eq!(settings.endpoint.unwrap().value.expose(), "http://sts");
    let old = decide(json!({}), json!({}), &both[..1]);
    assert_eq!(
        old.region.unwrap().origin,
        Origin::Environment("AWS_DEFAULT_REGION")
    );
}

#[test]
fn blank_and_null_are_absent_in_every_layer() {
    for nothing in [json!(null), json!(""), json!("  \n")] {
        let options = json!({
            "region": nothing, "profile": nothing, "role_arn": nothing, "external_id": nothing, "policy": nothing,
            "tags": nothing, "policy_arns": nothing, "session_duration": nothing, "resolve_timeout": nothing,
            "endpoint": nothing, "ca_bundle": nothing, "cache": nothing, "name_with_account": nothing,
            "get_session_token": nothing, "web_identity_token_file": nothing, "provider_id": nothing,
        });
        let settings = decide(
            options.clone(),
            options,
            &[("AWS_REGION", " "), ("AWS_PROFILE", "")],
        );
        let none = decide(json!({}), json!({}), &[]);
        assert_eq!(
            format!("{:?}", settings.report()),
            format!("{:?}", none.report())
        );
        assert_eq!(settings.role.value, Role::Unset);
        assert!(
            settings.profile.is_none() && settings.base.is_none() && settings.cache.value.is_none()
        );
    }
}

#[test]
fn a_blank_option_lets_the_setting_through() {
    let settings = decide(
        json!({"region": "", "role_arn": null}),
        json!({"region": "eu-west-1", "role_arn": ROLE}),
        &[],
    );
    assert_eq!(settings.region.as_ref().unwrap().origin, Origin::Settings);
    assert_eq!(chain(&settings)[0].role_arn, ROLE);
}

#[test]
fn text_is_trimmed() {
    let settings = decide(
        json!({"region": " eu-west-1 ", "role_arn": format!("\t{ROLE}\n")}),
        json!({}),
        &[("AWS_PROFILE", " p ")],
    );
    assert_eq!(settings.region.as_ref().unwrap().value, "eu-west-1");
    assert_eq!(settings.profile.as_ref().unwrap().value, "p");
    assert_eq!(chain(&settings)[0].role_arn, ROLE);
}

#[test]
fn numbers_may_be_written_as_text_since_references_resolve_to_text() {
    let settings = decide(
        json!({"session_duration": "900", "resolve_timeout": " 2.5 ", "name_with_account": "True"}),
        json!({"get_session_token": "FALSE", "role_arn": ROLE}),
        &[],
    );
    assert_eq!(settings.unscoped.duration_seconds, Some(900));
    assert_eq!(settings.resolve_timeout.value, Duration::from_millis(2500));
    assert!(settings.name_with_account.value && !settings.get_session_token.value);
}

#[test]
fn the_defaults_are_the_documented_ones() {
    let settings = options(json!({}));
    assert_eq!(settings.resolve_timeout.value, Duration::from_secs(4));
    assert_eq!(settings.connect_timeout.value, Duration::from_millis(1500));
    assert_eq!(settings.read_timeout.value, Duration::from_secs(3));
    assert_eq!(settings.negative_ttl.value, Duration::from_mins(1));
    assert_eq!(settings.process_timeout.value, Duration::from_mins(1));
    assert_eq!(settings.token_timeout.value, Duration::from_mins(2));
    assert_eq!(settings.advisory_window(), None);
    assert_eq!(settings.role.value, Role::Unset);
    assert!(!settings.name_with_account.value && settings.cache.value.is_none());
    assert!(settings.warnings.is_empty());
    assert_eq!(settings.dmi_folder, PathBuf::from("/sys/class/dmi/id"));
}

#[test]
fn only_an_option_or_a_setting_makes_a_profile_explicit() {
    assert_eq!(
        options(json!({"profile": "p"})).explicit_profile(),
        Some("p")
    );
    assert_eq!(
        decide(json!({}), json!({"profile": "p"}), &[]).explicit_profile(),
        Some("p")
    );
    assert_eq!(
        decide(json!({}), json!({}), &[("AWS_PROFILE", "p")]).explicit_profile(),
        None
    );
}

#[test]
fn configured_endpoints_can_be_ignored_and_given_ones_cannot() {
    let environment = [
        ("AWS_ENDPOINT_URL", "http://all"),
        ("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "TRUE"),
    ];
    assert!(
        decide(json!({}), json!({}), &environment)
            .endpoint
            .is_none()
    );
    let given = decide(json!({"endpoint": "http://given"}), json!({}), &environment);
    assert_eq!(given.endpoint.unwrap().value.expose(), "http://given");
}

#[test]
fn a_deadline_past_legionio_s_is_cut_with_a_warning() {
    let capped = |asked: Value| {
        let mut layers = layers(asked, json!({}), &[]);
        layers.deadline_cap = Some(Duration::from_secs(4));
        Settings::new(layers).unwrap()
    };
    let cut = capped(json!({"resolve_timeout": 30, "process_timeout": 30}));
    assert_eq!(cut.resolve_timeout.value, Duration::from_secs(4));
    assert_eq!(cut.process_timeout.value, Duration::from_secs(4));
    assert_eq!(cut.warnings.len(), 1);
    assert!(
        cut.warnings[0].cause.contains("30 s") && cut.warnings[0].cause.contains("4 s"),
        "{:?}",
        cut.warnings[0]
    );
    let less = capped(json!({"resolve_timeout": 3}));
    assert_eq!(less.resolve_timeout.value, Duration::from_secs(3));
    assert!(less.warnings.is_empty());
    assert!(capped(json!({})).warnings.is_empty());
}

#[test]
fn the_cache_is_a_folder_or_the_cli_s_own() {
    let home = [("HOME", "/home/u")];
    let cache = |value: Value| {
        decide(
            json!({"cache": value}),
            json!({"cache": "/settings"}),
            &home,
        )
        .cache
        .value
    };
    assert_eq!(cache(json!(true)), Some("/home/u/.aws/cli/cache".into()));
    assert_eq!(cache(json!("/tmp/mine")), Some("/tmp/mine".into()));
    assert_eq!(cache(json!(false)), None);
    assert_eq!(cache(json!(null)), Some("/settings".into()));
    assert!(refused(json!({"cache": true})).message().contains("HOME"));
    assert_eq!(cache(json!("~/c")), Some("/home/u/c".into()));
    for bad in [
        json!(3),
        json!("no"),
        json!("yes"),
        json!("c"),
        json!("./c"),
        json!("~nobody-of-that-name/c"),
        json!(["/c"]),
    ] {
        let failure = refused(json!({"cache": bad}));
        assert_eq!(failure.kind, Kind::Configuration);
        assert!(failure.cause.starts_with("cache "), "{failure}");
    }
    let setting = failure(json!({}), json!({"cache": "no"}), &[]);
    assert!(setting.cause.starts_with("identity.aws.cache"), "{setting}");
}

#[test]
fn a_tilde_is_expanded_in_every_path_and_at_every_place() {
    let home = [("HOME", "/home/u"), ("AWS_CA_BUNDLE", "~root/ca.pem")];
    let by_variable = decide(json!({}), json!({}), &home).ca_bundle.unwrap();
    // The home directory of root is another one on some systems.
    assert!(by_variable.value.is_absolute() && by_variable.value.ends_with("ca.pem"));
    let role = "arn:aws:iam::123456789012:role/a";
    let paths = || json!({"ca_bundle": "~/ca", "cache": "~/cache", "web_identity_token_file": "~/token", "role_arn": role});
    for settings in [
        decide(paths(), json!({}), &home),
        decide(json!({}), paths(), &home),
    ] {
        assert_eq!(
            settings.ca_bundle.clone().unwrap().value,
            PathBuf::from("/home/u/ca")
        );
        assert_eq!(settings.cache.value, Some("/home/u/cache".into()));
        assert_eq!(
            *settings.web_identity().unwrap(),
            TokenSource::File("/home/u/token".into())
        );
    }
}
