//! The parts of an ARN, and patterns over whole ones.

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arn<'a> {
    pub partition: &'a str,
    pub service: &'a str,
    pub account: &'a str,
    pub resource: &'a str,
}

impl<'a> Arn<'a> {
    /// Six fields; the last one may hold colons (`assumed-role/aws:ec2-instance/i-…`).
    #[must_use]
    pub fn parse(text: &'a str) -> Option<Self> {
        let fields: Vec<&str> = text.splitn(6, ':').collect();
        match fields[..] {
            ["arn", partition, service, _region, account, resource] if !partition.is_empty() && !resource.is_empty() => {
                Some(Self { partition, service, account, resource })
            }
            _ => None,
        }
    }

    /// The name at the end of a resource with or without a path.
    #[must_use]
    pub fn name(&self) -> &'a str {
        self.resource.rsplit('/').next().unwrap_or(self.resource)
    }
}

/// `*` matches any run of characters; every other character matches itself.
#[must_use]
pub fn glob(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((head, tail)) => text
            .strip_prefix(head)
            .is_some_and(|rest| (0..=rest.len()).filter(|at| rest.is_char_boundary(*at)).any(|at| glob(tail, &rest[at..]))),
    }
}

/// The partition a region belongs to.
#[must_use]
pub fn partition_of_region(region: &str) -> &'static str {
    const PREFIXES: [(&str, &str); 7] = [
        ("cn-", "aws-cn"),
        ("us-gov-", "aws-us-gov"),
        ("us-isob-", "aws-iso-b"),
        ("us-isof-", "aws-iso-f"),
        ("us-iso-", "aws-iso"),
        ("eu-isoe-", "aws-iso-e"),
        ("eusc-", "aws-eusc"),
    ];
    PREFIXES.iter().find(|(prefix, _)| region.starts_with(prefix)).map_or("aws", |(_, partition)| partition)
}

/// Whether a text has the form of a region (`us-east-1`, `us-gov-west-1`).
#[must_use]
pub fn is_region(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let number = parts.last().is_some_and(|last| !last.is_empty() && last.bytes().all(|b| b.is_ascii_digit()));
    let words = parts[..parts.len() - 1].iter().all(|word| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase()));
    parts.len() >= 3 && number && words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_colons_in_the_resource() {
        let arn = Arn::parse("arn:aws:sts::123456789012:assumed-role/aws:ec2-instance/i-0abc").unwrap();
        assert_eq!((arn.partition, arn.service, arn.account), ("aws", "sts", "123456789012"));
        assert_eq!((arn.resource, arn.name()), ("assumed-role/aws:ec2-instance/i-0abc", "i-0abc"));
        assert_eq!(Arn::parse("arn:aws:iam::1"), None);
    }

    #[test]
    fn globs() {
        assert!(glob("*", "") && glob("a*c", "abbc") && glob("a*b*c", "axxbyyc") && glob("abc", "abc"));
        assert!(!glob("a*c", "abcd") && !glob("abc", "abcd") && !glob("", "a"));
    }

    #[test]
    fn regions() {
        assert!(is_region("us-east-1") && is_region("us-gov-west-1") && is_region("ap-southeast-12"));
        assert!(!is_region("") && !is_region("us-east") && !is_region("us-east-1a") && !is_region("US-EAST-1"));
        assert_eq!(partition_of_region("us-isob-east-1"), "aws-iso-b");
        assert_eq!(partition_of_region("eu-west-1"), "aws");
    }
}
