//! The endpoint of ECS tasks and EKS pods.

use crate::{
    stub,
    support::{Machine, outcomes, text, timed},
};
use aws_identity::{failure::Kind, fetch::FetchRequest, refresh::is_final};
use fake_aws::{Answer, Rule, Service, world};
use std::{thread, time::Duration};

const URI: &str = "AWS_CONTAINER_CREDENTIALS_FULL_URI";
const TOKEN: &str = "AWS_CONTAINER_AUTHORIZATION_TOKEN";
const TOKEN_FILE: &str = "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE";

fn with_rule(rule: Rule) -> Machine {
    let machine = Machine::with_container();
    machine.aws.add_rule(rule);
    machine
}

fn on_get() -> Rule {
    Rule::on(Service::Container).action("GetCredentials")
}

fn error(status: u16) -> Answer {
    Answer::Error { status, code: String::new(), message: String::new() }
}

/// An EKS pod: the token is a file.
fn pod(token: &[u8]) -> Machine {
    let machine = Machine::with_container();
    let uri = format!("{}{}", machine.aws.http_url(), world::EKS_PATH);
    let file = machine.file("pod-token", token);
    machine.env(URI, &uri).env(TOKEN_FILE, text(&file))
}

#[test]
fn an_answer_gives_role_account_and_expiration() {
    let fetched = Machine::with_container().fetch().unwrap();
    assert_eq!(fetched.credentials.details["role_arn"], world::ECS_ROLE);
    assert_eq!(fetched.credentials.account_id.as_deref(), Some(world::ACCOUNT));
    assert!(fetched.credentials.expires_at.is_some());
}

#[test]
fn a_token_is_trimmed_in_file_and_variable() {
    let machine = Machine::with_container();
    let machine = machine.env(TOKEN, &format!(" {}\n", world::ECS_TOKEN));
    assert!(machine.fetch().is_ok());
    assert!(pod(format!("\n{}\r\n", world::EKS_TOKEN).as_bytes()).fetch().is_ok());
}

#[test]
fn the_token_file_outranks_the_token_and_is_read_anew_each_time() {
    let machine = pod(b"old").option("resolve_timeout", 1);
    let failure = machine.failure();
    assert_eq!((failure.kind, failure.status), (Kind::AccessDenied, Some(401)));
    assert!(failure.message().contains(TOKEN), "{}", failure.message());
    machine.file("pod-token", world::EKS_TOKEN);
    let fetched = machine.fetch().unwrap();
    assert!(fetched.arn().contains("assumed-role/eks-pod/eks-"), "{}", fetched.arn());
}

#[test]
fn a_malformed_token_is_not_sent() {
    for (content, said) in [
        (&b""[..], "is empty"),
        (b" \n", "is empty"),
        (b"canary\r\nx-other: 1", "one line"),
        (b"canary\0", "control characters"),
        (&*vec![b'c'; 20_481], "longer than"),
        (&[0xff, 0xfe][..], "not text"),
    ] {
        let machine = pod(content);
        let failure = machine.failure();
        assert_eq!(failure.kind, Kind::NoCredentials, "{failure:?}");
        assert!(failure.message().contains(said) && failure.message().contains(TOKEN_FILE), "{}", failure.message());
        assert!(machine.aws.requests().is_empty());
    }
    let machine = pod(b"x");
    let missing = machine.home().join("missing");
    assert!(machine.env(TOKEN_FILE, text(&missing)).failure().message().contains("does not exist"));
    let split = Machine::with_container().env(TOKEN, "canary\r\nx: y");
    assert_eq!(split.failure().kind, Kind::Configuration);
    assert!(split.aws.requests().is_empty());
}

#[test]
fn a_token_that_is_not_ascii_is_refused() {
    let machine = Machine::with_container();
    let file = machine.file("token", "canary\u{fc}");
    for machine in [machine.env(TOKEN_FILE, text(&file)), Machine::with_container().env(TOKEN, "canary\u{fc}")] {
        let failure = machine.failure();
        assert!(failure.message().contains("AWS_CONTAINER_AUTHORIZATION_TOKEN"), "{failure:?}");
        assert!(!failure.is_outage() && machine.aws.requests().is_empty(), "{failure:?}");
    }
}

#[test]
fn no_token_is_sent_where_none_is_set() {
    let machine = Machine::with_container().without(TOKEN);
    machine.aws.change_world(|world| {
        world.containers.get_mut(world::ECS_PATH).unwrap().authorization_token = None;
    });
    assert!(machine.fetch().is_ok());
    assert!(!machine.the(Service::Container, "GetCredentials").headers.contains_key("authorization"));
}

#[test]
fn over_plain_http_a_foreign_address_is_not_asked() {
    for uri in [
        "http://10.0.0.1/c",
        "http://169.254.169.254/c",
        "http://192.168.0.1:80/c",
        "http://[fd00:ec2::254]/c",
        "http://0.0.0.0/c",
    ] {
        let (failure, took) = timed(|| Machine::with_container().env(URI, uri).failure());
        assert_eq!(failure.kind, Kind::Configuration, "{uri}: {failure:?}");
        assert!(failure.message().contains("https"), "{}", failure.message());
        assert!(took < Duration::from_secs(1), "{took:?}");
    }
}

/// The name look-up returns allowed addresses only, so a second look-up cannot give another one. The C library resolves
/// these names without a name server.
#[test]
fn over_plain_http_a_name_for_a_foreign_address_is_not_asked() {
    for uri in ["http://10.1/c", "http://167772161/c", "http://0x0a000001/c"] {
        let failure = Machine::with_container().env(URI, uri).failure();
        assert_eq!(failure.kind, Kind::Connection, "{uri}: {failure:?}");
        assert!(failure.message().contains("stands for 10.0.0.1"), "{}", failure.message());
    }
}

#[test]
fn a_name_for_loopback_may_be_asked() {
    let machine = Machine::with_container();
    let uri = format!("{}{}", machine.aws.http_url().replace("127.0.0.1", "localhost"), world::ECS_PATH);
    assert!(machine.env(URI, &uri).fetch().is_ok());
}

#[test]
fn a_redirect_is_not_followed() {
    let to = "HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:9/\r\ncontent-length: 0\r\n\r\n";
    let failure = Machine::with_container().env(URI, &stub::answering(to)).failure();
    assert_eq!(failure.status, Some(302), "{failure:?}");
}

#[test]
fn what_is_no_uri_is_refused() {
    for (name, value) in [
        (URI, "/credentials"),
        (URI, "ftp://127.0.0.1/"),
        (URI, "http://127.0.0.1 /"),
        ("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "@evil.example.com/c"),
    ] {
        let failure = Machine::with_container().env(name, value).failure();
        assert_eq!(failure.kind, Kind::Configuration, "{value}");
        assert!(failure.message().contains(name), "{}", failure.message());
        assert_eq!(outcomes(&failure.attempts).last().unwrap(), "container failed");
    }
}

/// What an agent answers that is starting, throttled, or not ready for this token.
fn passing() -> Vec<Answer> {
    let statuses = [401, 403, 429, 500, 503].map(error);
    statuses.into_iter().chain([Answer::Drop, Answer::Reset, Answer::Truncate]).collect()
}

/// (aws/eks-pod-identity-agent#50, #159)
#[test]
fn what_passes_by_itself_is_asked_for_again_once_a_second() {
    thread::scope(|scope| {
        for answer in passing() {
            scope.spawn(move || {
                let name = answer.name();
                let machine = with_rule(on_get().times(2).answer(answer));
                let (fetched, took) = timed(|| machine.fetch());
                assert!(fetched.is_ok(), "{name}: {fetched:?}");
                assert_eq!(machine.count(Service::Container, "GetCredentials"), 3, "{name}");
                assert!((2.0..2.9).contains(&took.as_secs_f64()), "{name}: {took:?}");
            });
        }
    });
}

#[test]
fn the_deadline_ends_what_does_not_pass_with_the_last_answer() {
    thread::scope(|scope| {
        for (answer, kind, status) in [
            (error(503), Kind::Service, Some(503)),
            (Answer::Throttle, Kind::Throttled, Some(429)),
            (error(401), Kind::AccessDenied, Some(401)),
            (error(403), Kind::AccessDenied, Some(403)),
            (Answer::Reset, Kind::Connection, None),
        ] {
            scope.spawn(move || {
                let machine = with_rule(on_get().answer(answer)).option("resolve_timeout", 2.5);
                let failure = machine.failure();
                assert_eq!((failure.kind, failure.status), (kind, status), "{failure:?}");
                assert!(failure.is_outage() && !is_final(&failure), "{failure:?}");
                assert_eq!(machine.count(Service::Container, "GetCredentials"), 3);
            });
        }
    });
}

#[test]
fn an_agent_that_starts_later_is_waited_for() {
    for (after, time, is_found) in [(1500, 4, true), (6500, 8, true), (2500, 2, false)] {
        let machine = Machine::with_container().option("resolve_timeout", time);
        let uri = format!("{}{}", stub::late(&machine.aws.http_url(), Duration::from_millis(after)), world::ECS_PATH);
        let outcome = machine.env(URI, &uri).fetch();
        assert_eq!(outcome.is_ok(), is_found, "{after}: {outcome:?}");
    }
}

/// A token file that the kubelet exchanges while the endpoint refuses the old token.
#[test]
fn the_token_is_read_again_for_each_request() {
    let machine = pod(b"old");
    thread::scope(|scope| {
        scope.spawn(|| {
            machine.wait_for(Service::Container, "GetCredentials", 1);
            machine.file("pod-token", world::EKS_TOKEN);
        });
        assert!(machine.fetch().is_ok());
    });
}

/// As botocore does. (aws/amazon-ecs-agent#1780: an agent that has restarted does not know its tasks at first.)
#[test]
fn another_refusal_is_asked_about_three_times() {
    let nonsense = || Answer::Body { status: 200, content_type: "text/html".into(), text: "<html>wait</html>".into() };
    thread::scope(|scope| {
        for (answer, status) in [(error(400), Some(400)), (error(404), Some(404)), (error(418), Some(418)), (nonsense(), None)] {
            scope.spawn(move || {
                let name = answer.name();
                let machine = with_rule(on_get().times(3).answer(answer));
                let failure = machine.failure();
                assert_eq!((failure.kind, failure.status), (Kind::Service, status), "{name}");
                assert!(!is_final(&failure), "{name}");
                assert_eq!(machine.count(Service::Container, "GetCredentials"), 3, "{name}");
                let machine = with_rule(on_get().times(2).answer(if status.is_some() { error(400) } else { nonsense() }));
                assert!(machine.fetch().is_ok(), "{name}");
            });
        }
    });
}

#[test]
fn a_time_out_is_retried() {
    let machine = with_rule(on_get().times(1).answer(Answer::Hang));
    assert!(machine.fetch().is_ok());
    assert_eq!(machine.count(Service::Container, "GetCredentials"), 2);
}

#[test]
fn a_malformed_answer_is_refused_and_not_shown() {
    for (answer, kind) in [
        (Answer::Body { status: 200, content_type: "text/plain".into(), text: "canary".into() }, Kind::Service),
        (Answer::Truncate, Kind::Connection),
        (Answer::HugeMib(4), Kind::Connection),
        (Answer::Drop, Kind::Connection),
        (Answer::Reset, Kind::Connection),
    ] {
        let name = answer.name();
        // No time for a second request: its end could be in the middle of one.
        let machine = with_rule(on_get().answer(answer)).option("resolve_timeout", 0.9);
        assert_eq!(machine.failure().kind, kind, "{name}");
    }
}

#[test]
fn an_agent_that_refuses_connections_is_a_failure_and_imds_is_not_asked() {
    let machine = Machine::with_imds().env(URI, &stub::refusing());
    let failure = machine.failure();
    assert_eq!(failure.kind, Kind::Connection);
    assert!(failure.message().contains("refused"), "{}", failure.message());
    assert!(machine.aws.requests().is_empty());
}

#[test]
fn a_password_in_the_uri_is_in_no_failure() {
    let url = stub::refusing().replace("http://", "http://user:canary@");
    let failure = Machine::with_container().env(URI, &url).failure();
    assert_eq!(failure.kind, Kind::Connection);
}

#[test]
fn a_profile_may_name_the_container_as_credential_source() {
    let text = format!("[default]\nrole_arn = {}\ncredential_source = EcsContainer\n", world::WORKER_ROLE);
    let machine = Machine::with_container().config(&text);
    assert!(machine.fetch().unwrap().arn().contains("legion-worker"));
    assert!(machine.the(Service::Sts, "AssumeRole").principal.unwrap().contains("ecs-task"));
    let failure = Machine::bare().config(&text).failure();
    assert_eq!(failure.kind, Kind::NoCredentials);
    assert!(failure.message().contains("EcsContainer"), "{}", failure.message());
}

#[test]
fn a_token_file_that_is_a_link_is_followed() {
    let machine = Machine::with_container();
    let real = machine.file("real", world::ECS_TOKEN);
    let link = machine.aws.directory().join("link");
    std::os::unix::fs::symlink(real, &link).unwrap();
    assert!(machine.env(TOKEN_FILE, text(&link)).without(TOKEN).fetch().is_ok());
}

/// An endpoint that answers with this text.
fn saying(status: u16, text: &str) -> Machine {
    let answer = Answer::Body { status, content_type: "text/plain".into(), text: text.into() };
    with_rule(on_get().answer(answer)).option("resolve_timeout", 0.5)
}

/// (boto/botocore#3480, aws/amazon-ecs-agent#738)
#[test]
fn the_words_of_a_refusal_are_shown_with_the_remedy_that_fits() {
    for (status, text, said, remedy) in [
        (
            400,
            "Service account token failed basic claim validations: token is expired\n",
            "answered 400: Service account token failed basic claim validations: token is expired.",
            "AWS_CONTAINER_AUTHORIZATION_TOKEN(_FILE)",
        ),
        (
            400,
            r#"{"code":"InvalidIdInRequest","message":"CredentialsV2Request: ID not found","HTTPErrorCode":400}"#,
            "answered 400: InvalidIdInRequest: CredentialsV2Request: ID not found.",
            "task role",
        ),
        (
            403,
            "[3f2a]: (AccessDeniedException): Unauthorized Exception! EKS does not have permissions to assume the associated role.",
            "does not have permissions to assume the associated role.",
            "pods.eks.amazonaws.com",
        ),
        (
            404,
            "[3f2a]: (ResourceNotFoundException): The token included in the request has no service account role association for it.",
            "(ResourceNotFoundException)",
            "Pod Identity association",
        ),
        (403, "RBAC: access denied", "answered 403: RBAC: access denied.", "AWS_CONTAINER_AUTHORIZATION_TOKEN(_FILE)"),
        (404, "<html><title>404</title></html>", "answered 404.", "task role"),
        (503, "", "answered 503.", "It may pass."),
    ] {
        let failure = saying(status, text).failure();
        assert!(failure.cause.contains(said), "{failure}");
        assert!(failure.remedy.contains(remedy), "{failure}");
    }
}

#[test]
fn the_words_are_one_clipped_line_without_the_token() {
    let echo = format!("no such token {} \u{1b}[31m\r\nsecond {}", world::ECS_TOKEN, "x".repeat(3000));
    let failure = saying(403, &echo).failure();
    assert!(failure.cause.contains("no such token [secret]") && failure.cause.len() < 700, "{failure}");
    assert!(!failure.cause.contains(['\n', '\u{1b}']), "{failure:?}");
}

#[test]
fn the_variable_that_is_set_is_the_one_that_is_named() {
    let machine = Machine::bare().option("resolve_timeout", 0.3).env("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/v2/x");
    let failure = machine.failure();
    assert!(!failure.message().contains("FULL_URI"), "{failure}");
    let failure = Machine::with_container().env(URI, &stub::refusing()).option("resolve_timeout", 0.3).failure();
    assert!(failure.remedy.contains(URI), "{failure}");
}

#[test]
fn an_expiration_that_is_no_time_is_refused_and_a_basic_offset_is_one() {
    let answer = |expiration: &str| {
        let text = format!(r#"{{"AccessKeyId":"ASIAX","SecretAccessKey":"s","Token":"t","Expiration":{expiration}}}"#);
        let answer = Answer::Body { status: 200, content_type: "application/json".into(), text };
        with_rule(on_get().answer(answer)).fetch_for(FetchRequest::default())
    };
    for wrong in ["1893553445", "null", "true", r#""""#, r#""1893553445""#, r#""2030-01-02T03:04:05""#] {
        let failure = answer(wrong).unwrap_err();
        assert!(failure.cause.contains("Expiration"), "{wrong}: {failure}");
    }
    for good in ["2030-01-02T03:04:05+0000", "2030-01-02T12:04:05.5+0900", "2030-01-02T03:04:05Z"] {
        let fetched = answer(&format!("\"{good}\"")).unwrap();
        assert_eq!(fetched.credentials.expires_at.map(|at| at / 1000), Some(1_893_553_445), "{good}");
    }
}

#[test]
fn a_scheme_in_capitals_is_a_scheme() {
    let machine = Machine::with_container();
    let uri = format!("{}{}", machine.aws.http_url().replace("http", "HTTP"), world::ECS_PATH);
    let sts = machine.aws.http_url().replace("http", "Http");
    assert!(machine.env(URI, &uri).env("AWS_ENDPOINT_URL", &sts).fetch().is_ok());
    let failure = Machine::with_container().env(URI, "HTTP://10.0.0.1/c").failure();
    assert_eq!(failure.kind, Kind::Configuration, "{failure:?}");
}

/// (prometheus-community/yet-another-cloudwatch-exporter#344)
#[test]
fn without_a_region_the_partition_of_the_role_decides() {
    for (arn, region) in [
        ("arn:aws-cn:iam::123456789012:role/x", "cn-north-1"),
        ("arn:aws-us-gov:iam::123456789012:role/x", "us-gov-west-1"),
        ("arn:aws:iam::123456789012:role/x", "us-east-1"),
        ("nonsense", "us-east-1"),
    ] {
        let text = format!(r#"{{"AccessKeyId":"ASIAX","SecretAccessKey":"s","Token":"t","RoleArn":"{arn}"}}"#);
        let answer = Answer::Body { status: 200, content_type: "application/json".into(), text };
        let machine = with_rule(on_get().answer(answer));
        assert_eq!(machine.fetch_for(FetchRequest::default()).unwrap().region, region);
        let failure = machine.failure_of_identity();
        assert_eq!(machine.the(Service::Sts, "GetCallerIdentity").region.as_deref(), Some(region));
        assert!(failure.remedy.contains(&format!("{region} (partition aws")), "{failure}");
        let named = machine.env("AWS_REGION", "eu-west-1");
        assert_eq!(named.fetch_for(FetchRequest::default()).unwrap().region, "eu-west-1");
    }
}
