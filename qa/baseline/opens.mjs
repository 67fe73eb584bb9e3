// Opens the page in Debian's Chromium as a person does, in a window, and tells in one JSON line how long that took: from the program's
// start until the page shows itself.
//
// Environment: ADJOURN_CHROMIUM (path), DISPLAY, and a folder for its profile as the first argument.
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';

const script = readFileSync(new URL('./dist/page.js', import.meta.url));
// Nobody is at that address: the page is shown, and no call is made.
const given = { serverUrl: 'ws://127.0.0.1:9', participantToken: '', processing: false, listens: false };
const html = `<!doctype html><meta charset="utf-8"><title>peer</title><div id="root"></div><script>
window.adjourn = ${JSON.stringify(given)};
window.report = () => requestAnimationFrame(() => fetch('/shown', { method: 'POST' }));
</script><script type="module" src="/page.js"></script>`;

let began;
let browser;
const server = createServer((request, response) => {
  const isScript = request.url === '/page.js';
  response.setHeader('Content-Type', isScript ? 'text/javascript' : 'text/html');
  response.end(isScript ? script : html);
  if (request.url === '/shown' && browser) {
    process.stdout.write(`${JSON.stringify({ opened_ms: performance.now() - began })}\n`);
    browser.kill('SIGKILL');
    browser = undefined;
    server.close();
    server.closeAllConnections();
  }
});
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
began = performance.now();
browser = spawn(process.env.ADJOURN_CHROMIUM, [
  `--app=http://127.0.0.1:${server.address().port}/`,
  `--user-data-dir=${process.argv[2]}`,
  '--no-first-run',
  '--no-sandbox', // the testbed may run as root
], { stdio: 'ignore' });
