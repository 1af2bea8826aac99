//! Nothing: the test in `tests/` is all there is, and a package needs a target.
