//! The bodies of requests, one struct each. A key that is not here is refused.

use tillbox_core::id::{AccountHolderId, ProviderId, RefundReasonId};
use tillbox_runtime::request::{Address, Customer};

use super::fields::{Amount, Fields, Input, Invalid};
use crate::service::{
    AccountHolderUpdate, Error, NewPaymentMethod, NewRefundReason, Payer, RefundReasonUpdate, Verdict,
};

/// POST without anything to say.
#[derive(Debug)]
pub(in crate::http) struct Nothing;

impl Input for Nothing {
    fn read(_: &mut Fields) -> Result<Self, Invalid> {
        Ok(Self)
    }
}

/// POST /admin/payment-collections
#[derive(Debug)]
pub(in crate::http) struct CreateCollection {
    pub(in crate::http) currency_code: String,
    pub(in crate::http) amount: Amount,
    pub(in crate::http) cart_id: Option<String>,
    pub(in crate::http) metadata: Option<String>,
}

impl Input for CreateCollection {
    fn read(fields: &mut Fields) -> Result<Self, Invalid> {
        Ok(Self {
            currency_code: fields.required_text("currency_code")?,
            amount: fields.required_amount("amount")?,
            cart_id: fields.text("cart_id")?,
            metadata: fields.object("metadata")?,
        })
    }
}

/// POST /admin/payment-collections/{id}
#[derive(Debug)]
pub(in crate::http) struct UpdateCollection {
    pub(in crate::http) amount: Option<Amount>,
    pub(in crate::http) metadata: Option<String>,
}

impl Input for UpdateCollection {
    fn read(fields: &mut Fields) -> Result<Self, Invalid> {
        Ok(Self { amount: fields.amount("amount")?, metadata: fields.object("metadata")? })
    }
}

/// POST /store/payment-collections/{id}/payment-sessions: no amount, and nothing about the payer, comes from a storefront.
#[derive(Debug)]
pub(in crate::http) struct StoreCreateSession {
    pub(in crate::http) provider_id: String,
    pub(in crate::http) data: Option<String>,
    pub(in crate::http) region_id: Option<String>,
}

impl Input for StoreCreateSession {
    fn read(fields: &mut Fields) -> Result<Self, Invalid> {
        Ok(Self {
            provider_id: fields.required_text("provider_id")?,
            data: fields.object("data")?,
            region_id: fields.text("region_id")?,
        })
    }
}

/// POST /admin/payment-collections/{id}/payment-sessions
#[derive(Debug)]
pub(in crate::http) struct CreateSession {
    pub(in crate::http) provider_id: String,
    pub(in crate::http) data: Option<String>,
    pub(in crate::http) amount: Option<Amount>,
    pub(in crate::http) metadata: Option<String>,
    pub(in crate::http) payer: Payer,
    pub(in crate::http) region_id: Option<String>,
}

impl Input for CreateSession {
    fn read(fields: &mut Fields) -> Result<Self, Invalid> {
        Ok(Self {
            provider_id: fields.required_text("provider_id")?,
            data: fields.object("data")?,
            amount: fields.amount("amount")?,
            metadata: fields.object("metadata")?,
            payer: fields.nested("context")?.unwrap_or_default(),
            region_id: fields.text("region_id")?,
        })
    }
}

impl Input for Payer {
    fn read(fields: &mut Fields) -> Result<Self, Invalid> {
        Ok(Self { customer: fields.nested("customer")?, locale: fields.text("locale")? })
    }
}

impl Input for Customer {
    fn read(fields: &mut Fields) -> Result<Self, Invalid> {
        Ok(Self {
            id: fields.required_text("id")?,
            email: fields.text("email")?,
            name: fields.text("name")?,
            phone: fields.text("phone")?,
            billing_address: fields.nested("billing_address")?,
        })
    }
}

impl Input for Address {
    fn read(fields: &mut Fields) -> Result<Self, Invalid> {
        Ok(Self {
            line1: fields.text("line1")?,
            line2: fields.text("line2")?,
            city: fields.text("city")?,
            region: fields.text("region")?,
            postal_code: fields.text("postal_code")?,
            country_code: fields.text("country_code")?,
        })
    }
}

/// POST /store/payment-sessions/{id} and …/authorize
#[derive(Debug)]
pub(in crate::http) struct ProviderInput {
    pub(in crate::http) data: Option<String>,
}

impl Input for ProviderInput {
    fn read(fields: &mut Fields) -> Result<Self, Invalid> {
        Ok(Self { data: fields.object("data")? })
    }
}

/// POST /admin/payment-sessions/{id}
#[derive(Debug)]
pub(in crate::http) struct UpdateSession {
    pub(in crate::http) data: Option<String>,
    pub(in crate::http) amount: Option<Amount>,
    pub(in crate::http) metadata: Option<String>,
    pub(in crate::http) payer: Option<Payer>,
}

impl Input for UpdateSession {
    fn read(fields: &mut Fields) -> Result<Self, Invalid> {
        Ok(Self {
            data: fields.object("data")?,
            amount: fields.amount("amount")?,
            metadata: fields.object("metadata")?,
            payer: fields.nested("context")?,
        })
    }
}

/// POST /admin/payments/{id}, …/captures/{id}, …/refunds/{id}
#[derive(Debug)]
pub(in crate::http) struct Notes {
    pub(in crate::http) metadata: String,
}

impl Input for Notes {
    fn read(fields: &mut Fields) -> Result<Self, Invalid> {
        Ok(Self { metadata: fields.required_object("metadata")? })
    }
}

/// POST /admin/payments/{id}/capture
#[derive(Debug)]
pub(in crate::http) struct Capture {
    pub(in crate::http) amount: Option<Amount>,
    pub(in crate::http) created_by: Option<String>,
    pub(in crate::http) metadata: Option<String>,
}

impl Input for Capture {
    fn read(fields: &mut Fields) -> Result<Self, Invalid> {
        Ok(Self {
            amount: fields.amount("amount")?,
            created_by: fields.text("created_by")?,
            metadata: fields.object("metadata")?,
        })
    }
}

/// POST /admin/payments/{id}/refund
#[derive(Debug)]
pub(in crate::http) struct Refund {
    pub(in crate::http) amount: Option<Amount>,
    pub(in crate::http) refund_reason_id: Option<RefundReasonId>,
    pub(in crate::http) note: Option<String>,
    pub(in crate::http) created_by: Option<String>,
    pub(in crate::http) metadata: Option<String>,
}

impl Input for Refund {
    fn read(fields: &mut Fields) -> Result<Self, Invalid> {
        Ok(Self {
            amount: fields.amount("amount")?,
            refund_reason_id: fields.id("refund_reason_id", RefundReasonId::parse)?,
            note: fields.text("note")?,
            created_by: fields.text("created_by")?,
            metadata: fields.object("metadata")?,
        })
    }
}

/// POST /admin/refund-reasons
impl Input for NewRefundReason {
    fn read(fields: &mut Fields) -> Result<Self, Invalid> {
        Ok(Self {
            label: fields.required_text("label")?,
            code: fields.text("code")?,
            description: fields.text("description")?,
            metadata: fields.object("metadata")?,
        })
    }
}

/// POST /admin/refund-reasons/{id}
impl Input for RefundReasonUpdate {
    fn read(fields: &mut Fields) -> Result<Self, Invalid> {
        Ok(Self {
            label: fields.text("label")?,
            code: fields.text("code")?,
            description: fields.text("description")?,
            metadata: fields.object("metadata")?,
        })
    }
}

/// POST /admin/payments/{id}/cancel
#[derive(Debug)]
pub(in crate::http) struct Cancel {
    pub(in crate::http) reason: Option<String>,
}

impl Input for Cancel {
    fn read(fields: &mut Fields) -> Result<Self, Invalid> {
        Ok(Self { reason: fields.text("reason")? })
    }
}

/// POST /admin/payment-providers/{id}
#[derive(Debug)]
pub(in crate::http) struct SwitchProvider {
    pub(in crate::http) is_enabled: bool,
}

impl Input for SwitchProvider {
    fn read(fields: &mut Fields) -> Result<Self, Invalid> {
        Ok(Self { is_enabled: fields.required_truth("is_enabled")? })
    }
}

/// POST /admin/regions/{id}/payment-providers
#[derive(Debug)]
pub(in crate::http) struct RegionProviders {
    pub(in crate::http) payment_providers: Vec<ProviderId>,
}

impl Input for RegionProviders {
    fn read(fields: &mut Fields) -> Result<Self, Invalid> {
        Ok(Self { payment_providers: fields.required_ids("payment_providers", ProviderId::parse)? })
    }
}

/// POST /admin/account-holders
#[derive(Debug)]
pub(in crate::http) struct CreateAccountHolder {
    pub(in crate::http) provider_id: String,
    pub(in crate::http) account_holder_id: Option<AccountHolderId>,
    pub(in crate::http) customer: Option<Customer>,
    pub(in crate::http) data: Option<String>,
    pub(in crate::http) metadata: Option<String>,
}

impl Input for CreateAccountHolder {
    fn read(fields: &mut Fields) -> Result<Self, Invalid> {
        Ok(Self {
            provider_id: fields.required_text("provider_id")?,
            account_holder_id: fields.id("account_holder_id", AccountHolderId::parse)?,
            customer: fields.nested("customer")?,
            data: fields.object("data")?,
            metadata: fields.object("metadata")?,
        })
    }
}

/// POST /admin/account-holders/{id}
impl Input for AccountHolderUpdate {
    fn read(fields: &mut Fields) -> Result<Self, Invalid> {
        Ok(Self {
            customer: fields.nested("customer")?,
            data: fields.object("data")?,
            metadata: fields.object("metadata")?,
        })
    }
}

/// POST /admin/account-holders/{id}/payment-methods
impl Input for NewPaymentMethod {
    fn read(fields: &mut Fields) -> Result<Self, Invalid> {
        Ok(Self { data: fields.object("data")?, key: fields.text("key")? })
    }
}

/// POST /admin/operations/{id}/resolve
#[derive(Debug)]
pub(in crate::http) struct ResolveOperation {
    verdict: String,
    pub(in crate::http) note: String,
}

impl Input for ResolveOperation {
    fn read(fields: &mut Fields) -> Result<Self, Invalid> {
        Ok(Self { verdict: fields.required_text("as")?, note: fields.required_text("note")? })
    }
}

impl ResolveOperation {
    pub(in crate::http) fn verdict(&self) -> Result<Verdict, Error> {
        let unknown = || Error::invalid("as", "`succeeded` or `absent`");
        Verdict::parse(&self.verdict).ok_or_else(unknown)
    }
}
