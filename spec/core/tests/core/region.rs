//! The region of STS.

use crate::support::{Machine, keys_profile};
use aws_identity::{
    credentials::Credentials,
    failure::Kind,
    providers::CallbackAnswers,
    session::{Purpose, Step},
    task::question::{Answer as Given, SuppliedCredentials, Takes},
};
use fake_aws::{Answer, Rule, Service, world};

fn region_of(machine: &Machine) -> String {
    let fetched = machine.fetch().unwrap();
    let signed = machine.requests(Service::Sts, "GetCallerIdentity").pop().unwrap().region.unwrap();
    assert_eq!(fetched.region, signed);
    assert_eq!(fetched.identity.unwrap().unwrap().region, signed);
    signed
}

#[test]
fn each_layer_outranks_the_next() {
    let default = || Machine::with_keys();
    let profile = || default().config("[default]\nregion = eu-west-1\n");
    let older = || profile().env("AWS_DEFAULT_REGION", "eu-west-2");
    let variable = || older().env("AWS_REGION", "eu-west-3");
    let setting = || variable().setting("region", "eu-north-1");
    let option = || setting().option("region", "eu-south-1");
    for (machine, region) in [
        (default(), "us-east-1"),
        (profile(), "eu-west-1"),
        (older(), "eu-west-2"),
        (variable(), "eu-west-3"),
        (setting(), "eu-north-1"),
        (option(), "eu-south-1"),
    ] {
        assert_eq!(region_of(&machine), region);
    }
}

#[test]
fn blank_is_unset() {
    let machine = Machine::with_keys().env("AWS_REGION", "").env("AWS_DEFAULT_REGION", "eu-west-2").option("region", " ");
    assert_eq!(region_of(&machine), "eu-west-2");
}

#[test]
fn an_unresolved_reference_in_the_region_counts_as_absent() {
    let machine = Machine::with_keys().setting("region", "vault://x#y").env("AWS_REGION", "eu-west-3");
    assert_eq!(region_of(&machine), "eu-west-3");
}

#[test]
fn the_partition_of_the_role_decides_where_no_region_is_configured() {
    let machine = Machine::bare()
        .env("AWS_ACCESS_KEY_ID", world::CN_KEY_ID)
        .env("AWS_SECRET_ACCESS_KEY", world::CN_SECRET)
        .option("role_arn", world::CN_ROLE);
    assert_eq!(region_of(&machine), "cn-north-1");

    let machine = Machine::bare()
        .credentials_file(&format!("[cn]\naws_access_key_id={}\naws_secret_access_key={}\n", world::CN_KEY_ID, world::CN_SECRET))
        .config(&format!("[default]\nrole_arn={}\nsource_profile=cn\n", world::CN_ROLE));
    assert_eq!(region_of(&machine), "cn-north-1");
}

#[test]
fn imds_is_asked_for_the_region_after_it_gave_credentials() {
    let machine = Machine::with_imds();
    machine.aws.change_world(|world| world.imds.region = "ap-south-1".into());
    assert_eq!(region_of(&machine), "ap-south-1");
    assert_eq!(machine.actions(), ["Token", "ListRoles", "Credentials", "Region", "GetCallerIdentity"]);
}

#[test]
fn imds_is_not_asked_for_a_region_that_is_known() {
    for machine in [
        Machine::with_imds().env("AWS_REGION", "eu-west-1"),
        Machine::with_imds().option("region", "eu-west-1"),
        Machine::with_imds().config("[default]\nregion = eu-west-1\n"),
    ] {
        assert_eq!(region_of(&machine), "eu-west-1");
        assert_eq!(machine.count(Service::Imds, "Region"), 0);
    }
}

#[test]
fn imds_that_gives_no_credentials_is_not_asked_for_the_region() {
    let machine = Machine::with_imds();
    machine.aws.change_world(|world| world.imds.role = None);
    machine.failure();
    assert_eq!(machine.count(Service::Imds, "Region"), 0);
    let keys = Machine::with_keys().without("AWS_EC2_METADATA_DISABLED");
    let url = keys.aws.http_url();
    let keys = keys.env("AWS_EC2_METADATA_SERVICE_ENDPOINT", &url);
    assert_eq!(region_of(&keys), "us-east-1");
    assert_eq!(keys.count(Service::Imds, "Region") + keys.count(Service::Imds, "Token"), 0);
}

#[test]
fn imds_that_names_no_region_leaves_the_default() {
    for (status, text) in [(404, "no"), (200, "evil.example.com/x"), (200, ""), (200, "<html>")] {
        let machine = Machine::with_imds();
        let answer = Answer::Body { status, content_type: "text/plain".into(), text: text.into() };
        machine.aws.add_rule(Rule::on(Service::Imds).action("Region").answer(answer));
        assert_eq!(region_of(&machine), "us-east-1", "{text}");
    }
}

#[test]
fn credential_source_imds_gives_the_region_too() {
    let machine = Machine::with_imds()
        .config(&format!("[default]\nrole_arn = {}\ncredential_source = Ec2InstanceMetadata\n", world::WORKER_ROLE));
    machine.aws.change_world(|world| world.imds.region = "ap-south-1".into());
    assert_eq!(region_of(&machine), "ap-south-1");
    assert_eq!(machine.the(Service::Sts, "AssumeRole").region.as_deref(), Some("ap-south-1"));
}

/// The region becomes part of a host name, whichever layer it comes from.
#[test]
fn a_region_holds_letters_digits_and_hyphens() {
    for machine in [
        Machine::with_keys().option("region", "eu-west-1.evil.example"),
        Machine::with_keys().env("AWS_REGION", "eu west"),
        Machine::with_keys().setting("region", "-x"),
        Machine::with_keys().config("[default]\nregion = eu-west-1/x\n"),
    ] {
        let machine = machine.without("AWS_ENDPOINT_URL").env("HTTPS_PROXY", "http://127.0.0.1:9");
        let failure = machine.failure();
        assert_eq!(failure.kind, Kind::Configuration, "{failure:?}");
        assert!(failure.message().contains("region"), "{}", failure.message());
    }
}

#[test]
fn the_profile_of_a_source_does_not_set_the_region() {
    let machine = Machine::bare().credentials_file(&keys_profile("base")).config(&format!(
        "[profile base]\nregion = eu-west-1\n[default]\nrole_arn = {}\nsource_profile = base\n",
        world::WORKER_ROLE
    ));
    assert_eq!(region_of(&machine), "us-east-1");
}

/// Credentials of a source whose region is this.
fn supplied(id: &str, secret: &str, region: &str) -> SuppliedCredentials {
    let credentials = Credentials::new(id, secret, None, "source");
    SuppliedCredentials { credentials, region: Some(region.into()) }
}

#[test]
fn the_region_of_a_source_is_for_where_none_is_configured() {
    let on_top = || Machine::bare().option("source", true);
    let role = || on_top().option("role_arn", world::WORKER_ROLE);
    for (machine, region) in [
        (on_top(), "ap-south-1"),
        (role(), "ap-south-1"),
        (role().option("region", "eu-west-1"), "eu-west-1"),
        (role().setting("region", "eu-west-2"), "eu-west-2"),
        (role().env("AWS_REGION", "eu-west-3"), "eu-west-3"),
        (role().config("[default]\nregion = eu-north-1\n"), "eu-north-1"),
    ] {
        let source = supplied(world::DEMO_KEY_ID, world::DEMO_SECRET, "ap-south-1");
        let fetched = machine.fetch_with(CallbackAnswers { source: Some(source), ..CallbackAnswers::default() }).unwrap();
        let signed: Vec<_> = machine.aws.requests().into_iter().filter_map(|entry| entry.region).collect();
        assert!(!signed.is_empty() && signed.iter().all(|signed| signed == region), "{signed:?} {region}");
        assert_eq!(fetched.region, region);
    }
}

#[test]
fn a_role_of_another_partition_than_the_region_of_the_source_is_assumed_in_its_own() {
    let machine = Machine::bare().option("source", true).option("role_arn", world::CN_ROLE);
    let source = supplied(world::CN_KEY_ID, world::CN_SECRET, "us-east-1");
    let fetched = machine.fetch_with(CallbackAnswers { source: Some(source), ..CallbackAnswers::default() }).unwrap();
    assert_eq!(fetched.region, "cn-north-1");
}

#[test]
fn the_region_of_a_source_is_checked_as_every_other() {
    let session = Machine::bare().option("source", true).session();
    let Ok(Step::Wait(task)) = session.begin(Purpose::Credentials, Some(true)) else { panic!("it waits") };
    let takes = Takes { source: true, ..Takes::default() };
    while task.take(1, takes).is_none() {
        std::thread::yield_now();
    }
    let source = supplied(world::DEMO_KEY_ID, world::DEMO_SECRET, "eu-west-1.evil.example");
    session.answer(Purpose::Credentials, &task, 1, Ok(Given::Source(Box::new(source))));
    crate::support::wait(&task);
    let failure = crate::support::finish(&session, Purpose::Credentials, &task).unwrap_err();
    assert_eq!(failure.kind, Kind::NoCredentials, "{failure:?}");
    assert!(failure.message().contains("region"), "{failure}");
}
