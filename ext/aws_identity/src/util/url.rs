//! Parts of a URL.

use std::fmt::Write as _;

/// `text` as the value of a query parameter: everything but RFC 3986's unreserved characters is escaped.
#[must_use]
pub fn query_value(text: &str) -> String {
    let mut value = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            value.push(byte.into());
        } else {
            let _ = write!(value, "%{byte:02X}");
        }
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_unreserved_is_escaped() {
        assert_eq!(query_value("Developer-1_a.b~"), "Developer-1_a.b~");
        assert_eq!(
            query_value("a+b=c,@ &?#%\né"),
            "a%2Bb%3Dc%2C%40%20%26%3F%23%25%0A%C3%A9"
        );
    }
}
