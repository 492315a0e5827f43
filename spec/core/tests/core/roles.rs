//! Roles on top of the base: which are assumed, with which options, and what reaches STS.

use crate::support::{Fetched, Machine, keys_profile, outcomes, text};
use aws_identity::failure::Kind;
use fake_aws::{Service, world};
use serde_json::json;
use std::collections::BTreeMap;

const ASSUME: &str = "AssumeRole";
const EXCHANGE: &str = "AssumeRoleWithWebIdentity";

fn roles_of(machine: &Machine) -> Vec<String> {
    machine.requests(Service::Sts, ASSUME).iter().map(|entry| entry.params["RoleArn"].clone()).collect()
}

fn is_session_of(fetched: &Fetched, role: &str) -> bool {
    let name = role.rsplit('/').next().unwrap();
    fetched.arn().contains(&format!(":assumed-role/{name}/"))
}

#[test]
fn a_role_of_each_layer_is_assumed_and_the_higher_one_wins() {
    let environment = || Machine::with_keys().env("AWS_ROLE_ARN", world::WORKER_ROLE);
    let setting = || environment().setting("role_arn", world::PATH_ROLE);
    let option = || setting().option("role_arn", world::PARTNER_ROLE);
    for (machine, role) in [(environment(), world::WORKER_ROLE), (setting(), world::PATH_ROLE), (option(), world::PARTNER_ROLE)] {
        let fetched = machine.fetch().unwrap();
        assert!(is_session_of(&fetched, role), "{}", fetched.arn());
        assert_eq!(roles_of(&machine), [role]);
        assert_eq!(fetched.source(), format!("environment > assume role {role}"));
        assert_eq!(outcomes(&fetched.attempts), ["environment found".to_owned(), format!("assume role {role} found")]);
    }
}

#[test]
fn false_means_no_role_whatever_the_other_layers_say() {
    let machine = Machine::with_keys().env("AWS_ROLE_ARN", world::WORKER_ROLE).setting("role_arn", world::PATH_ROLE);
    let fetched = machine.option("role_arn", false).fetch().unwrap();
    assert_eq!(fetched.arn(), world::DEMO_USER);
    let machine = Machine::with_keys().env("AWS_ROLE_ARN", world::WORKER_ROLE).setting("role_arn", false);
    assert_eq!(machine.fetch().unwrap().arn(), world::DEMO_USER);
}

#[test]
fn aws_role_arn_belongs_to_the_token_file_even_where_keys_come_first() {
    let machine = Machine::with_web_identity()
        .env("AWS_ACCESS_KEY_ID", world::DEMO_KEY_ID)
        .env("AWS_SECRET_ACCESS_KEY", world::DEMO_SECRET);
    assert_eq!(machine.fetch().unwrap().arn(), world::DEMO_USER);
    assert!(roles_of(&machine).is_empty());
}

#[test]
fn a_web_identity_is_exchanged_once_and_assumes_nothing() {
    let machine = Machine::with_web_identity().env("AWS_ROLE_SESSION_NAME", "pod-7");
    let fetched = machine.fetch().unwrap();
    assert_eq!(fetched.arn(), "arn:aws:sts::123456789012:assumed-role/irsa-app/pod-7");
    assert_eq!(machine.actions(), [EXCHANGE, "GetCallerIdentity"]);
}

#[test]
fn a_role_is_assumed_on_top_of_the_web_identity() {
    for machine in [
        Machine::with_web_identity().option("role_arn", world::WORKER_ROLE),
        Machine::with_web_identity().setting("role_arn", world::WORKER_ROLE),
    ] {
        let fetched = machine.fetch().unwrap();
        assert!(is_session_of(&fetched, world::WORKER_ROLE), "{}", fetched.arn());
        assert_eq!(machine.actions(), [EXCHANGE, ASSUME, "GetCallerIdentity"]);
        assert!(machine.the(Service::Sts, ASSUME).principal.unwrap().contains("irsa-app"));
    }
}

#[test]
fn a_role_that_the_base_already_is_is_not_assumed_again() {
    let irsa = Machine::with_web_identity().option("role_arn", world::IRSA_ROLE);
    assert!(is_session_of(&irsa.fetch().unwrap(), world::IRSA_ROLE));
    assert_eq!(irsa.actions(), [EXCHANGE, "GetCallerIdentity"]);

    let task = Machine::with_container().setting("role_arn", world::ECS_ROLE);
    assert!(is_session_of(&task.fetch().unwrap(), world::ECS_ROLE));
    assert_eq!(task.actions(), ["GetCredentials", "GetCallerIdentity"]);

    let profile = Machine::bare()
        .credentials_file(&keys_profile("base"))
        .config(&format!("[default]\nrole_arn = {}\nsource_profile = base\n", world::WORKER_ROLE))
        .option("role_arn", world::WORKER_ROLE);
    assert!(is_session_of(&profile.fetch().unwrap(), world::WORKER_ROLE));
    assert_eq!(profile.actions(), [ASSUME, "GetCallerIdentity"]);
}

/// Otherwise `policy` would be dropped, and the session could do more than its configuration says.
#[test]
fn options_beside_a_role_that_the_base_already_is_apply_to_the_base() {
    let policy = json!({"Version": "2012-10-17", "Statement": []});
    let machine = Machine::with_web_identity()
        .option("role_arn", world::IRSA_ROLE)
        .option("policy", policy)
        .option("session_duration", 900)
        .option("role_session_name", "narrow");
    let fetched = machine.fetch().unwrap();
    assert_eq!(fetched.arn(), "arn:aws:sts::123456789012:assumed-role/irsa-app/narrow");
    let asked = machine.the(Service::Sts, EXCHANGE).params;
    assert_eq!(asked["DurationSeconds"], "900");
    assert!(asked.contains_key("Policy"), "{asked:?}");
    assert!(roles_of(&machine).is_empty());
}

#[test]
fn every_option_reaches_sts() {
    let machine = Machine::with_keys()
        .option("role_arn", world::EXTERNAL_ID_ROLE)
        .option("external_id", world::EXTERNAL_ID)
        .option("role_session_name", "night-shift")
        .option("session_duration", 1800)
        .option("minimum_session_token_size", 4096)
        .option("policy", json!({"Version": "2012-10-17", "Statement": []}))
        .option(
            "policy_arns",
            json!([{"arn": "arn:aws:iam::aws:policy/ReadOnlyAccess"}, "arn:aws:iam::aws:policy/AWSBillingReadOnlyAccess"]),
        )
        .option("tags", json!({"Team": "legion", "Cost Center": 7}))
        .option("transitive_tag_keys", json!(["Team"]))
        .option("source_identity", "alice")
        .option(
            "provided_contexts",
            json!([{"provider_arn": "arn:aws:iam::aws:contextProvider/IdentityCenter", "context_assertion": "an-assertion"}]),
        );
    let fetched = machine.fetch().unwrap();
    assert_eq!(fetched.arn(), "arn:aws:sts::123456789012:assumed-role/external-id-only/night-shift");
    let asked = machine.the(Service::Sts, ASSUME).params;
    let expected = [
        ("Action", ASSUME),
        ("Version", "2011-06-15"),
        ("RoleArn", world::EXTERNAL_ID_ROLE),
        ("RoleSessionName", "night-shift"),
        ("ExternalId", world::EXTERNAL_ID),
        ("DurationSeconds", "1800"),
        ("MinimumSessionTokenSize", "4096"),
        ("PolicyArns.member.1.arn", "arn:aws:iam::aws:policy/ReadOnlyAccess"),
        ("PolicyArns.member.2.arn", "arn:aws:iam::aws:policy/AWSBillingReadOnlyAccess"),
        ("TransitiveTagKeys.member.1", "Team"),
        ("SourceIdentity", "alice"),
        ("ProvidedContexts.member.1.ProviderArn", "arn:aws:iam::aws:contextProvider/IdentityCenter"),
        ("ProvidedContexts.member.1.ContextAssertion", "an-assertion"),
    ];
    for (name, value) in expected {
        assert_eq!(asked.get(name).map(String::as_str), Some(value), "{name}");
    }
    let policy: serde_json::Value = serde_json::from_str(&asked["Policy"]).unwrap();
    assert_eq!(policy, json!({"Version": "2012-10-17", "Statement": []}));
    let tags: BTreeMap<&str, &str> =
        [1, 2].map(|n| (&*asked[&format!("Tags.member.{n}.Key")], &*asked[&format!("Tags.member.{n}.Value")])).into();
    assert_eq!(tags, BTreeMap::from([("Team", "legion"), ("Cost Center", "7")]));
    // Including Version and Action: no other parameter was sent.
    assert_eq!(asked.len(), expected.len() + 1 + 4);

    let details = &fetched.credentials.details;
    assert_eq!(details["assumed_role_arn"], fetched.arn());
    assert_eq!(details["source_identity"], "alice");
    assert_eq!((&*details["session_token_size"], &*details["session_token_utilization"]), ("4096", "100"));
    assert!(details.contains_key("packed_policy_size") && details.contains_key("assumed_role_id"), "{details:?}");
    assert_eq!(fetched.credentials.account_id.as_deref(), Some(world::ACCOUNT));
}

#[test]
fn a_text_longer_than_it_was_once_allowed_reaches_sts() {
    let source_identity = "x".repeat(200);
    let policy = json!({"Version": "2012-10-17", "Id": "y".repeat(2100), "Statement": []});
    let machine = Machine::with_keys()
        .option("role_arn", world::WORKER_ROLE)
        .option("source_identity", source_identity.as_str())
        .option("policy", policy);
    machine.fetch().map(|_| ()).or_else(|failure| failure.reached.then_some(()).ok_or(failure)).unwrap();
    let asked = machine.the(Service::Sts, ASSUME).params;
    assert_eq!(asked["SourceIdentity"], source_identity);
    assert!(asked["Policy"].len() > 2100);
}

#[test]
fn a_role_without_options_has_a_session_name_with_gem_and_machine() {
    let machine = Machine::with_keys().option("role_arn", world::WORKER_ROLE);
    let fetched = machine.fetch().unwrap();
    let asked = machine.the(Service::Sts, ASSUME).params;
    let name = &asked["RoleSessionName"];
    assert!(name.starts_with("lex-identity-aws-") && name.len() > 17 && name.len() <= 64, "{name}");
    assert_eq!(asked.len(), 4, "{asked:?}");
    let life = fetched.credentials.expires_at.unwrap() - aws_identity::util::time::now();
    assert!((3_590_000..=3_600_000).contains(&life), "{life}");
}

#[test]
fn aws_role_session_name_goes_with_aws_role_arn_only() {
    let named = || Machine::with_keys().env("AWS_ROLE_SESSION_NAME", "from-env");
    let machine = named().env("AWS_ROLE_ARN", world::WORKER_ROLE);
    assert!(machine.fetch().unwrap().arn().ends_with("/from-env"));
    let machine = named().option("role_arn", world::WORKER_ROLE);
    assert!(!machine.fetch().unwrap().arn().ends_with("/from-env"));
}

#[test]
fn options_of_a_layer_without_a_role_do_not_reach_the_role_of_another_layer_s_base() {
    // Unscoped options apply to the profile's role; the role on top has those of its own layer.
    let machine = Machine::bare()
        .credentials_file(&keys_profile("base"))
        .config(&format!("[default]\nrole_arn = {}\nsource_profile = base\n", world::WORKER_ROLE))
        .setting("role_session_name", "unscoped")
        .option("role_arn", world::PATH_ROLE)
        .option("session_duration", 900);
    machine.fetch().unwrap();
    let [first, second] = machine.requests(Service::Sts, ASSUME).try_into().unwrap();
    assert_eq!(first.params["RoleArn"], world::WORKER_ROLE);
    assert_eq!(first.params["RoleSessionName"], "unscoped");
    assert!(!first.params.contains_key("DurationSeconds"));
    assert_eq!(second.params["RoleArn"], world::PATH_ROLE);
    assert_eq!(second.params["DurationSeconds"], "900");
    assert!(second.params["RoleSessionName"].starts_with("lex-identity-aws-"));
}

#[test]
fn unscoped_options_apply_to_the_last_role_of_the_profile_and_outrank_its_own() {
    let machine = Machine::bare()
        .credentials_file(&keys_profile("base"))
        .config(&format!(
            "[profile middle]\nrole_arn = {}\nsource_profile = base\nrole_session_name = middle\n\
             [default]\nrole_arn = {}\nsource_profile = middle\nrole_session_name = own\nduration_seconds = 1200\n",
            world::WORKER_ROLE,
            world::CHAINED_ROLE
        ))
        .option("role_session_name", "unscoped");
    machine.fetch().unwrap();
    let [first, second] = machine.requests(Service::Sts, ASSUME).try_into().unwrap();
    assert_eq!(first.params["RoleSessionName"], "middle");
    assert_eq!(second.params["RoleSessionName"], "unscoped");
    assert_eq!(second.params["DurationSeconds"], "1200");
}

#[test]
fn unscoped_options_apply_to_the_role_of_the_environment_without_a_profile() {
    let machine = Machine::with_keys()
        .env("AWS_ROLE_ARN", world::EXTERNAL_ID_ROLE)
        .env("AWS_ROLE_SESSION_NAME", "from-env")
        .setting("external_id", world::EXTERNAL_ID);
    assert!(machine.fetch().unwrap().arn().ends_with("external-id-only/from-env"));
}

#[test]
fn unscoped_options_apply_to_the_web_identity() {
    let machine = Machine::with_web_identity().setting("session_duration", 1000).setting("role_session_name", "unscoped");
    assert!(machine.fetch().unwrap().arn().ends_with("irsa-app/unscoped"));
    assert_eq!(machine.the(Service::Sts, EXCHANGE).params["DurationSeconds"], "1000");
}

#[test]
fn a_list_is_a_role_chain_and_plain_options_apply_to_its_last_role() {
    let machine = Machine::with_keys()
        .option(
            "role_arn",
            json!([
                {"role_arn": world::WORKER_ROLE, "role_session_name": "first", "session_duration": 7200},
                world::CHAINED_ROLE
            ]),
        )
        .option("role_session_name", "last")
        .option("session_duration", 900);
    let fetched = machine.fetch().unwrap();
    assert_eq!(fetched.arn(), "arn:aws:sts::123456789012:assumed-role/from-worker-only/last");
    let [first, second] = machine.requests(Service::Sts, ASSUME).try_into().unwrap();
    assert_eq!((&*first.params["RoleSessionName"], &*first.params["DurationSeconds"]), ("first", "7200"));
    assert_eq!((&*second.params["RoleSessionName"], &*second.params["DurationSeconds"]), ("last", "900"));
    assert!(second.principal.unwrap().contains("legion-worker"));
    assert_eq!(outcomes(&fetched.attempts).len(), 3);
}

#[test]
fn chaining_past_an_hour_is_refused_before_it_is_sent_where_the_base_is_known_to_be_a_role() {
    for machine in [
        Machine::with_web_identity().option("role_arn", world::WORKER_ROLE),
        Machine::with_container().option("role_arn", world::WORKER_ROLE),
        Machine::with_keys().option("role_arn", json!([world::WORKER_ROLE, world::CHAINED_ROLE])),
    ] {
        let machine = machine.option("session_duration", 3601);
        let failure = machine.failure();
        assert_eq!(failure.kind, Kind::Configuration);
        assert!(failure.message().contains("3601") && failure.message().contains("3600"), "{}", failure.message());
        assert!(machine.requests(Service::Sts, ASSUME).iter().all(|entry| !entry.params.contains_key("DurationSeconds")));
    }
}

#[test]
fn chaining_past_an_hour_is_explained_where_only_sts_knows() {
    let machine = Machine::bare();
    let key = machine.aws.issue(world::PATH_ROLE, "unknown", 3600);
    let machine = machine
        .env("AWS_ACCESS_KEY_ID", &key.id)
        .env("AWS_SECRET_ACCESS_KEY", &key.secret)
        .env("AWS_SESSION_TOKEN", key.token())
        .option("role_arn", world::WORKER_ROLE)
        .option("session_duration", 7200);
    let failure = machine.failure();
    assert_eq!((failure.kind, failure.code.as_deref()), (Kind::Service, Some("ValidationError")));
    assert!(failure.message().contains("limited to 3600"), "{}", failure.message());
}

#[test]
fn a_user_may_have_a_role_for_twelve_hours() {
    let machine = Machine::with_keys().option("role_arn", world::WORKER_ROLE).option("session_duration", 43_200);
    let fetched = machine.fetch().unwrap();
    let life = fetched.credentials.expires_at.unwrap() - aws_identity::util::time::now();
    assert!(life > 43_100_000, "{life}");
}

#[test]
fn a_role_that_cannot_be_assumed_is_never_replaced_by_the_base() {
    let machine = Machine::with_keys().option("role_arn", world::FORBIDDEN_ROLE);
    let failure = machine.failure();
    assert_eq!(failure.kind, Kind::AccessDenied);
    assert_eq!(failure.code.as_deref(), Some("AccessDenied"));
    assert_eq!(failure.status, Some(403));
    assert!(failure.request_id.as_deref().is_some_and(|id| id.len() > 8), "{failure:?}");
    assert!(failure.message().contains(world::FORBIDDEN_ROLE), "{}", failure.message());
    assert_eq!(machine.actions(), [ASSUME], "requested once, and nothing after it");
    assert_eq!(outcomes(&failure.attempts), ["environment found", &format!("assume role {} failed", world::FORBIDDEN_ROLE)]);
}

#[test]
fn a_role_that_requires_an_external_id_is_access_denied() {
    let failure = Machine::with_keys().option("role_arn", world::EXTERNAL_ID_ROLE).failure();
    assert_eq!(failure.kind, Kind::AccessDenied);
    assert!(failure.message().contains("external id"), "{}", failure.message());
}

#[test]
fn a_session_token_is_fetched_only_when_configured() {
    let machine = Machine::with_keys()
        .option("get_session_token", true)
        .option("session_duration", 129_600)
        .option("minimum_session_token_size", 2048);
    let fetched = machine.fetch().unwrap();
    assert_eq!(fetched.arn(), world::DEMO_USER);
    assert_eq!(fetched.source(), "environment > session token");
    assert!(fetched.credentials.session_token.is_some() && fetched.credentials.expires_at.is_some());
    let asked = machine.the(Service::Sts, "GetSessionToken").params;
    assert_eq!((&*asked["DurationSeconds"], &*asked["MinimumSessionTokenSize"]), ("129600", "2048"));
    assert_eq!(fetched.credentials.details["session_token_size"], "2048");
    assert_eq!(outcomes(&fetched.attempts), ["environment found", "session token found"]);
}

#[test]
fn a_session_token_may_be_the_base_of_a_role() {
    let machine = Machine::with_keys().option("get_session_token", true).option("role_arn", world::WORKER_ROLE);
    let fetched = machine.fetch().unwrap();
    assert!(is_session_of(&fetched, world::WORKER_ROLE));
    assert_eq!(machine.actions(), ["GetSessionToken", ASSUME, "GetCallerIdentity"]);
}

#[test]
fn an_explicit_web_identity_takes_the_first_role_and_the_others_are_assumed_on_top() {
    let machine = Machine::with_keys();
    let token = machine.file("token", world::IRSA_TOKEN);
    let machine =
        machine.option("web_identity_token_file", text(&token)).option("role_arn", json!([world::IRSA_ROLE, world::WORKER_ROLE]));
    let fetched = machine.fetch().unwrap();
    assert!(is_session_of(&fetched, world::WORKER_ROLE));
    assert_eq!(machine.actions(), [EXCHANGE, ASSUME, "GetCallerIdentity"]);
}

#[test]
fn an_explicit_web_identity_may_have_its_role_from_the_environment() {
    let machine = Machine::with_keys().env("AWS_ROLE_ARN", world::IRSA_ROLE).option("web_identity_token", world::IRSA_TOKEN);
    assert!(is_session_of(&machine.fetch().unwrap(), world::IRSA_ROLE));
    let machine = Machine::with_keys().option("web_identity_token", world::IRSA_TOKEN);
    let failure = machine.failure();
    assert_eq!(failure.kind, Kind::Configuration);
    assert!(failure.message().contains("role_arn"), "{}", failure.message());
}

#[test]
fn unscoped_options_apply_to_the_web_identity_of_a_profile_and_to_no_role_above_it() {
    let machine = Machine::bare();
    let token = machine.file("token", world::IRSA_TOKEN);
    let machine = machine
        .config(&format!("[default]\nrole_arn = {}\nweb_identity_token_file = {}\n", world::IRSA_ROLE, text(&token)))
        .setting("role_session_name", "unscoped")
        .option("role_arn", world::WORKER_ROLE);
    machine.fetch().unwrap();
    assert_eq!(machine.the(Service::Sts, EXCHANGE).params["RoleSessionName"], "unscoped");
    assert_ne!(machine.the(Service::Sts, ASSUME).params["RoleSessionName"], "unscoped");
}

/// Few trust policies let a role assume itself, but dropping the options would be worse.
#[test]
fn a_role_is_assumed_again_for_options_the_base_does_not_have() {
    for machine in [
        Machine::with_container()
            .option("role_arn", world::ECS_ROLE)
            .option("policy", json!({"Version": "2012-10-17", "Statement": []})),
        Machine::with_web_identity().option("role_arn", world::IRSA_ROLE).option("source_identity", "alice"),
    ] {
        let failure = machine.failure();
        assert_eq!(failure.kind, Kind::AccessDenied);
        assert_eq!(roles_of(&machine).len(), 1);
    }
}

#[test]
fn the_options_of_the_higher_layer_win_whichever_layer_names_the_role() {
    let words = |machine: Machine| {
        let machine = machine.option("role_session_name", "option").setting("role_session_name", "setting");
        machine.fetch().unwrap();
        machine.requests(Service::Sts, ASSUME).pop().unwrap().params["RoleSessionName"].clone()
    };
    assert_eq!(words(Machine::with_keys().option("role_arn", world::WORKER_ROLE)), "option");
    assert_eq!(words(Machine::with_keys().setting("role_arn", world::WORKER_ROLE)), "option");
    let environment = Machine::with_keys().env("AWS_ROLE_ARN", world::WORKER_ROLE).env("AWS_ROLE_SESSION_NAME", "variable");
    assert_eq!(words(environment), "option");
    // An option that the role's own layer leaves out may come from a lower one.
    let lower = Machine::with_keys().option("role_arn", world::WORKER_ROLE).setting("role_session_name", "setting");
    assert!(lower.fetch().unwrap().arn().ends_with("/setting"));
}

#[test]
fn unscoped_options_apply_to_the_last_role_over_an_explicit_web_identity() {
    let machine = Machine::bare()
        .option("web_identity_token", world::IRSA_TOKEN)
        .option("role_arn", json!([world::IRSA_ROLE, world::WORKER_ROLE]))
        .setting("role_session_name", "unscoped");
    assert!(machine.fetch().unwrap().arn().ends_with("legion-worker/unscoped"));
    assert_ne!(machine.the(Service::Sts, EXCHANGE).params["RoleSessionName"], "unscoped");
}
