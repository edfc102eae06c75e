//! How SCIM reads leave the store: a filter, an order and a page become one statement, whose rows are then loaded in
//! chunks.
//!
//! This folder and [`sql`](super::sql) are where SQL is put together. Its parts come from closed matches over the
//! schema; what a client sent is always bound.
//!
//! Lists are keyed by `seq`, the order of creation, so that what is created or changed meanwhile never makes a page skip
//! or repeat a row; by cursor a page begins behind a key, so that a deletion does not either.
//!
//! * [`place`]: where an attribute lives — a column, a row of another table, or the JSON text
//! * [`compile`]: a filter as a condition
//! * [`order`]: a sort key, and the condition "behind this key"
//! * [`text`]: what the engines say differently
//! * [`load`]: the rows themselves, and the members of a group

mod compile;
mod load;
mod order;
mod place;
#[cfg(test)]
mod plans;
mod text;

use sqlx::any::AnyRow;
use sqlx::{AssertSqlSafe, Row as _, SqlSafeStr as _};

pub use load::{
    FoundGroup, FoundUser, Groups, Member, WithMembers, find_group, find_group_with_members,
    find_user, find_user_by_user_name, list_groups, list_members, list_users,
};
pub use order::{Key, Sort, Sorted};

use self::text::Text;
use super::{Engine, StoreError, Tx};
use crate::scim::filter::Filter;
use crate::scim::schema::ResourceType;

/// Which resources, in which order, from where on, and how many.
#[derive(Debug, Clone)]
pub struct Query<'q> {
    /// Users or groups.
    pub resource: ResourceType,
    /// Only those that meet it; it has passed [`crate::scim::filter::check`].
    pub filter: Option<&'q Filter>,
    /// By what; none: by creation.
    pub sort: Option<&'q Sort>,
    /// Where the page begins.
    pub from: Start,
    /// At most so many.
    pub limit: i64,
    /// What the URLs of resources begin with, for filters on them: `https://…/scim/v2`.
    pub base: &'q str,
}

/// Where a page begins.
#[derive(Debug, Clone)]
pub enum Start {
    /// After so many rows (index paging).
    Offset(i64),
    /// Behind this key (cursor paging).
    Behind(Key),
}

/// Why a search gave nothing.
#[derive(Debug, thiserror::Error)]
pub enum SearchError {
    /// The attribute cannot be searched or sorted by.
    #[error("this attribute cannot be searched or sorted by")]
    Unsupported,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<sqlx::Error> for SearchError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(StoreError::from(error))
    }
}

/// How many resources meet the query, wherever its page begins.
pub async fn count(tx: &mut Tx, query: &Query<'_>) -> Result<i64, SearchError> {
    let mut statement = Statement::new(tx.engine());
    statement.sql.push_str("SELECT COUNT(*) FROM ");
    statement.visible(query)?;
    let rows = statement.fetch(tx).await?;
    Ok(rows.first().map_or(Ok(0), |row| row.try_get(0))?)
}

/// The keys of the page, in its order.
pub async fn keys(tx: &mut Tx, query: &Query<'_>) -> Result<Vec<Key>, SearchError> {
    let mut statement = Statement::new(tx.engine());
    let text = Text(tx.engine());
    let alias = place::alias(query.resource);
    let order = query
        .sort
        .map(|sort| order::Order::of(text, query.resource, sort))
        .transpose()?;
    statement.sql.push_str("SELECT ");
    statement.sql.push_str(alias);
    statement.sql.push_str(".seq");
    if let Some(order) = &order {
        statement.sql.push_str(", ");
        statement.sql.push_str(&order.expression);
    }
    statement.sql.push_str(" FROM ");
    statement.visible(query)?;
    if let Start::Behind(key) = &query.from {
        let behind = match &order {
            Some(order) => order.behind(text, key, &mut statement.binds),
            None => order::behind_seq(alias, key, &mut statement.binds),
        };
        statement.sql.push_str(" AND ");
        statement.sql.push_str(&behind);
    }
    statement.sql.push_str(" ORDER BY ");
    if let Some(order) = &order {
        statement.sql.push_str(&order.by(text));
        statement.sql.push_str(", ");
    }
    let limit = statement.binds.integer(query.limit);
    statement.sql.extend([alias, ".seq LIMIT ", limit.as_str()]);
    if let Start::Offset(skip) = query.from {
        let skip = statement.binds.integer(skip);
        statement.sql.extend([" OFFSET ", skip.as_str()]);
    }
    let rows = statement.fetch(tx).await?;
    rows.iter()
        .map(|row| order::Key::read(row, order.as_ref()))
        .collect()
}

/// A statement put together, and what is bound to it.
struct Statement {
    engine: Engine,
    sql: String,
    binds: Binds,
}

impl Statement {
    fn new(engine: Engine) -> Self {
        Self {
            engine,
            sql: String::new(),
            binds: Binds::default(),
        }
    }

    /// The table, what SCIM can see of it (R12), and the filter.
    fn visible(&mut self, query: &Query<'_>) -> Result<(), SearchError> {
        self.sql.push_str(match query.resource {
            ResourceType::User => "users u WHERE u.scim = 1 AND u.deleting = 0",
            ResourceType::Group => "idp_groups g WHERE g.scim = 1",
        });
        if let Some(filter) = query.filter {
            let condition = compile::Compiler {
                text: Text(self.engine),
                resource: query.resource,
                base: query.base,
                binds: &mut self.binds,
            }
            .filter(filter)?;
            self.sql.push_str(" AND ");
            self.sql.push_str(&condition);
        }
        Ok(())
    }

    async fn fetch(self, tx: &mut Tx) -> Result<Vec<AnyRow>, SearchError> {
        let mut query = sqlx::query(AssertSqlSafe(self.sql).into_sql_str());
        for bind in self.binds.0 {
            query = match bind {
                Bind::Text(text) => query.bind(text),
                Bind::Integer(number) => query.bind(number),
            };
        }
        Ok(query.fetch_all(tx.conn()).await?)
    }
}

/// The values a statement is given.
#[derive(Default)]
struct Binds(Vec<Bind>);

enum Bind {
    Text(String),
    Integer(i64),
}

impl Binds {
    /// Binds a text; its placeholder.
    fn text(&mut self, text: impl Into<String>) -> String {
        self.0.push(Bind::Text(text.into()));
        format!("${}", self.0.len())
    }

    /// Binds a number; its placeholder.
    fn integer(&mut self, number: i64) -> String {
        self.0.push(Bind::Integer(number));
        format!("${}", self.0.len())
    }
}
