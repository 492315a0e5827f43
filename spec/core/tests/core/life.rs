//! What a session hands out after a pause, a refusal or an outage: never credentials that it could
//! have replaced.

use crate::support::{Machine, read, read_identity, refresh, run, text, wait};
use aws_identity::{
    failure::Kind,
    session::{Purpose, Session, Step},
    task::fork_gate::ForkGate,
    util::time::now,
};
use fake_aws::{Answer, Rule, Service, world};
use std::{
    fs,
    path::Path,
    sync::atomic::{AtomicBool, Ordering::SeqCst},
    thread,
    time::{Duration, Instant},
};

const ASSUME: &str = "AssumeRole";
const WHOAMI: &str = "GetCallerIdentity";

fn living(seconds: i64) -> Machine {
    let machine = Machine::with_keys().option("role_arn", world::WORKER_ROLE).option("resolve_timeout", 1);
    machine.aws.add_rule(Rule { lifetime_seconds: Some(seconds), ..assume() });
    machine
}

fn assume() -> Rule {
    Rule::on(Service::Sts).action(ASSUME)
}

fn error(status: u16, code: &str) -> Answer {
    Answer::Error { status, code: code.into(), message: "because".into() }
}

fn asked(machine: &Machine) -> usize {
    machine.count(Service::Sts, ASSUME)
}

fn key(session: &Session) -> String {
    session.held().unwrap().credentials.access_key_id.clone()
}

fn is_good(session: &Session) -> bool {
    let held = session.held().unwrap();
    held.degraded.is_none() && !held.credentials.is_expired_at(now())
}

fn pause(milliseconds: u64) {
    thread::sleep(Duration::from_millis(milliseconds));
}

/// Starts a background refresh and lets it complete, without a look at its outcome.
fn refresh_unseen(session: &Session, machine: &Machine) {
    let before = asked(machine);
    pause(2100);
    read(session).unwrap();
    let task = session.in_flight().expect("no background refresh");
    wait(&task);
    assert!(asked(machine) > before);
}

#[test]
fn a_refresh_that_no_read_applied_until_it_expired_is_no_failure() {
    let machine = living(4);
    let session = machine.session();
    read(&session).unwrap();
    refresh_unseen(&session, &machine);
    pause(4100);
    read(&session).unwrap();
    assert!(is_good(&session), "{:?}", session.held().unwrap().degraded);
    assert_eq!(asked(&machine), 3);
    let tally = session.tally();
    assert_eq!((tally.failures, tally.back_offs), (0, 0));
    assert!(tally.last_duration.unwrap() < 1000 && tally.age.unwrap() < 1000, "{tally:?}");
}

#[test]
fn the_age_of_a_refresh_counts_from_when_it_completed() {
    let machine = living(4);
    let session = machine.session();
    read(&session).unwrap();
    refresh_unseen(&session, &machine);
    pause(1000);
    assert!(session.held().is_some());
    let tally = session.tally();
    assert!(tally.age.unwrap() >= 1000 && tally.last_duration.unwrap() < 900, "{tally:?}");
    let came = session.events(0).last().unwrap().at;
    assert!(now() - came >= 1000, "the event has the time of the look");
}

#[test]
fn a_back_off_counts_from_the_failure() {
    let machine = living(4);
    let session = machine.session();
    read(&session).unwrap();
    let down = machine.aws.add_rule(assume().answer(error(503, "ServiceUnavailable")));
    refresh_unseen(&session, &machine);
    machine.aws.remove_rule(down);
    pause(2500);
    read(&session).unwrap();
    assert!(is_good(&session), "its back-off of a second or so is over");
}

/// A session whose refresh in the background was refused, which no read has seen; the next one is not.
fn refused_in_the_background() -> (Machine, Session) {
    let machine = living(4);
    let session = machine.session();
    read(&session).unwrap();
    let closed = machine.aws.add_rule(assume().answer(error(403, "AccessDenied")));
    refresh_unseen(&session, &machine);
    machine.aws.remove_rule(closed);
    (machine, session)
}

#[test]
fn a_refusal_in_the_background_that_is_old_raises_nothing() {
    let (_machine, session) = refused_in_the_background();
    pause(5100);
    read(&session).unwrap();
    assert!(is_good(&session));
}

#[test]
fn a_refusal_in_the_background_raises_nothing_after_a_success() {
    let (_machine, session) = refused_in_the_background();
    pause(1100);
    refresh(&session).unwrap();
    read(&session).unwrap();
    assert!(is_good(&session));
}

/// Credentials of 3 s that have expired, and a back-off that runs.
fn expired_in_a_back_off(answer: Answer) -> (Machine, Session, u64) {
    let machine = living(3);
    let session = machine.session();
    read(&session).unwrap();
    pause(2900);
    let down = machine.aws.add_rule(assume().answer(answer));
    read(&session).unwrap();
    pause(200);
    assert!(session.held().unwrap().credentials.is_expired_at(now()));
    (machine, session, down)
}

#[test]
fn a_forced_refresh_asks_though_a_back_off_runs_once_the_credentials_have_expired() {
    let (machine, session, down) = expired_in_a_back_off(error(503, "ServiceUnavailable"));
    let before = session.tally().fetches;
    assert!(refresh(&session).unwrap_err().is_outage());
    assert!(refresh(&session).unwrap_err().is_outage());
    assert_eq!(session.tally().fetches, before + 1, "once a second at most");
    machine.aws.remove_rule(down);
    pause(1000);
    refresh(&session).unwrap();
    assert!(is_good(&session));
}

#[test]
fn a_source_that_was_not_reached_is_asked_again_a_second_later() {
    let machine = living(310);
    let session = machine.session();
    read(&session).unwrap();
    // Their refresh is refused for want of a network, and the SDKs' back-off would be 51 to 103 s.
    let down = machine.aws.add_rule(assume().answer(Answer::Drop));
    session.invalidate(&key(&session));
    read(&session).unwrap();
    assert!(session.held().unwrap().degraded.is_some());
    let due = session.due_in().unwrap();
    assert!(due <= 104_000, "{due}");
    machine.aws.remove_rule(down);

    let (machine, session, down) = expired_in_a_back_off(Answer::Drop);
    read(&session).unwrap();
    machine.aws.remove_rule(down);
    pause(1100);
    read(&session).unwrap();
    assert!(is_good(&session));
}

/// Admits no further fetch once it is closed.
#[derive(Debug)]
struct Door(AtomicBool);

impl ForkGate for Door {
    fn resume(&self) {}
    fn pause(&self) {}
    fn admit(&self) -> bool {
        !self.0.load(SeqCst)
    }
    fn release(&self) {}
}

#[test]
fn a_refresh_that_cannot_start_is_a_failed_refresh() {
    let door: &'static Door = Box::leak(Box::new(Door(AtomicBool::new(true))));
    let machine = living(3).gate(door);
    let session = machine.session();
    assert_eq!(read(&session).unwrap_err().kind, Kind::Connection, "nothing is held");
    door.0.store(false, SeqCst);
    read(&session).unwrap();
    pause(2800); // the mandatory window
    door.0.store(true, SeqCst);
    read(&session).unwrap();
    assert!(session.held().unwrap().degraded.is_some_and(|why| why.contains("128")));
    assert_eq!(read_identity(&session).unwrap_err().kind, Kind::Connection);
    door.0.store(false, SeqCst);
    pause(1300);
    read(&session).unwrap();
    assert!(is_good(&session));
}

#[test]
fn an_identity_whose_own_request_fails_raises_and_harms_no_credentials() {
    let machine = living(3600).option("resolve_timeout", 1);
    let session = machine.session();
    read(&session).unwrap();
    for answer in [error(500, "InternalFailure"), error(400, "TokenCodeNeeded"), Answer::Drop, Answer::Hang] {
        let rule = machine.aws.add_rule(Rule::on(Service::Sts).action(WHOAMI).answer(answer));
        let start = Instant::now();
        read_identity(&session).unwrap_err();
        assert!(start.elapsed() < Duration::from_secs(4), "{:?}", start.elapsed());
        machine.aws.remove_rule(rule);
    }
    assert_eq!(session.tally().fetches, 5, "one for each call");
    assert!(is_good(&session) && !session.needs_refresh());
}

/// Another caller forgets what each fetch brings before this one reads it.
#[test]
fn a_caller_waits_for_a_bounded_number_of_fetches() {
    let machine = living(3600);
    let session = machine.session();
    let mut rounds = aws_identity::session::Rounds::default();
    let mut fetches = 0;
    let failure = loop {
        let Ok(Step::Wait(task)) = session.identity() else { panic!("nothing to wait for") };
        wait(&task);
        fetches += 1;
        assert!(fetches <= 8);
        session.forget_identity(); // the outcome of the fetch, too
        match session.finish(Purpose::Identity, &task, &mut rounds) {
            None => {}
            Some(outcome) => break outcome.unwrap_err(),
        }
    };
    assert!(fetches > 1);
    assert!(failure.message().contains("forgotten"), "{}", failure.message());
}

/// A request for the identity alone, in flight until the rule is removed.
fn hold_identity(machine: &Machine, session: &Session) -> u64 {
    read(session).unwrap();
    let hold = machine.aws.add_rule(Rule { hold: true, ..Rule::on(Service::Sts).action(WHOAMI) });
    assert!(matches!(session.identity(), Ok(Step::Wait(_))));
    machine.wait_for(Service::Sts, WHOAMI, 1);
    hold
}

#[test]
fn a_forced_refresh_fetches_after_a_request_for_the_identity_alone() {
    let machine = living(3600);
    let session = machine.session();
    let hold = hold_identity(&machine, &session);
    let old = key(&session);
    thread::scope(|scope| {
        let waiters: Vec<_> = (0..6).map(|_| scope.spawn(|| refresh(&session).map(|_| key(&session)))).collect();
        pause(100);
        machine.aws.remove_rule(hold);
        for waiter in waiters {
            assert_ne!(waiter.join().unwrap().unwrap(), old);
        }
    });
    assert_eq!(asked(&machine), 2, "once for all who wait");
}

#[test]
fn a_read_of_refused_credentials_fetches_after_a_request_for_the_identity_alone() {
    let machine = living(3600);
    let session = machine.session();
    let hold = hold_identity(&machine, &session);
    let old = key(&session);
    assert!(session.invalidate(&old));
    thread::scope(|scope| {
        let waiters: Vec<_> =
            (0..6).map(|_| scope.spawn(|| run(&session, Purpose::Credentials).map(|_| key(&session)))).collect();
        pause(100);
        machine.aws.remove_rule(hold);
        for waiter in waiters {
            assert_ne!(waiter.join().unwrap().unwrap(), old);
        }
    });
    assert_eq!(asked(&machine), 2, "once for all who wait");
}

/// A role on top of a container's credentials, with a cache on disk.
fn cached() -> Machine {
    let machine = Machine::with_container().option("role_arn", world::WORKER_ROLE).option("resolve_timeout", 1);
    let folder = machine.home().join("cache");
    machine.option("cache", text(&folder))
}

fn entries(machine: &Machine) -> Vec<String> {
    let folder = fs::read_dir(machine.home().join("cache")).unwrap();
    let names = folder.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| Path::new(name).extension().is_some_and(|extension| extension == "json")).collect()
}

#[test]
fn a_refused_key_is_removed_from_disk_at_once_and_never_comes_back() {
    let machine = cached();
    let session = machine.session();
    read(&session).unwrap();
    let old = key(&session);
    assert_eq!(entries(&machine).len(), 1);
    let kept = machine.home().join("cache").join(&entries(&machine)[0]);
    let copy = machine.home().join("copy");
    fs::copy(&kept, &copy).unwrap(); // with its mode: a file that others may read is not used

    assert!(session.invalidate(&old));
    if let Some(removal) = session.removal() {
        removal.wait(&AtomicBool::new(false));
    }
    assert_eq!(entries(&machine), [""; 0], "another process could take it");

    // Another process that still holds the key writes it again, and the next fetch fails before it
    // reaches the cache.
    fs::copy(&copy, &kept).unwrap();
    let down = machine.aws.add_rule(Rule::on(Service::Container).answer(error(503, "Unavailable")));
    read(&session).unwrap(); // a forced refresh would remove the entry itself
    assert!(session.held().unwrap().degraded.is_some());
    assert_eq!(entries(&machine).len(), 1);
    machine.aws.remove_rule(down);
    session.end_back_off();
    read(&session).unwrap();
    assert_ne!(key(&session), old, "it came back from disk");
}

#[test]
fn a_date_header_that_is_far_off_is_not_believed() {
    for (seconds, believed) in [(7_200, true), (-7_200, true), (30 * 3600, false), (-30 * 3600, false)] {
        let machine = Machine::with_keys();
        machine.aws.add_rule(Rule { skew_seconds: seconds, ..Rule::on(Service::Sts) });
        let offset = machine.fetch().unwrap().clock_offset;
        assert_eq!(offset.is_some_and(|offset| (offset - seconds * 1000).abs() < 3000), believed, "{offset:?}");
    }
}
