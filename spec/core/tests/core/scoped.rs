//! Scoped sessions: when STS is asked, with which parameters, and what the source is asked for.

use crate::support::*;
use aws_identity::{
    credentials::Credentials,
    failure::{Failure, Kind},
    session::{Purpose, Session, Step},
    task::question::{Answer as Given, Asked, Question, Takes},
};
use fake_aws::{Answer, Rule, Service, world};
use std::{
    collections::BTreeMap,
    thread,
    time::{Duration, Instant},
};

const CALL: &str = "GetScopedCredentials";
const POLICY: &str = r#"{"Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}]}"#;

fn machine() -> Machine {
    Machine::bare().option("source", true).option("scope_policy", POLICY)
}

/// Credentials of a role that expire in so many seconds.
fn source(machine: &Machine, seconds: i64) -> Credentials {
    let key = machine.aws.issue(world::WORKER_ROLE, "parent", seconds);
    let mut source = Credentials::new(key.id, key.secret, key.token, "source");
    source.expires_at = key.expires_ms.map(|end| end / 1000 * 1000); // as STS says it
    source
}

/// Reads, gives `source` to the fetch that asks for it, and returns what it asked for.
fn answer(session: &Session, purpose: Purpose, source: &Credentials) -> (Question, Result<u64, Failure>) {
    let Ok(Step::Wait(task)) = session.begin(purpose, Some(true)) else { panic!("it waits") };
    let start = Instant::now();
    let takes = Takes { source: true, ..Takes::default() };
    let (Asked { question, .. }, _) = loop {
        match task.take(1, takes) {
            Some(asked) => break asked,
            None => assert!(start.elapsed() < Duration::from_secs(5)),
        }
    };
    session.answer(purpose, &task, 1, Ok(Given::Source(Box::new(source.clone().into()))));
    wait(&task);
    (question, finish(session, purpose, &task))
}

fn scope(session: &Session, source: &Credentials) -> Result<u64, Failure> {
    answer(session, Purpose::Credentials, source).1
}

fn spent(key: &Credentials) -> Question {
    Question::Source { refused_key: None, spent_key: Some(key.access_key_id.clone()) }
}

fn params(machine: &Machine) -> Vec<BTreeMap<String, String>> {
    let all = machine.requests(Service::Sts, CALL).into_iter();
    all.map(|entry| entry.params.into_iter().filter(|(name, _)| name != "Action" && name != "Version").collect()).collect()
}

#[test]
fn the_identity_stays_and_the_credentials_expire_with_those_of_the_source() {
    let machine = machine().option("scope_description", "night job").option("minimum_session_token_size", 100);
    let (source, session) = (source(&machine, 3600), machine.session());
    assert_eq!(scope(&session, &source).unwrap(), 1);
    let held = session.held().unwrap().credentials;
    assert_ne!(held.access_key_id, source.access_key_id);
    assert_eq!(held.expires_at, source.expires_at);
    assert_eq!(held.source, "source > scope");
    assert_eq!(held.account_id.as_deref(), Some("123456789012"));
    assert_eq!(held.details["scoped_policies_count"], "1");
    let request = machine.the(Service::Sts, CALL);
    assert_eq!(request.access_key_id.as_ref(), Some(&source.access_key_id));
    assert_eq!(request.method, "POST");
    assert_eq!(request.user_agent.as_deref().map(|agent| agent.starts_with("lex-identity-aws/")), Some(true));
    let expected = [("Policy", POLICY), ("ScopedSessionDescription", "night job"), ("MinimumSessionTokenSize", "100")];
    assert_eq!(params(&machine), [expected.map(|(name, value)| (name.to_owned(), value.to_owned())).into()]);
    assert_eq!(read_identity(&session).unwrap().principal.arn, "arn:aws:sts::123456789012:assumed-role/legion-worker/parent");
}

#[test]
fn a_duration_is_at_most() {
    for (longest, left, sent) in [(900, 3600, Some("900")), (3600, 900, None), (129_600, 900, None)] {
        let machine = machine().option("scope_duration", longest);
        let (source, session) = (source(&machine, left), machine.session());
        scope(&session, &source).unwrap();
        assert_eq!(params(&machine)[0].get("DurationSeconds").map(String::as_str), sent);
        let ends_early = session.held().unwrap().credentials.expires_at < source.expires_at;
        assert_eq!(ends_early, sent.is_some());
    }
}

#[test]
fn a_source_that_ends_earlier_by_the_clock_of_sts_is_followed() {
    let machine = machine().option("scope_duration", 900);
    let (mut source, session) = (source(&machine, 600), machine.session());
    source.expires_at = source.expires_at.map(|end| end + 600_000);
    assert_eq!(scope(&session, &source).unwrap(), 1);
    let asked: Vec<_> = params(&machine).iter().map(|params| params.contains_key("DurationSeconds")).collect();
    assert_eq!(asked, [true, false]);
}

#[test]
fn the_same_credentials_of_a_source_are_asked_with_once() {
    let machine = machine();
    let (first, session) = (source(&machine, 3600), machine.session());
    scope(&session, &first).unwrap();
    let (question, outcome) = answer(&session, Purpose::Refresh, &first);
    assert!(matches!(question, Question::Source { spent_key: Some(key), .. } if key == first.access_key_id));
    let failure = outcome.unwrap_err();
    assert_eq!(failure.kind, Kind::NoCredentials);
    assert!(failure.message().contains("no newer credentials"), "{failure}");
    assert_eq!(machine.count(Service::Sts, CALL), 1);
    assert_eq!(read(&session).unwrap(), 2, "what is held is served, degraded");
    let other = machine.session();
    scope(&other, &first).unwrap();
    assert_eq!(machine.count(Service::Sts, CALL), 2, "another session has not asked yet");
}

#[test]
fn credentials_that_expire_with_the_source_are_followed_by_those_of_a_refreshed_one() {
    let machine = machine();
    let (first, session) = (source(&machine, 2), machine.session());
    scope(&session, &first).unwrap();
    thread::sleep(Duration::from_millis(1900));
    let second = source(&machine, 3600);
    let (question, outcome) = answer(&session, Purpose::Credentials, &second);
    assert_eq!(question, spent(&first));
    assert_eq!(outcome.unwrap(), 2);
    assert_eq!(session.held().unwrap().credentials.expires_at, second.expires_at);
}

#[test]
fn a_duration_that_has_ended_is_asked_for_again_with_the_same_credentials() {
    let machine = machine().option("scope_duration", 2);
    let (source, session) = (source(&machine, 3600), machine.session());
    scope(&session, &source).unwrap();
    thread::sleep(Duration::from_millis(1900));
    let (question, outcome) = answer(&session, Purpose::Credentials, &source);
    assert_eq!(question, Question::Source { refused_key: None, spent_key: None });
    assert_eq!(outcome.unwrap(), 2);
    // A service refused these: the source's are no good either.
    session.invalidate(&session.held().unwrap().credentials.access_key_id);
    let (question, _) = answer(&session, Purpose::Credentials, &source);
    assert!(matches!(question, Question::Source { spent_key: Some(_), .. }), "{question:?}");
    assert_eq!(machine.count(Service::Sts, CALL), 2);
}

#[test]
fn what_sts_refuses_is_explained() {
    for (code, status, kind, said) in [
        ("MalformedPolicyDocument", 400, Kind::Service, "scope_policy"),
        ("PackedPolicyTooLarge", 400, Kind::Service, "Shorten the policy"),
        ("InsufficientSessionLifetime", 400, Kind::Service, "shorter duration"),
        ("InvalidSubjectCredentials", 400, Kind::AccessDenied, "no valid session"),
        ("AccessDenied", 403, Kind::AccessDenied, "sts:GetScopedCredentials"),
        ("ValidationError", 400, Kind::Service, "2048 characters"),
        ("InvalidAction", 400, Kind::Service, "regional endpoint"),
    ] {
        let machine = machine();
        let answer = Answer::Error { status, code: code.into(), message: "because".into() };
        machine.aws.add_rule(Rule::on(Service::Sts).action(CALL).answer(answer));
        let failure = scope(&machine.session(), &source(&machine, 3600)).unwrap_err();
        assert_eq!((failure.kind, failure.code.as_deref()), (kind, Some(code)));
        assert!(failure.message().contains(said) && failure.message().contains("because"), "{failure}");
        assert!(failure.request_id.is_some());
        assert_eq!(machine.count(Service::Sts, CALL), 1, "{code} is asked once");
        assert_no_secret(&format!("{failure:?}"));
    }
}

#[test]
fn what_passes_by_itself_is_asked_again() {
    for answer in
        [Answer::Drop, Answer::Throttle, Answer::Error { status: 503, code: "ServiceUnavailable".into(), message: "down".into() }]
    {
        let machine = machine();
        machine.aws.add_rule(Rule::on(Service::Sts).action(CALL).times(2).answer(answer));
        scope(&machine.session(), &source(&machine, 3600)).unwrap();
        assert_eq!(machine.count(Service::Sts, CALL), 3);
    }
    let limited = machine().env("AWS_MAX_ATTEMPTS", "1");
    limited.aws.add_rule(Rule::on(Service::Sts).action(CALL).answer(Answer::Drop));
    let failure = scope(&limited.session(), &source(&limited, 3600)).unwrap_err();
    assert_eq!((failure.kind, limited.count(Service::Sts, CALL)), (Kind::Connection, 1));
}

#[test]
fn an_endpoint_that_does_not_answer_ends_with_the_read_timeout() {
    let machine = machine().option("read_timeout", 0.2).env("AWS_MAX_ATTEMPTS", "1");
    machine.aws.add_rule(Rule { delay_ms: 3000, ..Rule::on(Service::Sts).action(CALL) });
    let (outcome, took) = timed(|| scope(&machine.session(), &source(&machine, 3600)));
    assert_eq!(outcome.unwrap_err().kind, Kind::Timeout);
    assert!(took < Duration::from_secs(2), "{took:?}");
}

#[test]
fn what_cannot_be_scoped_is_not_sent() {
    let machine = machine();
    let long_lived = Credentials::new(world::DEMO_KEY_ID, world::DEMO_SECRET, None, "source");
    let failure = scope(&machine.session(), &long_lived).unwrap_err();
    assert_eq!(failure.kind, Kind::Configuration);
    assert!(failure.message().contains("get_session_token: true"), "{failure}");
    let mut thrice = source(&machine, 3600);
    for layer in 1..=3 {
        let session = machine.session();
        scope(&session, &thrice).unwrap();
        thrice = (*session.held().unwrap().credentials).clone();
        assert_eq!(thrice.details["scoped_policies_count"], layer.to_string());
    }
    let failure = scope(&machine.session(), &thrice).unwrap_err();
    assert_eq!(failure.kind, Kind::Configuration);
    assert!(failure.message().contains("3 times"), "{failure}");
    assert_eq!(machine.count(Service::Sts, CALL), 3);
    thrice.details.clear(); // such as from the environment
    let failure = scope(&machine.session(), &thrice).unwrap_err();
    assert_eq!(failure.code.as_deref(), Some("AccessDenied"));
    assert!(failure.message().contains("three scope policies already"), "{failure}");
}
