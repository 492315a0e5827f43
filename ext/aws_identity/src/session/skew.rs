//! How far STS's clock is ahead of ours.

use crate::{credentials::Millis, util::time::Moment};

/// The two clocks may differ by this much without one having been set.
const SLACK: Millis = 2_000;
/// A clock that is slewed runs this much faster or slower at most: `adjtimex` slews by 1/2000.
const SLEW: Millis = 1_000;

/// What the last answer of STS told, as long as neither clock has been set since.
#[derive(Clone, Copy, Debug)]
pub(super) struct Skew {
    pub(super) offset: Millis,
    pub(super) learned_at: Moment,
}

impl Default for Skew {
    fn default() -> Self {
        Self {
            offset: 0,
            learned_at: Moment { wall: 0, boot: 0 },
        }
    }
}

impl Skew {
    /// The offset, or 0 once the wall clock has been set: it was about the clock before.
    pub(super) fn at(self, at: Moment) -> Millis {
        let by_wall = at.wall.saturating_sub(self.learned_at.wall);
        let by_boot = at.boot.saturating_sub(self.learned_at.boot);
        let slack = SLACK.saturating_add(by_boot.saturating_abs() / SLEW);
        if by_wall.abs_diff(by_boot) <= slack.unsigned_abs() {
            self.offset
        } else {
            0
        }
    }

    pub(super) fn corrected(self, at: Moment) -> Moment {
        Moment {
            wall: at.wall.saturating_add(self.at(at)),
            ..at
        }
    }
}
