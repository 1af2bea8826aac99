-- Providers that were ever installed, and the regions they serve. Whether one is installed now is not written down: the host
-- that asks knows.

create table provider (
    id         text collate "C" primary key,
    is_enabled bigint not null constraint provider_is_enabled_or_not check (is_enabled in (0, 1)),
    created_at bigint not null,
    updated_at bigint not null
);

-- A region with no row is served by every provider.
create table region_payment_provider (
    region_id   text collate "C" not null,
    provider_id text collate "C" not null references provider (id),
    constraint region_payment_provider_once primary key (region_id, provider_id)
);

-- Customers as providers know them. The row comes before the call that makes the record at the provider: until that call was
-- answered there is no external id, and asking again says the same under the same key (`request`, `attempts`).
create table account_holder (
    id          text collate "C" primary key,
    provider_id text collate "C" not null,
    customer_id text collate "C" not null,
    external_id text collate "C",
    email       text collate "C",
    data        text not null,
    metadata    text,
    request     text,
    attempts    bigint not null constraint account_holder_attempts_not_negative check (attempts >= 0),
    created_at  bigint not null,
    updated_at  bigint not null,
    deleted_at  bigint
);
create unique index account_holder_external_id_of_the_living on account_holder (provider_id, external_id)
    where deleted_at is null and external_id is not null;
create unique index account_holder_customer_of_the_living on account_holder (provider_id, customer_id)
    where deleted_at is null;
