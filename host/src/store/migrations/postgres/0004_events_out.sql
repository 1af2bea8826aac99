-- Who hears of events, and what is on its way to them.

-- A webhook endpoint, or a subscriber in the process. `cursor_sequence` is how far the outbox was spread over this
-- subscriber's dispatches; both move in one transaction, so nothing is passed over and nothing is spread twice.
create table subscriber (
    id              text collate "C" primary key,
    version         bigint not null check (version > 0),
    kind            text not null check (kind in ('webhook', 'process')),
    url             text,
    description     text,
    filter          text not null,
    is_enabled      bigint not null check (is_enabled in (0, 1)),
    disabled_reason text,
    secret          bytea,
    previous_secret bytea,
    previous_until  bigint,
    cursor_sequence bigint not null check (cursor_sequence >= 0),
    created_at      bigint not null,
    updated_at      bigint not null,
    constraint subscriber_webhook_has_url_and_secret check (kind <> 'webhook' or (url is not null and secret is not null))
);

-- The events of one collection that a subscriber has not heard: those after `after_sequence`, up to `until_sequence`. There
-- is one such row per subscriber and collection at most, so one claim, and with it the order. A row with `event_id` is a
-- single event beside that: one that was given up (`failed`), or is told once more.
--
-- A claim is a lease: it moves `next_action_at` to its end, so what a dead host had claimed is due again by itself.
create table dispatch (
    id             text collate "C" primary key,
    subscriber_id  text collate "C" not null references subscriber (id) on delete cascade,
    collection_id  text collate "C" not null,
    event_id       text collate "C",
    after_sequence bigint not null check (after_sequence >= 0),
    until_sequence bigint not null,
    state          text not null check (state in ('open', 'failed')),
    attempts       bigint not null check (attempts >= 0),
    next_action_at bigint,
    claim          text collate "C",
    last_error     text,
    created_at     bigint not null,
    updated_at     bigint not null,
    constraint dispatch_open_is_due check ((state = 'open') = (next_action_at is not null))
);
create index dispatch_due on dispatch (subscriber_id, next_action_at) where state = 'open';
create index dispatch_by_subscriber on dispatch (subscriber_id, state, id);

-- The events of one collection.
create index outbox_by_collection on outbox (collection_id);
