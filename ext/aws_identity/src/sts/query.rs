//! A call of STS that aws-sdk-sts does not have.
//!
//! The caller writes the request and reads the answer; signature, retries and time-outs are those of the
//! SDK, as for its own calls.

use super::{
    Sts,
    client::{retry_partition, signing_keys},
};
use crate::{
    credentials::Credentials,
    failure::Failure,
    http::{self, USER_AGENT},
};
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_runtime::{
    auth::{
        SigV4OperationSigningConfig, SigningOptions,
        sigv4::{SCHEME_ID, SigV4AuthScheme},
    },
    retries::classifiers::AwsErrorCodeClassifier,
    service_clock_skew::{ServiceClockSkewClassifier, ServiceClockSkewInterceptor},
};
use aws_sdk_sts::config::{BehaviorVersion, Region};
use aws_smithy_runtime::client::{
    identity::IdentityCache, orchestrator::operation::Operation,
    retries::classifiers::TransientErrorClassifier,
    stalled_stream_protection::StalledStreamProtectionInterceptor,
};
use aws_smithy_runtime_api::{
    box_error::BoxError,
    client::{
        auth::{AuthSchemeOptionResolverParams, static_resolver::StaticAuthSchemeOptionResolver},
        orchestrator::{HttpRequest, HttpResponse, OrchestratorError},
        runtime_components::RuntimeComponentsBuilder,
        runtime_plugin::StaticRuntimePlugin,
    },
};
use aws_smithy_types::{
    body::SdkBody,
    config_bag::Layer,
    error::{ErrorMetadata, metadata::Builder as MetadataBuilder},
};
use aws_smithy_xml::decode::{Document, XmlDecodeError, try_data};
use aws_types::{SigningName, region::SigningRegion};
use std::fmt;

/// The version of STS's protocol.
pub(super) const VERSION: &str = "2011-06-15";

impl Sts<'_> {
    /// Sends `body`, signed with `keys`, as `call`, and reads the answer with `read`.
    pub(super) async fn query<T>(
        &self,
        call: &'static str,
        keys: &Credentials,
        body: String,
        read: fn(&[u8]) -> Result<T, XmlDecodeError>,
    ) -> Result<T, Failure>
    where
        T: fmt::Debug + Send + Sync + 'static,
    {
        let address = self.endpoint.address().await?;
        let operation = Operation::builder()
            .service_name("STS")
            .operation_name(call)
            .behavior_version(BehaviorVersion::latest())
            .http_client(self.http_client().await?)
            .endpoint_url(&http::without_userinfo(address.expose()))
            .sleep_impl(http::sleep())
            .standard_retry(&self.retry_config(None))
            .retry_classifier(self.retries())
            .retry_classifier(TransientErrorClassifier::<ErrorMetadata>::new())
            .retry_classifier(AwsErrorCodeClassifier::<ErrorMetadata>::new())
            .retry_classifier(ServiceClockSkewClassifier::<ErrorMetadata>::new())
            .interceptor(ServiceClockSkewInterceptor::new())
            .interceptor(StalledStreamProtectionInterceptor::default())
            .timeout_config(self.timeouts())
            .runtime_plugin(signer(keys, &self.endpoint.region))
            .serializer(request)
            .deserializer(move |answer| answered(answer, read))
            .build();
        let outcome = operation.invoke(body).await;
        outcome.map_err(|error| self.failure(call, "", &error))
    }
}

/// What signs each attempt, and counts the call apart from those of other libraries.
fn signer(keys: &Credentials, region: &str) -> StaticRuntimePlugin {
    let mut signing_options = SigningOptions::default();
    signing_options.double_uri_encode = true;
    signing_options.normalize_uri_path = true;
    let mut config = Layer::new("signed query");
    config.store_put(SigV4OperationSigningConfig {
        region: Some(SigningRegion::from(Region::new(region.to_owned()))),
        name: Some(SigningName::from_static("sts")),
        signing_options,
        ..SigV4OperationSigningConfig::default()
    });
    config.store_put(AuthSchemeOptionResolverParams::new(()));
    config.store_put(retry_partition());
    let components = RuntimeComponentsBuilder::new("signed query")
        .with_auth_scheme_option_resolver(Some(StaticAuthSchemeOptionResolver::new(vec![
            SCHEME_ID,
        ])))
        .with_auth_scheme(SigV4AuthScheme::new())
        .with_identity_cache(Some(IdentityCache::no_cache()))
        .with_identity_resolver(
            SCHEME_ID,
            SharedCredentialsProvider::new(signing_keys(keys)),
        );
    StaticRuntimePlugin::new()
        .with_config(config.freeze())
        .with_runtime_components(components)
}

fn request(body: String) -> Result<HttpRequest, BoxError> {
    let mut request = HttpRequest::new(SdkBody::from(body));
    request.set_method("POST")?;
    let headers = request.headers_mut();
    headers.insert("content-type", "application/x-www-form-urlencoded");
    headers.insert("user-agent", USER_AGENT);
    Ok(request)
}

fn answered<T>(
    answer: &HttpResponse,
    read: fn(&[u8]) -> Result<T, XmlDecodeError>,
) -> Result<T, OrchestratorError<ErrorMetadata>> {
    let body = answer.body().bytes().unwrap_or_default();
    if answer.status().is_success() {
        return read(body).map_err(|error| OrchestratorError::response(error.into()));
    }
    // What is not STS's has neither code nor message, and its status decides.
    let said = refusal(body).unwrap_or_else(|_| ErrorMetadata::builder());
    Err(OrchestratorError::operation(said.build()))
}

/// Code and message of `<ErrorResponse><Error>`.
fn refusal(body: &[u8]) -> Result<MetadataBuilder, XmlDecodeError> {
    let mut document = Document::try_from(body)?;
    let mut root = document.root_element()?;
    let mut said = ErrorMetadata::builder();
    while let Some(mut error) = root.next_tag() {
        if error.start_el().local() != "Error" {
            continue;
        }
        while let Some(mut member) = error.next_tag() {
            said = match member.start_el().local() {
                "Code" => said.code(try_data(&mut member)?),
                "Message" => said.message(try_data(&mut member)?),
                _ => said,
            };
        }
    }
    Ok(said)
}
