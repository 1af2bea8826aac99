//! The provider as a host sees it: through the SDK's trait, natively, with the SDK's doubles for settings.

mod describe;
mod lifecycle;
mod limits;
mod money;
mod recovery;
mod replay;
mod shop;
mod webhooks;
