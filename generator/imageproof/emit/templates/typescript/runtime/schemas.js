// Values held against the part of JSON Schema that the table of rules is written in.

import { isPlain } from "./values.js";

/**
 * @typedef {object} Fault A keyword of a schema that a value breaks, with the rule nearest to it, and the faults of
 *   alternatives.
 * @property {readonly (string | number)[]} path
 * @property {string} keyword
 * @property {unknown} limit
 * @property {string} rule
 * @property {readonly Fault[]} inner
 */

/** @typedef {any} Schema */

/** @type {Record<string, (value: unknown) => boolean>} */
const TYPES = {
  string: (value) => typeof value === "string",
  integer: (value) => Number.isInteger(value),
  number: (value) => typeof value === "number",
  boolean: (value) => typeof value === "boolean",
  null: (value) => value === null,
  array: (value) => Array.isArray(value),
  object: isPlain,
};

/** @type {Record<string, (limit: any, value: any) => boolean>} */
const CHECKS = {
  type: (limit, value) => [limit].flat().some((one) => TYPES[one]?.(value)),
  enum: (limit, value) => /** @type {unknown[]} */ (limit).some((one) => isEqual(value, one)),
  const: (limit, value) => isEqual(value, limit),
  minimum: (limit, value) => typeof value !== "number" || value >= limit,
  maximum: (limit, value) => typeof value !== "number" || value <= limit,
  exclusiveMinimum: (limit, value) => typeof value !== "number" || value > limit,
  exclusiveMaximum: (limit, value) => typeof value !== "number" || value < limit,
  multipleOf: (limit, value) => typeof value !== "number" || value % limit === 0,
  minLength: (limit, value) => typeof value !== "string" || lengthOf(value) >= limit,
  maxLength: (limit, value) => typeof value !== "string" || lengthOf(value) <= limit,
  pattern: (limit, value) => typeof value !== "string" || new RegExp(limit, "u").test(value),
  minItems: (limit, value) => !Array.isArray(value) || value.length >= limit,
  maxItems: (limit, value) => !Array.isArray(value) || value.length <= limit,
  uniqueItems: (limit, value) => !limit || !Array.isArray(value) || areUnique(value),
  minProperties: (limit, value) => !isPlain(value) || Object.keys(value).length >= limit,
  maxProperties: (limit, value) => !isPlain(value) || Object.keys(value).length <= limit,
  required: (limit, value) => !isPlain(value) || /** @type {string[]} */ (limit).every((name) => name in value),
};

/** @type {Record<string, string>} */
const SENTENCES = {
  type: "must be of type {}",
  enum: "must be one of {}",
  const: "must be {}",
  minimum: "must be at least {}",
  maximum: "must be at most {}",
  exclusiveMaximum: "must be less than {}",
  minLength: "must have at least {} characters",
  maxLength: "must have at most {} characters",
  minItems: "must have at least {} items",
  maxItems: "must have at most {} items",
  minProperties: "must have at least {} members",
  maxProperties: "must have at most {} members",
};

/**
 * The keywords of a schema that a value breaks.
 *
 * @param {Schema} schema
 * @param {unknown} value
 * @param {readonly (string | number)[]} [path]
 * @param {string} [outer] The rule nearest to the schema.
 * @returns {Fault[]}
 */
export function faultsOf(schema, value, path = [], outer = "") {
  if (typeof schema === "boolean") {
    return schema ? [] : [{ path, keyword: "false", limit: undefined, rule: outer, inner: [] }];
  }
  const rule = schema["x-rule"] ?? outer;
  const own = Object.entries(schema).filter(([keyword, limit]) => CHECKS[keyword] && !CHECKS[keyword](limit, value));
  const found = own.map(([keyword, limit]) => ({ path, keyword, limit, rule, inner: [] }));
  return [...found, ...below(schema, value, path, rule), ...composed(schema, value, path, rule)];
}

/**
 * Faults of members and items.
 *
 * @param {Schema} schema
 * @param {unknown} value
 * @param {readonly (string | number)[]} path
 * @param {string} rule
 * @returns {Fault[]}
 */
function below(schema, value, path, rule) {
  if (Array.isArray(value) && "items" in schema) {
    return value.flatMap((item, index) => faultsOf(schema.items, item, [...path, index], rule));
  }
  if (!isPlain(value)) return [];
  const known = Object.keys(schema.properties ?? {});
  const inside = known.filter((name) => name in value);
  const found = inside.flatMap((name) => faultsOf(schema.properties[name], value[name], [...path, name], rule));
  const stray = schema.additionalProperties === false && Object.keys(value).some((name) => !known.includes(name));
  if (stray) found.push({ path, keyword: "additionalProperties", limit: known.sort(), rule, inner: [] });
  return found;
}

/**
 * @param {Schema} schema
 * @param {unknown} value
 * @param {readonly (string | number)[]} path
 * @param {string} rule
 * @returns {Fault[]}
 */
function composed(schema, value, path, rule) {
  /** @type {Fault[]} */
  const found = [];
  for (const part of schema.allOf ?? []) found.push(...faultsOf(part, value, path, rule));
  for (const keyword of ["anyOf", "oneOf"]) {
    const tried = (schema[keyword] ?? []).map((/** @type {Schema} */ part) => faultsOf(part, value, path, rule));
    const good = tried.filter((/** @type {Fault[]} */ one) => !one.length).length;
    if (tried.length && (!good || (keyword === "oneOf" && good > 1))) {
      found.push({ path, keyword, limit: undefined, rule, inner: good ? [] : tried.flat() });
    }
  }
  if ("not" in schema && !faultsOf(schema.not, value).length) {
    found.push({ path, keyword: "not", limit: undefined, rule, inner: [] });
  }
  if ("if" in schema) {
    const branch = faultsOf(schema.if, value).length ? "else" : "then";
    found.push(...faultsOf(schema[branch] ?? true, value, path, rule));
  }
  return found;
}

/**
 * @param {Fault} fault
 * @param {string} [whose]
 */
export function said({ path, keyword, limit }, whose = "") {
  const told = (Array.isArray(limit) ? limit.join(", ") : String(limit)).slice(0, 200);
  const sentence = (SENTENCES[keyword] ?? `breaks \`${keyword}: {}\``).replace("{}", () => told);
  return whose ? `${whose}${path.join(".")} ${sentence}` : sentence;
}

/**
 * The values that a schema names.
 *
 * @param {Schema} schema
 * @returns {unknown[]}
 */
export function listedIn(schema) {
  const own = [...(schema.enum ?? []), ...("const" in schema ? [schema.const] : [])];
  const plain = own.filter((one) => typeof one !== "object" || one === null);
  return [...plain, ...(schema.anyOf ?? []).flatMap(listedIn)];
}

/**
 * Code points, which is how JSON Schema counts.
 *
 * @param {string} text
 */
function lengthOf(text) {
  return [...text].length;
}

/**
 * @param {unknown} one
 * @param {unknown} other
 * @returns {boolean}
 */
function isEqual(one, other) {
  if (Array.isArray(one) && Array.isArray(other)) {
    return one.length === other.length && one.every((item, at) => isEqual(item, other[at]));
  }
  if (!isPlain(one) || !isPlain(other)) return one === other;
  const names = Object.keys(one);
  return names.length === Object.keys(other).length && names.every((name) => isEqual(one[name], other[name]));
}

/** @param {readonly unknown[]} list */
function areUnique(list) {
  return list.every((one, at) => !list.slice(at + 1).some((other) => isEqual(one, other)));
}
