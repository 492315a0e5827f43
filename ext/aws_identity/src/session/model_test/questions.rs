//! Questions of the fetch in flight, and their answers.

use super::*;

impl History {
    /// Takes, answers, gives back or expires the question of the fetch in flight, if it has one.
    pub(super) fn question(&mut self, dice: &mut Dice, seen: &mut Seen) {
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
    pub(super) fn respond(&mut self, task: &Arc<Fetch>, dice: &mut Dice, seen: &mut Seen) {
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
    pub(super) fn late(&mut self, seen: &mut Seen) {
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
    pub(super) fn ask_and_answer(&mut self, seen: &mut Seen) {
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

    pub(super) fn given(&self) -> Answer {
        if self.needs_mfa {
            Answer::TokenCode(Secret::new("123456"))
        } else {
            Answer::WebIdentityToken(Secret::new("eyJ-token"))
        }
    }

    /// What the job of the fetch in flight gets for its question.
    pub(super) fn received(&mut self) -> Result<Answer, Failure> {
        let in_flight = self.in_flight.as_mut().unwrap();
        let answer = in_flight.inbox.take().unwrap().answer();
        in_flight.owner = None;
        in_flight.is_answered = true;
        answer.expect("no answer has arrived")
    }
}
