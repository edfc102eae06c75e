#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::HashMap;

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::scim::ScimType;

const LIMITS: BulkLimits = BulkLimits {
    operations: 100,
    payload: 1 << 20,
};

fn request(operations: &Value) -> BulkRequest {
    parse(
        json!({"schemas": [crate::scim::BULK_REQUEST_URN], "Operations": operations})
            .to_string()
            .as_bytes(),
        LIMITS,
    )
    .unwrap()
}

fn order(request: &BulkRequest) -> Vec<(usize, bool)> {
    request
        .plan()
        .iter()
        .map(|step| (step.index, step.circular))
        .collect()
}

#[test]
fn the_example_of_the_rfc() {
    let request = request(&json!([
        {"method": "POST", "path": "/Groups", "bulkId": "ytrewq", "data": {"displayName": "Tour Guides",
            "members": [{"type": "User", "value": "bulkId:qwerty"}]}},
        {"method": "post", "path": "/Users", "bulkId": "qwerty", "data": {"userName": "Alice", "password": "hunter2"}},
        {"method": "PUT", "path": "/Users/b7c14771", "version": "W/\"3\"", "data": {"userName": "Bob"}},
        {"method": "PATCH", "path": "/Groups/bulkId:ytrewq", "data": {"Operations": []}},
        {"method": "DELETE", "path": "/Users/e9025315"},
    ]));
    assert!(
        request
            .operations
            .iter()
            .all(|operation| operation.call.is_ok())
    );
    assert!(!format!("{request:?}").contains("hunter2"));
    assert_eq!(
        order(&request),
        [(1, false), (0, false), (2, false), (3, false), (4, false)]
    );
    let ids = HashMap::from([
        ("qwerty".to_owned(), "u9".to_owned()),
        ("ytrewq".to_owned(), "g9".to_owned()),
    ]);
    let group = request.operations[0]
        .call
        .as_ref()
        .unwrap()
        .resolve(&ids)
        .unwrap();
    assert_eq!(group.data.unwrap()["members"][0]["value"], "u9");
    assert_eq!(
        request.operations[3]
            .call
            .as_ref()
            .unwrap()
            .resolve(&ids)
            .unwrap()
            .id
            .unwrap(),
        "g9"
    );
    assert_eq!(request.operations[2].version.as_deref(), Some("W/\"3\""));
}

#[test]
fn circular_references_are_a_conflict_and_others_go_on() {
    let user = |name: &str, manager: &str| {
        json!({"method": "POST", "path": "/Users", "bulkId": name,
        "data": {"userName": name, (crate::scim::ENTERPRISE_URN): {"manager": {"value": manager}}}})
    };
    let request = request(&json!([
        user("a", "bulkId:b"),
        user("b", "bulkId:a"),
        user("c", "x"),
        user("d", "bulkId:d"),
        user("e", "bulkId:a")
    ]));
    assert_eq!(
        order(&request),
        [(2, false), (0, true), (1, true), (3, true), (4, true)]
    );
    assert_eq!(Step::error().status, 409);
}

#[test]
fn a_reference_to_nothing_is_a_conflict() {
    let request = request(&json!([{"method": "DELETE", "path": "/Users/bulkId:nope"}]));
    assert_eq!(order(&request), [(0, false)]);
    assert_eq!(
        request.operations[0]
            .call
            .as_ref()
            .unwrap()
            .resolve(&HashMap::new())
            .unwrap_err()
            .status,
        409
    );
}

#[test]
fn a_wrong_operation_is_an_error_of_its_own() {
    for (operation, status) in [
        (json!("x"), 400),
        (json!({"method": "GET", "path": "/Users/1"}), 405),
        (json!({"method": 5, "path": "/Users/1"}), 405),
        (json!({"method": "DELETE"}), 400),
        (json!({"method": "DELETE", "path": "/Users"}), 405),
        (
            json!({"method": "POST", "path": "/Users/1", "bulkId": "a", "data": {}}),
            405,
        ),
        (json!({"method": "POST", "path": "/Users", "data": {}}), 400),
        (
            json!({"method": "POST", "path": "/Users", "bulkId": "a"}),
            400,
        ),
        (
            json!({"method": "PUT", "path": "/Users/1", "data": []}),
            400,
        ),
        (json!({"method": "DELETE", "path": "/Bulk/1"}), 404),
        (json!({"method": "DELETE", "path": "/Users/1/2"}), 404),
        (json!({"method": "DELETE", "path": "/Users/1?x=y"}), 404),
        (
            json!({"method": "DELETE", "path": "https://evil.example/Users/1"}),
            404,
        ),
    ] {
        let request = request(&json!([operation, {"method": "DELETE", "path": "Users/1"}]));
        assert_eq!(
            request.operations[0].call.as_ref().unwrap_err().status,
            status,
            "{operation}"
        );
        assert!(request.operations[1].call.is_ok());
    }
    let post = json!({"method": "POST", "path": "/Users", "bulkId": "a", "data": {}});
    let twice = request(&json!([post, post]));
    assert!(twice.operations[0].call.is_ok());
    assert_eq!(
        twice.operations[1].call.as_ref().unwrap_err().scim_type,
        Some(ScimType::InvalidValue)
    );
}

#[test]
fn limits_are_kept_and_what_is_no_bulk_request_is_refused() {
    let delete = json!({"method": "DELETE", "path": "/Users/1"});
    let of = |count: usize| json!({"Operations": vec![delete.clone(); count]}).to_string();
    assert_eq!(
        parse(of(100).as_bytes(), LIMITS).unwrap().operations.len(),
        100
    );
    assert_eq!(parse(of(101).as_bytes(), LIMITS).unwrap_err().status, 413);
    assert_eq!(
        parse(" ".repeat((1 << 20) + 1).as_bytes(), LIMITS)
            .unwrap_err()
            .status,
        413
    );
    for body in [
        "{}",
        "[]",
        r#"{"Operations":{}}"#,
        r#"{"Operations":[],"failOnErrors":"x"}"#,
        r#"{"Operations":[],"failOnErrors":0}"#,
    ] {
        assert_eq!(
            parse(body.as_bytes(), LIMITS).unwrap_err().scim_type,
            Some(ScimType::InvalidSyntax),
            "{body}"
        );
    }
    assert_eq!(
        parse(br#"{"operations":[],"failOnErrors":2}"#, LIMITS)
            .unwrap()
            .fail_on_errors,
        Some(2)
    );
}

#[test]
fn the_answer_of_an_operation() {
    let request =
        request(&json!([{"method": "POST", "path": "/Users", "bulkId": "q", "data": {}}]));
    let made = BulkResult {
        status: 201,
        location: Some("https://x/Users/1".into()),
        version: Some(4),
        response: None,
    };
    assert_eq!(
        made.to_json(&request.operations[0]),
        json!({"location": "https://x/Users/1", "method": "POST", "bulkId": "q", "version": "W/\"4\"", "status": "201"})
    );
    let failed =
        BulkResult::failed(&ScimError::uniqueness("Taken."), None).to_json(&request.operations[0]);
    assert_eq!(
        (&failed["status"], &failed["response"]["scimType"]),
        (&json!("409"), &json!("uniqueness"))
    );
    assert_eq!(failed.get("location"), None);
    assert_eq!(
        response(&[failed])["Operations"].as_array().unwrap().len(),
        1
    );
}

proptest! {
    #[test]
    fn every_operation_is_planned_once_and_after_what_it_refers_to(references in proptest::collection::vec(proptest::collection::vec(0..8usize, 0..3), 1..8)) {
        let operations: Vec<Value> = references.iter().enumerate().map(|(index, references)| {
            let members: Vec<Value> = references.iter().map(|reference| json!({"value": format!("bulkId:{reference}")})).collect();
            json!({"method": "POST", "path": "/Groups", "bulkId": index.to_string(), "data": {"members": members}})
        }).collect();
        let plan = request(&Value::Array(operations)).plan();
        let mut indexes: Vec<usize> = plan.iter().map(|step| step.index).collect();
        for (at, step) in plan.iter().enumerate().filter(|(_, step)| !step.circular) {
            for reference in references[step.index].iter().filter(|reference| **reference < references.len()) {
                prop_assert!(plan[..at].iter().any(|before| before.index == *reference && !before.circular));
            }
        }
        indexes.sort_unstable();
        prop_assert_eq!(indexes, (0..references.len()).collect::<Vec<_>>());
    }

    #[test]
    fn never_panics(body in ".*", path in ".*", method in "(POST|PUT|PATCH|DELETE|.*)") {
        let _ = parse(body.as_bytes(), LIMITS);
        let one = json!({"Operations": [{"method": method, "path": path, "bulkId": body, "data": {"a": path}}]});
        if let Ok(read) = parse(one.to_string().as_bytes(), LIMITS) {
            read.plan();
        }
    }
}
