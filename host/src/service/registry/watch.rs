//! Notices what other hosts of the database, or an operator's tool beside this one, installed.

use std::sync::Weak;
use std::time::Duration;

use tokio::sync::watch;

use super::super::{Host, Inner};

/// Milliseconds between two looks at which versions serve: how late a host notices what another one installed. Then it loads
/// it, which takes as long as a compilation at most, and calls go on with what served before until it is ready.
pub const VERSIONS_LOOK_MS: u64 = 1_000;

/// Looks until the host stops or is gone.
pub(in super::super) async fn run(inner: Weak<Inner>, mut stop: watch::Receiver<bool>) {
    loop {
        let Some(inner) = inner.upgrade() else { return };
        let host = Host { inner, key: None };
        if let Err(error) = host.sync_providers().await {
            tracing::warn!(%error, "which versions of providers serve cannot be read; those that do go on");
        }
        drop(host);
        tokio::select! {
            // An error means that the host is gone.
            _ = stop.wait_for(|stop| *stop) => return,
            () = tokio::time::sleep(Duration::from_millis(VERSIONS_LOOK_MS)) => {}
        }
    }
}
