//! What those who wait for a fetch do about its question.

use super::{Fetch, Purpose, Session};
use crate::{
    failure::{Failure, Kind},
    providers::CallbackAnswers,
    sts::limits,
    task::question::{Answer, Asked, Question, Takes},
};
use std::{sync::Arc, time::Duration};

/// What somebody who waits for a task does about its question.
#[derive(Clone, Debug)]
pub enum Response {
    /// Asks the application, which may take so long.
    Ask(Asked, Duration),
    /// Takes what is held meanwhile.
    Serve(u64),
    /// Gives up: nobody here may ask.
    Refuse(Failure),
    /// Waits on, having seen so many changes.
    Wait(u64),
}

impl Session {
    /// What somebody who waits for `task` as `owner`, and may take `takes`, does about its question.
    pub fn respond(
        &self,
        purpose: Purpose,
        task: &Arc<Fetch>,
        owner: u64,
        takes: Takes,
    ) -> Response {
        let (asked, seen) = task.asked();
        let Some(asked) = asked else {
            return Response::Wait(seen);
        };
        if let Some((asked, limit)) = task.take(owner, takes) {
            return Response::Ask(asked, limit);
        }
        if purpose == Purpose::Help || !matches!(asked.question, Question::TokenCode(_)) {
            return Response::Wait(seen);
        }
        let meanwhile = self.synced().servable_meanwhile();
        match meanwhile.filter(|_| purpose == Purpose::Credentials) {
            Some(serial) => Response::Serve(serial),
            None if asked.is_taken || takes.token_code => Response::Wait(seen),
            None => Response::Refuse(Failure::no_credentials(
                "The next credentials need an MFA code, and no person is asked in the background.",
                "Read the credentials of this session on a thread of your own.",
            )),
        }
    }

    /// Answers the question of `task` that `owner` took. An answer that comes too late serves the
    /// fetch in flight now, or starts the next one: that is returned, to be waited for instead.
    pub fn answer(
        &self,
        purpose: Purpose,
        task: &Arc<Fetch>,
        owner: u64,
        outcome: Result<Answer, Failure>,
    ) -> Option<Arc<Fetch>> {
        let outcome = outcome.and_then(checked);
        let Some(Ok(answer)) = task.answer(owner, outcome) else {
            return None;
        };
        if !task.is_ours() {
            return None; // asked by the parent of this process, which sends the answer itself
        }
        let mut state = self.synced();
        if let Some(in_flight) = &state.task {
            in_flight.task.answer_untaken(answer);
        } else {
            let now = state.now();
            if !state.refresh.needs_refresh(now) || state.is_spaced() {
                return None;
            }
            let answers = CallbackAnswers::of(answer);
            let identity = purpose == Purpose::Identity;
            self.launch(&mut state, answers, identity, None).ok()?;
        }
        let in_flight = state.task.as_mut()?;
        in_flight.is_awaited |= purpose != Purpose::Help;
        Some(Arc::clone(&in_flight.task))
    }
}

/// What the application gave, before it is sent. What is wrong with it may be right the next time, so
/// it is no failure of the configuration.
fn checked(answer: Answer) -> Result<Answer, Failure> {
    let outcome = match &answer {
        Answer::TokenCode(code) => limits::token_code(code.expose()),
        Answer::WebIdentityToken(token) => {
            limits::web_identity_token("web_identity_token", token.expose())
        }
        Answer::Source(_) => Ok(()),
    };
    match outcome {
        Ok(()) => Ok(answer),
        Err(failure) => Err(Failure {
            kind: Kind::NoCredentials,
            ..failure
        }),
    }
}
