//! A source that an option or a setting names, and options that nothing takes.

use crate::support::{Machine, outcomes, read, refresh, text};
use aws_identity::failure::Kind;
use fake_aws::{Service, world};
use serde_json::json;
use std::{fs, os::unix::fs::PermissionsExt};

const ASSUME: &str = "AssumeRole";

/// Keys in the environment beside a container endpoint and IMDS.
fn with_everything() -> Machine {
    let machine = Machine::with_container().without("AWS_EC2_METADATA_DISABLED");
    let url = machine.aws.http_url();
    machine
        .env("AWS_EC2_METADATA_SERVICE_ENDPOINT", &url)
        .env("AWS_ACCESS_KEY_ID", world::DEMO_KEY_ID)
        .env("AWS_SECRET_ACCESS_KEY", world::DEMO_SECRET)
}

fn profile_with_keys() -> String {
    format!("[default]\naws_access_key_id = {}\naws_secret_access_key = {}\n", world::DEMO_KEY_ID, world::DEMO_SECRET)
}

#[test]
fn a_credential_source_is_the_only_one() {
    for (word, source) in [("Environment", "environment"), ("EcsContainer", "container"), ("Ec2InstanceMetadata", "imds")] {
        for machine in [
            with_everything().option("credential_source", word),
            with_everything().setting("credential_source", word),
            with_everything()
                .option("credential_source", word)
                .setting("profile", "default")
                .credentials_file(&profile_with_keys()),
        ] {
            let fetched = machine.fetch().unwrap();
            assert_eq!(fetched.source(), source);
            assert_eq!(outcomes(&fetched.attempts), [format!("{source} found")]);
            let on_top = machine.option("role_arn", world::WORKER_ROLE);
            let assumed = on_top.fetch().map(|_| ());
            assert!(assumed.is_ok() || assumed.unwrap_err().kind == Kind::AccessDenied, "{word}");
            assert_eq!(on_top.count(Service::Sts, ASSUME), 1);
        }
    }
}

#[test]
fn a_credential_source_that_is_not_there_is_named() {
    for word in ["Environment", "EcsContainer", "Ec2InstanceMetadata"] {
        let machine = Machine::bare().credentials_file(&profile_with_keys()).option("credential_source", word);
        let failure = machine.failure();
        assert_eq!(failure.kind, Kind::NoCredentials, "{word}");
        assert!(failure.cause.contains(&format!("credential_source is {word}")), "{failure}");
        assert!(machine.aws.requests().is_empty());
    }
}

#[test]
fn keys_of_the_settings_come_before_the_environment() {
    let machine = Machine::bare()
        .env("AWS_ACCESS_KEY_ID", "AKIAOTHER")
        .env("AWS_SECRET_ACCESS_KEY", "other")
        .setting("access_key_id", world::DEMO_KEY_ID)
        .setting("secret_access_key", world::DEMO_SECRET);
    let fetched = machine.fetch().unwrap();
    assert_eq!((fetched.source(), fetched.arn().as_str()), ("settings", world::DEMO_USER));
    assert!(machine.option("role_arn", world::WORKER_ROLE).fetch().unwrap().arn().contains("legion-worker"));
}

#[test]
fn a_process_may_be_an_option_or_a_setting() {
    let program = |script: &str| {
        let machine = Machine::with_keys();
        let path = machine.file("program", format!("#!/bin/sh\n{script}\n"));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).unwrap();
        let command = format!("{} --password not-for-logs", text(&path));
        (machine, command)
    };
    let answer =
        format!(r#"echo '{{"Version":1,"AccessKeyId":"{}","SecretAccessKey":"{}"}}'"#, world::PATH_KEY_ID, world::PATH_SECRET);
    let (machine, command) = program(&answer);
    let machine = machine.setting("credential_process", command.as_str());
    assert_eq!(machine.fetch().unwrap().source(), "credential_process");
    let (machine, command) = program("exit 1");
    let failure = machine.option("credential_process", command.as_str()).failure();
    assert_eq!(failure.kind, Kind::NoCredentials);
    assert!(failure.cause.contains("status 1") && !failure.message().contains("not-for-logs"), "{failure}");
    assert_eq!(outcomes(&failure.attempts), ["credential_process failed"]);
}

#[test]
fn a_program_that_asks_for_its_own_credentials_is_a_loop() {
    let machine = Machine::bare().env("LEX_IDENTITY_AWS_PROFILE", "(credential_process)").option("credential_process", "true");
    let failure = machine.failure();
    assert_eq!(failure.kind, Kind::ProcessLoop);
    assert!(!failure.message().contains("profile \""), "{failure}");
}

#[test]
fn a_policy_that_no_role_takes_gives_no_credentials() {
    let policy = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "*", "Resource": "*"}]});
    let machines: [fn() -> Machine; 5] = [
        Machine::with_keys,
        Machine::with_container,
        Machine::with_imds,
        || Machine::bare().credentials_file(&profile_with_keys()),
        || Machine::bare().credentials_file(&profile_with_keys()).option("profile", "default"),
    ];
    for machine in machines {
        for machine in [machine().option("policy", policy.clone()), machine().setting("policy", policy.clone())] {
            let failure = machine.failure();
            assert_eq!(failure.kind, Kind::Configuration);
            assert!(failure.cause.contains("policy is given"), "{failure}");
            assert_eq!(machine.count(Service::Sts, "GetCallerIdentity"), 0);
        }
    }
}

#[test]
fn the_role_of_a_profile_takes_them() {
    let config = format!("[default]\nrole_arn = {}\nsource_profile = keys\n[profile keys]\n", world::WORKER_ROLE);
    let keys = profile_with_keys().replace("[default]", "[keys]");
    let machine = Machine::bare().config(&config).credentials_file(&keys);
    let machine = machine.option("session_duration", 900).option("policy", json!({"Version": "2012-10-17", "Statement": []}));
    machine.fetch().unwrap();
    assert_eq!(machine.the(Service::Sts, ASSUME).params["DurationSeconds"], "900");
    // `role_arn: false` means no role on top of the profile's.
    machine.option("role_arn", false).option("session_duration", 1000).fetch().unwrap();
}

#[test]
fn a_setting_that_nothing_takes_is_one_warning() {
    let machine = Machine::with_container().setting("external_id", "x-1");
    let session = machine.session();
    read(&session).unwrap();
    refresh(&session).unwrap();
    let warnings: Vec<_> = session.warnings().into_iter().filter(|warning| warning.contains("external_id")).collect();
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    let beside_roles = Machine::with_container().setting("external_id", "x-1").setting("roles", json!({"a": world::WORKER_ROLE}));
    assert!(beside_roles.fetch().is_ok());
}

#[test]
fn an_external_id_beside_a_web_identity_is_refused() {
    let machine = Machine::with_web_identity().option("external_id", "x-1");
    let failure = machine.failure();
    assert_eq!(failure.kind, Kind::Configuration);
    assert!(failure.cause.contains("external_id is given"), "{failure}");
    assert_eq!(machine.actions(), [""; 0], "the token was sent");
}
