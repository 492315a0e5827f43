//! Real programs, mostly `sh`.

use super::*;
use crate::util::time;
use rustix::process::{Pid, test_kill_process};
use std::{os::unix::fs::PermissionsExt as _, process::ExitStatus, thread};

#[test]
fn a_profile_that_is_run_for_is_not_run_again() {
    let first = marked(None, "outer").unwrap();
    let second = marked(Some(&first), "inner, with a comma").unwrap();
    assert_eq!(second, "outer\ninner, with a comma");
    for name in ["outer", "inner, with a comma"] {
        let failure = marked(Some(&second), name).unwrap_err();
        assert_eq!(failure.kind, Kind::ProcessLoop);
        assert!(failure.message().contains(name), "{}", failure.message());
    }
    assert!(marked(Some(&second), "inner").is_ok());
}

#[test]
fn what_our_own_program_ends_with_is_understood() {
    let program = |name: &str| Program(name.to_owned());
    let exit = Exit::With(ExitStatus::from_raw(LOOP_STATUS << 8));
    let failure = judged(&program("/opt/bin/lex-identity-aws"), exit, b"").unwrap_err();
    assert_eq!(failure.kind, Kind::ProcessLoop);
    let failure = judged(&program("/opt/bin/other"), exit, b"").unwrap_err();
    assert!(
        failure.message().contains("ended with status 6"),
        "{}",
        failure.message()
    );
}

const AMPLE: Duration = Duration::from_secs(20);
const GOOD: &str = r#"{"Version": 1, "AccessKeyId": "AKID", "SecretAccessKey": "canary-secret"}"#;

const PATH: (&str, &str) = ("PATH", "/usr/bin:/bin");

fn environment() -> Environment {
    Environment::new([PATH])
}

fn environment_with(name: &str, value: &str) -> Environment {
    Environment::new([PATH, (name, value)])
}

fn shell(script: &str) -> Result<Credentials, Failure> {
    shell_within(script, AMPLE)
}

fn shell_within(script: &str, limit: Duration) -> Result<Credentials, Failure> {
    let environment = environment_with("SCRIPT", script);
    run("sh -c 'eval \"$SCRIPT\"'", limit, &environment)
}

fn says(result: Result<Credentials, Failure>, kind: Kind, parts: &[&str]) {
    let failure = result.unwrap_err();
    assert_eq!(failure.kind, kind, "{failure}");
    for part in parts {
        assert!(
            failure.message().contains(part),
            "{part:?} is not in: {failure}"
        );
    }
    assert!(!failure.message().contains("canary"), "{failure}");
}

#[test]
fn reads_a_full_answer() {
    let found = shell(
        r#"echo '{"Version": 1, "AccessKeyId": "AKID", "SecretAccessKey": "s", "SessionToken": "t",
           "Expiration": "2030-01-02T04:04:05.5+01:00", "AccountId": "123456789012", "More": [1]}'"#,
    )
    .unwrap();
    assert_eq!(found.access_key_id, "AKID");
    assert_eq!(found.secret_access_key.expose(), "s");
    assert_eq!(found.session_token.unwrap().expose(), "t");
    assert_eq!(found.expires_at, time::parse("2030-01-02T03:04:05.500Z"));
    assert_eq!(found.account_id.as_deref(), Some("123456789012"));
    assert_eq!(found.source, "credential_process");
}

#[test]
fn keys_alone_are_enough() {
    let found = shell(&format!("echo '{GOOD}'")).unwrap();
    assert_eq!(
        (found.session_token, found.expires_at, found.account_id),
        (None, None, None)
    );
}

#[test]
fn no_shell_sees_the_command() {
    let command = format!("printf %s '{GOOD}'");
    assert!(run(&command, AMPLE, &environment()).is_ok());
    let command = r#"printf %s%s%s {\"Version\":1,\"AccessKeyId\":\"AKIA\", '"SecretAccessKey":' '"$HOME ;#|&*"}'"#;
    let found = run(command, AMPLE, &environment()).unwrap();
    assert_eq!(found.access_key_id, "AKIA");
    assert_eq!(found.secret_access_key.expose(), "$HOME ;#|&*");
}

#[test]
fn the_program_sees_the_given_environment_only_and_no_input() {
    let given = environment_with("GIVEN", "given");
    let command = r#"sh -c 'test "$GIVEN" = given && test -z "$CARGO_MANIFEST_DIR" && ! read -r line && echo "$0"' "#;
    let command = format!("{command} '{GOOD}'");
    assert!(std::env::var_os("CARGO_MANIFEST_DIR").is_some());
    assert!(run(&command, AMPLE, &given).is_ok());
}

#[test]
fn a_defect_of_the_answer_is_named_and_not_shown() {
    let answer = r#"{"Version": 1, "SecretAccessKey": "canary"}"#;
    says(
        shell(&format!("echo '{answer}'")),
        Kind::NoCredentials,
        &[
            "The credential_process \"sh\" printed no AccessKeyId",
            "must print",
        ],
    );
    says(shell("true"), Kind::NoCredentials, &["printed nothing"]);
}

#[test]
fn a_failed_program_is_told_by_status_or_signal_without_its_words() {
    let script = format!("echo '{GOOD}'; echo canary >&2; exit 3");
    says(
        shell(&script),
        Kind::NoCredentials,
        &["ended with status 3", "by hand"],
    );
    says(
        shell("kill -9 $$"),
        Kind::NoCredentials,
        &["killed by signal 9"],
    );
}

#[test]
fn what_cannot_be_started_says_so() {
    let refused = |command: &str| run(command, AMPLE, &environment());
    says(
        refused("no-such-program canary"),
        Kind::Configuration,
        &["\"no-such-program\" is no program on PATH"],
    );
    says(
        refused("~/bin/helper canary"),
        Kind::Configuration,
        &["no program at that path", "without a shell"],
    );
    says(
        refused("/etc canary"),
        Kind::Configuration,
        &["is a directory or a device at that path"],
    );
    says(
        refused("/etc/passwd canary"),
        Kind::Configuration,
        &["may not be executed", "chmod +x /etc/passwd"],
    );
    says(
        refused("TOKEN=canary helper"),
        Kind::Configuration,
        &["\"TOKEN=...\""],
    );
    says(
        refused("helper 'canary"),
        Kind::Configuration,
        &["a quote is opened"],
    );
    says(refused("  "), Kind::Configuration, &["names no program"]);
    says(refused("''"), Kind::Configuration, &["names no program"]);
}

/// Missing, not executable, and an interpreter that is not there have three remedies.
#[test]
fn a_program_that_is_there_and_cannot_be_started_says_why() {
    let folder = std::env::temp_dir().join(format!("aws-identity-start-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let written = |name: &str, text: &str, mode: u32| {
        let path = folder.join(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    written("plain", "#!/bin/sh\n", 0o600);
    written("absent", "#! /no/such/interpreter canary\n", 0o700);
    written("crlf", "#!/bin/sh\r\necho\r\n", 0o700);
    written("text", "canary: no program\n", 0o700);
    written("good", &format!("#!/bin/sh\necho '{GOOD}'\n"), 0o700);
    let environment = Environment::new([("PATH", format!("{}:/usr/bin:/bin", folder.display()))]);
    for (name, said) in [
        ("plain", &["may not be executed", "chmod +x"][..]),
        ("absent", &["run by \"/no/such/interpreter\"", "first line"]),
        ("crlf", &["its lines end with CR LF", "LF line ends"]),
        (
            "text",
            &["neither a program of this system nor a script", "#!/bin/sh"],
        ),
        ("other", &["no program on PATH"]),
    ] {
        says(
            run(&format!("{name} canary"), AMPLE, &environment),
            Kind::Configuration,
            said,
        );
    }
    // The system does not say whether it is there.
    std::os::unix::fs::symlink("ring", folder.join("ring")).unwrap();
    says(
        run(
            &format!("{}/ring canary", folder.display()),
            AMPLE,
            &environment,
        ),
        Kind::Configuration,
        &["cannot be found at that path: ", "Check the path."],
    );
    // One that cannot be executed does not hide another of its name.
    std::fs::create_dir(folder.join("echo")).unwrap();
    assert!(run(&format!("echo '{GOOD}'"), AMPLE, &environment).is_ok());
    assert!(run("good", AMPLE, &environment).is_ok());
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn past_the_limit_the_whole_group_is_killed() {
    let noted = std::env::temp_dir().join(format!("aws-identity-group-{}", std::process::id()));
    let script = format!("sleep 60 & echo $! > '{}'; wait", noted.display());
    let start = Instant::now();
    says(
        shell_within(&script, Duration::from_millis(1500)),
        Kind::Timeout,
        &["within 1.5 s", "process_timeout"],
    );
    assert!(
        start.elapsed() < Duration::from_secs(5),
        "{:?}",
        start.elapsed()
    );
    let pid = std::fs::read_to_string(&noted)
        .unwrap()
        .trim()
        .parse()
        .unwrap();
    std::fs::remove_file(&noted).unwrap();
    assert!(gone(pid), "the grandchild {pid} lives");
}

/// True if the process has exited, reaped or not.
fn gone(pid: i32) -> bool {
    for _ in 0..200 {
        let state = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let zombie = state
            .rsplit(')')
            .next()
            .is_some_and(|rest| rest.trim_start().starts_with('Z'));
        if zombie || test_kill_process(Pid::from_raw(pid).unwrap()).is_err() {
            return true;
        }
        thread::sleep(Duration::from_millis(10));
    }
    false
}

#[test]
fn past_the_output_limit_it_is_killed() {
    let start = Instant::now();
    says(
        shell("yes canary"),
        Kind::NoCredentials,
        &["more than 65536 bytes"],
    );
    assert!(
        start.elapsed() < Duration::from_secs(5),
        "{:?}",
        start.elapsed()
    );
    let padded = format!(
        "echo '{GOOD}'; head -c {} /dev/zero | tr '\\0' ' '",
        OUTPUT_LIMIT - GOOD.len() - 1
    );
    assert!(shell(&padded).is_ok(), "exactly the limit is allowed");
}

#[test]
fn something_left_behind_that_holds_the_output_does_not_hold_us() {
    let start = Instant::now();
    assert!(shell(&format!("sleep 30 & echo '{GOOD}'")).is_ok());
    says(
        shell("sleep 30 & exit 4"),
        Kind::NoCredentials,
        &["status 4"],
    );
    assert!(
        start.elapsed() < Duration::from_secs(5),
        "{:?}",
        start.elapsed()
    );
    let late = format!("(sleep 0.3; echo '{GOOD}') & exit 0");
    assert!(shell(&late).is_ok(), "and may still be the one that prints");
    says(
        shell_within("sleep 30 & exit 0", Duration::from_millis(300)),
        Kind::Timeout,
        &["0.3 s"],
    );
}

#[test]
fn output_closed_early_still_waits_for_the_status() {
    let script = format!("echo '{GOOD}'; exec >&-; sleep 0.2; exit 5");
    says(shell(&script), Kind::NoCredentials, &["status 5"]);
}

/// Quotes around the whole command make one word of it, with a secret in it.
#[test]
fn no_word_beyond_the_program_is_shown() {
    for command in [
        "\"/opt/bin/tool --user a --password canary\"",
        "'/opt/bin/tool\tcanary'",
        "/opt/bin/tool\\ canary",
        "'/opt/bin/tool\u{a0}canary' and more",
        "'/opt/bin/tool --password=canary'",
    ] {
        let failure = run(command, AMPLE, &environment()).unwrap_err();
        let said = failure.message();
        assert!(!said.contains("canary"), "{said}");
        assert!(said.contains("\"/opt/bin/tool ...\""), "{said}");
        assert!(said.contains("quotes around the path"), "{said}");
    }
}

#[test]
fn a_program_whose_path_has_a_blank_runs() {
    let folder = std::env::temp_dir().join(format!("my tools {}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let program = folder.join("give it");
    std::fs::copy("/bin/echo", &program).unwrap();
    let command = format!("\"{}\" '{GOOD}'", program.display());
    let found = run(&command, AMPLE, &environment());
    std::fs::remove_dir_all(&folder).unwrap();
    assert!(found.is_ok(), "{found:?}");
}

#[test]
fn a_program_that_is_being_written_may_be_started_the_next_time() {
    let path = std::env::temp_dir().join(format!("being-written-{}", std::process::id()));
    std::fs::copy("/bin/true", &path).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    let writer = std::fs::OpenOptions::new()
        .append(true)
        .open(&path)
        .unwrap();
    let result = run(path.to_str().unwrap(), AMPLE, &environment());
    drop(writer);
    std::fs::remove_file(&path).unwrap();
    says(result, Kind::NoCredentials, &["cannot be started"]);
}
