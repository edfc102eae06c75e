//! Secrets that a client put where they do not belong, kept out of whatever is written down of its request (R14).

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

/// What every token begins with.
const TOKEN: &str = "rst_";

/// A path as it may be logged: without its query, without the secret of a one-time link and without tokens.
pub(super) fn path(path: &str) -> Cow<'_, str> {
    const SECRET: &str = "/invite/";
    if path.starts_with(SECRET) {
        Cow::Borrowed(SECRET)
    } else if hides_token(path) {
        Cow::Borrowed("…")
    } else if path.contains(TOKEN) {
        Cow::Owned(without_tokens(path))
    } else {
        Cow::Borrowed(path)
    }
}

/// Whether a text holds a token that is not spelled as it was issued: it cannot be cut out.
pub(super) fn hides_token(text: &str) -> bool {
    let decoded = percent_decode_str(text).decode_utf8_lossy();
    decoded.matches(TOKEN).count() > text.matches(TOKEN).count()
}

/// The text with an ellipsis in the place of each token's secret.
pub(super) fn without_tokens(text: &str) -> String {
    let (mut out, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(at) = rest.find(TOKEN) {
        let (before, token) = rest.split_at(at);
        out.push_str(before);
        out.push_str("rst_…");
        let end = token
            .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
            .unwrap_or(token.len());
        rest = &token[end..];
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::path;

    #[test]
    fn r14_no_secret_of_a_path_is_logged() {
        for (asked, logged) in [
            ("/scim/v2/Users/1", "/scim/v2/Users/1"),
            ("/invite/s3cret", "/invite/"),
            ("/scim/v2/rst_scim_hunter2/Users", "/scim/v2/rst_…/Users"),
            ("/rst_api_hunter2", "/rst_…"),
            ("/scim/v2/rst%5fscim%5fhunter2", "…"),
            ("/rst_scim_a/r%73t_scim_hunter2", "…"),
        ] {
            assert_eq!(path(asked), logged, "{asked}");
        }
    }
}
