//! Credentials that AWS refuses, and files that change under a living session.

use crate::support::{Machine, finish, read, read_identity, wait};
use aws_identity::{
    credentials::Credentials,
    failure::{Failure, Kind},
    session::{LOOK_LIMIT, Purpose, Session, Step},
    task::question::{Answer, Asked, Question, Takes},
};
use fake_aws::{Answer as Reply, Rule, Service, world};
use std::{
    fs,
    sync::atomic::AtomicBool,
    thread::sleep,
    time::{Duration, Instant},
};

const IDENTITY: &str = "GetCallerIdentity";

fn profile(id: &str, secret: &str) -> String {
    format!("[default]\naws_access_key_id = {id}\naws_secret_access_key = {secret}\n")
}

fn demo() -> String {
    profile(world::DEMO_KEY_ID, world::DEMO_SECRET)
}

fn other() -> String {
    profile(world::PATH_KEY_ID, world::PATH_SECRET)
}

fn write(machine: &Machine, text: &str) {
    fs::write(machine.home().join(".aws/credentials"), text).unwrap();
}

fn held(session: &Session) -> String {
    session.held().unwrap().credentials.access_key_id.clone()
}

/// Reads as the binding does: after a look, if one is due.
fn key(session: &Session) -> Result<String, Failure> {
    if let Some(look) = session.look() {
        look.wait_at_most(&AtomicBool::new(false), LOOK_LIMIT, aws_identity::task::fetch_task::Heed::default());
    }
    read(session).map(|_| held(session))
}

/// Reads ten times a second until the key is `wanted`; how long that took.
fn becomes(session: &Session, wanted: &str) -> Duration {
    let start = Instant::now();
    while key(session).unwrap() != wanted {
        assert!(start.elapsed() < Duration::from_secs(5), "still {}", held(session));
        sleep(Duration::from_millis(100));
    }
    start.elapsed()
}

#[test]
fn a_key_that_aws_refuses_is_read_again_at_the_next_read() {
    for (code, text) in [
        ("InvalidClientTokenId", profile("AKIATYPOTYPOTYPO1234", "s")),
        ("SignatureDoesNotMatch", profile(world::DEMO_KEY_ID, "typo")),
    ] {
        let machine = Machine::bare().credentials_file(&text);
        let session = machine.session();
        let failure = read_identity(&session).unwrap_err();
        assert_eq!(failure.code.as_deref(), Some(code));
        assert!(session.needs_refresh(), "{code}");
        write(&machine, &demo());
        assert!(read_identity(&session).unwrap().principal.arn.ends_with("user/demo"), "{code}");
        assert_eq!(held(&session), world::DEMO_KEY_ID);
    }
}

#[test]
fn other_refusals_leave_the_held_key() {
    for (status, code, message) in [
        (403, "AccessDenied", ""),
        (400, "Throttling", ""),
        (503, "ServiceUnavailable", ""),
        (403, "SignatureDoesNotMatch", "Signature expired: 20260102T000000Z is now earlier than 20260102T000500Z"),
    ] {
        let machine = Machine::with_keys();
        machine.aws.add_rule(Rule::on(Service::Sts).action(IDENTITY).answer(Reply::Error {
            status,
            code: code.into(),
            message: message.into(),
        }));
        let session = machine.session();
        read_identity(&session).unwrap_err();
        assert!(!session.needs_refresh(), "{code}");
    }
}

#[test]
fn a_source_hears_which_of_its_keys_aws_refused() {
    let machine = Machine::bare().option("source", true).option("role_arn", world::WORKER_ROLE);
    let session = machine.session();
    let ask = |id: &str, secret: &str| {
        let Ok(Step::Wait(task)) = session.begin(Purpose::Credentials, Some(true)) else { panic!("it waits") };
        let start = Instant::now();
        let takes = Takes { source: true, ..Takes::default() };
        let (Asked { question, .. }, _) = loop {
            match task.take(1, takes) {
                Some(asked) => break asked,
                None => assert!(start.elapsed() < Duration::from_secs(5)),
            }
        };
        let keys = Credentials::new(id, secret, None, "source");
        session.answer(Purpose::Credentials, &task, 1, Ok(Answer::Source(Box::new(keys.into()))));
        wait(&task);
        (question, finish(&session, Purpose::Credentials, &task))
    };
    let (question, outcome) = ask("AKIATYPOTYPOTYPO1234", "s");
    assert_eq!(question, Question::Source { refused_key: None, spent_key: None });
    assert_eq!(outcome.unwrap_err().code.as_deref(), Some("InvalidClientTokenId"));
    let (question, outcome) = ask(world::DEMO_KEY_ID, world::DEMO_SECRET);
    assert_eq!(question, Question::Source { refused_key: Some("AKIATYPOTYPOTYPO1234".into()), spent_key: None });
    outcome.unwrap();
}

#[test]
fn rotated_keys_are_taken_within_two_seconds() {
    let machine = Machine::bare().credentials_file(&demo());
    let session = machine.session();
    assert_eq!(key(&session).unwrap(), world::DEMO_KEY_ID);
    assert!(read_identity(&session).unwrap().principal.arn.ends_with("user/demo"));
    sleep(Duration::from_millis(1500));
    write(&machine, &other());
    assert!(becomes(&session, world::PATH_KEY_ID) < Duration::from_secs(2));
    assert!(!read_identity(&session).unwrap().principal.arn.ends_with("user/demo"), "the identity is asked again");
    assert_eq!(session.file_changes(), 1);
    // A single read 2 s later sees it too.
    write(&machine, &demo());
    sleep(Duration::from_secs(2));
    assert_eq!(key(&session).unwrap(), world::DEMO_KEY_ID);
}

#[test]
fn keys_of_the_environment_stay() {
    let machine = Machine::with_keys().credentials_file(&other());
    let session = machine.session();
    key(&session).unwrap();
    write(&machine, "");
    sleep(Duration::from_millis(1200));
    assert!(session.look().is_none());
    assert_eq!(key(&session).unwrap(), world::DEMO_KEY_ID);
}

#[test]
fn a_file_that_is_being_rewritten_is_no_other_identity_and_no_error() {
    let url;
    let machine = {
        let machine = Machine::bare().without("AWS_EC2_METADATA_DISABLED").credentials_file(&demo());
        url = machine.aws.http_url();
        machine.env("AWS_EC2_METADATA_SERVICE_ENDPOINT", &url)
    };
    for text in ["", "[default", "[default]\naws_access_key_id = AKIAHALF\n", "[default]\nregion = eu-west-1\n"] {
        write(&machine, &demo());
        let session = machine.session();
        assert_eq!(key(&session).unwrap(), world::DEMO_KEY_ID);
        sleep(Duration::from_millis(1100));
        let known = read_identity(&session).unwrap();
        write(&machine, text);
        assert_eq!(key(&session).unwrap(), world::DEMO_KEY_ID, "{text:?}");
        assert_eq!(read_identity(&session).unwrap(), known, "{text:?}");
        write(&machine, &other());
        assert!(becomes(&session, world::PATH_KEY_ID) < Duration::from_secs(2), "{text:?}");
    }
    let session = machine.session();
    key(&session).unwrap();
    sleep(Duration::from_millis(1100));
    fs::remove_file(machine.home().join(".aws/credentials")).unwrap();
    assert_eq!(key(&session).unwrap(), world::PATH_KEY_ID, "away for a moment");
    // Away twice, 2 s apart: the next source is asked.
    sleep(Duration::from_millis(2100));
    assert_ne!(key(&session).unwrap(), world::PATH_KEY_ID);
    assert!(session.held().unwrap().credentials.source.contains("imds"));
}

#[test]
fn a_corrected_file_ends_a_back_off() {
    let machine = Machine::bare().credentials_file(&demo()).option("role_arn", world::WORKER_ROLE);
    let living = machine.aws.add_rule(Rule { lifetime_seconds: Some(300), ..Rule::on(Service::Sts).action("AssumeRole") });
    let session = machine.session();
    let first = key(&session).unwrap();
    machine.aws.remove_rule(living);
    session.invalidate(&first);
    write(&machine, &profile("AKIATYPOTYPOTYPO1234", "s"));
    assert_eq!(key(&session).unwrap(), first, "held credentials are served on");
    let asked = machine.count(Service::Sts, "AssumeRole");
    sleep(Duration::from_millis(1100));
    assert_eq!(key(&session).unwrap(), first);
    assert_eq!(machine.count(Service::Sts, "AssumeRole"), asked, "a back-off runs");
    write(&machine, &demo());
    sleep(Duration::from_millis(1100));
    assert_ne!(key(&session).unwrap(), first);
}

#[test]
fn with_nothing_held_a_broken_file_is_said_at_once() {
    let machine = Machine::bare().credentials_file("[default");
    assert_eq!(read(&machine.session()).unwrap_err().kind, Kind::Configuration);
}
