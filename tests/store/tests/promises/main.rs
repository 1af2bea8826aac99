//! What a store promises. `every_store` is run on each; the others hold what only a server can get wrong, and the way from
//! one store to another.

mod access;
mod api_keys;
mod audit;
mod carts;
mod claims;
mod dispatches;
mod every_store;
mod exchanges;
mod figures;
mod idempotency;
mod lists;
mod moving;
mod sealed;
mod server;
mod silence;
mod versions;

use tillbox_store_tests::place::{Database, File, Place};

/// Runs each promise on each store.
macro_rules! promises {
    ($($promises:ident::$name:ident,)*) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                super::$promises::$name(&super::File::new().await).await;
            })*
        }
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                super::$promises::$name(&super::Database::new().await).await;
            })*
        }
    };
}

promises! {
    every_store::everything_survives,
    every_store::what_is_not_there_is_not_found,
    every_store::everything_in_a_collection_finds_it,
    every_store::the_second_change_of_a_version_is_refused_alone,
    every_store::the_same_collection_cannot_be_made_twice,
    every_store::a_change_that_fails_in_the_middle_leaves_nothing,
    every_store::lists_are_newest_first_and_counted,
    every_store::events_keep_their_order,
    every_store::no_event_appears_behind_a_reader,
    every_store::deliveries_are_kept_until_they_are_closed,
    every_store::a_claim_counts_once,
    every_store::sessions_are_found_by_the_providers_reference,
    every_store::the_host_key_is_made_once,
    every_store::a_row_that_nobody_wrote_is_named,
    every_store::the_database_itself_refuses_by_name,
    every_store::one_wins_each_version,
    every_store::many_collections_at_once_all_land,
    every_store::two_hosts_share_one_database,
    every_store::hosts_that_start_at_once_agree,
    every_store::check_writes,
    lists::collections_are_found_by_what_they_are,
    lists::lists_have_spans_orders_and_pages,
    lists::a_search_takes_text_for_text,
    lists::what_is_in_collections_is_found,
    lists::conditions_are_joined_and_mean_the_same,
    lists::what_was_deleted_is_found_by_those_who_ask,
    carts::a_cart_has_one_collection,
    carts::one_wins_each_cart,
    lists::what_was_deleted_is_kept_and_not_found,
    lists::several_changes_are_kept_together_or_not_at_all,
    lists::refund_reasons_are_kept_and_each_code_is_given_once,
    lists::a_database_is_given_its_first_reasons_once,
    lists::providers_are_registered_once_and_switched,
    lists::a_customer_has_one_living_account_with_a_provider,
    figures::what_is_open_is_counted,
    figures::who_is_behind_is_told,
    figures::an_event_keeps_its_trace,
    claims::due_work_is_claimed_once_and_oldest_first,
    claims::a_claim_that_ends_is_given_again,
    claims::a_change_ends_a_claim,
    claims::claims_are_for_the_providers_asked_for,
    claims::hosts_that_claim_at_once_never_get_the_same,
    claims::deliveries_are_claimed_once_and_come_back_when_postponed,
    idempotency::a_key_is_kept_with_its_change_or_not_at_all,
    idempotency::a_key_is_kept_with_a_side_change_or_not_at_all,
    idempotency::a_key_is_taken_over_from_the_holder_that_was_read,
    idempotency::one_of_many_takes_a_key,
    idempotency::an_expired_key_is_as_good_as_none,
    idempotency::expired_keys_are_deleted_in_batches,
    idempotency::a_collection_survives_as_a_text,
    access::a_customer_is_kept_with_the_collection_or_not_at_all,
    access::secrets_are_counted_on,
    audit::a_call_is_kept_with_the_next_change_and_ends_later,
    audit::a_call_that_is_wanted_now_is_there_alone,
    exchanges::an_intent_is_there_with_its_operation_or_not_at_all,
    exchanges::an_exchange_ends_once_with_everything_in_it,
    exchanges::whoever_lost_the_lease_writes_no_exchange,
    exchanges::a_call_without_an_operation_is_noted,
    exchanges::a_run_is_gone_on_with_unless_its_holder_went_on,
    api_keys::a_key_is_found_by_its_id_and_nothing_of_it_is_lost,
    api_keys::one_of_two_replaces_a_key,
    api_keys::a_key_ends_once_and_its_last_use_goes_forward,
    versions::a_component_is_kept_byte_for_byte_and_completed,
    versions::versions_move_together_or_not_at_all,
    versions::open_operations_are_counted_by_their_component,
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
