//! Providers that are installed, upgraded, approved and rolled back while payments run: real components, on a SQLite file and
//! on PostgreSQL.
//!
//! What a version did is told twice, and has to agree: by the books, which name the component an operation began with, and by
//! the component, which signs its answers with its version.

mod scene;

mod breaker;
mod hosts;
mod installing;
mod killed;
mod over_http;
mod permissions;
mod refused;
mod serving;

use tillbox_store_tests::place::{Database, File};

/// Runs each story on each store.
macro_rules! stories {
    ($($stories:ident::$name:ident,)*) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                super::$stories::$name(&super::File::new().await).await;
            })*
        }
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                super::$stories::$name(&super::Database::new().await).await;
            })*
        }
    };
}

stories! {
    installing::a_component_is_installed_and_serves_at_once,
    installing::a_version_is_removed_and_its_operations_say_so,
    installing::what_is_installed_survives_a_restart,
    serving::an_upgrade_during_200_payments_loses_none,
    serving::a_roll_back_is_served_at_once,
    serving::an_open_operation_is_asked_of_the_component_it_began_with,
    permissions::a_wider_version_waits_for_an_approval,
    refused::what_cannot_serve_is_refused_and_the_old_one_goes_on,
    refused::a_component_that_is_damaged_in_the_books_replaces_nothing,
    hosts::another_host_follows_within_its_bound,
    hosts::operators_at_once_leave_one_version_that_serves,
    killed::whatever_is_killed_leaves_the_old_one_or_the_new_one,
}
