//! The words of the token that STS signs.

use super::words::{Takes, Word, Words, optional};
use crate::{
    failure::Failure,
    sts::{IdentityTokenRequest, limits},
};
use serde_json::{Map, Value};

pub(super) const KIND: &str = "identity";

const WORDS: &[Word] = &[
    Word {
        name: "audience",
        takes: Takes::Texts,
        is_required: true,
    },
    optional(
        "duration_seconds",
        Takes::Number(
            limits::IDENTITY_TOKEN_SECONDS.0,
            limits::IDENTITY_TOKEN_SECONDS.1,
        ),
    ),
    optional("signing_algorithm", Takes::Text),
    optional("tags", Takes::Table),
];

/// The request for a token of STS with these words, for 300 seconds and signed with RS256 unless they say otherwise.
///
/// # Errors
/// `Kind::Argument` for words that are unknown, missing or of another type, and for what STS does not take.
pub fn identity_token_request(words: &Map<String, Value>) -> Result<IdentityTokenRequest, Failure> {
    let words = Words::new(KIND, WORDS, words)?;
    let algorithm = Some(words.text("signing_algorithm").trim()).filter(|name| !name.is_empty());
    let pair = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
    let request = IdentityTokenRequest {
        audience: words.texts("audience").map(str::to_owned).collect(),
        duration_seconds: words.number("duration_seconds").unwrap_or(300),
        signing_algorithm: algorithm.unwrap_or("RS256").to_owned(),
        tags: words.table("tags").map(pair).collect(),
    };
    request.check()?;
    Ok(request)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::Kind;
    use serde_json::json;

    fn request(words: &Value) -> Result<IdentityTokenRequest, Failure> {
        identity_token_request(words.as_object().unwrap())
    }

    #[test]
    fn words_of_settings_are_those_of_code() {
        let defaults = request(&json!({"audience": "a"})).unwrap();
        let given = json!({"audience": ["a"], "duration_seconds": " 300", "signing_algorithm": null, "tags": {}});
        assert_eq!(defaults.duration_seconds, 300);
        assert_eq!(defaults.signing_algorithm, "RS256");
        assert_eq!(request(&given), Ok(defaults.clone()));
        let float = request(&json!({"audience": "a", "duration_seconds": 300.0})); // 5.minutes
        assert_eq!(float, Ok(defaults));
        let tagged = request(&json!({"audience": ["b", "a"], "tags": {"team": "x"}})).unwrap();
        assert_eq!(tagged.tags["team"], "x");
        assert_eq!(tagged.audience.len(), 2);
    }

    #[test]
    fn other_words_are_refused_with_what_there_is() {
        for (words, said) in [
            (json!({"audiense": "a"}), "Did you mean audience?"),
            (
                json!({"audience": "a", "x": 1}),
                "It takes audience, duration_seconds, signing_algorithm, tags.",
            ),
            (json!({}), "needs audience"),
            (json!({"audience": null}), "a text or a list of texts"),
            (json!({"audience": 5}), "a text or a list of texts"),
            (json!({"audience": [5]}), "a text or a list of texts"),
            (json!({"audience": []}), "audience has 0 names"),
            (
                json!({"audience": "a", "duration_seconds": "soon"}),
                "60 to 3600",
            ),
            (
                json!({"audience": "a", "duration_seconds": 300.5}),
                "60 to 3600",
            ),
            (
                json!({"audience": "a", "duration_seconds": -1}),
                "60 to 3600",
            ),
            (
                json!({"audience": "a", "duration_seconds": 5_000_000_000_u64}),
                "60 to 3600",
            ),
            (json!({"audience": "a", "signing_algorithm": 1}), "a text"),
            (
                json!({"audience": "a", "signing_algorithm": "rs256"}),
                "RS256 or ES384",
            ),
            (json!({"audience": "a", "tags": "team=x"}), "texts by name"),
            (
                json!({"audience": "a", "tags": {"team": null}}),
                "texts by name",
            ),
            (
                json!({"audience": "a", "tags": [["team", "x"]]}),
                "texts by name",
            ),
        ] {
            let failure = request(&words).expect_err(said);
            assert_eq!(failure.kind, Kind::Argument);
            assert!(failure.message().contains(said), "{failure}");
        }
    }
}
