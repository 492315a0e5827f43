//! What a region looks like, and whose STS is called where none is configured.
//!
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html> lists the partitions.

use crate::{credentials::may_be_secret, failure::Failure};

const DEFAULTS: [(&str, &str); 8] = [
    ("aws", "us-east-1"),
    ("aws-cn", "cn-north-1"),
    ("aws-us-gov", "us-gov-west-1"),
    ("aws-iso", "us-iso-east-1"),
    ("aws-iso-b", "us-isob-east-1"),
    ("aws-iso-e", "eu-isoe-west-1"),
    ("aws-iso-f", "us-isof-south-1"),
    ("aws-eusc", "eusc-de-east-1"),
];

/// A region of `partition` that has STS.
#[must_use]
pub fn of_partition(partition: &str) -> &'static str {
    DEFAULTS
        .iter()
        .find(|(name, _)| *name == partition)
        .map_or("us-east-1", |(_, region)| region)
}

/// The partition an ARN names; `aws` where it names none of the table.
#[must_use]
pub fn partition_of(arn: &str) -> &'static str {
    let named = arn.split(':').nth(1).unwrap_or_default();
    DEFAULTS
        .iter()
        .find(|(name, _)| *name == named)
        .map_or("aws", |(name, _)| name)
}

/// The partition of a region.
#[must_use]
pub fn partition_of_region(region: &str) -> &'static str {
    const PREFIXES: [(&str, &str); 7] = [
        ("cn-", "aws-cn"),
        ("us-gov-", "aws-us-gov"),
        ("us-iso-", "aws-iso"),
        ("us-isob-", "aws-iso-b"),
        ("eu-isoe-", "aws-iso-e"),
        ("us-isof-", "aws-iso-f"),
        ("eusc-", "aws-eusc"),
    ];
    PREFIXES
        .iter()
        .find(|(prefix, _)| region.starts_with(prefix))
        .map_or("aws", |(_, partition)| partition)
}

/// A region becomes part of a host name, so it may hold letters, digits and hyphens only.
pub fn check_region(label: &str, region: &str) -> Result<(), Failure> {
    // A secret access key without `+` and `/` would pass for a region, and be looked up as a host's name.
    let is_secret = may_be_secret(region);
    let ok = !is_secret
        && region.len() <= 63
        && region.starts_with(|c: char| c.is_ascii_alphanumeric())
        && region
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if ok {
        return Ok(());
    }
    let given = if is_secret {
        "has the form of a secret access key, so it is not shown".to_owned()
    } else {
        format!("is {region:?}, which is not the name of a region")
    };
    Err(Failure::configuration(
        format!("{label} {given}."),
        "Write it like eu-west-1.",
    ))
}

/// The region that is meant by one such as `fips-us-east-1`, and whether it means FIPS, as in botocore.
#[must_use]
pub fn without_fips(region: String) -> (String, bool) {
    let plain = region
        .strip_prefix("fips-")
        .or_else(|| region.strip_suffix("-fips"))
        .filter(|plain| !plain.is_empty());
    match plain {
        Some(plain) => (plain.to_owned(), true),
        None => (region, false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_may_mean_fips() {
        for (given, plain, is_fips) in [
            ("fips-us-east-1", "us-east-1", true),
            ("us-gov-west-1-fips", "us-gov-west-1", true),
            ("eu-west-1", "eu-west-1", false),
            ("fips-", "fips-", false),
        ] {
            assert_eq!(without_fips(given.to_owned()), (plain.to_owned(), is_fips));
        }
    }

    #[test]
    fn a_secret_access_key_in_the_place_of_a_region_is_not_shown() {
        for secret in [
            "canaryXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKE",
            "canaryXUtnFEMIxK7MDENGxbPxRfiCYEXAMPLEKE",
        ] {
            let message = check_region("AWS_REGION", secret).unwrap_err().message();
            assert!(
                !message.contains("canary") && message.contains("secret access key"),
                "{message}"
            );
        }
        assert!(check_region("AWS_REGION", &"a-region-".repeat(4)[..35]).is_ok());
        let message = check_region("AWS_REGION", "eu west 1")
            .unwrap_err()
            .message();
        assert!(message.contains("\"eu west 1\""), "{message}");
    }

    #[test]
    fn every_partition_has_the_regions_of_its_prefix() {
        for (partition, region) in DEFAULTS {
            assert_eq!(partition_of_region(region), partition);
        }
        assert_eq!(partition_of_region("mars-north-1"), "aws");
    }

    #[test]
    fn a_role_of_another_partition_is_assumed_there() {
        assert_eq!(
            of_partition(partition_of("arn:aws-cn:iam::123456789012:role/r")),
            "cn-north-1"
        );
        assert_eq!(
            of_partition(partition_of("arn:aws:iam::123456789012:role/r")),
            "us-east-1"
        );
        assert_eq!(of_partition(partition_of("")), "us-east-1");
    }
}
