//! Keys in the environment.
//! <https://docs.aws.amazon.com/sdkref/latest/guide/feature-static-credentials.html>

use crate::{credentials::Credentials, environment::Environment, failure::Failure};

/// A complete pair, nothing, or the failure that half a pair is.
pub fn read(environment: &Environment) -> Result<Option<Credentials>, Failure> {
    let value = |name| environment.get(name).map(str::trim);
    let half = |has: &str, lacks: &str| {
        Failure::configuration(
            format!("{has} is set and {lacks} is not. Set both, or neither."),
            "",
        )
    };
    match (value("AWS_ACCESS_KEY_ID"), value("AWS_SECRET_ACCESS_KEY")) {
        (Some(id), Some(secret)) => {
            let token = value("AWS_SESSION_TOKEN").map(str::to_owned);
            let mut keys = Credentials::new(id, secret, token, "environment");
            keys.account_id = value("AWS_ACCOUNT_ID").map(str::to_owned);
            Ok(Some(keys))
        }
        (None, None) => Ok(None),
        (Some(_), None) => Err(half("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")),
        (None, Some(_)) => Err(half("AWS_SECRET_ACCESS_KEY", "AWS_ACCESS_KEY_ID")),
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
            assert!(
                failure.message().contains("Set both"),
                "{}",
                failure.message()
            );
            assert!(
                !failure.message().contains("canary"),
                "{}",
                failure.message()
            );
        }
    }
}
