//! References between bulk operations (RFC 7644 section 3.7.2) and the order they ask for.

use std::collections::{BTreeSet, HashMap};

use serde_json::Value;

use super::{BulkCall, BulkRequest, Method};
use crate::scim::error::ScimError;

const PREFIX: &str = "bulkId:";

/// One operation in the order of [`BulkRequest::plan`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// Its index in [`BulkRequest::operations`].
    pub index: usize,
    /// It waits for an operation that waits for it: answer it with [`Step::error`] and do not do it.
    pub circular: bool,
}

impl Step {
    /// The error of a circular operation. RFC 7644 section 3.7.1 lets a server stop so instead of creating half of it.
    pub fn error() -> ScimError {
        ScimError::conflict(
            "The operation refers to one that refers back to it; add the reference in a later request.",
        )
    }
}

impl BulkRequest {
    /// The operations in the order sent, but each after the POSTs it refers to. Circular ones come last.
    pub fn plan(&self) -> Vec<Step> {
        let makers: HashMap<&str, usize> = self
            .operations
            .iter()
            .enumerate()
            .filter(
                |(_, operation)| matches!(&operation.call, Ok(call) if call.method == Method::Post),
            )
            .filter_map(|(index, operation)| Some((operation.bulk_id.as_deref()?, index)))
            .collect();
        let mut waits: Vec<usize> = vec![0; self.operations.len()];
        let mut waiting: Vec<Vec<usize>> = vec![Vec::new(); self.operations.len()];
        for (index, operation) in self.operations.iter().enumerate() {
            let Ok(call) = &operation.call else { continue };
            for name in call.references() {
                if let Some(maker) = makers.get(name) {
                    waits[index] += 1;
                    waiting[*maker].push(index);
                }
            }
        }
        let mut ready: BTreeSet<usize> = (0..waits.len())
            .filter(|index| waits[*index] == 0)
            .collect();
        let mut steps = Vec::with_capacity(waits.len());
        let mut planned = vec![false; waits.len()];
        while let Some(index) = ready.pop_first() {
            planned[index] = true;
            steps.push(Step {
                index,
                circular: false,
            });
            for after in &waiting[index] {
                waits[*after] -= 1;
                if waits[*after] == 0 {
                    ready.insert(*after);
                }
            }
        }
        let rest = (0..planned.len()).filter(|index| !planned[*index]);
        steps.extend(rest.map(|index| Step {
            index,
            circular: true,
        }));
        steps
    }
}

impl BulkCall {
    /// The bulkIds in the path and in the data.
    pub fn references(&self) -> BTreeSet<&str> {
        let mut found: BTreeSet<&str> =
            self.id.as_deref().and_then(reference).into_iter().collect();
        if let Some(data) = &self.data {
            collect(data, &mut found);
        }
        found
    }

    /// The call with the ids of what was created in the place of the references.
    ///
    /// # Errors
    /// 409 if a reference is to nothing that was created in this request.
    pub fn resolve(&self, ids: &HashMap<String, String>) -> Result<Self, ScimError> {
        let mut call = self.clone();
        if let Some(id) = &mut call.id {
            fill(id, ids)?;
        }
        if let Some(data) = &mut call.data {
            fill_value(data, ids)?;
        }
        Ok(call)
    }
}

fn reference(text: &str) -> Option<&str> {
    text.strip_prefix(PREFIX).filter(|name| !name.is_empty())
}

fn collect<'a>(value: &'a Value, found: &mut BTreeSet<&'a str>) {
    match value {
        Value::String(text) => found.extend(reference(text)),
        Value::Array(values) => values.iter().for_each(|value| collect(value, found)),
        Value::Object(object) => object.values().for_each(|value| collect(value, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn fill_value(value: &mut Value, ids: &HashMap<String, String>) -> Result<(), ScimError> {
    match value {
        Value::String(text) => fill(text, ids),
        Value::Array(values) => values
            .iter_mut()
            .try_for_each(|value| fill_value(value, ids)),
        Value::Object(object) => object
            .values_mut()
            .try_for_each(|value| fill_value(value, ids)),
        Value::Null | Value::Bool(_) | Value::Number(_) => Ok(()),
    }
}

fn fill(text: &mut String, ids: &HashMap<String, String>) -> Result<(), ScimError> {
    if let Some(name) = reference(text) {
        let id = ids.get(name).ok_or_else(|| {
            ScimError::conflict(
                "The operation refers to a bulkId that no operation of this request created.",
            )
        })?;
        *text = id.clone();
    }
    Ok(())
}
