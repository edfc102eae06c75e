//! `store::group_lines`.

use rosterd::model::group::JoinedBy;
use rosterd::model::id::GroupId;
use rosterd::store::group_lines::{self, GroupLine};
use rosterd::store::{Store, groups, mirror};

use super::groups::okta_side;
use super::setup::{at, group, join, map, okta_group, read, team, write};
use crate::support::stores::on_each_store;

async fn list(store: &Store, after: i64, limit: i64) -> Vec<GroupLine> {
    read(store, async |tx| group_lines::list(tx, after, limit).await).await
}

on_each_store! {
    async fn r17_a_group_is_shown_with_both_sides(store) {
        let (pushed, listed) = (group(&store, "Pushed").await, okta_group(&store, "00g1", "Listed").await);
        let joined = group(&store, "In SCIM").await;
        write(&store, async |tx| {
            let mut both = groups::find(tx, &joined).await?.expect("a group");
            both.okta = Some(okta_side("00g2", "In Okta"));
            both.joined_by = Some(JoinedBy::Admin);
            groups::update(tx, &both, 0).await
        })
        .await;
        let (one, two) = (team(&store, "one").await, team(&store, "two").await);
        for (group, team) in [(&joined, &one), (&joined, &two), (&listed, &one)] {
            map(&store, group, team).await;
        }
        join(&store, &joined, &["00u1", "00uNobodyHere"]).await;
        store.clock.advance(5);
        write(&store, async |tx| mirror::update_members_read(tx, &joined).await).await;
        let lines = list(&store, 0, 9).await;
        assert_eq!(lines.iter().map(|line| &line.id).collect::<Vec<_>>(), [&pushed, &listed, &joined]);
        let shown = |line: &GroupLine| {
            let side = [&line.scim_name, &line.okta_id, &line.okta_type, &line.okta_name, &line.joined_by]
                .map(|text| text.clone().unwrap_or_default());
            (line.name.clone(), side.join(" "), line.members, line.members_read_at, line.mappings, line.gone)
        };
        let expected = [
            ("Pushed".to_owned(), "Pushed    ".to_owned(), 0, None, 0, false),
            ("Listed".to_owned(), " 00g1 OKTA_GROUP Listed ".to_owned(), 0, None, 1, false),
            ("In Okta".to_owned(), "In SCIM 00g2 OKTA_GROUP In Okta admin".to_owned(), 2, Some(at(5)), 2, false),
        ];
        assert_eq!(lines.iter().map(shown).collect::<Vec<_>>(), expected);
    }

    async fn r17_a_group_that_is_gone_keeps_its_name_and_no_side(store) {
        let gone = group(&store, "Gone").await;
        write(&store, async |tx| {
            let mut neither = groups::find(tx, &gone).await?.expect("a group");
            neither.scim = false;
            groups::update(tx, &neither, 0).await
        })
        .await;
        let lines = list(&store, 0, 9).await;
        assert_eq!((lines.len(), lines[0].gone, lines[0].name.as_str()), (1, true, "Gone"));
        assert_eq!(lines[0].scim_name, None);
    }

    async fn groups_are_paged_in_order_of_creation(store) {
        let mut made: Vec<GroupId> = Vec::new();
        for name in ["c", "a", "b"] {
            made.push(group(&store, name).await);
        }
        let page = list(&store, 0, 2).await;
        assert_eq!(page.iter().map(|line| &line.id).collect::<Vec<_>>(), [&made[0], &made[1]]);
        let page = list(&store, page[1].seq, 2).await;
        assert_eq!(page.iter().map(|line| &line.id).collect::<Vec<_>>(), [&made[2]]);
        assert!(list(&store, page[0].seq, 2).await.is_empty());
    }
}
