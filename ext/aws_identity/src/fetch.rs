//! The job of a flight: base credentials, the roles on top, and who that makes us.

mod disk_cache;
pub(crate) mod endpoint;
mod roles;

pub use crate::util::time::now;

pub(crate) use roles::{AssumeRoles, needed_serial, session_name, uses_profile};

use crate::{
    attempt::Attempt,
    config::Settings,
    credentials::{Credentials, Millis},
    failure::Failure,
    http::Http,
    identity::Identity,
    profile::{self, Files, ProfileChain},
    providers::{CallbackAnswers, Callbacks, ProviderChain, Record},
    sts::{Endpoint, Sts},
    task::deadline::Deadline,
    task::fetch_task::Context,
    task::fork_gate::SharedGate,
};
use std::sync::Arc;

/// What a flight is asked to bring.
#[derive(Clone, Debug, Default)]
pub struct FetchRequest {
    /// Credentials that are good and need not be fetched again.
    pub held: Option<Arc<Credentials>>,
    /// The region the held set came with: IMDS may have told it.
    pub region: Option<String>,
    /// Whether the identity is wanted too.
    pub identity: bool,
    /// The key id of a set that a service refused: it is taken out of the cache on disk, and what
    /// is there is not looked at.
    pub refused_key: Option<String>,
    /// What the application gave already.
    pub answers: CallbackAnswers,
    /// Whether a helper thread waits for the questions that need no reader.
    pub has_helper: bool,
    /// How far STS's clock was ahead of ours when it was last asked.
    pub clock_offset: Millis,
}

/// What a flight brings.
#[derive(Debug)]
pub struct FetchResult {
    pub credentials: Arc<Credentials>,
    /// True where they were fetched, false where `FetchRequest::held` was good enough.
    pub is_new: bool,
    /// True where a person has to be asked for each new set.
    pub is_attended: bool,
    /// The identity, or why it is not known; `None` where nobody asked.
    pub identity: Option<Result<Identity, Failure>>,
    pub region: String,
    pub attempts: Vec<Attempt>,
    /// What went wrong without standing in the way, for the log.
    pub warnings: Vec<String>,
    /// How far STS's clock is ahead of ours, where it was asked.
    pub clock_offset: Option<Millis>,
}

/// Does what `order` says. On failure the failure carries the attempts.
pub async fn fetch(
    settings: Arc<Settings>,
    order: FetchRequest,
    gate: SharedGate,
    context: Context,
) -> Result<FetchResult, Failure> {
    let deadline = &context.deadline;
    let mut record = Record::new(deadline);
    let outcome = match Fetch::new(&settings, &order, gate, &context) {
        Ok(mut job) => deadline.bound(Box::pin(job.run(&mut record))).await,
        Err(failure) => Some(Err(failure)),
    };
    let outcome = outcome.unwrap_or_else(|| Err(record.interrupted(deadline.overdue())));
    let (attempts, warnings) = record.into_parts();
    match outcome {
        Ok(fetched) => Ok(FetchResult {
            attempts,
            warnings,
            ..fetched
        }),
        Err(failure) => Err(Failure {
            attempts,
            ..failure
        }),
    }
}

struct Fetch<'a> {
    settings: &'a Settings,
    order: &'a FetchRequest,
    deadline: &'a Deadline,
    callbacks: Callbacks<'a>,
    http: Http,
    profile_chain: Result<ProfileChain, Failure>,
    endpoint: Endpoint,
    session_name: String,
    is_attended: bool,
}

impl<'a> Fetch<'a> {
    fn new(
        settings: &'a Settings,
        order: &'a FetchRequest,
        gate: SharedGate,
        context: &'a Context,
    ) -> Result<Self, Failure> {
        let profile_chain = profile_chain(settings)?;
        let mut http = Http::new(settings, gate);
        if let Some(bundle) = profile_chain
            .as_ref()
            .ok()
            .and_then(|profile_chain| profile_chain.ca_bundle.as_ref())
        {
            http.set_profile_ca_bundle(bundle.into());
        }
        let endpoint = endpoint::endpoint(settings, profile_chain.as_ref().ok())?;
        let mut job = Self {
            settings,
            order,
            deadline: &context.deadline,
            callbacks: Callbacks {
                answers: &order.answers,
                asker: &context.asker,
                settings,
                has_helper: order.has_helper,
            },
            http,
            profile_chain,
            endpoint,
            session_name: session_name(),
            is_attended: false,
        };
        if let Some(region) = order.region.clone().filter(|_| !job.names_region()) {
            job.endpoint.region = region;
        }
        Ok(job)
    }

    async fn run(&mut self, record: &mut Record) -> Result<FetchResult, Failure> {
        let (credentials, is_new) = match &self.order.held {
            Some(held) => (Arc::clone(held), false),
            None => (Arc::new(self.credentials(record).await?), true),
        };
        let identity = if self.order.identity {
            // Its own time-out does not cost the credentials that are there.
            let asked = self.deadline.bound(self.identity(&credentials)).await;
            Some(asked.unwrap_or_else(|| Err(self.deadline.overdue())))
        } else {
            None
        };
        Ok(FetchResult {
            credentials,
            is_new,
            is_attended: self.is_attended,
            identity,
            region: self.endpoint.region.clone(),
            attempts: Vec::new(),
            warnings: Vec::new(),
            clock_offset: self.http.clock_offset(),
        })
    }

    async fn credentials(&mut self, record: &mut Record) -> Result<Credentials, Failure> {
        let walk = ProviderChain {
            settings: self.settings,
            http: &self.http,
            endpoint: &self.endpoint,
            callbacks: self.callbacks,
            deadline: self.deadline,
            profile_chain: self.profile_chain.as_ref(),
            session_name: &self.session_name,
            now: now(),
        };
        let found = walk.base(record).await?;
        if let Some(imds) = &found.imds
            && !self.names_region()
            && let Some(region) = imds.region().await
        {
            self.endpoint.region = region;
        }
        let climb = AssumeRoles {
            settings: self.settings,
            profile_chain: self.profile_chain.as_ref().ok(),
            http: &self.http,
            endpoint: &self.endpoint,
            order: self.order,
            callbacks: self.callbacks,
            deadline: self.deadline,
            session_name: &self.session_name,
        };
        let is_attended = climb.is_attended(found.from_profile);
        let set = climb.assume(found, record).await?;
        self.is_attended = is_attended;
        Ok(set)
    }

    async fn identity(&self, keys: &Credentials) -> Result<Identity, Failure> {
        let principal = Sts::new(&self.http, &self.endpoint)
            .caller_identity(keys)
            .await?;
        let milliseconds = u64::try_from(self.deadline.took().as_millis()).unwrap_or(u64::MAX);
        Ok(Identity {
            canonical_name: principal.canonical_name(self.settings.name_with_account),
            region: self.endpoint.region.clone(),
            source: keys.source.clone(),
            milliseconds,
            principal,
        })
    }

    fn names_region(&self) -> bool {
        self.settings.region.is_some()
            || self
                .profile_chain
                .as_ref()
                .is_ok_and(|profile_chain| profile_chain.region.is_some())
    }
}

/// What the chosen profile says. The outer failure is one that no other source may hide: the files
/// cannot be read, or a profile that was named does not exist.
pub(crate) fn profile_chain(settings: &Settings) -> Result<Result<ProfileChain, Failure>, Failure> {
    let files = Files::load(&settings.environment.to_map())?;
    let Some(named) = &settings.profile else {
        return Ok(profile::resolve(&files, "default"));
    };
    if !files.contains(&named.value) && named.value != "default" {
        return Err(files
            .missing(&named.value)
            .within(&format!("profile ({})", named.origin.label())));
    }
    Ok(profile::resolve(&files, &named.value))
}
