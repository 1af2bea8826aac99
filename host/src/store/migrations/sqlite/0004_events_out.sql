-- Who hears of events, and what is on its way to them. See ../postgres/0004_events_out.sql for the same tables.

create table subscriber (
    id              text primary key,
    version         integer not null check (version > 0),
    kind            text not null check (kind in ('webhook', 'process')),
    url             text,
    description     text,
    filter          text not null,
    is_enabled      integer not null check (is_enabled in (0, 1)),
    disabled_reason text,
    secret          blob,
    previous_secret blob,
    previous_until  integer,
    cursor_sequence integer not null check (cursor_sequence >= 0),
    created_at      integer not null,
    updated_at      integer not null,
    constraint subscriber_webhook_has_url_and_secret check (kind <> 'webhook' or (url is not null and secret is not null))
) strict;

create table dispatch (
    id             text primary key,
    subscriber_id  text not null references subscriber (id) on delete cascade,
    collection_id  text not null,
    event_id       text,
    after_sequence integer not null check (after_sequence >= 0),
    until_sequence integer not null,
    state          text not null check (state in ('open', 'failed')),
    attempts       integer not null check (attempts >= 0),
    next_action_at integer,
    claim          text,
    last_error     text,
    created_at     integer not null,
    updated_at     integer not null,
    constraint dispatch_open_is_due check ((state = 'open') = (next_action_at is not null))
) strict;
create index dispatch_due on dispatch (subscriber_id, next_action_at) where state = 'open';
create index dispatch_by_subscriber on dispatch (subscriber_id, state, id);

-- The events of one collection, in their order.
create index outbox_by_collection on outbox (collection_id);
