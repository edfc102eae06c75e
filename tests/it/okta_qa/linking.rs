//! "Link Group": a group that is here already gets the members of one in Okta.

use rosterd::sim::org::OktaId;
use rosterd::sim::scim_client::ScimHabits;
use serde_json::{Value, json};

use super::{Stage, settled};
use crate::support::stores::on_each_store;
use crate::support::tenant::{DIALECTS, Pushed, Tenant};

impl Tenant {
    /// A group made here with these members, imported by Okta: its SCIM id and its picture there.
    async fn imported(&self, name: &str, members: &[OktaId]) -> (String, OktaId) {
        self.engine.set_habits(ScimHabits {
            imports_groups: true,
            ..self.engine.habits()
        });
        let members: Value = members
            .iter()
            .map(|user| json!({"value": self.scim_id(*user)}))
            .collect();
        let made = self
            .daemon
            .scim(
                "POST",
                "/Groups",
                Some(&json!({"displayName": name, "members": members})),
            )
            .await;
        assert_eq!(made.status, 201, "{}", made.text);
        let id = made.json()["id"].as_str().unwrap().to_owned();
        self.engine.import().await.unwrap();
        let picture = self.sim.org().imported_group(&id).unwrap();
        (id, picture)
    }
}

impl Stage {
    /// The stage's people, with a group made here that held the first of them and is linked to one in Okta that holds the
    /// second; it is mapped to a team.
    async fn linked(okta: &Tenant, rename: bool) -> (Self, String) {
        let stage = Self::set(okta).await;
        let dialect = okta.engine.habits().dialect;
        let name = format!("Made here {dialect:?}");
        let (id, picture) = okta.imported(&name, &stage.people[..1]).await;
        let team = format!("linked {dialect:?}");
        okta.daemon.map(&id, &team).await;
        let groups = okta.daemon.get("/Groups?count=0").await["totalResults"].clone();
        let (source, mapping) = {
            let mut org = okta.sim.org();
            let source = org.create_group(&format!("Okta's name {dialect:?}"), "");
            org.add_member(source, stage.people[1]).unwrap();
            (source, org.link_group(source, picture, rename).unwrap())
        };
        let lines = okta.settle_lines().await;
        assert!(
            !lines.iter().any(|line| line.starts_with("POST")),
            "{lines:?}"
        );
        assert_eq!(
            okta.daemon.get("/Groups?count=0").await["totalResults"],
            groups,
            "no second group"
        );
        let group = Pushed {
            source,
            mapping,
            id,
        };
        let stage = Self {
            group,
            name,
            team,
            ..stage
        };
        stage.holds(okta, &[0, 1]).await;
        (stage, format!("Okta's name {dialect:?}"))
    }

    async fn name(&self, okta: &Tenant) -> Value {
        okta.daemon.get(&format!("/Groups/{}", self.group.id)).await["displayName"].clone()
    }
}

on_each_store! {
    async fn c9315_a_linked_group_takes_oktas_name_and_keeps_its_members(store) {
        let okta = Tenant::new(store).await;
        for dialect in DIALECTS {
            okta.speak(dialect);
            let (stage, oktas) = Stage::linked(&okta, true).await;
            assert_eq!(stage.name(&okta).await, oktas.as_str());
            // Changes go on top of whom it had.
            okta.sim.org().assign_user(stage.people[2]).unwrap();
            okta.sim.org().add_member(stage.group.source, stage.people[2]).unwrap();
            okta.settle().await;
            stage.holds(&okta, &[0, 1, 2]).await;
            okta.sim.org().remove_member(stage.group.source, stage.people[1]).unwrap();
            okta.settle().await;
            stage.holds(&okta, &[0, 2]).await;
            let again = format!("Okta's second name {dialect:?}");
            okta.sim.org().rename_group(stage.group.source, &again).unwrap();
            okta.settle().await;
            assert_eq!(stage.name(&okta).await, again.as_str());
            // "Push Now" overwrites.
            okta.sim.org().push_now(stage.group.mapping).unwrap();
            okta.settle().await;
            stage.holds(&okta, &[2]).await;
            settled(&okta).await;
        }
    }

    async fn c9330_a_group_linked_without_renaming_keeps_name_and_members(store) {
        let okta = Tenant::new(store).await;
        for dialect in DIALECTS {
            okta.speak(dialect);
            let (stage, _) = Stage::linked(&okta, false).await;
            assert_eq!(stage.name(&okta).await, stage.name.as_str());
            okta.sim.org().rename_group(stage.group.source, &format!("Another name {dialect:?}")).unwrap();
            assert_eq!(okta.settle().await, []);
            okta.sim.org().assign_user(stage.people[2]).unwrap();
            okta.sim.org().add_member(stage.group.source, stage.people[2]).unwrap();
            okta.settle().await;
            stage.holds(&okta, &[0, 1, 2]).await;
            assert_eq!(stage.name(&okta).await, stage.name.as_str());
            okta.sim.org().push_now(stage.group.mapping).unwrap();
            okta.settle().await;
            stage.holds(&okta, &[1, 2]).await;
            assert_eq!(stage.name(&okta).await, stage.name.as_str());
            // The poll joins the sides by the mapping, whose target bears the copy's name.
            settled(&okta).await;
            stage.holds(&okta, &[1, 2]).await;
            let pair = okta.daemon.store.texts("SELECT scim_name || ' = ' || okta_name FROM idp_groups WHERE scim_name <> okta_name").await;
            assert!(pair.contains(&format!("{} = Another name {dialect:?}", stage.name)), "{pair:?}");
        }
    }
}
