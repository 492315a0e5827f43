//! `Native::Examination`: an examination of the doctor in flight. It holds no Ruby value, so it needs no GC marking.

use crate::{
    convert,
    error::{self, guard},
    fork::GATE,
    wait::wait,
};
use aws_identity::{
    doctor::{self, Order, Part},
    session,
    task::fetch_task::{Heed, Woken},
};
use magnus::{Error, RArray, RHash, Ruby, Value, value::ReprValue};
use std::sync::Arc;

/// The one waiter that takes questions.
const OWNER: u64 = 1;

#[magnus::wrap(
    class = "Legion::Extensions::Identity::Aws::Internal::Native::Examination",
    free_immediately,
    size
)]
pub struct Examination(Arc<doctor::Examination>);

impl Examination {
    /// Starts it. `role`: it examines the role of these layers alone.
    pub fn start(
        ruby: &Ruby,
        layers: RHash,
        assume: bool,
        role: bool,
        in_program: bool,
    ) -> Result<Self, Error> {
        guard(ruby, || {
            let layers = convert::layers(ruby, layers)?;
            let order = Order {
                part: if role { Part::Role } else { Part::Whole },
                assume,
                in_program,
            };
            error::checked(ruby, doctor::spawn(layers, order, &GATE)).map(Self)
        })
    }

    /// Waits for its findings, an Array, or for a question of these kinds, a Hash, to `answer` now.
    pub fn wait(ruby: &Ruby, this: &Self, takes: RArray) -> Result<Value, Error> {
        guard(ruby, || {
            let takes = convert::takes(ruby, takes)?;
            let mut seen = 0;
            loop {
                let heed = Heed {
                    questions_after: Some(seen),
                    parked: false,
                };
                if wait(&this.0, heed)? != Woken::Asked {
                    let findings = error::checked(ruby, doctor::outcome(&this.0))?;
                    return Ok(convert::findings(ruby, findings)?.as_value());
                }
                // Read first: a question that comes after the look is one not seen yet.
                seen = this.0.asked().1;
                if let Some((asked, limit)) = this.0.take(OWNER, takes) {
                    return Ok(convert::question(ruby, &asked, limit)?.as_value());
                }
            }
        })
    }

    /// Answers the question, with a Hash of its kind or a String that says why there is no answer.
    pub fn answer(ruby: &Ruby, this: &Self, answer: Value) -> Result<(), Error> {
        guard(ruby, || {
            let answer = convert::answer(ruby, answer)?.and_then(session::checked);
            let _ = this.0.answer(OWNER, answer); // one that comes too late is of no use
            Ok(())
        })
    }

    /// Its caller waits no more. Does nothing where it has completed.
    pub fn leave(ruby: &Ruby, this: &Self) -> Result<(), Error> {
        guard(ruby, || {
            this.0.cancel_questions();
            Ok(())
        })
    }
}
