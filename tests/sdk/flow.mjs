// Every method of the client's four objects, through one flow, against the server that the environment names. Each call is
// counted: a method that the published client has and nobody drives is a failure, too.

import assert from "node:assert/strict"
import { createHmac } from "node:crypto"
import { createRequire } from "node:module"

const require = createRequire(process.env.SDK_FROM)
const Medusa = require("@medusajs/js-sdk").default
const baseUrl = process.env.TILLBOX_URL

const MANUAL = "pp_manual_default"
const CARDS = "pp_stripe-mock_default"

const quiet = { error() {}, warn() {}, info() {}, debug() {} }

/** What the shop's own server gives to a visitor without an account: a token for their cart. */
function visitor(claims) {
  const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url")
  const exp = Math.floor(Date.now() / 1000) + 600
  const signed = `${part({ alg: "HS256", typ: "JWT" })}.${part({ exp, ...claims })}`
  return `Bearer ${signed}.${createHmac("sha256", process.env.TOKEN_SECRET).update(signed).digest("base64url")}`
}

const token = visitor({ cart_id: "cart_1" })
const store = new Medusa({
  baseUrl,
  publishableKey: process.env.PUBLISHABLE_KEY,
  globalHeaders: { Authorization: token },
  logger: quiet,
}).store
const admin = new Medusa({ baseUrl, apiKey: process.env.SECRET_KEY, logger: quiet }).admin
// A prefix before the paths is kept, and a bearer token opens the same door.
const bearer = new Medusa({
  baseUrl: `${baseUrl}/`,
  globalHeaders: { Authorization: `Bearer ${process.env.SECRET_KEY}` },
  logger: quiet,
}).admin

const driven = new Set()

/** The client's object, every call of it noted. */
function noted(name, object) {
  return new Proxy(object, {
    get(target, method) {
      const value = target[method]
      if (typeof value !== "function") return value
      return (...given) => {
        driven.add(`${name}.${String(method)}`)
        return value.apply(target, given)
      }
    },
  })
}

const shop = {
  payment: noted("store.payment", store.payment),
}
const desk = {
  payment: noted("admin.payment", admin.payment),
  paymentCollection: noted("admin.paymentCollection", admin.paymentCollection),
  refundReason: noted("admin.refundReason", admin.refundReason),
}

/** What the client throws for an answer of 300 and more. */
async function refused(status, message, call) {
  await assert.rejects(call, (error) => {
    assert.equal(error.status, status, error.message)
    assert.match(error.message, message)
    assert.ok(error.statusText.length > 0)
    return true
  })
}

const names = (object) => Object.keys(object).sort()

async function authorize(collection, session, data) {
  const answer = await fetch(`${baseUrl}/store/payment-sessions/${session.id}/authorize`, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      "x-publishable-api-key": process.env.PUBLISHABLE_KEY,
      ...(collection.client_secret ? { "x-client-secret": collection.client_secret } : { authorization: token }),
    },
    body: JSON.stringify({ data }),
  })
  const body = await answer.json()
  assert.equal(answer.status, 200, JSON.stringify(body))
  return body
}

// ---- The storefront.

const providers = await shop.payment.listPaymentProviders({ region_id: "reg_1", limit: 50, order: "id" })
assert.deepEqual(names(providers), ["count", "limit", "offset", "payment_providers"])
assert.ok(providers.payment_providers.some((one) => one.id === MANUAL && one.is_enabled === true))
assert.deepEqual(names(providers.payment_providers[0]), ["id", "is_enabled"])
const some = await shop.payment.listPaymentProviders({ region_id: "reg_1", id: [MANUAL, CARDS], fields: "id" })
assert.deepEqual(some.payment_providers, [{ id: MANUAL }, { id: CARDS }])
await refused(400, /region_id/, () => shop.payment.listPaymentProviders({}))
await refused(400, /secret/, () => shop.payment.listPaymentProviders({ region_id: "reg_1", fields: "+secret" }))

// A cart of the shop, whose worth the server asks the shop for.
const cart = { id: "cart_1" }
const first = await shop.payment.initiatePaymentSession(cart, { provider_id: MANUAL })
const opened = first.payment_collection
assert.equal(opened.amount, 25.5)
assert.equal(opened.currency_code, "eur")
assert.equal(opened.payment_sessions.length, 1)
const scalars = [
  "amount", "authorized_at", "created_at", "currency_code", "data", "deleted_at", "id", "payment_collection_id",
  "provider_id", "raw_amount", "status", "updated_at",
]
for (const name of scalars) assert.ok(name in opened.payment_sessions[0], name)
assert.deepEqual(opened.payment_sessions[0].raw_amount, { value: "25.50", precision: 20 })
assert.equal(opened.payment_sessions[0].context, undefined)
// The same cart has the same collection, and one session: the one that was asked for last.
const second = await shop.payment.initiatePaymentSession(cart, { provider_id: CARDS, data: { payment_method: "pm_card_visa" } })
assert.equal(second.payment_collection.id, opened.id)
assert.equal(second.payment_collection.payment_sessions.length, 1)
const session = second.payment_collection.payment_sessions[0]
assert.equal(session.provider_id, CARDS)
const known = { ...cart, payment_collection: { id: opened.id } }
const third = await shop.payment.initiatePaymentSession(
  known,
  { provider_id: CARDS },
  { fields: "id,payment_sessions.status" }
)
assert.deepEqual(names(third.payment_collection), ["id", "payment_sessions"])
assert.deepEqual(names(third.payment_collection.payment_sessions[0]), ["id", "status"])
await refused(404, /cart/i, () => shop.payment.initiatePaymentSession({ id: "cart_none" }, { provider_id: CARDS }))
await refused(400, /pp_nobody_x/, () => shop.payment.initiatePaymentSession(known, { provider_id: "pp_nobody_x" }))

const open = third.payment_collection.payment_sessions[0]
const challenge = await authorize(first.payment_collection, open, { payment_method: "pm_card_threeDSecure2Required" })
assert.equal(challenge.payment_session.status, "requires_more")
const authorized = await authorize(first.payment_collection, open, { three_d_secure: "complete" })
assert.equal(authorized.payment_session.status, "authorized")
const payment_id = authorized.payment.id

// ---- Payments.

const listed = await desk.payment.list({
  payment_session_id: [open.id],
  created_at: { $gte: "2020-01-01T00:00:00.000Z", $lt: "2999-01-01T00:00:00.000Z" },
  order: "-created_at",
  limit: 5,
  offset: 0,
  fields: "id,amount,*payment_collection",
})
assert.deepEqual([listed.count, listed.offset, listed.limit], [1, 0, 5])
assert.deepEqual(names(listed.payments[0]), ["amount", "id", "payment_collection"])
assert.equal(listed.payments[0].payment_collection.id, opened.id)
const searched = await desk.payment.list({ q: payment_id, $or: [{ id: payment_id }, { id: "pay_other" }] })
assert.deepEqual(searched.payments.map((one) => one.id), [payment_id])
assert.equal((await desk.payment.list({ id: { $ne: payment_id } })).count, 0)
assert.equal((await bearer.payment.list()).count, 1)
await refused(400, /colour/, () => desk.payment.list({ colour: "red" }))
await refused(400, /colour/, () => desk.payment.list({ fields: "id,colour" }))
await refused(400, /\$re/, () => desk.payment.list({ id: { $re: "x" } }))

const all = await desk.payment.listPaymentProviders({ is_enabled: true, id: [MANUAL, CARDS] })
assert.deepEqual(all.payment_providers, [{ id: MANUAL, is_enabled: true }, { id: CARDS, is_enabled: true }])

const shown = (await desk.payment.retrieve(payment_id)).payment
const defaults = [
  "id", "currency_code", "amount", "captured_at", "payment_collection_id", "payment_session_id", "captures", "refunds",
]
for (const name of defaults) assert.ok(name in shown, name)
for (const name of ["data", "metadata", "raw_amount", "created_at"]) assert.ok(!(name in shown), name)
assert.equal(shown.amount, 25.5)
assert.equal(shown.captured_at, null)
const chosen = (await desk.payment.retrieve(payment_id, { fields: "+metadata,-refunds,*payment_session" })).payment
assert.ok("metadata" in chosen && !("refunds" in chosen) && chosen.payment_session.id === open.id)
await refused(404, /was not found/, () => desk.payment.retrieve("pay_01ARZ3NDEKTSV4RRFFQ69G5FAV"))

const part = (await desk.payment.capture(payment_id, { amount: 10.5 })).payment
assert.deepEqual(part.captures.map((capture) => capture.amount), [10.5])
assert.equal(part.captured_at, null)
await refused(400, /capture more than the authorized/, () => desk.payment.capture(payment_id, { amount: 15.01 }))
await refused(400, /amount/, () => desk.payment.capture(payment_id, { amount: 0.001 }))
const whole = (await desk.payment.capture(payment_id, undefined, { fields: "id,captured_at,captures.amount" })).payment
assert.deepEqual(names(whole), ["captured_at", "captures", "id"])
assert.ok(whole.captured_at.endsWith("Z"))

// ---- Reasons for refunds.

const reasons = await desk.refundReason.list()
assert.deepEqual([reasons.count, reasons.limit], [3, 15])
const columns = ["code", "created_at", "deleted_at", "description", "id", "label", "updated_at"]
for (const name of columns) assert.ok(name in reasons.refund_reasons[0], name)
const made = (await desk.refundReason.create({ label: "Wrong size", code: "wrong_size", description: "too small" }))
  .refund_reason
assert.equal(made.code, "wrong_size")
const renamed = await desk.refundReason.update(made.id, { label: "Size", description: null }, { fields: "id,label" })
assert.deepEqual(renamed.refund_reason, { id: made.id, label: "Size" })
const read = (await desk.refundReason.retrieve(made.id, { fields: "id,code,description" })).refund_reason
assert.deepEqual(read, { id: made.id, code: "wrong_size", description: null })
assert.equal((await desk.refundReason.list({ q: "siz", order: "-label" })).count, 1)
await refused(422, /already exists/, () => desk.refundReason.create({ label: "Size", code: "wrong_size" }))

const refunded = (
  await desk.payment.refund(payment_id, { amount: 2.25, refund_reason_id: made.id, note: "one item came back" })
).payment
const refund = refunded.refunds[0]
assert.deepEqual([refund.amount, refund.note, refund.payment_id], [2.25, "one item came back", payment_id])
assert.deepEqual([refund.refund_reason.label, refund.refund_reason.code], ["Size", "wrong_size"])
await refused(400, /refund more than what is captured/, () => desk.payment.refund(payment_id, { amount: 23.26 }))
assert.deepEqual(await desk.refundReason.delete(made.id), { id: made.id, object: "refund_reason", deleted: true })
await refused(404, /was not found/, () => desk.refundReason.retrieve(made.id))
assert.equal((await desk.refundReason.list({ id: [made.id], with_deleted: true })).count, 1)

// ---- Collections of orders.

const order = await desk.paymentCollection.create({ order_id: "order_1", amount: 40 })
const collection = order.payment_collection
assert.deepEqual([collection.amount, collection.currency_code, collection.status], [40, "usd", "not_paid"])
for (const name of ["authorized_amount", "captured_amount", "refunded_amount"]) assert.equal(collection[name], 0)
assert.deepEqual([collection.payment_sessions, collection.payments], [[], []])
const with_session = await desk.paymentCollection.createPaymentSession(collection.id, { provider_id: CARDS, data: {} })
assert.equal(with_session.payment_collection.payment_sessions.length, 1)
const paid = (await desk.paymentCollection.markAsPaid(collection.id, { order_id: "order_1" })).payment_collection
assert.deepEqual([paid.status, paid.captured_amount, paid.payments[0].provider_id], ["completed", 40, MANUAL])
const again = (await desk.paymentCollection.markAsPaid(collection.id, { order_id: "order_1" })).payment_collection
assert.equal(again.captured_amount, 40)
const other = (await desk.paymentCollection.create({ order_id: "order_1", amount: 12 })).payment_collection
const by = (await desk.paymentCollection.markAsPaid(other.id, { order_id: "order_1", provider_id: MANUAL }))
  .payment_collection
assert.equal(by.payments[0].amount, 12)
const third_one = (await desk.paymentCollection.create({ order_id: "order_1", amount: 5 })).payment_collection
const gone = await desk.paymentCollection.delete(third_one.id)
assert.deepEqual(gone, { id: third_one.id, object: "payment-collection", deleted: true })
await refused(404, /was not found/, () => desk.paymentCollection.delete(third_one.id))

// ---- Keys.

const nobody = new Medusa({ baseUrl, logger: quiet })
await refused(401, /./, () => nobody.admin.payment.list())
await refused(400, /publishable/i, () => nobody.store.payment.listPaymentProviders({ region_id: "reg_1" }))

// ---- Nothing of the client was left out.

const published = {
  "store.payment": store.payment,
  "admin.payment": admin.payment,
  "admin.paymentCollection": admin.paymentCollection,
  "admin.refundReason": admin.refundReason,
}
const missing = []
for (const [name, object] of Object.entries(published)) {
  const own = Object.keys(object).filter((method) => typeof object[method] === "function")
  const inherited = Object.getOwnPropertyNames(Object.getPrototypeOf(object))
  for (const method of new Set([...own, ...inherited])) {
    const callable = typeof object[method] === "function" && method !== "constructor"
    const plain = !Object.prototype.hasOwnProperty.call(Object.prototype, method)
    if (callable && plain && !driven.has(`${name}.${method}`)) missing.push(`${name}.${method}`)
  }
}
assert.deepEqual(missing, [])
console.log(`driven: ${[...driven].sort().join(", ")}`)
