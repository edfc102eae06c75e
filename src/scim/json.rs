//! Reading JSON nobody vouches for.
//!
//! Beyond serde_json's own checks (syntax, lone surrogates, depth of 128, numbers out of range) this refuses what would
//! be read differently by different readers: two names in one object that are equal ignoring ASCII case (SCIM attribute
//! names are case-insensitive, RFC 7643 section 2.1), U+0000 in a string (no database text holds it), and numbers
//! too large to be kept exactly.

use std::collections::HashSet;
use std::fmt;

use serde::de::{self, DeserializeSeed, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Map, Number, Value};

use super::error::{ScimError, shown};

/// A JSON object, its names in the order they were sent.
pub type Object = Map<String, Value>;

/// Reads a request body that must be one JSON object.
///
/// # Errors
/// 400 `invalidSyntax`.
pub fn object(body: &[u8]) -> Result<Object, ScimError> {
    match value(text(body)?)? {
        Value::Object(object) => Ok(object),
        _ => Err(ScimError::invalid_syntax("The body must be a JSON object.")),
    }
}

/// Most values in one body; a push of 300,000 members has fewer.
const MOST_VALUES: usize = 1_000_000;

/// Most values that are kept as such: everything but the members of a group, of which little is kept. However shortly a
/// value is written (`[[],[],…`), it takes some hundred bytes once it is read. A bulk request that adds 80,000 members has
/// fewer.
const MOST_KEPT: usize = 200_000;

/// The body as text. JSON is UTF-8 (RFC 8259 section 8.1); a byte order mark in front is skipped as that section allows.
pub(crate) fn text(body: &[u8]) -> Result<&str, ScimError> {
    let text = str::from_utf8(body)
        .map_err(|_| ScimError::invalid_syntax("The body must be JSON in UTF-8."))?;
    at_most(MOST_VALUES, text)?;
    Ok(text.strip_prefix('\u{feff}').unwrap_or(text))
}

/// serde_json's own limit: what is deeper is refused however much there is of it.
const DEEPEST: usize = 128;

fn at_most(most: usize, text: &str) -> Result<(), ScimError> {
    if text.len() <= most {
        return Ok(());
    }
    bounded(most, extent(text.as_bytes()))
}

fn bounded(most: usize, (values, depth): (usize, usize)) -> Result<(), ScimError> {
    if depth > DEEPEST {
        Err(ScimError::invalid_syntax(format!(
            "The body cannot be read as JSON: it has more than {DEEPEST} levels."
        )))
    } else if values > most {
        Err(ScimError::payload_too_large(format!(
            "A body may have at most {MOST_VALUES} values, and {MOST_KEPT} besides the members of a group."
        )))
    } else {
        Ok(())
    }
}

/// About how many values a body has.
///
/// # Errors
/// As [`object`]: for more than there may be, before anybody makes room for them.
pub(crate) fn values(body: &[u8]) -> Result<usize, ScimError> {
    let extent = extent(body);
    if body.len() > MOST_VALUES {
        bounded(MOST_VALUES, extent)?;
    }
    Ok(extent.0)
}

/// About how many values a text has (before each, or before its name, is one of these signs), and how many levels.
fn extent(text: &[u8]) -> (usize, usize) {
    let (mut count, mut quoted, mut escaped) = (0, false, false);
    let (mut level, mut deepest) = (0_usize, 0);
    for byte in text {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b',' if !quoted => count += 1,
            b'[' | b'{' if !quoted => {
                count += 1;
                level += 1;
                deepest = deepest.max(level);
            }
            b']' | b'}' if !quoted => level = level.saturating_sub(1),
            _ => {}
        }
    }
    (count, deepest)
}

/// Reads one JSON value, and nothing after it.
pub(crate) fn value(text: &str) -> Result<Value, ScimError> {
    at_most(MOST_KEPT, text)?;
    read(text, Checked)
}

/// Runs a seed over a text to its end.
pub(crate) fn read<'de, S: DeserializeSeed<'de>>(
    text: &'de str,
    seed: S,
) -> Result<S::Value, ScimError> {
    let mut reader = serde_json::Deserializer::from_str(text);
    let value = seed
        .deserialize(&mut reader)
        .map_err(|error| refused(&error))?;
    reader.end().map_err(|error| refused(&error))?;
    Ok(value)
}

/// serde_json's texts name positions and expectations, never content, as long as every seed takes every type.
fn refused(error: &serde_json::Error) -> ScimError {
    ScimError::invalid_syntax(format!("The body cannot be read as JSON: {error}."))
}

/// Says whether a name was already used in an object, ignoring ASCII case.
#[derive(Default)]
pub(crate) struct Names(HashSet<String>);

impl Names {
    /// Notes a name; an error if it is there already or holds U+0000.
    pub(crate) fn note<E: de::Error>(&mut self, name: &str) -> Result<(), E> {
        no_nul(name)?;
        if self.0.insert(name.to_ascii_lowercase()) {
            Ok(())
        } else {
            Err(E::custom(format_args!(
                "the name {:?} must not occur twice in one object",
                shown(name)
            )))
        }
    }
}

/// Refuses U+0000.
pub(crate) fn no_nul<E: de::Error>(text: &str) -> Result<(), E> {
    if text.contains('\0') {
        Err(E::custom("U+0000 is not allowed in a string"))
    } else {
        Ok(())
    }
}

/// The seed and visitor of a checked [`Value`].
#[derive(Clone, Copy)]
pub(crate) struct Checked;

impl<'de> DeserializeSeed<'de> for Checked {
    type Value = Value;

    fn deserialize<D: de::Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Checked {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Value, E> {
        // An integer too large for 64 bits arrives here as a float that is no longer what was sent.
        match Number::from_f64(value) {
            Some(number) if value.abs() < 1e18 => Ok(Value::Number(number)),
            _ => Err(E::custom("a number is too large")),
        }
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<Value, E> {
        no_nul(value)?;
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E: de::Error>(self, value: String) -> Result<Value, E> {
        no_nul(&value)?;
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = seq.next_element_seed(Checked)? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut names = Names::default();
        let mut object = Map::new();
        while let Some(name) = map.next_key::<String>()? {
            names.note(&name)?;
            let value = map.next_value_seed(Checked)?;
            object.insert(name, value);
        }
        Ok(Value::Object(object))
    }
}

/// The members of a JSON object, their values not read yet. None: the text is no object.
pub(crate) fn fields(text: &str) -> Result<Option<Vec<(String, &RawValue)>>, ScimError> {
    if text.trim_start().starts_with('{') {
        read(text, Fields).map(Some)
    } else {
        Ok(None)
    }
}

/// The elements of a JSON array, not read yet. None: the text is no array.
pub(crate) fn items(text: &str) -> Result<Option<Vec<&RawValue>>, ScimError> {
    if text.trim_start().starts_with('[') {
        read(text, Items).map(Some)
    } else {
        Ok(None)
    }
}

struct Fields;

impl<'de> DeserializeSeed<'de> for Fields {
    type Value = Vec<(String, &'de RawValue)>;

    fn deserialize<D: de::Deserializer<'de>>(
        self,
        deserializer: D,
    ) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Fields {
    type Value = Vec<(String, &'de RawValue)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut names = Names::default();
        let mut fields = Vec::new();
        while let Some(name) = map.next_key::<String>()? {
            names.note(&name)?;
            fields.push((name, map.next_value()?));
        }
        Ok(fields)
    }
}

struct Items;

impl<'de> DeserializeSeed<'de> for Items {
    type Value = Vec<&'de RawValue>;

    fn deserialize<D: de::Deserializer<'de>>(
        self,
        deserializer: D,
    ) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Items {
    type Value = Vec<&'de RawValue>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(items)
    }
}

/// The member of an object by name, ignoring ASCII case.
pub fn get<'a>(object: &'a Object, name: &str) -> Option<&'a Value> {
    // The spelling of the schema is by far the most frequent one.
    object.get(name).or_else(|| {
        object
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    })
}

/// The name as it is spelled in the object, ignoring ASCII case.
pub(crate) fn spelled(object: &Object, name: &str) -> Option<String> {
    object
        .keys()
        .find(|key| key.eq_ignore_ascii_case(name))
        .cloned()
}

/// Whether a value counts as no value at all: null, `""`, `[]` or `{}` (RFC 7643 section 2.5; clients clear with each).
pub fn is_absent(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(values) => values.is_empty(),
        Value::Object(object) => object.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::scim::ScimType;
    use proptest::prelude::*;

    fn refusal(body: &[u8]) -> ScimError {
        let error = object(body).unwrap_err();
        assert_eq!(
            (error.status, error.scim_type),
            (400, Some(ScimType::InvalidSyntax))
        );
        error
    }

    #[test]
    fn names_equal_ignoring_case_are_duplicates() {
        refusal(br#"{"userName":"a","USERNAME":"b"}"#);
        refusal(br#"{"a":{"b":[{"c":1,"C":2}]}}"#);
        assert_eq!(object(br#"{"a":{"c":1},"b":{"C":2}}"#).unwrap().len(), 2);
    }

    #[test]
    fn a_duplicate_is_named_but_cut_short() {
        let name = "n".repeat(1000);
        let error = refusal(format!(r#"{{"{name}":"secret","{name}":2}}"#).as_bytes());
        assert!(
            error.detail.contains("nnnn") && error.detail.len() < 250,
            "{}",
            error.detail
        );
        assert!(!error.detail.contains("secret"));
    }

    #[test]
    fn a_million_levels_are_a_clean_error() {
        refusal("[".repeat(1_000_000).as_bytes());
        refusal(r#"{"a":"#.repeat(1_000_000).as_bytes());
    }

    #[test]
    fn more_values_than_memory_is_for_are_refused_before_they_are_read() {
        let many = format!("{{\"a\":[{}[]]}}", "[],".repeat(MOST_KEPT));
        assert_eq!(object(many.as_bytes()).unwrap_err().status, 413);
        assert!(text(many.as_bytes()).is_ok());
        let many = "[],".repeat(MOST_VALUES);
        assert_eq!(text(many.as_bytes()).unwrap_err().status, 413);
        let quoted = format!(
            r#"{{"a":"{}\"{}"}}"#,
            "[],".repeat(MOST_VALUES),
            "{,".repeat(9)
        );
        assert!(object(quoted.as_bytes()).is_ok());
        assert_eq!(values(br#"{"a":["\\",{"b":"\",["}]}"#).unwrap(), 4);
    }

    #[test]
    fn what_no_store_can_hold_is_refused() {
        for body in [
            r#"{"a":"x\u0000y"}"#,
            r#"{"a\u0000":1}"#,
            r#"{"a":"\ud800"}"#,
            r#"{"a":"\udc00x"}"#,
            r#"{"\ud800":1}"#,
            r#"{"a":1e999}"#,
            r#"{"a":-1e400}"#,
            r#"{"a":123456789012345678901234567890}"#,
            r#"{"a":NaN}"#,
        ] {
            refusal(body.as_bytes());
        }
        let digits = format!(r#"{{"a":{}}}"#, "9".repeat(1_000_000));
        refusal(digits.as_bytes());
    }

    #[test]
    fn other_than_one_object_is_refused() {
        for body in [
            "",
            " ",
            "null",
            "[]",
            "\"x\"",
            "1",
            "{",
            "{}{}",
            "{} x",
            "{'a':1}",
            "{\"a\":1,}",
        ] {
            refusal(body.as_bytes());
        }
        refusal(b"{\"a\":\"\xff\"}");
    }

    #[test]
    fn well_formed_bodies_are_read_as_they_are() {
        let read =
            object("\u{feff}{\"b\":[1,-2,1.5,true,null,\"\\ud83d\\ude00\"],\"a\":{}}".as_bytes())
                .unwrap();
        assert_eq!(
            Value::Object(read).to_string(),
            r#"{"b":[1,-2,1.5,true,null,"😀"],"a":{}}"#
        );
    }

    proptest! {
        #[test]
        fn never_panics(body in proptest::collection::vec(any::<u8>(), 0..200), text in "[\\[\\]{}\",:a-c0-9\\\\u. -]{0,80}") {
            let _ = object(&body);
            let _ = object(text.as_bytes());
        }
    }
}
