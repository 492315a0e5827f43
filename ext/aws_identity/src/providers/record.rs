//! The record of a fetch: every source and role that was asked, its outcome, and its duration.

use crate::{
    attempt::{Attempt, Outcome},
    failure::Failure,
    task::deadline::Deadline,
    util::foreign_text,
};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

/// The most characters of a failure in a line of the record; one that is longer ends in dots.
const SHOWN: usize = 200;

pub struct Record {
    attempts: Vec<Attempt>,
    warnings: Vec<String>,
    start: Instant,
    /// The deadline of the fetch, whose time leaves out the wait for answers.
    clock: Option<Arc<Deadline>>,
    /// When the current step began, from the start.
    since: Duration,
    asking: Option<String>,
}

impl Default for Record {
    fn default() -> Self {
        Self {
            attempts: Vec::new(),
            warnings: Vec::new(),
            start: Instant::now(),
            clock: None,
            since: Duration::ZERO,
            asking: None,
        }
    }
}

impl Record {
    /// The record of a fetch under `deadline`.
    #[must_use]
    pub fn new(deadline: &Arc<Deadline>) -> Self {
        Self {
            clock: Some(Arc::clone(deadline)),
            ..Self::default()
        }
    }

    /// Notes the source that is asked now, for [`Self::interrupted`].
    pub fn asks(&mut self, source: &str) {
        self.asking = Some(source.to_owned());
    }

    /// Adds the source that was being asked to `failure`, since the time ran out in the middle of a
    /// step.
    pub fn interrupted(&mut self, failure: Failure) -> Failure {
        match self.asking.take() {
            Some(source) => {
                self.note(&source, Outcome::Failed, "no answer in time");
                failure.within(&format!("While asking {source}"))
            }
            None => failure,
        }
    }

    pub fn found<T>(&mut self, source: &str, found: T) -> T {
        self.note(source, Outcome::Found, "");
        found
    }

    pub fn absent(&mut self, source: &str, reason: &str) {
        self.note(source, Outcome::Absent, reason);
    }

    pub fn failed(&mut self, source: &str, failure: Failure) -> Failure {
        let reason = foreign_text::cut(&failure.message(), SHOWN);
        self.note(source, Outcome::Failed, &reason);
        failure
    }

    /// Notes a problem that does not make the fetch fail.
    pub fn warn(&mut self, source: &str, warning: &str) {
        self.note(source, Outcome::Failed, warning);
        self.warnings.push(warning.to_owned());
    }

    /// Notes a warning that is about no source.
    pub fn tell(&mut self, warning: String) {
        self.warnings.push(warning);
    }

    /// The attempts so far, in order, and the warnings for the log.
    #[must_use]
    pub fn into_parts(self) -> (Vec<Attempt>, Vec<String>) {
        (self.attempts, self.warnings)
    }

    fn note(&mut self, source: &str, outcome: Outcome, reason: &str) {
        let now = match &self.clock {
            Some(deadline) => deadline.took(),
            None => self.start.elapsed(),
        };
        let took = now.saturating_sub(self.since);
        self.since = now;
        self.asking = None;
        self.attempts.push(Attempt {
            source: source.to_owned(),
            outcome,
            reason: reason.to_owned(),
            milliseconds: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_reason_ends_in_dots() {
        let mut record = Record::default();
        for length in [SHOWN, SHOWN + 1] {
            record.failed("imds", Failure::configuration("a".repeat(length), ""));
        }
        let reasons = record.into_parts().0.into_iter().map(|line| line.reason);
        let [whole, cut] = reasons.collect::<Vec<_>>().try_into().unwrap();
        assert_eq!(whole, "a".repeat(SHOWN));
        assert_eq!(cut, format!("{}...", "a".repeat(SHOWN - 3)));
    }
}
