//! Subscribers and dispatches as statements and rows.
//!
//! What is compared with the claim has no effect once the claim is another's; only a claim that goes on has to know.

use serde_json::Value as Json;
use tillbox_core::Timestamp;
use tillbox_core::id::{CollectionId, EventId};

use super::{Row, Step, Value};
use crate::store::dispatch::{
    Channel, Claim, Dispatch, DispatchProgress, DispatchState, KeptSubscriber, Secret, SubscriberId,
};
use crate::store::{OutboxEvent, StoreError};

/// It hears what is numbered from now on.
const INSERT_SUBSCRIBER: &str = "insert into subscriber (id, version, kind, url, description, filter, is_enabled, \
     disabled_reason, secret, previous_secret, previous_until, cursor_sequence, created_at, updated_at) \
     values ($1, 1, $2, $3, $4, $5, $6, $7, $8, $9, $10, (select coalesce(max(sequence), 0) from outbox), $11, $12) \
     on conflict (id) do nothing";

const UPDATE_SUBSCRIBER: &str = "update subscriber set version = version + 1, url = $1, description = $2, filter = $3, \
     is_enabled = $4, disabled_reason = $5, secret = $6, previous_secret = $7, previous_until = $8, updated_at = $9 \
     where id = $10 and version = $11";

const DELETE_SUBSCRIBER: &str = "delete from subscriber where id = $1";

pub(in crate::store) const SUBSCRIBERS: &str = "select id, version, kind, url, description, filter, is_enabled, \
     disabled_reason, secret, previous_secret, previous_until, cursor_sequence, created_at, updated_at \
     from subscriber order by created_at, id";

/// Where a subscriber stands, and the last of the next events: only those that are there when this is asked are spread.
pub(in crate::store) const NEXT_EVENTS: &str = "select id, cursor_sequence, (select max(sequence) from \
     (select sequence from outbox where sequence > (select cursor_sequence from subscriber where id = $1) \
     order by sequence limit $2) as fresh) from subscriber where id = $1 and is_enabled = 1";

const MOVE_CURSOR: &str =
    "update subscriber set cursor_sequence = $1 where id = $2 and cursor_sequence = $3 and is_enabled = 1";

/// One dispatch per collection, or more to tell for one that is open.
const SPREAD: &str = "insert into dispatch (id, subscriber_id, collection_id, after_sequence, until_sequence, state, \
     attempts, next_action_at, created_at, updated_at) \
     select cast($1 as text) || '/' || collection_id, cast($1 as text), collection_id, min(sequence) - 1, max(sequence), \
     'open', 0, cast($2 as bigint), cast($2 as bigint), cast($2 as bigint) \
     from outbox where sequence > $3 and sequence <= $4 group by collection_id \
     on conflict (id) do update set until_sequence = excluded.until_sequence, updated_at = excluded.updated_at";

macro_rules! columns {
    () => {
        "id, subscriber_id, collection_id, event_id, after_sequence, until_sequence, state, attempts, next_action_at, \
         claim, last_error, created_at, updated_at"
    };
}

/// On SQLite there is one writer and nothing to skip.
pub(in crate::store) const CLAIM: &str = concat!(
    "update dispatch set claim = $1, next_action_at = $2 where id in (select id from dispatch \
     where subscriber_id = $3 and state = 'open' and next_action_at <= $4 order by next_action_at, id limit $5) returning ",
    columns!()
);

/// What another host is about to claim is passed over instead of waited for. The list is made once: a planner that asked
/// for it again would claim more than the limit.
pub(in crate::store) const CLAIM_SKIPPING: &str = concat!(
    "with due as materialized (select id as due_id from dispatch where subscriber_id = $3 and state = 'open' \
     and next_action_at <= $4 order by next_action_at, id limit $5 for update skip locked) \
     update dispatch set claim = $1, next_action_at = $2 from due where id = due_id returning ",
    columns!()
);

pub(in crate::store) const DISPATCH_EVENTS: &str = "select id, sequence, collection_id, kind, data, created_at, trace from outbox \
     where collection_id = $1 and sequence > $2 and sequence <= $3 order by sequence limit $4";

pub(in crate::store) const EVENT: &str = "select id, sequence, collection_id, kind, data, created_at, trace from outbox where id = $1 and sequence is not null";

const FURTHER: &str = "update dispatch set after_sequence = $1, attempts = 0, next_action_at = $2, last_error = null, \
     updated_at = $3 where id = $4 and claim = $5";

const DELETE_TOLD: &str = "delete from dispatch where id = $1 and claim = $2 and until_sequence <= $3";

const GIVE_BACK: &str = "update dispatch set after_sequence = $1, attempts = 0, next_action_at = $2, claim = null, \
     last_error = null, updated_at = $2 where id = $3 and claim = $4";

const AGAIN: &str = "update dispatch set after_sequence = $1, attempts = $2, next_action_at = $3, claim = null, \
     last_error = $4, updated_at = $5 where id = $6 and claim = $7";

const KEEP_FAILED: &str = "insert into dispatch (id, subscriber_id, collection_id, event_id, after_sequence, \
     until_sequence, state, attempts, last_error, created_at, updated_at) \
     select subscriber_id || '/' || cast($1 as text), subscriber_id, collection_id, cast($1 as text), \
     cast($2 as bigint) - 1, cast($2 as bigint), 'failed', cast($3 as bigint), cast($4 as text), cast($5 as bigint), \
     cast($5 as bigint) from dispatch where id = $6 and claim = $7 \
     on conflict (id) do update set state = 'failed', attempts = excluded.attempts, next_action_at = null, claim = null, \
     last_error = excluded.last_error, updated_at = excluded.updated_at";

const FAIL: &str = "update dispatch set state = 'failed', attempts = $1, next_action_at = null, claim = null, \
     last_error = $2, updated_at = $3 where id = $4 and claim = $5";

const TELL_AGAIN: &str = "insert into dispatch (id, subscriber_id, collection_id, event_id, after_sequence, \
     until_sequence, state, attempts, next_action_at, created_at, updated_at) \
     values ($1, $2, $3, $4, $5, $6, 'open', 0, $7, $8, $9) \
     on conflict (id) do update set state = 'open', attempts = 0, next_action_at = excluded.next_action_at, claim = null, \
     updated_at = excluded.updated_at";

const TELL_FAILED_AGAIN: &str = "update dispatch set state = 'open', attempts = 0, next_action_at = $1, updated_at = $1 \
     where subscriber_id = $2 and state = 'failed'";

/// The queries that list and count the dispatches of a subscriber. Names of states are ours, so the text cannot be anything
/// but names.
pub(in crate::store) fn listing(state: Option<DispatchState>) -> (String, String) {
    let which = match state {
        Some(state) => format!("subscriber_id = $1 and state = '{}'", state.as_str()),
        None => "subscriber_id = $1".to_owned(),
    };
    let columns = columns!();
    (
        format!("select {columns} from dispatch where {which} order by id desc limit $2 offset $3"),
        format!("select count(*) from dispatch where {which}"),
    )
}

pub(in crate::store) fn add_subscriber(subscriber: &KeptSubscriber) -> Step {
    let kind = match subscriber.channel {
        Channel::Webhook { .. } => "webhook",
        Channel::Process => "process",
    };
    let mut values = vec![subscriber.id.as_str().into(), kind.into()];
    values.extend(owned(subscriber));
    values.extend([subscriber.created_at.0.into(), subscriber.updated_at.0.into()]);
    step(INSERT_SUBSCRIBER, values)
}

pub(in crate::store) fn update_subscriber(subscriber: &KeptSubscriber) -> Step {
    let mut values = owned(subscriber);
    values.extend([subscriber.updated_at.0.into(), subscriber.id.as_str().into(), subscriber.version.into()]);
    guarded(UPDATE_SUBSCRIBER, values)
}

/// What its owner decides, in the order of the columns.
fn owned(subscriber: &KeptSubscriber) -> Vec<Value> {
    let (url, secret, previous) = match &subscriber.channel {
        Channel::Webhook { url, secret, previous } => (Some(url.clone()), Some(secret), previous.as_ref()),
        Channel::Process => (None, None, None),
    };
    let bytes = |secret: &Secret| Value::Bytes(secret.0.clone());
    vec![
        url.into(),
        subscriber.description.clone().into(),
        Json::from(subscriber.filter.clone()).to_string().into(),
        i64::from(subscriber.is_enabled).into(),
        subscriber.disabled_reason.clone().into(),
        secret.map_or(Value::Null, bytes),
        previous.map_or(Value::Null, |(secret, _)| bytes(secret)),
        previous.map(|(_, until)| until.0).into(),
    ]
}

pub(in crate::store) fn remove_subscriber(id: &SubscriberId) -> Step {
    guarded(DELETE_SUBSCRIBER, vec![id.as_str().into()])
}

/// Moves the place in the outbox first: whoever loses that race has opened nothing.
pub(in crate::store) fn spread(id: &SubscriberId, from: i64, until: i64, now: Timestamp) -> Vec<Step> {
    vec![
        guarded(MOVE_CURSOR, vec![until.into(), id.as_str().into(), from.into()]),
        step(SPREAD, vec![id.as_str().into(), now.0.into(), from.into(), until.into()]),
    ]
}

/// Where a subscriber stands and how far it may be spread now; nothing when there is nothing to spread.
pub(in crate::store) fn next_events(rows: &[Row]) -> Result<Option<(i64, i64)>, StoreError> {
    let Some(row) = rows.first() else { return Ok(None) };
    let from = row.int(1)?;
    Ok(row.optional_int(2)?.map(|until| (from, until)))
}

pub(in crate::store) fn claim(claim: &Claim) -> Vec<Value> {
    vec![
        claim.token.clone().into(),
        claim.until.0.into(),
        claim.subscriber.as_str().into(),
        claim.now.0.into(),
        i64::from(claim.limit).into(),
    ]
}

pub(in crate::store) fn dispatch_events(of: &Dispatch, after: i64, limit: u32) -> Vec<Value> {
    vec![of.collection.as_str().into(), after.into(), of.until.into(), i64::from(limit).into()]
}

pub(in crate::store) fn progress(of: &Dispatch, progress: &DispatchProgress, now: Timestamp) -> Vec<Step> {
    let claim = Value::from(of.claim.clone());
    let id = || Value::from(of.id.as_str());
    let told = |after: i64| {
        vec![
            step(DELETE_TOLD, vec![id(), claim.clone(), after.into()]),
            step(GIVE_BACK, vec![after.into(), now.0.into(), id(), claim.clone()]),
        ]
    };
    match progress {
        DispatchProgress::Further { after, until } => {
            vec![guarded(FURTHER, vec![(*after).into(), until.0.into(), now.0.into(), id(), claim])]
        }
        DispatchProgress::Told { after } => told(*after),
        DispatchProgress::Again { after, attempts, at, error } => {
            let attempts = i64::from(*attempts).into();
            let values = vec![(*after).into(), attempts, at.0.into(), error.clone().into(), now.0.into(), id(), claim];
            vec![step(AGAIN, values)]
        }
        DispatchProgress::GivenUp { attempts, error, .. } if of.event.is_some() => {
            let attempts = i64::from(*attempts).into();
            vec![step(FAIL, vec![attempts, error.clone().into(), now.0.into(), id(), claim])]
        }
        DispatchProgress::GivenUp { event, sequence, attempts, error } => {
            let attempts = i64::from(*attempts).into();
            let event = event.as_str().into();
            let values =
                vec![event, (*sequence).into(), attempts, error.clone().into(), now.0.into(), id(), claim.clone()];
            let mut steps = vec![step(KEEP_FAILED, values)];
            steps.extend(told(*sequence));
            steps
        }
    }
}

pub(in crate::store) fn tell_again(id: &SubscriberId, event: &OutboxEvent, now: Timestamp) -> Step {
    step(
        TELL_AGAIN,
        vec![
            format!("{id}/{}", event.id).into(),
            id.as_str().into(),
            event.collection.as_str().into(),
            event.id.as_str().into(),
            (event.sequence - 1).into(),
            event.sequence.into(),
            now.0.into(),
            now.0.into(),
            now.0.into(),
        ],
    )
}

pub(in crate::store) fn tell_failed_again(id: &SubscriberId, now: Timestamp) -> Step {
    step(TELL_FAILED_AGAIN, vec![now.0.into(), id.as_str().into()])
}

pub(in crate::store) fn subscriber(row: &Row) -> Result<KeptSubscriber, StoreError> {
    let place = row.place();
    let optional_bytes = |column: usize| match row.values.get(column) {
        Some(Value::Null) => Ok(None),
        Some(Value::Int(_) | Value::Text(_) | Value::Bytes(_)) | None => {
            row.bytes(column).map(|b| Some(Secret(b.to_vec())))
        }
    };
    let channel = match row.text(2)? {
        "webhook" => Channel::Webhook {
            url: row.text(3)?.to_owned(),
            secret: Secret(row.bytes(8)?.to_vec()),
            previous: optional_bytes(9)?.zip(row.optional_int(10)?.map(Timestamp)),
        },
        "process" => Channel::Process,
        other => return Err(place.corrupt(format!("kind is `{other}`"))),
    };
    let owned = |column| row.optional_text(column).map(|text| text.map(str::to_owned));
    let id = row.text(0)?;
    Ok(KeptSubscriber {
        id: place.named(SubscriberId::parse(id), "id", id)?,
        version: row.int(1)?,
        channel,
        description: owned(4)?,
        filter: serde_json::from_str(row.text(5)?).map_err(|error| place.corrupt(error))?,
        is_enabled: row.int(6)? == 1,
        disabled_reason: owned(7)?,
        cursor: row.int(11)?,
        created_at: Timestamp(row.int(12)?),
        updated_at: Timestamp(row.int(13)?),
    })
}

pub(in crate::store) fn dispatch(row: &Row) -> Result<Dispatch, StoreError> {
    let place = row.place();
    let (subscriber, state) = (row.text(1)?, row.text(6)?);
    Ok(Dispatch {
        id: row.text(0)?.to_owned(),
        subscriber: place.named(SubscriberId::parse(subscriber), "subscriber_id", subscriber)?,
        collection: place.id(CollectionId::parse(row.text(2)?))?,
        event: row.optional_text(3)?.map(|id| place.id(EventId::parse(id))).transpose()?,
        after: row.int(4)?,
        until: row.int(5)?,
        state: place.named(DispatchState::parse(state), "state", state)?,
        attempts: u32::try_from(row.int(7)?).map_err(|error| place.corrupt(error))?,
        next_action_at: row.optional_int(8)?.map(Timestamp),
        claim: row.optional_text(9)?.map(str::to_owned),
        last_error: row.optional_text(10)?.map(str::to_owned),
        created_at: Timestamp(row.int(11)?),
        updated_at: Timestamp(row.int(12)?),
    })
}

fn step(sql: &'static str, values: Vec<Value>) -> Step {
    Step { sql, values, guarded: false }
}

fn guarded(sql: &'static str, values: Vec<Value>) -> Step {
    Step { guarded: true, ..step(sql, values) }
}
