//! What a store promises. `every_store` is run on each; the others hold what only a server can get wrong, and the way from
//! one store to another.

mod every_store;
mod moving;
mod sealed;
mod server;
mod silence;

use tillbox_store_tests::place::{Database, File, Place};

/// Runs each promise on each store.
macro_rules! promises {
    ($($name:ident,)*) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                super::every_store::$name(&super::File::new().await).await;
            })*
        }
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                super::every_store::$name(&super::Database::new().await).await;
            })*
        }
    };
}

promises! {
    everything_survives,
    what_is_not_there_is_not_found,
    everything_in_a_collection_finds_it,
    the_second_change_of_a_version_is_refused_alone,
    the_same_collection_cannot_be_made_twice,
    a_change_that_fails_in_the_middle_leaves_nothing,
    lists_are_newest_first_and_counted,
    events_keep_their_order,
    no_event_appears_behind_a_reader,
    deliveries_are_kept_until_they_are_closed,
    a_claim_counts_once,
    sessions_are_found_by_the_providers_reference,
    the_host_key_is_made_once,
    a_row_that_nobody_wrote_is_named,
    the_database_itself_refuses_by_name,
    one_wins_each_version,
    many_collections_at_once_all_land,
    two_hosts_share_one_database,
    hosts_that_start_at_once_agree,
    check_writes,
}

/// Both stores keep the same columns, or one of them would forget something.
#[tokio::test]
async fn the_tables_are_the_same_everywhere() {
    let (file, database) = (File::new().await, Database::new().await);
    drop((file.open().await, database.open().await));
    let mut here = database.columns().await;
    // The order of writing, from which the order of reading is made; SQLite has one writer and one order.
    here.retain(|column| column != "outbox.ordinal");
    assert_eq!(file.columns().await, here);
}
