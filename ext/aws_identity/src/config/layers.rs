//! The layers of one session, read from the top down.

use super::options::{self, OPTIONS, WhenUnresolved};
use crate::{
    environment::Environment,
    failure::{Failure, Kind, Warning},
    layer::{Chosen, Layer, Origin, chosen, is_unresolved},
    util::secret_json,
};
use serde_json::{Map, Value};
use std::{path::PathBuf, time::Duration};

/// The most a time-out may be.
const MAX_TIMEOUT: f64 = 3600.0;

/// What the caller was given, layer by layer. Not printable: options may be secrets.
#[derive(Clone, Default)]
pub struct Layers {
    pub options: Map<String, Value>,
    pub settings: Map<String, Value>,
    /// True where `identity.aws` holds something else than an object of settings.
    pub is_malformed: bool,
    pub environment: Environment,
    /// The most time `LegionIO` leaves a provider; a longer `resolve_timeout` is cut to it.
    pub deadline_cap: Option<Duration>,
    /// The profile of the session that is the `source` of this one: read for region and endpoint.
    pub inherited_profile: Option<String>,
    /// Another folder than `/sys/class/dmi/id`, for tests.
    pub dmi_folder: Option<PathBuf>,
}

impl Layers {
    /// Overwrites options and settings, which hold tokens, keys and passwords as plain text.
    pub(super) fn wipe(&mut self) {
        let all = self.options.values_mut().chain(self.settings.values_mut());
        all.for_each(secret_json::wipe);
    }

    /// Refuses what does not exist and what is not resolved yet; returns what is only worth a warning.
    pub(super) fn check(&self) -> Result<Vec<Warning>, Failure> {
        self.environment.check()?;
        options::check_options(&self.options)?;
        self.check_form()?;
        let warnings = options::check_settings(&self.settings)?;
        for layer in self.options_and_settings() {
            check_resolved(&layer, |_| true)?;
        }
        Ok(warnings)
    }

    /// The check of one setting alone, whatever is wrong with the others.
    pub(super) fn check_one(&self, name: &str) -> Result<(), Failure> {
        self.check_form()?;
        let [options, settings] = self.options_and_settings();
        match options.get(name) {
            Some(_) => Ok(()), // an option comes before a setting
            None => check_resolved(&settings, |option| option == name),
        }
    }

    fn check_form(&self) -> Result<(), Failure> {
        if !self.is_malformed {
            return Ok(());
        }
        // To leave it out could give another identity than it was written for.
        Err(Failure::configuration(
            "identity.aws holds a value where an object with settings is expected.",
            "Write one there, such as {\"region\": \"eu-west-1\"}, or remove it.",
        ))
    }

    /// Options, then settings.
    pub(super) fn options_and_settings(&self) -> [Layer<'_>; 2] {
        [
            Layer {
                origin: Origin::Option,
                values: &self.options,
            },
            Layer {
                origin: Origin::Settings,
                values: &self.settings,
            },
        ]
    }

    /// The first layer's answer to `question`.
    pub(super) fn first<T>(
        &self,
        question: impl Fn(&Layer<'_>) -> Result<Option<T>, Failure>,
    ) -> Result<Option<Chosen<T>>, Failure> {
        for layer in self.options_and_settings() {
            if let Some(value) = question(&layer)? {
                return Ok(Some(chosen(value, layer.origin)));
            }
        }
        Ok(None)
    }

    /// A text of the layers, else of the first of `variables` that is set.
    pub(super) fn text(
        &self,
        name: &str,
        variables: &[&'static str],
    ) -> Result<Option<Chosen<String>>, Failure> {
        Ok(self.first(|layer| layer.text(name))?.or_else(|| {
            let (variable, value) = self.environment.first(variables)?;
            let value = value.trim().to_owned();
            Some(chosen(value, Origin::Environment(variable)))
        }))
    }

    pub(super) fn flag(&self, name: &str) -> Result<Chosen<bool>, Failure> {
        let given = self.first(|layer| layer.flag(name))?;
        Ok(given.unwrap_or(chosen(false, Origin::Default)))
    }

    pub(super) fn seconds(
        &self,
        name: &str,
        default: Duration,
    ) -> Result<Chosen<Duration>, Failure> {
        let given = self.first(|layer| layer.duration(name, MAX_TIMEOUT))?;
        Ok(given.unwrap_or(chosen(default, Origin::Default)))
    }

    /// A key of the settings that only `LegionIO`'s side reads, for the report: a Hash by its keys.
    pub(super) fn settings_key(&self, name: &str) -> Option<Chosen<Value>> {
        let shown = match self.options_and_settings()[1].get(name)? {
            Value::Object(fields) => fields.keys().cloned().collect::<Vec<_>>().join(", ").into(),
            Value::Array(_) => "set".into(),
            plain => plain.clone(),
        };
        Some(chosen(shown, Origin::Settings))
    }
}

/// An unresolved reference in an option that could change the identity stops everything.
fn check_resolved(layer: &Layer<'_>, is_of_interest: impl Fn(&str) -> bool) -> Result<(), Failure> {
    let unresolved = OPTIONS.iter().find(|option| {
        option.unresolved == WhenUnresolved::NotReady
            && is_of_interest(option.name)
            && layer.values.get(option.name).is_some_and(is_unresolved)
    });
    match unresolved {
        None => Ok(()),
        Some(option) => Err(Failure::new(
            Kind::NotReady,
            format!(
                "{} holds a reference (env://, vault:// or lease://) that is not resolved yet.",
                layer.label(option.name)
            ),
            "Only LegionIO resolves it, and AWS is not asked before. Check that the secret exists and that LegionIO can read it.",
        )),
    }
}
