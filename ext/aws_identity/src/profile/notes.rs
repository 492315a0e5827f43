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
}

impl Notes {
    pub(super) fn of_files(files: &Files) -> Self {
        Self {
            set_aside: files.sections_set_aside().take(SHOWN).collect(),
            files: files.files_set_aside().collect(),
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
