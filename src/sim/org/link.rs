//! Groups the server had before Okta: imported, and linked to a group that is pushed from then on.

use super::group::no_group;
use super::{OktaId, Org, OrgError, Task};

impl Org {
    /// What an import makes of the groups it read, each with its SCIM id and name: one APP_GROUP of the app for each that
    /// is not the copy of a pushed group. Those that an earlier import found and this one did not are gone.
    pub fn note_imported_groups(&mut self, found: &[(String, String)]) {
        let is_copy = |org: &Self, scim_id: &str| {
            org.mappings()
                .any(|mapping| mapping.scim_id.as_deref() == Some(scim_id))
        };
        let gone: Vec<(String, OktaId)> = self
            .imported
            .iter()
            .filter(|(known, _)| !found.iter().any(|(id, _)| id == *known) && !is_copy(self, known))
            .map(|(known, group)| (known.clone(), *group))
            .collect();
        for (scim_id, group) in gone {
            self.imported.remove(&scim_id);
            self.groups.remove(&group);
        }
        for (scim_id, name) in found {
            if is_copy(self, scim_id) {
                continue;
            }
            let Some(known) = self.imported.get(scim_id).copied() else {
                let group = self.create_app_group(self.app.id, name);
                self.imported.insert(scim_id.clone(), group);
                continue;
            };
            if self.group(known).is_some_and(|group| group.name() != name) {
                // It was looked up a moment ago.
                let _present = self.update_group(known, name, "");
            }
        }
    }

    /// The group an import found under this SCIM id.
    pub fn imported_group(&self, scim_id: &str) -> Option<OktaId> {
        self.imported.get(scim_id).copied()
    }

    /// "Link Group": pushes `source` into a group an import found. Whoever is in there stays until a "Push Now"; the name
    /// follows the source's if `rename` ("Rename app groups to match group name in Okta").
    ///
    /// # Errors
    /// `NotFound`; `Invalid` when the source is pushed already or the target was not imported.
    pub fn link_group(
        &mut self,
        source: OktaId,
        target: OktaId,
        rename: bool,
    ) -> Result<OktaId, OrgError> {
        self.group(source).ok_or_else(|| no_group(source))?;
        self.group(target).ok_or_else(|| no_group(target))?;
        if self.mappings().any(|mapping| mapping.source == source) {
            return Err(OrgError::Invalid("the group is pushed already".to_owned()));
        }
        let imported = self.imported.iter().find(|(_, group)| **group == target);
        let scim_id = imported
            .map(|(scim_id, _)| scim_id.clone())
            .ok_or_else(|| {
                OrgError::Invalid("only a group that was imported can be linked".to_owned())
            })?;
        let id = self.insert_mapping(source, target);
        if let Some(mapping) = self.mappings.get_mut(&id) {
            mapping.scim_id = Some(scim_id);
            mapping.renames = rename;
            mapping.keeps_strangers = true;
        }
        self.queue(Task::LinkGroup { mapping: id });
        Ok(id)
    }
}
