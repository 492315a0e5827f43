//! A fetch that asks what only the application can give: which thread answers, and what the fetch holds meanwhile.

use crate::support::{Machine, read};
use aws_identity::{
    credentials::Secret,
    failure::{Failure, Kind},
    session::{Fetch, Purpose, Response, Rounds, Session, Step},
    task::{
        fetch_task::{Heed, Woken},
        fork_gate::ForkGate,
        question::{Answer, Question, Takes},
    },
};
use fake_aws::{Rule, Service, world};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicI64, Ordering::SeqCst},
    },
    thread,
    time::{Duration, Instant},
};

const ASSUME: &str = "AssumeRole";
const READER: Takes = Takes { token_code: true, web_identity_token: false, source: false };
const HELPER: Takes = Takes { token_code: false, web_identity_token: true, source: true };

/// Admits this many fetches at once.
#[derive(Debug)]
struct Room(AtomicI64);

impl ForkGate for Room {
    fn resume(&self) {}
    fn pause(&self) {}
    fn admit(&self) -> bool {
        self.0.fetch_update(SeqCst, SeqCst, |free| (free > 0).then(|| free - 1)).is_ok()
    }
    fn release(&self) {
        self.0.fetch_add(1, SeqCst);
    }
}

fn with_mfa() -> Machine {
    Machine::with_keys()
        .option("role_arn", world::MFA_ROLE)
        .option("serial_number", world::DEMO_MFA_SERIAL)
        .option("token_provider", true)
}

fn with_callable() -> Machine {
    Machine::bare().option("role_arn", world::IRSA_ROLE).option("web_identity_token", true)
}

fn begin(session: &Session, helper: Option<bool>) -> Arc<Fetch> {
    match session.begin(Purpose::Credentials, helper).unwrap() {
        Step::Wait(task) => task,
        Step::Ready(_) | Step::Helper { .. } => panic!("nothing to wait for"),
    }
}

fn wait(task: &Fetch, heed: Heed) -> Woken {
    task.wait_at_most(&AtomicBool::new(false), Duration::from_secs(10), heed)
}

/// Waits until `task` asks.
fn asked(task: &Fetch) {
    let heed = Heed { questions_after: Some(0), parked: false };
    assert_eq!(wait(task, heed), Woken::Asked, "{:?}", task.outcome());
}

fn take(session: &Session, task: &Arc<Fetch>, owner: u64, takes: Takes) -> bool {
    matches!(session.respond(Purpose::Credentials, task, owner, takes), Response::Ask(..))
}

fn answer(session: &Session, task: &Arc<Fetch>, owner: u64, code: &str) -> Option<Arc<Fetch>> {
    session.answer(Purpose::Credentials, task, owner, Ok(Answer::TokenCode(Secret::new(code))))
}

fn outcome(session: &Session, task: &Arc<Fetch>) -> Option<Result<u64, Failure>> {
    assert_eq!(wait(task, Heed::default()), Woken::Completed);
    session.finish(Purpose::Credentials, task, &mut Rounds::default())
}

#[test]
fn an_open_question_holds_no_permit_and_the_answer_takes_one() {
    let room: &'static Room = Box::leak(Box::new(Room(AtomicI64::new(1))));
    let machine = with_mfa().gate(room);
    let sessions: Vec<_> = (0..20).map(|_| machine.session()).collect();
    let tasks: Vec<_> = sessions
        .iter()
        .map(|session| {
            let task = begin(session, None);
            asked(&task);
            task
        })
        .collect();
    assert_eq!(room.0.load(SeqCst), 1, "a fetch with an open question holds no permit");
    let hold = machine.aws.add_rule(Rule { hold: true, ..Rule::on(Service::Sts).action(ASSUME) });
    for (at, (session, task)) in sessions.iter().zip(&tasks).take(2).enumerate() {
        assert!(take(session, task, 1, READER));
        answer(session, task, 1, ["111111", "222222"][at]);
    }
    machine.wait_for(Service::Sts, ASSUME, 1);
    thread::sleep(Duration::from_millis(100));
    assert_eq!((room.0.load(SeqCst), machine.count(Service::Sts, ASSUME)), (0, 1), "one at a time");
    machine.aws.remove_rule(hold);
    for (session, task) in sessions.iter().zip(&tasks).take(2) {
        assert_eq!(outcome(session, task).unwrap().unwrap(), 1);
    }
}

#[test]
fn a_session_that_is_dropped_ends_its_question() {
    let machine = with_mfa();
    let session = machine.session();
    let task = begin(&session, None);
    asked(&task);
    drop(session);
    assert_eq!(wait(&task, Heed::default()), Woken::Completed);
    assert!(task.is_withdrawn());
}

#[test]
fn one_takes_a_question_and_another_when_it_leaves() {
    let machine = with_mfa();
    let session = machine.session();
    let task = begin(&session, None);
    asked(&task);
    assert!(!take(&session, &task, 1, HELPER), "no code is asked for in the background");
    assert!(take(&session, &task, 2, READER));
    assert!(!take(&session, &task, 3, READER));
    task.give_back(3);
    assert!(!take(&session, &task, 3, READER), "only its owner gives it back");
    task.give_back(2);
    task.give_back(2);
    assert!(take(&session, &task, 3, READER));
    assert!(answer(&session, &task, 3, "111111").is_none());
    assert_eq!(outcome(&session, &task).unwrap().unwrap(), 1);
}

#[test]
fn a_reader_that_cannot_ask_is_refused_and_does_not_wait() {
    let machine = with_mfa();
    let session = machine.session();
    let task = begin(&session, None);
    asked(&task);
    let Response::Refuse(failure) = session.respond(Purpose::Credentials, &task, 1, HELPER) else { panic!("it waits") };
    assert_eq!(failure.kind, Kind::NoCredentials);
    assert!(matches!(session.respond(Purpose::Help, &task, 1, HELPER), Response::Wait(_)));
}

#[test]
fn a_question_that_no_thread_takes_ends_the_fetch_and_changes_nothing() {
    let machine = with_mfa();
    let session = machine.session();
    let task = begin(&session, None);
    let start = Instant::now();
    assert!(outcome(&session, &task).is_none(), "the waiter begins again");
    assert!(start.elapsed() < Duration::from_secs(4));
    assert!(task.is_withdrawn());
    let tally = session.tally();
    assert_eq!((tally.fetches, tally.failures, tally.back_offs), (1, 0, 0));
}

#[test]
fn an_owner_has_its_own_time_and_a_late_answer_starts_the_next_fetch() {
    let machine = with_mfa().option("token_timeout", 0.3);
    let session = machine.session();
    let task = begin(&session, None);
    asked(&task);
    let start = Instant::now();
    assert!(take(&session, &task, 1, READER));
    let failure = outcome(&session, &task).unwrap().unwrap_err();
    assert_eq!(failure.kind, Kind::Timeout);
    assert!(failure.message().contains("token_code did not come within 0.8 s"), "{failure}");
    assert!(start.elapsed() >= Duration::from_millis(800));
    let next = answer(&session, &task, 1, "111111").expect("a fetch with the late code");
    assert_eq!(outcome(&session, &next).unwrap().unwrap(), 1);
    assert_eq!(machine.the(Service::Sts, ASSUME).params["TokenCode"], "111111");
}

#[test]
fn a_late_answer_is_for_the_question_that_is_open_now() {
    let machine = with_callable().option("process_timeout", 0.2);
    let session = machine.session();
    let token = || Ok(Answer::WebIdentityToken(Secret::new(world::IRSA_TOKEN)));
    let first = begin(&session, Some(true));
    asked(&first);
    assert!(take(&session, &first, 1, HELPER));
    assert_eq!(outcome(&session, &first).unwrap().unwrap_err().kind, Kind::Timeout);
    let second = begin(&session, Some(true));
    asked(&second);
    let joined = session.answer(Purpose::Help, &first, 1, token()).unwrap();
    assert!(Arc::ptr_eq(&joined, &second));
    assert_eq!(outcome(&session, &second).unwrap().unwrap(), 1);
}

#[test]
fn a_late_failure_of_a_busy_helper_does_not_keep_the_next_fetch_waiting() {
    let machine = with_callable().option("process_timeout", 3);
    let session = machine.session();
    let first = begin(&session, Some(true));
    asked(&first);
    assert!(take(&session, &first, 1, HELPER));
    assert_eq!(outcome(&session, &first).unwrap().unwrap_err().kind, Kind::Timeout);
    let second = begin(&session, Some(true)); // counts on the helper that is still busy
    asked(&second);
    let start = Instant::now();
    let refused = Err(Failure::no_credentials("It raised.", ""));
    assert!(session.answer(Purpose::Help, &first, 1, refused).is_none());
    assert!(outcome(&session, &second).is_none(), "its readers begin again, with another helper");
    assert!(start.elapsed() < Duration::from_millis(2500), "{:?}", start.elapsed());
}

#[test]
fn the_time_for_an_answer_does_not_count() {
    let machine = with_mfa().option("resolve_timeout", 2);
    let session = machine.session();
    let task = begin(&session, None);
    asked(&task);
    assert!(take(&session, &task, 1, READER));
    thread::sleep(Duration::from_millis(2500));
    answer(&session, &task, 1, "111111");
    assert_eq!(outcome(&session, &task).unwrap().unwrap(), 1);
    assert!(session.tally().last_duration.unwrap() < 2000);
    assert!(session.attempts().iter().all(|attempt| attempt.milliseconds < 2000), "{:?}", session.attempts());
}

#[test]
fn the_cache_is_looked_at_again_after_the_answer() {
    let machine = with_mfa();
    let folder = machine.home().join("cache");
    let machine = machine.option("cache", folder.to_str().unwrap());
    let sessions = [machine.session(), machine.session()];
    let tasks = sessions.each_ref().map(|session| {
        let task = begin(session, None);
        asked(&task); // neither waits for the other's lock
        assert!(take(session, &task, 1, READER));
        task
    });
    for (session, task) in sessions.iter().zip(&tasks) {
        answer(session, task, 1, "111111");
        assert_eq!(outcome(session, task).unwrap().unwrap(), 1);
    }
    assert_eq!(machine.count(Service::Sts, ASSUME), 1);
}

#[test]
fn a_helper_that_ends_does_not_keep_the_others_waiting() {
    let machine = with_callable();
    let session = machine.session();
    let task = begin(&session, Some(true));
    asked(&task);
    let start = Instant::now();
    task.lose_helper();
    assert!(outcome(&session, &task).is_none(), "the waiter begins again, with another helper");
    assert!(task.is_withdrawn() && start.elapsed() < Duration::from_secs(4));
}

#[test]
fn nothing_is_begun_before_a_helper_is_there() {
    let machine = with_callable();
    let session = machine.session();
    for purpose in [Purpose::Credentials, Purpose::Identity, Purpose::Refresh] {
        assert!(matches!(session.begin(purpose, None), Ok(Step::Helper { waits: true })));
    }
    assert!(matches!(session.begin(Purpose::Prefetch, None), Ok(Step::Helper { waits: false })));
    assert_eq!(session.tally().fetches, 0);
    session.set_web_identity_token(Secret::new(world::IRSA_TOKEN)).unwrap();
    assert_eq!(read(&session).unwrap(), 1, "a token that was set needs none");
}

#[test]
fn a_fetch_shows_that_it_waits_for_the_network() {
    let machine = Machine::with_imds()
        .option("role_arn", world::MFA_ROLE)
        .option("serial_number", world::DEMO_MFA_SERIAL)
        .option("token_provider", true);
    let session = machine.session();
    let task = begin(&session, None);
    let heed = Heed { questions_after: Some(0), parked: true };
    assert_eq!(wait(&task, heed), Woken::Parked);
    asked(&task);
    let (question, _) = task.asked();
    assert_eq!(question.unwrap().question, Question::TokenCode(world::DEMO_MFA_SERIAL.into()));
}
