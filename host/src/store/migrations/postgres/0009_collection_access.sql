-- Who may act on a collection beside the merchant: the customer it was made for, and which of its client secrets counts. The
-- secrets themselves are derived and not kept. A collection without a row has no customer and its first secret.
create table collection_access (
    collection_id  text collate "C" primary key references collection (id),
    customer_id    text collate "C",
    secret_version bigint not null constraint collection_access_version_positive check (secret_version > 0)
);
