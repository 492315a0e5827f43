//! What a caller that waits for a fetch does about its question.

use super::{Fetch, Purpose, Session, begin::Wanted};
use crate::{
    failure::{Failure, Kind},
    providers::CallbackAnswers,
    region::check_region,
    sts::limits,
    task::question::{Answer, Asked, Question, Takes},
};
use std::{sync::Arc, time::Duration};

const OF_SOURCE: &str = "The region of the credentials of the source";

/// What a caller that waits for a task does about its question.
#[derive(Clone, Debug)]
pub enum Response {
    /// Asks the application, which may take this long.
    Ask(Asked, Duration),
    /// Uses the held credentials with this serial meanwhile.
    Serve(u64),
    /// Raises: the caller may not ask the application, and no credentials can be served.
    Refuse(Failure),
    /// Goes on waiting, with this number of changes seen.
    Wait(u64),
}

impl Session {
    /// What a caller that waits for `task` as `owner`, and may take `takes`, does about its
    /// question.
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
        match meanwhile.filter(|_| matches!(purpose, Purpose::Credentials | Purpose::Lasting)) {
            Some(serial) => Response::Serve(serial),
            None if asked.is_taken || takes.token_code => Response::Wait(seen),
            None => Response::Refuse(Failure::no_credentials(
                "The next credentials need an MFA code, and there is no MFA prompt in the background.",
                "Read the credentials of this session on a thread of your own.",
            )),
        }
    }

    /// Answers the question of `task` that `owner` took. An answer that comes too late goes to the
    /// fetch in flight now, or to a new one; the caller waits for the returned task instead.
    pub fn answer(
        &self,
        purpose: Purpose,
        task: &Arc<Fetch>,
        owner: u64,
        outcome: Result<Answer, Failure>,
    ) -> Option<Arc<Fetch>> {
        let outcome = outcome.and_then(checked);
        let late = task.answer(owner, outcome)?;
        if !task.is_ours() {
            return None; // the parent process asked, and sends the answer itself
        }
        let mut state = self.synced();
        let Ok(answer) = late else {
            // The fetch in flight may count on this helper thread, which has no answer for it.
            if let Some(in_flight) = state.task.as_ref().filter(|_| purpose == Purpose::Help) {
                in_flight.task.lose_helper();
            }
            return None;
        };
        if let Some(in_flight) = &state.task {
            in_flight.task.answer_untaken(answer);
        } else {
            let now = state.now();
            if !state.refresh.needs_refresh(now) || state.failed_within_spacing() {
                return None;
            }
            let answers = CallbackAnswers::of(answer);
            let identity = purpose == Purpose::Identity;
            self.start(
                &mut state,
                answers,
                Wanted {
                    identity,
                    is_awaited: purpose != Purpose::Help,
                },
                None,
            )
            .ok()?;
        }
        let in_flight = state.task.as_mut()?;
        in_flight.is_awaited |= purpose != Purpose::Help;
        Some(Arc::clone(&in_flight.task))
    }
}

/// Checks an answer of the application before it is sent. The next answer may be valid, so an
/// invalid one is no failure of the configuration.
pub fn checked(answer: Answer) -> Result<Answer, Failure> {
    let outcome = match &answer {
        Answer::TokenCode(code) => limits::token_code(code.expose()),
        Answer::WebIdentityToken(token) => {
            limits::web_identity_token("web_identity_token", token.expose())
        }
        Answer::Source(supplied) => {
            let names = [
                "access_key_id",
                "secret_access_key",
                "session_token",
                "account_id",
            ];
            let defect = supplied.credentials.defect(names);
            defect.map_or_else(
                || {
                    let region = supplied.region.as_deref();
                    region.map_or(Ok(()), |region| check_region(OF_SOURCE, region))
                },
                |(name, what)| {
                    Err(Failure::no_credentials(
                        format!(
                            "The credentials of the source have a value for {name} that {what}."
                        ),
                        "Check the object that is given as source.",
                    ))
                },
            )
        }
    };
    match outcome {
        Ok(()) => Ok(answer),
        Err(failure) => Err(Failure {
            kind: Kind::NoCredentials,
            ..failure
        }),
    }
}
