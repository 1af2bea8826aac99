-- The trace (W3C Trace Context) of the request that caused an event, so that a webhook about it carries the same.

alter table outbox add column trace text;
