/**
 * What the approval page does, as the browser runs it. SECURITY: it builds nodes and never markup, so that no text of
 * an agent can become part of the page; what it knows came from `view.ts`.
 */
import { SCRIPT_PARTS } from './script-parts.ts';

/** The whole script. */
export const SCRIPT = `'use strict';
(function () {
${SCRIPT_PARTS}
const SHOWN = 1000, LOOK = 2000, KEY = 'intercept-key', NAME = 'intercept-name';
const main = document.getElementById('main');
const out = document.getElementById('sign-out');
const said = document.getElementById('said');
const lost = document.getElementById('lost');
const id = /^\\/approvals\\/([\\w-]+)$/.exec(location.pathname)?.[1];
let turn = 0;
let timers = [];

function say(text) { said.textContent = ''; setTimeout(function () { said.textContent = text; }, 50); }
function every(ms, work) { timers.push(setInterval(work, ms)); }
/** Shows a new view; what the one before had planned ends. */
function show(title, nodes, focus) {
  timers.forEach(clearInterval);
  timers = [];
  turn += 1;
  document.title = title + ' · Intercept';
  main.replaceChildren.apply(main, nodes);
  const at = focus || main.querySelector('h1');
  if (at) at.focus();
  return turn;
}

async function ask(method, path, body) {
  const headers = { 'x-intercept-key': localStorage.getItem(KEY) || '' };
  if (body) headers['content-type'] = 'application/json';
  let response;
  try {
    response = await fetch('/approvals/page/' + path, { method, headers, body: body && JSON.stringify(body), credentials: 'same-origin' });
  } catch (cause) {
    lost.hidden = false;
    return { status: 0, value: { error: { message: 'Intercept does not answer. Is the proxy still running?' } } };
  }
  lost.hidden = response.status < 500;
  const value = await response.json().catch(function () { return {}; });
  return { status: response.status, value };
}
function messageOf(answer) { return (answer.value.error && answer.value.error.message) || 'that did not work (status ' + answer.status + ')'; }
function signedOut(answer) { if (answer.status === 401) signIn(); return answer.status === 401; }

/** Asks for a secret; 'done' gets the answer where it was taken. */
function askFor(title, why, label, hint, path, done, skip) {
  const secret = h('input', { type: 'password', id: 'secret', autocomplete: 'current-password', required: '', 'aria-describedby': 'secret-hint' });
  const alert = h('p', { class: 'alert', role: 'alert', id: 'wrong' });
  const send = h('button', { class: 'main', type: 'submit' }, title);
  const other = skip ? h('button', { type: 'button' }, 'Only look') : null;
  const form = h('form', { class: 'card' },
    heading(title),
    h('p', { class: 'soft' }, why),
    h('label', { for: 'secret' }, label),
    h('p', { class: 'hint', id: 'secret-hint' }, hint),
    secret, alert,
    h('div', { class: 'buttons' }, other, send));
  if (other) other.addEventListener('click', skip);
  form.addEventListener('submit', async function (event) {
    event.preventDefault();
    alert.textContent = '';
    send.disabled = true;
    const answer = await ask('POST', path, { secret: secret.value });
    send.disabled = false;
    if (answer.status === 200) return done(answer.value);
    if (path !== 'session' && signedOut(answer)) return;
    alert.textContent = messageOf(answer);
    secret.setAttribute('aria-invalid', 'true');
    secret.select();
    secret.focus();
  });
  show(title, [form], secret);
}
function signIn() {
  out.hidden = true;
  askFor('Sign in', 'Only a person may decide on held calls.', 'Admin token',
    'The token is in the file admin.token in the folder of Intercept, usually ~/.intercept.', 'session', function (value) {
      localStorage.setItem(KEY, value.key);
      if (!localStorage.getItem(NAME)) localStorage.setItem(NAME, value.operator);
      if (value.mayDecide) start(); else askApprover();
    });
}
function askApprover() {
  out.hidden = false;
  askFor('Show that you may decide', 'Looking needs the token alone.', 'Approver secret',
    'The secret that was set with intercept approvals protect.', 'approver', start, start);
}

async function showList() {
  const answer = await ask('GET', 'list');
  if (signedOut(answer)) return;
  out.hidden = false;
  if (answer.status !== 200) return failed(answer);
  const items = answer.value.approvals;
  const from = performance.now();
  const mine = show(items.length ? '(' + items.length + ') Waiting' : 'Waiting', [
    heading(items.length === 0 ? 'Nothing waits' : items.length === 1 ? 'One call waits' : items.length + ' calls wait'),
    h('p', { class: 'soft' }, items.length ? 'Calls that a rule holds until a person has decided.' : 'Calls that a rule holds appear here by themselves.'),
    h('ul', { class: 'list' }, items.map(function (item) { return lineOf(item, from); }))]);
  const known = items.map(function (item) { return item.id; }).join();
  every(1000, function () { tick(from); });
  every(LOOK, async function () {
    const next = await ask('GET', 'list');
    if (mine !== turn || next.status === 0) return;
    if (signedOut(next) || next.status !== 200) return;
    const ids = next.value.approvals.map(function (item) { return item.id; }).join();
    if (ids !== known) { say('The list has changed.'); showList(); }
  });
}

async function showRecord() {
  const answer = await ask('GET', 'record/' + id);
  if (signedOut(answer)) return;
  out.hidden = false;
  if (answer.status !== 200) return failed(answer);
  const record = answer.value;
  const from = performance.now();
  const pending = record.state === 'pending';
  const form = pending ? formOf(record) : null;
  const mine = show(pending ? 'Approve this call?' : 'Call ' + record.state, [recordOf(record, from), form && form.node].filter(Boolean));
  markLong();
  every(1000, function () { tick(from); markLong(); });
  if (!pending) return;
  form.arm(mine);
  let warned = false;
  every(LOOK, async function () {
    const next = await ask('GET', 'state/' + id);
    if (mine !== turn || next.status === 0) return;
    if (signedOut(next) || next.status !== 200) return;
    if (next.value.state !== 'pending') { say('This call was ' + wordOf(next.value) + '.'); return showRecord(); }
    if (next.value.expiresIn < 60000 && !warned) { warned = true; say('Less than a minute is left.'); }
  });
}

/** The two buttons count once the record has been in sight for a second. */
function formOf(record) {
  const name = h('input', { id: 'name', autocomplete: 'name', maxlength: '200', value: localStorage.getItem(NAME) || '' });
  const reason = h('textarea', { id: 'reason', rows: '2', maxlength: '2000', 'aria-describedby': 'reason-hint' });
  const deny = h('button', { class: 'no', type: 'button', disabled: '' }, 'Deny');
  const approve = h('button', { class: 'yes', type: 'button', disabled: '' }, 'Approve');
  const alert = h('p', { class: 'alert', role: 'alert' });
  const unlock = h('button', { type: 'button' }, 'Enter the approver secret');
  unlock.addEventListener('click', askApprover);
  const why = record.mayDecide ? null : h('p', { class: 'alert' }, 'Deciding needs the approver secret. ', unlock);
  const node = h('form', { class: 'card decide', 'aria-labelledby': 'decide' },
    h('h2', { id: 'decide' }, 'Your decision'),
    h('label', { for: 'name' }, 'Your name'), name,
    h('label', { for: 'reason' }, 'Reason'),
    h('p', { class: 'hint', id: 'reason-hint' }, 'Optional. The agent is told the reason of a denial.'), reason,
    why, alert,
    h('div', { class: 'buttons' }, deny, approve));
  node.addEventListener('submit', function (event) { event.preventDefault(); });
  function enable(on) { deny.disabled = !on; approve.disabled = !(on && record.complete); }
  async function decide(verdict) {
    enable(false);
    alert.textContent = '';
    if (name.value.trim()) localStorage.setItem(NAME, name.value.trim());
    const answer = await ask('POST', 'decide/' + id, { verdict, as: name.value, reason: reason.value });
    if (signedOut(answer)) return;
    if (answer.status === 200) { say(verdict === 'approve' ? 'Approved.' : 'Denied.'); return showRecord(); }
    if (answer.value.error && answer.value.error.code === 'not_pending') { say(messageOf(answer)); return showRecord(); }
    alert.textContent = messageOf(answer);
    enable(true);
  }
  approve.addEventListener('click', function () { decide('approve'); });
  deny.addEventListener('click', function () { decide('deny'); });
  return {
    node,
    arm(mine) {
      if (why) return;
      let seen = 0;
      every(100, function () {
        if (mine !== turn || seen > SHOWN) return;
        seen = document.visibilityState === 'visible' ? seen + 100 : 0;
        if (seen > SHOWN) enable(true);
      });
    },
  };
}

function failed(answer) {
  show('Not shown', [h('div', { class: 'card' }, heading(answer.status === 404 ? 'There is no such record' : 'That did not work'), h('p', {}, messageOf(answer)))]);
}

out.addEventListener('click', async function () {
  await ask('DELETE', 'session');
  localStorage.removeItem(KEY);
  signIn();
});
function start() { if (id) showRecord(); else showList(); }
if (localStorage.getItem(KEY)) start(); else signIn();
})();
`;
