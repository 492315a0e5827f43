//! Tokens that are a presigned request: signed here with the held credentials. The system that gets one sends it to
//! AWS, or checks it itself.

use super::{
    identity,
    recipes::{Place, RECIPES, Recipe},
    token::Token,
    words::{Words, argument},
};
use crate::{
    credentials::{Credentials, Millis, Secret},
    failure::Failure,
    region,
    util::did_you_mean::nearest,
};
use serde_json::{Map, Value};
use std::iter;

/// A token of `kind` with its `words`, signed at `now` with `credentials`.
///
/// # Errors
/// `Kind::Argument` for an unknown kind and for words that are unknown, missing or of another type.
pub fn token(
    kind: &str,
    words: &Map<String, Value>,
    place: &Place<'_>,
    credentials: &Credentials,
    now: Millis,
) -> Result<Token, Failure> {
    let recipe = recipe(kind)?;
    let words = Words::new(recipe.kind, recipe.words, words)?;
    region::check_region("region", place.region)?;
    let request = (recipe.request)(&words, place)?;
    // The region of the global endpoint of STS is called aws-global, and is this one.
    let region = match (request.service, place.region) {
        ("sts", "aws-global") => "us-east-1",
        (_, region) => region,
    };
    let url = request.signed(region, credentials, now)?;
    let lifetime = words.number("duration_seconds").unwrap_or(recipe.lifetime);
    let vendors_end = now.saturating_add(Millis::from(lifetime) * 1000);
    Ok(Token {
        text: Secret::new(request.form.of(&url)),
        expires_at: credentials
            .expires_at
            .map_or(vendors_end, |end| end.min(vendors_end)),
        kind: recipe.kind,
    })
}

/// Checks a kind and its words, of the token that STS signs too.
///
/// # Errors
/// `Kind::Argument` as [`token`] and [`identity::identity_token_request`].
pub fn check(kind: &str, words: &Map<String, Value>) -> Result<(), Failure> {
    if kind == identity::KIND {
        return identity::identity_token_request(words).map(drop);
    }
    let recipe = recipe(kind)?;
    Words::new(recipe.kind, recipe.words, words).map(drop)
}

fn recipe(kind: &str) -> Result<&'static Recipe, Failure> {
    let kinds = || RECIPES.iter().map(|recipe| recipe.kind);
    RECIPES
        .iter()
        .find(|recipe| recipe.kind == kind)
        .ok_or_else(|| {
            if kind == identity::KIND {
                return argument(
                    "A token of kind identity is not signed here: AWS signs it.".to_owned(),
                    "Ask identity_token for it.",
                );
            }
            let all = kinds().chain(iter::once(identity::KIND));
            let remedy = nearest(kind, all).map_or_else(
                || {
                    format!(
                        "There is {}, and {}, which AWS signs.",
                        kinds().collect::<Vec<_>>().join(", "),
                        identity::KIND
                    )
                },
                |near| format!("Did you mean {near}?"),
            );
            argument(format!("There is no token of kind {kind:?}."), remedy)
        })
}

#[cfg(test)]
mod tests;
