//! The queries of lists, one struct or filter each. A key that is not here is refused.

use std::marker::PhantomData;

use tillbox_core::id::{AccountHolderId, CollectionId, ProviderId};
use tillbox_core::operation::OperationState;

use super::ProvidersAnswer;
use super::fields::Invalid;
use super::filters;
use super::query::{Filter, Query, QueryInput};
use super::select::{Choosable, Chosen};
use crate::http::limits::REASONS_LIMIT_DEFAULT;
use crate::service::{EventFilter, ProviderField, ProviderFilter, REGION_ID_BYTES_MAX, SEARCH_BYTES_MAX};
use crate::store::{
    AccountHolderFilter, AuditFilter, By, CaptureFilter, CollectionFilter, DispatchState, Page, PaymentFilter,
    RefundFilter, RefundReasonFilter, SessionFilter, Wanted,
};

/// A list: which ones, and what of each.
#[derive(Debug)]
pub(in crate::http) struct List<F, E> {
    pub(in crate::http) wanted: Wanted<F>,
    pub(in crate::http) fields: Chosen,
    answer: PhantomData<fn() -> E>,
}

impl<F, E: Choosable> QueryInput for List<F, E>
where
    Wanted<F>: QueryInput,
{
    fn read(query: &mut Query) -> Result<Self, Invalid> {
        Ok(Self { wanted: Wanted::read(query)?, fields: query.fields::<E>()?, answer: PhantomData })
    }
}

impl QueryInput for Wanted<CollectionFilter> {
    fn read(query: &mut Query) -> Result<Self, Invalid> {
        let filter = CollectionFilter {
            condition: query.condition(filters::COLLECTIONS)?,
            text: query.text("q", 1..=SEARCH_BYTES_MAX)?,
            with_deleted: query.with_deleted()?,
            ..CollectionFilter::default()
        };
        query.wanted(filter)
    }
}

impl QueryInput for Wanted<SessionFilter> {
    fn read(query: &mut Query) -> Result<Self, Invalid> {
        let condition = query.condition(filters::SESSIONS)?;
        query.wanted(SessionFilter { condition, ..SessionFilter::default() })
    }
}

impl QueryInput for Wanted<PaymentFilter> {
    fn read(query: &mut Query) -> Result<Self, Invalid> {
        let filter = PaymentFilter {
            condition: query.condition(filters::PAYMENTS)?,
            text: query.text("q", 1..=SEARCH_BYTES_MAX)?,
            with_deleted: query.with_deleted()?,
            ..PaymentFilter::default()
        };
        query.wanted(filter)
    }
}

impl QueryInput for Wanted<CaptureFilter> {
    fn read(query: &mut Query) -> Result<Self, Invalid> {
        let condition = query.condition(filters::CAPTURES)?;
        query.wanted(CaptureFilter { condition, ..CaptureFilter::default() })
    }
}

impl QueryInput for Wanted<RefundFilter> {
    fn read(query: &mut Query) -> Result<Self, Invalid> {
        let condition = query.condition(filters::REFUNDS)?;
        query.wanted(RefundFilter { condition, ..RefundFilter::default() })
    }
}

/// What reasons for refunds can be ordered by.
fn reason_orders() -> Vec<(&'static str, By)> {
    vec![
        ("id", By::Id),
        ("label", By::Label),
        ("code", By::Code),
        ("created_at", By::CreatedAt),
        ("updated_at", By::UpdatedAt),
    ]
}

fn reason_order_words() -> Vec<&'static str> {
    vec!["id", "-id", "label", "-label", "code", "-code", "created_at", "-created_at", "updated_at", "-updated_at"]
}

impl QueryInput for Wanted<RefundReasonFilter> {
    fn read(query: &mut Query) -> Result<Self, Invalid> {
        let filter = RefundReasonFilter {
            condition: query.condition(filters::REASONS)?,
            text: query.text("q", 1..=SEARCH_BYTES_MAX)?,
            with_deleted: query.with_deleted()?,
            ..RefundReasonFilter::default()
        };
        let order = query.order(reason_orders, reason_order_words)?;
        Ok(Wanted { filter, order, page: query.page_of(REASONS_LIMIT_DEFAULT)? })
    }
}

impl QueryInput for Wanted<AccountHolderFilter> {
    fn read(query: &mut Query) -> Result<Self, Invalid> {
        let filter = AccountHolderFilter {
            ids: query.ids("id", AccountHolderId::parse)?,
            providers: query.ids("provider_id", ProviderId::parse)?,
            customers: query.texts("customer_id")?,
            external_ids: query.texts("external_id")?,
            emails: query.texts("email")?,
            created: query.created()?,
            updated: query.updated()?,
            text: query.text("q", 1..=SEARCH_BYTES_MAX)?,
        };
        query.wanted(filter)
    }
}

/// Providers have nothing else to be ordered by.
fn id_order() -> Vec<(&'static str, By)> {
    vec![("id", By::Id)]
}

fn id_order_words() -> Vec<&'static str> {
    vec!["id", "-id"]
}

/// GET /admin/payments/payment-providers
#[derive(Debug)]
pub(in crate::http) struct WantedProviders {
    pub(in crate::http) filter: ProviderFilter,
    pub(in crate::http) page: Page,
    pub(in crate::http) fields: Chosen,
}

impl WantedProviders {
    /// Nothing of providers is ever deleted, so who wants deleted ones too is answered the same.
    fn of(query: &mut Query, filters: &[Filter<ProviderField>], filter: ProviderFilter) -> Result<Self, Invalid> {
        let condition = query.condition(filters)?;
        query.with_deleted()?;
        let order = query.said_order(id_order, id_order_words)?;
        // Nothing said is from the first id on: there are few, and people know them by name.
        let filter = ProviderFilter { condition, descending: order.is_some_and(|order| order.descending), ..filter };
        Ok(Self { filter, page: query.page()?, fields: query.fields::<ProvidersAnswer>()? })
    }
}

impl QueryInput for WantedProviders {
    fn read(query: &mut Query) -> Result<Self, Invalid> {
        let region = query.text("region_id", 1..=REGION_ID_BYTES_MAX)?;
        Self::of(query, filters::PROVIDERS, ProviderFilter { region, ..ProviderFilter::default() })
    }
}

/// GET /admin/payment-providers
#[derive(Debug)]
pub(in crate::http) struct WantedEntries {
    pub(in crate::http) filter: ProviderFilter,
    pub(in crate::http) page: Page,
}

impl QueryInput for WantedEntries {
    fn read(query: &mut Query) -> Result<Self, Invalid> {
        let region = query.text("region_id", 1..=REGION_ID_BYTES_MAX)?;
        let condition = query.condition(filters::PROVIDERS)?;
        let filter = ProviderFilter { region, condition, ..ProviderFilter::default() };
        Ok(Self { filter, page: query.page()? })
    }
}

/// GET /store/payment-providers: those of a region that are switched on.
#[derive(Debug)]
pub(in crate::http) struct StoreProviders(pub(in crate::http) WantedProviders);

impl QueryInput for StoreProviders {
    fn read(query: &mut Query) -> Result<Self, Invalid> {
        let region = Some(query.required_text("region_id", 1..=REGION_ID_BYTES_MAX)?);
        let filter = ProviderFilter { is_enabled: Some(true), region, ..ProviderFilter::default() };
        WantedProviders::of(query, filters::STORE_PROVIDERS, filter).map(Self)
    }
}

/// GET /admin/operations
#[derive(Debug)]
pub(in crate::http) struct WantedOperations {
    pub(in crate::http) states: Vec<OperationState>,
    pub(in crate::http) page: Page,
}

impl QueryInput for WantedOperations {
    fn read(query: &mut Query) -> Result<Self, Invalid> {
        Ok(Self { states: query.names("state")?, page: query.page()? })
    }
}

/// GET /admin/webhook-endpoints/{id}/deliveries
#[derive(Debug)]
pub(in crate::http) struct WantedDeliveries {
    pub(in crate::http) state: Option<DispatchState>,
    pub(in crate::http) page: Page,
}

impl QueryInput for WantedDeliveries {
    fn read(query: &mut Query) -> Result<Self, Invalid> {
        Ok(Self { state: query.name("state")?, page: query.page()? })
    }
}

/// GET /admin/events/stream: from now on, unless it says after which event.
#[derive(Debug)]
pub(in crate::http) struct WantedStream {
    pub(in crate::http) after: Option<i64>,
    pub(in crate::http) filter: EventFilter,
}

impl QueryInput for WantedStream {
    fn read(query: &mut Query) -> Result<Self, Invalid> {
        Ok(Self {
            after: query.sequence("after")?,
            filter: EventFilter {
                kinds: query.event_kinds("type")?,
                collections: query.ids("payment_collection_id", CollectionId::parse)?,
            },
        })
    }
}

/// GET /admin/events
#[derive(Debug)]
pub(in crate::http) struct WantedEvents {
    pub(in crate::http) after: i64,
    pub(in crate::http) limit: u32,
}

impl QueryInput for WantedEvents {
    fn read(query: &mut Query) -> Result<Self, Invalid> {
        let (after, limit) = query.events()?;
        Ok(Self { after, limit })
    }
}

/// GET /admin/audit
#[derive(Debug)]
pub(in crate::http) struct WantedAudit {
    pub(in crate::http) filter: AuditFilter,
    pub(in crate::http) page: Page,
}

impl QueryInput for WantedAudit {
    fn read(query: &mut Query) -> Result<Self, Invalid> {
        let filter = AuditFilter {
            api_keys: query.texts("api_key_id")?,
            subjects: query.texts("subject_id")?,
            request_ids: query.texts("request_id")?,
            created: query.created()?,
        };
        Ok(Self { filter, page: query.page()? })
    }
}
