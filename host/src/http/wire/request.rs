//! The bodies of requests, one struct each. A key that is not here is refused.

use tillbox_core::Currency;
use tillbox_core::id::{AccountHolderId, ProviderId, RefundReasonId};
use tillbox_runtime::request::{Address, Customer};

use super::fields::{Amount, Fields, Input, Invalid};
use super::kind::LINE;
use crate::service::{
    AccountHolderUpdate, CART_ID_BYTES_MAX, CODE_BYTES_MAX, CREATED_BY_BYTES_MAX, FIELD_BYTES_MAX, FILTER_VALUES_MAX,
    LABEL_BYTES_MAX, METHOD_KEY_BYTES_MAX, NOTE_BYTES_MAX, NewPaymentMethod, NewRefundReason, ORDER_ID_BYTES_MAX,
    Payer, REGION_ID_BYTES_MAX, RefundReasonUpdate, Verdict,
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
    pub(in crate::http) currency: Option<Currency>,
    pub(in crate::http) amount: Amount,
    pub(in crate::http) cart_id: Option<String>,
    pub(in crate::http) order_id: Option<String>,
    pub(in crate::http) metadata: Option<String>,
    pub(in crate::http) customer_id: Option<String>,
}

impl Input for CreateCollection {
    const EXAMPLE: &'static str = r#"{"currency_code":"eur","amount":10.50,"cart_id":"cart_1"}"#;

    fn read(fields: &mut Fields) -> Result<Self, Invalid> {
        Ok(Self {
            currency: fields.currency("currency_code")?,
            amount: fields.required_amount("amount")?,
            cart_id: fields.text("cart_id", 0..=CART_ID_BYTES_MAX)?,
            order_id: fields.text("order_id", 0..=ORDER_ID_BYTES_MAX)?,
            metadata: fields.object("metadata")?,
            customer_id: fields.text("customer_id", 1..=FIELD_BYTES_MAX)?,
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
    const EXAMPLE: &'static str = r#"{"amount":12.00,"metadata":{"order":"1001"}}"#;

    fn read(fields: &mut Fields) -> Result<Self, Invalid> {
        Ok(Self { amount: fields.amount("amount")?, metadata: fields.object("metadata")? })
    }
}

/// POST /admin/payment-collections/{id}/mark-as-paid
#[derive(Debug)]
pub(in crate::http) struct MarkAsPaid {
    pub(in crate::http) order_id: String,
    pub(in crate::http) provider_id: Option<String>,
}

impl Input for MarkAsPaid {
    const EXAMPLE: &'static str = r#"{"order_id":"order_1"}"#;

    fn read(fields: &mut Fields) -> Result<Self, Invalid> {
        Ok(Self {
            order_id: fields.required_text("order_id", 1..=ORDER_ID_BYTES_MAX)?,
            provider_id: fields.provider("provider_id")?,
        })
    }
}

/// POST /store/payment-collections
#[derive(Debug)]
pub(in crate::http) struct StoreCreateCollection {
    pub(in crate::http) cart_id: String,
}

impl Input for StoreCreateCollection {
    const EXAMPLE: &'static str = r#"{"cart_id":"cart_1"}"#;

    fn read(fields: &mut Fields) -> Result<Self, Invalid> {
        Ok(Self { cart_id: fields.required_foreign("cart_id", 1..=CART_ID_BYTES_MAX)? })
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
    const EXAMPLE: &'static str = r#"{"provider_id":"pp_stripe-mock_default"}"#;

    fn read(fields: &mut Fields) -> Result<Self, Invalid> {
        Ok(Self {
            provider_id: fields.required_provider("provider_id")?,
            data: fields.object("data")?,
            region_id: fields.text("region_id", 1..=REGION_ID_BYTES_MAX)?,
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
    const EXAMPLE: &'static str = r#"{"provider_id":"pp_stripe-mock_default","amount":4.25,"data":{"payment_method":"pm_card_visa"},"context":{"customer":{"id":"cus_1","email":"ada@shop.example"}}}"#;

    fn read(fields: &mut Fields) -> Result<Self, Invalid> {
        Ok(Self {
            provider_id: fields.required_provider("provider_id")?,
            data: fields.object("data")?,
            amount: fields.amount("amount")?,
            metadata: fields.object("metadata")?,
            payer: fields.nested("context")?.unwrap_or_default(),
            region_id: fields.text("region_id", 1..=REGION_ID_BYTES_MAX)?,
        })
    }
}

impl Input for Payer {
    fn read(fields: &mut Fields) -> Result<Self, Invalid> {
        Ok(Self { customer: fields.nested("customer")?, locale: fields.text("locale", 0..=FIELD_BYTES_MAX)? })
    }
}

impl Input for Customer {
    const EXAMPLE: &'static str = r#"{"id":"cus_1"}"#;

    fn read(fields: &mut Fields) -> Result<Self, Invalid> {
        Ok(Self {
            id: fields.required_text("id", 1..=FIELD_BYTES_MAX)?,
            email: fields.text("email", 0..=FIELD_BYTES_MAX)?,
            name: fields.text("name", 0..=FIELD_BYTES_MAX)?,
            phone: fields.text("phone", 0..=FIELD_BYTES_MAX)?,
            billing_address: fields.nested("billing_address")?,
        })
    }
}

impl Input for Address {
    fn read(fields: &mut Fields) -> Result<Self, Invalid> {
        Ok(Self {
            line1: fields.text("line1", 0..=FIELD_BYTES_MAX)?,
            line2: fields.text("line2", 0..=FIELD_BYTES_MAX)?,
            city: fields.text("city", 0..=FIELD_BYTES_MAX)?,
            region: fields.text("region", 0..=FIELD_BYTES_MAX)?,
            postal_code: fields.text("postal_code", 0..=FIELD_BYTES_MAX)?,
            country_code: fields.text("country_code", 0..=FIELD_BYTES_MAX)?,
        })
    }
}

/// POST /store/payment-sessions/{id} and …/authorize
#[derive(Debug)]
pub(in crate::http) struct ProviderInput {
    pub(in crate::http) data: Option<String>,
}

impl Input for ProviderInput {
    const EXAMPLE: &'static str = r#"{"data":{"payment_method":"pm_card_visa"}}"#;

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
    const EXAMPLE: &'static str = r#"{"amount":5.00}"#;

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
    const EXAMPLE: &'static str = r#"{"metadata":{"order":"1001"}}"#;

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
    const EXAMPLE: &'static str = r#"{"amount":4.25}"#;

    fn read(fields: &mut Fields) -> Result<Self, Invalid> {
        Ok(Self {
            amount: fields.amount("amount")?,
            created_by: fields.text("created_by", 0..=CREATED_BY_BYTES_MAX)?,
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
    const EXAMPLE: &'static str = r#"{"amount":2.25,"note":"one item came back"}"#;

    fn read(fields: &mut Fields) -> Result<Self, Invalid> {
        Ok(Self {
            amount: fields.amount("amount")?,
            refund_reason_id: fields.id("refund_reason_id", RefundReasonId::parse)?,
            note: fields.text("note", 0..=NOTE_BYTES_MAX)?,
            created_by: fields.text("created_by", 0..=CREATED_BY_BYTES_MAX)?,
            metadata: fields.object("metadata")?,
        })
    }
}

/// POST /admin/refund-reasons
impl Input for NewRefundReason {
    const EXAMPLE: &'static str = r#"{"label":"Wrong size"}"#;

    fn read(fields: &mut Fields) -> Result<Self, Invalid> {
        Ok(Self {
            label: fields.required_text_like("label", LINE, 1..=LABEL_BYTES_MAX)?,
            code: fields.text_like("code", LINE, 1..=CODE_BYTES_MAX)?,
            description: fields.text_or_null("description", 0..=NOTE_BYTES_MAX)?.flatten(),
            metadata: fields.object("metadata")?,
        })
    }
}

/// POST /admin/refund-reasons/{id}
impl Input for RefundReasonUpdate {
    const EXAMPLE: &'static str = r#"{"description":"The size does not fit."}"#;

    fn read(fields: &mut Fields) -> Result<Self, Invalid> {
        Ok(Self {
            label: fields.text_like("label", LINE, 1..=LABEL_BYTES_MAX)?,
            code: fields.text_like("code", LINE, 1..=CODE_BYTES_MAX)?,
            // An empty one takes it away.
            description: fields.text_or_null("description", 0..=NOTE_BYTES_MAX)?.map(Option::unwrap_or_default),
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
    const EXAMPLE: &'static str = r#"{"reason":"out of stock"}"#;

    fn read(fields: &mut Fields) -> Result<Self, Invalid> {
        Ok(Self { reason: fields.text("reason", 0..=NOTE_BYTES_MAX)? })
    }
}

/// POST /admin/payment-providers/{id}
#[derive(Debug)]
pub(in crate::http) struct SwitchProvider {
    pub(in crate::http) is_enabled: bool,
}

impl Input for SwitchProvider {
    const EXAMPLE: &'static str = r#"{"is_enabled":true}"#;

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
    const EXAMPLE: &'static str = r#"{"payment_providers":["pp_manual_default"]}"#;

    fn read(fields: &mut Fields) -> Result<Self, Invalid> {
        Ok(Self { payment_providers: fields.required_ids("payment_providers", FILTER_VALUES_MAX, ProviderId::parse)? })
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
    const EXAMPLE: &'static str =
        r#"{"provider_id":"pp_stripe-mock_default","customer":{"id":"cus_1","email":"ada@shop.example"}}"#;

    fn read(fields: &mut Fields) -> Result<Self, Invalid> {
        Ok(Self {
            provider_id: fields.required_provider("provider_id")?,
            account_holder_id: fields.id("account_holder_id", AccountHolderId::parse)?,
            customer: fields.nested("customer")?,
            data: fields.object("data")?,
            metadata: fields.object("metadata")?,
        })
    }
}

/// POST /admin/account-holders/{id}
impl Input for AccountHolderUpdate {
    const EXAMPLE: &'static str = r#"{"metadata":{"tier":"gold"}}"#;

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
    const EXAMPLE: &'static str = r#"{"data":{"payment_method":"pm_card_visa"}}"#;

    fn read(fields: &mut Fields) -> Result<Self, Invalid> {
        Ok(Self { data: fields.object("data")?, key: fields.text("key", 1..=METHOD_KEY_BYTES_MAX)? })
    }
}

/// POST /admin/operations/{id}/resolve
#[derive(Debug)]
pub(in crate::http) struct ResolveOperation {
    pub(in crate::http) verdict: Verdict,
    pub(in crate::http) note: String,
}

impl Input for ResolveOperation {
    const EXAMPLE: &'static str = r#"{"as":"absent","note":"not in the gateway's dashboard, looked up on Monday"}"#;

    fn read(fields: &mut Fields) -> Result<Self, Invalid> {
        Ok(Self {
            verdict: fields.required_word("as", Verdict::Absent)?,
            note: fields.required_text("note", 1..=NOTE_BYTES_MAX)?,
        })
    }
}
