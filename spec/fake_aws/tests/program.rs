//! The program as specs start it: its output, and that it never outlives its parent.

// clippy does not count helpers as tests, but they fail like them.
#![allow(clippy::unwrap_used)]

use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{fs, thread};

const PROGRAM: &str = env!("CARGO_BIN_EXE_fake_aws");

fn ready(child: &mut Child) -> Value {
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    serde_json::from_str(&line).unwrap()
}

fn directory(ready: &Value) -> PathBuf {
    Path::new(ready["ca_bundle"].as_str().unwrap()).parent().unwrap().to_owned()
}

/// SIGTERM, unlike SIGKILL, lets it remove its directory.
fn terminate(child: &mut Child) {
    assert!(Command::new("kill").arg(child.id().to_string()).status().unwrap().success());
    assert!(child.wait().unwrap().success());
}

fn soon(what: &str, mut true_yet: impl FnMut() -> bool) {
    let started = Instant::now();
    while !true_yet() {
        assert!(started.elapsed() < Duration::from_secs(5), "not within five seconds: {what}");
        thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn one_line_gives_its_addresses() {
    let mut child = Command::new(PROGRAM).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let ready = ready(&mut child);
    assert_eq!(ready["pid"], child.id());
    assert!(ready["http"].as_str().unwrap().starts_with("http://127.0.0.1:"));
    assert!(ready["https"].as_str().unwrap().starts_with("https://localhost:"));
    assert!(ready["proxy"].as_str().unwrap().starts_with("http://127.0.0.1:"));
    assert!(fs::read_to_string(ready["ca_bundle"].as_str().unwrap()).unwrap().starts_with("-----BEGIN CERTIFICATE"));
    assert_eq!(fs::metadata(directory(&ready)).unwrap().permissions().mode() & 0o777, 0o700);
    // It exits when the parent's end of the pipe closes.
    drop(child.stdin.take());
    assert!(child.wait().unwrap().success());
    assert!(!directory(&ready).exists());
}

#[test]
fn it_exits_cleanly_on_a_signal() {
    let mut child = Command::new(PROGRAM).stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
    let ready = ready(&mut child);
    terminate(&mut child);
    assert!(!directory(&ready).exists());
}

#[test]
fn it_exits_when_its_parent_is_killed_though_the_pipe_stays_open() {
    // This process holds the write end of the pipe, as a forked child of the parent would.
    let script = format!("exec 3<&0; {PROGRAM} <&3 & wait");
    let mut shell = Command::new("sh").args(["-c", &script]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let ready = ready(&mut shell);
    let process = PathBuf::from(format!("/proc/{}", ready["pid"]));
    assert!(process.exists());
    shell.kill().unwrap();
    shell.stdout.take();
    soon("the directory is gone", || !directory(&ready).exists());
    assert!(shell.stdin.is_some());
    shell.wait().unwrap();
}

#[test]
fn a_world_file_changes_the_standard_world() {
    let file = std::env::temp_dir().join(format!("world.{}.json", std::process::id()));
    let run = |text: &str| {
        fs::write(&file, text).unwrap();
        Command::new(PROGRAM)
            .arg("--world")
            .arg(&file)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    };
    let refusal = |text: &str| String::from_utf8(run(text).wait_with_output().unwrap().stderr).unwrap();
    assert!(refusal("{").contains("is not JSON"));
    assert!(refusal(r#"{"imds": {"on": true}}"#).contains("unknown field `on`"));
    let mut child = run(r#"{"imds": {"region": "eu-north-1"}}"#);
    assert!(ready(&mut child)["http"].is_string());
    terminate(&mut child);
    fs::remove_file(&file).unwrap();
    let wrong = Command::new(PROGRAM).arg("--wrld").stdin(Stdio::null()).output().unwrap();
    assert!(!wrong.status.success() && String::from_utf8(wrong.stderr).unwrap().contains("usage: fake_aws"));
}
