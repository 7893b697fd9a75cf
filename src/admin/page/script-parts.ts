/** The parts of the page that show a record, as the browser runs them. */
export const SCRIPT_PARTS = `
/** An element; null children are left out. */
function h(tag, attributes) {
  const node = document.createElement(tag);
  for (const name of Object.keys(attributes)) node.setAttribute(name, attributes[name]);
  for (const child of Array.prototype.slice.call(arguments, 2).flat(Infinity)) if (child !== null && child !== undefined) node.append(child);
  return node;
}
function heading(text) { return h('h1', { tabindex: '-1' }, text); }
function hidden(text) { return h('span', { class: 'hidden' }, text); }

/** A text of a stranger: each piece says what it is. */
function pieces(list) {
  return h('span', { class: 'text', dir: 'ltr' }, list.map(function (piece) {
    if (piece.kind === 'plain') return piece.text;
    if (piece.kind === 'foreign') return h('bdi', { class: 'foreign', title: 'beyond ASCII' }, piece.text);
    if (piece.kind === 'look_alike') return h('mark', { class: 'alike' }, h('b', {}, h('bdi', {}, piece.text)), ' ' + piece.label);
    if (piece.text === '\\n') return [h('mark', { class: 'unseen', title: piece.label }, h('span', { 'aria-hidden': 'true' }, '↵'), hidden(' line feed ')), h('br', {})];
    return [h('mark', { class: 'unseen' }, piece.label), piece.breaks ? h('br', {}) : null];
  }));
}
function optional(list, none) { return list === null ? h('span', { class: 'soft' }, none) : pieces(list); }
function plain(list) { return list.map(function (piece) { return piece.kind === 'unseen' ? piece.label : piece.text; }).join(''); }

function spanOf(ms) {
  const seconds = Math.max(0, Math.ceil(ms / 1000));
  const parts = [[86400, 'd'], [3600, 'h'], [60, 'min'], [1, 's']];
  const first = parts.findIndex(function (part) { return seconds >= part[0]; });
  if (first < 0) return '0 s';
  const rest = seconds % parts[first][0];
  const next = parts[first + 1];
  const head = Math.floor(seconds / parts[first][0]) + ' ' + parts[first][1];
  return next && Math.floor(rest / next[0]) > 0 ? head + ' ' + Math.floor(rest / next[0]) + ' ' + next[1] : head;
}
/** Time that is left, kept up to date by tick(). */
function leftOf(ms, from) { return h('strong', { 'data-left': String(ms), 'data-from': String(from) }, spanOf(ms)); }
function tick() {
  for (const node of document.querySelectorAll('[data-left]')) {
    const left = Number(node.dataset.left) - (performance.now() - Number(node.dataset.from));
    node.textContent = spanOf(left);
    const bar = document.getElementById('bar');
    if (bar) bar.style.setProperty('width', Math.max(0, Math.min(100, (100 * left) / Number(bar.dataset.whole))) + '%');
  }
}
function wordOf(record) {
  if (record.state === 'consumed') return 'approved, and has gone through';
  return record.state;
}

function stateOf(record) {
  if (record.state === 'pending') return null;
  const by = record.decided && record.state !== 'expired' ? ' by ' + record.decided.by + ', ' + new Date(record.decided.at).toLocaleString() : '';
  const reason = record.decided && record.decided.reason ? h('p', {}, 'Reason: ' + record.decided.reason) : null;
  const word = { approved: 'Approved', denied: 'Denied', expired: 'Expired', consumed: 'Approved, and gone through' }[record.state];
  const more = record.state === 'approved' ? h('p', { class: 'soft' }, 'The agent may now repeat this very call, once.') : null;
  return h('div', { class: 'state ' + record.state }, h('p', {}, word + by), reason, more);
}

function agentOf(item) {
  const name = optional(item.agent, 'not known');
  return item.credential ? h('span', {}, name, ', credential ', pieces(item.credential), '…') : name;
}

function factsOf(record) {
  const rows = [
    ['Agent', agentOf(record)],
    ['Server', pieces(record.upstream)],
    ['Policy', h('span', {}, optional(record.policy, 'without a name'), ' ', h('span', { class: 'soft' }, record.revision))],
    ['Client', optional(record.client, 'did not say')],
    ['Asked', new Date(record.createdAt).toLocaleString()],
    ['Record', h('span', { class: 'text' }, record.id)],
  ];
  if (record.attempts > 0) rows.push(['Tries', record.attempts + ' of ' + (record.retries + 1)]);
  return h('dl', { class: 'facts' }, rows.map(function (row) { return [h('dt', {}, row[0]), h('dd', {}, row[1])]; }));
}

function argumentOf(row) {
  const box = row.value.length === 0 ? { class: 'none' } : { 'data-name': plain(row.path) };
  return h('div', {},
    h('dt', {}, pieces(row.path), h('span', { class: 'type' }, row.type), row.twin ? h('span', { class: 'twin' }, 'looks like another name') : null),
    h('dd', box, row.value.length === 0 ? null : pieces(row.value)));
}

/** What does not fit its box says so, and can be scrolled by keys. */
function markLong() {
  for (const box of document.querySelectorAll('.args dd')) {
    if (box.scrollHeight <= box.clientHeight + 1 || box.tabIndex === 0) continue;
    box.tabIndex = 0;
    box.setAttribute('role', 'region');
    box.setAttribute('aria-label', 'value of ' + box.dataset.name);
    box.previousElementSibling.append(h('span', { class: 'more' }, 'scroll to read all of it'));
  }
}

function leftBar(record, from) {
  if (record.state !== 'pending' && record.state !== 'approved') return null;
  const bar = h('div', { id: 'bar', 'data-whole': String(Math.max(record.expiresIn, 1)) });
  bar.style.setProperty('width', '100%');
  return [
    h('p', { class: 'left' }, h('span', { class: 'soft' }, record.state === 'pending' ? 'Time left to decide' : 'Time left to repeat it'), leftOf(record.expiresIn, from)),
    h('div', { class: 'bar', 'aria-hidden': 'true' }, bar)];
}

/** All of a record but the buttons. */
function recordOf(record, from) {
  const none = record.rows.length === 0 || (record.rows.length === 1 && record.rows[0].path.length === 0 && record.rows[0].value.length === 0);
  return h('article', { class: 'card' },
    stateOf(record),
    heading(record.state === 'pending' ? 'Approve this call?' : 'The call'),
    h('p', { class: 'tool' }, hidden('Tool '), pieces(record.tool)),
    factsOf(record),
    leftBar(record, from),
    record.warnings.length ? h('ul', { class: 'warnings', 'aria-label': 'Look closely' }, record.warnings.map(function (text) { return h('li', {}, text); })) : null,
    h('h2', {}, 'Why it waits'),
    record.rules.map(function (rule) { return [h('p', {}, pieces(rule.message)), h('p', { class: 'soft' }, 'Rule ', pieces(rule.rule))]; }),
    h('h2', {}, 'Arguments'),
    none ? h('p', { class: 'soft' }, 'None.') : h('dl', { class: 'args' }, record.rows.map(argumentOf)),
    record.meta.length ? [h('h2', {}, 'Beside the arguments, in _meta'), h('dl', { class: 'args' }, record.meta.map(argumentOf))] : null,
    h('h2', {}, 'Approving overrides'),
    record.overrides.length ? h('ul', {}, record.overrides.map(function (text) { return h('li', {}, pieces(text)); })) : h('p', { class: 'soft' }, 'Nothing: every other rule was checked, and is checked again.'),
    h('p', { class: 'soft' }, 'While it runs, the tool may ask for more input; what is then given is not part of this decision.'));
}

function lineOf(item, from) {
  return h('li', {}, h('a', { href: '/approvals/' + item.id },
    h('span', { class: 'tool' }, pieces(item.tool)),
    h('p', {}, pieces(item.message)),
    h('p', { class: 'soft' }, 'Agent ', agentOf(item), ' · rule ', pieces(item.rule), ' · ', leftOf(item.expiresIn, from), ' left')));
}
`;
