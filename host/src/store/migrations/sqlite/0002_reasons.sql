-- The merchant's own list of reasons for refunds. A deleted one stays: refunds that were made for it name it.

create table refund_reason (
    id          text primary key,
    label       text not null,
    code        text not null,
    description text,
    metadata    text,
    created_at  integer not null,
    updated_at  integer not null,
    deleted_at  integer
) strict;
create unique index refund_reason_code_of_the_living on refund_reason (code) where deleted_at is null;
