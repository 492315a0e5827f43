//! Tokens that are a presigned request: signed here with the held credentials, sent by no one or by
//! the system that gets it.

use super::{
    recipes::{Place, RECIPES, Recipe},
    token::Token,
    words::{Words, argument},
};
use crate::{
    config::region,
    credentials::{Credentials, Millis, Secret},
    failure::Failure,
    util::did_you_mean::nearest,
};
use serde_json::{Map, Value};

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
    let url = request.signed(place.region, credentials, now)?;
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

fn recipe(kind: &str) -> Result<&'static Recipe, Failure> {
    let kinds = || RECIPES.iter().map(|recipe| recipe.kind);
    RECIPES
        .iter()
        .find(|recipe| recipe.kind == kind)
        .ok_or_else(|| {
            let remedy = nearest(kind, kinds()).map_or_else(
                || format!("There is {}.", kinds().collect::<Vec<_>>().join(", ")),
                |near| format!("Did you mean {near}?"),
            );
            argument(format!("There is no token of kind {kind:?}."), remedy)
        })
}

#[cfg(test)]
mod tests;
