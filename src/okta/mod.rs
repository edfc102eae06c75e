//! The outbound client of the Okta Management API.
