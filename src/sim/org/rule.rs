//! "Push Groups by rule": groups found by their name or description are pushed by themselves.

use super::{GroupType, OktaId, Org, OrgError};

/// What a rule looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RuleField {
    /// The group's name.
    Name,
    /// The group's description.
    Description,
}

/// How a rule compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RuleMatch {
    /// It begins with the text.
    StartsWith,
    /// It ends with the text.
    EndsWith,
    /// The text is somewhere in it.
    Contains,
}

/// One rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PushRule {
    /// `gPr…`.
    pub id: OktaId,
    /// What it looks at.
    pub field: RuleField,
    /// How it compares.
    pub matches: RuleMatch,
    /// With what.
    pub text: String,
    /// Whether it still finds groups. What it found is pushed on when it no longer does.
    pub active: bool,
}

impl PushRule {
    fn finds(&self, name: &str, description: &str) -> bool {
        let value = match self.field {
            RuleField::Name => name,
            RuleField::Description => description,
        };
        self.active
            && match self.matches {
                RuleMatch::StartsWith => value.starts_with(&self.text),
                RuleMatch::EndsWith => value.ends_with(&self.text),
                RuleMatch::Contains => value.contains(&self.text),
            }
    }
}

impl Org {
    /// Makes a rule and pushes every group it finds.
    pub fn add_push_rule(&mut self, field: RuleField, matches: RuleMatch, text: &str) -> OktaId {
        let id = OktaId::new("gPr", self.random.as_ref());
        self.push_rules.push(PushRule {
            id,
            field,
            matches,
            text: text.to_owned(),
            active: true,
        });
        self.apply_push_rules();
        id
    }

    /// Gives a rule another text; groups it finds now are pushed, those it found before stay.
    ///
    /// # Errors
    /// `NotFound`.
    pub fn edit_push_rule(&mut self, id: OktaId, text: &str) -> Result<(), OrgError> {
        text.clone_into(&mut self.push_rule(id)?.text);
        self.apply_push_rules();
        Ok(())
    }

    /// Switches a rule on or off.
    ///
    /// # Errors
    /// `NotFound`.
    pub fn set_push_rule_active(&mut self, id: OktaId, active: bool) -> Result<(), OrgError> {
        self.push_rule(id)?.active = active;
        self.apply_push_rules();
        Ok(())
    }

    /// Deletes a rule and unlinks what it found, with or without the copies on the server.
    ///
    /// # Errors
    /// `NotFound`.
    pub fn delete_push_rule(&mut self, id: OktaId, delete_targets: bool) -> Result<(), OrgError> {
        self.push_rule(id)?;
        self.push_rules.retain(|rule| rule.id != id);
        for mapping in self.mappings_of_rule(id) {
            self.unlink_group(mapping, delete_targets)?;
        }
        Ok(())
    }

    /// The mappings a rule made.
    pub fn mappings_of_rule(&self, rule: OktaId) -> Vec<OktaId> {
        let found = self.mappings().filter(|mapping| mapping.rule == Some(rule));
        found.map(|mapping| mapping.id).collect()
    }

    /// Pushes what the rules find and nobody pushes yet.
    pub(super) fn apply_push_rules(&mut self) {
        for rule in self.push_rules.clone() {
            let found: Vec<OktaId> = self
                .groups()
                .filter(|group| group.kind == GroupType::OktaGroup)
                .filter(|group| rule.finds(group.name(), &group.facts().description))
                .map(|group| group.id)
                .collect();
            for group in found {
                // One that is pushed already is left to whatever pushes it.
                if let Ok(mapping) = self.push_group(group)
                    && let Some(mapping) = self.mappings.get_mut(&mapping)
                {
                    mapping.rule = Some(rule.id);
                }
            }
        }
    }

    fn push_rule(&mut self, id: OktaId) -> Result<&mut PushRule, OrgError> {
        let found = self.push_rules.iter_mut().find(|rule| rule.id == id);
        found.ok_or_else(|| OrgError::NotFound(format!("{id} (GroupPushRule)")))
    }
}
