//! The step of a scoped session: less power for the credentials of its source.

use super::roles::AssumeRoles;
use crate::{
    credentials::Credentials,
    failure::Failure,
    providers::Record,
    sts::{MOST_SCOPES, SCOPES, Scope},
    util::time::{Millis, now},
};

const STEP: &str = "scope";

impl AssumeRoles<'_> {
    /// Credentials of the same identity as `base`, limited by `scope`.
    pub(super) async fn scope(
        &self,
        scope: &Scope,
        base: Credentials,
        record: &mut Record,
    ) -> Result<Credentials, Failure> {
        record.asks(STEP);
        check(&base, self.context.callbacks.spent_key)
            .map_err(|failure| record.failed(STEP, failure))?;
        let now = now().saturating_add(self.request.clock_offset);
        let seconds = duration(scope.duration_seconds, base.expires_at, now);
        let sts = self.context.sts();
        let mut answer = sts.scoped_credentials(&base, scope, seconds).await;
        if let Err(failure) = &answer
            && seconds.is_some()
            && failure.code.as_deref() == Some("InsufficientSessionLifetime")
        {
            // By STS's clock the source expires earlier than that, and so do these.
            let sts = self.context.sts();
            answer = sts.scoped_credentials(&base, scope, None).await;
        }
        let mut credentials = answer.map_err(|failure| record.failed(STEP, failure))?;
        self.context.http.secrets().note_credentials(&credentials);
        credentials.source = format!("{} > {STEP}", base.source);
        Ok(record.found(STEP, credentials))
    }
}

/// Refuses what STS would refuse, and what would bring nothing.
fn check(base: &Credentials, spent_key: Option<&str>) -> Result<(), Failure> {
    let key = &base.access_key_id;
    if spent_key == Some(key.as_str()) {
        // Not a failure of the configuration: what is held is served until it expires.
        return Err(Failure::no_credentials(
            format!(
                "The source has no newer credentials than {key}, from which those held were made."
            ),
            "See why the source cannot refresh its own.",
        ));
    }
    if base.session_token.is_none() {
        return Err(Failure::configuration(
            format!("{key} is a long-lived key, and STS scopes temporary credentials only."),
            "Make the source with get_session_token: true, or have it assume a role.",
        ));
    }
    let scopes = base
        .details
        .get(SCOPES)
        .and_then(|count| count.parse().ok());
    if scopes.is_some_and(|scopes: u32| scopes >= MOST_SCOPES) {
        return Err(Failure::configuration(
            format!(
                "{key} has been scoped {MOST_SCOPES} times, and STS puts no further policy on top."
            ),
            "Scope one of the sessions before it, with both policies in one.",
        ));
    }
    Ok(())
}

/// The seconds to ask for; `None` where the source has no more left.
fn duration(longest: Option<u32>, expires_at: Option<Millis>, now: Millis) -> Option<u32> {
    let longest = longest?;
    let has_more = |end: Millis| end.saturating_sub(now) > Millis::from(longest) * 1_000;
    expires_at.is_none_or(has_more).then_some(longest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::Kind;

    fn base() -> Credentials {
        Credentials::new("ASIASOURCE", "s", Some("t".into()), "source")
    }

    #[test]
    fn a_duration_is_asked_for_only_where_it_ends_before_the_source() {
        for (longest, left, asked) in [
            (None, Some(3600), None),
            (None, None, None),
            (Some(900), None, Some(900)),
            (Some(900), Some(3600), Some(900)),
            (Some(900), Some(901), Some(900)),
            (Some(900), Some(900), None),
            (Some(900), Some(10), None),
            (Some(900), Some(-10), None),
        ] {
            let now = 1_800_000_000_000;
            let expires_at = left.map(|seconds: Millis| now + seconds * 1_000);
            assert_eq!(
                duration(longest, expires_at, now),
                asked,
                "{longest:?} {left:?}"
            );
        }
    }

    #[test]
    fn what_cannot_be_scoped_says_why() {
        let mut base = base();
        assert_eq!(check(&base, Some("ASIAOTHER")), Ok(()));
        let spent = check(&base, Some("ASIASOURCE")).unwrap_err();
        assert!(!crate::refresh::is_final(&spent), "{spent}");
        for (count, is_ok) in [("0", true), ("2", true), ("3", false), ("4", false)] {
            base.details.insert(SCOPES.into(), count.into());
            assert_eq!(check(&base, None).is_ok(), is_ok, "{count}");
        }
        base.session_token = None;
        let failure = check(&base, None).unwrap_err();
        assert_eq!(failure.kind, Kind::Configuration);
        assert!(
            failure.remedy.contains("get_session_token: true"),
            "{failure}"
        );
    }
}
