-- Keys that callers of the HTTP door are known by. Only the SHA-256 of a key is kept; a row that has ended stays, since
-- what was done with it names it.
create table api_key (
    id           text collate "C" primary key,
    kind         text not null constraint api_key_kind_known check (kind in ('publishable', 'secret')),
    title        text,
    scopes       text not null,
    digest       bytea not null constraint api_key_digest_sha256 check (length(digest) = 32),
    replaced_by  text collate "C",
    created_at   bigint not null,
    expires_at   bigint,
    revoked_at   bigint,
    last_used_at bigint
);
