//! A version of the teller that traps whatever it is asked, save for what it is.
//!
//! It keeps nothing, and answers nothing.

#[path = "till.rs"]
#[allow(dead_code, reason = "of a till that answers it has the name alone")]
mod till;

use tillbox_guests::payments::{
    AuthorizeRequest, CaptureRequest, InitiateRequest, ProviderInfo, RefundRequest, RetrieveRequest, Snapshot,
};
use tillbox_guests::types::{Context, Error};
use tillbox_guests::{Answer, Provider};

/// The teller that traps.
#[derive(Debug)]
pub struct Broken;

impl Provider for Broken {
    fn describe() -> ProviderInfo {
        till::info("1.3.0")
    }

    fn initiate(_: Context, _: InitiateRequest) -> Answer {
        panic!("the drawer is stuck")
    }

    fn authorize(_: Context, _: AuthorizeRequest) -> Answer {
        panic!("the drawer is stuck")
    }

    fn capture(_: Context, _: CaptureRequest) -> Answer {
        panic!("the drawer is stuck")
    }

    fn refund(_: Context, _: RefundRequest) -> Answer {
        panic!("the drawer is stuck")
    }

    fn retrieve(_: Context, _: RetrieveRequest) -> Result<Snapshot, Error> {
        panic!("the drawer is stuck")
    }
}

tillbox_guests::export!(Broken);
