//! Whom a create means (R11): pure.

use crate::model::id::OktaUserId;
use crate::model::user::{Origin, User};
use crate::scim::ScimError;

/// What a create does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Claim {
    /// Nobody like him is known.
    New,
    /// He is known here and SCIM has not spoken of him, or he is not entitled: the same id, 201.
    Adopt(User),
    /// A local user of that userName, and the configuration links those.
    Link(User),
    /// The userName leads to an inactive user bound to another Okta id: an account made anew under an old name.
    Rebind(User),
}

/// Decides among the rows that hold the Okta id or the userName of a create.
///
/// # Errors
/// 409 `uniqueness`; the detail says what holds the value, in words for the admin.
pub(super) fn decide(
    claimants: Vec<User>,
    okta_id: Option<&OktaUserId>,
    link_by_user_name: bool,
) -> Result<Claim, ScimError> {
    let (by_okta_id, by_name): (Vec<User>, Vec<User>) = claimants
        .into_iter()
        .partition(|user| okta_id.is_some() && user.okta_id.as_ref() == okta_id);
    match (by_okta_id.into_iter().next(), by_name.into_iter().next()) {
        (None, None) => Ok(Claim::New),
        (Some(_), Some(holder)) => Err(name_taken(&holder)),
        (Some(known), None) => adoptable(known, || {
            ScimError::uniqueness("A user with this externalId exists already.")
        }),
        (None, Some(holder)) => by_user_name(holder, okta_id, link_by_user_name),
    }
}

fn by_user_name(
    holder: User,
    okta_id: Option<&OktaUserId>,
    link_by_user_name: bool,
) -> Result<Claim, ScimError> {
    if holder.origin == Origin::Local {
        return if link_by_user_name {
            Ok(Claim::Link(holder))
        } else {
            Err(name_taken(&holder))
        };
    }
    match (&holder.okta_id, okta_id) {
        (Some(_), Some(_)) if holder.active => Err(ScimError::uniqueness(
            "This userName belongs to an active user with another Okta id. If that account was deleted in Okta, \
             deactivate its user here first.",
        )),
        (Some(_), Some(_)) => Ok(Claim::Rebind(holder)),
        _ => {
            let taken = name_taken(&holder);
            adoptable(holder, || taken)
        }
    }
}

fn adoptable(user: User, refusal: impl FnOnce() -> ScimError) -> Result<Claim, ScimError> {
    let free = !user.scim || !user.facts.entitled;
    if free && user.origin == Origin::Okta {
        Ok(Claim::Adopt(user))
    } else {
        Err(refusal())
    }
}

/// The 409 of a userName that somebody has.
pub(super) fn name_taken(holder: &User) -> ScimError {
    ScimError::uniqueness(match holder.origin {
        Origin::Okta => "A user with this userName exists already.".to_owned(),
        Origin::Local => format!(
            "A local user has this userName. Link him to Okta on the host with `rosterd users link {}`, then try again.",
            holder.id
        ),
    })
}

#[cfg(test)]
#[expect(clippy::expect_used, reason = "tests")]
mod tests {
    use super::{Claim, decide};
    use crate::model::id::{OktaUserId, UserId};
    use crate::model::random::SeededRandom;
    use crate::model::time::Timestamp;
    use crate::model::user::{Facts, Origin, User};

    const ONE: &str = "00u11111111111111111";
    const TWO: &str = "00u22222222222222222";

    fn user(okta_id: Option<&str>) -> User {
        User {
            id: UserId::new(Timestamp::default(), &SeededRandom::new(1)),
            seq: 1,
            origin: Origin::Okta,
            scim: true,
            okta_id: okta_id.and_then(OktaUserId::parse),
            user_name: "a@x".to_owned(),
            external_id: None,
            resource: "{}".to_owned(),
            facts: Facts {
                entitled: true,
                status: None,
                blocked: false,
            },
            pending: false,
            active: true,
            deleting: false,
            created_at: Timestamp::default(),
            updated_at: Timestamp::default(),
            version: 1,
        }
    }

    fn claim(known: User, okta_id: Option<&str>) -> &'static str {
        let okta_id = okta_id.and_then(OktaUserId::parse);
        match decide(vec![known], okta_id.as_ref(), false) {
            Ok(Claim::New) => "new",
            Ok(Claim::Adopt(_)) => "adopt",
            Ok(Claim::Link(_)) => "link",
            Ok(Claim::Rebind(_)) => "rebind",
            Err(_) => "409",
        }
    }

    #[test]
    fn r11_scim_adopts_whom_it_has_not_spoken_of_or_who_is_not_entitled() {
        let unspoken = User {
            scim: false,
            ..user(Some(ONE))
        };
        let mut unentitled = user(Some(ONE));
        unentitled.facts.entitled = false;
        assert_eq!(claim(user(Some(ONE)), Some(ONE)), "409");
        assert_eq!(claim(unspoken, Some(ONE)), "adopt");
        assert_eq!(claim(unentitled, Some(ONE)), "adopt");
    }

    #[test]
    fn r11_a_user_name_joins_a_user_without_an_okta_id_once() {
        let unspoken = User {
            scim: false,
            ..user(None)
        };
        assert_eq!(claim(unspoken.clone(), Some(ONE)), "adopt");
        assert_eq!(claim(unspoken, None), "adopt");
        assert_eq!(claim(user(None), Some(ONE)), "409");
        assert_eq!(claim(user(None), None), "409");
    }

    #[test]
    fn r11_an_account_made_anew_takes_over_an_inactive_user_only() {
        let inactive = User {
            active: false,
            ..user(Some(ONE))
        };
        assert_eq!(claim(user(Some(ONE)), Some(TWO)), "409");
        assert_eq!(claim(inactive, Some(TWO)), "rebind");
    }

    #[test]
    fn r11_a_local_user_is_linked_by_name_only_where_the_configuration_says_so() {
        let local = User {
            origin: Origin::Local,
            scim: false,
            ..user(None)
        };
        let refused = decide(vec![local.clone()], None, false).expect_err("a refusal");
        assert!(
            refused.detail.contains("rosterd users link"),
            "{}",
            refused.detail
        );
        assert_eq!(
            decide(vec![local.clone()], None, true),
            Ok(Claim::Link(local))
        );
    }
}
