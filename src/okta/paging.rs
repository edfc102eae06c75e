//! The `Link` header (RFC 8288) and which `next` is followed.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hasher as _};

use http::HeaderMap;
use url::Url;

use super::org_url::OrgUrl;

/// The links of one page that we look at.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Links {
    /// `rel="next"`, as Okta wrote it.
    pub(super) next: Option<String>,
    /// `rel="self"`.
    pub(super) this: Option<String>,
}

/// Reads all `Link` headers, several or one comma list. What cannot be read is skipped, so a malformed `next` would look
/// like the end: `None` is returned when a header speaks of `next` and none can be read.
pub(super) fn links(headers: &HeaderMap) -> Option<Links> {
    let mut found = Links::default();
    let mut speaks_of_next = false;
    for header in headers.get_all(http::header::LINK) {
        let text = String::from_utf8_lossy(header.as_bytes());
        let mut unread = text.to_ascii_lowercase();
        for (target, relations) in values(&text) {
            // A cursor may hold the word; where its link was read, that is no evidence of a broken one.
            unread = unread.replace(&target.to_ascii_lowercase(), "");
            for relation in relations.split_ascii_whitespace() {
                let place = match relation.to_ascii_lowercase().as_str() {
                    "next" => &mut found.next,
                    "self" => &mut found.this,
                    _ => continue,
                };
                place.get_or_insert_with(|| target.to_owned());
            }
        }
        speaks_of_next |= unread.contains("next");
    }
    (found.next.is_some() || !speaks_of_next).then_some(found)
}

/// The link-values of one header: target and `rel`.
fn values(text: &str) -> Vec<(&str, &str)> {
    let mut values = Vec::new();
    let mut rest = text;
    while let Some((_, after)) = rest.split_once('<') {
        let Some((target, params)) = after.split_once('>') else {
            break;
        };
        let (relation, remaining) = parameters(params);
        if let Some(relation) = relation {
            values.push((target.trim(), relation));
        }
        rest = remaining;
    }
    values
}

/// The first `rel` among the parameters up to the comma that ends this link-value, and what follows that comma.
fn parameters(mut text: &str) -> (Option<&str>, &str) {
    let mut relation = None;
    loop {
        text = text.trim_start_matches([' ', '\t', ';']);
        if let Some(after) = text.strip_prefix(',') {
            return (relation, after);
        }
        if text.is_empty() {
            return (relation, text);
        }
        let end = text.find(['=', ';', ',']).unwrap_or(text.len());
        let (name, after) = text.split_at(end);
        let Some(after) = after.strip_prefix('=') else {
            text = after;
            continue;
        };
        let after = after.trim_start();
        let (value, remaining) = match after.strip_prefix('"') {
            Some(quoted) => quoted_value(quoted),
            None => after.split_at(after.find([';', ',']).unwrap_or(after.len())),
        };
        if relation.is_none() && name.trim().eq_ignore_ascii_case("rel") {
            relation = Some(value.trim());
        }
        text = remaining;
    }
}

/// Up to the closing quote, honouring `\"`.
fn quoted_value(text: &str) -> (&str, &str) {
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return (&text[..at], &text[at + 1..]),
            _ => {}
        }
    }
    (text, "")
}

/// Where a listing goes on.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Onward {
    /// To this page, asked for exactly as Okta wrote it.
    To(Url),
    /// Nowhere: this was the last.
    End,
    /// To another host, which is not followed.
    Foreign(String),
    /// To a page that was there before.
    Repeated,
    /// To something that is no URL.
    Unreadable,
}

/// The pages of one listing seen so far, as hashes: a listing of a million rows has some thousand.
#[derive(Debug, Default)]
pub(super) struct Seen {
    urls: HashSet<u64>,
    contents: HashSet<u64>,
}

impl Seen {
    /// Notes that `url` is asked for.
    pub(super) fn asked(&mut self, url: &Url) {
        self.urls.insert(hash(url.as_str()));
    }

    /// Whether a page with exactly these rows was there before. A row may wander between pages while Okta is paged; a whole
    /// page may not.
    pub(super) fn repeats<'a>(&mut self, keys: impl Iterator<Item = &'a str>) -> bool {
        let keys: Vec<&str> = keys.collect();
        !keys.is_empty() && !self.contents.insert(hash(&keys))
    }

    /// Where the page at `asked` leads.
    pub(super) fn onward(&self, headers: &HeaderMap, asked: &Url, org: &OrgUrl) -> Onward {
        let Some(links) = links(headers) else {
            return Onward::Unreadable;
        };
        // `self` of a page already left behind means that Okta (or a cache) gave that page again.
        if let Some(this) = links.this.as_deref().and_then(|this| Url::parse(this).ok())
            && this != *asked
            && self.urls.contains(&hash(this.as_str()))
        {
            return Onward::Repeated;
        }
        let Some(next) = links.next else {
            return Onward::End;
        };
        let Ok(next) = Url::parse(&next) else {
            return Onward::Unreadable;
        };
        if !org.owns(&next) {
            let host = next.host_str().unwrap_or("no host");
            return Onward::Foreign(
                next.port()
                    .map_or_else(|| host.to_owned(), |port| format!("{host}:{port}")),
            );
        }
        if self.urls.contains(&hash(next.as_str())) {
            return Onward::Repeated;
        }
        Onward::To(next)
    }
}

fn hash<T: std::hash::Hash + ?Sized>(value: &T) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use http::{HeaderMap, HeaderValue};
    use proptest::prelude::{any, prop_assert_eq, proptest};

    use super::{Onward, Seen, links};
    use crate::okta::org_url::OrgUrl;

    fn headers(values: &[&str]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for value in values {
            map.append("link", HeaderValue::from_str(value).unwrap());
        }
        map
    }

    fn next(values: &[&str]) -> Option<String> {
        links(&headers(values)).unwrap().next
    }

    const SELF: &str = r#"<https://a.okta.com/api/v1/groups?limit=2>; rel="self""#;
    const NEXT: &str =
        r#"<https://a.okta.com/api/v1/groups?after=00g%2Cx%3Cy&limit=2>; rel="next""#;

    #[test]
    fn several_headers_or_one_comma_list_are_the_same() {
        let expected =
            Some("https://a.okta.com/api/v1/groups?after=00g%2Cx%3Cy&limit=2".to_owned());
        assert_eq!(next(&[SELF, NEXT]), expected);
        assert_eq!(next(&[&format!("{SELF}, {NEXT}")]), expected);
        assert_eq!(next(&[&format!("{NEXT},{SELF}")]), expected);
        assert_eq!(next(&[SELF]), None);
    }

    #[test]
    fn parameters_may_be_quoted_bare_in_any_order_and_hold_commas() {
        for text in [
            "<https://x/1>; rel=next",
            r#"<https://x/1>; title="a, \"<b>\"; rel=self"; rel="next""#,
            r#"<https://x/1> ;REL="prev NEXT""#,
            r#"<https://x/0>; rel="prev", <https://x/1>;a;rel="next";b=c"#,
        ] {
            assert_eq!(next(&[text]).as_deref(), Some("https://x/1"), "{text}");
        }
    }

    #[test]
    fn r8_a_next_that_cannot_be_read_is_not_the_end() {
        for text in [
            r#"<https://a.okta.com/api/v1/groups?after=x; rel="next""#,
            r#"https://a/x; rel="next""#,
        ] {
            assert_eq!(links(&headers(&[SELF, text])), None, "{text}");
            let this = r#"<https://a.okta.com/api/v1/groups?after=nextNEXT>; rel="self""#;
            assert_eq!(links(&headers(&[this, text])), None, "{text}");
            assert!(links(&headers(&[this])).is_some_and(|links| links.next.is_none()));
        }
    }

    fn onward(seen: &Seen, header: &str) -> Onward {
        let asked = "https://a.okta.com/api/v1/groups?limit=2".parse().unwrap();
        seen.onward(
            &headers(&[header]),
            &asked,
            &OrgUrl::parse("https://a.okta.com").unwrap(),
        )
    }

    #[test]
    fn r8_a_next_to_another_host_is_not_followed() {
        let seen = Seen::default();
        for (link, host) in [
            (
                r#"<https://a-admin.okta.com/api/v1/groups?after=1>; rel="next""#,
                "a-admin.okta.com",
            ),
            (
                r#"<https://evil.example.test/api/v1/groups>; rel="next""#,
                "evil.example.test",
            ),
            (
                r#"<http://a.okta.com/api/v1/groups>; rel="next""#,
                "a.okta.com",
            ),
            (
                r#"<https://a.okta.com:444/api/v1/groups>; rel="next""#,
                "a.okta.com:444",
            ),
        ] {
            assert_eq!(
                onward(&seen, link),
                Onward::Foreign(host.to_owned()),
                "{link}"
            );
        }
        assert_eq!(
            onward(&seen, r#"</api/v1/groups?after=1>; rel="next""#),
            Onward::Unreadable
        );
        assert!(
            matches!(onward(&seen, NEXT), Onward::To(url) if url.as_str().contains("after=00g%2Cx%3Cy"))
        );
    }

    #[test]
    fn r8_a_page_seen_before_is_known_by_next_by_self_and_by_its_rows() {
        let mut seen = Seen::default();
        seen.asked(&"https://a.okta.com/api/v1/groups?after=1".parse().unwrap());
        let again = r#"<https://a.okta.com/api/v1/groups?after=1>; rel="next""#;
        assert_eq!(onward(&seen, again), Onward::Repeated);
        let stale = r#"<https://a.okta.com/api/v1/groups?after=1>; rel="self""#;
        assert_eq!(onward(&seen, stale), Onward::Repeated);
        assert!(!seen.repeats(["a", "b"].into_iter()));
        assert!(!seen.repeats(["b", "c"].into_iter()));
        assert!(
            !seen.repeats([].into_iter()) && !seen.repeats([].into_iter()),
            "empty pages may follow one another"
        );
        assert!(seen.repeats(["a", "b"].into_iter()));
    }

    proptest! {
        #[test]
        fn no_header_makes_the_parser_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            if let Ok(value) = HeaderValue::from_bytes(&bytes) {
                let mut map = HeaderMap::new();
                map.append("link", value);
                let _ = links(&map);
            }
        }

        #[test]
        fn no_link_like_text_makes_the_parser_panic(text in r#"[<>;,="\\ relnxtsf/:é]{0,80}"#) {
            let _ = super::values(&text);
        }

        #[test]
        fn any_cursor_comes_back_unchanged(cursor in "[A-Za-z0-9%_.~,;=\"-]{1,40}") {
            let url = format!("https://a.okta.com/api/v1/groups?after={cursor}");
            prop_assert_eq!(next(&[&format!("{SELF}, <{url}>; rel=\"next\"")]), Some(url));
        }
    }
}
