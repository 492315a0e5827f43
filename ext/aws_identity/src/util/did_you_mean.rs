//! "Did you mean …?"

/// A sentence that names what `wanted` may have meant among `known`, or what there is.
pub fn hint<'a>(wanted: &str, known: impl Iterator<Item = &'a str>) -> String {
    const SHOWN: usize = 5;
    let known: Vec<&str> = known.collect();
    if known.is_empty() {
        return "There is none at all.".into();
    }
    let mut near: Vec<(usize, &str)> = known
        .iter()
        .map(|name| {
            (
                distance(&wanted.to_lowercase(), &name.to_lowercase()),
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

/// How many letters must be added, dropped or changed (Levenshtein).
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (index, letter) in left.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = index + 1;
        for (column, other) in right.iter().enumerate() {
            let changed = diagonal + usize::from(letter != *other);
            diagonal = row[column + 1];
            row[column + 1] = changed.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_the_letters_that_differ() {
        for (left, right, expected) in [
            ("", "", 0),
            ("", "abc", 3),
            ("prod", "prd", 1),
            ("kitten", "sitting", 3),
        ] {
            assert_eq!(distance(left, right), expected, "{left} {right}");
            assert_eq!(distance(right, left), expected, "{right} {left}");
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
        assert_eq!(hint("x", std::iter::empty()), "There is none at all.");
        let many = ["aaa", "bbb", "ccc", "ddd", "eee", "fff", "ggg"];
        assert!(hint("x", many.into_iter()).ends_with("\"eee\" and 2 more."));
    }
}
