-- Components of providers and the versions that an operator installed. A component is its bytes, in parts, under their own digest:
-- it is whole when they hash to it. It holds no secret and no grant.

create table component (
    digest text collate "C" not null,
    part   bigint not null constraint component_part_not_negative check (part >= 0),
    bytes  bytea not null,
    constraint component_part_once primary key (digest, part)
);

-- What a version may do is in `grants`, as the operator said it; secrets are named there and never held. One version of a provider
-- serves, and one at most waits to be approved; what served before is retired and still finishes what it began.
create table provider_version (
    provider_id     text collate "C" not null references provider (id),
    number          bigint not null constraint provider_version_number_positive check (number > 0),
    digest          text collate "C" not null,
    identifier      text not null,
    version         text not null,
    minimum_version text,
    grants          text not null,
    state           text not null constraint provider_version_state_known
        check (state in ('proposed', 'serving', 'retired', 'rejected', 'removed')),
    proposed_by     text not null,
    approved_by     text,
    created_at      bigint not null,
    approved_at     bigint,
    served_from     bigint,
    served_until    bigint,
    constraint provider_version_once primary key (provider_id, number)
);
create unique index provider_version_one_serves on provider_version (provider_id) where state = 'serving';
create unique index provider_version_one_is_proposed on provider_version (provider_id) where state = 'proposed';

-- The code that an operation began with, and that finishes it.
alter table operation add column component_digest text collate "C";
