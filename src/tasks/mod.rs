//! Loops that run by themselves.
