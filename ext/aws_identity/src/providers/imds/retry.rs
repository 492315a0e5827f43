//! How long IMDS may take to answer, and when it is asked again.
//! <https://docs.aws.amazon.com/sdkref/latest/guide/feature-imds-credentials.html>

use crate::{
    environment::Environment,
    failure::Failure,
    http::{HttpError, Reply},
    profile::ProfileChain,
};
use std::time::{Duration, Instant};

/// IMDS is link-local, so a connection is made in a millisecond or not at all.
const CONNECT: Duration = Duration::from_millis(300);
/// How long one answer may take where no variable and no profile says so.
const ANSWER: Duration = Duration::from_secs(1);
/// How often a question is put where none says so: one that is answered with 429 or 5xx, or timed out after
/// an answer to an earlier one.
const ATTEMPTS: u32 = 3;
/// Grows with the attempts.
const PAUSE: Duration = Duration::from_millis(100);
/// The pause after a refused connection on EC2, where IMDS or an agent in front of it may only be starting.
const PAUSE_REFUSED: Duration = Duration::from_secs(1);
/// What is left of a fetch's time when an IMDS that never answered is given up: that means "not on AWS", which
/// is to be said before the deadline says something else.
const RESERVE: Duration = Duration::from_millis(30);

/// Where IMDS is asked from.
pub(super) struct Place<'a> {
    pub environment: &'a Environment,
    pub profile: Option<&'a ProfileChain>,
    /// True where the hardware says that this is EC2.
    pub is_ec2: bool,
    /// What is left of the fetch's time.
    pub time: Duration,
    /// `resolve_timeout`.
    pub limit: Duration,
}

/// The time-out and the attempts of one fetch.
#[derive(Debug)]
pub(super) struct Retries {
    /// How long an answer may take.
    answer: Duration,
    /// True where a variable or the profile gives the time-out.
    is_set: bool,
    /// The attempts that a variable or the profile gives.
    attempts: Option<u32>,
    /// True where the hardware says that this is EC2.
    is_ec2: bool,
    /// True once IMDS has answered.
    is_there: bool,
    /// The fetch's `resolve_timeout`.
    limit: Duration,
    start: Instant,
    until: Instant,
}

impl Retries {
    pub(super) fn new(place: &Place<'_>) -> Result<Self, Failure> {
        let of_profile = |value: fn(&ProfileChain) -> Option<u32>| place.profile.and_then(value);
        let seconds = place
            .environment
            .count("AWS_METADATA_SERVICE_TIMEOUT")?
            .or(of_profile(|chain| chain.metadata_service_timeout));
        let attempts = place
            .environment
            .count("AWS_METADATA_SERVICE_NUM_ATTEMPTS")?
            .or(of_profile(|chain| chain.metadata_service_num_attempts));
        Ok(Self {
            answer: seconds.map_or(ANSWER, |seconds| Duration::from_secs(seconds.into())),
            is_set: seconds.is_some(),
            attempts,
            is_ec2: place.is_ec2,
            is_there: false,
            limit: place.limit,
            start: Instant::now(),
            until: Instant::now() + place.time.saturating_sub(RESERVE),
        })
    }

    /// The time-out of a connection.
    pub(super) fn connect(&self) -> Duration {
        if self.is_set { self.answer } else { CONNECT }
    }

    /// The time for the answer to this attempt, the first of which is number 1.
    pub(super) fn limit(&self, attempt: u32) -> Duration {
        let left = self.until.saturating_duration_since(Instant::now());
        // On EC2 the second attempt has more: silence there is the hop limit or a slow service, and only an
        // answer tells which.
        let waits = self.is_ec2 && !self.is_there && !self.is_set && attempt > 1;
        let limit = if waits {
            self.answer * 3 / 2
        } else {
            self.answer
        };
        limit.min(left)
    }

    /// True once IMDS has answered.
    pub(super) fn is_there(&self) -> bool {
        self.is_there
    }

    /// Notes an answer that took so long. The next questions are given more time than a slow service needs.
    pub(super) fn answered(&mut self, took: Duration) {
        self.is_there = true;
        if !self.is_set {
            self.answer = self.answer.max(took * 2);
        }
    }

    /// The pause before the question is put again, if it is. `broken` counts its broken connections.
    pub(super) fn pause(
        &self,
        answer: &Result<Reply, HttpError>,
        attempt: u32,
        broken: u32,
    ) -> Option<Duration> {
        let is_left = |attempts: u32| attempt < self.attempts.unwrap_or(attempts);
        let pause = match answer {
            Ok(reply) if !is_passing(reply.status) => return None,
            Ok(_) => is_left(ATTEMPTS).then_some(PAUSE * attempt),
            Err(HttpError::Timeout) if self.is_there => is_left(ATTEMPTS).then_some(Duration::ZERO),
            // Only a service that is known to be there is asked again.
            Err(HttpError::Timeout) => {
                is_left(if self.is_ec2 { 2 } else { 1 }).then_some(Duration::ZERO)
            }
            Err(HttpError::Refused(_)) => {
                (self.is_ec2 && is_left(u32::MAX)).then_some(PAUSE_REFUSED)
            }
            Err(HttpError::Connection(_)) => (broken <= 1).then_some(Duration::ZERO),
            Err(HttpError::Lasting(_) | HttpError::Certificate(..)) => None,
        }?;
        (Instant::now() + pause < self.until).then_some(pause)
    }

    /// How long was waited for an answer, in words.
    pub(super) fn waited(&self) -> String {
        if Instant::now() >= self.until {
            format!("within {} s (resolve_timeout)", self.limit.as_secs_f64())
        } else if self.is_there {
            format!("within {:.1} s", self.answer.as_secs_f64())
        } else {
            format!("within {:.1} s", self.start.elapsed().as_secs_f64())
        }
    }
}

pub(super) fn is_passing(status: u16) -> bool {
    status >= 500 || status == 429
}
