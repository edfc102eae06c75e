//! The places where the engines differ: rows from one JSON parameter, JSON attributes, and text order.
//!
//! A statement is written once. Where it needs one of these it uses a word in double braces, which becomes the
//! engine's own:
//!
//! | word | SQLite | PostgreSQL |
//! |---|---|---|
//! | `{{rows $1}}` | `json_each($1)` | `jsonb_array_elements($1::jsonb) AS rows(value)` |
//! | `{{texts $1}}` | `json_each($1)` | `jsonb_array_elements_text($1::jsonb) AS texts(value)` |
//! | `{{pairs}}` | `json_group_array(json_array(first, second))` | `CAST(json_agg(json_build_array(first, second)) AS TEXT)` |
//! | `{{counting $1}}` | `effective_memberships WHERE user_id IN (SELECT value FROM json_each($1))` | each text of `$1` with `LATERAL (SELECT … FROM effective_memberships WHERE user_id = value)` |
//! | `{{bytes}}` | nothing | `COLLATE "C"` |
//!
//! `counting` is one word because PostgreSQL takes a list into no view that is a union: it would read everybody's rows to
//! tell a few; and SQLite has no LATERAL. OFFSET 0 keeps PostgreSQL from making a plain join of it again.
//!
//! `+u.scim = 1` is said where a statement has a better way to its rows than the list of everybody SCIM can see: the sign keeps
//! the index of that list (`users_seen`, `idp_groups_seen`) out of it. Without statistics, in a new store, both engines
//! believe that list to be short.
//!
//! `value ->> 'key'` reads a field of a row as text in both; `CAST(value ->> 'key' AS BIGINT)` a number.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, PoisonError, RwLock};

use sqlx::{AssertSqlSafe, SqlSafeStr as _, SqlStr};

use super::Engine;

type Key = (Engine, usize, usize);
static TEXTS: LazyLock<RwLock<HashMap<Key, Arc<str>>>> = LazyLock::new(RwLock::default);

/// `text` in the words of `engine`. Texts are constants of this program, so each is translated once.
pub(super) fn text(engine: Engine, text: &'static str) -> SqlStr {
    if !text.contains("{{") {
        return text.into_sql_str();
    }
    let key = (engine, text.as_ptr().addr(), text.len());
    if let Some(known) = TEXTS
        .read()
        .unwrap_or_else(PoisonError::into_inner)
        .get(&key)
    {
        return AssertSqlSafe(Arc::clone(known)).into_sql_str();
    }
    let made: Arc<str> = translate(engine, text).into();
    TEXTS
        .write()
        .unwrap_or_else(PoisonError::into_inner)
        .insert(key, Arc::clone(&made));
    AssertSqlSafe(made).into_sql_str()
}

/// Constant parts of a statement, such as a column list and its condition, put together.
pub(super) fn joined(engine: Engine, parts: &[&'static str]) -> SqlStr {
    AssertSqlSafe(translate(engine, &parts.concat())).into_sql_str()
}

fn translate(engine: Engine, text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 64);
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{") {
        out.push_str(before);
        let (word, tail) = after.split_once("}}").unwrap_or((after, ""));
        let (name, argument) = word.split_once(' ').unwrap_or((word, ""));
        match (engine, name) {
            (Engine::Sqlite, "rows" | "texts") => out.extend(["json_each(", argument, ")"]),
            (Engine::Postgres, "rows") => {
                out.extend(["jsonb_array_elements(", argument, "::jsonb) AS rows(value)"]);
            }
            (Engine::Postgres, "texts") => {
                out.extend([
                    "jsonb_array_elements_text(",
                    argument,
                    "::jsonb) AS texts(value)",
                ]);
            }
            (Engine::Sqlite, "counting") => out.extend([
                "effective_memberships WHERE user_id IN (SELECT value FROM json_each(",
                argument,
                "))",
            ]),
            (Engine::Postgres, "counting") => out.extend([
                "jsonb_array_elements_text(",
                argument,
                "::jsonb) AS texts(value) CROSS JOIN LATERAL \
                 (SELECT team_id, user_id FROM effective_memberships WHERE user_id = value OFFSET 0) AS counting",
            ]),
            (Engine::Sqlite, "pairs") => {
                out.push_str("json_group_array(json_array(first, second))");
            }
            (Engine::Postgres, "pairs") => {
                out.push_str("CAST(json_agg(json_build_array(first, second)) AS TEXT)");
            }
            (Engine::Postgres, "bytes") => out.push_str("COLLATE \"C\""),
            _ => {}
        }
        rest = tail;
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::{Engine, translate};

    #[test]
    fn a_statement_is_written_once_and_read_by_both_engines() {
        let text = "SELECT value ->> 'a' FROM {{rows $1}} ORDER BY 1 {{bytes}}";
        assert_eq!(
            translate(Engine::Sqlite, text),
            "SELECT value ->> 'a' FROM json_each($1) ORDER BY 1 "
        );
        assert_eq!(
            translate(Engine::Postgres, text),
            "SELECT value ->> 'a' FROM jsonb_array_elements($1::jsonb) AS rows(value) ORDER BY 1 COLLATE \"C\""
        );
    }
}
