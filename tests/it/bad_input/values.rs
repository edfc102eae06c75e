//! Well-formed JSON that makes no sense: wrong types, values too long, operations that cannot be meant.

use serde_json::{Value, json};

use super::Scene;
use crate::support::stores::on_each_store;

const VALUE: (u16, &str) = (400, "invalidValue");
const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

on_each_store! {
    async fn a_user_of_wrong_types_or_too_long_values_is_400(store) {
        let scene = Scene::new(store).await;
        let long = "x".repeat(513);
        let many: Vec<Value> = (0..1_001).map(|number| json!({"value": format!("{number}@x")})).collect();
        let mut bodies = vec![
            json!({}), json!({"userName": null}), json!({"userName": ""}), json!({"userName": " \u{3000}"}),
            json!({"userName": 1}), json!({"userName": ["n"]}), json!({"userName": {"value": "n"}}),
            json!({"userName": long}), json!({"userName": "n".repeat(1_000_000)}),
        ];
        for (name, value) in [
            ("active", json!("maybe")), ("active", json!(1)), ("active", json!([true])),
            ("name", json!("Mira")), ("name", json!(["Mira"])), ("name", json!({"givenName": 5})),
            ("name", json!({"familyName": long})),
            ("displayName", json!(5)), ("displayName", json!(long)),
            ("title", json!({"a": 1})), ("externalId", json!(5)), ("externalId", json!(long)),
            ("password", json!(5)), ("password", json!(["p"])),
            ("emails", json!(5)), ("emails", json!([5])), ("emails", json!([[["a@x"]]])), ("emails", json!([{"value": 5}])),
            ("emails", json!([{"value": "a@x", "primary": "perhaps"}])), ("emails", json!([{"value": long}])),
            ("emails", json!(many)),
            ("addresses", json!([{"country": ["DE"]}])), ("x509Certificates", json!([{"value": true}])),
            ("schemas", json!("x")), ("schemas", json!([5])),
            ("schemas", json!(["urn:ietf:params:scim:schemas:core:2.0:Group"])),
            (ENTERPRISE, json!({"employeeNumber": 5})), (ENTERPRISE, json!({"manager": 5})),
            (ENTERPRISE, json!({"manager": {"value": []}, "department": {"a": "b"}})),
        ] {
            bodies.push(json!({"userName": "n", (name): value}));
        }
        for body in &bodies {
            scene.refused("POST", "/Users", body.to_string(), VALUE).await;
            scene.refused("PUT", &scene.user(), body.to_string(), VALUE).await;
        }
        scene.unharmed().await;
    }

    async fn a_group_of_wrong_types_or_too_long_values_is_400(store) {
        let scene = Scene::new(store).await;
        let long = "x".repeat(513);
        let mut bodies = vec![
            json!({}), json!({"displayName": null}), json!({"displayName": " "}), json!({"displayName": 5}),
            json!({"displayName": ["n"]}), json!({"displayName": long}),
        ];
        for (name, value) in [
            ("members", json!(5)), ("members", json!([5])), ("members", json!([true])), ("members", json!([[]])),
            ("members", json!({"value": 5})), ("members", json!([{"value": ""}])), ("members", json!([{"display": "a"}])),
            ("members", json!([{"value": scene.user}, {}])), ("externalId", json!(5)), ("externalId", json!(long)),
            ("schemas", json!({"a": 1})), ("schemas", json!(["urn:ietf:params:scim:schemas:core:2.0:User"])),
        ] {
            bodies.push(json!({"displayName": "n", (name): value}));
        }
        for body in &bodies {
            scene.refused("POST", "/Groups", body.to_string(), VALUE).await;
            scene.refused("PUT", &scene.group(), body.to_string(), VALUE).await;
        }
        scene.unharmed().await;
    }

    async fn a_patch_that_cannot_be_meant_is_400_and_none_of_its_operations_is_done(store) {
        let scene = Scene::new(store).await;
        let (deep, wide) = (format!("emails[{}", "(".repeat(1_000_000)), "value pr or ".repeat(10_001));
        // Each comes behind an operation that is good.
        let good = json!({"op": "replace", "path": "title", "value": "Chief"});
        for (kind, operation) in [
            ("invalidSyntax", json!(5)), ("invalidSyntax", json!([])), ("invalidSyntax", json!({})),
            ("invalidSyntax", json!({"op": 5, "path": "title", "value": "x"})),
            ("invalidSyntax", json!({"op": "move", "path": "title", "value": "x"})),
            ("invalidPath", json!({"op": "add", "path": 5, "value": "x"})),
            ("invalidPath", json!({"op": "add", "path": ["title"], "value": "x"})),
            ("invalidPath", json!({"op": "add", "path": "a b", "value": "x"})),
            ("invalidPath", json!({"op": "add", "path": "emails[", "value": "x"})),
            ("invalidPath", json!({"op": "add", "path": "emails]type eq \"work\"[", "value": "x"})),
            ("invalidPath", json!({"op": "add", "path": "t".repeat(1_100_000), "value": "x"})),
            ("invalidPath", json!({"op": "add", "path": "title[value eq \"x\"]", "value": "x"})),
            ("invalidFilter", json!({"op": "add", "path": "emails[type is \"work\"]", "value": "x"})),
            ("invalidFilter", json!({"op": "add", "path": "emails[color eq \"red\"].value", "value": "x"})),
            ("invalidFilter", json!({"op": "remove", "path": format!("{deep}]")})),
            ("invalidFilter", json!({"op": "remove", "path": format!("emails[{wide}value pr]")})),
            ("invalidValue", json!({"op": "add", "path": "title"})),
            ("invalidValue", json!({"op": "replace", "value": "x"})),
            ("invalidValue", json!({"op": "replace", "path": "title", "value": 5})),
            ("invalidValue", json!({"op": "replace", "path": "active", "value": "perhaps"})),
            ("invalidValue", json!({"op": "replace", "path": "userName", "value": ""})),
            ("invalidValue", json!({"op": "add", "path": "emails", "value": [{"value": 5}]})),
            ("invalidValue", json!({"op": "replace", "path": ENTERPRISE, "value": 5})),
            ("noTarget", json!({"op": "remove"})),
            ("noTarget", json!({"op": "replace", "path": "emails[type eq \"home\"].value", "value": "h@x"})),
            ("mutability", json!({"op": "remove", "path": "userName"})),
            ("mutability", json!({"op": "replace", "path": "id", "value": "1"})),
            ("mutability", json!({"op": "replace", "value": {"id": scene.group}})),
            ("mutability", json!({"op": "replace", "path": "meta.created", "value": "2001-01-01T00:00:00Z"})),
        ] {
            let body = json!({"Operations": [good, operation]}).to_string();
            scene.refused("PATCH", &scene.user(), body, (400, kind)).await;
        }
        for body in [json!({}), json!({"Operations": null}), json!({"Operations": "x"}), json!({"Operations": []}), json!({"Operations": good})] {
            for path in [scene.user(), scene.group()] {
                scene.refused("PATCH", &path, body.to_string(), (400, "invalidSyntax")).await;
            }
        }
        let emptied = json!({"op": "remove", "path": "members"});
        for (kind, operation) in [
            ("invalidValue", json!({"op": "add", "path": "members"})),
            ("invalidValue", json!({"op": "add", "path": "members", "value": [5]})),
            ("invalidValue", json!({"op": "replace", "path": "members", "value": null})),
            ("invalidValue", json!({"op": "replace", "path": "displayName", "value": ""})),
            ("mutability", json!({"op": "replace", "path": "members.value", "value": "x"})),
            ("mutability", json!({"op": "replace", "path": format!("members[value eq \"{}\"]", scene.user), "value": {}})),
            ("mutability", json!({"op": "remove", "path": "displayName"})),
            ("mutability", json!({"op": "replace", "value": {"id": scene.user}})),
            ("invalidFilter", json!({"op": "remove", "path": "members[email eq \"x\"]"})),
            ("invalidFilter", json!({"op": "remove", "path": format!("members[{wide}value pr]")})),
            ("noTarget", json!({"op": "remove"})),
        ] {
            let body = json!({"Operations": [emptied, operation]}).to_string();
            scene.refused("PATCH", &scene.group(), body, (400, kind)).await;
        }
        scene.unharmed().await;
    }

    async fn each_wrong_operation_of_a_bulk_request_has_an_error_of_its_own(store) {
        let scene = Scene::new(store).await;
        let lines = [
            (json!(5), "400"), (json!({}), "405"), (json!({"method": "GET", "path": scene.user()}), "405"),
            (json!({"method": 5, "path": scene.user()}), "405"),
            (json!({"method": "DELETE"}), "400"), (json!({"method": "DELETE", "path": 5}), "400"),
            (json!({"method": "DELETE", "path": "/Users"}), "405"), (json!({"method": "DELETE", "path": "/Teams/1"}), "404"),
            (json!({"method": "DELETE", "path": "/Users/1/2"}), "404"), (json!({"method": "DELETE", "path": "/Users/none"}), "404"),
            (json!({"method": "DELETE", "path": scene.user(), "version": "W/\"99\""}), "412"),
            (json!({"method": "PUT", "path": scene.user()}), "400"), (json!({"method": "PUT", "path": scene.user(), "data": []}), "400"),
            (json!({"method": "PUT", "path": scene.user(), "data": {"userName": 5}}), "400"),
            (json!({"method": "PATCH", "path": scene.group(), "data": {"Operations": [{"op": "move"}]}}), "400"),
            (json!({"method": "POST", "path": "/Users", "data": {"userName": "n"}}), "400"),
            (json!({"method": "POST", "path": "/Users", "bulkId": "a", "data": {"userName": "MIRA@example.test"}}), "409"),
            (json!({"method": "POST", "path": "/Groups", "bulkId": "b", "data": {"displayName": "n", "members": [{"value": "bulkId:a"}]}}), "409"),
            (json!({"method": "POST", "path": "/Groups", "bulkId": "c", "data": {"displayName": "n", "members": [{"value": "bulkId:d"}]}}), "409"),
            (json!({"method": "POST", "path": "/Groups", "bulkId": "d", "data": {"displayName": "m", "members": [{"value": "bulkId:c"}]}}), "409"),
            (json!({"method": "POST", "path": "/Groups", "bulkId": "e", "data": {"displayName": "n", "members": [{"value": "bulkId:nobody"}]}}), "409"),
        ];
        let operations: Vec<&Value> = lines.iter().map(|(line, _)| line).collect();
        let body = json!({"Operations": operations});
        let answer = scene.daemon.scim("POST", "/Bulk", Some(&body)).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        let answers = answer.json()["Operations"].as_array().unwrap().clone();
        assert_eq!(answers.len(), lines.len());
        for ((line, expected), answer) in lines.iter().zip(&answers) {
            assert_eq!(answer["status"], *expected, "{line} {answer}");
            assert_eq!(answer["response"]["status"], *expected, "{answer}");
            assert_eq!(answer["response"]["schemas"][0], "urn:ietf:params:scim:api:messages:2.0:Error");
        }
        for errors in [json!(0), json!(-1), json!("1"), json!(1.5)] {
            let body = json!({"failOnErrors": errors, "Operations": [{"method": "DELETE", "path": scene.user()}]});
            scene.refused("POST", "/Bulk", body.to_string(), (400, "invalidSyntax")).await;
        }
        scene.unharmed().await;
    }
}
