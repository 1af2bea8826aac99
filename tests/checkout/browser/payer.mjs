// A payer with a browser: opens a payment's link, looks at what is shown, and collects everything that must not happen:
// messages on the console, violations of the page's policy, requests to anybody else.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { chromium } from 'playwright-core';

const { TILLBOX_URL, TILLBOX_SECRET_KEY, TILLBOX_PUBLISHABLE_KEY, TILLBOX_CHROMIUM, TILLBOX_SCREENSHOTS } = process.env;
/** The gateway behind `Stripe`, and the origins of two shops: the host was told of the first one. */
export const { TILLBOX_GATEWAY: GATEWAY, TILLBOX_SHOP_PAGE: SHOP, TILLBOX_STRANGE_PAGE: STRANGER } = process.env;

export const CARDS = 'Stripe mock';
export const CARDS_AT_ONCE = 'Stripe mock (automatic)';
export const MANUAL = 'Manual';
export const STRIPE = 'Stripe';
export const BANK = 'Test bank';

export const url = TILLBOX_URL;
export const PHONE = { width: 390, height: 844 };
export const DESKTOP = { width: 1280, height: 900 };
export const NARROW = { width: 320, height: 640 };

/** Milliseconds until something has to be seen; the machine may be busy. */
const SEEN_MS = 20_000;

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

let browser;

export async function startBrowser() {
  browser = await chromium.launch({ executablePath: TILLBOX_CHROMIUM });
}

export async function stopBrowser() {
  await browser?.close();
}

/** A page of a shop of its own origin, which the host was told of or not, that opens a payment in the payer's browser. */
export async function opensFrom(origin, { id, secret }) {
  const context = await browser.newContext();
  try {
    const page = await context.newPage();
    await page.goto(`${origin}/`);
    const headers = {
      'content-type': 'application/json', 'idempotency-key': `opened-${id}`, 'x-publishable-api-key': TILLBOX_PUBLISHABLE_KEY,
      'x-client-secret': secret,
    };
    return await page.evaluate(async ([target, headers]) => {
      const body = JSON.stringify({ provider_id: 'pp_manual_default' });
      const answer = await fetch(target, { method: 'POST', headers, body, credentials: 'include' });
      return { status: answer.status, request: answer.headers.get('x-request-id'), body: await answer.json() };
    }, [`${url}/store/payment-collections/${id}/payment-sessions`, headers]);
  } finally {
    await context.close();
  }
}

/** Asks as the merchant's server. Numbers stay as they are sent: `text` is JSON. */
export async function admin(method, path, text) {
  const headers = { authorization: `Bearer ${TILLBOX_SECRET_KEY}` };
  if (text !== undefined) headers['content-type'] = 'application/json';
  const response = await fetch(`${url}/admin/${path}`, { method, headers, body: text });
  const body = await response.json();
  assert.equal(response.status, 200, `${method} ${path}: ${JSON.stringify(body)}`);
  return body;
}

/** A new collection, and its link. */
export async function collection(amount = '42.00', currency = 'eur') {
  const body = await admin('POST', 'payment-collections', `{"amount":${amount},"currency_code":"${currency}"}`);
  const { id } = body.payment_collection;
  const secret = body.payment_collection.client_secret;
  return { id, secret, link: link(id, secret) };
}

export function link(id, secret, more = {}) {
  const keys = new URLSearchParams({ key: TILLBOX_PUBLISHABLE_KEY, ...(secret ? { secret } : {}), ...more });
  return `${url}/checkout/${id}#${keys}`;
}

/** What the books say of a collection. */
export async function books(id) {
  const { payment_collection } = await admin('GET', `payment-collections/${id}`);
  return payment_collection;
}

/** What the payer did at the bank, told to its gateway. */
export async function bankSays(session, told) {
  const request = { method: 'POST', body: JSON.stringify({ session, told }) };
  const response = await fetch(`${url}/hooks/payment/test-bank_default`, request);
  assert.equal(response.status, 200);
}

export class Payer {
  /** Opens the link of a new collection, or of one that there is. */
  static async open({ amount, currency, of, errors = null, ...settings } = {}) {
    const payer = new Payer();
    payer.collection = of ?? (await collection(amount, currency));
    payer.errors = errors;
    payer.problems = [];
    payer.requests = [];
    payer.context = await browser.newContext({ viewport: DESKTOP, locale: 'en-IE', ...settings });
    payer.context.setDefaultTimeout(SEEN_MS);
    await payer.context.route('https://bank.example/**', (route) => payer.atTheBank(route));
    await payer.enter();
    return payer;
  }

  /** A tab of this payer's browser. */
  async enter(link = this.collection.link) {
    this.page = await this.context.newPage();
    this.page.on('console', (message) => {
      const isKnown = this.errors && this.errors.test(message.text());
      if (['error', 'warning'].includes(message.type()) && !isKnown) this.problems.push(`console: ${message.text()}`);
    });
    this.page.on('pageerror', (error) => this.problems.push(`error: ${error}`));
    this.page.on('request', (request) => this.watch(request));
    await this.page.goto(link);
    await this.page.waitForFunction(() => document.querySelector('#view')?.getAttribute('aria-busy') === 'false');
  }

  watch(request) {
    const target = new URL(request.url());
    const isOurs = [url, GATEWAY].includes(target.origin) || target.protocol === 'data:' || target.host === 'bank.example';
    if (!isOurs) this.problems.push(`a request to ${target.origin}`);
    if (target.href.includes(TILLBOX_PUBLISHABLE_KEY)) this.problems.push('the key is in the address of a request');
    this.requests.push(request);
  }

  /** The bank's own page: it says who sent the payer, and offers the way back. */
  async atTheBank(route) {
    const target = new URL(route.request().url());
    this.session = target.searchParams.get('session');
    this.referrer = route.request().headers().referer;
    const back = `${target.searchParams.get('back')}?redirect_status=done&secret=of-the-bank`;
    const body = `<!doctype html><html lang="en"><title>Bank</title><h1>Your bank</h1><a href="${back}">Back to the shop</a>`;
    await route.fulfill({ contentType: 'text/html', body });
  }

  button(name) {
    return this.page.getByRole('button', { name });
  }

  /** Waits until the view has this heading. */
  async sees(title) {
    await this.page.getByRole('heading', { level: 2, name: title }).waitFor();
  }

  async reads(text) {
    await this.page.locator('#view').getByText(text).first().waitFor();
  }

  async choose(provider) {
    await this.page.getByRole('radio', { name: provider, exact: true }).check();
    await this.button('Continue').click();
    await this.page.getByRole('heading', { name: /^(Pay by|Test bank)/ }).waitFor();
  }

  async card(name) {
    await this.page.getByRole('radio', { name }).check();
    await this.page.locator('#view form button').click();
  }

  /** What the bank of the tests is to do. */
  async bank(way) {
    await this.choose(BANK);
    await this.page.getByRole('radio', { name: way, exact: true }).check();
    await this.button(/^Pay/).click();
  }

  /** The requests that changed something, by method and what they are for. */
  changes(ending) {
    return this.requests.filter((request) => request.method() !== 'GET' && new URL(request.url()).pathname.endsWith(ending));
  }

  /** Everything shown is accessible, fits into the window, and has nothing to hide. */
  async looks(name) {
    await this.page.evaluate(AXE);
    const found = await this.page.evaluate((values) => window.axe.run(document, { runOnly: { type: 'tag', values } }), RULES);
    const told = found.violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(' | ')}`);
    assert.deepEqual(told, [], `${name}: not accessible`);
    const width = await this.page.evaluate(() => [document.documentElement.scrollWidth, window.innerWidth]);
    assert.ok(width[0] <= width[1], `${name}: ${width[0]} pixels wide in a window of ${width[1]}`);
  }

  async picture(name) {
    await this.page.mouse.move(0, 0);
    await this.page.evaluate(() => document.activeElement?.blur());
    await this.page.screenshot({ path: join(TILLBOX_SCREENSHOTS, `${name}.png`), fullPage: true });
  }

  /** One payment of the whole amount, by the books. */
  async hasPaidOnce(amount) {
    const known = await books(this.collection.id);
    assert.equal(known.payments.length, 1, 'payments of the collection');
    if (amount) assert.equal(known.authorized_amount, amount);
    assert.ok(['authorized', 'completed'].includes(known.status), known.status);
  }

  async hasPaidNothing() {
    const known = await books(this.collection.id);
    assert.equal(known.payments.length, 0);
  }

  /** Leaves; whatever happened that must not is told now. */
  async leave() {
    await this.context.close();
    assert.deepEqual(this.problems, []);
  }
}
