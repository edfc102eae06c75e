#![expect(clippy::unwrap_used, reason = "tests")]

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::scim::{ResourceType, ScimType};

fn fold(text: &str) -> String {
    text.to_lowercase()
}

fn refused(text: &str) -> ScimError {
    let error = parse(text).unwrap_err();
    assert_eq!(
        (error.status, error.scim_type),
        (400, Some(ScimType::InvalidFilter))
    );
    error
}

fn user() -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "id": "2819c223",
        "externalId": "00uAbc",
        "userName": "Mira@Example.test",
        "name": {"familyName": "O'Malley", "givenName": "Mira"},
        "active": true,
        "title": "",
        "emails": [
            {"value": "mira@work.test", "type": "work", "primary": true},
            {"value": "mira@home.test", "type": "home"}
        ],
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {"department": "R&D", "manager": {"value": "7"}},
        "urn:example:custom:2.0:User": {"Level": 3},
        "meta": {"resourceType": "User", "created": "2026-01-02T03:04:05Z", "lastModified": "2026-05-13T04:42:34.5Z"}
    })
}

#[test]
fn the_examples_of_the_rfc_are_read_and_written_back() {
    for text in [
        r#"userName eq "bjensen""#,
        r#"name.familyName co "O'Malley""#,
        r#"userName sw "J""#,
        r#"urn:ietf:params:scim:schemas:core:2.0:User:userName sw "J""#,
        "title pr",
        r#"meta.lastModified gt "2011-05-13T04:42:34Z""#,
        r#"meta.lastModified le "2011-05-13T04:42:34Z""#,
        r#"title pr and userType eq "Employee""#,
        r#"title pr or userType eq "Intern""#,
        r#"schemas eq "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User""#,
        r#"userType eq "Employee" and (emails co "example.com" or emails.value co "example.org")"#,
        r#"userType ne "Employee" and not (emails co "example.com" or emails.value co "example.org")"#,
        r#"userType eq "Employee" and emails[type eq "work" and value co "@example.com"]"#,
        r#"emails[type eq "work" and value co "@example.com"] or ims[type eq "xmpp" and value co "@foo.com"]"#,
    ] {
        let filter = parse(text).unwrap();
        assert_eq!(filter.to_string(), text);
        check(ResourceType::User, &filter).unwrap();
    }
}

#[test]
fn keywords_ignore_case_and_values_keep_it() {
    let filter = parse(r#"NOT(userName EQ "A and B")AND(title Pr)or active eq True"#).unwrap();
    assert_eq!(
        filter.to_string(),
        r#"not (userName eq "A and B") and title pr or active eq true"#
    );
}

#[test]
fn and_binds_tighter_than_or() {
    assert_eq!(
        parse("a pr or b pr and c pr or d pr").unwrap(),
        parse("a pr or (b pr and c pr) or d pr").unwrap()
    );
    assert_ne!(
        parse("(a pr or b pr) and c pr").unwrap(),
        parse("a pr or b pr and c pr").unwrap()
    );
    assert_eq!(
        parse("((a pr) and (b pr and (c pr)))").unwrap(),
        parse("a pr and b pr and c pr").unwrap()
    );
}

#[test]
fn a_sub_attribute_after_brackets_is_one_more_condition_inside() {
    assert_eq!(
        parse(r#"emails[type eq "work"].value co "@x""#).unwrap(),
        parse(r#"emails[type eq "work" and value co "@x"]"#).unwrap()
    );
    assert_eq!(
        parse("emails[a pr or b pr].value pr").unwrap(),
        parse("emails[(a pr or b pr) and value pr]").unwrap()
    );
}

#[test]
fn strings_are_json_strings() {
    let filter = parse(r#"a eq "q\"\\\/\u00e9\n] ) and""#).unwrap();
    assert_eq!(
        filter,
        Filter::equal(AttrPath::plain("a"), "q\"\\/é\n] ) and")
    );
}

#[test]
fn what_is_no_filter_is_refused_without_being_repeated() {
    for text in [
        "",
        " ",
        "userName",
        "userName eq",
        "userName eq secret",
        "eq \"x\"",
        "userName xx \"secret\"",
        "userName eq \"secret",
        "(a pr",
        "a pr)",
        "a pr b pr",
        "a pr and",
        "and a pr",
        "not a pr",
        "not",
        "a[b pr",
        "a[b pr]]",
        "a[]",
        "a[b[c pr]]",
        "a.b[c pr]",
        "a.b.c pr",
        "active gt true",
        "a co 1",
        "a sw null",
        "a eq 01",
        "a eq 1e999",
        "a eq 'x'",
        "a eq \"\\ud800\"",
        "a eq \"\\u0000\"",
        "a eq 99999999999999999999999",
        "a eq -",
        "a pr or",
        "a[b pr].",
        "a[b pr].c",
        "a[b pr].c.d pr",
        "é pr",
        "a eq \"x\"\u{a0}",
        "not not (a pr)",
        "()",
        "a eq {}",
        "a eq []",
    ] {
        assert!(!refused(text).detail.contains("secret"));
    }
}

#[test]
fn huge_filters_are_refused_at_once() {
    let million = 1_000_000;
    for text in [
        "(".repeat(million),
        "not(".repeat(million),
        "a[".repeat(million),
        "a pr or ".repeat(million),
        format!("{}a pr{}", "(".repeat(million), ")".repeat(million)),
        format!("a eq \"{}\"", "x".repeat(million)),
    ] {
        refused(&text);
        // Also where no limit of length stands before the parser.
        let unlimited = Limits {
            length: usize::MAX,
            ..Limits::LIST
        };
        if !text.starts_with("a eq") {
            parse_with(&text, unlimited).unwrap_err();
        }
    }
    refused(&format!("{}a pr{}", "(".repeat(33), ")".repeat(33)));
    parse(&format!("{}a pr{}", "(".repeat(32), ")".repeat(32))).unwrap();
    refused(&vec!["a pr"; 257].join(" or "));
    parse(&vec!["a pr"; 256].join(" or ")).unwrap();
}

#[test]
fn each_operator_on_a_resource() {
    let resource = user();
    let cases = [
        (r#"userName eq "mira@EXAMPLE.test""#, true),
        (r#"userName ne "mira@example.test""#, false),
        (r#"externalId eq "00uabc""#, false),
        (r#"externalId eq "00uAbc""#, true),
        (r#"name.familyName co "MALL""#, true),
        (
            r#"name.familyName sw "o'" and name.familyName ew "EY""#,
            true,
        ),
        (r#"userName gt "mira@" and userName lt "mirb""#, true),
        (r#"userName ge "n""#, false),
        ("active eq true", true),
        ("active eq false", false),
        (r#"active eq "true""#, false),
        (r#"active ne "true""#, true),
        ("title pr", false),
        ("title eq null", true),
        ("name pr and emails pr and emails.type pr", true),
        ("nickName ne \"x\"", true),
        ("nickName gt \"\"", false),
        (r#"emails eq "mira@home.test""#, true),
        (r#"emails.value ne "mira@home.test""#, false),
        (r#"emails[type eq "work" and value co "home"]"#, false),
        (r#"emails[type eq "home" and value co "home"]"#, true),
        (r#"emails[not (type eq "work")]"#, true),
        (r#"emails.type eq "work" and emails.value co "home""#, true),
        (
            r#"meta.lastModified ge "2026-05-13T06:42:34.5+02:00""#,
            true,
        ),
        (r#"meta.lastModified gt "2026-05-13T04:42:34.5Z""#, false),
        (
            r#"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department eq "r&d""#,
            true,
        ),
        (
            r#"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager eq "7""#,
            true,
        ),
        (
            r#"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value eq "7""#,
            true,
        ),
        ("urn:example:custom:2.0:User:level ge 3", true),
        ("urn:example:custom:2.0:User:level lt 2.5", false),
        (
            r#"schemas eq "urn:ietf:params:scim:schemas:core:2.0:User""#,
            true,
        ),
        (r#"not (userName pr) or id eq "2819c223""#, true),
    ];
    for (text, expected) in cases {
        assert_eq!(
            matches(ResourceType::User, &resource, &parse(text).unwrap(), fold),
            expected,
            "{text}"
        );
    }
}

#[test]
fn what_no_user_can_answer_is_an_invalid_filter() {
    for text in [
        r#"nope eq "x""#,
        r#"password eq "x""#,
        "password pr",
        r#"name eq "x""#,
        r#"active eq "true""#,
        "userName eq 1",
        r#"emails[nope eq "x"]"#,
        r#"userName[value eq "x"]"#,
        r#"meta.created gt "yesterday""#,
        r#"members eq "x""#,
        "urn:example:custom:2.0:User:level eq 3",
        r#"meta.created co "2026""#,
        r#"x509Certificates.value gt "x""#,
        r#"userName eq "a" or nope eq "x""#,
        "not (nope pr)",
    ] {
        let filter = parse(text).unwrap();
        assert_eq!(
            check(ResourceType::User, &filter).unwrap_err().scim_type,
            Some(ScimType::InvalidFilter),
            "{text}"
        );
    }
    check(
        ResourceType::Group,
        &parse(r#"members eq "x" or displayName eq null"#).unwrap(),
    )
    .unwrap();
}

fn name() -> impl Strategy<Value = String> {
    "[a-zA-Z_][a-zA-Z0-9_-]{0,4}"
}

fn path() -> impl Strategy<Value = AttrPath> {
    (
        proptest::option::of("urn:[a-z0-9:.]{0,6}[a-z]"),
        name(),
        proptest::option::of(name()),
    )
        .prop_map(|(urn, name, sub)| AttrPath { urn, name, sub })
}

fn comparison() -> impl Strategy<Value = Filter> {
    let literal = prop_oneof![
        any::<String>().prop_map(|text| Literal::String(text.replace('\0', ""))),
        any::<i64>().prop_map(|n| Literal::Number(n.into())),
        any::<f64>().prop_filter_map("finite", |n| Number::from_f64(n).map(Literal::Number)),
        any::<bool>().prop_map(Literal::Bool),
        Just(Literal::Null),
    ];
    (path(), 0..9usize, literal).prop_map(|(path, op, value)| {
        let (op, _) = CompareOp::WORDS[op];
        let op = match value {
            Literal::String(_) => op,
            _ if op == CompareOp::NotEqual => op,
            _ => CompareOp::Equal,
        };
        Filter::compare(path, op, value)
    })
}

fn tree(leaf: BoxedStrategy<Filter>) -> BoxedStrategy<Filter> {
    leaf.prop_recursive(4, 32, 4, |inner| {
        prop_oneof![
            inner
                .clone()
                .prop_map(|filter| Filter::Not(Box::new(filter))),
            proptest::collection::vec(inner.clone(), 2..4).prop_map(|parts| flat(parts, true)),
            proptest::collection::vec(inner, 2..4).prop_map(|parts| flat(parts, false)),
        ]
    })
    .boxed()
}

fn flat(parts: Vec<Filter>, and: bool) -> Filter {
    let parts = parts
        .into_iter()
        .flat_map(|part| match part {
            Filter::And(inner) if and => inner,
            Filter::Or(inner) if !and => inner,
            other => vec![other],
        })
        .collect();
    if and {
        Filter::And(parts)
    } else {
        Filter::Or(parts)
    }
}

fn any_filter() -> impl Strategy<Value = Filter> {
    let simple = prop_oneof![comparison(), path().prop_map(Filter::Present)].boxed();
    let value_path = (path(), tree(simple.clone())).prop_map(|(path, filter)| Filter::ValuePath {
        path: AttrPath { sub: None, ..path },
        filter: Box::new(filter),
    });
    tree(prop_oneof![simple, value_path].boxed())
}

proptest! {
    #[test]
    fn every_filter_is_read_back_as_it_was_written(filter in any_filter()) {
        let text = filter.to_string();
        prop_assert_eq!(parse_with(&text, Limits::PATH).unwrap(), filter, "{}", text);
    }

    #[test]
    fn never_panics(any in ".*", grammar in "(a|urn:x:|\\[|\\]|\\.|\"x\"|\"|\\\\| eq | co | pr| and | or |é|1|-|\\(|\\)|not |\\t){0,30}") {
        for text in [any, grammar] {
            if let Ok(filter) = parse(&text) {
                prop_assert_eq!(parse_with(&filter.to_string(), Limits::PATH).unwrap(), filter.clone());
                let _ = check(ResourceType::User, &filter);
                matches(ResourceType::User, &user(), &filter, fold);
            }
        }
    }

    #[test]
    fn not_is_the_opposite(filter in any_filter()) {
        let resource = user();
        let plain = matches(ResourceType::User, &resource, &filter, fold);
        prop_assert_ne!(matches(ResourceType::User, &resource, &Filter::Not(Box::new(filter)), fold), plain);
    }
}
