//! Every door of the daemon, what it answers to whom, and the clothes in which somebody might pass it.

use std::collections::BTreeSet;

/// A path and what it answers to a GET, POST, PUT, PATCH and DELETE without a body.
pub(super) struct Door {
    pub(super) path: &'static str,
    /// The route as the router spells it.
    pub(super) route: &'static str,
    /// By methods: what nobody, a SCIM, a status and a manage token are answered.
    pub(super) answers: &'static [(&'static str, [u16; 4])],
    /// What every other method is answered, by the same four.
    pub(super) others: [u16; 4],
}

const SCIM: [u16; 4] = [401, 405, 401, 401];
const REST: [u16; 4] = [405; 4];

const fn door(
    route: &'static str,
    path: &'static str,
    answers: &'static [(&'static str, [u16; 4])],
    others: [u16; 4],
) -> Door {
    Door {
        path,
        route,
        answers,
        others,
    }
}

pub(super) const DOORS: &[Door] = &[
    door(
        "",
        "/scim/v2/Users",
        &[
            ("GET", [401, 200, 401, 401]),
            ("POST", [401, 400, 401, 401]),
        ],
        SCIM,
    ),
    door(
        "",
        "/scim/v2/Groups",
        &[
            ("GET", [401, 200, 401, 401]),
            ("POST", [401, 400, 401, 401]),
        ],
        SCIM,
    ),
    door(
        "",
        "/scim/v2/Users/0190aaaa-0000-7000-8000-000000000000",
        &[
            ("GET", [401, 404, 401, 401]),
            ("PUT", [401, 400, 401, 401]),
            ("PATCH", [401, 400, 401, 401]),
            ("DELETE", [401, 404, 401, 401]),
        ],
        SCIM,
    ),
    door(
        "",
        "/scim/v2/Groups/0190aaaa-0000-7000-8000-000000000000",
        &[
            ("GET", [401, 404, 401, 401]),
            ("PUT", [401, 400, 401, 401]),
            ("PATCH", [401, 400, 401, 401]),
            ("DELETE", [401, 404, 401, 401]),
        ],
        SCIM,
    ),
    door(
        "",
        "/scim/v2/.search",
        &[("POST", [401, 400, 401, 401])],
        SCIM,
    ),
    door(
        "",
        "/scim/v2/Users/.search",
        &[("POST", [401, 400, 401, 401])],
        SCIM,
    ),
    door(
        "",
        "/scim/v2/Groups/.search",
        &[("POST", [401, 400, 401, 401])],
        SCIM,
    ),
    door("", "/scim/v2/Bulk", &[("POST", [401, 400, 401, 401])], SCIM),
    door("", "/scim/v2/Me", &[], [401, 501, 401, 401]),
    door(
        "",
        "/scim/v2/ResourceTypes",
        &[("GET", [401, 200, 401, 401])],
        SCIM,
    ),
    door(
        "",
        "/scim/v2/ResourceTypes/User",
        &[("GET", [401, 200, 401, 401])],
        SCIM,
    ),
    door(
        "",
        "/scim/v2/Schemas",
        &[("GET", [401, 200, 401, 401])],
        SCIM,
    ),
    door(
        "",
        "/scim/v2/Schemas/none",
        &[("GET", [401, 404, 401, 401])],
        SCIM,
    ),
    // The one open path, and only to be read.
    door(
        "",
        "/scim/v2/ServiceProviderConfig",
        &[("GET", [200; 4])],
        SCIM,
    ),
    door("/scim/v2", "/scim/v2", &[], [401, 404, 401, 401]),
    door("/scim/v2/", "/scim/v2/", &[], [401, 404, 401, 401]),
    door(
        "/scim/v2/{*rest}",
        "/scim/v2/nothing",
        &[],
        [401, 404, 401, 401],
    ),
    door(
        "/livez",
        "/livez",
        &[("GET", [200; 4]), ("HEAD", [200; 4])],
        REST,
    ),
    door(
        "",
        "/livez?verbose",
        &[
            ("GET", [401, 403, 200, 200]),
            ("HEAD", [401, 403, 200, 200]),
        ],
        REST,
    ),
    door(
        "/readyz",
        "/readyz",
        &[("GET", [200; 4]), ("HEAD", [200; 4])],
        REST,
    ),
    door(
        "",
        "/readyz?verbose",
        &[
            ("GET", [401, 403, 200, 200]),
            ("HEAD", [401, 403, 200, 200]),
        ],
        REST,
    ),
    door(
        "/status",
        "/status",
        &[
            ("GET", [401, 403, 200, 200]),
            ("HEAD", [401, 403, 200, 200]),
        ],
        REST,
    ),
    door(
        "/metrics",
        "/metrics",
        &[
            ("GET", [401, 403, 200, 200]),
            ("HEAD", [401, 403, 200, 200]),
        ],
        REST,
    ),
    door(
        "/api/v1/runs",
        "/api/v1/runs",
        &[
            ("GET", [401, 403, 200, 200]),
            ("HEAD", [401, 403, 200, 200]),
            ("POST", [401, 403, 403, 409]),
        ],
        REST,
    ),
    door(
        "/api/v1/runs/{id}",
        "/api/v1/runs/0190aaaa-0000-7000-8000-000000000000",
        &[
            ("GET", [401, 403, 404, 404]),
            ("HEAD", [401, 403, 404, 404]),
        ],
        REST,
    ),
    door(
        "/api/v1/runs/{id}/changes",
        "/api/v1/runs/0190aaaa-0000-7000-8000-000000000000/changes",
        &[
            ("GET", [401, 403, 404, 404]),
            ("HEAD", [401, 403, 404, 404]),
        ],
        REST,
    ),
    door(
        "/api/v1/runs/{id}/approve",
        "/api/v1/runs/0190aaaa-0000-7000-8000-000000000000/approve",
        &[("POST", [401, 403, 403, 404])],
        REST,
    ),
    door(
        "/api/v1/runs/{id}/reject",
        "/api/v1/runs/0190aaaa-0000-7000-8000-000000000000/reject",
        &[("POST", [401, 403, 403, 404])],
        REST,
    ),
    door(
        "/api/v1/run-requests/{id}",
        "/api/v1/run-requests/0190aaaa",
        &[
            ("GET", [401, 403, 404, 404]),
            ("HEAD", [401, 403, 404, 404]),
        ],
        REST,
    ),
    door(
        "/api/v1/okta/preview",
        "/api/v1/okta/preview",
        &[
            ("GET", [401, 403, 403, 200]),
            ("HEAD", [401, 403, 403, 200]),
        ],
        REST,
    ),
    door(
        "/api/v1/groups",
        "/api/v1/groups",
        &[
            ("GET", [401, 403, 403, 200]),
            ("HEAD", [401, 403, 403, 200]),
        ],
        REST,
    ),
    door(
        "/api/v1/scim-requests",
        "/api/v1/scim-requests",
        &[
            ("GET", [401, 403, 403, 200]),
            ("HEAD", [401, 403, 403, 200]),
        ],
        REST,
    ),
    // Whoever holds a token of ours has no say here: only Okta's own secret opens it.
    door(
        "/okta/events",
        "/okta/events",
        &[("GET", [401; 4]), ("HEAD", [401; 4]), ("POST", [401; 4])],
        REST,
    ),
    door("", "/", &[], [404; 4]),
    door("", "/nothing", &[], [404; 4]),
    door("", "/v3/users", &[], [404; 4]),
];

/// The paths that the routers name in their source.
pub(super) fn routes() -> BTreeSet<&'static str> {
    let sources = [
        include_str!("../../../src/http/api/mod.rs"),
        include_str!("../../../src/http/hooks.rs"),
        include_str!("../../../src/http/scim/mod.rs"),
        include_str!("../../../src/http/mod.rs"),
    ];
    let calls = sources
        .iter()
        .flat_map(|source| source.split(".route(").skip(1));
    calls.map(|call| call.split('"').nth(1).unwrap()).collect()
}

/// A path in the clothes it might pass a check in.
pub(super) fn disguises(path: &str) -> Vec<String> {
    let (path, query) = path
        .split_once('?')
        .map_or((path, String::new()), |(path, query)| {
            (path, format!("?{query}"))
        });
    let (front, last) = path.rsplit_once('/').unwrap();
    let first = path[1..].split('/').next().unwrap();
    let encoded = |c: char| format!("%{:02X}", u32::from(c));
    let mut all = vec![
        path.to_owned(),
        format!("{path}/"),
        format!("{path}//"),
        format!("{path}/."),
        format!("{path}/.."),
        format!("{path}/%2e"),
        format!("{path};x"),
        format!("{path};a=b"),
        format!("{path}%20"),
        format!("{path}%00"),
        format!("{path}%0d%0a"),
        format!("{path}%2F"),
        format!("{path}%2f"),
        format!("{path}%3f"),
        format!("{path}.json"),
        format!("{path}%23"),
        format!("/{path}"),
        format!("//{path}"),
        format!("/.{path}"),
        format!("/./{}", &path[1..]),
        format!("/x/..{path}"),
        format!("/%2e{path}"),
        format!("/%2e%2e{path}"),
        format!("/livez/..{path}"),
        format!("/livez/%2e%2e{path}"),
        format!("/livez{path}"),
        format!("/scim/v2/ServiceProviderConfig/..{path}"),
        format!("/scim/v2/ServiceProviderConfig{path}"),
        format!("/scim/v2/ServiceProviderConfig%2f..{path}"),
        path.to_uppercase(),
        path.to_lowercase(),
        path.replace('/', "//"),
        path.replace('/', "/./"),
        format!("/{}", path[1..].replace('/', "%2F")),
        format!("/{}", path[1..].replace('/', "%2f")),
        format!("/{}", path[1..].replace('/', "%252f")),
        format!("/{}", path[1..].replace('/', "\\")),
        format!("/{}", path[1..].replace('/', "%5c")),
        format!("{front}//{last}"),
        format!("{front}/%2e/{last}"),
        format!("{front};/{last}"),
        format!("{front}/{last}?ServiceProviderConfig"),
    ];
    // The first letter of each segment, and all of the path, by its number.
    if let Some(letter) = last.chars().next() {
        all.push(format!(
            "{front}/{}{}",
            encoded(letter),
            &last[letter.len_utf8()..]
        ));
    }
    if let Some(letter) = first.chars().next() {
        all.push(path.replacen(
            first,
            &format!("{}{}", encoded(letter), &first[letter.len_utf8()..]),
            1,
        ));
    }
    all.push(
        path.chars()
            .map(|c| if c == '/' { "/".to_owned() } else { encoded(c) })
            .collect(),
    );
    all.into_iter()
        .map(|path| format!("{path}{query}"))
        .collect()
}
