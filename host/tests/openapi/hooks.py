"""What the schema fuzzer has to know of Tillbox beside its document.

The document is made stricter than it is served, so that nothing undocumented passes: objects in answers may hold no other
keys. Ids that were answered are used again, or nearly every request would ask for what is not there. And a refusal that a
schema cannot foretell is told from one that it should have.
"""

import hashlib
import hmac
import json
import os
import random
import re
import time
import uuid

import requests
import schemathesis

# One run is like another with the same seed: nothing here is drawn from anywhere else.
RANDOM = random.Random(7)

# Ids by what they begin with. Those of providers are known before anything is asked.
POOL = {"pp": ["pp_manual_default", "pp_stripe-mock_default", "pp_stripe-mock_hooked", "pp_whole_default"]}

# Who takes webhooks, and one who does not. The others have no secret to verify with, and say 503 for good reason.
HOOKED = ["stripe-mock_hooked", "manual_default"]

# How many ids of a kind are remembered: the newest are worth the most.
POOL_MAX = 24

# How many of those count as new.
NEWEST = 3

# How often an id that was made up is replaced by a real one.
REAL_IDS = 0.8

# How often something new is made for a request.
FRESH = 0.3

# How often a key is kept as it was generated, so that it meets itself again.
SAME_KEY = 0.1

ID = re.compile(r"^(pay_col|payses|payop|pay|capt|refr|ref|acchld|evt|whep|pp)_[A-Za-z0-9_-]+$")

# Why a request that fits the document may be refused with 400 or 422 all the same: nothing of it is in a single schema.
REFUSALS = {
    "invalid_data": [
        r"digits behind the point",  # how many depends on the currency, which may be that of a payment made before
        r"the amount is above",  # the largest amount depends on the currency, too
        r"does not take [A-Z]{3}",  # which currencies a provider takes is its own matter
        r"is that of customer",  # an account holder stays with its customer
        r"more are not possible",  # endpoints are few
        r"\d+ bytes",  # limits of texts are bytes, a schema counts characters
        r"is missing; say whose account it is",  # an account holder has a customer, or was made before
        r"gives no code",  # a code is made from the label, and some labels have no letters
        r"no default currency",  # a body without a currency may come from an order, and no shop is there to ask
        r"belongs to another order",  # which order a collection was made for
        r"^grants: ",  # what can be granted depends on the component, and a name nobody knows is refused
        r"the body is wrong",  # objects for providers and notes have limits of their own: 64 KiB, 32 levels
    ],
}


@schemathesis.hook
def before_load_schema(context, raw_schema):
    close(raw_schema["components"]["schemas"])
    link(raw_schema)
    seed()


def post(path, body):
    """A call that must work, beside those of the fuzzer."""
    headers = {"Authorization": "Bearer " + os.environ["TILLBOX_SECRET_KEY"]}
    made = requests.post(os.environ["TILLBOX_URL"] + path, json=body, headers=headers, timeout=30)
    made.raise_for_status()
    return made.json()


def seed():
    """An account holder at the one provider that keeps payment methods."""
    remember(post("/admin/account-holders", {"provider_id": "pp_whole_default", "customer": {"id": "cus_of_the_fuzzer"}}))


def fresh_collection():
    wanted = {"currency_code": "eur", "amount": 10, "cart_id": f"cart_{RANDOM.getrandbits(64)}"}
    return post("/admin/payment-collections", wanted)["payment_collection"]


def fresh_session():
    wanted = {"provider_id": "pp_stripe-mock_hooked", "data": {"payment_method": "pm_card_visa"}}
    return post(f"/admin/payment-collections/{fresh_collection()['id']}/payment-sessions", wanted)["payment_session"]["id"]


def fresh_holder():
    customer = {"id": f"cus_{RANDOM.getrandbits(64)}"}
    made = post("/admin/account-holders", {"provider_id": "pp_whole_default", "customer": customer})
    remember(made)
    return made["account_holder"]["id"]


def fresh_version(case):
    """A provider that was installed for this call: nothing else is paid with it, so it may be upgraded, approved and removed."""
    path = "/admin/payment-providers"
    new = {"id": f"fresh-{RANDOM.getrandbits(64)}", "component": component()}
    if case.path == path:
        case.body = new
        return
    if case.path == path + "/{id}" and case.method == "POST":
        return
    provider = post(path, new)["provider_version"]["provider_id"]
    case.path_parameters["id"] = provider
    wider = {"component": component(), "grants": {"calls_max": 7}}
    if case.path.endswith("/upgrade"):
        case.body = wider
    elif case.path.endswith("/approve"):
        case.body = {"version": post(f"{path}/{provider}/upgrade", wider)["provider_version"]["number"]}
    elif case.path.endswith("/rollback") or case.path.endswith("/versions/{version}"):
        post(f"{path}/{provider}/upgrade", {**wider, "approve": True})
        if case.path.endswith("/rollback"):
            case.body = {}
        else:
            case.path_parameters["version"] = "1"


def component():
    """The digest of a component that was brought."""
    if "component" not in POOL:
        with open("whole.wasm", "rb") as file:
            headers = {"Authorization": "Bearer " + os.environ["TILLBOX_SECRET_KEY"], "Content-Type": "application/wasm"}
            brought = requests.post(os.environ["TILLBOX_URL"] + "/admin/provider-components", data=file.read(), headers=headers, timeout=60)
            brought.raise_for_status()
            POOL["component"] = [brought.json()["provider_component"]["component"]]
    return POOL["component"][0]


def fresh_payment(captured):
    payment = post(f"/admin/payment-sessions/{fresh_session()}/authorize", {})["payment"]["id"]
    if captured:
        post(f"/admin/payments/{payment}/capture", {})
    return payment


def fresh(case):
    """Now and then something that nothing has happened to yet, where most of what there is has been used up."""
    if case.method == "GET":
        return
    if case.path.startswith("/admin/payment-providers"):
        fresh_version(case)
    if RANDOM.random() > FRESH:
        return
    if "/payment-sessions/{id}" in case.path:
        case.path_parameters["id"] = fresh_session()
    elif case.path == "/admin/payment-collections/{id}/payment-sessions":
        # Most collections are closed by now, or smaller than what is asked for.
        case.path_parameters["id"] = fresh_collection()["id"]
        case.body = {"provider_id": "pp_stripe-mock_hooked"}
    elif case.path.endswith("/mark-as-paid"):
        made = post("/admin/payment-collections", {"currency_code": "eur", "amount": 10, "order_id": "order_1"})
        case.path_parameters["id"] = made["payment_collection"]["id"]
        # By the provider for money that is taken by hand; of most others it would want a payer.
        case.body = {"order_id": "order_1"}
    elif "/account-holders/{id}" in case.path:
        # The provider wraps what it keeps once more with every change, and that ends at 32 levels.
        case.path_parameters["id"] = fresh_holder()
    elif "/payments/{id}/" in case.path:
        case.path_parameters["id"] = fresh_payment(captured=case.path.endswith("/refund"))


def close(part):
    """No other keys in objects whose keys are listed."""
    if isinstance(part, list):
        for one in part:
            close(one)
    elif isinstance(part, dict):
        if part.get("type") == "object" and "properties" in part:
            part.setdefault("additionalProperties", False)
        for one in part.values():
            close(one)


def link(raw_schema):
    """From every answer that holds one thing with an id to every route that takes ids of the kind."""
    schemas = raw_schema["components"]["schemas"]

    def resolved(schema):
        return schemas[schema["$ref"].rsplit("/", 1)[1]] if "$ref" in schema else schema

    operations = [operation for methods in raw_schema["paths"].values() for operation in methods.values()]
    takers = {}
    for operation in operations:
        for parameter in operation.get("parameters", []):
            if parameter["in"] == "path" and "pattern" in parameter["schema"]:
                taker = (operation["operationId"], parameter["name"])
                takers.setdefault(parameter["schema"]["pattern"], []).append(taker)
    for operation in operations:
        answer = operation["responses"]["200"]
        envelope = resolved(answer["content"].get("application/json", {}).get("schema", {}))
        for key, thing in envelope.get("properties", {}).items():
            kind = resolved(resolved(thing).get("properties", {}).get("id", {})).get("pattern")
            for target, name in takers.get(kind, []):
                parameters = {name: f"$response.body#/{key}/id"}
                link = {"operationId": target, "parameters": parameters}
                answer.setdefault("links", {})[f"{key}-{target}"] = link


def is_positive(case):
    return case.meta is not None and case.meta.generation.mode.is_positive


def real(value):
    """An id of the same kind that was answered once, or the value."""
    found = ID.match(value) if isinstance(value, str) else None
    if found is None or RANDOM.random() > REAL_IDS:
        return value
    pool = POOL.get(found.group(1)) or [value]
    # What is new can still be authorized, captured, canceled or deleted.
    return RANDOM.choice(pool[-NEWEST:] if found.group(1) != "pp" and RANDOM.random() < 0.5 else pool)


def admin(path):
    """What the merchant's server reads; nothing where there is no such thing."""
    headers = {"Authorization": "Bearer " + os.environ["TILLBOX_SECRET_KEY"]}
    read = requests.get(os.environ["TILLBOX_URL"] + requests.utils.quote(path), headers=headers, timeout=30)
    return read.json() if read.status_code == 200 else None


def open_to_visitor(case):
    """The client secret of the collection that a storefront's path is about, as its page was given it."""
    if not case.path.startswith("/store/payment-collections") and not case.path.startswith("/store/payment-sessions"):
        return
    # Two keys at once are more than the fuzzer's own configuration can show.
    case.headers = case.headers or {}
    case.headers["x-publishable-api-key"] = os.environ["TILLBOX_PUBLISHABLE_KEY"]
    if "{id}" not in case.path:
        made = fresh_collection()
        case.body = {"cart_id": made["cart_id"]}
        case.headers["x-client-secret"] = made["client_secret"]
        return
    collection = case.path_parameters["id"]
    if "/payment-sessions/{id}" in case.path:
        session = admin(f"/admin/payment-sessions/{collection}")
        if session is None:
            return
        collection = session["payment_session"]["payment_collection_id"]
    found = admin(f"/admin/payment-collections/{collection}")
    if found is not None:
        case.headers["x-client-secret"] = found["payment_collection"]["client_secret"]


@schemathesis.hook
def before_call(context, case, kwargs):
    headers = case.headers or {}
    if "Idempotency-Key" in headers and is_positive(case) and RANDOM.random() > SAME_KEY:
        headers["Idempotency-Key"] = str(uuid.UUID(int=RANDOM.getrandbits(128)))
    stay_here(case)
    if not is_positive(case):
        return
    for name, value in (case.path_parameters or {}).items():
        case.path_parameters[name] = real(value)
    fresh(case)
    if "account-holders/{id}/payment-methods" in case.path and POOL.get("with methods"):
        case.path_parameters["id"] = RANDOM.choice(POOL["with methods"])
    if case.method == "DELETE" and case.path_parameters.get("id") in POOL.get("with methods", [])[:1]:
        # One holder stays, so that its payment methods can be looked at.
        case.path_parameters["id"] = "acchld_of_nobody" if case.path.endswith("/{id}") else case.path_parameters["id"]
    if isinstance(case.body, dict):
        case.body = {key: real(value) for key, value in case.body.items()}
    if isinstance(case.body, dict) and "account_holder_id" in case.body and RANDOM.random() < REAL_IDS:
        # Most are made anew, and half of those where there are payment methods to keep.
        del case.body["account_holder_id"]
        case.body["provider_id"] = RANDOM.choice(["pp_whole_default", "pp_stripe-mock_default"])
    hooked = case.path_parameters.get("id") == "pp_stripe-mock_hooked"
    if case.path == "/admin/payment-providers/{id}" and hooked and isinstance(case.body, dict):
        # The provider of what is made anew stays switched on.
        case.body["is_enabled"] = True
    open_to_visitor(case)
    if case.path.startswith("/hooks/"):
        tell(case)


def stay_here(case):
    """Webhooks of this server go to a port of this machine where nobody listens, and nowhere else."""
    url = case.body.get("url") if isinstance(case.body, dict) else None
    if isinstance(url, str) and url.startswith("http"):
        scheme = "http" if is_positive(case) else "ftp"
        case.body["url"] = f"{scheme}://127.0.0.1:9/{RANDOM.randrange(1000)}"


def tell(case):
    """A webhook of a gateway, every other one signed, about a session that there is."""
    case.path_parameters["provider"] = RANDOM.choice(HOOKED)
    if RANDOM.random() < 0.5:
        return
    kind = RANDOM.choice(["payment_intent.succeeded", "payment_intent.payment_failed", "charge.refunded", "nobody.knows"])
    event = {
        "id": f"evt_{RANDOM.randrange(1000)}", "object": "event", "type": kind, "created": int(time.time()), "livemode": False,
        "data": {"object": {
            "id": "pi_1", "object": "payment_intent", "amount": 1050, "amount_capturable": 0, "amount_received": 1050,
            "currency": "eur", "status": "succeeded", "metadata": {"session_id": RANDOM.choice(POOL.get("payses") or ["payses_1"])},
        }},
    }
    body, seconds = json.dumps(event), int(time.time())
    digest = hmac.new(os.environ["TILLBOX_WEBHOOK_SECRET"].encode(), f"{seconds}.{body}".encode(), hashlib.sha256)
    case.path_parameters["provider"] = HOOKED[0]
    case.headers["stripe-signature"] = f"t={seconds},v1={digest.hexdigest()}"
    case.body, case.media_type = event, "application/json"


@schemathesis.hook
def after_call(context, case, response):
    if response.status_code == 404 or (case.method == "DELETE" and response.status_code == 200):
        for value in (case.path_parameters or {}).values():
            forget(value)
    elif response.status_code == 200 and "json" in response.headers.get("content-type", [""])[0]:
        remember(response.json())


def forget(value):
    for kind, pool in POOL.items():
        if value in pool and kind != "pp":
            pool.remove(value)


def remember(part):
    if isinstance(part, list):
        # Lists begin with the newest.
        for one in reversed(part):
            remember(one)
    elif isinstance(part, dict):
        for key, value in part.items():
            found = ID.match(value) if key == "id" and isinstance(value, str) else None
            if found is None:
                remember(value)
                continue
            keep(found.group(1), value)
            if found.group(1) == "acchld" and part.get("provider_id") == "pp_whole_default":
                keep("with methods", value)


def keep(kind, value):
    if value.startswith("pp_whole_fresh"):
        # It was made for one call.
        return
    pool = POOL.setdefault(kind, [])
    if value not in pool:
        pool.append(value)
        if kind != "pp" and len(pool) > POOL_MAX:
            pool.pop(0)


@schemathesis.hook
def filter_failure(context, failure, case, response):
    """Drops refusals that no schema could have foretold, and those that are right."""
    if case.path.startswith("/hooks/"):
        # What is not signed is not true, whatever it looks like; the answer is plain text, and documented.
        return "positive_data_acceptance" not in failure.checks
    if "ignored_auth" in failure.checks and case.path.startswith("/store/"):
        # The keys of a visitor are this file's, whatever the fuzzer would have sent; the integration tests leave them out.
        if "payment-providers" not in case.path:
            return False
        # The reference answers 400 to a storefront without its key, and so do we: refused is refused.
        return "got `400 Bad Request`" not in failure.message
    if "positive_data_acceptance" not in failure.checks:
        return True
    answer = response.json()
    # The state forbids it, or an amount does not fit the books: nobody knows that from one request.
    if answer["type"] != "invalid_data" or answer["code"] != "invalid_data":
        return False
    return not any(re.search(pattern, answer["message"]) for pattern in REFUSALS["invalid_data"])


# Routes that need what cannot be had here.
UNREACHABLE = {
    # No component can reach a network yet, so none of their operations is ever a question.
    "POST /admin/operations/{id}/resolve",
    "POST /admin/operations/{id}/void",
}


@schemathesis.check
class every_route_does_something:
    """Every route was really used: it answered 200 to somebody."""

    def __init__(self):
        self.asked = {}

    def after_response(self, ctx, response, case):
        label = case.operation.label
        self.asked[label] = self.asked.get(label, False) or response.status_code == 200

    def after_run(self, ctx):
        never = sorted(label for label, answered in self.asked.items() if not answered and label not in UNREACHABLE)
        if never:
            raise AssertionError("never answered 200: " + json.dumps(never))
