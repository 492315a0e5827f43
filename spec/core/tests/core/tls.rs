//! The authorities TLS trusts.

use crate::{
    stub,
    support::{Machine, text},
};
use aws_identity::failure::Kind;
use fake_aws::world;
use std::fs;

/// STS over TLS, with a certificate that no public authority has signed.
fn with_tls() -> Machine {
    let machine = Machine::with_keys();
    let url = machine.aws.https_url();
    machine.env("AWS_ENDPOINT_URL", &url)
}

fn bundle(machine: &Machine) -> String {
    fs::read_to_string(machine.aws.ca_bundle()).unwrap()
}

#[test]
fn a_bundle_of_each_layer_is_trusted() {
    let path = |machine: &Machine| text(&machine.aws.ca_bundle()).to_owned();
    for set in [
        |machine: Machine, path: &str| machine.option("ca_bundle", path),
        |machine: Machine, path: &str| machine.setting("ca_bundle", path),
        |machine: Machine, path: &str| machine.env("AWS_CA_BUNDLE", path),
        |machine: Machine, path: &str| machine.config(&format!("[default]\nca_bundle = {path}\n")),
    ] {
        let machine = with_tls();
        let path = path(&machine);
        assert_eq!(set(machine, &path).fetch().unwrap().arn(), world::DEMO_USER);
    }
}

#[test]
fn an_unknown_authority_is_refused_and_the_advice_is_a_bundle() {
    let other = Machine::bare();
    let machine = with_tls().option("ca_bundle", text(&other.aws.ca_bundle()));
    let failure = machine.failure_of_identity();
    assert_eq!(failure.kind, Kind::Connection);
    assert!(failure.cause.contains("certificate") && failure.remedy.contains("AWS_CA_BUNDLE"), "{failure:?}");
}

#[test]
fn a_bundle_without_a_usable_certificate_is_an_error() {
    let machine = with_tls();
    let folder = machine.home();
    for (path, said) in [
        (machine.home().join("missing.pem"), "cannot be read"),
        (folder, "is not a regular file"),
        (machine.file("empty.pem", ""), "holds no certificate"),
        (machine.file("text.pem", "hello"), "holds no certificate"),
        (machine.file("cut.pem", "-----BEGIN CERTIFICATE-----\nMIIB"), "holds no certificate"),
        (machine.file("odd.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"), "holds no certificate"),
        (machine.file("key.pem", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"), "holds no certificate"),
    ] {
        let machine = with_tls().env("AWS_CA_BUNDLE", text(&path));
        let failure = machine.failure_of_identity();
        assert_eq!(failure.kind, Kind::Configuration, "{}", path.display());
        assert!(failure.message().contains(said) && failure.message().contains(text(&path)), "{}", failure.message());
        assert!(failure.message().contains("AWS_CA_BUNDLE"), "{}", failure.message());
        assert!(machine.aws.requests().is_empty());
    }
}

#[test]
fn bad_certificates_among_good_ones_are_skipped() {
    let machine = with_tls();
    let good = bundle(&machine);
    let bad = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let broken = "-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----\n";
    let path = machine.file("mixed.pem", format!("# ours\n{bad}{broken}{good}{bad}"));
    assert_eq!(machine.env("AWS_CA_BUNDLE", text(&path)).fetch().unwrap().arn(), world::DEMO_USER);
}

#[test]
fn a_bundle_may_have_windows_line_ends() {
    let machine = with_tls();
    let path = machine.file("crlf.pem", bundle(&machine).replace('\n', "\r\n"));
    assert_eq!(machine.env("AWS_CA_BUNDLE", text(&path)).fetch().unwrap().arn(), world::DEMO_USER);
}

#[test]
fn a_plain_endpoint_needs_no_bundle() {
    let machine = Machine::with_keys().env("AWS_CA_BUNDLE", "/nowhere/at/all.pem");
    assert_eq!(machine.fetch().unwrap().arn(), world::DEMO_USER);
}

#[test]
fn a_certificate_for_another_name_is_refused() {
    let machine = with_tls();
    let url = machine.aws.https_url().replace("localhost", "127.0.0.2");
    let bundle = machine.aws.ca_bundle();
    let machine = machine.env("AWS_CA_BUNDLE", text(&bundle)).env("AWS_ENDPOINT_URL", &url);
    assert_eq!(machine.failure_of_identity().kind, Kind::Connection);
}

#[test]
fn a_plain_server_behind_an_https_endpoint_is_refused() {
    let machine = with_tls();
    let plain = stub::answering("HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n").replace("http:", "https:");
    let bundle = machine.aws.ca_bundle();
    let machine = machine.env("AWS_CA_BUNDLE", text(&bundle)).env("AWS_ENDPOINT_URL", &plain);
    assert_eq!(machine.failure_of_identity().kind, Kind::Connection);
}

#[test]
fn containers_behind_tls_are_checked_too() {
    let machine = Machine::with_container();
    let uri = format!("{}{}", machine.aws.https_url(), world::ECS_PATH);
    let machine = machine.env("AWS_CONTAINER_CREDENTIALS_FULL_URI", &uri);
    let bundle = machine.aws.ca_bundle();
    let failure = machine.failure();
    assert!(failure.cause.contains("certificate") && failure.remedy.contains("AWS_CA_BUNDLE"), "{failure}");
    assert!(machine.env("AWS_CA_BUNDLE", text(&bundle)).fetch().is_ok());
}

/// Post-quantum key exchange (X25519MLKEM768, 0x11EC) is offered first, and X25519 with it.
#[test]
fn the_client_offers_post_quantum_key_exchange() {
    let (url, hello) = stub::hearing();
    let machine = Machine::with_keys().env("AWS_ENDPOINT_URL", &url.replace("http:", "https:").replace("127.0.0.1", "localhost"));
    machine.failure_of_identity();
    let groups = groups(&hello.recv().unwrap());
    assert_eq!(groups.first(), Some(&0x11EC), "{groups:x?}");
    assert!(groups.contains(&0x001D), "{groups:x?}");
}

/// The `supported_groups` (RFC 8446, 4.2.7) of a `ClientHello` that is one TLS record.
fn groups(record: &[u8]) -> Vec<u16> {
    let number = |at: usize| u16::from_be_bytes([record[at], record[at + 1]]);
    assert_eq!((record[0], record[5]), (22, 1), "a handshake record with a ClientHello");
    // Record and handshake headers, version and random; then session id, cipher suites and compression methods with their lengths.
    let mut at = 5 + 4 + 2 + 32;
    at += 1 + usize::from(record[at]);
    at += 2 + usize::from(number(at));
    at += 1 + usize::from(record[at]);
    at += 2;
    while number(at) != 10 {
        at += 4 + usize::from(number(at + 2));
    }
    (0..usize::from(number(at + 4)) / 2).map(|index| number(at + 6 + 2 * index)).collect()
}
