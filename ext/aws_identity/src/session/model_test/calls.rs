//! Calls of the session's methods, as callers make them.

use super::*;

impl History {
    pub(super) fn read(&mut self, dice: &mut Dice, seen: &mut Seen) {
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

    pub(super) fn identity(&mut self, dice: &mut Dice, seen: &mut Seen) {
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

    pub(super) fn force(&mut self, dice: &mut Dice, seen: &mut Seen) {
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

    pub(super) fn prefetch(&mut self, dice: &mut Dice, seen: &mut Seen) {
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
    pub(super) fn begin(
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

    pub(super) fn invalidate(&mut self, dice: &mut Dice, seen: &mut Seen) {
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
}
