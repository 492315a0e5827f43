//! What a profile resolves to: every kind, every refusal.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use aws_identity::{
    credentials::Secret,
    failure::Kind,
    profile::{BaseProvider, ProfileChain, RoleStep, resolve},
};
use support::{KEYS, ROLE, files, says};

fn resolved(config: &str, credentials: &str) -> ProfileChain {
    resolve(&files(config, credentials), "a").unwrap()
}

/// The message of the failure for profile `a`: a configuration failure that shows no secret.
fn refused(config: &str, credentials: &str) -> String {
    let failure = resolve(&files(config, credentials), "a").expect_err(config);
    assert_eq!(failure.kind, Kind::Configuration);
    assert!(!failure.message().contains("canary"), "{failure}");
    failure.message()
}

fn key_id(profile_chain: &ProfileChain) -> &str {
    match &profile_chain.base {
        BaseProvider::Keys(keys) => &keys.access_key_id,
        other => panic!("no keys: {other:?}"),
    }
}

fn step(profile: &str, role: &str) -> RoleStep {
    RoleStep {
        profile: profile.into(),
        role_arn: format!("arn:aws:iam::123456789012:role/{role}"),
        external_id: None,
        role_session_name: None,
        duration_seconds: None,
        mfa_serial: None,
    }
}

#[test]
fn keys_with_token_and_account_from_either_file() {
    let keys = format!("{KEYS}aws_session_token = canary-token\naws_account_id = 123456789012\n");
    for (config, credentials) in [(keys.as_str(), ""), ("", keys.as_str())] {
        let profile_chain = resolved(
            &format!("[profile a]\n{config}"),
            &format!("[a]\n{credentials}"),
        );
        let BaseProvider::Keys(keys) = &profile_chain.base else {
            panic!("{profile_chain:?}")
        };
        assert_eq!(keys.access_key_id, "AKID");
        assert_eq!(keys.secret_access_key.expose(), "canary-secret");
        assert_eq!(
            keys.session_token.as_ref().map(Secret::expose),
            Some("canary-token")
        );
        assert_eq!(keys.account_id.as_deref(), Some("123456789012"));
        assert_eq!(keys.source, "profile a");
        assert!(profile_chain.role_steps.is_empty());
        assert!(!format!("{profile_chain:?}").contains("canary"));
    }
}

#[test]
fn the_credentials_file_wins_and_the_files_do_not_mix() {
    let config = "[profile a]\naws_access_key_id = CONFIG\naws_secret_access_key = s\naws_session_token = t\nregion = r1\n";
    let profile_chain = resolved(
        config,
        "[a]\naws_access_key_id = CREDENTIALS\naws_secret_access_key = s\nregion = r2\n",
    );
    let BaseProvider::Keys(keys) = &profile_chain.base else {
        panic!("{profile_chain:?}")
    };
    assert_eq!(keys.access_key_id, "CREDENTIALS");
    assert_eq!(
        keys.session_token, None,
        "the token belongs to the other pair"
    );
    assert_eq!(profile_chain.region.as_deref(), Some("r2"));
}

#[test]
fn the_older_name_of_the_token_comes_first() {
    let profile_chain = resolved(
        "",
        &format!("[a]\n{KEYS}aws_session_token = new\naws_security_token = old\n"),
    );
    let BaseProvider::Keys(keys) = &profile_chain.base else {
        panic!("{profile_chain:?}")
    };
    assert_eq!(keys.session_token.as_ref().map(Secret::expose), Some("old"));
}

#[test]
fn half_a_key_pair_is_refused_wherever_it_stands() {
    let id = "aws_access_key_id = AKID\n";
    let secret = "aws_secret_access_key = canary-secret\n";
    for half in [
        id,
        secret,
        "aws_access_key_id = AKID\naws_secret_access_key =\n",
    ] {
        says(
            &refused(&format!("[profile a]\n{half}"), ""),
            &["\"a\"", "half a key pair in the config file"],
        );
        says(
            &refused("", &format!("[a]\n{half}")),
            &["half a key pair in the credentials file"],
        );
        let source = format!("[profile a]\n{ROLE}source_profile = b\n[profile b]\n{half}");
        says(&refused(&source, ""), &["\"b\"", "half a key pair"]);
    }
    says(
        &refused(&format!("[profile a]\n{secret}"), &format!("[a]\n{id}")),
        &["half a key pair in the credentials file"],
    );
}

#[test]
fn a_role_with_every_option() {
    let profile_chain = resolved(
        &format!(
            "[profile a]\n{ROLE}source_profile = b\nexternal_id = e:1/2\nrole_session_name = me@x\n\
             duration_seconds = 7200\nmfa_serial = arn:aws:iam::1:mfa/me\nregion = eu-west-1\n[profile b]\n{KEYS}region = no\n"
        ),
        "",
    );
    let expected = RoleStep {
        external_id: Some(Secret::new("e:1/2")),
        role_session_name: Some("me@x".into()),
        duration_seconds: Some(7200),
        mfa_serial: Some("arn:aws:iam::1:mfa/me".into()),
        ..step("a", "r")
    };
    assert_eq!(profile_chain.role_steps, [expected]);
    assert!(!format!("{profile_chain:?}").contains("e:1/2"));
    assert_eq!(
        (key_id(&profile_chain), profile_chain.base_profile.as_str()),
        ("AKID", "b")
    );
    assert_eq!(profile_chain.region.as_deref(), Some("eu-west-1"));
}

#[test]
fn roles_chain_from_the_base_outward() {
    let role = |name: &str, source: &str| {
        format!(
            "[profile {name}]\nrole_arn = arn:aws:iam::123456789012:role/{name}\nsource_profile = {source}\n"
        )
    };
    let config = [
        role("a", "b"),
        role("b", "c"),
        role("c", "d"),
        format!("[profile d]\n{KEYS}"),
    ]
    .concat();
    let profile_chain = resolved(&config, "");
    assert_eq!(
        profile_chain.role_steps,
        [step("c", "c"), step("b", "b"), step("a", "a")]
    );
    assert_eq!(profile_chain.base_profile, "d");
}

#[test]
fn a_source_with_keys_of_its_own_is_the_base() {
    let profile_chain = resolved(
        &format!("[profile a]\n{ROLE}source_profile = b\n[profile b]\n{ROLE}{KEYS}"),
        "",
    );
    assert_eq!(profile_chain.role_steps, [step("a", "r")]);
    assert_eq!(key_id(&profile_chain), "AKID");
}

#[test]
fn a_profile_may_be_its_own_source_if_it_has_keys() {
    let own = format!("[profile a]\n{ROLE}source_profile = a\n");
    let profile_chain = resolved(&own, &format!("[a]\n{KEYS}"));
    assert_eq!(
        (
            profile_chain.role_steps.len(),
            profile_chain.base_profile.as_str()
        ),
        (1, "a")
    );
    says(&refused(&own, ""), &["a -> a", "leads back to itself"]);
}

#[test]
fn loops_are_named() {
    let role =
        |name: &str, source: &str| format!("[profile {name}]\n{ROLE}source_profile = {source}\n");
    says(
        &refused(&[role("a", "b"), role("b", "a")].concat(), ""),
        &["a -> b -> a"],
    );
    says(
        &refused(
            &[role("a", "b"), role("b", "c"), role("c", "b")].concat(),
            "",
        ),
        &["\"c\"", ": b -> c -> b."],
    );
    // Keys of the first profile do not help: the chain leads back to it through a role.
    says(
        &refused(
            &[role("a", "b"), role("b", "a")].concat(),
            &format!("[a]\n{KEYS}"),
        ),
        &["a -> b -> a"],
    );
}

#[test]
fn named_sources_in_their_exact_spelling() {
    for (name, base) in [
        ("Environment", BaseProvider::Environment),
        ("EcsContainer", BaseProvider::Container),
        ("Ec2InstanceMetadata", BaseProvider::Imds),
    ] {
        let profile_chain = resolved(
            &format!("[profile a]\n{ROLE}credential_source = {name}\n"),
            "",
        );
        assert_eq!(
            (
                profile_chain.base,
                profile_chain.role_steps.len(),
                profile_chain.base_profile.as_str()
            ),
            (base, 1, "a")
        );
    }
    for name in ["environment", "Ec2", "SharedCredentials"] {
        let message = refused(
            &format!("[profile a]\n{ROLE}credential_source = {name}\n"),
            "",
        );
        says(
            &message,
            &[name, "Environment, EcsContainer and Ec2InstanceMetadata"],
        );
    }
}

#[test]
fn a_role_needs_exactly_one_source() {
    let both = format!(
        "[profile a]\n{ROLE}source_profile = b\ncredential_source = Environment\n[profile b]\n{KEYS}"
    );
    says(
        &refused(&both, ""),
        &["both source_profile and credential_source"],
    );
    says(
        &refused(&format!("[profile a]\n{ROLE}"), ""),
        &["nothing to assume it with", "Add source_profile"],
    );
    says(
        &refused(
            &format!("[profile a]\n{ROLE}source_profile = bb\n[profile b]\n{KEYS}"),
            "",
        ),
        &[
            "\"a\" names a source_profile",
            "\"bb\" does not exist",
            "Did you mean \"b\"?",
        ],
    );
    says(
        &refused(
            &format!("[profile a]\n{ROLE}source_profile = b\n[profile b]\nregion = r\n"),
            "",
        ),
        &["\"b\" is the source_profile of \"a\" and has no credentials"],
    );
}

#[test]
fn web_identity_is_a_base() {
    let base = BaseProvider::WebIdentity {
        role_arn: "arn:aws:iam::123456789012:role/r".into(),
        token_file: "/token".into(),
        role_session_name: Some("me".into()),
        duration_seconds: Some(900),
    };
    let config = format!(
        "[profile b]\n{ROLE}web_identity_token_file = /token\nrole_session_name = me\nduration_seconds = 900\n\
         [profile a]\nrole_arn = arn:aws:iam::123456789012:role/a\nsource_profile = b\n"
    );
    let files = files(&config, "");
    let (own, source) = (resolve(&files, "b").unwrap(), resolve(&files, "a").unwrap());
    assert_eq!((own.base, own.role_steps), (base.clone(), vec![]));
    assert_eq!(
        (source.base, source.role_steps),
        (base, vec![step("a", "a")])
    );
    says(
        &refused("[profile a]\nweb_identity_token_file = /t\n", ""),
        &["no role_arn"],
    );
}

#[test]
fn sso_in_both_its_forms() {
    let own = "sso_account_id = 1\nsso_role_name = R\n";
    let shared = "sso_start_url = https://x/start#\nsso_region = eu-west-1\n";
    let sso = |session: Option<&str>| BaseProvider::Sso {
        session: session.map(str::to_owned),
        start_url: "https://x/start#".into(),
        region: "eu-west-1".into(),
        account_id: "1".into(),
        role_name: "R".into(),
    };
    assert_eq!(
        resolved(&format!("[profile a]\n{own}{shared}"), "").base,
        sso(None)
    );
    let with_session = format!("[profile a]\n{own}sso_session = s\n[sso-session s]\n{shared}");
    assert_eq!(resolved(&with_session, "").base, sso(Some("s")));
    // The same value twice is no contradiction.
    let repeated = format!("[profile a]\n{own}{shared}sso_session = s\n[sso-session s]\n{shared}");
    assert_eq!(resolved(&repeated, "").base, sso(Some("s")));
}

#[test]
fn sso_that_is_incomplete_or_contradicts_itself_is_refused() {
    let own = "sso_account_id = 1\nsso_role_name = R\n";
    says(
        &refused(&format!("[profile a]\n{own}"), ""),
        &["lacks sso_start_url, sso_region", "aws configure sso"],
    );
    says(
        &refused("[profile a]\nsso_role_name = R\n", &format!("[a]\n{KEYS}")),
        &["sso_account_id"],
    );
    says(
        &refused(
            &format!("[profile a]\n{own}sso_session = dew\n[sso-session dev]\n"),
            "",
        ),
        &["no [sso-session dew]", "Did you mean \"dev\"?"],
    );
    says(
        &refused(
            &format!(
                "[profile a]\n{own}sso_session = s\nsso_region = r1\n[sso-session s]\nsso_region = r2\nsso_start_url = u\n"
            ),
            "",
        ),
        &["two values for sso_region"],
    );
}

#[test]
fn an_sso_session_alone_gives_no_credentials() {
    let config =
        "[profile a]\nsso_session = s\n[sso-session s]\nsso_region = r\nsso_start_url = u\n";
    assert_eq!(resolved(config, "").base, BaseProvider::None);
}

#[test]
fn process_and_login() {
    let profile_chain = resolved(
        "[profile a]\ncredential_process = h --x 'a ; b' # c\n  --more\naws_account_id = 1\n",
        "",
    );
    let BaseProvider::Process {
        command,
        account_id,
    } = &profile_chain.base
    else {
        panic!("{profile_chain:?}")
    };
    assert_eq!(command.expose(), "h --x 'a ; b' # c\n--more");
    assert_eq!(account_id.as_deref(), Some("1"));
    assert!(
        !format!("{profile_chain:?}").contains("more"),
        "a command may hold a secret"
    );
    let session = "arn:aws:iam::1:user/x";
    let profile_chain = resolved(&format!("[profile a]\nlogin_session = {session}\n"), "");
    assert_eq!(
        profile_chain.base,
        BaseProvider::Login {
            session: session.into()
        }
    );
}

#[test]
fn sts_limits_are_checked_and_named() {
    let role = |line: &str| {
        refused(
            &format!("[profile a]\n{ROLE}source_profile = b\n{line}\n[profile b]\n{KEYS}"),
            "",
        )
    };
    for value in ["899", "43201", "-1", "1h", "9e3"] {
        says(
            &role(&format!("duration_seconds = {value}")),
            &["duration_seconds", value, "\"a\""],
        );
    }
    says(&role("duration_seconds = 60"), &["900 to 43200"]);
    says(
        &role("mfa_serial = short"),
        &["mfa_serial", "5", "9 and more"],
    );
    says(
        &role("mfa_serial = arn:aws:iam::1:mfa/a b"),
        &["mfa_serial", "' '"],
    );
    says(&role("external_id = x"), &["external_id", "2 and more"]);
    says(&role("external_id = canary*"), &["external_id", "'*'"]);
    says(
        &role("role_session_name = n"),
        &["role_session_name", "2 and more"],
    );
    says(
        &refused("[profile a]\nrole_arn = role/r\n", ""),
        &["role_arn \"role/r\"", "arn:aws:iam::"],
    );
}

#[test]
fn a_blank_value_that_chooses_the_identity_is_refused() {
    let with_role = |line: &str| format!("[profile a]\n{line} =\n{ROLE}[profile b]\n{KEYS}");
    for key in [
        "source_profile",
        "credential_source",
        "web_identity_token_file",
    ] {
        says(
            &refused(&with_role(key), ""),
            &[&format!("empty {key}"), "\"a\""],
        );
    }
    for key in ["login_session", "credential_process", "sso_account_id"] {
        says(
            &refused(&format!("[profile a]\n{key} =\n"), ""),
            &[&format!("empty {key}")],
        );
    }
    says(
        &refused("[profile a]\nrole_arn =\nsource_profile = a\n", ""),
        &["empty role_arn"],
    );
    let role = format!("[profile a]\n{ROLE}credential_source = Environment\nmfa_serial =\n");
    says(&refused(&role, ""), &["empty mfa_serial"]);
}

#[test]
fn a_blank_setting_is_absent() {
    let profile_chain = resolved(
        &format!(
            "[profile a]\n{ROLE}credential_source = Environment\nregion =\nca_bundle =\nendpoint_url =\n\
             use_fips_endpoint =\nrole_session_name =\nduration_seconds =\n"
        ),
        "",
    );
    assert_eq!(
        (
            profile_chain.region,
            profile_chain.ca_bundle,
            profile_chain.use_fips_endpoint
        ),
        (None, None, None)
    );
    assert_eq!(profile_chain.endpoints.unwrap().sts, None);
    assert_eq!(profile_chain.role_steps, [step("a", "r")]);
}

#[test]
fn a_value_that_goes_on_over_the_next_line_is_refused_and_not_shown() {
    for key in [
        "role_arn = x",
        "region = x",
        "login_session = x",
        "aws_access_key_id = x",
    ] {
        let message = refused(
            &format!("[profile a]\n{key}\n  aws_secret_access_key = canary-secret\n"),
            "",
        );
        says(&message, &["goes on over the next line", "same column"]);
    }
}

#[test]
fn a_key_inside_another_keys_value_is_reported_as_missing() {
    let swallowed = format!("[profile b]\noutput = json\n  Role_Arn: x\n{KEYS}");
    let files = files(
        &format!("{swallowed}[profile a]\n{ROLE}source_profile = b\n"),
        "[c]\nnote = one\n  aws_access_key_id is no key\n",
    );
    for name in ["a", "b"] {
        says(
            &resolve(&files, name).unwrap_err().message(),
            &["\"b\"", "output that goes on over the next line"],
        );
    }
    assert_eq!(
        resolve(&files, "c").unwrap().base,
        BaseProvider::None,
        "a line that only mentions a key does not count"
    );
}

#[test]
fn a_profile_has_settings_besides_credentials() {
    let profile_chain = resolved(
        "[profile a]\nregion = eu-west-1\nca_bundle = /b\nuse_fips_endpoint = TRUE\nuse_dualstack_endpoint = false\n\
         ignore_configured_endpoint_urls = true\nec2_metadata_service_endpoint = http://x\n\
         ec2_metadata_service_endpoint_mode = IPv6\n",
        "",
    );
    assert_eq!(
        (profile_chain.base, profile_chain.exists),
        (BaseProvider::None, true)
    );
    assert_eq!(profile_chain.region.as_deref(), Some("eu-west-1"));
    assert_eq!(profile_chain.ca_bundle.as_deref(), Some("/b"));
    assert_eq!(
        (
            profile_chain.use_fips_endpoint,
            profile_chain.use_dualstack_endpoint
        ),
        (Some(true), Some(false))
    );
    assert_eq!(profile_chain.ignore_configured_endpoint_urls, Some(true));
    assert_eq!(
        profile_chain.ec2_metadata_service_endpoint,
        Some(Secret::new("http://x"))
    );
    assert_eq!(
        profile_chain.ec2_metadata_service_endpoint_mode.as_deref(),
        Some("IPv6")
    );
    says(
        &refused("[profile a]\nuse_fips_endpoint = yes\n", ""),
        &["use_fips_endpoint \"yes\"", "true or false"],
    );
}

#[test]
fn endpoints_of_the_service_come_before_the_one_of_all() {
    let config = "[profile a]\nendpoint_url = http://u:canary@all\nservices = s\n\
                  [services s]\nsts =\n  endpoint_url = http://sts\nsso_oidc =\n  other = x\ns3 =\n  endpoint_url = http://no\n";
    let profile_chain = resolved(config, "");
    assert!(!format!("{profile_chain:?}").contains("canary"));
    let endpoints = profile_chain.endpoints.unwrap();
    assert_eq!(endpoints.sts, Some(Secret::new("http://sts")));
    for other in [endpoints.sso, endpoints.sso_oidc, endpoints.signin] {
        assert_eq!(other, Some(Secret::new("http://u:canary@all")));
    }
}

#[test]
fn a_services_section_that_is_missing_fails_only_when_asked_for() {
    let profile_chain = resolved(&format!("[profile a]\nservices = s\n{KEYS}"), "");
    assert_eq!(key_id(&profile_chain), "AKID");
    says(
        &profile_chain.endpoints.unwrap_err().message(),
        &["services section \"s\"", "[services s]"],
    );
    let flat = "[profile a]\nservices = s\n[services s]\nsts = http://sts\n";
    says(
        &resolved(flat, "").endpoints.unwrap_err().message(),
        &["indented line below \"sts =\""],
    );
}

#[test]
fn only_default_may_be_missing() {
    let files = files("[profile prod]\n[prod2]\n", "[profile old]\n");
    let none = resolve(&files, "default").unwrap();
    assert_eq!((none.exists, none.base), (false, BaseProvider::None));
    let missing = |name| resolve(&files, name).unwrap_err().message();
    says(
        &missing("prd"),
        &[
            "\"prd\" does not exist",
            "1 profile",
            "Did you mean \"prod\"?",
        ],
    );
    says(
        &missing("prod2"),
        &[
            "[prod2] in the config file is set aside",
            "Write [profile prod2]",
        ],
    );
    says(
        &missing("old"),
        &["credentials file has [profile old]", "written [old]"],
    );
}

#[test]
fn the_later_default_counts_and_names_may_be_quoted() {
    let config =
        "[profile default]\nregion = r1\n[default]\nregion = r2\n[profile 'b c']\nregion = r3\n";
    let files = files(config, "");
    assert_eq!(
        resolve(&files, "default").unwrap().region.as_deref(),
        Some("r2")
    );
    assert_eq!(
        resolve(&files, "b c").unwrap().region.as_deref(),
        Some("r3")
    );
}
