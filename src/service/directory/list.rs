//! Lists: by filter, sorted, by index or by cursor.

use super::body::Body;
use super::{View, looked_up, show};
use crate::scim::query::{ListQuery, Page, SortOrder, list_head};
use crate::scim::{ResourceType, ScimError, cursor, schema};
use crate::service::{Error, Service};
use crate::store::Tx;
use crate::store::search::{self, Key, Query, SearchError, Sort, Start, find_user_by_user_name};

/// How many resources come where the client does not say.
pub const DEFAULT_COUNT: u64 = 100;

/// Okta advances by 100 whatever it was given, so a page may never be capped below.
const LEAST_MAX: u64 = 100;

/// What cursors over users and groups together are bound to.
const EVERYTHING: &str = "/";

/// A list of users or of groups (RFC 7644 sections 3.4.2 and 3.4.3, RFC 9865).
///
/// Without `sortBy` it is in the order of creation, so that creating and changing never skip or repeat a resource between
/// two pages; by cursor a deletion does not either.
///
/// # Errors
/// [`Error::Scim`] for a filter, order or cursor that makes no sense here.
pub async fn list(
    service: &Service,
    base: &str,
    resource: ResourceType,
    query: &ListQuery,
) -> Result<Body, Error> {
    query.check(resource)?;
    let view = View {
        base: base.to_owned(),
        projection: query.projection.clone(),
    };
    let limit = limit(service, query);
    if let Some(body) = lookup(service, &view, resource, query, limit).await? {
        return Ok(body);
    }
    let sort = sort(resource, query);
    let from = match query.position(resource.endpoint())? {
        Some(position) => Start::Behind(
            Key::from_position(&position)
                .filter(|key| key.fits(sort.as_ref()))
                .ok_or_else(not_ours)?,
        ),
        None => Start::Offset(offset(&query.page)),
    };
    let mut tx = service.store.read().await?;
    let asked = Query {
        resource,
        filter: query.filter.as_ref(),
        sort: sort.as_ref(),
        from,
        // One more says whether there is a next page.
        limit: limit.saturating_add(1),
        base,
    };
    let mut keys = keys(&mut tx, &asked, limit).await?;
    let more = keys.len() > limit_len(limit);
    keys.truncate(limit_len(limit));
    let total = total(&mut tx, &asked, &keys, limit, more).await?;
    let next = match keys.last() {
        Some(last) if more && query.page.by_cursor() => Some(cursor::encode(
            &last.to_position(),
            query.fingerprint(resource.endpoint()),
        )),
        _ => None,
    };
    let head = list_head(total, count(&keys), &query.page, next.as_deref());
    let seqs = keys.into_iter().map(|key| key.seq).collect();
    Ok(Body::of_list(tx, view, &head, vec![(resource, seqs)]))
}

/// A list of everything: users, then groups, each in the order asked for. A filter on an attribute that one of the two
/// does not have is met by none of that kind.
///
/// # Errors
/// [`Error::Scim`] for a filter or order that makes no sense for either, or a cursor that makes none here.
pub async fn search_all(service: &Service, base: &str, query: &ListQuery) -> Result<Body, Error> {
    let checked = [ResourceType::User, ResourceType::Group]
        .map(|resource| query.check(resource).map(|()| resource));
    if let [Err(error), Err(_)] = checked {
        return Err(error.into());
    }
    let view = View {
        base: base.to_owned(),
        projection: query.projection.clone(),
    };
    let position = query.position(EVERYTHING)?;
    let behind = position
        .as_deref()
        .map(|at| opened(at, query))
        .transpose()?;
    let mut tx = service.store.read().await?;
    let mut left = limit(service, query);
    let mut skip = offset(&query.page);
    let (mut total, mut items, mut more, mut last) = (0, 0, false, None);
    let mut parts = Vec::new();
    for resource in checked.into_iter().flatten() {
        let sort = sort(resource, query);
        let passed = matches!(&behind, Some((kind, _)) if *kind != resource && resource == ResourceType::User);
        let from = match &behind {
            Some((kind, key)) if *kind == resource => Start::Behind(key.clone()),
            _ => Start::Offset(skip),
        };
        let asked = Query {
            resource,
            filter: query.filter.as_ref(),
            sort: sort.as_ref(),
            from,
            // One more says whether there is a next page.
            limit: left.saturating_add(1),
            base,
        };
        let of_kind = search::count(&mut tx, &asked).await.map_err(refused)?;
        let mut found = if passed {
            Vec::new()
        } else {
            keys(&mut tx, &asked, asked.limit).await?
        };
        more |= found.len() > limit_len(left);
        found.truncate(limit_len(left));
        skip = skip.saturating_sub(of_kind).max(0);
        left -= i64::try_from(found.len()).unwrap_or(left);
        items += count(&found);
        total += u64::try_from(of_kind).unwrap_or(0);
        if let Some(key) = found.last() {
            last = Some(format!("{}{}", resource.endpoint(), key.to_position()));
        }
        parts.push((resource, found.into_iter().map(|key| key.seq).collect()));
    }
    let next = last
        .filter(|_| more && query.page.by_cursor())
        .map(|at| cursor::encode(&at, query.fingerprint(EVERYTHING)));
    let head = list_head(total, items, &query.page, next.as_deref());
    Ok(Body::of_list(tx, view, &head, parts))
}

/// What a cursor over everything holds: of which kind the last resource was, and its key.
fn opened(position: &str, query: &ListQuery) -> Result<(ResourceType, Key), ScimError> {
    [ResourceType::User, ResourceType::Group]
        .into_iter()
        .find_map(|resource| {
            let key = Key::from_position(position.strip_prefix(resource.endpoint())?)?;
            key.fits(sort(resource, query).as_ref())
                .then_some((resource, key))
        })
        .ok_or_else(not_ours)
}

fn not_ours() -> ScimError {
    ScimError::invalid_cursor("The cursor is not one of this service; start again without one.")
}

/// The lookup by userName: one statement and no snapshot.
async fn lookup(
    service: &Service,
    view: &View,
    resource: ResourceType,
    query: &ListQuery,
    limit: i64,
) -> Result<Option<Body>, Error> {
    let first = matches!(query.page, Page::Index(1) | Page::FirstByCursor);
    let name = query.filter.as_ref().and_then(looked_up);
    let (ResourceType::User, true, true, Some(name)) = (resource, first, limit > 0, name) else {
        return Ok(None);
    };
    let found = find_user_by_user_name(&service.store, &name, view.groups()).await?;
    let shown = found
        .as_ref()
        .map(|user| show::user(view, user))
        .transpose()?;
    let number = u64::from(shown.is_some());
    let head = list_head(number, number, &query.page, None);
    Ok(Some(Body::of_values(view.clone(), &head, shown.as_slice())))
}

async fn keys(tx: &mut Tx, query: &Query<'_>, limit: i64) -> Result<Vec<Key>, Error> {
    if limit == 0 {
        return Ok(Vec::new());
    }
    search::keys(tx, query).await.map_err(refused)
}

async fn total(
    tx: &mut Tx,
    query: &Query<'_>,
    keys: &[Key],
    limit: i64,
    more: bool,
) -> Result<u64, Error> {
    // A first page that is the last one has counted already.
    if let (Start::Offset(0), false, true) = (&query.from, more, limit > 0) {
        return Ok(count(keys));
    }
    let total = search::count(tx, query).await.map_err(refused)?;
    Ok(u64::try_from(total).unwrap_or(0))
}

/// The largest page.
pub fn max_count(service: &Service) -> u64 {
    let max = u64::try_from(service.settings().scim_max_results).unwrap_or(0);
    max.max(LEAST_MAX)
}

fn limit(service: &Service, query: &ListQuery) -> i64 {
    let limit = query.limit(DEFAULT_COUNT, max_count(service));
    i64::try_from(limit).unwrap_or(i64::MAX - 1)
}

fn limit_len(limit: i64) -> usize {
    usize::try_from(limit).unwrap_or(usize::MAX)
}

fn count(keys: &[Key]) -> u64 {
    u64::try_from(keys.len()).unwrap_or(u64::MAX)
}

fn offset(page: &Page) -> i64 {
    match page {
        Page::Index(start) => i64::try_from(start.saturating_sub(1)).unwrap_or(i64::MAX),
        Page::FirstByCursor | Page::Cursor(_) => 0,
    }
}

fn sort(resource: ResourceType, query: &ListQuery) -> Option<Sort> {
    let by = schema::resolve(resource, query.sort_by.as_ref()?)?;
    Some(Sort {
        by,
        descending: query.sort_order == SortOrder::Descending,
    })
}

fn refused(error: SearchError) -> Error {
    match error {
        SearchError::Store(error) => Error::Store(error),
        SearchError::Unsupported => ScimError::invalid_filter(
            "The filter or sortBy names an attribute that cannot be searched or sorted by here.",
        )
        .into(),
    }
}
