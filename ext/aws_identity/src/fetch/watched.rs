//! The files that a fetch reads for its credentials.

use crate::{
    config::{Base, Settings, TokenSource},
    environment::Environment,
    profile::{BaseProvider, Files, ProfileChain},
    providers::{login_token_path, process, sso_token_path, token_file},
    util::watched_files::WatchedFiles,
};

/// The config and the credentials file, and the token files that settings and environment name.
/// Called before any is read, so that a change during the read is seen.
pub(super) fn before_the_profile(settings: &Settings) -> WatchedFiles {
    let environment = &settings.environment;
    let mut files = WatchedFiles::default();
    let (config, credentials) = Files::places(environment);
    config
        .into_iter()
        .chain(credentials)
        .for_each(|path| files.add(path));
    match settings.base.as_ref().map(|base| &base.value) {
        Some(Base::WebIdentity(TokenSource::File(path))) => files.add(path.clone()),
        Some(Base::Process(command)) => process::program_path(command, environment)
            .into_iter()
            .for_each(|path| files.add(path)),
        _ => {}
    }
    token_file::named_by(environment).for_each(|(_, path)| files.add(path));
    files
}

/// Those that the profile names. Called before the sources are asked.
pub(super) fn add_those_of(
    chain: &ProfileChain,
    environment: &Environment,
    files: &mut WatchedFiles,
) {
    match &chain.base {
        BaseProvider::WebIdentity { token_file, .. } => {
            files.add(environment.expand_home(token_file));
        }
        BaseProvider::Sso {
            session, start_url, ..
        } => {
            files.add(sso_token_path(environment, session.as_deref(), start_url));
        }
        BaseProvider::Login { session } => files.add(login_token_path(environment, session)),
        BaseProvider::Process { command, .. } => {
            if let Some(path) = process::program_path(command, environment) {
                files.add(path);
            }
        }
        BaseProvider::None
        | BaseProvider::Keys(_)
        | BaseProvider::Environment
        | BaseProvider::Container
        | BaseProvider::Imds => {}
    }
}
