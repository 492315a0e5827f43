//! Keeps the AWS SDK from reading the environment on the thread of a fetch: in glibc before 2.41 such a read can
//! crash while Ruby adds a variable.

use crate::{
    failure::Failure,
    http::{Http, TRACE_ID},
};
use aws_runtime::user_agent::{ApiMetadata, AwsUserAgent};
use aws_sdk_sts::{
    config::{
        ConfigBag, Intercept, RuntimeComponents,
        interceptors::{
            BeforeSerializationInterceptorContextRef, BeforeTransmitInterceptorContextMut,
        },
    },
    error::BoxError,
};
use aws_smithy_runtime_api::client::orchestrator::SensitiveOutput;

/// Answers what the SDK would read, before it does.
#[derive(Debug)]
pub(super) struct SdkEnvironment {
    user_agent: AwsUserAgent,
    trace: String,
}

impl SdkEnvironment {
    /// # Errors
    /// Where `AWS_EXECUTION_ENV` cannot be sent.
    pub(super) fn of(http: &Http) -> Result<Self, Failure> {
        let api = ApiMetadata::new("sts", aws_sdk_sts::meta::PKG_VERSION);
        Ok(Self {
            user_agent: AwsUserAgent::new_from_environment(http.user_agent_environment()?, api),
            trace: http.trace_id(),
        })
    }
}

impl Intercept for SdkEnvironment {
    fn name(&self) -> &'static str {
        "SdkEnvironment"
    }

    fn read_before_execution(
        &self,
        _: &BeforeSerializationInterceptorContextRef<'_>,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        config
            .interceptor_state()
            .store_put(self.user_agent.clone())
            // Where the SDK takes an answer for sensitive it asks LOG_SENSITIVE_BODIES whether to log it. It logs none,
            // because nothing here subscribes to its traces.
            .unset::<SensitiveOutput>();
        Ok(())
    }

    /// Where the header is there already, the SDK does not look for it in the variables of AWS Lambda.
    fn modify_before_retry_loop(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let headers = context.request_mut().headers_mut();
        headers.try_insert(TRACE_ID, self.trace.clone())?;
        Ok(())
    }
}
