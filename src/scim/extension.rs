//! Changes to the object of an extension no schema is known of (RFC 7643 section 3.3): kept, returned, and patched by the
//! names alone.

use std::collections::HashSet;

use serde_json::Value;

use super::json::{self, Object};
use super::patch::Op;

/// Up to so many values it costs less to look for each in a list than to make a set of the list.
const FEW: usize = 8;

/// Lays values over an extension's object: each member is added or replaced as [`set`] does.
pub(crate) fn merge(target: &mut Object, op: Op, values: Object) {
    for (name, value) in values {
        set(target, op, &name, value);
    }
}

/// Sets one attribute of an extension.
///
/// Objects are merged by their members (RFC 7644 section 3.5.2.3: sub-attributes not named stay), `add` appends to a list
/// what is not in it yet, an absent value removes on `replace`, and everything else takes the place of what was there.
pub(crate) fn set(target: &mut Object, op: Op, name: &str, value: Value) {
    let name = json::spelled(target, name).unwrap_or_else(|| name.to_owned());
    if json::is_absent(&value) {
        if op == Op::Replace {
            target.shift_remove(&name);
        }
        return;
    }
    match (target.get_mut(&name), value) {
        (Some(Value::Object(present)), Value::Object(values)) => {
            for (name, value) in values {
                set(present, op, &name, value);
            }
        }
        (Some(Value::Array(present)), value) if op == Op::Add => {
            let added = match value {
                Value::Array(values) => values,
                other => vec![other],
            };
            if added.len() <= FEW {
                for value in added {
                    if !present.contains(&value) {
                        present.push(value);
                    }
                }
                return;
            }
            let mut there: HashSet<String> = present.iter().map(ToString::to_string).collect();
            present.extend(
                added
                    .into_iter()
                    .filter(|value| there.insert(value.to_string())),
            );
        }
        (_, value) => {
            target.insert(name, value);
        }
    }
}

/// Removes an attribute of an extension, or a sub-attribute of it.
pub(crate) fn remove(target: &mut Object, name: &str, sub: Option<&str>) {
    let Some(name) = json::spelled(target, name) else {
        return;
    };
    match (sub, target.get_mut(&name)) {
        (None, _) => {
            target.shift_remove(&name);
        }
        (Some(sub), Some(Value::Object(inner))) => remove(inner, sub, None),
        (Some(_), _) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn after(op: Op, name: &str, value: Value) -> Value {
        let mut target = Object::from_iter([
            ("Tags".to_owned(), json!(["a"])),
            ("x".to_owned(), json!({"p": 1, "q": 2})),
        ]);
        set(&mut target, op, name, value);
        Value::Object(target)
    }

    #[test]
    fn add_appends_what_is_new_and_replace_takes_the_place() {
        assert_eq!(
            after(Op::Add, "TAGS", json!(["a", "b"]))["Tags"],
            json!(["a", "b"])
        );
        assert_eq!(
            after(Op::Add, "tags", json!("c"))["Tags"],
            json!(["a", "c"])
        );
        assert_eq!(
            after(Op::Replace, "tags", json!(["c"]))["Tags"],
            json!(["c"])
        );
    }

    #[test]
    fn objects_are_merged_and_absent_values_remove() {
        assert_eq!(
            after(Op::Replace, "x", json!({"q": 3, "p": null}))["x"],
            json!({"q": 3})
        );
        assert_eq!(
            after(Op::Add, "x", Value::Null)["x"],
            json!({"p": 1, "q": 2})
        );
        assert_eq!(after(Op::Replace, "X", Value::Null).get("x"), None);
    }

    #[test]
    fn removing_what_is_not_there_changes_nothing() {
        let mut target = Object::from_iter([("x".to_owned(), json!({"p": 1}))]);
        remove(&mut target, "nope", None);
        remove(&mut target, "x", Some("nope"));
        assert_eq!(target["x"], json!({"p": 1}));
        remove(&mut target, "X", Some("P"));
        assert_eq!(target["x"], json!({}));
    }
}
