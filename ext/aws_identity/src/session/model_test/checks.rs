//! The session's answers against the model's.

use super::*;

impl History {
    /// Checks the fetch that has started since there were `before` of them, if one has.
    /// `is_asked_for`: a caller wants it in the advisory window too, even with an MFA prompt.
    pub(super) fn check_start(
        &mut self,
        before: usize,
        awaited: bool,
        is_asked_for: bool,
        seen: &mut Seen,
    ) {
        self.check_begun(before, awaited, is_asked_for, false, seen);
    }

    pub(super) fn check_begun(
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
    pub(super) fn check_served(&mut self, serial: u64, seen: &mut Seen) {
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

    /// Methods that only read change nothing.
    pub(super) fn look(&mut self, seen: &mut Seen) {
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
}
