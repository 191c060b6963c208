// What is handed over as a file, and what comes from behind a link.
import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { test } from "node:test";
import zlib from "node:zlib";
import { GOOD, PICTURE, PNG, api, asked, client, json, served, thrown } from "./served.mjs";

const room = fs.mkdtempSync(path.join(os.tmpdir(), "imageproof-inputs-"));
const file = path.join(room, "fox.png");
fs.writeFileSync(file, PICTURE);
fs.writeFileSync(path.join(room, "empty.png"), "");
process.on("exit", () => fs.rmSync(room, { recursive: true }));

/** The text of the request that a call makes. */
async function sent(params, options) {
  return served(json(GOOD), async (url, requests) => {
    await client(url, { validate: "off" }).images.edit({ ...asked, ...params }, options);
    return requests[0];
  });
}

/** The error of a call that must send nothing. */
async function refused(params) {
  return served(json(GOOD), async (url, requests) => {
    const error = await thrown(client(url, { validate: "off" }).images.edit({ ...asked, ...params }));
    assert.equal(requests.length, 0);
    return error;
  });
}

const answered = (init) => new Response(PICTURE, init);

test("whatever a file comes as, its bytes arrive", async () => {
  const foreign = { type: "", stream: () => undefined, arrayBuffer: async () => new Uint8Array(PICTURE).buffer };
  const inputs = [
    ...[file, new URL(`file://${file}`), PICTURE, new Uint8Array(PICTURE), new Uint8Array(PICTURE).buffer, new Blob([PICTURE])],
    ...[fs.createReadStream(file), fs.openAsBlob(file), answered(), Promise.resolve(file), api.toFile(PICTURE), foreign],
    answered({ headers: { "content-type": "binary/octet-stream" } }),
    (async function* () { yield new Uint8Array(PICTURE).buffer; })(),
    await served(json(GOOD), async (url) => (await client(url).images.generate(asked)).data[0]),
  ];
  for (const image of inputs) {
    const { text, headers } = await sent({ image });
    assert.ok(text.includes(PICTURE.toString("latin1")), String(image));
    assert.match(text, /name="image"; filename="(fox|image|file)\.png"\r\nContent-Type: image\/png\r\n/);
    assert.match(headers["content-type"], /^multipart\/form-data; /);
  }
  await served((_, response) => response.end(PICTURE), async (_url, _requests, origin) => {
    const { text } = await sent({ image: [fetch(`${origin}/far/owl.png?x=1`), file] });
    assert.match(text, /name="image\[\]"; filename="owl\.png"[^]*name="image\[\]"; filename="fox\.png"/);
  });
});

test("what is no file is told before anything is sent", async () => {
  const read = answered();
  await read.text();
  const cases = [
    [path.join(room, "empty.png"), /^image: the file empty\.png is empty$/],
    [new Uint8Array(), /^image: the file is empty$/],
    [[file, new Blob()], /is empty$/],
    [(async function* () {})(), /is empty$/],
    [room, /^image: the file cannot be read: .*: it is a folder$/],
    [path.join(room, "no.png"), /^image: the file cannot be read: .*ENOENT/],
    ["https://example.com/a.png", /^image: a text is the path of a file; of a URL give what fetch\(\) answers/],
    [`data:image/png;base64,${PNG}`, /^image: a text is the path/],
    [PNG.repeat(500), /^image: the file cannot be read: .{250}\.\.\. \(a text is the path of a file, not base64\): EN[A-Z]+$/],
    [new URL("https://example.com/a.png"), /a URL of a file begins with file:/],
    [answered({ status: 404 }), /^image: the answer has the status 404, and is no file$/],
    [read, /was read before$/],
    [5, /^image: not a path, bytes, a Blob or a stream: 5$/],
    [(async function* () { yield 5; })(), /^image: the stream brought 5, not bytes$/],
    [() => fs.createReadStream(path.join(room, "no.png")), /^image: the stream broke: ENOENT/],
    [() => Promise.reject(new TypeError("gone")), /^gone$/],
    [{ image_url: "https://example.com/a.png" }, /^images\.edit: image takes a file; what is given by reference goes as images: \[\{ image_url: "\.\.\." \}\]$/],
    [[{ file_id: "file-1" }], /image takes a file; what is given by reference goes as images/],
    [[], /^image: the list of files is empty$/],
  ];
  for (const [image, said] of cases) {
    const error = await refused({ image: typeof image === "function" ? image() : image });
    assert.ok(error instanceof TypeError, String(error));
    assert.match(error.message, said);
  }
});

test("files and references in one call are a reference each, or told", async () => {
  const images = [{ file_id: "file-1" }];
  for (const mask of [file, PICTURE, fs.openAsBlob(file)]) {
    const { text } = await sent({ images, mask });
    assert.deepEqual(JSON.parse(text), { ...asked, images, mask: { image_url: `data:image/png;base64,${PNG}` } });
  }
  assert.match((await refused({ image: file, mask: { file_id: "file-2" } })).message, /image is a file, and this call goes as JSON.*images: \[/);
  assert.match((await refused({ image: file, images })).message, /image is a file, and this call goes as JSON/);
  assert.match((await refused({ images, mask: path.join(room, "empty.png") })).message, /^mask: the file empty\.png is empty$/);
});

test("a file behind a link is unpacked, and a page there is none", async () => {
  const packed = { gzip: zlib.gzipSync, deflate: zlib.deflateSync, br: zlib.brotliCompressSync };
  const links = (request, response) => {
    const [, kind, type] = request.url.split("/");
    if (kind === "v1") json(JSON.stringify({ created: 1, data: [{ url: `http://${request.headers.host}${request.headers["x-link"]}` }] }))(request, response);
    else if (packed[kind]) response.setHeader("content-encoding", kind).end(packed[kind](PICTURE));
    else if (kind === "broken") response.setHeader("content-encoding", "gzip").end(packed.gzip(PICTURE).subarray(0, 30));
    else if (kind === "bomb") response.setHeader("content-encoding", "gzip").end(packed.gzip(Buffer.alloc(2 ** 24)));
    else response.writeHead(Number(type) || 200, { "content-type": "text/html; charset=utf-8" }).end("<html>Sign in</html>");
  };
  await served(links, async (url, _, origin) => {
    const linked = async (link, options) => (await client(url, options).images.generate(asked, { headers: { "x-link": link } })).data[0];
    for (const kind of Object.keys(packed)) {
      for (const options of [{}, { fetch }]) assert.deepEqual(Buffer.from(await (await linked(`/${kind}`, options)).toBytes()), PICTURE);
    }
    assert.ok((await thrown((await linked("/broken")).toBytes())) instanceof api.APIConnectionError);
    assert.match((await thrown((await linked("/bomb")).toBytes({ maxBytes: 1000 }))).message, /larger than 1000 bytes/);
    const host = origin.slice(7);
    const lost = await thrown((await linked("/gzip")).save(path.join(room, "nowhere", "fox")));
    assert.match(lost.message, /^save\(\): the folder .*nowhere is not there.*: make it first$/);
    const page = await thrown((await linked("/page")).save(path.join(room, "page")));
    assert.ok(page instanceof api.APIResponseValidationError);
    assert.equal(page.message, `the download: behind the link to ${host} is no picture, but text/html`);
    assert.equal(page.raw, "<html>Sign in</html>");
    assert.deepEqual(fs.readdirSync(room).sort(), ["empty.png", "fox.png"]);
    const gone = await thrown((await linked("/page/404")).toBytes());
    assert.ok(gone instanceof api.NotFoundError && gone.message.includes(`the download of its file from ${host} failed`), gone.message);
  });
});
