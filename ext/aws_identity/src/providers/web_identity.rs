//! A web identity token, exchanged for the credentials of a role.

use super::{
    context::{Context, Local},
    source::{Availability, BaseCredentials, PROFILE, Provided, Source},
    token_file,
};
use crate::{
    config::{AssumeRoleOptions, RoleRequest, Settings, Taker, TokenSource},
    credentials::Secret,
    environment::Environment,
    failure::Failure,
    profile::{BaseProvider, ProfileChain},
    sts::{WebIdentity, limits},
};
use std::path::Path;

const NAME: &str = "web identity";
const FILE: &str = "AWS_WEB_IDENTITY_TOKEN_FILE";
const ROLE: &str = "AWS_ROLE_ARN";

pub(super) const SOURCE: Source = Source {
    name: NAME,
    is_metadata: false,
    label: |_| NAME.into(),
    provide: |context| Box::pin(provide(context)),
    check,
};

/// Exchanges the token that an option or a setting names, else that of the environment (IRSA).
async fn provide(context: &Context<'_>) -> Result<Provided, Failure> {
    let Some((token, role, is_explicit)) = in_force(context.settings)? else {
        return Ok(Provided::Absent(absence().into()));
    };
    refuse_unused(context.settings)?;
    let options = merged(context, &role, is_explicit);
    let mut found = exchange(context, &token, &role.role_arn, options).await?;
    NAME.clone_into(&mut found.credentials.source);
    Ok(found.into())
}

/// The token and its role, and whether an option or a setting names them.
fn in_force(settings: &Settings) -> Result<Option<(TokenSource, RoleRequest, bool)>, Failure> {
    if let Some(token) = settings.web_identity() {
        return Ok(Some((token.clone(), settings.web_identity_role()?, true)));
    }
    let of_environment = of_environment(&settings.environment)?;
    Ok(of_environment.map(|(token, role)| (token, role, false)))
}

/// The role for which a session trades a token, and the token, of the source that the record calls `label`. `None` where that trades
/// none, or where it cannot be read here.
pub(crate) fn traded(
    label: &str,
    settings: &Settings,
    chain: Option<&ProfileChain>,
) -> Option<(String, Secret)> {
    let (token, role_arn) = if label == NAME {
        let (token, role, _) = in_force(settings).ok()??;
        (token, role.role_arn)
    } else {
        match &chain.filter(|_| label.starts_with(PROFILE))?.base {
            BaseProvider::WebIdentity {
                role_arn,
                token_file,
                ..
            } => (of_file(&settings.environment, token_file), role_arn.clone()),
            _ => return None,
        }
    };
    let token = match token {
        TokenSource::Text(text) => text,
        TokenSource::File(path) => token_file::read(&path).ok()?,
        TokenSource::Supplied => return None,
    };
    Some((role_arn, token))
}

fn of_file(environment: &Environment, path: &str) -> TokenSource {
    TokenSource::File(environment.expand_home(path.trim()))
}

/// Exchanges the token of a profile with `web_identity_token_file`.
pub(super) async fn provide_for_profile(
    context: &Context<'_>,
    chain: &ProfileChain,
) -> Result<Provided, Failure> {
    let BaseProvider::WebIdentity {
        role_arn,
        token_file,
        role_session_name,
        duration_seconds,
    } = &chain.base
    else {
        return Ok(Provided::Absent(absence().into()));
    };
    let own = AssumeRoleOptions {
        role_session_name: role_session_name.clone(),
        duration_seconds: *duration_seconds,
        ..AssumeRoleOptions::default()
    };
    let options = if chain.role_steps.is_empty() {
        refuse_unused(context.settings)?;
        context.settings.unscoped.with_fallback(&own)
    } else {
        own
    };
    let token = of_file(context.local.environment, token_file);
    exchange(context, &token, role_arn, options)
        .await
        .map(Provided::from)
}

/// Refuses an option that STS does not have for a web identity, before the token is sent. With a role on
/// top that role takes the option.
fn refuse_unused(settings: &Settings) -> Result<(), Failure> {
    match settings.taker() {
        Some(_) => Ok(()),
        None => settings.check_taken(Taker::WebIdentity).map(drop),
    }
}

/// Checks the token of the environment: reads its file and exchanges nothing.
fn check(local: &Local<'_>) -> Availability {
    let Some(file) = local.environment.get(FILE) else {
        return Availability::Absent(absence());
    };
    match check_token(local, file.trim()) {
        Availability::Available(what) => match of_environment(local.environment) {
            Ok(_) => Availability::Available(what),
            Err(failure) => Availability::Unusable(failure),
        },
        other => other,
    }
}

/// Checks whether the file has a token.
pub(super) fn check_token(local: &Local<'_>, file: &str) -> Availability {
    match read(&local.environment.expand_home(file)) {
        Ok(_) => Availability::Available("the token can be read; it was not traded".into()),
        Err(failure) => Availability::Unusable(failure),
    }
}

fn absence() -> String {
    format!("{FILE} is not set")
}

/// The token file and the role of the environment, which belong together.
/// <https://docs.aws.amazon.com/eks/latest/userguide/iam-roles-for-service-accounts.html>
fn of_environment(
    environment: &Environment,
) -> Result<Option<(TokenSource, RoleRequest)>, Failure> {
    let Some(file) = environment.get(FILE) else {
        return Ok(None);
    };
    let Some(role_arn) = environment.get(ROLE).map(str::trim) else {
        return Err(Failure::configuration(
            format!("{FILE} is set and {ROLE} is not."),
            "Set both, or neither.",
        ));
    };
    limits::role_arn(ROLE, role_arn)?;
    let role_session_name = environment
        .get("AWS_ROLE_SESSION_NAME")
        .map(|name| name.trim().to_owned());
    if let Some(name) = &role_session_name {
        limits::session_name("AWS_ROLE_SESSION_NAME", name)?;
    }
    let role = RoleRequest {
        role_arn: role_arn.to_owned(),
        options: AssumeRoleOptions {
            role_session_name,
            ..AssumeRoleOptions::default()
        },
    };
    Ok(Some((of_file(environment, file), role)))
}

/// The options with which the token is exchanged. Options without `role_arn` apply to this role,
/// unless another role is assumed on top; if the role on top is this role, its options apply now,
/// as far as `AssumeRoleWithWebIdentity` has such parameters.
fn merged(context: &Context<'_>, role: &RoleRequest, is_explicit: bool) -> AssumeRoleOptions {
    let settings = context.settings;
    match settings.role_on_top() {
        None if is_explicit => settings.with_unscoped(&role.options, &settings.unscoped),
        None => settings.unscoped.with_fallback(&role.options),
        Some([same, rest @ ..])
            if same.role_arn == role.role_arn
                && same.options.unsupported_by_web_identity().is_none() =>
        {
            let options = if rest.is_empty() {
                settings.with_unscoped(&same.options, &settings.unscoped)
            } else {
                same.options.clone()
            };
            options.with_fallback(&role.options)
        }
        Some(_) => role.options.clone(),
    }
}

async fn exchange(
    context: &Context<'_>,
    token: &TokenSource,
    role_arn: &str,
    options: AssumeRoleOptions,
) -> Result<BaseCredentials, Failure> {
    let token = resolve(context, token).await?;
    if let Some(option) = options.unsupported_by_web_identity() {
        return Err(Failure::configuration(
            format!(
                "{option} is given, and a web identity has none: STS takes it with AssumeRole only."
            ),
            "Remove it, or put a role_arn on top.",
        ));
    }
    let identity = WebIdentity {
        role_arn,
        token: &token,
        provider_id: context
            .settings
            .provider_id
            .as_ref()
            .map(|id| id.value.as_str()),
    };
    let session_name = options
        .role_session_name
        .as_deref()
        .unwrap_or(context.session_name);
    let credentials = context
        .sts()
        .assume_role_with_web_identity(&identity, &options, session_name)
        .await?;
    Ok(BaseCredentials {
        role_arn: Some(role_arn.to_owned()),
        options,
        is_web_identity: true,
        ..BaseCredentials::new(credentials)
    })
}

async fn resolve(context: &Context<'_>, token: &TokenSource) -> Result<Secret, Failure> {
    match token {
        TokenSource::Text(text) => {
            let replaced = context.callbacks.answers.web_identity_token.clone();
            Ok(replaced.unwrap_or_else(|| text.clone()))
        }
        TokenSource::File(path) => read(path),
        TokenSource::Supplied => context.callbacks.web_identity_token().await,
    }
}

fn read(file: &Path) -> Result<Secret, Failure> {
    token_file::read(file).map_err(|reason| {
        Failure::no_credentials(
            format!("Web identity: {reason}."),
            "Check the path of the token file, that it is mounted (in EKS: the service account's annotation and the pod identity webhook), and that this user may read it.",
        )
    })
}
