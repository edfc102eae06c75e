//! Attributes that change.

use rosterd::sim::org::OktaId;
use rosterd::sim::scim_client::{Cleared, Dialect, ScimHabits};
use serde_json::{Map, Value, json};

use super::settled;
use crate::support::stores::on_each_store;
use crate::support::tenant::{DIALECTS, Tenant};

const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

fn map(value: &Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

impl Tenant {
    async fn change(&self, user: OktaId, changes: Value) -> Value {
        self.sim.org().update_profile(user, &map(&changes)).unwrap();
        assert_ne!(self.settle().await, [], "something is pushed");
        self.read(&self.scim_id(user)).await
    }
}

on_each_store! {
    async fn c9291_a_changed_user_is_updated(store) {
        let okta = Tenant::new(store).await;
        for dialect in DIALECTS {
            okta.speak(dialect);
            let user = okta.hire_as(okta.profile("mira").with("title", "Analyst")).await;
            let id = okta.scim_id(user);
            let (login, before) = (okta.login("mira.li"), okta.read(&id).await);
            let shown = okta.change(user, json!({
                "firstName": "Myra", "lastName": "Okafor-Li", "title": "Lead", "department": "Data", "displayName": "Myra O.",
            })).await;
            assert_eq!((&shown["name"]["givenName"], &shown["name"]["familyName"]), (&json!("Myra"), &json!("Okafor-Li")));
            assert_eq!((&shown["title"], &shown["displayName"]), (&json!("Lead"), &json!("Myra O.")));
            assert_eq!(shown[ENTERPRISE]["department"], "Data");
            assert_eq!((&shown["id"], &shown["userName"], &shown["meta"]["created"]), (&json!(id), &before["userName"], &before["meta"]["created"]));
            assert_ne!(shown["meta"]["version"], before["meta"]["version"]);
            // A new userName is an update like any other.
            let renamed = okta.change(user, json!({"login": login, "email": login})).await;
            assert_eq!((&renamed["id"], &renamed["userName"], &renamed["emails"][0]["value"]), (&json!(id), &json!(login), &json!(login)));
            assert_eq!(okta.daemon.look_up(before["userName"].as_str().unwrap()).await, [] as [Value; 0]);
            let audit = okta.daemon.audit(&id).await;
            let updates: Vec<_> = audit.iter().filter(|(action, ..)| action == "user.updated").collect();
            assert_eq!(updates.len(), 2, "{audit:?}");
            assert_eq!((&updates[0].1["title"], &updates[0].2["title"]), (&json!("Analyst"), &json!("Lead")));
            settled(&okta).await;
        }
    }

    async fn c9309_an_attribute_that_an_assigned_group_gives_is_updated(store) {
        let okta = Tenant::new(store).await;
        for dialect in DIALECTS {
            okta.speak(dialect);
            let (group, people) = {
                let mut org = okta.sim.org();
                let group = org.create_group(&format!("Contractors {dialect:?}"), "");
                let people = ["one", "two"].map(|first| org.create_user(okta.profile(first), true).unwrap());
                for user in people {
                    org.add_member(group, user).unwrap();
                }
                (group, people)
            };
            let path = format!("/api/v1/apps/{}/groups/{group}", okta.sim.org().app().id);
            for (given, wanted) in [(json!("Contractor"), json!("Contractor")), (json!("Partner"), json!("Partner")), (Value::Null, Value::Null)] {
                let body = json!({"profile": {"userType": given}});
                assert_eq!(okta.okta("PUT", &path, Some(&body)).await.status, 200);
                assert_ne!(okta.settle().await, []);
                for user in people {
                    let shown = okta.read(&okta.scim_id(user)).await;
                    assert_eq!((&shown["userType"], &shown["active"]), (&wanted, &json!(true)));
                }
            }
            settled(&okta).await;
        }
    }

    async fn c9310_an_attribute_of_the_app_profile_is_updated(store) {
        let okta = Tenant::new(store).await;
        for dialect in DIALECTS {
            okta.speak(dialect);
            let user = okta.hire(&okta.login("mira")).await;
            let id = okta.scim_id(user);
            let path = format!("/api/v1/apps/{}/users/{user}", okta.sim.org().app().id);
            for nick in [json!("M"), json!("Mimi"), Value::Null] {
                let body = json!({"profile": {"nickName": nick}});
                assert_eq!(okta.okta("POST", &path, Some(&body)).await.status, 200);
                assert_ne!(okta.settle().await, []);
                let shown = okta.read(&id).await;
                assert_eq!((&shown["nickName"], &shown["active"]), (&nick, &json!(true)));
            }
            settled(&okta).await;
        }
    }

    async fn c9337_emptied_attributes_are_no_error(store) {
        let okta = Tenant::new(store).await;
        for dialect in DIALECTS {
            okta.speak(dialect);
            for cleared in [Cleared::Omitted, Cleared::Null, Cleared::Empty] {
                okta.engine.set_habits(ScimHabits { cleared, ..okta.engine.habits() });
                let profile = [
                    ("title", "Lead"), ("nickName", "M"), ("middleName", "Q."), ("primaryPhone", "+1 555 0100"), ("city", "Bergen"),
                    ("department", "Data"), ("costCenter", "C-1"), ("manager", "The Boss"),
                ];
                let user = profile.iter().fold(okta.profile(&format!("mira{cleared:?}")), |profile, (name, value)| profile.with(name, value));
                let user = okta.hire_as(user).await;
                let before = okta.read(&okta.scim_id(user)).await;
                let some = okta.change(user, json!({"title": null, "department": "", "middleName": null})).await;
                assert_eq!((some.get("title"), some["name"].get("middleName"), some[ENTERPRISE].get("department")), (None, None, None), "{some}");
                assert_eq!((&some["nickName"], &some[ENTERPRISE]["costCenter"]), (&json!("M"), &json!("C-1")));
                let rest = json!({"nickName": "", "displayName": null, "primaryPhone": null, "city": null, "costCenter": null, "manager": null});
                let none = okta.change(user, rest).await;
                if dialect == Dialect::Wizard {
                    let put = okta.engine.exchanges().pop().and_then(|put| put.body).unwrap();
                    for list in ["phoneNumbers", "addresses"] {
                        let said = [(Cleared::Omitted, None), (Cleared::Null, Some(&Value::Null)), (Cleared::Empty, Some(&json!([])))]
                            .contains(&(cleared, put.get(list)));
                        assert!(said, "{cleared:?}: {put}");
                    }
                }
                for name in ["nickName", "displayName", "phoneNumbers", "addresses", ENTERPRISE] {
                    assert_eq!(none.get(name), None, "{cleared:?} {dialect:?}: {none}");
                }
                assert_eq!((&none["userName"], &none["emails"], &none["active"]), (&before["userName"], &before["emails"], &json!(true)));
            }
            settled(&okta).await;
        }
    }
}
