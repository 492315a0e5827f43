//! Arguments from Ruby become plain values; plain results become frozen Ruby values.

mod ask;

pub use ask::{answer, purpose, question, takes};

use aws_identity::{
    attempt::Attempt,
    config::{Layers, Settings},
    credentials::{Millis, Secret},
    doctor::Finding,
    environment::Environment,
    failure::Failure,
    identity::Identity,
    principal::Principal,
    profile::{Need, ProfileSummary},
    session::{CachedCredentials, Event, Tally},
    sts::IdentityTokenRequest,
    tokens::Token,
    util::foreign_text::printable,
};
use magnus::{
    Error, Float, Integer, RArray, RHash, RString, Ruby, Symbol, TryConvert, Value,
    r_hash::ForEach, value::ReprValue,
};
use serde_json::{Map, Number, Value as Json};
use std::time::Duration;

/// Deeper nesting is a mistake or an attack on the stack.
const MOST_LEVELS: usize = 16;

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
    let profile: Option<String> = field("inherited_profile")
        .map(String::try_convert)
        .transpose()?;
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
        environment: environment(ruby, field("environment"))?,
        deadline_cap: seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()),
        inherited_profile: profile,
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

/// A Hash of variables, such as `ENV.to_h`.
pub fn environment(ruby: &Ruby, given: Option<Value>) -> Result<Environment, Error> {
    let Some(given) = given else {
        return Ok(Environment::default());
    };
    let hash = RHash::from_value(given)
        .ok_or_else(|| Error::new(ruby.exception_type_error(), "environment is not a Hash"))?;
    let mut all = Vec::with_capacity(hash.len());
    hash.foreach(|name: RString, value: RString| {
        // This gem needs no variable that is not UTF-8.
        if let (Ok(name), Ok(value)) = (name.to_string(), value.to_string()) {
            all.push((name, value));
        }
        Ok(ForEach::Continue)
    })?;
    Ok(Environment::new(all))
}

/// `option` is the name of the option that `value` is of, and empty for the Hash of all options.
fn json(ruby: &Ruby, value: Value, option: &str, levels: usize) -> Result<Json, Error> {
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

/// A frozen Hash with Symbol keys.
struct Reply<'a> {
    ruby: &'a Ruby,
    hash: RHash,
}

impl<'a> Reply<'a> {
    fn new(ruby: &'a Ruby) -> Self {
        Self {
            ruby,
            hash: ruby.hash_new(),
        }
    }

    fn text(self, name: &str, text: Option<&str>) -> Result<Self, Error> {
        let value = text.map(|text| frozen(self.ruby, text));
        self.with(name, value)
    }

    /// The same for what is shown: on one line, control characters escaped.
    fn shown(self, name: &str, text: Option<&str>) -> Result<Self, Error> {
        let text = text.map(printable);
        self.text(name, text.as_deref())
    }

    fn with(self, name: &str, value: impl magnus::IntoValue) -> Result<Self, Error> {
        self.hash.aset(self.ruby.to_symbol(name), value)?;
        Ok(self)
    }

    fn done(self) -> RHash {
        self.hash.freeze();
        self.hash
    }
}

fn frozen(ruby: &Ruby, text: &str) -> RString {
    let string = ruby.str_new(text);
    string.freeze();
    string
}

/// The held credentials, with their secrets.
pub fn held(ruby: &Ruby, held: &CachedCredentials) -> Result<RHash, Error> {
    let credentials = &held.credentials;
    let details = ruby.hash_new();
    for (name, value) in &credentials.details {
        details.aset(ruby.to_symbol(name), frozen(ruby, &printable(value)))?;
    }
    details.freeze();
    Ok(Reply::new(ruby)
        .with("serial", held.serial)?
        .shown("access_key_id", Some(&credentials.access_key_id))?
        .text(
            "secret_access_key",
            Some(credentials.secret_access_key.expose()),
        )?
        .text(
            "session_token",
            credentials.session_token.as_ref().map(Secret::expose),
        )?
        .with(
            "expiration",
            credentials.expires_at.map(|at| at.div_euclid(1000)),
        )?
        .shown("account_id", credentials.account_id.as_deref())?
        .shown("source", Some(&credentials.source))?
        .shown("region", Some(&held.region))?
        .shown("degraded", held.degraded.as_deref())?
        .with("details", details)?
        .done())
}

/// The request for a token of STS, from words that Ruby has given their types.
pub fn identity_token_request(ruby: &Ruby, given: RHash) -> Result<IdentityTokenRequest, Error> {
    let fetch = |name: &str| given.fetch::<_, Value>(ruby.to_symbol(name));
    let tags = match json(ruby, fetch("tags")?, "tags", MOST_LEVELS)? {
        Json::Object(tags) => tags,
        _ => Map::new(),
    };
    let text = |value: Json| match value {
        Json::String(text) => text,
        other => other.to_string(),
    };
    Ok(IdentityTokenRequest {
        audience: Vec::<String>::try_convert(fetch("audience")?)?
            .into_iter()
            .collect(),
        duration_seconds: u32::try_convert(fetch("duration_seconds")?)?,
        signing_algorithm: String::try_convert(fetch("signing_algorithm")?)?,
        tags: tags
            .into_iter()
            .map(|(key, value)| (key, text(value)))
            .collect(),
    })
}

/// A token for another system, with its text.
pub fn token(ruby: &Ruby, token: &Token) -> Result<RHash, Error> {
    Ok(Reply::new(ruby)
        .text("token", Some(token.text.expose()))?
        .with("expiration", token.expires_at.div_euclid(1000))?
        .with("kind", ruby.to_symbol(token.kind))?
        .done())
}

pub fn identity(ruby: &Ruby, serial: u64, identity: &Identity) -> Result<RHash, Error> {
    let principal = &identity.principal;
    Ok(Reply::new(ruby)
        .with("serial", serial)?
        .text("account", Some(&principal.account))?
        .shown("arn", Some(&principal.arn))?
        .shown("user_id", Some(&principal.user_id))?
        .text("partition", Some(&principal.partition))?
        .text("kind", Some(principal.kind.as_str()))?
        .shown("role", principal.role.as_deref())?
        .shown("session_name", principal.session_name.as_deref())?
        .text("canonical_name", Some(&identity.canonical_name))?
        .shown("provider_arn", Some(&principal.provider_arn))?
        .shown("region", Some(&identity.region))?
        .shown("source", Some(&identity.source))?
        .with("milliseconds", identity.milliseconds)?
        .done())
}

/// A principal that is not of a session, so without a serial, region and source.
pub fn principal(ruby: &Ruby, principal: &Principal) -> Result<RHash, Error> {
    Ok(Reply::new(ruby)
        .text("account", Some(&principal.account))?
        .shown("arn", Some(&principal.arn))?
        .shown("user_id", Some(&principal.user_id))?
        .text("partition", Some(&principal.partition))?
        .text("kind", Some(principal.kind.as_str()))?
        .shown("role", principal.role.as_deref())?
        .shown("session_name", principal.session_name.as_deref())?
        .text("canonical_name", Some(&principal.canonical_name(false)))?
        .shown("provider_arn", Some(&principal.provider_arn))?
        .done())
}

/// The findings of the doctor, each as a Hash.
pub fn findings(ruby: &Ruby, findings: &[Finding]) -> Result<RArray, Error> {
    let list = ruby.ary_new_capa(findings.len());
    for finding in findings {
        let details = ruby.hash_new();
        for (name, value) in &finding.details {
            details.aset(ruby.to_symbol(name), plain(ruby, value))?;
        }
        details.freeze();
        let line = Reply::new(ruby)
            .text("check", Some(finding.check))?
            .shown("name", Some(&finding.name))?
            .with("status", ruby.to_symbol(finding.status.as_str()))?
            .shown("what", Some(&finding.what))?
            .shown("remedy", finding.remedy.as_deref())?
            .with("milliseconds", finding.milliseconds)?
            .with("details", details)?;
        list.push(line.done())?;
    }
    list.freeze();
    Ok(list)
}

pub fn attempts(ruby: &Ruby, attempts: &[Attempt]) -> Result<RArray, Error> {
    let list = ruby.ary_new_capa(attempts.len());
    for attempt in attempts {
        let line = Reply::new(ruby)
            .shown("source", Some(&attempt.source))?
            .text("outcome", Some(attempt.outcome.as_str()))?
            .shown("reason", Some(&attempt.reason))?
            .with("milliseconds", attempt.milliseconds)?;
        list.push(line.done())?;
    }
    list.freeze();
    Ok(list)
}

/// The settings in force, each with its origin.
pub fn settings(ruby: &Ruby, settings: &Settings) -> Result<RHash, Error> {
    let mut all = Reply::new(ruby);
    for (name, value, origin) in settings.report() {
        let entry = Reply::new(ruby)
            .with("value", plain(ruby, &value))?
            .text("origin", Some(&origin.label()))?;
        all = all.with(name, entry.done())?;
    }
    Ok(all.done())
}

fn plain(ruby: &Ruby, value: &Json) -> Value {
    match value {
        Json::Bool(flag) => ruby.into_value(*flag),
        Json::Number(number) => match number.as_i64() {
            Some(integer) => ruby.into_value(integer),
            None => ruby.into_value(number.as_f64()),
        },
        Json::String(text) => frozen(ruby, &printable(text)).as_value(),
        _ => ruby.qnil().as_value(),
    }
}

pub fn counters(ruby: &Ruby, tally: &Tally) -> Result<RHash, Error> {
    Ok(Reply::new(ruby)
        .with("fetches", tally.fetches)?
        .with("cached", tally.cached)?
        .with("failures", tally.failures)?
        .with("back_offs", tally.back_offs)?
        .with("last_duration", tally.last_duration.map(seconds))?
        .with("age", tally.age.map(seconds))?
        .done())
}

pub fn events(ruby: &Ruby, events: &[Event]) -> Result<RArray, Error> {
    let list = ruby.ary_new_capa(events.len());
    for event in events {
        let line = Reply::new(ruby)
            .with("number", event.number)?
            .with("type", ruby.to_symbol(event.kind.as_str()))?
            .shown("access_key_id", event.access_key_id.as_deref())?
            .with("expiration", event.expires_at.map(|at| at.div_euclid(1000)))?
            .shown("reason", event.reason.as_deref())?
            .with("attempt", event.attempt)?
            .with("at", seconds(event.at))?;
        list.push(line.done())?;
    }
    list.freeze();
    Ok(list)
}

/// A profile's summary, each need as a pair of what it is and its name.
pub fn profile(ruby: &Ruby, profile: &ProfileSummary) -> Result<RHash, Error> {
    let needs = ruby.ary_new_capa(profile.needs.len());
    for need in &profile.needs {
        let (what, name) = match need {
            Need::SourceProfile(name) => ("source_profile", Some(name)),
            Need::Mfa(serial_number) => ("mfa", Some(serial_number)),
            Need::TokenFile(path) => ("token_file", Some(path)),
            Need::SsoLogin(start_url) => ("sso_login", Some(start_url)),
            Need::Login(session) => ("login", Some(session)),
            Need::Program => ("program", None),
            Need::Environment => ("environment", None),
            Need::Container => ("container", None),
            Need::Imds => ("imds", None),
        };
        let need = Reply::new(ruby)
            .with("type", ruby.to_symbol(what))?
            .shown("name", name.map(String::as_str))?;
        needs.push(need.done())?;
    }
    needs.freeze();
    Ok(Reply::new(ruby)
        .shown("name", Some(&profile.name))?
        .with("kind", ruby.to_symbol(profile.kind.as_str()))?
        .shown("region", profile.region.as_deref())?
        .with("role_arns", texts(ruby, &profile.role_arns)?)?
        .shown("source_profile", profile.source_profile.as_deref())?
        .with("needs", needs)?
        .with("could_work", profile.could_work)?
        .shown("reason", profile.reason.as_deref())?
        .done())
}

pub fn texts(ruby: &Ruby, texts: &[String]) -> Result<RArray, Error> {
    let list = ruby.ary_new_capa(texts.len());
    for text in texts {
        list.push(frozen(ruby, &printable(text)))?;
    }
    list.freeze();
    Ok(list)
}

#[expect(
    clippy::cast_precision_loss,
    reason = "milliseconds of this millennium fit a double"
)]
pub fn seconds(millis: Millis) -> f64 {
    millis as f64 / 1000.0
}

/// Raises a failure of the core as its Ruby exception.
pub fn checked<T>(ruby: &Ruby, result: Result<T, Failure>) -> Result<T, Error> {
    result.map_err(|failure| crate::error::raise(ruby, &failure))
}
