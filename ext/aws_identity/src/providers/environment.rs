//! Keys in the environment.
//! <https://docs.aws.amazon.com/sdkref/latest/guide/feature-static-credentials.html>

use super::{
    context::{Context, Local},
    source::{Availability, Provided, Source},
};
use crate::{credentials::Credentials, environment::Environment, failure::Failure};

pub(super) const NAME: &str = "environment";
const ID: &str = "AWS_ACCESS_KEY_ID";
const SECRET: &str = "AWS_SECRET_ACCESS_KEY";

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
        None => Provided::Absent(absence()),
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
fn read(environment: &Environment) -> Result<Option<Credentials>, Failure> {
    let value = |name| environment.get(name).map(str::trim);
    let half = |has: &str, lacks: &str| {
        Failure::configuration(
            format!("{has} is set and {lacks} is not."),
            "Set both, or neither.",
        )
    };
    match (value(ID), value(SECRET)) {
        (Some(id), Some(secret)) => {
            let token = value("AWS_SESSION_TOKEN").map(str::to_owned);
            let mut keys = Credentials::new(id, secret, token, NAME);
            keys.account_id = value("AWS_ACCOUNT_ID").map(str::to_owned);
            Ok(Some(keys))
        }
        (None, None) => Ok(None),
        (Some(_), None) => Err(half(ID, SECRET)),
        (None, Some(_)) => Err(half(SECRET, ID)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
