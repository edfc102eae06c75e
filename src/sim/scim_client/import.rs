//! The connection test and the import.

use serde_json::Value;

use super::ScimClient;
use super::wire::{Failure, Session};

/// What an import read.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Imported {
    /// Active users; inactive ones are left out after reading.
    pub users: Vec<Value>,
    /// Groups, if group import is on.
    pub groups: Vec<Value>,
}

const PAGE: u64 = 100;

impl ScimClient {
    /// "Test Connector Configuration".
    ///
    /// # Errors
    /// The text the admin is shown.
    pub async fn test_connection(&self) -> Result<(), String> {
        let mut session = self.session(false);
        let mut tests = vec!["/Users?startIndex=1&count=2"];
        if self.habits().imports_groups {
            tests.push("/Groups?startIndex=1&count=100");
        }
        for path in tests {
            let list = self.shown(session.get(path).await)?;
            let counted = ["totalResults", "startIndex", "itemsPerPage"]
                .iter()
                .all(|name| list.get(*name).is_some_and(Value::is_u64));
            if !counted {
                return self.shown(Err(Failure::unusable(
                    200,
                    "The remote server did not return a ListResponse",
                )));
            }
        }
        Ok(())
    }

    /// A full read, in steps of 100 until `totalResults` is covered: a server that caps pages below 100 loses rows.
    ///
    /// # Errors
    /// The text the admin is shown.
    pub async fn import(&self) -> Result<Imported, String> {
        let mut session = self.session(false);
        let users = self.read_all(&mut session, "/Users").await;
        let users = self.shown(users)?;
        let groups = if self.habits().imports_groups {
            let groups = self.read_all(&mut session, "/Groups").await;
            self.shown(groups)?
        } else {
            Vec::new()
        };
        if self.habits().imports_groups {
            let named = |group: &Value| {
                let text = |name: &str| group.get(name)?.as_str().map(str::to_owned);
                Some((text("id")?, text("displayName")?))
            };
            let found: Vec<(String, String)> = groups.iter().filter_map(named).collect();
            self.org().note_imported_groups(&found);
        }
        let is_active = |user: &Value| user.get("active") != Some(&Value::Bool(false));
        Ok(Imported {
            users: users.into_iter().filter(is_active).collect(),
            groups,
        })
    }

    async fn read_all(
        &self,
        session: &mut Session<'_>,
        endpoint: &str,
    ) -> Result<Vec<Value>, Failure> {
        let mut all = Vec::new();
        let mut start = 1;
        loop {
            let list = session
                .get(&format!("{endpoint}?startIndex={start}&count={PAGE}"))
                .await?;
            let total = list.get("totalResults").and_then(Value::as_u64);
            let total = total.ok_or_else(|| {
                Failure::unusable(200, "The remote server did not return a ListResponse")
            })?;
            if let Some(Value::Array(page)) = list.get("Resources") {
                all.extend(page.iter().cloned());
            }
            start += PAGE;
            if start > total {
                return Ok(all);
            }
        }
    }

    fn shown<T>(&self, result: Result<T, Failure>) -> Result<T, String> {
        result.map_err(|failure| {
            let shown = failure.shown();
            self.note_error(&shown);
            shown
        })
    }
}
