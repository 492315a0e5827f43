//! An endpoint that says everything it was sent, as a debugging proxy or a mock does.

use crate::failure::Failure;
use crate::http::Request;

/// What clients say of themselves is no secret, and would only make the text longer.
const LEFT_OUT: [&str; 4] = ["user-agent", "x-amz-user-agent", "amz-sdk-request", "amz-sdk-invocation-id"];
const PROOFS: [&str; 4] = ["x-amz-security-token", "x-amz-sso_bearer_token", "x-aws-ec2-metadata-token", "authorization"];

/// The code is what proved the request; the message has the body and the headers, one a line.
pub fn failure(status: u16, request: &Request) -> Failure {
    let proof = PROOFS.iter().find_map(|name| request.header(name));
    let mut headers: Vec<_> = request.headers.iter().filter(|(name, _)| !LEFT_OUT.contains(&name.as_str())).collect();
    headers.sort_by_key(|(name, _)| (!PROOFS.contains(&name.as_str()), name == "authorization"));
    let lines: Vec<String> = headers.iter().map(|(name, value)| format!("{name}:{value}")).collect();
    let (body, headers) = (String::from_utf8_lossy(&request.body), lines.join("\n"));
    Failure::new(status, proof.unwrap_or("Echo"), format!("You sent\n{body}\n{headers}\n"))
}
