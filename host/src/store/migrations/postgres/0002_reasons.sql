-- The merchant's own list of reasons for refunds. A deleted one stays: refunds that were made for it name it.

create table refund_reason (
    id          text collate "C" primary key,
    label       text collate "C" not null,
    code        text collate "C" not null,
    description text collate "C",
    metadata    text,
    created_at  bigint not null,
    updated_at  bigint not null,
    deleted_at  bigint
);
create unique index refund_reason_code_of_the_living on refund_reason (code) where deleted_at is null;
