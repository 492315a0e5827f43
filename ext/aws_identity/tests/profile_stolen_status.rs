//! An application that reaps our children: the exit status is lost, and the output alone decides.
//!
//! In a file of its own, so in a process of its own: the thief takes every child there is.

#![allow(clippy::unwrap_used)]

use aws_identity::{environment::Environment, failure::Kind, providers::process::run};
use rustix::process::{WaitOptions, wait};
use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

const GOOD: &str = r#"{"Version": 1, "AccessKeyId": "AKID", "SecretAccessKey": "s"}"#;

#[test]
fn the_output_alone_decides() {
    let over = AtomicBool::new(false);
    let environment = Environment::new([("PATH", "/usr/bin:/bin")]);
    let run = |command: &str, limit| run(command, limit, &environment);
    // The output is closed before the end, so that the thief has a pause of ours to be first in.
    let shell = |script: &str, answer: &str| {
        let script = format!("{script}; exec >&-; sleep 0.1; exit 3");
        run(
            &format!("sh -c '{script}' x '{answer}'"),
            Duration::from_secs(10),
        )
    };
    thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                if !matches!(wait(WaitOptions::NOHANG), Ok(Some(_))) {
                    thread::yield_now();
                }
            }
        });
        let mut stolen = 0;
        for _ in 0..10 {
            match shell("printf %s \"$1\"", GOOD) {
                Ok(credentials) => {
                    assert_eq!(credentials.access_key_id, "AKID");
                    stolen += 1;
                }
                // Now and then we are first.
                Err(failure) => assert!(failure.message().contains("status 3"), "{failure}"),
            }
        }
        assert!(stolen > 0, "nothing was stolen: this proves nothing");
        let failure = shell("true", "").unwrap_err();
        assert_eq!(failure.kind, Kind::NoCredentials, "{failure}");
        let failure = run("sleep 20", Duration::from_millis(200)).unwrap_err();
        assert_eq!(failure.kind, Kind::Timeout, "{failure}");
        over.store(true, Ordering::Relaxed);
    });
}
