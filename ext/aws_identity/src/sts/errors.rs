//! What an STS error means, and what to do about it: one table.

use super::Endpoint;
use crate::{
    failure::{Failure, Kind},
    http::{ConnectionProblem, root_cause},
    util::foreign_text::shown,
};
use aws_sdk_sts::{
    config::http::HttpResponse,
    error::{ProvideErrorMetadata, SdkError},
    operation::RequestId,
};

/// The failure of `call`, which was about `subject` (a role ARN, or nothing).
pub(super) fn explain<E>(
    call: &str,
    subject: &str,
    endpoint: &Endpoint,
    error: &SdkError<E, HttpResponse>,
) -> Failure
where
    E: std::error::Error + ProvideErrorMetadata + Send + Sync + 'static,
{
    let what = if subject.is_empty() {
        format!("sts:{call}")
    } else {
        format!("sts:{call} {subject}")
    };
    let place = endpoint.shown();
    let mut failure = match error {
        SdkError::TimeoutError(_) => timed_out(&what, &place),
        SdkError::DispatchFailure(failure) if failure.is_timeout() => timed_out(&what, &place),
        SdkError::DispatchFailure(failure) => {
            let error = failure.as_connector_error();
            let cause = error.map_or_else(String::new, |error| root_cause(error));
            let problem = error.map_or(ConnectionProblem::Other, |error| {
                ConnectionProblem::of(error)
            });
            Failure::new(
                Kind::Connection,
                format!("{what}: {place} could not be reached ({}).", shown(&cause)),
                problem.remedy(),
            )
        }
        SdkError::ServiceError(service) => refused(
            &what,
            &place,
            service.err(),
            service.raw(),
            service.err().meta().request_id(),
        ),
        SdkError::ResponseError(answer) => {
            let mut failure = Failure::new(
                Kind::Service,
                format!("{what}: the answer of {place} cannot be read."),
                "Whatever answers there may not be STS; check the endpoint.",
            );
            failure.status = Some(answer.raw().status().as_u16());
            failure
        }
        _ => Failure::internal(
            format!("{what}: the request could not be built."),
            "Report it with this text.",
        ),
    };
    failure.reached = matches!(
        error,
        SdkError::ServiceError(_) | SdkError::ResponseError(_)
    );
    failure
}

fn timed_out(what: &str, place: &str) -> Failure {
    Failure::timeout(
        format!("{what}: no answer from {place} in time."),
        "Check the network, proxy and endpoint.",
    )
}

fn refused<E: ProvideErrorMetadata>(
    what: &str,
    place: &str,
    error: &E,
    answer: &HttpResponse,
    request_id: Option<&str>,
) -> Failure {
    let status = answer.status().as_u16();
    let code = shown(error.code().unwrap_or_default());
    let message = shown(error.message().unwrap_or_default());
    let (kind, remedy) = kind_and_remedy(&code, &message, status);
    let named = if code.is_empty() {
        format!("HTTP {status}")
    } else {
        code.clone()
    };
    let message = match message.trim_end_matches('.') {
        "" => String::new(),
        message => format!(": {message}"),
    };
    let mut failure = Failure::new(
        kind,
        format!("{what}: {place} answered {named}{message}."),
        remedy,
    );
    failure.code = (!code.is_empty()).then_some(code);
    failure.status = Some(status);
    failure.request_id = request_id
        .or_else(|| answer.headers().get("x-amzn-requestid"))
        .map(shown);
    failure
}

/// True where AWS could not reach the identity provider, which passes by itself.
pub(super) fn is_of_identity_provider<E: ProvideErrorMetadata>(error: &E) -> bool {
    let (code, message) = (error.code(), error.message());
    kind_and_remedy(code.unwrap_or_default(), message.unwrap_or_default(), 400).0
        == Kind::Connection
}

/// <https://docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html>
fn kind_and_remedy(code: &str, message: &str, status: u16) -> (Kind, &'static str) {
    match code.strip_suffix("Exception").unwrap_or(code) {
        "AccessDenied" => (
            Kind::AccessDenied,
            "Check the caller's permission, the role's trust policy, and the external id and MFA it may ask for.",
        ),
        "InvalidClientTokenId" | "UnrecognizedClient" | "InvalidAccessKeyId" => (
            Kind::AccessDenied,
            "The access key id is not, or no longer, known. Check which keys are used.",
        ),
        "SignatureDoesNotMatch" | "IncompleteSignature" => (
            Kind::AccessDenied,
            "Check the secret access key and this machine's clock.",
        ),
        "RequestExpired" | "RequestTimeTooSkewed" => (
            Kind::AccessDenied,
            "This machine's clock is wrong. Set it (NTP).",
        ),
        "ExpiredToken" => (
            Kind::AccessDenied,
            "The credentials or the token have expired. Get new ones.",
        ),
        "RegionDisabled" => (
            Kind::AccessDenied,
            "STS is not active in this region for the account. Activate it, or set another region.",
        ),
        "ValidationError" => (
            Kind::Service,
            "Check the options of the role; a role that assumes a role is limited to 3600 seconds.",
        ),
        "MalformedPolicyDocument" | "PackedPolicyTooLarge" => {
            (Kind::Service, "Check policy, policy_arns and tags.")
        }
        // aws/aws-cli#7194: AWS could not fetch the keys of the identity provider.
        "InvalidIdentityToken" if message.contains("verification key") => (
            Kind::Connection,
            "AWS could not reach the identity provider. It may pass.",
        ),
        "IDPRejectedClaim" | "InvalidIdentityToken" => (
            Kind::AccessDenied,
            "Check the token, its audience, and the identity provider's trust in the role.",
        ),
        "IDPCommunicationError" => (
            Kind::Connection,
            "AWS could not reach the identity provider. It may pass.",
        ),
        "Throttling"
        | "ThrottlingException"
        | "TooManyRequests"
        | "RequestLimitExceeded"
        | "SlowDown" => (
            Kind::Throttled,
            "Too many requests. Share one Session, or ask less often.",
        ),
        _ if status == 429 => (
            Kind::Throttled,
            "Too many requests. Share one Session, or ask less often.",
        ),
        _ if status >= 500 => (Kind::Service, "It may pass."),
        // STS names a code with each refusal, so this answer is of a proxy or a mesh in front of it.
        "" if matches!(status, 401 | 403) => (
            Kind::AccessDenied,
            "The answer has no error code of AWS: check the proxy, service mesh or endpoint that gave it. It may pass.",
        ),
        _ if status == 403 => (
            Kind::AccessDenied,
            "Check the keys, the caller's permission and the role's trust policy.",
        ),
        _ => (Kind::Service, "Check the endpoint and the options."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_outrank_the_status_and_unknown_ones_go_by_it() {
        for (code, status, kind) in [
            ("AccessDenied", 403, Kind::AccessDenied),
            ("InvalidIdentityToken", 400, Kind::AccessDenied),
            ("AccessDeniedException", 400, Kind::AccessDenied),
            ("Throttling", 400, Kind::Throttled),
            ("ExpiredTokenException", 403, Kind::AccessDenied),
            ("", 401, Kind::AccessDenied),
            ("", 403, Kind::AccessDenied),
            ("", 429, Kind::Throttled),
            ("", 503, Kind::Service),
            ("Strange", 400, Kind::Service),
        ] {
            assert_eq!(kind_and_remedy(code, "", status).0, kind, "{code} {status}");
        }
    }

    #[test]
    fn an_identity_provider_that_aws_cannot_reach_is_no_refusal() {
        let message = "Couldn't retrieve verification key from your identity provider, please reference AssumeRoleWithWebIdentity documentation for requirements";
        assert_eq!(
            kind_and_remedy("InvalidIdentityToken", message, 400).0,
            Kind::Connection
        );
    }

    #[test]
    fn a_refusal_without_a_code_is_not_said_to_be_of_sts() {
        let (_, remedy) = kind_and_remedy("", "", 403);
        assert!(!remedy.contains("trust policy"), "{remedy}");
    }
}
