//! "Did you mean …?"

use strsim::levenshtein;

/// As much of a name as is compared: one of a thousand letters resembles nothing.
const COMPARED: usize = 64;

/// The known name closest to `name`: the same but for case and separators, or at most a third of its
/// letters away.
pub fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let plain = letters(name);
    known
        .map(|known| (levenshtein(&plain, &letters(known)), known))
        .filter(|(distance, known)| *distance * 3 <= letters(known).chars().count())
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, known)| known)
}

/// True if the names are the same but for case and separators.
#[must_use]
pub fn is_same(name: &str, known: &str) -> bool {
    letters(name) == letters(known)
}

fn letters(name: &str) -> String {
    name.chars()
        .filter(|c| c.is_alphanumeric())
        .take(COMPARED)
        .flat_map(char::to_lowercase)
        .collect()
}

/// A sentence that names what `wanted` may have meant among `known`, or what there is.
pub fn hint<'a>(wanted: &str, known: impl Iterator<Item = &'a str>) -> String {
    const SHOWN: usize = 5;
    let known: Vec<&str> = known.collect();
    if known.is_empty() {
        return "There is none at all: add it, or do not name it.".into();
    }
    let mut near: Vec<(usize, &str)> = known
        .iter()
        .map(|name| {
            (
                levenshtein(&wanted.to_lowercase(), &name.to_lowercase()),
                *name,
            )
        })
        .filter(|(distance, name)| {
            *distance <= wanted.chars().count().max(name.chars().count()).div_ceil(3)
        })
        .collect();
    near.sort_unstable();
    if near.is_empty() {
        let more = known.len().saturating_sub(SHOWN);
        let names = quoted(known.into_iter().take(SHOWN));
        let rest = if more > 0 {
            format!(" and {more} more")
        } else {
            String::new()
        };
        return format!("There is {names}{rest}.");
    }
    format!(
        "Did you mean {}?",
        quoted(near.into_iter().map(|(_, name)| name).take(3))
    )
}

fn quoted<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names
        .map(|name| format!("\"{name}\""))
        .collect::<Vec<_>>()
        .join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_is_a_third_of_its_letters_away_at_most() {
        let known = ["role_arn", "region"];
        for (name, near) in [
            ("RoleArn", Some("role_arn")),
            ("regoin", Some("region")),
            ("colour", None),
            (&"r".repeat(5000), None),
        ] {
            assert_eq!(nearest(name, known.into_iter()), near, "{name}");
        }
    }

    #[test]
    fn names_the_nearest_first() {
        let known = ["default", "prod-eu", "Prod", "staging"];
        assert_eq!(
            hint("prod", known.into_iter()),
            "Did you mean \"Prod\", \"prod-eu\"?"
        );
    }

    #[test]
    fn names_what_there_is_when_nothing_is_near() {
        assert_eq!(
            hint("x", ["staging", "testing"].into_iter()),
            "There is \"staging\", \"testing\"."
        );
        assert!(hint("x", std::iter::empty()).starts_with("There is none at all"));
        let many = ["aaa", "bbb", "ccc", "ddd", "eee", "fff", "ggg"];
        assert!(hint("x", many.into_iter()).ends_with("\"eee\" and 2 more."));
    }
}
