// Who ends a call: the caller, by a signal, or the clock. Neither goes unsaid.
import assert from "node:assert/strict";
import { test } from "node:test";
import { DONE, GOOD, api, asked, client, events, json, served, thrown, waited } from "./served.mjs";

const MINE = new Error("of the caller");

test("an answer as it came still ends with the caller's signal", async () => {
  await served((_, response) => response.writeHead(200).write("{"), async (url) => {
    const stop = new AbortController();
    const response = await client(url).images.generate(asked, { signal: stop.signal }).asResponse();
    const read = response.text();
    stop.abort(MINE);
    assert.equal(await thrown(read), MINE);
  });
});

test("an abort while an error is read is an abort, and says why", async () => {
  await served((_, response) => response.writeHead(500).write("half"), async (url, requests) => {
    const stop = new AbortController();
    const call = thrown(client(url).images.generate(asked, { signal: stop.signal }));
    while (!requests.length) await waited(5);
    await waited(50);
    stop.abort(MINE);
    const error = await call;
    assert.ok(error instanceof api.APIUserAbortError);
    assert.equal(error.cause, MINE);
  });
});

test("an error that is cut keeps its status, and its text as far as it came", async () => {
  const half = '{"error": {"message": "no cre';
  const cut = (request, response) => {
    response.writeHead(402, { "content-length": "1000" }).write(half);
    if (request.headers["x-cut"]) setTimeout(() => response.destroy(), 50);
  };
  await served(cut, async (url) => {
    for (const options of [{ headers: { "x-cut": "1" } }, { timeout: 200 }]) {
      const error = await thrown(client(url).images.generate(asked, options));
      assert.ok(error instanceof api.APIStatusError);
      assert.deepEqual([error.status, error.raw, error.code], [402, half, undefined]);
      assert.match(error.message, /402, and the rest of its answer did not come: .*no cre$/);
    }
  });
});

test("an error without end is not read for ever", async () => {
  const endless = (_, response) => {
    response.writeHead(500);
    const more = () => {
      while (!response.destroyed && response.write("x".repeat(65536)));
    };
    response.on("drain", more);
    more();
  };
  await served(endless, async (url) => {
    const error = await thrown(client(url).images.generate(asked));
    assert.equal(error.status, 500);
    assert.ok(error.raw.length >= 2 ** 20 && error.raw.length < 2 ** 21);
    assert.ok(error.message.length < 3000);
  });
});

test("what a caller hands over and does not come ends with the timeout, or the signal", async () => {
  const stalls = () => new ReadableStream({ start: (controller) => controller.enqueue(new Uint8Array([1])) });
  const never = () => new Promise(() => undefined);
  await served(json(GOOD), async (url, requests) => {
    for (const image of [stalls, never]) {
      const late = await thrown(client(url, { timeout: 100 }).images.edit({ ...asked, image: image() }));
      assert.ok(late instanceof api.APIConnectionTimeoutError);
      assert.match(late.message, /^image: nothing came in 100 ms; nothing was sent$/);
      const stop = new AbortController();
      const call = thrown(client(url).images.edit({ ...asked, image: image() }, { signal: stop.signal }));
      stop.abort(MINE);
      const error = await call;
      assert.ok(error instanceof api.APIUserAbortError && error.cause === MINE);
    }
    assert.equal(requests.length, 0);
  });
});

test("a stream that is slower than the timeout as a whole, and never stands still, is read", async () => {
  const slow = async function* () {
    for (let turn = 0; turn < 6; turn++) {
      await waited(60);
      yield new Uint8Array([turn]);
    }
  };
  await served(json(GOOD), async (url, [], origin) => {
    assert.ok(origin);
    assert.equal((await client(url, { timeout: 200 }).images.edit({ ...asked, image: slow() })).data.length, 1);
  });
});

test("an abort ends the wait before another attempt, a stream, and a download", async () => {
  await served(json("{}", 503), async (url, requests) => {
    const stop = new AbortController();
    const told = { maxRetries: 1, onRetry: () => setTimeout(() => stop.abort(MINE), 10) };
    const error = await thrown(client(url, told).images.generate(asked, { signal: stop.signal }));
    assert.ok(error instanceof api.APIUserAbortError && error.cause === MINE);
    assert.equal(requests.length, 1);
  });
  await served((_, response) => events(response).write(DONE), async (url) => {
    const stop = new AbortController();
    const stream = await client(url).images.generate({ ...asked, stream: true }, { signal: stop.signal });
    const read = thrown(stream.finalImage());
    await waited(50);
    stop.abort(MINE);
    const error = await read;
    assert.ok(error instanceof api.APIUserAbortError && error.cause === MINE);
    assert.equal(error.finished.length, 1);
  });
  const links = (request, response) =>
    request.url === "/slow" ? response.write("x") : json(JSON.stringify({ created: 1, data: [{ url: `http://${request.headers.host}/slow` }] }))(request, response);
  await served(links, async (url) => {
    const stop = new AbortController();
    const [one] = (await client(url).images.generate(asked)).data;
    const read = thrown(one.toBytes({ signal: stop.signal }));
    await waited(50);
    stop.abort(MINE);
    const error = await read;
    assert.ok(error instanceof api.APIUserAbortError && error.cause === MINE);
    assert.ok((await thrown(one.toBytes({ timeout: 50 }))) instanceof api.APIConnectionTimeoutError);
  });
});
