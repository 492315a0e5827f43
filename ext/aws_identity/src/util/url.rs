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

/// The bytes that a value of a query or a form stands for.
#[must_use]
pub fn query_bytes(value: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(value.len());
    let mut at = 0;
    while at < value.len() {
        let pair = value.get(at + 1..at + 3).filter(|_| value[at] == b'%');
        let decoded = pair
            .and_then(|pair| str::from_utf8(pair).ok())
            .and_then(|pair| u8::from_str_radix(pair, 16).ok());
        let plain = if value[at] == b'+' { b' ' } else { value[at] };
        bytes.push(decoded.unwrap_or(plain));
        at += if decoded.is_some() { 3 } else { 1 };
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_read_again() {
        let text = "a+b=c,@ &?#%\né";
        assert_eq!(query_bytes(query_value(text).as_bytes()), text.as_bytes());
        assert_eq!(query_bytes(b"a+b%2x%"), b"a b%2x%");
    }

    #[test]
    fn what_is_not_unreserved_is_escaped() {
        assert_eq!(query_value("Developer-1_a.b~"), "Developer-1_a.b~");
        assert_eq!(
            query_value("a+b=c,@ &?#%\né"),
            "a%2Bb%3Dc%2C%40%20%26%3F%23%25%0A%C3%A9"
        );
    }
}
