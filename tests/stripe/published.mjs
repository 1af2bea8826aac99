// Holds requests to the published description of Stripe's API, as its own client has it: the types that are generated from the
// description say which parameters there are, of which type and with which values, and the client itself says which method and
// path they are sent with. Once for the version that is pinned, and once for the latest one.
//
//   node published.mjs REQUESTS.json      [{ method, path, query, body, version }, …]; complaints come as JSON
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

const installed = process.env.INSTALLED;
const require = createRequire(installed);
const ts = require('typescript');

// Method, path, the client's method, and the type of its parameters.
const ROUTES = [
  ['POST', '/v1/payment_intents', 'paymentIntents.create', 'PaymentIntentCreateParams'],
  ['GET', '/v1/payment_intents/search', 'paymentIntents.search', 'PaymentIntentSearchParams'],
  ['GET', '/v1/payment_intents/:id', 'paymentIntents.retrieve', 'PaymentIntentRetrieveParams'],
  ['POST', '/v1/payment_intents/:id', 'paymentIntents.update', 'PaymentIntentUpdateParams'],
  ['POST', '/v1/payment_intents/:id/confirm', 'paymentIntents.confirm', 'PaymentIntentConfirmParams'],
  ['POST', '/v1/payment_intents/:id/capture', 'paymentIntents.capture', 'PaymentIntentCaptureParams'],
  ['POST', '/v1/payment_intents/:id/cancel', 'paymentIntents.cancel', 'PaymentIntentCancelParams'],
  ['POST', '/v1/refunds', 'refunds.create', 'RefundCreateParams'],
  ['GET', '/v1/refunds', 'refunds.list', 'RefundListParams'],
  ['GET', '/v1/disputes', 'disputes.list', 'DisputeListParams'],
  ['POST', '/v1/customers', 'customers.create', 'CustomerCreateParams'],
  ['GET', '/v1/customers/:id', 'customers.retrieve', 'CustomerRetrieveParams'],
  ['POST', '/v1/customers/:id', 'customers.update', 'CustomerUpdateParams'],
  ['DELETE', '/v1/customers/:id', 'customers.del', 'CustomerDeleteParams'],
  ['GET', '/v1/customers/:id/payment_methods', 'customers.listPaymentMethods', 'CustomerListPaymentMethodsParams'],
  ['GET', '/v1/payment_methods/:id', 'paymentMethods.retrieve', 'PaymentMethodRetrieveParams'],
  ['POST', '/v1/payment_methods/:id/attach', 'paymentMethods.attach', 'PaymentMethodAttachParams'],
  ['POST', '/v1/payment_methods/:id/detach', 'paymentMethods.detach', 'PaymentMethodDetachParams'],
  ['POST', '/v1/setup_intents', 'setupIntents.create', 'SetupIntentCreateParams'],
  ['GET', '/v1/setup_intents/:id', 'setupIntents.retrieve', 'SetupIntentRetrieveParams'],
];

// What the provider reads of answers, and values that it has to know all of.
const FIELDS = {
  PaymentIntent: [
    'id', 'status', 'amount', 'amount_capturable', 'amount_received', 'currency', 'capture_method', 'client_secret',
    'last_payment_error.code', 'last_payment_error.decline_code', 'last_payment_error.message', 'last_payment_error.charge',
    'last_payment_error.payment_method.id', 'latest_charge', 'livemode', 'metadata', 'next_action.type',
    'next_action.redirect_to_url.url', 'payment_method', 'cancellation_reason',
  ],
  Charge: ['id', 'amount_refunded', 'amount_captured', 'disputed', 'payment_method_details.card.multicapture.status'],
  PaymentMethod: ['id', 'type', 'card.brand', 'card.last4', 'card.exp_month', 'card.exp_year', 'customer'],
  SetupIntent: ['id', 'status', 'client_secret', 'customer', 'payment_method', 'next_action.redirect_to_url.url'],
  Refund: ['id', 'amount', 'currency', 'status', 'failure_reason', 'metadata', 'payment_intent'],
  Dispute: ['amount', 'status', 'reason', 'payment_intent', 'currency'],
  Customer: ['id', 'livemode', 'metadata'],
  DeletedCustomer: ['id', 'deleted'],
};
const STATUSES = {
  PaymentIntent: [
    'canceled', 'processing', 'requires_action', 'requires_capture', 'requires_confirmation', 'requires_payment_method', 'succeeded',
  ],
};
const EVENTS = [
  'payment_intent.amount_capturable_updated', 'payment_intent.succeeded', 'payment_intent.payment_failed',
  'payment_intent.canceled', 'payment_intent.processing', 'payment_intent.requires_action', 'refund.created', 'refund.updated',
  'refund.failed', 'charge.refund.updated', 'charge.captured', 'charge.dispute.created', 'charge.dispute.funds_withdrawn',
];

/** The types of one version, by name. */
function typesOf(name) {
  const file = join(dirname(installed), `types-of-${name}.ts`);
  const names = [...new Set([...ROUTES.map((route) => route[3]), ...Object.keys(FIELDS)]), 'Event'];
  const lines = names.map((type) => `export type Of${type} = Stripe.${type};`);
  // Older ones declare themselves as the module `stripe`, whatever they are installed as.
  const ambient = join(dirname(installed), 'node_modules', name, 'types', 'index.d.ts');
  const declares = existsSync(ambient);
  writeFileSync(file, `import Stripe from '${declares ? 'stripe' : name}';\n${lines.join('\n')}\n`);
  const program = ts.createProgram(declares ? [ambient, file] : [file], {
    strict: true, skipLibCheck: true, noEmit: true, types: [],
    target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.Node16, moduleResolution: ts.ModuleResolutionKind.Node16,
  });
  const checker = program.getTypeChecker();
  const types = new Map();
  ts.forEachChild(program.getSourceFile(file), (node) => {
    if (ts.isTypeAliasDeclaration(node)) types.set(node.name.text.slice(2), checker.getTypeAtLocation(node.name));
  });
  for (const [type, found] of types) {
    if (found.flags & (ts.TypeFlags.Any | ts.TypeFlags.Unknown)) throw new Error(`${name} has no type ${type}`);
  }
  return { checker, types };
}

/** The members of a type; where a list of values is left open for the future, the values that are published count. */
function members(type) {
  const all = type.isUnion() ? type.types : [type];
  const real = all.filter((one) => !(one.flags & (ts.TypeFlags.Undefined | ts.TypeFlags.Null)));
  const hasValues = real.some((one) => one.isStringLiteral() && one.value !== '');
  return hasValues ? real.filter((one) => !one.isIntersection()) : real;
}

function* misfits(checker, type, value, path) {
  const fitting = members(type);
  const isAny = (flag) => fitting.some((one) => one.flags & flag);
  if (typeof value === 'string') {
    const fits =
      isAny(ts.TypeFlags.String) ||
      fitting.some((one) => one.isStringLiteral() && one.value === value) ||
      (isAny(ts.TypeFlags.NumberLike) && /^-?(0|[1-9]\d*)$/.test(value)) ||
      (isAny(ts.TypeFlags.BooleanLike) && ['true', 'false'].includes(value));
    if (!fits) yield `${path}: \`${value}\` is no value of it`;
    return;
  }
  if (Array.isArray(value)) {
    const list = fitting.find((one) => checker.isArrayType(one));
    if (!list) return yield `${path}: is no list`;
    for (const one of value) yield* misfits(checker, checker.getTypeArguments(list)[0], one, `${path}[]`);
    return;
  }
  const object = fitting.find((one) => one.flags & ts.TypeFlags.Object && !checker.isArrayType(one));
  if (!object) return yield `${path}: has no members`;
  const index = checker.getIndexTypeOfType(object, ts.IndexKind.String);
  for (const [key, member] of Object.entries(value)) {
    const place = path ? `${path}[${key}]` : key;
    const property = checker.getPropertyOfType(object, key);
    if (property) yield* misfits(checker, checker.getTypeOfSymbol(property), member, place);
    else if (index) yield* misfits(checker, index, member, place);
    else yield `${place}: there is no such parameter`;
  }
  for (const property of checker.getPropertiesOfType(object)) {
    const isOptional = property.flags & ts.SymbolFlags.Optional;
    if (!isOptional && !(property.name in value)) yield `${path ? `${path}.` : ''}${property.name}: is missing`;
  }
}

/** `a[b][]=1` as nested values. */
function nested(text) {
  const root = {};
  for (const [name, value] of new URLSearchParams(text)) {
    const parts = name.replaceAll(']', '').split('[');
    let place = root;
    parts.forEach((part, depth) => {
      const isLast = depth === parts.length - 1;
      if (part === '') return place.push(value);
      if (isLast) place[part] = value;
      else place[part] ??= parts[depth + 1] === '' ? [] : {};
      place = place[part];
    });
  }
  return root;
}

/** Pairs in any order, without the places of lists. */
function pairs(text) {
  return [...new URLSearchParams(text)].map(([name, value]) => `${name.replace(/\[\d+\]/g, '[]')}=${value}`).sort();
}

const routeOf = (request) =>
  ROUTES.find(([method, path]) => {
    const pattern = new RegExp(`^${path.replace(':id', '(?!search$)[A-Za-z0-9_]+')}$`);
    return method === request.method && pattern.test(request.path);
  });

/** What the client itself sends when it is given the same. */
async function sentBy(name, route, request, params) {
  const module = require(name);
  const Stripe = module.default ?? module.Stripe ?? module;
  let sent;
  const httpClient = Stripe.createFetchHttpClient(async (url, { method, body }) => {
    const at = new URL(url);
    sent = { method, path: at.pathname, pairs: pairs(body ? body : at.search.slice(1)) };
    return new Response('{"id":"x","object":"x","data":[]}', { headers: { 'content-type': 'application/json' } });
  });
  const client = new Stripe('sk_test_1', { httpClient, maxNetworkRetries: 0, telemetry: false });
  const [resource, method] = route[2].split('.');
  const ids = route[1].includes(':id') ? [request.path.split('/')[3]] : [];
  await client[resource][method](...ids, params);
  return sent;
}

function* unknownFields({ checker, types }) {
  const member = (type, name) => {
    for (const one of members(type)) {
      const property = one.flags & ts.TypeFlags.Object && checker.getPropertyOfType(one, name);
      if (property) return checker.getTypeOfSymbol(property);
    }
    return undefined;
  };
  for (const [name, fields] of Object.entries(FIELDS)) {
    for (const field of fields) {
      const found = field.split('.').reduce((type, part) => type && member(type, part), types.get(name));
      if (!found) yield `${name}.${field}: there is no such field`;
    }
  }
  for (const [name, statuses] of Object.entries(STATUSES)) {
    const told = members(member(types.get(name), 'status')).map((one) => one.value).sort();
    if (told.join() !== statuses.join()) yield `${name}.status: is one of ${told.join(', ')}`;
  }
  const kinds = new Set(members(types.get('Event')).flatMap((one) => members(member(one, 'type'))).map((one) => one.value));
  for (const kind of EVENTS) if (!kinds.has(kind)) yield `${kind}: there is no such event`;
}

/** A file of an installed package. */
const fileOf = (name, path) => readFileSync(join(dirname(installed), 'node_modules', name, path), 'utf8');

const pinned = fileOf('pinned', 'cjs/apiVersion.js');
const requests = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const complaints = [];
for (const name of ['pinned', 'latest']) {
  const version = fileOf(name, 'VERSION').trim();
  const types = typesOf(name);
  for (const what of unknownFields(types)) complaints.push({ place: -1, what: `${name} (${version}): ${what}` });
  for (const [place, request] of requests.entries()) {
    const complain = (what) => complaints.push({ place, what: `${name} (${version}): ${request.method} ${request.path}: ${what}` });
    const route = routeOf(request);
    if (!route) {
      complain('there is no such route');
      continue;
    }
    const text = request.method === 'POST' ? request.body : request.query ?? '';
    if (request.method === 'POST' && request.query) complain('a POST has its parameters in its body');
    if (request.method !== 'POST' && request.body) complain('it has its parameters in its query');
    const params = nested(text);
    for (const what of misfits(types.checker, types.types.get(route[3]), params, '')) complain(what);
    const sent = await sentBy(name, route, request, params);
    if (sent.method !== request.method || sent.path !== request.path) complain(`the client says ${sent.method} ${sent.path}`);
    if (sent.pairs.join('&') !== pairs(text).join('&')) complain(`the client says ${sent.pairs.join('&')}`);
    if (!pinned.includes(`'${request.version}'`)) complain(`the version is ${request.version}`);
  }
}
console.log(JSON.stringify(complaints));
