//! A filter means the same as SQL on both engines and on JSON.

use std::collections::BTreeMap;

use rosterd::model::fold::fold;
use rosterd::model::random::SeededRandom;
use rosterd::scim::filter;
use rosterd::scim::{ResourceType, ScimType, schema};
use rosterd::service::Error;
use serde_json::Value;

use super::world::{Dice, build, ids, list};
use crate::support::stores::on_each_store;

/// Every path of the schemas that may stand in a filter, qualified or not.
fn paths(resource: ResourceType) -> Vec<String> {
    let mut paths = Vec::new();
    let extensions = resource
        .extensions()
        .iter()
        .map(|schema| (Some(schema.id), schema.attributes));
    let own = [(None, schema::COMMON), (None, resource.schema().attributes)];
    for (urn, attributes) in own.into_iter().chain(extensions) {
        for attribute in attributes {
            let name = match urn {
                Some(urn) => format!("{urn}:{}", attribute.name),
                None => attribute.name.to_owned(),
            };
            for sub in attribute.sub {
                paths.push(format!("{name}.{}", sub.name));
            }
            paths.push(name);
        }
    }
    paths.push(format!("{}:displayName", resource.urn()));
    paths
}

/// The strings that stand at a path of any resource, by its names as they are written in filters.
struct Known(BTreeMap<String, Vec<String>>);

impl Known {
    fn of(resources: &[Value]) -> Self {
        let mut known = Self(BTreeMap::new());
        for resource in resources {
            known.walk("", resource);
        }
        known
    }

    fn walk(&mut self, path: &str, value: &Value) {
        match value {
            Value::String(text) if !text.is_empty() => {
                for name in [path, path.rsplit('.').next().unwrap_or(path), ""] {
                    self.0
                        .entry(name.to_owned())
                        .or_default()
                        .push(text.clone());
                }
                if let Some(complex) = path.strip_suffix(".value") {
                    self.0
                        .entry(complex.to_owned())
                        .or_default()
                        .push(text.clone());
                }
            }
            Value::Array(values) => values.iter().for_each(|value| self.walk(path, value)),
            Value::Object(object) => {
                for (name, value) in object {
                    let joint = if path.is_empty() {
                        ""
                    } else if path.starts_with("urn:") && path.ends_with(":User") {
                        ":"
                    } else {
                        "."
                    };
                    self.walk(&format!("{path}{joint}{name}"), value);
                }
            }
            _ => {}
        }
    }

    fn at(&self, dice: &Dice, path: &str) -> String {
        let texts = self.0.get(path).or_else(|| self.0.get("")).unwrap();
        dice.pick::<String>(texts).clone()
    }
}

fn literal(dice: &Dice, path: &str, known: &Known) -> String {
    match dice.below(12) {
        0 => "true".to_owned(),
        1 => "false".to_owned(),
        2 => "null".to_owned(),
        3 => "\"\"".to_owned(),
        4 | 5 => {
            let from = known.at(dice, path);
            let chars: Vec<char> = from.chars().collect();
            let start = dice.below(chars.len());
            let end = start + 1 + dice.below(chars.len() - start);
            Value::from(chars[start..end].iter().collect::<String>()).to_string()
        }
        6 => Value::from(dice.text()).to_string(),
        _ => Value::from(known.at(dice, path)).to_string(),
    }
}

fn term(dice: &Dice, path: &str, known: &Known) -> String {
    let op = *dice.pick(&[
        "eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le", "pr", "eq",
    ]);
    match op {
        "pr" => format!("{path} pr"),
        op => format!("{path} {op} {}", literal(dice, path, known)),
    }
}

fn expression(
    dice: &Dice,
    resource: ResourceType,
    paths: &[String],
    known: &Known,
    depth: usize,
) -> String {
    let inner = |dice: &Dice| expression(dice, resource, paths, known, depth - 1);
    match dice.below(if depth == 0 { 3 } else { 8 }) {
        0 | 1 => term(dice, dice.pick::<String>(paths), known),
        2 => {
            let attributes: Vec<_> = resource
                .schema()
                .attributes
                .iter()
                .filter(|attribute| !attribute.sub.is_empty())
                .collect();
            let attribute = dice.pick(&attributes);
            let one = term(dice, dice.pick(attribute.sub).name, known);
            let two = term(dice, dice.pick(attribute.sub).name, known);
            let joined = match dice.below(4) {
                0 => one,
                1 => format!("{one} and {two}"),
                2 => format!("{one} or not ({two})"),
                _ => format!("not ({one}) and {two}"),
            };
            format!("{}[{joined}]", attribute.name)
        }
        3 | 4 => format!("({} and {})", inner(dice), inner(dice)),
        5 | 6 => format!("({} or {})", inner(dice), inner(dice)),
        _ => format!("not ({})", inner(dice)),
    }
}

on_each_store! {
    async fn a_filter_means_in_sql_what_it_means_on_json(store) {
        let service = build(&store, 11, 40).await;
        for resource in [ResourceType::User, ResourceType::Group] {
            let paths = paths(resource);
            // By name, for what is returned only on request.
            let names = paths.join(",");
            let all = list(&service, resource, &[("count", "1000"), ("attributes", &names)]).await.unwrap();
            let resources = all["Resources"].as_array().unwrap();
            assert!(resources.len() > 10);
            let known = Known::of(resources);
            let dice = Dice(SeededRandom::new(3));
            let (mut hits, mut tried) = (0, 0);
            while tried < 500 {
                let text = expression(&dice, resource, &paths, &known, 2);
                let Ok(filter) = filter::parse(&text) else { continue };
                if filter::check(resource, &filter).is_err() {
                    continue;
                }
                tried += 1;
                let expected: Vec<&str> = resources
                    .iter()
                    .filter(|value| filter::matches(resource, value, &filter, fold))
                    .map(|value| value["id"].as_str().unwrap())
                    .collect();
                hits += usize::from(!expected.is_empty() && expected.len() < resources.len());
                let found = list(&service, resource, &[("filter", &text), ("count", "1000")])
                    .await
                    .unwrap_or_else(|error| panic!("{text}: {error:?}"));
                assert_eq!(ids(&found), expected, "{text}");
                assert_eq!(found["totalResults"], expected.len(), "{text}");
            }
            assert!(hits > 125, "only {hits} of {tried} filters told resources apart");
        }
    }

    async fn trust_13_a_filter_that_is_not_understood_is_400_and_never_a_list(store) {
        let service = build(&store, 1, 3).await;
        for text in [
            "userName", "userName eq", "userName xx \"a\"", "unknown eq \"a\"", "userName eq \"a\" and",
            "userName eq \"a\" and unknown eq \"b\"", "password eq \"a\"", "urn:example:no:name eq \"a\"",
            "name eq \"a\"", "active gt true", "meta.created gt \"yesterday\"", "userName[value eq \"a\"]",
            "emails[unknown eq \"a\"]", "(userName eq \"a\"", "userName eq 'a'",
        ] {
            match list(&service, ResourceType::User, &[("filter", text)]).await {
                Err(Error::Scim(error)) => {
                    assert_eq!((error.status, error.scim_type), (400, Some(ScimType::InvalidFilter)), "{text}");
                }
                other => panic!("{text}: {other:?}"),
            }
        }
    }

    async fn trust_20_a_filter_of_a_million_terms_or_levels_is_400(store) {
        let service = build(&store, 1, 3).await;
        let deep = format!("{}userName pr{}", "(".repeat(1_000_000), ")".repeat(1_000_000));
        let nots = format!("{}userName pr", "not (".repeat(1_000_000));
        let long = vec!["userName pr"; 1_000_000].join(" or ");
        for text in [deep, nots, long] {
            let refused = list(&service, ResourceType::User, &[("filter", &text)]).await;
            assert!(matches!(refused, Err(Error::Scim(error)) if error.scim_type == Some(ScimType::InvalidFilter)));
        }
        let many = vec!["displayName eq \"a\""; filter::Limits::LIST.terms].join(" or ");
        list(&service, ResourceType::User, &[("filter", &many)]).await.unwrap();
    }

    async fn the_lookup_by_user_name_finds_by_fold_and_shows_as_sent(store) {
        let service = build(&store, 5, 12).await;
        let all = list(&service, ResourceType::User, &[]).await.unwrap();
        for user in all["Resources"].as_array().unwrap() {
            let name = user["userName"].as_str().unwrap();
            for asked in [name.to_owned(), name.to_uppercase(), format!(" {name} ")] {
                let filter = format!("userName eq {}", Value::from(asked));
                let pairs = [("filter", filter.as_str()), ("startIndex", "1"), ("count", "100")];
                let found = list(&service, ResourceType::User, &pairs).await.unwrap();
                assert_eq!(found["Resources"][0], *user);
                assert_eq!((&found["totalResults"], &found["itemsPerPage"]), (&1.into(), &1.into()));
            }
        }
        let none = list(&service, ResourceType::User, &[("filter", "userName eq \"nobody@x\"")]).await.unwrap();
        assert_eq!((&none["totalResults"], &none["Resources"]), (&0.into(), &Value::Array(Vec::new())));
    }
}
