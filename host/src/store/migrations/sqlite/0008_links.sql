-- What a shop's own things are to collections: an order may have several, a cart has one. And what people read with a reason
-- that a refund was given for, as it was then.

alter table collection add column order_id text;
create index collection_by_order on collection (order_id) where order_id is not null;

alter table operation add column refund_reason_label text;

-- The collection that a storefront is given for a cart. Two requests at once meet at the key.
create table cart_collection (
    cart_id       text not null,
    collection_id text not null references collection (id),
    constraint cart_collection_once primary key (cart_id)
) strict;
