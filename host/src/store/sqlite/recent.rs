//! Collections as they were written or read lately, so that a reader need not put them together from their rows again.
//!
//! It promises nothing: what it gives counts only once the database has said that the version is still the latest. So another
//! process may write to the same file, and nothing that is held here can be wrong, only useless.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use tillbox_core::id::CollectionId;
use tillbox_core::state::Collection;

use super::{Key, Stored};

/// What may be held in each of the two generations, counted in collections and operations: some megabytes, and the payments
/// of the last seconds on a busy host. Those are the ones that are asked for again.
const WEIGHT_MAX: usize = 8_192;

/// The collections. Two generations instead of a list by last use: what is written anew moves on by itself.
#[derive(Debug, Default)]
pub(super) struct Recent {
    generations: Mutex<[Generation; 2]>,
}

#[derive(Debug, Default)]
struct Generation {
    weight: usize,
    stored: HashMap<CollectionId, Arc<Stored>>,
    /// By the ids of sessions and payments, and of operations that are open: what requests come with.
    owners: HashMap<String, CollectionId>,
}

impl Recent {
    /// What is held under this key, perhaps outdated.
    pub(super) fn get(&self, key: &Key) -> Option<Arc<Stored>> {
        let generations = self.generations.lock().expect("no holder panics");
        let by_owner = |id: &str| generations.iter().find_map(|generation| generation.owners.get(id));
        let id = match key {
            Key::Collection(id) => id,
            Key::Session(id) => by_owner(id.as_str())?,
            Key::Payment(id) => by_owner(id.as_str())?,
            Key::Operation(id) => by_owner(id.as_str())?,
            // Asked for by people, not by payments under way.
            Key::Capture(_) | Key::Refund(_) => return None,
        };
        generations.iter().find_map(|generation| generation.stored.get(id)).cloned()
    }

    /// Holds a collection from now on.
    pub(super) fn put(&self, stored: Stored) {
        let weight = 1 + stored.collection.operations.len();
        let owners = owners(&stored.collection);
        let id = stored.collection.id.clone();
        let mut generations = self.generations.lock().expect("no holder panics");
        if generations[0].weight + weight > WEIGHT_MAX {
            let [young, old] = &mut *generations;
            *old = std::mem::take(young);
        }
        let young = &mut generations[0];
        young.weight += weight;
        young.owners.extend(owners.into_iter().map(|owner| (owner, id.clone())));
        young.stored.insert(id, Arc::new(stored));
    }
}

fn owners(collection: &Collection) -> Vec<String> {
    let sessions = collection.sessions.iter().map(|session| session.id.to_string());
    let payments = collection.payments.iter().map(|payment| payment.id.to_string());
    let open = collection.operations.iter().filter(|operation| operation.state.reserves());
    sessions.chain(payments).chain(open.map(|operation| operation.id.to_string())).collect()
}

#[cfg(test)]
mod tests {
    use tillbox_core::Timestamp;
    use tillbox_core::command::Command;
    use tillbox_core::machine;

    use super::*;
    use crate::currency::money;

    fn stored(number: usize, version: i64) -> Stored {
        let id = CollectionId::from_tail(&number.to_string());
        let amount = money("1.00", "EUR").unwrap();
        let create = Command::CreateCollection { id, amount, cart_id: None, order_id: None, metadata: None };
        let events = machine::decide(None, &create, Timestamp(0)).unwrap();
        Stored { collection: machine::replay(&events).unwrap(), version }
    }

    #[test]
    fn the_latest_is_held_and_memory_is_bounded() {
        let recent = Recent::default();
        let key = |number: usize| Key::Collection(CollectionId::from_tail(&number.to_string()));
        for number in 0..3 * WEIGHT_MAX {
            recent.put(stored(number, 1));
            recent.put(stored(number, 2));
            assert_eq!(recent.get(&key(number)).unwrap().version, 2);
        }
        assert!(recent.get(&key(0)).is_none());
        let generations = recent.generations.lock().unwrap();
        assert!(generations.iter().map(|generation| generation.stored.len()).sum::<usize>() <= 2 * WEIGHT_MAX);
    }
}
