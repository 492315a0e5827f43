//! The principal an ARN names, and its canonical name in `LegionIO`.
//!
//! The forms are those `sts:GetCallerIdentity` prints, in every partition:
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html> and
//! <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/iam-roles-for-amazon-ec2.html#ec2-instance-identity-roles>.

use crate::{
    failure::{Failure, Kind as FailureKind},
    util::foreign_text::shown,
};

/// STS accepts and prints ARNs up to this length.
const ARN_LIMIT: usize = 2048;
/// The role name of every EC2 instance without an instance profile.
const INSTANCE_ROLE: &str = "aws:ec2-instance";
const SSO_PREFIX: &str = "AWSReservedSSO_";

/// What sort of principal an ARN names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A role, most often a session of it.
    Role,
    /// An EC2 instance under its instance identity role.
    Instance,
    /// A user who signed in through IAM Identity Center.
    Sso,
    /// An IAM user.
    User,
    /// The account itself.
    Root,
    /// A federated user.
    Federated,
}

impl Kind {
    /// The value in metadata, and in canonical names for which the ARN gives no legal text.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Role => "role",
            Self::Instance => "instance",
            Self::Sso => "sso",
            Self::User => "user",
            Self::Root => "root",
            Self::Federated => "federated",
        }
    }
}

/// The principal of an answer of `sts:GetCallerIdentity`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// The ARN as AWS gave it.
    pub arn: String,
    /// The account number.
    pub account: String,
    /// `aws`, `aws-cn`, `aws-us-gov` and so on.
    pub partition: String,
    pub kind: Kind,
    /// The role's name without its path, for [`Kind::Role`], [`Kind::Instance`] and [`Kind::Sso`].
    pub role: Option<String>,
    /// The session's name, where the ARN is that of a session.
    pub session_name: Option<String>,
    /// AWS's unique id, such as `AROA…:session`, as it was given.
    pub user_id: String,
    /// The principal's ARN without the session name, so that it is the same for every session.
    /// The session name of an instance identity role is the instance id and is kept.
    pub provider_arn: String,
    /// The part of the ARN that names the principal, before the character rule.
    label: String,
}

impl Principal {
    /// Reads the answer of `sts:GetCallerIdentity`.
    ///
    /// `account` is used where the ARN carries none. An unknown form of ARN is a failure that
    /// shows the ARN: a guessed name could be another principal's.
    pub fn parse(arn: &str, account: Option<&str>, user_id: &str) -> Result<Self, Failure> {
        if arn.len() > ARN_LIMIT {
            return Err(unreadable(arn, "it is longer than 2048 bytes"));
        }
        if arn.chars().any(char::is_control) || user_id.chars().any(char::is_control) {
            return Err(unreadable(
                arn,
                "it or its user id holds control characters",
            ));
        }
        // The resource may contain colons: the limit of six fields keeps it in one piece.
        let fields: Vec<&str> = arn.splitn(6, ':').collect();
        let ["arn", partition, service, region, owner, resource] = fields[..] else {
            return Err(unreadable(arn, "it has not the six fields of an ARN"));
        };
        if !is_partition(partition) {
            return Err(unreadable(arn, "its partition is not readable"));
        }
        // Both services are accepted for every resource: one page of AWS's documentation and
        // moto print the one where AWS prints the other.
        if !matches!(service, "sts" | "iam") || !region.is_empty() {
            return Err(unreadable(arn, "it is not of sts or iam"));
        }
        let account = Some(owner)
            .filter(|owner| !owner.is_empty())
            .or(account)
            .filter(|account| is_account(account))
            .ok_or_else(|| unreadable(arn, "it names no account"))?;

        let read = Resource::read(resource)
            .ok_or_else(|| unreadable(arn, "its resource is of a type not known here"))?;
        let provider_arn = match read.kind {
            // A session of a role: the role's ARN, without its path, which STS leaves out.
            Kind::Role | Kind::Sso if read.session.is_some() => {
                let role = read.role.unwrap_or_default();
                format!("arn:{partition}:iam::{account}:role/{role}")
            }
            Kind::Instance => format!("arn:{partition}:sts::{account}:{resource}"),
            _ => arn.to_owned(),
        };
        Ok(Self {
            arn: arn.to_owned(),
            account: account.to_owned(),
            partition: partition.to_owned(),
            kind: read.kind,
            role: read.role.map(str::to_owned),
            session_name: read.session.map(str::to_owned),
            user_id: user_id.to_owned(),
            provider_arn,
            label: read.label.to_owned(),
        })
    }

    /// The name `LegionIO` stores this principal under; it always matches `^[a-z0-9][a-z0-9_-]*$`.
    ///
    /// `with_account` appends `-<account>`, for use where several accounts have roles of the same
    /// name.
    #[must_use]
    pub fn canonical_name(&self, with_account: bool) -> String {
        let account = self.account.to_ascii_lowercase();
        match normalize(&self.label) {
            Some(name) if self.kind != Kind::Root => {
                if with_account {
                    format!("{name}-{account}")
                } else {
                    name
                }
            }
            // No legal character is left, or the principal is the root user: named by the account.
            _ => format!("{}-{account}", self.kind.as_str()),
        }
    }
}

/// The character rule for canonical names: that of version 0.1.0 (lower case, outer white space
/// removed, every other character than `a-z 0-9 _ -` becomes `_`), and then no leading `-` or
/// `_`, which `LegionIO` refuses. `None` where nothing is left.
#[must_use]
pub fn normalize(name: &str) -> Option<String> {
    let lower = name.to_lowercase();
    // Like Ruby's String#strip: NUL is removed, other Unicode white space is not.
    let stripped = lower.trim_matches(|c| matches!(c, '\0' | '\t'..='\r' | ' '));
    let replaced: String = stripped
        .chars()
        .map(|c| match c {
            'a'..='z' | '0'..='9' | '_' | '-' => c,
            _ => '_',
        })
        .collect();
    let legal = replaced.trim_start_matches(['-', '_']);
    (!legal.is_empty()).then(|| legal.to_owned())
}

/// The parts of an ARN's sixth field.
struct Resource<'a> {
    kind: Kind,
    role: Option<&'a str>,
    session: Option<&'a str>,
    label: &'a str,
}

impl<'a> Resource<'a> {
    fn read(resource: &'a str) -> Option<Self> {
        if resource == "root" {
            return Some(Self::plain(Kind::Root, resource));
        }
        let (kind, rest) = resource.split_once('/')?;
        // There may be a path between the type and the name.
        let name = rest.rsplit('/').next().filter(|name| !name.is_empty())?;
        match kind {
            "assumed-role" => {
                let (role, session) = rest.rsplit_once('/')?;
                let role = role.rsplit('/').next().filter(|role| !role.is_empty())?;
                Some(Self::of_role(role, Some(session)))
            }
            "role" => Some(Self::of_role(name, None)),
            "user" => Some(Self::plain(Kind::User, name)),
            "federated-user" => Some(Self::plain(Kind::Federated, name)),
            _ => None,
        }
    }

    fn of_role(role: &'a str, session: Option<&'a str>) -> Self {
        let (kind, label) = match session {
            Some(session) if role == INSTANCE_ROLE => (Kind::Instance, session),
            _ => permission_set(role).map_or((Kind::Role, role), |set| (Kind::Sso, set)),
        };
        Self {
            kind,
            role: Some(role),
            session,
            label,
        }
    }

    fn plain(kind: Kind, label: &'a str) -> Self {
        Self {
            kind,
            role: None,
            session: None,
            label,
        }
    }
}

/// `AWSReservedSSO_<permission set>_<16 hex digits>`: the roles IAM Identity Center creates.
fn permission_set(role: &str) -> Option<&str> {
    let (set, suffix) = role.strip_prefix(SSO_PREFIX)?.rsplit_once('_')?;
    let made_by_sso = suffix.len() == 16 && suffix.bytes().all(|b| b.is_ascii_hexdigit());
    (made_by_sso && !set.is_empty()).then_some(set)
}

fn is_partition(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-'))
}

/// AWS's accounts have twelve digits; services that imitate AWS use letters too. Both are
/// accepted, since both keep the canonical name legal.
fn is_account(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric())
}

/// The service answered, so this is no outage: with a status set, the session does not serve an
/// older identity in its place.
pub(crate) fn unreadable(arn: &str, why: &str) -> Failure {
    let mut failure = Failure::new(
        FailureKind::Service,
        format!(
            "sts:GetCallerIdentity answered with an ARN that cannot be read: {why}: {}.",
            shown(arn)
        ),
        "Check that the STS endpoint is AWS's; if it is, report this ARN.",
    );
    failure.status = Some(200);
    failure
}

#[cfg(test)]
mod tests;
