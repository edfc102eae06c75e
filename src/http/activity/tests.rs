#![expect(clippy::unwrap_used, reason = "tests")]

use std::io;

use futures_util::FutureExt as _;
use http_body_util::BodyExt as _;

use super::*;

const LIMITS: Limits = Limits {
    head: Duration::from_secs(10),
    unread: Duration::from_secs(30),
    idle: Duration::from_secs(75),
};

fn long(activity: &Arc<Activity>, parts: usize) -> Body {
    activity.watch(Body::from(vec![0; parts * PART]))
}

fn is_unread(due: Option<(Overdue, Instant)>) -> bool {
    matches!(due, Some((Overdue::Unread, _)))
}

#[tokio::test]
async fn what_else_is_asked_gives_an_answer_that_nobody_reads_no_more_time() {
    let activity = Activity::begin();
    let _unread = long(&activity, 2);
    let due = activity.due(LIMITS);
    assert!(is_unread(due));
    let working = activity.work();
    assert_eq!(activity.due(LIMITS), due);
    drop(working);
    let mut read = long(&activity, 4);
    for _ in 0..4 {
        read.frame().await.unwrap().unwrap();
        assert_eq!(activity.due(LIMITS), due);
    }
    assert!(read.frame().await.is_none());
    drop(read);
    assert_eq!(activity.due(LIMITS), due);
}

#[tokio::test]
async fn the_time_it_takes_to_make_a_part_is_ours_and_has_an_end() {
    let activity = Activity::begin();
    let never = futures_util::stream::pending::<Result<Bytes, io::Error>>();
    let mut body = activity.watch(Body::from_stream(never));
    assert!(is_unread(activity.due(LIMITS)));
    assert!(body.frame().now_or_never().is_none());
    assert!(matches!(activity.due(LIMITS), Some((Overdue::Unmade, _))));
    drop(body);
    assert!(matches!(activity.due(LIMITS), Some((Overdue::Head, _))));
}

#[test]
fn who_reads_part_after_part_as_late_as_can_be_is_late_in_the_end() {
    let begun = Instant::now();
    let after = |seconds| begun + Duration::from_secs(seconds);
    let mut slow = Sending::begin(begun);
    assert_eq!(slow.due(LIMITS.unread), (Overdue::Unread, after(30)));
    slow.ask(after(29));
    assert_eq!(slow.due(LIMITS.unread), (Overdue::Unmade, after(29 + 60)));
    slow.give(after(40));
    // Of thirty seconds one is left, and there is one for the part.
    assert_eq!(slow.due(LIMITS.unread), (Overdue::Unread, after(42)));

    let mut steady = Sending::begin(begun);
    for second in 1..=1_000 {
        steady.ask(after(second));
        steady.give(after(second));
    }
    assert_eq!(steady.due(LIMITS.unread), (Overdue::Unread, after(1_030)));
}
