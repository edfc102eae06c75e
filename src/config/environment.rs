//! The process environment, as a value.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

/// What starts the name of every variable that sets a key.
pub(super) const PREFIX: &str = "ROSTERD__";

/// The environment variables a configuration is read with.
#[derive(Clone, Default)]
pub struct Environment(BTreeMap<OsString, OsString>);

/// Shows names only: a value may be a secret.
impl std::fmt::Debug for Environment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl Environment {
    /// No variables at all.
    pub fn empty() -> Self {
        Self::default()
    }

    /// This process's variables.
    pub fn of_process() -> Self {
        Self(std::env::vars_os().collect())
    }

    /// These variables.
    pub fn of<'a>(variables: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let own = |(name, value): (&str, &str)| (name.into(), value.into());
        Self(variables.into_iter().map(own).collect())
    }

    /// The variable `name` as a path, `None` when it is unset or empty.
    pub(super) fn path(&self, name: &str) -> Option<PathBuf> {
        let value = self.0.get(OsStr::new(name))?;
        (!value.is_empty()).then(|| PathBuf::from(value))
    }

    /// The variables that set keys: name, and value unless it is not UTF-8.
    pub(super) fn settings(&self) -> impl Iterator<Item = (String, Option<&str>)> {
        self.0.iter().filter_map(|(name, value)| {
            let name = name.to_string_lossy();
            name.starts_with(PREFIX)
                .then(|| (name.into_owned(), value.to_str()))
        })
    }
}
