//! The principal behind an ARN, and the one name `LegionIO` knows it by.
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
/// The role name every EC2 host has that was given no role of its own.
const INSTANCE_ROLE: &str = "aws:ec2-instance";
const SSO_PREFIX: &str = "AWSReservedSSO_";

/// What sort of principal an ARN names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A role, most often a session of it.
    Role,
    /// An EC2 instance under its instance identity role.
    Instance,
    /// A user of IAM Identity Center.
    Sso,
    /// An IAM user.
    User,
    /// The account itself.
    Root,
    /// A federated user.
    Federated,
}

impl Kind {
    /// Its name in metadata, and in canonical names for which the ARN leaves nothing else.
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

/// Whom AWS says the credentials belong to.
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
    /// The principal's ARN without the session, so that it is the same in the next session. Of an
    /// instance identity role the session is the machine, and stays in the ARN.
    pub provider_arn: String,
    /// The part of the ARN that names it, before the character rule.
    label: String,
}

impl Principal {
    /// Reads the answer of `sts:GetCallerIdentity`.
    ///
    /// `account` is used where the ARN has none. An ARN of an unknown form is a failure that shows it,
    /// because a guessed name could be another principal's.
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
        // The resource may hold colons of its own: the limit keeps it whole.
        let fields: Vec<&str> = arn.splitn(6, ':').collect();
        let ["arn", partition, service, region, owner, resource] = fields[..] else {
            return Err(unreadable(arn, "it has not the six fields of an ARN"));
        };
        if !is_partition(partition) {
            return Err(unreadable(arn, "its partition is not readable"));
        }
        // Either for every resource: AWS's own documentation and moto print the other service for some.
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
            // A session of a role: the role itself. STS drops the role's path, so it is missing.
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
    /// `with_account` appends `-<account>`, for machines in accounts that have roles of the same name.
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
            // Nothing legal is left, or the principal is the account itself: the account is the name.
            _ => format!("{}-{account}", self.kind.as_str()),
        }
    }
}

/// The character rule for canonical names: what version 0.1.0 did (lower case, outer white space
/// off, every other character than `a-z 0-9 _ -` becomes `_`), and then no `-` or `_` in front,
/// which `LegionIO` refuses. `None` where nothing is left.
#[must_use]
pub fn normalize(name: &str) -> Option<String> {
    let lower = name.to_lowercase();
    // What Ruby's String#strip takes off: NUL too, other Unicode white space not.
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

/// The sixth field of an ARN, taken apart.
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
        // A path may stand between the type and the name.
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

/// `AWSReservedSSO_<permission set>_<16 hex digits>`: the roles IAM Identity Center makes.
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

/// Twelve digits at AWS. Imitations of STS use letters too, which a canonical name may hold.
fn is_account(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric())
}

/// STS answered, so this is no outage: with a status, no older answer is served in its place.
fn unreadable(arn: &str, why: &str) -> Failure {
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
mod tests {
    use super::*;

    const ACCOUNT: &str = "123456789012";

    fn parsed(arn: &str) -> Principal {
        Principal::parse(arn, Some(ACCOUNT), "AROAEXAMPLE:session").unwrap()
    }

    fn refused(arn: &str) -> Failure {
        Principal::parse(arn, Some(ACCOUNT), "AROAEXAMPLE").unwrap_err()
    }

    fn is_legal(name: &str) -> bool {
        name.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
            && name
                .bytes()
                .all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-'))
    }

    /// What an ARN must come out as.
    struct Form {
        resource: &'static str,
        service: &'static str,
        kind: Kind,
        role: Option<&'static str>,
        session: Option<&'static str>,
        name: &'static str,
        /// The service and resource of `provider_arn`.
        provider: (&'static str, &'static str),
    }

    const FORMS: &[Form] = &[
        Form {
            resource: "assumed-role/Legion-Worker/i-0abc1234def567890",
            service: "sts",
            kind: Kind::Role,
            role: Some("Legion-Worker"),
            session: Some("i-0abc1234def567890"),
            name: "legion-worker",
            provider: ("iam", "role/Legion-Worker"),
        },
        Form {
            resource: "assumed-role/app.v2+blue=a,b@c/eks-prod-pod-0f3c",
            service: "sts",
            kind: Kind::Role,
            role: Some("app.v2+blue=a,b@c"),
            session: Some("eks-prod-pod-0f3c"),
            name: "app_v2_blue_a_b_c",
            provider: ("iam", "role/app.v2+blue=a,b@c"),
        },
        Form {
            resource: "assumed-role/team/path/Builder/run-1",
            service: "sts",
            kind: Kind::Role,
            role: Some("Builder"),
            session: Some("run-1"),
            name: "builder",
            provider: ("iam", "role/Builder"),
        },
        Form {
            resource: "assumed-role/aws:ec2-instance/i-0ABC1234def567890",
            service: "sts",
            kind: Kind::Instance,
            role: Some("aws:ec2-instance"),
            session: Some("i-0ABC1234def567890"),
            name: "i-0abc1234def567890",
            provider: ("sts", "assumed-role/aws:ec2-instance/i-0ABC1234def567890"),
        },
        Form {
            resource: "assumed-role/aws:ec2-instance/i-0abc1234def567890",
            service: "iam",
            kind: Kind::Instance,
            role: Some("aws:ec2-instance"),
            session: Some("i-0abc1234def567890"),
            name: "i-0abc1234def567890",
            provider: ("sts", "assumed-role/aws:ec2-instance/i-0abc1234def567890"),
        },
        Form {
            resource: "assumed-role/AWSReservedSSO_Power_User_0123456789abcdef/jane@example.com",
            service: "sts",
            kind: Kind::Sso,
            role: Some("AWSReservedSSO_Power_User_0123456789abcdef"),
            session: Some("jane@example.com"),
            name: "power_user",
            provider: ("iam", "role/AWSReservedSSO_Power_User_0123456789abcdef"),
        },
        // A role that is only named like one of SSO's is a role.
        Form {
            resource: "assumed-role/AWSReservedSSO_Admin_short/jane",
            service: "sts",
            kind: Kind::Role,
            role: Some("AWSReservedSSO_Admin_short"),
            session: Some("jane"),
            name: "awsreservedsso_admin_short",
            provider: ("iam", "role/AWSReservedSSO_Admin_short"),
        },
        Form {
            resource: "user/Alice",
            service: "iam",
            kind: Kind::User,
            role: None,
            session: None,
            name: "alice",
            provider: ("iam", "user/Alice"),
        },
        Form {
            resource: "user/division/team/Alice.B",
            service: "iam",
            kind: Kind::User,
            role: None,
            session: None,
            name: "alice_b",
            provider: ("iam", "user/division/team/Alice.B"),
        },
        Form {
            resource: "user/moto",
            service: "sts",
            kind: Kind::User,
            role: None,
            session: None,
            name: "moto",
            provider: ("sts", "user/moto"),
        },
        Form {
            resource: "root",
            service: "iam",
            kind: Kind::Root,
            role: None,
            session: None,
            name: "root-123456789012",
            provider: ("iam", "root"),
        },
        Form {
            resource: "federated-user/Bob",
            service: "sts",
            kind: Kind::Federated,
            role: None,
            session: None,
            name: "bob",
            provider: ("sts", "federated-user/Bob"),
        },
        Form {
            resource: "role/service/Deployer",
            service: "iam",
            kind: Kind::Role,
            role: Some("Deployer"),
            session: None,
            name: "deployer",
            provider: ("iam", "role/service/Deployer"),
        },
    ];

    const PARTITIONS: [&str; 8] = [
        "aws",
        "aws-cn",
        "aws-us-gov",
        "aws-iso",
        "aws-iso-b",
        "aws-iso-e",
        "aws-iso-f",
        "aws-eusc",
    ];

    #[test]
    fn every_form_in_every_partition() {
        for partition in PARTITIONS {
            for form in FORMS {
                let arn = format!(
                    "arn:{partition}:{}::{ACCOUNT}:{}",
                    form.service, form.resource
                );
                let found = parsed(&arn);
                assert_eq!(found.arn, arn);
                assert_eq!(found.kind, form.kind, "{arn}");
                assert_eq!(found.account, ACCOUNT, "{arn}");
                assert_eq!(found.partition, partition, "{arn}");
                assert_eq!(found.role.as_deref(), form.role, "{arn}");
                assert_eq!(found.session_name.as_deref(), form.session, "{arn}");
                assert_eq!(found.user_id, "AROAEXAMPLE:session");
                let (service, resource) = form.provider;
                let provider = format!("arn:{partition}:{service}::{ACCOUNT}:{resource}");
                assert_eq!(found.provider_arn, provider);
                assert_eq!(found.canonical_name(false), form.name, "{arn}");
                assert!(is_legal(&found.canonical_name(true)), "{arn}");
            }
        }
    }

    #[test]
    fn the_account_is_appended_once() {
        let role = parsed("arn:aws:sts::123456789012:assumed-role/Worker/s");
        assert_eq!(role.canonical_name(true), "worker-123456789012");
        let root = parsed("arn:aws:iam::123456789012:root");
        assert_eq!(root.canonical_name(true), "root-123456789012");
        let nameless = parsed("arn:aws:sts::123456789012:assumed-role/___/s");
        assert_eq!(nameless.canonical_name(false), "role-123456789012");
        assert_eq!(nameless.canonical_name(true), "role-123456789012");
    }

    #[test]
    fn the_provider_arn_is_the_same_for_every_session_of_a_role() {
        let one = parsed("arn:aws:sts::123456789012:assumed-role/Worker/pod-1");
        let two = parsed("arn:aws:sts::123456789012:assumed-role/Worker/pod-2");
        assert_eq!(one.provider_arn, two.provider_arn);
    }

    #[test]
    fn instances_without_a_role_stay_apart() {
        let one = parsed("arn:aws:sts::123456789012:assumed-role/aws:ec2-instance/i-01");
        let two = parsed("arn:aws:sts::123456789012:assumed-role/aws:ec2-instance/i-02");
        assert_ne!(one.provider_arn, two.provider_arn);
        assert_ne!(one.canonical_name(false), two.canonical_name(false));
    }

    #[test]
    fn the_given_account_counts_where_the_arn_has_none() {
        let found = Principal::parse("arn:aws:iam:::user/a", Some("000000000007"), "id").unwrap();
        assert_eq!(found.account, "000000000007");
        assert!(Principal::parse("arn:aws:iam:::user/a", None, "id").is_err());
        let other = Principal::parse("arn:aws:iam::000000000001:user/a", Some("7"), "id").unwrap();
        assert_eq!(other.account, "000000000001");
    }

    #[test]
    fn an_unknown_form_is_a_failure_that_shows_the_arn_and_is_no_outage() {
        for arn in [
            "arn:aws:sts::123456789012:assumed-root/x",
            "arn:aws:iam::123456789012:group/admins",
            "arn:aws:iam::123456789012:user",
            "arn:aws:iam::123456789012:user/",
            "arn:aws:iam::123456789012:user/path/",
            "arn:aws:sts::123456789012:assumed-role/only",
            "arn:aws:sts::123456789012:assumed-role//session",
            "arn:aws:sts::123456789012:assumed-role/role/",
            "arn:aws:sts::123456789012:Root",
            "arn:aws:s3::123456789012:user/a",
            "arn:aws:sts:us-east-1:123456789012:user/a",
            "arn:AWS:sts::123456789012:user/a",
            "arn::sts::123456789012:user/a",
            "arn:aws:sts::12 34:user/a",
            "arn:aws:sts::123456789012",
            "ARN:aws:sts::123456789012:user/a",
            "not an arn",
        ] {
            let failure = refused(arn);
            assert!(failure.message().contains(arn), "{failure}");
            assert_eq!(failure.kind, FailureKind::Service, "{failure}");
            assert!(!failure.is_outage(), "{failure}");
        }
    }

    #[test]
    fn hostile_text_is_refused_and_shown_harmlessly() {
        for arn in [
            "",
            "\0",
            "arn:aws:iam::123456789012:user/a\0b",
            "arn:aws:iam::123456789012:user/a\nlevel=info all is well",
            "arn:aws:iam::123456789012:user/\u{1b}[2J",
        ] {
            let failure = refused(arn);
            assert!(
                !failure.message().chars().any(char::is_control),
                "{failure:?}"
            );
        }
        let long = format!("arn:aws:iam::123456789012:user/{}", "é".repeat(100_000));
        assert!(refused(&long).message().chars().count() < 800);
        assert!(Principal::parse("arn:aws:iam::123456789012:user/a", None, "id\n").is_err());
    }

    #[test]
    fn normalize_keeps_the_names_of_the_first_release() {
        for (name, expected) in [
            ("Legion-Worker", Some("legion-worker")),
            ("a.b", Some("a_b")),
            ("  Padded\t\n", Some("padded")),
            ("\0nul\0", Some("nul")),
            ("two  spaces", Some("two__spaces")),
            ("--lead__", Some("lead__")),
            ("_9", Some("9")),
            ("Grüße", Some("gr__e")),
            ("\u{212A}elvin", Some("kelvin")),
            ("a\u{a0}", Some("a_")),
            ("日本", None),
            ("-_-", None),
            ("", None),
        ] {
            assert_eq!(normalize(name).as_deref(), expected, "{name:?}");
        }
    }

    /// xorshift64*: enough to wander through inputs, and every run can be had again.
    struct Dice(u64);

    impl Dice {
        fn roll(&mut self, sides: usize) -> usize {
            self.0 ^= self.0 >> 12;
            self.0 ^= self.0 << 25;
            self.0 ^= self.0 >> 27;
            let drawn = self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33;
            usize::try_from(drawn).unwrap() % sides
        }

        fn text(&mut self) -> String {
            const PIECES: [&str; 24] = [
                "arn",
                ":",
                ":",
                "/",
                "/",
                "aws",
                "aws-cn",
                "sts",
                "iam",
                "123456789012",
                "root",
                "user",
                "role",
                "assumed-role",
                "federated-user",
                "aws:ec2-instance",
                "i-0abc",
                "AWSReservedSSO_",
                "_0123456789abcdef",
                "-",
                "_",
                "İ",
                "\0",
                "\u{10ffff}",
            ];
            let mut text = String::new();
            for _ in 0..self.roll(12) {
                match self.roll(4) {
                    0 => {
                        let code = u32::try_from(self.roll(0x11_0000)).unwrap();
                        text.extend(char::from_u32(code));
                    }
                    1 => text.push(char::from(u8::try_from(self.roll(128)).unwrap())),
                    _ => text.push_str(PIECES[self.roll(PIECES.len())]),
                }
            }
            text
        }
    }

    #[test]
    fn any_text_gives_a_legal_name_or_a_failure() {
        let seed = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .map_or(1, |since| since.as_secs() | 1);
        println!("seed {seed}");
        let mut dice = Dice(seed);
        let (mut names, mut failures) = (0, 0);
        for _ in 0..40_000 {
            let tail = dice.text();
            let arn = match dice.roll(3) {
                0 => tail,
                1 => format!("arn:aws:iam::{ACCOUNT}:{tail}"),
                _ => {
                    let kind = ["assumed-role", "user", "role", "federated-user"][dice.roll(4)];
                    format!("arn:aws:sts::{ACCOUNT}:{kind}/{tail}")
                }
            };
            match Principal::parse(&arn, Some(ACCOUNT), "id") {
                Ok(principal) => {
                    names += 1;
                    for with_account in [false, true] {
                        let name = principal.canonical_name(with_account);
                        assert!(is_legal(&name), "seed {seed}: {arn:?} gave {name:?}");
                    }
                }
                Err(failure) => {
                    failures += 1;
                    assert!(
                        !failure.message().chars().any(char::is_control),
                        "seed {seed}: {arn:?}"
                    );
                }
            }
        }
        assert!(
            names > 1_000 && failures > 1_000,
            "seed {seed}: {names} names, {failures} failures"
        );
    }
}
