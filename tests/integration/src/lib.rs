//! The whole host, from the outside: HTTP in, real components, a real database. Nothing of it is a library; see `tests`.
