//! The AWS CLI's cache on disk, shared between processes.

use crate::support::{Machine, read, refresh, text, timed};
use aws_identity::{
    config::Settings,
    failure::Kind,
    fetch::{self, DiskFiles},
    profile::Files,
    util::time::now,
};
use fake_aws::{Answer, Rule, Service, world};
use serde_json::{Value, json};
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
    let machine = machine.option("tags", json!({"a": "b"}));
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

fn files(machine: &Machine, all: bool) -> Vec<PathBuf> {
    let settings = machine.settings().unwrap();
    let found = if all { DiskFiles::all(settings.cache.value.as_deref()) } else { DiskFiles::of(&settings) };
    found.unwrap().files.into_iter().map(|listed| listed.path).collect()
}

#[test]
fn settings_tell_the_files_they_make_from_all_others() {
    let chained = format!("[profile chained]\nrole_arn = {}\nsource_profile = one\nduration_seconds = 900\n", world::WORKER_ROLE);
    let base = || two_users().config(&chained);
    let shared = base();
    let folder = folder(&shared);
    let here = |machine: Machine| machine.option("cache", text(&folder));
    let machines = [
        here(base().option("profile", "one").option("get_session_token", true)),
        here(base().option("profile", "two").option("role_arn", world::WORKER_ROLE)),
        here(base().option("profile", "two").setting("role_arn", world::WORKER_ROLE).setting("external_id", "given")),
        here(base().option("profile", "two").option("role_arn", world::WORKER_ROLE).option("role_session_name", "other")),
        here(base().option("profile", "chained")),
    ];
    assert_eq!(files(&machines[1], true), Vec::<PathBuf>::new(), "no folder");
    assert!(!folder.exists());
    for machine in &machines {
        machine.fetch().unwrap();
    }
    let mut made: Vec<PathBuf> = Vec::new();
    for machine in &machines {
        let [file] = files(machine, false).try_into().unwrap();
        made.push(file);
    }
    made.sort();
    assert_eq!(made, files(&shared, true));
    made.dedup();
    assert_eq!(made.len(), machines.len(), "each has its own");
    assert_eq!(files(&shared, false), Vec::<PathBuf>::new(), "these name no role");
    assert_eq!(files(&base(), true), Vec::<PathBuf>::new(), "another folder");

    // An entry of the role with other tags, or from another endpoint, is none that these settings take.
    let tagged = here(base().option("profile", "one").option("role_arn", world::WORKER_ROLE).option("tags", json!({"a": "b"})));
    tagged.fetch().unwrap();
    assert_eq!(files(&tagged, false).len(), 1);
    let elsewhere =
        here(base().option("profile", "one").option("role_arn", world::WORKER_ROLE).option("tags", json!({"a": "b"})));
    let elsewhere = elsewhere.option("endpoint", "http://127.0.0.1:9");
    assert_eq!(files(&elsewhere, false), Vec::<PathBuf>::new());
    let (removed, warnings) = DiskFiles::of(&tagged.settings().unwrap()).unwrap().clear();
    assert_eq!((removed.len(), warnings.len()), (1, 0));
    assert_eq!(files(&shared, true).len(), machines.len());
}

#[test]
fn files_of_the_settings_take_a_profile_that_is_there() {
    let machine = cached().option("profile", "missing");
    fs::create_dir_all(folder(&machine)).unwrap();
    let failure = DiskFiles::of(&machine.settings().unwrap()).unwrap_err();
    assert_eq!(failure.kind, Kind::Configuration);
}

#[test]
fn the_folder_of_the_cache_is_told_whatever_else_is_wrong() {
    let machine = cached().option("region", "us east").option("endpoint", "nonsense");
    assert_eq!(machine.settings().unwrap_err().kind, Kind::Configuration);
    assert_eq!(Settings::cache_of(machine.layers()).unwrap(), Some(folder(&machine)));
    let machine = machine.option("cache", "relative");
    assert_eq!(Settings::cache_of(machine.layers()).unwrap_err().kind, Kind::Configuration);

    let machine = Machine::bare().setting("cache", "env://CACHE").setting("region", "env://REGION");
    assert_eq!(Settings::cache_of(machine.layers()).unwrap_err().kind, Kind::NotReady);
    let machine = machine.option("cache", "/cache");
    assert_eq!(Settings::cache_of(machine.layers()).unwrap(), Some("/cache".into()));
}

#[test]
fn the_list_of_profiles_says_what_a_session_takes() {
    let config = format!("[profile a]\nrole_arn = {}\nsource_profile = one\n", world::WORKER_ROLE);
    let machine = two_users().config(&config).option("profile", "a").option("cache", true);
    let until = |machine: &Machine| {
        let layers = machine.layers();
        let files = Files::load(&layers.environment).unwrap();
        let all = fetch::profiles(&files, layers, now());
        all.into_iter().find(|profile| profile.name == "a").unwrap().cached_until
    };
    assert_eq!(until(&machine), None);
    let made = machine.fetch().unwrap();
    assert_eq!(until(&machine), made.credentials.expires_at);
    let machine = machine.option("tags", json!({"a": "b"}));
    assert_eq!(until(&machine), None);
    let made = machine.fetch().unwrap();
    assert_eq!(until(&machine), made.credentials.expires_at);
    assert_eq!(asked(&machine), 2);
    machine.fetch().unwrap();
    assert_eq!(asked(&machine), 2, "it takes what the list shows");
    let elsewhere = machine.option("endpoint", "http://127.0.0.1:9");
    assert_eq!(until(&elsewhere), None);
}
