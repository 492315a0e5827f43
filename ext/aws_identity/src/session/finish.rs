//! What a completed fetch means for the callers that waited for it.

use super::{
    Fetch, Purpose, Rounds, Session,
    expired::{already_expired, came_expired},
    state::State,
};
use crate::{failure::Failure, refresh::is_final, util::time::Moment};
use std::sync::Arc;

impl Session {
    /// The outcome of `task` for a caller that waited for it. `None`: the parent process runs it,
    /// it was withdrawn, or it brought this caller nothing; the caller begins again, as often as
    /// `rounds` allows.
    pub fn finish(
        &self,
        purpose: Purpose,
        task: &Arc<Fetch>,
        rounds: &mut Rounds,
    ) -> Option<Result<u64, Failure>> {
        let outcome = match purpose {
            Purpose::Credentials | Purpose::Lasting => self.settle(task),
            Purpose::Identity => self.settle_identity(task),
            Purpose::Refresh => self.settle_refresh(task),
            Purpose::Prefetch => Some(Ok(1)),
            Purpose::Help => Some(Ok(0)),
        };
        outcome.or_else(|| rounds.next(task).err().map(Err))
    }

    /// The outcome of `task` for a reader of the credentials.
    fn settle(&self, task: &Arc<Fetch>) -> Option<Result<u64, Failure>> {
        let state = self.synced();
        let now = state.now();
        match task.completed() {
            None if !task.is_ours() => None,
            // It was waited for because these credentials are not to be used any more.
            _ if task.is_for_identity() => None,
            None => Some(Self::after_failure(&state, task.overdue(), now)),
            Some((Ok(_), _)) if state.refresh.is_servable(now) => Some(Ok(state.serial)),
            Some((Ok(fetched), completion))
                if came_expired(&fetched.credentials, state.skew, *completion)
                    && state.refresh.held(now).is_none() =>
            {
                Some(Err(already_expired(&fetched.credentials)))
            }
            // They have expired since, or were refused before they came.
            Some((Ok(_), _)) => None,
            Some((Err(_), _)) if task.is_withdrawn() => None,
            Some((Err(failure), _)) => Some(Self::after_failure(&state, failure.clone(), now)),
        }
    }

    /// The same for a caller that forced the fetch: a failure is raised even if credentials are
    /// held.
    fn settle_refresh(&self, task: &Arc<Fetch>) -> Option<Result<u64, Failure>> {
        let state = self.synced();
        match task.completed() {
            None if !task.is_ours() => None,
            _ if task.is_for_identity() => None,
            None => Some(Err(task.overdue())),
            Some((Err(_), _)) if task.is_withdrawn() => None,
            Some((Err(failure), _)) => Some(Err(failure.clone())),
            Some((Ok(fetched), completion))
                if came_expired(&fetched.credentials, state.skew, *completion) =>
            {
                Some(Err(already_expired(&fetched.credentials)))
            }
            Some((Ok(_), _)) if state.refresh.is_servable(state.now()) => Some(Ok(state.serial)),
            Some((Ok(_), _)) => None,
        }
    }

    /// The same for a reader of the identity.
    fn settle_identity(&self, task: &Arc<Fetch>) -> Option<Result<u64, Failure>> {
        let state = self.synced();
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
            Some(Err(failure))
                if !state.is_final(failure, state.now()) && state.knows_identity(state.now()) =>
            {
                Some(Ok(state.identity_serial))
            }
            // Credentials could not be fetched, and the next fetch asks for the identity with the
            // held ones.
            Some(Err(failure))
                if !task.is_for_identity()
                    && !is_final(failure)
                    && state.refresh.is_servable(state.now())
                    && state.refresh.expired(state.now()).is_none() =>
            {
                None
            }
            Some(Err(failure)) => Some(Err(failure.clone())),
        }
    }

    fn after_failure(state: &State, failure: Failure, now: Moment) -> Result<u64, Failure> {
        if state.is_final(&failure, now) || !state.refresh.is_servable(now) {
            return Err(failure);
        }
        Ok(state.serial)
    }
}
