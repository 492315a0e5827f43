//! What files and variables say, as a fetch takes it, and what its failure says of what was set aside.

use crate::support::{Machine, keys_profile, text};
use aws_identity::{failure::Kind, util::time};
use fake_aws::world;

const ROLE: &str = "role_arn = arn:aws:iam::123456789012:role/legion-worker\n";

fn says(message: &str, parts: &[&str]) {
    for part in parts {
        assert!(message.contains(part), "{part:?} is not in: {message}");
    }
}

#[test]
fn the_search_says_that_nothing_names_credentials_only_where_that_is_so() {
    let nothing = "Nothing names AWS credentials here";
    for config in ["", "[default]\nregion = eu-west-1\n[plugins]\nx = y\n"] {
        let failure = Machine::bare().config(config).failure();
        assert_eq!(failure.kind, Kind::NotOnAws);
        says(&failure.message(), &[nothing]);
    }
    let folder = Machine::bare();
    let directory = text(&folder.home()).to_owned();
    for (machine, parts) in [
        (folder.env("AWS_SHARED_CREDENTIALS_FILE", &directory), &["AWS_SHARED_CREDENTIALS_FILE names", "not a regular file"][..]),
        (Machine::bare().env("AWS_CONFIG_FILE", "/no/such/file"), &["AWS_CONFIG_FILE names /no/such/file", "missing"]),
        (Machine::bare().credentials_file(&keys_profile("default")).env("AWS_SHARED_CREDENTIALS_FILE", ""), &["is blank"]),
        (
            Machine::bare().config(&format!("{}[profile default]\nregion = r\n", keys_profile("default"))),
            &["has the profile \"default\" twice", "Merge its two sections"],
        ),
        (Machine::bare().config(&keys_profile("prod")), &["[prod] in the config file is set aside", "[profile prod]"]),
        (Machine::bare().config(&keys_profile("profile my dev")), &["[profile my dev]", "[profile 'my dev']"]),
        (
            Machine::bare().credentials_file("[default]\nexport AWS_ACCESS_KEY_ID=x\nexport AWS_SECRET_ACCESS_KEY=canary\n"),
            &["export aws_access_key_id"],
        ),
        (
            Machine::bare().config("[profile dev]\nregion = eu-west-1\n").env("AWS_PROFILE", "dev"),
            &["\"dev\"", "environment AWS_PROFILE", "holds no credentials"],
        ),
        (
            Machine::bare().config("[profile dev]\nsso_session = s\n").env("AWS_PROFILE", "dev"),
            &["lacks sso_account_id and sso_role_name"],
        ),
        (
            Machine::bare().credentials_file(&keys_profile("work")),
            &["The profile \"work\" is configured, but not named", "AWS_PROFILE"],
        ),
        (
            Machine::bare()
                .config(&format!("[default]\nregion = r\n{}[profile b]\ncredential_process = x\n", keys_profile("profile a"))),
            &["The profiles \"a\", \"b\" are configured, but none is named"],
        ),
    ] {
        let failure = machine.failure();
        assert_eq!(failure.kind, Kind::NotOnAws, "{failure}");
        says(&failure.message(), parts);
        assert!(!failure.message().contains(nothing), "{failure}");
    }
}

#[test]
fn a_file_that_cannot_be_read_is_named_where_the_search_ends() {
    let machine = Machine::bare();
    let file = machine.home().join(".aws/credentials");
    std::os::unix::fs::symlink(&file, &file).unwrap();
    says(&machine.failure().message(), &[text(&file), "unreadable", "readable for this user"]);
    let machine = Machine::bare();
    let file = machine.home().join(".aws/config");
    std::os::unix::fs::symlink("/no/such/secret/mount", &file).unwrap();
    says(&machine.failure().message(), &[text(&file), "a link to a file that is missing", "remove the link"]);
}

#[test]
fn a_named_profile_without_credentials_says_what_was_meant() {
    let machine = Machine::bare().config("[profile dev]\naws_secret_key = canary\n").option("profile", "dev");
    says(&machine.failure().message(), &["\"dev\" holds no credentials", "aws_secret_key", "aws_secret_access_key"]);
}

#[test]
fn a_source_profile_is_named_whole_as_the_aws_cli_names_it() {
    let other = "[base]\naws_access_key_id = AKIAOTHER\naws_secret_access_key = canary\n";
    let machine = Machine::bare()
        .config(&format!("[profile a]\n{ROLE}source_profile = base #2\n"))
        .credentials_file(&format!("{other}{}", keys_profile("base #2")))
        .option("profile", "a");
    assert!(machine.fetch().unwrap().arn().contains("assumed-role/legion-worker/"));
}

#[test]
fn a_file_with_cr_line_ends_is_read() {
    let machine = Machine::bare().credentials_file(&keys_profile("default").replace('\n', "\r"));
    assert_eq!(machine.fetch().unwrap().arn(), world::DEMO_USER);
}

#[test]
fn the_expiration_of_exported_credentials_is_theirs() {
    let role = "[default]\nrole_arn = arn:aws:iam::123456789012:role/legion-worker\ncredential_source = Environment\n";
    let machine = Machine::with_keys().env("AWS_CREDENTIAL_EXPIRATION", "2199-01-01 00:00:00 +0000");
    let expected = time::parse("2199-01-01T00:00:00Z");
    assert_eq!(machine.fetch().unwrap().credentials.expires_at, expected);
    let wrong = Machine::with_keys().env("AWS_CREDENTIAL_EXPIRATION", "2199-01-01T00:00:00").failure();
    assert_eq!(wrong.kind, Kind::Configuration);
    // One that cannot be read is an error for a role too.
    let machine = Machine::with_keys().config(role).option("profile", "default").env("AWS_CREDENTIAL_EXPIRATION", "soon");
    says(&machine.failure().message(), &["AWS_CREDENTIAL_EXPIRATION"]);
}

#[test]
fn the_shape_of_refused_keys_is_said_first() {
    let keys = |id: &str, secret: &str| Machine::bare().env("AWS_ACCESS_KEY_ID", id).env("AWS_SECRET_ACCESS_KEY", secret);
    let quoted = format!("\"{}\"", world::DEMO_KEY_ID);
    for (machine, what) in [
        (keys(&quoted, world::DEMO_SECRET), "The access key id has quotation marks"),
        (keys(world::DEMO_KEY_ID, "'canary'"), "The secret access key has quotation marks"),
        (keys("ASIADEMO", "canary"), "no session token"),
        (keys("ASIADEMO", "canary").option("role_arn", "arn:aws:iam::123456789012:role/legion-worker"), "no session token"),
        (keys("ASIADEMO", "canary").option("get_session_token", true), "no session token"),
        (
            keys(world::DEMO_KEY_ID, world::DEMO_SECRET).env("AWS_SESSION_TOKEN", "canary"),
            "session token, which belongs to other keys",
        ),
        (
            keys(world::DEMO_KEY_ID, world::DEMO_SECRET).env("AWS_SECURITY_TOKEN", "canary"),
            "session token, which belongs to other keys",
        ),
    ] {
        let failure = machine.failure_of_identity();
        assert!(failure.cause.starts_with("The "), "{failure}");
        says(&failure.cause, &[what]);
    }
    let odd = keys("AKIA\u{200b}DEMO", "canary");
    says(&odd.failure().cause, &["AWS_ACCESS_KEY_ID is not"]);
    assert!(odd.aws.requests().is_empty());
    let fine = keys("AKIADEMOUNKNOWN", "canary").failure_of_identity();
    assert!(fine.cause.starts_with("sts:GetCallerIdentity"), "{fine}");
}

#[test]
fn where_keys_of_a_profile_are_refused_the_way_passed_over_is_named() {
    let keys = "[a]\naws_access_key_id = ASIAOLD\naws_secret_access_key = canary\naws_session_token = canary\n";
    let machine = || Machine::bare().credentials_file(keys).option("profile", "a");
    let passed = ["beside credential_process, which is passed over"];
    let base = machine().config("[profile a]\ncredential_process = true\n");
    says(&base.failure_of_identity().message(), &passed);
    let role = machine().config(&format!("[profile a]\n{ROLE}source_profile = a\ncredential_process = true\n"));
    says(&role.failure_of_identity().message(), &passed);
    let alone = machine().config("[profile a]\nregion = eu-west-1\n").failure_of_identity().message();
    assert!(!alone.contains("passed over"), "{alone}");
}

#[test]
fn a_tilde_in_paths_of_profile_and_environment_is_home() {
    let role = world::IRSA_ROLE;
    let profile = format!("[default]\nrole_arn = {role}\nweb_identity_token_file = ~/token\n");
    for machine in [
        Machine::bare().config(&profile),
        Machine::bare().env("AWS_WEB_IDENTITY_TOKEN_FILE", "~/token").env("AWS_ROLE_ARN", role),
        Machine::bare().option("web_identity_token_file", "~/token").option("role_arn", role),
    ] {
        std::fs::write(machine.home().join("token"), world::IRSA_TOKEN).unwrap();
        assert!(machine.fetch().unwrap().arn().contains("assumed-role/irsa-app/"));
    }
    let bundle = Machine::with_keys().config("[default]\nca_bundle = ~/no-such.pem\n");
    let url = bundle.aws.https_url();
    let bundle = bundle.env("AWS_ENDPOINT_URL", &url);
    let message = bundle.failure_of_identity().message();
    says(&message, &[text(&bundle.home().join("no-such.pem"))]);
}
