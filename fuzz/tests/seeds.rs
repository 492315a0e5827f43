//! The seeds of every target, and a few thousand inputs made of each, on every run of the tests: so
//! that the targets keep up with the core.

use fuzz::{CANARY, TARGETS};
use std::{fs, panic, path::Path};

/// Inputs made of each seed.
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
fn no_input_is_too_much() {
    for (name, target) in TARGETS {
        let seeds = seeds(name);
        assert!(seeds.len() >= 3, "{name} has too few seeds");
        for (file, seed) in &seeds {
            target(seed);
            for round in 0..ROUNDS {
                let mut random = fastrand::Rng::with_seed(round);
                let other = &seeds[random.usize(..seeds.len())].1;
                let input = changed(seed, other, &mut random);
                let held = panic::catch_unwind(|| target(&input)).is_ok();
                assert!(held, "{name}, made of {file} in round {round}: {:?}", String::from_utf8_lossy(&input));
            }
        }
        target(&[]);
        target(&vec![b'['; 30_000]); // a parser that calls itself for each has no end of stack
    }
    fuzz::clean_up();
}

/// A few of the things that go wrong with a file.
fn changed(seed: &[u8], other: &[u8], random: &mut fastrand::Rng) -> Vec<u8> {
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
fn every_secret_of_the_seeds_is_looked_for() {
    for (name, _) in TARGETS.iter().filter(|(name, _)| *name != "arn") {
        let planted = seeds(name).iter().any(|(_, seed)| String::from_utf8_lossy(seed).contains(CANARY));
        assert!(planted, "no seed of {name} holds a secret to look for");
    }
}
