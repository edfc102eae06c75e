//! "Push Groups by rule": groups that a rule finds are pushed by themselves.

use rosterd::sim::org::{OktaId, RuleField, RuleMatch};

use super::{Stage, settled};
use crate::support::stores::on_each_store;
use crate::support::tenant::{DIALECTS, Tenant};

impl Tenant {
    /// The SCIM ids of the groups a rule found, by their names in Okta.
    fn found(&self, rule: OktaId) -> Vec<(String, String)> {
        let org = self.sim.org();
        let mappings = org
            .mappings_of_rule(rule)
            .into_iter()
            .map(|id| org.mapping(id).unwrap());
        let mut found: Vec<(String, String)> = mappings
            .map(|mapping| {
                let name = org.group(mapping.source).unwrap().name().to_owned();
                (name, mapping.scim_id.clone().unwrap())
            })
            .collect();
        found.sort();
        found
    }

    /// How many groups SCIM has with this text in their names.
    async fn groups_with(&self, text: &str) -> u64 {
        let filter = format!("displayName co \"{text}\"");
        let filter =
            percent_encoding::utf8_percent_encode(&filter, percent_encoding::NON_ALPHANUMERIC);
        self.daemon
            .get(&format!("/Groups?filter={filter}&count=0"))
            .await["totalResults"]
            .as_u64()
            .unwrap()
    }

    /// A group in Okta with one member.
    fn group(&self, name: &str, description: &str, member: OktaId) -> OktaId {
        let mut org = self.sim.org();
        let group = org.create_group(name, description);
        org.add_member(group, member).unwrap();
        group
    }
}

on_each_store! {
    async fn c9323_a_rule_pushes_the_groups_it_finds(store) {
        let okta = Tenant::new(store).await;
        for dialect in DIALECTS {
            okta.speak(dialect);
            let stage = Stage::set(&okta).await;
            let kinds = [
                (RuleField::Name, RuleMatch::StartsWith, "Red", "Red 1", ""), (RuleField::Name, RuleMatch::EndsWith, "blue", "1 blue", ""),
                (RuleField::Name, RuleMatch::Contains, "green", "a green one", ""), (RuleField::Description, RuleMatch::Contains, "push me", "By words", "please push me"),
            ];
            for (field, matches, text, name, description) in kinds {
                let (text, name) = (text.to_owned(), format!("{name}{dialect:?}"));
                let text = if matches == RuleMatch::EndsWith { format!("{text}{dialect:?}") } else { text };
                okta.group(&name, description, stage.people[1]);
                okta.group(&format!("Other {name} not"), "", stage.people[0]);
                assert_eq!(okta.settle().await, [], "nothing is pushed without the rule");
                let field_text = if field == RuleField::Name && matches == RuleMatch::Contains { format!("a {text}") } else { text };
                let rule = okta.sim.org().add_push_rule(field, matches, &field_text);
                okta.settle().await;
                let found: Vec<(String, String)> = okta.found(rule);
                let pushed: Vec<&(String, String)> = found.iter().filter(|(found, _)| *found == name).collect();
                assert_eq!(pushed.len(), 1, "{found:?}");
                okta.daemon.holds_group(&pushed[0].1, &[&stage.logins[1]]).await;
                okta.daemon.map(&pushed[0].1, &format!("team of {name}")).await;
                okta.daemon.holds_team(&format!("team of {name}"), &[&stage.logins[1]]).await;
                okta.sim.org().set_push_rule_active(rule, false).unwrap();
            }
            settled(&okta).await;
        }
    }

    async fn c9324_a_group_that_comes_to_match_is_pushed(store) {
        let okta = Tenant::new(store).await;
        for dialect in DIALECTS {
            okta.speak(dialect);
            let stage = Stage::set(&okta).await;
            let prefix = format!("{dialect:?}-");
            let rule = okta.sim.org().add_push_rule(RuleField::Name, RuleMatch::StartsWith, &prefix);
            assert_eq!(okta.settle().await, []);
            // One that is made, one that is renamed, and all that an edited rule finds.
            okta.group(&format!("{prefix}made"), "", stage.people[0]);
            let renamed = okta.group(&format!("Later {dialect:?}"), "", stage.people[1]);
            okta.settle().await;
            assert_eq!(okta.found(rule).len(), 1);
            okta.sim.org().rename_group(renamed, &format!("{prefix}renamed")).unwrap();
            okta.settle().await;
            let found = okta.found(rule);
            assert_eq!(found.len(), 2);
            okta.daemon.holds_group(&found[0].1, &[&stage.logins[0]]).await;
            okta.daemon.holds_group(&found[1].1, &[&stage.logins[1]]).await;
            let edited = format!("{dialect:?}+");
            okta.group(&format!("{edited}1"), "", stage.people[0]);
            okta.settle().await;
            assert_eq!(okta.found(rule).len(), 2);
            okta.sim.org().edit_push_rule(rule, &edited).unwrap();
            okta.settle().await;
            assert_eq!(okta.found(rule).len(), 3);
            // Changes of what it found are pushed as ever.
            okta.sim.org().add_member(renamed, stage.people[0]).unwrap();
            okta.settle().await;
            okta.daemon.holds_group(&found[1].1, &[&stage.logins[0], &stage.logins[1]]).await;
            settled(&okta).await;
        }
    }

    async fn c9325_a_deactivated_rule_finds_no_more_and_an_activated_one_catches_up(store) {
        let okta = Tenant::new(store).await;
        for dialect in DIALECTS {
            okta.speak(dialect);
            let stage = Stage::set(&okta).await;
            let prefix = format!("{dialect:?}-");
            let first = okta.group(&format!("{prefix}1"), "", stage.people[0]);
            let rule = okta.sim.org().add_push_rule(RuleField::Name, RuleMatch::StartsWith, &prefix);
            okta.settle().await;
            okta.sim.org().set_push_rule_active(rule, false).unwrap();
            okta.group(&format!("{prefix}2"), "", stage.people[1]);
            assert_eq!(okta.settle().await, []);
            assert_eq!(okta.groups_with(&prefix).await, 1);
            // What it found is pushed on.
            okta.sim.org().add_member(first, stage.people[1]).unwrap();
            okta.settle().await;
            okta.daemon.holds_group(&okta.found(rule)[0].1, &[&stage.logins[0], &stage.logins[1]]).await;
            okta.sim.org().set_push_rule_active(rule, true).unwrap();
            okta.settle().await;
            assert_eq!(okta.groups_with(&prefix).await, 2);
            okta.daemon.holds_group(&okta.found(rule)[1].1, &[&stage.logins[1]]).await;
            settled(&okta).await;
        }
    }

    async fn c9326_a_deleted_rule_leaves_its_groups_or_deletes_them(store) {
        let okta = Tenant::new(store).await;
        for dialect in DIALECTS {
            okta.speak(dialect);
            let stage = Stage::set(&okta).await;
            for delete in [false, true] {
                let prefix = format!("{dialect:?}-{delete}-");
                for number in 1..=2 {
                    okta.group(&format!("{prefix}{number}"), "", stage.people[number - 1]);
                }
                let rule = okta.sim.org().add_push_rule(RuleField::Name, RuleMatch::StartsWith, &prefix);
                okta.settle().await;
                let found = okta.found(rule);
                assert_eq!(found.len(), 2);
                let team = format!("team {prefix}");
                okta.daemon.map(&found[0].1, &team).await;
                okta.daemon.holds_team(&team, &[&stage.logins[0]]).await;
                okta.sim.org().delete_push_rule(rule, delete).unwrap();
                let sent = okta.settle_lines().await;
                if delete {
                    let deletes: Vec<String> = found.iter().map(|(_, id)| format!("DELETE /Groups/{id}")).collect();
                    assert_eq!(sent.len(), deletes.len());
                    assert!(deletes.iter().all(|line| sent.contains(line)), "{sent:?}");
                    assert_eq!(okta.groups_with(&prefix).await, 0);
                    okta.daemon.holds_team(&team, &[]).await;
                } else {
                    assert_eq!(sent, [] as [String; 0]);
                    okta.daemon.holds_group(&found[0].1, &[&stage.logins[0]]).await;
                    okta.daemon.holds_team(&team, &[&stage.logins[0]]).await;
                }
                // Nobody looks for such groups any more.
                okta.group(&format!("{prefix}3"), "", stage.people[0]);
                assert_eq!(okta.settle().await, []);
            }
        }
    }
}
