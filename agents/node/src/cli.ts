#!/usr/bin/env node
// `adjourn-agent flush`: delivers what jobs left on disk. `adjourn-agent sentinel`: does so the moment that one is killed.

import { parseArgs } from "node:util";

import { flush } from "./delivery.js";
import { inWords } from "./log.js";
import { deliverLeft, watch } from "./sentinel.js";
import { defaultFolder, Spool } from "./spool.js";

const USAGE = `adjourn-agent flush [--spool FOLDER]                   deliver what jobs left on disk; ends with 1 if something still waits
adjourn-agent sentinel --worker PID [--spool FOLDER]   watch the jobs of a worker; a job starts this by itself`;

async function main(): Promise<number> {
  const options = { spool: { type: "string" }, worker: { type: "string" }, help: { type: "boolean" } } as const;
  const { values, positionals } = parseArgs({ options, allowPositionals: true });
  const [command] = positionals;
  if (values.help === true || positionals.length !== 1 || (command !== "flush" && command !== "sentinel")) {
    process.stderr.write(`${USAGE}\n`);
    return values.help === true ? 0 : 2;
  }
  const spool = new Spool(values.spool ?? defaultFolder());
  if (command === "sentinel") {
    const worker = Number(values.worker);
    if (!Number.isInteger(worker) || worker <= 0) {
      process.stderr.write("adjourn-agent: --worker takes a process's number\n");
      return 2;
    }
    await watch(spool, worker);
    return 0;
  }
  await deliverLeft(spool);
  const { delivered, later, parked, erased } = await flush(spool);
  process.stdout.write(`${delivered} delivered, ${later} later, ${parked} parked, ${erased} erased in ${spool.folder}\n`);
  return later > 0 ? 1 : 0;
}

main().then(
  (code) => (process.exitCode = code),
  (error: unknown) => {
    process.stderr.write(`adjourn-agent: ${inWords(error)}\n`);
    process.exitCode = 2;
  },
);
