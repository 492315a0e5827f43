//! The instance profile of an EC2 instance, the last source of the chain.

pub(super) mod client;
mod retry;

use client::{Imds, ImdsError};
use retry::Place;

use super::{
    context::{Context, Local},
    source::{Absence, Availability, BaseCredentials, Provided, Source},
};
use crate::{environment::Environment, failure::Failure};
use std::{fs, path::Path};

const NAME: &str = "imds";
/// A metadata service that gives no token, where the hardware does not say that this is EC2: a virtual machine or a container may hide it.
const OFF: &str =
    "a metadata service is there and answers 403, as EC2's does where it is turned off";
const DISABLED: &str = "AWS_EC2_METADATA_DISABLED";

pub(super) const SOURCE: Source = Source {
    name: NAME,
    is_metadata: true,
    label: |_| NAME.into(),
    provide: |context| Box::pin(provide(context)),
    check,
};

pub(super) async fn provide(context: &Context<'_>) -> Result<Provided, Failure> {
    if is_disabled(context.local.environment) {
        return Ok(Provided::Absent(absence().into()));
    }
    let is_ec2 = is_ec2(&context.settings.dmi_folder);
    match ask(context, is_ec2).await {
        Ok(found) => Ok(found.into()),
        Err(ImdsError::Failed(failure)) => Err(failure),
        // <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instance-metadata-returns.html>
        Err(ImdsError::Off) if is_ec2 => Err(Failure::no_credentials(
            format!(
                "This is an EC2 instance, and its metadata service is turned off, or does not allow this request ({}).",
                client::not_amazons(403)
            ),
            "Turn it on: `aws ec2 modify-instance-metadata-options --instance-id ID --http-endpoint enabled`; or set AWS_EC2_METADATA_DISABLED=true.",
        )
        .answered()),
        Err(ImdsError::Off) => Ok(Provided::Absent(Absence {
            reason: OFF.into(),
            is_off: true,
        })),
        Err(ImdsError::Unavailable(why)) if is_ec2 => {
            Err(Failure::no_credentials(
                format!("This is an EC2 instance, and its metadata service is not there ({why})."),
                "In a container raise the hop limit (HttpPutResponseHopLimit) to 2; else enable the service, or set AWS_EC2_METADATA_DISABLED=true.",
            ))
        }
        Err(ImdsError::Unavailable(why)) => Ok(Provided::Absent(why.into())),
    }
}

pub(super) fn check(local: &Local<'_>) -> Availability {
    if is_disabled(local.environment) {
        Availability::Absent(absence())
    } else {
        Availability::Available("is asked on an EC2 instance".into())
    }
}

async fn ask(context: &Context<'_>, is_ec2: bool) -> Result<BaseCredentials, ImdsError> {
    let local = &context.local;
    let place = Place {
        environment: local.environment,
        profile: local.profile.ok(),
        is_ec2,
        time: context.time(),
        limit: context.settings.resolve_timeout.value,
    };
    let mut imds = Imds::new(context.http, &place).map_err(ImdsError::Failed)?;
    let credentials = imds.credentials(local.now).await?;
    Ok(BaseCredentials {
        imds: Some(imds),
        ..BaseCredentials::new(credentials)
    })
}

fn is_disabled(environment: &Environment) -> bool {
    environment.is_true(DISABLED)
}

fn absence() -> String {
    format!("{DISABLED} is true")
}

/// True if the hardware's vendor is Amazon, as it is on Nitro and Xen instances.
/// <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/identify_ec2_instances.html>
fn is_ec2(dmi_folder: &Path) -> bool {
    let says = |file: &str, test: fn(&str) -> bool| {
        fs::read_to_string(dmi_folder.join(file)).is_ok_and(|text| test(text.trim()))
    };
    says("sys_vendor", |vendor| vendor == "Amazon EC2")
        || says("bios_vendor", |vendor| vendor == "Amazon EC2")
        || says("product_uuid", |uuid| {
            uuid.to_ascii_lowercase().starts_with("ec2")
        })
}
