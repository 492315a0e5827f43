//! Where a text stops being JSON.

use serde::de::IgnoredAny;

/// The first line of `text` that is no JSON, counted from 1; `None` where it is JSON. Keeps nothing of the text.
#[must_use]
pub fn broken_line(text: &str) -> Option<usize> {
    let parsed = serde_json::from_str::<IgnoredAny>(text);
    parsed.err().map(|error| error.line())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_is_the_one_that_is_wrong() {
        for (text, line) in [
            ("{\"a\": 1}", None),
            ("{\n\"a\":\n {\"b\": {},\n}}", Some(4)),
            ("{\"a\": tru}", Some(1)),
            ("{}\n\n{}", Some(3)),
            ("{\n\"a\": [1,\n2", Some(3)),
        ] {
            assert_eq!(broken_line(text), line, "{text}");
        }
    }
}
