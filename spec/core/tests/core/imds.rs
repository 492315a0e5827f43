//! Instance metadata: available, absent, failing, and retried.

use crate::{
    stub,
    support::{Machine, outcomes, timed},
};
use aws_identity::{failure::Kind, fetch::FetchRequest, refresh::is_final, util::time::now};
use fake_aws::{Answer, Rule, Service, world};
use std::{fs, thread, time::Duration};

const ENDPOINT: &str = "AWS_EC2_METADATA_SERVICE_ENDPOINT";

fn error(status: u16) -> Answer {
    Answer::Error { status, code: String::new(), message: String::new() }
}

fn says(text: &str) -> Answer {
    Answer::Body { status: 200, content_type: "text/plain".into(), text: text.into() }
}

fn with_rule(rule: Rule) -> Machine {
    let machine = Machine::with_imds();
    machine.aws.add_rule(rule);
    machine
}

fn on(action: &str) -> Rule {
    Rule::on(Service::Imds).action(action)
}

#[test]
fn a_token_is_fetched_first_and_sent_with_every_request() {
    let machine = Machine::with_imds();
    let fetched = machine.fetch().unwrap();
    assert_eq!(machine.actions(), ["Token", "ListRoles", "Credentials", "Region", "GetCallerIdentity"]);
    assert_eq!(machine.the(Service::Imds, "Token").method, "PUT");
    assert_eq!(fetched.credentials.details["instance_profile_role"], "ec2-web");
    let life = fetched.credentials.expires_at.unwrap() - now();
    assert!((21_590_000..=21_600_000).contains(&life), "{life}");
}

#[test]
fn a_refused_or_disabled_imds_is_absent() {
    for (machine, why) in [
        (Machine::bare(), "AWS_EC2_METADATA_DISABLED is true"),
        (Machine::bare().env("AWS_EC2_METADATA_DISABLED", "TRUE"), "AWS_EC2_METADATA_DISABLED is true"),
        (Machine::with_imds().env(ENDPOINT, &stub::refusing()), "refused"),
    ] {
        let failure = machine.failure();
        assert_eq!(failure.kind, Kind::NotOnAws);
        assert!(failure.message().contains(why), "{}", failure.message());
        assert_eq!(outcomes(&failure.attempts).last().unwrap(), "imds absent");
        assert_eq!(failure.attempts.len(), 5, "every source was asked");
    }
}

#[test]
fn a_silent_imds_is_waited_for_once_for_one_second() {
    let silent = stub::silent();
    let (failure, took) = timed(|| Machine::with_imds().env(ENDPOINT, &silent.url).failure());
    assert_eq!(failure.kind, Kind::NotOnAws, "{failure:?}");
    assert!((900..1450).contains(&took.as_millis()), "{took:?}");
}

#[test]
fn a_connection_is_waited_for_three_tenths_of_a_second() {
    let dropping = stub::dropping();
    let (failure, took) = timed(|| Machine::with_imds().env(ENDPOINT, &dropping.url).failure());
    assert_eq!(failure.kind, Kind::NotOnAws, "{failure:?}");
    assert!((250..900).contains(&took.as_millis()), "{took:?}");
}

#[test]
fn an_answer_to_the_put_that_imds_never_gives_means_another_cloud() {
    for status in [400, 403, 404, 405] {
        let failure = with_rule(on("Token").answer(error(status))).failure();
        assert_eq!(failure.kind, Kind::NotOnAws, "{failure:?}");
        assert!(failure.message().contains(&status.to_string()), "{}", failure.message());
    }
    for text in ["", "two words", "line\nline", "\u{fc}mlaut"] {
        let machine = with_rule(on("Token").answer(says(text)));
        assert_eq!(machine.failure().kind, Kind::NotOnAws, "{text:?}");
        assert_eq!(machine.actions(), ["Token"]);
    }
    for text in
        ["hello", "", "SSH-2.0-OpenSSH_9\r\n", "HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:9/\r\ncontent-length: 0\r\n\r\n"]
    {
        let failure = Machine::with_imds().env(ENDPOINT, &stub::answering(text)).failure();
        assert_eq!(failure.kind, Kind::NotOnAws, "{text:?}: {failure:?}");
    }
}

#[test]
fn a_refusal_without_a_code_of_aws_passes() {
    for action in ["ListRoles", "Credentials"] {
        for status in [401, 403] {
            let failure = with_rule(on(action).answer(error(status))).failure();
            assert!(failure.is_outage() && !is_final(&failure), "{action} {status}: {failure:?}");
        }
    }
}

#[test]
fn a_retryable_error_is_tried_three_times() {
    for action in ["Token", "ListRoles", "Credentials"] {
        for status in [429, 500, 503] {
            let machine = with_rule(on(action).times(2).answer(error(status)));
            machine.fetch().unwrap();
            assert_eq!(machine.count(Service::Imds, action), 3);
        }
        let machine = with_rule(on(action).answer(error(503)));
        let failure = machine.failure();
        assert_eq!((failure.kind, failure.status), (Kind::Service, Some(503)));
        assert!(failure.is_outage());
        assert_eq!(machine.count(Service::Imds, action), 3);
    }
    let throttled = with_rule(on("Credentials").answer(error(429))).failure();
    assert_eq!(throttled.kind, Kind::Throttled);
}

#[test]
fn a_time_out_after_the_token_is_retried() {
    let machine = with_rule(on("Credentials").times(1).answer(Answer::Hang));
    assert_eq!(machine.fetch().unwrap().source(), "imds");
    assert_eq!(machine.count(Service::Imds, "Credentials"), 2);
}

#[test]
fn a_time_out_of_the_token_is_retried_where_it_was_answered_before() {
    let machine = with_rule(on("Token").times(1).answer(error(500)));
    machine.aws.add_rule(on("Token").times(1).answer(Answer::Hang));
    assert_eq!(machine.fetch().unwrap().source(), "imds");
    assert_eq!(machine.count(Service::Imds, "Token"), 3);
}

#[test]
fn an_instance_without_a_role_says_so_and_is_on_aws() {
    let machine = Machine::with_imds();
    machine.aws.change_world(|world| world.imds.role = None);
    let failure = machine.failure();
    assert_eq!(failure.kind, Kind::NoCredentials);
    assert!(failure.message().contains("instance profile"), "{}", failure.message());
    assert_eq!(outcomes(&failure.attempts).last().unwrap(), "imds failed");
    assert_eq!(machine.actions(), ["Token", "ListRoles"]);
}

#[test]
fn expired_credentials_are_served_with_their_own_expiration_as_degraded() {
    let machine = Machine::with_imds();
    machine.aws.change_world(|world| world.imds.expired_credentials = true);
    let fetched = machine.fetch().unwrap();
    let since = now() - fetched.credentials.expires_at.unwrap();
    assert!((60_000..70_000).contains(&since), "{since}");
    assert!(fetched.credentials.degraded.as_deref().is_some_and(|why| why.contains("expired")));
    assert!(fetched.arn().contains("ec2-web"));
}

#[test]
fn malformed_credentials_are_refused_and_not_shown() {
    for text in [
        "canary",
        r#"{"AccessKeyId":"canary"}"#,
        r#"{"Code":"Success","AccessKeyId":"AKIAX","SecretAccessKey":"canary","Token":"t","Expiration":"soon"}"#,
        "[]",
        "",
    ] {
        let failure = with_rule(on("Credentials").answer(says(text))).failure();
        assert_eq!(failure.kind, Kind::Service, "{text}");
        assert!(failure.message().contains("ec2-web"), "{}", failure.message());
    }
    for name in ["", "  ", "two words", "../../token", "\u{fc}"] {
        let machine = with_rule(on("ListRoles").answer(says(name)));
        assert_eq!(machine.failure().kind, Kind::Service, "{name}");
        assert_eq!(machine.actions(), ["Token", "ListRoles"]);
    }
}

#[test]
fn the_first_of_several_roles_is_used() {
    let machine = with_rule(on("ListRoles").answer(says("ec2-web\r\nother\n")));
    assert_eq!(machine.fetch().unwrap().credentials.details["instance_profile_role"], "ec2-web");
}

#[test]
fn truncated_and_unlimited_answers_are_failures() {
    for answer in [Answer::Truncate, Answer::HugeMib(4), Answer::Reset, Answer::Drop] {
        let name = answer.name();
        let (failure, took) = timed(|| with_rule(on("Credentials").answer(answer)).failure());
        assert_eq!(failure.kind, Kind::Connection, "{name}: {failure:?}");
        assert!(failure.is_outage() && took < Duration::from_secs(3), "{name}: {took:?}");
    }
}

#[test]
fn a_slow_answer_is_a_time_out() {
    let machine = with_rule(on("Credentials").answer(Answer::DripMs(100)));
    let failure = machine.option("resolve_timeout", 3).failure();
    assert_eq!(failure.kind, Kind::Timeout, "{failure:?}");
}

#[test]
fn on_ec2_a_silent_imds_is_a_failure_and_the_advice_is_the_hop_limit() {
    for (file, text) in [
        ("sys_vendor", "Amazon EC2\n"),
        ("bios_vendor", "Amazon EC2\n"),
        ("product_uuid", "EC2E1916-9099-7CAF-FD21-012345ABCDEF\n"),
        ("product_uuid", "ec2e1916-9099-7caf-fd21-012345abcdef\n"),
    ] {
        let machine = Machine::with_imds().env(ENDPOINT, &stub::refusing());
        fs::write(machine.dmi_folder().join(file), text).unwrap();
        let failure = machine.failure();
        assert_eq!(failure.kind, Kind::NoCredentials, "{file}");
        assert!(failure.message().contains("HttpPutResponseHopLimit"), "{}", failure.message());
        assert_eq!(outcomes(&failure.attempts).last().unwrap(), "imds failed");
    }
}

#[test]
fn on_ec2_a_disabled_imds_is_still_absent() {
    let machine = Machine::bare();
    fs::write(machine.dmi_folder().join("sys_vendor"), "Amazon EC2\n").unwrap();
    assert_eq!(machine.failure().kind, Kind::NotOnAws);
}

#[test]
fn other_hardware_is_not_ec2() {
    for (file, text) in [("sys_vendor", "QEMU\n"), ("product_uuid", "fec2e191-9099\n"), ("bios_vendor", "Amazon\n")] {
        let machine = Machine::with_imds().env(ENDPOINT, &stub::refusing());
        fs::write(machine.dmi_folder().join(file), text).unwrap();
        assert_eq!(machine.failure().kind, Kind::NotOnAws, "{text}");
    }
}

#[test]
fn the_profile_may_give_the_endpoint_and_a_malformed_one_is_refused() {
    let machine = Machine::bare().without("AWS_EC2_METADATA_DISABLED");
    let url = machine.aws.http_url();
    let machine = machine.config(&format!("[default]\nec2_metadata_service_endpoint = {url}/\n"));
    assert_eq!(machine.fetch().unwrap().source(), "imds");

    for (name, value) in [(ENDPOINT, "169.254.169.254"), ("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "IPv5")] {
        let failure = Machine::bare().without("AWS_EC2_METADATA_DISABLED").env(name, value).failure();
        assert_eq!(failure.kind, Kind::Configuration, "{failure:?}");
        assert_eq!(outcomes(&failure.attempts).last().unwrap(), "imds failed");
    }
}

#[test]
fn the_endpoint_may_be_a_name() {
    let machine = Machine::with_imds();
    let url = machine.aws.http_url().replace("127.0.0.1", "localhost");
    assert_eq!(machine.env(ENDPOINT, &url).fetch().unwrap().source(), "imds");
}

#[test]
fn a_profile_may_name_imds_as_credential_source() {
    let text = format!("[default]\nrole_arn = {}\ncredential_source = Ec2InstanceMetadata\n", world::WORKER_ROLE);
    let fetched = Machine::with_imds().config(&text).fetch().unwrap();
    assert_eq!(fetched.source(), format!("profile default > assume role {}", world::WORKER_ROLE));
    let failure = Machine::with_imds().env(ENDPOINT, &stub::refusing()).config(&text).failure();
    assert_eq!(failure.kind, Kind::NoCredentials);
    assert!(failure.message().contains("Ec2InstanceMetadata"), "{}", failure.message());
    let failure = Machine::bare().config(&text).failure();
    assert_eq!(failure.kind, Kind::NoCredentials, "disabled for a profile too: {failure:?}");
}

const TIMEOUT: &str = "AWS_METADATA_SERVICE_TIMEOUT";
const NUM_ATTEMPTS: &str = "AWS_METADATA_SERVICE_NUM_ATTEMPTS";

/// A machine that DMI calls an EC2 instance.
fn on_ec2(machine: Machine) -> Machine {
    fs::write(machine.dmi_folder().join("sys_vendor"), "Amazon EC2\n").unwrap();
    machine
}

/// An IMDS of which each answer takes that long.
fn slow(milliseconds: u64) -> Machine {
    with_rule(Rule { delay_ms: milliseconds, ..Rule::on(Service::Imds) })
}

#[test]
fn variables_and_profile_give_a_slow_imds_its_time() {
    thread::scope(|scope| {
        for (machine, is_found) in [
            (slow(1300).env(TIMEOUT, "5").env(NUM_ATTEMPTS, "3"), true),
            (slow(1300).config("[default]\nmetadata_service_timeout = 2\n"), true),
            (slow(1300).env(TIMEOUT, "1").config("[default]\nmetadata_service_timeout = 5\n"), false),
            (slow(1300), false),
        ] {
            scope.spawn(move || {
                let outcome = machine.option("resolve_timeout", 12).fetch();
                assert_eq!(outcome.is_ok(), is_found, "{outcome:?}");
            });
        }
    });
}

#[test]
fn the_default_deadline_has_room_for_three_slow_answers() {
    let machine = slow(1250).env(TIMEOUT, "5").env(NUM_ATTEMPTS, "3");
    let fetched = machine.fetch_for(FetchRequest::default()).unwrap();
    assert_eq!((fetched.source(), &*fetched.region), ("imds", "us-east-1"));
}

#[test]
fn the_number_of_attempts_counts_time_outs_and_server_errors_of_each_question() {
    for action in ["Token", "ListRoles", "Credentials"] {
        for (times, attempts, is_found) in [(1, "1", false), (1, "2", true), (4, "5", true)] {
            let machine = with_rule(on(action).times(times).answer(error(500))).env(NUM_ATTEMPTS, attempts);
            assert_eq!(machine.fetch().is_ok(), is_found, "{action} {attempts}");
        }
        let machine = with_rule(on(action).times(1).answer(Answer::Hang)).env(NUM_ATTEMPTS, "2");
        assert!(machine.fetch().is_ok(), "{action}");
    }
}

#[test]
fn a_setting_that_is_no_whole_number_is_refused() {
    for (name, value) in [(TIMEOUT, "0"), (TIMEOUT, "1.5"), (NUM_ATTEMPTS, "many"), (NUM_ATTEMPTS, "-1")] {
        let failure = Machine::with_imds().env(name, value).failure();
        assert_eq!(failure.kind, Kind::Configuration, "{failure:?}");
        assert!(failure.cause.contains(name), "{failure}");
    }
}

#[test]
fn one_broken_connection_is_asked_again_at_once() {
    for action in ["Token", "ListRoles", "Credentials"] {
        for answer in [Answer::Reset, Answer::Drop] {
            let machine = with_rule(on(action).times(1).answer(answer));
            let (fetched, took) = timed(|| machine.fetch());
            assert!(fetched.is_ok(), "{action}: {fetched:?}");
            assert_eq!(machine.count(Service::Imds, action), 2, "{action}");
            assert!(took < Duration::from_millis(900), "{action}: {took:?}");
        }
    }
    let failure = with_rule(on("Token").answer(Answer::Reset)).failure();
    assert_eq!(failure.kind, Kind::NotOnAws);
}

/// (aws/aws-sdk-java-v2#5764)
#[test]
fn a_token_that_imds_has_lost_is_replaced_once() {
    for action in ["Token", "ListRoles", "Credentials", "Region"] {
        let machine = with_rule(on(action).times(1).answer(error(401)));
        machine.aws.change_world(|world| world.imds.region = "ap-south-1".into());
        assert_eq!(machine.fetch().unwrap().region, "ap-south-1", "{action}");
        assert_eq!(machine.count(Service::Imds, "Token"), 2, "{action}");
    }
    let machine = with_rule(on("Credentials").answer(error(401)));
    assert_eq!(machine.failure().status, Some(401));
    assert_eq!(machine.count(Service::Imds, "Credentials"), 2);
}

#[test]
fn the_request_for_a_token_says_that_it_has_no_content() {
    let machine = Machine::with_imds();
    machine.fetch().unwrap();
    assert_eq!(machine.the(Service::Imds, "Token").headers["content-length"], "0");
}

#[test]
fn an_imds_that_never_answers_is_not_there_however_short_or_long_the_time() {
    let silent = stub::silent();
    let machine = |seconds: f64| Machine::with_imds().env(ENDPOINT, &silent.url).option("resolve_timeout", seconds);
    thread::scope(|scope| {
        for (machine, longest) in
            [(machine(0.4), 0.7), (machine(2.0).env(TIMEOUT, "5"), 2.3), (machine(30.0).env(TIMEOUT, "2"), 2.4)]
        {
            scope.spawn(move || {
                let (failure, took) = timed(|| machine.failure());
                assert_eq!(failure.kind, Kind::NotOnAws, "{failure:?}");
                assert!(took.as_secs_f64() < longest, "{took:?}");
            });
        }
    });
}

#[test]
fn the_region_is_given_up_before_the_credentials() {
    let machine = with_rule(on("Region").answer(Answer::Hang));
    let (fetched, took) = timed(|| machine.fetch());
    let fetched = fetched.unwrap();
    assert_eq!(fetched.region, "us-east-1");
    assert!(fetched.identity.unwrap().is_ok() && took < Duration::from_secs(4), "{took:?}");
}

#[test]
fn on_ec2_a_slow_imds_is_waited_for_and_said_to_be_slow() {
    assert!(on_ec2(slow(1300)).option("resolve_timeout", 12).fetch().is_ok());
    let machine = on_ec2(slow(1300));
    machine.aws.add_rule(on("Credentials").answer(Answer::Hang));
    let failure = machine.failure();
    assert_eq!(failure.kind, Kind::Timeout, "{failure:?}");
    assert!(failure.message().contains("slow") && failure.message().contains(TIMEOUT), "{failure}");
    assert!(!failure.message().contains("HopLimit"), "{failure}");
}

#[test]
fn on_ec2_a_403_means_that_it_is_turned_off_and_elsewhere_that_it_is_not_there() {
    let failure = on_ec2(with_rule(on("Token").answer(error(403)))).failure();
    assert_eq!((failure.kind, failure.reached), (Kind::NoCredentials, true), "{failure:?}");
    assert!(failure.message().contains("turned off") && failure.remedy.contains("--http-endpoint enabled"), "{failure}");
    assert!(!failure.message().to_lowercase().contains("hop"), "{failure}");
    let (failure, took) = timed(|| with_rule(on("Token").answer(error(403))).failure());
    assert_eq!(failure.kind, Kind::NotOnAws);
    assert!(took < Duration::from_millis(500), "{took:?}");
}

/// (uswitch/kiam and jtblin/kube2iam: the agent in front of IMDS starts after the program)
#[test]
fn on_ec2_a_service_that_starts_later_is_waited_for() {
    let machine = on_ec2(Machine::with_imds());
    let url = stub::late(&machine.aws.http_url(), Duration::from_millis(1500));
    assert!(machine.env(ENDPOINT, &url).fetch().is_ok());
    let machine = on_ec2(Machine::with_imds().env(ENDPOINT, &stub::refusing())).option("resolve_timeout", 1.5);
    assert_eq!(machine.failure().kind, Kind::NoCredentials);
}

#[test]
fn on_ec2_silence_is_the_hop_limit() {
    let silent = stub::silent();
    let failure = on_ec2(Machine::with_imds().env(ENDPOINT, &silent.url)).failure();
    assert_eq!(failure.kind, Kind::NoCredentials, "{failure:?}");
    assert!(failure.remedy.contains("HttpPutResponseHopLimit"), "{failure}");
}

/// (EC2 guide, troubleshoot_iam-ec2)
#[test]
fn the_words_of_a_refusal_are_shown() {
    let text = r#"{"Code":"AssumeRoleUnauthorizedAccess","Message":"EC2 cannot assume the role ec2-web."}"#;
    let failure = with_rule(on("Credentials").answer(says(text))).failure();
    assert_eq!(failure.kind, Kind::Service);
    assert!(failure.cause.contains("AssumeRoleUnauthorizedAccess: EC2 cannot assume the role ec2-web."), "{failure}");
    assert!(failure.remedy.contains("ec2.amazonaws.com"), "{failure}");
    let answer = Answer::Body { status: 400, content_type: "application/json".into(), text: r#"{"message":"no"}"#.into() };
    let failure = with_rule(on("ListRoles").answer(answer)).failure();
    assert!(failure.cause.contains("answered 400 when asked for credentials: no."), "{failure}");
}
