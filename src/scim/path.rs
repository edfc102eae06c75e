//! Attribute paths (RFC 7644 section 3.10) and the paths of PATCH operations (section 3.5.2).

use std::fmt;
use std::str::FromStr;

use super::error::ScimError;
use super::filter::{self, Filter, Limits};

/// `[urn:]name[.sub]`. Names are kept as written; they are compared ignoring ASCII case.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct AttrPath {
    /// The schema's URN, if the path is qualified.
    pub urn: Option<String>,
    /// The attribute.
    pub name: String,
    /// The sub-attribute.
    pub sub: Option<String>,
}

impl AttrPath {
    /// A path of one unqualified name.
    pub fn plain(name: &str) -> Self {
        Self {
            urn: None,
            name: name.to_owned(),
            sub: None,
        }
    }

    /// Whether this is the unqualified attribute `name`, or one qualified by `core`, without a sub-attribute.
    pub fn is(&self, core: &str, name: &str) -> bool {
        self.sub.is_none()
            && self.name.eq_ignore_ascii_case(name)
            && self
                .urn
                .as_deref()
                .is_none_or(|urn| urn.eq_ignore_ascii_case(core))
    }

    /// Equality ignoring ASCII case.
    pub fn same(&self, other: &Self) -> bool {
        let same = |a: &Option<String>, b: &Option<String>| match (a, b) {
            (Some(a), Some(b)) => a.eq_ignore_ascii_case(b),
            (a, b) => a.is_none() && b.is_none(),
        };
        self.name.eq_ignore_ascii_case(&other.name)
            && same(&self.urn, &other.urn)
            && same(&self.sub, &other.sub)
    }

    /// The whole text as a schema's URN: a path such as `urn:…:2.0:User` reads as attribute `User` of `urn:…:2.0`.
    pub fn whole_urn(&self) -> Option<String> {
        match (&self.urn, &self.sub) {
            (Some(urn), None) => Some(format!("{urn}:{}", self.name)),
            _ => None,
        }
    }
}

impl fmt::Display for AttrPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(urn) = &self.urn {
            write!(f, "{urn}:")?;
        }
        f.write_str(&self.name)?;
        match &self.sub {
            Some(sub) => write!(f, ".{sub}"),
            None => Ok(()),
        }
    }
}

/// What is wrong with a path; the caller makes `invalidPath`, `invalidFilter` or `invalidValue` of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Malformed;

impl FromStr for AttrPath {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        let (urn, rest) = match text.rfind(':') {
            None => (None, text),
            Some(at) => {
                let urn = &text[..at];
                // RFC 8141: "urn:" NID ":" NSS. Nothing else makes a qualified name.
                let named = urn
                    .get(..4)
                    .is_some_and(|scheme| scheme.eq_ignore_ascii_case("urn:"))
                    && urn.len() > 4;
                if !named || !urn.bytes().all(is_urn_byte) {
                    return Err(Malformed);
                }
                (Some(urn.to_owned()), &text[at + 1..])
            }
        };
        let (name, sub) = match rest.split_once('.') {
            None => (rest, None),
            Some((name, sub)) => (name, Some(sub)),
        };
        if !is_name(name) || !sub.is_none_or(is_name) {
            return Err(Malformed);
        }
        Ok(Self {
            urn,
            name: name.to_owned(),
            sub: sub.map(str::to_owned),
        })
    }
}

/// `ATTRNAME = ALPHA *(nameChar)`, and `$ref` (RFC 7643 section 2.1). Custom attributes may start with `_` in Okta.
fn is_name(name: &str) -> bool {
    let rest = name.strip_prefix('$').unwrap_or(name);
    rest.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && rest
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
}

/// The characters of URNs that cannot be mistaken for the filter grammar's own.
pub(crate) const fn is_urn_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b':' | b'.' | b'-' | b'_' | b'$' | b'+' | b'~' | b'/' | b'%'
        )
}

/// The `path` of a PATCH operation: `attrPath / valuePath [subAttr]`.
#[derive(Debug, Clone, PartialEq)]
pub struct PatchPath {
    /// The attribute; `attr.sub` is set where no filter stands between them, and also where one does.
    pub attr: AttrPath,
    /// The value filter in brackets; its paths name sub-attributes of `attr`.
    pub filter: Option<Filter>,
}

impl PatchPath {
    /// Reads a path.
    ///
    /// # Errors
    /// 400 `invalidPath`; 400 `invalidFilter` for what is wrong inside the brackets.
    pub fn parse(text: &str) -> Result<Self, ScimError> {
        let limits = Limits::PATH;
        if text.len() > limits.length {
            return Err(ScimError::invalid_path(format!(
                "The path is longer than {} bytes.",
                limits.length
            )));
        }
        let text = text.trim();
        let Some(open) = text.find('[') else {
            let attr = text.parse().map_err(|Malformed| invalid())?;
            return Ok(Self { attr, filter: None });
        };
        let mut attr: AttrPath = text[..open]
            .trim_end()
            .parse()
            .map_err(|Malformed| invalid())?;
        if attr.sub.is_some() {
            return Err(invalid());
        }
        // The closing bracket is the last one: after it only a sub-attribute may stand, which cannot hold one.
        let close = text
            .rfind(']')
            .filter(|close| *close > open)
            .ok_or_else(invalid)?;
        let brackets = &text[open + 1..close];
        let filter = filter::parse_with(brackets, limits)?;
        let list = Limits::LIST;
        let long = brackets.len() > list.length || filter.terms() > list.terms;
        if long && filter.equal_values().is_none() {
            return Err(ScimError::invalid_filter(format!(
                "Only a chain of `value eq` in a path may have more than {} comparisons or {} bytes.",
                list.terms, list.length
            )));
        }
        let rest = &text[close + 1..];
        if !rest.is_empty() {
            let sub = rest
                .strip_prefix('.')
                .filter(|sub| is_name(sub))
                .ok_or_else(invalid)?;
            attr.sub = Some(sub.to_owned());
        }
        Ok(Self {
            attr,
            filter: Some(filter),
        })
    }
}

impl fmt::Display for PatchPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(filter) = &self.filter else {
            return self.attr.fmt(f);
        };
        if let Some(urn) = &self.attr.urn {
            write!(f, "{urn}:")?;
        }
        write!(f, "{}[{filter}]", self.attr.name)?;
        match &self.attr.sub {
            Some(sub) => write!(f, ".{sub}"),
            None => Ok(()),
        }
    }
}

fn invalid() -> ScimError {
    ScimError::invalid_path(
        "The path must be attribute, attribute.sub, attribute[filter] or attribute[filter].sub.",
    )
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::scim::ScimType;
    use proptest::prelude::*;

    #[test]
    fn every_form_of_attribute_path() {
        let plain: AttrPath = "name.familyName".parse().unwrap();
        assert_eq!(
            (plain.name.as_str(), plain.sub.as_deref(), plain.urn),
            ("name", Some("familyName"), None)
        );
        let urn: AttrPath =
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.displayName"
                .parse()
                .unwrap();
        assert_eq!(urn.urn.as_deref(), Some(crate::scim::ENTERPRISE_URN));
        assert_eq!(
            (urn.name.as_str(), urn.sub.as_deref()),
            ("manager", Some("displayName"))
        );
        let whole: AttrPath = crate::scim::ENTERPRISE_URN.parse().unwrap();
        assert_eq!(
            whole.whole_urn().as_deref(),
            Some(crate::scim::ENTERPRISE_URN)
        );
        assert_eq!(
            "members.$ref".parse::<AttrPath>().unwrap().sub.as_deref(),
            Some("$ref")
        );
    }

    #[test]
    fn what_is_no_attribute_path() {
        for text in [
            "", ".", "a.", ".a", "a.b.c", "1a", "a b", "a:b", "urn:a", "urn::", ":a", "é", "a\0",
            "a[b]", "$",
        ] {
            assert_eq!(text.parse::<AttrPath>(), Err(Malformed), "{text:?}");
        }
    }

    #[test]
    fn every_form_of_patch_path() {
        for text in [
            "members",
            "name.familyName",
            "addresses[type eq \"work\"]",
            "members[value eq \"2819c223\"].display",
            "urn:x:y:2.0:User:things[a eq \"]\"].b",
        ] {
            assert_eq!(PatchPath::parse(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_is_no_patch_path() {
        for text in [
            "",
            "[",
            "a[",
            "a]",
            "a[]x",
            "a[b pr].",
            "a[b pr]c",
            "a.b[c pr]",
            "a[b pr].c.d",
            "[a pr]",
        ] {
            let error = PatchPath::parse(text).unwrap_err();
            assert_eq!(error.status, 400);
            assert!(
                matches!(
                    error.scim_type,
                    Some(ScimType::InvalidPath | ScimType::InvalidFilter)
                ),
                "{text}"
            );
        }
    }

    #[test]
    fn a_million_brackets_are_refused_at_once() {
        for unit in ["a[", "[", "]", "a[b pr] or ", "("] {
            PatchPath::parse(&unit.repeat(1_000_000)).unwrap_err();
        }
        PatchPath::parse(&format!(
            "a[{}b pr{}]",
            "(".repeat(10_000),
            ")".repeat(10_000)
        ))
        .unwrap_err();
    }

    proptest! {
        #[test]
        fn never_panics(text in ".*", grammar in "(a|urn:x:|\\[|\\]|\\.|\"|\\\\| eq | pr| |é|1|\\(|\\)|not ){0,20}") {
            let _ = PatchPath::parse(&text);
            if let Ok(path) = PatchPath::parse(&grammar) {
                prop_assert_eq!(PatchPath::parse(&path.to_string()).unwrap(), path);
            }
        }
    }
}
