//! `attributes` and `excludedAttributes` (RFC 7644 sections 3.4.2.5 and 3.9).

use serde_json::Value;

use super::error::{ScimError, shown};
use super::json::Object;
use super::path::AttrPath;
use super::schema::{self, ResourceType, Returned};

/// The most names taken.
const MAX_NAMES: usize = 200;

/// Which attributes a client wants to see.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Projection {
    mode: Mode,
    paths: Vec<AttrPath>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Mode {
    /// All that are returned by default.
    #[default]
    All,
    /// These only.
    Only,
    /// All but these.
    Except,
}

impl Projection {
    /// Makes a projection of the two parameters, each a comma-separated list. An empty list counts as not given.
    ///
    /// # Errors
    /// 400 `invalidValue` if both are given, if a name is no attribute path, or if there are more than 200.
    pub fn new(attributes: Option<&str>, excluded: Option<&str>) -> Result<Self, ScimError> {
        let list = |text: Option<&str>| match text {
            None => Ok(Vec::new()),
            Some(text) => Self::paths(text.split(',')),
        };
        Self::of(list(attributes)?, list(excluded)?)
    }

    /// As [`Projection::new`], from the lists of a `/.search` body.
    ///
    /// # Errors
    /// As [`Projection::new`].
    pub fn from_lists(attributes: &[String], excluded: &[String]) -> Result<Self, ScimError> {
        let list = |names: &[String]| Self::paths(names.iter().map(String::as_str));
        Self::of(list(attributes)?, list(excluded)?)
    }

    fn of(attributes: Vec<AttrPath>, excluded: Vec<AttrPath>) -> Result<Self, ScimError> {
        match (attributes.is_empty(), excluded.is_empty()) {
            (true, true) => Ok(Self::default()),
            (false, true) => Ok(Self {
                mode: Mode::Only,
                paths: attributes,
            }),
            (true, false) => Ok(Self {
                mode: Mode::Except,
                paths: excluded,
            }),
            (false, false) => Err(ScimError::invalid_value(
                "Send attributes or excludedAttributes, not both.",
            )),
        }
    }

    fn paths<'a>(names: impl Iterator<Item = &'a str>) -> Result<Vec<AttrPath>, ScimError> {
        let mut paths = Vec::new();
        for name in names.map(str::trim).filter(|name| !name.is_empty()) {
            if paths.len() == MAX_NAMES {
                return Err(ScimError::invalid_value(format!(
                    "Name at most {MAX_NAMES} attributes."
                )));
            }
            paths.push(name.parse().map_err(|_| {
                ScimError::invalid_value(format!(
                    "{:?} cannot be the name of an attribute.",
                    shown(name)
                ))
            })?);
        }
        Ok(paths)
    }

    /// Whether an attribute of the core schema can appear in an answer, whole or in part. False: it need not be loaded.
    pub fn wants(&self, resource: ResourceType, name: &str) -> bool {
        match self.mode {
            Mode::All => true,
            Mode::Only => always(name) || self.matching(resource, name).next().is_some(),
            Mode::Except => {
                always(name) || !self.matching(resource, name).any(|path| path.sub.is_none())
            }
        }
    }

    /// Whether a sub-attribute of an attribute of the core schema appears, for callers that write the values themselves.
    /// One that is returned on request appears where it is named itself (RFC 7643 section 7).
    pub fn wants_sub(&self, resource: ResourceType, name: &str, sub: &str) -> bool {
        let attribute = resource.schema().attribute(name);
        let on_request = attribute
            .and_then(|attribute| attribute.sub(sub))
            .is_some_and(|sub| sub.returned == Returned::Request);
        let is_sub = |path: &AttrPath| match path.sub.as_deref() {
            Some(named) => named.eq_ignore_ascii_case(sub),
            None => !on_request,
        };
        match self.mode {
            Mode::Only => self.matching(resource, name).any(is_sub),
            Mode::All | Mode::Except if on_request => false,
            Mode::All => true,
            Mode::Except => !self.matching(resource, name).any(is_sub),
        }
    }

    /// Whether `attributes` names this attribute of the core schema: then it is given even where a default would not.
    pub fn asks(&self, resource: ResourceType, name: &str) -> bool {
        self.mode == Mode::Only && self.matching(resource, name).next().is_some()
    }

    /// The paths that name a core attribute or a sub-attribute of it.
    fn matching(&self, resource: ResourceType, name: &str) -> impl Iterator<Item = &AttrPath> {
        self.paths.iter().filter(move |path| {
            path.name.eq_ignore_ascii_case(name)
                && path
                    .urn
                    .as_deref()
                    .is_none_or(|urn| urn.eq_ignore_ascii_case(resource.urn()))
        })
    }

    /// What the client sees of a resource. `id` and `schemas` always stay, a password never.
    pub fn apply(&self, resource: ResourceType, mut object: Object) -> Object {
        object.retain(|name, _| {
            resource
                .schema()
                .attribute(name)
                .is_none_or(|attribute| attribute.returned != Returned::Never)
        });
        if self.mode == Mode::All {
            return object;
        }
        let wanted: Vec<Vec<String>> = self
            .paths
            .iter()
            .flat_map(|path| segments(resource, path))
            .collect();
        let wanted: Vec<&[String]> = wanted.iter().map(Vec::as_slice).collect();
        let only = self.mode == Mode::Only;
        object
            .into_iter()
            .filter_map(|(name, value)| {
                if always(&name) {
                    return Some((name, value));
                }
                project(&name, value, &wanted, only).map(|value| (name, value))
            })
            .collect()
    }
}

fn always(name: &str) -> bool {
    schema::COMMON
        .iter()
        .any(|common| common.returned == Returned::Always && common.name.eq_ignore_ascii_case(name))
}

/// A path as the names of nested members. A path that may be the URN of a whole extension is read both ways.
fn segments(resource: ResourceType, path: &AttrPath) -> Vec<Vec<String>> {
    let mut segments = Vec::new();
    match &path.urn {
        Some(urn) if !urn.eq_ignore_ascii_case(resource.urn()) => segments.push(urn.clone()),
        _ => {}
    }
    segments.push(path.name.clone());
    segments.extend(path.sub.clone());
    std::iter::once(segments)
        .chain(path.whole_urn().map(|urn| vec![urn]))
        .collect()
}

/// What stays of one member; none if nothing does.
fn project(name: &str, value: Value, paths: &[&[String]], only: bool) -> Option<Value> {
    let tails: Vec<&[String]> = paths
        .iter()
        .filter_map(|path| path.split_first())
        .filter(|(first, _)| first.eq_ignore_ascii_case(name))
        .map(|(_, tail)| tail)
        .collect();
    if tails.iter().any(|tail| tail.is_empty()) {
        return only.then_some(value);
    }
    if tails.is_empty() {
        return (!only).then_some(value);
    }
    match value {
        Value::Object(object) => inside(object, &tails, only),
        Value::Array(values) => {
            let values: Vec<Value> = values
                .into_iter()
                .filter_map(|value| match value {
                    Value::Object(object) => inside(object, &tails, only),
                    other => (!only).then_some(other),
                })
                .collect();
            (!values.is_empty()).then_some(Value::Array(values))
        }
        other => (!only).then_some(other),
    }
}

fn inside(object: Object, paths: &[&[String]], only: bool) -> Option<Value> {
    let kept: Object = object
        .into_iter()
        .filter_map(|(name, value)| project(&name, value, paths, only).map(|value| (name, value)))
        .collect();
    (!kept.is_empty()).then_some(Value::Object(kept))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    const USER: ResourceType = ResourceType::User;

    fn user() -> Object {
        let Value::Object(object) = json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "id": "1", "userName": "a",
            "name": {"givenName": "A", "familyName": "B"},
            "emails": [{"value": "a@x", "type": "work"}, {"value": "b@x"}], "password": "secret",
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {"department": "D", "manager": {"value": "7", "displayName": "M"}},
        }) else {
            unreachable!()
        };
        object
    }

    fn only(names: &str) -> Value {
        Value::Object(
            Projection::new(Some(names), None)
                .unwrap()
                .apply(USER, user()),
        )
    }

    fn except(names: &str) -> Value {
        Value::Object(
            Projection::new(None, Some(names))
                .unwrap()
                .apply(USER, user()),
        )
    }

    fn with_always(rest: &Value) -> Value {
        let mut all = json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "id": "1"});
        all.as_object_mut()
            .unwrap()
            .extend(rest.as_object().unwrap().clone());
        all
    }

    #[test]
    fn only_what_is_named_and_what_is_always_given() {
        assert_eq!(only("USERNAME"), with_always(&json!({"userName": "a"})));
        assert_eq!(
            only("name.givenname,nope"),
            with_always(&json!({"name": {"givenName": "A"}}))
        );
        assert_eq!(
            only("emails.type"),
            with_always(&json!({"emails": [{"type": "work"}]}))
        );
        assert_eq!(
            only("urn:ietf:params:scim:schemas:core:2.0:User:userName"),
            with_always(&json!({"userName": "a"}))
        );
        let urn = crate::scim::ENTERPRISE_URN;
        assert_eq!(
            only(&format!("{urn}:manager.value")),
            with_always(&json!({(urn): {"manager": {"value": "7"}}}))
        );
        assert_eq!(only(urn)[urn]["department"], "D");
        assert_eq!(only("password"), with_always(&json!({})));
    }

    #[test]
    fn all_but_what_is_named() {
        let rest = except(
            "emails.value,NAME,id,schemas,urn:ietf:params:scim:schemas:extension:enterprise:2.0:User",
        );
        assert_eq!(
            rest,
            with_always(&json!({"userName": "a", "emails": [{"type": "work"}]}))
        );
        assert!(except("userName").get("password").is_none());
    }

    #[test]
    fn an_empty_list_is_no_list() {
        assert_eq!(
            Projection::new(Some(" , "), Some("")).unwrap(),
            Projection::default()
        );
        let all = Projection::default().apply(USER, user());
        assert_eq!(all.len(), user().len() - 1);
    }

    #[test]
    fn both_lists_and_impossible_names_are_refused() {
        Projection::new(Some("a"), Some("b")).unwrap_err();
        Projection::new(Some("a b"), None).unwrap_err();
        Projection::new(Some(&"a,".repeat(201)), None).unwrap_err();
    }

    #[test]
    fn what_is_not_wanted_need_not_be_loaded() {
        let of = |attributes, excluded| Projection::new(attributes, excluded).unwrap();
        let group = ResourceType::Group;
        assert!(of(None, None).wants(group, "members") && !of(None, None).asks(group, "members"));
        assert!(!of(None, Some("MEMBERS")).wants(group, "members"));
        assert!(!of(Some("displayName"), None).wants(group, "members"));
        assert!(of(Some("members.value"), None).asks(group, "members"));
        assert!(!of(Some("members.value"), None).wants_sub(group, "members", "display"));
        assert!(of(None, Some("members.type")).wants(group, "members"));
        assert!(!of(None, Some("members.type")).wants_sub(group, "members", "type"));
    }

    #[test]
    fn what_is_returned_on_request_is_not_shown_unless_it_is_named_itself() {
        let of = |attributes, excluded| Projection::new(attributes, excluded).unwrap();
        let group = ResourceType::Group;
        for (projection, shown) in [
            (of(None, None), false),
            (of(Some("members"), None), false),
            (of(None, Some("members.value")), false),
            (of(Some("members,MEMBERS.Display"), None), true),
        ] {
            assert_eq!(projection.wants_sub(group, "members", "display"), shown);
            let value = projection.wants_sub(group, "members", "value");
            assert_eq!(value, projection != of(None, Some("members.value")));
        }
    }

    proptest! {
        #[test]
        fn never_panics_and_never_shows_a_password(names in "([a-z]|emails|name|password|urn:ietf:params:scim:schemas:core:2.0:User|[.,:]){0,8}") {
            for projection in [Projection::new(Some(&names), None), Projection::new(None, Some(&names))].into_iter().flatten() {
                let seen = projection.apply(USER, user());
                prop_assert!(seen.contains_key("id") && seen.contains_key("schemas") && !seen.contains_key("password"));
            }
        }
    }
}
