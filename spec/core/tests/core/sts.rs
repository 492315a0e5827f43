//! Failures of STS: what is retried, what the failure says, how long it takes.

use crate::{
    stub,
    support::{Machine, timed},
};
use aws_identity::{
    credentials::Secret,
    failure::{Failure, Kind},
    providers::CallbackAnswers,
    refresh::is_final,
};
use fake_aws::{Answer, Rule, Service, world};
use std::{thread, time::Duration};

const ASSUME: &str = "AssumeRole";

/// A machine that assumes a role, and an STS with this rule for it.
fn with_rule(rule: Rule) -> Machine {
    let machine = Machine::with_keys().option("role_arn", world::WORKER_ROLE);
    machine.aws.add_rule(Rule { service: Some(Service::Sts), action: Some(ASSUME.into()), ..rule });
    machine
}

fn answering(answer: Answer) -> Machine {
    with_rule(Rule::default().answer(answer))
}

fn error(status: u16, code: &str) -> Answer {
    Answer::Error { status, code: code.into(), message: "because".into() }
}

fn xml(status: u16, text: &str) -> Answer {
    Answer::Body { status, content_type: "text/xml".into(), text: text.into() }
}

/// What passes by itself, with the kind of its failure.
fn passing() -> Vec<(Answer, Kind)> {
    vec![
        (Answer::Throttle, Kind::Throttled),
        (error(429, "Whatever"), Kind::Throttled),
        (error(500, "InternalFailure"), Kind::Service),
        (error(503, "ServiceUnavailable"), Kind::Service),
        (xml(502, "<html>Bad gateway</html>"), Kind::Service),
        (error(400, "IDPCommunicationError"), Kind::Connection),
        (Answer::Drop, Kind::Connection),
        (Answer::Reset, Kind::Connection),
        (Answer::Truncate, Kind::Connection),
    ]
}

/// A machine of which each call of STS is answered so, as often as the rule says.
fn with_web_identity(rule: Rule) -> Machine {
    let machine = Machine::with_web_identity();
    machine.aws.add_rule(Rule { service: Some(Service::Sts), action: Some("AssumeRoleWithWebIdentity".into()), ..rule });
    machine
}

#[test]
fn what_passes_by_itself_is_asked_again_while_the_time_lasts() {
    thread::scope(|scope| {
        for (answer, kind) in passing() {
            scope.spawn(move || {
                let name = answer.name();
                let machine = with_web_identity(Rule::default().answer(answer)).option("resolve_timeout", 2);
                let (failure, took) = timed(|| machine.failure());
                assert_eq!(failure.kind, kind, "{name}: {failure:?}");
                assert!(failure.is_outage(), "{name}");
                assert!((1.0..2.6).contains(&took.as_secs_f64()), "{name}: {took:?}");
                let sent = machine.count(Service::Sts, "AssumeRoleWithWebIdentity");
                let expected = if kind == Kind::Throttled { 2..=4 } else { 4..=12 };
                assert!(expected.contains(&sent), "{name}: {sent} requests");
            });
        }
    });
}

#[test]
fn what_passes_within_the_time_is_no_failure() {
    thread::scope(|scope| {
        for (answer, kind) in passing() {
            scope.spawn(move || {
                let name = answer.name();
                let times: u16 = if kind == Kind::Throttled { 1 } else { 4 };
                let machine = with_web_identity(Rule::default().times(times.into()).answer(answer));
                assert!(machine.fetch().is_ok(), "{name}");
                assert_eq!(machine.count(Service::Sts, "AssumeRoleWithWebIdentity"), usize::from(times) + 1, "{name}");
            });
        }
    });
}

/// (aws/aws-cli#7194, awslabs/aws-sdk-rust#827)
#[test]
fn keys_of_the_identity_provider_that_aws_could_not_fetch_are_asked_for_again() {
    let says = |message: &str| Answer::Error { status: 400, code: "InvalidIdentityToken".into(), message: message.into() };
    let passing = says("Couldn't retrieve verification key from your identity provider, please reference the documentation");
    let machine = with_web_identity(Rule::default().times(1).answer(passing));
    assert!(machine.fetch().is_ok());
    let wrong = with_web_identity(Rule::default().answer(says("No OpenIDConnect provider found in your account for https://x")));
    assert_eq!(wrong.failure().code.as_deref(), Some("InvalidIdentityToken"));
    assert_eq!(wrong.count(Service::Sts, "AssumeRoleWithWebIdentity"), 1);
}

#[test]
fn a_longer_deadline_rides_out_more() {
    let machine = with_web_identity(Rule::default().times(4).answer(Answer::Throttle)).option("resolve_timeout", 30);
    let (fetched, took) = timed(|| machine.fetch());
    assert!(fetched.is_ok() && took > Duration::from_secs(5), "{took:?}");
}

#[test]
fn the_number_of_requests_of_one_call_may_be_limited() {
    for (limited, count) in [
        (answering(error(500, "InternalFailure")).env("AWS_MAX_ATTEMPTS", "1"), 1),
        (answering(error(500, "InternalFailure")).env("AWS_MAX_ATTEMPTS", "2"), 2),
        (answering(Answer::Reset).config("[default]\nmax_attempts = 3\n"), 3),
        (answering(Answer::Reset).env("AWS_MAX_ATTEMPTS", "2").config("[default]\nmax_attempts = 5\n"), 2),
    ] {
        assert!(limited.failure().is_outage());
        assert_eq!(limited.count(Service::Sts, ASSUME), count);
    }
    for wrong in [
        answering(Answer::Reset).env("AWS_MAX_ATTEMPTS", "0"),
        answering(Answer::Reset).env("AWS_MAX_ATTEMPTS", "some"),
        answering(Answer::Reset).option("profile", "p").config("[profile p]\nmax_attempts = none\n"),
    ] {
        let failure = wrong.failure();
        assert_eq!(failure.kind, Kind::Configuration, "{failure:?}");
        assert!(failure.cause.to_lowercase().contains("max_attempts"), "{failure}");
    }
}

// The cache that the AWS SDK gives a client adds up the pauses of all of them before the first request.
#[test]
fn a_number_of_requests_that_no_time_has_room_for_takes_no_time() {
    let machine =
        answering(error(500, "InternalFailure")).env("AWS_MAX_ATTEMPTS", &u32::MAX.to_string()).option("resolve_timeout", 1);
    let (failure, took) = timed(|| machine.failure());
    assert!(failure.is_outage() && took < Duration::from_secs(3), "{failure:?} {took:?}");
    assert!(machine.count(Service::Sts, ASSUME) > 2);
}

#[test]
fn an_answer_that_is_not_sts_s_is_asked_for_once() {
    let machine = answering(xml(200, "hello"));
    assert_eq!(machine.failure().kind, Kind::Service);
    assert_eq!(machine.count(Service::Sts, ASSUME), 1);
}

#[test]
fn every_refusal_is_tried_once_and_has_its_kind() {
    for (status, code, kind) in [
        (403, "AccessDenied", Kind::AccessDenied),
        (403, "InvalidClientTokenId", Kind::AccessDenied),
        (403, "ExpiredToken", Kind::AccessDenied),
        (403, "RegionDisabledException", Kind::AccessDenied),
        (400, "MalformedPolicyDocument", Kind::Service),
        (400, "PackedPolicyTooLarge", Kind::Service),
        (400, "ValidationError", Kind::Service),
        (400, "SomethingNew", Kind::Service),
        (403, "SomethingNew", Kind::AccessDenied),
    ] {
        let machine = answering(error(status, code));
        let failure = machine.failure();
        assert_eq!((failure.kind, failure.code.as_deref(), failure.status), (kind, Some(code), Some(status)));
        assert!(!failure.is_outage(), "{code}");
        for part in ["sts:AssumeRole", world::WORKER_ROLE, code, "because"] {
            assert!(failure.message().contains(part), "{}", failure.message());
        }
        assert!(failure.request_id.is_some(), "{code}");
        assert!(failure.reached && !failure.remedy.is_empty(), "{failure:?}");
        assert_eq!(machine.count(Service::Sts, ASSUME), 1, "{code}");
    }
}

#[test]
fn the_codes_of_throttling_are_known() {
    for code in ["Throttling", "ThrottlingException", "TooManyRequestsException", "RequestLimitExceeded", "SlowDown"] {
        assert_eq!(answering(error(400, code)).failure().kind, Kind::Throttled, "{code}");
    }
    assert_eq!(answering(error(429, "Whatever")).failure().kind, Kind::Throttled);
}

/// Some imitations of STS wrap the error once more, so that no code is found: the status decides.
#[test]
fn an_error_in_another_wrapping_goes_by_its_status() {
    let wrapped = "<ErrorResponse><Errors><Error><Code>SignatureDoesNotMatch</Code><Message>canary</Message></Error></Errors></ErrorResponse>";
    for (status, kind) in [(403, Kind::AccessDenied), (400, Kind::Service), (503, Kind::Service), (429, Kind::Throttled)] {
        let failure = answering(xml(status, wrapped)).failure();
        assert_eq!((failure.kind, failure.status), (kind, Some(status)), "{failure:?}");
    }
}

#[test]
fn a_403_of_a_mesh_passes_and_is_not_said_to_be_of_sts() {
    for status in [401, 403] {
        let page = Answer::Body { status, content_type: "text/plain".into(), text: "RBAC: access denied".into() };
        let failure = answering(page).failure();
        assert_eq!((failure.code.as_deref(), failure.status), (None, Some(status)));
        assert!(failure.is_outage() && !is_final(&failure), "{failure:?}");
        assert!(!failure.message().contains("trust policy"), "{}", failure.message());
    }
}

#[test]
fn answers_that_are_not_of_sts_are_named_so() {
    for text in [
        "hello",
        "",
        "<",
        "<AssumeRoleResponse>",
        "<AssumeRoleResponse><AssumeRoleResult></AssumeRoleResult></AssumeRoleResponse>",
    ] {
        let failure = answering(xml(200, text)).failure();
        assert_eq!(failure.kind, Kind::Service, "{text}: {failure:?}");
        assert!(failure.message().contains("endpoint"), "{}", failure.message());
    }
    let portal = Answer::Body { status: 200, content_type: "text/html".into(), text: "<html>Log in</html>".into() };
    let failure = answering(portal).failure();
    assert!(failure.message().contains("no answer of STS"), "{}", failure.message());
    let page = Answer::Body { status: 404, content_type: "text/html".into(), text: "<html>Not here</html>".into() };
    let failure = answering(page).failure();
    assert_eq!((failure.kind, failure.status), (Kind::Service, Some(404)));
}

#[test]
fn a_refusal_names_the_key_that_is_refused_and_where_it_is_from() {
    let machine = Machine::with_keys().env("AWS_SECRET_ACCESS_KEY", "another");
    let message = machine.failure_of_identity().message();
    assert!(message.contains("SignatureDoesNotMatch"), "{message}");
    assert!(message.contains("The key is AKIADEMOUSERFAKEAWS2 of environment."), "{message}");
}

#[test]
fn a_duration_above_the_role_s_own_has_its_remedy() {
    let machine = Machine::with_keys().option("role_arn", "arn:aws:iam::123456789012:role/team/deployer");
    let message = machine.option("session_duration", 43_200).failure().message();
    assert!(message.contains("Lower session_duration"), "{message}");
}

#[test]
fn an_identity_that_cannot_be_read_is_a_failure() {
    for fields in ["", "<Arn>nonsense</Arn>", "<Arn>arn:aws:s3:::bucket</Arn><UserId>x</UserId><Account>1</Account>"] {
        let machine = Machine::with_keys();
        let text = format!(
            "<GetCallerIdentityResponse><GetCallerIdentityResult>{fields}</GetCallerIdentityResult></GetCallerIdentityResponse>"
        );
        machine.aws.add_rule(Rule::on(Service::Sts).action("GetCallerIdentity").answer(xml(200, &text)));
        let failure = machine.failure_of_identity();
        assert_eq!(failure.kind, Kind::Service, "{fields}: {failure:?}");
    }
}

#[test]
fn an_answer_above_the_limit_is_cut_off() {
    let (failure, took) = timed(|| answering(Answer::HugeMib(64)).failure());
    assert!(matches!(failure.kind, Kind::Connection | Kind::Service), "{failure:?}");
    assert!(took < Duration::from_secs(2), "{took:?}");
}

#[test]
fn a_truncated_answer_is_an_outage() {
    let failure = answering(Answer::Truncate).failure();
    assert!(failure.is_outage(), "{failure:?}");
}

#[test]
fn a_service_s_message_is_shown_on_one_line_and_shortened() {
    let long = format!("first\nsecond\u{1b}[31m {}", "x".repeat(2000));
    let failure = answering(Answer::Error { status: 400, code: "ValidationError".into(), message: long }).failure();
    assert!(failure.message().len() < 700, "{}", failure.message().len());
    assert!(!failure.message().contains('\n') && !failure.message().contains('\u{1b}'), "{:?}", failure.message());
}

#[test]
fn a_clock_that_is_wrong_is_corrected_by_the_service_s_date() {
    for skew in [3600, -7200] {
        let machine = with_rule(Rule { skew_seconds: skew, ..Rule::default() });
        machine.aws.add_rule(Rule { skew_seconds: skew, ..Rule::on(Service::Sts).action("GetCallerIdentity") });
        let fetched = machine.fetch().unwrap();
        assert!(fetched.arn().contains("legion-worker"));
        let offset = fetched.clock_offset.unwrap();
        assert!((offset - skew * 1000).abs() < 3000, "{offset}");
        assert_eq!(machine.count(Service::Sts, ASSUME), 2);
    }
}

#[test]
fn a_clock_that_is_right_has_no_offset() {
    assert_eq!(Machine::with_keys().fetch().unwrap().clock_offset, Some(0));
}

#[test]
fn an_endpoint_that_refuses_connections_is_a_connection_failure() {
    let failure = Machine::with_keys().env("AWS_ENDPOINT_URL", &stub::refusing()).failure_of_identity();
    assert_eq!(failure.kind, Kind::Connection);
    assert!(failure.message().contains("refused") && failure.message().contains("127.0.0.1"), "{}", failure.message());
    assert!(!failure.reached && failure.remedy.contains("proxy"), "{failure:?}");
}

#[test]
fn a_host_that_does_not_exist_names_the_region_and_the_name_server() {
    // A name with a label that is too long: the C library fails without a name server.
    let failure = Machine::with_keys().without("AWS_ENDPOINT_URL").option("endpoint", format!("http://{}.test", "x".repeat(64)));
    let failure = failure.failure_of_identity();
    assert_eq!(failure.kind, Kind::Connection);
    assert!(!failure.reached && failure.remedy.contains("name server"), "{failure:?}");
}

#[test]
fn a_slow_body_is_read() {
    assert!(with_rule(Rule::default().answer(Answer::DripMs(0))).fetch().is_ok());
}

fn with_mfa() -> Machine {
    Machine::with_keys()
        .option("role_arn", world::MFA_ROLE)
        .option("serial_number", world::DEMO_MFA_SERIAL)
        .option("token_provider", true)
}

fn fetch_with_code(machine: &Machine, code: &str) -> Result<String, Failure> {
    let answers = CallbackAnswers { token_code: Some(Secret::new(code)), ..CallbackAnswers::default() };
    machine.fetch_with(answers).map(|fetched| fetched.arn())
}

#[test]
fn a_code_is_sent_with_its_device() {
    let machine = with_mfa();
    assert!(fetch_with_code(&machine, "111111").unwrap().contains("mfa-only"));
    let asked = machine.the(Service::Sts, ASSUME).params;
    assert_eq!((&*asked["SerialNumber"], &*asked["TokenCode"]), (world::DEMO_MFA_SERIAL, "111111"));
}

#[test]
fn a_code_is_never_sent_twice() {
    for answer in [Answer::Throttle, error(500, "InternalFailure"), Answer::Drop, Answer::Reset, Answer::Hang] {
        let name = answer.name();
        let machine = with_mfa().option("read_timeout", 1);
        machine.aws.add_rule(Rule::on(Service::Sts).answer(answer));
        let failure = fetch_with_code(&machine, "222222").unwrap_err();
        assert!(failure.is_outage(), "{name}: {failure:?}");
        assert!(!format!("{failure:?}").contains("222222"), "{failure:?}");
        assert_eq!(machine.count(Service::Sts, ASSUME), 1, "{name}");
    }
}

#[test]
fn a_wrong_code_is_access_denied() {
    let machine = with_mfa();
    let failure = fetch_with_code(&machine, "000000").unwrap_err();
    assert_eq!(failure.kind, Kind::AccessDenied);
    assert!(!failure.message().contains("000000"), "{}", failure.message());
}

#[test]
fn a_session_token_uses_a_code_too() {
    let machine = Machine::with_keys()
        .option("get_session_token", true)
        .option("serial_number", world::DEMO_MFA_HARDWARE)
        .option("token_provider", true)
        .option("session_duration", 900);
    assert_eq!(fetch_with_code(&machine, "333333").unwrap(), world::DEMO_USER);
    let asked = machine.the(Service::Sts, "GetSessionToken").params;
    assert_eq!((&*asked["SerialNumber"], &*asked["TokenCode"]), (world::DEMO_MFA_HARDWARE, "333333"));
    assert_eq!(asked["DurationSeconds"], "900");

    let again = Machine::with_keys()
        .option("get_session_token", true)
        .option("serial_number", world::DEMO_MFA_HARDWARE)
        .option("token_provider", true);
    again.aws.add_rule(Rule::on(Service::Sts).answer(Answer::Drop));
    fetch_with_code(&again, "444444").unwrap_err();
    assert_eq!(again.count(Service::Sts, "GetSessionToken"), 1);
}

#[test]
fn a_role_over_a_session_token_with_mfa_needs_no_second_code() {
    let machine = Machine::with_keys()
        .setting("get_session_token", true)
        .setting("serial_number", world::DEMO_MFA_SERIAL)
        .option("token_provider", true)
        .option("role_arn", world::MFA_ROLE);
    assert!(fetch_with_code(&machine, "555555").unwrap().contains("mfa-only"));
    assert!(!machine.the(Service::Sts, ASSUME).params.contains_key("TokenCode"));
}

#[test]
fn mfa_is_for_the_first_role_of_a_list() {
    let machine = Machine::with_keys()
        .option("role_arn", serde_json::json!([world::WORKER_ROLE, world::CHAINED_ROLE]))
        .option("serial_number", world::DEMO_MFA_SERIAL)
        .option("token_provider", true);
    assert!(fetch_with_code(&machine, "666666").unwrap().contains("from-worker-only"));
    let [first, second] = machine.requests(Service::Sts, ASSUME).try_into().unwrap();
    assert_eq!(first.params["TokenCode"], "666666");
    assert!(!second.params.contains_key("TokenCode"));
}

#[test]
fn a_device_of_the_profile_is_used() {
    let machine = Machine::bare().credentials_file(&crate::support::keys_profile("base")).config(&format!(
        "[default]\nrole_arn = {}\nsource_profile = base\nmfa_serial = {}\n",
        world::MFA_ROLE,
        world::DEMO_MFA_SERIAL
    ));
    let failure = machine.failure();
    assert_eq!(failure.kind, Kind::NoCredentials);
    assert!(
        failure.message().contains("token_provider") && failure.message().contains(world::DEMO_MFA_SERIAL),
        "{}",
        failure.message()
    );
    assert!(machine.aws.requests().is_empty(), "not without a code");
    let machine = machine.option("token_provider", true);
    assert!(fetch_with_code(&machine, "777777").unwrap().contains("mfa-only"));
}

/// (aws-cdk-cli#762)
#[test]
fn an_action_that_is_denied_beside_assume_role_is_named_with_both_policies() {
    for action in ["sts:TagSession", "sts:SetSourceIdentity", "sts:SetContext"] {
        let message =
            format!("User: {} is not authorized to perform: {action} on resource: {}", world::DEMO_USER, world::WORKER_ROLE);
        let failure = answering(Answer::Error { status: 403, code: "AccessDenied".into(), message }).failure();
        for part in [action, "policy of the caller", "trust policy"] {
            assert!(failure.remedy.contains(part), "{failure}");
        }
    }
    let message = format!("User: x is not authorized to perform: sts:AssumeRole on resource: {}", world::WORKER_ROLE);
    let failure = answering(Answer::Error { status: 403, code: "AccessDenied".into(), message }).failure();
    assert!(failure.remedy.contains("external id"), "{failure}");
}
