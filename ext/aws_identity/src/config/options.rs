//! Every option and settings key: the one table, and what happens to a key that is not in it.

use super::foreign_names;
use crate::{
    failure::{Failure, Kind, Warning},
    util::did_you_mean::nearest,
};
use serde_json::{Map, Value};

/// One option.
pub struct OptionSpec {
    pub name: &'static str,
    /// Where the option may be given.
    pub place: AllowedIn,
    /// What an unresolved `vault://` reference in it means.
    pub unresolved: WhenUnresolved,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum AllowedIn {
    Anywhere,
    /// Only as an explicit option.
    Option,
    /// Only under `identity.aws`.
    Settings,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum WhenUnresolved {
    /// The option could change the identity: every call fails until it is resolved.
    NotReady,
    /// The option cannot change the identity: its default is used until it is resolved.
    Absent,
}

const fn option(name: &'static str, place: AllowedIn, unresolved: WhenUnresolved) -> OptionSpec {
    OptionSpec {
        name,
        place,
        unresolved,
    }
}

use AllowedIn::{Anywhere, Option as OptionOnly, Settings as SettingsOnly};
use WhenUnresolved::{Absent, NotReady};

pub const OPTIONS: &[OptionSpec] = &[
    option("region", Anywhere, Absent),
    option("profile", Anywhere, NotReady),
    option("role_arn", Anywhere, NotReady),
    option("role_session_name", Anywhere, Absent),
    option("session_duration", Anywhere, Absent),
    option("minimum_session_token_size", Anywhere, NotReady),
    option("external_id", Anywhere, NotReady),
    option("policy", Anywhere, NotReady),
    option("policy_arns", Anywhere, NotReady),
    option("tags", Anywhere, NotReady),
    option("transitive_tag_keys", Anywhere, NotReady),
    option("source_identity", Anywhere, NotReady),
    option("serial_number", Anywhere, NotReady),
    option("provided_contexts", Anywhere, NotReady),
    option("scope_policy", OptionOnly, NotReady),
    option("scope_duration", OptionOnly, NotReady),
    option("scope_description", OptionOnly, Absent),
    option("access_key_id", SettingsOnly, NotReady),
    option("secret_access_key", SettingsOnly, NotReady),
    option("session_token", SettingsOnly, NotReady),
    option("credential_source", Anywhere, NotReady),
    option("credential_process", Anywhere, NotReady),
    option("source", OptionOnly, NotReady),
    option("token_provider", OptionOnly, NotReady),
    option("web_identity_token", OptionOnly, NotReady),
    option("web_identity_token_file", Anywhere, NotReady),
    option("provider_id", Anywhere, NotReady),
    option("get_session_token", Anywhere, NotReady),
    option("endpoint", Anywhere, NotReady),
    option("ca_bundle", Anywhere, NotReady),
    option("resolve_timeout", Anywhere, Absent),
    option("connect_timeout", Anywhere, Absent),
    option("read_timeout", Anywhere, Absent),
    option("process_timeout", Anywhere, Absent),
    option("token_timeout", Anywhere, Absent),
    option("negative_ttl", Anywhere, Absent),
    option("advisory_window", Anywhere, Absent),
    option("cache", Anywhere, NotReady),
    option("name_with_account", Anywhere, NotReady),
    option("enabled", SettingsOnly, NotReady),
    option("roles", SettingsOnly, NotReady),
    option("broker_bridge", SettingsOnly, NotReady),
    option("sdk_default", SettingsOnly, Absent),
    option("tokens", SettingsOnly, Absent),
    option("vault", SettingsOnly, Absent),
];

/// Keys whose misspelling would silently change this process's identity, or what it may do.
const CHOOSE_THE_IDENTITY: [&str; 18] = [
    "role_arn",
    "profile",
    "external_id",
    "roles",
    "access_key_id",
    "secret_access_key",
    "session_token",
    "credential_source",
    "credential_process",
    "source",
    "web_identity_token",
    "web_identity_token_file",
    "get_session_token",
    "serial_number",
    "source_identity",
    "policy",
    "policy_arns",
    "scope_policy",
];

#[must_use]
pub fn find(name: &str) -> Option<&'static OptionSpec> {
    OPTIONS.iter().find(|option| option.name == name)
}

/// Refuses an option that does not exist, and says which one was probably meant.
pub fn check_options(options: &Map<String, Value>) -> Result<(), Failure> {
    for name in options.keys() {
        if find(name).is_some_and(|option| option.place != AllowedIn::Settings) {
            continue;
        }
        return Err(Failure::new(
            Kind::Argument,
            format!("unknown option {name:?}."),
            hint(name, AllowedIn::Option),
        ));
    }
    Ok(())
}

/// Warns about settings keys that do not exist; refuses those that choose the identity, in AWS's
/// words or by what they look like.
pub fn check_settings(settings: &Map<String, Value>) -> Result<Vec<Warning>, Failure> {
    let mut warnings = Vec::new();
    for name in settings.keys() {
        if find(name).is_some_and(|option| option.place != AllowedIn::Option) {
            continue;
        }
        let remedy = hint(name, AllowedIn::Settings);
        if chooses_identity(name) {
            return Err(Failure::configuration(
                format!(
                    "Settings key identity.aws.{name} does not exist, and looks like one that chooses the identity."
                ),
                format!("{remedy} Or remove the key."),
            ));
        }
        warnings.push(Warning {
            cause: format!("Settings key identity.aws.{name} does not exist and is ignored."),
            remedy,
        });
    }
    Ok(warnings)
}

/// True if a settings key that is not ours would choose the identity, were it read.
fn chooses_identity(name: &str) -> bool {
    let is_ours = |meant: &str| CHOOSE_THE_IDENTITY.contains(&meant);
    match meant(name) {
        Some(meant) => is_ours(meant),
        None => foreign_names::chooses_identity(name),
    }
}

/// The option that `name` stands for: by the name it has elsewhere, else by what it looks like.
fn meant(name: &str) -> Option<&'static str> {
    // Of two equally near names the first is suggested: one that chooses the identity.
    let known = || {
        let rest = OPTIONS.iter().map(|option| option.name);
        CHOOSE_THE_IDENTITY.into_iter().chain(rest)
    };
    foreign_names::ours(name)
        .or_else(|| nearest(name, known()))
        .or_else(|| nearest(foreign_names::without_aws(name), known()))
}

/// What to write in place of `name` as an option, or in the settings.
fn hint(name: &str, place: AllowedIn) -> String {
    if let Some(instead) = foreign_names::instead(name) {
        return instead.to_owned();
    }
    let Some(ours) = meant(name) else {
        if foreign_names::is_of_profile(name) {
            return "It is a key of a profile: write it into one, and name that one as profile."
                .into();
        }
        return "See docs/settings.md for those there are.".to_owned();
    };
    let allowed = find(ours)
        .is_some_and(|option| option.place == AllowedIn::Anywhere || option.place == place);
    match (ours, place) {
        _ if allowed && foreign_names::ours(name).is_some() => {
            format!("It is called {ours} here.")
        }
        _ if allowed => format!("Did you mean {ours}?"),
        ("access_key_id" | "secret_access_key" | "session_token", _) => {
            "Give source: Credentials.new(access_key_id, secret_access_key, session_token).".to_owned()
        }
        ("source", AllowedIn::Settings) => {
            "In settings write access_key_id and secret_access_key, credential_source or credential_process.".to_owned()
        }
        ("web_identity_token", AllowedIn::Settings) => {
            "In settings write web_identity_token_file.".to_owned()
        }
        ("scope_policy" | "scope_duration" | "scope_description", AllowedIn::Settings) => {
            format!("{ours} belongs into one of identity.aws.roles.")
        }
        (ours, AllowedIn::Settings) => format!("{ours} is an option of Session.new only."),
        (ours, _) => format!("{ours} is a settings key only."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn map(value: &Value) -> Map<String, Value> {
        value.as_object().cloned().unwrap_or_default()
    }

    #[test]
    fn an_unknown_option_is_refused_with_a_suggestion() {
        for (name, hint) in [
            ("role_arm", "Did you mean role_arn?"),
            ("duration_seconds", "It is called session_duration here."),
            ("DurationSeconds", "It is called session_duration here."),
            ("profile_name", "It is called profile here."),
            ("mfa_serial", "It is called serial_number here."),
            ("credentials", "It is called source here."),
            ("token_code", "It is called token_provider here."),
            ("http_open_timeout", "It is called connect_timeout here."),
            ("http_read_timeout", "It is called read_timeout here."),
            ("ssl_ca_bundle", "It is called ca_bundle here."),
            ("sts_endpoint", "It is called endpoint here."),
            ("region_name", "It is called region here."),
            ("aws_default_region", "It is called region here."),
            ("aws_region", "Did you mean region?"),
            ("role", "It is called role_arn here."),
            (
                "access_key_id",
                "Give source: Credentials.new(access_key_id, secret_access_key, session_token).",
            ),
            (
                "aws_secret_access_key",
                "Give source: Credentials.new(access_key_id, secret_access_key, session_token).",
            ),
            ("scope_polcy", "Did you mean scope_policy?"),
            ("scopePolicy", "Did you mean scope_policy?"),
            ("scope_durations", "Did you mean scope_duration?"),
            ("roles", "roles is a settings key only."),
            (
                "sso_session",
                "It is a key of a profile: write it into one, and name that one as profile.",
            ),
            (
                "http_proxy",
                "The proxy is read from the environment: HTTPS_PROXY and NO_PROXY.",
            ),
            (
                "useFipsEndpoint",
                "It is read from AWS_USE_FIPS_ENDPOINT and use_fips_endpoint of a profile.",
            ),
            ("process", "It is called credential_process here."),
            ("zzzzzzzz", "See docs/settings.md for those there are."),
        ] {
            let failure = check_options(&map(&json!({name: 1}))).unwrap_err();
            assert_eq!(failure.kind, Kind::Argument);
            assert_eq!(failure.cause, format!("unknown option {name:?}."));
            assert_eq!(failure.remedy, hint, "{name}");
        }
    }

    #[test]
    fn what_is_no_option_here_is_told_with_what_there_is() {
        for (names, word) in [
            (["client", "stsClient"], "region, endpoint, ca_bundle"),
            (["retries", "max_attempts"], "resolve_timeout"),
            (["proxies", "no_proxy"], "NO_PROXY"),
            (["before_refresh", "beforeRefresh"], "on_change"),
            (["endpoint_mode", "token_ttl"], "docs/environment.md"),
            (
                ["aws_config_file", "shared_credentials_file"],
                "AWS_CONFIG_FILE",
            ),
            (["stub_responses", "stubResponses"], "Testing.stub"),
        ] {
            for name in names {
                for place in [AllowedIn::Option, AllowedIn::Settings] {
                    let hint = hint(name, place);
                    assert!(hint.contains(word), "{name}: {hint}");
                }
            }
        }
    }

    #[test]
    fn every_foreign_name_leads_to_an_option() {
        for name in [
            "duration",
            "expiry_window",
            "timeout",
            "session_tags",
            "MFASerial",
        ] {
            assert!(
                foreign_names::ours(name).is_some_and(|ours| find(ours).is_some()),
                "{name}"
            );
        }
        for name in OPTIONS.iter().map(|option| option.name) {
            assert_eq!(foreign_names::ours(name), None, "{name}");
            assert_eq!(foreign_names::instead(name), None, "{name}");
        }
        for name in CHOOSE_THE_IDENTITY {
            assert!(find(name).is_some(), "{name}");
        }
    }

    #[test]
    fn a_setting_that_chooses_nothing_warns_and_names_ours() {
        let warnings = |settings: &Value| -> Vec<String> {
            let warnings = check_settings(&map(settings)).unwrap();
            warnings.iter().map(ToString::to_string).collect()
        };
        assert_eq!(
            warnings(&json!({"regoin": "eu-west-1", "colour": 1, "aws_region": "eu-west-1"})),
            [
                "Settings key identity.aws.aws_region does not exist and is ignored. Did you mean region?",
                "Settings key identity.aws.colour does not exist and is ignored. See docs/settings.md for those there are.",
                "Settings key identity.aws.regoin does not exist and is ignored. Did you mean region?",
            ]
        );
        for name in [
            "duration_seconds",
            "region_name",
            "AWS_DEFAULT_REGION",
            "http_open_timeout",
            "aws_retry_mode",
            "aws_max_attempts",
            "aws_use_fips_endpoint",
            "token_provider",
            "sesion_duration",
            "logger",
            "comment",
        ] {
            assert_eq!(warnings(&json!({name: 1})).len(), 1, "{name}");
        }
    }

    #[test]
    fn a_setting_that_chooses_the_identity_and_is_not_ours_is_an_error() {
        for name in [
            "roleArn",
            "role-arn",
            "role_arm",
            "profil",
            "externalId",
            "role",
            "rolearn",
            "profile_name",
            "aws_access_key_id",
            "AWS_SECRET_ACCESS_KEY",
            "aws_session_token",
            "accessKeyId",
            "access_key",
            "secret_key",
            "secretAccessKey",
            "sesion_token",
            "aws_profile",
            "awsProfile",
            "aws_role_arn",
            "aws_web_identity_token_file",
            "web_identity_tokn_file",
            "web_identity_token",
            "web_identity_file",
            "credentials",
            "credential_proces",
            "credentialProcess",
            "credentials_process",
            "credential_sorce",
            "credential_provider",
            "source",
            "source_profile",
            "mfa_serial",
            "mfa_token",
            "sso_session",
            "sso_start_url",
            "sso_account_id",
            "sso_role_name",
            "login_session",
            "assume_role",
            "creds",
            "token",
            "token_file",
            "shared_credentials_file",
            "config_file",
            "polcy",
            "policyArns",
            "scope_policy",
            "scope_polcy",
            "scopePolicy",
            "aws_shared_credentials_file",
            "aws_config_file",
            "iam_role",
            "instance_profile_name",
            "saml_provider",
            "getSessionToken",
            "serialNumber",
        ] {
            let failure = check_settings(&map(&json!({name: "canary"}))).unwrap_err();
            assert_eq!(failure.kind, Kind::Configuration);
            assert!(failure.cause.contains(name), "{failure}");
            assert!(!failure.message().contains("canary"), "{failure}");
        }
        let said = |name: &str| check_settings(&map(&json!({name: 1}))).unwrap_err().remedy;
        assert!(said("mfa_serial").starts_with("It is called serial_number here."));
        for name in [
            "source_profile",
            "ssoSession",
            "sso_start_url",
            "aws_login_session",
        ] {
            assert!(said(name).starts_with("It is a key of a profile"), "{name}");
        }
        assert!(said("scope_polcy").contains("identity.aws.roles"));
        assert!(said("credentials").contains("access_key_id and secret_access_key"));
        assert!(said("web_identity_token").contains("web_identity_token_file"));
    }
}
