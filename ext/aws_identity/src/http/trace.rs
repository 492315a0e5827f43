//! The trace of AWS Lambda, which the AWS SDK passes on.

use crate::{credentials::is_header, environment::Environment};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;

/// Never signed.
pub(crate) const TRACE_ID: &str = "x-amzn-trace-id";
/// In place of a trace: taken out again before the request is sent.
const NONE: &str = "none";

/// The value of [`TRACE_ID`] as the AWS SDK takes it of the environment.
pub(super) fn of(environment: &Environment) -> String {
    let is_lambda = environment.get("AWS_LAMBDA_FUNCTION_NAME").is_some();
    let trace = environment.get("_X_AMZN_TRACE_ID");
    let trace = trace.filter(|trace| is_lambda && is_header(trace));
    trace.unwrap_or(NONE).to_owned()
}

pub(super) fn without_none(request: &mut HttpRequest) {
    let headers = request.headers_mut();
    if headers.get(TRACE_ID) == Some(NONE) {
        headers.remove(TRACE_ID);
    }
}
