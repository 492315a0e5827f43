//! The roles to assume, with the layer that names each, and, on request, whether they can be
//! assumed. Also whether an MFA code is needed.

use super::{CHECK_LIMIT, Exam, Part, finding::Finding, policy, shown};
use crate::{
    attempt::Outcome,
    config::RoleRequest,
    credentials::Credentials,
    failure::{Failure, Kind},
    fetch,
    providers::{self, BaseCredentials, Record},
    sts::{Scope, denied_action, is_wrong_code, limits::DEFAULT_ROLE_SECONDS},
};
use std::time::Instant;

const CHECK: &str = "role";
/// Percent.
const NEAR_LIMIT: u32 = 80;
const UNTRIED: &str = "not tried; --assume (assume: true) tries it, for real";

impl Exam<'_> {
    pub(super) fn mfa(&mut self) {
        let found = match fetch::needed_serial(self.settings) {
            Ok(None) => Finding::ok("mfa", "mfa", "no MFA code is needed"),
            Ok(Some(serial)) => self.codes_of(&serial).detail("serial_number", serial),
            Err(failure) => Finding::skipped("mfa", "mfa", format!("not known: {failure}")),
        };
        self.findings.push(found);
    }

    /// Who is asked for the codes of this device.
    fn codes_of(&self, serial: &str) -> Finding {
        let needed = format!("a code of the device {serial} is needed for each session");
        match (self.settings.token_provider, self.order.in_program) {
            (true, true) => Finding::ok(
                "mfa",
                "mfa",
                format!("{needed}, and is asked for in this terminal"),
            ),
            (true, false) => Finding::ok(
                "mfa",
                "mfa",
                format!("codes of {serial} are asked of token_provider"),
            ),
            (false, true) => Finding::warning(
                "mfa",
                "mfa",
                format!("{needed}, and is asked for in a terminal only: standard input is none"),
                "Run it in a terminal; on a machine without people use a role that needs no MFA.",
            ),
            (false, false) => Finding::warning(
                "mfa",
                "mfa",
                format!("{needed}, and there is no token_provider to ask for one"),
                "Give the session a token_provider (a callable that returns the six digits); on a machine without people use a role that needs no MFA.",
            ),
        }
    }

    /// The roles of this examination's options, which are another entry of `identity.aws.roles`. Without
    /// `assume` nothing is asked.
    pub(super) async fn one_more_role(&mut self) {
        if let Some(scope) = &self.settings.scope {
            let found = self.scoped(&scope.value).await;
            self.findings.push(found);
            return;
        }
        let mut base = None;
        if self.order.assume {
            match self.base_credentials().await.1 {
                Ok(found) => base = Some(found),
                Err(failure) => {
                    let found = Finding::failed(CHECK, "credentials", &failure);
                    self.findings.push(found);
                }
            }
        }
        if let Some(base) = &mut base {
            self.region(base).await;
        }
        self.roles(base, true).await;
    }

    /// Credentials of the process's own session, limited by `scope`.
    async fn scoped(&mut self, scope: &Scope) -> Finding {
        const NAME: &str = "scope";
        let length = scope.policy.len();
        let what =
            format!("limits the process's own session by a scope_policy of {length} characters");
        if !self.order.assume {
            return Finding::skipped(CHECK, NAME, format!("{what}; {UNTRIED}"));
        }
        let start = Instant::now();
        let outcome = match self.base_credentials().await.1 {
            Ok(mut base) => {
                self.region(&mut base).await;
                let mut record = Record::default();
                let roles = self.fetch.roles();
                let assuming = Box::pin(roles.assume(base, &mut record));
                self.within(CHECK_LIMIT, assuming).await
            }
            Err(failure) => Err(failure),
        };
        match outcome {
            Ok((credentials, _)) => {
                Finding::ok(CHECK, NAME, format!("{what}: {}", shown(&credentials)))
            }
            Err(failure) if is_refused(&failure) => {
                policy::of_caller("sts:GetScopedCredentials").beside(failed(NAME, &failure))
            }
            Err(failure) => failed(NAME, &failure),
        }
        .since(start)
    }

    /// The credentials of the last role, if it was assumed.
    pub(super) async fn roles(
        &mut self,
        base: Option<BaseCredentials>,
        is_reached: bool,
    ) -> Option<Credentials> {
        let settings = self.settings;
        if let Some(base) = &base {
            match self.fetch.roles().check_taken(base) {
                Ok(warnings) => self.findings.extend(warnings.iter().map(|warning| {
                    Finding::warning(CHECK, "options", &warning.cause, &warning.remedy)
                })),
                Err(failure) => {
                    let found = Finding::failed(CHECK, "options", &failure);
                    self.findings.push(found);
                    return None;
                }
            }
        }
        let from_profile = match &base {
            Some(base) => base.from_profile,
            None => providers::uses_profile(settings),
        };
        let (role_steps, on_top) = self.fetch.roles().roles(from_profile);
        let on_top_of = match self.order.part {
            Part::Whole => settings.role.origin.label(),
            Part::Role => "identity.aws.roles".into(),
        };
        let steps: Vec<Step> = role_steps
            .into_iter()
            .map(|role| Step::of(role, "profile".into()))
            .chain(
                on_top
                    .into_iter()
                    .map(|role| Step::of(role, on_top_of.clone())),
            )
            .collect();
        if steps.is_empty() && !settings.get_session_token.value {
            let why = match &settings.roles {
                Some(_) => "none is asked for by the process itself",
                None => "none is asked for",
            };
            self.skip(CHECK, why);
            return None;
        }
        let why_not = match &base {
            _ if !self.order.assume => Some(UNTRIED),
            None => Some("there are no credentials to assume it with"),
            Some(_) if !is_reached => Some("STS cannot be reached"),
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
            return None;
        };
        let (tried, last) = Box::pin(self.assume_all(base, &steps)).await;
        self.findings.extend(tried);
        last
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
        let known: Vec<String> = base
            .role_arn
            .iter()
            .chain(steps.iter().map(|step| &step.role.role_arn))
            .cloned()
            .collect();
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
                (Err(failure), Outcome::Failed) => failed("session token", failure),
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
                (_, Err(failure)) if step.lacks_code(failure) && !self.settings.token_provider => {
                    is_over = true;
                    step.untried("not tried, since there is no MFA code, see mfa")
                }
                (_, Err(failure)) => {
                    is_over = true;
                    step.refused(failure, &caller, &known).since(start)
                }
                (_, Ok(_)) => step.assumed(),
            };
            let took = done.map_or(found.milliseconds, |done| done.milliseconds);
            findings.push(found.took(took));
        }
        let last = outcome.ok();
        if let (Some(credentials), Some(found)) = (&last, findings.last_mut()) {
            found.what = format!("{}: {}", found.what, shown(credentials));
            findings.extend(sizes(credentials));
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
    fn refused(&self, failure: &Failure, caller: &str, known: &[String]) -> Finding {
        let name = &self.role.role_arn;
        let found = if is_refused(failure)
            && denied_action(&failure.cause).is_none()
            && !is_wrong_code(&failure.cause)
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
            failed(name, failure)
        };
        self.with_documents(
            self.describe(found).detail("assumed", false),
            failure,
            known,
        )
    }

    /// The finding with the documents to paste, where the words of AWS say who was refused what.
    fn with_documents(&self, found: Finding, failure: &Failure, known: &[String]) -> Finding {
        let is_denied = failure.kind == Kind::AccessDenied;
        let documents = is_denied.then(|| policy::documents(&failure.cause, &self.role, known));
        match documents.flatten() {
            Some(documents) => documents.beside(found),
            None => found,
        }
    }

    fn options(&self) -> String {
        let options = &self.role.options;
        let seconds = options.duration_seconds.unwrap_or(DEFAULT_ROLE_SECONDS);
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

/// True where AWS says that the caller may not make the call.
fn is_refused(failure: &Failure) -> bool {
    let code = failure.code.as_deref().unwrap_or_default();
    failure.kind == Kind::AccessDenied && code.starts_with("AccessDenied")
}

/// Warnings where STS says that a session's policies and tags are near their limit, in percent of it.
/// <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html>
fn sizes(credentials: &Credentials) -> impl Iterator<Item = Finding> {
    let details = [
        (
            "packed_policy_size",
            "PackedPolicySize",
            "session policies and tags",
        ),
        (
            "session_token_utilization",
            "SessionTokenUtilization",
            "session token",
        ),
    ];
    details.into_iter().filter_map(|(name, of_sts, what)| {
        let percent: u32 = credentials.details.get(name)?.parse().ok()?;
        (percent >= NEAR_LIMIT).then(|| {
            let found = Finding::warning(
                CHECK,
                "size",
                format!("the {what} of the last role take {percent} percent of what STS allows ({of_sts}); beyond that it refuses the role"),
                "Shorten policy, or put it into a managed policy that policy_arns names; use fewer or shorter tags.",
            );
            found.detail(name, percent)
        })
    })
}

/// What failed. The error of a callback of the application has no remedy.
fn failed(name: &str, failure: &Failure) -> Finding {
    let found = Finding::failed(CHECK, name, failure);
    if failure.remedy.is_empty() {
        let remedy = "See why it is not given; it is asked again at the next examination.".into();
        return Finding {
            remedy: Some(remedy),
            ..found
        };
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_near_the_limit_of_its_policies_is_a_warning() {
        let sized = |details: &[(&str, &str)]| {
            let mut credentials = Credentials::new("ASIAX", "s", Some("t".into()), "test");
            for (name, percent) in details {
                credentials
                    .details
                    .insert((*name).into(), (*percent).into());
            }
            let what: Vec<String> = sizes(&credentials).map(|found| found.what).collect();
            what
        };
        for name in ["packed_policy_size", "session_token_utilization"] {
            let [what] = sized(&[(name, "80")]).try_into().unwrap();
            assert!(what.contains("80 percent"), "{name}");
            assert!(sized(&[(name, "79")]).is_empty());
        }
        assert!(sized(&[("packed_policy_size", "much")]).is_empty());
        assert!(sized(&[("subject", "99")]).is_empty());
        let both = [
            ("packed_policy_size", "90"),
            ("session_token_utilization", "85"),
        ];
        let [policies, token] = sized(&both).try_into().unwrap();
        assert!(policies.contains("90 percent") && token.contains("85 percent"));
    }
}
