//! What there is to say of a profile that works, or of one without credentials: of two ways the one not
//! taken, what was read as a comment, and what was set aside.

use super::files::Files;
use crate::failure::Warning;

/// As many sections as a message names.
const SHOWN: usize = 5;

/// What the doctor says of a profile, and the failures of its source.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Notes {
    /// Ways to credentials that the profile has and that are not taken.
    pub passed_over: Vec<Warning>,
    /// Values of which a part was read as a comment.
    pub comments: Vec<Warning>,
    /// What in the profiles was probably meant to give credentials, and cannot.
    pub unusable: Vec<Warning>,
    /// Sections that were set aside, the first few. They count where nothing gives credentials.
    pub set_aside: Vec<Warning>,
    /// Files that were set aside, likewise.
    pub files: Vec<Warning>,
    /// Profiles that nothing names, the first few. They count where nothing gives
    /// credentials and no profile is named.
    pub not_named: Option<Warning>,
}

impl Notes {
    pub(super) fn of_files(files: &Files) -> Self {
        Self {
            set_aside: files.sections_set_aside().take(SHOWN).collect(),
            files: files.files_set_aside().collect(),
            not_named: not_named(files),
            ..Self::default()
        }
    }

    /// What was set aside on the way to credentials.
    pub fn all_set_aside(&self) -> impl Iterator<Item = &Warning> {
        self.of_profile().chain(&self.set_aside)
    }

    /// The part of it that concerns this profile.
    pub fn of_profile(&self) -> impl Iterator<Item = &Warning> {
        self.files.iter().chain(&self.unusable)
    }
}

/// Says which profiles have credentials. `default` needs no name, so it is none of them.
fn not_named(files: &Files) -> Option<Warning> {
    let all = files.with_credentials();
    let names: Vec<String> = all
        .iter()
        .take(SHOWN)
        .map(|name| format!("{name:?}"))
        .collect();
    let more = all.len() - names.len();
    let cause = match (names.as_slice(), more) {
        ([], _) => return None,
        ([name], _) => format!("The profile {name} is configured, but not named."),
        (_, 0) => format!(
            "The profiles {} are configured, but none is named.",
            names.join(", ")
        ),
        _ => format!(
            "The profiles {} and {more} more are configured, but none is named.",
            names.join(", ")
        ),
    };
    Some(Warning {
        cause,
        remedy: "A profile is named by AWS_PROFILE, or by profile as an option or setting.".into(),
    })
}
