//! Keeping account holders.

use async_trait::async_trait;
use tillbox_core::id::{AccountHolderId, ProviderId};

use super::super::sql::holders;
use super::super::{AccountHolderFilter, Holders, KeptHolder, Listed, StoreError, Wanted};
use super::{SqliteStore, read};

#[async_trait]
impl Holders for SqliteStore {
    async fn account_holder(&self, id: AccountHolderId) -> Result<Option<KeptHolder>, StoreError> {
        let values = vec![id.as_str().into()];
        let found =
            self.read(move |connection| read::rows(connection, "account_holder", holders::BY_ID, values)).await?;
        found.first().map(holders::read).transpose()
    }

    async fn account_holder_of(
        &self,
        provider: ProviderId,
        customer: String,
    ) -> Result<Option<KeptHolder>, StoreError> {
        let values = vec![provider.as_str().into(), customer.into()];
        let found =
            self.read(move |connection| read::rows(connection, "account_holder", holders::BY_CUSTOMER, values)).await?;
        found.first().map(holders::read).transpose()
    }

    async fn find_account_holders(
        &self,
        wanted: Wanted<AccountHolderFilter>,
    ) -> Result<Listed<KeptHolder>, StoreError> {
        self.found(holders::find(&wanted), holders::read).await
    }
}
