//! Keys in the environment.
//! <https://docs.aws.amazon.com/sdkref/latest/guide/feature-static-credentials.html>

use super::{
    context::{Context, Local},
    source::{Availability, Provided, Source},
};
use crate::{
    credentials::{Credentials, Millis},
    environment::Environment,
    failure::Failure,
    util::time,
};

pub(crate) const NAME: &str = "environment";
const ID: &str = "AWS_ACCESS_KEY_ID";
const SECRET: &str = "AWS_SECRET_ACCESS_KEY";
const TOKEN: &str = "AWS_SESSION_TOKEN";
const OLDER_TOKEN: &str = "AWS_SECURITY_TOKEN";
const ACCOUNT: &str = "AWS_ACCOUNT_ID";
/// Not in the SDKs' guide; botocore reads it, and tools that export credentials write it.
const EXPIRATION: &str = "AWS_CREDENTIAL_EXPIRATION";

pub(super) const SOURCE: Source = Source {
    name: NAME,
    is_metadata: false,
    label: |_| NAME.into(),
    provide: |context| Box::pin(async { provide(context) }),
    check,
};

pub(super) fn provide(context: &Context<'_>) -> Result<Provided, Failure> {
    Ok(match read(context.local.environment)? {
        Some(keys) => keys.into(),
        None => Provided::Absent(absence().into()),
    })
}

pub(super) fn check(local: &Local<'_>) -> Availability {
    match read(local.environment) {
        Ok(Some(_)) => Availability::Available("gives credentials".into()),
        Ok(None) => Availability::Absent(absence()),
        Err(failure) => Availability::Unusable(failure),
    }
}

/// True if the environment has at least one key of the pair.
pub(super) fn is_set(environment: &Environment) -> bool {
    environment.get(ID).is_some()
}

fn absence() -> String {
    format!("{ID} is not set")
}

/// The pair of keys, if there is one; half a pair is a failure.
pub(super) fn read(environment: &Environment) -> Result<Option<Credentials>, Failure> {
    let value = |name| environment.get(name).map(str::trim);
    let half = |has: &str, lacks: &str| {
        Failure::configuration(
            format!("{has} is set and {lacks} is not."),
            "Set both, or neither.",
        )
    };
    match (value(ID), value(SECRET)) {
        (Some(id), Some(secret)) => {
            // The older name comes first in botocore.
            let (token_name, token) = match value(OLDER_TOKEN) {
                Some(token) => (OLDER_TOKEN, Some(token)),
                None => (TOKEN, value(TOKEN)),
            };
            let mut keys = Credentials::new(id, secret, token.map(str::to_owned), NAME);
            keys.account_id = value(ACCOUNT).map(str::to_owned);
            if let Some((name, what)) = keys.defect([ID, SECRET, token_name, ACCOUNT]) {
                return Err(Failure::configuration(
                    format!("{name} {what}."),
                    "Check what sets it, also for characters that are not to be seen, such as a line end.",
                ));
            }
            keys.expires_at = value(EXPIRATION).map(expiration).transpose()?;
            Ok(Some(keys))
        }
        (None, None) => Ok(None),
        (Some(_), None) => Err(half(ID, SECRET)),
        (None, Some(_)) => Err(half(SECRET, ID)),
    }
}

/// One that cannot be read must not count as credentials that never expire.
fn expiration(text: &str) -> Result<Millis, Failure> {
    time::parse(text).ok_or_else(|| {
        Failure::configuration(
            format!("{EXPIRATION} is no time with a zone, such as 2030-01-02T03:04:05Z."),
            "Correct it, or unset it together with the keys.",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_expiration_and_the_older_name_of_the_token_are_read() {
        let with = |more: &[(&str, &str)]| {
            let pair = [(ID, "ASIAX"), (SECRET, "s")];
            let all = pair.into_iter().chain(more.iter().copied());
            read(&Environment::new(all)).map(Option::unwrap)
        };
        for (text, expected) in [
            ("2026-01-02T03:04:05Z", Some(1_767_323_045_000)),
            (" 2026-01-02 12:04:05 +0900 ", Some(1_767_323_045_000)),
            ("  ", None),
        ] {
            let keys = with(&[("AWS_CREDENTIAL_EXPIRATION", text)]).unwrap();
            assert_eq!(keys.expires_at, expected, "{text:?}");
        }
        for text in ["soon", "2026-01-02T03:04:05", "1767323045"] {
            let failure = with(&[("AWS_CREDENTIAL_EXPIRATION", text)]).unwrap_err();
            assert!(
                failure.cause.contains("AWS_CREDENTIAL_EXPIRATION"),
                "{text}"
            );
        }
        let tokens = [("AWS_SECURITY_TOKEN", "old"), ("AWS_SESSION_TOKEN", "new")];
        for (tokens, expected) in [(&tokens[..], "old"), (&tokens[1..], "new")] {
            let token = with(tokens).unwrap().session_token.unwrap();
            assert_eq!(token.expose(), expected);
        }
        let blank = [("AWS_SECURITY_TOKEN", ""), ("AWS_SESSION_TOKEN", "new")];
        assert_eq!(with(&blank).unwrap().session_token.unwrap().expose(), "new");
    }

    #[test]
    fn a_pair_is_taken_whole_or_not_at_all() {
        let both = [
            ("AWS_ACCESS_KEY_ID", " AKIAX "),
            ("AWS_SECRET_ACCESS_KEY", "s"),
            ("AWS_ACCOUNT_ID", "123456789012"),
        ];
        let keys = read(&Environment::new(both)).unwrap().unwrap();
        assert_eq!(
            (keys.access_key_id.as_str(), keys.account_id.as_deref()),
            ("AKIAX", Some("123456789012"))
        );
        assert!(read(&Environment::default()).unwrap().is_none());
        for half in [
            ("AWS_ACCESS_KEY_ID", "AKIAX"),
            ("AWS_SECRET_ACCESS_KEY", "canary"),
        ] {
            let failure = read(&Environment::new([half])).unwrap_err();
            assert_eq!(failure.remedy, "Set both, or neither.");
            assert!(!failure.message().contains("canary"), "{failure}");
        }
    }
}
