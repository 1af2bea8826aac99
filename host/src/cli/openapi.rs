//! `tillbox openapi`: the document of the HTTP API, as the server answers it under `/openapi.json`.

use std::io::{self, Write};

use clap::Args;

use super::failure::Failure;

/// Print the OpenAPI 3.1 document of the HTTP API.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tillbox openapi > openapi.json
  npx openapi-typescript openapi.json -o tillbox.d.ts")]
pub(super) struct OpenapiArguments {}

pub(super) fn run() -> Result<(), Failure> {
    Ok(io::stdout().lock().write_all(crate::http::openapi().as_bytes())?)
}
