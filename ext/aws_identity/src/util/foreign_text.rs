//! Text that came from an endpoint, a program or a library, made fit for a message.
//!
//! Every such text passes [`shown`] before it goes into a `Failure`: secrets are to be masked here too.

use std::fmt::Write as _;

/// As much of a foreign text as a message shows, in characters.
const LIMIT: usize = 512;

/// `text` on one line, with its control characters escaped, cut at 512 characters.
#[must_use]
pub fn shown(text: &str) -> String {
    let mut line = String::new();
    for (count, c) in text.trim().chars().enumerate() {
        if count == LIMIT {
            line.push_str("...");
            break;
        }
        if c.is_control()
            || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        {
            let _ = write!(line, "{}", c.escape_default());
        } else {
            line.push(c);
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_one_line_that_a_terminal_can_show() {
        assert_eq!(
            shown(" two\r\nlines \u{1b}[31m"),
            r"two\r\nlines \u{1b}[31m"
        );
        assert_eq!(shown("a\u{202e}b\u{2028}c"), r"a\u{202e}b\u{2028}c");
        assert_eq!(
            shown("Zugriff verweigert: früh"),
            "Zugriff verweigert: früh"
        );
        assert_eq!(shown("\n"), "");
    }

    #[test]
    fn it_is_cut() {
        assert_eq!(shown(&"é".repeat(512)), "é".repeat(512));
        assert_eq!(shown(&"é".repeat(513)), format!("{}...", "é".repeat(512)));
    }
}
