//! Checks everything between this process and a working identity, and reports findings.
//!
//! The doctor runs the steps of [`Fetch`], as a session does, but goes on after a failure. It
//! assumes roles only on request, and for a source that a session would not use it runs no program
//! and exchanges no token. Findings never hold a secret.

mod cache;
mod federation;
mod files;
mod finding;
mod mend;
mod network;
mod policy;
mod roles;
mod sources;
mod watched;

pub use finding::{Finding, Status};
pub use mend::mend;

use crate::{
    config::{Layers, Settings},
    credentials::{Credentials, Secret},
    environment::Environment,
    failure::{Failure, Kind},
    fetch::{Fetch, FetchRequest},
    providers::BaseCredentials,
    task::{
        deadline::Deadline,
        fetch_task::{FetchTask, TaskContext},
        fork_gate::SharedGate,
    },
    util::time::format_iso8601,
};
use serde_json::Value;
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

/// How long the examination may take, apart from the programs of `credential_process`.
const LIMIT: Duration = Duration::from_secs(30);
/// How long one check may take: longer than the slowest request with its retries.
const CHECK_LIMIT: Duration = Duration::from_secs(10);
/// Reserved, so that the findings are complete before the deadline.
const RESERVE: Duration = Duration::from_millis(500);

/// The checks, in their order.
pub const CHECKS: [&str; 8] = [
    "settings", "files", "sources", "network", "identity", "mfa", "role", "cache",
];

/// An examination in flight, or completed.
pub type Examination = FetchTask<Vec<Finding>>;

/// What an examination looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// All checks.
    Whole,
    /// The check `role` alone, for one more role beside those of the process.
    Role,
}

/// What an examination is to do.
#[derive(Clone, Copy, Debug)]
pub struct Order {
    pub part: Part,
    /// Whether it assumes the roles. Then it asks for what only the application can give: an MFA code, and the
    /// credentials of the session that a scoped role limits.
    pub assume: bool,
    /// Whether the program asks for it, whose user reads of terminals rather than of options.
    pub in_program: bool,
}

/// Starts an examination.
pub fn spawn(layers: Layers, order: Order, gate: SharedGate) -> Result<Arc<Examination>, Failure> {
    FetchTask::spawn(
        gate,
        Deadline::new(LIMIT, None),
        move |mut task| async move {
            if !order.assume {
                task.asker = task.asker.declining();
            }
            Ok(Box::pin(examine(layers, order, gate, &task)).await)
        },
    )
}

/// The findings of an examination that has completed.
pub fn outcome(examination: &Examination) -> Result<&[Finding], Failure> {
    match examination.outcome() {
        Some(Ok(findings)) => Ok(findings),
        Some(Err(failure)) if failure.kind != Kind::Timeout => Err(failure.clone()),
        _ => Err(Failure::timeout(
            format!("The examination was given up after {} s.", LIMIT.as_secs()),
            "Check for a name server or a file system that hangs.",
        )),
    }
}

async fn examine(
    layers: Layers,
    order: Order,
    gate: SharedGate,
    task: &TaskContext,
) -> Vec<Finding> {
    let environment = layers.environment.clone();
    let settings = match Settings::new(layers) {
        Ok(settings) => settings,
        Err(failure) if order.part == Part::Role => {
            return vec![Finding::failed("role", "options", &failure)];
        }
        Err(failure) => return without_settings(&failure, &environment),
    };
    // Without the disk cache, so that STS is checked.
    let mut uncached = settings.clone();
    uncached.cache.value = None;
    // A request that is sent again ends before its check does, so that the finding says why it failed.
    let longest = CHECK_LIMIT.saturating_sub(RESERVE);
    uncached.resolve_timeout.value = uncached.resolve_timeout.value.min(longest);
    let request = FetchRequest {
        is_awaited: true,
        ..FetchRequest::default()
    };
    let mut exam = Exam {
        settings: &settings,
        fetch: Fetch::prepare(&uncached, &request, gate, task),
        order,
        deadline: &task.deadline,
        findings: Vec::new(),
    };
    match order.part {
        Part::Whole => Box::pin(exam.run()).await,
        Part::Role => exam.one_more_role().await,
    }
    let secrets = exam.fetch.http().secrets().clone();
    let findings = exam.findings.into_iter();
    findings.map(|found| found.clean(&secrets)).collect()
}

/// The findings if the settings cannot be used.
fn without_settings(failure: &Failure, environment: &Environment) -> Vec<Finding> {
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
    fetch: Fetch<'a>,
    order: Order,
    deadline: &'a Deadline,
    findings: Vec<Finding>,
}

impl Exam<'_> {
    async fn run(&mut self) {
        self.settings_in_force();
        files::look(
            &self.settings.environment,
            Some(self.settings),
            self.fetch.profile().ok(),
            &mut self.findings,
        );
        let mut base = self.sources().await;
        if let Some(base) = &mut base {
            self.region(base).await;
        }
        let is_reached = self.network().await;
        match &base {
            Some(base) if is_reached => self.identity("base", &base.credentials).await,
            Some(_) => self.skip("identity", "STS cannot be reached, see network"),
            None => self.skip(
                "identity",
                "there are no credentials to ask with, see sources",
            ),
        }
        self.mfa();
        if let Some(credentials) = self.roles(base, is_reached).await {
            self.identity("role", &credentials).await;
        }
        cache::look(self.settings, &mut self.findings);
    }

    async fn region(&mut self, base: &mut BaseCredentials) {
        let asked = async { Ok(self.fetch.region_of(base).await) };
        if let Ok(Some(region)) = self.within(CHECK_LIMIT, asked).await {
            self.fetch.set_region(region);
        }
    }

    fn settings_in_force(&mut self) {
        for (name, value, origin) in self.settings.report() {
            if name == "token_provider" && self.order.in_program {
                continue; // the program's own, which mfa tells
            }
            let label = origin.label();
            let shown = match &value {
                Value::Null => "not set".into(),
                Value::String(text) => format!("{text} ({label})"),
                other => format!("{other} ({label})"),
            };
            let found = Finding::ok("settings", name, shown)
                .detail("value", value)
                .detail("origin", label);
            self.findings.push(found);
        }
        for warning in &self.settings.warnings {
            let found = Finding::warning("settings", "warning", &warning.cause, &warning.remedy);
            self.findings.push(found);
        }
    }

    async fn identity(&mut self, name: &str, credentials: &Credentials) {
        let start = Instant::now();
        let asked = self
            .within(CHECK_LIMIT, self.fetch.identity(credentials))
            .await;
        let found = match asked {
            Ok(identity) => {
                let (known, principal) = (identity.canonical_name, identity.principal);
                Finding::ok("identity", name, format!("{} (as {known})", principal.arn))
                    .detail("account", principal.account)
                    .detail("arn", principal.arn)
                    .detail("kind", principal.kind.as_str())
                    .detail("canonical_name", known)
            }
            Err(failure) => Finding::failed("identity", name, &failure),
        };
        self.findings.push(found.since(start));
    }

    fn skip(&mut self, check: &'static str, why: &str) {
        self.findings.push(Finding::skipped(check, check, why));
    }

    /// The outcome of `job`, or a timeout after `limit` or at the end of the examination's time. A program that
    /// runs and a question that is open do not count.
    async fn within<T>(
        &self,
        limit: Duration,
        job: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        let left = self.deadline.left().saturating_sub(RESERVE).min(limit);
        let outcome = self.deadline.bound_within(left, job).await;
        outcome.unwrap_or_else(|| {
            Err(Failure::timeout(
                format!("No answer within {:.1} s.", left.as_secs_f64()),
                "Check the network and proxy.",
            ))
        })
    }
}

/// The credentials as a finding shows them.
fn shown(credentials: &Credentials) -> String {
    let expiration = match credentials.expires_at {
        Some(at) => format!("expires at {}", format_iso8601(at)),
        None if credentials.session_token.is_some() || credentials.lacks_session_token() => {
            "expires at a time that is not known".into()
        }
        None => "does not expire".into(),
    };
    format!("{}, {expiration}", credentials.access_key_id)
}

/// An external id is not shown, although AWS does not treat it as a secret.
fn is_given(external_id: Option<&Secret>) -> &'static str {
    if external_id.is_some() {
        "with an external id"
    } else {
        "without an external id"
    }
}
