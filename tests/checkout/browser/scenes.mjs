// What payers do on the checkout page, one scene after the other, in a real browser against a real host. Each scene ends with
// the books: what is shown to the payer and what the merchant's server reads must be the same.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import {
  BANK, CARDS, CARDS_AT_ONCE, DESKTOP, MANUAL, NARROW, PHONE, Payer, SHOP, STRANGER, STRIPE, admin, bankSays, books, collection, link,
  opensFrom, startBrowser, stopBrowser, url,
} from './payer.mjs';

const PAID = 'Payment approved';
const UNKNOWN = 'We do not know yet';
const CHALLENGE = 'Your bank wants to check that it is you';
const AUTHORIZE = '/authorize';

/** Answers that are no success are told on the browser's console; where a scene wants one, it is no problem. */
const refused = (...statuses) => new RegExp(`status of (${statuses.join('|')})`);
const CUT = /net::ERR_/;

before(startBrowser);
after(stopBrowser);

/** A scene with a payer, who leaves at its end. */
function scene(name, settings, play) {
  test(name, { timeout: 120_000 }, async () => {
    const payer = await Payer.open(settings);
    try {
      await play(payer);
    } catch (error) {
      await payer.picture(`failed ${name}`.replace(/[^a-z0-9]+/gi, '-')).catch(() => {});
      error.message += `\nat ${payer.page.url()}; seen besides: ${payer.problems.join('; ') || 'nothing'}`;
      throw error;
    }
    await payer.leave();
  });
}

/** The session that the page works on. */
async function session(payer) {
  return (await books(payer.collection.id)).payment_sessions.at(-1).id;
}

/** Lets the next requests of this kind reach the host, and cuts the connection before their answers come back. */
async function loseAnswers(payer, ending, count) {
  let left = count;
  const seen = [];
  await payer.page.route(`**${ending}`, async (route) => {
    seen.push(route.request().headers()['idempotency-key']);
    if (left === 0) return route.continue();
    left -= 1;
    await route.fetch();
    return route.abort('connectionreset');
  });
  return seen;
}

// ---- Success ----

scene('a transfer is promised, and how to pay is shown', {}, async (payer) => {
  await payer.sees('How would you like to pay?');
  await payer.looks('choice');
  await payer.picture('choice-desktop');
  await payer.choose(MANUAL);
  await payer.looks('manual');
  await payer.button('Confirm').click();
  await payer.sees('Your order is accepted');
  await payer.reads('Bookshop Example, IBAN DE02 1203 0000 0000 2020 51');
  await payer.reads('Reference');
  await payer.looks('manual accepted');
  await payer.picture('manual-accepted-desktop');
  await payer.hasPaidOnce(42);
});

scene('a card pays', {}, async (payer) => {
  await payer.choose(CARDS);
  await payer.looks('cards');
  await payer.picture('cards-desktop');
  await payer.card('Visa ending in 4242');
  await payer.sees(PAID);
  await payer.reads('€42.00');
  await payer.looks('approved');
  await payer.picture('approved-desktop');
  await payer.hasPaidOnce(42);
  assert.equal(payer.changes(AUTHORIZE).length, 1);
});

scene('a card is charged at once', { viewport: PHONE }, async (payer) => {
  await payer.picture('choice-phone');
  await payer.choose(CARDS_AT_ONCE);
  await payer.picture('cards-phone');
  await payer.card('Visa ending in 4242');
  await payer.sees('Paid');
  await payer.picture('paid-phone');
  assert.equal((await books(payer.collection.id)).status, 'completed');
});

// ---- Declines ----

scene('a card is declined, and another one pays', {}, async (payer) => {
  await payer.choose(CARDS);
  await payer.card('Visa ending in 9995');
  await payer.reads('The payment was declined.');
  await payer.reads('Please use another payment method. Nothing was charged.');
  assert.equal(await payer.page.evaluate(() => document.activeElement.id), 'problem', 'the reader is led to the problem');
  await payer.looks('declined');
  await payer.picture('declined-desktop');
  await payer.hasPaidNothing();
  await payer.page.reload();
  await payer.reads('The payment was declined.');
  await payer.card('Visa ending in 4242');
  await payer.sees(PAID);
  await payer.hasPaidOnce(42);
});

scene('a wrong security code is the payer’s to correct', { viewport: PHONE }, async (payer) => {
  await payer.choose(CARDS);
  await payer.card('Visa ending in 0127');
  await payer.reads('Please check what you entered and try again.');
  await payer.picture('declined-phone');
  await payer.hasPaidNothing();
});

// ---- Challenges ----

scene('a challenge is passed', {}, async (payer) => {
  await payer.choose(CARDS);
  await payer.card('Visa ending in 3184');
  await payer.page.getByRole('dialog', { name: '3-D Secure' }).waitFor();
  await payer.looks('challenge');
  await payer.picture('challenge-desktop');
  await payer.button('Complete the check').click();
  await payer.sees(PAID);
  await payer.hasPaidOnce(42);
});

scene('a challenge is failed, and another card pays', { viewport: PHONE }, async (payer) => {
  await payer.choose(CARDS);
  await payer.card('Visa ending in 3184');
  await payer.picture('challenge-phone');
  await payer.button('Fail the check').click();
  await payer.reads('The check by your bank was not passed.');
  await payer.hasPaidNothing();
  await payer.card('Visa ending in 4242');
  await payer.sees(PAID);
  await payer.hasPaidOnce(42);
});

scene('a card is declined after its challenge', {}, async (payer) => {
  await payer.choose(CARDS);
  await payer.card('Visa ending in 1629');
  await payer.button('Complete the check').click();
  await payer.reads('The payment was declined.');
  await payer.hasPaidNothing();
});

scene('a challenge is put off, survives a reload, and is passed', {}, async (payer) => {
  await payer.choose(CARDS);
  await payer.card('Visa ending in 3184');
  await payer.page.getByRole('dialog').waitFor();
  await payer.page.keyboard.press('Escape');
  await payer.sees(CHALLENGE);
  await payer.looks('challenge put off');
  await payer.picture('challenge-put-off-desktop');
  await payer.page.reload();
  await payer.sees(CHALLENGE);
  assert.equal(await payer.page.getByRole('dialog').count(), 0, 'nothing opens by itself after a reload');
  await payer.button('Continue').click();
  await payer.button('Complete the check').click();
  await payer.sees(PAID);
  await payer.hasPaidOnce(42);
});

scene('a challenge is given up for another way to pay', {}, async (payer) => {
  await payer.choose(CARDS);
  await payer.card('Visa ending in 3184');
  await payer.button('Not now').click();
  await payer.button('Cancel and pay another way').click();
  await payer.sees('How would you like to pay?');
  assert.deepEqual((await books(payer.collection.id)).payment_sessions, [], 'nobody can finish the old one any more');
  await payer.choose(MANUAL);
  await payer.button('Confirm').click();
  await payer.sees('Your order is accepted');
  await payer.hasPaidOnce(42);
});

// ---- Next actions elsewhere ----

for (const [way, title] of [['redirect', 'One more step'], ['three-d-secure', CHALLENGE]]) {
  scene(`${way}: to the bank and back, paid`, {}, async (payer) => {
    await payer.bank(way);
    await payer.sees(title);
    await payer.reads('You go to bank.example, and come back here afterwards.');
    await payer.looks(way);
    await payer.picture(`${way}-desktop`);
    await payer.button('Continue to bank.example').click();
    await payer.page.getByRole('heading', { name: 'Your bank' }).waitFor();
    assert.equal(payer.referrer, undefined, 'the bank is not told where the payer comes from');
    await bankSays(payer.session, 'paid');
    await payer.page.getByRole('link', { name: 'Back to the shop' }).click();
    await payer.sees(PAID);
    assert.equal(payer.page.url(), `${url}/checkout/${payer.collection.id}`, 'what the bank added is gone');
    await payer.hasPaidOnce(42);
  });

  scene(`${way}: to the bank and back, failed`, {}, async (payer) => {
    await payer.bank(way);
    await payer.button('Continue to bank.example').click();
    await payer.page.getByRole('heading', { name: 'Your bank' }).waitFor();
    await bankSays(payer.session, 'failed');
    await payer.page.getByRole('link', { name: 'Back to the shop' }).click();
    await payer.reads('The check by your bank was not passed.');
    await payer.hasPaidNothing();
  });
}

for (const [answer, way] of [['Yes, it is me', 'passed'], ['No', 'failed']]) {
  scene(`3-D Secure at a gateway behind stripe.wasm, ${way}`, {}, async (payer) => {
    await payer.choose(STRIPE);
    await payer.card('Visa ending in 3184');
    await payer.sees(CHALLENGE);
    await payer.hasPaidNothing();
    await payer.button(/^Continue to 127\.0\.0\.1/).click();
    await payer.page.getByRole('heading', { name: 'Test issuer' }).waitFor();
    await payer.button(answer).click();
    if (way === 'passed') {
      await payer.sees(PAID);
      assert.equal(payer.page.url(), `${url}/checkout/${payer.collection.id}`, 'what the gateway added is gone');
      await payer.hasPaidOnce(42);
    } else {
      await payer.reads('The check by your bank was not passed.');
      await payer.hasPaidNothing();
    }
  });
}

scene('a card pays, and another one is declined, behind stripe.wasm', {}, async (payer) => {
  await payer.choose(STRIPE);
  await payer.looks('stripe');
  await payer.card('Visa ending in 9995');
  await payer.reads('The payment was declined.');
  await payer.hasPaidNothing();
  await payer.card('Visa ending in 4242');
  await payer.sees(PAID);
  await payer.hasPaidOnce(42);
});

scene('to the bank, and back by the browser’s button with nothing done', {}, async (payer) => {
  await payer.bank('redirect');
  await payer.button('Continue to bank.example').click();
  await payer.page.getByRole('heading', { name: 'Your bank' }).waitFor();
  await payer.page.goBack();
  await payer.sees('One more step');
  await bankSays(payer.session, 'paid');
  await payer.button('I have done this').click();
  await payer.sees(PAID);
  await payer.hasPaidOnce(42);
});

scene('instructions are shown, and done', { viewport: PHONE }, async (payer) => {
  await payer.bank('display');
  await payer.sees('One more step');
  await payer.reads('DE02 1203 0000 0000 2020 51');
  await payer.reads('Payment reference');
  await payer.looks('instructions');
  await payer.picture('instructions-phone');
  await bankSays(await session(payer), 'paid');
  await payer.button('I have done this').click();
  await payer.sees(PAID);
  await payer.hasPaidOnce(42);
});

scene('a step that the page does not know is told as such', {}, async (payer) => {
  await payer.bank('other');
  await payer.sees('This page cannot go on');
  await payer.looks('unknown step');
  await payer.button('Cancel and pay another way').click();
  await payer.sees('How would you like to pay?');
  await payer.hasPaidNothing();
});

scene('a bank that decides later is waited for', {}, async (payer) => {
  await payer.bank('later');
  await payer.sees('Waiting for the bank');
  await payer.reads('Please do not pay again.');
  await payer.looks('waiting');
  await payer.picture('waiting-desktop');
  await payer.page.reload();
  await payer.sees('Waiting for the bank');
  await payer.button('Look again').click();
  await payer.sees('Waiting for the bank');
  await bankSays(await session(payer), 'paid');
  await payer.button('Look again').click();
  await payer.sees(PAID);
  await payer.hasPaidOnce(42);
});

scene('what the bank decided later is seen without asking', {}, async (payer) => {
  await payer.bank('later');
  await payer.sees('Waiting for the bank');
  const id = await session(payer);
  await bankSays(id, 'paid');
  await admin('POST', `payment-sessions/${id}/authorize`, '{}');
  await payer.sees(PAID);
});

// ---- Once, whatever happens ----

scene('pressing twice pays once', {}, async (payer) => {
  await payer.bank('hold');
  const pay = payer.button(/^Pay/);
  await pay.dblclick({ force: true });
  await pay.press('Enter');
  await payer.page.locator('button.working').waitFor();
  await payer.picture('working-desktop');
  assert.equal(payer.changes(AUTHORIZE).length, 1);
  await bankSays(await session(payer), 'paid');
  await payer.sees(PAID);
  assert.equal(payer.changes(AUTHORIZE).length, 1);
  await payer.hasPaidOnce(42);
});

scene('pressing Continue twice opens one session', {}, async (payer) => {
  await payer.page.getByRole('radio', { name: CARDS, exact: true }).check();
  await payer.button('Continue').dblclick();
  await payer.sees('Pay by card or bank account');
  assert.equal(payer.changes('/payment-sessions').length, 1);
});

scene('a reload in the middle of paying asks what came of it', { errors: refused(409) }, async (payer) => {
  await payer.bank('hold');
  await payer.page.locator('button.working').waitFor();
  await payer.page.reload();
  await payer.reads('Asking what came of your payment.');
  await bankSays(await session(payer), 'paid');
  await payer.sees(PAID);
  const keys = new Set(payer.changes(AUTHORIZE).map((request) => request.headers()['idempotency-key']));
  assert.equal(keys.size, 1, 'the same request, under the same key');
  await payer.hasPaidOnce(42);
});

for (const [provider, pay, end] of [
  [CARDS, (payer) => payer.card('Visa ending in 4242'), PAID],
  [MANUAL, (payer) => payer.button('Confirm').click(), 'Your order is accepted'],
]) {
  scene(`a lost answer of ${provider} is asked for again`, { errors: CUT }, async (payer) => {
    await payer.choose(provider);
    const keys = await loseAnswers(payer, AUTHORIZE, 2);
    await pay(payer);
    await payer.sees(end);
    assert.equal(keys.length, 3);
    assert.equal(new Set(keys).size, 1);
    await payer.hasPaidOnce(42);
  });
}

scene('an answer lost for long is unknown, and then known', { errors: CUT }, async (payer) => {
  await payer.choose(CARDS);
  await loseAnswers(payer, AUTHORIZE, 4);
  await payer.card('Visa ending in 4242');
  await payer.sees(UNKNOWN);
  await payer.button('Ask again now').click();
  await payer.button('Ask again now').click();
  await payer.sees(PAID);
  await payer.hasPaidOnce(42);
});

scene('a decline whose answer was lost is still a decline', { errors: CUT }, async (payer) => {
  await payer.choose(CARDS);
  await loseAnswers(payer, AUTHORIZE, 1);
  await payer.card('Visa ending in 9995');
  await payer.reads('The payment was declined.');
  await payer.hasPaidNothing();
});

scene('a request that never arrived is sent again', { errors: CUT }, async (payer) => {
  await payer.choose(CARDS);
  let left = 2;
  await payer.page.route(`**${AUTHORIZE}`, (route) => {
    left -= 1;
    return left >= 0 ? route.abort('connectionrefused') : route.continue();
  });
  await payer.card('Visa ending in 4242');
  await payer.sees(PAID);
  await payer.hasPaidOnce(42);
});

scene('a session whose opening was not heard of is opened once', { errors: CUT }, async (payer) => {
  await loseAnswers(payer, '/payment-sessions', 1);
  await payer.choose(CARDS);
  assert.equal((await books(payer.collection.id)).payment_sessions.length, 1);
});

scene('an outcome that nobody knows is said to be unknown', { errors: refused(504, 409) }, async (payer) => {
  await payer.bank('lost');
  await payer.sees(UNKNOWN);
  await payer.reads('Please do not pay again, here or elsewhere, until it is clear.');
  assert.equal(await payer.button(/^Pay/).count(), 0);
  await payer.looks('unknown');
  await payer.picture('unknown-desktop');
  await payer.page.reload();
  await payer.sees(UNKNOWN);
  await bankSays(await session(payer), 'paid');
  await payer.button('Ask again now').click();
  await payer.sees(PAID);
  await payer.hasPaidOnce(42);
});

scene('another tab cannot pay what is unknown', { errors: refused(504, 409) }, async (payer) => {
  await payer.bank('lost');
  await payer.sees(UNKNOWN);
  const { id, link } = payer.collection;
  await payer.enter(link);
  await payer.bank('pay');
  await payer.sees(UNKNOWN);
  for (const { id: opened } of (await books(id)).payment_sessions) await bankSays(opened, 'paid');
  await payer.button('Ask again now').click();
  await payer.sees(PAID);
  await payer.hasPaidOnce(42);
});

scene('an answer that contradicts the books is for the merchant', { errors: refused(502, 504) }, async (payer) => {
  await payer.bank('review');
  await payer.sees('Somebody has to look at this');
  await payer.reads('Please do not pay again.');
  await payer.looks('review');
  await payer.page.reload();
  await payer.sees('Somebody has to look at this');
  assert.equal(await payer.button(/^Pay/).count(), 0);
});

scene('a second tab that pays at the same time waits for the first one', { errors: refused(409) }, async (payer) => {
  await payer.bank('hold');
  const first = payer.page;
  await payer.enter();
  await payer.bank('hold');
  await payer.sees(UNKNOWN);
  await bankSays(await session(payer), 'paid');
  await payer.button('Ask again now').click();
  await payer.sees(PAID);
  payer.page = first;
  await payer.sees(PAID);
  await payer.hasPaidOnce(42);
});

scene('two tabs pay once', {}, async (payer) => {
  await payer.choose(CARDS);
  const first = payer.page;
  await payer.enter();
  await payer.choose(CARDS);
  await payer.card('Visa ending in 4242');
  await payer.sees(PAID);
  payer.page = first;
  payer.errors = refused(400);
  await payer.card('Visa ending in 4242');
  await payer.sees(PAID);
  await payer.hasPaidOnce(42);
});

// ---- What does not work ----

scene('what a provider does not accept can be corrected', { errors: refused(422) }, async (payer) => {
  await payer.bank('rejected');
  await payer.reads('The provider did not accept what was sent for it. Nothing was charged.');
  await payer.looks('rejected');
  await payer.hasPaidNothing();
  await payer.page.getByRole('radio', { name: 'pay', exact: true }).check();
  await payer.button(/^Pay/).click();
  await payer.sees(PAID);
  await payer.hasPaidOnce(42);
});

scene('what is missing is named, above the form and beside it', {}, async (payer) => {
  await payer.choose(BANK);
  await payer.button(/^Pay/).click();
  await payer.reads('Something is missing. Nothing was charged.');
  await payer.reads('Please choose one.');
  await payer.looks('missing');
  await payer.picture('missing-desktop');
  await payer.page.getByRole('link', { name: 'What is to happen' }).click();
  assert.equal(await payer.page.evaluate(() => document.activeElement.value), 'pay');
  assert.equal(payer.changes(AUTHORIZE).length, 0);
  await payer.page.keyboard.press('Space');
  await payer.page.getByLabel('Email (optional)').fill('payer@example.com');
  await payer.button(/^Pay/).click();
  await payer.sees(PAID);
  assert.match(payer.changes(AUTHORIZE)[0].postData(), /"email":"payer@example.com"/);
});

scene('no connection is no answer', { errors: CUT }, async (payer) => {
  await payer.page.route('**/store/**', (route) => route.abort('connectionrefused'));
  await payer.page.reload();
  await payer.sees('No connection');
  await payer.looks('no connection');
  await payer.page.unroute('**/store/**');
  await payer.button('Try again').click();
  await payer.sees('How would you like to pay?');
});

test('links that do not work say so', async () => {
  const good = await collection();
  for (const of of [
    { id: 'pay_col_1', link: link('pay_col_1') },
    { id: 'nothing', link: link('nothing') },
    { id: good.id, link: `${url}/checkout/${good.id}` },
    { id: good.id, link: link(good.id) },
    { id: good.id, link: link(good.id, 'cs_of-another-collection') },
    { id: good.id, link: `${url}/checkout/${good.id}#key=pk_wrong&secret=wrong` },
  ]) {
    const payer = await Payer.open({ of, errors: refused(400, 401, 403, 404) });
    await payer.sees('This link does not work');
    await payer.looks('bad link');
    await payer.leave();
  }
});

// ---- What is due ----

scene('what was paid before is not asked for again', { amount: '120.00' }, async (payer) => {
  const { id } = payer.collection;
  const body = '{"provider_id":"pp_manual_default","amount":78.00}';
  const { payment_session } = await admin('POST', `payment-collections/${id}/payment-sessions`, body);
  await admin('POST', `payment-sessions/${payment_session.id}/authorize`, '{}');
  await payer.page.reload();
  await payer.sees('How would you like to pay?');
  assert.equal(await payer.page.locator('h1').innerText(), 'To pay\n€42.00');
  assert.equal(await payer.page.locator('#due-note').innerText(), 'Left of €120.00');
  await payer.choose(CARDS);
  await payer.page.getByRole('button', { name: 'Pay €42.00' }).waitFor();
  await payer.card('Visa ending in 4242');
  await payer.sees(PAID);
  assert.equal((await books(id)).authorized_amount, 120);
});

scene('what the merchant changed meanwhile is read anew', { errors: refused(400) }, async (payer) => {
  const { id } = payer.collection;
  await payer.choose(CARDS);
  await admin('POST', `payment-collections/${id}`, '{"amount":30.00}');
  await payer.card('Visa ending in 4242');
  await payer.reads('Nothing was charged.');
  assert.equal(await payer.page.locator('h1').innerText(), 'To pay\n€30.00');
  await payer.hasPaidNothing();
});

scene('what was canceled is not to be paid', {}, async (payer) => {
  await admin('POST', `payment-collections/${payer.collection.id}/cancel`, '{}');
  await payer.page.reload();
  await payer.sees('This payment was canceled');
  await payer.looks('canceled');
});

scene('what is paid stays paid, and Back asks for nothing', {}, async (payer) => {
  await payer.choose(CARDS);
  await payer.page.goBack();
  await payer.sees('How would you like to pay?');
  await payer.page.goForward();
  await payer.sees('How would you like to pay?');
  await payer.choose(CARDS);
  assert.equal((await books(payer.collection.id)).payment_sessions.length, 1, 'the session is used again');
  await payer.card('Visa ending in 4242');
  await payer.sees(PAID);
  await payer.page.goBack();
  await payer.sees(PAID);
  await payer.page.reload();
  await payer.sees(PAID);
  await payer.hasPaidOnce(42);
});

test('a link for a region offers what serves it', async () => {
  await admin('POST', 'regions/reg_checkout/payment-providers', '{"payment_providers":["pp_manual_default"]}');
  const of = await collection();
  of.link += '&region=reg_checkout';
  const payer = await Payer.open({ of });
  assert.equal(await payer.page.getByRole('radio').count(), 1);
  await payer.choose(MANUAL);
  await payer.button('Confirm').click();
  await payer.sees('Your order is accepted');
  await payer.leave();
});

for (const [amount, currency, locale, want] of [
  ['9007199254740991', 'jpy', 'ja-JP', '￥9,007,199,254,740,991'],
  ['90071992547409.91', 'eur', 'de-DE', '90.071.992.547.409,91 €'],
  ['0.001', 'kwd', 'en-GB', 'KWD 0.001'],
  ['1234567.89', 'inr', 'en-IN', '₹12,34,567.89'],
  ['42.05', 'egp', 'ar-EG', '٤٢٫٠٥ ج.م.'],
]) {
  scene(`${amount} ${currency} is exact in ${locale}`, { amount, currency, locale }, async (payer) => {
    const told = await payer.page.locator('#due').innerText();
    const plain = (text) => text.replace(/[\u200e\u200f\u061c]/g, '').replace(/\s/g, ' ').trim();
    assert.equal(plain(told), want);
  });
}

// ---- For everybody ----

scene('by keyboard alone', {}, async (payer) => {
  const { keyboard } = payer.page;
  const isFocused = (name) => payer.page.waitForFunction((text) => document.activeElement?.textContent.includes(text), name);
  await keyboard.press('Tab');
  await keyboard.press('ArrowDown');
  assert.equal(await payer.page.getByRole('radio', { name: CARDS_AT_ONCE }).isChecked(), true);
  await keyboard.press('ArrowDown');
  await payer.picture('focus-desktop');
  await payer.page.getByRole('radio', { name: CARDS, exact: true }).focus();
  await keyboard.press('Space');
  await keyboard.press('Tab');
  await isFocused('Continue');
  await keyboard.press('Enter');
  await payer.sees('Pay by card or bank account');
  await isFocused('Pay by card or bank account');
  await keyboard.press('Tab');
  await keyboard.press('ArrowDown');
  assert.equal(await payer.page.getByRole('radio', { name: '3184' }).isChecked(), true);
  await keyboard.press('Tab');
  await isFocused('Pay €42.00');
  await keyboard.press('Enter');
  await isFocused('Complete the check');
  await keyboard.press('Enter');
  await payer.sees(PAID);
  await isFocused(PAID);
  await payer.hasPaidOnce(42);
});

for (const [name, settings, enlarge] of [
  ['320 pixels', { viewport: NARROW }, false],
  ['twice as large', { viewport: { width: 640, height: 480 } }, true],
  ['dark', { colorScheme: 'dark' }, false],
  ['dark on a phone', { viewport: PHONE, colorScheme: 'dark' }, false],
  ['high contrast', { forcedColors: 'active' }, false],
]) {
  scene(`every view, ${name}`, { ...settings, errors: refused(504) }, async (payer) => {
    const kind = name.replaceAll(' ', '-');
    const look = async (view) => {
      if (enlarge) await payer.page.evaluate(() => (document.documentElement.style.fontSize = '200%'));
      await payer.looks(`${view}, ${name}`);
      await payer.picture(`${view}-${kind}`);
    };
    await look('choice');
    await payer.choose(CARDS);
    await payer.button('Pay €42.00').click();
    await payer.reads('Something is missing.');
    await look('missing');
    await payer.card('Visa ending in 9995');
    await payer.reads('The payment was declined.');
    await look('declined');
    await payer.card('Visa ending in 3184');
    await payer.page.getByRole('dialog').waitFor();
    await look('challenge');
    await payer.button('Not now').click();
    await look('challenge-put-off');
    await payer.button('Cancel and pay another way').click();
    await payer.sees('How would you like to pay?');
    await payer.bank('lost');
    await payer.sees(UNKNOWN);
    await look('unknown');
    await bankSays(await session(payer), 'paid');
    await payer.button('Ask again now').click();
    await payer.sees(PAID);
    await look('approved');
  });
}

scene('whoever wants little motion gets little', { reducedMotion: 'reduce' }, async (payer) => {
  await payer.bank('hold');
  const button = payer.page.locator('button.working');
  await button.waitFor();
  const turn = await button.evaluate((element) => getComputedStyle(element, '::after').animationDuration);
  assert.equal(turn, '3s');
  await bankSays(await session(payer), 'paid');
  await payer.sees(PAID);
});

scene('the keys leave the address, and go to the host in headers alone', {}, async (payer) => {
  assert.equal(payer.page.url(), `${url}/checkout/${payer.collection.id}`);
  const asked = payer.requests.filter((request) => request.url().includes('/store/'));
  assert.ok(asked.length >= 2);
  for (const request of asked) {
    const headers = await request.allHeaders();
    assert.match(headers['x-publishable-api-key'], /^pk_/);
    assert.match(headers['x-client-secret'], /^cs_/);
  }
  await payer.page.reload();
  await payer.sees('How would you like to pay?');
  const { length } = payer.requests.filter((request) => !request.url().startsWith(`${url}/`) && !request.url().startsWith('data:'));
  assert.equal(length, 0);
});

test('a shop of another origin may open payments when it is named, and else may not', async () => {
  const own = await collection();
  const opened = await opensFrom(SHOP, own);
  assert.equal(opened.status, 200, JSON.stringify(opened.body));
  assert.match(opened.request, /^req_/);
  assert.equal(opened.body.payment_collection.id, own.id);
  assert.equal((await books(own.id)).payment_sessions.length, 1);
  const other = await collection();
  await assert.rejects(opensFrom(STRANGER, other), /Failed to fetch/);
  assert.equal((await books(other.id)).payment_sessions?.length ?? 0, 0);
});

test('the page comes with the headers that keep everything else out', async () => {
  const { id } = await collection();
  const page = await fetch(`${url}/checkout/${id}`);
  const html = await page.text();
  const policy = page.headers.get('content-security-policy');
  assert.match(policy, /default-src 'none'/);
  assert.match(policy, /frame-ancestors 'none'/);
  assert.doesNotMatch(policy, /unsafe/);
  assert.equal(page.headers.get('cache-control'), 'no-store');
  assert.equal(page.headers.get('referrer-policy'), 'no-referrer');
  assert.equal(page.headers.get('x-content-type-options'), 'nosniff');
  assert.equal((await fetch(`${url}/checkout/nothing`)).status, 404);
  assert.equal((await fetch(`${url}/checkout/${id}`, { method: 'POST' })).status, 405);
  for (const [, name] of html.matchAll(/"(assets\/[^"]+)"/g)) {
    const file = await fetch(`${url}/checkout/${name}`);
    assert.equal(file.status, 200);
    assert.match(file.headers.get('cache-control'), /immutable/);
    const older = await fetch(`${url}/checkout/${name.replace(/-[0-9a-f]+/, '-0000000000000000')}`);
    assert.equal(older.headers.get('cache-control'), 'no-store');
  }
  assert.equal((await fetch(`${url}/checkout/assets/secrets.txt`)).status, 404);
});
