//! Credentials from a program the profile names (`credential_process`).
//!
//! The command line is split as botocore splits it and no shell sees it. The program gets no input
//! and no terminal, the environment of the session, and a limit of time and of output; past either,
//! it and all it started (its process group) are killed. What it writes to stderr is thrown away,
//! for it may hold secrets. The format is that of the AWS SDKs and Tools Reference Guide, "Process
//! credential provider".
//!
//! The host may reap our child (a `Process.wait` for any child, an ignored SIGCHLD). Then nobody can
//! tell its exit status, and the output alone decides. No signal handler is touched.

pub mod answer;

use crate::{
    credentials::Credentials, environment::Environment, failure::Failure, util::shell_words,
};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
    process::{Pid, Signal, kill_process_group},
};
use std::{
    fmt,
    io::{self, Read as _},
    os::unix::{
        fs::PermissionsExt as _,
        process::{CommandExt as _, ExitStatusExt as _},
    },
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};
use zeroize::Zeroizing;

/// Credentials are a few kilobytes; what prints more is something else.
const OUTPUT_LIMIT: usize = 64 * 1024;

/// Nobody waits longer; a limit without bounds could not be added to a time.
const LONGEST_LIMIT: Duration = Duration::from_hours(24);

/// How often a program is looked at that neither prints nor ends.
const LONGEST_PAUSE: Duration = Duration::from_millis(20);

/// How long a killed program may take to be gone.
const REAP_LIMIT: Duration = Duration::from_millis(500);

/// Says for which profile a program runs, the outermost first, one a line: a program that reads
/// profiles itself can see that it is asked for the very one it was started for.
pub const MARKER: &str = "LEX_IDENTITY_AWS_PROFILE";

/// The error code of such a loop, and what our own program ends with when it meets one.
pub const LOOP_CODE: &str = "CredentialProcessLoop";
const LOOP_STATUS: i32 = 6;
const OUR_PROGRAM: &str = "lex-identity-aws";

/// `environment` for a program that runs for `profile`.
pub(crate) fn marked(environment: &Environment, profile: &str) -> Result<Environment, Failure> {
    let outer = environment.get(MARKER).unwrap_or_default();
    let mut names: Vec<&str> = outer.lines().collect();
    if names.contains(&profile) {
        return Err(looped(&format!(
            "The credential_process of the profile {profile:?}"
        )));
    }
    names.push(profile);
    Ok(environment.with(MARKER, names.join("\n")))
}

fn looped(who: &str) -> Failure {
    let mut failure = Failure::configuration(
        format!(
            "{who} reads the very profile it belongs to, without end. Give its command --profile with another profile, one that has credentials."
        ),
        "",
    );
    failure.code = Some(LOOP_CODE.into());
    failure
}

/// Looks for the program `command` would run, without running it.
pub(crate) fn look_up(command: &str, environment: &Environment) -> Result<PathBuf, Failure> {
    let (program, _) = parsed(command)?;
    find_program(&program.0, environment).ok_or_else(|| not_found(&program))
}

/// Runs `command` and reads the credentials it prints. Blocks the thread, at most for `limit` (and
/// half a second to be rid of a program that was killed).
///
/// `environment` is all the program sees of one; its `PATH` is where the program is looked for.
/// A command that cannot be started is a configuration failure, one past `limit` a time-out, one
/// that fails or prints anything but credentials has none to give.
pub fn run(
    command: &str,
    limit: Duration,
    environment: &Environment,
) -> Result<Credentials, Failure> {
    let deadline = Instant::now() + limit.min(LONGEST_LIMIT);
    let (program, arguments) = parsed(command)?;
    let path = find_program(&program.0, environment).ok_or_else(|| not_found(&program))?;
    // An absolute path also keeps the standard library on posix_spawn: its other way, fork, would
    // run the host's fork handlers.
    let child = Command::new(path)
        .arg0(&program.0)
        .args(arguments)
        .env_clear()
        .envs(environment.iter())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .map_err(|error| {
            Failure::configuration(
                format!(
                    "{program} cannot be started: {error}. Check the file and its permissions."
                ),
                "",
            )
        })?;
    let mut running = Running::new(child);
    match running.finish(deadline) {
        Ok(ended) => judged(&program, ended, &running.output),
        Err(Stopped::Late) => Err(Failure::timeout(
            format!(
                "{program} gave no credentials within {} s and was killed. It has no terminal to ask on; run it by hand to see what it waits for, or raise process_timeout.",
                limit.as_secs_f64()
            ),
            "",
        )),
        Err(Stopped::TooMuch) => Err(Failure::no_credentials(
            format!(
                "{program} printed more than {OUTPUT_LIMIT} bytes and was killed. It must print one JSON object with the credentials and nothing else."
            ),
            "",
        )),
        Err(Stopped::Broken(error)) => Err(Failure::internal(
            format!("{program} cannot be watched: {error}."),
            "",
        )),
    }
}

/// Where `program` is, and that it can be run: as written if it names a folder, else on `PATH`.
fn find_program(program: &str, environment: &Environment) -> Option<PathBuf> {
    let runnable = |path: PathBuf| {
        let found = std::fs::metadata(&path).ok()?;
        (found.is_file() && found.permissions().mode() & 0o111 != 0).then_some(path)
    };
    if program.contains('/') {
        return runnable(std::path::absolute(program).ok()?);
    }
    let folders = environment.get("PATH").unwrap_or("/bin:/usr/bin");
    folders
        .split(':')
        .find_map(|folder| runnable(std::path::absolute(Path::new(folder).join(program)).ok()?))
}

/// The first word of the command line: the only one that is ever shown.
struct Program(String);

/// Something like `TOKEN=… helper` is a mistake, and what follows the `=` not ours to show.
impl fmt::Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.split_once('=') {
            None => write!(f, "The credential_process \"{}\"", self.0),
            Some((name, _)) => write!(f, "The credential_process \"{name}=...\""),
        }
    }
}

fn parsed(command: &str) -> Result<(Program, Vec<String>), Failure> {
    let mut words = shell_words::split(command)
        .map_err(|why| {
            Failure::configuration(
                format!(
                    "The credential_process cannot be split into words: {}. Check its quotes.",
                    why.as_str()
                ),
                "",
            )
        })?
        .into_iter();
    match words.next() {
        Some(program) if !program.is_empty() => Ok((Program(program), words.collect())),
        _ => Err(Failure::configuration(
            "The credential_process names no program. Write a command after it, or remove the line.",
            "",
        )),
    }
}

fn not_found(program: &Program) -> Failure {
    let place = if program.0.contains('/') {
        "at that path"
    } else {
        "on PATH"
    };
    Failure::configuration(
        format!(
            "{program} is no program {place}. It runs without a shell: ~, $NAME, pipes and NAME=value before it mean nothing; write the whole path, or sh -c '...'."
        ),
        "",
    )
}

/// A program at work. Whatever way this ends but the regular one, the process group is killed.
struct Running {
    child: Child,
    output_pipe: Option<ChildStdout>,
    output: Zeroizing<Vec<u8>>,
    ended: Option<Ended>,
    regular: bool,
}

#[derive(Clone, Copy)]
enum Ended {
    With(ExitStatus),
    /// Somebody else reaped it.
    Unknown,
}

enum Stopped {
    Late,
    TooMuch,
    Broken(io::Error),
}

impl Running {
    fn new(mut child: Child) -> Self {
        Self {
            output_pipe: child.stdout.take(),
            child,
            // Never grows: growing would leave copies of secrets behind.
            output: Zeroizing::new(Vec::with_capacity(OUTPUT_LIMIT + 1)),
            ended: None,
            regular: false,
        }
    }

    /// Reads until the output is closed and the program gone.
    ///
    /// Something the program left behind may hold the output open (a daemon it started). So once
    /// the program is gone, a failed status or good credentials are enough.
    fn finish(&mut self, deadline: Instant) -> Result<Ended, Stopped> {
        let mut pause = Duration::from_millis(1);
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(Stopped::Late);
            }
            let read = self.read(pause.min(left))?;
            if self.output.len() > OUTPUT_LIMIT {
                return Err(Stopped::TooMuch);
            }
            if read {
                continue;
            }
            if let Some(ended) = self.look().map_err(Stopped::Broken)?
                && (self.output_pipe.is_none() || ended.badly() || self.has_credentials())
                // What it printed last may have come between the reading and its end.
                && !self.read(Duration::ZERO)?
            {
                self.regular = true;
                return Ok(ended);
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Reads once, if within `pause` there is something to read; false if there is nothing.
    fn read(&mut self, pause: Duration) -> Result<bool, Stopped> {
        let Some(pipe) = &mut self.output_pipe else {
            thread::sleep(pause);
            return Ok(false);
        };
        if !readable(pipe, pause).map_err(Stopped::Broken)? {
            return Ok(false);
        }
        let room = OUTPUT_LIMIT + 1 - self.output.len();
        let mut chunk = Zeroizing::new([0; 4096]);
        let size = room.min(chunk.len());
        match pipe.read(&mut chunk[..size]) {
            Ok(0) => {
                self.output_pipe = None;
                Ok(false)
            }
            Ok(count) => {
                self.output.extend_from_slice(&chunk[..count]);
                Ok(true)
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(true),
            Err(error) => Err(Stopped::Broken(error)),
        }
    }

    fn look(&mut self) -> io::Result<Option<Ended>> {
        if self.ended.is_none() {
            self.ended = match self.child.try_wait() {
                Ok(status) => status.map(Ended::With),
                Err(error) if error.raw_os_error() == Some(Errno::CHILD.raw_os_error()) => {
                    Some(Ended::Unknown)
                }
                Err(error) => return Err(error),
            };
        }
        Ok(self.ended)
    }

    fn has_credentials(&self) -> bool {
        answer::read(&self.output).is_ok()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.regular {
            return;
        }
        if let Some(group) = Pid::from_raw(self.child.id().cast_signed()) {
            // Nobody left to kill is as good.
            let _ = kill_process_group(group, Signal::KILL);
        }
        let deadline = Instant::now() + REAP_LIMIT;
        while matches!(self.look(), Ok(None)) && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(1));
        }
    }
}

impl Ended {
    fn badly(self) -> bool {
        matches!(self, Self::With(status) if !status.success())
    }
}

fn readable(pipe: &ChildStdout, within: Duration) -> io::Result<bool> {
    let limit = Timespec {
        tv_sec: within.as_secs().try_into().unwrap_or(i64::MAX),
        tv_nsec: within.subsec_nanos().into(),
    };
    match poll(&mut [PollFd::new(pipe, PollFlags::IN)], Some(&limit)) {
        Ok(ready) => Ok(ready > 0),
        Err(Errno::INTR) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

fn judged(program: &Program, ended: Ended, output: &[u8]) -> Result<Credentials, Failure> {
    if let Ended::With(status) = ended
        && !status.success()
    {
        if status.code() == Some(LOOP_STATUS) && Path::new(&program.0).ends_with(OUR_PROGRAM) {
            return Err(looped(&program.to_string()));
        }
        let how = match (status.code(), status.signal()) {
            (Some(code), _) => format!("ended with status {code}"),
            (None, Some(signal)) => format!("was killed by signal {signal}"),
            (None, None) => "failed".into(),
        };
        return Err(Failure::no_credentials(
            format!(
                "{program} {how}. Run it by hand to see why: its error output may hold secrets and is not shown."
            ),
            "",
        ));
    }
    answer::read(output).map_err(|what| {
        Failure::no_credentials(format!(
            "{program} {what}. It must print {{\"Version\": 1, \"AccessKeyId\": ..., \"SecretAccessKey\": ...}}, with SessionToken and Expiration if they are temporary."
        ), "")
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::{failure::Kind, util::time};
    use rustix::process::test_kill_process;

    #[test]
    fn a_profile_that_is_run_for_is_not_run_again() {
        let first = marked(&Environment::default(), "outer").unwrap();
        let second = marked(&first, "inner, with a comma").unwrap();
        assert_eq!(second.get(MARKER).unwrap(), "outer\ninner, with a comma");
        for name in ["outer", "inner, with a comma"] {
            let failure = marked(&second, name).unwrap_err();
            assert_eq!(failure.code.as_deref(), Some(LOOP_CODE));
            assert!(failure.message().contains(name), "{}", failure.message());
        }
        assert!(marked(&second, "inner").is_ok());
    }

    #[test]
    fn what_our_own_program_ends_with_is_understood() {
        let program = |name: &str| Program(name.to_owned());
        let ended = Ended::With(ExitStatus::from_raw(LOOP_STATUS << 8));
        let failure = judged(&program("/opt/bin/lex-identity-aws"), ended, b"").unwrap_err();
        assert_eq!(failure.code.as_deref(), Some(LOOP_CODE));
        let failure = judged(&program("/opt/bin/other"), ended, b"").unwrap_err();
        assert!(
            failure.message().contains("ended with status 6"),
            "{}",
            failure.message()
        );
    }

    const AMPLE: Duration = Duration::from_secs(20);
    const GOOD: &str =
        r#"{"Version": 1, "AccessKeyId": "AKID", "SecretAccessKey": "canary-secret"}"#;

    fn environment() -> Environment {
        Environment::new([("PATH", "/usr/bin:/bin")])
    }

    fn shell(script: &str) -> Result<Credentials, Failure> {
        shell_within(script, AMPLE)
    }

    fn shell_within(script: &str, limit: Duration) -> Result<Credentials, Failure> {
        let environment = environment().with("SCRIPT", script);
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
        let set = shell(
            r#"echo '{"Version": 1, "AccessKeyId": "AKID", "SecretAccessKey": "s", "SessionToken": "t",
               "Expiration": "2030-01-02T04:04:05.5+01:00", "AccountId": "123456789012", "More": [1]}'"#,
        )
        .unwrap();
        assert_eq!(set.access_key_id, "AKID");
        assert_eq!(set.secret_access_key.expose(), "s");
        assert_eq!(set.session_token.unwrap().expose(), "t");
        assert_eq!(
            set.expires_at,
            time::parse_iso8601("2030-01-02T03:04:05.500Z")
        );
        assert_eq!(set.account_id.as_deref(), Some("123456789012"));
        assert_eq!(set.source, "credential_process");
    }

    #[test]
    fn keys_alone_are_enough() {
        let set = shell(&format!("echo '{GOOD}'")).unwrap();
        assert_eq!(
            (set.session_token, set.expires_at, set.account_id),
            (None, None, None)
        );
    }

    #[test]
    fn no_shell_sees_the_command() {
        let command = format!("printf %s '{GOOD}'");
        assert!(run(&command, AMPLE, &environment()).is_ok());
        let command = r#"printf %s%s%s {\"Version\":1,\"AccessKeyId\":\"$HOME ;#|&\", '"SecretAccessKey":' '"*"}'"#;
        let command = command.replace("$HOME ;#|&", "'$HOME ;#|&'");
        let set = run(&command, AMPLE, &environment()).unwrap();
        assert_eq!(set.access_key_id, "$HOME ;#|&");
        assert_eq!(set.secret_access_key.expose(), "*");
    }

    #[test]
    fn the_program_sees_the_given_environment_only_and_no_input() {
        let given = environment().with("GIVEN", "given");
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
            &["no program at that path"],
        );
        says(
            refused("/etc/passwd canary"),
            Kind::Configuration,
            &["no program at that path"],
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

    /// Dead, or a zombie that nobody has reaped yet.
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
}
