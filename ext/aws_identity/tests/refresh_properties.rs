//! The refresh rules under 100,000 random histories.
//!
//! Each history reads, fetches, fails, invalidates, forks and steps the clock at random, and
//! compares every answer with a second implementation of the rules: a model of what happened,
//! from which each decision is computed anew. The model also checks the time between two fetches
//! on a clock that is never stepped, so that an error both implementations share is still seen.
//!
//! `REFRESH_SEED` repeats a run, `REFRESH_HISTORIES` sets the number of histories.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test may panic

use aws_identity::{
    credentials::Millis,
    refresh::{Cause, Expiring, Failed, Next, Range, Refresh, Rules, Succeeded},
    util::time::Moment,
};
use std::{
    env,
    time::{SystemTime, UNIX_EPOCH},
};

const S: Millis = 1_000;
const START: Moment = Moment {
    wall: 1_800_000_000_000,
    boot: 7_000,
};
const STEPS: u32 = 40;

#[test]
fn random_histories_keep_the_rules() {
    let seed = number("REFRESH_SEED").unwrap_or_else(|| {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        u64::from(since.subsec_nanos()) ^ since.as_secs()
    });
    let histories = number("REFRESH_HISTORIES").unwrap_or(100_000);
    println!("REFRESH_SEED={seed} REFRESH_HISTORIES={histories}");
    let mut dice = Dice::new(seed);
    let mut tally = Tally::default();
    for _ in 0..histories {
        History::new(&mut dice, &mut tally).run();
    }
    println!("{tally:?}");
    // A case that never came up was not tested.
    let Tally {
        served,
        beside,
        waited,
        expired,
        fresh,
        degraded,
        kept,
        raised,
        stepped_back,
        unreached,
    } = tally;
    let all = [
        served,
        beside,
        waited,
        expired,
        fresh,
        degraded,
        kept,
        raised,
        stepped_back,
        unreached,
    ];
    assert!(
        all.iter().all(|&count| count > histories / 100),
        "{tally:?}"
    );
}

fn number(name: &str) -> Option<u64> {
    env::var(name)
        .ok()
        .map(|text| text.parse().expect("a number"))
}

/// The number of times each case came up.
#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    served: u64,
    beside: u64,
    waited: u64,
    /// Expired credentials that were served.
    expired: u64,
    fresh: u64,
    degraded: u64,
    kept: u64,
    raised: u64,
    stepped_back: u64,
    /// Back-offs after the source was not reached.
    unreached: u64,
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
        let width = u64::try_from(high - low).unwrap() + 1;
        low + Millis::try_from(self.below(width)).unwrap()
    }
    fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }
    fn any<T: Copy>(&mut self, of: &[T]) -> T {
        let index = self.below(of.len() as u64);
        of[usize::try_from(index).unwrap()]
    }
}

#[derive(Clone, Debug, PartialEq)]
struct Fake {
    key: String,
    expires_at: Option<Millis>,
    degraded: bool,
    requested: Option<Millis>,
}

impl Expiring for Fake {
    fn requested(&self) -> Option<Millis> {
        self.requested
    }
    fn key(&self) -> &str {
        &self.key
    }
    fn expires_at(&self) -> Option<Millis> {
        self.expires_at
    }
    fn degraded(&self) -> bool {
        self.degraded
    }
}

/// A span of time since it began, by the clock that has gone further.
#[derive(Clone, Debug)]
struct Span {
    length: Millis,
    began: Moment,
}

impl Span {
    fn left(&self, now: Moment) -> Millis {
        let by_wall = now.wall - self.began.wall;
        self.length - by_wall.max(now.boot - self.began.boot)
    }
}

/// The model: what is held, and since when.
#[derive(Clone, Debug)]
struct Model {
    credentials: Fake,
    /// None for long-lived keys.
    life: Option<Span>,
    back_off: Option<Span>,
    degraded: bool,
    /// Fetches in a row that have not reached the source since the credentials expired.
    unreached: u32,
    /// The number of fetches started since the credentials were rejected.
    rejected: Option<u32>,
}

/// Monotonic time, and the sum of the wall clock's steps forward.
#[derive(Clone, Copy, Debug)]
struct Real {
    time: Millis,
    forward: Millis,
}

struct History<'a> {
    dice: &'a mut Dice,
    tally: &'a mut Tally,
    rules: Rules,
    refresh: Refresh<Fake>,
    model: Option<Model>,
    in_flight: bool,
    keys: u32,
    now: Moment,
    real: Real,
    /// No fetch may start within this time from then, unless the credentials are rejected.
    quiet: Option<(Millis, Real)>,
}

impl<'a> History<'a> {
    fn new(dice: &'a mut Dice, tally: &'a mut Tally) -> Self {
        let rules = Rules {
            advisory_window: dice.one_in(3).then(|| dice.between(-60 * S, 10_000 * S)),
            needs_mfa: dice.one_in(6),
        };
        Self {
            dice,
            tally,
            rules,
            refresh: Refresh::new(rules),
            model: None,
            in_flight: false,
            keys: 0,
            now: START,
            real: Real {
                time: 0,
                forward: 0,
            },
            quiet: None,
        }
    }

    fn run(mut self) {
        for _ in 0..STEPS {
            match self.dice.below(16) {
                0..6 => self.read(),
                6..10 if self.in_flight => self.complete(),
                10..12 => self.pass(),
                12 => self.step_clock(),
                13 => self.invalidate(),
                14 if self.dice.one_in(2) => self.fork(),
                _ => self.jump_to_a_boundary(),
            }
        }
    }

    /// Advances monotonic time and the wall clock.
    fn pass(&mut self) {
        let most = self.dice.any(&[S, 30 * S, 400 * S, 7_200 * S]);
        self.let_pass(most);
    }

    fn let_pass(&mut self, most: Millis) {
        let length = self.dice.between(0, most);
        self.now = self.now + length;
        self.real.time += length;
    }

    /// Advances to the millisecond at which a decision changes, or to one beside it.
    fn jump_to_a_boundary(&mut self) {
        let Some(model) = &self.model else { return };
        let left = |span: &Span| span.left(self.now);
        let mut boundaries: Vec<Millis> = model.back_off.iter().map(left).collect();
        if let Some(life) = &model.life {
            let (advisory, mandatory) = windows(life.length, self.rules);
            boundaries.extend([left(life) - advisory, left(life) - mandatory, left(life)]);
        }
        boundaries.retain(|it| *it > 1);
        if boundaries.is_empty() {
            return;
        }
        let length = self.dice.any(&boundaries) + self.dice.between(-1, 1);
        self.now = self.now + length;
        self.real.time += length;
        self.read();
    }

    fn step_clock(&mut self) {
        let most = self.dice.any(&[5, S, 600 * S, 86_400 * S]);
        let length = self.dice.between(-most, most);
        self.now.wall += length;
        self.real.forward += length.max(0);
        if length < 0 {
            self.tally.stepped_back += 1;
        }
    }

    fn read(&mut self) {
        let now = self.now;
        let (next, due) = self.decision();
        assert_eq!(self.refresh.next(now), next, "{:?}", self.model);
        assert_eq!(self.refresh.needs_refresh(now), due, "{:?}", self.model);
        self.check_state();
        match next {
            Next::Serve => self.tally.served += 1,
            Next::ServeAndFetch => self.tally.beside += 1,
            Next::Fetch => self.tally.waited += 1,
        }
        if next != Next::Fetch {
            let model = self.model.as_ref().unwrap();
            let credentials = &model.credentials;
            assert_eq!(self.refresh.held(now), Some(credentials));
            if self.has_expired(model) {
                self.tally.expired += 1;
                assert!(
                    self.refresh.is_degraded() && self.refresh.is_backing_off(now),
                    "expired credentials were served as fresh: {credentials:?}"
                );
                assert!(!self.rules.needs_mfa, "expired MFA credentials were served");
            }
        }
        assert!(next == Next::Fetch || self.refresh.is_servable(now));
        // The session runs one fetch at a time; the rules decide which reads start one.
        if next != Next::Serve && !self.in_flight {
            self.start();
        }
    }

    /// What a read does now by the model, and whether a refresh is due.
    fn decision(&self) -> (Next, bool) {
        let Some(model) = &self.model else {
            return (Next::Fetch, true);
        };
        let expired = self.has_expired(model);
        if expired && self.rules.needs_mfa {
            return (Next::Fetch, true);
        }
        let (mut beside, mut wait) = (false, model.rejected.is_some());
        if let Some(life) = &model.life {
            let (advisory, mandatory) = windows(life.length, self.rules);
            beside = life.left(self.now) <= advisory;
            wait |= life.left(self.now) <= mandatory;
        }
        let backing_off = model
            .back_off
            .as_ref()
            .is_some_and(|span| span.left(self.now) > 0);
        let next = match (backing_off, wait, beside && !self.rules.needs_mfa) {
            (true, _, _) | (false, false, false) => Next::Serve,
            (false, true, _) => Next::Fetch,
            (false, false, true) => Next::ServeAndFetch,
        };
        (next, beside || wait)
    }

    /// Compares the other answers of `Refresh` with the model.
    fn check_state(&self) {
        let model = self.model.as_ref();
        let degraded = model.is_some_and(|it| it.degraded);
        assert_eq!(self.refresh.is_degraded(), degraded, "{model:?}");
        let left = self.refresh.back_off_left(self.now);
        let backing_off = model.and_then(|it| it.back_off.as_ref());
        assert_eq!(
            left,
            backing_off
                .map(|span| span.left(self.now))
                .filter(|left| *left > 0),
            "{model:?}"
        );
        assert!(left.is_none_or(|left| left <= 600 * S), "{left:?}");
        let rejected = model.filter(|it| it.rejected.is_some());
        assert_eq!(
            self.refresh.rejected_key(),
            rejected.map(|it| it.credentials.key.as_str())
        );
        if let (Some(windows), Some(it)) = (self.refresh.windows(), model) {
            let length = it.life.as_ref().unwrap().length;
            assert!(
                length <= 0 || windows.advisory < length,
                "due as soon as fetched"
            );
            assert!(windows.mandatory <= windows.advisory);
        }
    }

    fn start(&mut self) {
        if let Some((length, from)) = self.quiet {
            let passed = self.real.time - from.time + self.real.forward - from.forward;
            assert!(
                passed >= length,
                "a fetch after {passed} ms instead of {length}: {:?}",
                self.model
            );
        }
        if let Some(fetches) = self.model.as_mut().and_then(|it| it.rejected.as_mut()) {
            *fetches += 1;
        }
        self.refresh.started();
        self.in_flight = true;
        if !self.dice.one_in(4) {
            self.let_pass(5 * S);
            self.complete();
        }
    }

    fn complete(&mut self) {
        self.in_flight = false;
        match self.dice.below(10) {
            0..4 => self.succeed(false),
            4 => self.succeed(true),
            5..7 => self.fail(Cause::Answered),
            7..9 => self.fail(Cause::Unreached),
            _ => self.fail(Cause::Final),
        }
    }

    fn fail(&mut self, cause: Cause) {
        let servable = self.servable();
        let mut offered = None;
        let failed = self.refresh.failed(self.now, cause, {
            let dice = &mut *self.dice;
            |range| roll(dice, range, &mut offered)
        });
        if cause == Cause::Final || !servable {
            assert_eq!((failed, offered), (Failed::Raises, None));
            self.tally.raised += 1;
        } else {
            assert_eq!(failed, Failed::KeepsServing);
            self.back_off(offered, cause);
        }
    }

    fn succeed(&mut self, degraded: bool) {
        let credentials = self.answer(degraded);
        let expired = credentials
            .expires_at
            .is_some_and(|end| end <= self.now.wall);
        let held = self.model.as_ref().filter(|_| self.servable());
        let outlived = held.is_some_and(|it| {
            it.rejected.is_none()
                && credentials
                    .expires_at
                    .is_some_and(|end| it.credentials.expires_at.is_none_or(|own| own > end))
        });
        let taken = if degraded {
            !(outlived || expired && self.rules.needs_mfa)
        } else {
            !expired
        };
        let servable = held.is_some();
        let mut offered = None;
        let succeeded = self.refresh.succeeded(self.now, credentials.clone(), {
            let dice = &mut *self.dice;
            |range| roll(dice, range, &mut offered)
        });
        let expected = match (taken, degraded, servable) {
            (true, false, _) => Succeeded::Fresh,
            (true, true, _) => Succeeded::Degraded,
            (false, _, true) => Succeeded::KeepsServing,
            (false, _, false) => Succeeded::Raises,
        };
        assert_eq!(succeeded, expected, "{credentials:?} upon {:?}", self.model);
        match succeeded {
            Succeeded::Fresh => self.tally.fresh += 1,
            Succeeded::Degraded => self.tally.degraded += 1,
            Succeeded::KeepsServing => self.tally.kept += 1,
            Succeeded::Raises => self.tally.raised += 1,
        }
        if taken {
            self.hold(credentials);
        }
        if matches!(succeeded, Succeeded::Degraded | Succeeded::KeepsServing) {
            self.back_off(offered, Cause::Answered);
        } else {
            assert_eq!(offered, None);
        }
    }

    /// Credentials as a source might give them: with any lifetime, the same key or another.
    fn answer(&mut self, degraded: bool) -> Fake {
        if self.dice.one_in(4) || self.keys == 0 {
            self.keys += 1;
        }
        let life = match self.dice.below(8) {
            0 if !degraded => None,
            1 => Some(self.dice.between(-3_600 * S, 0)),
            2 => Some(self.dice.between(1, 300 * S)),
            3 => Some(self.dice.any(&[300 * S, 1_200 * S, 1_800 * S, 5_400 * S])),
            _ if degraded => Some(self.dice.between(-3_600 * S, 60 * S)),
            _ => Some(self.dice.between(301 * S, 43_200 * S)),
        };
        Fake {
            key: self.keys.to_string(),
            expires_at: life.map(|life| self.now.wall + life),
            degraded,
            requested: self.dice.one_in(3).then(|| self.dice.between(1, 3_600 * S)),
        }
    }

    fn servable(&self) -> bool {
        let model = self.model.as_ref();
        model.is_some_and(|it| !self.rules.needs_mfa || !self.has_expired(it))
    }

    fn has_expired(&self, model: &Model) -> bool {
        let life = model.life.as_ref();
        life.is_some_and(|life| life.left(self.now) <= 0)
    }

    /// Updates the model: these credentials are held from now on.
    fn hold(&mut self, credentials: Fake) {
        let rejected = self.model.take().and_then(|old| {
            let cleared = old.rejected.is_none_or(|fetches| fetches > 0);
            (!cleared && old.credentials.key == credentials.key).then_some(0)
        });
        let life = credentials.expires_at.map(|end| Span {
            length: (end - self.now.wall).min(credentials.requested.unwrap_or(Millis::MAX)),
            began: self.now,
        });
        self.quiet = match (&life, rejected) {
            (_, Some(_)) => None,
            (None, None) => Some((Millis::MAX / 4, self.real)),
            (Some(life), None) => {
                let (advisory, _) = windows(life.length, self.rules);
                Some((life.length - advisory, self.real))
            }
        };
        self.model = Some(Model {
            degraded: credentials.degraded,
            credentials,
            life,
            back_off: None,
            unreached: 0,
            rejected,
        });
    }

    /// Updates the model: a back-off begins now.
    fn back_off(&mut self, offered: Option<(Range, Millis)>, cause: Cause) {
        let model = self.model.as_mut().unwrap();
        let (range, length) = offered.expect("a back-off is drawn");
        let brief = model.life.as_ref().map(|life| life.length);
        let brief = brief.filter(|life| *life < 1_800 * S && !model.credentials.degraded);
        let expected = brief.map_or((300 * S, 600 * S), |life| {
            (S.max(life / 6), S.max(life / 3))
        });
        assert_eq!((*range.start(), *range.end()), expected);
        model.degraded = true;
        // MFA credentials may be fetched again once they expire: expired ones are not served.
        let until_expiration = model
            .life
            .as_ref()
            .map_or(Millis::MAX, |life| life.left(self.now));
        let unreached = if cause == Cause::Unreached && until_expiration <= 0 {
            model.unreached += 1;
            S * 2_i64.pow((model.unreached - 1).min(10))
        } else {
            model.unreached = 0;
            until_expiration.max(S)
        };
        let length = if cause == Cause::Unreached {
            self.tally.unreached += 1;
            length.min(unreached)
        } else {
            length
        };
        model.back_off = Some(Span {
            length,
            began: self.now,
        });
        let length = if self.rules.needs_mfa {
            length.min(until_expiration)
        } else {
            length
        };
        self.quiet = Some((length, self.real));
    }

    fn invalidate(&mut self) {
        let Some(model) = &mut self.model else {
            return assert!(!self.refresh.invalidate("1"));
        };
        if self.dice.one_in(3) {
            return assert!(!self.refresh.invalidate("another"));
        }
        assert!(self.refresh.invalidate(&model.credentials.key));
        model.rejected = Some(0);
        // A fetch may start at once, unless a back-off runs.
        if model
            .back_off
            .as_ref()
            .is_none_or(|span| span.left(self.now) <= 0)
        {
            self.quiet = None;
        }
    }

    /// Continues in the child: a copy, without the fetch that is in flight in the parent.
    fn fork(&mut self) {
        self.refresh = self.refresh.clone();
        self.in_flight = false;
    }
}

fn roll(dice: &mut Dice, range: Range, offered: &mut Option<(Range, Millis)>) -> Millis {
    let length = dice.between(*range.start(), *range.end());
    *offered = Some((range, length));
    length
}

/// The windows, computed in another way than `Windows::of` does.
fn windows(life: Millis, rules: Rules) -> (Millis, Millis) {
    if life <= 0 {
        return (0, 0);
    }
    let short = life <= 300 * S;
    let mandatory = if short { life / 10 } else { 60 * S };
    let own = [
        (300 * S, life / 2),
        (1_200 * S, 300 * S),
        (5_400 * S - 1, 900 * S),
    ]
    .into_iter()
    .find_map(|(up_to, window)| (life <= up_to).then_some(window))
    .unwrap_or(3_600 * S);
    let Some(asked) = rules.advisory_window else {
        return (own, mandatory);
    };
    let furthest = if short { own } else { own.max(life - 60 * S) };
    (asked.clamp(mandatory, furthest), mandatory)
}
