//! What an STS error means, and what to do about it: one table.

use super::Endpoint;
use crate::{
    credentials::{Credentials, KnownSecrets},
    failure::{Failure, Kind},
    http::{ConnectionProblem, root_cause},
    util::foreign_text::{denial, shown},
};
use aws_sdk_sts::{
    config::http::HttpResponse,
    error::{ProvideErrorMetadata, SdkError},
    operation::RequestId,
};

const PROXY_REMEDY: &str = "Check that the proxy runs and lets us through to this host; or except the host from it with NO_PROXY.";

const THROTTLED: &str = "Too many requests. Share one Session, or ask less often.";

/// Where the requests went, and through which proxy: the variable that names it, and its address.
type Route<'a> = (&'a Endpoint, Option<&'a (&'static str, String)>);

/// The failure of `call`, which was about `subject` (a role ARN, or nothing).
pub(super) fn explain<E>(
    call: &str,
    subject: &str,
    (endpoint, proxy): Route<'_>,
    secrets: &KnownSecrets,
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
    let through = proxy.map_or_else(String::new, |(variable, address)| {
        format!(" through the proxy {address} ({variable})")
    });
    let mut failure = match error {
        SdkError::TimeoutError(_) => timed_out(&what, &place, &through),
        SdkError::DispatchFailure(failure) if failure.is_timeout() => {
            timed_out(&what, &place, &through)
        }
        SdkError::DispatchFailure(failure) => {
            let error = failure.as_connector_error();
            let cause = error.map_or_else(String::new, |error| root_cause(error));
            let problem = error.map_or(ConnectionProblem::Other, |error| {
                ConnectionProblem::of(error)
            });
            Failure::new(
                Kind::Connection,
                format!(
                    "{what}: {place} could not be reached{through} ({}).",
                    shown(&cause)
                ),
                match problem {
                    ConnectionProblem::Name | ConnectionProblem::Other if proxy.is_some() => {
                        PROXY_REMEDY.to_owned()
                    }
                    ConnectionProblem::Name => endpoint.name_remedy(),
                    problem => problem.remedy().to_owned(),
                },
            )
        }
        SdkError::ServiceError(service) => refused(
            &what,
            (endpoint, secrets),
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

/// The same failure, where AWS refused the `keys` the request was signed with, or they cannot be sent at all: with
/// what is odd about them said first, else with which they are.
pub(super) fn about_keys(failure: Failure, keys: &Credentials) -> Failure {
    let failure = failure.signed_by(&keys.access_key_id);
    if !(refuses_keys(&failure) || failure.kind == Kind::Internal) {
        return failure;
    }
    let notes = keys.oddities();
    let first: Vec<&str> = notes.iter().map(|note| note.cause.as_str()).collect();
    let remedies: Vec<&str> = notes.iter().map(|note| note.remedy.as_str()).collect();
    if first.is_empty() {
        let (id, source) = (&keys.access_key_id, &keys.source);
        let cause = format!("{} The key is {id} of {source}.", failure.cause);
        return Failure { cause, ..failure };
    }
    Failure {
        cause: format!("{} {}", first.join(" "), failure.cause),
        remedy: remedies.join(" "),
        ..failure
    }
}

/// True where AWS refused the keys a request was signed with, or could not read them in it.
#[must_use]
pub fn refuses_keys(failure: &Failure) -> bool {
    failure.refuses_key() || failure.code.as_deref() == Some("IncompleteSignature")
}

fn timed_out(what: &str, place: &str, through: &str) -> Failure {
    Failure::timeout(
        format!("{what}: no answer from {place}{through} in time."),
        if through.is_empty() {
            "Check the network, proxy and endpoint."
        } else {
            PROXY_REMEDY
        },
    )
}

fn refused<E: ProvideErrorMetadata>(
    what: &str,
    (endpoint, secrets): (&Endpoint, &KnownSecrets),
    error: &E,
    answer: &HttpResponse,
    request_id: Option<&str>,
) -> Failure {
    let status = answer.status().as_u16();
    let code = secrets.code(error.code().unwrap_or_default().trim());
    let code = code.unwrap_or_default().to_owned();
    // Read before it is cut: an action may stand behind a long ARN.
    let message = secrets.masked(error.message().unwrap_or_default());
    let (kind, remedy) = kind_and_remedy(&code, &message, status);
    let remedy = if is_unknown_key(&code) {
        endpoint.unknown_key_remedy()
    } else {
        denied_action(&message).map_or_else(|| remedy.to_owned(), allow_in_both)
    };
    let place = endpoint.shown();
    let named = if code.is_empty() {
        format!("HTTP {status}")
    } else {
        code.clone()
    };
    let message = match denial(&message).trim_end_matches('.') {
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
        .map(|id| secrets.shown(id));
    failure
}

fn is_unknown_key(code: &str) -> bool {
    matches!(
        code.strip_suffix("Exception").unwrap_or(code),
        "InvalidClientTokenId" | "UnrecognizedClient" | "InvalidAccessKeyId"
    )
}

/// True where AWS refuses the MFA code: `MultiFactorAuthentication failed with invalid MFA one time pass code`.
#[must_use]
pub fn is_wrong_code(message: &str) -> bool {
    message.contains("MultiFactorAuthentication failed")
}

/// The action beside `sts:AssumeRole` that AWS says is not allowed.
#[must_use]
pub fn denied_action(message: &str) -> Option<&'static str> {
    let (_, said) = message.split_once("not authorized to perform: ")?;
    ["sts:TagSession", "sts:SetSourceIdentity", "sts:SetContext"]
        .into_iter()
        .find(|action| {
            said.strip_prefix(action)
                .is_some_and(|rest| !rest.starts_with(|c: char| c.is_ascii_alphanumeric()))
        })
}

/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html#id_session-tags_permissions-required>
fn allow_in_both(action: &'static str) -> String {
    let why = match action {
        "sts:TagSession" => {
            "it is needed for tags, and for those that the caller's own session passes on, as one of EKS Pod Identity does"
        }
        "sts:SetSourceIdentity" => {
            "it is needed for source_identity, and for one that the caller's own session has"
        }
        _ => "it is needed for provided_contexts",
    };
    format!(
        "Allow {action} beside sts:AssumeRole twice: in the policy of the caller, and in the role's trust policy; {why}."
    )
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
        "AccessDenied" if is_wrong_code(message) => (
            Kind::AccessDenied,
            "Give the code that the device shows now: AWS takes each code once, and the device's clock must be right.",
        ),
        "AccessDenied" => (
            Kind::AccessDenied,
            "Check the caller's permission, the role's trust policy, and the external id and MFA it may ask for.",
        ),
        _ if is_unknown_key(code) => (Kind::AccessDenied, "Check which keys are used."),
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
        "ValidationError" if message.contains("MaxSessionDuration") => (
            Kind::Service,
            "Lower session_duration, or raise the role's maximum session duration; a role that assumes a role is limited to 3600 seconds.",
        ),
        "ValidationError" => (
            Kind::Service,
            "Check the options of the role; a role that assumes a role is limited to 3600 seconds.",
        ),
        "MalformedPolicyDocument" | "PackedPolicyTooLarge" => {
            (Kind::Service, "Check policy, policy_arns and tags.")
        }
        "OutboundWebIdentityFederationDisabled" => (
            Kind::AccessDenied,
            "Turn it on for this account: aws iam enable-outbound-web-identity-federation.",
        ),
        "SessionDurationEscalation" => (
            Kind::Service,
            "Ask for a shorter duration: the credentials that ask last less long.",
        ),
        "InsufficientSessionLifetime" => (
            Kind::Service,
            "Ask for a shorter duration, or none: the credentials that ask last less long.",
        ),
        "InvalidSubjectCredentials" => (
            Kind::AccessDenied,
            "AWS takes the credentials that ask for no valid session. Get new ones.",
        ),
        "JWTPayloadSizeExceeded" => (
            Kind::Service,
            "Ask for fewer or shorter tags and audiences.",
        ),
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
        // The SDKs' list.
        "Throttling"
        | "Throttled"
        | "RequestThrottled"
        | "EC2Throttled"
        | "TooManyRequests"
        | "RequestLimitExceeded"
        | "BandwidthLimitExceeded"
        | "LimitExceeded"
        | "ProvisionedThroughputExceeded"
        | "TransactionInProgress"
        | "PriorRequestNotComplete"
        | "SlowDown" => (Kind::Throttled, THROTTLED),
        code => by_status(code, status),
    }
}

/// The same for a code that the table lacks.
fn by_status(code: &str, status: u16) -> (Kind, &'static str) {
    match code {
        _ if status == 429 => (Kind::Throttled, THROTTLED),
        _ if status >= 500 => (Kind::Service, "It may pass."),
        "" if status < 400 => (
            Kind::Service,
            "That is no answer of STS: a login page of the network, a proxy, or another server gave it. Check them, and the endpoint.",
        ),
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
            ("ThrottlingException", 400, Kind::Throttled),
            ("ThrottledException", 400, Kind::Throttled),
            ("RequestThrottledException", 400, Kind::Throttled),
            ("RequestThrottled", 400, Kind::Throttled),
            ("EC2ThrottledException", 503, Kind::Throttled),
            ("LimitExceededException", 400, Kind::Throttled),
            ("BandwidthLimitExceeded", 400, Kind::Throttled),
            ("PriorRequestNotComplete", 400, Kind::Throttled),
            ("SlowDown", 503, Kind::Throttled),
            ("ExpiredTokenException", 403, Kind::AccessDenied),
            ("InsufficientSessionLifetime", 400, Kind::Service),
            (
                "InvalidSubjectCredentialsException",
                400,
                Kind::AccessDenied,
            ),
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
    fn a_wrong_mfa_code_is_told_from_a_missing_permission() {
        let remedy = |message| kind_and_remedy("AccessDenied", message, 403).1;
        let wrong = "MultiFactorAuthentication failed with invalid MFA one time pass code. ";
        assert!(remedy(wrong).contains("the device shows now"));
        assert!(remedy("Access denied").contains("trust policy"));
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

    #[test]
    fn a_denied_action_is_found_in_the_words_of_aws() {
        let says = |action: &str| {
            format!(
                "User: arn:aws:sts::1:assumed-role/a/b is not authorized to perform: {action} on resource: arn:aws:iam::1:role/c"
            )
        };
        for action in ["sts:TagSession", "sts:SetSourceIdentity", "sts:SetContext"] {
            assert_eq!(denied_action(&says(action)), Some(action));
            let remedy = allow_in_both(denied_action(&says(action)).unwrap());
            assert!(
                remedy.contains(action) && remedy.contains("trust policy"),
                "{remedy}"
            );
        }
        for other in ["sts:AssumeRole", "sts:TagSessions", "iam:TagRole"] {
            assert_eq!(denied_action(&says(other)), None);
        }
        assert_eq!(denied_action("sts:TagSession"), None);
    }

    #[test]
    fn the_advice_names_region_partition_and_switches() {
        let mut endpoint = Endpoint {
            region: "us-gov-west-1".into(),
            url: None,
            use_fips: None,
            use_dualstack: Some(false),
        };
        let remedy = endpoint.unknown_key_remedy();
        assert!(
            remedy.contains("us-gov-west-1 (partition aws-us-gov)"),
            "{remedy}"
        );
        assert!(
            !endpoint.name_remedy().contains("AWS_USE"),
            "no switch made the name"
        );
        endpoint.use_fips = Some(true);
        let remedy = endpoint.name_remedy();
        assert!(
            remedy.contains("AWS_USE_FIPS_ENDPOINT (use_fips_endpoint)"),
            "{remedy}"
        );
        assert!(!remedy.contains("DUALSTACK"), "{remedy}");
        endpoint.use_dualstack = Some(true);
        assert_eq!(endpoint.switches().len(), 2);
        endpoint.url = Some(crate::credentials::Secret::new("http://h"));
        assert!(
            endpoint.switches().is_empty(),
            "a configured URL is used as it is"
        );
    }
}
