//! Where names lead. The host asks, once for each new connection; the guest never learns an address.

use std::fmt;
use std::net::IpAddr;

use async_trait::async_trait;

/// Addresses of a name that are tried: more would only spend the call's time.
pub const ADDRESSES_MAX: usize = 4;

/// Asks where names lead.
#[async_trait]
pub trait Resolve: fmt::Debug + Send + Sync {
    /// The addresses of a host name.
    ///
    /// # Errors
    /// When the name leads nowhere, or nobody can say.
    async fn resolve(&self, host: &str) -> std::io::Result<Vec<IpAddr>>;
}

/// The operating system's own resolver.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemResolver;

#[async_trait]
impl Resolve for SystemResolver {
    async fn resolve(&self, host: &str) -> std::io::Result<Vec<IpAddr>> {
        // The port means nothing here; the call wants one.
        let found = tokio::net::lookup_host((host, 0)).await?;
        Ok(found.map(|address| address.ip()).collect())
    }
}
