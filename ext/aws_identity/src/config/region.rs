//! What a region looks like, and whose STS is called where none is configured.
//!
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html> lists the partitions.

use crate::failure::Failure;

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

/// A region becomes part of a host name, so it may hold letters, digits and hyphens only.
pub fn check_region(label: &str, region: &str) -> Result<(), Failure> {
    let ok = region.len() <= 63
        && region.starts_with(|c: char| c.is_ascii_alphanumeric())
        && region
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if ok {
        return Ok(());
    }
    Err(Failure::configuration(
        format!("{label} is {region:?}, which is not the name of a region."),
        "It looks like eu-west-1.",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

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
