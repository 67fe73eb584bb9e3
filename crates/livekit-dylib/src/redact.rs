//! Removes access tokens from texts that the library gives us.

/// Replaces everything in `text` that looks like a JWT (three base64url parts joined by dots,
/// beginning with `eyJ`) by `***`. The library's connect errors quote the URL with its token.
pub(crate) fn redact(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find("eyJ") {
        out.push_str(&rest[..start]);
        let tail = &rest[start..];
        let end = tail
            .find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '=')))
            .unwrap_or(tail.len());
        out.push_str("***");
        rest = &tail[end..];
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::redact;

    #[test]
    fn a_token_inside_an_error_is_removed() {
        let text = "failed: 401 for ws://h/rtc?access_token=eyJhbGciOi.eyJpc3M.abc-_1&auto=1";
        assert_eq!(redact(text), "failed: 401 for ws://h/rtc?access_token=***&auto=1");
    }

    #[test]
    fn other_text_stays() {
        assert_eq!(redact("connection refused"), "connection refused");
    }
}
