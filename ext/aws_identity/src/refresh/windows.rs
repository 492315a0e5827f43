//! How long before their expiration credentials are refreshed: the windows, by lifetime.

use crate::credentials::Millis;

pub(super) const SECOND: Millis = 1_000;
pub(super) const MINUTE: Millis = 60 * SECOND;
/// The mandatory window: inside it a read waits for the refresh.
const MANDATORY: Millis = 60 * SECOND;
/// Up to this lifetime the windows are fractions of it: the table's would cover all of it.
const SHORT_LIFE: Millis = 300 * SECOND;

/// What a session may set. The default is the AWS SDKs' behaviour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    /// Replaces the advisory window of the table. Never below the mandatory window, and
    /// bounded so that fresh credentials are not due at once (see [`Windows::of`]).
    pub advisory_window: Option<Millis>,
    /// Each fetch needs an MFA code: the credentials are never refreshed in the background and
    /// never served once expired. Our rule: no AWS SDK refreshes them without a user present.
    pub needs_mfa: bool,
}

/// How long before the expiration credentials are due for a refresh.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Windows {
    /// From here on a read starts a refresh and does not wait.
    pub advisory: Millis,
    /// From here on a read waits for the refresh.
    pub mandatory: Millis,
}

impl Windows {
    /// The windows of credentials with this lifetime left when they were fetched.
    ///
    /// The SDKs' table: up to 20 min → 5 min; under 90 min → 15 min; else 60 min; mandatory 60 s.
    /// Ours: a lifetime of 300 s or less has half of it and a tenth of it. The caller's window
    /// may begin 60 s after the fetch (at half of a short lifetime), so that a window as long as
    /// the lifetime costs one fetch a minute and not one a read.
    #[must_use]
    pub fn of(life: Millis, rules: Rules) -> Self {
        let life = life.max(0);
        let (table, mandatory) = if life <= SHORT_LIFE {
            (life / 2, life / 10)
        } else if life <= 20 * MINUTE {
            (5 * MINUTE, MANDATORY)
        } else if life < 90 * MINUTE {
            (15 * MINUTE, MANDATORY)
        } else {
            (60 * MINUTE, MANDATORY)
        };
        let most = if life <= SHORT_LIFE {
            table
        } else {
            table.max(life - MINUTE)
        };
        let advisory = rules
            .advisory_window
            .unwrap_or(table)
            .min(most)
            .max(mandatory);
        Self {
            advisory,
            mandatory,
        }
    }
}
