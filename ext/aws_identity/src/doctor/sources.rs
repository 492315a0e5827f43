//! Every source of the chain: the ones a session asks, as it asks them, and then the others.

use super::{Exam, PATIENCE, advice, finding::Finding, shown};
use crate::{
    attempt::{Attempt, Outcome},
    config::TokenSource,
    failure::{Failure, Kind},
    fetch::now,
    profile,
    providers::token_file,
    providers::{BaseCredentials, ProviderChain, Record},
    sts::Endpoint,
};
use std::{path::Path, time::Instant};

const CHECK: &str = "sources";
/// The chain, in its order. The profile's name is added to the second.
const CHAIN: [&str; 5] = [
    "environment",
    "profile",
    "web identity",
    "container",
    "imds",
];

impl Exam<'_> {
    /// The credentials a session would begin with.
    pub(super) async fn sources(&mut self, endpoint: &Endpoint) -> Option<BaseCredentials> {
        let asks_program = self.settings.supplied_source
            || self.settings.web_identity == Some(TokenSource::Supplied);
        let (attempts, outcome) = if asks_program {
            let what = "they come from an object or a callable of your program, which the doctor does not ask";
            self.findings
                .push(Finding::skipped(CHECK, "credentials", what));
            (Vec::new(), None)
        } else {
            let (attempts, outcome) = self.walk_to_the_first(endpoint).await;
            (attempts, Some(outcome))
        };
        for attempt in &attempts {
            self.findings.push(asked(attempt, outcome.as_ref()));
        }
        let last = attempts.last();
        let why = match (&outcome, last) {
            (Some(Ok(_)), Some(last)) => format!("{} comes first", last.source),
            (Some(Err(_)), Some(last)) if last.outcome == Outcome::Failed => {
                format!("{} is there, fails, and is not passed over", last.source)
            }
            _ => "another one is asked for by name".into(),
        };
        for source in CHAIN {
            if !attempts.iter().any(|done| done.source.starts_with(source)) {
                let mut found = self.look_at(source, &why, endpoint).await;
                if source == "profile"
                    && let Ok(profile_chain) = self.profile_chain()
                {
                    found.name = format!("profile {}", profile_chain.profile);
                }
                self.findings.push(found);
            }
        }
        let told = attempts
            .iter()
            .any(|attempt| attempt.outcome == Outcome::Failed);
        match outcome? {
            Ok(found) => {
                self.findings.push(verdict(&found));
                Some(found)
            }
            Err(failure) => {
                if !told {
                    self.findings
                        .push(Finding::failed(CHECK, "credentials", &failure));
                }
                None
            }
        }
    }

    /// What a session does: it asks until one gives credentials, or is there and fails.
    async fn walk_to_the_first(
        &self,
        endpoint: &Endpoint,
    ) -> (Vec<Attempt>, Result<BaseCredentials, Failure>) {
        let mut record = Record::default();
        if let Err(failure) = &self.profile_chain {
            let failure = record.failed("profile", failure.clone());
            return (record.into_parts().0, Err(failure));
        }
        let patience = if self.runs_a_program() {
            PATIENCE + self.settings.process_timeout
        } else {
            PATIENCE
        };
        let walk = self.walk(endpoint);
        let walking = Box::pin(walk.base(&mut record));
        let outcome = self.within(patience, walking).await;
        // Cut off in the middle of a source, the record does not have it yet.
        let outcome = outcome.map_err(|failure| match failure.kind {
            Kind::Timeout => record.interrupted(failure),
            _ => failure,
        });
        (record.into_parts().0, outcome)
    }

    fn walk<'w>(&'w self, endpoint: &'w Endpoint) -> ProviderChain<'w> {
        ProviderChain {
            settings: self.settings,
            http: &self.http,
            endpoint,
            callbacks: self.callbacks(),
            deadline: self.deadline,
            profile_chain: self.profile_chain(),
            session_name: &self.session_name,
            now: now(),
        }
    }

    /// A source a session does not get to: what it would give. Metadata endpoints are asked, since
    /// that changes nothing; programs are not run and tokens not traded.
    async fn look_at(&self, source: &str, why: &str, endpoint: &Endpoint) -> Finding {
        let start = Instant::now();
        let walk = self.walk(endpoint);
        let mut record = Record::default();
        // How a source answers is in the record.
        let could = match source {
            "environment" => {
                let _ = walk.environment(&mut record);
                None
            }
            "container" => {
                let _ = self.within(PATIENCE, walk.container(&mut record)).await;
                None
            }
            "imds" => {
                let imds_endpoint = self
                    .profile_chain()
                    .map(ProviderChain::imds_endpoint)
                    .unwrap_or_default();
                let _ = self
                    .within(PATIENCE, walk.imds(&mut record, &imds_endpoint))
                    .await;
                None
            }
            "profile" => Some(self.could_profile()),
            _ => Some(self.could_web_identity()),
        };
        let attempt = record.into_parts().0.pop();
        let found = match (could, attempt) {
            (Some(Availability::Give(what)), _) => {
                Finding::ok(CHECK, source, format!("{what}; not used: {why}"))
                    .detail("outcome", "found")
            }
            (Some(Availability::Nothing(what)), _) => {
                Finding::skipped(CHECK, source, what).detail("outcome", "absent")
            }
            (Some(Availability::Fail(what)), _) => unused(source, &what, why),
            (None, Some(attempt)) => match attempt.outcome {
                Outcome::Found => {
                    let what = format!("gives credentials; not used: {why}");
                    Finding::ok(CHECK, source, what).detail("outcome", "found")
                }
                Outcome::Absent => {
                    Finding::skipped(CHECK, source, attempt.reason).detail("outcome", "absent")
                }
                Outcome::Failed => unused(source, &attempt.reason, why),
            },
            (None, None) => unused(source, "no answer in time", why),
        };
        found.since(start)
    }

    fn could_profile(&self) -> Availability {
        let profile_chain = match self.profile_chain() {
            Ok(profile_chain) => profile_chain,
            Err(failure) => return Availability::Fail(failure.message().clone()),
        };
        if !profile_chain.exists {
            return Availability::Nothing("there is none".into());
        }
        let map = self.settings.environment.to_map();
        match profile::obstacle(profile_chain, &map, now()) {
            None => Availability::Give("could give credentials".into()),
            Some(_) if profile_chain.base == profile::BaseProvider::None => {
                Availability::Nothing("it holds no credentials".into())
            }
            Some(why) => Availability::Fail(why),
        }
    }

    fn could_web_identity(&self) -> Availability {
        let environment = &self.settings.environment;
        let Some(file) = environment.get("AWS_WEB_IDENTITY_TOKEN_FILE") else {
            return Availability::Nothing("AWS_WEB_IDENTITY_TOKEN_FILE is not set".into());
        };
        match token_file::read(Path::new(file.trim())) {
            Ok(_) => Availability::Give("the token can be read; it was not traded".into()),
            Err(why) => Availability::Fail(why),
        }
    }
}

/// What a source that was not asked would bring, as far as can be seen.
enum Availability {
    Give(String),
    Nothing(String),
    Fail(String),
}

fn unused(source: &str, told: &str, why: &str) -> Finding {
    let (what, remedy) = advice::split(told);
    let what = format!("{}; not used: {why}", what.trim_end_matches('.'));
    let remedy = remedy.unwrap_or("Nothing depends on it now; mend or remove it.");
    Finding::warning(CHECK, source, what, remedy).detail("outcome", "failed")
}

/// A source a session asks.
fn asked(attempt: &Attempt, outcome: Option<&Result<BaseCredentials, Failure>>) -> Finding {
    let name = attempt.source.as_str();
    let found = match (attempt.outcome, outcome) {
        (Outcome::Found, Some(Ok(found))) => {
            Finding::ok(CHECK, name, format!("gives {}", shown(&found.credentials)))
        }
        (Outcome::Found, _) => Finding::ok(CHECK, name, "gives credentials"),
        (Outcome::Absent, _) => Finding::skipped(CHECK, name, attempt.reason.as_str()),
        (Outcome::Failed, Some(Err(failure))) => failed(name, failure),
        (Outcome::Failed, _) => failed(name, &Failure::no_credentials(&attempt.reason, "")),
    };
    found
        .took(attempt.milliseconds)
        .detail("outcome", attempt.outcome.as_str())
}

fn failed(name: &str, failure: &Failure) -> Finding {
    let found = Finding::failed(CHECK, name, failure);
    // The file's own message does not say whose business it is.
    if name == "web identity" && advice::split(&failure.message()).1.is_none() {
        return Finding {
            remedy: Some(
                "Check the path of the token file, that it is mounted (in EKS: the service account's annotation and the pod identity webhook), and that this user may read it.".into(),
            ),
            ..found
        };
    }
    found
}

fn verdict(found: &BaseCredentials) -> Finding {
    let set = &found.credentials;
    let what = format!("from {}: {}", set.source, shown(set));
    let found = if set.is_expired_at(now()) {
        let remedy = "Check this machine's clock, and whatever hands them out.";
        Finding::trouble(
            CHECK,
            "credentials",
            format!("{what}: they have expired"),
            remedy,
        )
    } else {
        Finding::ok(CHECK, "credentials", what)
    };
    found
        .detail("source", set.source.as_str())
        .detail("access_key_id", set.access_key_id.as_str())
        .detail(
            "expiration",
            set.expires_at.map(crate::util::time::format_iso8601),
        )
}
