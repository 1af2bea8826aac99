//! Whether the server is about to stop: told once, heard by health checks and by whoever would go on for ever.

use axum::Extension;
use tokio::sync::watch;

use super::document::{Argument, Draft};

/// The listening end. A clone hears the same.
#[derive(Debug, Clone)]
pub(super) struct Drain(watch::Receiver<bool>);

/// The telling end.
pub(super) type Drained = watch::Sender<bool>;

impl Drain {
    pub(super) fn new() -> (Drained, Self) {
        let (told, heard) = watch::channel(false);
        (told, Self(heard))
    }

    pub(super) fn has_begun(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits until it has begun; for ever where nobody is left who could say so.
    pub(super) async fn begun(&mut self) {
        if self.0.wait_for(|begun| *begun).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// For routes in a server of somebody else's: it never begins.
impl Default for Drain {
    fn default() -> Self {
        Self::new().1
    }
}

/// It is the server's and nothing of the request.
impl Argument for Option<Extension<Drain>> {
    fn describe(draft: &mut Draft<'_>) {
        draft.fails(&[503]);
    }
}
