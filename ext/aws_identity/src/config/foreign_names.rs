//! What other libraries, the AWS CLI and its files call our options.

use crate::util::did_you_mean::is_same;

/// Names of aws-sdk-ruby, boto3, STS and the config file, and ours. Case and separators do not count.
const NAMES: [(&str, &str); 45] = [
    ("assume_role", "role_arn"),
    ("assume_role_arn", "role_arn"),
    ("assume_role_duration_seconds", "session_duration"),
    ("assume_role_external_id", "external_id"),
    ("assume_role_session_name", "role_session_name"),
    ("client_token_provider", "token_provider"),
    ("credential_provider", "source"),
    ("credentials", "source"),
    ("credentials_provider", "source"),
    ("creds", "source"),
    ("default_region", "region"),
    ("duration", "session_duration"),
    ("duration_seconds", "session_duration"),
    ("endpoint_url", "endpoint"),
    ("endpoint_url_sts", "endpoint"),
    ("expiry_window", "advisory_window"),
    ("http_open_timeout", "connect_timeout"),
    ("http_read_timeout", "read_timeout"),
    ("iam_role_arn", "role_arn"),
    ("inline_policy", "policy"),
    ("master_credentials", "source"),
    ("mfa_device", "serial_number"),
    ("mfa_serial", "serial_number"),
    ("mfa_serial_number", "serial_number"),
    ("open_timeout", "connect_timeout"),
    ("parent_credentials", "source"),
    ("process", "credential_process"),
    ("process_credentials", "credential_process"),
    ("profile_name", "profile"),
    ("region_name", "region"),
    ("role", "role_arn"),
    ("secret_key", "secret_access_key"),
    ("security_token", "session_token"),
    ("session_name", "role_session_name"),
    ("session_policy", "policy"),
    ("session_policy_arns", "policy_arns"),
    ("session_tags", "tags"),
    ("ssl_ca_bundle", "ca_bundle"),
    ("sts_endpoint", "endpoint"),
    ("sts_region", "region"),
    ("timeout", "resolve_timeout"),
    ("token", "session_token"),
    ("token_code", "token_provider"),
    ("token_code_fn", "token_provider"),
    ("token_file", "web_identity_token_file"),
];

/// Names of what is no option here, and what there is in its place.
const INSTEAD: [(&[&str], &str); 10] = [
    (
        &["client", "sts_client", "client_config"],
        "No client is used: region, endpoint, ca_bundle, connect_timeout and read_timeout say what one would, and source gives its credentials.",
    ),
    (
        &[
            "retries",
            "retry_limit",
            "retry_mode",
            "retry_backoff",
            "max_retries",
            "max_attempts",
            "backoff",
            "num_attempts",
        ],
        "How long a failed request is repeated is resolve_timeout; AWS_MAX_ATTEMPTS or max_attempts of a profile limits how often STS is asked.",
    ),
    (
        &["http_proxy", "https_proxy", "proxy", "proxies", "proxy_uri"],
        "The proxy is read from the environment: HTTPS_PROXY and NO_PROXY.",
    ),
    (&["no_proxy"], "It is read from the environment: NO_PROXY."),
    (
        &["use_fips_endpoint", "use_fips"],
        "It is read from AWS_USE_FIPS_ENDPOINT and use_fips_endpoint of a profile.",
    ),
    (
        &["use_dualstack_endpoint", "use_dualstack", "use_dual_stack"],
        "It is read from AWS_USE_DUALSTACK_ENDPOINT and use_dualstack_endpoint of a profile.",
    ),
    (
        &[
            "endpoint_mode",
            "disable_imds_v1",
            "token_ttl",
            "ip_address",
            "metadata_service_timeout",
            "metadata_service_num_attempts",
            "ec2_metadata_service_endpoint",
            "ec2_metadata_service_endpoint_mode",
        ],
        "How IMDS is asked is read from variables and a profile: see docs/environment.md.",
    ),
    (
        &["before_refresh", "after_refresh"],
        "token_provider and a callable web_identity_token are called before a fetch, and on_change of a session after it.",
    ),
    (
        &["stub_responses"],
        "Specs use Testing.stub: see docs/testing.md.",
    ),
    (
        &[
            "config_file",
            "credentials_file",
            "shared_credentials_file",
            "credentials_path",
            "config_path",
        ],
        "The files are named by AWS_CONFIG_FILE and AWS_SHARED_CREDENTIALS_FILE.",
    ),
];

/// Settings of AWS's files and variables that choose no identity, and that are not ours.
const HARMLESS: [&str; 14] = [
    "cli_auto_prompt",
    "cli_pager",
    "default_output",
    "defaults_mode",
    "ec2_metadata_disabled",
    "max_attempts",
    "metadata_service_num_attempts",
    "metadata_service_timeout",
    "output",
    "pager",
    "retry_mode",
    "sts_regional_endpoints",
    "use_dualstack_endpoint",
    "use_fips_endpoint",
];

/// How names begin that choose an identity in AWS's own files and variables.
const IDENTITY: [&str; 16] = [
    "access_key",
    "aws",
    "config_file",
    "credential",
    "iam_",
    "instance_profile",
    "login_session",
    "mfa",
    "principal_arn",
    "saml",
    "secret",
    "shared_credentials",
    "session_token",
    "source_profile",
    "sso",
    "web_identity",
];

/// What `name` is called here, if another library calls it so: `aws_` before it makes no difference.
pub(super) fn ours(name: &str) -> Option<&'static str> {
    let name = without_aws(name);
    let named = NAMES.iter().find(|(theirs, _)| is_same(name, theirs));
    named.map(|(_, ours)| *ours)
}

/// What there is in place of what another library calls `name`, where that is no option here.
pub(super) fn instead(name: &str) -> Option<&'static str> {
    let name = without_aws(name);
    let named = INSTEAD
        .iter()
        .find(|(theirs, _)| theirs.iter().any(|theirs| is_same(name, theirs)));
    named.map(|(_, instead)| *instead)
}

/// True if a key of that name chooses an identity for other readers.
pub(super) fn chooses_identity(name: &str) -> bool {
    let plain = plain(name);
    let begins = |start: &str| plain.starts_with(&self::plain(start));
    let harmless = without_aws(name);
    IDENTITY.iter().any(|start| begins(start))
        && !HARMLESS.iter().any(|word| is_same(harmless, word))
}

/// True for a key of a profile that is read there only, in any spelling.
pub(super) fn is_of_profile(name: &str) -> bool {
    let plain = plain(without_aws(name));
    ["loginsession", "sourceprofile", "sso"]
        .iter()
        .any(|start| plain.starts_with(start))
}

pub(super) fn without_aws(name: &str) -> &str {
    match name.get(..3) {
        Some(start) if start.eq_ignore_ascii_case("aws") => {
            name[3..].trim_start_matches(['_', '-'])
        }
        _ => name,
    }
}

fn plain(name: &str) -> String {
    name.chars()
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}
