//! The visitor of a storefront, and which collections are theirs to act on: those whose client secret they show, and those
//! that their token opens. Whether a collection exists is told to nobody else.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use tillbox_core::id::CollectionId;

use super::credentials::{Authorization, CLIENT_SECRET_HEADER, authorization, single};
use super::document::{Argument, Draft};
use super::problem::Problem;
use super::tokens::{CustomerTokens, TokenClaims};
use crate::Host;

/// Who asks, as far as the request proves it.
#[derive(Debug, Clone, Default)]
pub(super) struct Visitor {
    /// The server around these routes says itself who may what.
    trusted: bool,
    secret: Option<String>,
    claims: TokenClaims,
    has_token: bool,
}

impl Visitor {
    /// For routes that ask nobody.
    pub(super) fn trusted() -> Self {
        Self { trusted: true, ..Self::default() }
    }

    /// Reads the headers. Without a verifier a token says nothing: it may be for somebody else.
    pub(super) fn of(headers: &HeaderMap, tokens: Option<&dyn CustomerTokens>) -> Result<Self, Problem> {
        let secret = single(headers, CLIENT_SECRET_HEADER)?.map(str::to_owned);
        let refused = |why: &str| {
            let message = format!("Unauthorized: the customer's token does not count: {why}");
            Problem::new(StatusCode::UNAUTHORIZED, "unauthorized", "customer_token_invalid", message)
        };
        let (claims, has_token) = match (tokens, authorization(headers)?) {
            (None, _) | (Some(_), Authorization::Absent) => (TokenClaims::default(), false),
            (Some(tokens), Authorization::Given(token)) => (tokens.check(&token).map_err(|why| refused(&why))?, true),
            (Some(_), Authorization::Unreadable(why)) => return Err(refused(why)),
        };
        Ok(Self { trusted: false, secret, claims, has_token })
    }

    /// The customer, where a token says who it is.
    pub(super) fn customer(&self) -> Option<&str> {
        self.claims.customer.as_deref()
    }

    /// Whether a collection is theirs; nothing where there is no such collection.
    ///
    /// # Errors
    /// The same 403 for a collection that is not theirs and for one that is not there.
    pub(super) async fn check(&self, host: &Host, id: Option<&CollectionId>) -> Result<(), Problem> {
        if self.trusted {
            return Ok(());
        }
        if self.secret.is_none() && !self.has_token {
            let message = "send the header `x-client-secret`: it says that this payment collection is yours. The \
                           merchant's server reads it as `client_secret` of the collection; a customer's token, as \
                           `authorization: Bearer`, opens theirs";
            return Err(Problem::new(StatusCode::FORBIDDEN, "forbidden", "client_secret_missing", message));
        }
        if let Some(id) = id
            && self.owns(host, id).await?
        {
            return Ok(());
        }
        let message = "there is no such payment collection or session, or the client secret or token does not open it";
        Err(Problem::new(StatusCode::FORBIDDEN, "forbidden", "client_secret_wrong", message))
    }

    async fn owns(&self, host: &Host, id: &CollectionId) -> Result<bool, Problem> {
        if let Some(secret) = &self.secret
            && host.is_client_secret(id, secret).await?
        {
            return Ok(true);
        }
        let TokenClaims { customer, cart_id, payment_collection_id } = &self.claims;
        if payment_collection_id.as_deref() == Some(id.as_str()) {
            return Ok(true);
        }
        if let Some(customer) = customer
            && host.belongs_to(id, customer).await?
        {
            return Ok(true);
        }
        match cart_id {
            Some(cart) => Ok(host.is_of_cart(id, cart).await?),
            None => Ok(false),
        }
    }
}

/// Put there by the guard of the routes.
impl<S: Send + Sync> FromRequestParts<S> for Visitor {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        Ok(parts.extensions.get::<Self>().cloned().unwrap_or_default())
    }
}

impl Argument for Visitor {
    fn describe(draft: &mut Draft<'_>) {
        draft.fails(&[403]);
    }
}
