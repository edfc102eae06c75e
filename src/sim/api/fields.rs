//! What a client asks to leave out of objects: `fields`, and `okta-response` in the Content-Type of a GET.

use http::{HeaderMap, header};
use serde_json::{Map, Value};

use super::error::ApiError;

/// The parts of an object that are shown.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Shown {
    /// A path of one or two names each; everything when `None`.
    fields: Option<Vec<(String, Option<String>)>>,
    omits_credentials: bool,
}

impl Shown {
    /// Reads `fields=id,status,profile:(login,email)` and the response options.
    pub(super) fn read(fields: Option<&String>, headers: &HeaderMap) -> Result<Self, ApiError> {
        let options = headers
            .get(header::CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.split_once("okta-response="))
            .map(|(_, options)| options.trim_matches('"'))
            .unwrap_or_default();
        let fields = match fields {
            None => None,
            Some(text) => Some(parse(text).ok_or_else(|| ApiError::invalid("fields: malformed"))?),
        };
        Ok(Self {
            fields,
            omits_credentials: options
                .split(',')
                .any(|option| option.trim() == "omitCredentials"),
        })
    }

    /// The object without what is left out.
    pub(super) fn of(&self, mut object: Value) -> Value {
        if let (true, Some(map)) = (self.omits_credentials, object.as_object_mut()) {
            map.remove("credentials");
        }
        let Some(fields) = &self.fields else {
            return object;
        };
        let mut kept = Map::new();
        for (name, inner) in fields {
            let Some(value) = object.get(name) else {
                continue;
            };
            match inner {
                None => {
                    kept.insert(name.clone(), value.clone());
                }
                Some(inner) => {
                    let part = kept
                        .entry(name.clone())
                        .or_insert_with(|| Value::Object(Map::new()));
                    if let (Some(part), Some(value)) = (part.as_object_mut(), value.get(inner)) {
                        part.insert(inner.clone(), value.clone());
                    }
                }
            }
        }
        Value::Object(kept)
    }
}

fn parse(text: &str) -> Option<Vec<(String, Option<String>)>> {
    let mut fields = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.find([',', ':']).unwrap_or(rest.len());
        let (name, after) = rest.split_at(end);
        if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return None;
        }
        rest = if let Some(inner) = after.strip_prefix(":(") {
            let (inner, after) = inner.split_once(')')?;
            for part in inner.split(',') {
                if part.is_empty() || !part.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
                    return None;
                }
                fields.push((name.to_owned(), Some(part.to_owned())));
            }
            after
        } else {
            fields.push((name.to_owned(), None));
            after
        };
        rest = match rest.strip_prefix(',') {
            Some("") => return None,
            Some(more) => more,
            None if rest.is_empty() => rest,
            None => return None,
        };
    }
    Some(fields)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use http::HeaderMap;
    use serde_json::json;

    use super::Shown;

    #[test]
    fn only_what_was_asked_for_is_shown() {
        let object = json!({"id": "1", "status": "ACTIVE", "profile": {"login": "a", "email": "b"},
                            "credentials": {"provider": {}}});
        let shown = |fields: &str| Shown::read(Some(&fields.to_owned()), &HeaderMap::new());
        assert_eq!(
            shown("id,profile:(login)").unwrap().of(object.clone()),
            json!({"id": "1", "profile": {"login": "a"}})
        );
        assert_eq!(
            shown("profile:(login,email),status,unknown")
                .unwrap()
                .of(object.clone()),
            json!({"status": "ACTIVE", "profile": {"login": "a", "email": "b"}})
        );
        for malformed in [
            "id,",
            "id,,status",
            "profile:(",
            "profile:()",
            "profile:(a b)",
            "a)",
        ] {
            assert!(shown(malformed).is_err(), "{malformed}");
        }
        let mut headers = HeaderMap::new();
        let slim = "application/json; okta-response=\"omitCredentials,omitCredentialsLinks\"";
        headers.insert("content-type", slim.parse().unwrap());
        let slim = Shown::read(None, &headers).unwrap().of(object.clone());
        assert_eq!(slim.get("credentials"), None);
        assert_eq!(slim["profile"], object["profile"]);
    }
}
