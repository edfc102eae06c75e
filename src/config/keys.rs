//! Reading keys one by one, so that one bad value hides no other.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use toml::{Table, Value};

use super::duration::Span;
use super::environment::PREFIX;
use super::secret::{CREDENTIAL, is_world_readable};
use super::{Config, Environment, Loaded, Problem, Problems, Schedule, SecretError, SecretSource};

/// A key of the configuration.
#[derive(Debug, Clone, PartialEq)]
pub struct Key {
    /// Its dotted path: `okta.hooks.enabled`.
    pub path: &'static str,
    /// Its value where nothing sets it; `None` when it is then unset.
    pub default: Option<Value>,
}

enum Found {
    File(Value),
    /// The variable and what it holds, not yet read: what it must be depends on the key's type.
    Variable(String, String),
}

/// The values found, the keys asked for, and what was wrong so far.
pub(super) struct Keys<'a> {
    environment: &'a Environment,
    found: BTreeMap<String, Found>,
    /// Everybody on this host may read the file.
    open_file: bool,
    known: Vec<Key>,
    problems: Vec<Problem>,
    warnings: Vec<Problem>,
}

impl<'a> Keys<'a> {
    pub(super) fn new(environment: &'a Environment) -> Self {
        Self {
            environment,
            found: BTreeMap::new(),
            open_file: false,
            known: Vec::new(),
            problems: Vec::new(),
            warnings: Vec::new(),
        }
    }

    /// Takes the values of the file at `path`.
    pub(super) fn add_file(&mut self, path: &Path) {
        let shown = path.display().to_string();
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) => return self.problem(&shown, format!("cannot be read: {error}")),
        };
        self.open_file = is_world_readable(path);
        match text.parse::<Table>() {
            Ok(table) => flatten("", table, &mut self.found),
            Err(error) => {
                let at = error.span().map_or(0, |span| span.start);
                let line = text.bytes().take(at).filter(|b| *b == b'\n').count() + 1;
                self.problem(&format!("{shown}:{line}"), error.message());
            }
        }
    }

    /// Lays the environment's values over the file's.
    pub(super) fn add_environment(&mut self) {
        for (name, value) in self.environment.settings() {
            let path = name
                .get(PREFIX.len()..)
                .unwrap_or_default()
                .to_ascii_lowercase()
                .replace("__", ".");
            match value {
                Some(value) => {
                    let value = value.to_owned();
                    self.found.insert(path, Found::Variable(name, value));
                }
                None => self.problem(&name, "is not UTF-8"),
            }
        }
    }

    /// The value of `path`, or `default` where nothing sets it.
    pub(super) fn take<T>(&mut self, path: &'static str, default: T) -> T
    where
        T: DeserializeOwned + Serialize,
    {
        self.known.push(Key {
            path,
            default: Value::try_from(&default).ok(),
        });
        self.find(path).unwrap_or(default)
    }

    /// The value of `path`, if anything sets it.
    pub(super) fn optional<T: DeserializeOwned>(&mut self, path: &'static str) -> Option<T> {
        self.known.push(Key {
            path,
            default: None,
        });
        self.find(path)
    }

    /// A number within `range`, ends included.
    pub(super) fn ranged<T>(
        &mut self,
        path: &'static str,
        default: T,
        range: std::ops::RangeInclusive<T>,
    ) -> T
    where
        T: DeserializeOwned + Serialize + PartialOrd + std::fmt::Display,
    {
        self.known.push(Key {
            path,
            default: Value::try_from(&default).ok(),
        });
        let found = self.find_or(path, |message| {
            // A number that the type cannot hold: say what may stand there, and not how it is kept.
            let mut parts = message.split('`');
            match (parts.next(), parts.next()) {
                (Some("invalid value: integer "), Some(number)) => {
                    let (low, high) = (range.start(), range.end());
                    format!("{number} is not within {low} and {high}")
                }
                _ => message.to_owned(),
            }
        });
        let value = found.unwrap_or(default);
        if !range.contains(&value) {
            let (low, high) = range.into_inner();
            self.problem(path, format!("{value} is not within {low} and {high}"));
            return low;
        }
        value
    }

    /// A duration within `low` and `high`.
    pub(super) fn duration(
        &mut self,
        path: &'static str,
        default: Duration,
        low: Duration,
        high: Duration,
    ) -> Duration {
        let range = Span(low)..=Span(high);
        self.ranged(path, Span(default), range).0
    }

    /// A cron schedule, with a default that parses.
    pub(super) fn schedule(&mut self, path: &'static str, default: &'static str) -> Schedule {
        let text = self.take(path, default.to_owned());
        match Schedule::parse(&text) {
            Ok(schedule) => schedule,
            Err(error) => {
                self.problem(path, format!("{text:?}: {error}"));
                Schedule::never()
            }
        }
    }

    /// Whether a file or variable sets `path` (asked before it is taken).
    pub(super) fn is_set(&self, path: &str) -> bool {
        self.found.contains_key(path)
    }

    /// Whether `path` is set in a file that everybody on this host may read (asked before it is taken).
    pub(super) fn is_in_the_open(&self, path: &str) -> bool {
        self.open_file && matches!(self.found.get(path), Some(Found::File(_)))
    }

    /// Notes that `key` is wrong.
    pub(super) fn problem(&mut self, key: &str, text: impl Into<String>) {
        self.problems.push(Problem::new(key, text));
    }

    /// Notes that `key` is worth a second look.
    pub(super) fn warning(&mut self, key: &str, text: impl Into<String>) {
        self.warnings.push(Problem::new(key, text));
    }

    /// The secret `path` names, if it does; it must be there and readable now. A systemd credential need not outside its
    /// service: whoever needs it then fails by reading it.
    pub(super) fn secret(&mut self, path: &'static str) -> Option<SecretSource> {
        let text: String = self.optional(path)?;
        let folder = self.environment.path("CREDENTIALS_DIRECTORY");
        let source = match SecretSource::named(&text, folder.as_deref()) {
            Ok(source) => source,
            Err(text) => {
                self.problem(path, text);
                return None;
            }
        };
        if let Some(name) = source.out_of_reach() {
            let text = format!(
                "credential {name:?} can be read within the service only (systemd's LoadCredential=), so it was not looked at"
            );
            self.warning(path, text);
        } else if let Err(error) = source.read() {
            let missing = matches!(&error, SecretError::Unreadable { error, .. } if error.kind() == ErrorKind::NotFound);
            // Whoever wrote the secret itself instead of its place must not find it in the journal.
            if missing && !text.contains('/') && !text.starts_with(CREDENTIAL) {
                let what = "names no file here: give the path of a file that holds the secret, not the secret itself";
                self.problem(path, what);
            } else if text.contains("-----BEGIN") {
                self.problem(
                    path,
                    "must be the path of a file that holds the key, not the key itself",
                );
            } else {
                self.problem(path, error.to_string());
            }
        } else if source.is_world_readable() {
            let shown = source.path().display();
            self.warning(
                path,
                format!("{shown} can be read by everybody on this host: chmod 0600 it"),
            );
        }
        Some(source)
    }

    /// A plain file `path` names, if it does; it must be there and readable now.
    pub(super) fn file(&mut self, path: &'static str) -> Option<PathBuf> {
        let file: PathBuf = self.optional(path)?;
        if let Err(error) = std::fs::File::open(&file).and_then(|mut file| {
            let mut first = [0; 1];
            std::io::Read::read(&mut file, &mut first)
        }) {
            self.problem(path, format!("cannot read {}: {error}", file.display()));
        }
        Some(file)
    }

    /// The settings, unless something was wrong; whatever was never asked for is an unknown key.
    pub(super) fn finish(mut self, config: Config) -> Result<Loaded, Problems> {
        for (path, found) in std::mem::take(&mut self.found) {
            let (key, shown) = match found {
                Found::Variable(name, _) => (name, Some(path.as_str())),
                Found::File(_) => (path.clone(), None),
            };
            self.problems
                .push(Problem::new(key, self.unknown(&path, shown)));
        }
        self.problems.dedup();
        if self.problems.is_empty() {
            Ok(Loaded {
                config,
                warnings: self.warnings,
            })
        } else {
            Err(Problems(self.problems))
        }
    }

    /// Every key that was asked for.
    pub(super) fn into_known(self) -> Vec<Key> {
        self.known
    }

    fn unknown(&self, path: &str, variable_for: Option<&str>) -> String {
        let section = format!("{path}.");
        if self.known.iter().any(|key| key.path.starts_with(&section)) {
            return "is a section, not a key".to_owned();
        }
        let last = path.rsplit('.').next().unwrap_or(path);
        let named = self.known.iter().find(|key| {
            let name = key.path.rsplit('.').next().unwrap_or(key.path);
            name == last || name.replace('_', "") == last.replace(['-', '_'], "")
        });
        let what = match variable_for {
            Some(path) => format!("there is no key {path}"),
            None => "there is no such key".to_owned(),
        };
        match named {
            Some(key) => format!("{what}; did you mean {}?", key.path),
            None => what,
        }
    }

    fn find<T: DeserializeOwned>(&mut self, path: &'static str) -> Option<T> {
        self.find_or(path, str::to_owned)
    }

    /// The value of `path`; one that is none becomes a problem, which `explain` makes of what the reader says.
    fn find_or<T: DeserializeOwned>(
        &mut self,
        path: &'static str,
        explain: impl FnOnce(&str) -> String,
    ) -> Option<T> {
        let (read, source) = match self.found.remove(path)? {
            Found::File(value) => (value.try_into(), String::new()),
            Found::Variable(name, text) => (read_variable(&text), format!(" (from {name})")),
        };
        match read {
            Ok(value) => Some(value),
            Err(error) => {
                let error: toml::de::Error = error;
                self.problem(path, format!("{}{source}", explain(error.message())));
                None
            }
        }
    }
}

/// A variable's text as the type the key wants: a TOML value where that fits (`8`, `true`, `["a"]`), else a string.
fn read_variable<T: DeserializeOwned>(text: &str) -> Result<T, toml::de::Error> {
    let written: Option<Value> = format!("value = {text}")
        .parse::<Table>()
        .ok()
        .filter(|table| table.len() == 1)
        .and_then(|mut table| table.remove("value"));
    let as_text = || Value::String(text.to_owned()).try_into();
    match written {
        Some(value) => value
            .try_into()
            .or_else(|error| as_text().map_err(|_| error)),
        None => as_text(),
    }
}

fn flatten(prefix: &str, table: Table, into: &mut BTreeMap<String, Found>) {
    for (name, value) in table {
        let path = if prefix.is_empty() {
            name
        } else {
            format!("{prefix}.{name}")
        };
        match value {
            Value::Table(inner) if !inner.is_empty() => flatten(&path, inner, into),
            // An empty section sets nothing, but its name may still be a mistake.
            Value::Table(_) if SECTIONS.contains(&path.as_str()) => {}
            value => {
                into.insert(path, Found::File(value));
            }
        }
    }
}

/// The sections there are.
const SECTIONS: [&str; 10] = [
    "server",
    "server.tls",
    "store",
    "okta",
    "okta.hooks",
    "guard",
    "scim",
    "scim.bulk",
    "retention",
    "log",
];
