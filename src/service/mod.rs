//! Use cases: one function = one transaction = one policy decision.
