//! Which group of Okta's a mapping leads from where the one it was made for is gone (R17).

use super::history::History;
use super::model::Group;

impl History {
    pub(super) fn remember_joins(&mut self, sides: &[Vec<String>]) {
        for side in sides.iter().filter(|side| !side[2].is_empty()) {
            self.joined_to.insert(side[2].clone(), side[0].clone());
        }
    }

    /// The SCIM groups: our id, name, and Okta's id of the group each is joined to.
    pub(crate) async fn sides(&mut self) -> Vec<Vec<String>> {
        let sides = "SELECT id, scim_name, okta_id FROM idp_groups WHERE scim = 1";
        self.eyes.rows(sides).await
    }

    /// Sides that were joined stay so, also when the group is pushed no more (R17): mappings of a group that was joined
    /// to one before and is gone lead from the group it is joined to now.
    pub(crate) async fn remember_heirs(&mut self) {
        let sides = self.sides().await;
        self.remember_joins(&sides);
        let org = self.sim.org();
        let is_there = |id: &str| org.groups().any(|group| group.id.as_str() == id);
        for (group, _) in self.mapped.values_mut() {
            let Some(side) = self.joined_to.get(group).filter(|_| !is_there(group)) else {
                continue;
            };
            let joined = sides.iter().find(|row| row[0] == *side);
            if let Some(row) = joined.filter(|row| is_there(&row[2])) {
                group.clone_from(&row[2]);
            }
        }
    }

    /// The group that a mapping of `group` leads from: where that is gone and the SCIM side it was joined to is filled by
    /// another group's push now, or has the name of what another is to be pushed to, it is that one (R17).
    pub(super) fn behind(&self, group: &Group, sides: &[Vec<String>]) -> Group {
        let org = self.sim.org();
        let found = |id: &str| org.groups().find(|group| group.id.as_str() == id);
        if found(group).is_some() {
            return group.clone();
        }
        let side = self.joined_to.get(group);
        // A copy that Okta has had deleted is nobody's, whoever was pushed to it before.
        let side = side.and_then(|id| sides.iter().find(|row| row[0] == *id));
        let heir = side.and_then(|side| {
            org.mappings()
                .filter(|mapping| found(mapping.source.as_str()).is_some())
                .find(|mapping| match &mapping.scim_id {
                    Some(id) => *id == side[0],
                    None => found(mapping.target.as_str())
                        .is_some_and(|target| target.name() == side[1]),
                })
        });
        heir.map_or_else(|| group.clone(), |mapping| mapping.source.to_string())
    }
}
