//! The list of profiles: kind and needs of each, whether and until when it works.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use aws_identity::{
    cache::{CacheDir, CacheKey, Request},
    config::Layers,
    credentials::{Credentials, Secret},
    environment::Environment,
    fetch,
    profile::{Files, Need, ProfileKind, ProfileSummary},
    sts::AssumeRoleOptions,
    util::time,
};
use serde_json::json;
use std::path::PathBuf;
use support::{KEYS, ROLE, files, says};

fn profiles(files: &Files, environment: &Environment, now: time::Millis) -> Vec<ProfileSummary> {
    let layers = Layers {
        environment: environment.clone(),
        ..Layers::default()
    };
    fetch::profiles(files, layers, now)
}

fn summary_of(config: &str, environment: &Environment, now: &str) -> ProfileSummary {
    let now = time::parse(now).unwrap();
    let files = files(config, "");
    let mut all = profiles(&files, environment, now);
    assert!(!format!("{all:?}").contains("canary"));
    let index = all.iter().position(|summary| summary.name == "a").unwrap();
    all.swap_remove(index)
}

const NOW: &str = "2026-01-02T03:04:05Z";

#[test]
fn the_list_gives_kind_and_needs_of_each_profile() {
    let config = format!(
        "[profile a]\nrole_arn = arn:aws:iam::123456789012:role/a\nsource_profile = b\nregion = r\nmfa_serial = GAHT12345678\n\
         [profile b]\nrole_arn = arn:aws:iam::123456789012:role/b\nsource_profile = c\n[profile c]\n{KEYS}"
    );
    let environment = Environment::default();
    let names: Vec<_> = profiles(&files(&config, "[z]\n"), &environment, 0)
        .into_iter()
        .map(|found| found.name)
        .collect();
    assert_eq!(names, ["a", "b", "c", "z"]);
    let found = summary_of(&config, &environment, NOW);
    assert_eq!(
        (found.kind, found.could_work, found.reason),
        (ProfileKind::AssumeRole, true, None)
    );
    assert_eq!(found.region.as_deref(), Some("r"));
    assert_eq!(found.source_profile.as_deref(), Some("b"));
    assert_eq!(
        found.role_arns,
        [
            "arn:aws:iam::123456789012:role/b",
            "arn:aws:iam::123456789012:role/a"
        ]
    );
    assert_eq!(
        found.needs,
        [
            Need::Mfa("GAHT12345678".into()),
            Need::SourceProfile("b".into()),
            Need::SourceProfile("c".into())
        ]
    );
}

#[test]
fn the_list_gives_the_reason_where_a_profile_cannot_work() {
    let environment = Environment::new([
        ("PATH", "/usr/bin:/bin"),
        ("AWS_EC2_METADATA_DISABLED", "TRUE"),
        ("AWS_ACCESS_KEY_ID", "AKID"),
    ]);
    let role = |source: &str| format!("{ROLE}credential_source = {source}\n");
    let web = |file: &str| format!("{ROLE}web_identity_token_file = {file}\n");
    let cases = [
        (
            "region = r\n".to_owned(),
            ProfileKind::Settings,
            None,
            "no credentials",
        ),
        (
            role("Environment"),
            ProfileKind::AssumeRole,
            Some(Need::Environment),
            "AWS_SECRET_ACCESS_KEY is not",
        ),
        (
            role("EcsContainer"),
            ProfileKind::AssumeRole,
            Some(Need::Container),
            "AWS_CONTAINER_CREDENTIALS",
        ),
        (
            role("Ec2InstanceMetadata"),
            ProfileKind::AssumeRole,
            Some(Need::Imds),
            "AWS_EC2_METADATA_DISABLED",
        ),
        (
            web("/no/token"),
            ProfileKind::WebIdentity,
            Some(Need::TokenFile("/no/token".into())),
            "does not exist",
        ),
        (
            "credential_process = no-such canary\n".into(),
            ProfileKind::Process,
            Some(Need::Program),
            "\"no-such\" is no program",
        ),
        (
            ROLE.to_owned(),
            ProfileKind::AssumeRole,
            None,
            "nothing to assume it with",
        ),
        (
            "region = r\n  canary\n".into(),
            ProfileKind::Settings,
            None,
            "goes on over the next line",
        ),
    ];
    for (body, kind, need, why) in cases {
        let found = summary_of(&format!("[profile a]\n{body}"), &environment, NOW);
        assert_eq!((found.kind, found.could_work), (kind, false), "{body}");
        assert_eq!(found.needs, need.into_iter().collect::<Vec<_>>(), "{body}");
        says(&found.reason.unwrap(), &[why]);
    }
}

#[test]
fn the_list_says_which_profiles_could_work() {
    let environment = Environment::new([
        ("PATH", "/usr/bin:/bin"),
        ("AWS_ACCESS_KEY_ID", "AKID"),
        ("AWS_SECRET_ACCESS_KEY", "canary-secret"),
        ("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://127.0.0.1/"),
    ]);
    for body in [
        KEYS.to_owned(),
        format!("{ROLE}credential_source = Environment\n"),
        format!("{ROLE}credential_source = EcsContainer\n"),
        format!("{ROLE}credential_source = Ec2InstanceMetadata\n"),
        "credential_process = sh -c canary\n".into(),
    ] {
        let found = summary_of(&format!("[profile a]\n{body}"), &environment, NOW);
        assert_eq!((found.could_work, found.reason), (true, None), "{body}");
    }
    let login = "[profile a]\nlogin_session = arn:aws:iam::1:user/x\n";
    let found = summary_of(login, &environment, NOW);
    says(
        &found.reason.unwrap(),
        &["is missing", "aws login --profile a"],
    );
}

#[test]
fn the_list_says_whether_an_sso_login_is_valid() {
    let home = std::env::temp_dir().join(format!("aws-identity-sso-{}", std::process::id()));
    let cache = home.join(".aws/sso/cache");
    std::fs::create_dir_all(&cache).unwrap();
    let environment = Environment::new([("HOME", home.display().to_string().as_str())]);
    let url = "sso_start_url = https://x\nsso_region = r\n";
    let own = "sso_account_id = 1\nsso_role_name = R\n";
    let by_session = format!("[profile a]\n{own}sso_session = dev\n[sso-session dev]\n{url}");
    let by_url = format!("[profile a]\n{own}{url}");
    // sha1 of "dev" and of "https://x": `printf %s dev | sha1sum`.
    let token = |config: &str| {
        let name = if config == by_session {
            "34c6fceca75e456f25e7e99531e2425c6c1de443"
        } else {
            "98383e6608d65e46b24bbd92582bc8d916605a21"
        };
        cache.join(format!("{name}.json"))
    };
    let why = |config: &str| summary_of(config, &environment, NOW).reason;
    for config in [&by_session, &by_url] {
        let found = summary_of(config, &environment, NOW);
        assert_eq!(found.needs, [Need::SsoLogin("https://x".into())]);
        says(&found.reason.unwrap(), &["missing", "aws sso login"]);
        std::fs::write(
            token(config),
            r#"{"expiresAt": "2026-01-02T04:00:00Z", "accessToken": "canary"}"#,
        )
        .unwrap();
        assert_eq!(why(config), None);
        std::fs::write(
            token(config),
            r#"{"expiresAt": "2026-01-02T03:00:00Z", "accessToken": "canary"}"#,
        )
        .unwrap();
        says(
            &why(config).unwrap(),
            &["expired at 2026-01-02T03:00:00Z", "aws sso login"],
        );
        std::fs::write(token(config), "canary").unwrap();
        says(&why(config).unwrap(), &["not readable"]);
        let renewable = r#"{"expiresAt": "2026-01-02T03:00:00Z", "accessToken": "canary", "refreshToken": "canary", "clientId": "canary", "clientSecret": "canary", "registrationExpiresAt": "2026-02-01T00:00:00Z"}"#;
        std::fs::write(token(config), renewable).unwrap();
        assert_eq!(
            why(config).is_none(),
            *config == by_session,
            "only the token of an sso-session can be refreshed"
        );
    }
    std::fs::remove_dir_all(&home).unwrap();
}

/// A home with a cache, in which the tests put credentials of a role.
struct Cache {
    home: PathBuf,
    dir: CacheDir,
    variables: Vec<(&'static str, String)>,
    layers: Layers,
}

const ONE: &str = "arn:aws:iam::123456789012:role/a";
const TWO: &str = "arn:aws:iam::123456789012:role/b";
/// A profile whose role is assumed with the keys of another.
const PLAIN: &str =
    "[profile a]\nrole_arn = arn:aws:iam::123456789012:role/a\nsource_profile = k\n";

impl Cache {
    fn new(name: &str) -> Self {
        let home = std::env::temp_dir().join(format!("lex-{name}-{}", std::process::id()));
        Self {
            dir: CacheDir::open(home.join(".aws/cli/cache")).unwrap(),
            variables: vec![("HOME", home.to_str().unwrap().to_owned())],
            layers: Layers::default(),
            home,
        }
    }

    /// For `minutes`, over what is there.
    fn put(&self, minutes: i64, request: &Request<'_>) {
        let now = time::parse(NOW).unwrap();
        let mut found = Credentials::new("ASIA", "canary", Some("canary".into()), "test");
        found.expires_at = Some(now + minutes * 60_000);
        let written = self
            .dir
            .write(&CacheKey::new(request), &found, now - 86_400_000);
        assert_eq!(written, Ok(true));
    }

    /// The minutes that the profile `a` has.
    fn left(&self, config: &str) -> Option<i64> {
        let now = time::parse(NOW).unwrap();
        let mut layers = self.layers.clone();
        layers.environment = Environment::new(self.variables.clone());
        let files = files(&format!("{config}[profile k]\n{KEYS}"), "");
        let all = fetch::profiles(&files, layers, now);
        let found = all.iter().find(|summary| summary.name == "a").unwrap();
        found.cached_until.map(|end| (end - now) / 60_000)
    }
}

impl Drop for Cache {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.home);
    }
}

fn request(role_arn: &'static str, asker: &'static str) -> Request<'static> {
    Request {
        role_arn: Some(role_arn),
        asker: Some(asker),
        ..Request::default()
    }
}

#[test]
fn the_list_says_until_when_a_role_is_in_the_cache_of_the_aws_cli() {
    let cache = Cache::new("cached-roles");
    assert_eq!(cache.left(PLAIN), None);
    cache.put(50, &request(ONE, "AKIAOTHER"));
    assert_eq!(cache.left(PLAIN), None, "of another source profile");
    cache.put(40, &request(ONE, "AKID"));
    assert_eq!(cache.left(PLAIN), Some(40));
    let chained = format!(
        "[profile a]\nrole_arn = {TWO}\nsource_profile = b\nexternal_id = given\n[profile b]\nrole_arn = {ONE}\nsource_profile = k\n"
    );
    let with_external_id = || Request {
        options: AssumeRoleOptions {
            external_id: Some(Secret::new("given")),
            ..AssumeRoleOptions::default()
        },
        ..request(TWO, ONE)
    };
    cache.put(30, &request(TWO, ONE));
    assert_eq!(cache.left(&chained), None, "without the external id");
    cache.put(20, &with_external_id());
    assert_eq!(cache.left(&chained), Some(20));
    cache.put(-1, &with_external_id());
    assert_eq!(cache.left(&chained), None, "expired");
    cache.put(10, &with_external_id());
    assert_eq!(
        cache.left(&chained),
        None,
        "a session would refresh it at once"
    );
    assert_eq!(cache.left(&format!("[profile a]\n{KEYS}")), None);
}

#[test]
fn the_list_counts_only_what_a_session_with_the_same_settings_takes() {
    let mut cache = Cache::new("cached-settings");
    let tags = vec![("a".to_owned(), "b".to_owned())];
    let tagged = |tags: &[(String, String)]| Request {
        options: AssumeRoleOptions {
            tags: tags.to_vec(),
            ..AssumeRoleOptions::default()
        },
        ..request(ONE, "AKID")
    };
    cache.put(50, &tagged(&tags));
    assert_eq!(cache.left(PLAIN), None, "with tags");
    cache
        .layers
        .settings
        .insert("tags".into(), json!({"a": "b"}));
    assert_eq!(cache.left(PLAIN), Some(50));
    cache
        .layers
        .settings
        .insert("tags".into(), json!({"a": "c"}));
    assert_eq!(cache.left(PLAIN), None, "with other tags");

    cache.layers.settings.clear();
    cache.put(40, &request(ONE, "AKID"));
    assert_eq!(cache.left(PLAIN), Some(40));
    let elsewhere = "https://sts.example.com";
    cache
        .variables
        .push(("AWS_ENDPOINT_URL_STS", elsewhere.into()));
    assert_eq!(cache.left(PLAIN), None, "from another endpoint");
    cache.put(
        30,
        &Request {
            endpoint: Some(elsewhere),
            endpoint_is_shared: true,
            ..request(ONE, "AKID")
        },
    );
    assert_eq!(cache.left(PLAIN), Some(30));
    cache
        .layers
        .settings
        .insert("cache".into(), json!("relative"));
    assert_eq!(
        cache.left(PLAIN),
        None,
        "with settings of which no session can be made"
    );
}

#[test]
fn the_list_knows_who_asks_with_a_login_a_token_and_the_environment() {
    let mut cache = Cache::new("cached-askers");
    cache
        .variables
        .push(("AWS_ACCESS_KEY_ID", "AKIAENV".into()));
    cache
        .variables
        .push(("AWS_SECRET_ACCESS_KEY", "canary".into()));
    let role = format!("[profile a]\nrole_arn = {ONE}\n");
    let login = "sso_start_url = https://x\nsso_region = r\nsso_account_id = 1\nsso_role_name = ";
    let cases = [
        (
            format!("{role}source_profile = s\n[profile s]\n{login}R\n"),
            "sso 1 R",
        ),
        (
            format!("{role}source_profile = s\n[profile s]\n{login}S\n"),
            "sso 1 S",
        ),
        (
            format!(
                "{role}source_profile = s\n[profile s]\nrole_arn = {TWO}\nweb_identity_token_file = /t\n"
            ),
            TWO,
        ),
        (
            format!("{role}credential_source = Environment\n"),
            "AKIAENV",
        ),
    ];
    for (config, asker) in &cases {
        cache.put(40, &request(ONE, asker));
        for (other, _) in &cases {
            let expected = (other == config).then_some(40);
            assert_eq!(cache.left(other), expected, "{asker}\n{other}");
        }
        cache.put(-1, &request(ONE, asker));
    }
    let imds = format!("{role}credential_source = Ec2InstanceMetadata\n");
    cache.put(40, &request(ONE, "instance profile 1 R"));
    assert_eq!(cache.left(&imds), None, "only IMDS says whose role it is");
    std::fs::remove_dir_all(cache.home.join(".aws/cli/cache")).unwrap();
    cache.dir = CacheDir::open(cache.home.join(".aws/cli/cache")).unwrap();
    cache.put(40, &request(ONE, "any"));
    let name = CacheKey::new(&request(ONE, "any")).name().to_owned();
    let entry = cache
        .home
        .join(".aws/cli/cache")
        .join(format!("{name}.json"));
    let text = std::fs::read_to_string(&entry).unwrap();
    std::fs::write(&entry, text.replace("LexIdentityAws", "Other")).unwrap();
    for (config, _) in &cases {
        assert_eq!(cache.left(config), Some(40), "the AWS CLI's\n{config}");
    }
    assert_eq!(cache.left(&imds), Some(40), "the AWS CLI's");
}

#[test]
fn the_list_of_many_profiles_is_quick() {
    use std::fmt::Write as _;
    let mut text = String::new();
    for number in 0..3000 {
        writeln!(text, "[profile p{number}]\n{KEYS}").unwrap();
    }
    let start = std::time::Instant::now();
    let all = profiles(&files(&text, ""), &Environment::default(), 0);
    assert_eq!(all.len(), 3000);
    // Ten times what a debug build was measured to take (0.4 s).
    assert!(start.elapsed().as_secs() < 5, "{:?}", start.elapsed());
}
