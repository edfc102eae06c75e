//! A simulated Okta org.
