//! The AWS CLI's cache on disk, shared between processes.

use crate::support::{Machine, read, refresh, text, timed};
use aws_identity::failure::Kind;
use fake_aws::{Answer, Rule, Service, world};
use serde_json::Value;
use std::{fs, os::unix::fs::PermissionsExt, path::PathBuf, time::Duration};

const ASSUME: &str = "AssumeRole";

fn cached() -> Machine {
    let machine = Machine::with_keys().option("role_arn", world::WORKER_ROLE);
    let folder = folder(&machine);
    machine.option("cache", text(&folder))
}

fn folder(machine: &Machine) -> PathBuf {
    machine.home().join("cache")
}

fn entries(machine: &Machine) -> Vec<PathBuf> {
    let all = fs::read_dir(folder(machine)).unwrap().map(|entry| entry.unwrap().path());
    all.filter(|path| path.extension().is_some_and(|end| end == "json")).collect()
}

fn asked(machine: &Machine) -> usize {
    machine.count(Service::Sts, ASSUME)
}

#[test]
fn the_second_session_takes_the_entry_of_the_first() {
    let machine = cached();
    let first = machine.fetch().unwrap();
    let second = machine.fetch().unwrap();
    assert_eq!(first.credentials.access_key_id, second.credentials.access_key_id);
    assert_eq!(first.credentials.expires_at, second.credentials.expires_at);
    assert_eq!(asked(&machine), 1);
    assert!(second.attempts.iter().any(|attempt| attempt.source == "cache"), "{:?}", second.attempts);
    let [entry] = entries(&machine).try_into().unwrap();
    assert_eq!(fs::metadata(&entry).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::metadata(folder(&machine)).unwrap().permissions().mode() & 0o777, 0o700);
}

#[test]
fn true_means_the_folder_of_the_aws_cli() {
    let machine = cached().option("cache", true);
    machine.fetch().unwrap();
    assert!(fs::read_dir(machine.home().join(".aws/cli/cache")).unwrap().count() > 0);
}

#[test]
fn off_is_the_default() {
    let machine = Machine::with_keys().option("role_arn", world::WORKER_ROLE);
    machine.fetch().unwrap();
    machine.fetch().unwrap();
    assert_eq!(asked(&machine), 2);
    assert!(!machine.home().join(".aws/cli").exists());
}

#[test]
fn other_options_are_another_entry() {
    let machine = cached();
    machine.fetch().unwrap();
    let machine = machine.option("role_session_name", "other");
    machine.fetch().unwrap();
    let machine = machine.option("tags", serde_json::json!({"a": "b"}));
    machine.fetch().unwrap();
    let machine = machine.env("AWS_ACCESS_KEY_ID", world::PATH_KEY_ID).env("AWS_SECRET_ACCESS_KEY", world::PATH_SECRET);
    machine.fetch().unwrap();
    assert_eq!(asked(&machine), 4);
    machine.fetch().unwrap();
    assert_eq!(asked(&machine), 4);
}

#[test]
fn invalidated_credentials_are_removed_from_the_cache() {
    let machine = cached();
    let session = machine.session();
    read(&session).unwrap();
    let old = session.held().unwrap().credentials.access_key_id.clone();
    refresh(&session).unwrap();
    assert_eq!(asked(&machine), 2);
    let fresh = machine.fetch().unwrap();
    assert_ne!(fresh.credentials.access_key_id, old);
    assert_eq!(asked(&machine), 2, "the new credentials are shared");
}

#[test]
fn credentials_near_expiration_are_not_taken_from_the_cache() {
    let machine = cached();
    machine.aws.add_rule(Rule { lifetime_seconds: Some(200), ..Rule::on(Service::Sts).action(ASSUME) });
    machine.fetch().unwrap();
    machine.fetch().unwrap();
    assert_eq!(asked(&machine), 2);
}

#[test]
fn an_unreadable_entry_is_a_miss_and_a_folder_others_may_write_to_is_refused() {
    let machine = cached();
    machine.fetch().unwrap();
    let [entry] = entries(&machine).try_into().unwrap();
    for text in ["", "canary", "{}", r#"{"Credentials":{"AccessKeyId":"AKIAX","SecretAccessKey":"canary"}}"#] {
        fs::write(&entry, text).unwrap();
        let before = asked(&machine);
        machine.fetch().unwrap();
        assert_eq!(asked(&machine), before + 1, "{text}");
    }
    fs::set_permissions(folder(&machine), fs::Permissions::from_mode(0o777)).unwrap();
    let session = machine.session();
    read(&session).unwrap();
    let [warning] = session.warnings().try_into().unwrap();
    assert!(warning.contains(text(&folder(&machine))) && !warning.contains("canary"), "{warning}");
    session.invalidate(&session.held().unwrap().credentials.access_key_id);
    read(&session).unwrap();
    assert_eq!(session.warnings().len(), 1, "warned once");
}

#[test]
fn an_entry_has_the_format_of_the_aws_cli() {
    let machine = cached();
    let fetched = machine.fetch().unwrap();
    let [entry] = entries(&machine).try_into().unwrap();
    let kept: Value = serde_json::from_slice(&fs::read(entry).unwrap()).unwrap();
    assert_eq!(kept["Credentials"]["AccessKeyId"], fetched.credentials.access_key_id);
    assert_eq!(kept["AssumedRoleUser"]["Arn"], fetched.arn());
    assert!(kept["Credentials"]["Expiration"].as_str().is_some_and(|end| end.contains('T')));
}

#[test]
fn one_session_fetches_while_the_others_wait_for_its_entry() {
    let machine = cached();
    machine.aws.add_rule(Rule { delay_ms: 150, ..Rule::on(Service::Sts).action(ASSUME) });
    let keys: Vec<String> = std::thread::scope(|scope| {
        let all: Vec<_> = (0..16).map(|_| scope.spawn(|| machine.fetch().unwrap().credentials.access_key_id.clone())).collect();
        all.into_iter().map(|one| one.join().unwrap()).collect()
    });
    assert_eq!(asked(&machine), 1);
    assert!(keys.iter().all(|key| *key == keys[0]));
}

#[test]
fn a_session_that_waited_half_its_time_fetches_itself() {
    let machine = cached().option("resolve_timeout", 2);
    let stuck = machine.aws.add_rule(Rule { hold: true, ..Rule::on(Service::Sts).action(ASSUME).times(1) });
    std::thread::scope(|scope| {
        let first = scope.spawn(|| machine.fetch());
        machine.wait_for(Service::Sts, ASSUME, 1);
        let (second, took) = timed(|| machine.fetch());
        assert!(second.is_ok());
        assert!((900..1900).contains(&took.as_millis()), "{took:?}");
        machine.aws.remove_rule(stuck);
        assert!(first.join().unwrap().is_ok());
    });
    assert_eq!(asked(&machine), 2);
}

#[test]
fn a_failure_is_not_cached() {
    let machine = cached();
    let closed = machine.aws.add_rule(Rule::on(Service::Sts).action(ASSUME).answer(Answer::Error {
        status: 403,
        code: "AccessDenied".into(),
        message: String::new(),
    }));
    assert_eq!(machine.failure().kind, Kind::AccessDenied);
    machine.aws.remove_rule(closed);
    let (fetched, took) = timed(|| machine.fetch().unwrap());
    assert!(fetched.arn().contains("legion-worker"));
    assert!(took < Duration::from_secs(1), "the lock was released: {took:?}");
}

/// Two users of one account, each with a profile that names the account.
fn two_users() -> Machine {
    let of = |name: &str, id: &str, secret: &str| {
        format!("[{name}]\naws_access_key_id = {id}\naws_secret_access_key = {secret}\naws_account_id = {}\n", world::ACCOUNT)
    };
    let files = of("one", world::DEMO_KEY_ID, world::DEMO_SECRET) + &of("two", world::PATH_KEY_ID, world::PATH_SECRET);
    let machine = Machine::bare().credentials_file(&files);
    let folder = folder(&machine);
    machine.option("cache", text(&folder))
}

#[test]
fn users_of_one_account_share_no_session_token() {
    let machine = two_users().option("get_session_token", true);
    let machine = machine.option("profile", "one");
    let one = machine.fetch().unwrap();
    let machine = machine.option("profile", "two");
    let two = machine.fetch().unwrap();
    assert_ne!(one.arn(), two.arn(), "one user became the other");
    assert_eq!(two.credentials.access_key_id, machine.fetch().unwrap().credentials.access_key_id, "a user shares his own");
}

#[test]
fn users_of_one_account_share_no_role_session() {
    let machine = two_users().option("role_arn", world::WORKER_ROLE);
    let machine = machine.option("profile", "one");
    let one = machine.fetch().unwrap();
    let machine = machine.option("profile", "two");
    let two = machine.fetch().unwrap();
    assert_ne!(one.credentials.access_key_id, two.credentials.access_key_id);
    assert_eq!(asked(&machine), 2);
    assert_eq!(two.credentials.access_key_id, machine.fetch().unwrap().credentials.access_key_id);
    assert_eq!(machine.option("profile", "one").fetch().unwrap().credentials.access_key_id, one.credentials.access_key_id);
}
