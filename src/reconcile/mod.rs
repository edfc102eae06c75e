//! Decisions of a poll: what to change and what to hold. Pure.
