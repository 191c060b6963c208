// What errors are, and what they show.
import assert from "node:assert/strict";
import { test } from "node:test";
import util from "node:util";
import { GOOD, KEY, api, asked, client, json, served, thrown } from "./served.mjs";

test("all errors have one root, and tell what was thrown before", async () => {
  const { OpenAIError, default: OpenAI } = api;
  const gone = await served(json(GOOD), async (url) => url);
  const error = await thrown(client(gone).images.generate(asked));
  assert.ok(error instanceof OpenAIError && error instanceof OpenAI.OpenAIError && error instanceof api.APIError);
  assert.equal(error.cause.cause.code, "ECONNREFUSED");
  assert.ok(error.cause instanceof TypeError && error.cause.cause instanceof Error);
  assert.equal(Object.getPrototypeOf(OpenAIError), Error);
  assert.ok(!(new OpenAIError("x") instanceof api.APIError));
  await served(json(GOOD), async (url) => {
    const broken = await thrown(client(url, { validate: "error" }).images.generate({ prompt: "x", model: "gpt-image-1", size: "7x7" }));
    assert.ok(broken instanceof OpenAIError && broken instanceof api.RequestRuleError);
  });
});

test("an error that is printed shows no key, whoever threw it, and little of a long answer", async () => {
  const headers = { authorization: `Bearer ${KEY}` };
  const inner = Object.assign(new Error(`inner ${KEY}`), { code: "E_OWN", request: new Request("http://h/", { headers }) });
  const hostile = Object.assign(new Error(`failed with ${KEY}`, { cause: inner }), { config: { headers }, errors: [inner, `text ${KEY}`] });
  const fetch = () => Promise.reject(hostile);
  const error = await thrown(client("http://127.0.0.1:9/v1", { fetch }).images.generate(asked));
  assert.equal(error.cause.cause.code, "E_OWN");
  assert.match(error.message, /failed with \[key\]: inner \[key\]/);
  const shown = [error, error.stack, error.cause, error.cause.errors, String(error), { ...error }, JSON.stringify(error.cause)];
  for (const one of shown) assert.ok(!util.inspect(one, { depth: 9, showHidden: true }).includes("secret"), util.inspect(one));

  const page = `<html>${"x".repeat(500_000)}</html>`;
  for (const body of [page, JSON.stringify({ error: { message: page, code: "c" } })]) {
    await served((_, response) => response.writeHead(502).end(body), async (url) => {
      const long = await thrown(client(url).images.generate(asked));
      assert.equal(long.raw, body);
      assert.ok(util.inspect(long).length < 10_000 && long.message.length < 3000);
    });
  }
});

test("a key of any length that a server repeats is masked, and the words around it stay", async () => {
  for (const [key, said, shown] of [
    ["EMPTY", "the key EMPTY is EMPTYING", "the key [key] is EMPTYING"],
    ["k1", "Incorrect API key provided: k1.", "Incorrect API key provided: [key]."],
    ["12345", "bad key Bearer 12345 (12345 tries)", "bad key Bearer [key] (12345 tries)"],
    ["null", "bad key 'null'", "bad key '[key]'"],
    ["123456789", "bad 123456789", "bad [key]"],
    ["sk-a/b+c==", "bad sk-a\\/b%2Bc== and SK-A/B+C==", "bad [key] and [key]"],
  ]) {
    await served(json(JSON.stringify({ error: { message: said, param: null, n: 12345 } }), 401), async (url) => {
      const error = await thrown(client(url, { apiKey: key }).images.generate(asked));
      assert.equal(error.message, shown);
      assert.deepEqual([error.param, error.error.n], [null, 12345]); // what was JSON is
    });
  }
});

test("a key is masked whoever set it: in headers of the client or of a call, in the query", async () => {
  const echo = (request, response) => {
    const { authorization, "api-key": own, "x-trace": trace, "idempotency-key": once } = request.headers;
    const said = [authorization, own, request.url, trace, once].join(" | ");
    json(JSON.stringify({ error: { message: said } }), 400)(request, response);
  };
  await served(echo, async (url) => {
    const told = { defaultHeaders: { Authorization: "Basic c2VjcmV0OnNlY3JldA==", "X-Trace": "t-1" } };
    const one = new api.Client({ baseURL: `${url}?api_key=secret-of-query&api-version=2`, apiKey: "", maxRetries: 0, ...told });
    const error = await thrown(one.images.generate(asked, { headers: { "api-key": "secret-of-call", "Idempotency-Key": "k-1" } }));
    assert.equal(error.message, "Basic [key] | [key] | /v1/images/generations?api_key=[key]&api-version=2 | t-1 | k-1");
    const gone = await served(json(GOOD), async (nobody) => nobody);
    const lost = await thrown(one.withOptions({ baseURL: `${gone}?key=secret-of-query` }).images.generate(asked));
    assert.ok(!util.inspect(lost, { depth: 9, showHidden: true }).includes("secret"), util.inspect(lost));
  });
});
