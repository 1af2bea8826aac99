//! The machine: `decide` says what would happen, `apply` makes it so. Both are pure.
