//! Runs the seeds of every target and a few thousand mutations of each, so that a change of the core
//! that breaks a target is seen without libFuzzer.

use fuzz::{CANARY, TARGETS};
use std::{fs, panic, path::Path};

/// Mutations of each seed.
const ROUNDS: u64 = 2_000;

fn seeds(target: &str) -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds").join(target);
    let mut found: Vec<_> = fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.display().to_string(), fs::read(&path).unwrap()))
        .collect();
    found.sort();
    found
}

#[test]
fn no_target_panics_on_a_seed_or_a_mutation() {
    for (name, target) in TARGETS {
        let seeds = seeds(name);
        assert!(seeds.len() >= 3, "{name} has too few seeds");
        for (file, seed) in &seeds {
            target(seed);
            // An answer is a whole fetch over a connection.
            let rounds = if name.ends_with("_answer") { ROUNDS / 20 } else { ROUNDS };
            for round in 0..rounds {
                let mut random = fastrand::Rng::with_seed(round);
                let other = &seeds[random.usize(..seeds.len())].1;
                let input = mutated(seed, other, &mut random);
                let passed = panic::catch_unwind(|| target(&input)).is_ok();
                assert!(passed, "{name}, mutation of {file} in round {round}: {:?}", String::from_utf8_lossy(&input));
            }
        }
        target(&[]);
        target(&vec![b'['; 30_000]); // a recursive parser would overflow the stack
    }
    fuzz::clean_up();
}

/// One to three random mutations.
fn mutated(seed: &[u8], other: &[u8], random: &mut fastrand::Rng) -> Vec<u8> {
    let mut bytes = seed.to_vec();
    for _ in 0..random.usize(1..4) {
        let at = random.usize(..=bytes.len());
        match random.u8(..6) {
            0 => bytes.truncate(at),
            1 => bytes.insert(at, random.u8(..)),
            2 if at < bytes.len() => bytes[at] ^= 1 << random.u8(..8),
            3 if at < bytes.len() => _ = bytes.remove(at),
            4 => bytes.extend_from_within(at..),
            _ => bytes.extend_from_slice(&other[random.usize(..=other.len())..]),
        }
    }
    bytes
}

#[test]
fn the_seeds_of_every_target_hold_a_secret() {
    for (name, _) in TARGETS.iter().filter(|(name, _)| *name != "arn") {
        let planted = seeds(name).iter().any(|(_, seed)| String::from_utf8_lossy(seed).contains(CANARY));
        assert!(planted, "no seed of {name} holds a secret to look for");
    }
}
