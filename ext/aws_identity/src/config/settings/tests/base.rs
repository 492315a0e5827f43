//! Which base the layers name, and which of them contradict each other.

use super::*;

/// Each way to name a base, as an option and as a setting.
fn ways() -> Vec<(Value, Value)> {
    let none = || json!({});
    vec![
        (json!({"source": true}), none()),
        (json!({"profile": "p"}), json!({"profile": "p"})),
        (
            none(),
            json!({"access_key_id": "AKIAX", "secret_access_key": "canary"}),
        ),
        (
            json!({"credential_source": "Environment"}),
            json!({"credential_source": "Environment"}),
        ),
        (
            json!({"credential_process": "canary"}),
            json!({"credential_process": "canary"}),
        ),
        (
            json!({"web_identity_token": "canary"}),
            json!({"web_identity_token_file": "/canary"}),
        ),
        (json!({"web_identity_token_file": "/canary"}), none()),
    ]
}

fn both(one: &Value, other: &Value) -> Value {
    let mut both = map(one.clone());
    both.extend(map(other.clone()));
    Value::Object(both)
}

#[test]
fn two_bases_in_one_layer_contradict_each_other() {
    let mut pairs = 0;
    for (index, one) in ways().into_iter().enumerate() {
        for other in ways().into_iter().skip(index + 1) {
            for (one, other, is_option) in [(&one.0, &other.0, true), (&one.1, &other.1, false)] {
                let names = [one, other].map(|layer| map(layer.clone()).keys().next().cloned());
                let [Some(one_name), Some(other_name)] = names else {
                    continue;
                };
                let given = both(one, other);
                let failure = if is_option {
                    refused(given)
                } else {
                    failure(json!({}), given, &[])
                };
                assert_eq!(failure.kind, Kind::Configuration);
                for name in [one_name, other_name] {
                    assert!(failure.cause.contains(&name), "{name}: {failure}");
                }
                pairs += 1;
            }
        }
    }
    assert_eq!(pairs, 15 + 10);
}

#[test]
fn the_base_of_the_higher_layer_is_used_and_the_lower_one_is_not() {
    for (option, _) in ways() {
        for (_, setting) in ways() {
            if map(option.clone()).is_empty() {
                continue;
            }
            let settings = decide(option.clone(), setting.clone(), &[]);
            let alone = options(option.clone());
            assert_eq!(settings.base, alone.base, "{option} over {setting}");
        }
    }
    // The profile of the lower layer still says region and endpoint, but gives no credentials.
    let settings = decide(
        json!({"credential_source": "Environment"}),
        json!({"profile": "p"}),
        &[],
    );
    assert_eq!(settings.explicit_profile(), None);
    assert_eq!(settings.profile.unwrap().value, "p");
    // A wrong value of the lower layer is said all the same.
    let wrong = failure(
        json!({"profile": "p"}),
        json!({"credential_source": "canary"}),
        &[],
    );
    assert_eq!(wrong.kind, Kind::Configuration);
}

#[test]
fn a_credential_source_is_one_of_three_words() {
    for (word, source) in [
        ("Environment", CredentialSource::Environment),
        ("EcsContainer", CredentialSource::Container),
        (" Ec2InstanceMetadata ", CredentialSource::Imds),
    ] {
        let settings = options(json!({"credential_source": word}));
        assert_eq!(settings.base.unwrap().value, Base::Source(source));
    }
    for bad in [
        json!("environment"),
        json!("ec2InstanceMetadata"),
        json!("canary"),
        json!(true),
        json!(["Environment"]),
    ] {
        let failure = refused(json!({"credential_source": bad}));
        assert_eq!(failure.kind, Kind::Configuration, "{bad}");
        assert!(failure.message().contains("credential_source"), "{failure}");
    }
    let failure = refused(json!({"credential_source": "imds"}));
    assert!(failure.cause.contains("is not the name of a source"));
    assert!(
        failure
            .remedy
            .contains("Environment, EcsContainer and Ec2InstanceMetadata")
    );
}

#[test]
fn keys_of_the_settings_are_a_whole_pair() {
    let keys = |settings: Value| decide(json!({}), settings, &[]).base.unwrap();
    let whole =
        keys(json!({"access_key_id": " AKIAX\n", "secret_access_key": "s", "session_token": "t"}));
    let Base::Keys(found) = &whole.value else {
        panic!("{whole:?}")
    };
    assert_eq!(found.access_key_id, "AKIAX");
    assert_eq!(found.session_token, Some(Secret::new("t")));
    assert_eq!(whole.origin, Origin::Settings);
    for (half, missing) in [
        (json!({"access_key_id": "AKIAX"}), "secret_access_key"),
        (json!({"secret_access_key": "canary"}), "access_key_id"),
        (json!({"session_token": "canary"}), "access_key_id"),
        (
            json!({"access_key_id": "AKIAX", "session_token": "canary", "secret_access_key": " "}),
            "secret_access_key",
        ),
    ] {
        let failure = failure(json!({}), half, &[]);
        assert_eq!(failure.kind, Kind::Configuration);
        let named = format!("identity.aws.{missing} is missing");
        assert!(failure.cause.contains(&named), "{failure}");
    }
    for name in ["access_key_id", "secret_access_key", "session_token"] {
        assert_eq!(refused(json!({name: "canary"})).kind, Kind::Argument);
    }
}

#[test]
fn keys_are_not_ready_until_all_of_them_are_resolved() {
    for scheme in ["vault://aws/creds/x#key", "lease://aws/x", "env://X"] {
        for name in ["access_key_id", "secret_access_key", "session_token"] {
            let mut keys = map(json!({
                "access_key_id": "AKIAX", "secret_access_key": "canary", "session_token": "canary",
            }));
            keys.insert(name.into(), json!(scheme));
            let failure = failure(json!({}), Value::Object(keys), &[]);
            assert_eq!(failure.kind, Kind::NotReady, "{name}");
            assert!(failure.cause.contains(name), "{failure}");
        }
    }
}

#[test]
fn the_profile_of_a_source_says_region_and_endpoint_and_is_no_base() {
    let mut layers = layers(json!({"source": true}), json!({"profile": "lower"}), &[]);
    layers.inherited_profile = Some("inherited".into());
    let settings = Settings::new(layers).unwrap();
    assert_eq!(settings.base.unwrap().value, Base::Supplied);
    assert_eq!(settings.profile.unwrap().value, "inherited");
}
