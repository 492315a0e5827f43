//! Why parts of aws-config are not used: each test shows the defect that a comment of the core names. One that fails
//! says that the library has become better, and that our own code may go.

use crate::support::Machine;
use aws_config::{
    imds, meta::credentials::CredentialsProviderChain, profile::ProfileFileCredentialsProvider, provider_config::ProviderConfig,
};
use aws_credential_types::{Credentials, provider::ProvideCredentials};
use aws_identity::{
    fetch::FetchRequest,
    http::{self, Http},
    task::fork_gate::NoFork,
};
use aws_runtime::env_config::file::{EnvConfigFileKind, EnvConfigFiles};
use fake_aws::{Answer, Rule, Service};
use std::time::{Duration, Instant};

fn run<T>(job: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(job)
}

fn config(machine: &Machine) -> ProviderConfig {
    let http = Http::new(machine.settings().unwrap().http(), &NoFork);
    let client = http.sdk_client(Some(&machine.aws.http_url())).unwrap();
    ProviderConfig::without_region().with_http_client(client).with_sleep_impl(http::sleep())
}

fn imds(machine: &Machine, attempts: u32) -> imds::Client {
    let builder = imds::Client::builder().configure(&config(machine)).max_attempts(attempts);
    builder.endpoint(machine.aws.http_url()).unwrap().build()
}

/// Ours gets credentials from the same IMDS.
fn ours(machine: &Machine) {
    assert_eq!(machine.fly(FetchRequest::default()).unwrap().source(), "imds");
}

#[test]
fn its_chain_goes_past_a_profile_that_does_not_exist() {
    let machine = Machine::bare();
    let files = EnvConfigFiles::builder().with_contents(EnvConfigFileKind::Config, "[profile prod]\nregion = r\n").build();
    let profile =
        ProfileFileCredentialsProvider::builder().configure(&config(&machine)).profile_files(files).profile_name("prdo").build();
    let other = Credentials::new("AKIAOTHER", "s", None, None, "another identity");
    let chain = CredentialsProviderChain::first_try("Profile", profile).or_else("Other", other);
    assert_eq!(run(chain.provide_credentials()).unwrap().access_key_id(), "AKIAOTHER");
}

#[test]
fn its_imds_client_does_not_try_again_after_a_reset_or_a_429() {
    for answer in [Answer::Reset, Answer::Error { status: 429, code: String::new(), message: String::new() }] {
        let machine = Machine::with_imds();
        machine.aws.add_rule(Rule::on(Service::Imds).action("ListRoles").times(1).answer(answer));
        let asked = run(imds(&machine, 3).get("/latest/meta-data/iam/security-credentials/"));
        assert!(asked.is_err(), "it tries again now");
    }
    let machine = Machine::with_imds();
    machine.aws.add_rule(Rule::on(Service::Imds).action("ListRoles").times(1).answer(Answer::Error {
        status: 429,
        code: String::new(),
        message: String::new(),
    }));
    ours(&machine);
}

/// The pause is a random part of a second: of twelve, one at least is longer than all of ours together.
#[test]
fn its_imds_client_waits_up_to_a_second_before_the_second_try() {
    let broken = || Answer::Error { status: 500, code: String::new(), message: String::new() };
    let longest = (0..12)
        .map(|_| {
            let machine = Machine::with_imds();
            machine.aws.add_rule(Rule::on(Service::Imds).action("ListRoles").times(1).answer(broken()));
            let start = Instant::now();
            run(imds(&machine, 2).get("/latest/meta-data/iam/security-credentials/")).unwrap();
            start.elapsed()
        })
        .find(|took| *took > Duration::from_millis(400));
    assert!(longest.is_some(), "it waits less now");
    let machine = Machine::with_imds();
    machine.aws.add_rule(Rule::on(Service::Imds).action("ListRoles").times(1).answer(broken()));
    let start = Instant::now();
    ours(&machine);
    assert!(start.elapsed() < Duration::from_millis(400), "{:?}", start.elapsed());
}
