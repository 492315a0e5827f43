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
    refresh::{Range, is_final},
    task::{
        fetch_task::FetchTask,
        fork_gate::NoFork,
        question::{Answer, Limits, Question, Takes},
        slot::by_hand::Inbox,
    },
};
use serde_json::json;
use std::{
    env, process,
    sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed},
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

const S: Millis = 1_000;
const START: Millis = 1_800_000_000_000;
const STEPS: u32 = 40;
const THREADS: u64 = 2;
/// How many cases `Seen` counts.
const CASES: usize = 34;
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
    began: Instant,
    /// The monotonic clock, from 0.
    passed: AtomicI64,
    /// How far the wall clock is ahead of it.
    wall: AtomicI64,
    picks: AtomicU64,
    /// The last length of a back-off.
    picked: AtomicI64,
    started: Mutex<Vec<(Arc<Fetch>, FetchRequest)>>,
}

impl Runtime for FakeRuntime {
    fn now(&self) -> Millis {
        self.wall.load(Relaxed) + self.passed.load(Relaxed)
    }
    fn instant(&self) -> Instant {
        self.began + Duration::from_millis(self.passed.load(Relaxed).unsigned_abs())
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
        let mut started = self.started.lock().unwrap();
        let is_sole = started
            .last()
            .is_none_or(|(last, _)| last.outcome().is_some() || !last.may_complete());
        assert!(is_sole, "two fetches in flight");
        let task = FetchTask::without_worker(process::id());
        started.push((Arc::clone(&task), request));
        Ok(task)
    }
}

/// Credentials of the model.
struct ModelCredentials {
    key: String,
    expires_at: Option<Millis>,
    life: Millis,
    degraded_by_source: bool,
}

/// The fetch in flight of the model.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
struct ModelFetch {
    task: Arc<Fetch>,
    fetches: bool,
    awaited: bool,
    is_forced: bool,
    has_helper: bool,
    /// The inbox of its question, while that is open.
    inbox: Option<Inbox>,
    /// The waiter that has taken the question.
    owner: Option<u64>,
    is_answered: bool,
    /// When it completed, by the wall clock and by the monotonic clock.
    completed: Option<(Millis, Millis)>,
}

#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
struct History {
    session: Session,
    runtime: Arc<FakeRuntime>,
    needs_mfa: bool,
    /// A callable gives the web identity token.
    has_callable: bool,
    /// The clock steps, so only what is independent of the time is checked.
    steps: bool,
    owners: u64,
    /// A waiter that has taken a question of a task that has completed since.
    late: Option<(Arc<Fetch>, u64)>,
    keys: u64,
    // The model.
    in_flight: Option<ModelFetch>,
    held: Option<ModelCredentials>,
    invalidated: bool,
    /// No fetch has started since the held credentials were refused.
    refusal_is_new: bool,
    degraded: bool,
    back_off_until: Millis,
    final_at: Option<Millis>,
    pending_error: bool,
    forced_at: Option<Millis>,
    offset: Millis,
    failures: u64,
    waiting: Vec<Arc<Fetch>>,
    event: u64,
    /// The serial and key that were served last, and whether they were degraded.
    shown: (u64, String, bool),
}

impl History {
    fn new(settings: Settings, kind: usize, dice: &mut Dice) -> Self {
        let fake = Arc::new(FakeRuntime {
            began: Instant::now(),
            passed: AtomicI64::new(0),
            wall: AtomicI64::new(START),
            picks: AtomicU64::new(dice.next()),
            picked: AtomicI64::new(0),
            started: Mutex::default(),
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
            refusal_is_new: false,
            degraded: false,
            back_off_until: 0,
            final_at: None,
            pending_error: false,
            forced_at: None,
            offset: 0,
            failures: 0,
            waiting: Vec::new(),
            event: 0,
            shown: (0, String::new(), false),
        }
    }

    fn step(&mut self, dice: &mut Dice, seen: &mut Seen) {
        match dice.below(23) {
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

    /// The wall clock with the session's correction.
    fn now(&self) -> Millis {
        self.runtime.now() + self.offset
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
                Some(Err(failure)) => self.apply_failure(is_final(failure), &in_flight),
                None if in_flight.task.is_ours() => self.apply_failure(false, &in_flight),
                None => {} // the parent process runs it
            }
        }
    }

    /// When the fetch completed, by the corrected wall clock and by the monotonic clock. An overdue
    /// fetch completes at the next call of a method.
    fn completed(&self, in_flight: &ModelFetch) -> (Millis, Millis) {
        let (wall, passed) = in_flight
            .completed
            .unwrap_or_else(|| (self.runtime.now(), self.passed()));
        (wall + self.offset, passed)
    }

    fn apply_success(&mut self, fetched: &FetchResult, in_flight: &ModelFetch) {
        self.offset = fetched.clock_offset.unwrap_or(self.offset);
        let (at, passed) = self.completed(in_flight);
        self.final_at = None;
        if let Some(Err(failure)) = &fetched.identity
            && is_final(failure)
        {
            self.final_at = Some(passed);
        }
        if !in_flight.fetches {
            return;
        }
        let credentials = &fetched.credentials;
        let degraded_by_source = credentials.degraded.is_some();
        let has_expired = credentials.is_expired_at(at);
        let end = |expires_at: Option<Millis>| expires_at.unwrap_or(Millis::MAX);
        let is_outlived = degraded_by_source
            && !self.invalidated
            && self
                .visible_at(at)
                .is_some_and(|held| end(held.expires_at) > end(credentials.expires_at));
        if (has_expired && (self.needs_mfa || !degraded_by_source)) || is_outlived {
            // The session counts such credentials as a failed refresh.
            if in_flight.is_forced && self.visible_at(at).is_none() {
                self.forced_at = Some(passed);
            }
            self.keep_serving((at, passed));
            return;
        }
        self.held = Some(ModelCredentials {
            key: credentials.access_key_id.clone(),
            expires_at: credentials.expires_at,
            life: end(credentials.expires_at).saturating_sub(at),
            degraded_by_source,
        });
        self.invalidated = false;
        self.refusal_is_new = false;
        self.degraded = degraded_by_source;
        self.back_off_until = if degraded_by_source {
            passed + self.picked(300 * S, 600 * S)
        } else {
            0
        };
    }

    fn apply_failure(&mut self, is_final: bool, in_flight: &ModelFetch) {
        let (at, passed) = self.completed(in_flight);
        self.failures += 1;
        if in_flight.is_forced {
            self.forced_at = Some(passed);
        }
        if is_final {
            self.final_at = Some(passed);
            self.pending_error |= !in_flight.awaited;
        } else {
            self.keep_serving((at, passed));
        }
    }

    /// Keeps serving what was held then, and begins a back-off.
    fn keep_serving(&mut self, (at, passed): (Millis, Millis)) {
        let Some(held) = self.visible_at(at) else {
            return;
        };
        let (low, high) =
            if held.life < 1800 * S && !held.degraded_by_source && held.expires_at.is_some() {
                ((held.life / 6).max(S), (held.life / 3).max(S))
            } else {
                (300 * S, 600 * S)
            };
        self.degraded = true;
        self.back_off_until = passed + self.picked(low, high);
    }

    /// Makes the session apply the fetch that the model applies now, so that it has picked.
    fn picked(&self, low: Millis, high: Millis) -> Millis {
        self.session.attempts();
        let picked = self.runtime.picked.load(Relaxed);
        if !self.steps {
            assert!(
                (low..=high).contains(&picked),
                "a back-off of {picked} ms, not in {low}..={high}"
            );
        }
        picked
    }

    /// The credentials that a read could be served with.
    fn visible(&self) -> Option<&ModelCredentials> {
        self.visible_at(self.now())
    }

    fn visible_at(&self, now: Millis) -> Option<&ModelCredentials> {
        self.held
            .as_ref()
            .filter(|held| !self.needs_mfa || held.expires_at.is_none_or(|at| at > now))
    }

    fn is_backing_off(&self) -> bool {
        self.passed() < self.back_off_until
    }

    fn has_just_failed(&self) -> bool {
        self.final_at.is_some_and(|at| self.passed() - at < S)
    }

    /// The time left of the held credentials, and their two windows, from the published table.
    fn windows(&self) -> Option<(Millis, Millis, Millis)> {
        let held = self.held.as_ref()?;
        let life = held.life.max(0);
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
        Some((held.expires_at? - self.now(), advisory, mandatory))
    }

    /// Checks the fetch that has started since there were `before` of them, if one has.
    /// `is_asked_for`: a caller wants it in the advisory window too, even with an MFA prompt.
    fn check_start(&mut self, before: usize, awaited: bool, is_asked_for: bool, seen: &mut Seen) {
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
            inbox: None,
            owner: None,
            is_answered: request.answers.token_code.is_some()
                || request.answers.web_identity_token.is_some(),
            completed: None,
        };
        if let Some(held) = &request.held {
            assert_eq!(
                held.access_key_id,
                self.visible().unwrap().key,
                "asked with other credentials"
            );
            assert!(
                !held.is_expired_at(self.now()) || self.degraded,
                "asked with expired credentials"
            );
        }
        let refused = self
            .visible()
            .filter(|_| in_flight.fetches && self.refusal_is_new);
        assert_eq!(
            request.refused_key.as_ref(),
            refused.map(|held| &held.key),
            "the first fetch after a refusal, and no other, gets the refused key"
        );
        let refusal_is_new = self.refusal_is_new && !in_flight.fetches;
        drop(started);
        self.refusal_is_new = refusal_is_new;
        if in_flight.fetches && !self.steps {
            assert!(
                !self.has_just_failed(),
                "asked again within a second of a final failure"
            );
            if self.visible().is_some() {
                assert!(!self.is_backing_off(), "asked during a back-off");
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
        if held.credentials.is_expired_at(self.now()) {
            assert!(
                held.degraded.is_some(),
                "expired credentials were served as good ones"
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
        let step = self.begin(Purpose::Credentials, dice, seen);
        let due = !self.steps
            && self
                .windows()
                .is_some_and(|(left, _, mandatory)| left > mandatory);
        match step {
            Err(_) if self.pending_error => {
                self.pending_error = false;
                seen.note("a failure in the background was raised");
            }
            Err(failure) => {
                assert!(is_final(&failure) && self.has_just_failed(), "{failure}");
                seen.note("a final failure was raised again");
            }
            Ok(_) if self.pending_error => {
                panic!("a failure in the background was not raised")
            }
            Ok(Step::Ready(serial)) => {
                self.check_start(before, false, false, seen);
                self.check_served(serial, seen);
            }
            Ok(Step::Wait(task)) => {
                self.check_start(before, true, false, seen);
                let must_wait = self.visible().is_none() || self.invalidated || !due;
                assert!(
                    must_wait,
                    "a reader waits although good credentials are held"
                );
                assert!(
                    self.visible().is_none() || !self.is_backing_off() || self.steps,
                    "waits in a back-off"
                );
                self.waiting.push(task);
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
        match self.begin(Purpose::Identity, dice, seen) {
            Ok(Step::Ready(_)) => {
                let (_, known) = self.session.known().expect("no identity is known");
                let until: Millis = known.source.parse().unwrap();
                assert!(self.now() < until, "an identity outlives its credentials");
                assert_eq!(before, self.starts());
                seen.note("the identity was known");
            }
            Ok(Step::Wait(task)) => {
                self.check_start(before, true, false, seen);
                self.waiting.push(task);
            }
            Ok(Step::Helper { waits }) => assert!(waits),
            Err(failure) => assert!(is_final(&failure) && self.has_just_failed(), "{failure}"),
        }
    }

    fn force(&mut self, dice: &mut Dice, seen: &mut Seen) {
        self.apply();
        let (before, was_in_flight) = (self.starts(), self.in_flight.is_some());
        let spaced = self.forced_at.is_some_and(|at| self.passed() - at < S);
        let step = self.begin(Purpose::Refresh, dice, seen);
        if matches!(step, Ok(Step::Helper { .. })) {
            return; // and nothing was refused
        }
        if !was_in_flight && !spaced {
            let is_refused = self.visible().is_some();
            self.invalidated |= is_refused;
            self.refusal_is_new |= is_refused;
        }
        if self.starts() > before {
            assert!(!spaced, "two forced fetches within a second");
            self.forced_at = Some(self.passed());
            seen.note("forced");
        }
        self.check_start(before, true, self.needs_mfa, seen);
        if let Some(in_flight) = self.in_flight.as_mut().filter(|_| !was_in_flight) {
            in_flight.is_forced = true;
        }
        if let Ok(Step::Wait(task)) = step {
            self.waiting.push(task);
        }
    }

    fn prefetch(&mut self, dice: &mut Dice, seen: &mut Seen) {
        self.apply();
        let (before, was_in_flight) = (self.starts(), self.in_flight.is_some());
        match self.begin(Purpose::Prefetch, dice, seen) {
            Ok(Step::Ready(started)) => {
                assert_eq!(started, (self.starts() - before) as u64);
                assert!(!was_in_flight || started == 0);
                self.check_start(before, false, true, seen);
            }
            Ok(Step::Helper { waits }) => assert!(!waits),
            Ok(Step::Wait(_)) => panic!("a prefetch waits"),
            Err(failure) => panic!("{failure}"),
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
                assert!(self.needs_mfa && !self.invalidated && purpose == Purpose::Credentials);
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
            self.back_off_until = 0; // a late answer is used at once
            seen.note("a late answer started the next");
        }
        self.check_start(before, true, true, seen);
        self.waiting.extend(next);
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
        let completion = Completion {
            at: self.runtime.now(),
            instant: self.runtime.instant(),
            took: Duration::ZERO,
        };
        let completed = (self.runtime.now(), self.passed());
        let in_flight = self.in_flight.as_mut().unwrap();
        in_flight.completed = Some(completed);
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
            self.refusal_is_new = true;
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
                Err(Failure::new(Kind::Connection, "no answer", ""))
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
        let now = self.now();
        let credentials = request.held.clone().unwrap_or_else(|| {
            let mut credentials = Credentials::new(format!("ASIA{}", self.keys), "s", None, "test");
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
            identity,
            use_fips: false,
            region: "us-east-1".into(),
            attempts: Vec::new(),
            warnings: Vec::new(),
            clock_offset: self.steps.then(|| dice.between(-3600 * S, 3600 * S)),
            credentials,
        }
    }

    /// All waiters of completed tasks get the outcome.
    fn settle(&mut self, seen: &mut Seen) {
        self.apply();
        self.session.attempts();
        for task in std::mem::take(&mut self.waiting) {
            if task.outcome().is_none() && task.may_complete() {
                self.waiting.push(task);
                continue;
            }
            match self.session.settle(&task) {
                Some(Ok(serial)) => self.check_served(serial, seen),
                Some(Err(_)) => seen.note("a waiter got a failure"),
                None => seen.note("a waiter had to begin again"),
            }
        }
    }

    /// Methods that only read change nothing.
    fn look(&mut self, seen: &mut Seen) {
        self.apply();
        let before = self.starts();
        let events = self.session.events(self.event);
        for (at, event) in events.iter().enumerate() {
            assert!(event.number > self.event + at as u64);
        }
        self.event = events.last().map_or(self.event, |event| event.number);
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
        let Some(in_flight) = self
            .in_flight
            .as_mut()
            .filter(|in_flight| in_flight.task.outcome().is_none())
        else {
            return;
        };
        let foreign = FetchTask::without_worker(PARENT);
        let mut state = self.session.state.lock().unwrap();
        state.task.as_mut().unwrap().task = Arc::clone(&foreign);
        drop(state);
        self.late = None;
        let _ = (in_flight.inbox.take(), in_flight.owner.take());
        self.waiting
            .retain(|task| !Arc::ptr_eq(task, &in_flight.task));
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

fn access_denied() -> Failure {
    Failure {
        code: Some("AccessDenied".into()),
        ..Failure::new(Kind::AccessDenied, "no", "")
    }
}
