//! Tokens of STS that say who this process is, one request in flight for each.

use super::Session;
use crate::{
    failure::Failure,
    fetch::{self, FetchRequest},
    sts::IdentityTokenRequest,
    task::{deadline::Deadline, fetch_task::FetchTask},
    tokens::{Look, Token, TokenFetch},
};
use std::sync::Arc;

/// What a reader of a token does next.
pub enum TokenStep {
    Ready(Token),
    /// Wait for this task, then call [`Session::finish_identity_token`].
    Wait(Arc<TokenFetch>),
}

impl Session {
    /// Begins a read of the token for `request`. It is signed with the held credentials: a caller
    /// reads them first.
    pub fn identity_token(&self, request: &IdentityTokenRequest) -> Result<TokenStep, Failure> {
        request.check()?;
        let mut state = self.synced();
        let now = state.now();
        match state.tokens.look(request, now) {
            Look::Ready(token) => return Ok(TokenStep::Ready(token.into())),
            Look::Failed(failure) => return Err(failure),
            Look::Wait(task) => return Ok(TokenStep::Wait(task)),
            Look::Fetch => {}
        }
        let Some(credentials) = state.refresh.held(now).map(Arc::clone) else {
            return Err(Failure::no_credentials(
                "There are no credentials to ask for a token with.",
                "Read the credentials of this session first.",
            ));
        };
        let deadline = Deadline::new(
            self.settings.resolve_timeout.value,
            self.settings.deadline_cap,
        );
        let (settings, asked) = (Arc::clone(&self.settings), request.clone());
        let offset = now.wall - state.runtime.now().wall;
        let gate = self.gate;
        let fetched = FetchRequest {
            region: Some(state.region.clone()),
            clock_offset: offset,
            secrets: state.secrets(),
            ..FetchRequest::default()
        };
        let task = FetchTask::spawn(gate, deadline, move |context| {
            fetch::identity_token(settings, credentials, fetched, asked, gate, context)
        })?;
        state.tokens.add(request.clone(), Arc::clone(&task));
        Ok(TokenStep::Wait(task))
    }

    /// The outcome of `task`, which has completed or will never complete; `None` if the parent
    /// process runs it, so that the caller begins another.
    pub fn finish_identity_token(
        &self,
        request: &IdentityTokenRequest,
        task: &TokenFetch,
    ) -> Option<Result<Token, Failure>> {
        if !task.is_ours() {
            return None;
        }
        let mut state = self.synced();
        let now = state.now();
        let outcome = state.tokens.outcome(request, task, now);
        // STS refuses the key, as it would refuse it for everything else.
        if let Err(failure) = &outcome
            && let Some(key) = &failure.refused_key
        {
            state.invalidate(key);
        }
        Some(outcome.map(Into::into))
    }
}
