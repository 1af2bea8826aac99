-- Keys that callers gave their requests, so that a repeated request has one effect and the first answer. Written with the
-- change they guard. `holder` is who wrote the row last: a later write names it, and is a conflict when it is somebody else.
-- The fingerprint holds keyed hashes, never what a caller sent.
create table idempotency (
    caller       text collate "C" not null,
    key          text collate "C" not null,
    fingerprint  text not null,
    operation_id text collate "C" references operation (id),
    holder       text collate "C" not null,
    answer       text,
    created_at   bigint not null,
    expires_at   bigint not null,
    constraint idempotency_once primary key (caller, key)
);
create index idempotency_expiry on idempotency (expires_at);
