//! A duration that has begun.

use crate::{credentials::Millis, util::time::Moment};

/// It ends as soon as one of the two clocks says so: a clock that is set back does not make it longer, and
/// a machine whose other clock stood still does not either.
#[derive(Clone, Copy, Debug)]
pub struct Term {
    pub length: Millis,
    wall_end: Millis,
    boot_end: Millis,
}

impl Term {
    /// A term of this length that begins now.
    #[must_use]
    pub fn of(length: Millis, now: Moment) -> Self {
        Self {
            length,
            wall_end: now.wall.saturating_add(length),
            boot_end: now.boot.saturating_add(length),
        }
    }

    /// A term from now until a time of the wall clock, at most `longest`.
    #[must_use]
    pub fn until(end: Millis, longest: Option<Millis>, now: Moment) -> Self {
        let length = end.saturating_sub(now.wall);
        Self::of(longest.map_or(length, |longest| length.min(longest)), now)
    }

    /// The time left; zero or less once it has ended.
    #[must_use]
    pub fn left(&self, now: Moment) -> Millis {
        let by_wall = self.wall_end.saturating_sub(now.wall);
        by_wall.min(self.boot_end.saturating_sub(now.boot))
    }

    #[must_use]
    pub fn has_ended(&self, now: Moment) -> bool {
        self.left(now) <= 0
    }
}
