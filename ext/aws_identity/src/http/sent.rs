//! What the requests of a fetch prove themselves with: an endpoint may quote it back.

use super::endpoint::userinfo;
use crate::{
    credentials::KnownSecrets,
    util::{secret_json::SecretJson, url::query_bytes},
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::base64;
use zeroize::Zeroizing;

const HEADERS: [&str; 5] = [
    "authorization",
    "x-amz-security-token",
    "x-amz-sso_bearer_token",
    "x-aws-ec2-metadata-token",
    "dpop",
];
/// The ends of the names of parameters of STS that are secret.
const PARAMETERS: [&str; 3] = ["WebIdentityToken", "TokenCode", "ContextAssertion"];
/// The same of one whose value may be a name too.
const POSSIBLE_NAME: &str = "ExternalId";
/// Secret members of the bodies of a login.
const MEMBERS: [&str; 2] = ["clientSecret", "refreshToken"];

/// Remembers every secret of `request`.
pub(super) fn note(request: &HttpRequest, secrets: &KnownSecrets) {
    for name in HEADERS {
        if let Some(value) = request.headers().get(name) {
            note_header(value, secrets);
        }
    }
    let Some(body) = request.body().bytes() else {
        return;
    };
    if let Some(json) = SecretJson::parse(body) {
        let members = MEMBERS.iter().filter_map(|name| json.text(name));
        members.for_each(|value| secrets.note(value));
        return;
    }
    for pair in body.split(|byte| *byte == b'&') {
        let Some(end) = pair.iter().position(|byte| *byte == b'=') else {
            continue;
        };
        let (name, value) = (&pair[..end], &pair[end + 1..]);
        let ends_in = |parameter: &str| name.ends_with(parameter.as_bytes());
        let is_secret = PARAMETERS.into_iter().any(ends_in);
        if is_secret || ends_in(POSSIBLE_NAME) {
            let plain = Zeroizing::new(query_bytes(value));
            let text = String::from_utf8_lossy(&plain);
            if is_secret {
                secrets.note(&text);
            } else {
                secrets.note_possible_name(&text);
            }
        }
    }
}

/// Remembers user and password of a `url`, the password alone, and what basic authentication makes of both.
pub(super) fn note_userinfo(url: &str, secrets: &KnownSecrets) {
    let Some(userinfo) = userinfo(url) else {
        return;
    };
    // A plus sign is no blank here.
    let encoded = Zeroizing::new(userinfo.replace('+', "%2B"));
    let plain = Zeroizing::new(query_bytes(encoded.as_bytes()));
    let text = String::from_utf8_lossy(&plain);
    secrets.note_possible_name(&text); // it begins with the user
    // Basic authentication has a colon behind a user without a password too.
    let both = Zeroizing::new(if text.contains(':') {
        text.to_string()
    } else {
        format!("{text}:")
    });
    secrets.note(&Zeroizing::new(base64::encode(both.as_bytes())));
    if let Some((_, password)) = text.split_once(':') {
        secrets.note(password);
    }
}

/// Of a signature nothing is secret but the signature itself: scope and key id stay readable.
fn note_header(value: &str, secrets: &KnownSecrets) {
    if let Some((_, signature)) = value
        .split_once("Signature=")
        .filter(|_| value.starts_with("AWS4-"))
    {
        secrets.note(signature);
        return;
    }
    secrets.note(value);
    if let Some((_, token)) = value.split_once(' ') {
        secrets.note(token); // behind Bearer or Basic
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_smithy_types::body::SdkBody;

    fn masked(header: (&'static str, &str), body: &str, text: &str) -> String {
        let mut request = HttpRequest::new(SdkBody::from(body));
        request.headers_mut().insert(header.0, header.1.to_owned());
        let secrets = KnownSecrets::default();
        note(&request, &secrets);
        secrets.masked(text)
    }

    #[test]
    fn everything_that_proves_a_request_is_known() {
        let none = ("accept", "text/xml");
        for (header, body, echo) in [
            (("authorization", "canary-1"), "", "canary-1"),
            (("authorization", "Bearer canary1"), "", "canary1"),
            (("x-amz-security-token", "canary/2"), "", "canary/2"),
            (("x-amz-sso_bearer_token", "canary3"), "", "canary3"),
            (("x-aws-ec2-metadata-token", "canary4"), "", "canary4"),
            (("dpop", "canary5"), "", "canary5"),
            (none, "Action=A&WebIdentityToken=can%2Fary%3D", "can/ary="),
            (none, "TokenCode=123456&Action=A", "123456"),
            (none, "ExternalId=canary%2B7", "canary%2B7"),
            (
                none,
                "ProvidedContexts.member.1.ContextAssertion=canary8",
                "canary8",
            ),
            (none, r#"{"clientSecret":"canary9"}"#, "canary9"),
            (none, r#"{"refreshToken":"canary10"}"#, "canary10"),
        ] {
            let text = format!("it said {echo}.");
            let said = masked(header, body, &text);
            assert!(!said.contains(echo) && said.contains("[secret]"), "{said}");
        }
    }

    #[test]
    fn a_signature_hides_neither_key_id_nor_scope() {
        let signed = "AWS4-HMAC-SHA256 Credential=AKIAEXAMPLE/20260102/eu-west-1/sts/aws4_request, SignedHeaders=host;x-amz-date, Signature=0123456789abcdef0123456789abcdef";
        let said = masked(
            ("authorization", signed),
            "Action=GetCallerIdentity",
            signed,
        );
        assert_eq!(
            said,
            signed.replace("0123456789abcdef0123456789abcdef", "[secret]")
        );
    }
}
