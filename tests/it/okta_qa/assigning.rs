//! Assigning people.

use rosterd::sim::org::Profile;
use serde_json::{Value, json};

use super::settled;
use crate::support::stores::on_each_store;
use crate::support::tenant::{DIALECTS, Tenant};

on_each_store! {
    async fn c9290_an_assignment_creates_the_user(store) {
        let okta = Tenant::new(store).await;
        for dialect in DIALECTS {
            okta.speak(dialect);
            let login = okta.login("Mira");
            let mira = {
                let mut org = okta.sim.org();
                let mira = org.create_user(Profile::new(&login, "Mira", "Okafor"), true).unwrap();
                org.assign_user(mira).unwrap();
                mira
            };
            assert_eq!(okta.daemon.look_up(&login).await, [] as [Value; 0]);
            assert_eq!(okta.settle_lines().await, ["GET /Users", "POST /Users"]);
            let found = okta.daemon.look_up(&login).await;
            assert_eq!(found.len(), 1);
            let user = &found[0];
            assert_eq!(user["id"], okta.scim_id(mira).as_str());
            assert_eq!((&user["userName"], &user["active"], &user["externalId"]), (&json!(login), &json!(true), &json!(mira)));
            assert_eq!(user["name"], json!({"givenName": "Mira", "familyName": "Okafor"}));
            assert_eq!(user["emails"], json!([{"primary": true, "value": login, "type": "work"}]));
            let audit = okta.daemon.audit(&okta.scim_id(mira)).await;
            assert_eq!((audit.len(), audit[0].0.as_str()), (1, "user.created"), "{audit:?}");

            // By a group that is assigned it is the same.
            let (group, noor) = {
                let mut org = okta.sim.org();
                let group = org.create_group(&format!("Users {dialect:?}"), "");
                let noor = org.create_user(okta.profile("noor"), true).unwrap();
                org.add_member(group, noor).unwrap();
                (group, noor)
            };
            assert_eq!(okta.settle().await, []);
            okta.sim.org().assign_group(group).unwrap();
            assert_eq!(okta.settle_lines().await, ["GET /Users", "POST /Users"]);
            assert_eq!(okta.read(&okta.scim_id(noor)).await["active"], true);
            settled(&okta).await;
        }
    }

    async fn c9335_a_user_who_is_there_already_is_linked_and_updated_not_doubled(store) {
        let okta = Tenant::new(store).await;
        for dialect in DIALECTS {
            okta.speak(dialect);
            for (first, active) in [("here", true), ("gone", false)] {
                // Somebody another SCIM client made, whose name is written another way.
                let login = okta.login(first);
                let body = json!({
                    "userName": login.to_uppercase(), "name": {"givenName": "Old", "familyName": "Name"},
                    "nickName": "kept", "active": active,
                });
                let there = okta.daemon.scim("POST", "/Users", Some(&body)).await;
                assert_eq!(there.status, 201, "{}", there.text);
                let id = there.json()["id"].as_str().unwrap().to_owned();
                let total = okta.daemon.get("/Users?count=0").await["totalResults"].clone();

                let user = {
                    let mut org = okta.sim.org();
                    let profile = Profile::new(&login, first, "Okafor").with("nickName", "kept");
                    let user = org.create_user(profile, true).unwrap();
                    org.assign_user(user).unwrap();
                    user
                };
                let lines = okta.settle_lines().await;
                assert!(!lines.iter().any(|line| line.starts_with("POST")), "{lines:?}");
                assert_eq!(okta.scim_id(user), id);
                let linked = okta.read(&id).await;
                assert_eq!((&linked["userName"], &linked["active"], &linked["externalId"]), (&json!(login), &json!(true), &json!(user)));
                assert_eq!((&linked["name"]["givenName"], &linked["nickName"]), (&json!(first), &json!("kept")));
                assert_eq!(okta.daemon.get("/Users?count=0").await["totalResults"], total);
                assert_eq!(okta.daemon.look_up(&login).await.len(), 1);
            }
            settled(&okta).await;
        }
    }

    async fn c9334_every_attribute_of_the_default_mappings_is_taken(store) {
        let okta = Tenant::new(store).await;
        for dialect in DIALECTS {
            okta.speak(dialect);
            let login = okta.login("Björk");
            let profile = [
                ("email", "mail@elsewhere.test"), ("middleName", "Q."), ("honorificPrefix", "Dr."), ("honorificSuffix", "III"),
                ("nickName", "Bö"), ("profileUrl", "https://example.test/b"), ("title", "Lead \"Ops\" \\ Ümlaut 🦀"),
                ("userType", "Employee"), ("preferredLanguage", "is"), ("locale", "is_IS"), ("timezone", "Atlantic/Reykjavik"),
                ("primaryPhone", "+354 555 0100"), ("streetAddress", "1 Main\nStreet"), ("city", "Reykjavík"), ("state", "RVK"),
                ("zipCode", "101"), ("countryCode", "IS"), ("postalAddress", "1 Main Street, 101 Reykjavík"),
                ("employeeNumber", "007"), ("costCenter", "C-1"), ("organization", "Org"), ("division", "North"),
                ("department", "Data"), ("managerId", "00uBoss"), ("manager", "The Boss"),
            ];
            let profile = profile.iter().fold(Profile::new(&login, "Björk", "Okafor"), |profile, (name, value)| profile.with(name, value));
            let user = okta.hire_as(profile).await;
            let mut shown = okta.read(&okta.scim_id(user)).await;
            let enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
            assert_eq!(shown["schemas"], json!(["urn:ietf:params:scim:schemas:core:2.0:User", enterprise]));
            for other in ["schemas", "id", "meta"] {
                shown.as_object_mut().unwrap().remove(other);
            }
            assert_eq!(shown, json!({
                "userName": login, "externalId": user, "active": true, "displayName": "Björk Okafor",
                "name": {"givenName": "Björk", "familyName": "Okafor", "middleName": "Q.", "honorificPrefix": "Dr.", "honorificSuffix": "III"},
                "nickName": "Bö", "profileUrl": "https://example.test/b", "title": "Lead \"Ops\" \\ Ümlaut 🦀",
                "userType": "Employee", "preferredLanguage": "is", "locale": "is_IS", "timezone": "Atlantic/Reykjavik",
                "emails": [{"primary": true, "value": "mail@elsewhere.test", "type": "work"}],
                "phoneNumbers": [{"primary": true, "value": "+354 555 0100", "type": "work"}],
                "addresses": [{
                    "primary": true, "type": "work", "streetAddress": "1 Main\nStreet", "locality": "Reykjavík", "region": "RVK",
                    "postalCode": "101", "country": "IS", "formatted": "1 Main Street, 101 Reykjavík",
                }],
                enterprise: {
                    "employeeNumber": "007", "costCenter": "C-1", "organization": "Org", "division": "North", "department": "Data",
                    "manager": {"value": "00uBoss", "displayName": "The Boss"},
                },
            }));
            settled(&okta).await;
        }
    }
}
