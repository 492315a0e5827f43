//! The public cases of the AWS SDK for Rust on profile chains and file locations.
//!
//! The origin and licence of the data: `spec/fixtures/profiles/README.md`. The third file
//! there, on the grammar, is run beside the parser (`src/profile/public_cases.rs`).

#![allow(clippy::unwrap_used, clippy::panic)]

use aws_identity::{
    credentials::Secret,
    environment::Environment,
    failure::Failure,
    profile::{BaseProvider, Files, ProfileChain, resolve},
};
use serde_json::{Map, Value, json};
use std::{collections::BTreeMap, fmt::Write as _};

/// Cases of `assume-role-tests.json` that do not apply, by number, and why.
///
/// In botocore, whose order decides inside a profile, SSO gives credentials only to a profile with
/// `sso_account_id` or `sso_role_name`; these three have neither, and are for bearer tokens.
const NO_CREDENTIALS_MEANT: [usize; 3] = [25, 26, 27];

/// The SDK's message for a refused profile, and ours.
const REFUSALS: [(&str, &str); 11] = [
    (
        "profile must contain `source_profile`",
        "nothing to assume it with",
    ),
    (
        "profile contained both source_profile and credential_source",
        "both source_profile and credential_source",
    ),
    ("profile missing aws_secret_access_key", "half a key pair"),
    ("profile missing aws_access_key_id", "half a key pair"),
    (
        "profile `B` did not contain credential information",
        "\"B\" is the source_profile of \"A\" and has no credentials",
    ),
    (
        "profile `A` did not contain credential information",
        "no credentials",
    ),
    (
        "could not find source profile B referenced from A",
        "\"A\" names a source_profile: The profile \"B\" does not exist",
    ),
    ("No profiles were defined", "\"A\" does not exist"),
    ("profile formed an infinite loop", "A -> B -> A"),
    ("`role_arn` was missing", "no role_arn"),
    ("must also be set", "uses SSO and lacks sso_"),
];

fn cases(file: &str) -> Value {
    let path = format!(
        "{}/../../spec/fixtures/profiles/{file}",
        env!("CARGO_MANIFEST_DIR")
    );
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

#[test]
fn profile_chains() {
    let cases = cases("assume-role-tests.json");
    let cases = cases.as_array().unwrap();
    assert_eq!(cases.len(), 28);
    for (number, case) in cases.iter().enumerate() {
        let found = chain(&case["input"]);
        let agrees = match (
            &found,
            case["output"].get("ProfileChain"),
            case["output"]["Error"].as_str(),
        ) {
            (Ok(found), Some(expected), _) => found == expected,
            (Err(message), _, Some(expected)) => REFUSALS
                .iter()
                .any(|(theirs, ours)| expected.contains(theirs) && message.contains(ours)),
            _ => false,
        };
        // An exception that no longer applies fails too, so that the list stays true.
        let applies = !NO_CREDENTIALS_MEANT.contains(&number);
        assert_eq!(
            agrees, applies,
            "case {number}: {}\nfound {found:?}\nin {case:#}",
            case["docs"]
        );
        if !applies {
            assert_eq!(found, Err("no credentials".into()), "case {number}");
        }
    }
}

fn chain(input: &Value) -> Result<Value, String> {
    let mut text = String::new();
    for (kind, sections) in [("profile", "profiles"), ("sso-session", "sso_sessions")] {
        for (name, properties) in input[sections].as_object().unwrap_or(&Map::new()) {
            writeln!(text, "[{kind} {name}]").unwrap();
            for (key, value) in properties.as_object().unwrap() {
                writeln!(text, "{key} = {}", value.as_str().unwrap()).unwrap();
            }
        }
    }
    let message = |failure: Failure| failure.message();
    let files = Files::from_texts(&text, "").map_err(message)?;
    let profile_chain =
        resolve(&files, input["selected_profile"].as_str().unwrap()).map_err(message)?;
    written(&profile_chain).ok_or_else(|| "no credentials".into())
}

/// A profile chain in the format of the cases.
fn written(profile_chain: &ProfileChain) -> Option<Value> {
    let base = match &profile_chain.base {
        BaseProvider::Keys(keys) => json!({"AccessKey": {
            "access_key_id": keys.access_key_id,
            "secret_access_key": keys.secret_access_key.expose(),
            "session_token": keys.session_token.as_ref().map(Secret::expose),
            "account_id": keys.account_id,
        }}),
        BaseProvider::Imds => json!({"NamedSource": "Ec2InstanceMetadata"}),
        BaseProvider::WebIdentity {
            role_arn,
            token_file,
            role_session_name,
            duration_seconds: None,
        } => json!({"WebIdentityToken": {
            "role_arn": role_arn,
            "web_identity_token_file": token_file,
            "role_session_name": role_session_name,
        }}),
        BaseProvider::Sso {
            session,
            start_url,
            region,
            account_id,
            role_name,
        } => json!({"Sso": {
            "sso_session": session,
            "sso_start_url": start_url,
            "sso_region": region,
            "sso_account_id": account_id,
            "sso_role_name": role_name,
        }}),
        BaseProvider::None => return None,
        other => panic!("no case has the base {other:?}"),
    };
    let role_steps = profile_chain.role_steps.iter().map(|step| {
        json!({"AssumeRole": {
            "role_arn": step.role_arn,
            "external_id": step.external_id.as_ref().map(Secret::expose),
            "role_session_name": step.role_session_name,
        }})
    });
    Some(
        std::iter::once(base)
            .chain(role_steps)
            .map(without_nulls)
            .collect(),
    )
}

/// The cases leave out what is absent.
fn without_nulls(mut step: Value) -> Value {
    for values in step.as_object_mut().unwrap().values_mut() {
        if let Some(values) = values.as_object_mut() {
            values.retain(|_, value| !value.is_null());
        }
    }
    step
}

#[test]
fn file_locations() {
    let cases = cases("file-location-tests.json");
    let cases = cases["tests"].as_array().unwrap();
    assert_eq!(cases.len(), 9);
    let mut run = 0;
    for case in cases {
        // The core runs on Unix only; the settings choose the profile.
        if case["platform"] == "windows" {
            continue;
        }
        let variables: BTreeMap<String, String> =
            serde_json::from_value(case["environment"].clone()).unwrap();
        let (config, credentials) = Files::places(&Environment::new(variables));
        let found = [config, credentials].map(|path| path.unwrap().display().to_string());
        let expected = ["configLocation", "credentialsLocation"].map(|key| case[key].clone());
        assert_eq!(json!(found), json!(expected), "{case:#}");
        run += 1;
    }
    assert_eq!(run, 4, "and five are about Windows");
}
