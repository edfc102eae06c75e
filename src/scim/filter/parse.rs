//! The reader: recursive descent whose depth is counted, over text whose length was checked.

use serde_json::Number;

use super::{Compare, CompareOp, Filter, Limits, Literal};
use crate::scim::error::ScimError;
use crate::scim::path::{AttrPath, Malformed, is_urn_byte};

pub(super) struct Parser<'a> {
    text: &'a str,
    at: usize,
    limits: Limits,
    depth: usize,
    terms: usize,
    /// Inside the brackets of a value path, where another may not stand (RFC 7644 figure 1, `valFilter`).
    in_value_path: bool,
}

impl<'a> Parser<'a> {
    pub(super) fn new(text: &'a str, limits: Limits) -> Result<Self, ScimError> {
        if text.len() > limits.length {
            return Err(ScimError::invalid_filter(format!(
                "The filter is longer than {} bytes.",
                limits.length
            )));
        }
        Ok(Self {
            text,
            at: 0,
            limits,
            depth: 0,
            terms: 0,
            in_value_path: false,
        })
    }

    /// The whole text as one filter.
    pub(super) fn filter(mut self) -> Result<Filter, ScimError> {
        let filter = self.or()?;
        self.skip_space();
        if self.at < self.text.len() {
            return Err(self.wrong("expected the end of the filter, `and` or `or`"));
        }
        Ok(filter)
    }

    fn or(&mut self) -> Result<Filter, ScimError> {
        let mut parts = vec![self.and()?];
        while self.word("or") {
            parts.push(self.and()?);
        }
        Ok(joined(parts, Filter::Or, |part| match part {
            Filter::Or(inner) => Ok(inner),
            other => Err(other),
        }))
    }

    fn and(&mut self) -> Result<Filter, ScimError> {
        let mut parts = vec![self.unit()?];
        while self.word("and") {
            parts.push(self.unit()?);
        }
        Ok(joined(parts, Filter::And, |part| match part {
            Filter::And(inner) => Ok(inner),
            other => Err(other),
        }))
    }

    fn unit(&mut self) -> Result<Filter, ScimError> {
        self.skip_space();
        let start = self.at;
        if self.word("not") {
            self.skip_space();
            if self.peek() == Some(b'(') {
                return Ok(Filter::Not(Box::new(self.parenthesized()?)));
            }
            self.at = start;
            return Err(self.wrong("`not` must be followed by a filter in parentheses"));
        }
        if self.peek() == Some(b'(') {
            return self.parenthesized();
        }
        self.expression()
    }

    fn parenthesized(&mut self) -> Result<Filter, ScimError> {
        self.at += 1;
        self.deeper(Self::or, b')', "expected `)`")
    }

    fn deeper(
        &mut self,
        inner: impl FnOnce(&mut Self) -> Result<Filter, ScimError>,
        close: u8,
        missing: &str,
    ) -> Result<Filter, ScimError> {
        self.depth += 1;
        if self.depth > self.limits.depth {
            let depth = self.limits.depth;
            return Err(ScimError::invalid_filter(format!(
                "The filter is nested deeper than {depth} levels."
            )));
        }
        let filter = inner(self)?;
        self.depth -= 1;
        self.skip_space();
        if self.peek() != Some(close) {
            return Err(self.wrong(missing));
        }
        self.at += 1;
        Ok(filter)
    }

    /// `attrPath pr`, `attrPath op value`, `attrPath[filter]`, `attrPath[filter].sub op value`.
    fn expression(&mut self) -> Result<Filter, ScimError> {
        self.terms += 1;
        if self.terms > self.limits.terms {
            return Err(ScimError::invalid_filter(format!(
                "The filter has more than {} terms.",
                self.limits.terms
            )));
        }
        let path = self.path()?;
        if self.peek() == Some(b'[') {
            return self.value_path(path);
        }
        self.condition(path)
    }

    fn value_path(&mut self, path: AttrPath) -> Result<Filter, ScimError> {
        if self.in_value_path || path.sub.is_some() {
            return Err(self.wrong("`[` may stand only after an attribute, not after a sub-attribute or inside brackets"));
        }
        self.at += 1;
        self.in_value_path = true;
        let mut filter = self.deeper(Self::or, b']', "expected `]`")?;
        // `emails[type eq "work"].value co "@x"` is not in the RFC's grammar; clients write it and mean this.
        if self.peek() == Some(b'.') {
            self.at += 1;
            let sub = self.path()?;
            if sub.sub.is_some() || sub.urn.is_some() {
                return Err(self.wrong("expected one sub-attribute after `].`"));
            }
            let last = self.condition(sub)?;
            filter = match filter {
                Filter::And(mut parts) => {
                    parts.push(last);
                    Filter::And(parts)
                }
                other => Filter::And(vec![other, last]),
            };
        }
        self.in_value_path = false;
        Ok(Filter::ValuePath {
            path,
            filter: Box::new(filter),
        })
    }

    fn condition(&mut self, path: AttrPath) -> Result<Filter, ScimError> {
        self.skip_space();
        let word = self.take_while(|byte| byte.is_ascii_alphabetic());
        if word.eq_ignore_ascii_case("pr") {
            return Ok(Filter::Present(path));
        }
        let Some(op) = CompareOp::from_word(word) else {
            return Err(
                self.wrong("expected one of eq ne co sw ew gt ge lt le pr after an attribute")
            );
        };
        self.skip_space();
        let value = self.literal()?;
        let fits = match op {
            CompareOp::Equal | CompareOp::NotEqual => true,
            CompareOp::Contains | CompareOp::StartsWith | CompareOp::EndsWith => {
                matches!(value, Literal::String(_))
            }
            // RFC 7644 table 3: booleans have no order, "invalidFilter".
            _ => matches!(value, Literal::String(_) | Literal::Number(_)),
        };
        if !fits {
            return Err(self.wrong("the operator does not take a value of this type"));
        }
        Ok(Filter::Compare(Compare { path, op, value }))
    }

    fn path(&mut self) -> Result<AttrPath, ScimError> {
        let start = self.at;
        let text = self.take_while(is_urn_byte);
        text.parse().map_err(|Malformed| {
            self.at = start;
            self.wrong("expected an attribute name")
        })
    }

    fn literal(&mut self) -> Result<Literal, ScimError> {
        let start = self.at;
        if self.peek() == Some(b'"') {
            let text = self.quoted().ok_or_else(|| {
                self.at = start;
                self.wrong("expected a string in double quotes, escaped as in JSON")
            })?;
            return Ok(Literal::String(text));
        }
        let word = self
            .take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'));
        // Entra writes True and False.
        let literal = match () {
            () if word.eq_ignore_ascii_case("true") => Some(Literal::Bool(true)),
            () if word.eq_ignore_ascii_case("false") => Some(Literal::Bool(false)),
            () if word.eq_ignore_ascii_case("null") => Some(Literal::Null),
            () => number(word).map(Literal::Number),
        };
        literal.ok_or_else(|| {
            self.at = start;
            self.wrong("expected a value: a string in double quotes, a number, true, false or null")
        })
    }

    /// A JSON string, unescaped; none if it does not end, is no JSON string, or holds U+0000.
    fn quoted(&mut self) -> Option<String> {
        let rest = &self.text[self.at..];
        let mut escaped = false;
        let end = rest.bytes().skip(1).position(|byte| {
            let ends = byte == b'"' && !escaped;
            escaped = byte == b'\\' && !escaped;
            ends
        })? + 2;
        self.at += end;
        serde_json::from_str(&rest[..end])
            .ok()
            .filter(|text: &String| !text.contains('\0'))
    }

    /// Takes a keyword if it is the next word.
    fn word(&mut self, word: &str) -> bool {
        self.skip_space();
        let start = self.at;
        if self
            .take_while(|byte| byte.is_ascii_alphabetic())
            .eq_ignore_ascii_case(word)
            && !self.peek().is_some_and(is_urn_byte)
        {
            return true;
        }
        self.at = start;
        false
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn skip_space(&mut self) {
        self.take_while(|byte| byte.is_ascii_whitespace());
    }

    /// The longest run of bytes that fit. They are ASCII, so the cut is at a character.
    fn take_while(&mut self, fits: impl Fn(u8) -> bool) -> &'a str {
        let rest = &self.text[self.at..];
        let end = rest
            .bytes()
            .position(|byte| !(byte.is_ascii() && fits(byte)))
            .unwrap_or(rest.len());
        self.at += end;
        &rest[..end]
    }

    fn wrong(&self, expectation: &str) -> ScimError {
        ScimError::invalid_filter(format!(
            "The filter cannot be read at byte {}: {expectation}.",
            self.at + 1
        ))
    }
}

/// One part alone, or the parts with those of the same kind taken apart.
fn joined(
    mut parts: Vec<Filter>,
    join: impl FnOnce(Vec<Filter>) -> Filter,
    apart: impl Fn(Filter) -> Result<Vec<Filter>, Filter>,
) -> Filter {
    if parts.len() == 1
        && let Some(only) = parts.pop()
    {
        return only;
    }
    let mut flat = Vec::with_capacity(parts.len());
    for part in parts {
        match apart(part) {
            Ok(inner) => flat.extend(inner),
            Err(other) => flat.push(other),
        }
    }
    join(flat)
}

/// A JSON number that is kept as it was written: 64-bit integers, and what a float holds.
fn number(word: &str) -> Option<Number> {
    let number: Number = serde_json::from_str(word).ok()?;
    if word.contains(['.', 'e', 'E']) {
        // serde_json's own reading may be off by the last bit.
        return word.parse().ok().and_then(Number::from_f64);
    }
    if number.is_f64() { None } else { Some(number) }
}
