//! What Ruby gives: options, settings and the environment.

use crate::secrets::Environment;
use aws_identity::{config::Layers, environment::Environment as Variables};
use magnus::{
    Error, Float, Integer, RArray, RHash, RString, Ruby, Symbol, TryConvert, Value,
    r_hash::ForEach, value::ReprValue,
};
use serde_json::{Map, Number, Value as Json};
use std::{collections::HashMap, time::Duration};

/// Deeper nesting is a mistake or an attack on the stack.
pub const MOST_LEVELS: usize = 16;

/// The layers of a session's settings, from one Hash of Ruby.
pub fn layers(ruby: &Ruby, given: RHash) -> Result<Layers, Error> {
    let field = |name: &str| -> Option<Value> {
        let value: Option<Value> = given.get(ruby.to_symbol(name));
        value.filter(|value| !value.is_nil())
    };
    let map = |name: &str| -> Result<Map<String, Json>, Error> {
        match field(name) {
            None => Ok(Map::new()),
            Some(value) => match json(ruby, value, "", MOST_LEVELS)? {
                Json::Object(map) => Ok(map),
                _ => Err(Error::new(
                    ruby.exception_type_error(),
                    format!("{name} is not a Hash"),
                )),
            },
        }
    };
    let seconds: Option<f64> = field("deadline_cap").map(f64::try_convert).transpose()?;
    let folder: Option<String> = field("dmi_folder").map(String::try_convert).transpose()?;
    let (settings, is_malformed) = match field("settings") {
        Some(value) => match json(ruby, value, "", MOST_LEVELS)? {
            Json::Object(map) => (Some(map), false),
            Json::String(text) => (None, !text.trim().is_empty()),
            _ => (None, true),
        },
        None => (None, false),
    };
    Ok(Layers {
        options: map("options")?,
        settings: settings.unwrap_or_default(),
        is_malformed,
        environment: field("environment")
            .map(environment)
            .transpose()?
            .unwrap_or_default(),
        deadline_cap: seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()),
        inherited_profile: None,
        dmi_folder: folder.map(Into::into),
    })
}

/// The words of a token.
pub fn words(ruby: &Ruby, given: RHash) -> Result<Map<String, Json>, Error> {
    match json(ruby, given.as_value(), "", MOST_LEVELS)? {
        Json::Object(map) => Ok(map),
        _ => Ok(Map::new()),
    }
}

/// A `Native::Environment`, or, for `Testing`, a Hash of variables.
fn environment(given: Value) -> Result<Variables, Error> {
    if let Ok(all) = <&Environment>::try_convert(given) {
        return Ok(all.0.clone());
    }
    let all: HashMap<String, String> = RHash::try_convert(given)?.to_hash_map()?;
    Ok(Variables::new(all))
}

/// `option` is the name of the option that `value` is of, and empty for the Hash of all options.
pub fn json(ruby: &Ruby, value: Value, option: &str, levels: usize) -> Result<Json, Error> {
    if levels == 0 {
        return Err(Error::new(
            ruby.exception_arg_error(),
            "options are nested too deeply",
        ));
    }
    if value.is_nil() {
        return Ok(Json::Null);
    }
    if value.is_kind_of(ruby.class_true_class()) || value.is_kind_of(ruby.class_false_class()) {
        return Ok(Json::Bool(value.to_bool()));
    }
    if let Some(text) = RString::from_value(value) {
        return Ok(Json::String(utf8(ruby, text, option)?));
    }
    if let Some(symbol) = Symbol::from_value(value) {
        return Ok(Json::String(symbol.name()?.into_owned()));
    }
    if let Some(integer) = Integer::from_value(value) {
        let number = integer.to_i64().map(Number::from);
        return Ok(number.map_or_else(|_| Json::String(integer.to_string()), Json::Number));
    }
    if let Some(float) = Float::from_value(value) {
        return Ok(number(float.to_f64()));
    }
    if let Some(array) = RArray::from_value(value) {
        return array
            .into_iter()
            .map(|item| json(ruby, item, option, levels - 1))
            .collect::<Result<_, _>>()
            .map(Json::Array);
    }
    if let Some(hash) = RHash::from_value(value) {
        let mut map = Map::new();
        hash.foreach(|key: Value, item: Value| {
            let key = match (RString::from_value(key), Symbol::from_value(key)) {
                (Some(text), _) => utf8(ruby, text, option)?,
                (_, Some(symbol)) => symbol.name()?.into_owned(),
                _ => {
                    return Err(Error::new(
                        ruby.exception_arg_error(),
                        "an option's name is neither a Symbol nor a String",
                    ));
                }
            };
            let option = if option.is_empty() { &key } else { option };
            let item = json(ruby, item, option, levels - 1)?;
            map.insert(key, item);
            Ok(ForEach::Continue)
        })?;
        return Ok(Json::Object(map));
    }
    if let Some(text) = text_of(value)? {
        return Ok(Json::String(utf8(ruby, text, option)?));
    }
    // ActiveSupport's durations are no Numeric, but respond to to_f.
    if value.respond_to("to_f", false)? && value.respond_to("+", false)? {
        let seconds: f64 = value.funcall("to_f", ())?;
        return Ok(number(seconds));
    }
    let class: String = value.class().funcall("to_s", ())?;
    Err(Error::new(
        ruby.exception_arg_error(),
        format!(
            "{option} is of class {class}; it takes a String, Symbol, number, true, false, nil, Array or Hash"
        ),
    ))
}

/// JSON has no NaN and no infinity: as text they are refused where the option is read, and never
/// taken for an absent option.
fn number(given: f64) -> Json {
    Number::from_f64(given).map_or_else(|| Json::String(given.to_string()), Json::Number)
}

/// The text of a path (`Pathname`, `File`) or a URL (`URI`).
fn text_of(value: Value) -> Result<Option<RString>, Error> {
    let method = if value.respond_to("to_path", false)? {
        "to_path"
    } else if value.respond_to("scheme", false)? && value.respond_to("userinfo", false)? {
        "to_s"
    } else {
        return Ok(None);
    };
    value.funcall(method, ()).map(RString::from_value)
}

fn utf8(ruby: &Ruby, text: RString, option: &str) -> Result<String, Error> {
    text.to_string().map_err(|_| {
        let name = if option.is_empty() {
            "an option's name"
        } else {
            option
        };
        // The text itself could be a secret.
        Error::new(
            ruby.exception_arg_error(),
            format!("{name} is not valid UTF-8"),
        )
    })
}
