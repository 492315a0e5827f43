//! The roles to assume, with the layer that names each, and, on request, whether they can be
//! assumed. Also whether an MFA code is needed.

use super::{CHECK_LIMIT, Exam, finding::Finding, shown};
use crate::{
    attempt::Outcome,
    config::RoleRequest,
    credentials::Credentials,
    failure::{Failure, Kind},
    fetch,
    providers::{self, BaseCredentials, Record},
    sts::denied_action,
};
use std::time::Instant;

const CHECK: &str = "role";

impl Exam<'_> {
    pub(super) fn mfa(&mut self) {
        let found = match fetch::needed_serial(self.settings) {
            Ok(None) => Finding::ok("mfa", "mfa", "no MFA code is needed"),
            Ok(Some(serial)) if self.settings.token_provider => {
                let what = format!("codes of {serial} are asked of token_provider");
                Finding::ok("mfa", "mfa", what).detail("serial_number", serial)
            }
            Ok(Some(serial)) => Finding::warning(
                "mfa",
                "mfa",
                format!("a code of the device {serial} is needed for each session, and there is no token_provider to ask for one"),
                "Give the session a token_provider (a callable that returns the six digits); on a machine without people use a role that needs no MFA.",
            )
            .detail("serial_number", serial),
            Err(failure) => Finding::skipped("mfa", "mfa", format!("not known: {failure}")),
        };
        self.findings.push(found);
    }

    pub(super) async fn roles(&mut self, base: Option<BaseCredentials>, is_reached: bool) {
        let settings = self.settings;
        if let Some(base) = &base {
            match self.fetch.roles().check_taken(base) {
                Ok(warnings) => self.findings.extend(warnings.iter().map(|warning| {
                    Finding::warning(CHECK, "options", &warning.cause, &warning.remedy)
                })),
                Err(failure) => {
                    let found = Finding::failed(CHECK, "options", &failure);
                    self.findings.push(found);
                    return;
                }
            }
        }
        let from_profile = match &base {
            Some(base) => base.from_profile,
            None => providers::uses_profile(settings),
        };
        let (role_steps, on_top) = self.fetch.roles().roles(from_profile);
        let steps: Vec<Step> = role_steps
            .into_iter()
            .map(|role| Step::of(role, "profile".into()))
            .chain(
                on_top
                    .into_iter()
                    .map(|role| Step::of(role, settings.role.origin.label())),
            )
            .collect();
        if steps.is_empty() && !settings.get_session_token.value {
            self.skip(CHECK, "none is asked for");
            return;
        }
        let why_not = match &base {
            None => Some("there are no credentials to assume it with"),
            Some(_) if !is_reached => Some("STS cannot be reached"),
            Some(_) if !self.assume => {
                Some("not tried; --assume (assume: true) tries it, for real")
            }
            Some(_) => None,
        };
        let (Some(base), None) = (base, why_not) else {
            let why = why_not.unwrap_or_default();
            self.findings
                .extend(steps.iter().map(|step| step.untried(why)));
            if settings.get_session_token.value {
                let what = format!("GetSessionToken: {why}");
                self.findings
                    .push(Finding::skipped(CHECK, "session token", what));
            }
            return;
        };
        let (tried, last) = Box::pin(self.assume_all(base, &steps)).await;
        self.findings.extend(tried);
        if let Some(credentials) = last {
            self.identity("role", &credentials).await;
        }
    }

    /// Assumes the roles, one after the other.
    async fn assume_all(
        &self,
        base: BaseCredentials,
        steps: &[Step],
    ) -> (Vec<Finding>, Option<Credentials>) {
        let mut record = Record::default();
        let start = Instant::now();
        let caller = base.credentials.access_key_id.clone();
        let roles = self.fetch.roles();
        let assuming = Box::pin(roles.assume(base, &mut record));
        let outcome = self
            .within(CHECK_LIMIT * 2, assuming)
            .await
            .map(|(credentials, _)| credentials);
        let attempts = record.into_parts().0;
        let mut findings = Vec::new();
        if let Some(token) = attempts.iter().find(|done| done.source == "session token") {
            findings.push(match (&outcome, token.outcome) {
                (Err(failure), Outcome::Failed) => Finding::failed(CHECK, "session token", failure),
                _ => Finding::ok(CHECK, "session token", "GetSessionToken gives a session"),
            });
        }
        let mut is_over = outcome.is_err() && findings.iter().any(|found| found.remedy.is_some());
        for step in steps {
            let source = format!("assume role {}", step.role.role_arn);
            let done = attempts.iter().find(|done| done.source == source);
            let found = match (done.map(|done| done.outcome), &outcome) {
                (Some(Outcome::Found), _) => step.assumed(),
                _ if is_over => step.untried("not tried, since what comes before it failed"),
                (None, Ok(_)) => {
                    step.untried("not assumed: the credentials are this role's already")
                }
                (_, Err(failure)) if step.lacks_code(failure) => {
                    is_over = true;
                    step.untried("not tried, since the doctor asks for no MFA code")
                }
                (_, Err(failure)) => {
                    is_over = true;
                    step.refused(failure, &caller).since(start)
                }
                (_, Ok(_)) => step.assumed(),
            };
            let took = done.map_or(found.milliseconds, |done| done.milliseconds);
            findings.push(found.took(took));
        }
        let last = outcome.ok();
        if let (Some(credentials), Some(found)) = (&last, findings.last_mut()) {
            found.what = format!("{}: {}", found.what, shown(credentials));
        }
        (findings, last)
    }
}

/// One role, and the layer that asks for it.
struct Step {
    role: RoleRequest,
    origin: String,
}

impl Step {
    fn of(role: RoleRequest, origin: String) -> Self {
        Self { role, origin }
    }

    fn assumed(&self) -> Finding {
        self.describe(Finding::ok(CHECK, &self.role.role_arn, "assumed"))
            .detail("assumed", true)
    }

    fn untried(&self, why: &str) -> Finding {
        let what = format!("asked for by {}, {}; {why}", self.origin, self.options());
        self.describe(Finding::skipped(CHECK, &self.role.role_arn, what))
            .detail("assumed", false)
    }

    /// True if the step has no MFA code, so that no request was sent.
    fn lacks_code(&self, failure: &Failure) -> bool {
        self.role.options.serial_number.is_some() && failure.kind == Kind::NoCredentials
    }

    /// AWS gives the same answer for a missing permission, a missing trust and a wrong external id,
    /// so the remedy names all three. An action beside sts:AssumeRole is named, and has a remedy of its own.
    fn refused(&self, failure: &Failure, caller: &str) -> Finding {
        let name = &self.role.role_arn;
        let found = if failure.kind == Kind::AccessDenied
            && failure
                .code
                .as_deref()
                .is_some_and(|code| code.starts_with("AccessDenied"))
            && denied_action(&failure.cause).is_none()
        {
            let external_id = match &self.role.options.external_id {
                Some(_) => {
                    "the external id that was sent must be the very one the trust policy asks for (sts:ExternalId)"
                }
                None => {
                    "no external id was sent: if the trust policy asks for one (sts:ExternalId), set external_id"
                }
            };
            let mfa = match &self.role.options.serial_number {
                Some(_) => "",
                None => "; if it asks for MFA, set serial_number",
            };
            Finding {
                remedy: Some(format!(
                    "Check three things: the policy of the caller ({caller}) must allow sts:AssumeRole on this role; the role's trust policy must name the caller; {external_id}{mfa}."
                )),
                ..Finding::failed(CHECK, name, failure)
            }
        } else {
            Finding::failed(CHECK, name, failure)
        };
        self.describe(found).detail("assumed", false)
    }

    fn options(&self) -> String {
        let options = &self.role.options;
        let seconds = options.duration_seconds.unwrap_or(3600);
        let id = super::is_given(options.external_id.as_ref());
        format!("for {seconds} s, {id}")
    }

    fn describe(&self, found: Finding) -> Finding {
        let found = found.detail("origin", self.origin.as_str());
        self.role
            .options
            .describe()
            .into_iter()
            .fold(found, |found, (name, value)| found.detail(name, value))
    }
}
