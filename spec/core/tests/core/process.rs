//! `credential_process`.

use crate::support::{Machine, text, timed};
use aws_identity::failure::Kind;
use fake_aws::{Answer, Rule, Service, world};
use std::{fs, os::unix::fs::PermissionsExt, time::Duration};

/// A machine whose default profile runs this shell script.
fn running(script: &str) -> Machine {
    let machine = Machine::bare();
    let path = machine.file("program", format!("#!/bin/sh\n{script}\n"));
    fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).unwrap();
    machine.config(&format!("[default]\ncredential_process = {} 'an argument'\n", text(&path)))
}

fn answer() -> String {
    format!(
        r#"{{"Version":1,"AccessKeyId":"{}","SecretAccessKey":"{}","AccountId":"{}"}}"#,
        world::DEMO_KEY_ID,
        world::DEMO_SECRET,
        world::ACCOUNT
    )
}

#[test]
fn its_keys_are_the_base() {
    let machine = running(&format!("test \"$1\" = 'an argument' && test \"$FROM_HERE\" = yes && echo '{}'", answer()));
    let machine = machine.env("FROM_HERE", "yes");
    let fetched = machine.fetch().unwrap();
    assert_eq!(fetched.arn(), world::DEMO_USER);
    assert_eq!(fetched.source(), "profile default");
    assert_eq!(fetched.credentials.account_id.as_deref(), Some(world::ACCOUNT));
}

#[test]
fn a_role_may_be_assumed_with_them() {
    let machine = running(&format!("echo '{}'", answer())).option("role_arn", world::WORKER_ROLE);
    assert!(machine.fetch().unwrap().arn().contains("legion-worker"));
}

#[test]
fn it_may_take_longer_than_the_network() {
    let machine = running(&format!("sleep 2.5; echo '{}'", answer())).option("resolve_timeout", 2);
    assert_eq!(machine.fetch().unwrap().arn(), world::DEMO_USER);
}

/// A program of `seconds`, and two roles of 600 ms each on top of it.
fn below_slow_roles(seconds: &str) -> Machine {
    let machine = running(&format!("sleep {seconds}; echo '{}'", answer()))
        .option("role_arn", serde_json::json!([world::WORKER_ROLE, world::CHAINED_ROLE]));
    machine.aws.add_rule(Rule { delay_ms: 600, ..Rule::on(Service::Sts).action("AssumeRole") });
    machine
}

/// The limit holds as it does with keys: only what the program took is added, neither its own limit of 60 s nor more.
#[test]
fn what_it_took_is_added_to_resolve_timeout_and_nothing_else() {
    for (seconds, took_by_program) in [("0", 0), ("0.5", 500)] {
        let machine = below_slow_roles(seconds).option("resolve_timeout", 0.9);
        let (failure, took) = timed(|| machine.failure());
        assert_eq!(failure.kind, Kind::Timeout);
        let at_least = Duration::from_millis(900 + took_by_program);
        assert!(took >= at_least && took < at_least + Duration::from_secs(2), "{seconds}: {took:?}");
        let enough = below_slow_roles(seconds).option("resolve_timeout", 2.5);
        assert!(enough.fetch().unwrap().arn().contains("from-worker-only"));
    }
}

#[test]
fn inside_legionio_the_limit_holds_for_program_and_roles_together() {
    for (seconds, resolve_timeout) in [("0", 0.9), ("0.5", 0.9), ("0.5", 30.0), ("5", 30.0)] {
        let machine = below_slow_roles(seconds).option("resolve_timeout", resolve_timeout).cap(Duration::from_millis(900));
        let (failure, took) = timed(|| machine.failure());
        assert_eq!(failure.kind, Kind::Timeout, "{failure}");
        assert!(took < Duration::from_secs(3), "{seconds} {resolve_timeout}: {took:?}");
    }
}

#[test]
fn it_may_not_take_longer_than_its_own_limit() {
    let machine = running("sleep 30").option("process_timeout", 0.3);
    let (failure, took) = timed(|| machine.failure());
    assert_eq!(failure.kind, Kind::Timeout);
    assert!(failure.message().contains("process_timeout"), "{}", failure.message());
    assert!(took < Duration::from_secs(2), "{took:?}");
}

#[test]
fn inside_legionio_program_and_network_have_one_limit_together() {
    let within = |resolve_timeout, cap| {
        let machine = running(&format!("sleep 1.5; echo '{}'", answer()));
        machine.option("resolve_timeout", resolve_timeout).cap(Duration::from_millis(cap))
    };
    let machine = within(1.2, 3500); // the program's time does not count for the network
    assert_eq!(machine.fetch().unwrap().arn(), world::DEMO_USER);

    let machine = within(60.0, 4500); // but for the limit of both
    machine.aws.add_rule(Rule::on(Service::Sts).answer(Answer::Hang));
    let (failure, took) = timed(|| machine.failure_of_identity());
    assert_eq!(failure.kind, Kind::Timeout);
    assert!(took < Duration::from_millis(5500), "{took:?}");

    let slow = running("sleep 30").cap(Duration::from_millis(600));
    let (failure, took) = timed(|| slow.failure());
    assert!(failure.message().contains("within 0.5 s"), "{}", failure.message());
    assert!(took < Duration::from_secs(2), "{took:?}");
}

#[test]
fn its_output_is_not_shown() {
    for (script, said) in [
        ("echo canary", ""),
        ("echo canary >&2; exit 3", "3"),
        (r#"echo '{"Version":2,"AccessKeyId":"canary"}'"#, "Version"),
        (r#"echo '{"Version":1,"AccessKeyId":"canary"}'"#, "SecretAccessKey"),
        (r#"echo '{"Version":1,"AccessKeyId":"AKIAX","SecretAccessKey":"canary","Expiration":"soon"}'"#, "Expiration"),
        ("true", ""),
        ("yes canary", "bytes"),
    ] {
        let machine = running(script);
        let failure = machine.failure();
        assert_eq!(failure.kind, Kind::NoCredentials, "{script}: {failure:?}");
        assert!(failure.message().contains(said), "{script}: {}", failure.message());
        assert!(machine.aws.requests().is_empty());
    }
}

#[test]
fn one_that_does_not_exist_is_a_configuration_failure() {
    let machine = Machine::bare().config("[default]\ncredential_process = no-such-program --token canary\n");
    let failure = machine.failure();
    assert_eq!(failure.kind, Kind::Configuration);
    assert!(failure.message().contains("no-such-program"), "{}", failure.message());
}

#[test]
fn the_command_runs_without_a_shell() {
    let machine = Machine::bare();
    let trace = machine.home().join("trace");
    let machine = machine.config(&format!("[default]\ncredential_process = echo x > {}; true\n", text(&trace)));
    assert_eq!(machine.failure().kind, Kind::NoCredentials);
    assert!(!trace.exists());
}

#[test]
fn expired_keys_fail_only_when_sts_is_asked() {
    let end = r#""Expiration":"2020-01-01T00:00:00Z""#;
    let machine = running(&format!("echo '{}'", answer().replace(r#""AccountId""#, &format!(r#"{end},"AccountId""#))));
    let session = machine.session();
    let failure = crate::support::read(&session).unwrap_err();
    assert_eq!(failure.kind, Kind::NoCredentials);
    assert!(failure.message().contains("2020-01-01"), "{}", failure.message());
    assert_eq!(machine.count(Service::Sts, "AssumeRole"), 0);
}
