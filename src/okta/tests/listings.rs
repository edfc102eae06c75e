//! Listings: whole, partial or gone (R8).

use super::script::{Heard, Reply, START, Script};
use crate::model::id::OktaGroupId;
use crate::model::time::{Clock as _, Timestamp};
use crate::okta::types::AppId;
use crate::okta::{
    Collected, End, Error, GroupFilter, PageSizes, Patience, Settings, Step, UserFilter,
};

fn group() -> OktaGroupId {
    OktaGroupId::parse("00g1").unwrap()
}

fn members(ids: &[u32]) -> String {
    let rows: Vec<String> = ids
        .iter()
        .map(|id| format!(r#"{{"id":"00u{id}","status":"ACTIVE","profile":{{}}}}"#))
        .collect();
    format!("[{}]", rows.join(","))
}

/// A page whose cursor is `after`, with `next` leading to `next`.
fn page(heard: &Heard, ids: &[u32], next: Option<&str>) -> Reply {
    let reply = Reply::ok(members(ids)).with(
        "link",
        format!(r#"<{}{}>; rel="self""#, heard.base, heard.target),
    );
    match next {
        Some(next) => reply.next(format!(
            "{}/api/v1/groups/00g1/users?after={next}&limit=2",
            heard.base
        )),
        None => reply,
    }
}

fn cursor(heard: &Heard) -> &str {
    heard
        .target
        .split_once("after=")
        .map_or("", |(_, rest)| rest.split('&').next().unwrap())
}

async fn list(
    answer: impl Fn(&Heard) -> Reply + Send + Sync + 'static,
) -> (Script, Vec<String>, End) {
    let script = Script::start(answer).await;
    let Collected { items, end } = script.client().group_members(&group()).collect().await;
    (
        script,
        items
            .into_iter()
            .map(|member| member.id.to_string())
            .collect(),
        end,
    )
}

fn partial(end: &End) -> &Error {
    match end {
        End::Partial { why } => why,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn r8_a_listing_is_whole_when_every_page_came() {
    let (script, ids, end) = list(|heard| match cursor(heard) {
        "" => page(heard, &[1, 2], Some("00u2%2Cx%3D%3D")),
        "00u2%2Cx%3D%3D" => page(heard, &[3, 4], Some("4")),
        _ => page(heard, &[5], None),
    })
    .await;
    assert_eq!(ids, ["00u1", "00u2", "00u3", "00u4", "00u5"]);
    assert!(
        matches!(end, End::Whole { since, pages: 3 } if since.read_at.as_millis() == START * 1000),
        "{end:?}"
    );
    let expected = [
        "/api/v1/groups/00g1/users?limit=1000",
        "/api/v1/groups/00g1/users?after=00u2%2Cx%3D%3D&limit=2",
        "/api/v1/groups/00g1/users?after=4&limit=2",
    ];
    assert_eq!(script.targets(), expected, "next is followed to the letter");
}

#[tokio::test]
async fn r8_an_empty_listing_is_whole_and_a_missing_group_is_gone() {
    let (_, ids, end) = list(|heard| page(heard, &[], None)).await;
    assert!(ids.is_empty() && matches!(end, End::Whole { pages: 1, .. }));
    let (_, _, end) = list(|_| Reply::error(404, "E0000007")).await;
    assert!(matches!(end, End::Gone { .. }), "{end:?}");
}

#[tokio::test]
async fn r8_a_group_that_goes_in_the_middle_is_unknown() {
    let (_, _, end) = list(|heard| match cursor(heard) {
        "" => page(heard, &[1], Some("1")),
        _ => Reply::error(404, "E0000007"),
    })
    .await;
    assert!(matches!(partial(&end), Error::NotFound { .. }));
}

#[tokio::test]
async fn r8_r16_a_wrong_app_id_leaves_the_population_unknown() {
    let script = Script::start(|_| Reply::error(404, "E0000007")).await;
    let app = AppId::parse("0oaWrong").unwrap();
    assert!(matches!(
        partial(&script.client().app_users(&app).collect().await.end),
        Error::NotFound { .. }
    ));
    assert!(matches!(
        partial(&script.client().push_mappings(&app).collect().await.end),
        Error::NotFound { .. }
    ));
}

#[tokio::test]
async fn r8_a_403_on_a_later_page_leaves_the_listing_partial() {
    let (_, ids, end) = list(|heard| match cursor(heard) {
        "" => page(heard, &[1, 2], Some("2")),
        _ => Reply::error(403, "E0000006"),
    })
    .await;
    assert_eq!(ids, ["00u1", "00u2"]);
    assert!(matches!(partial(&end), Error::Forbidden { .. }));
}

#[tokio::test]
async fn r8_a_next_to_another_host_is_not_asked_and_the_listing_partial() {
    let elsewhere = Script::start(|_| Reply::ok("[]")).await;
    let to = elsewhere.base.clone();
    let (_, ids, end) = list(move |heard| {
        page(heard, &[1], None).next(format!("{to}/api/v1/groups/00g1/users?after=1"))
    })
    .await;
    assert_eq!(ids, ["00u1"]);
    assert!(matches!(partial(&end), Error::ForeignHost { .. }));
    assert!(elsewhere.heard().is_empty());
}

#[tokio::test]
async fn r8_a_repeated_page_is_not_whole() {
    // The same next again, a loop of two, and another cursor with the same rows.
    let (script, _, end) = list(|heard| page(heard, &[1], Some("1"))).await;
    assert!(
        matches!(partial(&end), Error::Repeated { page: 2, .. }),
        "{end:?}"
    );
    assert_eq!(script.heard().len(), 2);

    let (_, _, end) = list(|heard| match cursor(heard) {
        "1" => page(heard, &[2], Some("2")),
        "2" => page(heard, &[3], Some("1")),
        _ => page(heard, &[1], Some("1")),
    })
    .await;
    assert!(
        matches!(partial(&end), Error::Repeated { page: 3, .. }),
        "{end:?}"
    );

    let (_, _, end) = list(|heard| match cursor(heard) {
        "" => page(heard, &[1, 2], Some("1")),
        "1" => page(heard, &[1, 2], Some("2")),
        _ => page(heard, &[3], None),
    })
    .await;
    assert!(
        matches!(partial(&end), Error::Repeated { page: 2, .. }),
        "{end:?}"
    );
}

#[tokio::test]
async fn r8_a_cut_off_page_is_not_whole() {
    let (_, ids, end) = list(|heard| match cursor(heard) {
        "" => page(heard, &[1], Some("1")),
        _ => Reply::ok(&members(&[2, 3])[..40]),
    })
    .await;
    assert_eq!(ids, ["00u1"]);
    assert!(
        partial(&end).to_string().contains("cut off after 40 bytes"),
        "{end:?}"
    );

    let (script, _, end) = list(|heard| page(heard, &[1, 2], None).broken_off()).await;
    assert!(
        matches!(partial(&end), Error::Unavailable { why, .. } if why.contains("broke off")),
        "{end:?}"
    );
    assert_eq!(script.heard().len(), 5);
}

#[tokio::test]
async fn a_500_on_the_first_page_asks_for_half_and_nobody_notices() {
    let (script, ids, end) = list(|heard| {
        if heard.target.contains("limit=1000") || heard.target.contains("limit=500") {
            return Reply::error(500, "E0000009");
        }
        page(heard, &[1], None)
    })
    .await;
    assert_eq!(ids, ["00u1"]);
    assert!(matches!(end, End::Whole { pages: 1, .. }));
    assert_eq!(
        script.targets().last().unwrap(),
        "/api/v1/groups/00g1/users?limit=250"
    );
    assert_eq!(script.waits().len(), 2);
}

#[tokio::test]
async fn r8_a_500_on_a_later_page_starts_the_listing_anew_with_half() {
    let script = Script::start(
        |heard| match (cursor(heard), heard.target.contains("limit=500")) {
            ("", false) => Reply::ok(members(&[1, 2])).next(format!(
                "{}/api/v1/groups/00g1/users?after=big&limit=1000",
                heard.base
            )),
            ("", true) => Reply::ok(members(&[1])).next(format!(
                "{}/api/v1/groups/00g1/users?after=small&limit=500",
                heard.base
            )),
            ("big", _) => Reply::error(500, "E0000009"),
            _ => Reply::ok(members(&[3])),
        },
    )
    .await;
    let mut listing = script.client().group_members(&group());
    assert!(matches!(listing.next_page().await, Step::Page(page) if page.items.len() == 2));
    assert!(matches!(listing.next_page().await, Step::Restart));
    let before = script.clock.now();
    assert!(
        matches!(listing.next_page().await, Step::Page(page) if page.items.len() == 1 && page.at.read_at == before)
    );
    assert!(
        matches!(listing.next_page().await, Step::Page(page) if page.items[0].id.as_str() == "00u3")
    );
    let Step::End(End::Whole { since, pages: 2 }) = listing.next_page().await else {
        panic!("whole")
    };
    assert_eq!(
        since.read_at, before,
        "absence counts from the start that was whole"
    );
    assert!(
        matches!(listing.next_page().await, Step::End(End::Whole { .. })),
        "the end stays"
    );
    let big = script
        .targets()
        .iter()
        .filter(|target| target.contains("after=big"))
        .count();
    assert_eq!(big, 2, "a later page is tried once more first");
}

#[tokio::test]
async fn a_passing_500_in_the_middle_costs_one_request() {
    let script = Script::start(|heard| match (cursor(heard), heard.number) {
        ("", _) => page(heard, &[1], Some("1")),
        (_, 1) => Reply::error(500, "E0000009"),
        _ => page(heard, &[2], None),
    })
    .await;
    let collected = script.client().group_members(&group()).collect().await;
    assert_eq!(collected.items.len(), 2);
    assert!(matches!(collected.end, End::Whole { pages: 2, .. }));
    assert_eq!(script.heard().len(), 3);
}

#[tokio::test]
async fn a_500_that_stays_ends_the_listing_partial() {
    let (script, _, end) = list(|_| Reply::error(500, "E0000009")).await;
    assert!(matches!(partial(&end), Error::Unavailable { .. }));
    assert!(script.heard().len() < 20, "{}", script.heard().len());
}

#[tokio::test]
async fn what_is_listed_is_asked_for_as_okta_documents() {
    let script = Script::start(|_| Reply::ok("[]")).await;
    let pages = PageSizes {
        groups: 7,
        ..PageSizes::default()
    };
    let client = script.client_with(Settings {
        pages,
        ..script.settings()
    });
    let at = Timestamp::from_millis(START * 1000);
    client.list_groups(GroupFilter::All).collect().await;
    client
        .list_groups(GroupFilter::ChangedSince(at))
        .collect()
        .await;
    client.list_users(UserFilter::All).collect().await;
    client
        .list_users(UserFilter::ChangedSince(at))
        .collect()
        .await;
    let app = AppId::parse("0oa1").unwrap();
    client.app_users(&app).collect().await;
    client.push_mappings(&app).collect().await;
    let targets: Vec<String> = script
        .targets()
        .iter()
        .map(|target| {
            percent_encoding::percent_decode_str(target)
                .decode_utf8()
                .unwrap()
                .into_owned()
        })
        .collect();
    let fields = "fields=id,status,transitioningToStatus,statusChanged,lastUpdated,profile:(login,email,firstName,lastName,displayName)";
    let expected = [
        "/api/v1/groups?limit=7".to_owned(),
        r#"/api/v1/groups?filter=lastUpdated gt "2026-11-23T10:00:00.000Z" or lastMembershipUpdated gt "2026-11-23T10:00:00.000Z"&limit=7"#
            .to_owned(),
        format!(r#"/api/v1/users?filter=lastUpdated gt "1970-01-01T00:00:00.000Z"&{fields}&limit=200"#),
        format!(r#"/api/v1/users?filter=lastUpdated gt "2026-11-23T10:00:00.000Z"&{fields}&limit=200"#),
        "/api/v1/apps/0oa1/users?limit=500".to_owned(),
        "/api/v1/apps/0oa1/group-push/mappings?limit=1000".to_owned(),
    ];
    assert_eq!(targets, expected);
}

#[tokio::test]
async fn a_500_to_everything_opens_the_circuit_for_listings_too() {
    let script = Script::start(|_| Reply::error(500, "E0000009")).await;
    let client = script.client();
    client.group_members(&group()).collect().await;
    assert!(client.status().is_open());
    let before = script.heard().len();
    let end = client.group_members(&group()).collect().await.end;
    assert!(matches!(partial(&end), Error::Unavailable { .. }));
    assert_eq!(script.heard().len(), before + 1);
}

#[tokio::test]
async fn one_attempt_means_one_for_a_listing_too() {
    let script = Script::start(|_| Reply::error(500, "E0000009")).await;
    let client = script.client().with_patience(Patience::once());
    partial(&client.group_members(&group()).collect().await.end);
    assert_eq!((script.heard().len(), script.waits().len()), (1, 0));
}

#[tokio::test]
async fn a_watermark_is_from_before_the_request_however_long_the_answer_took() {
    // Okta's clock is 100 s ahead of ours; it looked at its groups some time in the 40 s that its answer took.
    let script = Script::start(|_| {
        Reply::ok("[]")
            .with("date", "Mon, 23 Nov 2026 10:02:20 GMT")
            .taking(40_000)
    })
    .await;
    let Collected { end, .. } = script
        .client()
        .list_groups(GroupFilter::All)
        .collect()
        .await;
    let End::Whole { since, .. } = end else {
        panic!("{end:?}")
    };
    assert_eq!(since.read_at.as_millis(), START * 1000);
    assert_eq!(
        since.okta_at.map(Timestamp::as_millis),
        Some((START + 100) * 1000)
    );
}
