//! Which line of the table of routes a request came by, also where the routes are nested in a server of somebody else's.

use axum::RequestExt;
use axum::extract::{MatchedPath, NestedPath, Request};

/// The path as the table has it; nothing when no route fits.
pub(super) async fn route(request: &mut Request) -> Option<String> {
    let matched = request.extensions().get::<MatchedPath>()?.as_str().to_owned();
    let Ok(nested) = request.extract_parts::<NestedPath>().await else { return Some(matched) };
    Some(matched.strip_prefix(nested.as_str().trim_end_matches('/')).map_or(matched.clone(), str::to_owned))
}
