//! Pages by index and by cursor, sorted or not.

use rosterd::scim::{ResourceType, ScimType};
use rosterd::service::Error;
use serde_json::Value;

use super::world::{build, ids, list};
use crate::support::stores::on_each_store;

async fn by_cursor(service: &rosterd::service::Service, sort: &[(&str, &str)]) -> Vec<String> {
    let (mut found, mut cursor) = (Vec::new(), String::new());
    loop {
        let mut pairs = sort.to_vec();
        pairs.extend([("count", "3"), ("cursor", cursor.as_str())]);
        let page = list(service, ResourceType::User, &pairs).await.unwrap();
        found.extend(ids(&page));
        match page.get("nextCursor") {
            Some(next) => cursor = next.as_str().unwrap().to_owned(),
            None => return found,
        }
    }
}

on_each_store! {
    async fn pages_by_index_and_by_cursor_cover_every_order_without_gap_or_repeat(store) {
        let service = build(&store, 23, 40).await;
        let all = ids(&list(&service, ResourceType::User, &[("count", "1000")]).await.unwrap());
        for sort in [
            "userName", "displayName", "name.familyName", "title", "active", "meta.created", "meta.lastModified",
            "emails", "emails.value", "phoneNumbers.type", "externalId", "id",
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department",
        ] {
            for order in ["ascending", "descending"] {
                let sorted = [("sortBy", sort), ("sortOrder", order)];
                let mut whole = sorted.to_vec();
                whole.push(("count", "1000"));
                let whole = ids(&list(&service, ResourceType::User, &whole).await.unwrap());
                let mut same = whole.clone();
                same.sort();
                let mut every = all.clone();
                every.sort();
                assert_eq!(same, every, "{sort}");
                assert_eq!(by_cursor(&service, &sorted).await, whole, "{sort} {order}");
                let mut paged = Vec::new();
                for start in (1..=all.len()).step_by(7) {
                    let start = start.to_string();
                    let mut pairs = sorted.to_vec();
                    pairs.extend([("count", "7"), ("startIndex", start.as_str())]);
                    let page = list(&service, ResourceType::User, &pairs).await.unwrap();
                    assert_eq!(page["totalResults"], all.len());
                    paged.extend(ids(&page));
                }
                assert_eq!(paged, whole, "{sort} {order}");
            }
        }
        assert_eq!(by_cursor(&service, &[]).await, all);
    }

    async fn absent_values_come_last_ascending_and_first_descending(store) {
        let service = build(&store, 29, 30).await;
        for (order, absent_first) in [("ascending", false), ("descending", true)] {
            let pairs = [("sortBy", "title"), ("sortOrder", order), ("count", "100")];
            let page = list(&service, ResourceType::User, &pairs).await.unwrap();
            let absent: Vec<bool> = page["Resources"].as_array().unwrap().iter().map(|user| user.get("title").is_none()).collect();
            let mut expected = absent.clone();
            expected.sort_by_key(|absent| *absent != absent_first);
            assert_eq!(absent, expected, "{order}");
        }
    }

    async fn counts_are_numbers_and_the_page_is_as_long_as_asked(store) {
        let service = build(&store, 31, 20).await;
        let all = list(&service, ResourceType::User, &[]).await.unwrap();
        let total = ids(&all).len();
        for (count, start, items) in [("0", "1", 0), ("5", "1", 5), ("5", "1000", 0), ("-3", "0", 0), ("100", "-7", total)] {
            let page = list(&service, ResourceType::User, &[("count", count), ("startIndex", start)]).await.unwrap();
            assert_eq!(page["totalResults"], total, "{count} {start}");
            assert_eq!(page["itemsPerPage"], items, "{count} {start}");
            assert_eq!(ids(&page).len(), items);
            assert!(page["startIndex"].is_u64());
        }
    }

    async fn a_cursor_that_is_made_up_or_of_another_query_is_invalid(store) {
        let service = build(&store, 37, 20).await;
        let page = list(&service, ResourceType::User, &[("count", "3"), ("cursor", "")]).await.unwrap();
        let cursor = page["nextCursor"].as_str().unwrap();
        for pairs in [
            &[("cursor", "abc")][..],
            &[("cursor", cursor), ("filter", "userName pr")],
            &[("cursor", cursor), ("sortBy", "userName")],
        ] {
            match list(&service, ResourceType::User, pairs).await {
                Err(Error::Scim(error)) => assert_eq!(error.scim_type, Some(ScimType::InvalidCursor)),
                other => panic!("{other:?}"),
            }
        }
    }

    async fn what_is_not_asked_for_is_not_shown(store) {
        let service = build(&store, 41, 30).await;
        let groups = list(&service, ResourceType::Group, &[("excludedAttributes", "members")]).await.unwrap();
        let all = list(&service, ResourceType::Group, &[]).await.unwrap();
        for (without, with) in groups["Resources"].as_array().unwrap().iter().zip(all["Resources"].as_array().unwrap()) {
            assert_eq!(without.get("members"), None);
            assert!(with["members"].is_array());
        }
        let values = list(&service, ResourceType::Group, &[("attributes", "members.value")]).await.unwrap();
        for group in values["Resources"].as_array().unwrap() {
            assert_eq!(group.get("displayName"), None);
            for member in group["members"].as_array().unwrap() {
                assert_eq!(member.as_object().unwrap().keys().collect::<Vec<_>>(), ["value"]);
            }
        }
        let users = list(&service, ResourceType::User, &[("attributes", "userName")]).await.unwrap();
        assert!(users["Resources"].as_array().unwrap().iter().all(|user| user.get("groups").is_none() && user.get("userName") != Some(&Value::Null)));
    }
}
