//! The import rules of the crate: who may use whom, read from the sources.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Each layer and what it may import of ours. Downwards only.
const RULES: [(&str, &[&str]); 13] = [
    ("model", &[]),
    ("config", &[]),
    ("scim", &[]),
    ("reconcile", &["model"]),
    ("okta", &["model", "config"]),
    ("mail", &["model", "config"]),
    // A filter and the words it is made of: they become SQL.
    (
        "store",
        &["model", "scim::filter", "scim::path", "scim::schema"],
    ),
    (
        "service",
        &[
            "store",
            "okta",
            "mail",
            "reconcile",
            "scim",
            "model",
            "config",
        ],
    ),
    (
        "http",
        &[
            "service",
            "store",
            "okta",
            "mail",
            "reconcile",
            "scim",
            "model",
            "config",
        ],
    ),
    (
        "tasks",
        &[
            "service",
            "store",
            "okta",
            "mail",
            "reconcile",
            "scim",
            "model",
            "config",
        ],
    ),
    ("sim", &["model", "scim", "okta", "config"]),
    (
        "daemon",
        &[
            "http",
            "tasks",
            "sim",
            "service",
            "store",
            "okta",
            "mail",
            "reconcile",
            "scim",
            "model",
            "config",
        ],
    ),
    (
        "cli",
        &[
            "daemon",
            "http",
            "tasks",
            "sim",
            "service",
            "store",
            "okta",
            "mail",
            "reconcile",
            "scim",
            "model",
            "config",
        ],
    ),
];

fn source_files(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            source_files(&path, into);
        } else if path.extension().is_some_and(|end| end == "rs") {
            into.push(path);
        }
    }
}

/// Code without comments: `//` to the end of the line. A `//` in a text only hides more of that line.
fn code(text: &str) -> String {
    let lines = text
        .lines()
        .map(|line| line.split("//").next().unwrap_or(line));
    lines.collect::<Vec<_>>().join("\n")
}

/// Everything that follows `crate::`, brace groups taken apart: `crate::{a::b, c}` gives `a::b` and `c`.
fn imports(code: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (at, _) in code.match_indices("crate::") {
        let before = code[..at].chars().next_back();
        if !before.is_some_and(|c| c.is_alphanumeric() || c == '_') {
            take_apart("", &code[at + "crate::".len()..], &mut found);
        }
    }
    found
}

fn take_apart(prefix: &str, text: &str, into: &mut BTreeSet<String>) {
    let text = text.trim();
    let end = text.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':'));
    let (path, rest) = text.split_at(end.unwrap_or(text.len()));
    let path = format!("{prefix}{path}");
    match rest.strip_prefix('{') {
        Some(group) => {
            for item in top_level_items(group) {
                take_apart(&path, item, into);
            }
        }
        None => drop(
            into.insert(
                path.trim_end_matches("self")
                    .trim_end_matches(':')
                    .to_owned(),
            ),
        ),
    }
}

/// The comma-separated items of a brace group, up to its closing brace.
fn top_level_items(group: &str) -> Vec<&str> {
    let (mut depth, mut from, mut items) = (0, 0, Vec::new());
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => {
                items.push(&group[from..at]);
                return items;
            }
            '}' => depth -= 1,
            ',' if depth == 0 => {
                items.push(&group[from..at]);
                from = at + 1;
            }
            _ => {}
        }
    }
    items
}

fn layer_of(file: &Path, root: &Path) -> String {
    let inside = file.strip_prefix(root).unwrap();
    let first = inside
        .components()
        .next()
        .unwrap()
        .as_os_str()
        .to_string_lossy();
    first.trim_end_matches(".rs").to_owned()
}

fn is_within(path: &str, place: &str) -> bool {
    path == place
        || path
            .strip_prefix(place)
            .is_some_and(|rest| rest.starts_with("::"))
}

/// The uses a rule does not allow, each with its file.
fn offences(layer: &str, allowed: &[&str], code: &str) -> Vec<String> {
    let mut own = allowed.to_vec();
    own.push(layer);
    let known: Vec<&str> = RULES.iter().map(|(name, _)| *name).collect();
    imports(code)
        .into_iter()
        .filter(|path| known.iter().any(|name| is_within(path, name)))
        .filter(|path| !own.iter().any(|place| is_within(path, place)))
        .collect()
}

#[test]
fn imports_point_downwards_only() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    source_files(&root, &mut files);
    let (mut wrong, mut read) = (Vec::new(), 0);
    for file in files {
        let layer = layer_of(&file, &root);
        if layer == "lib" || layer == "main" {
            continue;
        }
        let Some((_, allowed)) = RULES.iter().find(|(name, _)| *name == layer) else {
            wrong.push(format!("{}: no rule for the layer {layer}", file.display()));
            continue;
        };
        read += 1;
        // A layer's own tests may stand on what stands on it.
        if file
            .components()
            .any(|part| part.as_os_str() == "tests" || part.as_os_str() == "tests.rs")
        {
            continue;
        }
        let text = fs::read_to_string(&file).unwrap();
        let text = text.split("#[cfg(test)]").next().unwrap_or_default();
        for path in offences(&layer, allowed, &code(text)) {
            wrong.push(format!("{}: {layer} must not use {path}", file.display()));
        }
    }
    assert!(read > 50, "only {read} files were read");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn sql_is_written_by_the_store_and_put_together_in_one_place() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    source_files(&root, &mut files);
    let mut wrong = Vec::new();
    for file in files {
        let code = code(&fs::read_to_string(&file).unwrap());
        let inside = file.strip_prefix(&root).unwrap();
        // One for every statement of ours, one for what a SCIM filter, order and page become.
        let sql = inside == Path::new("store/sql.rs") || inside == Path::new("store/search/mod.rs");
        if code.contains("AssertSqlSafe") && !sql {
            wrong.push(format!(
                "{}: AssertSqlSafe belongs in store/sql",
                file.display()
            ));
        }
        let speaks_sqlx = code.contains("sqlx::") && !inside.starts_with("store");
        if speaks_sqlx {
            wrong.push(format!("{}: only the store knows SQL", file.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_reader_of_imports_sees_every_form() {
    let code = code(
        "use crate::store::{self, users};\nuse crate::{okta::Client, model::{id, time}};\n\
         // use crate::sim::World;\nlet x = crate::http::App::new(); pub(crate) fn f() {} use other_crate::cli;",
    );
    let found = imports(&code);
    let found: Vec<&str> = found.iter().map(String::as_str).collect();
    assert_eq!(
        found,
        [
            "http::App::new",
            "model::id",
            "model::time",
            "okta::Client",
            "store",
            "store::users"
        ]
    );
    assert_eq!(
        offences("store", &["model", "scim::filter"], &code),
        ["http::App::new", "okta::Client"]
    );
    let filters = "use crate::scim::filter::Filter; use crate::scim::filters; use crate::scim::{filter::Op, user};";
    assert_eq!(
        offences("store", &["model", "scim::filter"], filters),
        ["scim::filters", "scim::user"]
    );
}
