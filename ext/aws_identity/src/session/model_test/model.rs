//! What the session must answer, by the rules of refresh: the model's own words about its state.

use super::*;

impl History {
    /// The two clocks, the wall clock with the session's correction.
    pub(super) fn now(&self) -> Moment {
        self.corrected(self.runtime.now())
    }

    pub(super) fn corrected(&self, at: Moment) -> Moment {
        let (offset, learned) = self.skew;
        let (wall, boot) = (at.wall - learned.wall, at.boot - learned.boot);
        let was_set = (wall - boot).abs() > 2 * S + boot.abs() / 1_000;
        Moment {
            wall: if was_set { at.wall } else { at.wall + offset },
            ..at
        }
    }

    pub(super) fn passed(&self) -> Millis {
        self.runtime.passed.load(Relaxed)
    }

    pub(super) fn starts(&self) -> usize {
        self.runtime.started.lock().unwrap().len()
    }

    /// Applies a completed fetch to the model, as each method of the session does first.
    pub(super) fn apply(&mut self) {
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
    pub(super) fn completed(&self, in_flight: &ModelFetch) -> Moment {
        in_flight.completed.unwrap_or_else(|| self.runtime.now())
    }

    pub(super) fn apply_success(&mut self, fetched: &FetchResult, in_flight: &ModelFetch) {
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

    pub(super) fn apply_failure(&mut self, cause: Cause, in_flight: &ModelFetch) {
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
    pub(super) fn keep_serving(&mut self, at: Moment, cause: Cause) {
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
    pub(super) fn apply_refused(&mut self, seen: &mut Seen) -> bool {
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
    pub(super) fn picked(&self, low: Millis, high: Millis) -> Millis {
        self.session.attempts();
        let picked = self.runtime.picked.load(Relaxed);
        assert!(
            (low..=high).contains(&picked),
            "a back-off of {picked} ms, not in {low}..={high}"
        );
        picked
    }

    /// The credentials that a read could be served with.
    pub(super) fn visible(&self) -> Option<&ModelCredentials> {
        self.visible_at(self.now())
    }

    pub(super) fn visible_at(&self, now: Moment) -> Option<&ModelCredentials> {
        self.held
            .as_ref()
            .filter(|held| !self.needs_mfa || !held.has_expired(now))
    }

    pub(super) fn is_backing_off(&self) -> bool {
        let now = self.now();
        self.back_off.is_some_and(|span| span.left(now) > 0)
    }

    pub(super) fn has_expired(&self) -> bool {
        let now = self.now();
        self.held.as_ref().is_some_and(|held| held.has_expired(now))
    }

    /// A caller may take what is held without a further fetch.
    pub(super) fn is_servable(&self) -> bool {
        let is_good = !self.has_expired() && !self.invalidated;
        self.visible().is_some() && (is_good || self.is_backing_off())
    }

    pub(super) fn has_pending_error(&self) -> bool {
        self.pending_error.is_some_and(|(at, process)| {
            self.passed() - at <= 5 * S && process == self.runtime.process()
        })
    }

    /// A caller that forces a fetch now gets the outcome of the last one.
    pub(super) fn is_spaced(&self) -> bool {
        self.forced
            .is_some_and(|(at, failed)| self.passed() - at < S && (failed || self.is_servable()))
    }

    pub(super) fn has_just_failed(&self) -> bool {
        self.final_at.is_some_and(|at| self.passed() - at < S)
    }

    /// The time left of the held credentials, and their two windows, from the published table.
    pub(super) fn windows(&self) -> Option<(Millis, Millis, Millis)> {
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
}
