// A job that says two turns and is killed, or ends as it should.

import { Journal } from "../src/journal.js";
import { Spool } from "../src/spool.js";

const [folder = "", address = "", what = ""] = process.argv.slice(2);
const journal = new Journal(new Spool(folder), address, "secret-token", "agent-AJ_1");
journal.add({ id: "1", role: "assistant", text: "Tell me.", created_at: 1, interrupted: false });
journal.add({ id: "2", role: "user", text: "I wrote it. é", created_at: 2, interrupted: false });
process.stdout.write("said\n");
if (what === "ends") {
  process.stdin.once("data", () => {
    journal.end();
    process.stdout.write("ended\n");
  });
}
setTimeout(() => undefined, 60_000);
