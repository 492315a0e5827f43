//! A session under 100,000 random histories of reads, completed fetches, failures, refusals, forks
//! and steps of the clock.
//!
//! Each history runs on the session and on a model of it here, and every answer of the session is
//! checked against the model. Time and fetches are simulated, so years pass in a second.
//!
//! `SESSION_SEED` repeats a run, `SESSION_HISTORIES` lengthens it.

mod calls;
mod checks;
mod fetches;
mod model;
mod questions;

use super::{runtime::Runtime, *};
use crate::{
    config::Layers,
    failure::Kind,
    fetch::{FetchRequest, FetchResult},
    principal::Principal,
    refresh::{Cause, Range, is_final},
    task::{
        fetch_task::{Completion, FetchTask},
        fork_gate::NoFork,
        question::{Answer, Limits, Question, Takes},
        slot::by_hand::Inbox,
    },
    util::time::Moment,
};
use serde_json::json;
use std::{
    env, process,
    sync::atomic::{AtomicBool, AtomicI64, AtomicU32, AtomicU64, Ordering::Relaxed},
    thread,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

const S: Millis = 1_000;
const START: Millis = 1_800_000_000_000;
const STEPS: u32 = 40;
const THREADS: u64 = 2;
/// How many cases `Seen` counts.
const CASES: usize = 42;
/// No process has this id.
const PARENT: u32 = u32::MAX;

#[test]
fn random_histories_keep_the_promises() {
    let seed = number("SESSION_SEED").unwrap_or_else(|| {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        u64::from(since.subsec_nanos()) ^ since.as_secs()
    });
    let histories = number("SESSION_HISTORIES").unwrap_or(100_000);
    println!("SESSION_SEED={seed} SESSION_HISTORIES={histories}");
    let tally = thread::scope(|scope| {
        let runs: Vec<_> = (0..THREADS)
            .map(|at| scope.spawn(move || run(Dice::new(seed + at), histories / THREADS)))
            .collect();
        runs.into_iter()
            .map(|run| run.join().expect("a promise was broken"))
            .fold(Seen::default(), Seen::plus)
    });
    println!("{tally:?}");
    // A case that never came up was not tested.
    assert_eq!(tally.0.len(), CASES, "{tally:?}");
    assert!(
        tally.0.iter().all(|(_, times)| *times > histories / 2000),
        "{tally:?}"
    );
}

fn number(name: &str) -> Option<u64> {
    env::var(name)
        .ok()
        .map(|text| text.parse().expect("a number"))
}

fn run(mut dice: Dice, histories: u64) -> Seen {
    let kinds = [
        json!({}),
        json!({"advisory_window": 1800}),
        json!({"token_provider": true, "serial_number": "GAHT12345678",
               "role_arn": "arn:aws:iam::123456789012:role/r"}),
        json!({"web_identity_token": true, "role_arn": "arn:aws:iam::123456789012:role/r"}),
    ]
    .map(|options| {
        let layers = Layers {
            options: options.as_object().unwrap().clone(),
            ..Layers::default()
        };
        Settings::new(layers).unwrap()
    });
    let mut seen = Seen::default();
    for _ in 0..histories {
        let settings = dice.any(&[0, 0, 1, 2, 3, 3]);
        let mut history = History::new(kinds[settings].clone(), settings, &mut dice);
        for _ in 0..STEPS {
            history.step(&mut dice, &mut seen);
        }
        history.end();
    }
    seen
}

/// How often each case came up.
#[derive(Debug, Default)]
struct Seen(Vec<(&'static str, u64)>);

impl Seen {
    fn note(&mut self, case: &'static str) {
        self.add(case, 1);
    }
    fn add(&mut self, case: &'static str, times: u64) {
        match self.0.iter_mut().find(|(known, _)| *known == case) {
            Some((_, count)) => *count += times,
            None => self.0.push((case, times)),
        }
    }
    fn plus(mut self, other: Self) -> Self {
        for (case, times) in other.0 {
            self.add(case, times);
        }
        self
    }
}

/// xorshift64*.
struct Dice(u64);

impl Dice {
    fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15).max(1))
    }
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 1
    }
    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }
    fn between(&mut self, low: Millis, high: Millis) -> Millis {
        low + i64::try_from(self.below(u64::try_from(high - low).unwrap() + 1)).unwrap()
    }
    fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }
    fn any<T: Copy>(&mut self, of: &[T]) -> T {
        of[usize::try_from(self.below(of.len() as u64)).unwrap()]
    }
}

/// Clocks, randomness and fetches under the control of the history.
struct FakeRuntime {
    /// The clock that cannot be set.
    passed: AtomicI64,
    /// How far the wall clock is ahead of it.
    wall: AtomicI64,
    process: AtomicU32,
    picks: AtomicU64,
    /// The last length of a back-off.
    picked: AtomicI64,
    started: Mutex<Vec<(Arc<Fetch>, FetchRequest)>>,
    /// No more fetch can start.
    is_full: AtomicBool,
    /// For each fetch that could not start, whether it was for credentials.
    refused: Mutex<Vec<bool>>,
}

impl Runtime for FakeRuntime {
    fn now(&self) -> Moment {
        let boot = self.passed.load(Relaxed);
        Moment {
            wall: self.wall.load(Relaxed) + boot,
            boot,
        }
    }
    fn process(&self) -> u32 {
        self.process.load(Relaxed)
    }
    fn pick(&self, range: Range) -> Millis {
        let (low, high) = range.into_inner();
        let mut dice = Dice::new(self.picks.fetch_add(1, Relaxed));
        let length = dice.between(low, high);
        self.picked.store(length, Relaxed);
        length
    }
    fn start(
        &self,
        _: &Arc<Settings>,
        request: FetchRequest,
        _: SharedGate,
    ) -> Result<Arc<Fetch>, Failure> {
        if self.is_full.load(Relaxed) {
            self.refused.lock().unwrap().push(request.held.is_none());
            return Err(Failure::internal("no thread", ""));
        }
        let mut started = self.started.lock().unwrap();
        let is_sole = started
            .last()
            .is_none_or(|(last, _)| last.outcome().is_some() || !last.may_complete());
        assert!(is_sole, "two fetches in flight");
        let task = FetchTask::without_worker(process::id(), request.held.is_some());
        started.push((Arc::clone(&task), request));
        Ok(task)
    }
}

/// A span of time since it began, by the clock that has gone further.
#[derive(Clone, Copy)]
struct Span {
    length: Millis,
    began: Moment,
}

impl Span {
    fn left(self, now: Moment) -> Millis {
        let by_wall = now.wall - self.began.wall;
        self.length - by_wall.max(now.boot - self.began.boot)
    }
}

/// Credentials of the model.
struct ModelCredentials {
    key: String,
    expires_at: Option<Millis>,
    life: Option<Span>,
    degraded_by_source: bool,
}

impl ModelCredentials {
    fn has_expired(&self, now: Moment) -> bool {
        self.life.is_some_and(|life| life.left(now) <= 0)
    }
}

/// The fetch in flight of the model.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
struct ModelFetch {
    task: Arc<Fetch>,
    fetches: bool,
    awaited: bool,
    is_forced: bool,
    has_helper: bool,
    /// The held credentials were refused after it had started.
    predates_refusal: bool,
    /// The inbox of its question, while that is open.
    inbox: Option<Inbox>,
    /// The waiter that has taken the question.
    owner: Option<u64>,
    is_answered: bool,
    began: Moment,
    completed: Option<Moment>,
}

#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
struct History {
    session: Session,
    runtime: Arc<FakeRuntime>,
    needs_mfa: bool,
    /// A callable gives the web identity token.
    has_callable: bool,
    /// The clock steps, and STS says how far it is off.
    steps: bool,
    owners: u64,
    /// A waiter that has taken a question of a task that has completed since.
    late: Option<(Arc<Fetch>, u64)>,
    keys: u64,
    // The model.
    in_flight: Option<ModelFetch>,
    held: Option<ModelCredentials>,
    invalidated: bool,
    degraded: bool,
    back_off: Option<Span>,
    unreached: u32,
    final_at: Option<Millis>,
    /// When a background fetch failed for good, and in which process.
    pending_error: Option<(Millis, u32)>,
    /// When a fetch was last forced, and whether it failed.
    forced: Option<(Millis, bool)>,
    /// What STS said of the clock, and when.
    skew: (Millis, Moment),
    failures: u64,
    waiting: Vec<(Purpose, Arc<Fetch>)>,
    event: (u64, Millis),
    /// The serial and key that were served last, and whether they were degraded.
    shown: (u64, String, bool),
}

impl History {
    fn new(settings: Settings, kind: usize, dice: &mut Dice) -> Self {
        let fake = Arc::new(FakeRuntime {
            passed: AtomicI64::new(0),
            wall: AtomicI64::new(START),
            process: AtomicU32::new(1),
            picks: AtomicU64::new(dice.next()),
            picked: AtomicI64::new(0),
            started: Mutex::default(),
            is_full: AtomicBool::new(false),
            refused: Mutex::default(),
        });
        let runtime: Arc<dyn Runtime> = fake.clone();
        Self {
            session: Session::with_runtime(settings, &NoFork, runtime),
            runtime: fake,
            needs_mfa: kind == 2,
            has_callable: kind == 3,
            owners: 0,
            late: None,
            steps: dice.one_in(2),
            keys: 0,
            in_flight: None,
            held: None,
            invalidated: false,
            degraded: false,
            back_off: None,
            unreached: 0,
            final_at: None,
            pending_error: None,
            forced: None,
            skew: (0, Moment { wall: 0, boot: 0 }),
            failures: 0,
            waiting: Vec::new(),
            event: (0, Millis::MIN),
            shown: (0, String::new(), false),
        }
    }

    fn step(&mut self, dice: &mut Dice, seen: &mut Seen) {
        self.runtime.is_full.store(dice.one_in(20), Relaxed);
        match dice.below(25) {
            0..=3 => self.read(dice, seen),
            4 => self.identity(dice, seen),
            5 => self.force(dice, seen),
            6 => self.prefetch(dice, seen),
            7 => self.invalidate(dice, seen),
            8..=10 => self.proceed(dice, seen),
            11 => self.settle(seen),
            12 => self.look(seen),
            13 if dice.one_in(3) => self.fork(seen),
            14..=20 => self.question(dice, seen),
            21 if self.steps && dice.one_in(2) => {
                let by = dice.any(&[-86_400 * S, -600 * S, -5 * S, 5 * S, 600 * S, 86_400 * S]);
                self.runtime.wall.fetch_add(by, Relaxed);
                seen.note("the clock was set");
            }
            23 => self.advisory_and_late(dice, seen),
            24 if dice.one_in(4) => self.end_back_off(seen),
            // A prefetch in the advisory window: held credentials can be served during the MFA
            // prompt.
            22 if self.needs_mfa && dice.one_in(2) => {
                if let Some((left, advisory, _)) = self.windows() {
                    let by = (left - advisory / 2).max(0);
                    self.runtime.passed.fetch_add(by, Relaxed);
                    self.prefetch(dice, seen);
                    self.proceed(dice, seen);
                    self.question(dice, seen);
                }
            }
            _ => {
                let most = dice.any(&[100, 900, 3 * S, 60 * S, 300 * S, 900 * S, 3600 * S]);
                self.runtime
                    .passed
                    .fetch_add(dice.between(0, most), Relaxed);
            }
        }
    }

    /// A read in the advisory window, and the next one long after.
    fn advisory_and_late(&mut self, dice: &mut Dice, seen: &mut Seen) {
        if let Some((left, advisory, mandatory)) = self.windows() {
            let by = left - dice.between(mandatory, advisory);
            self.runtime.passed.fetch_add(by.max(0), Relaxed);
        }
        self.read(dice, seen);
        self.proceed(dice, seen);
        let late = dice.any(&[4 * S, 6 * S, 3600 * S, 50_000 * S]);
        self.runtime.passed.fetch_add(late, Relaxed);
        self.read(dice, seen);
    }

    fn end_back_off(&mut self, seen: &mut Seen) {
        self.apply();
        self.session.end_back_off();
        self.back_off = None;
        self.final_at = None;
        seen.note("a back-off was ended");
    }

    fn end(mut self) {
        self.apply();
        self.session.attempts();
    }
}

/// An identity whose source says until when it is valid.
fn identity(until: Option<Millis>) -> Identity {
    let principal = Principal::parse("arn:aws:iam::123456789012:user/u", None, "AIDA").unwrap();
    Identity {
        canonical_name: "u".into(),
        region: "us-east-1".into(),
        source: until.unwrap_or(Millis::MAX).to_string(),
        milliseconds: 1,
        principal,
    }
}

/// A failure that no retry cures.
fn access_denied() -> Failure {
    Failure {
        code: Some("AccessDenied".into()),
        ..Failure::new(Kind::AccessDenied, "no", "")
    }
}
