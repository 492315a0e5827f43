//! Tokens of an identity provider.

use crate::support::{Machine, text};
use aws_identity::{credentials::Secret, failure::Kind, providers::CallbackAnswers, refresh::is_final};
use fake_aws::{Answer, Rule, Service, world};
use std::process::Command;

const FILE: &str = "AWS_WEB_IDENTITY_TOKEN_FILE";
const EXCHANGE: &str = "AssumeRoleWithWebIdentity";

#[test]
fn the_request_is_not_signed_and_has_only_the_required_parameters() {
    let machine = Machine::with_web_identity();
    let fetched = machine.fetch().unwrap();
    let entry = machine.the(Service::Sts, EXCHANGE);
    assert!(!entry.headers.contains_key("authorization"), "{:?}", entry.headers.keys());
    assert_eq!(entry.params["WebIdentityToken"], world::IRSA_TOKEN);
    assert!(entry.params["RoleSessionName"].starts_with("lex-identity-aws-"));
    assert_eq!(entry.params.len(), 5, "{:?}", entry.params.keys());
    assert_eq!(fetched.credentials.account_id.as_deref(), Some(world::ACCOUNT));
    let details = &fetched.credentials.details;
    for (name, value) in [
        ("subject", world::IRSA_SUBJECT),
        ("audience", "sts.amazonaws.com"),
        ("provider", world::IRSA_PROVIDER),
        ("assumed_role_arn", &*fetched.arn()),
    ] {
        assert_eq!(details.get(name).map(String::as_str), Some(value), "{name}");
    }
}

#[test]
fn the_file_is_trimmed_and_read_anew_each_time() {
    let machine = Machine::with_web_identity();
    machine.file("token", "an-old-token\n");
    assert_eq!(machine.failure().code.as_deref(), Some("InvalidIdentityToken"));
    machine.file("token", format!("  {}\n", world::IRSA_TOKEN));
    assert!(machine.fetch().is_ok());
}

#[test]
fn a_malformed_token_is_not_sent() {
    for (content, said) in [
        (&b""[..], "is empty"),
        (b"canary\nsecond", "one line"),
        (&[0xff][..], "not text"),
        (&*vec![b'c'; 20_481], "longer than"),
    ] {
        let machine = Machine::with_web_identity();
        machine.file("token", content);
        let failure = machine.failure();
        assert_eq!(failure.kind, Kind::NoCredentials);
        assert!(failure.message().contains(said), "{}", failure.message());
        assert!(machine.aws.requests().is_empty());
    }
    let machine = Machine::with_web_identity();
    for (path, said) in [(machine.home().join("missing"), "does not exist"), (machine.home(), "not a regular file")] {
        let failure = Machine::with_web_identity().env(FILE, text(&path)).failure();
        assert!(failure.message().contains(said), "{}", failure.message());
    }
}

#[test]
fn a_fifo_does_not_hang() {
    let machine = Machine::with_web_identity();
    let path = machine.aws.directory().join("fifo");
    assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
    let failure = machine.env(FILE, text(&path)).failure();
    assert!(failure.message().contains("not a regular file"), "{}", failure.message());
}

#[test]
fn a_token_file_without_a_role_is_half_a_configuration() {
    let machine = Machine::with_web_identity().without("AWS_ROLE_ARN");
    let failure = machine.failure();
    assert_eq!(failure.kind, Kind::Configuration);
    assert!(failure.message().contains("AWS_ROLE_ARN"), "{}", failure.message());
    assert!(machine.aws.requests().is_empty());
    let failure = Machine::with_web_identity().env("AWS_ROLE_ARN", "irsa-app").failure();
    assert_eq!(failure.kind, Kind::Configuration);
    let failure = Machine::with_web_identity().env("AWS_ROLE_SESSION_NAME", "a b").failure();
    assert_eq!(failure.kind, Kind::Configuration);
}

/// `role_arn: false` means roles on top of the base, and this role is the base.
#[test]
fn false_does_not_touch_the_role_of_the_token() {
    assert!(Machine::with_web_identity().option("role_arn", false).fetch().unwrap().arn().contains("irsa-app"));
}

#[test]
fn each_refusal_of_sts_has_its_kind_by_its_code() {
    for (change, code, kind) in [
        ("expired", "ExpiredTokenException", Kind::AccessDenied),
        ("rejected", "IDPRejectedClaim", Kind::AccessDenied),
        ("unknown", "InvalidIdentityToken", Kind::AccessDenied),
    ] {
        let machine = Machine::with_web_identity();
        machine.aws.change_world(|world| {
            let token = world.web_identity_tokens.get_mut(world::IRSA_TOKEN).unwrap();
            match change {
                "expired" => token.expired = true,
                "rejected" => token.rejected = true,
                _ => world.web_identity_tokens.clear(),
            }
        });
        let failure = machine.failure();
        assert_eq!((failure.kind, failure.code.as_deref()), (kind, Some(code)), "{failure:?}");
        assert_eq!(machine.count(Service::Sts, EXCHANGE), 1, "{change}: asked once");
    }
}

#[test]
fn an_error_between_aws_and_the_provider_is_retried_and_is_an_outage() {
    let answer =
        Answer::Error { status: 400, code: "IDPCommunicationError".into(), message: "The identity provider is slow".into() };
    let machine = Machine::with_web_identity();
    machine.aws.add_rule(Rule::on(Service::Sts).action(EXCHANGE).times(1).answer(answer.clone()));
    assert!(machine.fetch().is_ok());

    let machine = Machine::with_web_identity();
    machine.aws.add_rule(Rule::on(Service::Sts).action(EXCHANGE).answer(answer));
    let failure = machine.option("resolve_timeout", 1).failure();
    assert!(failure.is_outage(), "{failure:?}");
}

#[test]
fn keys_of_the_provider_that_aws_could_not_fetch_are_an_outage() {
    let machine = Machine::with_web_identity();
    machine.aws.add_rule(
        Rule::on(Service::Sts).action(EXCHANGE).answer(Answer::Error {
            status: 400,
            code: "InvalidIdentityToken".into(),
            message: "Couldn't retrieve verification key from your identity provider, please reference \
                  AssumeRoleWithWebIdentity documentation for requirements"
                .into(),
        }),
    );
    let failure = machine.failure();
    assert!(failure.is_outage() && failure.reached && !is_final(&failure), "{failure:?}");
    assert!(!failure.remedy.contains("audience"), "{failure}");
}

#[test]
fn a_token_may_be_text_file_or_supplied() {
    let role = |machine: Machine| machine.option("role_arn", world::IRSA_ROLE);
    let machine = role(Machine::bare()).option("web_identity_token", format!(" {}\n", world::IRSA_TOKEN));
    assert!(machine.fetch().is_ok());

    let machine = role(Machine::bare());
    let file = machine.file("token", world::IRSA_TOKEN);
    assert!(machine.setting("web_identity_token_file", text(&file)).fetch().is_ok());

    let machine = role(Machine::bare()).option("web_identity_token", true);
    let answers = CallbackAnswers { web_identity_token: Some(Secret::new(world::IRSA_TOKEN)), ..CallbackAnswers::default() };
    assert!(machine.fetch_with(answers).is_ok());
    assert_eq!(machine.failure().kind, Kind::NoCredentials);
}

#[test]
fn an_explicit_token_outranks_keys_and_profile() {
    let machine = Machine::with_keys().option("role_arn", world::IRSA_ROLE).option("web_identity_token", world::IRSA_TOKEN);
    assert_eq!(machine.fetch().unwrap().source(), "web identity");
}

#[test]
fn provider_policy_and_duration_reach_sts() {
    let machine = Machine::bare()
        .option("role_arn", world::IRSA_ROLE)
        .option("web_identity_token", world::IRSA_TOKEN)
        .option("provider_id", "graph.facebook.com")
        .option("session_duration", 900)
        .option("policy", r#"{"Version":"2012-10-17","Statement":[]}"#)
        .option("policy_arns", "arn:aws:iam::aws:policy/ReadOnlyAccess")
        .option("role_session_name", "named");
    machine.aws.change_world(|world| {
        world.web_identity_tokens.get_mut(world::IRSA_TOKEN).unwrap().provider_id = Some("graph.facebook.com".into());
    });
    machine.fetch().unwrap();
    let asked = machine.the(Service::Sts, EXCHANGE).params;
    for (name, value) in [
        ("ProviderId", "graph.facebook.com"),
        ("DurationSeconds", "900"),
        ("Policy", r#"{"Version":"2012-10-17","Statement":[]}"#),
        ("PolicyArns.member.1.arn", "arn:aws:iam::aws:policy/ReadOnlyAccess"),
        ("RoleSessionName", "named"),
    ] {
        assert_eq!(asked.get(name).map(String::as_str), Some(value), "{name}");
    }
}

/// Each of these would be silently dropped, and the session be another than configured.
#[test]
fn an_option_a_web_identity_cannot_have_is_refused() {
    for (name, value) in [
        ("tags", serde_json::json!({"team": "x"})),
        ("transitive_tag_keys", serde_json::json!(["team"])),
        ("source_identity", "alice".into()),
        ("serial_number", world::DEMO_MFA_SERIAL.into()),
        (
            "provided_contexts",
            serde_json::json!([{"provider_arn": "arn:aws:iam::aws:contextProvider/X", "context_assertion": "long enough"}]),
        ),
    ] {
        for machine in [
            Machine::bare().option("role_arn", world::IRSA_ROLE).option("web_identity_token", world::IRSA_TOKEN),
            Machine::with_web_identity(),
        ] {
            let machine = machine.option(name, value.clone());
            let failure = machine.failure();
            assert_eq!(failure.kind, Kind::Configuration, "{name}: {failure:?}");
            assert!(failure.message().contains(name), "{}", failure.message());
            assert!(machine.aws.requests().is_empty());
        }
    }
}

#[test]
fn a_profile_may_name_the_token_file() {
    let machine = Machine::bare();
    let file = machine.file("token", world::IRSA_TOKEN);
    let machine = machine.config(&format!(
        "[default]\nrole_arn = {}\nweb_identity_token_file = {}\nrole_session_name = profiled\n",
        world::IRSA_ROLE,
        text(&file)
    ));
    let fetched = machine.fetch().unwrap();
    assert_eq!(fetched.source(), "profile default");
    assert!(fetched.arn().ends_with("irsa-app/profiled"));
}
