//! Splits a line into words as a POSIX shell does, and as Python's `shlex.split` (so botocore) does.
//!
//! No shell runs: nothing is expanded, substituted or treated as a comment. The rules are those of
//! Python's documentation, "shlex, parsing rules, POSIX mode".
//!
//! Two crates do nearly this, and a test below shows where they differ from botocore: shell-words 1.1.1 and
//! shlex 2.0.1 join lines at a backslash before a newline and take the backslash off `\$` between double
//! quotes, and both drop what follows a `#`.

/// Why a line cannot be split. Never holds the line: a command may carry a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unsplittable {
    OpenQuote,
    DanglingBackslash,
}

impl Unsplittable {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::OpenQuote => "a quote is opened and never closed",
            Self::DanglingBackslash => "it ends in a backslash that escapes nothing",
        }
    }
}

/// The words of `line`.
pub(crate) fn split(line: &str) -> Result<Vec<String>, Unsplittable> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut letters = line.chars();
    while let Some(letter) = letters.next() {
        match letter {
            ' ' | '\t' | '\r' | '\n' => words.extend(word.take()),
            '\'' => quoted(&mut letters, word.get_or_insert_default())?,
            '"' => double_quoted(&mut letters, word.get_or_insert_default())?,
            '\\' => {
                let escaped = letters.next().ok_or(Unsplittable::DanglingBackslash)?;
                word.get_or_insert_default().push(escaped);
            }
            plain => word.get_or_insert_default().push(plain),
        }
    }
    words.extend(word);
    Ok(words)
}

fn quoted(letters: &mut std::str::Chars<'_>, word: &mut String) -> Result<(), Unsplittable> {
    for letter in letters {
        if letter == '\'' {
            return Ok(());
        }
        word.push(letter);
    }
    Err(Unsplittable::OpenQuote)
}

/// Between double quotes a backslash escapes a double quote or a backslash, and is itself before
/// anything else.
fn double_quoted(letters: &mut std::str::Chars<'_>, word: &mut String) -> Result<(), Unsplittable> {
    while let Some(letter) = letters.next() {
        match letter {
            '"' => return Ok(()),
            '\\' => {
                let escaped = letters.next().ok_or(Unsplittable::DanglingBackslash)?;
                if !matches!(escaped, '"' | '\\') {
                    word.push('\\');
                }
                word.push(escaped);
            }
            plain => word.push(plain),
        }
    }
    Err(Unsplittable::OpenQuote)
}

#[cfg(test)]
mod tests {
    use super::*;

    // Each expectation is what `python3 -c 'import shlex; print(shlex.split(...))'` answers.
    #[test]
    fn splits_as_shlex_does() {
        let cases: [(&str, &[&str]); 17] = [
            ("", &[]),
            ("  \t\r\n", &[]),
            ("a b\tc\nd", &["a", "b", "c", "d"]),
            ("a   b ", &["a", "b"]),
            ("'a b' c", &["a b", "c"]),
            ("\"a b\" c", &["a b", "c"]),
            ("a'b'\"c\"d", &["abcd"]),
            ("'' \"\"", &["", ""]),
            (r"a\ b", &["a b"]),
            (r"'a\b'", &[r"a\b"]),
            (r#""a\"b\\c\d\$e""#, &[r#"a"b\c\d\$e"#]),
            (r"\'a\'", &["'a'"]),
            ("a # b ; c | d", &["a", "#", "b", ";", "c", "|", "d"]),
            (
                "$HOME ~ *.txt `x` $(y)",
                &["$HOME", "~", "*.txt", "`x`", "$(y)"],
            ),
            ("/opt/Ünïcode 'ß ü'", &["/opt/Ünïcode", "ß ü"]),
            ("a\\\nb", &["a\nb"]),
            ("--json='{\"a\": 1}'", &["--json={\"a\": 1}"]),
        ];
        for (line, words) in cases {
            assert_eq!(
                split(line).as_deref(),
                Ok(words
                    .iter()
                    .map(ToString::to_string)
                    .collect::<Vec<_>>()
                    .as_slice()),
                "{line:?}"
            );
        }
    }

    /// As soon as this fails for one of them, it may replace this file.
    #[test]
    fn the_crates_still_split_otherwise_than_botocore() {
        for line in ["a\\\nb", r#""\$""#, "a # b"] {
            let ours = split(line).ok();
            assert_ne!(shell_words::split(line).ok(), ours, "shell-words: {line:?}");
            assert_ne!(shlex::split(line), ours, "shlex: {line:?}");
        }
    }

    #[test]
    fn refuses_what_shlex_refuses() {
        for line in ["'a", "\"a", "a 'b' \"", "\"a\\\""] {
            assert_eq!(split(line), Err(Unsplittable::OpenQuote), "{line:?}");
        }
        for line in ["a\\", "\"a\\"] {
            assert_eq!(
                split(line),
                Err(Unsplittable::DanglingBackslash),
                "{line:?}"
            );
        }
    }
}
