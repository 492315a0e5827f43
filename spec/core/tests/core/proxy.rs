//! Which requests go through a proxy, and which never do.

use crate::support::{Machine, text};
use aws_identity::failure::Kind;
use fake_aws::{Service, world};

fn with_ca() -> Machine {
    let machine = Machine::with_keys().without("AWS_ENDPOINT_URL");
    let bundle = machine.aws.ca_bundle();
    machine.env("AWS_CA_BUNDLE", text(&bundle))
}

fn through_proxy(machine: &Machine) -> bool {
    machine.aws.requests().iter().any(|entry| entry.service == Service::Proxy || entry.proxied)
}

#[test]
fn sts_goes_through_the_proxy_of_each_variable() {
    for name in ["HTTPS_PROXY", "https_proxy"] {
        let machine = with_ca();
        let proxy = machine.aws.proxy_url();
        let machine = machine.env(name, &proxy);
        assert_eq!(machine.fetch().unwrap().arn(), world::DEMO_USER, "{name}");
        assert_eq!(machine.count(Service::Proxy, "CONNECT"), 1, "{name}");
    }
}

#[test]
fn a_proxy_may_be_written_without_a_scheme() {
    let machine = with_ca();
    let proxy = machine.aws.proxy_url().replace("http://", "");
    assert_eq!(machine.env("HTTPS_PROXY", &proxy).fetch().unwrap().arn(), world::DEMO_USER);
}

#[test]
fn plain_endpoints_have_a_proxy_variable_of_their_own() {
    let machine = Machine::with_keys().option("endpoint", "http://sts.example.test");
    let proxy = machine.aws.proxy_url();
    let machine = machine.env("HTTP_PROXY", &proxy);
    assert_eq!(machine.fetch().unwrap().arn(), world::DEMO_USER);
    assert!(machine.the(Service::Sts, "GetCallerIdentity").proxied);
}

/// The C library resolves `127.1` to 127.0.0.1; for `NO_PROXY` it is a name like any other.
#[test]
fn no_proxy_excepts_a_host() {
    for (rule, goes_through) in [("", true), ("other.test", true), ("127.1", false), ("other.test, 127.1", false), ("*", false)] {
        let machine = Machine::with_keys().env("NO_PROXY", rule);
        let (proxy, url) = (machine.aws.proxy_url(), machine.aws.http_url().replace("127.0.0.1", "127.1"));
        let machine = machine.env("HTTP_PROXY", &proxy).option("endpoint", url);
        assert_eq!(machine.fetch().unwrap().arn(), world::DEMO_USER, "{rule}");
        assert_eq!(through_proxy(&machine), goes_through, "{rule}");
    }
}

#[test]
fn loopback_never_goes_through_a_proxy() {
    for endpoint in ["http", "https"] {
        let machine = with_ca();
        let (proxy, url) =
            (machine.aws.proxy_url(), if endpoint == "http" { machine.aws.http_url() } else { machine.aws.https_url() });
        let machine = machine.env("HTTPS_PROXY", &proxy).env("HTTP_PROXY", &proxy).option("endpoint", url);
        assert_eq!(machine.fetch().unwrap().arn(), world::DEMO_USER);
        assert!(!through_proxy(&machine), "{endpoint}");
    }
}

#[test]
fn imds_and_containers_never_go_through_a_proxy() {
    for machine in [Machine::with_imds(), Machine::with_container()] {
        let proxy = machine.aws.proxy_url();
        let machine = machine.env("HTTP_PROXY", &proxy).env("http_proxy", &proxy).env("ALL_PROXY", &proxy);
        machine.fetch().unwrap();
        assert!(!through_proxy(&machine), "{:?}", machine.actions());
    }
}

/// A link-local address without a server here: the connection is refused or dropped, and not made through the proxy.
#[test]
fn the_container_endpoint_at_its_own_address_is_not_reached_through_a_proxy() {
    let machine = Machine::bare().env("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "not-a-path");
    let proxy = machine.aws.proxy_url();
    let machine = machine.env("HTTP_PROXY", &proxy);
    assert_eq!(machine.failure().kind, Kind::Configuration);
    assert!(!through_proxy(&machine));
}

/// `ssh -D` and curl use it (go-to-k/cdk-local#663); botocore and aws-sdk-ruby do not.
#[test]
fn all_proxy_is_not_read() {
    for name in ["ALL_PROXY", "all_proxy"] {
        for value in ["socks5://127.0.0.1:9", "http://127.0.0.1:9"] {
            let machine = behind(name, value);
            assert_eq!(machine.fetch().unwrap().arn(), world::DEMO_USER, "{name}={value}");
        }
    }
}

/// STS at a name that is not loopback's, and one variable.
fn behind(name: &str, value: &str) -> Machine {
    let machine = Machine::with_keys().env(name, value);
    let url = machine.aws.http_url().replace("127.0.0.1", "127.1");
    machine.option("endpoint", url)
}

#[test]
fn exceptions_come_before_the_proxy_s_url_is_judged() {
    let machine = behind("HTTP_PROXY", "socks5://u:canary@127.0.0.1:9");
    assert_eq!(machine.failure_of_identity().kind, Kind::Configuration);
    let port = machine.aws.http_url().rsplit_once(':').unwrap().1.to_owned();
    let excepted = machine.env("NO_PROXY", &format!("a.test,127.1:{port}"));
    assert_eq!(excepted.fetch().unwrap().arn(), world::DEMO_USER);

    // The address of a region is compared too. There may be no network here.
    let machine = Machine::with_keys().without("AWS_ENDPOINT_URL").option("region", "eu-west-1").option("resolve_timeout", 1);
    let machine = machine.env("HTTPS_PROXY", "socks5://127.0.0.1:9");
    assert_eq!(machine.failure_of_identity().kind, Kind::Configuration);
    let machine = machine.env("NO_PROXY", ".amazonaws.com");
    assert_ne!(machine.failure_of_identity().kind, Kind::Configuration);
}

#[test]
fn a_blank_lower_case_variable_switches_its_twin_off() {
    let is_proxied = |variables: &[(&str, &str)]| {
        let mut machine = behind("OTHER", "x");
        let proxy = machine.aws.proxy_url();
        machine = machine.env("HTTP_PROXY", &proxy);
        for (name, value) in variables {
            machine = machine.env(name, value);
        }
        assert_eq!(machine.fetch().unwrap().arn(), world::DEMO_USER);
        through_proxy(&machine)
    };
    assert!(is_proxied(&[]));
    assert!(!is_proxied(&[("http_proxy", "")]));
    assert!(is_proxied(&[("https_proxy", "")]));
    assert!(!is_proxied(&[("NO_PROXY", "*")]));
    assert!(is_proxied(&[("NO_PROXY", "*"), ("no_proxy", "")]));
}

#[test]
fn user_and_password_end_at_the_last_at_sign() {
    for (written, sent) in [
        ("dom%5Cuser:p@ss", "Basic ZG9tXHVzZXI6cEBzcw=="),
        ("dom\\user:p/s?s#@x:y", "Basic ZG9tXHVzZXI6cC9zP3MjQHg6eQ=="),
        ("user:p%40ss", "Basic dXNlcjpwQHNz"),
        ("user:100%", "Basic dXNlcjoxMDAl"),
    ] {
        let machine = with_ca();
        machine.aws.change_world(|world| world.proxy.authorization = Some(sent.into()));
        let proxy = machine.aws.proxy_url().replace("http://", &format!("http://{written}@"));
        assert_eq!(machine.env("HTTPS_PROXY", &proxy).fetch().unwrap().arn(), world::DEMO_USER, "{written}");
    }
}

#[test]
fn user_and_password_of_a_proxy_are_sent_decoded() {
    let machine = with_ca();
    // user:p@ss
    machine.aws.change_world(|world| world.proxy.authorization = Some("Basic dXNlcjpwQHNz".into()));
    let proxy = machine.aws.proxy_url().replace("http://", "http://user:p%40ss@");
    let machine = machine.env("HTTPS_PROXY", &proxy);
    assert_eq!(machine.fetch().unwrap().arn(), world::DEMO_USER);
}

#[test]
fn a_proxy_s_password_is_in_no_failure() {
    let refused = with_ca();
    refused.aws.change_world(|world| world.proxy.authorization = Some("Basic d3Jvbmc=".into()));
    let proxy = refused.aws.proxy_url().replace("http://", "http://user:canary@");
    let refused = refused.env("HTTPS_PROXY", &proxy);
    let failure = refused.failure_of_identity();
    assert_eq!(failure.kind, Kind::Connection, "{failure:?}");
    assert!(failure.message().contains("proxy"), "{}", failure.message());

    let refusing = with_ca().env("HTTPS_PROXY", "http://user:canary@127.0.0.1:9");
    let failure = refusing.failure_of_identity();
    assert_eq!(failure.kind, Kind::Connection);
    assert!(failure.message().contains("through the proxy http://127.0.0.1:9 (HTTPS_PROXY)"), "{}", failure.message());
    assert!(failure.message().contains("NO_PROXY"), "{}", failure.message());

    // Neither where an exception applies, nor for loopback, is the proxy blamed.
    for endpoint in ["http://127.1:9", "http://127.0.0.1:9"] {
        let direct = Machine::with_keys().env("HTTP_PROXY", "http://127.0.0.1:9").env("NO_PROXY", "127.1");
        let message = direct.option("endpoint", endpoint).option("resolve_timeout", 1).failure_of_identity().message();
        assert!(!message.contains("through the proxy"), "{message}");
    }

    for bad in [
        "socks5://user:canary@127.0.0.1:9",
        "http://user:canary@",
        "http://user:canary@h:port",
        "socks5://user:canary@canary@h",
        "http://user:canary/canary?canary#canary@h:port",
        "user:canary://canary@h:port",
    ] {
        let failure = with_ca().env("HTTPS_PROXY", bad).failure_of_identity();
        assert_eq!(failure.kind, Kind::Configuration, "{bad}: {failure:?}");
        assert!(failure.message().contains("HTTPS_PROXY") && !failure.message().contains("canary"), "{}", failure.message());
    }
}
