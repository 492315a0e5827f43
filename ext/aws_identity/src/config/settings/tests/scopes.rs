//! The options of a scoped session.

use super::*;

const POLICY: &str = r#"{"Statement":[]}"#;

fn scoped(more: Value) -> Value {
    let mut all = json!({"source": true, "scope_policy": POLICY});
    if let (Some(all), Value::Object(more)) = (all.as_object_mut(), more) {
        all.extend(more);
    }
    all
}

#[test]
fn a_scope_stands_in_place_of_roles_whatever_the_lower_layers_say() {
    let settings = decide(
        scoped(json!({"scope_duration": "900", "scope_description": "night job"})),
        json!({"role_arn": ROLE, "policy": {"Statement": []}, "external_id": "canary", "get_session_token": true,
               "minimum_session_token_size": 100}),
        &[("AWS_ROLE_ARN", OTHER), ("AWS_ROLE_SESSION_NAME", "x")],
    );
    let scope = settings.scope.as_ref().unwrap();
    assert_eq!(scope.origin, Origin::Option);
    assert_eq!(scope.value.policy, POLICY);
    assert_eq!(scope.value.duration_seconds, Some(900));
    assert_eq!(scope.value.description.as_deref(), Some("night job"));
    assert_eq!(scope.value.minimum_session_token_size, Some(100));
    assert_eq!(settings.role_on_top(), None);
    assert!(!settings.get_session_token.value);
    assert_eq!(settings.warnings, []);
    let policy_of_profile = decide(scoped(json!({})), json!({"policy": {"Statement": []}}), &[]);
    assert!(policy_of_profile.scope.is_some());
    let off = options(scoped(
        json!({"role_arn": false, "get_session_token": false}),
    ));
    assert!(off.scope.is_some());
}

#[test]
fn a_scope_beside_anything_that_chooses_another_identity_is_refused() {
    for (name, value) in [
        ("role_arn", json!(ROLE)),
        ("role_arn", json!([ROLE])),
        ("policy", json!({"Statement": []})),
        (
            "policy_arns",
            json!(["arn:aws:iam::aws:policy/ReadOnlyAccess"]),
        ),
        ("session_duration", json!(900)),
        ("external_id", json!("canary")),
        ("serial_number", json!("GAHT12345678")),
        ("get_session_token", json!(true)),
    ] {
        let failure = refused(scoped(json!({name: value})));
        assert_eq!(failure.kind, Kind::Configuration);
        assert!(failure.cause.starts_with(name), "{failure}");
        assert!(
            failure.remedy.contains("assume_role(…).scoped"),
            "{failure}"
        );
    }
    let failure = refused(scoped(json!({"profile": "prod"})));
    assert!(failure.cause.contains("source and profile"), "{failure}");
}

#[test]
fn a_scope_needs_its_policy_and_a_source() {
    for name in ["scope_duration", "scope_description"] {
        let failure = refused(json!({"source": true, name: "60"}));
        assert!(failure.cause.contains("without scope_policy"), "{failure}");
        let blank = refused(json!({"source": true, "scope_policy": " ", name: "60"}));
        assert!(blank.cause.contains("without scope_policy"), "{blank}");
    }
    for base in [
        json!({}),
        json!({"profile": "prod"}),
        json!({"credential_source": "Environment"}),
    ] {
        let mut given = base;
        given["scope_policy"] = json!(POLICY);
        let failure = refused(given);
        assert!(failure.remedy.contains("session.scoped"), "{failure}");
    }
    for (more, said) in [
        (
            json!({"scope_policy": "no json"}),
            "scope_policy is not a JSON object",
        ),
        (json!({"scope_duration": 0}), "1 to 129600"),
        (json!({"scope_duration": 1.5}), "scope_duration"),
        (json!({"scope_description": "x"}), "scope_description has 1"),
    ] {
        let failure = refused(scoped(more));
        assert!(failure.cause.contains(said), "{failure}");
    }
}

#[test]
fn a_scope_that_is_not_resolved_yet_is_not_ready() {
    for name in ["scope_policy", "scope_duration"] {
        let failure = refused(scoped(json!({name: "vault://x#y"})));
        assert_eq!(failure.kind, Kind::NotReady, "{failure}");
    }
}

#[test]
fn a_policy_without_a_role_is_told_of_scopes() {
    let failure = refused(json!({"source": true, "policy": {"Statement": []}}));
    assert!(
        failure.remedy.contains("session.scoped(policy: …)"),
        "{failure}"
    );
    let keys = [
        ("AWS_ACCESS_KEY_ID", "AKIAX"),
        ("AWS_SECRET_ACCESS_KEY", "s"),
    ];
    let failure = self::failure(json!({}), json!({"policy": {"Statement": []}}), &keys);
    assert!(failure.remedy.contains("scope_policy"), "{failure}");
    let arns =
        refused(json!({"source": true, "policy_arns": "arn:aws:iam::aws:policy/ReadOnlyAccess"}));
    assert!(
        !arns.remedy.contains("scoped"),
        "it takes a policy only: {arns}"
    );
}
