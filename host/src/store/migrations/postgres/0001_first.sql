-- Payment collections and everything in them. Amounts are integer minor units; the exponent is frozen on the collection,
-- so that a later change of the ISO 4217 table cannot re-scale history. Times are milliseconds since 1970 in UTC.
--
-- The same tables as in ../sqlite, column by column. Ids are compared by bytes whatever the locale of the server is: they
-- are ordered by time, and both databases have to agree on the order.

create table collection (
    id           text collate "C" primary key,
    version      bigint not null check (version > 0),
    currency     text not null check (length(currency) = 3),
    exponent     bigint not null check (exponent between 0 and 4),
    amount_minor bigint not null constraint collection_amount_not_negative check (amount_minor >= 0),
    cart_id      text collate "C",
    metadata     text,
    status       text not null,
    completed_at bigint,
    canceled_at  bigint,
    deleted_at   bigint,
    created_at   bigint not null,
    updated_at   bigint not null
);

create index collection_by_cart on collection (cart_id) where cart_id is not null;

create table session (
    id                 text collate "C" primary key,
    collection_id      text collate "C" not null references collection (id),
    position           bigint not null,
    provider_id        text collate "C" not null,
    amount_minor       bigint not null constraint session_amount_positive check (amount_minor > 0),
    status             text not null,
    data               text not null,
    client_data        text,
    provider_reference text,
    next_action        text,
    decline            text,
    context            text not null,
    metadata           text,
    authorized_at      bigint,
    deleted_at         bigint,
    created_at         bigint not null,
    updated_at         bigint not null
);
create index session_by_collection on session (collection_id);
create index session_by_reference on session (provider_id, provider_reference) where provider_reference is not null;

-- One payment per session: a second authorization of the same session cannot make a second payment, whatever the code does.
create table payment (
    id                 text collate "C" primary key,
    collection_id      text collate "C" not null references collection (id),
    position           bigint not null,
    session_id         text collate "C" not null references session (id),
    provider_id        text collate "C" not null,
    amount_minor       bigint not null constraint payment_amount_positive check (amount_minor > 0),
    data               text not null,
    provider_reference text,
    disputed_minor     bigint not null default 0 check (disputed_minor >= 0),
    metadata           text,
    captured_at        bigint,
    canceled_at        bigint,
    created_at         bigint not null,
    updated_at         bigint not null,
    constraint payment_one_per_session unique (session_id)
);
create index payment_by_collection on payment (collection_id);
create index payment_by_reference on payment (provider_id, provider_reference) where provider_reference is not null;

-- Everything asked of a provider. Rows are never deleted.
create table operation (
    id                   text collate "C" primary key,
    collection_id        text collate "C" not null references collection (id),
    position             bigint not null,
    session_id           text collate "C" not null references session (id),
    payment_id           text collate "C" references payment (id),
    provider_id          text collate "C" not null,
    kind                 text not null,
    product_payment_id   text collate "C",
    product_capture_id   text collate "C",
    product_refund_id    text collate "C",
    product_operation_id text collate "C",
    amount_minor         bigint constraint operation_amount_not_negative check (amount_minor >= 0),
    state                text not null,
    origin               text not null,
    attempts             bigint not null check (attempts >= 0),
    lease_token          bigint not null check (lease_token >= 0),
    provider_reference   text,
    decline              text,
    reason               text,
    detail               text,
    note                 text,
    refund_reason_id     text collate "C",
    refund_reason_code   text,
    created_by           text,
    metadata             text,
    is_repeatable        bigint not null check (is_repeatable in (0, 1)),
    -- What the payer typed in, sealed, until the operation is known to have arrived or not.
    sealed_input         text constraint operation_sealed_is_repeatable check (sealed_input is null or is_repeatable = 1),
    checks               bigint not null check (checks >= 0),
    next_action_at       bigint,
    claimed_until        bigint,
    created_at           bigint not null,
    updated_at           bigint not null
);
create index operation_by_collection on operation (collection_id);
-- A capture is an operation, found by its own id as well; so is a refund.
create index operation_capture on operation (product_capture_id) where kind = 'capture';
create index operation_refund on operation (product_refund_id) where kind = 'refund';
create index operation_open on operation (state) where state in ('running', 'pending', 'unknown', 'needs_review');
-- What the host has to look at next. `claimed_until` keeps several hosts from looking at once; any change of the row ends it.
create index operation_due on operation (provider_id, next_action_at) where next_action_at is not null;

-- Events for the outside, written with the change they tell of.
--
-- Transactions end in another order than they take numbers from a counter, so an event that is numbered as it is written
-- could appear behind a reader who has gone on. `ordinal` is that counter; `sequence`, what readers go by, is given to
-- events that are committed, by one reader at a time, in the order of `ordinal`. Changes of one collection follow each
-- other, so their events keep their order.
create table outbox (
    ordinal       bigint generated always as identity primary key,
    sequence      bigint unique,
    id            text collate "C" not null unique,
    collection_id text collate "C" not null,
    kind          text not null,
    data          text not null,
    created_at    bigint not null
);
create index outbox_not_numbered on outbox (ordinal) where sequence is null;
create sequence outbox_sequence;

-- Webhook deliveries as they arrived, stored before a provider sees them.
create table delivery (
    id             text collate "C" primary key,
    provider_id    text collate "C" not null,
    headers        text not null,
    query          text not null,
    body           bytea not null,
    state          text not null,
    detail         text,
    attempts       bigint not null check (attempts >= 0),
    next_action_at bigint,
    claimed_until  bigint,
    received_at    bigint not null,
    updated_at     bigint not null
);
create index delivery_open on delivery (state, id) where state = 'open';
create index delivery_due on delivery (next_action_at) where next_action_at is not null;

-- Claims that were merged, by the provider's own event id: a claim counts once, however often it is delivered.
create table evidence (
    provider_id   text collate "C" not null,
    event_id      text collate "C" not null,
    collection_id text collate "C" not null references collection (id),
    delivery_id   text collate "C" not null references delivery (id),
    created_at    bigint not null,
    constraint evidence_once primary key (provider_id, event_id)
);

-- Facts about the database itself.
create table meta (
    name  text collate "C" primary key,
    value bytea not null
);
