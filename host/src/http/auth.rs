//! Who calls: the key in the headers against the line of the route. Refused before anything of the request is read.
//!
//! It decides by `access` and the service's word on a key, and by nothing in the path or the body. What goes to the log of
//! a failed call is the id of a key, never what was presented.

use std::sync::Arc;

use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tillbox_core::id::{CollectionId, SessionId};

use super::access::{Access, Ruling, ruling};
use super::audit;
use super::credentials::{Authorization, PUBLISHABLE_KEY_HEADER, authorization, single};
use super::document::{Argument, Draft};
use super::extract::Id;
use super::options::Options;
use super::place::route;
use super::problem::Problem;
use super::tokens::CustomerTokens;
use super::visitor::Visitor;
use crate::service::{ApiKey, NotAKey};
use crate::store::{ApiKeyKind, Scope};
use crate::{Error, Host};

/// What the middleware needs.
#[derive(Debug, Clone)]
pub(super) struct Guard {
    host: Host,
    open: bool,
    tokens: Option<Arc<dyn CustomerTokens>>,
}

impl Guard {
    pub(super) fn new(host: Host, options: &Options) -> Self {
        Self { host, open: options.open, tokens: options.tokens.clone() }
    }
}

/// Who calls, for what is written down with it: the id of the key, or that none was asked for.
#[derive(Debug, Clone)]
pub(super) struct By(pub(super) String);

impl<S: Send + Sync> FromRequestParts<S> for By {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        Ok(parts.extensions.get::<Self>().cloned().unwrap_or_else(|| Self("http".to_owned())))
    }
}

impl Argument for By {
    fn describe(_: &mut Draft<'_>) {}
}

/// The middleware.
pub(super) async fn pass(State(guard): State<Guard>, mut request: Request, next: Next) -> Response {
    let route = route(&mut request).await.unwrap_or_default();
    let access = match ruling(&route, request.method()) {
        Ruling::Takes(access) => access,
        Ruling::WrongMethod(methods) => return wrong_method(&methods),
        Ruling::NotListed => {
            tracing::error!(route, "a route has no line that says who may call it, so nobody may");
            return Problem::no_route().into_response();
        }
    };
    let (mut parts, body) = request.into_parts();
    let admitted = guard.admits(access, &mut parts).await;
    if let Ok(Some(key)) = &admitted {
        parts.extensions.insert(By(key.id.to_string()));
    }
    let call = match admitted {
        Ok(_) if access == Access::Anybody => Ok(None),
        Ok(key) => audit::begin(&guard.host, &route, key.as_ref(), &mut parts).await,
        Err(problem) => Err(problem),
    };
    let call = match call {
        Ok(call) => call,
        Err(problem) => return problem.into_response(),
    };
    let response = next.run(Request::from_parts(parts, body)).await;
    if let Some(call) = call {
        call.end(&response);
    }
    response
}

impl Guard {
    /// Lets the request in, by this key and with what is known of its visitor, or says why not.
    async fn admits(&self, access: Access, parts: &mut Parts) -> Result<Option<ApiKey>, Problem> {
        if self.open {
            parts.extensions.insert(Visitor::trusted());
            return Ok(None);
        }
        match access {
            Access::Anybody => Ok(None),
            Access::Server(scope) => server(&self.host, &parts.headers, scope).await.map(Some),
            Access::Storefront | Access::OfCollection | Access::OfSession => {
                let key = storefront(&self.host, &parts.headers).await?;
                let visitor = Visitor::of(&parts.headers, self.tokens.as_deref())?;
                match access {
                    Access::OfCollection => {
                        let Id(id) = Id::<CollectionId>::from_request_parts(parts, &()).await?;
                        visitor.check(&self.host, Some(&id)).await?;
                    }
                    Access::OfSession => {
                        let Id(id) = Id::<SessionId>::from_request_parts(parts, &()).await?;
                        let collection = self.collection_of(&id).await?;
                        visitor.check(&self.host, collection.as_ref()).await?;
                    }
                    Access::Anybody | Access::Storefront | Access::Server(_) => {}
                }
                parts.extensions.insert(visitor);
                Ok(Some(key))
            }
        }
    }

    async fn collection_of(&self, id: &SessionId) -> Result<Option<CollectionId>, Problem> {
        match self.host.collection_of_session(id).await {
            Ok(collection) => Ok(Some(collection.id)),
            Err(Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

fn wrong_method(methods: &[&str]) -> Response {
    let mut response = Problem::wrong_method().into_response();
    let allow = HeaderValue::from_str(&methods.join(", ")).expect("names of methods");
    response.headers_mut().insert(header::ALLOW, allow);
    response
}

/// The key of a storefront. The words and the status are the reference's.
async fn storefront(host: &Host, headers: &HeaderMap) -> Result<ApiKey, Problem> {
    let refused = |code, message: &str| Problem::new(StatusCode::BAD_REQUEST, "not_allowed", code, message);
    let Some(presented) = single(headers, PUBLISHABLE_KEY_HEADER)? else {
        let message = "Publishable API key required in the request header: x-publishable-api-key. \
                       `tillbox keys create --publishable` makes one";
        return Err(refused("publishable_key_missing", message));
    };
    match host.authenticate(presented).await? {
        Ok(key) if key.kind == ApiKeyKind::Publishable => Ok(key),
        Ok(key) => {
            tracing::error!(
                key = key.id.as_str(),
                "a secret key came from a storefront: whoever reads its pages has it. Revoke it"
            );
            let message = "A publishable API key is required here, and this is a secret one: it must never be in a \
                           storefront. Revoke it";
            Err(refused("publishable_key_invalid", message))
        }
        Err(why) => {
            told(&why);
            let message = match why {
                NotAKey::Revoked(_) => {
                    "A valid publishable key is required to proceed with the request: this one was revoked"
                }
                NotAKey::Expired(_) => {
                    "A valid publishable key is required to proceed with the request: this one has expired"
                }
                NotAKey::Malformed | NotAKey::Unknown => {
                    "A valid publishable key is required to proceed with the request"
                }
            };
            Err(refused("publishable_key_invalid", message))
        }
    }
}

/// The key of the merchant's server or of an operator.
async fn server(host: &Host, headers: &HeaderMap, scope: Scope) -> Result<ApiKey, Problem> {
    let refused = |code, message: String| Problem::new(StatusCode::UNAUTHORIZED, "unauthorized", code, message);
    let how = "send a secret key, as the user name of HTTP Basic with an empty password or as a bearer token";
    let presented = match authorization(headers)? {
        Authorization::Given(presented) => presented,
        Authorization::Absent => {
            let message = format!("Unauthorized: {how}; `tillbox keys create --secret` makes one");
            return Err(refused("secret_key_missing", message));
        }
        Authorization::Unreadable(why) => {
            return Err(refused("secret_key_invalid", format!("Unauthorized: {why}; {how}")));
        }
    };
    let key = match host.authenticate(&presented).await? {
        Ok(key) if key.kind == ApiKeyKind::Secret => key,
        Ok(_) => return Err(refused("secret_key_invalid", format!("Unauthorized: this is a publishable key; {how}"))),
        Err(why) => {
            told(&why);
            let what = match why {
                NotAKey::Revoked(_) => "this key was revoked",
                NotAKey::Expired(_) => "this key has expired",
                NotAKey::Malformed | NotAKey::Unknown => "this is no key of this server",
            };
            return Err(refused("secret_key_invalid", format!("Unauthorized: {what}; {how}")));
        }
    };
    if key.may(scope) {
        return Ok(key);
    }
    tracing::warn!(key = key.id.as_str(), scope = scope.as_str(), "a key was used for what it may not do");
    let has: Vec<&str> = key.scopes.iter().map(|scope| scope.as_str()).collect();
    let message = format!(
        "the call needs a key with the scope `{}`, and this one has: {}. `tillbox keys create --secret --scope {}` makes one",
        scope.as_str(),
        has.join(", "),
        scope.as_str()
    );
    Err(Problem::new(StatusCode::FORBIDDEN, "forbidden", "scope_missing", message))
}

/// Guessing 256 random bits is hopeless, so it need not be slowed down, only be cheap: what does not look like a key is
/// never looked for, anything else costs one look at one row, and only ends of real keys are worth a line by default.
fn told(why: &NotAKey) {
    match why {
        NotAKey::Malformed | NotAKey::Unknown => tracing::debug!("a call with a key that nobody has"),
        NotAKey::Revoked(id) => tracing::warn!(key = id.as_str(), "a call with a key that was revoked"),
        NotAKey::Expired(id) => tracing::warn!(key = id.as_str(), "a call with a key that has expired"),
    }
}

#[cfg(test)]
mod tests {
    use axum::body::{Body, to_bytes};
    use axum::http::Method;
    use axum::response::Response;
    use hyper::service::Service;
    use hyper_util::service::TowerToHyperService;
    use serde_json::Value;

    use super::super::access::TABLE;
    use super::super::{Options, router, router_with};
    use super::*;
    use axum::Router;

    /// The longest answer is the document of the API.
    const ANSWER_BYTES_MAX: usize = 4 * 1024 * 1024;

    async fn host() -> Host {
        Host::builder().in_memory().without_background_work().build().await.unwrap()
    }

    async fn asked(routes: &Router, method: &str, path: &str) -> (StatusCode, Value) {
        let id = "pay_01JD3V9K6R2M4N8P0Q1S5T7W9X";
        let path = path.replace("{id}", id).replace("{method}", "pm_1").replace("{provider}", "manual_default");
        let request = Request::builder().method(method).uri(&path).body(Body::empty()).unwrap();
        let response: Response = TowerToHyperService::new(routes.clone()).call(request).await.unwrap();
        let status = response.status();
        let body = to_bytes(response.into_body(), ANSWER_BYTES_MAX).await.unwrap();
        (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
    }

    /// Nested in a foreign router too, whatever its prefix.
    #[tokio::test]
    async fn no_route_answers_without_its_key() {
        let routes = router(host().await);
        let nested = Router::new().nest("/admin", routes.clone());
        for (path, method, access) in TABLE {
            for (routes, path) in [(&routes, (*path).to_owned()), (&nested, format!("/admin{path}"))] {
                let (status, body) = asked(routes, method, &path).await;
                let code = body["code"].as_str().unwrap_or_default();
                match access {
                    Access::Anybody => assert!(!code.contains("key"), "{method} {path}: {body}"),
                    Access::Storefront | Access::OfCollection | Access::OfSession => {
                        assert_eq!((status.as_u16(), code), (400, "publishable_key_missing"), "{path}")
                    }
                    Access::Server(_) => assert_eq!((status.as_u16(), code), (401, "secret_key_missing"), "{path}"),
                }
            }
        }
    }

    #[tokio::test]
    async fn a_server_that_asks_itself_may_switch_it_off() {
        let routes = router_with(host().await, &Options::default().without_authentication());
        assert_eq!(asked(&routes, "GET", "/admin/payments").await.0, StatusCode::OK);
        assert_eq!(asked(&routes, "GET", "/store/payment-providers?region_id=r").await.0, StatusCode::OK);
        assert_eq!(asked(&routes, Method::PUT.as_str(), "/admin/payments").await.0, StatusCode::METHOD_NOT_ALLOWED);
    }
}
