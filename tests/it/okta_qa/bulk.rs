//! "Bulk Edit": what is done to one pushed group, done to several at once.

use rosterd::sim::org::{OktaId, Org, OrgError};

use super::settled;
use crate::support::stores::on_each_store;
use crate::support::tenant::{DIALECTS, Pushed, Tenant};

/// Three pushed groups with a team each, and the two people of whom the first is in all of them.
struct Several {
    groups: Vec<Pushed>,
    teams: Vec<String>,
    logins: [String; 2],
    people: [OktaId; 2],
}

impl Several {
    async fn set(okta: &Tenant) -> Self {
        let dialect = okta.engine.habits().dialect;
        let logins = ["one", "two"].map(|first| okta.login(first));
        let people = [okta.hire(&logins[0]).await, okta.hire(&logins[1]).await];
        let (mut groups, mut teams) = (Vec::new(), Vec::new());
        for number in 1..=3 {
            let team = format!("{dialect:?} {number}");
            groups.push(
                okta.push_mapped(&format!("Group {team}"), &team, &people[..1])
                    .await,
            );
            teams.push(team);
        }
        let several = Self {
            groups,
            teams,
            logins,
            people,
        };
        several.hold(okta, &[0], 0..3).await;
        several
    }

    /// Does the same to the first two; the third is not ticked.
    fn edit(&self, okta: &Tenant, act: impl Fn(&mut Org, OktaId) -> Result<(), OrgError>) {
        let mut org = okta.sim.org();
        for group in &self.groups[..2] {
            act(&mut org, group.mapping).unwrap();
        }
    }

    /// Adds the second person to all three in Okta.
    fn add(&self, okta: &Tenant) {
        let mut org = okta.sim.org();
        for group in &self.groups {
            org.add_member(group.source, self.people[1]).unwrap();
        }
    }

    async fn hold(&self, okta: &Tenant, members: &[usize], which: std::ops::Range<usize>) {
        let logins: Vec<&str> = members.iter().map(|at| self.logins[*at].as_str()).collect();
        for at in which {
            okta.daemon.holds_group(&self.groups[at].id, &logins).await;
            okta.daemon.holds_team(&self.teams[at], &logins).await;
        }
    }
}

on_each_store! {
    async fn c9327_several_pushes_are_deactivated_at_once(store) {
        let okta = Tenant::new(store).await;
        for dialect in DIALECTS {
            okta.speak(dialect);
            let several = Several::set(&okta).await;
            several.edit(&okta, |org, mapping| org.set_mapping_active(mapping, false));
            several.add(&okta);
            okta.settle().await;
            several.hold(&okta, &[0], 0..2).await;
            several.hold(&okta, &[0, 1], 2..3).await;
        }
    }

    async fn c9328_several_pushes_are_activated_at_once(store) {
        let okta = Tenant::new(store).await;
        for dialect in DIALECTS {
            okta.speak(dialect);
            let several = Several::set(&okta).await;
            several.edit(&okta, |org, mapping| org.set_mapping_active(mapping, false));
            several.add(&okta);
            okta.settle().await;
            several.hold(&okta, &[0], 0..2).await;
            several.edit(&okta, |org, mapping| org.set_mapping_active(mapping, true));
            let lines = okta.settle_lines().await;
            assert!(!lines.iter().any(|line| line.starts_with("POST")), "{lines:?}");
            several.hold(&okta, &[0, 1], 0..3).await;
            settled(&okta).await;
        }
    }

    async fn c9329_several_groups_are_unlinked_and_left(store) {
        let okta = Tenant::new(store).await;
        for dialect in DIALECTS {
            okta.speak(dialect);
            let several = Several::set(&okta).await;
            several.edit(&okta, |org, mapping| org.unlink_group(mapping, false));
            several.add(&okta);
            okta.settle().await;
            several.hold(&okta, &[0], 0..2).await;
            several.hold(&okta, &[0, 1], 2..3).await;
        }
    }

    async fn c9331_several_groups_are_unlinked_and_deleted(store) {
        let okta = Tenant::new(store).await;
        for dialect in DIALECTS {
            okta.speak(dialect);
            let several = Several::set(&okta).await;
            several.edit(&okta, |org, mapping| org.unlink_group(mapping, true));
            several.add(&okta);
            okta.settle().await;
            for at in 0..2 {
                okta.daemon.scim("GET", &format!("/Groups/{}", several.groups[at].id), None).await.is_error(404);
                okta.daemon.holds_team(&several.teams[at], &[]).await;
            }
            several.hold(&okta, &[0, 1], 2..3).await;
            let user = okta.read(&okta.scim_id(several.people[0])).await;
            assert_eq!((&user["active"], user["groups"].as_array().unwrap().len()), (&true.into(), 1));
        }
    }
}
