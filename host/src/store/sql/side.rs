//! Statements of changes beside the collections, with the key of their request.

use super::{Step, dispatch, holders, idempotency, providers, reasons, versions};
use crate::store::{KeyWrite, SideChange};

/// The key first: requests with one key wait for each other there.
pub(in crate::store) fn write(change: &SideChange, key: Option<&KeyWrite>) -> Vec<Step> {
    let mut steps: Vec<Step> = key.map(idempotency::write).into_iter().collect();
    match change {
        SideChange::KeepReasons(kept) => steps.extend(reasons::keep(kept)),
        SideChange::KeepHolder(holder) => steps.push(holders::keep(holder)),
        SideChange::SwitchProvider { id, is_enabled, at } => steps.push(providers::switch(id, *is_enabled, *at)),
        SideChange::SetRegion { region, providers } => steps.extend(providers::set_region(region, providers)),
        SideChange::AddSubscriber(subscriber) => steps.push(dispatch::add_subscriber(subscriber)),
        SideChange::UpdateSubscriber(subscriber) => steps.push(dispatch::update_subscriber(subscriber)),
        SideChange::RemoveSubscriber(id) => steps.push(dispatch::remove_subscriber(id)),
        SideChange::TellAgain { id, event, at } => steps.push(dispatch::tell_again(id, event, *at)),
        SideChange::TellFailedAgain { id, at } => steps.push(dispatch::tell_failed_again(id, *at)),
        SideChange::MoveVersions(moves) => steps.extend(moves.iter().flat_map(versions::step)),
    }
    steps
}
