//! What Okta does after a failure, and what weather does to pushes.

use super::connected;
use crate::sim::org::{OktaId, Profile, SyncState};
use crate::sim::scim_client::{Dialect, Outcome, ScimHabits};
use crate::sim::weather::{Chances, Fate};
use crate::sim::{Sim, weather};

fn assigned(sim: &Sim, login: &str) -> OktaId {
    let mut org = sim.org();
    let user = org
        .create_user(Profile::new(login, "A", "B"), true)
        .unwrap();
    org.assign_user(user).unwrap();
    user
}

#[tokio::test]
async fn a_429_waits_as_told_then_doubles_and_ends_after_ten_attempts() {
    let (sim, scim, stub, clock) = connected(ScimHabits::default()).await;
    let user = assigned(&sim, "a@example.test");
    let mut waits = Vec::new();
    for _ in 0..10 {
        stub.next(429, Some("2"), "{\"detail\":\"slow down\"}");
        let before = sim.org().now();
        match &scim.run_pending().await[0].outcome {
            Outcome::Again(at) => {
                waits.push(at.since(before) / 1000);
                assert_eq!(scim.run_pending().await, [], "it waits");
                clock.advance(at.since(before));
            }
            Outcome::Failed(_) => break,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(waits, [2, 4, 8, 16, 32, 64, 128, 256, 512]);
    assert_eq!(scim.failed().len(), 1);
    assert!(matches!(
        sim.org().app_user(user).unwrap().sync,
        SyncState::Error(_)
    ));
}

#[tokio::test]
async fn a_retry_after_that_is_no_integer_means_five_minutes() {
    for retry_after in [None, Some("Mon, 23 Nov 2026 11:00:00 GMT"), Some("1.5")] {
        let (sim, scim, stub, _) = connected(ScimHabits::default()).await;
        assigned(&sim, "a@example.test");
        stub.next(429, retry_after, "");
        let now = sim.org().now();
        assert_eq!(
            scim.run_pending().await[0].outcome,
            Outcome::Again(now.plus_millis(300_000))
        );
    }
}

#[tokio::test]
async fn a_4xx_or_5xx_on_a_person_fails_until_an_admin_retries() {
    let (sim, scim, stub, clock) = connected(ScimHabits::default()).await;
    assigned(&sim, "a@example.test");
    stub.next(503, Some("1"), "{\"detail\":\"busy\"}");
    let shown = "Errors reported by remote server: busy";
    assert_eq!(
        scim.run_pending().await[0].outcome,
        Outcome::Failed(shown.to_owned())
    );
    clock.advance(86_400_000);
    assert_eq!(
        scim.run_pending().await,
        [],
        "Okta does not come back by itself"
    );
    scim.retry_failed();
    stub.next(200, None, "{\"totalResults\":0}");
    stub.next(
        409,
        None,
        "{\"scimType\":\"uniqueness\",\"detail\":\"taken\"}",
    );
    let failed = Outcome::Failed("Errors reported by remote server: taken".to_owned());
    assert_eq!(
        scim.run_pending().await[0].outcome,
        failed,
        "it does not look up again and link"
    );
    scim.retry_failed();
    assert_eq!(scim.run_pending().await[0].outcome, Outcome::Pushed);
}

#[tokio::test]
async fn an_error_that_is_no_json_is_shown_as_jackson_shows_it() {
    let (sim, scim, stub, _) = connected(ScimHabits::default()).await;
    assigned(&sim, "a@example.test");
    stub.next(502, None, "Bad Gateway");
    scim.run_pending().await;
    assert!(
        scim.last_error()
            .unwrap()
            .contains("Unrecognized token 'Bad'")
    );
    scim.retry_failed();
    stub.next(200, None, "{\"totalResults\":0}");
    stub.next(201, None, "");
    scim.run_pending().await;
    assert_eq!(
        scim.last_error().as_deref(),
        Some("Create new user returned empty user")
    );
}

#[tokio::test]
async fn a_create_is_201_and_a_put_answers_with_the_resource() {
    let (sim, scim, stub, _) = connected(ScimHabits::default()).await;
    let user = assigned(&sim, "a@example.test");
    stub.next(200, None, "{\"totalResults\":0}");
    stub.next(200, None, "{\"id\":\"Users-1\"}");
    let done = scim.run_pending().await;
    assert!(matches!(done[0].outcome, Outcome::Failed(_)), "{done:?}");
    scim.retry_failed();
    assert_eq!(scim.run_pending().await[0].outcome, Outcome::Pushed);
    let title = serde_json::Map::from_iter([("title".to_owned(), "Lead".into())]);
    sim.org().update_profile(user, &title).unwrap();
    stub.next(200, None, "{\"id\":\"Users-1\"}");
    stub.next(204, None, "");
    let done = scim.run_pending().await;
    assert!(matches!(done[0].outcome, Outcome::Failed(_)), "{done:?}");
}

#[tokio::test]
async fn some_group_pushes_are_tried_again_after_a_5xx() {
    let (sim, scim, stub, clock) = connected(ScimHabits {
        group_retries: 1,
        ..ScimHabits::default()
    })
    .await;
    let group = sim.org().create_group("G", "");
    sim.org().push_group(group).unwrap();
    stub.next(500, None, "{}");
    assert!(matches!(
        scim.run_pending().await[0].outcome,
        Outcome::Again(_)
    ));
    clock.advance(60_000);
    stub.next(500, None, "{}");
    assert!(matches!(
        scim.run_pending().await[0].outcome,
        Outcome::Failed(_)
    ));
}

#[tokio::test]
async fn weather_loses_delays_doubles_and_eats_answers() {
    let (sim, scim, stub, clock) = connected(ScimHabits::default()).await;
    for fate in [Fate::Lost, Fate::Late(5000), Fate::Twice, Fate::AnswerLost] {
        scim.weather.next(fate);
    }
    for login in [
        "lost@x.test",
        "late@x.test",
        "twice@x.test",
        "unheard@x.test",
    ] {
        assigned(&sim, login);
    }
    let done = scim.run_pending().await;
    assert_eq!(done.len(), 3, "one ran twice, one once");
    assert_eq!(
        done[2].outcome,
        Outcome::Failed("Read timed out".to_owned())
    );
    let lines = stub.lines();
    assert!(
        !lines
            .iter()
            .any(|line| line.contains("lost@x.test") || line.contains("late@x.test"))
    );
    assert_eq!(
        lines.last().unwrap(),
        "POST /Users",
        "the server did carry it out"
    );
    clock.advance(5000);
    scim.run_pending().await;
    assert!(stub.lines()[0].contains("late@x.test"));
}

#[tokio::test]
async fn a_stale_late_push_goes_out_although_the_person_left_in_between() {
    let habits = ScimHabits {
        late_pushes_are_stale: true,
        dialect: Dialect::Template,
        ..ScimHabits::default()
    };
    let (sim, scim, stub, clock) = connected(habits).await;
    scim.weather.next(Fate::Late(5000));
    let user = assigned(&sim, "a@example.test");
    scim.run_pending().await;
    sim.org().unassign_user(user).unwrap();
    scim.run_pending().await;
    clock.advance(5000);
    scim.run_pending().await;
    assert_eq!(stub.lines().last().unwrap(), "POST /Users");
}

#[test]
fn the_same_seed_makes_the_same_weather() {
    let draw = || {
        let weather = weather::Weather::new(3);
        weather.set(Chances {
            lost: 100,
            late: 200,
            twice: 100,
            answer_lost: 50,
            max_delay_ms: 9,
            shuffled: true,
        });
        let fates: Vec<Fate> = (0..100).map(|_| weather.fate()).collect();
        let mut order: Vec<usize> = (0..20).collect();
        weather.shuffle(&mut order);
        (fates, order)
    };
    let (fates, order) = draw();
    assert_eq!((fates.clone(), order.clone()), draw());
    assert!(
        fates.contains(&Fate::Lost) && fates.contains(&Fate::Twice) && fates.contains(&Fate::Plain)
    );
    assert!(order.windows(2).any(|pair| pair[0] > pair[1]));
}
