//! What an option or a setting says by itself: keys of the settings, and a `credential_process`.

use super::{
    context::{Context, Local},
    process,
    source::{Availability, Provided, Source},
};
use crate::{
    config::{Base, CredentialSource},
    failure::{Failure, Kind},
};

/// `access_key_id`, `secret_access_key` and `session_token` of the settings.
pub(super) const KEYS: Source = Source {
    name: "settings",
    is_metadata: false,
    label: |_| "settings".into(),
    provide: |context| Box::pin(async { Ok(keys(context)) }),
    check,
};

/// `credential_process` as an option or a setting.
pub(super) const PROCESS: Source = Source {
    name: PROCESS_NAME,
    is_metadata: false,
    label: |_| PROCESS_NAME.into(),
    provide: |context| Box::pin(program(context)),
    check,
};

const PROCESS_NAME: &str = "credential_process";
/// Stands for a profile in the list of those for which a program runs.
const NO_PROFILE: &str = "(credential_process)";

fn keys(context: &Context<'_>) -> Provided {
    match context.settings.base.as_ref().map(|base| &base.value) {
        Some(Base::Keys(keys)) => keys.clone().into(),
        _ => Provided::Absent(absence().into()),
    }
}

async fn program(context: &Context<'_>) -> Result<Provided, Failure> {
    let Some(Base::Process(command)) = context.settings.base.as_ref().map(|base| &base.value)
    else {
        return Ok(Provided::Absent(absence().into()));
    };
    let provided = process::provide(context, command, None, NO_PROFILE).await;
    match provided {
        Ok(Provided::Found(mut found)) => {
            found.credentials.source = PROCESS_NAME.into();
            Ok(Provided::Found(found))
        }
        Err(failure) if failure.kind == Kind::ProcessLoop => Err(Failure::new(
            Kind::ProcessLoop,
            "The program of credential_process asks for the credentials that it is to give, without end.",
            "Have it use a profile, and leave these settings out (--no-legionio).",
        )),
        other => other,
    }
}

/// Neither is a source of the chain, so that the doctor asks them or not at all.
fn check(_: &Local<'_>) -> Availability {
    Availability::Absent(absence())
}

fn absence() -> String {
    "it is not configured".into()
}

/// The failure of a `credential_source` that has no credentials.
pub(super) fn missing(source: CredentialSource, reason: &str) -> Failure {
    Failure::no_credentials(
        format!(
            "credential_source is {}, and there is none here: {reason}.",
            source.as_str()
        ),
        "Run this where there is one, or give another credential_source.",
    )
}
