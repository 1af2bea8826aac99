//! By what things are counted apart. Each field has few values.

use prometheus_client::encoding::EncodeLabelSet;

macro_rules! labels {
    ($($(#[$about:meta])* $name:ident { $($field:ident: $kind:ty),+ $(,)? })+) => {
        $(
            $(#[$about])*
            #[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
            pub(crate) struct $name {
                $(pub(crate) $field: $kind,)+
            }
        )+
    };
}

labels! {
    /// A request that was answered.
    RequestLabels { method: &'static str, route: String, status: u16 }
    /// Whatever its answer was.
    RouteLabels { method: &'static str, route: String }
    /// Why something was turned away, or what became of it.
    ReasonLabels { reason: &'static str }
    /// An operation and the state it came to.
    KindLabels { provider: String, kind: &'static str, outcome: &'static str }
    /// A call and how it ended.
    CallLabels { provider: String, call: &'static str, outcome: &'static str }
    /// A call however it ended.
    CallKind { provider: String, call: &'static str }
    /// A webhook and how it ended.
    Delivered { outcome: &'static str }
    /// Open operations.
    OpenLabels { provider: String, state: &'static str }
    /// A provider.
    ProviderLabels { provider: String }
    /// A version of a provider, by its number, or `given`.
    VersionLabels { provider: String, version: String }
    /// Who hears of events.
    SubscriberLabels { subscriber: String }
    /// What a connection does.
    PlaceLabels { state: &'static str }
}
