//! The words of the system's errors.

/// Without the number at its end that the standard library adds, which tells its reader nothing.
#[must_use]
pub fn without_number(text: &str) -> &str {
    let open = text.strip_suffix(')');
    let parts = open.and_then(|open| open.rsplit_once(" (os error "));
    parts
        .filter(|(_, number)| number.bytes().all(|byte| byte.is_ascii_digit()))
        .map_or(text, |(words, _)| words)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;

    #[test]
    fn only_the_number_at_the_end_goes() {
        let refused = io::Error::from_raw_os_error(13).to_string();
        assert_eq!(without_number(&refused), "Permission denied");
        for whole in [
            "Connection refused (os error 111) by 10.0.0.1",
            "refused (os error 111) (10.0.0.1)",
            "refused (os error unknown)",
        ] {
            assert_eq!(without_number(whole), whole);
        }
    }
}
