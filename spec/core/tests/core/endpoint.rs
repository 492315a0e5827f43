//! The endpoint of STS.

use crate::support::{Machine, finish, keys_profile, read_identity, wait};
use aws_identity::{
    credentials::Credentials,
    failure::Kind,
    providers::CallbackAnswers,
    session::{Purpose, Step, TokenStep},
    sts::IdentityTokenRequest,
    task::question::{Answer as Given, SuppliedCredentials, Takes},
};
use fake_aws::{Entry, Service, world};
use std::{collections::BTreeMap, sync::atomic::AtomicBool};

/// A port without a listener.
const REFUSING: &str = "http://127.0.0.1:9";

/// A machine that reaches real host names through the local proxy, whose log has the name.
fn behind_proxy() -> Machine {
    let machine = Machine::with_keys().without("AWS_ENDPOINT_URL");
    let (proxy, bundle) = (machine.aws.proxy_url(), machine.aws.ca_bundle());
    machine.env("HTTPS_PROXY", &proxy).env("AWS_CA_BUNDLE", bundle.to_str().unwrap())
}

fn host(machine: &Machine) -> String {
    let fetched = machine.fetch().unwrap();
    assert_eq!(fetched.arn(), world::DEMO_USER);
    let entry: Entry = machine.the(Service::Sts, "GetCallerIdentity");
    assert!(entry.tls && entry.proxied, "{entry:?}");
    entry.host
}

#[test]
fn the_region_s_own_is_the_default() {
    assert_eq!(host(&behind_proxy()), "sts.us-east-1.amazonaws.com");
    assert_eq!(host(&behind_proxy().env("AWS_REGION", "eu-west-1")), "sts.eu-west-1.amazonaws.com");
}

#[test]
fn fips_and_dualstack_are_switched_by_variable_or_profile() {
    assert_eq!(host(&behind_proxy().env("AWS_USE_FIPS_ENDPOINT", "true")), "sts-fips.us-east-1.amazonaws.com");
    assert_eq!(host(&behind_proxy().env("AWS_USE_DUALSTACK_ENDPOINT", "true")), "sts.us-east-1.api.aws");
    let profile = "[default]\nuse_fips_endpoint = true\nuse_dualstack_endpoint = true\n";
    assert_eq!(host(&behind_proxy().config(profile)), "sts-fips.us-east-1.api.aws");
    let off = behind_proxy().config(profile).env("AWS_USE_FIPS_ENDPOINT", "false").env("AWS_USE_DUALSTACK_ENDPOINT", "false");
    assert_eq!(host(&off), "sts.us-east-1.amazonaws.com");
}

#[test]
fn a_region_with_fips_in_its_name_means_the_fips_endpoint_of_the_region() {
    for (machine, name) in [
        (behind_proxy().env("AWS_REGION", "fips-us-west-2"), "sts-fips.us-west-2.amazonaws.com"),
        (behind_proxy().option("region", "us-west-2-fips"), "sts-fips.us-west-2.amazonaws.com"),
        (
            behind_proxy().config("[default]\nregion = fips-us-east-1\nuse_dualstack_endpoint = true\n"),
            "sts-fips.us-east-1.api.aws",
        ),
    ] {
        assert_eq!(host(&machine), name);
        assert!(!machine.fetch().unwrap().region.contains("fips"));
    }
}

#[test]
fn so_does_the_region_of_a_source() {
    let machine = behind_proxy().option("source", true);
    let credentials = Credentials::new(world::DEMO_KEY_ID, world::DEMO_SECRET, None, "source");
    let source = SuppliedCredentials { credentials, region: Some("fips-us-west-2".into()) };
    let fetched = machine.fetch_with(CallbackAnswers { source: Some(source), ..CallbackAnswers::default() }).unwrap();
    assert_eq!(fetched.region, "us-west-2");
    assert_eq!(machine.the(Service::Sts, "GetCallerIdentity").host, "sts-fips.us-west-2.amazonaws.com");
}

#[test]
fn what_comes_after_the_credentials_of_a_source_goes_to_its_fips_host_too() {
    let machine = behind_proxy().option("source", true);
    let session = machine.session();
    let Ok(Step::Wait(task)) = session.begin(Purpose::Credentials, Some(true)) else { panic!("it waits") };
    while task.take(1, Takes { source: true, ..Takes::default() }).is_none() {
        std::thread::yield_now();
    }
    let credentials = Credentials::new(world::DEMO_KEY_ID, world::DEMO_SECRET, None, "source");
    let source = SuppliedCredentials { credentials, region: Some("us-west-2-fips".into()) };
    session.answer(Purpose::Credentials, &task, 1, Ok(Given::Source(Box::new(source))));
    wait(&task);
    finish(&session, Purpose::Credentials, &task).unwrap();
    let Ok(Step::Wait(task)) = session.begin(Purpose::Identity, Some(true)) else { panic!("it waits") };
    wait(&task);
    finish(&session, Purpose::Identity, &task).unwrap();
    assert_eq!(machine.the(Service::Sts, "GetCallerIdentity").host, "sts-fips.us-west-2.amazonaws.com");

    let request = IdentityTokenRequest {
        audience: ["https://vault.example".to_owned()].into(),
        duration_seconds: 300,
        signing_algorithm: "RS256".into(),
        tags: BTreeMap::new(),
    };
    let Ok(TokenStep::Wait(task)) = session.identity_token(&request) else { panic!("it waits") };
    task.wait(&AtomicBool::new(false));
    assert_eq!(machine.the(Service::Sts, "GetWebIdentityToken").host, "sts-fips.us-west-2.amazonaws.com");
}

#[test]
fn each_layer_outranks_the_next() {
    let url = |machine: Machine, set: fn(Machine, &str) -> Machine| {
        let url = machine.aws.http_url();
        set(machine, &url)
    };
    for set in [
        |machine: Machine, url: &str| machine.env("AWS_ENDPOINT_URL", REFUSING).env("AWS_ENDPOINT_URL_STS", url),
        |machine: Machine, url: &str| machine.env("AWS_ENDPOINT_URL_STS", REFUSING).setting("endpoint", url),
        |machine: Machine, url: &str| machine.setting("endpoint", REFUSING).option("endpoint", url),
        |machine: Machine, url: &str| machine.without("AWS_ENDPOINT_URL").config(&format!("[default]\nendpoint_url = {url}\n")),
        |machine: Machine, url: &str| {
            machine.without("AWS_ENDPOINT_URL").config(&format!(
                "[default]\nendpoint_url = {REFUSING}\nservices = local\n[services local]\nsts =\n  endpoint_url = {url}\n"
            ))
        },
        |machine: Machine, url: &str| {
            machine.env("AWS_ENDPOINT_URL", url).config(&format!("[default]\nendpoint_url = {REFUSING}\n"))
        },
    ] {
        let machine = url(Machine::with_keys(), set);
        assert_eq!(machine.fetch().unwrap().arn(), world::DEMO_USER);
        assert_eq!(machine.count(Service::Sts, "GetCallerIdentity"), 1);
    }
}

#[test]
fn configured_endpoints_can_be_ignored_and_given_ones_cannot() {
    let variable = behind_proxy().env("AWS_ENDPOINT_URL_STS", REFUSING).env("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true");
    assert_eq!(host(&variable), "sts.us-east-1.amazonaws.com");
    let profile =
        behind_proxy().config(&format!("[default]\nendpoint_url = {REFUSING}\nignore_configured_endpoint_urls = true\n"));
    assert_eq!(host(&profile), "sts.us-east-1.amazonaws.com");

    // The profile's switch is for variables too, as in botocore, and the variable outranks it.
    let ignoring = "[default]\nignore_configured_endpoint_urls = true\n";
    assert_eq!(host(&behind_proxy().env("AWS_ENDPOINT_URL_STS", REFUSING).config(ignoring)), "sts.us-east-1.amazonaws.com");
    let machine = Machine::with_keys().without("AWS_ENDPOINT_URL").env("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "false");
    let url = machine.aws.http_url();
    let machine = machine.config(&format!("{ignoring}endpoint_url = {url}\n"));
    assert_eq!(machine.fetch().unwrap().arn(), world::DEMO_USER);

    let machine = Machine::with_keys().env("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true").without("AWS_ENDPOINT_URL");
    let url = machine.aws.http_url();
    let machine = machine.option("endpoint", url);
    assert_eq!(machine.fetch().unwrap().arn(), world::DEMO_USER);
}

#[test]
fn a_malformed_url_is_refused_without_showing_its_password() {
    for bad in
        ["127.0.0.1:1", "ftp://127.0.0.1/", "http://", "http://user:canary@", "https://exa mple.com", "https:// user:canary@h"]
    {
        for machine in [
            Machine::with_keys().option("endpoint", bad),
            Machine::with_keys().env("AWS_ENDPOINT_URL_STS", bad),
            Machine::with_keys().without("AWS_ENDPOINT_URL").config(&format!("[default]\nendpoint_url = {bad}\n")),
        ] {
            let failure = machine.failure();
            assert_eq!(failure.kind, Kind::Configuration, "{bad}: {failure:?}");
            assert!(failure.message().contains("endpoint"), "{}", failure.message());
        }
    }
}

#[test]
fn a_password_in_the_endpoint_is_in_no_failure_and_no_report() {
    let machine = Machine::with_keys().option("endpoint", "http://user:canary@127.0.0.1:9/");
    let failure = machine.failure_of_identity();
    assert_eq!(failure.kind, Kind::Connection, "{failure:?}");
    assert!(failure.message().contains("127.0.0.1:9"), "{}", failure.message());
    let settings = machine.settings().unwrap();
    let report = format!("{:?}", settings.report());
    assert!(report.contains("127.0.0.1:9") && !report.contains("canary"), "{report}");
    let shown = format!("{settings:?}");
    assert!(!shown.contains("canary"), "{shown}");
}

#[test]
fn a_malformed_services_section_fails_only_where_the_profile_s_endpoint_is_used() {
    let odd = "[default]\nservices = nowhere\n";
    assert!(Machine::with_keys().config(odd).fetch().is_ok());
    let failure = Machine::with_keys().without("AWS_ENDPOINT_URL").config(odd).failure();
    assert_eq!(failure.kind, Kind::Configuration);
    assert!(failure.message().contains("nowhere"), "{}", failure.message());
}

#[test]
fn the_endpoint_of_another_profile_is_not_used() {
    let machine = Machine::bare()
        .credentials_file(&keys_profile("base"))
        .config(&format!(
            "[profile base]\nendpoint_url = {REFUSING}\n[default]\nrole_arn = {}\nsource_profile = base\n",
            world::WORKER_ROLE
        ))
        .without("AWS_ENDPOINT_URL");
    let (proxy, bundle) = (machine.aws.proxy_url(), machine.aws.ca_bundle());
    let machine = machine.env("HTTPS_PROXY", &proxy).env("AWS_CA_BUNDLE", bundle.to_str().unwrap());
    machine.fetch().unwrap();
    assert_eq!(machine.the(Service::Sts, "AssumeRole").host, "sts.us-east-1.amazonaws.com");
}

/// A profile's endpoint is known in the fetch only; an option's and a variable's, when the session is made.
#[test]
fn plain_http_to_another_machine_is_warned_about_once() {
    let machine = Machine::with_keys().without("AWS_ENDPOINT_URL");
    let proxy = machine.aws.proxy_url();
    let machine = machine.env("HTTP_PROXY", &proxy);
    let machine = machine.config("[default]\nendpoint_url = http://sts.example.test\n");
    let session = machine.session();
    assert_eq!(session.warnings(), [""; 0]);
    read_identity(&session).unwrap();
    let [warning] = session.warnings().try_into().unwrap();
    assert!(warning.contains("http://sts.example.test is plain HTTP"), "{warning}");

    let machine = machine.env("AWS_ENDPOINT_URL_STS", "http://sts.example.test");
    let session = machine.session();
    assert_eq!(session.warnings().len(), 1);
    read_identity(&session).unwrap();
    assert_eq!(session.warnings().len(), 1, "once");

    let machine = Machine::with_keys();
    let session = machine.session();
    read_identity(&session).unwrap();
    assert_eq!(session.warnings(), [""; 0], "loopback");
}
