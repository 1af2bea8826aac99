//! A component as a [`Provider`]: one typed call for every function of every interface.
//!
//! Which functions there are is read from what the component exports, once; optional interfaces are bound only when they
//! are there.

use std::sync::Arc;

use async_trait::async_trait;
use tillbox_core::outcome::{Evidence, Outcome, Snapshot};
use tillbox_core::text::Json;
use wasmtime::component::types::ComponentItem;
use wasmtime::component::{Component, ComponentExportIndex, ComponentNamedList, Lift, Lower};

use crate::bindings::exports::tillbox::provider::{payment_methods, payments, webhooks};
use crate::bindings::tillbox::provider::types;
use crate::component::CheckError;
use crate::convert::{self, Hidden};
use crate::info::ProviderInfo;
use crate::instance::Callee;
use crate::interfaces::{ACCOUNT_HOLDERS, PAYMENT_METHODS, PAYMENTS, WEBHOOKS, full_name};
use crate::journal::Effect;
use crate::pipe::Conduct;
use crate::provider::{Call, Failure, Inspection, Provider, Reach, not_supported};
use crate::request::{
    AccountHolder, AuthorizeRequest, CallContext, CancelRequest, CaptureRequest, DeleteRequest, Delivery,
    InitiateRequest, PaymentMethod, PaymentState, RefundRequest, Rejection, RetrieveRequest, UpdateRequest,
};
use crate::shape::Shape;

/// What functions answer, as the bindings have it.
type Outcomes = (Result<types::Outcome, types::Error>,);
type Snapshots = (Result<payments::Snapshot, types::Error>,);
type Claims = (Result<Vec<webhooks::Evidence>, webhooks::Rejection>,);
type Holders = (Result<types::AccountHolder, types::Error>,);
type Methods = (Result<Vec<payment_methods::PaymentMethod>, types::Error>,);
type Method = (Result<payment_methods::PaymentMethod, types::Error>,);
type Nothing = (Result<(), types::Error>,);
type Context = types::Context;

/// Where a component's functions are. Every one of them has the contract's types.
#[derive(Debug)]
pub(crate) struct Functions {
    pub(crate) describe: ComponentExportIndex,
    initiate: ComponentExportIndex,
    update: ComponentExportIndex,
    authorize: ComponentExportIndex,
    capture: ComponentExportIndex,
    refund: ComponentExportIndex,
    cancel: ComponentExportIndex,
    delete: ComponentExportIndex,
    retrieve: ComponentExportIndex,
    status: ComponentExportIndex,
    receive: Option<ComponentExportIndex>,
    account_holders: Option<AccountHolderFunctions>,
    payment_methods: Option<PaymentMethodFunctions>,
}

#[derive(Debug)]
struct AccountHolderFunctions {
    create: ComponentExportIndex,
    update: ComponentExportIndex,
    retrieve: ComponentExportIndex,
    delete: ComponentExportIndex,
}

#[derive(Debug)]
struct PaymentMethodFunctions {
    list: ComponentExportIndex,
    save: ComponentExportIndex,
    delete: ComponentExportIndex,
}

impl Functions {
    /// Finds every function and checks its type.
    ///
    /// # Errors
    /// [`CheckError::TypeMismatch`] naming the function.
    pub(crate) fn find(component: &Component, shape: &Shape) -> Result<Self, CheckError> {
        let on = |interface| Interface { component, interface };
        let payments = on(PAYMENTS);
        let receive = match shape.exports(WEBHOOKS) {
            true => Some(on(WEBHOOKS).function::<(webhooks::Delivery,), Claims>("receive")?),
            false => None,
        };
        Ok(Self {
            describe: payments.function::<(), (payments::ProviderInfo,)>("describe")?,
            initiate: payments.function::<(Context, payments::InitiateRequest), Outcomes>("initiate")?,
            update: payments.function::<(Context, payments::UpdateRequest), Outcomes>("update")?,
            authorize: payments.function::<(Context, payments::AuthorizeRequest), Outcomes>("authorize")?,
            capture: payments.function::<(Context, payments::CaptureRequest), Outcomes>("capture")?,
            refund: payments.function::<(Context, payments::RefundRequest), Outcomes>("refund")?,
            cancel: payments.function::<(Context, payments::CancelRequest), Outcomes>("cancel")?,
            delete: payments.function::<(Context, payments::DeleteRequest), Outcomes>("delete")?,
            retrieve: payments.function::<(Context, payments::RetrieveRequest), Snapshots>("retrieve")?,
            status: payments.function::<(Context, payments::PaymentState), Outcomes>("status")?,
            receive,
            account_holders: shape
                .exports(ACCOUNT_HOLDERS)
                .then(|| AccountHolderFunctions::find(on(ACCOUNT_HOLDERS)))
                .transpose()?,
            payment_methods: shape
                .exports(PAYMENT_METHODS)
                .then(|| PaymentMethodFunctions::find(on(PAYMENT_METHODS)))
                .transpose()?,
        })
    }
}

impl AccountHolderFunctions {
    fn find(on: Interface<'_>) -> Result<Self, CheckError> {
        Ok(Self {
            create: on.function::<(Context, String), Holders>("create")?,
            update: on.function::<(Context, String), Holders>("update")?,
            retrieve: on.function::<(Context,), Holders>("retrieve")?,
            delete: on.function::<(Context,), Nothing>("delete")?,
        })
    }
}

impl PaymentMethodFunctions {
    fn find(on: Interface<'_>) -> Result<Self, CheckError> {
        Ok(Self {
            list: on.function::<(Context,), Methods>("list-methods")?,
            save: on.function::<(Context, String), Method>("save")?,
            delete: on.function::<(Context, String), Nothing>("delete")?,
        })
    }
}

/// One exported interface of a component.
#[derive(Clone, Copy)]
struct Interface<'a> {
    component: &'a Component,
    interface: &'static str,
}

impl Interface<'_> {
    fn function<P, R>(self, name: &str) -> Result<ComponentExportIndex, CheckError>
    where
        P: ComponentNamedList + Lower,
        R: ComponentNamedList + Lift,
    {
        let mismatch = |what: String| CheckError::TypeMismatch(format!("`{}.{name}` {what}", self.interface));
        let instance = self.component.get_export_index(None, full_name(self.interface).as_str());
        let (item, index) = instance
            .and_then(|instance| self.component.get_export(Some(&instance), name))
            .ok_or_else(|| mismatch("is missing".to_owned()))?;
        let ComponentItem::ComponentFunc(function) = item else {
            return Err(mismatch("is no function".to_owned()));
        };
        let of = self.component.component_type();
        function
            .typecheck::<P, R>(&of.instance_type())
            .map_err(|error| mismatch(format!("has other types: {error:#}")))?;
        Ok(index)
    }
}

/// A component with what it was granted.
pub struct ComponentProvider {
    info: Arc<ProviderInfo>,
    functions: Arc<Functions>,
    callee: Callee,
    reach: Reach,
    inspection: Inspection,
}

impl std::fmt::Debug for ComponentProvider {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ComponentProvider").field("info", &self.info).finish_non_exhaustive()
    }
}

impl ComponentProvider {
    pub(crate) fn new(
        info: Arc<ProviderInfo>,
        functions: Arc<Functions>,
        callee: Callee,
        reach: Reach,
        inspection: Inspection,
    ) -> Self {
        Self { info, functions, callee, reach, inspection }
    }

    /// Calls, and checks what comes back.
    async fn call<P, R, T>(
        &self,
        function: &ComponentExportIndex,
        parameters: P,
        deadline_ms: u32,
        conduct: Conduct,
        check: impl FnOnce(R) -> Result<T, Failure> + Send,
    ) -> Call<T>
    where
        P: ComponentNamedList + Lower + Send + Sync + 'static,
        R: Hidden + Send + Sync + 'static,
        (R,): ComponentNamedList + Lift,
    {
        let (answer, report, secrets) =
            Box::pin(self.callee.call::<P, (R,)>(function, parameters, deadline_ms, conduct)).await;
        let answer = answer.map_err(Failure::Fault).and_then(|(mut answer,)| {
            answer.hide(&secrets);
            check(answer)
        });
        Call { answer, report }
    }

    async fn outcome<Q>(&self, function: &ComponentExportIndex, context: CallContext, request: Q) -> Call<Outcome>
    where
        (Context, Q): ComponentNamedList + Lower,
        Q: Send + Sync + 'static,
    {
        let (deadline_ms, conduct) = (context.deadline_ms, changes(&context));
        let parameters = (convert::context(context), request);
        self.call(function, parameters, deadline_ms, conduct, convert::outcome).await
    }
}

/// How a call that changes something is conducted.
fn changes(context: &CallContext) -> Conduct {
    Conduct { effect: Effect::Changes, key: context.idempotency_key.clone(), keeping: context.keeping.clone() }
}

#[async_trait]
impl Provider for ComponentProvider {
    fn info(&self) -> &ProviderInfo {
        &self.info
    }

    fn inspection(&self) -> Option<Inspection> {
        Some(self.inspection.clone())
    }

    fn reach(&self) -> Reach {
        self.reach
    }

    fn is_watched(&self) -> bool {
        true
    }

    async fn initiate(&self, context: CallContext, request: InitiateRequest) -> Call<Outcome> {
        self.outcome(&self.functions.initiate, context, convert::initiate(request)).await
    }

    async fn update(&self, context: CallContext, request: UpdateRequest) -> Call<Outcome> {
        self.outcome(&self.functions.update, context, convert::update(request)).await
    }

    async fn authorize(&self, context: CallContext, request: AuthorizeRequest) -> Call<Outcome> {
        self.outcome(&self.functions.authorize, context, convert::authorize(request)).await
    }

    async fn capture(&self, context: CallContext, request: CaptureRequest) -> Call<Outcome> {
        self.outcome(&self.functions.capture, context, convert::capture(request)).await
    }

    async fn refund(&self, context: CallContext, request: RefundRequest) -> Call<Outcome> {
        self.outcome(&self.functions.refund, context, convert::refund(request)).await
    }

    async fn cancel(&self, context: CallContext, request: CancelRequest) -> Call<Outcome> {
        self.outcome(&self.functions.cancel, context, convert::cancel(request)).await
    }

    async fn delete(&self, context: CallContext, request: DeleteRequest) -> Call<Outcome> {
        self.outcome(&self.functions.delete, context, convert::delete(request)).await
    }

    async fn status(&self, context: CallContext, payment: PaymentState) -> Call<Outcome> {
        let deadline_ms = context.deadline_ms;
        let parameters = (convert::context(context), convert::payment_state(payment));
        self.call(&self.functions.status, parameters, deadline_ms, Conduct::reads(), convert::outcome).await
    }

    async fn retrieve(&self, context: CallContext, request: RetrieveRequest) -> Call<Snapshot> {
        let deadline_ms = context.deadline_ms;
        let parameters = (convert::context(context), convert::retrieve(request));
        self.call(&self.functions.retrieve, parameters, deadline_ms, Conduct::reads(), convert::snapshot).await
    }

    async fn receive_webhook(&self, delivery: Delivery) -> Call<Result<Vec<Evidence>, Rejection>> {
        let Some(receive) = &self.functions.receive else {
            return Call::error(not_supported(WEBHOOKS));
        };
        let deadline_ms = delivery.deadline_ms;
        self.call(receive, (convert::delivery(delivery),), deadline_ms, Conduct::reads(), convert::claims).await
    }

    async fn create_account_holder(&self, context: CallContext, input: Json) -> Call<AccountHolder> {
        let Some(functions) = &self.functions.account_holders else {
            return Call::error(not_supported(ACCOUNT_HOLDERS));
        };
        let (deadline_ms, conduct) = (context.deadline_ms, changes(&context));
        let parameters = (convert::context(context), input.as_str().to_owned());
        self.call(&functions.create, parameters, deadline_ms, conduct, convert::account_holder).await
    }

    async fn update_account_holder(&self, context: CallContext, input: Json) -> Call<AccountHolder> {
        let Some(functions) = &self.functions.account_holders else {
            return Call::error(not_supported(ACCOUNT_HOLDERS));
        };
        let (deadline_ms, conduct) = (context.deadline_ms, changes(&context));
        let parameters = (convert::context(context), input.as_str().to_owned());
        self.call(&functions.update, parameters, deadline_ms, conduct, convert::account_holder).await
    }

    async fn retrieve_account_holder(&self, context: CallContext) -> Call<AccountHolder> {
        let Some(functions) = &self.functions.account_holders else {
            return Call::error(not_supported(ACCOUNT_HOLDERS));
        };
        let deadline_ms = context.deadline_ms;
        self.call(
            &functions.retrieve,
            (convert::context(context),),
            deadline_ms,
            Conduct::reads(),
            convert::account_holder,
        )
        .await
    }

    async fn delete_account_holder(&self, context: CallContext) -> Call<()> {
        let Some(functions) = &self.functions.account_holders else {
            return Call::error(not_supported(ACCOUNT_HOLDERS));
        };
        let (deadline_ms, conduct) = (context.deadline_ms, changes(&context));
        self.call(&functions.delete, (convert::context(context),), deadline_ms, conduct, convert::nothing).await
    }

    async fn list_payment_methods(&self, context: CallContext) -> Call<Vec<PaymentMethod>> {
        let Some(functions) = &self.functions.payment_methods else {
            return Call::error(not_supported(PAYMENT_METHODS));
        };
        let deadline_ms = context.deadline_ms;
        self.call(
            &functions.list,
            (convert::context(context),),
            deadline_ms,
            Conduct::reads(),
            convert::payment_methods,
        )
        .await
    }

    async fn save_payment_method(&self, context: CallContext, input: Json) -> Call<PaymentMethod> {
        let Some(functions) = &self.functions.payment_methods else {
            return Call::error(not_supported(PAYMENT_METHODS));
        };
        let (deadline_ms, conduct) = (context.deadline_ms, changes(&context));
        let parameters = (convert::context(context), input.as_str().to_owned());
        self.call(&functions.save, parameters, deadline_ms, conduct, convert::payment_method).await
    }

    async fn delete_payment_method(&self, context: CallContext, id: String) -> Call<()> {
        let Some(functions) = &self.functions.payment_methods else {
            return Call::error(not_supported(PAYMENT_METHODS));
        };
        let (deadline_ms, conduct) = (context.deadline_ms, changes(&context));
        self.call(&functions.delete, (convert::context(context), id), deadline_ms, conduct, convert::nothing).await
    }
}
