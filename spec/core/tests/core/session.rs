//! A session in real time: which reads wait, which are served, which fetch.

use crate::support::{Machine, finish, keys_profile, read, read_identity, refresh, timed, wait};
use aws_identity::{
    credentials::{Credentials, Secret},
    failure::{Failure, Kind},
    session::{EventKind, Fetch, Purpose, Response, Session, Step},
    task::fetch_task::{Heed, Woken},
    task::question::{Answer as Given, Asked, Question, Takes},
    util::time::now,
};
use fake_aws::{Answer, Rule, Service, world};
use std::{
    sync::{Arc, atomic::AtomicBool},
    thread,
    time::Duration,
};

const ASSUME: &str = "AssumeRole";
const WHOAMI: &str = "GetCallerIdentity";

/// A machine with a role whose credentials have this lifetime.
fn living(seconds: i64) -> Machine {
    // Two requests at most, so that an outage does not last for the whole deadline.
    let machine = Machine::with_keys().option("role_arn", world::WORKER_ROLE).env("AWS_MAX_ATTEMPTS", "2");
    machine.aws.add_rule(Rule { lifetime_seconds: Some(seconds), ..Rule::on(Service::Sts).action(ASSUME) });
    machine
}

fn asked(machine: &Machine) -> usize {
    machine.count(Service::Sts, ASSUME)
}

fn failing(machine: &Machine, status: u16, code: &str) -> u64 {
    let answer = Answer::Error { status, code: code.into(), message: "because".into() };
    machine.aws.add_rule(Rule::on(Service::Sts).action(ASSUME).answer(answer))
}

fn key(session: &Session) -> String {
    session.held().unwrap().credentials.access_key_id.clone()
}

/// Waits for the fetch in flight without reading.
fn let_complete(session: &Session) {
    if let Some(task) = session.in_flight() {
        wait(&task);
    }
}

fn kinds(session: &Session) -> Vec<EventKind> {
    session.events(0).iter().map(|event| event.kind).collect()
}

fn pause(milliseconds: u64) {
    thread::sleep(Duration::from_millis(milliseconds));
}

#[test]
fn the_first_read_waits_and_the_others_do_not() {
    let machine = living(3600);
    let session = machine.session();
    assert!(session.held().is_none());
    assert_eq!(read(&session).unwrap(), 1);
    for _ in 0..10 {
        assert!(matches!(session.credentials(), Ok(Step::Ready(1))));
    }
    assert_eq!(asked(&machine), 1);
    let tally = session.tally();
    assert_eq!((tally.fetches, tally.cached, tally.failures, tally.back_offs), (1, 10, 0, 0));
    assert!(tally.age.is_some_and(|age| age < 5000) && tally.last_duration.is_some_and(|took| took < 5000));
    assert_eq!(session.attempts().len(), 2);
    assert_eq!(session.held().unwrap().region, "us-east-1");
}

#[test]
fn fifty_readers_at_once_make_one_request() {
    let machine = living(3600);
    machine.aws.add_rule(Rule { delay_ms: 100, ..Rule::on(Service::Sts) });
    let session = machine.session();
    thread::scope(|scope| {
        for at in 0..50 {
            let session = &session;
            scope.spawn(move || {
                if at % 2 == 0 {
                    assert_eq!(read(session).unwrap(), 1);
                } else {
                    assert!(read_identity(session).unwrap().principal.arn.contains("legion-worker"));
                }
            });
        }
    });
    assert_eq!((asked(&machine), machine.count(Service::Sts, WHOAMI)), (1, 1));
}

#[test]
fn the_identity_is_fetched_with_the_held_credentials() {
    let machine = living(3600);
    let session = machine.session();
    read(&session).unwrap();
    let held = key(&session);
    let identity = read_identity(&session).unwrap();
    assert_eq!(identity.canonical_name, "legion-worker");
    assert_eq!(machine.the(Service::Sts, WHOAMI).access_key_id.unwrap(), held);
    assert_eq!(asked(&machine), 1);
    // The identity is cached.
    read_identity(&session).unwrap();
    assert_eq!(machine.count(Service::Sts, WHOAMI), 1);
}

#[test]
fn one_fetch_returns_credentials_and_identity() {
    let machine = living(3600);
    let session = machine.session();
    read_identity(&session).unwrap();
    assert_eq!(read(&session).unwrap(), 1);
    assert_eq!(session.tally().fetches, 1);
    assert_eq!(machine.actions(), [ASSUME, WHOAMI]);
}

#[test]
fn a_forgotten_identity_is_fetched_again_and_the_credentials_stay() {
    let machine = living(3600);
    let session = machine.session();
    read_identity(&session).unwrap();
    session.forget_identity();
    assert!(session.known().is_none());
    read_identity(&session).unwrap();
    assert_eq!((asked(&machine), machine.count(Service::Sts, WHOAMI)), (1, 2));
}

#[test]
fn credentials_are_kept_when_the_identity_fails() {
    let machine = living(3600);
    let drop = machine.aws.add_rule(Rule::on(Service::Sts).action(WHOAMI).answer(Answer::Drop));
    let session = machine.session();
    assert_eq!(read_identity(&session).unwrap_err().kind, Kind::Connection);
    assert_eq!(read(&session).unwrap(), 1);
    machine.aws.remove_rule(drop);
    read_identity(&session).unwrap();
    assert_eq!(asked(&machine), 1);
}

#[test]
fn no_read_waits_for_an_advisory_refresh() {
    let machine = living(4);
    let session = machine.session();
    read(&session).unwrap();
    let old = key(&session);
    let hold = machine.aws.add_rule(Rule { hold: true, ..Rule::on(Service::Sts).action(ASSUME) });
    assert!(!session.needs_refresh());
    pause(2100);
    assert!(session.needs_refresh());
    for _ in 0..20 {
        let (step, took) = timed(|| session.credentials());
        assert!(matches!(step, Ok(Step::Ready(1))) && took < Duration::from_secs(1), "{took:?}"); // the answer is held
    }
    machine.wait_for(Service::Sts, ASSUME, 2);
    assert_eq!(key(&session), old);
    machine.aws.remove_rule(hold);
    let_complete(&session);
    assert_eq!(read(&session).unwrap(), 2);
    assert_ne!(key(&session), old);
    assert_eq!(asked(&machine), 2);
    assert_eq!(kinds(&session), [EventKind::Refreshed, EventKind::Refreshed]);
}

#[test]
fn a_final_failure_in_the_background_is_raised_once() {
    let machine = living(4);
    let session = machine.session();
    read(&session).unwrap();
    failing(&machine, 403, "AccessDenied");
    pause(2100);
    assert_eq!(read(&session).unwrap(), 1);
    let_complete(&session);
    let failure = read(&session).unwrap_err();
    assert_eq!(failure.kind, Kind::AccessDenied);
    assert_eq!(read(&session).unwrap(), 1, "raised once, and not fetched again within a second");
    assert_eq!(asked(&machine), 2);
    assert!(session.held().unwrap().degraded.is_none());
}

#[test]
fn held_credentials_are_served_through_an_outage() {
    let machine = living(3);
    let session = machine.session();
    read(&session).unwrap();
    let old = session.held().unwrap().credentials;
    let down = failing(&machine, 503, "ServiceUnavailable");
    pause(1600);
    read(&session).unwrap();
    let_complete(&session);
    let serial = read(&session).unwrap();
    assert_eq!(asked(&machine), 3, "two attempts of one fetch");
    let held = session.held().unwrap();
    assert_eq!(held.serial, serial);
    assert!(held.degraded.is_some_and(|why| why.contains("ServiceUnavailable")));
    assert_eq!(held.credentials.expires_at, old.expires_at, "the unchanged expiration");
    for _ in 0..5 {
        assert_eq!(read(&session).unwrap(), serial);
    }
    assert_eq!(asked(&machine), 3, "STS is left alone");
    assert_eq!(session.tally().back_offs, 1);

    // Expired, with STS still down: still served.
    pause(1600);
    assert!(old.is_expired_at(now()));
    assert_eq!(read(&session).unwrap(), session.held().unwrap().serial);
    assert!(session.held().unwrap().credentials.is_expired_at(now()));
    let events = kinds(&session);
    assert!(events.contains(&EventKind::Degraded) && events.contains(&EventKind::Expired), "{events:?}");

    // STS is back: fresh credentials within a back-off of a second.
    machine.aws.remove_rule(down);
    pause(1100);
    read(&session).unwrap();
    let held = session.held().unwrap();
    assert!(held.degraded.is_none() && !held.credentials.is_expired_at(now()));
    assert_eq!(kinds(&session).last(), Some(&EventKind::Refreshed));
}

#[test]
fn a_failed_first_fetch_is_raised_and_the_next_read_fetches_again() {
    let machine = living(3600);
    let down = failing(&machine, 503, "ServiceUnavailable");
    let session = machine.session();
    assert!(read(&session).unwrap_err().is_outage());
    assert!(session.held().is_none());
    machine.aws.remove_rule(down);
    assert_eq!(read(&session).unwrap(), 1);
    assert_eq!(session.tally().failures, 1);
}

#[test]
fn a_final_failure_is_not_fetched_again_within_a_second() {
    let machine = living(3600);
    let closed = failing(&machine, 403, "AccessDenied");
    let session = machine.session();
    for _ in 0..5 {
        assert_eq!(read(&session).unwrap_err().kind, Kind::AccessDenied);
    }
    assert_eq!(asked(&machine), 1);
    machine.aws.remove_rule(closed);
    pause(1100);
    assert_eq!(read(&session).unwrap(), 1);
}

#[test]
fn a_forced_refresh_returns_new_credentials_at_most_once_a_second() {
    let machine = living(3600);
    let session = machine.session();
    read_identity(&session).unwrap();
    let old = key(&session);
    assert_eq!(refresh(&session).unwrap(), 2);
    let new = key(&session);
    assert_ne!(old, new);
    for _ in 0..5 {
        assert_eq!(refresh(&session).unwrap(), 2);
    }
    assert_eq!(asked(&machine), 2);
    read_identity(&session).unwrap();
    assert_eq!(machine.count(Service::Sts, WHOAMI), 2, "the identity is fetched again");
    assert!(kinds(&session).contains(&EventKind::Invalidated));
    pause(1100);
    assert_eq!(refresh(&session).unwrap(), 3);
}

#[test]
fn a_forced_refresh_raises_though_credentials_are_held_and_then_obeys_the_back_off() {
    let machine = living(3600);
    let session = machine.session();
    read(&session).unwrap();
    failing(&machine, 503, "ServiceUnavailable");
    assert!(refresh(&session).unwrap_err().is_outage());
    assert!(refresh(&session).unwrap_err().is_outage(), "a second call within a second raises the same");
    assert_eq!(asked(&machine), 3);
    read(&session).unwrap();
    assert!(session.held().unwrap().degraded.is_some());
    pause(1100);
    assert!(refresh(&session).is_ok(), "the held credentials are served while the back-off runs");
    assert_eq!(asked(&machine), 3);
}

#[test]
fn a_forced_refresh_joins_the_fetch_in_flight() {
    let machine = living(3600);
    let session = machine.session();
    let hold = machine.aws.add_rule(Rule { hold: true, ..Rule::on(Service::Sts).action(ASSUME) });
    assert!(matches!(session.prefetch(), Ok(Step::Ready(1))));
    let Ok(Step::Wait(task)) = session.refresh() else { panic!("it did not join") };
    machine.aws.remove_rule(hold);
    wait(&task);
    assert_eq!(finish(&session, Purpose::Refresh, &task).unwrap(), 1);
    assert_eq!(asked(&machine), 1);
}

#[test]
fn invalidate_replaces_the_held_key_only() {
    let machine = living(3600);
    let session = machine.session();
    read(&session).unwrap();
    let old = key(&session);
    assert!(!session.invalidate("AKIAOTHER"));
    assert_eq!(read(&session).unwrap(), 1);
    assert!(session.invalidate(&old));
    assert!(session.needs_refresh());
    assert_eq!(read(&session).unwrap(), 2);
    assert!(!session.invalidate(&old), "it has been replaced");
    assert_eq!(asked(&machine), 2);
}

#[test]
fn a_prefetch_does_not_wait_and_fetches_only_if_a_refresh_is_due() {
    let machine = living(3600);
    let session = machine.session();
    let hold = machine.aws.add_rule(Rule { hold: true, ..Rule::on(Service::Sts).action(ASSUME) });
    assert!(matches!(session.prefetch(), Ok(Step::Ready(1))));
    assert!(matches!(session.prefetch(), Ok(Step::Ready(0))));
    machine.aws.remove_rule(hold);
    let_complete(&session);
    assert_eq!(read(&session).unwrap(), 1);
    assert!(matches!(session.prefetch(), Ok(Step::Ready(0))));
    assert_eq!(asked(&machine), 1);
    let due = session.due_in().unwrap();
    assert!((2_690_000..=2_700_000).contains(&due), "an hour less a quarter: {due}");
}

#[test]
fn a_waiter_that_leaves_does_not_end_the_fetch() {
    let machine = living(3600);
    let session = machine.session();
    let hold = machine.aws.add_rule(Rule { hold: true, ..Rule::on(Service::Sts).action(ASSUME) });
    let Ok(Step::Wait(task)) = session.credentials() else { panic!("nothing to wait for") };
    let leave = AtomicBool::new(false);
    thread::scope(|scope| {
        let waiter = scope.spawn(|| task.wait(&leave));
        machine.wait_for(Service::Sts, ASSUME, 1);
        task.nudge(&leave);
        assert_eq!(waiter.join().unwrap(), Woken::Interrupted);
    });
    machine.aws.remove_rule(hold);
    wait(&task);
    assert_eq!(read(&session).unwrap(), 1);
    assert_eq!(asked(&machine), 1);
}

#[test]
fn a_deadline_is_raised_and_the_next_read_fetches_again() {
    let machine = living(3600).option("resolve_timeout", 1);
    let hang = machine.aws.add_rule(Rule::on(Service::Sts).action(ASSUME).answer(Answer::Hang));
    let session = machine.session();
    let failure = read(&session).unwrap_err();
    assert_eq!(failure.kind, Kind::Timeout);
    assert!(failure.message().contains("1 s"), "{}", failure.message());
    machine.aws.remove_rule(hang);
    assert_eq!(read(&session).unwrap(), 1);
}

#[test]
fn long_lived_keys_are_fetched_once() {
    let machine = Machine::with_keys();
    let session = machine.session();
    for _ in 0..5 {
        assert_eq!(read(&session).unwrap(), 1);
    }
    assert_eq!(session.tally().fetches, 1);
    assert!(!session.needs_refresh() && session.due_in().is_none());
    assert!(machine.aws.requests().is_empty());
}

#[test]
fn credentials_that_are_expired_when_fetched_are_a_failure() {
    let machine = living(-60);
    let session = machine.session();
    let failure = read(&session).unwrap_err();
    assert_eq!(failure.kind, Kind::NoCredentials);
    assert!(failure.message().contains("clock"), "{}", failure.message());
    assert!(session.held().is_none());
    assert_eq!(session.tally().fetches, 1);
}

#[test]
fn credentials_that_are_expired_when_fetched_do_not_replace_the_held_ones() {
    let machine = Machine::with_keys().option("role_arn", world::WORKER_ROLE);
    let session = machine.session();
    read(&session).unwrap();
    let old = key(&session);
    machine.aws.add_rule(Rule { lifetime_seconds: Some(-60), ..Rule::on(Service::Sts).action(ASSUME) });
    assert_eq!(refresh(&session).unwrap_err().kind, Kind::NoCredentials);
    read(&session).unwrap();
    assert_eq!(key(&session), old);
    assert!(session.held().unwrap().degraded.is_some());
}

#[test]
fn expired_credentials_of_imds_are_served_and_a_back_off_runs() {
    let machine = Machine::with_imds();
    machine.aws.change_world(|world| world.imds.expired_credentials = true);
    let session = machine.session();
    read(&session).unwrap();
    let held = session.held().unwrap();
    assert!(held.credentials.is_expired_at(now()) && held.degraded.is_some());
    assert!(read_identity(&session).unwrap().principal.arn.contains("ec2-web"));
    for _ in 0..5 {
        read(&session).unwrap();
    }
    assert_eq!(machine.count(Service::Imds, "Credentials"), 1);
    assert_eq!(kinds(&session)[0], EventKind::Degraded);
}

/// STS's clock is an hour behind ours: credentials for ten minutes would be expired by our clock.
#[test]
fn the_service_s_clock_counts_and_its_expiration_is_kept() {
    let machine = Machine::with_keys().option("role_arn", world::WORKER_ROLE);
    machine.aws.add_rule(Rule { skew_seconds: -3600, ..Rule::on(Service::Sts) });
    machine.aws.add_rule(Rule { lifetime_seconds: Some(600), ..Rule::on(Service::Sts).action(ASSUME) });
    let session = machine.session();
    assert_eq!(read(&session).unwrap(), 1);
    let fetches = session.tally().fetches;
    assert_eq!(read(&session).unwrap(), 1);
    let held = session.held().unwrap();
    assert!(held.degraded.is_none() && !session.needs_refresh());
    let since = now() - held.credentials.expires_at.unwrap();
    assert!((2_990_000..=3_005_000).contains(&since), "{since}");
    assert_eq!(session.tally().fetches, fetches);
    assert!(read_identity(&session).is_ok());
}

#[test]
fn events_are_numbered_and_read_from_a_number_on() {
    let machine = living(3600);
    let session = machine.session();
    read(&session).unwrap();
    session.invalidate(&key(&session));
    failing(&machine, 503, "ServiceUnavailable");
    read(&session).unwrap();
    let events = session.events(0);
    let recorded: Vec<_> = events.iter().map(|event| (event.number, event.kind)).collect();
    assert_eq!(
        recorded,
        [(1, EventKind::Refreshed), (2, EventKind::Invalidated), (3, EventKind::RefreshFailed), (4, EventKind::Degraded)]
    );
    assert_eq!(events[2].attempt, 1);
    assert!(events[3].reason.as_deref().is_some_and(|why| why.contains("ServiceUnavailable")));
    assert_eq!(session.events(2).len(), 2);
    crate::support::assert_no_secret(&format!("{events:?}"));
}

/// Waits until `task` asks, and takes the question as `owner`.
fn take(session: &Session, task: &Arc<Fetch>, owner: u64) -> (Asked, Duration) {
    let heed = Heed { questions_after: Some(0), parked: false };
    let woken = task.wait_at_most(&AtomicBool::new(false), Duration::from_secs(10), heed);
    assert_eq!(woken, Woken::Asked, "{:?}", task.outcome());
    let takes = Takes { token_code: true, web_identity_token: true, source: true };
    match session.respond(Purpose::Credentials, task, owner, takes) {
        Response::Ask(asked, limit) => (asked, limit),
        response => panic!("nothing was asked: {response:?}"),
    }
}

/// A read that begins a fetch.
fn begin(session: &Session, helper: Option<bool>) -> Arc<Fetch> {
    match session.begin(Purpose::Credentials, helper).unwrap() {
        Step::Wait(task) => task,
        _ => panic!("nothing to wait for"),
    }
}

/// A read that asks for a code and is given this one.
fn supply(session: &Session, code: &str) -> Result<u64, Failure> {
    let task = begin(session, None);
    let (asked, _) = take(session, &task, 7);
    assert_eq!(asked.question, Question::TokenCode(world::DEMO_MFA_SERIAL.into()));
    let answer = Given::TokenCode(Secret::new(code));
    assert!(session.answer(Purpose::Credentials, &task, 7, Ok(answer)).is_none());
    wait(&task);
    finish(session, Purpose::Credentials, &task)
}

fn with_mfa(seconds: i64) -> Machine {
    living(seconds).option("serial_number", world::DEMO_MFA_SERIAL).option("token_provider", true)
}

#[test]
fn a_code_is_asked_for_in_each_fetch_and_never_in_the_background() {
    let machine = with_mfa(4);
    let session = machine.session();
    assert_eq!(supply(&session, "111111").unwrap(), 1);
    pause(2200);
    // In the advisory window: served, and nothing is started.
    assert!(matches!(session.credentials(), Ok(Step::Ready(1))));
    assert!(session.in_flight().is_none());
    // Expired: not served, and the next read asks for a code again.
    pause(2000);
    assert!(session.held().is_none());
    assert_eq!(supply(&session, "222222").unwrap(), 2);
    let codes: Vec<_> = machine.requests(Service::Sts, ASSUME).iter().map(|entry| entry.params["TokenCode"].clone()).collect();
    assert_eq!(codes, ["111111", "222222"]);
}

#[test]
fn without_a_token_provider_the_failure_names_it() {
    let machine = living(3600).option("serial_number", world::DEMO_MFA_SERIAL);
    let session = machine.session();
    let failure = read(&session).unwrap_err();
    assert_eq!(failure.kind, Kind::NoCredentials);
    assert!(failure.message().contains("token_provider"), "{}", failure.message());
    assert_eq!(asked(&machine), 0);
}

#[test]
fn a_code_that_is_no_code_is_not_sent() {
    let machine = with_mfa(3600);
    let session = machine.session();
    let failure = supply(&session, "12345x").unwrap_err();
    assert!(failure.message().contains("six digits") && !failure.message().contains("12345x"), "{}", failure.message());
    assert_eq!(asked(&machine), 0);
}

#[test]
fn a_token_provider_that_is_not_needed_is_not_asked() {
    let machine = living(3600).option("token_provider", true);
    assert_eq!(read(&machine.session()).unwrap(), 1);
    let machine = Machine::bare().credentials_file(&keys_profile("default")).option("token_provider", true);
    assert_eq!(read(&machine.session()).unwrap(), 1);
}

#[test]
fn a_session_of_a_given_source_asks_for_it_in_each_fetch() {
    let machine = living(3600).option("source", true);
    let session = machine.session();
    assert!(matches!(session.credentials(), Ok(Step::Helper { waits: true })));
    assert_eq!(session.tally().fetches, 0, "no fetch begins before there is a helper thread");
    let task = begin(&session, Some(true));
    let (asked, _) = take(&session, &task, 7);
    assert_eq!(asked.question, Question::Source { refused_key: None, spent_key: None });
    let source = Credentials::new(world::PATH_KEY_ID, world::PATH_SECRET, None, "given");
    assert!(session.answer(Purpose::Help, &task, 7, Ok(Given::Source(Box::new(source.into())))).is_none());
    wait(&task);
    assert_eq!(finish(&session, Purpose::Credentials, &task).unwrap(), 1);
    assert_eq!(machine.the(Service::Sts, ASSUME).principal.as_deref(), Some(world::PATH_USER));
}

#[test]
fn a_web_identity_token_is_replaced_on_a_living_session() {
    let machine = Machine::bare().option("role_arn", world::IRSA_ROLE).option("web_identity_token", "an-old-token");
    let session = machine.session();
    assert_eq!(read(&session).unwrap_err().code.as_deref(), Some("InvalidIdentityToken"));
    session.set_web_identity_token(Secret::new(world::IRSA_TOKEN)).unwrap();
    assert_eq!(read(&session).unwrap(), 1, "at once: what failed with the old one may work now");
    assert!(session.set_web_identity_token(Secret::new("a\nb-token")).is_err());
    let other = living(3600).session();
    assert!(other.set_web_identity_token(Secret::new(world::IRSA_TOKEN)).is_err());
}

#[test]
fn a_replaced_web_identity_token_ends_a_back_off() {
    let machine = Machine::bare().option("role_arn", world::IRSA_ROLE).option("web_identity_token", world::IRSA_TOKEN);
    let session = machine.session();
    read(&session).unwrap();
    let down = machine.aws.add_rule(Rule::on(Service::Sts).answer(Answer::Error {
        status: 400,
        code: "ExpiredTokenException".into(),
        message: "because".into(),
    }));
    session.invalidate(&key(&session));
    read(&session).unwrap();
    assert!(session.held().unwrap().degraded.is_some());
    machine.aws.remove_rule(down);
    session.set_web_identity_token(Secret::new(world::IRSA_TOKEN)).unwrap();
    assert_eq!(read(&session).unwrap(), session.held().unwrap().serial);
    assert!(session.held().unwrap().degraded.is_none(), "the new token was used at once");
}

#[test]
fn a_callable_for_the_token_is_asked_in_the_fetch() {
    let machine = Machine::bare().option("role_arn", world::IRSA_ROLE).option("web_identity_token", true);
    let session = machine.session();
    assert!(matches!(session.credentials(), Ok(Step::Helper { waits: true })));
    let task = begin(&session, Some(true));
    let (asked, _) = take(&session, &task, 7);
    assert_eq!(asked.question, Question::WebIdentityToken);
    let answer = Given::WebIdentityToken(Secret::new(world::IRSA_TOKEN));
    assert!(session.answer(Purpose::Help, &task, 7, Ok(answer)).is_none());
    wait(&task);
    assert_eq!(finish(&session, Purpose::Credentials, &task).unwrap(), 1);
}

#[test]
fn printing_the_parts_of_a_session_shows_no_secret() {
    let machine = living(3600);
    let session = machine.session();
    read_identity(&session).unwrap();
    let held = session.held().unwrap();
    let shown = format!("{held:?} {:?} {:?} {:?}", session.known(), session.attempts(), session.settings());
    assert!(!shown.contains(held.credentials.secret_access_key.expose()));
    assert!(!shown.contains(held.credentials.session_token.as_ref().unwrap().expose()));
    crate::support::assert_no_secret(&shown);
}
