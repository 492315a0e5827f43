//! The fork gate: which of our threads run code, and how many fetches are in flight.

use crate::{
    stub,
    support::{Machine, read, text},
};
use aws_identity::{failure::Kind, task::fork_gate::ForkGate};
use fake_aws::{Answer, Rule, Service, world};
use std::{
    sync::atomic::{AtomicBool, AtomicI64, Ordering::SeqCst},
    thread,
    time::{Duration, Instant},
};

/// Counts calls, and refuses permits when `closed`.
#[derive(Debug, Default)]
struct Counting {
    running: AtomicI64,
    least: AtomicI64,
    resumed: AtomicI64,
    in_flight: AtomicI64,
    closed: AtomicBool,
}

impl ForkGate for Counting {
    fn resume(&self) {
        self.running.fetch_add(1, SeqCst);
        self.resumed.fetch_add(1, SeqCst);
    }
    fn pause(&self) {
        let left = self.running.fetch_sub(1, SeqCst) - 1;
        self.least.fetch_min(left, SeqCst);
    }
    fn admit(&self) -> bool {
        let admits = !self.closed.load(SeqCst);
        self.in_flight.fetch_add(i64::from(admits), SeqCst);
        admits
    }
    fn release(&self) {
        self.in_flight.fetch_sub(1, SeqCst);
    }
}

fn counting() -> &'static Counting {
    Box::leak(Box::default())
}

impl Counting {
    fn is_quiet(&self) -> bool {
        let limit = Instant::now() + Duration::from_secs(3);
        while Instant::now() < limit {
            if self.running.load(SeqCst) == 0 && self.in_flight.load(SeqCst) == 0 {
                return self.least.load(SeqCst) >= 0 && self.resumed.load(SeqCst) > 0;
            }
            thread::sleep(Duration::from_millis(5));
        }
        false
    }
}

#[test]
fn every_way_a_fetch_can_end_leaves_the_counts_at_zero() {
    let role = || Machine::with_keys().option("role_arn", world::WORKER_ROLE);
    let scripted = |machine: Machine, answer| {
        machine.aws.add_rule(Rule::on(Service::Sts).answer(answer));
        machine.option("resolve_timeout", 0.3)
    };
    let tls = || {
        let machine = role();
        let (url, bundle) = (machine.aws.https_url(), machine.aws.ca_bundle());
        machine.env("AWS_ENDPOINT_URL", &url).env("AWS_CA_BUNDLE", text(&bundle))
    };
    let machines = [
        ("found", role()),
        ("over TLS, by name", tls()),
        ("refused", role().env("AWS_ENDPOINT_URL", &stub::refusing())),
        ("denied", role().option("role_arn", world::FORBIDDEN_ROLE)),
        ("silent", scripted(role(), Answer::Hang)),
        ("dripping", scripted(role(), Answer::DripMs(20))),
        ("IMDS", Machine::with_imds()),
        ("container", Machine::with_container()),
        ("no source", Machine::bare()),
        ("program", Machine::bare().config("[default]\ncredential_process = sleep 0.2\n")),
        ("program too slow", Machine::bare().config("[default]\ncredential_process = sleep 9\n").option("process_timeout", 0.2)),
        ("no such name", role().option("endpoint", format!("http://{}.test", "x".repeat(64)))),
        ("wrong", role().option("profile", "none")),
    ];
    for (name, machine) in machines {
        let gate = counting();
        let machine = machine.gate(gate);
        let _ = machine.fetch();
        assert!(gate.is_quiet(), "{name}: {gate:?}");
    }
}

#[test]
fn a_fetch_that_waits_is_not_running() {
    let gate = counting();
    let machine = Machine::with_keys().option("role_arn", world::WORKER_ROLE).gate(gate);
    let hold = machine.aws.add_rule(Rule { hold: true, ..Rule::on(Service::Sts) });
    let session = machine.session();
    session.prefetch().unwrap();
    machine.wait_for(Service::Sts, "AssumeRole", 1);
    let limit = Instant::now() + Duration::from_secs(3);
    while gate.running.load(SeqCst) != 0 && Instant::now() < limit {
        thread::sleep(Duration::from_millis(5));
    }
    assert_eq!((gate.running.load(SeqCst), gate.in_flight.load(SeqCst)), (0, 1), "parked in the poll");
    machine.aws.remove_rule(hold);
    assert_eq!(read(&session).unwrap(), 1);
    assert!(gate.is_quiet());
}

#[test]
fn no_fetch_starts_where_too_many_are_in_flight() {
    let gate = counting();
    gate.closed.store(true, SeqCst);
    let machine = Machine::with_keys().gate(gate);
    let session = machine.session();
    let failure = read(&session).unwrap_err();
    assert_eq!(failure.kind, Kind::Connection);
    assert!(failure.is_outage() && !failure.reached, "it may pass");
    assert!(failure.message().contains("Share one Session"), "{}", failure.message());
    gate.closed.store(false, SeqCst);
    assert_eq!(read(&session).unwrap(), 1);
}
