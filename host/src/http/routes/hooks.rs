//! `/hooks`: webhooks of gateways, as they arrive. Any content type, any bytes; the provider says whether they are true.

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use tillbox_core::id::ProviderId;

use crate::http::document::{Answered, Argument, Draft};
use crate::http::extract::read_body;
use crate::http::limits::ECHO_CHARS_MAX;
use crate::http::problem::{ForOperator, Problem};
use crate::http::wire::Invalid;
use crate::service::{IncomingWebhook, Received, WEBHOOK_BYTES_MAX};
use crate::{Error, Host};

/// What a gateway is told, in plain text: most of them look at the status only.
#[derive(Debug, Clone, Copy)]
pub(super) enum Receipt {
    Taken,
    Untrue,
    Kept,
}

impl Receipt {
    const ALL: [Self; 3] = [Self::Taken, Self::Untrue, Self::Kept];

    const fn words(self) -> (StatusCode, &'static str) {
        match self {
            Self::Taken => (StatusCode::OK, "OK"),
            Self::Untrue => (StatusCode::BAD_REQUEST, "Webhook Error: it could not be verified"),
            Self::Kept => (StatusCode::SERVICE_UNAVAILABLE, "kept; deliver it again"),
        }
    }
}

impl IntoResponse for Receipt {
    fn into_response(self) -> Response {
        self.words().into_response()
    }
}

impl Answered for Receipt {
    fn describe(draft: &mut Draft<'_>) {
        for receipt in Self::ALL {
            let (status, text) = receipt.words();
            draft.plain(status.as_u16(), text);
        }
    }
}

/// The request as it is: any content type, any query.
impl Argument for Request {
    fn describe(draft: &mut Draft<'_>) {
        draft.any_body(WEBHOOK_BYTES_MAX);
        draft.fails(&[408, 413]);
    }
}

/// `{provider}` is the provider's id without its `pp_`. Stored, verified, merged, and only then answered: 200 `OK` for what
/// is true (or waits for what it speaks of), 400 for what does not verify, 503 for what is kept and could not be verified
/// now, which makes the gateway deliver it again.
pub(super) async fn receive(
    State(host): State<Host>,
    provider: Result<Path<String>, PathRejection>,
    request: Request,
) -> Result<Receipt, ForOperator> {
    let Path(provider) = provider.map_err(|_| Problem::from(Invalid::field("provider", "is not UTF-8")))?;
    let shown = || provider.chars().take(ECHO_CHARS_MAX).collect();
    let unknown = || Problem::not_found("PaymentProvider", shown());
    let id = ProviderId::parse(&format!("{}_{provider}", ProviderId::PREFIX)).map_err(|_| unknown())?;
    let headers = request.headers().iter();
    let headers = headers.map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_vec())).collect();
    let query = request.uri().query().unwrap_or_default().to_owned();
    let body = read_body(request, WEBHOOK_BYTES_MAX).await?;
    match host.receive_webhook(&id, IncomingWebhook { headers, query, body }).await {
        Ok(Received::Applied | Received::Waiting) => Ok(Receipt::Taken),
        Ok(Received::Rejected(why)) => {
            tracing::warn!(provider = id.as_str(), why, "a webhook was rejected");
            Ok(Receipt::Untrue)
        }
        Err(Error::UnknownProvider { .. }) => Err(unknown().into()),
        Err(Error::NotAsked(why)) => {
            tracing::warn!(provider = id.as_str(), why, "a webhook is kept and not verified");
            Ok(Receipt::Kept)
        }
        Err(error) => Err(error.into()),
    }
}
