-- Who called what to change something, and how it ended. A row is durable no later than the first thing its call changed; one
-- without an end is of a call that nobody knows the end of. It holds no body and no secret.
create table audit (
    id              text primary key,
    api_key_id      text,
    caller          text not null constraint audit_caller_known check (caller in ('publishable', 'secret', 'none')),
    customer_id     text,
    method          text not null,
    route           text not null,
    subject_id      text,
    request_id      text not null,
    idempotency_key text,
    status          integer,
    code            text,
    created_at      integer not null,
    ended_at        integer
) strict;
create index audit_by_subject on audit (subject_id) where subject_id is not null;
