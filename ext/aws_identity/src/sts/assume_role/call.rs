//! The call `AssumeRole`, and what `AssumeRoleWithWebIdentity` takes of its options.
//!
//! The request is made with `aws-sdk-sts` and not by `AssumeRoleProvider` of aws-config 1.13.0, which
//! cannot send `SerialNumber`, `TokenCode`, `SourceIdentity`, `TransitiveTagKeys` and `ProvidedContexts`.

use super::AssumeRoleOptions;
use crate::{
    credentials::Credentials,
    failure::Failure,
    sts::{
        Mfa, Sts,
        client::{add_role_details, add_token_details, credentials, number},
        errors::about_keys,
        limits,
    },
};
use aws_sdk_sts::{
    operation::{
        assume_role::builders::AssumeRoleFluentBuilder,
        assume_role_with_web_identity::builders::AssumeRoleWithWebIdentityFluentBuilder,
    },
    types::{PolicyDescriptorType, ProvidedContext, Tag},
};
use std::collections::BTreeMap;

impl AssumeRoleOptions {
    fn request(
        &self,
        request: AssumeRoleFluentBuilder,
    ) -> Result<AssumeRoleFluentBuilder, Failure> {
        let Self {
            role_session_name: _, // the caller has one in any case
            duration_seconds,
            minimum_session_token_size,
            external_id,
            policy,
            policy_arns,
            tags,
            transitive_tag_keys,
            source_identity,
            serial_number: _, // sent with its code
            provided_contexts,
        } = self;
        let tags = tags
            .iter()
            .map(|(key, value)| Tag::builder().key(key).value(value).build())
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| {
                Failure::internal(
                    format!("A session tag cannot be built: {error}."),
                    "Report it with this text.",
                )
            })?;
        let contexts = provided_contexts.iter().map(|(arn, assertion)| {
            ProvidedContext::builder()
                .provider_arn(arn)
                .context_assertion(assertion.expose())
                .build()
        });
        Ok(request
            .set_duration_seconds(number(*duration_seconds))
            .set_minimum_session_token_size(number(*minimum_session_token_size))
            .set_external_id(external_id.as_ref().map(|id| id.expose().to_owned()))
            .set_policy(policy.clone())
            .set_policy_arns(policy_descriptors(policy_arns))
            .set_tags(given(tags))
            .set_transitive_tag_keys(given(transitive_tag_keys.clone()))
            .set_source_identity(source_identity.clone())
            .set_provided_contexts(given(contexts.collect())))
    }

    /// The request of a web identity with these options, but for those in
    /// [`Self::unsupported_by_web_identity`], which the caller has refused.
    pub(in crate::sts) fn web_identity_request(
        &self,
        request: AssumeRoleWithWebIdentityFluentBuilder,
    ) -> AssumeRoleWithWebIdentityFluentBuilder {
        let Self {
            role_session_name: _, // the caller has one in any case
            duration_seconds,
            minimum_session_token_size,
            external_id: _, // there is no such parameter
            policy,
            policy_arns,
            tags: _,
            transitive_tag_keys: _,
            source_identity: _,
            serial_number: _,
            provided_contexts: _,
        } = self;
        request
            .set_duration_seconds(number(*duration_seconds))
            .set_minimum_session_token_size(number(*minimum_session_token_size))
            .set_policy(policy.clone())
            .set_policy_arns(policy_descriptors(policy_arns))
    }
}

impl Sts<'_> {
    /// Assumes `role_arn` with the credentials of `keys`.
    pub async fn assume_role(
        &self,
        keys: &Credentials,
        role_arn: &str,
        options: &AssumeRoleOptions,
        session_name: &str,
        mfa: Option<&Mfa<'_>>,
    ) -> Result<Credentials, Failure> {
        const CALL: &str = "AssumeRole";
        let request = self
            .signing_client(keys, mfa)
            .await?
            .assume_role()
            .role_arn(role_arn)
            .role_session_name(session_name)
            .set_serial_number(mfa.map(|mfa| mfa.serial_number.to_owned()))
            .set_token_code(mfa.map(|mfa| mfa.code.expose().to_owned()));
        let reply = options
            .request(request)?
            .send()
            .await
            .map_err(|error| about_keys(self.failure(CALL, role_arn, &error), keys))?;
        let mut details = BTreeMap::new();
        #[expect(deprecated, reason = "its successor is not yet answered everywhere")]
        let policy_size = reply.packed_policy_size();
        add_token_details(
            &mut details,
            reply.session_token_size(),
            reply.session_token_utilization(),
        );
        add_role_details(
            &mut details,
            policy_size,
            reply.source_identity(),
            reply.assumed_role_user(),
        );
        let seconds = options
            .duration_seconds
            .unwrap_or(limits::DEFAULT_ROLE_SECONDS);
        credentials(reply.credentials, CALL, seconds, details)
    }
}

/// A list that is sent only where there is something in it.
fn given<T>(items: Vec<T>) -> Option<Vec<T>> {
    (!items.is_empty()).then_some(items)
}

fn policy_descriptors(arns: &[String]) -> Option<Vec<PolicyDescriptorType>> {
    given(
        arns.iter()
            .map(|arn| PolicyDescriptorType::builder().arn(arn).build())
            .collect(),
    )
}
