//! When a call of STS is sent again, and after which pause.
//!
//! The SDK says what may pass by itself. Its own limits are not used: three attempts within a second or
//! two give up what `resolve_timeout` has time for, and its pauses begin at nothing, so that a second
//! request can follow a throttled one at once.
//! <https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html>

use crate::{http, util::random::random};
use aws_sdk_sts::{
    config::{interceptors::InterceptorContext, retry::ClassifyRetry},
    operation::assume_role_with_web_identity::AssumeRoleWithWebIdentityError,
};
use aws_smithy_runtime_api::client::{
    orchestrator::OrchestratorError,
    retries::classifiers::{RetryAction, RetryClassifierPriority, RetryReason},
};
use aws_smithy_types::retry::ErrorKind;
use std::{
    sync::atomic::{AtomicU32, Ordering::Relaxed},
    time::{Duration, Instant},
};

/// The first pause after a server error or a broken connection; each pause doubles the last.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// The first pause after throttling.
const FIRST_PAUSE_THROTTLED: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// What a request gets at least. One that the deadline cuts short would hide the answer before it.
const LAST_REQUEST: Duration = Duration::from_millis(250);

/// How long one call of STS may be sent again.
#[derive(Clone, Copy, Debug)]
pub struct RetryLimits {
    /// The time the call may take, pauses included.
    pub time: Duration,
    /// The most requests (`AWS_MAX_ATTEMPTS`, `max_attempts`); `None`: as many as the time allows.
    pub attempts: Option<u32>,
}

/// Turns the SDK's answer "this may pass" into a pause, or into an end where the time is used up.
#[derive(Debug)]
pub(super) struct Retries {
    until: Instant,
    pauses: AtomicU32,
}

impl Retries {
    pub(super) fn new(time: Duration) -> Self {
        Self {
            until: Instant::now() + time,
            pauses: AtomicU32::new(0),
        }
    }

    fn action(&self, kind: ErrorKind) -> RetryAction {
        let left = self.until.saturating_duration_since(Instant::now());
        match pause(kind, self.pauses.fetch_add(1, Relaxed), left) {
            Some(pause) => RetryAction::retryable_error_with_explicit_delay(kind, pause),
            None => RetryAction::RetryForbidden,
        }
    }
}

impl ClassifyRetry for Retries {
    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        self.classify_retry_v2(context, &RetryAction::NoActionIndicated)
    }

    fn classify_retry_v2(&self, context: &InterceptorContext, before: &RetryAction) -> RetryAction {
        let Some(Err(error)) = context.output_or_error() else {
            return RetryAction::NoActionIndicated;
        };
        let status = context
            .response()
            .map_or(0, |response| response.status().as_u16());
        let kind = match before {
            _ if status == 429 => Some(ErrorKind::ThrottlingError),
            _ if status >= 500 || is_of_identity_provider(error) => Some(ErrorKind::ServerError),
            _ if is_lasting(error) => None,
            RetryAction::RetryIndicated(RetryReason::RetryableError { kind, .. }) => Some(*kind),
            _ => None,
        };
        kind.map_or(RetryAction::RetryForbidden, |kind| self.action(kind))
    }

    fn name(&self) -> &'static str {
        "until the fetch's deadline"
    }

    /// After the classifiers of the SDK, whose answer it needs.
    fn priority(&self) -> RetryClassifierPriority {
        RetryClassifierPriority::run_after(RetryClassifierPriority::transient_error_classifier())
    }
}

type CallError = OrchestratorError<aws_smithy_runtime_api::client::interceptors::context::Error>;

/// True for a whole answer that is not STS's, and for a certificate that is not trusted.
fn is_lasting(error: &CallError) -> bool {
    error.is_response_error()
        || error
            .as_connector_error()
            .is_some_and(|error| http::is_tls_refusal(error))
}

/// Not left to the SDK: AWS names the keys it could not fetch with the code of a token that is wrong.
/// (awslabs/aws-sdk-rust#827)
fn is_of_identity_provider(error: &CallError) -> bool {
    error
        .as_operation_error()
        .and_then(|error| error.downcast_ref::<AssumeRoleWithWebIdentityError>())
        .is_some_and(super::errors::is_of_identity_provider::<AssumeRoleWithWebIdentityError>)
}

/// The pause before request `count` + 2, in the upper half of its back-off; at most half of the time that
/// is left, so that the last requests fall into it. `None` if that would be too soon.
fn pause(kind: ErrorKind, count: u32, left: Duration) -> Option<Duration> {
    let first = match kind {
        ErrorKind::ThrottlingError => FIRST_PAUSE_THROTTLED,
        _ => FIRST_PAUSE,
    };
    let back_off = first
        .saturating_mul(2_u32.saturating_pow(count))
        .min(LONGEST_PAUSE);
    let pause = back_off.mul_f64(0.5 + random().f64() / 2.0).min(left / 2);
    (pause >= first / 2 && left.saturating_sub(pause) >= LAST_REQUEST).then_some(pause)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_hours(1);

    #[test]
    fn a_pause_is_in_the_upper_half_of_its_back_off() {
        for (kind, count, back_off) in [
            (ErrorKind::TransientError, 0, 0.1),
            (ErrorKind::ServerError, 3, 0.8),
            (ErrorKind::ServerError, 40, 5.0),
            (ErrorKind::ThrottlingError, 0, 1.0),
            (ErrorKind::ThrottlingError, 1, 2.0),
            (ErrorKind::ThrottlingError, u32::MAX, 5.0),
        ] {
            let all: Vec<f64> = (0..200)
                .map(|_| pause(kind, count, LONG).unwrap().as_secs_f64())
                .collect();
            for pause in &all {
                assert!((back_off * 0.499..=back_off).contains(pause), "{pause}");
            }
            let spread = all
                .iter()
                .fold(0.0_f64, |most, pause| most.max((pause - all[0]).abs()));
            assert!(spread > back_off * 0.1, "no jitter: {spread}");
        }
    }

    #[test]
    fn the_last_pauses_fit_into_the_time_that_is_left() {
        let pause_of = |kind, left| pause(kind, 3, Duration::from_millis(left));
        assert_eq!(
            pause_of(ErrorKind::ThrottlingError, 1000),
            Some(Duration::from_millis(500))
        );
        assert_eq!(pause_of(ErrorKind::ThrottlingError, 999), None);
        assert!(pause_of(ErrorKind::ServerError, 500).is_some());
        assert_eq!(pause_of(ErrorKind::ServerError, 499), None);
        assert_eq!(pause_of(ErrorKind::ServerError, 0), None);
    }
}
