//! The order of the provider chain, and what ends it.

use crate::support::{Machine, keys_profile, outcomes, text};
use aws_identity::{credentials::Credentials, failure::Kind, providers::CallbackAnswers};
use fake_aws::{Answer, Rule, Service, world};

/// A machine on which every source has credentials.
fn with_everything() -> Machine {
    let machine = Machine::with_keys().credentials_file(&keys_profile("default"));
    let token = machine.file("token", world::IRSA_TOKEN);
    let url = machine.aws.http_url();
    machine
        .env("AWS_WEB_IDENTITY_TOKEN_FILE", text(&token))
        .env("AWS_ROLE_ARN", world::IRSA_ROLE)
        .env("AWS_CONTAINER_CREDENTIALS_FULL_URI", &format!("{url}{}", world::ECS_PATH))
        .env("AWS_CONTAINER_AUTHORIZATION_TOKEN", world::ECS_TOKEN)
        .without("AWS_EC2_METADATA_DISABLED")
        .env("AWS_EC2_METADATA_SERVICE_ENDPOINT", &url)
}

fn without_keys() -> Machine {
    with_everything().without("AWS_ACCESS_KEY_ID").without("AWS_SECRET_ACCESS_KEY")
}

fn without_profile() -> Machine {
    without_keys().credentials_file("")
}

fn without_token() -> Machine {
    without_profile().without("AWS_WEB_IDENTITY_TOKEN_FILE").without("AWS_ROLE_ARN")
}

#[test]
fn the_environment_comes_first() {
    let fetched = with_everything().fetch().unwrap();
    assert_eq!(fetched.source(), "environment");
    assert_eq!(fetched.arn(), world::DEMO_USER);
    assert_eq!(outcomes(&fetched.attempts), ["environment found"]);
}

#[test]
fn the_profile_comes_second() {
    let fetched = without_keys().fetch().unwrap();
    assert_eq!(fetched.source(), "profile default");
    assert_eq!(outcomes(&fetched.attempts), ["environment absent", "profile default found"]);
}

#[test]
fn the_web_identity_comes_third() {
    let fetched = without_profile().fetch().unwrap();
    assert_eq!(fetched.source(), "web identity");
    assert!(fetched.arn().contains("assumed-role/irsa-app/"), "{}", fetched.arn());
    assert_eq!(outcomes(&fetched.attempts), ["environment absent", "profile default absent", "web identity found"]);
}

#[test]
fn the_container_comes_fourth() {
    let fetched = without_token().fetch().unwrap();
    assert_eq!(fetched.source(), "container");
    assert!(fetched.arn().contains("assumed-role/ecs-task/"), "{}", fetched.arn());
    assert_eq!(
        outcomes(&fetched.attempts),
        ["environment absent", "profile default absent", "web identity absent", "container found"]
    );
}

#[test]
fn imds_comes_last_and_every_attempt_gives_its_reason() {
    let fetched = without_token().without("AWS_CONTAINER_CREDENTIALS_FULL_URI").fetch().unwrap();
    assert_eq!(fetched.source(), "imds");
    assert!(fetched.arn().contains("assumed-role/ec2-web/i-"), "{}", fetched.arn());
    let attempts: Vec<String> =
        fetched.attempts.iter().map(|attempt| attempt.to_string().rsplit_once(" in ").unwrap().0.to_owned()).collect();
    assert_eq!(
        attempts,
        [
            "environment absent (AWS_ACCESS_KEY_ID is not set)",
            "profile default absent (there is none)",
            "web identity absent (AWS_WEB_IDENTITY_TOKEN_FILE is not set)",
            "container absent (no AWS_CONTAINER_CREDENTIALS_* variable is set)",
            "imds found",
        ]
    );
}

#[test]
fn a_profile_with_settings_only_has_no_credentials_and_the_chain_goes_on() {
    let fetched = without_token().config("[default]\nregion = eu-west-1\n").fetch().unwrap();
    assert_eq!(fetched.source(), "container");
    assert_eq!(fetched.attempts[1].reason, "it holds no credentials");
    assert_eq!(fetched.region, "eu-west-1");
}

#[test]
fn half_a_key_pair_ends_the_chain() {
    for missing in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"] {
        let machine = with_everything().without(missing);
        let failure = machine.failure();
        assert_eq!(failure.kind, Kind::Configuration);
        assert!(failure.message().contains(missing), "{}", failure.message());
        assert_eq!(outcomes(&failure.attempts), ["environment failed"]);
        assert!(machine.aws.requests().is_empty());
    }
}

#[test]
fn blank_keys_are_no_keys() {
    let machine = without_keys().env("AWS_ACCESS_KEY_ID", " ").env("AWS_SECRET_ACCESS_KEY", "");
    assert_eq!(machine.fetch().unwrap().source(), "profile default");
}

#[test]
fn half_a_key_pair_in_a_profile_ends_the_chain() {
    let machine = without_keys().credentials_file("[default]\naws_access_key_id = AKIAX\n");
    let failure = machine.failure();
    assert_eq!(failure.kind, Kind::Configuration);
    assert_eq!(outcomes(&failure.attempts), ["environment absent", "profile failed"]);
    assert!(machine.aws.requests().is_empty());
}

#[test]
fn a_missing_profile_of_aws_profile_is_an_error_with_and_without_keys() {
    for machine in [with_everything(), without_keys(), without_token()] {
        let machine = machine.env("AWS_PROFILE", "prod").credentials_file(&keys_profile("prods"));
        let failure = machine.failure();
        assert_eq!(failure.kind, Kind::Configuration);
        assert!(failure.message().contains("AWS_PROFILE"), "{}", failure.message());
        assert!(failure.message().contains("prods"), "{}", failure.message());
        assert!(machine.aws.requests().is_empty());
    }
}

#[test]
fn aws_profile_may_name_a_default_that_does_not_exist() {
    let machine = without_token().env("AWS_PROFILE", "default");
    assert_eq!(machine.fetch().unwrap().source(), "container");
}

#[test]
fn aws_profile_yields_to_a_complete_pair_and_still_sets_the_region() {
    let machine = with_everything()
        .env("AWS_PROFILE", "prod")
        .credentials_file("[prod]\naws_access_key_id = AKIAX\naws_secret_access_key = canary\n")
        .config("[profile prod]\nregion = eu-west-2\n");
    let fetched = machine.fetch().unwrap();
    assert_eq!(fetched.source(), "environment");
    assert_eq!(fetched.region, "eu-west-2");
}

#[test]
fn aws_default_profile_is_read_where_aws_profile_is_not_set() {
    let machine = without_keys().credentials_file(&keys_profile("other")).env("AWS_DEFAULT_PROFILE", "other");
    assert_eq!(machine.fetch().unwrap().source(), "profile other");
}

#[test]
fn an_explicit_profile_outranks_keys() {
    for machine in [with_everything().option("profile", "default"), with_everything().setting("profile", "default")] {
        let fetched = machine.fetch().unwrap();
        assert_eq!(fetched.source(), "profile default");
        assert_eq!(outcomes(&fetched.attempts), ["profile default found"]);
    }
}

#[test]
fn an_explicit_profile_without_credentials_is_not_replaced() {
    for machine in [with_everything().option("profile", "bare"), with_everything().setting("profile", "bare")] {
        let machine = machine.config("[profile bare]\nregion = eu-west-1\n");
        let failure = machine.failure();
        assert_eq!(failure.kind, Kind::NoCredentials);
        assert!(failure.message().contains(r#""bare""#), "{}", failure.message());
        assert_eq!(outcomes(&failure.attempts), ["profile bare absent"]);
        assert!(machine.aws.requests().is_empty());
    }
}

#[test]
fn an_explicit_default_profile_that_does_not_exist_is_not_replaced() {
    let machine = with_everything().option("profile", "default").credentials_file("");
    assert_eq!(machine.failure().kind, Kind::NoCredentials);
    assert!(machine.aws.requests().is_empty());
}

#[test]
fn an_explicit_profile_must_exist() {
    let machine = with_everything().option("profile", "prod");
    let failure = machine.failure();
    assert_eq!(failure.kind, Kind::Configuration);
    assert!(failure.message().contains("prod") && failure.message().contains("option"), "{}", failure.message());
    assert!(machine.aws.requests().is_empty());
}

#[test]
fn malformed_files_are_an_error_with_and_without_keys() {
    for machine in [with_everything(), without_keys()] {
        let machine = machine.config("[default\nregion = eu-west-1\n");
        let failure = machine.failure();
        assert_eq!(failure.kind, Kind::Configuration);
        assert!(failure.message().contains(".aws/config, line 1"), "{}", failure.message());
        assert!(machine.aws.requests().is_empty());
    }
}

#[test]
fn a_configured_source_that_fails_ends_the_chain() {
    let machine = without_profile();
    machine.aws.change_world(|world| world.web_identity_tokens.clear());
    let failure = machine.failure();
    assert_eq!(failure.kind, Kind::AccessDenied);
    assert_eq!(outcomes(&failure.attempts).last().unwrap(), "web identity failed");

    let machine = without_token();
    machine.aws.add_rule(Rule::on(Service::Container).answer(Answer::Error {
        status: 400,
        code: String::new(),
        message: String::new(),
    }));
    let failure = machine.failure();
    assert_eq!(outcomes(&failure.attempts).last().unwrap(), "container failed");
    assert_eq!(failure.status, Some(400));
    assert!(machine.requests(Service::Imds, "Token").is_empty());
}

#[test]
fn a_given_source_is_the_base_and_no_other_is_asked() {
    let machine = with_everything().option("source", true);
    let source = Credentials::new(world::PATH_KEY_ID, world::PATH_SECRET, None, "given");
    let fetched = machine.fetch_with(CallbackAnswers { source: Some(source.into()), ..CallbackAnswers::default() }).unwrap();
    assert_eq!(fetched.arn(), world::PATH_USER);
    assert_eq!(outcomes(&fetched.attempts), ["source found"]);
    assert_eq!(machine.failure().kind, Kind::NoCredentials);
}
