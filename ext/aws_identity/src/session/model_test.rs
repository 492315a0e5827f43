//! A session under 100,000 random histories of reads, landings, failures, refusals, forks and
//! clocks that step.
//!
//! Each history is told twice: by the session, and by an account here of what happened, from which
//! every answer is judged anew. Time and flights are simulated, so years pass in a second.
//!
//! `SESSION_SEED` repeats a run, `SESSION_HISTORIES` lengthens it.

use super::{runtime::Runtime, *};
use crate::fetch::FetchResult;
use crate::task::fetch_task::FetchTask;
use crate::{
    config::Layers,
    failure::Kind,
    fetch::FetchRequest,
    principal::Principal,
    refresh::{Range, is_final},
    task::fork_gate::NoFork,
    task::{
        question::{Answer, Limits, Question, Takes},
        slot::by_hand::Inbox,
    },
};
use serde_json::json;
use std::time::Duration;
use std::{
    env, process,
    sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed},
    thread,
    time::{Instant, SystemTime, UNIX_EPOCH},
};

const S: Millis = 1_000;
const START: Millis = 1_800_000_000_000;
const STEPS: u32 = 40;
const THREADS: u64 = 2;
/// How many cases there are to tell apart.
const CASES: usize = 34;
/// No process has this id.
const PARENT: u32 = u32::MAX;

#[test]
fn random_histories_keep_the_promises() {
    let seed = number("SESSION_SEED").unwrap_or_else(|| {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        u64::from(since.subsec_nanos()) ^ since.as_secs()
    });
    let model_test = number("SESSION_HISTORIES").unwrap_or(100_000);
    println!("SESSION_SEED={seed} SESSION_HISTORIES={model_test}");
    let tally = thread::scope(|scope| {
        let runs: Vec<_> = (0..THREADS)
            .map(|at| scope.spawn(move || run(Dice::new(seed + at), model_test / THREADS)))
            .collect();
        runs.into_iter()
            .map(|run| run.join().expect("a promise was broken"))
            .fold(Seen::default(), Seen::plus)
    });
    println!("{tally:?}");
    // A promise that was never put to the test is kept by anyone.
    assert_eq!(tally.0.len(), CASES, "{tally:?}");
    assert!(
        tally.0.iter().all(|(_, times)| *times > model_test / 2000),
        "{tally:?}"
    );
}

fn number(name: &str) -> Option<u64> {
    env::var(name)
        .ok()
        .map(|text| text.parse().expect("a number"))
}

fn run(mut dice: Dice, model_test: u64) -> Seen {
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
    for _ in 0..model_test {
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

/// The outside as the history has it.
struct FakeRuntime {
    began: Instant,
    /// The clock that nobody sets, from 0.
    passed: AtomicI64,
    /// What the wall clock shows beside it.
    wall: AtomicI64,
    picks: AtomicU64,
    /// The last length of a back-off.
    picked: AtomicI64,
    launched: Mutex<Vec<(Arc<Fetch>, FetchRequest)>>,
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
    fn launch(
        &self,
        _: &Arc<Settings>,
        order: FetchRequest,
        _: SharedGate,
    ) -> Result<Arc<Fetch>, Failure> {
        let mut launched = self.launched.lock().unwrap();
        let alone = launched
            .last()
            .is_none_or(|(last, _)| last.outcome().is_some() || !last.may_complete());
        assert!(alone, "two flights at once");
        let task = FetchTask::without_worker(process::id());
        launched.push((Arc::clone(&task), order));
        Ok(task)
    }
}

/// A set as the account has it.
struct Set {
    key: String,
    end: Option<Millis>,
    life: Millis,
    degraded_by_source: bool,
}

/// The fetch in flight, as the account has it.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
struct Air {
    task: Arc<Fetch>,
    fetches: bool,
    awaited: bool,
    last_forced_refresh: bool,
    has_helper: bool,
    /// What it asks of the application, if that is open.
    inbox: Option<Inbox>,
    /// Who has taken the question.
    owner: Option<u64>,
    is_answered: bool,
    /// When it completed: by the wall clock, and by the one that nobody sets.
    completed: Option<(Millis, Millis)>,
}

#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
struct History {
    session: Session,
    stage: Arc<FakeRuntime>,
    needs_mfa: bool,
    /// A callable gives the web identity token.
    has_callable: bool,
    /// The clock steps: then only what holds whatever the time is judged.
    steps: bool,
    owners: u64,
    /// Who was asked for a task that has ended since.
    late: Option<(Arc<Fetch>, u64)>,
    keys: u64,
    // The account.
    air: Option<Air>,
    held: Option<Set>,
    invalidated: bool,
    /// No flight has left since.
    is_news: bool,
    degraded: bool,
    back_off_until: Millis,
    final_at: Option<Millis>,
    pending_error: bool,
    forced_at: Option<Millis>,
    offset: Millis,
    failures: u64,
    waiting: Vec<Arc<Fetch>>,
    event: u64,
    /// What was served last: the serial, the key, and whether it was degraded.
    shown: (u64, String, bool),
}

impl History {
    fn new(settings: Settings, kind: usize, dice: &mut Dice) -> Self {
        let stage = Arc::new(FakeRuntime {
            began: Instant::now(),
            passed: AtomicI64::new(0),
            wall: AtomicI64::new(START),
            picks: AtomicU64::new(dice.next()),
            picked: AtomicI64::new(0),
            launched: Mutex::default(),
        });
        let runtime: Arc<dyn Runtime> = stage.clone();
        Self {
            session: Session::over(settings, &NoFork, runtime),
            stage,
            needs_mfa: kind == 2,
            has_callable: kind == 3,
            owners: 0,
            late: None,
            steps: dice.one_in(2),
            keys: 0,
            air: None,
            held: None,
            invalidated: false,
            is_news: false,
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
            8..=10 => self.land(dice, seen),
            11 => self.settle(seen),
            12 => self.look(seen),
            13 if dice.one_in(3) => self.fork(seen),
            14..=20 => self.question(dice, seen),
            21 if self.steps && dice.one_in(2) => {
                let by = dice.any(&[-86_400 * S, -600 * S, -5 * S, 5 * S, 600 * S, 86_400 * S]);
                self.stage.wall.fetch_add(by, Relaxed);
                seen.note("the clock was set");
            }
            // A prefetch in the advisory window: what is held can be served while somebody is asked.
            22 if self.needs_mfa && dice.one_in(2) => {
                if let Some((left, advisory, _)) = self.windows() {
                    let by = (left - advisory / 2).max(0);
                    self.stage.passed.fetch_add(by, Relaxed);
                    self.prefetch(dice, seen);
                    self.land(dice, seen);
                    self.question(dice, seen);
                }
            }
            _ => {
                let most = dice.any(&[100, 900, 3 * S, 60 * S, 300 * S, 900 * S, 3600 * S]);
                self.stage.passed.fetch_add(dice.between(0, most), Relaxed);
            }
        }
    }

    /// As the session counts it.
    fn now(&self) -> Millis {
        self.stage.now() + self.offset
    }

    fn passed(&self) -> Millis {
        self.stage.passed.load(Relaxed)
    }

    fn launches(&self) -> usize {
        self.stage.launched.lock().unwrap().len()
    }

    /// Whatever is asked of a session, it first takes in the flight that has landed; so do we.
    fn apply(&mut self) {
        let Some(air) = &self.air else { return };
        self.session.attempts(); // at the same time
        let is_over = air.task.outcome().is_some() || !air.task.may_complete();
        if is_over && let Some(air) = self.air.take() {
            match air.task.outcome() {
                Some(Ok(fetched)) => self.apply_success(fetched, &air),
                Some(Err(_)) if air.task.is_withdrawn() => {}
                Some(Err(failure)) => self.apply_failure(is_final(failure), &air),
                None if air.task.is_ours() => self.apply_failure(false, &air),
                None => {} // the parent's
            }
        }
    }

    /// When the fetch completed, as the session counts it, and by the clock that nobody sets. One
    /// that is overdue completes when somebody looks.
    fn completed(&self, air: &Air) -> (Millis, Millis) {
        let (wall, passed) = air
            .completed
            .unwrap_or_else(|| (self.stage.now(), self.passed()));
        (wall + self.offset, passed)
    }

    fn apply_success(&mut self, fetched: &FetchResult, air: &Air) {
        self.offset = fetched.clock_offset.unwrap_or(self.offset);
        let (at, passed) = self.completed(air);
        self.final_at = None;
        if let Some(Err(failure)) = &fetched.identity
            && is_final(failure)
        {
            self.final_at = Some(passed);
        }
        if !air.fetches {
            return;
        }
        let set = &fetched.credentials;
        let degraded_by_source = set.degraded.is_some();
        let has_ended = set.is_expired_at(at);
        let end = |end: Option<Millis>| end.unwrap_or(Millis::MAX);
        let is_outlived = degraded_by_source
            && !self.invalidated
            && self
                .visible_at(at)
                .is_some_and(|held| end(held.end) > end(set.expires_at));
        if (has_ended && (self.needs_mfa || !degraded_by_source)) || is_outlived {
            // An answer like this is a failed refresh.
            if air.last_forced_refresh && self.visible_at(at).is_none() {
                self.forced_at = Some(passed);
            }
            self.ride_out((at, passed));
            return;
        }
        self.held = Some(Set {
            key: set.access_key_id.clone(),
            end: set.expires_at,
            life: end(set.expires_at).saturating_sub(at),
            degraded_by_source,
        });
        self.invalidated = false;
        self.is_news = false;
        self.degraded = degraded_by_source;
        self.back_off_until = if degraded_by_source {
            passed + self.picked(300 * S, 600 * S)
        } else {
            0
        };
    }

    fn apply_failure(&mut self, is_final: bool, air: &Air) {
        let (at, passed) = self.completed(air);
        self.failures += 1;
        if air.last_forced_refresh {
            self.forced_at = Some(passed);
        }
        if is_final {
            self.final_at = Some(passed);
            self.pending_error |= !air.awaited;
        } else {
            self.ride_out((at, passed));
        }
    }

    /// What was held then is served on, and the source left alone.
    fn ride_out(&mut self, (at, passed): (Millis, Millis)) {
        let Some(held) = self.visible_at(at) else {
            return;
        };
        let (low, high) = if held.life < 1800 * S && !held.degraded_by_source && held.end.is_some()
        {
            ((held.life / 6).max(S), (held.life / 3).max(S))
        } else {
            (300 * S, 600 * S)
        };
        self.degraded = true;
        self.back_off_until = passed + self.picked(low, high);
    }

    /// The session is made to take in what the account takes in now, so that it has picked.
    fn picked(&self, low: Millis, high: Millis) -> Millis {
        self.session.attempts();
        let picked = self.stage.picked.load(Relaxed);
        if !self.steps {
            assert!(
                (low..=high).contains(&picked),
                "a back-off of {picked} ms, not in {low}..={high}"
            );
        }
        picked
    }

    /// The set a read could be served with.
    fn visible(&self) -> Option<&Set> {
        self.visible_at(self.now())
    }

    fn visible_at(&self, now: Millis) -> Option<&Set> {
        self.held
            .as_ref()
            .filter(|held| !self.needs_mfa || held.end.is_none_or(|end| end > now))
    }

    fn is_backing_off(&self) -> bool {
        self.passed() < self.back_off_until
    }

    fn has_just_failed(&self) -> bool {
        self.final_at.is_some_and(|at| self.passed() - at < S)
    }

    /// How much is left of the held set, and its two windows, from the published table.
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
        Some((held.end? - self.now(), advisory, mandatory))
    }

    /// Judges the flight that has left since there were `before` of them, if one has.
    fn judge_launch(&mut self, before: usize, awaited: bool, by_person: bool, seen: &mut Seen) {
        let launched = self.stage.launched.lock().unwrap();
        assert!(launched.len() <= before + 1, "two flights for one question");
        let Some((task, order)) = launched.get(before) else {
            drop(launched);
            if let Some(air) = &mut self.air {
                air.awaited |= awaited;
            }
            return;
        };
        let air = Air {
            task: Arc::clone(task),
            fetches: order.held.is_none(),
            awaited,
            last_forced_refresh: false,
            has_helper: order.has_helper,
            inbox: None,
            owner: None,
            is_answered: order.answers.token_code.is_some()
                || order.answers.web_identity_token.is_some(),
            completed: None,
        };
        if let Some(held) = &order.held {
            assert_eq!(
                held.access_key_id,
                self.visible().unwrap().key,
                "asked with another set"
            );
            assert!(
                !held.is_expired_at(self.now()) || self.degraded,
                "asked with an ended set"
            );
        }
        let last_final_error = self.visible().filter(|_| air.fetches && self.is_news);
        assert_eq!(
            order.refused_key.as_ref(),
            last_final_error.map(|held| &held.key),
            "the first flight after a refusal, and no other, is told of it"
        );
        let is_news = self.is_news && !air.fetches;
        drop(launched);
        self.is_news = is_news;
        if air.fetches && !self.steps {
            assert!(
                !self.has_just_failed(),
                "asked again within a second of a final failure"
            );
            if self.visible().is_some() {
                assert!(!self.is_backing_off(), "asked during a back-off");
                let due = self.windows().is_some_and(|(left, advisory, mandatory)| {
                    left <= if self.needs_mfa && !by_person {
                        mandatory
                    } else {
                        advisory
                    }
                });
                assert!(due || self.invalidated, "asked though nothing was due");
            }
        }
        seen.note(if air.fetches {
            "fetched"
        } else {
            "asked for the identity alone"
        });
        self.air = Some(air);
    }

    /// Judges what is handed out.
    fn judge_served(&mut self, serial: u64, seen: &mut Seen) {
        let held = self.session.held().expect("nothing is held");
        assert_eq!(held.serial, serial);
        let account = self.visible().expect("it holds what the account does not");
        assert_eq!(held.credentials.access_key_id, account.key);
        assert_eq!(
            held.credentials.expires_at, account.end,
            "another end than its source's"
        );
        if held.credentials.is_expired_at(self.now()) {
            assert!(
                held.degraded.is_some(),
                "an ended set was served as a good one"
            );
            assert!(
                !self.needs_mfa,
                "an ended set was served that a person has to replace"
            );
            seen.note("an ended set was served, and said so");
        }
        assert_eq!(held.degraded.is_some(), self.degraded, "degraded or not");
        let shown = (serial, account.key.clone(), self.degraded);
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
        let before = self.launches();
        let step = self.begin(Purpose::Credentials, dice, seen);
        let due = !self.steps
            && self
                .windows()
                .is_some_and(|(left, _, mandatory)| left > mandatory);
        match step {
            Err(_) if self.pending_error => {
                self.pending_error = false;
                seen.note("a failure of the background was raised");
            }
            Err(failure) => {
                assert!(is_final(&failure) && self.has_just_failed(), "{failure}");
                seen.note("a final failure was told again");
            }
            Ok(_) if self.pending_error => {
                panic!("a failure of the background was kept from the reader")
            }
            Ok(Step::Ready(serial)) => {
                self.judge_launch(before, false, false, seen);
                self.judge_served(serial, seen);
            }
            Ok(Step::Wait(task)) => {
                self.judge_launch(before, true, false, seen);
                let must_wait = self.visible().is_none() || self.invalidated || !due;
                assert!(must_wait, "a reader waits though a good set is held");
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
        let before = self.launches();
        match self.begin(Purpose::Identity, dice, seen) {
            Ok(Step::Ready(_)) => {
                let (_, known) = self.session.known().expect("no identity is known");
                let until: Millis = known.source.parse().unwrap();
                assert!(self.now() < until, "an identity outlives its credentials");
                assert_eq!(before, self.launches());
                seen.note("the identity was known");
            }
            Ok(Step::Wait(task)) => {
                self.judge_launch(before, true, false, seen);
                self.waiting.push(task);
            }
            Ok(Step::Helper { waits }) => assert!(waits),
            Err(failure) => assert!(is_final(&failure) && self.has_just_failed(), "{failure}"),
        }
    }

    fn force(&mut self, dice: &mut Dice, seen: &mut Seen) {
        self.apply();
        let (before, in_the_air) = (self.launches(), self.air.is_some());
        let spaced = self.forced_at.is_some_and(|at| self.passed() - at < S);
        let step = self.begin(Purpose::Refresh, dice, seen);
        if matches!(step, Ok(Step::Helper { .. })) {
            return; // and nothing was refused
        }
        if !in_the_air && !spaced {
            let is_refused = self.visible().is_some();
            self.invalidated |= is_refused;
            self.is_news |= is_refused;
        }
        if self.launches() > before {
            assert!(!spaced, "two forced flights within a second");
            self.forced_at = Some(self.passed());
            seen.note("forced");
        }
        self.judge_launch(before, true, self.needs_mfa, seen);
        if let Some(air) = self.air.as_mut().filter(|_| !in_the_air) {
            air.last_forced_refresh = true;
        }
        if let Ok(Step::Wait(task)) = step {
            self.waiting.push(task);
        }
    }

    fn prefetch(&mut self, dice: &mut Dice, seen: &mut Seen) {
        self.apply();
        let (before, in_the_air) = (self.launches(), self.air.is_some());
        match self.begin(Purpose::Prefetch, dice, seen) {
            Ok(Step::Ready(started)) => {
                assert_eq!(started, (self.launches() - before) as u64);
                assert!(!in_the_air || started == 0);
                self.judge_launch(before, false, true, seen);
            }
            Ok(Step::Helper { waits }) => assert!(!waits),
            Ok(Step::Wait(_)) => panic!("a prefetch waits"),
            Err(failure) => panic!("{failure}"),
        }
    }

    /// As the binding does it: a helper thread is there before the fetch, or the fetch is not begun.
    fn begin(
        &mut self,
        purpose: Purpose,
        dice: &mut Dice,
        seen: &mut Seen,
    ) -> Result<Step, Failure> {
        let before = self.launches();
        let step = self.session.begin(purpose, None);
        if !matches!(step, Ok(Step::Helper { .. })) {
            return step;
        }
        assert!(self.has_callable && self.air.is_none());
        assert_eq!(self.launches(), before, "begun without a helper");
        if dice.one_in(4) {
            seen.note("a helper could not start");
            return step;
        }
        let step = self.session.begin(purpose, Some(true));
        assert!(!matches!(step, Ok(Step::Helper { .. })));
        step
    }

    /// Something happens to the question of the fetch in flight, if it has one.
    fn question(&mut self, dice: &mut Dice, seen: &mut Seen) {
        if dice.one_in(2) {
            self.late(seen);
        }
        self.apply();
        let Some(air) = &mut self.air else { return };
        if air.inbox.is_none() || !air.task.is_ours() {
            return;
        }
        let task = Arc::clone(&air.task);
        let (owner, has_helper) = (air.owner, air.has_helper);
        match (dice.below(15), owner) {
            (0..=4, _) => self.respond(&task, dice, seen),
            (5, Some(owner)) => {
                task.give_back(owner);
                task.give_back(owner);
                air.owner = None;
                seen.note("a question was given back");
            }
            (6, Some(owner)) => {
                let failure = Failure::no_credentials("it gave nothing", "");
                let late = self
                    .session
                    .answer(Purpose::Credentials, &task, owner, Err(failure));
                assert!(late.is_none());
                let answer = self.received();
                self.complete(Err(answer.unwrap_err()));
                seen.note("who was asked gave nothing");
            }
            (7..=12, Some(owner)) => {
                let answer = self.given();
                let late = self
                    .session
                    .answer(Purpose::Credentials, &task, owner, Ok(answer));
                assert!(late.is_none());
                assert!(self.received().is_ok());
                seen.note("who was asked answered");
            }
            (13 | 14, _) => {
                let failure = task.slot().expire_by_hand();
                assert_eq!(task.is_withdrawn(), owner.is_none() && !has_helper);
                if let Some(owner) = owner {
                    self.late = Some((Arc::clone(&task), owner));
                }
                seen.note(if task.is_withdrawn() {
                    "nobody took a question"
                } else {
                    "an answer took too long"
                });
                self.complete(Err(failure));
            }
            _ => {}
        }
    }

    /// Somebody who waits for `task` sees its question.
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
        let is_taken = self.air.as_ref().unwrap().owner.is_some();
        match self.session.respond(purpose, task, me, takes) {
            Response::Ask(asked, limit) => {
                assert!(!is_taken && may_take && asked.is_taken && limit > Duration::ZERO);
                self.air.as_mut().unwrap().owner = Some(me);
                seen.note("somebody took a question");
            }
            Response::Serve(serial) => {
                assert!(self.needs_mfa && !self.invalidated && purpose == Purpose::Credentials);
                self.judge_served(serial, seen);
                seen.note("served while somebody was asked");
            }
            Response::Refuse(failure) => {
                assert!(self.needs_mfa && !is_taken && !may_take, "{failure}");
                seen.note("nobody there who may ask");
            }
            Response::Wait(_) => {
                assert!(!may_take || is_taken, "a question that nobody took");
                seen.note("waits for an answer");
            }
        }
    }

    /// Who was asked for a task that has ended since answers after all.
    fn late(&mut self, seen: &mut Seen) {
        let Some((task, owner)) = self.late.take() else {
            return;
        };
        self.apply();
        let (before, has_question) = (
            self.launches(),
            self.air
                .as_ref()
                .is_some_and(|air| air.inbox.is_some() && air.owner.is_none()),
        );
        let is_wanted = self.session.needs_refresh() && !self.has_just_failed();
        let answer = self.given();
        let next = self
            .session
            .answer(Purpose::Credentials, &task, owner, Ok(answer));
        if self.air.as_ref().is_some_and(|air| !air.task.is_ours()) {
            return;
        }
        if self.air.is_some() {
            assert!(next.is_some(), "a late answer joins what is in flight");
            if has_question {
                assert!(self.received().is_ok());
                seen.note("a late answer was to an open question");
            }
        }
        if self.air.is_none() {
            assert_eq!(next.is_some(), is_wanted, "a late answer starts the next");
        }
        if self.launches() > before {
            self.back_off_until = 0; // the answer is good now
            seen.note("a late answer started the next");
        }
        self.judge_launch(before, true, true, seen);
        self.waiting.extend(next);
    }

    /// The usual way: somebody takes the question, and answers it.
    fn ask_and_answer(&mut self, seen: &mut Seen) {
        let task = Arc::clone(&self.air.as_ref().unwrap().task);
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
        seen.note("who was asked answered at once");
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
        let air = self.air.as_mut().unwrap();
        let answer = air.inbox.take().unwrap().answer();
        air.owner = None;
        air.is_answered = true;
        answer.expect("no answer has arrived")
    }

    fn complete(&mut self, outcome: Result<FetchResult, Failure>) {
        let completion = Completion {
            at: self.stage.now(),
            instant: self.stage.instant(),
            took: Duration::ZERO,
        };
        let completed = (self.stage.now(), self.passed());
        let air = self.air.as_mut().unwrap();
        air.completed = Some(completed);
        air.inbox = None;
        air.task.complete_by_hand(outcome, completion);
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
            self.is_news = true;
            assert!(self.session.needs_refresh() && self.session.known().is_none());
            seen.note("the held set was refused");
        } else {
            seen.note("another set was refused");
        }
    }

    /// The flight in the air, if any, comes to its end in one way or another.
    fn land(&mut self, dice: &mut Dice, seen: &mut Seen) {
        let Some(air) = self.air.as_ref().filter(|air| air.task.is_ours()) else {
            return;
        };
        if air.task.outcome().is_some() || air.inbox.is_some() {
            return;
        }
        if air.fetches && (self.needs_mfa || self.has_callable) && !air.is_answered {
            let limits = Limits {
                reader: Duration::from_mins(2),
                helper: air.has_helper.then_some(Duration::from_mins(1)),
            };
            let question = if self.needs_mfa {
                Question::TokenCode("GAHT12345678".into())
            } else {
                Question::WebIdentityToken
            };
            let inbox = air.task.slot().ask_by_hand(question, limits);
            self.air.as_mut().unwrap().inbox = Some(inbox);
            seen.note("a question was asked");
            if dice.one_in(2) {
                self.ask_and_answer(seen);
            }
            return;
        }
        let order = self
            .stage
            .launched
            .lock()
            .unwrap()
            .last()
            .unwrap()
            .1
            .clone();
        let outcome = match dice.below(10) {
            0 => {
                seen.note("a flight was lost");
                air.task.abandon();
                return;
            }
            1 | 2 => {
                seen.note("an outage");
                Err(Failure::new(Kind::Connection, "no answer", ""))
            }
            3 => {
                seen.note("a final failure");
                Err(Failure::new(Kind::AccessDenied, "no", ""))
            }
            _ => {
                self.keys += 1;
                Ok(self.fetched(&order, dice, seen))
            }
        };
        self.complete(outcome);
    }

    fn fetched(&self, order: &FetchRequest, dice: &mut Dice, seen: &mut Seen) -> FetchResult {
        let now = self.now();
        let credentials = order.held.clone().unwrap_or_else(|| {
            let mut set = Credentials::new(format!("ASIA{}", self.keys), "s", None, "test");
            let lives = [2, 30, 120, 300, 302, 900, 1200, 1201, 3600, 5400, 43_200];
            set.expires_at = match dice.below(23) {
                0 => None,
                1 => Some(now - dice.between(0, 600 * S)),
                _ => Some(now + dice.any(&lives) * S),
            };
            if dice.one_in(12) {
                set.expires_at = Some(now - dice.between(0, 600 * S));
                set.degraded = Some("its source has no newer one".into());
                seen.note("an ended set of a source in trouble");
            }
            Arc::new(set)
        });
        let identity = order.identity.then(|| match dice.below(6) {
            0 => Err(Failure::new(Kind::AccessDenied, "no", "")),
            1 => Err(Failure::new(Kind::Connection, "no answer", "")),
            _ => Ok(identity(credentials.expires_at)),
        });
        FetchResult {
            is_new: order.held.is_none(),
            needs_mfa: self.needs_mfa,
            identity,
            region: "us-east-1".into(),
            attempts: Vec::new(),
            warnings: Vec::new(),
            clock_offset: self.steps.then(|| dice.between(-3600 * S, 3600 * S)),
            credentials,
        }
    }

    /// All who wait for a flight that is over hear of it.
    fn settle(&mut self, seen: &mut Seen) {
        self.apply();
        self.session.attempts();
        for task in std::mem::take(&mut self.waiting) {
            if task.outcome().is_none() && task.may_complete() {
                self.waiting.push(task);
                continue;
            }
            match self.session.settle(&task) {
                Some(Ok(serial)) => self.judge_served(serial, seen),
                Some(Err(_)) => seen.note("a waiter heard of a failure"),
                None => seen.note("a waiter was to ask again"),
            }
        }
    }

    /// What only looks changes nothing.
    fn look(&mut self, seen: &mut Seen) {
        self.apply();
        let before = self.launches();
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
        assert_eq!(self.session.in_flight().is_some(), self.air.is_some());
        assert_eq!(before, self.launches());
        seen.note("looked");
    }

    /// From here on the history is that of a child: whoever flies, flies in the parent.
    fn fork(&mut self, seen: &mut Seen) {
        let Some(air) = self.air.as_mut().filter(|air| air.task.outcome().is_none()) else {
            return;
        };
        let foreign = FetchTask::without_worker(PARENT);
        let mut state = self.session.state.lock().unwrap();
        state.task.as_mut().unwrap().task = Arc::clone(&foreign);
        drop(state);
        self.late = None;
        let _ = (air.inbox.take(), air.owner.take());
        self.waiting.retain(|task| !Arc::ptr_eq(task, &air.task));
        self.stage.launched.lock().unwrap().last_mut().unwrap().0 = Arc::clone(&foreign);
        air.task = foreign;
        seen.note("forked in flight");
    }

    fn end(mut self) {
        self.apply();
        self.session.attempts();
    }
}

/// Says in its source until when it is good.
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
