//! What changed in a session, for those who listen. Never a secret.

use crate::{
    credentials::{Credentials, Millis},
    failure::Failure,
};
use std::collections::VecDeque;

/// A listener reads at least once a refresh; whoever misses more than this many reads the state.
const KEPT: usize = 64;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventKind {
    /// A new set is held.
    Refreshed,
    /// A flight failed.
    RefreshFailed,
    /// The held set is served on although it should have been replaced.
    Degraded,
    /// The held set has ended and is served for want of another.
    Expired,
    /// A service refused the held set.
    Invalidated,
}

impl EventKind {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Refreshed => "refreshed",
            Self::RefreshFailed => "refresh_failed",
            Self::Degraded => "degraded",
            Self::Expired => "expired",
            Self::Invalidated => "invalidated",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Counts up from 1.
    pub number: u64,
    pub kind: EventKind,
    pub access_key_id: Option<String>,
    pub expires_at: Option<Millis>,
    pub reason: Option<String>,
    /// How many flights have failed since the last good one.
    pub attempt: u64,
    pub at: Millis,
}

#[derive(Default)]
pub(super) struct Events {
    kept: VecDeque<Event>,
    last: u64,
    failures: u64,
}

impl Events {
    pub(super) fn add(
        &mut self,
        kind: EventKind,
        set: &Credentials,
        reason: Option<&str>,
        at: Millis,
    ) {
        if kind == EventKind::Refreshed {
            self.failures = 0;
        }
        self.push(Event {
            number: 0,
            kind,
            access_key_id: Some(set.access_key_id.clone()),
            expires_at: set.expires_at,
            reason: reason.map(str::to_owned),
            attempt: self.failures,
            at,
        });
    }

    pub(super) fn failed(&mut self, failure: &Failure, at: Millis) {
        self.failures += 1;
        self.push(Event {
            number: 0,
            kind: EventKind::RefreshFailed,
            access_key_id: None,
            expires_at: None,
            reason: Some(failure.message().clone()),
            attempt: self.failures,
            at,
        });
    }

    pub(super) fn since(&self, number: u64) -> Vec<Event> {
        self.kept
            .iter()
            .filter(|event| event.number > number)
            .cloned()
            .collect()
    }

    fn push(&mut self, event: Event) {
        self.last += 1;
        if self.kept.len() == KEPT {
            self.kept.pop_front();
        }
        self.kept.push_back(Event {
            number: self.last,
            ..event
        });
    }
}
