//! A listing as a stream of pages. Nothing is collected unless asked for, and the end says what the listing proves (R8).

use std::marker::PhantomData;

use url::Url;

use super::ReadTime;
use super::client::{Ask, Client, Got};
use super::error::{Error, Place};
use super::org_url::add;
use super::paging::{Onward, Seen};
use super::types::Listed;

/// A listing under way. Ask [`Listing::next_page`] until it gives [`Step::End`].
pub struct Listing<T> {
    client: Client,
    source: Source,
    state: State,
    seen: Seen,
    pages: u64,
    started: Option<ReadTime>,
    failures: u32,
    retried_page: bool,
    rows: PhantomData<fn() -> T>,
}

/// What comes next.
#[derive(Debug)]
pub enum Step<T> {
    /// A page.
    Page(Page<T>),
    /// Okta could not make pages so large, and the listing starts anew with smaller ones: forget every page of it.
    Restart,
    /// The end; asking again gives it again.
    End(End),
}

/// One page.
#[derive(Debug)]
pub struct Page<T> {
    /// Its rows, in Okta's order.
    pub items: Vec<T>,
    /// When it was read: each row of it, for R7.
    pub at: ReadTime,
}

/// How a listing ended (R8).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// Every page came whole.
    Whole {
        /// When the first page (of the last start) was asked for: what is in no page was absent no earlier than this.
        since: ReadTime,
        /// How many pages.
        pages: u64,
    },
    /// Something is missing; absence from it means nothing.
    Partial {
        /// Why.
        why: Error,
    },
    /// What was listed is gone as a whole (a group's members, and the group is not there).
    Gone {
        /// When it was asked.
        at: ReadTime,
    },
}

/// A listing read to its end.
#[derive(Debug)]
pub struct Collected<T> {
    /// What came, even if the end is not whole.
    pub items: Vec<T>,
    /// How it ended.
    pub end: End,
}

enum State {
    At(Url),
    Ended(End),
}

/// What is listed.
#[derive(Debug, Clone)]
pub(super) struct Source {
    /// The first page, but for `limit`.
    pub(super) first: Url,
    /// Rows per page.
    pub(super) limit: u32,
    pub(super) on_404: On404,
    /// Whether the rows are users, of whom Okta can leave parts out.
    pub(super) slim: bool,
}

/// What a 404 to the first page means.
#[derive(Debug, Clone, Copy)]
pub(super) enum On404 {
    /// The object whose parts are listed is gone.
    Gone,
    /// Nothing can be concluded (a wrong app id must not empty the population).
    Unknown,
}

/// Pages are not made smaller than this.
const SMALLEST_PAGE: u32 = 10;

impl<T: Listed> Listing<T> {
    pub(super) fn new(client: Client, source: Source) -> Self {
        let state = State::At(source.page());
        Self {
            client,
            source,
            state,
            seen: Seen::default(),
            pages: 0,
            started: None,
            failures: 0,
            retried_page: false,
            rows: PhantomData,
        }
    }

    /// The next page, or how it ended.
    pub async fn next_page(&mut self) -> Step<T> {
        let url = match &self.state {
            State::Ended(end) => return Step::End(end.clone()),
            State::At(url) => url.clone(),
        };
        let smaller = self.source.limit / 2 >= SMALLEST_PAGE;
        let stop_at_500 = smaller && (self.pages == 0 || self.retried_page);
        let ask = Ask {
            slim: self.source.slim,
            stop_at_500: smaller,
            ..Ask::new(url.clone())
        };
        match self.client.get(&ask).await {
            Err(why) => self.partial(why),
            Ok(Got::Good { answer, at, place }) => {
                match self.client.parse::<Vec<T>>(&answer, place.clone()) {
                    Err(why) => self.partial(why),
                    Ok(items) => {
                        self.seen.asked(&url);
                        let onward =
                            self.seen
                                .onward(&answer.headers, &url, &self.client.shared.org);
                        self.page(items, at, onward, place)
                    }
                }
            }
            Ok(Got::Gone { at, error }) => match self.source.on_404 {
                On404::Gone if self.pages == 0 => self.end(End::Gone { at }),
                _ => self.partial(error),
            },
            Ok(Got::TooLarge(error)) => self.after_500(error, stop_at_500).await,
        }
    }

    /// Reads to the end and keeps everything: for listings known to be short.
    pub async fn collect(mut self) -> Collected<T> {
        let mut items = Vec::new();
        loop {
            match self.next_page().await {
                Step::Page(page) => items.extend(page.items),
                Step::Restart => items.clear(),
                Step::End(end) => return Collected { items, end },
            }
        }
    }

    fn page(&mut self, items: Vec<T>, at: ReadTime, onward: Onward, place: Place) -> Step<T> {
        self.pages += 1;
        self.retried_page = false;
        let since = *self.started.get_or_insert(at);
        let end = if self.seen.repeats(items.iter().map(Listed::key)) {
            End::Partial {
                why: Error::Repeated {
                    place,
                    page: self.pages,
                },
            }
        } else {
            match onward {
                Onward::To(next) => {
                    self.state = State::At(next);
                    return Step::Page(Page { items, at });
                }
                Onward::End => End::Whole {
                    since,
                    pages: self.pages,
                },
                Onward::Foreign(host) => End::Partial {
                    why: Error::ForeignHost { place, host },
                },
                Onward::Repeated => End::Partial {
                    why: Error::Repeated {
                        place,
                        page: self.pages,
                    },
                },
                Onward::Unreadable => {
                    let why = "its Link header cannot be read".to_owned();
                    End::Partial {
                        why: Error::Malformed { place, why },
                    }
                }
            }
        };
        self.state = State::Ended(end);
        Step::Page(Page { items, at })
    }

    /// A 500 may be a passing one or mean that the page is too large. The first page costs nothing to ask for anew; a
    /// later one is tried once more as it is before the whole listing starts again with half the rows per page.
    async fn after_500(&mut self, error: Error, smaller: bool) -> Step<T> {
        self.failures += 1;
        // No more than 8 s at a time: it is not Okta that is in trouble, it is this page.
        let wait = self.client.after_failure(self.failures.min(4));
        let patient = self.client.patience.attempts > 1 && self.failures <= MOST_500;
        let Some(wait) = wait.filter(|_| patient) else {
            return self.partial(error);
        };
        if let Err(why) = self.client.pause(wait).await {
            return self.partial(why);
        }
        if !smaller {
            self.retried_page = true;
            return Box::pin(self.next_page()).await;
        }
        self.source.limit /= 2;
        let handed_out = self.pages > 0;
        tracing::info!(error = %error, limit = self.source.limit, "Okta failed on a page, asking for smaller ones");
        self.state = State::At(self.source.page());
        self.seen = Seen::default();
        self.pages = 0;
        self.started = None;
        self.retried_page = false;
        if handed_out {
            Step::Restart
        } else {
            Box::pin(self.next_page()).await
        }
    }

    fn partial(&mut self, why: Error) -> Step<T> {
        self.end(End::Partial { why })
    }

    fn end(&mut self, end: End) -> Step<T> {
        self.state = State::Ended(end.clone());
        Step::End(end)
    }
}

/// 500s that one listing takes before it is given up.
const MOST_500: u32 = 12;

impl Source {
    fn page(&self) -> Url {
        let mut url = self.first.clone();
        add(&mut url, "limit", &self.limit.to_string());
        url
    }
}
