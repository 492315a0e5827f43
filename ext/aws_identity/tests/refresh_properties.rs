//! The refresh rules under 100,000 random histories.
//!
//! Each history reads, flies, fails, invalidates, forks and steps the clock at random, and
//! holds every answer against a second telling of the rules: an account of what happened, from
//! which each verdict is worked out anew. Beside it two budgets are kept on a clock that is
//! never stepped, so that an error both tellings share still shows as a call too many.
//!
//! `REFRESH_SEED` repeats a run, `REFRESH_HISTORIES` lengthens it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test may

use aws_identity::{
    credentials::Millis,
    refresh::{Failed, Next, Range, Refresh, Rules, Set, Succeeded},
};
use std::{
    env,
    time::{SystemTime, UNIX_EPOCH},
};

const S: Millis = 1_000;
const START: Millis = 1_800_000_000_000;
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
    // A property that was never put to the test holds of anything.
    let Tally {
        served,
        beside,
        waited,
        ended,
        fresh,
        degraded,
        kept,
        raised,
        stepped_back,
    } = tally;
    let all = [
        served,
        beside,
        waited,
        ended,
        fresh,
        degraded,
        kept,
        raised,
        stepped_back,
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

/// How often each case came up.
#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    served: u64,
    beside: u64,
    waited: u64,
    /// Sets served past their end.
    ended: u64,
    fresh: u64,
    degraded: u64,
    kept: u64,
    raised: u64,
    stepped_back: u64,
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
}

impl Set for Fake {
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

/// A span that began at some reading of the clock, and the lowest reading since.
#[derive(Clone, Debug)]
struct Span {
    length: Millis,
    lowest: Millis,
}

impl Span {
    fn end(&self) -> Millis {
        self.lowest + self.length
    }
}

/// What is held, as the account has it.
#[derive(Clone, Debug)]
struct Account {
    set: Fake,
    /// None where the set does not end.
    life: Option<Span>,
    back_off: Option<Span>,
    served_for_want: bool,
    /// Refused, and the flights that left since.
    refused: Option<u32>,
}

/// Real time, which no step of the wall clock touches, with the sum of its steps forward.
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
    account: Option<Account>,
    /// Whether a flight is in the air.
    flying: bool,
    keys: u32,
    now: Millis,
    real: Real,
    /// No flight may leave within this time from then, unless a service refuses the set.
    quiet: Option<(Millis, Real)>,
}

impl<'a> History<'a> {
    fn new(dice: &'a mut Dice, tally: &'a mut Tally) -> Self {
        let rules = Rules {
            advisory_window: dice.one_in(3).then(|| dice.between(-60 * S, 10_000 * S)),
            attended: dice.one_in(6),
        };
        Self {
            dice,
            tally,
            rules,
            refresh: Refresh::new(rules),
            account: None,
            flying: false,
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
                6..10 if self.flying => self.arrive(),
                10..12 => self.pass(),
                12 => self.step_clock(),
                13 => self.invalidate(),
                14 if self.dice.one_in(2) => self.fork(),
                _ => self.jump_to_an_edge(),
            }
        }
    }

    /// Time passes; the wall clock with it.
    fn pass(&mut self) {
        let most = self.dice.any(&[S, 30 * S, 400 * S, 7_200 * S]);
        self.let_pass(most);
    }

    fn let_pass(&mut self, most: Millis) {
        let length = self.dice.between(0, most);
        self.now += length;
        self.real.time += length;
    }

    /// To the millisecond at which something changes, or one beside it.
    fn jump_to_an_edge(&mut self) {
        let Some(account) = &self.account else { return };
        let mut edges: Vec<Millis> = account.back_off.iter().map(Span::end).collect();
        if let Some(life) = &account.life {
            let (advisory, mandatory) = windows(life.length, self.rules);
            edges.extend([life.end() - advisory, life.end() - mandatory, life.end()]);
            edges.extend(account.set.expires_at);
        }
        edges.retain(|edge| *edge > self.now + 1);
        if edges.is_empty() {
            return;
        }
        let length = self.dice.any(&edges) + self.dice.between(-1, 1) - self.now;
        self.now += length;
        self.real.time += length;
        self.read();
    }

    fn step_clock(&mut self) {
        let most = self.dice.any(&[5, S, 600 * S, 86_400 * S]);
        let length = self.dice.between(-most, most);
        self.now += length;
        self.real.forward += length.max(0);
        if length < 0 {
            self.tally.stepped_back += 1;
        }
    }

    fn read(&mut self) {
        let now = self.now;
        if let Some(account) = &mut self.account {
            for span in account.life.iter_mut().chain(&mut account.back_off) {
                span.lowest = span.lowest.min(now);
            }
        }
        let (next, due) = self.verdict();
        assert_eq!(self.refresh.next(now), next, "{:?}", self.account);
        assert_eq!(self.refresh.needs_refresh(now), due, "{:?}", self.account);
        self.truth();
        match next {
            Next::Serve => self.tally.served += 1,
            Next::ServeAndFetch => self.tally.beside += 1,
            Next::Fetch => self.tally.waited += 1,
        }
        if next != Next::Fetch {
            let set = &self.account.as_ref().unwrap().set;
            assert_eq!(self.refresh.held(now), Some(set));
            if set.expires_at.is_some_and(|end| end <= now) {
                self.tally.ended += 1;
                assert!(
                    self.refresh.is_degraded() && self.refresh.is_backing_off(now),
                    "an ended set was served as if it were good: {set:?}"
                );
                assert!(!self.rules.attended, "an ended MFA set was served");
            }
        }
        // One flight at a time is the session's part; which reads start one is the rules'.
        if next != Next::Serve && !self.flying {
            self.depart();
        }
    }

    /// What the account says of a read now, and whether a refresh is wanted at all.
    fn verdict(&self) -> (Next, bool) {
        let Some(account) = &self.account else {
            return (Next::Fetch, true);
        };
        let ended = account.set.expires_at.is_some_and(|end| end <= self.now);
        if ended && self.rules.attended {
            return (Next::Fetch, true);
        }
        let (mut beside, mut wait) = (false, account.refused.is_some());
        if let Some(life) = &account.life {
            let (advisory, mandatory) = windows(life.length, self.rules);
            beside = self.now >= life.end() - advisory;
            wait |= self.now >= life.end() - mandatory;
        }
        let resting = account
            .back_off
            .as_ref()
            .is_some_and(|span| self.now < span.end());
        let next = match (resting, wait, beside && !self.rules.attended) {
            (true, _, _) | (false, false, false) => Next::Serve,
            (false, true, _) => Next::Fetch,
            (false, false, true) => Next::ServeAndFetch,
        };
        (next, beside || wait)
    }

    /// What else the session can be asked.
    fn truth(&self) {
        let account = self.account.as_ref();
        let want = account.is_some_and(|it| it.served_for_want);
        assert_eq!(self.refresh.is_degraded(), want, "{account:?}");
        let until = self.refresh.back_off_until(self.now);
        let resting = account.and_then(|it| it.back_off.as_ref()).map(Span::end);
        assert_eq!(until, resting.filter(|end| *end > self.now), "{account:?}");
        assert!(
            until.is_none_or(|end| end - self.now <= 600 * S),
            "{until:?}"
        );
        if let (Some(windows), Some(it)) = (self.refresh.windows(), account) {
            let length = it.life.as_ref().unwrap().length;
            assert!(length <= 0 || windows.advisory < length, "due when new");
            assert!(windows.mandatory <= windows.advisory);
        }
    }

    fn depart(&mut self) {
        if let Some((length, from)) = self.quiet {
            let passed = self.real.time - from.time + self.real.forward - from.forward;
            assert!(
                passed >= length,
                "a call after {passed} ms instead of {length}: {:?}",
                self.account
            );
        }
        let refused = self.account.as_mut().and_then(|it| it.refused.as_mut());
        let first = refused.as_ref().is_some_and(|flights| **flights == 0);
        if let Some(flights) = refused {
            *flights += 1;
        }
        assert_eq!(self.refresh.started(), first, "the disk is skipped once");
        self.flying = true;
        if !self.dice.one_in(4) {
            self.let_pass(5 * S);
            self.arrive();
        }
    }

    fn arrive(&mut self) {
        self.flying = false;
        match self.dice.below(10) {
            0..4 => self.land(false),
            4 => self.land(true),
            5..9 => self.fail(false),
            _ => self.fail(true),
        }
    }

    fn fail(&mut self, is_final: bool) {
        let servable = self.servable();
        let mut offered = None;
        let failed = self.refresh.failed(self.now, is_final, {
            let dice = &mut *self.dice;
            |range| roll(dice, range, &mut offered)
        });
        if is_final || !servable {
            assert_eq!((failed, offered), (Failed::Raises, None));
            self.tally.raised += 1;
        } else {
            assert_eq!(failed, Failed::ServesHeld);
            self.rest(offered);
        }
    }

    fn land(&mut self, degraded: bool) {
        let set = self.answer(degraded);
        let ended = set.expires_at.is_some_and(|end| end <= self.now);
        let held = self.account.as_ref().filter(|_| self.servable());
        let outlived = held.is_some_and(|it| {
            it.refused.is_none()
                && set
                    .expires_at
                    .is_some_and(|end| it.set.expires_at.is_none_or(|own| own > end))
        });
        let taken = if degraded {
            !(outlived || ended && self.rules.attended)
        } else {
            !ended
        };
        let servable = held.is_some();
        let mut offered = None;
        let succeeded = self.refresh.succeeded(self.now, set.clone(), {
            let dice = &mut *self.dice;
            |range| roll(dice, range, &mut offered)
        });
        let expected = match (taken, degraded, servable) {
            (true, false, _) => Succeeded::Fresh,
            (true, true, _) => Succeeded::Degraded,
            (false, _, true) => Succeeded::ServesHeld,
            (false, _, false) => Succeeded::Refused,
        };
        assert_eq!(succeeded, expected, "{set:?} upon {:?}", self.account);
        match succeeded {
            Succeeded::Fresh => self.tally.fresh += 1,
            Succeeded::Degraded => self.tally.degraded += 1,
            Succeeded::ServesHeld => self.tally.kept += 1,
            Succeeded::Refused => self.tally.raised += 1,
        }
        if taken {
            self.take(set);
        }
        if matches!(succeeded, Succeeded::Degraded | Succeeded::ServesHeld) {
            self.rest(offered);
        } else {
            assert_eq!(offered, None);
        }
    }

    /// A set as a source might give it: of any life, with the same key or another.
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
            expires_at: life.map(|life| self.now + life),
            degraded,
        }
    }

    fn servable(&self) -> bool {
        self.account.as_ref().is_some_and(|it| {
            !self.rules.attended || it.set.expires_at.is_none_or(|end| end > self.now)
        })
    }

    /// The account of a set that is held from now on.
    fn take(&mut self, set: Fake) {
        let refused = self.account.take().and_then(|old| {
            let settled = old.refused.is_none_or(|flights| flights > 0);
            (!settled && old.set.key == set.key).then_some(0)
        });
        let life = set.expires_at.map(|end| Span {
            length: end - self.now,
            lowest: self.now,
        });
        self.quiet = match (&life, refused) {
            (_, Some(_)) => None,
            (None, None) => Some((Millis::MAX / 4, self.real)),
            (Some(life), None) => {
                let (advisory, _) = windows(life.length, self.rules);
                Some((life.length - advisory, self.real))
            }
        };
        self.account = Some(Account {
            served_for_want: set.degraded,
            set,
            life,
            back_off: None,
            refused,
        });
    }

    /// The account of a back-off that begins now.
    fn rest(&mut self, offered: Option<(Range, Millis)>) {
        let account = self.account.as_mut().unwrap();
        let (range, length) = offered.expect("a back-off is drawn");
        let brief = account.life.as_ref().map(|life| life.length);
        let brief = brief.filter(|life| *life < 1_800 * S && !account.set.degraded);
        let expected = brief.map_or((300 * S, 600 * S), |life| {
            (S.max(life / 6), S.max(life / 3))
        });
        assert_eq!((*range.start(), *range.end()), expected);
        account.served_for_want = true;
        account.back_off = Some(Span {
            length,
            lowest: self.now,
        });
        // An MFA set that ends meanwhile may be asked for: there is nothing else to serve.
        let until_end = account
            .set
            .expires_at
            .map_or(Millis::MAX, |end| end - self.now);
        let length = if self.rules.attended {
            length.min(until_end)
        } else {
            length
        };
        self.quiet = Some((length, self.real));
    }

    fn invalidate(&mut self) {
        let Some(account) = &mut self.account else {
            return assert!(!self.refresh.invalidate("1"));
        };
        if self.dice.one_in(3) {
            return assert!(!self.refresh.invalidate("another"));
        }
        assert!(self.refresh.invalidate(&account.set.key));
        account.refused = Some(0);
        // Only a back-off that runs still holds the source quiet.
        if account
            .back_off
            .as_ref()
            .is_none_or(|span| self.now >= span.end())
        {
            self.quiet = None;
        }
    }

    /// The history goes on in the child: a copy, without the parent's flight.
    fn fork(&mut self) {
        self.refresh = self.refresh.clone();
        self.flying = false;
    }
}

fn roll(dice: &mut Dice, range: Range, offered: &mut Option<(Range, Millis)>) -> Millis {
    let length = dice.between(*range.start(), *range.end());
    *offered = Some((range, length));
    length
}

/// The windows by the words of the rule, in seconds where it speaks of seconds.
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
