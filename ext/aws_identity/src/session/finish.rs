//! What a fetch that has completed means for those who waited for it.

use super::{
    Fetch, Purpose, Session,
    state::{State, already_expired},
};
use crate::{credentials::Millis, failure::Failure, refresh::is_final};
use std::sync::Arc;

impl Session {
    /// What `task` brought to somebody who waited for it. `None`: it was lost, is of a process that is
    /// no longer this one, or came too long ago; begin again.
    pub fn finish(&self, purpose: Purpose, task: &Arc<Fetch>) -> Option<Result<u64, Failure>> {
        match purpose {
            Purpose::Credentials => self.settle(task),
            Purpose::Identity => self.settle_identity(task),
            Purpose::Refresh => self.settle_refresh(task),
            Purpose::Prefetch => Some(Ok(1)),
            Purpose::Help => Some(Ok(0)),
        }
    }

    /// What `task` brought to a reader of the credentials.
    pub fn settle(&self, task: &Arc<Fetch>) -> Option<Result<u64, Failure>> {
        let state = self.synced();
        let now = state.now();
        match task.completed() {
            None if !task.is_ours() => None,
            None => Some(Self::after_failure(&state, task.overdue(), now)),
            Some((Ok(_), _)) if state.is_servable(now) => Some(Ok(state.serial)),
            // It had expired when it came, and nothing else is held.
            Some((Ok(fetched), completion))
                if state.refresh.held(now).is_none()
                    && fetched
                        .credentials
                        .is_expired_at(state.corrected(completion.at)) =>
            {
                Some(Err(already_expired(&fetched.credentials)))
            }
            // It expired while the reader slept.
            Some((Ok(_), _)) => None,
            Some((Err(_), _)) if task.is_withdrawn() => None,
            Some((Err(failure), _)) => Some(Self::after_failure(&state, failure.clone(), now)),
        }
    }

    /// The same for one who forced the fetch: a failure is raised even if a set is held.
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
                // It was under way for credentials alone, or the answer was forgotten meanwhile.
                _ => None,
            },
            Some(Err(_)) if task.is_withdrawn() => None,
            // The held set is served on: the identity can be asked with it.
            Some(Err(failure))
                if !is_final(failure)
                    && state
                        .refresh
                        .held(now)
                        .is_some_and(|set| !set.is_expired_at(now)) =>
            {
                None
            }
            Some(Err(failure)) => Some(Err(failure.clone())),
        }
    }

    fn after_failure(state: &State, failure: Failure, now: Millis) -> Result<u64, Failure> {
        if is_final(&failure) || !state.is_servable(now) {
            return Err(failure);
        }
        Ok(state.serial)
    }
}
