// What a client is told: keys, who pays, where it calls, which way connections go.
import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { test } from "node:test";
import { DONE, GOOD, KEY, PARTIAL, PICTURE, api, asked, client, json, served, thrown } from "./served.mjs";

/** A fetch that leads to another server, and keeps what was asked. */
function led(to, seen = []) {
  const leads = (url, init) => {
    seen.push([String(url), Object.fromEntries(init.headers)]);
    return fetch(`${to}/images/generations`, init);
  };
  return Object.assign(leads, { seen });
}

test("a key that a function gives is asked for before each request, and shown nowhere", async () => {
  const seen = [];
  const answer = (request, response) => {
    seen.push(request.headers.authorization);
    json(JSON.stringify({ error: { message: `bad ${request.headers.authorization}` } }), 503)(request, response);
  };
  let turn = 0;
  await served(answer, async (url) => {
    const told = { apiKey: async () => `sk-secret-${++turn}`, maxRetries: 1 };
    const error = await thrown(client(url, told).images.generate(asked, { headers: {} }));
    assert.deepEqual(seen, ["Bearer sk-secret-1", "Bearer sk-secret-2"]);
    assert.equal(error.message, "bad Bearer [key]");
    await thrown(client(url, told).withOptions({ timeout: 5000 }).images.generate(asked));
    assert.equal(seen[2], "Bearer sk-secret-3");
  });
  await served(json(GOOD), async (url, requests) => {
    const why = new Error("no token");
    const failed = await thrown(client(url, { apiKey: () => Promise.reject(why) }).images.generate(asked));
    assert.ok(failed instanceof api.APIError && failed.cause === why);
    const wrong = await thrown(client(url, { apiKey: () => undefined }).images.generate(asked));
    assert.match(wrong.message, /^apiKey: the function gave undefined, not a key/);
    const late = await thrown(client(url, { apiKey: () => new Promise(() => undefined), timeout: 50 }).images.generate(asked));
    assert.ok(late instanceof api.APIConnectionTimeoutError);
    assert.equal(requests.length, 0);
  });
});

test("who pays is told where it was said, and by the environment to OpenAI alone", async () => {
  process.env.OPENAI_ORG_ID = "org-env";
  process.env.OPENAI_PROJECT_ID = "proj-env";
  try {
    await served(json(GOOD), async (to) => {
      const fetch = led(to);
      const told = async (options) => {
        await new api.Client({ apiKey: KEY, fetch, ...options }).images.generate(asked);
        const [, headers] = fetch.seen.at(-1);
        return [headers["openai-organization"], headers["openai-project"]];
      };
      assert.deepEqual(await told({}), ["org-env", "proj-env"]);
      assert.deepEqual(await told({ organization: "org-own", project: null }), ["org-own", undefined]);
      assert.deepEqual(await told({ baseURL: "https://gateway.example/v1" }), [undefined, undefined]);
      assert.deepEqual(await told({ baseURL: "http://api.openai.com/v1" }), [undefined, undefined]);
      assert.deepEqual(await told({ baseURL: "https://gateway.example/v1", organization: "org-own" }), ["org-own", undefined]);
      const moved = new api.Client({ apiKey: KEY, fetch }).withOptions({ baseURL: "https://gateway.example/v1" });
      await moved.images.generate(asked);
      assert.equal(fetch.seen.at(-1)[1]["openai-organization"], undefined);
    });
  } finally {
    delete process.env.OPENAI_ORG_ID;
    delete process.env.OPENAI_PROJECT_ID;
  }
});

test("Azure is called by what its portal shows", async () => {
  await served(json(GOOD), async (to) => {
    const fetch = led(to);
    const told = async (options, model = "m") => {
      await api.Client.azure({ apiKey: KEY, fetch, ...options }).images.generate({ prompt: "x", model });
      const [url, headers] = fetch.seen.at(-1);
      assert.equal(headers["api-key"], KEY);
      assert.equal(headers.authorization, undefined);
      return url;
    };
    const host = "https://mine.openai.azure.com";
    const whole = `${host}/openai/deployments/my%20pictures/images/generations?api-version=2025-04-01-preview`;
    assert.equal(await told({ endpoint: whole }), whole);
    assert.equal(await told({ endpoint: whole, deployment: "d", apiVersion: "v" }), `${host}/openai/deployments/d/images/generations?api-version=v`);
    assert.equal(await told({ endpoint: host, apiVersion: "v" }), `${host}/openai/deployments/m/images/generations?api-version=v`);
    assert.equal(await told({ endpoint: `${host}/openai/v1/images/edits` }), `${host}/openai/v1/images/generations`);
    assert.equal(await told({ endpoint: `${host}/openai/v1/`, apiVersion: "preview" }), `${host}/openai/v1/images/generations?api-version=preview`);
    assert.equal(await told({ endpoint: "https://gate.example/azure/openai", apiVersion: "v" }), "https://gate.example/azure/openai/deployments/m/images/generations?api-version=v");
    assert.throws(() => api.Client.azure({ endpoint: host, apiKey: KEY }), /^TypeError: apiVersion is missing: .*Target URI/);
    assert.throws(() => api.Client.azure({ apiVersion: "v" }), /^TypeError: endpoint must be a URL .*not undefined/);
    assert.throws(() => api.Client.azure({ endpoint: `${host}/openai/v1`, deployment: "d" }), /model of each call/);
  });
});

test("a base URL without a server is told, and its key goes nowhere", () => {
  const told = (baseURL) => new api.Client({ baseURL, apiKey: KEY }).baseURL;
  assert.throws(() => told("/v1"), /^TypeError: baseURL "\/v1" names no server, .*write https:\/\/HOST\/v1$/);
  assert.throws(() => told("//v1/images"), /names no server/);
  assert.throws(() => told("v1"), /^TypeError: baseURL "v1" has no scheme: write https:\/\/v1/);
  assert.throws(() => told("gateway/v1"), /has no scheme: write https:\/\/gateway\/v1/);
  assert.equal(told("gateway.example/v1"), "https://gateway.example/v1");
  assert.equal(told("gateway:8000/v1"), "https://gateway:8000/v1");
  assert.equal(told("https://host/v1/models"), "https://host/v1");
  assert.equal(told("https://host/v1/models/"), "https://host/v1");
  assert.equal(told(new URL("https://host/api")), "https://host/api");
  globalThis.location = { origin: "https://page.example" };
  try {
    assert.equal(told("/api/v1"), "https://page.example/api/v1");
    assert.equal(told("//other.example/v1"), "https://other.example/v1");
  } finally {
    delete globalThis.location;
  }
});

test("the query of a URL goes with that URL, what was said beside it stays", async () => {
  await served(json(GOOD), async (url, requests) => {
    const one = client(`${url}?api-version=1`, { defaultQuery: { team: "a" } });
    await one.images.generate(asked);
    await one.withOptions({ baseURL: `${url}/far` }).images.generate(asked);
    await one.withOptions({ baseURL: `${url}?api-version=2`, defaultQuery: { more: "b" } }).images.generate(asked);
    await one.withOptions({ timeout: 5000 }).images.generate(asked, { query: { team: undefined } });
    assert.deepEqual(requests.map((request) => request.url), [
      "/v1/images/generations?api-version=1&team=a",
      "/v1/far/images/generations?team=a",
      "/v1/images/generations?api-version=2&team=a&more=b",
      "/v1/images/generations?api-version=1&team=a",
    ]);
  });
});

test("undefined is not said, also by the option body", async () => {
  await served(json(GOOD), async (url, requests) => {
    await client(url).images.generate(asked, { body: { model: undefined, seed: 7 }, headers: { "x-own": undefined } });
    assert.deepEqual(JSON.parse(requests[0].text), { ...asked, seed: 7 });
  });
});

test("connections go the way that fetchOptions say, downloads too, however long an answer takes", async () => {
  await fetch("data:,"); // which loads what it sends with
  const { constructor: Agent } = globalThis[Symbol.for("undici.globalDispatcher.1")];
  const hasty = new Agent({ headersTimeout: 50 });
  const paths = [];
  const dispatcher = { dispatch: (options, handler) => (paths.push(options.path), hasty.dispatch(options, handler)) };
  const answer = (request, response) =>
    request.method === "GET"
      ? response.end(PICTURE)
      : setTimeout(() => json(JSON.stringify({ created: 1, data: [{ url: `http://${request.headers.host}/a.png` }] }))(request, response), 1500);
  await served(answer, async (url, requests) => {
    const [one] = (await client(url, { fetchOptions: { dispatcher } }).images.generate(asked)).data;
    assert.deepEqual(Buffer.from(await one.toBytes()), PICTURE);
    assert.deepEqual(paths, ["/v1/images/generations", "/a.png"]);
    assert.equal(requests[1].headers.authorization, undefined);
  });
});

test("a fetch of another making is understood: its body of Node's kind, or given whole alone", async () => {
  const kinds = {
    stream: (content) => ({ body: Readable.from([content.subarray(0, 9), content.subarray(9)]) }),
    whole: (content) => ({ body: undefined, arrayBuffer: async () => new Uint8Array(content).buffer }),
  };
  const answers = (request, response) => {
    if (request.method === "GET") response.end(PICTURE);
    else if (request.headers["x-stream"]) response.setHeader("content-type", "text/event-stream").end(PARTIAL + DONE);
    else json(JSON.stringify({ created: 1, data: [{ url: `http://${request.headers.host}/a.png` }] }))(request, response);
  };
  await served(answers, async (url) => {
    for (const kind of Object.values(kinds)) {
      const own = async (...told) => {
        const { ok, status, headers, ...rest } = await fetch(...told).then(async (one) => ({
          ok: one.ok, status: one.status, headers: one.headers, content: Buffer.from(await one.arrayBuffer()),
        }));
        return { ok, status, headers, ...kind(rest.content) };
      };
      const one = client(url, { fetch: own });
      const [picture] = (await one.images.generate(asked)).data;
      assert.deepEqual(Buffer.from(await picture.toBytes()), PICTURE);
      const stream = await one.images.generate({ ...asked, stream: true }, { headers: { "x-stream": "1" } });
      assert.equal((await stream.finalImages()).length, 1);
    }
  });
});

test("what is no option, or no value for one, is told by name and without its value", async () => {
  const made = (options) => () => new api.Client(options);
  const cases = [
    [{ fetch: 5 }, /^TypeError: fetch must be a function like fetch, not 5$/],
    [{ onRetry: 5 }, /^TypeError: onRetry must be a function, not 5$/],
    [{ apiKey: 5 }, /^TypeError: apiKey must be a text, or a function that gives one, not 5$/],
    [{ baseURL: 5 }, /^TypeError: baseURL must be a URL/],
    [{ defaultHeaders: "x" }, /^TypeError: defaultHeaders must be an object of texts, or Headers, not a string$/],
    [{ defaultHeaders: { "a b": "c" } }, /^TypeError: "a b" is no name of a header$/],
    [{ defaultQuery: "a=b" }, /^TypeError: defaultQuery must be an object/],
    [{ timeout: "5" }, /^TypeError: timeout must be milliseconds above 0, or null for none, not a string$/],
    [{ validate: "eror" }, /^TypeError: validate must be "warn", "error" or "off", not a string$/],
    [{ fetchOptions: 5 }, /^TypeError: fetchOptions must be an object/],
    [{ baseUrl: "https://host" }, /^TypeError: the client has no option baseUrl: it is baseURL$/],
    [{ api_key: KEY }, /^TypeError: the client has no option api_key: it is apiKey$/],
    [{ key: KEY }, /^TypeError: the client has no option key; there are apiKey, baseURL, /],
    [null, /^TypeError: the client takes an object of options, not null$/],
    [KEY, /^TypeError: the client takes an object of options, not a string$/],
  ];
  for (const [options, said] of cases) assert.throws(made(options), (error) => said.test(String(error)) && !String(error).includes("secret"));
  await served(json(GOOD), async (url, requests) => {
    const { images } = client(url);
    for (const params of [null, "a fox", 5, ["x"]]) {
      assert.match((await thrown(images.generate(params))).message, /^images\.generate\(\) takes an object of parameters, not /);
    }
    class Wish {
      prompt = "x";
      model = "of-nobody";
    }
    await images.generate(new Wish());
    assert.deepEqual(JSON.parse(requests.pop().text), asked);
    assert.match((await thrown(images.generate(asked, "x"))).message, /^images\.generate\(\) takes an object of options, not a string$/);
    assert.match((await thrown(images.generate(asked, { model: "x" }))).message, /^images\.generate\(\) has no option model; there are headers, /);
    assert.match((await thrown(images.generate(asked, { signal: 5 }))).message, /^signal must be an AbortSignal, not 5$/);
    assert.match((await thrown(images.generate(asked, { headers: { a: "b\n" } }))).message, /^header "a" must be printable ASCII$/);
    assert.equal(requests.length, 0);
  });
});

test("models are gone through in a loop, before or after they are waited for", async () => {
  const listed = { object: "list", data: [{ id: "a" }, { id: "b" }] };
  await served(json(JSON.stringify(listed)), async (url, requests) => {
    const one = client(url);
    const found = [];
    for await (const model of one.models.list()) found.push(model.id);
    const page = await one.models.list();
    for await (const model of page) found.push(model.id);
    assert.deepEqual(found, ["a", "b", "a", "b"]);
    assert.deepEqual(JSON.parse(JSON.stringify(page)), listed);
    assert.deepEqual(Object.keys(page), ["object", "data"]);
    assert.equal(requests.length, 2);
    const { data } = await one.models.list().withResponse();
    assert.equal(data.data.length, 2);
  });
  await served(json('{"models": []}'), async (url) => {
    const error = await thrown(async () => {
      for await (const model of client(url).models.list()) assert.fail(model);
    });
    assert.ok(error instanceof api.APIResponseValidationError && error.message === "the answer has no list data");
  });
});
