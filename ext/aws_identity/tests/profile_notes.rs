//! What is said of what a profile does not use: sections and files that are set aside, comments, ways that
//! are passed over.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use aws_identity::{
    environment::Environment,
    failure::Warning,
    profile::{BaseProvider, Files, Notes, ProfileChain, resolve},
};

const ROLE: &str = "role_arn = arn:aws:iam::123456789012:role/r\n";
const KEYS: &str = "aws_access_key_id = AKID\naws_secret_access_key = canary-secret\n";
const OTHER: &str = "aws_access_key_id = OTHER\naws_secret_access_key = canary-secret\n";

fn resolved(config: &str, credentials: &str) -> ProfileChain {
    let files = Files::from_texts(config, credentials).unwrap();
    resolve(&files, "a").unwrap_or_else(|failure| panic!("{config}: {failure}"))
}

fn refused(config: &str, credentials: &str, profile: &str) -> String {
    let files = Files::from_texts(config, credentials).unwrap();
    let message = resolve(&files, profile).expect_err(config).message();
    assert!(!message.contains("canary"), "{message}");
    message
}

fn says(message: &str, parts: &[&str]) {
    for part in parts {
        assert!(message.contains(part), "{part:?} is not in: {message}");
    }
}

fn told(notes: &[Warning]) -> String {
    let all: Vec<String> = notes.iter().map(Warning::to_string).collect();
    let all = all.join(" ");
    assert!(!all.contains("canary"), "{all}");
    all
}

fn key_id(chain: &ProfileChain) -> &str {
    match &chain.base {
        BaseProvider::Keys(keys) => &keys.access_key_id,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_header_that_is_not_understood_is_named_where_its_profile_does_not_exist() {
    for (header, profile, written) in [
        ("profile my dev", "my dev", "[profile 'my dev']"),
        ("profile  my   dev", "my dev", "[profile 'my dev']"),
        ("profile my dev 2", "my dev 2", "[profile 'my dev 2']"),
        ("profile 'my dev", "my dev", "[profile 'my dev']"),
        ("profile \"dev", "dev", "[profile dev]"),
        ("profile Ann's Mac", "Ann's Mac", "[profile \"Ann's Mac\"]"),
        ("profile dev #2", "dev", "[profile dev]"),
        ("profile dev #2", "dev #2", "[profile 'dev #2']"),
        ("Profile dev", "dev", "[profile dev]"),
        ("PROFILE my dev", "my dev", "[profile 'my dev']"),
        ("dev", "dev", "[profile dev]"),
        ("my dev", "my dev", "[profile 'my dev']"),
        ("\"dev\"", "dev", "[profile dev]"),
    ] {
        let message = refused(&format!("[{header}]\n{KEYS}"), "", profile);
        says(
            &message,
            &[
                "does not exist",
                &format!("[{header}] in the config file is set aside"),
                written,
            ],
        );
    }
    // Another name is no reason to name it.
    let message = refused(&format!("[profile my dev]\n{KEYS}"), "", "other");
    assert!(!message.contains("set aside"), "{message}");
}

#[test]
fn so_it_is_where_an_sso_session_or_a_services_section_does_not_exist() {
    let sso = "sso_account_id = 123456789012\nsso_role_name = r\nsso_session = ";
    for (header, name, written) in [
        (
            "sso-session Acme Dev",
            "Acme Dev",
            "[sso-session 'Acme Dev']",
        ),
        (
            "sso-session \"Acme Dev",
            "Acme Dev",
            "[sso-session 'Acme Dev']",
        ),
        ("sso_session acme", "acme", "[sso-session acme]"),
        ("acme", "acme", "[sso-session acme]"),
    ] {
        let config = format!("[profile a]\n{sso}{name}\n[{header}]\nsso_region = r\n");
        let message = refused(&config, "", "a");
        says(
            &message,
            &[
                &format!("[{header}] in the config file is set aside"),
                written,
            ],
        );
        assert!(!message.contains("there is no"), "{message}");
    }
    let elsewhere = refused(
        &format!("[profile a]\n{sso}acme\n"),
        "[sso-session acme]\nsso_region = r\n",
        "a",
    );
    says(
        &elsewhere,
        &["stands in the credentials file", "in the config file"],
    );
    let none = refused(&format!("[profile a]\n{sso}acme\n"), "", "a");
    says(&none, &["there is no [sso-session acme]"]);
    assert!(!none.contains(". ."), "{none}");

    let config = format!(
        "[profile a]\n{KEYS}services = my lab\n[services my lab]\nsts =\n  endpoint_url = http://x\n"
    );
    let failure = resolved(&config, "").endpoints.unwrap_err().message();
    says(
        &failure,
        &[
            "[services my lab] in the config file is set aside",
            "[services 'my lab']",
        ],
    );
}

#[test]
fn the_first_word_of_a_header_may_go_on_as_in_botocore() {
    for header in ["profiles a", "profile\ta", "profile-of a", "profile a "] {
        assert_eq!(
            key_id(&resolved(&format!("[{header}]\n{KEYS}"), "")),
            "AKID"
        );
    }
    let odd = format!("[profile b c]\n[sso-session]\n[x y z]\n[profile a]\n{KEYS}");
    assert_eq!(
        key_id(&resolved(&odd, "")),
        "AKID",
        "an odd header harms no profile"
    );
}

#[test]
fn a_value_that_names_a_section_is_tried_whole_first() {
    let bases = format!("[base]\n{OTHER}[base #2]\n{KEYS}[a ;b]\n{KEYS}[#x]\n{KEYS}");
    for name in ["base #2", "a ;b", "#x"] {
        let config = format!("[profile a]\n{ROLE}source_profile = {name}\n");
        let chain = resolved(&config, &bases);
        assert_eq!(
            (key_id(&chain), chain.base_profile.as_str()),
            ("AKID", name)
        );
        assert_eq!(chain.notes.comments, []);
    }
    let config = format!("[profile a]\n{ROLE}source_profile = base # the old one\n");
    let chain = resolved(&config, &bases);
    assert_eq!(key_id(&chain), "OTHER");
    says(
        &told(&chain.notes.comments),
        &[
            "source_profile \"base # the old one\"",
            "\"base\" is used",
            "a line of its own",
        ],
    );

    let sso =
        "sso_account_id = 123456789012\nsso_role_name = r\nsso_session = s #1\nservices = v ;1\n";
    let session = "sso_start_url = https://x\nsso_region = ";
    let config = format!(
        "[profile a]\n{sso}[sso-session s]\n{session}r1\n[sso-session 's #1']\n{session}r2\n\
         [services v]\nsts =\n  endpoint_url = http://1\n[services 'v ;1']\nsts =\n  endpoint_url = http://2\n"
    );
    let chain = resolved(&config, "");
    let BaseProvider::Sso {
        region, session, ..
    } = &chain.base
    else {
        panic!("{chain:?}")
    };
    assert_eq!((region.as_str(), session.as_deref()), ("r2", Some("s #1")));
    assert_eq!(chain.endpoints.unwrap().sts.unwrap().expose(), "http://2");
    assert_eq!(chain.notes.comments, []);
}

#[test]
fn of_two_ways_in_one_profile_the_one_not_taken_is_named() {
    let process = "credential_process = true canary\n";
    let sso = "sso_account_id = 1\nsso_role_name = r\nsso_region = r\nsso_start_url = https://x\n";
    for (config, credentials, parts) in [
        (
            process.to_owned(),
            KEYS,
            &["keys in the credentials file beside credential_process, which is passed over"][..],
        ),
        (
            format!("{process}{KEYS}"),
            "",
            &["credential_process beside keys in the config file, which are passed over"],
        ),
        (
            format!("{process}login_session = x\n"),
            "",
            &["login_session beside credential_process, which is"],
        ),
        (
            format!("{sso}{process}"),
            KEYS,
            &[
                "SSO",
                "keys in the credentials file, credential_process, which are",
            ],
        ),
        (
            format!("{ROLE}source_profile = b\n{process}"),
            "",
            &["\"a\" has a role with source_profile beside credential_process, which is"],
        ),
        (
            format!("{ROLE}source_profile = a\n{process}"),
            KEYS,
            &[
                "keys in the credentials file",
                "credential_process, which is",
            ],
        ),
        (
            format!("{ROLE}credential_source = Environment\n{KEYS}"),
            "",
            &["credential_source beside keys in the config file, which are"],
        ),
    ] {
        let chain = resolved(
            &format!("[profile a]\n{config}[profile b]\n{OTHER}"),
            &format!("[a]\n{credentials}"),
        );
        says(&told(&chain.notes.passed_over), parts);
    }
    for (config, credentials) in [
        (KEYS.to_owned(), ""),
        (process.to_owned(), ""),
        (format!("{ROLE}source_profile = a\n{KEYS}"), ""),
        (format!("{ROLE}source_profile = b\n"), ""),
    ] {
        let chain = resolved(
            &format!("[profile a]\n{config}[profile b]\n{OTHER}"),
            credentials,
        );
        assert_eq!(chain.notes.passed_over, [], "{config}");
    }
}

#[test]
fn a_role_beside_credentials_of_its_own_says_how_to_write_it() {
    for source in ["", "source_profile = a\n"] {
        for (own, way) in [
            ("credential_process = true\n", "credential_process"),
            ("login_session = x\n", "login_session"),
            ("sso_account_id = 1\nsso_role_name = r\n", "SSO"),
        ] {
            let message = refused(&format!("[profile a]\n{ROLE}{source}{own}"), "", "a");
            says(
                &message,
                &[
                    &format!("({way})"),
                    "to a profile of their own",
                    "source_profile",
                ],
            );
        }
    }
    says(
        &refused(&format!("[profile a]\n{ROLE}{KEYS}"), "", "a"),
        &["(keys in the config file)"],
    );
    says(
        &refused(&format!("[profile a]\n{ROLE}source_profile = a\n"), "", "a"),
        &["leads back to itself"],
    );
}

fn set_aside(config: &str, credentials: &str) -> String {
    let files = Files::from_texts(config, credentials).unwrap();
    let notes: Notes = resolve(&files, "default").unwrap().notes;
    told(&[notes.unusable, notes.set_aside].concat())
}

#[test]
fn what_was_probably_meant_to_give_credentials_is_named() {
    for (config, credentials, parts) in [
        (
            format!("[default]\n{KEYS}[profile default]\nregion = r\n"),
            "",
            &["has the profile \"default\" twice", "keys included"][..],
        ),
        (
            format!("[profile x y]\n{KEYS}"),
            "",
            &["[profile x y]", "[profile 'x y']"],
        ),
        (
            format!("[prod]\n{KEYS}"),
            "",
            &["[prod] in the config file", "[profile prod]"],
        ),
        (
            "[prod]\nregion = r\n".into(),
            "[prod]\n",
            &["[prod] in the config file"],
        ),
        (
            "[profile]\nregion = r\n".into(),
            "",
            &["it has no name", "[profile name]"],
        ),
        (
            String::new(),
            "[default]\nexport AWS_ACCESS_KEY_ID=AKID\nexport AWS_SECRET_ACCESS_KEY=canary\n",
            &[
                "export aws_access_key_id, export aws_secret_access_key",
                "without export",
            ],
        ),
        (
            String::new(),
            "[default]\naccess_key_id = x\n",
            &["access_key_id"],
        ),
        (
            String::new(),
            "[default]\naws_secret_key = canary\n",
            &["aws_secret_key"],
        ),
        (
            "[default]\nsso_session = s\n".into(),
            "",
            &["lacks sso_account_id and sso_role_name"],
        ),
        (
            "[default]\nsource_profile = s\n".into(),
            "",
            &["names no role", "Add role_arn"],
        ),
    ] {
        says(&set_aside(&config, credentials), parts);
    }
    for config in [
        "",
        "[default]\nregion = r\n",
        "[plugins]\ncli_legacy_plugin_path = /x\n[preview]\ncloudfront = true\n",
        "[default]\ns3 =\n  x = y\n[toolkit]\nk = v\n",
    ] {
        assert_eq!(set_aside(config, ""), "", "{config}");
    }
}

#[test]
fn files_that_are_named_or_there_and_not_read_are_named() {
    let said = |variables: &[(&str, &str)]| {
        let environment = Environment::new(variables.iter().copied());
        let files = Files::load(&environment).unwrap();
        told(&resolve(&files, "default").unwrap().notes.files)
    };
    let folder = std::env::temp_dir();
    let folder = folder.to_str().unwrap();
    let missing = format!("{folder}/no/such/file");
    says(
        &said(&[("AWS_CONFIG_FILE", &missing)]),
        &["AWS_CONFIG_FILE names", "missing"],
    );
    says(
        &said(&[("AWS_SHARED_CREDENTIALS_FILE", folder)]),
        &["AWS_SHARED_CREDENTIALS_FILE names", "not a regular file"],
    );
    says(&said(&[("AWS_SHARED_CREDENTIALS_FILE", "")]), &["is blank"]);
    assert_eq!(said(&[("HOME", &missing)]), "");
    assert_eq!(said(&[]), "");
}
