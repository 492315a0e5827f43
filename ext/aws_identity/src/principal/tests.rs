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

/// What an ARN must be parsed to.
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
    // A role whose name only begins like one of IAM Identity Center's is a plain role.
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

/// xorshift64*: random enough for test inputs, and repeatable from its seed.
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
