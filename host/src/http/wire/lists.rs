//! The queries of lists, one struct or filter each. A key that is not here is refused.

use tillbox_core::id::{
    AccountHolderId, CaptureId, CollectionId, PaymentId, ProviderId, RefundId, RefundReasonId, SessionId,
};
use tillbox_core::operation::OperationState;

use super::fields::Invalid;
use super::query::{Query, QueryInput};
use crate::service::{EventFilter, ProviderFilter, REGION_ID_BYTES_MAX, SEARCH_BYTES_MAX};
use crate::store::{
    AccountHolderFilter, CaptureFilter, CollectionFilter, DispatchState, Page, PaymentFilter, RefundFilter,
    RefundReasonFilter, SessionFilter, Wanted,
};

impl QueryInput for Wanted<CollectionFilter> {
    fn read(query: &mut Query) -> Result<Self, Invalid> {
        let filter = CollectionFilter {
            ids: query.ids("id", CollectionId::parse)?,
            cart_ids: query.texts("cart_id")?,
            statuses: query.names("status")?,
            currencies: query.currencies("currency_code")?,
            created: query.created()?,
            updated: query.updated()?,
            text: query.text("q", 1..=SEARCH_BYTES_MAX)?,
        };
        query.wanted(filter)
    }
}

impl QueryInput for Wanted<SessionFilter> {
    fn read(query: &mut Query) -> Result<Self, Invalid> {
        let filter = SessionFilter {
            ids: query.ids("id", SessionId::parse)?,
            collections: query.ids("payment_collection_id", CollectionId::parse)?,
            providers: query.ids("provider_id", ProviderId::parse)?,
            statuses: query.names("status")?,
            created: query.created()?,
            updated: query.updated()?,
        };
        query.wanted(filter)
    }
}

impl QueryInput for Wanted<PaymentFilter> {
    fn read(query: &mut Query) -> Result<Self, Invalid> {
        let filter = PaymentFilter {
            ids: query.ids("id", PaymentId::parse)?,
            collections: query.ids("payment_collection_id", CollectionId::parse)?,
            sessions: query.ids("payment_session_id", SessionId::parse)?,
            providers: query.ids("provider_id", ProviderId::parse)?,
            currencies: query.currencies("currency_code")?,
            captured: query.truth("captured")?,
            canceled: query.truth("canceled")?,
            created: query.created()?,
            updated: query.updated()?,
            text: query.text("q", 1..=SEARCH_BYTES_MAX)?,
        };
        query.wanted(filter)
    }
}

impl QueryInput for Wanted<CaptureFilter> {
    fn read(query: &mut Query) -> Result<Self, Invalid> {
        let filter = CaptureFilter {
            ids: query.ids("id", CaptureId::parse)?,
            payments: query.ids("payment_id", PaymentId::parse)?,
            created_by: query.texts("created_by")?,
            created: query.created()?,
        };
        query.wanted(filter)
    }
}

impl QueryInput for Wanted<RefundFilter> {
    fn read(query: &mut Query) -> Result<Self, Invalid> {
        let filter = RefundFilter {
            ids: query.ids("id", RefundId::parse)?,
            payments: query.ids("payment_id", PaymentId::parse)?,
            reasons: query.ids("refund_reason_id", RefundReasonId::parse)?,
            created_by: query.texts("created_by")?,
            created: query.created()?,
        };
        query.wanted(filter)
    }
}

impl QueryInput for Wanted<RefundReasonFilter> {
    fn read(query: &mut Query) -> Result<Self, Invalid> {
        let filter = RefundReasonFilter {
            ids: query.ids("id", RefundReasonId::parse)?,
            codes: query.texts("code")?,
            created: query.created()?,
            updated: query.updated()?,
            text: query.text("q", 1..=SEARCH_BYTES_MAX)?,
        };
        query.wanted(filter)
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

/// GET /admin/payments/payment-providers
#[derive(Debug)]
pub(in crate::http) struct WantedProviders {
    pub(in crate::http) filter: ProviderFilter,
    pub(in crate::http) page: Page,
}

impl QueryInput for WantedProviders {
    fn read(query: &mut Query) -> Result<Self, Invalid> {
        let filter = ProviderFilter {
            ids: query.ids("id", ProviderId::parse)?,
            is_enabled: query.truth("is_enabled")?,
            region: query.text("region_id", 1..=REGION_ID_BYTES_MAX)?,
        };
        Ok(Self { filter, page: query.page()? })
    }
}

/// GET /store/payment-providers: those that are switched on.
#[derive(Debug)]
pub(in crate::http) struct StoreProviders {
    pub(in crate::http) region: Option<String>,
    pub(in crate::http) page: Page,
}

impl QueryInput for StoreProviders {
    fn read(query: &mut Query) -> Result<Self, Invalid> {
        Ok(Self { region: query.text("region_id", 1..=REGION_ID_BYTES_MAX)?, page: query.page()? })
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
