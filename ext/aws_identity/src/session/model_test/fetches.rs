//! The fetch in flight goes on, completes, or is left to a parent process.

use super::*;

impl History {
    pub(super) fn complete(&mut self, outcome: Result<FetchResult, Failure>) {
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

    /// The fetch in flight, if any, asks its question, completes or is abandoned.
    pub(super) fn proceed(&mut self, dice: &mut Dice, seen: &mut Seen) {
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

    pub(super) fn fetched(
        &self,
        request: &FetchRequest,
        dice: &mut Dice,
        seen: &mut Seen,
    ) -> FetchResult {
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
    pub(super) fn settle(&mut self, seen: &mut Seen) {
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

    /// The history goes on in a forked child: the parent process runs the fetch in flight.
    pub(super) fn fork(&mut self, seen: &mut Seen) {
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
}
