// What a call may cost: which failures are followed by another request, and what of a paid answer stays.
import assert from "node:assert/strict";
import net from "node:net";
import { test } from "node:test";
import { DONE, GOOD, PARTIAL, PICTURE, api, asked, client, events, here, json, served, thrown, waited } from "./served.mjs";

const { reasonOf } = await import(`${here}/typescript/src/retry.js`);

const coded = (code, more = {}) => Object.assign(new Error(code), { code, ...more });
const fetched = (cause) => Object.assign(new TypeError("fetch failed"), { cause });
const each = (...errors) => Object.assign(new AggregateError(errors), { code: errors[0].code });
const connect = { syscall: "connect" };

test("a failure counts as unsent where nothing can have gone, and nowhere else", () => {
  const unsent = [
    fetched(coded("ECONNREFUSED", connect)),
    fetched(coded("ENOTFOUND", { syscall: "getaddrinfo" })),
    fetched(coded("EHOSTUNREACH", connect)),
    fetched(coded("ENETUNREACH", connect)),
    fetched(coded("ETIMEDOUT", connect)),
    fetched(coded("ECONNRESET", connect)),
    fetched(each(coded("ETIMEDOUT", connect), coded("ENETUNREACH", connect))),
    fetched(coded("UND_ERR_CONNECT_TIMEOUT")),
    coded("ConnectionRefused"),
    Object.assign(new TypeError("error sending request for url (http://h/v1): client error (Connect): refused")),
  ];
  const sent = [
    fetched(coded("EHOSTUNREACH", { syscall: "read" })),
    fetched(coded("ENETUNREACH", { syscall: "write" })),
    fetched(coded("ETIMEDOUT", { syscall: "read" })),
    fetched(coded("ETIMEDOUT")),
    fetched(coded("EHOSTUNREACH")),
    fetched(coded("ECONNRESET", { syscall: "read" })),
    fetched(coded("ECONNRESET")),
    fetched(each(coded("ECONNREFUSED", connect), coded("ECONNRESET", { syscall: "read" }))),
    fetched(coded("UND_ERR_SOCKET")),
    fetched(coded("UND_ERR_HEADERS_TIMEOUT")),
    new TypeError("Failed to fetch"), // a browser tells no more
    new TypeError("error sending request: client error (SendRequest): connection closed"),
    "text", undefined, null, 5,
  ];
  const told = (cause) => reasonOf(new api.APIConnectionError("x"), cause ?? null);
  assert.deepEqual(unsent.map(told), unsent.map(() => "unsent"));
  assert.deepEqual(sent.map(told), sent.map(() => "broken"));
});

test("a request whose connection is reset is not sent again, one that found nobody is", async () => {
  let came = 0;
  const server = net.createServer((socket) => {
    socket.on("error", () => undefined);
    socket.once("data", () => {
      came++;
      socket.resetAndDestroy();
    });
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  const { port } = server.address();
  const retries = [];
  const told = { maxRetries: 2, onRetry: ({ reason }) => retries.push(reason) };
  const error = await thrown(client(`http://127.0.0.1:${port}/v1`, told).images.generate(asked));
  assert.ok(error instanceof api.APIConnectionError);
  assert.deepEqual([came, retries], [1, []]);
  await new Promise((done) => server.close(done));
  // By a name with two addresses, so that Node tells of both in one error.
  const nobody = await thrown(client(`http://localhost:${port}/v1`, { ...told, maxRetries: 1 }).images.generate(asked));
  assert.ok(nobody instanceof api.APIConnectionError);
  assert.deepEqual(retries, ["unsent"]);
});

test("a picture that arrived stays when the connection breaks before its reader comes", async () => {
  const answer = (_, response) => {
    events(response).write(PARTIAL + DONE);
    setTimeout(() => response.destroy(), 60);
  };
  await served(answer, async (url) => {
    const stream = await client(url).images.generate({ ...asked, stream: true });
    await waited(150);
    assert.equal((await stream.finalImage()).type, "image_generation.completed");
    const slow = await client(url).images.generate({ ...asked, stream: true });
    const found = [];
    const error = await thrown(async () => {
      for await (const event of slow) {
        found.push(event.type);
        await waited(100);
      }
    });
    assert.deepEqual(found, ["image_generation.partial_image", "image_generation.completed"]);
    assert.ok(error instanceof api.APIConnectionError);
    assert.deepEqual(Buffer.from(await error.finished[0].toBytes()), PICTURE);
    assert.equal(await thrown(slow.finalImages()), error); // told again, and not that there was none
    assert.equal((await slow.finalImage()).type, "image_generation.completed");
  });
});

test("an answer that is cut is kept as far as it came", async () => {
  const half = GOOD.slice(0, -4);
  const answer = (_, response) => {
    response.writeHead(200, { "content-type": "application/json", "content-length": GOOD.length }).write(half);
    setTimeout(() => response.destroy(), 50);
  };
  await served(answer, async (url) => {
    const error = await thrown(client(url).images.generate(asked));
    assert.ok(error instanceof api.APIConnectionError);
    assert.equal(error.raw, half);
    assert.ok(error.message.length < 200);
  });
});

test("more than is read ahead waits for its reader, and is no silence of the server", async () => {
  const comment = `: ${"x".repeat(1024 * 1024)}\n`;
  const answer = async (_, response) => {
    events(response).write(PARTIAL);
    for (let turn = 0; turn < 80; turn++) if (!response.write(comment)) await new Promise((done) => response.once("drain", done));
    response.end(`\n${DONE}`);
  };
  await served(answer, async (url) => {
    const stream = await client(url, { timeout: 500 }).images.generate({ ...asked, stream: true });
    await waited(1500);
    assert.equal((await stream.finalImages()).length, 1);
  });
});

test("after [DONE] nothing is waited for", async () => {
  const answer = (_, response) => events(response).write(`${DONE}data: [DONE]\n\n`);
  await served(answer, async (url) => {
    const stream = await client(url, { timeout: 5000 }).images.generate({ ...asked, stream: true });
    const start = Date.now();
    assert.equal((await stream.finalImages()).length, 1);
    assert.ok(Date.now() - start < 2000);
  });
});

test("a comment by which a server says that it is at work starts the clock anew", async () => {
  const answer = async (_, response) => {
    events(response);
    for (let turn = 0; turn < 6; turn++) {
      response.write(": ping\n\n");
      await waited(100);
    }
    response.end(DONE);
  };
  await served(answer, async (url) => {
    const stream = await client(url, { timeout: 300 }).images.generate({ ...asked, stream: true });
    assert.equal((await stream.finalImages()).length, 1);
  });
});

test("a stream that is asked for by the option body is one", async () => {
  await served((_, response) => events(response).end(DONE), async (url) => {
    const stream = await client(url).images.generate(asked, { body: { stream: true } });
    assert.ok(stream instanceof api.Stream);
    assert.equal((await stream.finalImages()).length, 1);
  });
  await served(json(GOOD), async (url) => {
    const whole = await client(url).images.generate({ ...asked, stream: true }, { body: { stream: false } });
    assert.equal(whole.data.length, 1);
  });
});

test("a single answer that goes by the media type of events is kept", async () => {
  for (const body of [GOOD, '\ufeff\n {"error": {"message": "No.", "code": "c"}}']) {
    await served((_, response) => events(response).end(body), async (url) => {
      const stream = await client(url).images.generate({ ...asked, stream: true });
      const error = await thrown(stream.finalImage());
      assert.ok(error instanceof api.APIResponseValidationError);
      assert.deepEqual([error.raw, error.status], [body.replace("\ufeff", ""), 200]);
      assert.equal(error.code, body === GOOD ? undefined : "c");
    });
  }
});

test("a filter is a ModerationError in a stream too", async () => {
  const filtered = { type: "error", error: { code: "moderation_blocked", message: "No.", moderation_details: { moderation_stage: "output", categories: ["violence"] } } };
  await served((_, response) => events(response).end(`${PARTIAL}data: ${JSON.stringify(filtered)}\n\n`), async (url) => {
    const stream = await client(url).images.generate({ ...asked, stream: true });
    const error = await thrown(stream.finalImage());
    assert.ok(error instanceof api.ModerationError && error instanceof api.APIError);
    assert.deepEqual([error.stage, error.categories, error.message, error.status], ["output", ["violence"], "No.", undefined]);
  });
});
