//! Numbers for events, given once they are committed.
//!
//! A number taken while the transaction runs may become visible after a higher one, and a reader who has gone on would never
//! see it. So readers number what is committed and has no number: one at a time, in the order of writing.

use tokio_postgres::Client;

use super::StoreError;
use super::connections::Connections;
use super::fault::text;
use super::write::{alone, step};

/// Readers that number wait for each other here ("Till", 2).
const NUMBERING_LOCK: &str = "select pg_advisory_xact_lock(92811767316482)";

/// The lock is a statement of its own: the next one sees what the former holder has numbered. A thousand at a time, so that
/// a long backlog does not make one long transaction.
const NUMBER: &str = "update outbox set sequence = numbered.sequence from ( \
       select ordinal, nextval('outbox_sequence') as sequence \
       from (select ordinal from outbox where sequence is null order by ordinal limit 1000) as waiting \
     ) as numbered where outbox.ordinal = numbered.ordinal";

/// Numbers some of the events that have none.
pub(super) async fn number(connections: &Connections) -> Result<(), StoreError> {
    alone(connections, &[step(NUMBERING_LOCK, Vec::new()), step(NUMBER, Vec::new())]).await
}

/// Numbers all events, in a transaction that the caller has begun.
pub(in crate::store) async fn number_all(client: &Client) -> Result<(), StoreError> {
    let failed = |error: tokio_postgres::Error| StoreError::Unavailable(text(&error));
    client.batch_execute(NUMBERING_LOCK).await.map_err(failed)?;
    while client.execute(NUMBER, &[]).await.map_err(failed)? > 0 {}
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lock_is_of_our_family() {
        assert!(NUMBERING_LOCK.contains(&0x5469_6c6c_0002_i64.to_string()), "{}", 0x5469_6c6c_0002_i64);
    }
}
