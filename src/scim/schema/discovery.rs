//! What `/ServiceProviderConfig`, `/ResourceTypes` and `/Schemas` answer (RFC 7643 sections 5–7, RFC 9865 section 4).

use serde_json::{Map, Value, json};

use super::{Attribute, Kind, Mutability, ResourceType, Returned, Schema, Uniqueness, service};
use crate::scim::LIST_URN;

/// What the service can do, as far as the configuration decides it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capabilities {
    /// Operations taken in one bulk request.
    pub bulk_max_operations: u64,
    /// Bytes taken in one bulk request.
    pub bulk_max_payload: u64,
    /// The largest page.
    pub max_results: u64,
    /// The page of a request without `count`.
    pub default_page: u64,
    /// Whether a `password` that is sent is used.
    pub change_password: bool,
}

/// The body of `GET /ServiceProviderConfig`. `base` is the URL of the SCIM root, without a slash at the end.
pub fn service_provider_config(base: &str, capabilities: &Capabilities) -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"],
        "patch": {"supported": true},
        "bulk": {
            "supported": true,
            "maxOperations": capabilities.bulk_max_operations,
            "maxPayloadSize": capabilities.bulk_max_payload,
        },
        "filter": {"supported": true, "maxResults": capabilities.max_results},
        "changePassword": {"supported": capabilities.change_password},
        "sort": {"supported": true},
        "etag": {"supported": true},
        "pagination": {
            "cursor": true,
            "index": true,
            "defaultPaginationMethod": "index",
            "defaultPageSize": capabilities.default_page,
            "maxPageSize": capabilities.max_results,
        },
        "authenticationSchemes": [
            {
                "type": "oauthbearertoken",
                "name": "Bearer token",
                "description": "A token made on the host, sent as Authorization: Bearer.",
                "specUri": "https://www.rfc-editor.org/info/rfc6750",
                "primary": true,
            },
            {
                "type": "httpbasic",
                "name": "HTTP Basic",
                "description": "The same token as the password; the name is not looked at.",
                "specUri": "https://www.rfc-editor.org/info/rfc7617",
                "primary": false,
            },
        ],
        "meta": {"resourceType": "ServiceProviderConfig", "location": format!("{base}/ServiceProviderConfig")},
    })
}

/// The body of `GET /ResourceTypes`.
pub fn resource_types(base: &str) -> Value {
    list(
        &[ResourceType::User, ResourceType::Group]
            .map(|resource| resource_type_json(base, resource)),
    )
}

/// The body of `GET /ResourceTypes/{id}`; ids are compared ignoring ASCII case.
pub fn resource_type(base: &str, id: &str) -> Option<Value> {
    [ResourceType::User, ResourceType::Group]
        .into_iter()
        .find(|resource| resource.name().eq_ignore_ascii_case(id))
        .map(|resource| resource_type_json(base, resource))
}

/// The body of `GET /Schemas`.
pub fn schemas(base: &str) -> Value {
    list(
        &all()
            .map(|schema| schema_json(base, schema))
            .collect::<Vec<_>>(),
    )
}

/// The body of `GET /Schemas/{urn}`; URNs are compared ignoring ASCII case.
pub fn schema(base: &str, id: &str) -> Option<Value> {
    all()
        .find(|schema| schema.id.eq_ignore_ascii_case(id))
        .map(|schema| schema_json(base, schema))
}

fn all() -> impl Iterator<Item = &'static Schema> {
    [ResourceType::User, ResourceType::Group]
        .into_iter()
        .flat_map(|resource| {
            std::iter::once(resource.schema()).chain(resource.extensions().iter().copied())
        })
        .chain([
            &service::SERVICE_PROVIDER_CONFIG,
            &service::RESOURCE_TYPE,
            &service::SCHEMA,
        ])
}

fn list(resources: &[Value]) -> Value {
    json!({
        "schemas": [LIST_URN],
        "totalResults": resources.len(),
        "itemsPerPage": resources.len(),
        "startIndex": 1,
        "Resources": resources,
    })
}

fn resource_type_json(base: &str, resource: ResourceType) -> Value {
    let extensions: Vec<Value> = resource
        .extensions()
        .iter()
        .map(|schema| json!({"schema": schema.id, "required": false}))
        .collect();
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ResourceType"],
        "id": resource.name(),
        "name": resource.name(),
        "description": resource.schema().description,
        "endpoint": resource.endpoint(),
        "schema": resource.urn(),
        "schemaExtensions": extensions,
        "meta": {"resourceType": "ResourceType", "location": format!("{base}/ResourceTypes/{}", resource.name())},
    })
}

fn schema_json(base: &str, schema: &Schema) -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Schema"],
        "id": schema.id,
        "name": schema.name,
        "description": schema.description,
        "attributes": schema.attributes.iter().map(attribute_json).collect::<Vec<_>>(),
        "meta": {"resourceType": "Schema", "location": format!("{base}/Schemas/{}", schema.id)},
    })
}

fn attribute_json(attribute: &Attribute) -> Value {
    let mut object = Map::new();
    let mut put = |name: &str, value: Value| object.insert(name.to_owned(), value);
    put("name", attribute.name.into());
    put("type", kind(attribute.kind).into());
    put("multiValued", attribute.multi_valued.into());
    put("description", attribute.description.into());
    put("required", attribute.required.into());
    put("caseExact", attribute.case_exact.into());
    if !attribute.canonical.is_empty() {
        put("canonicalValues", attribute.canonical.into());
    }
    put("mutability", mutability(attribute.mutability).into());
    put("returned", returned(attribute.returned).into());
    put("uniqueness", uniqueness(attribute.uniqueness).into());
    if !attribute.reference_types.is_empty() {
        put("referenceTypes", attribute.reference_types.into());
    }
    if !attribute.sub.is_empty() {
        put(
            "subAttributes",
            attribute.sub.iter().map(attribute_json).collect(),
        );
    }
    Value::Object(object)
}

const fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::String => "string",
        Kind::Boolean => "boolean",
        Kind::Decimal => "decimal",
        Kind::Integer => "integer",
        Kind::DateTime => "dateTime",
        Kind::Binary => "binary",
        Kind::Reference => "reference",
        Kind::Complex => "complex",
    }
}

const fn mutability(mutability: Mutability) -> &'static str {
    match mutability {
        Mutability::ReadOnly => "readOnly",
        Mutability::ReadWrite => "readWrite",
        Mutability::Immutable => "immutable",
        Mutability::WriteOnly => "writeOnly",
    }
}

const fn returned(returned: Returned) -> &'static str {
    match returned {
        Returned::Always => "always",
        Returned::Never => "never",
        Returned::Default => "default",
        Returned::Request => "request",
    }
}

const fn uniqueness(uniqueness: Uniqueness) -> &'static str {
    match uniqueness {
        Uniqueness::None => "none",
        Uniqueness::Server => "server",
        Uniqueness::Global => "global",
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    const BASE: &str = "https://rosterd.example.test/scim/v2";

    #[test]
    fn schemas_are_found_by_urn_in_any_case() {
        let urn = crate::scim::ENTERPRISE_URN;
        let found = schema(BASE, &urn.to_uppercase()).unwrap();
        assert_eq!(found["id"], urn);
        assert_eq!(found["meta"]["location"], format!("{BASE}/Schemas/{urn}"));
        assert_eq!(schema(BASE, "urn:nope"), None);
        assert_eq!(schemas(BASE)["totalResults"], 6);
    }

    #[test]
    fn user_name_and_password_are_as_the_rfc_has_them() {
        let user = schema(BASE, crate::scim::USER_URN).unwrap();
        let by_name = |name: &str| {
            user["attributes"]
                .as_array()
                .unwrap()
                .iter()
                .find(|attribute| attribute["name"] == name)
                .unwrap()
                .clone()
        };
        let user_name = by_name("userName");
        assert_eq!(
            (&user_name["required"], &user_name["caseExact"]),
            (&true.into(), &false.into())
        );
        assert_eq!(user_name["uniqueness"], "server");
        assert_eq!(
            (
                &by_name("password")["mutability"],
                &by_name("password")["returned"]
            ),
            (&"writeOnly".into(), &"never".into())
        );
        assert_eq!(by_name("groups")["mutability"], "readOnly");
        assert_eq!(
            by_name("photos")["subAttributes"][0]["referenceTypes"],
            json!(["external"])
        );
        assert_eq!(user["attributes"].as_array().unwrap().len(), 21);
    }

    #[test]
    fn resource_types_name_their_extensions() {
        let user = resource_type(BASE, "user").unwrap();
        assert_eq!(
            user["schemaExtensions"],
            json!([{"schema": crate::scim::ENTERPRISE_URN, "required": false}])
        );
        assert_eq!(resource_type(BASE, "Groups"), None);
        assert_eq!(resource_types(BASE)["Resources"][1]["endpoint"], "/Groups");
    }

    #[test]
    fn the_service_says_its_limits_and_both_ways_of_paging() {
        let capabilities = Capabilities {
            bulk_max_operations: 1000,
            bulk_max_payload: 1 << 20,
            max_results: 500,
            default_page: 100,
            change_password: false,
        };
        let config = service_provider_config(BASE, &capabilities);
        assert_eq!(config["bulk"]["maxOperations"], 1000);
        assert_eq!(config["pagination"]["cursor"], true);
        assert_eq!(config["changePassword"]["supported"], false);
        assert_eq!(config["authenticationSchemes"].as_array().unwrap().len(), 2);
    }

    /// Every name in an answer is an attribute of its schema, or a common one.
    fn named(attributes: &[Attribute], value: &Value, at: &str) {
        match value {
            Value::Array(values) => values.iter().for_each(|value| named(attributes, value, at)),
            Value::Object(object) => {
                for (name, value) in object {
                    let common =
                        at.is_empty() && ["schemas", "id", "meta"].contains(&name.as_str());
                    let found = attributes.iter().find(|attribute| attribute.name == name);
                    assert!(common || found.is_some(), "{at}.{name}");
                    if let Some(attribute) =
                        found.filter(|attribute| attribute.kind == Kind::Complex)
                    {
                        named(attribute.sub, value, &format!("{at}.{name}"));
                    }
                }
            }
            _ => {}
        }
    }

    #[test]
    fn what_is_answered_is_in_the_schemas_that_are_answered() {
        let capabilities = Capabilities {
            bulk_max_operations: 1,
            bulk_max_payload: 1,
            max_results: 1,
            default_page: 1,
            change_password: true,
        };
        named(
            service::SERVICE_PROVIDER_CONFIG.attributes,
            &service_provider_config(BASE, &capabilities),
            "",
        );
        named(
            service::RESOURCE_TYPE.attributes,
            &resource_types(BASE)["Resources"][0],
            "",
        );
        named(
            service::SCHEMA.attributes,
            &schema(BASE, crate::scim::USER_URN).unwrap(),
            "",
        );
        named(
            service::SCHEMA.attributes,
            &schema(BASE, service::RESOURCE_TYPE.id).unwrap(),
            "",
        );
    }
}
