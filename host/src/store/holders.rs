//! Account holders as the store keeps them: customers, each as one provider knows them.

use async_trait::async_trait;
use tillbox_core::Timestamp;
use tillbox_core::id::{AccountHolderId, ProviderId};
use tillbox_core::text::Json;

use super::{Listed, Range, SideChange, SideStore, StoreError, Wanted};

/// A customer as a provider knows them, or as a provider is being asked to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptHolder {
    /// Its id.
    pub id: AccountHolderId,
    /// Who knows them.
    pub provider: ProviderId,
    /// The merchant's id of the customer.
    pub customer: String,
    /// The provider's id of them; absent until the provider was heard.
    pub external_id: Option<String>,
    /// Their e-mail address, as it was last told.
    pub email: Option<String>,
    /// The provider's private state.
    pub data: Json,
    /// The owner's own notes.
    pub metadata: Option<Json>,
    /// What the provider is being asked, word for word, until it was heard.
    pub request: Option<Json>,
    /// How often it was asked.
    pub attempts: u32,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// When it was deleted, or the provider said no.
    pub deleted_at: Option<Timestamp>,
}

/// Which account holders. Those that were deleted, and those that no provider has confirmed yet, are never found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AccountHolderFilter {
    /// Any of these.
    pub ids: Vec<AccountHolderId>,
    /// Known to any of these.
    pub providers: Vec<ProviderId>,
    /// Of any of these customers.
    pub customers: Vec<String>,
    /// Known under any of these ids.
    pub external_ids: Vec<String>,
    /// With any of these addresses.
    pub emails: Vec<String>,
    /// Made in this time.
    pub created: Range,
    /// Last changed in this time.
    pub updated: Range,
    /// With this text in the address, the customer's id or the provider's, whatever the case of its ASCII letters.
    pub text: Option<String>,
}

/// Keeping account holders.
#[async_trait]
pub trait Holders: SideStore {
    /// Writes one: a new one, or a changed one in the place of the old.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the provider has another living one of this customer or under this id, or this one was
    /// deleted or confirmed meanwhile; [`StoreError::Unavailable`].
    async fn keep_account_holder(&self, holder: KeptHolder) -> Result<(), StoreError> {
        self.write_side(SideChange::KeepHolder(Box::new(holder)), None).await
    }

    /// One by its id, deleted or not, confirmed or not.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], [`StoreError::Corrupt`].
    async fn account_holder(&self, id: AccountHolderId) -> Result<Option<KeptHolder>, StoreError>;

    /// The living one of a customer with a provider, confirmed or not.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], [`StoreError::Corrupt`].
    async fn account_holder_of(&self, provider: ProviderId, customer: String)
    -> Result<Option<KeptHolder>, StoreError>;

    /// Account holders.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], [`StoreError::Corrupt`].
    async fn find_account_holders(&self, wanted: Wanted<AccountHolderFilter>)
    -> Result<Listed<KeptHolder>, StoreError>;
}
