//! SQLite's way to the rows of a search: by the index of what the filter names, never through everybody.

use std::sync::Arc;

use sqlx::Row as _;

use super::{Query, SearchError, Start, Statement};
use crate::model::random::SeededRandom;
use crate::model::time::SystemClock;
use crate::scim::filter;
use crate::scim::schema::ResourceType;
use crate::store::{Options, Store};

async fn plan(store: &Store, resource: ResourceType, text: &str) -> Result<String, SearchError> {
    let asked = filter::parse(text);
    let query = Query {
        resource,
        filter: asked.as_ref().ok(),
        sort: None,
        from: Start::Offset(0),
        limit: 101,
        base: "https://x/scim/v2",
    };
    let mut tx = store.read().await?;
    let mut statement = Statement::new(tx.engine());
    statement
        .sql
        .push_str("EXPLAIN QUERY PLAN SELECT seq FROM ");
    statement.visible(&query)?;
    statement.sql.push_str(" ORDER BY seq LIMIT 101");
    let rows = statement.fetch(&mut tx).await?;
    let steps: Result<Vec<String>, sqlx::Error> = rows.iter().map(|row| row.try_get(3)).collect();
    Ok(steps?.join("\n"))
}

#[tokio::test]
async fn a_filter_goes_by_the_index_of_its_attribute_and_a_list_by_its_order()
-> Result<(), SearchError> {
    let Ok(folder) = tempfile::tempdir() else {
        unreachable!("a folder for the test");
    };
    let options = Options {
        url: format!("sqlite://{}", folder.path().join("rosterd.db").display()),
        create: true,
        connections: 1,
        force_clock: false,
    };
    let random = Arc::new(SeededRandom::new(1));
    let store = Store::open(&options, Arc::new(SystemClock::default()), random).await?;
    for (resource, filter, index) in [
        (ResourceType::User, "", "users_seen"),
        (
            ResourceType::User,
            "externalId eq \"x\"",
            "users_external_id",
        ),
        (
            ResourceType::User,
            "displayName eq \"x\"",
            "users_display_name",
        ),
        (
            ResourceType::User,
            "name.familyName eq \"x\"",
            "users_family_name",
        ),
        (
            ResourceType::User,
            "name.givenName eq \"x\"",
            "users_given_name",
        ),
        (
            ResourceType::User,
            "emails.value eq \"x\"",
            "user_emails_value",
        ),
        (ResourceType::User, "groups.value eq \"x\"", "edges"),
        (ResourceType::Group, "", "idp_groups_seen"),
        (
            ResourceType::Group,
            "displayName eq \"x\"",
            "idp_groups_scim_name",
        ),
        (
            ResourceType::Group,
            "externalId eq \"x\"",
            "idp_groups_external_id",
        ),
        (
            ResourceType::Group,
            "members.value eq \"x\"",
            "edges_member",
        ),
    ] {
        let plan = plan(&store, resource, filter).await?;
        assert!(plan.contains(index), "{filter}: {plan}");
        let listed = plan.contains("_seen");
        assert_eq!(listed, filter.is_empty(), "{filter}: {plan}");
    }
    Ok(())
}
