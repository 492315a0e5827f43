//! The purposes of readers, and the questions and answers of a fetch.

use crate::{reply::Reply, secrets::SecretText};
use aws_identity::{
    credentials::{Millis, Secret},
    failure::Failure,
    session::Purpose,
    sts::SCOPES,
    task::question::{Answer, Asked, Question, SuppliedCredentials, Takes},
};
use magnus::{Error, RArray, RHash, RString, Ruby, Symbol, TryConvert, Value, value::ReprValue};
use std::time::Duration;

/// The purpose of a read, from its name.
pub fn purpose(ruby: &Ruby, name: Symbol) -> Result<Purpose, Error> {
    match &*name.name()? {
        "credentials" => Ok(Purpose::Credentials),
        "lasting" => Ok(Purpose::Lasting),
        "identity" => Ok(Purpose::Identity),
        "refresh" => Ok(Purpose::Refresh),
        "prefetch" => Ok(Purpose::Prefetch),
        "help" => Ok(Purpose::Help),
        other => Err(Error::new(
            ruby.exception_arg_error(),
            format!("a request cannot be for {other}"),
        )),
    }
}

/// The questions that a reader may take, from their names.
pub fn takes(ruby: &Ruby, names: RArray) -> Result<Takes, Error> {
    let mut takes = Takes::default();
    for name in names {
        match &*Symbol::try_convert(name)?.name()? {
            "token_code" => takes.token_code = true,
            "web_identity_token" => takes.web_identity_token = true,
            "source" => takes.source = true,
            other => return Err(unknown_question(ruby, other)),
        }
    }
    Ok(takes)
}

fn unknown_question(ruby: &Ruby, name: &str) -> Error {
    Error::new(
        ruby.exception_arg_error(),
        format!("there is no question for {name}"),
    )
}

/// A question, as the Hash that Ruby gets.
pub fn question(ruby: &Ruby, asked: &Asked, limit: Duration) -> Result<RHash, Error> {
    let (serial_number, refused_key, spent_key) = match &asked.question {
        Question::TokenCode(serial_number) => (Some(serial_number.as_str()), None, None),
        Question::WebIdentityToken => (None, None, None),
        Question::Source {
            refused_key,
            spent_key,
        } => (None, refused_key.as_deref(), spent_key.as_deref()),
    };
    Ok(Reply::new(ruby)
        .with("number", asked.number)?
        .with("name", ruby.to_symbol(asked.question.name()))?
        .text("serial_number", serial_number)?
        .text("refused_key", refused_key)?
        .text("spent_key", spent_key)?
        .with("limit", limit.as_secs_f64())?
        .done())
}

/// The answer: a Hash with one member, or a String that says why there is none.
pub fn answer(ruby: &Ruby, given: Value) -> Result<Result<Answer, Failure>, Error> {
    if let Some(reason) = RString::from_value(given) {
        return Ok(Err(Failure::no_credentials(reason.to_string()?, "")));
    }
    let given = RHash::try_convert(given)?;
    let member = |name: &str| -> Option<Value> {
        let value: Option<Value> = given.get(ruby.to_symbol(name));
        value.filter(|value| !value.is_nil())
    };
    if let Some(code) = member("token_code") {
        return Ok(Ok(Answer::TokenCode(secret(code)?)));
    }
    if let Some(token) = member("web_identity_token") {
        return Ok(Ok(Answer::WebIdentityToken(secret(token)?)));
    }
    match member("source").and_then(RHash::from_value) {
        Some(given) => Ok(Ok(Answer::Source(Box::new(supplied(ruby, given)?)))),
        None => Err(unknown_question(ruby, "that")),
    }
}

/// The trimmed text of a Ruby String; no copy of it stays unwiped.
pub fn secret(value: Value) -> Result<Secret, Error> {
    let whole = Secret::new(String::try_convert(value)?);
    Ok(Secret::new(whole.expose().trim()))
}

fn supplied(ruby: &Ruby, given: RHash) -> Result<SuppliedCredentials, Error> {
    let text = |name: &str| -> Result<Option<String>, Error> {
        let value: Option<Value> = given.get(ruby.to_symbol(name));
        let value = value.filter(|value| !value.is_nil());
        match value.map(|value| (value, <&SecretText>::try_convert(value))) {
            None => Ok(None),
            Some((_, Ok(text))) => Ok(Some(text.0.expose().to_owned())),
            Some((value, Err(_))) => String::try_convert(value).map(Some),
        }
    };
    let required = |name: &str| -> Result<String, Error> {
        text(name)?.filter(|text| !text.is_empty()).ok_or_else(|| {
            Error::new(
                ruby.exception_arg_error(),
                format!("the object given as source has no {name}"),
            )
        })
    };
    let mut keys = aws_identity::credentials::Credentials::new(
        required("access_key_id")?,
        required("secret_access_key")?,
        text("session_token")?.filter(|token| !token.is_empty()),
        "source",
    );
    let expiration: Option<f64> = given
        .get(ruby.to_symbol("expiration"))
        .filter(|value: &Value| !value.is_nil())
        .map(f64::try_convert)
        .transpose()?;
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a time in milliseconds is far from the end of i64"
    )]
    let expires_at = expiration.map(|seconds| (seconds * 1000.0) as Millis);
    keys.expires_at = expires_at;
    keys.account_id = text("account_id")?;
    if let Some(count) = text(SCOPES)? {
        keys.details.insert(SCOPES.to_owned(), count);
    }
    Ok(SuppliedCredentials {
        credentials: keys,
        region: text("region")?.filter(|region| !region.trim().is_empty()),
    })
}
