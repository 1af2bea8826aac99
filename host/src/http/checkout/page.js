// The checkout page: shows what is due, opens a session with the provider the payer chooses, authorizes it, walks the next
// action, and says what came of it. It asks `/store` and nothing else, and knows no provider by name: what to ask the payer
// stands in the session's client data, as `checkout` (plugins/sdk/src/checkout.rs).
//
// Money is never guessed. Every request that changes something has a key that is kept before it is sent; until its answer
// is known, the same request is sent again with the same key, after a reload too. An amount's digits never become a float.
'use strict';

/** Where the link's keys go. */
const KEY_HEADER = 'x-publishable-api-key';
const SECRET_HEADER = 'x-client-secret';

/** Milliseconds until a request counts as lost. The host goes on with it; the same key asks what became of it. */
const REQUEST_MS = 30_000;

/** Seconds between two tries while nobody knows; then only the payer asks again. */
const PATIENCE = [1, 2, 3, 5, 8, 15, 30, 30, 60, 60, 120];

/** Tries after which the payer is told that it takes longer. */
const QUIET_TRIES = 2;

/** Seconds a provider may ask to wait before the payer is told that it has no time. */
const RETRY_SECONDS_MAX = 10;

/** Seconds between two looks at a session that somebody else decides about. */
const WATCH = [2, 3, 5, 10, 10, 15, 15, 30, 30, 60, 60, 60];

/** Minutes after which an unanswered request is only sent again when the payer says so: a tab may come back days later. */
const RESUME_MINUTES = 15;

/** Letters of a label and its value that fit into one line. */
const ROW_LETTERS_MAX = 32;

/** Levels and entries of what a provider wants shown. */
const SHOWN_DEPTH = 3;
const SHOWN_MAX = 40;

const COLLECTION = decodeURIComponent(location.pathname.split('/').pop());
const STORE = new URL('../store/', document.baseURI);
const PLACE = `tillbox ${location.pathname}`;

// ---- What is kept in this tab: the link's keys, what was chosen, and the request that has no answer yet ----

let kept = {};

function keep(changes) {
  kept = { ...kept, ...changes };
  try {
    sessionStorage.setItem(PLACE, JSON.stringify(kept));
  } catch {
    // Without storage a reload forgets; the host still charges once for a session.
  }
}

/** Takes the keys out of the address, so that they are in no history, no screenshot and no copied link. */
function takeKeys() {
  try {
    kept = JSON.parse(sessionStorage.getItem(PLACE)) ?? {};
  } catch {
    kept = {};
  }
  const given = new URLSearchParams(location.hash.slice(1));
  const keys = {};
  for (const name of ['key', 'secret', 'region']) {
    if (given.get(name)) keys[name] = given.get(name);
  }
  keep(keys);
  if (location.hash || location.search) history.replaceState(history.state, '', location.pathname);
}

/** 128 bits nobody else draws. `crypto.randomUUID` is missing where there is no TLS. */
function newKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

// ---- JSON and money without floats ----

/** Marks a number's own text. A string of the host that starts so is harmless: it can only turn into a number. */
const NUMBER = '\u0001';

/** Reads JSON and keeps every number as its text. */
function readJson(text) {
  const quoted = text.replace(/"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g, (token) =>
    token.startsWith('"') ? token : `"\\u0001${token}"`,
  );
  return JSON.parse(quoted);
}

/** Writes what `readJson` read. */
function writeJson(value) {
  return JSON.stringify(value).replace(/"\\u0001(-?\d[\d.eE+-]*)"/g, '$1');
}

const textOf = (value) => (typeof value === 'string' ? value.replace(NUMBER, '') : String(value));

/** An amount in minor units, with the decimals it was written with. */
function money(number, currency) {
  const [whole, decimals = ''] = textOf(number).split('.');
  return { units: BigInt(whole + decimals), decimals: decimals.length, currency: currency.toUpperCase() };
}

/** As the payer's own language writes it. `Intl` gets whole numbers only; the decimals are put in by their digits. */
function shown({ units, decimals, currency }) {
  const scale = 10n ** BigInt(decimals);
  const plain = new Intl.NumberFormat(navigator.languages, { useGrouping: false });
  const fraction = decimals ? (units % scale).toString().padStart(decimals, '0') : '';
  const local = Array.from(fraction, (digit) => plain.format(Number(digit))).join('');
  const format = new Intl.NumberFormat(navigator.languages, {
    style: 'currency',
    currency,
    minimumFractionDigits: decimals,
    maximumFractionDigits: decimals,
  });
  return format
    .formatToParts(units / scale)
    .map((part) => (part.type === 'fraction' ? local : part.value))
    .join('');
}

// ---- Asking the host ----

async function ask(method, path, { body, key } = {}) {
  const headers = { accept: 'application/json' };
  if (kept.key) headers[KEY_HEADER] = kept.key;
  if (kept.secret) headers[SECRET_HEADER] = kept.secret;
  if (key) headers['idempotency-key'] = key;
  if (body !== undefined) headers['content-type'] = 'application/json';
  const request = { method, headers, body, cache: 'no-store', credentials: 'omit', redirect: 'error' };
  try {
    const response = await fetch(new URL(path, STORE), { ...request, signal: AbortSignal.timeout(REQUEST_MS) });
    const answer = readJson(await response.text());
    return { status: response.status, body: answer, wait: Number(response.headers.get('retry-after')) || 0 };
  } catch {
    return { status: 0, body: {}, wait: 0 };
  }
}

/**
 * What an answer to a request that changes something is worth. `inDoubt` says that an earlier try under the same key had no
 * answer: then only what the host says of that very request counts, not that it has no time for this one.
 */
function verdict({ status, body, wait }, tries, inDoubt) {
  if (status >= 200 && status < 300) return 'done';
  if (body.code === 'needs_review') return 'review';
  if (status === 0 || status === 409 || status === 408 || status === 429) return 'again';
  if (isAboutKeys(status, body)) return inDoubt ? 'again' : 'refused';
  if (status < 500) return 'refused';
  if (body.request_may_have_been_sent !== false || (inDoubt && !body.operation_id)) return 'again';
  return status === 503 && tries < QUIET_TRIES && wait <= RETRY_SECONDS_MAX ? 'again' : 'refused';
}

/** The host did not look at the request, since the link's keys do not count, or no longer. */
const isAboutKeys = (status, { code }) => status === 401 || status === 403 || /^publishable_key/.test(code);

const isUncertain = ({ status, body }) =>
  body.code === 'uncertain_charge' || (status >= 500 && body.request_may_have_been_sent !== false);

const pause = (seconds) => new Promise((done) => setTimeout(done, seconds * 1000));

/** A new request that changes something, kept before it is sent. */
function attempt(method, path, data) {
  const body = data === undefined ? undefined : writeJson(data);
  const request = { method, path, body, key: newKey(), at: Date.now() };
  keep({ attempt: request });
  return carry(request, false);
}

/** Sends a request until its fate is known. Nothing else is sent meanwhile. */
async function carry(request, isOld) {
  let inDoubt = isOld;
  let unknown = null;
  for (let tries = 0; ; tries += 1) {
    const answer = await ask(request.method, request.path, request);
    const worth = verdict(answer, tries, inDoubt);
    if (worth === 'done' || worth === 'refused') {
      keep({ attempt: null });
      return answer;
    }
    if (worth === 'review') {
      showReview();
      await new Promise(() => {});
    }
    inDoubt ||= answer.status === 0 || isUncertain(answer);
    const seconds = tries < PATIENCE.length ? Math.max(PATIENCE[tries], answer.wait) : null;
    if (tries < QUIET_TRIES && !isUncertain(answer)) {
      say('No answer yet. Asking again.');
      await pause(seconds);
    } else {
      unknown ??= showUnknown();
      await unknown.wait(seconds);
    }
  }
}

/** Whoever presses twice gets one request. */
let busy = false;

async function alone(button, work) {
  if (busy) return;
  busy = true;
  button?.setAttribute('aria-disabled', 'true');
  button?.classList.add('working');
  byId('view').setAttribute('aria-busy', 'true');
  try {
    await work();
  } finally {
    busy = false;
    button?.removeAttribute('aria-disabled');
    button?.classList.remove('working');
    byId('view').setAttribute('aria-busy', 'false');
  }
}

// ---- What is known ----

let collection = null;
let providers = [];

/** Reads everything anew; says whether it could. */
async function refresh() {
  // The list is one of a region; a region that nobody made is served by all.
  const region = encodeURIComponent(kept.region || 'checkout');
  const [found, listed] = await Promise.all([
    ask('GET', `payment-collections/${encodeURIComponent(COLLECTION)}`),
    ask('GET', `payment-providers?limit=100&region_id=${region}`),
  ]);
  if (found.status === 200 && listed.status === 200) {
    collection = found.body.payment_collection;
    providers = listed.body.payment_providers;
    showDue();
    return true;
  }
  const failed = found.status === 200 ? listed : found;
  if (failed.status >= 400 && failed.status < 500 && failed.status !== 409 && failed.status !== 429) {
    showBadLink();
  } else {
    showUnreachable(failed.wait);
  }
  return false;
}

const isPaid = (session) => session.status === 'authorized' || session.status === 'captured';
const total = () => money(collection.amount, collection.currency_code);

/** What is not authorized yet. */
function left() {
  const whole = total();
  const parts = collection.payment_sessions.filter(isPaid).map((session) => money(session.amount, session.currency_code));
  const taken = parts.reduce((sum, part) => sum + part.units, 0n);
  return { ...whole, units: whole.units > taken ? whole.units - taken : 0n };
}

const sessions = (...statuses) => collection.payment_sessions.filter((session) => statuses.includes(session.status));
const hintsOf = (session) => session.data?.checkout ?? {};

/** A session of this provider that can go on: opened, not decided, and over what is left now. */
function openSession(provider) {
  const fits = (session) =>
    session.provider_id === provider &&
    money(session.amount, session.currency_code).units === left().units &&
    (session.status === 'pending' || (session.status === 'error' && session.decline));
  return collection.payment_sessions.findLast(fits);
}

/** `pp_gift-card_birthday` is Gift card (birthday), unless the provider has a name to show. */
function nameOf(id) {
  const provider = providers.find((one) => one.id === id);
  const [identifier, instance] = id.replace(/^pp_/, '').split(/_(?=[^_]*$)/);
  const words = provider?.display_name || identifier.replaceAll('-', ' ');
  const name = words.charAt(0).toUpperCase() + words.slice(1);
  return instance && instance !== 'default' ? `${name} (${instance.replaceAll('-', ' ')})` : name;
}

// ---- Making elements ----

const byId = (id) => document.getElementById(id);

/** An element with attributes and children. Texts are set as texts: nothing from outside is ever markup. */
function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, '');
    else if (value !== undefined && value !== null && value !== false) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined && child !== ''));
  return element;
}

const paragraph = (text, kind) => (text ? make('p', { class: kind }, text) : null);
const secondary = (label, onclick) => make('button', { type: 'button', class: 'secondary', onclick }, label);

/** A button for work that is done alone; the first one of a view is the one to press. */
function worker(label, work, kind) {
  const button = make('button', { type: 'button', class: kind, onclick: () => alone(button, work) }, label);
  return button;
}

const primary = (label, work) => worker(label, work);
const quiet = (label, work) => worker(label, work, 'secondary');

/** Tells those who hear the page, and changes nothing for those who see it. */
function say(text) {
  byId('said').textContent = text;
}

let views = 0;

/** Shows a view and leads to its heading; the first one of a page leaves the reader where they are. */
function show(title, { icon, tone, error, text } = {}, ...children) {
  views += 1;
  const heading = make('h2', { id: 'view-title', tabindex: '-1' }, title);
  const view = byId('view');
  view.className = [icon ? 'told' : '', tone ?? ''].join(' ').trim();
  view.setAttribute('aria-busy', 'false');
  const mark = icon ? make('span', { class: `icon ${icon}`, 'aria-hidden': 'true' }) : null;
  const problem = error ? make('div', { class: 'problem', id: 'problem', tabindex: '-1' }, ...error) : null;
  view.replaceChildren(...[mark, heading, problem, paragraph(text), ...children].filter((child) => child));
  say(views > 1 && text && !problem ? text : '');
  document.title = collection ? `${title} – ${byId('due').textContent}` : title;
  if (views > 1) (problem ?? heading).focus();
}

function showDue() {
  const [whole, rest] = [total(), left()];
  const isOpen = rest.units > 0n && collection.status !== 'canceled';
  byId('due-label').textContent = isOpen ? 'To pay' : 'Total';
  byId('due').textContent = shown(isOpen ? rest : whole);
  const isPart = isOpen && rest.units < whole.units;
  byId('due-note').hidden = !isPart;
  byId('due-note').textContent = isPart ? `Left of ${shown(whole)}` : '';
}

/** Labels and values; a long value stands below its label. */
function facts(pairs) {
  const rows = pairs.filter(([, value]) => value !== null && value !== undefined && value !== '');
  if (rows.length === 0) return null;
  const row = ([label, value]) => {
    const isLong = typeof value !== 'string' || label.length + value.length > ROW_LETTERS_MAX;
    return make('div', { class: isLong ? 'long' : undefined }, make('dt', {}, label), make('dd', {}, value));
  };
  return make('dl', {}, ...rows.map(row));
}

const list = (value) => (Array.isArray(value) ? value : []);
const details = (hints) => list(hints.details).map(({ label, value }) => [textOf(label), textOf(value)]);

/** What a provider wants shown, as label and value; names are made readable. Images come within the answer. */
function flattened(value, name = '', depth = 0) {
  if (depth > SHOWN_DEPTH || value === null) return [];
  if (typeof value === 'object') {
    return Object.entries(value).flatMap(([key, inner]) => flattened(inner, key, depth + 1)).slice(0, SHOWN_MAX);
  }
  const label = name.replace(/[_-]+/g, ' ').replace(/^./, (letter) => letter.toUpperCase());
  const text = textOf(value);
  return [[label, text.startsWith('data:image/') ? make('img', { src: text, alt: label }) : text]];
}

// ---- Views: choosing and paying ----

function showChoice(error) {
  keep({ provider: null });
  if (providers.length === 0) {
    show('No way to pay', { icon: 'stop', text: 'The merchant offers no way to pay at the moment. Nothing was charged.' });
    return;
  }
  const options = providers.map(({ id }, index) =>
    make(
      'label',
      { class: 'option' },
      make('input', { type: 'radio', name: 'provider', value: id, required: true, checked: index === 0 }),
      make('span', {}, nameOf(id)),
    ),
  );
  const button = make('button', {}, 'Continue');
  const form = make(
    'form',
    { novalidate: true },
    make('fieldset', { 'aria-labelledby': 'view-title' }, ...options),
    button,
  );
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    const chosen = new FormData(form).get('provider');
    alone(button, () => choose(chosen));
  });
  show('How would you like to pay?', { error }, form);
}

async function choose(provider) {
  const open = openSession(provider);
  keep({ provider });
  if (open) {
    enter(open);
    return;
  }
  const path = `payment-collections/${encodeURIComponent(collection.id)}/payment-sessions`;
  const body = { provider_id: provider, region_id: kept.region };
  opened(await attempt('POST', path, body));
}

function opened(answer) {
  if (answer.status !== 200) return turnedDown(answer);
  collection = answer.body.payment_collection;
  showDue();
  const session = answer.body.payment_session ?? collection.payment_sessions.at(-1);
  return session.status === 'pending' ? enter(session) : decided(session, true);
}

/** The second step has a place in the history, so that Back leads to the first one. */
function enter(session) {
  if (history.state?.step !== 'pay') history.pushState({ step: 'pay' }, '');
  showForm(session);
}

function showForm(session, error) {
  const hints = hintsOf(session);
  const amount = shown(money(session.amount, session.currency_code));
  const button = make('button', {}, hints.submit ?? `Pay ${amount}`);
  const inputs = list(hints.fields).map(field);
  const form = make('form', { novalidate: true }, ...inputs.map(({ element }) => element), button);
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    if (busy) return;
    const missing = inputs.filter((input) => input.check());
    if (missing.length > 0) {
      complain(missing);
      return;
    }
    const data = Object.fromEntries(inputs.map((input) => [input.name, input.value()]).filter(([, value]) => value));
    if (hints.return_url) data[hints.return_url] = location.origin + location.pathname;
    alone(button, () => authorize(session.id, data));
  });
  const another = providers.length > 1 ? secondary('Choose another way to pay', chooseAgain) : null;
  const title = hints.title ?? nameOf(session.provider_id);
  show(title, { error, text: hints.text }, facts(details(hints)), form, another);
}

function chooseAgain() {
  if (busy) return;
  if (history.state?.step === 'pay') history.back();
  else showChoice();
}

/** One thing the payer is asked for: its element, and how to read and check it. */
function field({ name, label, hint, options = [], autocomplete, optional }, index) {
  const id = `field-${index}`;
  const note = hint ? make('p', { class: 'hint', id: `${id}-hint` }, hint) : null;
  const wrong = make('p', { class: 'wrong', id: `${id}-wrong`, hidden: true });
  const describedby = [note && `${id}-hint`, `${id}-wrong`].filter(Boolean).join(' ');
  const title = optional ? `${label} (optional)` : label;
  let element;
  let value;
  if (options.length > 0) {
    const choices = options.map((option, at) =>
      make(
        'label',
        { class: 'option' },
        make('input', { type: 'radio', name: id, value: option.value, id: at === 0 ? id : undefined, required: !optional }),
        make('span', {}, option.label, option.hint ? make('small', {}, option.hint) : null),
      ),
    );
    const group = { role: 'radiogroup', 'aria-describedby': describedby };
    element = make('fieldset', group, make('legend', {}, title), note, wrong, ...choices);
    value = () => element.querySelector('input:checked')?.value ?? '';
  } else {
    const input = make('input', { type: 'text', id, autocomplete, required: !optional, 'aria-describedby': describedby });
    element = make('div', { class: 'field' }, make('label', { for: id }, title), note, wrong, input);
    value = () => input.value.trim();
  }
  const check = () => {
    const isWrong = !optional && !value();
    wrong.hidden = !isWrong;
    wrong.textContent = isWrong ? (options.length > 0 ? 'Please choose one.' : 'Please fill this in.') : '';
    const marked = options.length > 0 ? element : element.querySelector('input');
    if (isWrong) marked.setAttribute('aria-invalid', 'true');
    else marked.removeAttribute('aria-invalid');
    return isWrong;
  };
  return { name, id, label, element, value, check };
}

/** Says what is missing, above the form, with links to it. */
function complain(missing) {
  byId('problem')?.remove();
  const links = missing.map(({ id, label }) => {
    const follow = (event) => {
      event.preventDefault();
      byId(id).focus();
    };
    return make('li', {}, make('a', { href: `#${id}`, onclick: follow }, label));
  });
  const problem = make(
    'div',
    { class: 'problem', id: 'problem', tabindex: '-1' },
    make('p', {}, 'Something is missing. Nothing was charged.'),
    make('ul', {}, ...links),
  );
  byId('view-title').after(problem);
  problem.focus();
}

const authorizePath = (session) => `payment-sessions/${encodeURIComponent(session)}/authorize`;

async function authorize(session, data) {
  authorized(await attempt('POST', authorizePath(session), { data }));
}

/** What came of asking for the money. */
function authorized(answer) {
  if (answer.status !== 200) return turnedDown(answer);
  const session = answer.body.payment_session;
  const others = collection.payment_sessions.filter((one) => one.id !== session.id);
  collection = { ...collection, payment_sessions: [...others, session] };
  showDue();
  decided(session, true);
}

function decided(session, isNew) {
  switch (session.status) {
    case 'authorized':
    case 'captured':
      return left().units > 0n ? showPart(session) : showPaid(session);
    case 'requires_more':
      return showAction(session, isNew);
    case 'pending':
    case 'pending_authorization':
      return showWaiting(session);
    case 'canceled':
      return showChoice(notice('This attempt was canceled.', 'Nothing was charged. You can try again.'));
    default:
      return showDecline(session);
  }
}

const notice = (title, text) => [make('p', {}, make('strong', {}, title)), paragraph(text)];

/** What to do about a decline, by the class the host gives it. The reason itself is for the payer's bank to tell. */
const ADVICE = {
  try_again_later: 'The bank could not decide just now. Please try again in a few minutes.',
  correct_details: 'Please check what you entered and try again.',
  use_another_method: 'Please use another payment method.',
  authentication_required: 'Your bank wants to check that it is you. Please try again and follow its steps.',
  authentication_failed: 'The check by your bank was not passed. Please try again, or use another payment method.',
  unspecified: 'Please use another payment method, or ask your bank.',
};

function showDecline(session) {
  const code = session.decline?.code;
  const title = session.decline ? 'The payment was declined.' : 'The payment did not work.';
  const error = notice(title, `${ADVICE[code] ?? ADVICE.unspecified} Nothing was charged.`);
  if (session.decline) showForm(session, error);
  else showChoice(error);
}

/** The host turned a request down, and nothing happened. What is shown may be old, so it is read anew. */
async function turnedDown({ body }) {
  const session = kept.provider && openSession(kept.provider);
  const message = textOf(body.message ?? 'the request was not accepted').replace(/^./, (letter) => letter.toUpperCase());
  const error = notice('This did not work.', `${message}. Nothing was charged.`);
  if (body.type === 'provider_rejected' && session) return showForm(session, error);
  if (!(await refresh())) return undefined;
  return place(error);
}

// ---- Views: the next action ----

/** The browser goes to pages of others by TLS only; in the clear to its own machine, where a gateway is tried out. */
function destination(url) {
  try {
    const target = new URL(url);
    const isHere = target.protocol === 'http:' && ['127.0.0.1', 'localhost'].includes(target.hostname);
    return target.protocol === 'https:' || isHere ? target : null;
  } catch {
    return null;
  }
}

function showAction(session, isNew) {
  const action = session.next_action ?? {};
  const { challenge } = hintsOf(session);
  const target = action.url ? destination(action.url) : null;
  const again = () => authorize(session.id, {});
  const another = quiet('Cancel and pay another way', () => abandon(session));
  if (challenge) {
    const open = () => openChallenge(session, challenge);
    const text = 'The payment goes on when you have answered. Nothing was charged yet.';
    show('Your bank wants to check that it is you', { icon: 'shield', text }, primary('Continue', open), another);
    if (isNew) open();
  } else if (target) {
    const text = `You go to ${target.host}, and come back here afterwards. Nothing was charged yet.`;
    const go = primary(`Continue to ${target.host}`, async () => {
      keep({ away: session.id });
      location.assign(target.href);
      await pause(5);
    });
    const title = action.type === 'redirect' ? 'One more step' : 'Your bank wants to check that it is you';
    const done = quiet('I have done this', again);
    show(title, { icon: 'shield', text }, go, done, another);
  } else if (action.type === 'display') {
    const text = 'Please do what is shown here. This page looks by itself whether it is done.';
    const done = primary('I have done this', again);
    show('One more step', { icon: 'clock', text }, facts(flattened(action.instructions)), done, another);
    watch(session);
  } else {
    const text = 'This way of paying needs a step that this page does not know. Nothing was charged yet.';
    show('This page cannot go on', { icon: 'stop', text }, another);
  }
}

/** A question of the provider's, over the page. Closing it leaves everything as it is. */
function openChallenge(session, challenge) {
  const dialog = make('dialog', { 'aria-labelledby': 'challenge-title', 'aria-describedby': 'challenge-text' });
  const answers = list(challenge.answers).map(({ label, data }, index) => {
    const press = () => {
      dialog.close();
      const button = byId('view').querySelector('button');
      alone(button, () => authorize(session.id, data));
    };
    return make('button', { type: 'button', class: index > 0 ? 'secondary' : undefined, onclick: press }, label);
  });
  dialog.append(
    make('h2', { id: 'challenge-title' }, challenge.title),
    make('p', { id: 'challenge-text' }, challenge.text),
    facts([['Amount', shown(money(session.amount, session.currency_code))]]),
    ...answers,
    secondary('Not now', () => dialog.close()),
  );
  dialog.addEventListener('close', () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}

/** Gives a session up at its provider before another one is opened, so that nobody finishes it behind the payer's back. */
async function abandon(session) {
  const answer = await attempt('DELETE', `payment-sessions/${encodeURIComponent(session.id)}`);
  if (!(await refresh())) return;
  place(answer.status === 200 ? undefined : notice('This could not be canceled.', 'Please look at what is shown here.'));
}

/** Back from somewhere else: the provider is asked first, and the payment goes on when it has something to say. */
async function comeBack(session) {
  show('Welcome back', { text: 'Asking what came of it …' });
  byId('view').setAttribute('aria-busy', 'true');
  const path = `payment-sessions/${encodeURIComponent(session.id)}/status`;
  const answer = await ask('GET', path);
  keep({ away: null });
  if (answer.status === 200 && answer.body.provider?.status !== 'requires_more') await authorize(session.id, {});
  else showAction(session, false);
}

// ---- Views: how it ended ----

function paidFacts(session) {
  return facts([
    ['Amount', shown(money(session.amount, session.currency_code))],
    ['Payment method', hintsOf(session).details ? null : nameOf(session.provider_id)],
    ...details(hintsOf(session)),
  ]);
}

function showPaid(session) {
  keep({ provider: null, away: null });
  const hints = hintsOf(session);
  const title = hints.title ?? (session.status === 'captured' || collection.status === 'completed' ? 'Paid' : 'Payment approved');
  const text = hints.text ?? 'Thank you. There is nothing more to do; you can close this page.';
  show(title, { icon: 'done', tone: 'good', text }, paidFacts(session));
}

/** A share is paid, and something is left. */
function showPart(session) {
  keep({ provider: null, away: null });
  const next = primary(`Pay the other ${shown(left())}`, async () => (await refresh()) && place());
  show('A part is paid', { icon: 'done', tone: 'good' }, paidFacts(session), next);
}

function showWaiting(session) {
  const text =
    'Your payment is with the bank, which decides later. Please do not pay again. The merchant hears of it by itself; you can close this page.';
  // The host asks the provider when it is asked for the money again, and charges nothing twice.
  const look = quiet('Look again', () => authorize(session.id, {}));
  show('Waiting for the bank', { icon: 'clock', text }, paidFacts(session), look);
  keep({ waiting: session.id });
  watch(session);
}

/** Looks at a session until it changes, as long as its view is shown. */
async function watch(session) {
  const view = views;
  for (const seconds of WATCH) {
    await pause(seconds);
    if (view !== views || busy) return;
    const answer = await ask('GET', `payment-sessions/${encodeURIComponent(session.id)}`);
    if (view !== views || busy) return;
    if (answer.status === 200 && answer.body.payment_session.status !== session.status) {
      if (await refresh()) place();
      return;
    }
  }
}

/** Nobody knows. Says so, and waits for a time or for the payer, whoever is first. */
function showUnknown() {
  const text = 'The answer to your payment has not arrived. It may have gone through. Please do not pay again, here or elsewhere, until it is clear.';
  const note = paragraph('This page keeps asking.', 'hint');
  let asked = () => {};
  const button = secondary('Ask again now', () => {
    say('Asking again.');
    asked();
  });
  show('We do not know yet', { icon: 'question', tone: 'open', text }, note, button);
  const wait = (seconds) => {
    note.textContent = seconds === null ? 'Please come back later, or ask the merchant.' : 'This page keeps asking.';
    const pressed = new Promise((done) => {
      asked = done;
    });
    return seconds === null ? pressed : Promise.race([pressed, pause(seconds)]);
  };
  return { wait };
}

function showReview() {
  const text = 'Please do not pay again. The merchant has to look at this payment and will tell you what came of it.';
  show('Somebody has to look at this', { icon: 'question', tone: 'open', text });
}

function showBadLink() {
  byId('due').textContent = '';
  byId('due-label').textContent = 'Checkout';
  collection = null;
  const text = 'It may be incomplete, or too old. Please open the whole link again, or ask the merchant for a new one. Nothing was charged.';
  show('This link does not work', { icon: 'stop', text });
}

function showUnreachable() {
  const again = primary('Try again', begin);
  const text = 'The payment page has no connection right now. Reading it again charges nothing.';
  show('No connection', { icon: 'stop', text }, again);
}

// ---- Where the payer is ----

/** The view that fits to what is known. */
function place(error) {
  if (collection.status === 'canceled') {
    return show('This payment was canceled', { icon: 'stop', text: 'The merchant canceled it. Nothing is to be paid.' });
  }
  const paid = sessions('authorized', 'captured').at(-1);
  if (left().units === 0n) {
    if (paid) return showPaid(paid);
    return show('Nothing left to pay', { icon: 'done', tone: 'good', text: 'You can close this page.' });
  }
  const started = sessions('requires_more').at(-1);
  if (started) return kept.away === started.id ? comeBack(started) : showAction(started, false);
  const undecided = sessions('pending_authorization').at(-1);
  if (undecided) return showWaiting(undecided);
  const waiting = sessions('pending').find((session) => session.id === kept.waiting);
  if (waiting) return showWaiting(waiting);
  const chosen = kept.provider && openSession(kept.provider);
  if (!chosen) return showChoice(error);
  return chosen.status === 'error' && !error ? showDecline(chosen) : showForm(chosen, error);
}

/** A request from before the page was loaded has no answer yet: it is sent once more, under its own key. */
async function resume(request) {
  const minutes = (Date.now() - request.at) / 60_000;
  if (minutes > RESUME_MINUTES) await showUnknown().wait(null);
  else show('One moment …', { text: 'Asking what came of your payment.' });
  const answer = await carry(request, true);
  if (request.path.endsWith('/authorize')) return authorized(answer);
  if (request.path.endsWith('/payment-sessions')) return opened(answer);
  return (await refresh()) && place();
}

async function begin() {
  byId('id').textContent = COLLECTION;
  if (!(await refresh())) return;
  if (kept.attempt) await alone(null, () => resume(kept.attempt));
  else place();
}

addEventListener('popstate', async () => {
  if (busy) return;
  keep({ provider: null });
  if (await refresh()) place();
});
// A page that the browser kept as it was shows what was true then.
addEventListener('pageshow', (event) => event.persisted && location.reload());

// A bug here must not look like an answer.
addEventListener('unhandledrejection', () => {
  const again = make('button', { type: 'button', onclick: () => location.reload() }, 'Read it again');
  show('This page broke', { icon: 'stop', text: 'Reading it again charges nothing, and shows what is known.' }, again);
});

takeKeys();
begin();
