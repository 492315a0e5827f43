//! The one table of presigned tokens: a new kind is a new row and its request.
#![expect(
    clippy::unnecessary_wraps,
    reason = "the table has one type of function"
)]

use super::{
    request::{Form, Request},
    words::{Takes, Word, Words, optional, required},
};
use crate::{failure::Failure, region, sts::Endpoint};
use std::{
    pin::pin,
    task::{Context, Poll, Waker},
};

/// Where a token is for.
pub struct Place<'a> {
    pub region: &'a str,
    /// Whether AWS's FIPS endpoints are to be used.
    pub use_fips: bool,
}

/// One kind of presigned token.
pub(super) struct Recipe {
    pub kind: &'static str,
    /// The words it takes.
    pub words: &'static [Word],
    /// For how many seconds the other system takes the token, unless the word `duration_seconds`
    /// says otherwise.
    pub lifetime: u32,
    pub request: fn(&Words<'_>, &Place<'_>) -> Result<Request, Failure>,
}

const QUARTER_OF_AN_HOUR: u32 = 900;
/// Bedrock takes no longer life.
/// <https://docs.aws.amazon.com/bedrock/latest/userguide/api-keys-generate.html>
const HALF_A_DAY: u32 = 43_200;

/// Sources: `aws eks get-token` of the AWS CLI; `generate_db_auth_token` of botocore; the
/// `ElastiCache` and `MemoryDB` guides ("Authenticating with IAM"); aws-msk-iam-sasl-signer-python;
/// aws-bedrock-token-generator-python.
pub(super) const RECIPES: &[Recipe] = &[
    Recipe {
        kind: "eks",
        words: &[required("cluster", Takes::Text)],
        lifetime: 14 * 60,
        request: eks,
    },
    Recipe {
        kind: "rds",
        words: &[
            required("host", Takes::Host),
            required("port", Takes::Number(1, 65_535)),
            required("user", Takes::Text),
        ],
        lifetime: QUARTER_OF_AN_HOUR,
        request: rds,
    },
    Recipe {
        kind: "dsql",
        words: &[
            required("host", Takes::Host),
            optional("admin", Takes::Flag),
        ],
        lifetime: QUARTER_OF_AN_HOUR,
        request: dsql,
    },
    Recipe {
        kind: "elasticache",
        words: &[
            required("name", Takes::Host),
            required("user", Takes::Text),
            optional("serverless", Takes::Flag),
        ],
        lifetime: QUARTER_OF_AN_HOUR,
        request: elasticache,
    },
    Recipe {
        kind: "memorydb",
        words: &[required("name", Takes::Host), required("user", Takes::Text)],
        lifetime: QUARTER_OF_AN_HOUR,
        request: memorydb,
    },
    Recipe {
        kind: "msk",
        words: &[],
        lifetime: QUARTER_OF_AN_HOUR,
        request: msk,
    },
    Recipe {
        kind: "bedrock",
        words: &[optional("duration_seconds", Takes::Number(1, HALF_A_DAY))],
        lifetime: HALF_A_DAY,
        request: bedrock,
    },
];

/// EKS takes the regional host of STS and its FIPS host only, never one of dual stack or of a
/// configured endpoint.
fn eks(words: &Words<'_>, place: &Place<'_>) -> Result<Request, Failure> {
    const ACTION: &[(&str, &str)] = &[("Action", "GetCallerIdentity"), ("Version", "2011-06-15")];
    let mut request = Request::get("sts", &sts_host(place)?, ACTION, Form::Eks);
    request.expires = 60;
    // As botocore writes the value of a header: one space for all white space, and none at its ends.
    let cluster: Vec<_> = words.text("cluster").split_whitespace().collect();
    request.header = Some(("x-k8s-aws-id", cluster.join(" ")));
    Ok(request)
}

fn rds(words: &Words<'_>, _: &Place<'_>) -> Result<Request, Failure> {
    let host = format!(
        "{}:{}",
        words.host("host"),
        words.number("port").unwrap_or_default()
    );
    let query = [("Action", "connect"), ("DBUser", words.text("user"))];
    Ok(Request::get("rds-db", &host, &query, Form::WithoutScheme))
}

fn dsql(words: &Words<'_>, _: &Place<'_>) -> Result<Request, Failure> {
    let action = if words.flag("admin") {
        "DbConnectAdmin"
    } else {
        "DbConnect"
    };
    Ok(Request::get(
        "dsql",
        words.host("host"),
        &[("Action", action)],
        Form::WithoutScheme,
    ))
}

fn elasticache(words: &Words<'_>, _: &Place<'_>) -> Result<Request, Failure> {
    let mut query = vec![("Action", "connect"), ("User", words.text("user"))];
    if words.flag("serverless") {
        query.push(("ResourceType", "ServerlessCache"));
    }
    let host = words.host("name").to_ascii_lowercase();
    Ok(Request::get(
        "elasticache",
        &host,
        &query,
        Form::WithoutScheme,
    ))
}

fn memorydb(words: &Words<'_>, _: &Place<'_>) -> Result<Request, Failure> {
    let query = [("Action", "connect"), ("User", words.text("user"))];
    let host = words.host("name").to_ascii_lowercase();
    Ok(Request::get("memorydb", &host, &query, Form::WithoutScheme))
}

fn msk(_: &Words<'_>, place: &Place<'_>) -> Result<Request, Failure> {
    let host = format!("kafka.{}.amazonaws.com", place.region);
    let query = [("Action", "kafka-cluster:Connect")];
    Ok(Request::get("kafka-cluster", &host, &query, Form::Msk))
}

fn bedrock(words: &Words<'_>, _: &Place<'_>) -> Result<Request, Failure> {
    let query = [("Action", "CallWithBearerToken")];
    let mut request = Request::get("bedrock", "bedrock.amazonaws.com", &query, Form::Bedrock);
    request.method = "POST";
    request.expires = words.number("duration_seconds").unwrap_or(HALF_A_DAY);
    Ok(request)
}

/// The host of STS, by the SDK's own rules.
fn sts_host(place: &Place<'_>) -> Result<String, Failure> {
    region::check_region("region", place.region)?;
    let endpoint = Endpoint {
        region: place.region.to_owned(),
        url: None,
        use_fips: Some(place.use_fips),
        use_dualstack: Some(false),
    };
    // The SDK's rules need no network, so its future is ready at the first poll.
    let found = pin!(endpoint.address()).poll(&mut Context::from_waker(Waker::noop()));
    match found {
        Poll::Ready(address) => {
            let address = address?;
            Ok(address.expose().trim_start_matches("https://").to_owned())
        }
        Poll::Pending => Err(Failure::internal(
            "The endpoint rules of STS gave no answer at once.",
            "Please report it.",
        )),
    }
}
