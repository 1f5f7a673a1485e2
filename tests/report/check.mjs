// SPDX-License-Identifier: Apache-2.0
// See check.sh, which runs it from the top of the tree.
import { createRequire } from 'node:module';
import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';

const require = createRequire(process.env.NODE_MODULES);
const { chromium } = require('playwright-core');
const axePath = require.resolve('axe-core/axe.min.js');
const Ajv = require('ajv').default;
const addFormats = require('ajv-formats').default;
const { DuckDBInstance } = require('@duckdb/node-api');

const tool = path.resolve('build/ecs-fim');
const sample = 'tests/data/report/journal.ndjson';
const work = path.resolve('build/report');
const OPEN_MS = 3000;

let count = 0;
function ok(good, name, detail) {
  count++;
  console.log(`${good ? 'ok' : 'not ok'} ${count} - ${name}`);
  if (!good && detail !== undefined) console.log(`# ${JSON.stringify(detail)}`.slice(0, 4000));
}
const file = (name) => path.join(work, name);
const run = (...args) => execFileSync(tool, args, { maxBuffer: 1 << 28 });
const report = (name, ...args) => { run('report', '--journal', sample, ...args, '-o', file(name)); return file(name); };
const read = (name) => fs.readFileSync(name);

// ---- texts

/* C string literals side by side are one; PRId64 and the like are "ld". */
function literals(source) {
  return source.replace(/\bPRI([du])64\b/g, (_, kind) => `"l${kind}"`)
    .replace(/"\s*"/g, '').match(/^"((?:[^"\\]|\\.)*)"/)?.[1];
}
function firstLiteral(rest) {
  const all = /^\s*((?:"(?:[^"\\]|\\.)*"|PRI[du]64|\s)+)/.exec(rest);
  return all && literals(all[1].trim());
}
function texts() {
  const catalogue = new Map();
  const lang = read('userspace/lib/lang.c').toString();
  for (const m of lang.matchAll(/\n\t\{((?:"(?:[^"\\]|\\.)*"|PRI[du]64|\s)+),((?:"(?:[^"\\]|\\.)*"|PRI[du]64|\s)+)\}/g))
    catalogue.set(literals(m[1].trim()), literals(m[2].trim()));
  ok(catalogue.size > 200, `the catalogue has ${catalogue.size} texts`);
  const wanted = new Set();
  for (const name of fs.readdirSync('userspace/lib')) {
    if (!/^(report|fleet|statement).*\.c$/.test(name) || name === 'fleet_db.c') continue;
    const source = read(`userspace/lib/${name}`).toString();
    for (const m of source.matchAll(/\bT\(|\bfim_tr\([a-z>._-]+,|\bsay\(verdict,[^"]*?(?=")/g))
      wanted.add(firstLiteral(source.slice(m.index + m[0].length)));
    for (const m of source.matchAll(/\{\s*(?=(?:"(?:[^"\\]|\\.)*"\s*)+, '[lntw]')/g))
      wanted.add(firstLiteral(source.slice(m.index + m[0].length)));
    for (const m of source.matchAll(/\n\t\{"[a-z]+",\s+(?="[A-Z])/g))
      wanted.add(firstLiteral(source.slice(m.index + m[0].length)));
  }
  for (const no of [null, undefined, '', 'comparisons' /* of say(…, total(report, "comparisons")…) */]) wanted.delete(no);
  const missing = [...wanted].filter((text) => !catalogue.has(text));
  ok(wanted.size > 150 && !missing.length, `each of ${wanted.size} texts of the pages is in Japanese`, missing);
  const args = (text) => {
    let next = 0;
    const found = {};
    for (const m of text.matchAll(/%(?:(\d)\$)?(?:\.0)?(ld|lu|d|s)/g)) found[m[1] ?? ++next] = m[2];
    return JSON.stringify(Object.entries(found).sort());
  };
  const wrong = [...catalogue].filter(([english, japanese]) => args(english) !== args(japanese));
  ok(!wrong.length, 'both languages take the same arguments', wrong);
}

// ---- schemas

function validator(schema) {
  const ajv = new Ajv({ allErrors: true, strict: false });
  addFormats(ajv);
  return ajv.compile(JSON.parse(read(schema)));
}
function edited(object, edit) {
  const copy = structuredClone(object);
  edit(copy);
  return copy;
}
function schemas() {
  fs.writeFileSync(file('empty.ndjson'), '');
  fs.writeFileSync(file('broken.ndjson'), read(sample).toString().replace('/etc/ssh/sshd_config', '/etc/ssh/sshd_confib'));
  const journals = [[sample], [file('empty.ndjson')], [file('broken.ndjson')], [sample, '--lang', 'ja'],
    [sample, '--standard', 'pci-dss-3.2.1', '--from', '2026-11-05', '--to', '2026-11-09']];
  const ours = validator('userspace/schemas/report-1.schema.json');
  const oscal = validator('tests/data/report/oscal_assessment-results_schema-1.0.4.json');
  for (const [journal, ...args] of journals) {
    const name = [path.basename(journal), ...args].join(' ');
    ok(ours(JSON.parse(run('report', '--journal', journal, ...args))), `the report of ${name} is as its schema says`, ours.errors);
    ok(oscal(JSON.parse(run('report', '--journal', journal, '--format', 'oscal', ...args))), `OSCAL of ${name} is valid`, oscal.errors);
  }
  const good = JSON.parse(run('report', '--journal', sample));
  const bad = { 'a status of our own': (r) => { r.statements[0].status = 'compliant'; },
    'a short digest': (r) => { r.journal.head = 'abc'; }, 'no statement': (r) => { r.statements = []; },
    'an unknown member': (r) => { r.verdict = true; }, 'a change without a path': (r) => { delete r.changes.items[0].path; },
    'no journal': (r) => { delete r.journal; } };
  for (const [name, edit] of Object.entries(bad)) ok(!ours(edited(good, edit)), `the schema refuses ${name}`);
  const result = (d) => d['assessment-results'].results[0];
  const document = JSON.parse(run('report', '--journal', sample, '--format', 'oscal'));
  const worse = { 'no UUID': (d) => { delete d['assessment-results'].uuid; },
    'an unknown state': (d) => { result(d).findings[0].target.status.state = 'compliant'; },
    'a control id with a space': (d) => { result(d)['reviewed-controls']['control-selections'][0]['include-controls'][0]['control-id'] = 'a b'; },
    'an observation without a time': (d) => { delete result(d).observations[0].collected; },
    'a UUID of another kind': (d) => { result(d).uuid = '00000000-0000-1000-8000-000000000000'; } };
  for (const [name, edit] of Object.entries(worse)) ok(!oscal(edited(document, edit)), `OSCAL's schema refuses ${name}`);
  const ids = JSON.stringify(document).match(/"uuid":"[^"]+"/g);
  ok(new Set(ids).size === ids.length, 'no UUID is used twice');
}

// ---- browser

async function look(browser, name, width, colorScheme) {
  const page = await browser.newPage({ viewport: { width, height: 900 }, colorScheme, bypassCSP: true });
  const said = [], asked = [];
  page.on('console', (message) => said.push(message.text()));
  page.on('pageerror', (error) => said.push(String(error)));
  page.on('request', (request) => { if (request.url() !== `file://${name}`) asked.push(request.url()); });
  // Processor time of the page's process: a busy machine makes a page late, not large.
  const session = await page.context().newCDPSession(page);
  await session.send('Performance.enable');
  await page.goto(`file://${name}`, { waitUntil: 'load' });
  const { metrics } = await session.send('Performance.getMetrics');
  const opened = Math.round(1000 * metrics.find((metric) => metric.name === 'ProcessTime').value);
  const label = `${path.basename(name)} ${width} px ${colorScheme}`;
  ok(!said.length && !asked.length, `${label}: no message, and no request leaves the page`, [said, asked]);
  // The browser lays out what it shows; what is judged is the whole page.
  await page.addStyleTag({ content: 'section,details{content-visibility:visible!important}' });
  const wide = await page.evaluate(() => document.documentElement.scrollWidth);
  ok(wide <= width, `${label}: nothing is wider than the screen`, wide);
  return { page, label, opened };
}
async function accessible({ page, label }) {
  await page.addScriptTag({ path: axePath });
  const { violations } = await page.evaluate(() => window.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'best-practice'] }));
  ok(!violations.length, `${label}: axe finds no violation`, violations.map((v) => [v.id, v.nodes.slice(0, 3).map((n) => n.html)]));
}
async function browse() {
  const browser = await chromium.launch({ executablePath: '/usr/bin/chromium',
    args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'] });
  const pages = [report('report.html'), report('report-ja.html', '--lang', 'ja'), file('fleet.html')];
  for (const name of pages)
    for (const [width, scheme] of [[390, 'light'], [1280, 'light'], [1280, 'dark']]) {
      const seen = await look(browser, name, width, scheme);
      await accessible(seen);
      await seen.page.screenshot({ path: name.replace('.html', `-${width}-${scheme}.png`), fullPage: true });
      await seen.page.close();
    }
  const seen = await look(browser, pages[0], 1280, 'light');
  await seen.page.pdf({ path: file('print.pdf'), preferCSSPageSize: true, printBackground: true });
  const printed = execFileSync('pdftotext', [file('print.pdf'), '-']).toString();
  ok(printed.includes('/usr/bin/curl') && printed.includes('CHG-2207'), 'what is folded is on paper');
  await seen.page.close();
  fs.writeFileSync(file('large.ndjson'), execFileSync('build/bench/journal_gen', ['111200', '365'], { maxBuffer: 1 << 29 }));
  run('report', '--journal', file('large.ndjson'), '-o', file('large.html'));
  const times = [];
  for (let i = 0; i < 3; i++) {
    const large = await look(browser, file('large.html'), 1280, 'light');
    times.push(large.opened);
    if (!i) ok(/<dt>Changes<\/dt><dd>10\d&#39;|<dt>Changes<\/dt><dd>10\d/.test(read(file('large.html')).toString()), 'there are more than 100,000 changes');
    await large.page.close();
  }
  ok(Math.min(...times) <= OPEN_MS, `a page of 100,000 changes opens in ${Math.min(...times)} ms of processor time`);
  await browser.close();
  fs.rmSync(file('large.ndjson'));
}

// ---- PDF, signatures

function pdfs() {
  for (const [lang, word] of [['en', 'insufficient evidence'], ['ja', '証拠不十分']]) {
    const name = report(`report-${lang}.pdf`, '--lang', lang);
    const check = spawnSync('qpdf', ['--check', name]);
    ok(check.status === 0, `qpdf finds no fault in the PDF (${lang})`, check.stderr.toString());
    const text = execFileSync('pdftotext', ['-layout', name, '-']).toString();
    const head = JSON.parse(run('report', '--journal', sample)).journal.head;
    ok(text.includes(word) && text.includes(head) && text.includes('/usr/bin/ssh'), `the PDF can be searched (${lang})`);
    ok(read(name).equals(read(report(`again-${lang}.pdf`, '--lang', lang))), `the PDF has the same bytes again (${lang})`);
  }
}
function signatures() {
  execFileSync('openssl', ['ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', file('key.pem')], { stdio: 'ignore' });
  execFileSync('openssl', ['ec', '-in', file('key.pem'), '-pubout', '-out', file('pub.pem')], { stdio: 'ignore' });
  for (const name of ['signed.html', 'signed.pdf', 'signed.csv', 'signed.json', 'signed.oscal.json']) {
    report(name, '--sign', file('key.pem'));
    const verify = () => spawnSync('openssl', ['dgst', '-sha256', '-verify', file('pub.pem'), '-signature', file(`${name}.sig`), file(name)]).status;
    const good = verify();
    fs.appendFileSync(file(name), ' ');
    ok(good === 0 && verify() !== 0, `openssl accepts the signature of ${name}, and not of a changed one`);
  }
  const lines = read(report('report.csv')).toString().split('\r\n');
  ok(lines.length === 11 && lines[9].includes('"journal"'), 'CSV has every change, and the journal at the end', lines.length);
}

// ---- fleet

async function fleet() {
  fs.rmSync(file('fleet'), { recursive: true, force: true });
  execFileSync('build/bench/fleet_gen', [file('fleet'), '60', '30', file('key.pem')]);
  const victim = file('fleet/i-00000005/records/dt=2026-08-11/account=111122223333/cluster=prod/host=i-00000005/records.ndjson');
  const bytes = read(victim);
  bytes[200] ^= 1;
  fs.writeFileSync(victim, bytes);
  // One host has two bundles of the same days, of which one was changed.
  fs.cpSync(file('fleet/i-00000007'), file('fleet/i-00000007-again'), { recursive: true });
  const other = file('fleet/i-00000007-again/records/dt=2026-08-04/account=111122223333/cluster=prod/host=i-00000007/records.ndjson');
  fs.writeFileSync(other, read(other).toString().replaceAll('"kind":"', '"kind":"x'));
  const args = ['fleet', 'report', '--key', file('pub.pem'), '--expected', file('fleet/expected.ndjson'), file('fleet')];
  const made = spawnSync(tool, [...args, '-o', file('fleet.json')]);
  spawnSync(tool, [...args, '-o', file('fleet.html')]);
  const ours = JSON.parse(read(file('fleet.json')));
  ok(made.status === 3 && ours.rejected.count === 2 && ours.rejected.items[0].host === 'i-00000005' && ours.rejected.items[1].directory.endsWith('i-00000007-again') && ours.totals.reporting === 59,
    'a bundle with one changed byte is rejected by name', ours.rejected);
  ok(ours.statements.every((s) => s.status !== 'met'), 'and nothing is met');
  const bundles = spawnSync(tool, ['fleet', 'verify', '--json', '--key', file('pub.pem'), file('fleet')], { maxBuffer: 1 << 28 });
  fs.writeFileSync(file('bundles.ndjson'), bundles.stdout);
  const duck = await (await DuckDBInstance.create(':memory:')).connect();
  const tables = read('ami/fleet/duckdb.sql').toString().replaceAll("'bundles.ndjson'", `'${file('bundles.ndjson')}'`)
    .replaceAll("'expected.ndjson'", `'${file('fleet/expected.ndjson')}'`);
  await duck.run(`SET VARIABLE records = '${file('fleet')}/*/records/dt=*/account=*/cluster=*/host=*/*.ndjson'`);
  await duck.run(tables);
  const questions = read('ami/fleet/queries.sql').toString().split(/^-- name: /m).slice(1);
  for (const question of questions) {
    const [name] = question.split('\n', 1);
    const answer = await duck.runAndReadAll(question.slice(name.length + 1).split(';')[0]);
    const theirs = answer.getRowObjects().map((row) => Object.fromEntries(Object.entries(row).map(([k, v]) => [k, v === null || typeof v === 'string' ? v : Number(v)])));
    const mine = name === 'totals' ? [ours.totals] : ours[name].items;
    const shown = theirs.slice(0, mine.length);
    ok(theirs.length > 0 && theirs.length === (name === 'totals' ? 1 : ours[name].count) && JSON.stringify(shown) === JSON.stringify(mine),
      `SQLite and DuckDB give the same ${theirs.length} rows of ${name}`,
      shown.map((row, i) => [row, mine[i]]).find(([a, b]) => JSON.stringify(a) !== JSON.stringify(b)));
  }
}

texts();
schemas();
pdfs();
signatures();
await fleet();
await browse();
console.log(`1..${count}`);
