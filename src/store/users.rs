//! Users: rows, and the columns that are looked up.

use serde_json::json;
use sqlx::Row as _;
use sqlx::any::AnyRow;

use super::profile::Profile;
use super::{StoreError, Tx, organization};
use crate::model::fold::fold;
use crate::model::id::{OktaUserId, UserId};
use crate::model::time::Timestamp;
use crate::model::user::{Facts, OktaStatus, Origin, User};

/// The columns [`from_row`] reads, in its order, of a table called `u`.
macro_rules! user_columns {
    () => {
        "u.id, u.seq, u.origin, u.scim, u.okta_id, u.user_name, u.external_id, u.resource, u.entitled, u.status, \
         u.blocked, u.pending, u.active, u.deleting, u.created_at, u.updated_at, u.version"
    };
}

const CORRUPT_ORIGIN: StoreError = StoreError::Corrupt {
    table: "users",
    column: "origin",
};

/// A user from a row of those columns.
fn from_row(row: &AnyRow) -> Result<User, StoreError> {
    let flag = |index: usize| row.try_get::<i64, _>(index).map(|value| value == 1);
    Ok(User {
        id: UserId::stored(row.try_get(0)?),
        seq: row.try_get(1)?,
        origin: Origin::parse(row.try_get::<String, _>(2)?.as_str()).ok_or(CORRUPT_ORIGIN)?,
        scim: flag(3)?,
        okta_id: row.try_get::<Option<String>, _>(4)?.map(OktaUserId::stored),
        user_name: row.try_get(5)?,
        external_id: row.try_get(6)?,
        resource: row.try_get(7)?,
        facts: Facts {
            entitled: flag(8)?,
            status: row
                .try_get::<Option<String>, _>(9)?
                .map(|status| OktaStatus::new(&status)),
            blocked: flag(10)?,
        },
        pending: flag(11)?,
        active: flag(12)?,
        deleting: flag(13)?,
        created_at: Timestamp::from_millis(row.try_get(14)?),
        updated_at: Timestamp::from_millis(row.try_get(15)?),
        version: row.try_get(16)?,
    })
}

async fn one(
    tx: &mut Tx,
    statement: &'static str,
    value: &str,
) -> Result<Option<User>, StoreError> {
    let row = sqlx::query(statement)
        .bind(value.to_owned())
        .fetch_optional(tx.conn())
        .await?;
    row.as_ref().map(from_row).transpose()
}

async fn several(
    tx: &mut Tx,
    statement: &'static str,
    values: &[&str],
) -> Result<Vec<User>, StoreError> {
    if values.is_empty() {
        return Ok(Vec::new());
    }
    let rows = sqlx::query(tx.sql(statement))
        .bind(json!(values).to_string())
        .fetch_all(tx.conn())
        .await?;
    rows.iter().map(from_row).collect()
}

/// The user with our id.
pub async fn find(tx: &mut Tx, id: &UserId) -> Result<Option<User>, StoreError> {
    let statement = concat!("SELECT ", user_columns!(), " FROM users u WHERE u.id = $1");
    one(tx, statement, id.as_str()).await
}

/// The user with that id in Okta.
pub async fn find_by_okta_id(tx: &mut Tx, id: &OktaUserId) -> Result<Option<User>, StoreError> {
    let statement = concat!(
        "SELECT ",
        user_columns!(),
        " FROM users u WHERE u.okta_id = $1"
    );
    one(tx, statement, id.as_str()).await
}

/// The user with that userName, by its fold (R18).
pub async fn find_by_user_name(tx: &mut Tx, user_name: &str) -> Result<Option<User>, StoreError> {
    let statement = concat!(
        "SELECT ",
        user_columns!(),
        " FROM users u WHERE u.user_name_fold = $1"
    );
    one(tx, statement, &fold(user_name)).await
}

/// The user edges call by that key.
pub async fn find_by_member_key(tx: &mut Tx, key: &str) -> Result<Option<User>, StoreError> {
    let statement = concat!(
        "SELECT ",
        user_columns!(),
        " FROM users u WHERE u.member_key = $1"
    );
    one(tx, statement, key).await
}

/// The users with that SCIM `externalId`, in order of creation: it need not be unique.
pub async fn find_by_external_id(tx: &mut Tx, id: &str) -> Result<Vec<User>, StoreError> {
    let statement = concat!(
        "SELECT ",
        user_columns!(),
        " FROM users u WHERE u.external_id = $1 ORDER BY u.seq"
    );
    let rows = sqlx::query(statement)
        .bind(id.to_owned())
        .fetch_all(tx.conn())
        .await?;
    rows.iter().map(from_row).collect()
}

/// The users with these ids of ours; those that do not exist are left out.
pub async fn find_many(tx: &mut Tx, ids: &[&str]) -> Result<Vec<User>, StoreError> {
    let statement = concat!(
        "SELECT ",
        user_columns!(),
        " FROM {{texts $1}} CROSS JOIN users u WHERE u.id = value"
    );
    several(tx, statement, ids).await
}

/// The users edges call by these keys (an Okta id is one); those that do not exist are left out.
pub async fn find_many_by_member_key(tx: &mut Tx, keys: &[&str]) -> Result<Vec<User>, StoreError> {
    let statement = concat!(
        "SELECT ",
        user_columns!(),
        " FROM {{texts $1}} CROSS JOIN users u WHERE u.member_key = value"
    );
    several(tx, statement, keys).await
}

/// Everybody a write with this Okta id and this userName could mean or collide with (R11): at most two rows.
pub async fn find_claimants(
    tx: &mut Tx,
    okta_id: Option<&OktaUserId>,
    user_name_fold: &str,
) -> Result<Vec<User>, StoreError> {
    let statement = concat!(
        "SELECT ",
        user_columns!(),
        " FROM users u WHERE u.okta_id = $1 OR u.user_name_fold = $2"
    );
    let rows = sqlx::query(statement)
        .bind(okta_id.map(|id| id.as_str().to_owned()))
        .bind(user_name_fold.to_owned())
        .fetch_all(tx.conn())
        .await?;
    rows.iter().map(from_row).collect()
}

/// A user to be made.
#[derive(Debug, Clone)]
pub struct NewUser {
    /// Where he comes from.
    pub origin: Origin,
    /// Whether SCIM speaks of him.
    pub scim: bool,
    /// His id in Okta, where known.
    pub okta_id: Option<OktaUserId>,
    /// The facts of R13.
    pub facts: Facts,
    /// Invited, not yet accepted.
    pub pending: bool,
    /// His attributes.
    pub profile: Profile,
}

/// Makes a user. `None`: his userName, Okta id or member key is taken, and nothing is written.
pub async fn insert(tx: &mut Tx, new: &NewUser) -> Result<Option<User>, StoreError> {
    let now = tx.now();
    let user = User {
        id: UserId::new(now, tx.random()),
        seq: organization::next_seq(tx, "users", 1).await?,
        origin: new.origin,
        scim: new.scim,
        okta_id: new.okta_id.clone(),
        user_name: new.profile.user_name.clone(),
        external_id: new.profile.external_id.clone(),
        resource: new.profile.resource.clone(),
        facts: new.facts.clone(),
        pending: new.pending,
        active: new.facts.active() && !new.pending,
        deleting: false,
        created_at: now,
        updated_at: now,
        version: 1,
    };
    let profile = &new.profile;
    let folded = |text: &Option<String>| text.as_deref().map(fold);
    let done = sqlx::query(
        "INSERT INTO users (id, seq, origin, scim, okta_id, member_key, user_name, user_name_fold, external_id, \
         display_name, display_name_fold, given_name, given_name_fold, family_name, family_name_fold, email, email_fold, \
         resource, folded, entitled, status, blocked, pending, active, deleting, absent_runs, sessions_from, tokens_from, \
         created_at, updated_at, version) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, \
         $17, $18, $19, $20, $21, $22, $23, $24, 0, 0, 0, 0, $25, $25, 1) ON CONFLICT DO NOTHING",
    )
    .bind(user.id.as_str().to_owned())
    .bind(user.seq)
    .bind(user.origin.as_str())
    .bind(i64::from(user.scim))
    .bind(user.okta_id.as_ref().map(|id| id.as_str().to_owned()))
    .bind(user.member_key().to_owned())
    .bind(profile.user_name.clone())
    .bind(fold(&profile.user_name))
    .bind(profile.external_id.clone())
    .bind(profile.display_name.clone())
    .bind(folded(&profile.display_name))
    .bind(profile.given_name.clone())
    .bind(folded(&profile.given_name))
    .bind(profile.family_name.clone())
    .bind(folded(&profile.family_name))
    .bind(profile.email.clone())
    .bind(folded(&profile.email))
    .bind(profile.resource.clone())
    .bind(profile.folded.clone())
    .bind(i64::from(user.facts.entitled))
    .bind(user.facts.status.as_ref().map(|status| status.as_str().to_owned()))
    .bind(i64::from(user.facts.blocked))
    .bind(i64::from(user.pending))
    .bind(i64::from(user.active))
    .bind(now.as_millis())
    .execute(tx.conn())
    .await?;
    if done.rows_affected() == 0 {
        return Ok(None);
    }
    insert_emails(tx, &user.id, profile).await?;
    Ok(Some(user))
}

/// Writes what is in `user` but for his profile, his activity (membership follows from it) and his times, and bumps the
/// version; gives it back as stored now.
///
/// # Errors
/// [`StoreError::Stale`] when the row is no longer of `user.version`.
pub async fn update(tx: &mut Tx, user: &User) -> Result<User, StoreError> {
    let now = tx.now();
    let done = sqlx::query(
        "UPDATE users SET origin = $3, scim = $4, okta_id = $5, member_key = $6, entitled = $7, status = $8, blocked = $9, \
         pending = $10, deleting = $11, updated_at = $12, version = version + 1 WHERE id = $1 AND version = $2",
    )
    .bind(user.id.as_str().to_owned())
    .bind(user.version)
    .bind(user.origin.as_str())
    .bind(i64::from(user.scim))
    .bind(user.okta_id.as_ref().map(|id| id.as_str().to_owned()))
    .bind(user.member_key().to_owned())
    .bind(i64::from(user.facts.entitled))
    .bind(user.facts.status.as_ref().map(|status| status.as_str().to_owned()))
    .bind(i64::from(user.facts.blocked))
    .bind(i64::from(user.pending))
    .bind(i64::from(user.deleting))
    .bind(now.as_millis())
    .execute(tx.conn())
    .await?;
    if done.rows_affected() == 0 {
        return Err(StoreError::Stale);
    }
    Ok(User {
        updated_at: now,
        version: user.version + 1,
        ..user.clone()
    })
}

/// Like [`update`], and writes his profile too. His userName must be free: look first ([`find_claimants`]).
///
/// # Errors
/// [`StoreError::Stale`] when the row is no longer of `user.version`.
pub async fn update_with_profile(
    tx: &mut Tx,
    user: &User,
    profile: &Profile,
) -> Result<User, StoreError> {
    let now = tx.now();
    let folded = |text: &Option<String>| text.as_deref().map(fold);
    let done = sqlx::query(
        "UPDATE users SET origin = $3, scim = $4, okta_id = $5, member_key = $6, entitled = $7, status = $8, blocked = $9, \
         pending = $10, deleting = $11, updated_at = $12, user_name = $13, user_name_fold = $14, external_id = $15, \
         display_name = $16, display_name_fold = $17, given_name = $18, given_name_fold = $19, family_name = $20, \
         family_name_fold = $21, email = $22, email_fold = $23, resource = $24, folded = $25, version = version + 1 \
         WHERE id = $1 AND version = $2",
    )
    .bind(user.id.as_str().to_owned())
    .bind(user.version)
    .bind(user.origin.as_str())
    .bind(i64::from(user.scim))
    .bind(user.okta_id.as_ref().map(|id| id.as_str().to_owned()))
    .bind(user.member_key().to_owned())
    .bind(i64::from(user.facts.entitled))
    .bind(user.facts.status.as_ref().map(|status| status.as_str().to_owned()))
    .bind(i64::from(user.facts.blocked))
    .bind(i64::from(user.pending))
    .bind(i64::from(user.deleting))
    .bind(now.as_millis())
    .bind(profile.user_name.clone())
    .bind(fold(&profile.user_name))
    .bind(profile.external_id.clone())
    .bind(profile.display_name.clone())
    .bind(folded(&profile.display_name))
    .bind(profile.given_name.clone())
    .bind(folded(&profile.given_name))
    .bind(profile.family_name.clone())
    .bind(folded(&profile.family_name))
    .bind(profile.email.clone())
    .bind(folded(&profile.email))
    .bind(profile.resource.clone())
    .bind(profile.folded.clone())
    .execute(tx.conn())
    .await?;
    if done.rows_affected() == 0 {
        return Err(StoreError::Stale);
    }
    update_emails(tx, &user.id, profile).await?;
    Ok(User {
        user_name: profile.user_name.clone(),
        external_id: profile.external_id.clone(),
        resource: profile.resource.clone(),
        updated_at: now,
        version: user.version + 1,
        ..user.clone()
    })
}

/// Removes a user; his e-mails, memberships and withheld rows go with the row, his edges do not.
pub async fn remove(tx: &mut Tx, id: &UserId) -> Result<bool, StoreError> {
    let done = sqlx::query("DELETE FROM users WHERE id = $1")
        .bind(id.as_str().to_owned())
        .execute(tx.conn())
        .await?;
    Ok(done.rows_affected() == 1)
}

/// Frees the userNames of these users for others until each is set anew: a run that permutes unique values frees them
/// all before it sets them (R18).
pub async fn release_user_names(tx: &mut Tx, ids: &[&str]) -> Result<(), StoreError> {
    // No fold begins with a control character followed by an id, for no userName holds one.
    let statement = tx.sql(
        "UPDATE users SET user_name_fold = '\u{1}' || id WHERE id IN (SELECT value FROM {{texts $1}})",
    );
    sqlx::query(statement)
        .bind(json!(ids).to_string())
        .execute(tx.conn())
        .await?;
    Ok(())
}

async fn insert_emails(tx: &mut Tx, id: &UserId, profile: &Profile) -> Result<(), StoreError> {
    if profile.emails.is_empty() {
        return Ok(());
    }
    let rows: Vec<_> = profile
        .emails
        .iter()
        .enumerate()
        .map(|(ordinal, email)| {
            json!({
                "ordinal": ordinal,
                "value": email.value,
                "fold": email.value.as_deref().map(fold),
                "type": email.type_fold,
                "primary": i64::from(email.primary),
            })
        })
        .collect();
    let statement = tx.sql(
        "INSERT INTO user_emails (user_id, ordinal, value, value_fold, type_fold, is_primary) \
         SELECT $2, CAST(value ->> 'ordinal' AS BIGINT), value ->> 'value', value ->> 'fold', value ->> 'type', \
                CAST(value ->> 'primary' AS BIGINT) FROM {{rows $1}}",
    );
    sqlx::query(statement)
        .bind(json!(rows).to_string())
        .bind(id.as_str().to_owned())
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Makes the rows of his e-mails what the profile says; writes nothing when they are.
async fn update_emails(tx: &mut Tx, id: &UserId, profile: &Profile) -> Result<(), StoreError> {
    let rows = sqlx::query(
        "SELECT value, type_fold, is_primary FROM user_emails WHERE user_id = $1 ORDER BY ordinal",
    )
    .bind(id.as_str().to_owned())
    .fetch_all(tx.conn())
    .await?;
    let mut same = rows.len() == profile.emails.len();
    for (row, email) in rows.iter().zip(&profile.emails) {
        same &= row.try_get::<Option<String>, _>(0)? == email.value
            && row.try_get::<Option<String>, _>(1)? == email.type_fold
            && (row.try_get::<i64, _>(2)? == 1) == email.primary;
    }
    if same {
        return Ok(());
    }
    sqlx::query("DELETE FROM user_emails WHERE user_id = $1")
        .bind(id.as_str().to_owned())
        .execute(tx.conn())
        .await?;
    insert_emails(tx, id, profile).await
}
