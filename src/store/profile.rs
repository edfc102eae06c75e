//! What of a user's SCIM attributes stands in columns and rows of its own, so that it can be filtered, sorted and joined.

use serde_json::{Map, Value};

use crate::model::fold::fold;

/// One value of `emails`, as its row holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Email {
    /// `value`, as sent.
    pub value: Option<String>,
    /// `type`, folded.
    pub type_fold: Option<String>,
    /// `primary`.
    pub primary: bool,
}

/// The SCIM attributes of a user and the copies of them that are looked up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    /// userName as sent; its fold is made when it is stored (R18).
    pub user_name: String,
    /// SCIM `externalId` as sent.
    pub external_id: Option<String>,
    /// `displayName`.
    pub display_name: Option<String>,
    /// `name.givenName`.
    pub given_name: Option<String>,
    /// `name.familyName`.
    pub family_name: Option<String>,
    /// The primary e-mail, else the first (R18).
    pub email: Option<String>,
    /// Every value of `emails`, in order.
    pub emails: Vec<Email>,
    /// The attributes as sent, one JSON object.
    pub resource: String,
    /// The copy for comparison: names in lower case, strings folded.
    pub folded: String,
}

impl Profile {
    /// The profile of a user with these attributes (without `id`, `meta`, `active`, `groups` and `password`).
    pub fn of(user_name: &str, external_id: Option<&str>, attributes: &Map<String, Value>) -> Self {
        let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
        let name = attributes.get("name");
        let emails: Vec<Email> = attributes
            .get("emails")
            .and_then(Value::as_array)
            .map(|values| values.iter().map(email).collect())
            .unwrap_or_default();
        let first = emails
            .iter()
            .find(|email| email.primary && email.value.is_some())
            .or_else(|| emails.iter().find(|email| email.value.is_some()));
        Self {
            user_name: user_name.to_owned(),
            external_id: external_id.map(str::to_owned),
            display_name: text(attributes.get("displayName")),
            given_name: text(name.and_then(|name| name.get("givenName"))),
            family_name: text(name.and_then(|name| name.get("familyName"))),
            email: first.and_then(|email| email.value.clone()),
            resource: Value::Object(attributes.clone()).to_string(),
            folded: folded(attributes),
            emails,
        }
    }
}

fn email(value: &Value) -> Email {
    let text = |name: &str| value.get(name).and_then(Value::as_str);
    Email {
        value: text("value").map(str::to_owned),
        type_fold: text("type").map(fold),
        primary: value
            .get("primary")
            .and_then(Value::as_bool)
            .unwrap_or(false),
    }
}

/// The copy of a JSON object that case-insensitive comparison reads: names in lower case, strings folded (R18).
pub fn folded(attributes: &Map<String, Value>) -> String {
    fn walk(value: &Value) -> Value {
        match value {
            Value::String(text) => Value::String(fold(text)),
            Value::Array(values) => values.iter().map(walk).collect(),
            Value::Object(members) => members
                .iter()
                .map(|(name, value)| (name.to_ascii_lowercase(), walk(value)))
                .collect(),
            other => other.clone(),
        }
    }
    walk(&Value::Object(attributes.clone())).to_string()
}

#[cfg(test)]
#[expect(clippy::expect_used, reason = "tests")]
mod tests {
    use serde_json::json;

    use super::Profile;

    #[test]
    fn the_primary_email_stands_in_its_column_else_the_first() {
        let of = |emails: serde_json::Value| {
            let attributes = json!({ "emails": emails });
            Profile::of("a", None, attributes.as_object().expect("an object")).email
        };
        let two = json!([{"value": "a@x"}, {"value": "b@x", "primary": true}]);
        assert_eq!(of(two).as_deref(), Some("b@x"));
        assert_eq!(of(json!([{"value": "a@x"}])).as_deref(), Some("a@x"));
        assert_eq!(of(json!([])), None);
    }

    #[test]
    fn the_copy_for_comparison_has_lower_names_and_folded_strings() {
        let attributes = json!({"displayName": "STRASSE", "name": {"givenName": "Ä"}, "n": 1});
        let profile = Profile::of("a", None, attributes.as_object().expect("an object"));
        assert_eq!(
            profile.folded,
            r#"{"displayname":"strasse","name":{"givenname":"ä"},"n":1}"#
        );
    }
}
