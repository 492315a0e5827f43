//! What a completed fetch means for the callers that waited for it.

use super::{
    Fetch, Purpose, Session,
    state::{State, already_expired},
};
use crate::{credentials::Millis, failure::Failure, refresh::is_final};
use std::sync::Arc;

impl Session {
    /// The outcome of `task` for a caller that waited for it. `None`: the parent process runs it,
    /// it was withdrawn, or its outcome is no longer valid; the caller begins again.
    pub fn finish(&self, purpose: Purpose, task: &Arc<Fetch>) -> Option<Result<u64, Failure>> {
        match purpose {
            Purpose::Credentials | Purpose::Lasting => self.settle(task),
            Purpose::Identity => self.settle_identity(task),
            Purpose::Refresh => self.settle_refresh(task),
            Purpose::Prefetch => Some(Ok(1)),
            Purpose::Help => Some(Ok(0)),
        }
    }

    /// The outcome of `task` for a reader of the credentials.
    pub fn settle(&self, task: &Arc<Fetch>) -> Option<Result<u64, Failure>> {
        let state = self.synced();
        let now = state.now();
        match task.completed() {
            None if !task.is_ours() => None,
            None => Some(Self::after_failure(&state, task.overdue(), now)),
            Some((Ok(_), _)) if state.is_servable(now) => Some(Ok(state.serial)),
            // The credentials had expired when the fetch completed, and no others are held.
            Some((Ok(fetched), completion))
                if state.refresh.held(now).is_none()
                    && fetched
                        .credentials
                        .is_expired_at(state.corrected(completion.at)) =>
            {
                Some(Err(already_expired(&fetched.credentials)))
            }
            // The credentials expired before the waiting reader was scheduled.
            Some((Ok(_), _)) => None,
            Some((Err(_), _)) if task.is_withdrawn() => None,
            Some((Err(failure), _)) => Some(Self::after_failure(&state, failure.clone(), now)),
        }
    }

    /// The same for a caller that forced the fetch: a failure is raised even if credentials are
    /// held.
    pub fn settle_refresh(&self, task: &Arc<Fetch>) -> Option<Result<u64, Failure>> {
        let state = self.synced();
        match task.completed() {
            None if !task.is_ours() => None,
            None => Some(Err(task.overdue())),
            Some((Err(_), _)) if task.is_withdrawn() => None,
            Some((Err(failure), _)) => Some(Err(failure.clone())),
            Some((Ok(fetched), completion))
                if fetched
                    .credentials
                    .is_expired_at(state.corrected(completion.at))
                    && fetched.credentials.degraded.is_none() =>
            {
                Some(Err(already_expired(&fetched.credentials)))
            }
            Some((Ok(_), _)) => Some(Ok(state.serial)),
        }
    }

    /// The same for a reader of the identity.
    pub fn settle_identity(&self, task: &Arc<Fetch>) -> Option<Result<u64, Failure>> {
        let state = self.synced();
        let now = state.now();
        match task.outcome() {
            None if !task.is_ours() => None,
            None => Some(Err(task.overdue())),
            Some(Ok(fetched)) => match &fetched.identity {
                Some(Ok(_)) if state.identity.is_some() => Some(Ok(state.identity_serial)),
                Some(Err(failure)) => Some(Err(failure.clone())),
                // The fetch was for credentials alone, or the identity was forgotten meanwhile.
                _ => None,
            },
            Some(Err(_)) if task.is_withdrawn() => None,
            // A failed refresh, such as of a file that is being rewritten, leaves what is known.
            Some(Err(failure)) if !state.is_final(failure, now) && state.knows_identity(now) => {
                Some(Ok(state.identity_serial))
            }
            // The held credentials are still served, so the next fetch asks for the identity with
            // them.
            Some(Err(failure))
                if !is_final(failure)
                    && state
                        .refresh
                        .held(now)
                        .is_some_and(|credentials| !credentials.is_expired_at(now)) =>
            {
                None
            }
            Some(Err(failure)) => Some(Err(failure.clone())),
        }
    }

    fn after_failure(state: &State, failure: Failure, now: Millis) -> Result<u64, Failure> {
        if state.is_final(&failure, now) || !state.is_servable(now) {
            return Err(failure);
        }
        Ok(state.serial)
    }
}
