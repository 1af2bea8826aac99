-- Keys that callers of the HTTP door are known by. Only the SHA-256 of a key is kept; a row that has ended stays, since
-- what was done with it names it.
create table api_key (
    id           text primary key,
    kind         text not null constraint api_key_kind_known check (kind in ('publishable', 'secret')),
    title        text,
    scopes       text not null,
    digest       blob not null constraint api_key_digest_sha256 check (length(digest) = 32),
    replaced_by  text,
    created_at   integer not null,
    expires_at   integer,
    revoked_at   integer,
    last_used_at integer
) strict;
