// Opens a page with out.js, from an origin of its own, and prints what it told.
import fs from "node:fs";
import http from "node:http";

const { default: playwright } = await import(`${process.env.NODE_MODULES}/playwright-core/index.js`);
const script = fs.readFileSync("out.js");
const server = http.createServer((request, response) => {
  response.setHeader("content-type", request.url === "/out.js" ? "text/javascript" : "text/html");
  response.end(request.url === "/out.js" ? script : "<!doctype html><body><script src=/out.js></script>");
});
await new Promise((done) => server.listen(0, "127.0.0.1", done));
const options = { executablePath: process.env.CHROMIUM, args: ["--no-sandbox", "--disable-gpu"] };
const browser = await playwright.chromium.launch(options);
const page = await browser.newPage();
const said = [];
page.on("console", (message) => said.push(message.text()));
page.on("pageerror", (error) => said.push(String(error)));
await page.goto(`http://localhost:${server.address().port}/`);
const told = await page.evaluate(([url, key]) => globalThis.told(url, key), [process.env.BASE_URL, process.env.KEY]);
await browser.close();
server.close();
console.log(JSON.stringify({ ...told, said: said.filter((one) => !one.includes("status of 400")) }));
