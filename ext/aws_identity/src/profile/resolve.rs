//! Resolves one profile: its base provider, the roles on top, and what else it sets.

use super::{
    files::Files,
    notes::Notes,
    profile_chain::{BaseProvider, ProfileChain, RoleStep},
    reader::ProfileReader,
};
use crate::{credentials::Secret, failure::Failure};
use std::collections::HashSet;

/// What the profile `name` asks for. `default` may be missing; any other profile must exist.
pub fn resolve(files: &Files, name: &str) -> Result<ProfileChain, Failure> {
    let Some(found) = files.profile(name) else {
        return if name == "default" {
            Ok(ProfileChain::absent(name, files))
        } else {
            Err(files.missing(name))
        };
    };
    let top = ProfileReader {
        files,
        name,
        profile: found,
    };
    let (base, base_profile, role_steps) = chain(top)?;
    let notes = Notes::of(top, &role_steps, &base, &base_profile);
    Ok(ProfileChain {
        profile: name.to_owned(),
        notes,
        exists: true,
        base,
        base_profile,
        role_steps,
        region: top.optional("region")?,
        endpoints: top.endpoints(),
        ignore_configured_endpoint_urls: top.switch("ignore_configured_endpoint_urls")?,
        ca_bundle: top.optional("ca_bundle")?,
        use_fips_endpoint: top.switch("use_fips_endpoint")?,
        use_dualstack_endpoint: top.switch("use_dualstack_endpoint")?,
        ec2_metadata_service_endpoint: top
            .optional("ec2_metadata_service_endpoint")?
            .map(Secret::new),
        ec2_metadata_service_endpoint_mode: top.optional("ec2_metadata_service_endpoint_mode")?,
        metadata_service_timeout: top.count("metadata_service_timeout")?,
        metadata_service_num_attempts: top.count("metadata_service_num_attempts")?,
        max_attempts: top.count("max_attempts")?,
    })
}

/// Follows `source_profile` down to the base. A source profile with keys of its own is a base even if
/// it names a role: so a profile may be its own source, and hold keys and role together.
fn chain(top: ProfileReader<'_>) -> Result<(BaseProvider, String, Vec<RoleStep>), Failure> {
    let mut reader = top;
    let mut visited = vec![top.name];
    let mut known = HashSet::from([top.name]);
    let mut role_steps = Vec::new();
    let mut is_base = !top.profile.names_role();
    top.whole()?;
    while !is_base {
        role_steps.push(reader.role_step()?);
        match reader.source()? {
            Source::Named(base) => {
                role_steps.reverse();
                return Ok((base, reader.name.to_owned(), role_steps));
            }
            Source::Profile(next) => {
                let own_keys = next.name == reader.name && next.profile.has_keys();
                if next.name == reader.name
                    && !own_keys
                    && let Some((_, way)) = next.profile.ways().next()
                {
                    return Err(next.role_beside(way));
                }
                if !known.insert(next.name) && !own_keys {
                    return Err(looped(&visited, next.name));
                }
                visited.push(next.name);
                is_base = next.profile.has_keys() || !next.profile.names_role();
                reader = next;
                reader.whole()?;
            }
        }
    }
    let base = reader.own_credentials()?;
    if base == BaseProvider::None && !role_steps.is_empty() {
        let of = role_steps
            .last()
            .map_or("", |role_step: &RoleStep| &role_step.profile);
        return Err(reader.failure(
            format_args!("is the source_profile of {of:?} and has no credentials"),
            "Give it some, or name another source_profile.",
        ));
    }
    role_steps.reverse();
    Ok((base, reader.name.to_owned(), role_steps))
}

fn looped(visited: &[&str], next: &str) -> Failure {
    let from = visited.iter().position(|name| *name == next).unwrap_or(0);
    let path = [&visited[from..], &[next]].concat().join(" -> ");
    Failure::configuration(
        format!(
            "The source_profile of the profile {:?} leads back to itself: {path}.",
            visited.last().unwrap_or(&next),
        ),
        "Name a source_profile that has credentials of its own.",
    )
}

/// Where the credentials for a profile's role come from.
enum Source<'a> {
    Named(BaseProvider),
    Profile(ProfileReader<'a>),
}

impl<'a> ProfileReader<'a> {
    fn role_step(self) -> Result<RoleStep, Failure> {
        Ok(RoleStep {
            profile: self.name.to_owned(),
            role_arn: self.role_arn()?,
            external_id: self.external_id()?,
            role_session_name: self.role_session_name()?,
            duration_seconds: self.duration_seconds()?,
            mfa_serial: self.mfa_serial()?,
        })
    }

    /// The AWS CLI refuses a role beside credentials of the same profile, keys that name it as their own
    /// source apart.
    fn role_beside(self, way: &str) -> Failure {
        self.failure(
            format_args!(
                "has role_arn and credentials of its own ({way}), with which the AWS CLI does not assume it"
            ),
            "Move the credentials to a profile of their own, and name that as source_profile.",
        )
    }

    fn source(self) -> Result<Source<'a>, Failure> {
        let named = self.required("credential_source")?;
        let profile = self.section_name("source_profile", |name| self.files.contains(name))?;
        match (named, profile) {
            (Some(_), Some(_)) => Err(self.failure(
                "has both source_profile and credential_source",
                "Keep the one the role is to be assumed with.",
            )),
            (None, None) => Err(match self.profile.ways().next() {
                Some((_, way)) => self.role_beside(way),
                None => self.failure(
                    "has role_arn and nothing to assume it with",
                    "Add source_profile, credential_source or web_identity_token_file.",
                ),
            }),
            (Some(named), None) => self.named_source(&named),
            (None, Some(next)) => match self.files.profiles().get_key_value(next.as_str()) {
                Some((name, profile)) => Ok(Source::Profile(Self {
                    name,
                    profile,
                    ..self
                })),
                None => Err(self.files.missing(&next).within(&format!(
                    "The profile {:?} names a source_profile",
                    self.name
                ))),
            },
        }
    }

    /// botocore takes these names in exactly this spelling.
    fn named_source(self, named: &str) -> Result<Source<'a>, Failure> {
        match named {
            "Environment" => Ok(Source::Named(BaseProvider::Environment)),
            "EcsContainer" => Ok(Source::Named(BaseProvider::Container)),
            "Ec2InstanceMetadata" => Ok(Source::Named(BaseProvider::Imds)),
            _ => Err(self.failure(
                format_args!("has the credential_source \"{named}\""),
                "Write one of Environment, EcsContainer and Ec2InstanceMetadata, in this spelling.",
            )),
        }
    }
}
