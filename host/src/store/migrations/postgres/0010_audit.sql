-- Who called what to change something, and how it ended. A row is durable no later than the first thing its call changed; one
-- without an end is of a call that nobody knows the end of. It holds no body and no secret.
create table audit (
    id              text collate "C" primary key,
    api_key_id      text collate "C",
    caller          text not null constraint audit_caller_known check (caller in ('publishable', 'secret', 'none')),
    customer_id     text collate "C",
    method          text not null,
    route           text not null,
    subject_id      text collate "C",
    request_id      text collate "C" not null,
    idempotency_key text collate "C",
    status          bigint,
    code            text,
    created_at      bigint not null,
    ended_at        bigint
);
create index audit_by_subject on audit (subject_id) where subject_id is not null;
