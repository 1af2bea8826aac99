//! Nothing but a place for the test in `tests/browser`, which drives the scenes in `browser/`.

#![forbid(unsafe_code)]
