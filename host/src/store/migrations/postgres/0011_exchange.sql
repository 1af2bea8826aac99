-- What was sent to gateways and what they answered, request by request: the intent is durable before the first byte leaves, the
-- answer before the provider sees it. `lease_token` is the run of the operation that sent it. `asked` and `answered` are sealed.
create table exchange (
    operation_id   text collate "C" not null,
    lease_token    bigint not null check (lease_token >= 0),
    sequence       bigint not null check (sequence > 0),
    provider_id    text collate "C" not null,
    component      text,
    state          text not null constraint exchange_state_known check (state in ('about_to_send', 'answered', 'too_large',
                   'lost', 'not_connected', 'denied', 'astray', 'invalid')),
    method         text not null,
    host           text not null,
    path           text not null,
    digest         text not null,
    provider_key   text,
    sent           text,
    status         bigint,
    error          text,
    sent_bytes     bigint not null check (sent_bytes >= 0),
    received_bytes bigint not null check (received_bytes >= 0),
    asked          bytea not null,
    answered       bytea,
    created_at     bigint not null,
    updated_at     bigint not null,
    constraint exchange_once primary key (operation_id, lease_token, sequence),
    constraint exchange_end_known check ((state = 'about_to_send') = (sent is null))
);
