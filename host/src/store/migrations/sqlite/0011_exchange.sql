-- What was sent to gateways and what they answered, request by request: the intent is durable before the first byte leaves, the
-- answer before the provider sees it. `lease_token` is the run of the operation that sent it. `asked` and `answered` are sealed.
create table exchange (
    operation_id   text not null,
    lease_token    integer not null check (lease_token >= 0),
    sequence       integer not null check (sequence > 0),
    provider_id    text not null,
    component      text,
    state          text not null constraint exchange_state_known check (state in ('about_to_send', 'answered', 'too_large',
                   'lost', 'not_connected', 'denied', 'astray', 'invalid')),
    method         text not null,
    host           text not null,
    path           text not null,
    digest         text not null,
    provider_key   text,
    sent           text,
    status         integer,
    error          text,
    sent_bytes     integer not null check (sent_bytes >= 0),
    received_bytes integer not null check (received_bytes >= 0),
    asked          blob not null,
    answered       blob,
    created_at     integer not null,
    updated_at     integer not null,
    constraint exchange_once primary key (operation_id, lease_token, sequence),
    constraint exchange_end_known check ((state = 'about_to_send') = (sent is null))
) strict;
