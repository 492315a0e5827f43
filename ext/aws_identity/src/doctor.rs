//! Walks everything between this process and a working identity, and says what it found.
//!
//! Nothing here stops at the first trouble: what can still be looked at is looked at, in the way a
//! session would do it. No role is assumed unless that is asked for, no program is run and no token
//! traded for a source that would not be used. Findings never hold a secret.

mod advice;
mod cache;
mod files;
mod finding;
mod network;
mod roles;
mod sources;

pub use finding::{Finding, Status};

use crate::{
    config::region,
    config::{Layers, Settings},
    credentials::Credentials,
    failure::{Failure, Kind},
    fetch::{self, endpoint::endpoint},
    http::Http,
    profile::{BaseProvider, ProfileChain},
    providers::{CallbackAnswers, Callbacks},
    sts::{Endpoint, Sts},
    task::deadline::Deadline,
    task::fetch_task::FetchTask,
    task::fork_gate::SharedGate,
    task::question::Asker,
};
use serde_json::Value;
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::time::timeout;

/// How long the whole of it may take. Programs of `credential_process` have their own time on top.
const LIMIT: Duration = Duration::from_secs(30);
/// How long one check may take: more than the slowest of our requests, repetitions included.
const PATIENCE: Duration = Duration::from_secs(10);
/// Kept back, so that what was found is told in time.
const RESERVE: Duration = Duration::from_millis(500);

/// What is looked at, in this order.
pub const CHECKS: [&str; 8] = [
    "settings", "files", "sources", "network", "identity", "mfa", "role", "cache",
];

/// Starts the examination. `assume`: the roles are really assumed.
pub fn spawn(
    layers: Layers,
    assume: bool,
    gate: SharedGate,
) -> Result<Arc<FetchTask<Vec<Finding>>>, Failure> {
    FetchTask::spawn(gate, Deadline::new(LIMIT, None), move |context| async move {
        Ok(examine(layers, assume, gate, &context.deadline).await)
    })
}

/// What a landed examination brought.
pub fn outcome(examination: &FetchTask<Vec<Finding>>) -> Result<&[Finding], Failure> {
    match examination.outcome() {
        Some(Ok(findings)) => Ok(findings),
        Some(Err(failure)) if failure.kind != Kind::Timeout => Err(failure.clone()),
        _ => Err(Failure::timeout(
            format!(
                "The examination was given up after {} s. Check for a name server or a file system that hangs.",
                LIMIT.as_secs()
            ),
            "",
        )),
    }
}

async fn examine(
    layers: Layers,
    assume: bool,
    gate: SharedGate,
    deadline: &Deadline,
) -> Vec<Finding> {
    let environment = layers.environment.clone();
    let settings = match Settings::new(layers) {
        Ok(settings) => settings,
        Err(failure) => return without_settings(&failure, &environment),
    };
    let profile_chain = fetch::profile_chain(&settings);
    let mut http = Http::new(&settings, gate);
    let of_profile = profile_chain
        .as_ref()
        .ok()
        .and_then(|profile_chain| profile_chain.as_ref().ok());
    if let Some(bundle) = of_profile.and_then(|profile_chain| profile_chain.ca_bundle.as_ref()) {
        http.set_profile_ca_bundle(bundle.into());
    }
    let mut exam = Exam {
        settings: &settings,
        http,
        profile_chain,
        assume,
        deadline,
        session_name: fetch::session_name(),
        answers: CallbackAnswers::default(),
        asker: Asker::declining(),
        findings: Vec::new(),
    };
    exam.run().await;
    exam.findings
}

/// What can be said where the settings cannot be used.
fn without_settings(
    failure: &Failure,
    environment: &crate::environment::Environment,
) -> Vec<Finding> {
    let mut findings = vec![Finding::failed("settings", "settings", failure)];
    files::look(environment, None, None, &mut findings);
    let why = "not looked at, since the settings cannot be used";
    let rest = CHECKS.iter().skip(2);
    findings.extend(rest.map(|check| Finding::skipped(check, *check, why)));
    findings
}

/// One examination.
struct Exam<'a> {
    settings: &'a Settings,
    http: Http,
    /// The outer failure is one that ends every fetch.
    profile_chain: Result<Result<ProfileChain, Failure>, Failure>,
    assume: bool,
    deadline: &'a Deadline,
    session_name: String,
    answers: CallbackAnswers,
    /// An examination asks the application for nothing.
    asker: Asker,
    findings: Vec<Finding>,
}

impl Exam<'_> {
    async fn run(&mut self) {
        self.settings_in_force();
        let profile_chain = self.profile_chain().ok().cloned();
        files::look(
            &self.settings.environment,
            Some(self.settings),
            profile_chain.as_ref(),
            &mut self.findings,
        );
        let asked = endpoint(self.settings, profile_chain.as_ref());
        let mut endpoint = asked.clone().unwrap_or_else(|_| self.any_endpoint());
        let found = self.sources(&endpoint).await;
        if let Some(imds) = found.as_ref().and_then(|found| found.imds.as_ref())
            && !self.names_region()
            && let Ok(Some(region)) = self
                .within(PATIENCE, async { Ok(imds.region().await) })
                .await
        {
            endpoint.region = region;
        }
        let is_reached = match &asked {
            Ok(_) => self.network(&endpoint).await,
            Err(failure) => {
                let found = Finding::failed("network", "endpoint", failure);
                self.findings.push(found);
                false
            }
        };
        match &found {
            Some(found) if is_reached => {
                let keys = found.credentials.clone();
                self.identity("base", &endpoint, &keys).await;
            }
            Some(_) => self.skip("identity", "STS cannot be reached, see network"),
            None => self.skip(
                "identity",
                "there are no credentials to ask with, see sources",
            ),
        }
        self.mfa();
        self.roles(found, &endpoint, is_reached).await;
        cache::look(self.settings, &mut self.findings);
    }

    fn settings_in_force(&mut self) {
        for (name, value, origin) in self.settings.report() {
            let label = origin.label();
            let shown = match value {
                Value::Null => "not set".into(),
                Value::String(text) => format!("{text} ({label})"),
                other => format!("{other} ({label})"),
            };
            let found = Finding::ok("settings", *name, shown)
                .detail("value", value.clone())
                .detail("origin", label);
            self.findings.push(found);
        }
        for warning in &self.settings.warnings {
            let (what, remedy) = advice::split(warning);
            let remedy = remedy.unwrap_or("Correct or remove it.");
            self.findings
                .push(Finding::warning("settings", "warning", what, remedy));
        }
    }

    async fn identity(&mut self, name: &str, endpoint: &Endpoint, keys: &Credentials) {
        let start = Instant::now();
        let asked = self
            .within(
                PATIENCE,
                Sts::new(&self.http, endpoint).caller_identity(keys),
            )
            .await;
        let found = match asked {
            Ok(principal) => {
                let known = principal.canonical_name(self.settings.name_with_account);
                Finding::ok("identity", name, format!("{} (as {known})", principal.arn))
                    .detail("account", principal.account.clone())
                    .detail("arn", principal.arn.clone())
                    .detail("kind", principal.kind.as_str())
                    .detail("canonical_name", known)
            }
            Err(failure) => Finding::failed("identity", name, &failure),
        };
        self.findings.push(found.since(start));
    }

    /// What the chosen profile says, or why nobody knows.
    fn profile_chain(&self) -> Result<&ProfileChain, &Failure> {
        match &self.profile_chain {
            Ok(profile_chain) => profile_chain.as_ref(),
            Err(failure) => Err(failure),
        }
    }

    /// For the sources, where no endpoint can be made out.
    fn any_endpoint(&self) -> Endpoint {
        let region = self.settings.region.as_ref();
        Endpoint {
            region: region.map_or(region::of_partition("aws").to_owned(), |region| {
                region.value.clone()
            }),
            url: None,
            use_fips: None,
            use_dualstack: None,
        }
    }

    fn names_region(&self) -> bool {
        self.settings.region.is_some()
            || self
                .profile_chain()
                .is_ok_and(|profile_chain| profile_chain.region.is_some())
    }

    fn callbacks(&self) -> Callbacks<'_> {
        Callbacks {
            answers: &self.answers,
            asker: &self.asker,
            settings: self.settings,
            has_helper: false,
        }
    }

    fn runs_a_program(&self) -> bool {
        self.profile_chain()
            .is_ok_and(|profile_chain| matches!(profile_chain.base, BaseProvider::Process { .. }))
    }

    fn skip(&mut self, check: &'static str, why: &str) {
        self.findings.push(Finding::skipped(check, check, why));
    }

    /// The outcome of `job`, unless it takes longer than it may.
    async fn within<T>(
        &self,
        patience: Duration,
        job: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        let left = self.deadline.left().saturating_sub(RESERVE).min(patience);
        timeout(left, job).await.unwrap_or_else(|_| {
            Err(Failure::timeout(
                format!(
                    "No answer within {:.1} s. Check the network and proxy.",
                    left.as_secs_f64()
                ),
                "",
            ))
        })
    }
}

/// How a set of credentials is spoken of.
fn shown(set: &Credentials) -> String {
    let end = match set.expires_at {
        Some(end) => format!("ends at {}", crate::util::time::format_iso8601(end)),
        None => "does not expire".into(),
    };
    format!("{}, {end}", set.access_key_id)
}

/// An external id is no secret by AWS's words, and still nobody's business.
fn is_given(secret: Option<&String>) -> &'static str {
    if secret.is_some() {
        "with an external id"
    } else {
        "without an external id"
    }
}
