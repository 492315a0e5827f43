//! Credentials of a program that the profile names (`credential_process`).
//!
//! Written here, because `CredentialProcessProvider` of aws-config 1.13.0 hands the command to
//! `sh -c`, sets no limit of time or output, and puts the program's stderr into its error.
//!
//! The command line is split as botocore splits it and no shell sees it. The program gets no input
//! and no terminal, the environment of the session, and a limit of time and of output; past either,
//! its process group is killed. What it writes to stderr is discarded, since it may hold secrets.
//! The format is that of the AWS SDKs and Tools Reference Guide, "Process credential provider".
//!
//! The application may reap the program (a `Process.wait` for any child, an ignored SIGCHLD). Then
//! its exit status is lost, and only the output decides. No signal handler is changed.

pub mod answer;
mod running;

use super::{
    context::{Context, Local},
    source::{Availability, Provided},
};
use crate::{
    credentials::{Credentials, Secret},
    environment::Environment,
    failure::{Failure, Kind},
    util::shell_words,
};
use running::{Exit, OUTPUT_LIMIT, Running, Stopped};
use std::{
    fmt,
    os::unix::{
        fs::PermissionsExt as _,
        process::{CommandExt as _, ExitStatusExt as _},
    },
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};
use tokio::task::spawn_blocking;

/// The longest limit, so that adding it to an `Instant` cannot overflow.
const LONGEST_LIMIT: Duration = Duration::from_hours(24);

/// Names the profiles for which a program runs, the outermost first, one a line, so that a program
/// that reads profiles itself can detect that it was started for the one it is about to read.
pub const MARKER: &str = "LEX_IDENTITY_AWS_PROFILE";

/// The exit status of this gem's own program when it detects such a loop.
const LOOP_STATUS: i32 = 6;
const OUR_PROGRAM: &str = "lex-identity-aws";

pub(super) async fn provide(
    context: &Context<'_>,
    command: &Secret,
    account_id: Option<&str>,
    profile: &str,
) -> Result<Provided, Failure> {
    // A program may take longer than the network, but not longer than the caller's cap.
    let (settings, deadline) = (context.settings, context.deadline);
    let most = match settings.deadline_cap {
        Some(cap) => whole_tenths(cap.saturating_sub(deadline.took())),
        None => Duration::MAX,
    };
    let limit = settings.process_timeout.value.min(most);
    let environment = marked(context.local.environment, profile)?;
    let command = command.clone();
    let run = spawn_blocking(move || run(command.expose(), limit, &environment));
    let _paused = deadline.pause_for_program();
    let mut credentials = run.await.map_err(|_| {
        Failure::internal(
            "The thread that ran credential_process ended early.",
            "Report it; the next request works.",
        )
    })??;
    credentials.account_id = credentials
        .account_id
        .or_else(|| account_id.map(str::to_owned));
    Ok(credentials.into())
}

/// Looks for the program, without running it.
pub(super) fn check(local: &Local<'_>, command: &Secret) -> Availability {
    let found = parsed(command.expose()).and_then(|(program, _)| {
        find_program(&program.0, local.environment).ok_or_else(|| not_found(&program))
    });
    match found {
        Ok(path) => Availability::Available(format!("{} can be run", path.display())),
        Err(failure) => Availability::Unusable(failure),
    }
}

/// Rounds a limit down for messages, so that the result does not exceed the limit.
fn whole_tenths(time: Duration) -> Duration {
    let tenths = u64::try_from(time.as_millis() / 100).unwrap_or(u64::MAX / 100);
    Duration::from_millis(tenths * 100)
}

/// `environment` for a program that runs for `profile`.
fn marked(environment: &Environment, profile: &str) -> Result<Environment, Failure> {
    let mut names: Vec<&str> = environment
        .get(MARKER)
        .iter()
        .flat_map(|names| names.lines())
        .collect();
    if names.contains(&profile) {
        return Err(looped(&format!(
            "The credential_process of the profile {profile:?}"
        )));
    }
    names.push(profile);
    Ok(environment.with(MARKER, names.join("\n")))
}

fn looped(program: &str) -> Failure {
    Failure::new(
        Kind::ProcessLoop,
        format!("{program} reads the very profile it belongs to, without end."),
        "Give its command --profile with another profile, one that has credentials.",
    )
}

/// Runs `command` and reads the credentials it prints. Blocks the thread for at most `limit`, and
/// half a second more until a killed program has exited.
///
/// The program sees `environment` and no other variable; its `PATH` is where it is looked for.
/// A command that cannot be started is a configuration failure, one past `limit` a time-out, one
/// that fails or prints anything but credentials a failure without credentials.
pub fn run(
    command: &str,
    limit: Duration,
    environment: &Environment,
) -> Result<Credentials, Failure> {
    let deadline = Instant::now() + limit.min(LONGEST_LIMIT);
    let (program, arguments) = parsed(command)?;
    let path = find_program(&program.0, environment).ok_or_else(|| not_found(&program))?;
    // An absolute path also keeps the standard library on posix_spawn: its other way, fork, would
    // run the application's fork handlers.
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
                format!("{program} cannot be started: {error}."),
                "Check the file and its permissions.",
            )
        })?;
    let mut running = Running::new(child);
    match running.finish(deadline) {
        Ok(exit) => judged(&program, exit, &running.output),
        Err(Stopped::Late) => Err(Failure::timeout(
            format!(
                "{program} gave no credentials within {} s and was killed. It has no terminal to ask on.",
                limit.as_secs_f64()
            ),
            "Run it by hand to see what it waits for, or raise process_timeout.",
        )),
        Err(Stopped::TooMuch) => Err(Failure::no_credentials(
            format!("{program} printed more than {OUTPUT_LIMIT} bytes and was killed."),
            "It must print one JSON object with the credentials and nothing else.",
        )
        .answered()),
        Err(Stopped::Broken(error)) => Err(Failure::internal(
            format!("{program} cannot be watched: {error}."),
            "Check the limit on open files (ulimit -n).",
        )),
    }
}

/// The path of `program`, if it can be run: as written if it names a folder, else found on `PATH`.
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

/// The first word of the command line, which is the only one that messages show.
struct Program(String);

/// Text after a `=` is not shown, since in a mistaken `TOKEN=… program` it is a secret; nor is text after
/// white space, since quotes around a whole command make one word of it.
impl fmt::Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = self.0.split_whitespace().next().unwrap_or_default();
        match shown.split_once('=') {
            None if shown.len() < self.0.len() => {
                write!(f, "The credential_process \"{shown} ...\"")
            }
            None => write!(f, "The credential_process \"{shown}\""),
            Some((name, _)) => write!(f, "The credential_process \"{name}=...\""),
        }
    }
}

/// Where the program of `command` is, or would be if it is away; `None` if it is not on `PATH`.
pub(crate) fn program_path(command: &Secret, environment: &Environment) -> Option<PathBuf> {
    let (program, _) = parsed(command.expose()).ok()?;
    find_program(&program.0, environment).or_else(|| {
        let is_path = program.0.contains('/');
        std::path::absolute(program.0).ok().filter(|_| is_path)
    })
}

fn parsed(command: &str) -> Result<(Program, Vec<String>), Failure> {
    let mut words = shell_words::split(command)
        .map_err(|why| {
            Failure::configuration(
                format!(
                    "The credential_process cannot be split into words: {}.",
                    why.as_str()
                ),
                "Check its quotes.",
            )
        })?
        .into_iter();
    match words.next() {
        Some(program) if !program.is_empty() => Ok((Program(program), words.collect())),
        _ => Err(Failure::configuration(
            "The credential_process names no program.",
            "Write a command after it, or remove the line.",
        )),
    }
}

fn not_found(program: &Program) -> Failure {
    let place = if program.0.contains('/') {
        "at that path"
    } else {
        "on PATH"
    };
    if program.0.contains(char::is_whitespace) {
        return Failure::configuration(
            format!(
                "{program} is no program {place}: the quotes make its first words one word, blanks included."
            ),
            "Put quotes around the path of the program alone, not around the whole command.",
        );
    }
    Failure::configuration(
        format!(
            "{program} is no program {place}. It runs without a shell: ~, $NAME, pipes and NAME=value before it mean nothing."
        ),
        "Write the whole path, or sh -c '...'.",
    )
}

fn judged(program: &Program, exit: Exit, output: &[u8]) -> Result<Credentials, Failure> {
    if let Exit::With(status) = exit
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
            format!("{program} {how}."),
            "Run it by hand to see why: its error output may hold secrets and is not shown.",
        )
        .answered());
    }
    answer::read(output).map_err(|what| {
        Failure::no_credentials(
            format!("{program} {what}."),
            "It must print {\"Version\": 1, \"AccessKeyId\": ..., \"SecretAccessKey\": ...}, with SessionToken and Expiration if they are temporary.",
        )
        .answered()
    })
}

#[cfg(test)]
mod tests;
