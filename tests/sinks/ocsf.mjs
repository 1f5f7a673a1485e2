// SPDX-License-Identifier: Apache-2.0
// OCSF events: ocsf.mjs FILE…  Two judges: what the specification of 1.9.0 asks of what we use, written
// down here; and, where somebody has it, the compiled schema (OCSF_SCHEMAS=directory of
// ocsf_file_activity.json, ocsf_compliance_finding.json, ocsf_detection_finding.json, draft-07).
import { createRequire } from 'node:module';
import fs from 'node:fs';
import path from 'node:path';

const require = createRequire(process.env.NODE_MODULES);
const Ajv = require('ajv').default;
const addFormats = require('ajv-formats').default;
let failed = 0;
function ok(good, name, detail) {
  if (!good) failed++;
  console.log(`${good ? 'ok' : 'not ok'} - ${name}`);
  if (!good && detail !== undefined) console.log(`# ${JSON.stringify(detail)}`.slice(0, 2000));
}

// ---- the specification, as far as we use it: no attribute is allowed that is not here

const string = { type: 'string', minLength: 1 }, integer = { type: 'integer' }, ms = { type: 'integer', minimum: 1e12, maximum: 1e13 };
const among = (...values) => ({ enum: values });
const list = (items) => ({ type: 'array', minItems: 1, items });
const object = (properties, required = [], more = {}) => ({ type: 'object', additionalProperties: false, properties, required, ...more });
const one = (...names) => ({ anyOf: names.map((name) => ({ required: [name] })) });
const digest = object({ algorithm_id: among(3), algorithm: among('SHA-256'), value: { type: 'string', pattern: '^[0-9a-f]{64}$' } }, ['algorithm_id', 'value']);
const user = object({ name: string, uid: string, type_id: among(0, 1, 2, 3, 99) }, [], one('name', 'uid'));
const file = object({ name: string, path: string, type_id: among(0, 1, 2, 3, 4, 5, 6, 7, 99), size: { type: 'integer', minimum: 0 }, hashes: list(digest), owner: user, security_descriptor: string }, ['name', 'type_id']);
const parent = object({ pid: integer, name: string }, ['pid']);
const process_ = object({ pid: integer, tid: integer, name: string, cmd_line: string, file, user, parent_process: parent }, ['pid']);
const actor = object({ process: process_, user, session: object({ uid: string }, ['uid']) }, [], one('process', 'user'));
const resource = object({ type: string, uid: string, name: string, region: string, data: { type: 'object' } }, [], one('name', 'uid'));
const info = object({ uid: string, title: string, desc: string, created_time: ms, modified_time: ms, analytic: object({ type_id: among(1), name: string }, ['type_id', 'name']) }, ['uid', 'title']);
const base = {
  activity_name: string, category_name: string, class_name: string, time: ms, severity_id: among(0, 1, 2, 3, 4, 5, 6, 99), severity: string, message: string,
  metadata: object({ version: among('1.9.0'), product: object({ name: string, vendor_name: string, version: string }, ['vendor_name']), profiles: list(among('cloud', 'host')),
    uid: { type: 'string', pattern: '^[0-9a-f]{64}$' }, sequence: integer, log_name: string, logged_time: ms, original_time: string }, ['version', 'product']),
  cloud: object({ provider: string, region: string, account: object({ uid: { type: 'string', pattern: '^[0-9]{12}$' }, type_id: among(10) }, ['uid']) }, ['provider']),
  device: object({ type_id: among(1), hostname: string, uid: string, instance_uid: string, region: string, os: object({ name: string, type_id: among(200), build: string }, ['name', 'type_id']) }, ['type_id', 'hostname']),
  unmapped: { type: 'object' },
};
const always = ['activity_id', 'category_uid', 'class_uid', 'type_uid', 'time', 'severity_id', 'metadata', 'cloud', 'device'];
function classOf(uid, activities, more, required) {
  const each = activities.map((id) => ({ properties: { activity_id: among(id), type_uid: among(uid * 100 + id) } }));
  return object({ ...base, activity_id: among(...activities), class_uid: among(uid), category_uid: among(Math.floor(uid / 1000)), type_uid: integer, ...more }, [...always, ...required], { oneOf: each });
}
const finding = { finding_info: info, status_id: among(1, 2, 3, 4) };
const classes = {
  1001: classOf(1001, [1, 2, 3, 4, 5, 6, 7, 99], { file, file_result: file, actor }, ['file', 'actor']),
  2003: classOf(2003, [1, 2, 3], { ...finding, resources: list(resource), compliance: object({ standards: list(string), control: string, requirements: list(string), status_id: among(1, 2, 3), status: string }, ['standards', 'status_id']) }, ['finding_info', 'compliance']),
  2004: classOf(2004, [1, 2, 3], { ...finding, resources: list(resource), evidences: list(object({ process: process_, file, data: { type: 'object' } }, [], one('process', 'file', 'data'))) }, ['finding_info']),
};
const names = { 1001: 'file_activity', 2003: 'compliance_finding', 2004: 'detection_finding' };
function compile(schema) {
  const ajv = new Ajv({ allErrors: true, strict: false });
  addFormats(ajv);
  return ajv.compile(schema);
}
const judges = { 'the specification': Object.fromEntries(Object.entries(classes).map(([uid, schema]) => [uid, compile(schema)])) };
const compiled = process.env.OCSF_SCHEMAS;
if (compiled)
  judges['the compiled schema'] = Object.fromEntries(Object.entries(names).map(([uid, name]) => [uid, compile(JSON.parse(fs.readFileSync(path.join(compiled, `ocsf_${name}.json`))))]));
else if (process.argv[2] !== '--few')
  console.log('ok - OCSF compiled schema # SKIP OCSF_SCHEMAS is not set');

// ---- the events

const few = process.argv[2] === '--few'; // some events of a daemon: only whether they are right
const events = process.argv.slice(few ? 3 : 2).flatMap((name) => fs.readFileSync(name).toString().trim().split('\n').map((line) => JSON.parse(line)));
if (few) {
  for (const [judge, of] of Object.entries(judges))
    ok(events.length >= 4 && events.every((event) => of[event.class_uid](event)), `each of ${events.length} events is as ${judge} says`, events);
  process.exit(failed ? 1 : 0);
}
const count = (uid) => events.filter((event) => event.class_uid === uid).length;
ok(count(1001) > 10 && count(2003) > 10 && count(2004) > 3, `${count(1001)} file activities, ${count(2003)} compliance findings, ${count(2004)} detection findings`);
ok(new Set(events.map((event) => event.metadata.uid)).size === events.length, 'no uid is there twice');
const activities = new Set(events.filter((event) => event.class_uid === 1001).map((event) => event.activity_id));
ok([1, 3, 4, 5, 6, 99].every((id) => activities.has(id)), 'created, changed, deleted, renamed, attributes and others are there');
const types = new Set(events.filter((event) => event.file_result).map((event) => event.file_result.type_id));
ok([1, 2, 3, 4, 5, 6, 7].every((id) => types.has(id)), 'every type of file is there');

const edits = {
  'without metadata': (e) => { delete e.metadata; }, 'without a version': (e) => { delete e.metadata.version; },
  'without a product': (e) => { delete e.metadata.product; }, 'without a time': (e) => { delete e.time; },
  'with a time that is text': (e) => { e.time = '2026-11-06T11:18:00Z'; }, 'without a class': (e) => { delete e.class_uid; },
  'of another class': (e) => { e.class_uid = 1002; }, 'of another category': (e) => { e.category_uid = 5; },
  'with a type that is not its class and activity': (e) => { e.type_uid = e.class_uid * 100 + 77; },
  'with an unknown activity': (e) => { e.activity_id = 55; }, 'with a severity that is a word': (e) => { e.severity_id = 'high'; },
  'with an unknown severity': (e) => { e.severity_id = 42; }, 'without a severity': (e) => { delete e.severity_id; },
  'with an attribute of our own': (e) => { e.path = '/etc/passwd'; }, 'without a cloud': (e) => { delete e.cloud; },
  'with a cloud of nobody': (e) => { delete e.cloud.provider; }, 'with a device without a type': (e) => { delete e.device.type_id; },
  'with a message that is a number': (e) => { e.message = 7; },
};
const only = {
  1001: { 'without a file': (e) => { delete e.file; }, 'with a file without a name': (e) => { delete e.file.name; }, 'with a file without a type': (e) => { delete e.file.type_id; },
    'without an actor': (e) => { delete e.actor; }, 'with an actor that is nobody': (e) => { e.actor = {}; }, 'with a digest without algorithm': (e) => { e.file.hashes = [{ value: 'ab'.repeat(32) }]; },
    'with a process without a number': (e) => { e.actor.process = { name: 'sh' }; } },
  2003: { 'without compliance': (e) => { delete e.compliance; }, 'with an unknown status': (e) => { e.compliance.status_id = 7; }, 'without finding_info': (e) => { delete e.finding_info; },
    'with a finding without uid': (e) => { delete e.finding_info.uid; }, 'with a resource of nothing': (e) => { e.resources = [{ type: 'Host' }]; }, 'with a resource that is no list': (e) => { e.resources = e.resources[0]; } },
  2004: { 'without finding_info': (e) => { delete e.finding_info; }, 'with a finding without uid': (e) => { delete e.finding_info.uid; }, 'with evidence of nothing': (e) => { e.evidences = [{}]; },
    'with a resource of nothing': (e) => { e.resources = [{ type: 'Host' }]; }, 'with an unknown status': (e) => { e.status_id = 50; } },
};
for (const [judge, of] of Object.entries(judges)) {
  for (const event of events) {
    const good = of[event.class_uid](event);
    if (!good) ok(false, `OCSF of record ${event.metadata.sequence} is as ${judge} says`, of[event.class_uid].errors);
  }
  ok(events.every((event) => of[event.class_uid](event)), `each of ${events.length} events is as ${judge} says`);
  for (const uid of [1001, 2003, 2004])
    for (const [name, edit] of Object.entries({ ...edits, ...only[uid] })) {
      const missed = events.filter((event) => event.class_uid === uid).filter((event) => {
        const copy = structuredClone(event);
        edit(copy);
        return of[uid](copy);
      });
      ok(!missed.length, `${judge} refuses each event of ${uid} ${name}`, missed[0]);
    }
}
process.exit(failed ? 1 : 0);
