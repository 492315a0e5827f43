//! A session under 100,000 random histories of reads, completed fetches, failures, refusals, forks
//! and steps of the clock.
//!
//! Each history runs on the session and on a model of it here, and every answer of the session is
//! checked against the model. Time and fetches are simulated, so years pass in a second.
//!
//! `SESSION_SEED` repeats a run, `SESSION_HISTORIES` lengthens it.

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

    /// The two clocks, the wall clock with the session's correction.
    fn now(&self) -> Moment {
        self.corrected(self.runtime.now())
    }

    fn corrected(&self, at: Moment) -> Moment {
        let (offset, learned) = self.skew;
        let (wall, boot) = (at.wall - learned.wall, at.boot - learned.boot);
        let was_set = (wall - boot).abs() > 2 * S + boot.abs() / 1_000;
        Moment {
            wall: if was_set { at.wall } else { at.wall + offset },
            ..at
        }
    }

    fn passed(&self) -> Millis {
        self.runtime.passed.load(Relaxed)
    }

    fn starts(&self) -> usize {
        self.runtime.started.lock().unwrap().len()
    }

    /// Applies a completed fetch to the model, as each method of the session does first.
    fn apply(&mut self) {
        let Some(in_flight) = &self.in_flight else {
            return;
        };
        self.session.attempts(); // applies it to the session at the same time
        let is_over = in_flight.task.outcome().is_some() || !in_flight.task.may_complete();
        if is_over && let Some(in_flight) = self.in_flight.take() {
            match in_flight.task.outcome() {
                Some(Ok(fetched)) => self.apply_success(fetched, &in_flight),
                Some(Err(_)) if in_flight.task.is_withdrawn() => {}
                Some(Err(failure)) => {
                    self.apply_failure(Cause::of(failure, is_final(failure)), &in_flight);
                }
                None if in_flight.task.is_ours() => {
                    self.apply_failure(Cause::Unreached, &in_flight);
                }
                None => {} // the parent process runs it
            }
        }
    }

    /// When the fetch completed. An overdue fetch completes at the next call of a method.
    fn completed(&self, in_flight: &ModelFetch) -> Moment {
        in_flight.completed.unwrap_or_else(|| self.runtime.now())
    }

    fn apply_success(&mut self, fetched: &FetchResult, in_flight: &ModelFetch) {
        let completed = self.completed(in_flight);
        if let Some(offset) = fetched.clock_offset {
            self.skew = (offset, completed);
        }
        self.final_at = None;
        if let Some(Err(failure)) = &fetched.identity
            && is_final(failure)
        {
            self.final_at = Some(completed.boot);
        }
        if !in_flight.fetches {
            return;
        }
        let credentials = &fetched.credentials;
        let (began, mut at) = (self.corrected(in_flight.began), self.corrected(completed));
        if credentials.is_expired_at(at.wall) && !credentials.is_expired_at(began.wall) {
            at = began; // they have expired since, so their source did its part
        }
        let degraded_by_source = credentials.degraded.is_some();
        let has_expired = credentials.is_expired_at(at.wall);
        let end = |expires_at: Option<Millis>| expires_at.unwrap_or(Millis::MAX);
        let is_outlived = degraded_by_source
            && !self.invalidated
            && self
                .visible_at(at)
                .is_some_and(|held| end(held.expires_at) > end(credentials.expires_at));
        if (has_expired && (self.needs_mfa || !degraded_by_source)) || is_outlived {
            // The session counts such credentials as a failed refresh.
            if in_flight.is_forced {
                self.forced = Some((completed.boot, true));
            }
            self.keep_serving(at, Cause::Answered);
            return;
        }
        let is_same = self
            .held
            .as_ref()
            .is_some_and(|held| held.key == credentials.access_key_id);
        self.invalidated &= is_same && in_flight.predates_refusal;
        self.pending_error = None;
        self.held = Some(ModelCredentials {
            key: credentials.access_key_id.clone(),
            expires_at: credentials.expires_at,
            life: credentials.expires_at.map(|end| Span {
                length: (end - at.wall).min(credentials.requested.unwrap_or(Millis::MAX)),
                began: at,
            }),
            degraded_by_source,
        });
        self.degraded = degraded_by_source;
        self.unreached = 0;
        self.back_off = degraded_by_source.then(|| Span {
            length: self.picked(300 * S, 600 * S),
            began: at,
        });
    }

    fn apply_failure(&mut self, cause: Cause, in_flight: &ModelFetch) {
        let at = self.completed(in_flight);
        self.failures += 1;
        if cause == Cause::Final {
            self.final_at = Some(at.boot);
        }
        if !in_flight.fetches {
            return;
        }
        if in_flight.is_forced {
            self.forced = Some((at.boot, true));
        }
        if cause == Cause::Final && !in_flight.awaited && in_flight.task.is_ours() {
            self.pending_error = Some((at.boot, self.runtime.process()));
        }
        self.keep_serving(self.corrected(at), cause);
    }

    /// Keeps serving what was held then, and begins a back-off.
    fn keep_serving(&mut self, at: Moment, cause: Cause) {
        let Some(held) = self.visible_at(at).filter(|_| cause != Cause::Final) else {
            return;
        };
        let left = held.life.map_or(Millis::MAX, |life| life.left(at));
        let (low, high) = match held.life {
            Some(life) if life.length < 1800 * S && !held.degraded_by_source => {
                ((life.length / 6).max(S), (life.length / 3).max(S))
            }
            _ => (300 * S, 600 * S),
        };
        let mut length = self.picked(low, high);
        let has_expired = left <= 0;
        if cause == Cause::Unreached {
            length = length.min(if has_expired {
                S << self.unreached.min(10)
            } else {
                left.max(S)
            });
        }
        self.unreached = if cause == Cause::Unreached && has_expired {
            self.unreached + 1
        } else {
            0
        };
        self.degraded = true;
        self.back_off = Some(Span { length, began: at });
    }

    /// Applies to the model that a fetch could not start.
    fn apply_refused(&mut self, seen: &mut Seen) -> bool {
        let refused: Vec<bool> = self.runtime.refused.lock().unwrap().drain(..).collect();
        assert!(refused.len() <= 1, "two starts for one call");
        if refused == [true] {
            self.keep_serving(self.now(), Cause::Unreached);
        }
        if !refused.is_empty() {
            seen.note("a fetch could not start");
        }
        !refused.is_empty()
    }

    /// Makes the session apply the fetch that the model applies now, so that it has picked.
    fn picked(&self, low: Millis, high: Millis) -> Millis {
        self.session.attempts();
        let picked = self.runtime.picked.load(Relaxed);
        assert!(
            (low..=high).contains(&picked),
            "a back-off of {picked} ms, not in {low}..={high}"
        );
        picked
    }

    /// The credentials that a read could be served with.
    fn visible(&self) -> Option<&ModelCredentials> {
        self.visible_at(self.now())
    }

    fn visible_at(&self, now: Moment) -> Option<&ModelCredentials> {
        self.held
            .as_ref()
            .filter(|held| !self.needs_mfa || !held.has_expired(now))
    }

    fn is_backing_off(&self) -> bool {
        let now = self.now();
        self.back_off.is_some_and(|span| span.left(now) > 0)
    }

    fn has_expired(&self) -> bool {
        let now = self.now();
        self.held.as_ref().is_some_and(|held| held.has_expired(now))
    }

    /// A caller may take what is held without a further fetch.
    fn is_servable(&self) -> bool {
        let is_good = !self.has_expired() && !self.invalidated;
        self.visible().is_some() && (is_good || self.is_backing_off())
    }

    fn has_pending_error(&self) -> bool {
        self.pending_error.is_some_and(|(at, process)| {
            self.passed() - at <= 5 * S && process == self.runtime.process()
        })
    }

    /// A caller that forces a fetch now gets the outcome of the last one.
    fn is_spaced(&self) -> bool {
        self.forced
            .is_some_and(|(at, failed)| self.passed() - at < S && (failed || self.is_servable()))
    }

    fn has_just_failed(&self) -> bool {
        self.final_at.is_some_and(|at| self.passed() - at < S)
    }

    /// The time left of the held credentials, and their two windows, from the published table.
    fn windows(&self) -> Option<(Millis, Millis, Millis)> {
        let span = self.held.as_ref()?.life?;
        let life = span.length.max(0);
        let (advisory, mandatory) = match life {
            0..=300_000 => (life / 2, life / 10),
            300_001..=1_200_000 => (300 * S, 60 * S),
            1_200_001..=5_399_999 => (900 * S, 60 * S),
            _ => (3600 * S, 60 * S),
        };
        let asked = self.session.settings().advisory_window();
        let most = if life <= 300 * S {
            advisory
        } else {
            advisory.max(life - 60 * S)
        };
        let advisory = asked.unwrap_or(advisory).min(most).max(mandatory);
        Some((span.left(self.now()), advisory, mandatory))
    }

    /// Checks the fetch that has started since there were `before` of them, if one has.
    /// `is_asked_for`: a caller wants it in the advisory window too, even with an MFA prompt.
    fn check_start(&mut self, before: usize, awaited: bool, is_asked_for: bool, seen: &mut Seen) {
        self.check_begun(before, awaited, is_asked_for, false, seen);
    }

    fn check_begun(
        &mut self,
        before: usize,
        awaited: bool,
        is_asked_for: bool,
        despite_back_off: bool,
        seen: &mut Seen,
    ) {
        let started = self.runtime.started.lock().unwrap();
        assert!(started.len() <= before + 1, "two fetches for one call");
        let Some((task, request)) = started.get(before) else {
            drop(started);
            if let Some(in_flight) = &mut self.in_flight {
                in_flight.awaited |= awaited;
            }
            return;
        };
        let in_flight = ModelFetch {
            task: Arc::clone(task),
            fetches: request.held.is_none(),
            awaited,
            is_forced: false,
            has_helper: request.has_helper,
            predates_refusal: false,
            inbox: None,
            owner: None,
            is_answered: request.answers.token_code.is_some()
                || request.answers.web_identity_token.is_some(),
            began: self.runtime.now(),
            completed: None,
        };
        if let Some(held) = &request.held {
            assert_eq!(
                held.access_key_id,
                self.visible().unwrap().key,
                "asked with other credentials"
            );
            assert!(
                !self.has_expired() || self.is_backing_off(),
                "asked with expired credentials"
            );
        }
        assert_eq!(task.is_for_identity(), request.held.is_some());
        let refused = self.held.as_ref().filter(|_| self.invalidated);
        assert_eq!(
            request.refused_key.as_ref(),
            refused.map(|held| &held.key),
            "no fetch may read a refused key from disk"
        );
        drop(started);
        if in_flight.fetches {
            assert!(
                !self.has_just_failed(),
                "asked again within a second of a final failure"
            );
            if self.visible().is_some() {
                assert!(
                    !self.is_backing_off() || despite_back_off,
                    "asked during a back-off"
                );
                let due = self.windows().is_some_and(|(left, advisory, mandatory)| {
                    left <= if self.needs_mfa && !is_asked_for {
                        mandatory
                    } else {
                        advisory
                    }
                });
                assert!(due || self.invalidated, "asked though nothing was due");
            }
        }
        seen.note(if in_flight.fetches {
            "fetched"
        } else {
            "asked for the identity alone"
        });
        self.in_flight = Some(in_flight);
    }

    /// Checks the credentials that were served.
    fn check_served(&mut self, serial: u64, seen: &mut Seen) {
        let held = self.session.held().expect("nothing is held");
        assert_eq!(held.serial, serial);
        let model = self
            .visible()
            .expect("the session holds what the model does not");
        assert_eq!(held.credentials.access_key_id, model.key);
        assert_eq!(
            held.credentials.expires_at, model.expires_at,
            "another expiration than that of the source"
        );
        assert!(self.is_servable(), "served though a fetch was due");
        if self.has_expired() {
            assert!(
                held.degraded.is_some() && self.is_backing_off(),
                "expired credentials were served, and no back-off runs"
            );
            assert!(
                !self.needs_mfa,
                "expired credentials were served that need an MFA prompt"
            );
            seen.note("expired credentials were served as degraded");
        }
        assert_eq!(held.degraded.is_some(), self.degraded, "degraded or not");
        let shown = (serial, model.key.clone(), self.degraded);
        assert!(serial >= self.shown.0, "the serials count down");
        assert!(
            serial > self.shown.0 || shown == self.shown,
            "one serial, two states"
        );
        self.shown = shown;
        seen.note("served");
    }

    fn read(&mut self, dice: &mut Dice, seen: &mut Seen) {
        self.apply();
        let before = self.starts();
        let has_pending_error = self.has_pending_error();
        if self.pending_error.is_some() && !has_pending_error {
            seen.note("a failure in the background was too old to raise");
        }
        let step = self.begin(Purpose::Credentials, dice, seen);
        self.pending_error = None;
        let is_refused = self.apply_refused(seen);
        let is_due = |(left, _, mandatory): (Millis, Millis, Millis)| left <= mandatory;
        match step {
            Err(_) if has_pending_error => seen.note("a failure in the background was raised"),
            Ok(_) if has_pending_error => panic!("a failure in the background was not raised"),
            Err(failure) if is_refused => {
                assert!(self.visible().is_none(), "{failure}");
            }
            Err(failure) => {
                assert!(is_final(&failure) && self.has_just_failed(), "{failure}");
                seen.note("a final failure was raised again");
            }
            Ok(Step::Ready(serial)) => {
                self.check_start(before, false, false, seen);
                self.check_served(serial, seen);
            }
            Ok(Step::Wait(task)) => {
                self.check_start(before, true, false, seen);
                let must_wait = self.visible().is_none()
                    || self.invalidated
                    || self.windows().is_some_and(is_due);
                assert!(
                    must_wait,
                    "a reader waits although good credentials are held"
                );
                assert!(
                    self.visible().is_none() || !self.is_backing_off(),
                    "waits in a back-off"
                );
                self.waiting.push((Purpose::Credentials, task));
                seen.note("waited");
            }
            Ok(Step::Helper { waits }) => {
                assert!(waits || self.visible().is_some());
            }
        }
    }

    fn identity(&mut self, dice: &mut Dice, seen: &mut Seen) {
        self.apply();
        let before = self.starts();
        let step = self.begin(Purpose::Identity, dice, seen);
        let is_refused = self.apply_refused(seen);
        match step {
            Ok(Step::Ready(_)) => {
                let (_, known) = self.session.known().expect("no identity is known");
                let until: Millis = known.source.parse().unwrap();
                assert!(
                    self.now().wall < until,
                    "an identity outlives its credentials"
                );
                assert_eq!(before, self.starts());
                seen.note("the identity was known");
            }
            Ok(Step::Wait(task)) => {
                self.check_start(before, true, false, seen);
                self.waiting.push((Purpose::Identity, task));
            }
            Ok(Step::Helper { waits }) => assert!(waits),
            Err(_) if is_refused => {}
            Err(failure) => assert!(is_final(&failure) && self.has_just_failed(), "{failure}"),
        }
    }

    fn force(&mut self, dice: &mut Dice, seen: &mut Seen) {
        self.apply();
        let (before, was_in_flight) = (self.starts(), self.in_flight.is_some());
        let (spaced, has_expired) = (self.is_spaced(), self.has_expired());
        let step = self.begin(Purpose::Refresh, dice, seen);
        if matches!(step, Ok(Step::Helper { .. })) {
            return; // and nothing was refused
        }
        if !was_in_flight && !spaced {
            self.invalidated |= self.visible().is_some();
        }
        let is_refused = self.apply_refused(seen);
        if is_refused {
            assert!(step.is_err(), "the caller was told nothing");
        } else if !was_in_flight && !spaced && has_expired && !self.has_just_failed() {
            assert!(
                self.starts() > before,
                "expired credentials were not refreshed"
            );
            seen.note("forced though expired");
        }
        if self.starts() > before {
            assert!(!spaced, "two forced fetches within a second");
            self.forced = Some((self.passed(), false));
            seen.note("forced");
        }
        self.check_begun(before, true, self.needs_mfa, has_expired, seen);
        if let Some(in_flight) = self.in_flight.as_mut().filter(|_| !was_in_flight) {
            in_flight.is_forced = true;
        }
        if let Ok(Step::Wait(task)) = step {
            self.waiting.push((Purpose::Refresh, task));
        }
    }

    fn prefetch(&mut self, dice: &mut Dice, seen: &mut Seen) {
        self.apply();
        let (before, was_in_flight) = (self.starts(), self.in_flight.is_some());
        let step = self.begin(Purpose::Prefetch, dice, seen);
        let is_refused = self.apply_refused(seen);
        match step {
            Ok(Step::Ready(started)) => {
                assert_eq!(started, (self.starts() - before) as u64);
                assert!(!was_in_flight || started == 0);
                self.check_start(before, false, true, seen);
            }
            Ok(Step::Helper { waits }) => assert!(!waits),
            Ok(Step::Wait(_)) => panic!("a prefetch waits"),
            Err(failure) => assert!(is_refused && self.visible().is_none(), "{failure}"),
        }
    }

    /// Begins as the binding does: a helper thread starts before the fetch, or the fetch does not
    /// start.
    fn begin(
        &mut self,
        purpose: Purpose,
        dice: &mut Dice,
        seen: &mut Seen,
    ) -> Result<Step, Failure> {
        let before = self.starts();
        let step = self.session.begin(purpose, None);
        if !matches!(step, Ok(Step::Helper { .. })) {
            return step;
        }
        assert!(self.has_callable && self.in_flight.is_none());
        assert_eq!(self.starts(), before, "begun without a helper");
        if dice.one_in(4) {
            seen.note("a helper could not start");
            return step;
        }
        let step = self.session.begin(purpose, Some(true));
        assert!(!matches!(step, Ok(Step::Helper { .. })));
        step
    }

    /// Takes, answers, gives back or expires the question of the fetch in flight, if it has one.
    fn question(&mut self, dice: &mut Dice, seen: &mut Seen) {
        if dice.one_in(2) {
            self.late(seen);
        }
        self.apply();
        let Some(in_flight) = &mut self.in_flight else {
            return;
        };
        if in_flight.inbox.is_none() || !in_flight.task.is_ours() {
            return;
        }
        let task = Arc::clone(&in_flight.task);
        let (owner, has_helper) = (in_flight.owner, in_flight.has_helper);
        match (dice.below(15), owner) {
            (0..=4, _) => self.respond(&task, dice, seen),
            (5, Some(owner)) => {
                task.give_back(owner);
                task.give_back(owner);
                in_flight.owner = None;
                seen.note("a question was given back");
            }
            (6, Some(owner)) => {
                let failure = Failure::no_credentials("no answer was given", "");
                let late = self
                    .session
                    .answer(Purpose::Credentials, &task, owner, Err(failure));
                assert!(late.is_none());
                let answer = self.received();
                self.complete(Err(answer.unwrap_err()));
                seen.note("the application gave no answer");
            }
            (7..=12, Some(owner)) => {
                let answer = self.given();
                let late = self
                    .session
                    .answer(Purpose::Credentials, &task, owner, Ok(answer));
                assert!(late.is_none());
                assert!(self.received().is_ok());
                seen.note("the application answered");
            }
            (13 | 14, _) => {
                let failure = task.slot().expire_by_hand();
                assert_eq!(task.is_withdrawn(), owner.is_none() && !has_helper);
                if let Some(owner) = owner {
                    self.late = Some((Arc::clone(&task), owner));
                }
                seen.note(if task.is_withdrawn() {
                    "no waiter took a question"
                } else {
                    "an answer took too long"
                });
                self.complete(Err(failure));
            }
            _ => {}
        }
    }

    /// A waiter of `task` sees its question.
    fn respond(&mut self, task: &Arc<Fetch>, dice: &mut Dice, seen: &mut Seen) {
        self.owners += 1;
        let me = self.owners;
        let (purpose, takes) = match dice.below(3) {
            0 => (Purpose::Credentials, Takes::default()), // in the background
            1 if self.needs_mfa => {
                let takes = Takes {
                    token_code: true,
                    ..Takes::default()
                };
                (Purpose::Credentials, takes)
            }
            1 => {
                let takes = Takes {
                    web_identity_token: true,
                    ..Takes::default()
                };
                (Purpose::Help, takes)
            }
            _ => (Purpose::Identity, Takes::default()),
        };
        let may_take = takes != Takes::default();
        let is_taken = self.in_flight.as_ref().unwrap().owner.is_some();
        match self.session.respond(purpose, task, me, takes) {
            Response::Ask(asked, limit) => {
                assert!(!is_taken && may_take && asked.is_taken && limit > Duration::ZERO);
                self.in_flight.as_mut().unwrap().owner = Some(me);
                seen.note("a waiter took a question");
            }
            Response::Serve(serial) => {
                assert!(!self.invalidated && purpose == Purpose::Credentials);
                self.check_served(serial, seen);
                seen.note("served during an MFA prompt");
            }
            Response::Refuse(failure) => {
                assert!(self.needs_mfa && !is_taken && !may_take, "{failure}");
                seen.note("a waiter may not ask");
            }
            Response::Wait(_) => {
                assert!(
                    !may_take || is_taken,
                    "the waiter did not take the question"
                );
                seen.note("waits for an answer");
            }
        }
    }

    /// The waiter of a completed task answers its question late.
    fn late(&mut self, seen: &mut Seen) {
        let Some((task, owner)) = self.late.take() else {
            return;
        };
        self.apply();
        let (before, has_question) = (
            self.starts(),
            self.in_flight
                .as_ref()
                .is_some_and(|in_flight| in_flight.inbox.is_some() && in_flight.owner.is_none()),
        );
        let is_wanted = self.session.needs_refresh() && !self.has_just_failed();
        self.runtime.is_full.store(false, Relaxed);
        let answer = self.given();
        let next = self
            .session
            .answer(Purpose::Credentials, &task, owner, Ok(answer));
        if self
            .in_flight
            .as_ref()
            .is_some_and(|in_flight| !in_flight.task.is_ours())
        {
            return;
        }
        if self.in_flight.is_some() {
            assert!(next.is_some(), "a late answer joins what is in flight");
            if has_question {
                assert!(self.received().is_ok());
                seen.note("a late answer was to an open question");
            }
        }
        if self.in_flight.is_none() {
            assert_eq!(next.is_some(), is_wanted, "a late answer starts the next");
        }
        if self.starts() > before {
            seen.note("a late answer started the next");
        }
        self.check_begun(before, true, true, true, seen); // a late answer is used at once
        self.waiting
            .extend(next.map(|task| (Purpose::Credentials, task)));
    }

    /// A waiter takes the question and answers it.
    fn ask_and_answer(&mut self, seen: &mut Seen) {
        let task = Arc::clone(&self.in_flight.as_ref().unwrap().task);
        let takes = Takes {
            token_code: self.needs_mfa,
            web_identity_token: self.has_callable,
            ..Takes::default()
        };
        self.owners += 1;
        let me = self.owners;
        let response = self.session.respond(Purpose::Help, &task, me, takes);
        assert!(matches!(response, Response::Ask(..)), "{response:?}");
        let answer = self.given();
        let late = self
            .session
            .answer(Purpose::Credentials, &task, me, Ok(answer));
        assert!(late.is_none() && self.received().is_ok());
        seen.note("the application answered at once");
    }

    fn given(&self) -> Answer {
        if self.needs_mfa {
            Answer::TokenCode(Secret::new("123456"))
        } else {
            Answer::WebIdentityToken(Secret::new("eyJ-token"))
        }
    }

    /// What the job of the fetch in flight gets for its question.
    fn received(&mut self) -> Result<Answer, Failure> {
        let in_flight = self.in_flight.as_mut().unwrap();
        let answer = in_flight.inbox.take().unwrap().answer();
        in_flight.owner = None;
        in_flight.is_answered = true;
        answer.expect("no answer has arrived")
    }

    fn complete(&mut self, outcome: Result<FetchResult, Failure>) {
        let at = self.runtime.now();
        let in_flight = self.in_flight.as_mut().unwrap();
        let completion = Completion {
            began: in_flight.began,
            at,
            took: Duration::ZERO,
        };
        in_flight.completed = Some(at);
        in_flight.inbox = None;
        in_flight.task.complete_by_hand(outcome, completion);
    }

    fn invalidate(&mut self, dice: &mut Dice, seen: &mut Seen) {
        self.apply();
        let held = self.held.as_ref().map(|held| held.key.clone());
        let key = held
            .clone()
            .filter(|_| dice.one_in(2))
            .unwrap_or_else(|| "AKIAOTHER".into());
        let is_held = self.session.invalidate(&key);
        assert_eq!(is_held, held.as_deref() == Some(&*key));
        if is_held {
            self.invalidated = true;
            if let Some(in_flight) = &mut self.in_flight {
                in_flight.predates_refusal = true;
                if !in_flight.fetches {
                    seen.note("refused while the identity was asked for");
                }
            }
            assert!(self.session.needs_refresh() && self.session.known().is_none());
            seen.note("the held credentials were refused");
        } else {
            seen.note("other credentials were refused");
        }
    }

    /// The fetch in flight, if any, asks its question, completes or is abandoned.
    fn proceed(&mut self, dice: &mut Dice, seen: &mut Seen) {
        let Some(in_flight) = self
            .in_flight
            .as_ref()
            .filter(|in_flight| in_flight.task.is_ours())
        else {
            return;
        };
        if in_flight.task.outcome().is_some() || in_flight.inbox.is_some() {
            return;
        }
        if in_flight.fetches && (self.needs_mfa || self.has_callable) && !in_flight.is_answered {
            let limits = Limits {
                reader: Duration::from_mins(2),
                helper: in_flight.has_helper.then_some(Duration::from_mins(1)),
            };
            let question = if self.needs_mfa {
                Question::TokenCode("GAHT12345678".into())
            } else {
                Question::WebIdentityToken
            };
            let inbox = in_flight.task.slot().ask_by_hand(question, limits);
            self.in_flight.as_mut().unwrap().inbox = Some(inbox);
            seen.note("a question was asked");
            if dice.one_in(2) {
                self.ask_and_answer(seen);
            }
            return;
        }
        let request = self
            .runtime
            .started
            .lock()
            .unwrap()
            .last()
            .unwrap()
            .1
            .clone();
        let outcome = match dice.below(10) {
            0 => {
                seen.note("a fetch was abandoned");
                in_flight.task.abandon();
                return;
            }
            1 | 2 => {
                seen.note("an outage");
                Err(if dice.one_in(2) {
                    Failure::new(Kind::Connection, "no answer", "")
                } else {
                    Failure::new(Kind::Service, "503", "")
                })
            }
            3 => {
                seen.note("a final failure");
                Err(access_denied())
            }
            _ => {
                self.keys += 1;
                Ok(self.fetched(&request, dice, seen))
            }
        };
        self.complete(outcome);
    }

    fn fetched(&self, request: &FetchRequest, dice: &mut Dice, seen: &mut Seen) -> FetchResult {
        let now = self.now().wall;
        let credentials = request.held.clone().unwrap_or_else(|| {
            let mut credentials = Credentials::new(format!("ASIA{}", self.keys), "s", None, "test");
            if let Some(held) = self.held.as_ref().filter(|_| dice.one_in(8)) {
                credentials.access_key_id.clone_from(&held.key);
                seen.note("the same key again");
            }
            credentials.requested = dice.one_in(4).then(|| dice.any(&[900 * S, 3600 * S]));
            let lives = [2, 30, 120, 300, 302, 900, 1200, 1201, 3600, 5400, 43_200];
            credentials.expires_at = match dice.below(23) {
                0 => None,
                1 => Some(now - dice.between(0, 600 * S)),
                _ => Some(now + dice.any(&lives) * S),
            };
            if dice.one_in(12) {
                credentials.expires_at = Some(now - dice.between(0, 600 * S));
                credentials.degraded = Some("the source has no newer ones".into());
                seen.note("expired credentials of a degraded source");
            }
            Arc::new(credentials)
        });
        let identity = request.identity.then(|| match dice.below(6) {
            0 => Err(access_denied()),
            1 => Err(Failure::new(Kind::Connection, "no answer", "")),
            _ => Ok(identity(credentials.expires_at)),
        });
        FetchResult {
            is_new: request.held.is_none(),
            needs_mfa: self.needs_mfa,
            scoped_from: None,
            identity,
            use_fips: false,
            region: "us-east-1".into(),
            attempts: Vec::new(),
            warnings: Vec::new(),
            disk_entry: None,
            clock_offset: self.steps.then(|| dice.between(-3600 * S, 3600 * S)),
            credentials,
        }
    }

    /// All waiters of completed tasks get the outcome.
    fn settle(&mut self, seen: &mut Seen) {
        self.apply();
        self.session.attempts();
        for (purpose, task) in std::mem::take(&mut self.waiting) {
            if task.outcome().is_none() && task.may_complete() {
                self.waiting.push((purpose, task));
                continue;
            }
            match self.session.finish(purpose, &task, &mut Rounds::default()) {
                Some(Ok(_)) if purpose == Purpose::Identity => {
                    assert!(self.session.known().is_some());
                    seen.note("a waiter got the identity");
                }
                Some(Ok(serial)) => {
                    assert!(
                        !task.is_for_identity(),
                        "a waiter got what was to be replaced"
                    );
                    self.check_served(serial, seen);
                }
                Some(Err(_)) => seen.note("a waiter got a failure"),
                None => {
                    let is_of_no_use = !task.is_ours()
                        || task.is_withdrawn()
                        || purpose == Purpose::Identity
                        || task.is_for_identity()
                        || !self.is_servable();
                    assert!(is_of_no_use, "{purpose:?} had to begin again");
                    assert!(
                        purpose != Purpose::Identity
                            || !task.is_for_identity()
                            || !matches!(task.outcome(), Some(Err(_))),
                        "the request for the identity is repeated"
                    );
                    seen.note("a waiter had to begin again");
                }
            }
        }
    }

    /// Methods that only read change nothing.
    fn look(&mut self, seen: &mut Seen) {
        self.apply();
        let before = self.starts();
        let events = self.session.events(self.event.0);
        for (at, event) in events.iter().enumerate() {
            assert!(event.number > self.event.0 + at as u64);
            assert!(self.steps || event.at >= self.event.1, "{events:?}");
            self.event.1 = event.at;
        }
        self.event.0 = events.last().map_or(self.event.0, |event| event.number);
        let tally = self.session.tally();
        assert_eq!(
            (tally.fetches, tally.failures),
            (before as u64, self.failures)
        );
        let _ = (
            self.session.due_in(),
            self.session.attempts(),
            self.session.warnings(),
        );
        assert_eq!(self.session.in_flight().is_some(), self.in_flight.is_some());
        assert_eq!(before, self.starts());
        seen.note("looked");
    }

    /// The history goes on in a forked child: the parent process runs the fetch in flight.
    fn fork(&mut self, seen: &mut Seen) {
        self.runtime.process.fetch_add(1, Relaxed);
        let Some(in_flight) = &mut self.in_flight else {
            return;
        };
        let foreign = FetchTask::without_worker(PARENT, !in_flight.fetches);
        match in_flight.task.completed() {
            Some((Err(failure), completion)) if !in_flight.task.is_withdrawn() => {
                foreign.complete_by_hand(Err(failure.clone()), *completion);
                seen.note("forked with a failure that no read has raised");
            }
            Some(_) => return,
            None => {}
        }
        let mut state = self.session.state.lock().unwrap();
        state.task.as_mut().unwrap().task = Arc::clone(&foreign);
        drop(state);
        self.late = None;
        let _ = (in_flight.inbox.take(), in_flight.owner.take());
        self.waiting
            .retain(|(_, task)| !Arc::ptr_eq(task, &in_flight.task));
        self.runtime.started.lock().unwrap().last_mut().unwrap().0 = Arc::clone(&foreign);
        in_flight.task = foreign;
        seen.note("forked in flight");
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
