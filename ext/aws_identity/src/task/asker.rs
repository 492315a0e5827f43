//! The job's side of a question: asks, and waits for the answer.

use super::{
    deadline::Deadline,
    fork_gate::{Permit, SharedGate},
    question::{Answer, Limits, Question},
    slot::{Reply, Slot},
};
use crate::failure::Failure;
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::time::{sleep, timeout};

/// How often a job that was answered looks for a free permit.
const PERMIT_INTERVAL: Duration = Duration::from_millis(10);

/// Closes the question when the job no longer waits for the answer.
struct Waits<'a>(&'a Slot);

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        self.0.forget();
    }
}

/// Asks the questions of one job.
pub struct Asker {
    task: Option<(Arc<Slot>, Arc<Deadline>, SharedGate)>,
    permit: Mutex<Option<Permit>>,
}

impl Asker {
    /// For a job that may not ask: each question fails and names what it asks for.
    #[must_use]
    pub fn declining(self) -> Self {
        Self { task: None, ..self }
    }

    pub(super) fn new(
        slot: Arc<Slot>,
        deadline: Arc<Deadline>,
        gate: SharedGate,
        permit: Option<Permit>,
    ) -> Self {
        Self {
            task: Some((slot, deadline, gate)),
            permit: Mutex::new(permit),
        }
    }

    pub async fn ask(&self, question: Question, limits: Limits) -> Result<Answer, Failure> {
        let unasked = question.unasked();
        let Some((slot, deadline, gate)) = &self.task else {
            return Err(unasked);
        };
        let pause = deadline.pause_for_answer();
        self.hold(None);
        let Some(mut inbox) = slot.open(question, limits) else {
            return Err(unasked);
        };
        let waits = Waits(slot);
        let outcome = loop {
            match timeout(slot.expires()?, inbox.recv()).await {
                Ok(Some(Reply::Answered(outcome))) => break *outcome,
                Ok(None) => break Err(unasked),
                Ok(Some(Reply::Changed)) | Err(_) => {} // it expires at another time now
            }
        };
        drop(waits);
        drop(pause);
        if outcome.is_ok() {
            while !self.hold(Permit::take(*gate)) {
                sleep(PERMIT_INTERVAL).await;
            }
        }
        outcome
    }

    /// Replaces the permit; true if there is one now.
    fn hold(&self, permit: Option<Permit>) -> bool {
        let mut held = self.permit.lock().unwrap_or_else(PoisonError::into_inner);
        *held = permit;
        held.is_some()
    }
}
