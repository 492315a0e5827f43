//! The events of a session, for its listeners. They hold no secret.

use crate::{
    credentials::{Credentials, Millis},
    failure::Failure,
};
use std::collections::VecDeque;

/// A listener reads events at least once a refresh; one that falls further behind loses the oldest.
const KEPT: usize = 64;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventKind {
    /// New credentials are held.
    Refreshed,
    /// A fetch failed.
    RefreshFailed,
    /// The held credentials are served past the time of their refresh, because it failed.
    Degraded,
    /// The held credentials have expired and are served because no fetch has replaced them.
    Expired,
    /// A service refused the held credentials.
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
    /// How many fetches have failed since the last good one.
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
        credentials: &Credentials,
        reason: Option<&str>,
        at: Millis,
    ) {
        if kind == EventKind::Refreshed {
            self.failures = 0;
        }
        self.push(Event {
            number: 0,
            kind,
            access_key_id: Some(credentials.access_key_id.clone()),
            expires_at: credentials.expires_at,
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
            reason: Some(failure.message()),
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
