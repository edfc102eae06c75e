//! Entity tags (RFC 9110 section 8.8.3; RFC 7644 section 3.14): a resource's version as `W/"n"`.

/// The weak entity tag of a version.
pub fn weak(version: i64) -> String {
    format!("W/\"{version}\"")
}

/// The value of an `If-Match` or `If-None-Match` header, or of a bulk operation's `version`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// `*`: any present version.
    Any,
    /// A list of opaque tags, without `W/` and quotes. What is no entity tag is not in it and so matches nothing.
    Tags(Vec<String>),
}

impl Condition {
    /// Reads a header value. Several header lines are joined with a comma first.
    ///
    /// A bare `3` is read like `"3"`: clients that store `meta.version` sometimes lose the quotes.
    pub fn parse(header: &str) -> Self {
        let header = header.trim();
        if header == "*" {
            return Self::Any;
        }
        let mut tags = Vec::new();
        let mut rest = header;
        while !rest.is_empty() {
            rest = rest.trim_start_matches([' ', '\t', ',']);
            let quoted = rest
                .strip_prefix("W/")
                .or_else(|| rest.strip_prefix("w/"))
                .unwrap_or(rest);
            if let Some(inner) = quoted.strip_prefix('"') {
                let Some(end) = inner.find('"') else { break };
                tags.push(inner[..end].to_owned());
                rest = &inner[end + 1..];
            } else {
                let end = rest.find(',').unwrap_or(rest.len());
                let bare = rest[..end].trim();
                if !bare.is_empty() && bare.bytes().all(|b| b.is_ascii_digit()) {
                    tags.push(bare.to_owned());
                }
                rest = &rest[end..];
            }
        }
        Self::Tags(tags)
    }

    /// Whether a resource of this version meets the condition, by weak comparison (RFC 9110 section 8.8.3.2).
    ///
    /// `If-Match` asks for strong comparison, under which our weak tags never match; RFC 7644 section 3.14 shows weak
    /// tags in `If-Match`, so the weak one is used for both headers.
    pub fn matches(&self, version: i64) -> bool {
        match self {
            Self::Any => true,
            Self::Tags(tags) => tags.contains(&version.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn its_own_tag_matches_and_another_does_not() {
        for header in [
            "W/\"7\"",
            "\"7\"",
            "*",
            "W/\"1\", W/\"7\"",
            "\"a,b\",\"7\"",
            " w/\"7\" ",
            "7",
        ] {
            assert!(Condition::parse(header).matches(7), "{header}");
        }
        for header in [
            "",
            "W/\"70\"",
            "\"07\"",
            "W/7\"",
            "\"7",
            "W/\"1\",,W/\"2\"",
            "**",
            "\"*\"",
            "x7",
            "W/7",
        ] {
            assert!(!Condition::parse(header).matches(7), "{header}");
        }
    }

    proptest! {
        #[test]
        fn never_panics(header in "[W/\"0-9, *é]{0,40}", any in ".*") {
            let _ = Condition::parse(&header).matches(1);
            let _ = Condition::parse(&any).matches(1);
        }

        #[test]
        fn every_version_matches_its_tag(version: i64, other: i64) {
            prop_assert!(Condition::parse(&weak(version)).matches(version));
            prop_assert_eq!(Condition::parse(&weak(other)).matches(version), other == version);
        }
    }
}
