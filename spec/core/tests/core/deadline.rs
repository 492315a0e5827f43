//! Time limits: one deadline for a whole fetch, and quick answers off AWS.

use crate::{
    stub,
    support::{Machine, outcomes, text, timed},
};
use aws_identity::failure::Kind;
use fake_aws::{Answer, Rule, Service, world};
use std::{thread, time::Duration};

/// The time that other tests on the same machine may add.
const BUSY: Duration = Duration::from_secs(2);

fn rule(service: Service, action: &str, answer: Answer) -> Rule {
    Rule::on(service).action(action).answer(answer)
}

/// Every point at which a fetch can wait for a server.
fn stalls() -> Vec<(&'static str, Machine)> {
    let scripted = |machine: Machine, service, action: &str, answer| {
        machine.aws.add_rule(rule(service, action, answer));
        machine
    };
    let role = || Machine::with_keys().option("role_arn", world::WORKER_ROLE);
    let dropping = Box::leak(Box::new(stub::dropping()));
    let silent = Box::leak(Box::new(stub::silent()));
    let tls = Machine::with_keys();
    let bundle = tls.aws.ca_bundle();
    vec![
        ("STS silent", scripted(role(), Service::Sts, "AssumeRole", Answer::Hang)),
        ("STS stalls in the body", scripted(role(), Service::Sts, "AssumeRole", Answer::Stall)),
        ("STS drips", scripted(role(), Service::Sts, "AssumeRole", Answer::DripMs(50))),
        ("STS slow", {
            let machine = role();
            machine.aws.add_rule(Rule { delay_ms: 60_000, ..Rule::on(Service::Sts) });
            machine
        }),
        ("STS drops packets", role().env("AWS_ENDPOINT_URL", &dropping.url)),
        (
            "STS silent in the handshake",
            tls.env("AWS_ENDPOINT_URL", &silent.url.replace("http:", "https:"))
                .env("AWS_CA_BUNDLE", text(&bundle))
                .option("role_arn", world::WORKER_ROLE),
        ),
        (
            "proxy silent",
            Machine::with_keys()
                .option("role_arn", world::WORKER_ROLE)
                .without("AWS_ENDPOINT_URL")
                .env("HTTPS_PROXY", &silent.url),
        ),
        ("web identity silent", scripted(Machine::with_web_identity(), Service::Sts, "AssumeRoleWithWebIdentity", Answer::Hang)),
        ("IMDS stops", scripted(Machine::with_imds(), Service::Imds, "Credentials", Answer::Hang)),
        ("IMDS drips", scripted(Machine::with_imds(), Service::Imds, "Credentials", Answer::DripMs(50))),
        ("container silent", scripted(Machine::with_container(), Service::Container, "GetCredentials", Answer::Hang)),
        ("container drips", scripted(Machine::with_container(), Service::Container, "GetCredentials", Answer::DripMs(50))),
    ]
}

#[test]
fn the_deadline_holds_at_every_stall() {
    thread::scope(|scope| {
        for (name, machine) in stalls() {
            scope.spawn(move || {
                let machine = machine.option("resolve_timeout", 0.5);
                let (failure, took) = timed(|| machine.failure());
                assert_eq!(failure.kind, Kind::Timeout, "{name}: {failure:?}");
                assert!(failure.message().contains("0.5 s"), "{name}: {}", failure.message());
                assert!(took < Duration::from_millis(500) + BUSY, "{name}: {took:?}");
                let last = outcomes(&failure.attempts).pop().unwrap_or_default();
                assert!(last.ends_with(" failed"), "{name}: {:?}", failure.attempts);
            });
        }
    });
}

#[test]
fn the_identity_is_under_the_same_deadline() {
    let machine = Machine::with_keys().option("resolve_timeout", 0.5);
    machine.aws.add_rule(rule(Service::Sts, "GetCallerIdentity", Answer::Hang));
    let (failure, took) = timed(|| machine.failure_of_identity());
    assert_eq!(failure.kind, Kind::Timeout);
    assert!(failure.message().contains("sts:GetCallerIdentity"), "{}", failure.message());
    assert!(took < Duration::from_millis(500) + BUSY, "{took:?}");
}

#[test]
fn sts_has_three_seconds_for_one_answer_and_is_asked_again_while_the_deadline_lasts() {
    let machine = Machine::with_keys().option("role_arn", world::WORKER_ROLE).option("resolve_timeout", 5);
    machine.aws.add_rule(rule(Service::Sts, "AssumeRole", Answer::Hang));
    let (failure, took) = timed(|| machine.failure());
    assert_eq!(failure.kind, Kind::Timeout);
    assert!(failure.message().contains(world::WORKER_ROLE), "{}", failure.message());
    assert!(took > Duration::from_millis(4900) && took < Duration::from_secs(5) + BUSY, "{took:?}");
    assert_eq!(machine.count(Service::Sts, "AssumeRole"), 2);

    let machine = Machine::with_keys().option("role_arn", world::WORKER_ROLE).option("resolve_timeout", 8);
    machine.aws.add_rule(rule(Service::Sts, "AssumeRole", Answer::Hang).times(1));
    assert!(machine.fetch().is_ok());
}

#[test]
fn a_connection_has_a_limit_of_its_own() {
    let dropping = stub::dropping();
    let machine = Machine::with_keys()
        .option("role_arn", world::WORKER_ROLE)
        .env("AWS_ENDPOINT_URL", &dropping.url)
        .option("connect_timeout", 0.2)
        .env("AWS_MAX_ATTEMPTS", "2")
        .option("resolve_timeout", 10);
    let (failure, took) = timed(|| machine.failure());
    assert_eq!(failure.kind, Kind::Timeout, "{failure:?}");
    assert!(took < Duration::from_millis(600) + BUSY, "two tries of 0.2 s and a pause: {took:?}");
}

/// The figures are 20 ms; five times that is for debug builds and busy machines.
#[test]
fn off_aws_a_refusal_is_quick() {
    for machine in [Machine::bare(), Machine::with_imds().env("AWS_EC2_METADATA_SERVICE_ENDPOINT", &stub::refusing())] {
        let best = (0..5).map(|_| timed(|| machine.failure())).map(|(failure, took)| {
            assert_eq!(failure.kind, Kind::NotOnAws);
            took
        });
        let best = best.min().unwrap();
        assert!(best < Duration::from_millis(100), "{best:?}");
    }
}

#[test]
fn off_aws_dropped_packets_take_less_than_a_second_and_a_half() {
    let (dropping, silent) = (stub::dropping(), stub::silent());
    for url in [&dropping.url, &silent.url] {
        let machine = Machine::with_imds().env("AWS_EC2_METADATA_SERVICE_ENDPOINT", url);
        let mut times = (0..3).map(|_| timed(|| machine.failure())).map(|(failure, took)| {
            assert_eq!(failure.kind, Kind::NotOnAws);
            took
        });
        assert!(times.any(|took| took < Duration::from_millis(1500)));
    }
}

#[test]
fn legionio_s_limit_outranks_a_longer_deadline_and_says_so() {
    let machine =
        Machine::with_keys().option("resolve_timeout", 30).cap(Duration::from_millis(500)).option("role_arn", world::WORKER_ROLE);
    let settings = machine.settings().unwrap();
    assert_eq!(settings.resolve_timeout.value, Duration::from_millis(500));
    assert_eq!(settings.process_timeout.value, Duration::from_millis(500));
    assert!(settings.warnings[0].cause.contains("30 s"), "{:?}", settings.warnings);
    machine.aws.add_rule(rule(Service::Sts, "AssumeRole", Answer::Hang));
    let (failure, took) = timed(|| machine.failure());
    assert_eq!(failure.kind, Kind::Timeout);
    assert!(took < Duration::from_millis(500) + BUSY, "{took:?}");
}
