// Opens the page in Debian's Chromium and writes one JSON line per change of what it shows.
//
// Environment: LIVEKIT_URL, ADJOURN_TOKEN, ADJOURN_CHROMIUM (path), ADJOURN_PROCESSING (off: the voice is left as it is), ADJOURN_LISTENS (yes: without a microphone), PULSE_SERVER (microphone and speaker).
// Ends when its standard input is closed.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { chromium } from 'playwright-core';

const script = readFileSync(new URL('./dist/page.js', import.meta.url));
const html = '<!doctype html><meta charset="utf-8"><title>peer</title><div id="root"></div><script type="module" src="/page.js"></script>';
const server = createServer((request, response) => {
  const isScript = request.url === '/page.js';
  response.setHeader('Content-Type', isScript ? 'text/javascript' : 'text/html');
  response.end(isScript ? script : html);
});
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));

const browser = await chromium.launch({
  executablePath: process.env.ADJOURN_CHROMIUM,
  headless: true,
  ignoreDefaultArgs: ['--mute-audio'], // what a candidate hears is measured
  args: [
    '--no-sandbox', // the testbed may run as root
    '--autoplay-policy=no-user-gesture-required',
    '--use-fake-ui-for-media-stream', // the permission prompt only: the devices are real
  ],
});
const origin = `http://127.0.0.1:${server.address().port}`;
const context = await browser.newContext({ permissions: ['microphone'] });
const page = await context.newPage();
await page.exposeFunction('report', (line) => {
  process.stdout.write(`${JSON.stringify({ at: Date.now() / 1000, ...line })}\n`);
});
await page.addInitScript((given) => {
  window.adjourn = given;
}, {
  serverUrl: process.env.LIVEKIT_URL,
  participantToken: process.env.ADJOURN_TOKEN,
  processing: process.env.ADJOURN_PROCESSING !== 'off',
  listens: process.env.ADJOURN_LISTENS === 'yes',
});
await page.goto(origin);

process.stdin.resume();
await new Promise((resolve) => process.stdin.once('end', resolve));
await browser.close();
server.close();
