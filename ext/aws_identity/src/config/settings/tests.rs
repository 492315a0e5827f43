//! Which layer decides, what is refused, and that no message and no print shows a secret.

use super::*;
use crate::failure::Kind;
use serde_json::{Map, json};

const ROLE: &str = "arn:aws:iam::123456789012:role/one";
const OTHER: &str = "arn:aws:iam::123456789012:role/other";
const THIRD: &str = "arn:aws:iam::123456789012:role/third";

fn map(value: Value) -> Map<String, Value> {
    let Value::Object(map) = value else {
        panic!("not a Hash: {value}")
    };
    map
}

fn layers(options: Value, settings: Value, environment: &[(&str, &str)]) -> Layers {
    Layers {
        options: map(options),
        settings: map(settings),
        environment: Environment::new(environment.iter().copied()),
        ..Layers::default()
    }
}

fn decide(options: Value, settings: Value, environment: &[(&str, &str)]) -> Settings {
    Settings::new(layers(options, settings, environment)).unwrap()
}

fn options(options: Value) -> Settings {
    decide(options, json!({}), &[])
}

/// The refusal of these options, which shows nothing secret.
fn refused(options: Value) -> Failure {
    failure(options, json!({}), &[])
}

fn failure(options: Value, settings: Value, environment: &[(&str, &str)]) -> Failure {
    let failure = Settings::new(layers(options, settings, environment)).unwrap_err();
    assert!(!format!("{failure:?}").contains("canary"), "{failure:?}");
    failure
}

fn chain(settings: &Settings) -> &[RoleRequest] {
    match &settings.role.value {
        Role::Chain(chain) => chain,
        other => panic!("no chain: {other:?}"),
    }
}

mod layers_decide {
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
                settings.profile.is_none()
                    && settings.web_identity.is_none()
                    && settings.cache.value.is_none()
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
        assert_eq!(refused(json!({"cache": 3})).kind, Kind::Configuration);
    }
}

mod roles_and_their_options {
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
        assert_eq!(options.external_id.as_deref(), Some("mine"));
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
        assert_eq!(settings.unscoped.external_id.as_deref(), Some("setting"));
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
        assert_eq!(first.options.external_id.as_deref(), Some("first"));
        assert_eq!(first.options.duration_seconds, Some(7200));
        assert_eq!(first.options.serial_number.as_deref(), Some("GAHT12345678"));
        assert_eq!(second.options, AssumeRoleOptions::default());
        assert_eq!(third.options.external_id.as_deref(), Some("last"));
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
                failure.message().contains("role")
                    || failure.message().contains("session_duration"),
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
        assert_eq!(
            options(json!({"web_identity_token": " a-token\n"})).web_identity,
            Some(chosen(
                TokenSource::Text(Secret::new("a-token")),
                Origin::Option
            ))
        );
        assert_eq!(
            options(json!({"web_identity_token": true})).web_identity,
            Some(chosen(TokenSource::Supplied, Origin::Option))
        );
        assert_eq!(
            decide(json!({}), json!({"web_identity_token_file": "/t"}), &[]).web_identity,
            Some(chosen(TokenSource::File("/t".into()), Origin::Settings))
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
        let settings = options(
            json!({"role_arn": ROLE, "policy_arns": "arn:aws:iam::aws:policy/ReadOnlyAccess"}),
        );
        assert_eq!(
            chain(&settings)[0].options.policy_arns.len(),
            1,
            "one is a list of one"
        );
    }
}

mod what_is_refused {
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
        for word in ["source", "token_provider", "web_identity_token"] {
            let settings = decide(json!({}), json!({word: "canary"}), &[]);
            assert_eq!(settings.warnings.len(), 1, "{word} is an option only");
            assert!(
                !settings.supplied_source
                    && !settings.token_provider
                    && settings.web_identity.is_none()
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
            ] {
                let failure = failure(json!({}), json!({name: value}), &[]);
                assert_eq!(failure.kind, Kind::NotReady, "{name}");
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
                "role_session_name has 1 characters; STS takes 2 to 64",
            ),
            (
                role("role_session_name", json!("x".repeat(65))),
                "65 characters",
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
                "serial_number has 5 characters; STS takes 9 to 256",
            ),
            (role("policy", json!({"x": "y".repeat(2050)})), "policy has"),
            (
                role("policy_arns", json!(["arn:aws:s3:::bucket"])),
                "policy_arns holds",
            ),
            (
                role("tags", json!({"k": "v".repeat(257)})),
                "257 characters",
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
}

mod report {
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
            json!({"web_identity_token": "canary-token", "role_arn": ROLE, "endpoint": "https://u:canary@h",
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
            "region": "eu-west-1", "profile": "p", "role_arn": ROLE, "role_session_name": "name",
            "session_duration": 900, "external_id": "canary", "policy": {"Statement": []},
            "policy_arns": ["arn:aws:iam::aws:policy/ReadOnlyAccess"], "tags": {"a": "1", "b": "2"},
            "transitive_tag_keys": ["a", "b"], "source_identity": "jane", "serial_number": "GAHT12345678",
            "provided_contexts": [{"provider_arn": "arn:aws:iam::aws:contextProvider/X", "context_assertion": "canary"}],
            "token_provider": true, "web_identity_token": "canary-token", "provider_id": "example.com",
            "get_session_token": true, "endpoint": "https://u:canary@h", "ca_bundle": "/ca", "resolve_timeout": 1,
            "connect_timeout": 1, "read_timeout": 1, "process_timeout": 1, "token_timeout": 1, "negative_ttl": 1,
            "advisory_window": 60, "cache": "/cache", "name_with_account": true,
        });
        let lower = json!({
            "enabled": true, "broker_bridge": false,
            "roles": {"one": {"role_arn": ROLE, "external_id": "canary"}, "two": ROLE},
        });
        let other = [
            options(json!({"source": true})),
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
            ("advisory_window", json!(60.0), Origin::Option),
            ("enabled", json!(true), Origin::Settings),
            ("roles", json!("one, two"), Origin::Settings),
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
}
