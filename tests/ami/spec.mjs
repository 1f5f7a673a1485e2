// SPDX-License-Identifier: Apache-2.0
// usage: node spec.mjs TYPE... >SPEC.json, where "npm install @aws-cdk/aws-service-spec" was run
import { loadAwsServiceSpec } from '@aws-cdk/aws-service-spec';

const db = await loadAwsServiceSpec();

function describe(owner, seen) {
	const out = { properties: [], required: [], types: {} };
	for (const [name, property] of Object.entries(owner.properties)) {
		out.properties.push(name);
		if (property.required) out.required.push(name);
		let type = property.type;
		while (type && type.type === 'array') type = type.element;
		if (type && type.type === 'ref' && !seen.includes(type.reference.$ref))
			out.types[name] = describe(db.get('typeDefinition', type.reference.$ref), [...seen, type.reference.$ref]);
	}
	return out;
}

const spec = {};
for (const type of process.argv.slice(2)) {
	const [resource] = db.lookup('resource', 'cloudFormationType', 'equals', type);
	if (resource) spec[type] = describe(resource, []);
}
process.stdout.write(JSON.stringify(spec));
