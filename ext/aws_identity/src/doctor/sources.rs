//! Every source of the chain: first the sources that a session asks, then the others.

use super::{
    CHECK_LIMIT, Exam, federation,
    finding::{Finding, Status},
    shown,
};
use crate::{
    attempt::{Attempt, Outcome},
    config::Settings,
    failure::{Failure, Kind},
    layer::Origin,
    providers::{self, Availability, BaseCredentials, CHAIN, Provided, Record, Source},
    util::time::{format_iso8601, now},
};
use std::time::Instant;

const CHECK: &str = "sources";

impl Exam<'_> {
    /// The credentials a session would begin with.
    pub(super) async fn sources(&mut self) -> Option<BaseCredentials> {
        let (attempts, outcome) = if self.settings.is_supplied() {
            let what = "they come from an object or a callable of your program, which the doctor does not ask";
            self.findings
                .push(Finding::skipped(CHECK, "credentials", what));
            (Vec::new(), None)
        } else {
            let (attempts, outcome) = self.base_credentials().await;
            (attempts, Some(outcome))
        };
        for attempt in &attempts {
            let found = asked(attempt, outcome.as_ref());
            let found = match (attempt.outcome, &outcome) {
                (Outcome::Failed, Some(Err(failure))) => self.with_trust(found, failure, attempt),
                _ => found,
            };
            self.findings.push(found);
        }
        let why = match (&outcome, attempts.last()) {
            (Some(Ok(_)), Some(last)) => format!("{} comes first", last.source),
            (Some(Err(_)), Some(last)) if last.outcome == Outcome::Failed => {
                format!("{} is there, fails, and is not passed over", last.source)
            }
            _ => "another one is asked for by name".into(),
        };
        for source in CHAIN {
            let is_asked = |done: &Attempt| done.source.starts_with(source.name);
            if !attempts.iter().any(is_asked) {
                let found = self.unasked(source, &why).await;
                self.findings.push(found);
            }
        }
        let is_told = attempts
            .iter()
            .any(|attempt| attempt.outcome == Outcome::Failed);
        match outcome? {
            Ok(base) => {
                self.findings.push(verdict(&base));
                self.findings.extend(shadowed(self.settings, &base));
                let lacks_token = base.credentials.lacks_session_token();
                for odd in base.credentials.oddities() {
                    let found = Finding::warning(CHECK, "key shape", odd.cause, odd.remedy);
                    self.findings.push(found);
                }
                if lacks_token && let Some(found) = self.findings.last_mut() {
                    found.status = Status::Fail; // AWS refuses whatever they sign, so nothing is asked
                    return None;
                }
                Some(base)
            }
            Err(failure) => {
                if !is_told {
                    self.findings
                        .push(Finding::failed(CHECK, "credentials", &failure));
                }
                None
            }
        }
    }

    /// The finding with the trust policy to paste, if this attempt was to trade a web identity token.
    fn with_trust(&self, found: Finding, failure: &Failure, attempt: &Attempt) -> Finding {
        let chain = self.fetch.profile().ok();
        let traded = providers::traded_web_identity(&attempt.source, self.settings, chain);
        let documents =
            traded.and_then(|(role_arn, token)| federation::documents(failure, &role_arn, &token));
        match documents {
            Some(documents) => documents.beside(found),
            None => found,
        }
    }

    /// Asks as a session does, until a source gives credentials or a configured source fails.
    pub(super) async fn base_credentials(
        &self,
    ) -> (Vec<Attempt>, Result<BaseCredentials, Failure>) {
        let mut record = Record::default();
        let asking = Box::pin(self.fetch.base_credentials(&mut record));
        let outcome = self.within(CHECK_LIMIT, asking).await;
        // The record lacks a source that was interrupted by the timeout.
        let outcome = outcome.map_err(|failure| match failure.kind {
            Kind::Timeout => record.interrupted(failure),
            _ => failure,
        });
        (record.into_parts().0, outcome)
    }

    /// Checks a source that a session does not ask. Metadata endpoints are asked, since that
    /// changes nothing; no program is run and no token exchanged.
    async fn unasked(&self, source: &Source, why: &str) -> Finding {
        let start = Instant::now();
        let context = self.fetch.context();
        let availability = source.check(&context.local);
        let availability = match availability {
            Availability::Available(_) if source.is_metadata => {
                let asked = self.within(CHECK_LIMIT, source.provide(&context)).await;
                match asked {
                    Ok(Provided::Found(_)) => Availability::Available("gives credentials".into()),
                    Ok(Provided::Absent(absence)) => Availability::Absent(absence.reason),
                    Err(failure) => Availability::Unusable(failure),
                }
            }
            other => other,
        };
        let name = match context.local.profile {
            Ok(_) => source.label(&context),
            Err(_) => source.name.to_owned(),
        };
        let (found, outcome) = match availability {
            Availability::Available(what) => (
                Finding::ok(CHECK, name, format!("{what}; not used: {why}")),
                Outcome::Found,
            ),
            Availability::Absent(reason) => {
                (Finding::skipped(CHECK, name, reason), Outcome::Absent)
            }
            Availability::Unusable(failure) => {
                let cause = failure.cause.trim_end_matches('.');
                let what = format!("{cause}; not used: {why}");
                (
                    Finding::warning(CHECK, name, what, failure.remedy),
                    Outcome::Failed,
                )
            }
        };
        found.detail("outcome", outcome.as_str()).since(start)
    }
}

/// The finding for a source that a session asks.
fn asked(attempt: &Attempt, outcome: Option<&Result<BaseCredentials, Failure>>) -> Finding {
    let name = attempt.source.as_str();
    let found = match (attempt.outcome, outcome) {
        (Outcome::Found, Some(Ok(base))) => {
            Finding::ok(CHECK, name, format!("gives {}", shown(&base.credentials)))
        }
        (Outcome::Found, _) => Finding::ok(CHECK, name, "gives credentials"),
        (Outcome::Failed, Some(Err(failure))) => Finding::failed(CHECK, name, failure),
        (Outcome::Absent | Outcome::Failed, _) => {
            Finding::skipped(CHECK, name, attempt.reason.as_str())
        }
    };
    found
        .took(attempt.milliseconds)
        .detail("outcome", attempt.outcome.as_str())
}

/// Keys of the environment come before the profile of `AWS_PROFILE`, so the identity is not the profile's.
fn shadowed(settings: &Settings, base: &BaseCredentials) -> Option<Finding> {
    let profile = settings.profile.as_ref()?;
    let Origin::Environment(variable) = profile.origin else {
        return None;
    };
    let is_asked_for = settings.base.is_some() || base.credentials.source != providers::ENVIRONMENT;
    (!is_asked_for).then(|| {
        let name = &profile.value;
        Finding::warning(
            CHECK,
            "shadowed profile",
            format!(
                "{variable} names the profile {name}, and the keys of the environment come before it: the identity is theirs, not the profile's"
            ),
            format!(
                "Unset AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN; or name the profile as option or setting (--profile {name}), which comes first."
            ),
        )
        .detail("profile", name.as_str())
    })
}

fn verdict(base: &BaseCredentials) -> Finding {
    let credentials = &base.credentials;
    let what = format!("from {}: {}", credentials.source, shown(credentials));
    let found = if credentials.is_expired_at(now()) {
        let remedy = "Check this machine's clock, and whatever hands them out.";
        let what = format!("{what}: they have expired");
        Finding::failure(CHECK, "credentials", what, remedy)
    } else {
        Finding::ok(CHECK, "credentials", what)
    };
    found
        .detail("source", credentials.source.as_str())
        .detail("access_key_id", credentials.access_key_id.as_str())
        .detail("expiration", credentials.expires_at.map(format_iso8601))
}
