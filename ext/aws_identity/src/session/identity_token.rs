//! Tokens of STS that say who this process is, one request in flight for each.

use super::{Session, state::State};
use crate::{
    failure::Failure,
    fetch::{self, FetchRequest},
    sts::IdentityTokenRequest,
    task::{deadline::Deadline, fetch_task::FetchTask},
    tokens::{Look, Token, TokenFetch},
    util::time::Moment,
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
        let (held, is_behind) = match state.tokens.look(request, now) {
            Look::Ready(token) => return Ok(TokenStep::Ready(token.into())),
            Look::Failed(failure) => {
                state.refuse_key(&failure);
                return Err(failure);
            }
            Look::Wait(task) => return Ok(TokenStep::Wait(task)),
            Look::Fetch(held) => (held, false),
            Look::FetchBehind(token) => (Some(token), true),
        };
        let begun = self.fetch_identity_token(&mut state, request, now);
        match (begun, held) {
            (Ok(task), _) if !is_behind => Ok(TokenStep::Wait(task)),
            // Like a fetch that fails, one that cannot begin leaves the held token its place.
            (_, Some(token)) => Ok(TokenStep::Ready(token.into())),
            (begun, None) => begun.map(TokenStep::Wait),
        }
    }

    fn fetch_identity_token(
        &self,
        state: &mut State,
        request: &IdentityTokenRequest,
        now: Moment,
    ) -> Result<Arc<TokenFetch>, Failure> {
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
            held: Some(Arc::clone(&credentials)),
            region: Some(state.held_region()),
            clock_offset: offset,
            secrets: state.secrets(),
            ..FetchRequest::default()
        };
        let task = FetchTask::spawn(gate, deadline, move |context| {
            fetch::identity_token(settings, credentials, fetched, asked, gate, context)
        })?;
        state.tokens.add(request.clone(), Arc::clone(&task));
        Ok(task)
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
        if let Err(failure) = &outcome {
            state.refuse_key(failure);
        }
        Some(outcome.map(Into::into))
    }
}

impl State {
    /// STS refuses the key of `failure`, as it would refuse it for everything else.
    fn refuse_key(&mut self, failure: &Failure) {
        if let Some(key) = &failure.refused_key {
            self.invalidate(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        config::{Layers, Settings},
        credentials::Secret,
        failure::Kind,
        refresh::Range,
        session::runtime::{Fetch, Runtime},
        sts::IdentityToken,
        task::fork_gate::{NoFork, SharedGate},
        util::time::Millis,
    };
    use std::{
        collections::BTreeMap,
        sync::atomic::{AtomicBool, AtomicI64, Ordering::Relaxed},
        time::Duration,
    };

    const LIFE: Millis = 300_000;

    /// The clocks of the machine, and so much more.
    struct Later(AtomicI64);

    impl Runtime for Later {
        fn now(&self) -> Moment {
            let (now, passed) = (Moment::now(), self.0.load(Relaxed));
            Moment {
                wall: now.wall + passed,
                boot: now.boot + passed,
            }
        }
        fn process(&self) -> u32 {
            std::process::id()
        }
        fn pick(&self, range: Range) -> Millis {
            *range.start()
        }
        fn start(
            &self,
            _: &Arc<Settings>,
            _: FetchRequest,
            _: SharedGate,
        ) -> Result<Arc<Fetch>, Failure> {
            Err(Failure::internal("no thread", ""))
        }
    }

    fn completed(outcome: Result<IdentityToken, Failure>) -> Arc<TokenFetch> {
        let deadline = Deadline::new(Duration::from_secs(1), None);
        let task = TokenFetch::spawn(&NoFork, deadline, |_| async { outcome }).unwrap();
        task.wait(&AtomicBool::new(false));
        task
    }

    /// It has no credentials, so that no fetch of a token can begin.
    #[test]
    fn a_fetch_that_cannot_begin_leaves_the_held_token_its_place() {
        let clock = Arc::new(Later(AtomicI64::new(0)));
        let settings = Settings::new(Layers::default()).unwrap();
        let session = Session::with_runtime(settings, &NoFork, Arc::clone(&clock) as _);
        let request = IdentityTokenRequest {
            audience: ["a".to_owned()].into(),
            duration_seconds: 300,
            signing_algorithm: "RS256".to_owned(),
            tags: BTreeMap::new(),
        };
        let add = |outcome| {
            let task = completed(outcome);
            session.synced().tokens.add(request.clone(), task);
        };
        let read = || match session.identity_token(&request) {
            Ok(TokenStep::Ready(token)) => Ok(token.text.expose().to_owned()),
            Ok(TokenStep::Wait(_)) => panic!("a fetch has begun"),
            Err(failure) => Err(failure.kind),
        };
        assert_eq!(read(), Err(Kind::NoCredentials));
        add(Ok(IdentityToken {
            text: Secret::new("token"),
            expires_at: Moment::now().wall + LIFE,
            clock_offset: None,
        }));
        assert_eq!(read().as_deref(), Ok("token"));
        clock.0.store(LIFE - 30_000, Relaxed);
        assert_eq!(read().as_deref(), Ok("token"), "in the last minute");
        add(Err(Failure::new(Kind::Connection, "no network.", "")));
        assert_eq!(read().as_deref(), Ok("token"), "an outage");
        clock.0.store(LIFE - 10_000, Relaxed);
        assert_eq!(read().as_deref(), Ok("token"), "after the outage");
        clock.0.store(LIFE, Relaxed);
        assert_eq!(read(), Err(Kind::NoCredentials), "it has ended");
    }
}
