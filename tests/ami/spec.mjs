// SPDX-License-Identifier: Apache-2.0
// usage: node spec.mjs DIR TYPE... >SPEC.json
// What CloudFormation says of these types of resources, out of npm's @aws-cdk/aws-service-spec
// that was installed below DIR.
import { createRequire } from 'node:module';
import { resolve } from 'node:path';

const [dir, ...wanted] = process.argv.slice(2);
const { loadAwsServiceSpec } = createRequire(`${resolve(dir)}/`)('@aws-cdk/aws-service-spec');
const db = await loadAwsServiceSpec();
const spec = { resources: {}, types: {} };

const describe = (owner) => Object.fromEntries(Object.entries(owner.properties).map(
	([name, property]) => {
		follow(property.type);
		return [name, { type: property.type, required: Boolean(property.required) }];
	}));

// Types that a type is made of are written once, by their number.
function follow(type) {
	if (type.element) follow(type.element);
	for (const part of type.types ?? []) follow(part);
	const id = type.reference?.$ref;
	if (!id || spec.types[id]) return;
	spec.types[id] = {};
	spec.types[id] = describe(db.get('typeDefinition', id));
}

for (const type of wanted) {
	const [resource] = db.lookup('resource', 'cloudFormationType', 'equals', type);
	if (resource)
		spec.resources[type] = { properties: describe(resource), attributes: Object.keys(resource.attributes) };
}
process.stdout.write(JSON.stringify(spec));
