// What no case of the one wire can say: how bytes are cut, who aborts, what is shown of a key, where a download may lead.
// Run by `node --test`, against servers of this machine.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import util from "node:util";
import { DONE, GOOD, KEY, PARTIAL, PNG, api, asked, client, dice, here, json, served } from "./served.mjs";

const { EventReader } = await import(`${here}/typescript/src/stream.js`);
const { isPublic } = await import(`${here}/typescript/src/addresses.js`);
const { fromBase64 } = await import(`${here}/typescript/src/base64.js`);

test("events are the same however their bytes are cut", () => {
  const text = '\ufeff: hi\r\nevent: a\r\ndata: {"é狐": 1}\r\rdata: x\ndata:y\n\nid: 3\nretry\n\ndata: [DONE]\n\ndata: last';
  const bytes = new TextEncoder().encode(text);
  const wanted = [
    { event: "a", data: '{"é狐": 1}' },
    { event: "", data: "x\ny" },
    { event: "", data: "[DONE]" },
    { event: "", data: "last" },
  ];
  const roll = dice(7);
  const cuts = [...Array(bytes.length).keys()].map((at) => [at]);
  for (let turn = 0; turn < 500; turn++) cuts.push(Array.from({ length: 1 + roll(9) }, () => roll(bytes.length)).sort((a, b) => a - b));
  for (const places of cuts) {
    const reader = new EventReader();
    const found = [];
    [0, ...places].forEach((at, index) => found.push(...reader.feed(bytes.slice(at, places[index] ?? bytes.length))));
    found.push(...reader.end());
    assert.deepEqual(found, wanted);
  }
});

test("an event of 50 MB is read in time that grows with its size alone", () => {
  const reader = new EventReader();
  const piece = new Uint8Array(65536).fill(65);
  assert.deepEqual([...reader.feed(new TextEncoder().encode("data: "))], []);
  for (let count = 0; count < 800; count++) assert.deepEqual([...reader.feed(piece)], []);
  const [event] = [...reader.feed(new TextEncoder().encode("\n\n"))];
  assert.equal(event.data.length, 800 * 65536);
});

test("a thousand mutated answers bring a result or an error of the tree", async () => {
  const roll = dice(11);
  let body = GOOD;
  await served((request, response) => json(body)(request, response), async (url) => {
    const one = client(url);
    for (let turn = 0; turn < 1000; turn++) {
      const bytes = Buffer.from(GOOD);
      for (let count = 0; count <= roll(4); count++) bytes[roll(bytes.length)] = roll(256);
      body = roll(3) ? bytes : bytes.subarray(0, roll(bytes.length));
      try {
        const answer = await one.images.generate(asked);
        for (const picture of answer.data) await picture.toBytes();
      } catch (error) {
        assert.ok(error instanceof api.APIError, util.inspect(error));
      }
    }
  });
});

test("base64 in any spelling is read, and nothing else", () => {
  const told = (text) => fromBase64(text) && Buffer.from(fromBase64(text)).toString();
  for (const text of ["aGk/", "aGk_", "aG\nk/", " aGk/ ", "data:image/png;base64,aGk/", "data:,hi%3f"]) assert.equal(told(text), "hi?");
  for (const text of ["aGk=", "aGk", "data:text/plain;base64,aGk"]) assert.equal(told(text), "hi");
  for (const text of ["a", "aGk/!", "<html>", "aG=k", "aGk/a"]) assert.equal(told(text), undefined);
});

test("the key is in nothing that is printed", async () => {
  const echo = (request, response) => {
    response.statusCode = 400;
    response.setHeader("x-request-id", `req-${KEY}`).setHeader("x-echo", KEY);
    response.end(JSON.stringify({ error: { message: `bad ${request.headers.authorization}`, param: encodeURIComponent(KEY) } }));
  };
  await served(echo, async (url) => {
    const one = client(url);
    const error = await one.images.generate(asked).catch((caught) => caught);
    assert.equal(error.message, "bad Bearer [key]");
    const shown = [one, error, error.headers, error.requestID, error.raw, JSON.stringify(one), String(error.stack), `${one}`];
    for (const value of shown) {
      const text = util.inspect(value, { depth: 9, showHidden: true });
      assert.ok(!text.includes("secret"), text);
    }
  });
});

test("the caller's signal and the clock end a call, each with its own error", async () => {
  await served(() => undefined, async (url) => {
    const late = client(url, { timeout: 30 });
    await assert.rejects(late.images.generate(asked), { name: "APIConnectionTimeoutError" });
    const stop = new AbortController();
    const call = client(url).images.generate(asked, { signal: stop.signal });
    stop.abort();
    await assert.rejects(call, { name: "APIUserAbortError" });
    await assert.rejects(client(url).images.generate(asked, { signal: stop.signal }), { name: "APIUserAbortError" });
  });
});

test("a stream gives each event when it comes, and ends with its loop", async () => {
  let closed;
  const ended = new Promise((done) => (closed = done));
  let next;
  const stream = (_, response) => {
    response.on("close", closed);
    response.setHeader("content-type", "text/event-stream");
    const event = (number) => `data: ${JSON.stringify({ type: "image_generation.partial_image", partial_image_index: number, b64_json: PNG })}\n\n`;
    response.write(event(0));
    next = () => response.write(event(1));
  };
  await served(stream, async (url) => {
    const found = [];
    for await (const event of await client(url).images.generate({ ...asked, stream: true })) {
      found.push(event.partial_image_index);
      if (found.length === 2) break;
      next();
    }
    assert.deepEqual(found, [0, 1]);
    await ended;
  });
});

test("an aborted stream says so", async () => {
  const stream = (_, response) => response.setHeader("content-type", "text/event-stream").write(`data: {"type": "x"}\n\n`);
  await served(stream, async (url) => {
    const events = await client(url).images.generate({ ...asked, stream: true });
    await assert.rejects(async () => {
      for await (const event of events) assert.ok(event && !events.controller.abort());
    }, { name: "APIUserAbortError" });
  });
});

test("a call that Node's own fetch would give up is waited for", async () => {
  await fetch("data:,"); // which loads it
  const name = Symbol.for("undici.globalDispatcher.1");
  const own = globalThis[name];
  const hasty = new own.constructor({ headersTimeout: 50, bodyTimeout: 50 });
  globalThis[name] = hasty;
  try {
    await served((request, response) => setTimeout(() => json(GOOD)(request, response), 1500), async (url) => {
      await assert.rejects(fetch(url, { method: "POST" }));
      assert.equal((await client(url).images.generate(asked)).data.length, 1);
    });
  } finally {
    globalThis[name] = own;
  }
});

test("a program ends when its calls have, whatever it did not read", async () => {
  await served(json(GOOD), async (url) => {
    const text = `import { Client } from ${JSON.stringify(`${here}/typescript/src/index.js`)};
      const client = new Client({ baseURL: ${JSON.stringify(url)}, apiKey: "x" });
      const response = await client.images.generate({ prompt: "x" }).asResponse();
      console.log(response.status, (await response.json()).created);`;
    const done = await util.promisify(execFile)(process.execPath, ["--input-type=module", "-e", text], { timeout: 20_000 });
    assert.equal(done.stdout, "200 1\n");
  });
});

test("the answer is there as it came, and beside what is made of it", async () => {
  const told = (_, response) => response.setHeader("x-request-id", "req-1").end(GOOD);
  await served(told, async (url, requests) => {
    const raw = await client(url).images.generate(asked).asResponse();
    assert.equal(await raw.text(), GOOD);
    const { data, response, request_id } = await client(url).images.generate(asked).withResponse();
    assert.deepEqual([data.data.length, data._request_id, response.status, request_id], [1, "req-1", 200, "req-1"]);
    assert.deepEqual(Object.keys(data), ["created", "data"]);
    assert.equal(requests.length, 2);
    const late = client(url).images.generate(asked);
    await late;
    await assert.rejects(late.asResponse(), /^TypeError: asResponse\(\) comes too late/);
  });
});

test("addresses of the open Internet are told from others", () => {
  const open = ["8.8.8.8", "1.1.1.1", "172.32.0.1", "2606:4700::1111", "::ffff:8.8.8.8", "2002:808:808::1", "64:ff9b::808:808"];
  const closed = [
    ...["127.0.0.1", "10.1.2.3", "100.64.0.1", "169.254.169.254", "172.16.0.1", "192.168.0.1", "0.0.0.0", "224.0.0.1"],
    ...["255.255.255.255", "198.18.0.1", "::1", "::", "fe80::1", "fc00::1", "::ffff:127.0.0.1", "2002:7f00:1::"],
    ...["64:ff9b::7f00:1", "2001:db8::1", "2001::1", "ff02::1", "fe80::1%eth0"],
  ];
  assert.deepEqual(open.filter((one) => !isPublic(one)), []);
  assert.deepEqual(closed.filter(isPublic), []);
});

test("a download carries no key, and leads to no private address from a public API", async () => {
  const links = (request, response) => {
    if (request.url === "/file") response.end(Buffer.from(PNG, "base64"));
    else if (request.url === "/there") response.writeHead(302, { location: "/file" }).end();
    else if (request.url === "/round") response.writeHead(302, { location: "/round" }).end();
    else if (request.url === "/scheme") response.writeHead(302, { location: "https://127.0.0.1/" }).end();
    else if (request.url === "/gone") response.writeHead(404).end("gone");
    else if (request.url === "/nothing") response.end();
    else json(JSON.stringify({ created: 1, data: [{ url: `http://${request.headers.host}${request.headers["x-link"]}` }] }))(request, response);
  };
  await served(links, async (url, requests, origin) => {
    const linked = async (link, options) => {
      const answer = await client(url, options).images.generate(asked, { headers: { "x-link": link } });
      return answer.data[0];
    };
    for (const link of ["/file", "/there"]) {
      const one = await linked(link);
      assert.equal((await one.toBytes()).length, Buffer.from(PNG, "base64").length);
      await one.toBytes();
      assert.deepEqual(one.size, { width: 1, height: 1 });
    }
    const downloads = requests.filter((one) => one.method === "GET");
    assert.equal(downloads.length, 3);
    for (const one of downloads) assert.equal(one.headers.authorization, undefined);
    await assert.rejects((await linked("/round")).toBytes(), /more than 5 redirects/);
    await assert.rejects((await linked("/scheme")).toBytes(), /a redirect from http to https/);
    await assert.rejects((await linked("/gone")).toBytes(), { name: "NotFoundError" });
    await assert.rejects((await linked("/nothing")).toBytes(), /empty/);
    await assert.rejects((await linked("/file")).toBytes({ maxBytes: 10 }), /larger than 10 bytes/);
    const publicly = { fetch: (_, init) => fetch(`${url}/images/generations`, init) };
    const one = (await new api.Client({ baseURL: "https://8.8.8.8/v1", apiKey: KEY, ...publicly }).images.generate(asked, {
      headers: { "x-link": "/file" },
    })).data[0];
    assert.ok(one.url.startsWith(origin));
    await assert.rejects(one.toBytes(), /127\.0\.0\.1 is at a private address/);
  });
});

test("one warning for each rule of a client, with parameter, rule and values", async (context) => {
  const warned = context.mock.method(console, "warn", () => undefined);
  await served(json(GOOD), async (url) => {
    const one = client(url);
    for (let turn = 0; turn < 3; turn++) await one.images.generate({ prompt: "x", model: "gpt-image-1", size: "7x7" });
    await one.images.generate({ prompt: "x", model: "gpt-image-1", size: "7x7" }, { validate: "off" });
    const [text] = warned.mock.calls.map((call) => call.arguments[0]);
    assert.equal(warned.mock.callCount(), 1);
    assert.match(text, /^RequestRuleWarning: images\.generate: size must be one of auto, 1024x1024.*\[size, GEN-SIZE-VALUES\]$/);
    const strict = one.withOptions({ validate: "error" });
    const error = await strict.images.generate({ prompt: "x", model: "gpt-image-1", size: "7x7" }).catch((caught) => caught);
    assert.ok(error instanceof api.RequestRuleError);
    assert.deepEqual([error.param, error.breaches[0].rule, error.breaches[0].allowed[0]], ["size", "GEN-SIZE-VALUES", "auto"]);
  });
});

test("what JSON has no word for is refused before it is paid for", async () => {
  const circle = {};
  circle.again = circle;
  for (const value of [NaN, Infinity, new Map(), Buffer.from("x"), 1n, () => 1, Promise.resolve(1), circle, [undefined]]) {
    await assert.rejects(client("http://127.0.0.1:9").images.generate({ ...asked, svg: value }), { name: "TypeError", message: /svg: / });
  }
});

test("masks are made and checked", async () => {
  const image = Buffer.from(await api.makeMask(Buffer.from(PNG, "base64"), [0, 0, 1, 1]));
  await api.checkMask(image, Buffer.from(PNG, "base64"));
  await assert.rejects(api.checkMask(Buffer.from("GIF89a____"), image), /no alpha channel/);
  await assert.rejects(api.makeMask(image, [0, 0, 2, 1]), RangeError);
  await assert.rejects(api.makeMask(image), RangeError);
  const whole = Buffer.from(PNG, "base64");
  for (let length = 0; length < whole.length; length++) {
    await assert.rejects(api.checkMask(whole.subarray(0, length), image), RangeError).catch((error) => {
      assert.equal(error.code, "ERR_ASSERTION"); // it may pass, and fails in no other way
    });
  }
  await assert.rejects(api.makeMask(Buffer.from("x"), [0, 0, 1, 1]), RangeError);
  await assert.rejects(api.makeMask("no.png", [0, 0, 1, 1]), /^TypeError: image: the file cannot be read: no\.png: ENOENT$/);
  await assert.rejects(api.checkMask(new Blob([image]), 5), /^TypeError: image: not a path, bytes/);
});

test("where a client calls, and what it refuses to be told", () => {
  const told = (baseURL) => new api.Client({ baseURL, apiKey: "" }).baseURL;
  assert.equal(told("https://host"), "https://host/v1");
  assert.equal(told("host.example/v1/"), "https://host.example/v1");
  assert.equal(told("localhost:9/api"), "http://localhost:9/api");
  assert.equal(told("LocalHost"), "http://localhost/v1");
  assert.equal(told("localhost.example.com"), "https://localhost.example.com/v1");
  assert.equal(told("https://host//v1/images/generations"), "https://host/v1");
  for (const bad of ["ftp://host", "https://user:word@host/v1", "https://"]) assert.throws(() => told(bad), TypeError);
  assert.throws(() => new api.Client({ apiKey: "sk with spaces" }), (error) => !error.message.includes("sk with"));
  assert.throws(() => new api.Client({ timeout: -1 }), /timeout/);
  assert.throws(() => new api.Client({ maxRetries: NaN }), /maxRetries/);
});

test("a default header stands for the key, or takes it away, and a number that is none is told before anything goes", async () => {
  const seen = [];
  const answer = (request, response) => {
    seen.push(request.headers.authorization);
    json(GOOD)(request, response);
  };
  await served(answer, async (baseURL) => {
    await client(baseURL).images.generate(asked);
    await client(baseURL, { defaultHeaders: { Authorization: "Basic other" } }).images.generate(asked);
    await client(baseURL).withOptions({ defaultHeaders: { authorization: null } }).images.generate(asked);
    for (const wrong of [{ timeout: -1 }, { timeout: NaN }, { timeout: 0 }, { maxRetries: NaN }, { maxRetries: -1 }]) {
      await assert.rejects(client(baseURL).images.generate(asked, wrong), TypeError);
    }
  });
  assert.deepEqual(seen, [`Bearer ${KEY}`, "Basic other", undefined]);
});

test("a finished picture stays, whoever read it and however the stream ends", async () => {
  const answer = (request, response) => {
    response.setHeader("content-type", "text/event-stream");
    response.write(PARTIAL + DONE);
    if (request.headers["x-break"]) setTimeout(() => response.destroy(), 50);
    else response.end();
  };
  await served(answer, async (baseURL) => {
    const whole = await client(baseURL).images.generate({ ...asked, stream: true });
    for await (const event of whole.partialImages()) assert.equal(event.partial_image_index, 0);
    await assert.rejects(async () => {
      for await (const event of whole) assert.fail(event);
    }, /^TypeError: a stream is gone through once/);
    assert.equal((await whole.finalImage()).type, "image_generation.completed");
    const broken = await client(baseURL, { defaultHeaders: { "x-break": "1" } }).images.generate({ ...asked, stream: true });
    const error = await broken.finalImages().catch((caught) => caught);
    assert.ok(error instanceof api.APIConnectionError);
    assert.deepEqual(error.finished.map((event) => event.type), ["image_generation.completed"]);
    assert.deepEqual(broken.finished.map((event) => event.type), ["image_generation.completed"]);
  });
});

test("a slow reader is not told that the server fell silent", async () => {
  const answer = (_, response) => {
    response.setHeader("content-type", "text/event-stream");
    response.write(PARTIAL);
    setTimeout(() => response.end(DONE), 20);
  };
  await served(answer, async (baseURL) => {
    const stream = await client(baseURL, { timeout: 300 }).images.generate({ ...asked, stream: true });
    const slowly = () => new Promise((done) => setTimeout(done, 450));
    await slowly();
    for await (const event of stream) if (event.type.endsWith("partial_image")) await slowly();
    assert.equal(stream.finished.length, 1);
  });
});
