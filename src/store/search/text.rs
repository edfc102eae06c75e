//! What the engines say differently: JSON, the order of texts, and parts of texts.

use crate::scim::filter::CompareOp;
use crate::store::Engine;

/// The words of one engine. Names given to it come from the schemas, never from a client.
#[derive(Debug, Clone, Copy)]
pub(super) struct Text(pub(super) Engine);

impl Text {
    /// The text under a path of names in a JSON column.
    pub(super) fn field(self, document: &str, path: &[&str]) -> String {
        match self.0 {
            Engine::Sqlite => format!("({document} ->> '{}')", json_path(path)),
            Engine::Postgres => {
                let (last, above) = path.split_last().unwrap_or((&"", &[]));
                let steps = steps(above);
                format!("(CAST({document} AS jsonb){steps} ->> '{last}')")
            }
        }
    }

    /// Whether there is anything under a path of names in a JSON column.
    pub(super) fn has(self, document: &str, path: &[&str]) -> String {
        match self.0 {
            Engine::Sqlite => format!("(json_type({document}, '{}') IS NOT NULL)", json_path(path)),
            Engine::Postgres => {
                let steps = steps(path);
                format!("((CAST({document} AS jsonb){steps}) IS NOT NULL)")
            }
        }
    }

    /// The values of a list in a JSON column, as rows named `alias` that [`Text::part`] reads.
    pub(super) fn values(self, document: &str, name: &str, alias: &str) -> String {
        match self.0 {
            Engine::Sqlite => format!("json_each({document}, '{}') AS {alias}", json_path(&[name])),
            // In lax mode what is no list counts as a list of one, so that nothing stored can make this fail.
            Engine::Postgres => format!(
                "jsonb_path_query(CAST({document} AS jsonb), 'lax $.\"{name}\"[*]') \
                 WITH ORDINALITY AS {alias}(value, key)"
            ),
        }
    }

    /// A sub-attribute of a row of [`Text::values`], as text.
    pub(super) fn part(self, alias: &str, name: &str) -> String {
        match self.0 {
            Engine::Sqlite => format!(
                "(CASE {alias}.type WHEN 'object' THEN {alias}.value ->> '{}' END)",
                json_path(&[name])
            ),
            Engine::Postgres => format!("({alias}.value ->> '{name}')"),
        }
    }

    /// Whether a boolean sub-attribute of a row of [`Text::values`] has this value.
    pub(super) fn part_is(self, alias: &str, name: &str, wanted: bool) -> String {
        match self.0 {
            // `->>` gives JSON booleans as 0 and 1.
            Engine::Sqlite => format!("({} = {})", self.part(alias, name), i32::from(wanted)),
            Engine::Postgres => format!("({} = '{wanted}')", self.part(alias, name)),
        }
    }

    /// The names of a JSON column's members, as rows whose name is the expression given back second.
    pub(super) fn names(self, document: &str) -> (String, &'static str) {
        match self.0 {
            Engine::Sqlite => (format!("json_each({document}) AS k"), "k.key"),
            Engine::Postgres => (
                format!("jsonb_object_keys(CAST({document} AS jsonb)) AS k(key)"),
                "k.key",
            ),
        }
    }

    /// A text expression in the order of its code points.
    pub(super) fn ordered(self, expression: &str) -> String {
        match self.0 {
            Engine::Sqlite => expression.to_owned(),
            Engine::Postgres => format!("{expression} COLLATE \"C\""),
        }
    }

    /// A comparison of texts. `wanted` is a placeholder. LIKE is not used: its metacharacters and its case rule differ.
    pub(super) fn compare(self, expression: &str, op: CompareOp, wanted: &str) -> String {
        let sqlite = self.0 == Engine::Sqlite;
        match op {
            CompareOp::Equal | CompareOp::NotEqual => format!("({expression} = {wanted})"),
            CompareOp::Greater => format!("({} > {wanted})", self.ordered(expression)),
            CompareOp::GreaterOrEqual => format!("({} >= {wanted})", self.ordered(expression)),
            CompareOp::Less => format!("({} < {wanted})", self.ordered(expression)),
            CompareOp::LessOrEqual => format!("({} <= {wanted})", self.ordered(expression)),
            CompareOp::Contains if sqlite => format!("(instr({expression}, {wanted}) > 0)"),
            CompareOp::Contains => format!("(strpos({expression}, {wanted}) > 0)"),
            CompareOp::StartsWith if sqlite => {
                format!("(substr({expression}, 1, length({wanted})) = {wanted})")
            }
            CompareOp::StartsWith => format!("(left({expression}, length({wanted})) = {wanted})"),
            // substr from minus nothing would be the whole text.
            CompareOp::EndsWith if sqlite => format!(
                "(length({expression}) >= length({wanted}) AND \
                 substr({expression}, length({expression}) - length({wanted}) + 1) = {wanted})"
            ),
            CompareOp::EndsWith => format!("(right({expression}, length({wanted})) = {wanted})"),
        }
    }
}

/// SQLite's path to a member: `$."a"."b"`.
fn json_path(names: &[&str]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("\"{name}\"")).collect();
    format!("$.{}", quoted.join("."))
}

/// PostgreSQL's: ` -> 'a' -> 'b'`.
fn steps(names: &[&str]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!(" -> '{name}'")).collect();
    quoted.concat()
}
