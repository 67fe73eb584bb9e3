// The sentinel: a small process beside a worker that outlives its jobs. When a job's process is gone without a goodbye (SIGKILL,
// out of memory, a crash), it tells the backend so and delivers what the job left on disk. What waits there because the backend was away,
// it tries again. It has no port and needs no rights, ends with its worker, and loses nothing if it is killed: the next job delivers what
// it did not.

import { spawn } from "node:child_process";
import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

import { ask, deliverUntil, flush, pause } from "./delivery.js";
import { type Left, journals, leftIn, lives, livesHere, own, type Process, runs } from "./journal.js";
import { about, idsOf, inWords, log } from "./log.js";
import type { Spool } from "./spool.js";

/** So often it looks at the jobs. */
const LOOK_MS = 250;
/** The backend is told of a death for so long; later nobody waits for it. */
const TOLD_MS = 60_000;
/** What a job left is tried for so long at once; then it waits on disk as every report does. */
const DELIVERED_MS = 300_000;
/** Jobs that outlive their worker are watched for so long. */
const ORPHANS_MS = 60_000;
/** What waits on disk is tried again after so long at most, while the backend takes something. */
const SOON_MS = 10_000;
/** And after so long at most while it takes nothing. */
const SELDOM_MS = 60_000;
/** What was put on disk just now, its own job sends. */
const SETTLED_MS = 5_000;
/** Refusals of the backend itself that the same word will get again. */
export const NEVER_TOLD = new Set(["unauthorised", "not_found", "erased", "bad_json", "bad_identity"]);

/** The file that says that a worker has one, with its process. */
function markOf(spool: Spool, worker: number): string {
  return join(spool.folder, `sentinel-node-${worker}.pid`);
}

/** Whether a worker has a sentinel. */
function isThere(spool: Spool, worker: number): boolean {
  try {
    // A number alone may be another process's by now.
    return lives(JSON.parse(readFileSync(markOf(spool, worker), "utf8")) as Process) === true;
  } catch {
    return false;
  }
}

/** Starts the sentinel of a worker, if there is none. Never throws. */
export function start(spool: Spool, worker: number): void {
  try {
    if (isThere(spool, worker)) return;
    const program = fileURLToPath(new URL("./cli.js", import.meta.url));
    const started = spawn(
      process.execPath,
      [program, "sentinel", "--spool", spool.folder, "--worker", String(worker)],
      // In a session of its own: what ends a job's group does not end it.
      { detached: true, stdio: ["ignore", "ignore", "inherit"] },
    );
    started.on("error", (error) => log.warn(`no sentinel watches this job (${inWords(error)})`));
    started.unref();
  } catch (error) {
    log.warn(`no sentinel watches this job (${inWords(error)}): what it says is reported by the next job if it is killed`);
  }
}

/** Watches every journal of a spool until the worker is gone, and what its jobs left is delivered or waits on disk. */
export async function watch(spool: Spool, worker: number): Promise<void> {
  if (isThere(spool, worker)) return;
  const mark = markOf(spool, worker);
  spool.make();
  try {
    // In one step: of two that begin at once, the later mark counts, and what both deliver is the same.
    const made = `${mark}.${process.pid}`;
    writeFileSync(made, JSON.stringify(own()), { mode: 0o600 });
    renameSync(made, mark);
  } catch (error) {
    log.warn(`the sentinel leaves no mark (${inWords(error)})`);
  }
  // One that could not be removed is delivered, and not again.
  const delivering = new Map<string, Promise<void>>();
  const look = (): void => {
    for (const path of journals(spool)) {
      const left = delivering.has(path) ? undefined : leftIn(path);
      if (left !== undefined) delivering.set(path, deliver(spool, left));
    }
  };
  const over = new AbortController();
  void flushAgain(spool, over.signal);
  while (runs(worker)) {
    look();
    await sleep(LOOK_MS);
  }
  over.abort();
  // Its jobs go with it: livekit-agents leaves an orphan 15 s.
  const end = performance.now() + ORPHANS_MS;
  do {
    await sleep(LOOK_MS);
    look();
  } while (performance.now() < end && journals(spool).some(livesHere));
  look();
  await Promise.all(delivering.values());
  rmSync(mark, { force: true });
}

/** Tries again what waits on disk, for as long as the worker lives: the job that made it may be over, and the next one far away. */
async function flushAgain(spool: Spool, over: AbortSignal): Promise<void> {
  for (let inVain = 0; ; ) {
    try {
      await sleep(Math.min(SOON_MS * 2 ** inVain, SELDOM_MS) * (0.5 + Math.random() / 2), undefined, { signal: over });
    } catch {
      return; // the worker is gone
    }
    try {
      const waiting = spool.waiting().filter((path) => spool.age(path) > SETTLED_MS);
      const { delivered, later } = await flush(spool, waiting);
      inVain = delivered > 0 || later === 0 ? 0 : Math.min(inVain + 1, 10);
    } catch (error) {
      log.error(`the spool ${spool.folder} can't be used (${inWords(error)})`);
    }
  }
}

/** Delivers what processes left that no sentinel looked after. Gives how many there were. */
export async function deliverLeft(spool: Spool): Promise<number> {
  const left = journals(spool).flatMap((path) => leftIn(path) ?? []);
  await Promise.all(left.map((one) => deliver(spool, one)));
  return left.length;
}

function deliver(spool: Spool, left: Left): Promise<void> {
  return about(idsOf(left.parcel.address), () => delivered(spool, left));
}

async function delivered(spool: Spool, left: Left): Promise<void> {
  log.warn(`${left.identity} is gone without a goodbye: what it said is reported`);
  try {
    // A report of its own that it had made already stays.
    spool.put(left.parcel);
    rmSync(left.path, { force: true });
  } catch (error) {
    log.error(`what ${left.identity} left can't be written to ${spool.folder} (${inWords(error)}); it is sent from memory`);
  }
  try {
    const [told, outcome] = await Promise.all([tell(left), deliverUntil(spool, left.parcel, DELIVERED_MS)]);
    if (!told) log.warn(`nobody was told that ${left.identity} died`);
    if (outcome !== "later") rmSync(left.path, { force: true });
  } catch (error) {
    log.error(`what ${left.identity} left could not be delivered (${inWords(error)})`);
  }
}

/** Tells the backend that the job is gone. Gives whether it knows. */
async function tell(left: Left): Promise<boolean> {
  const end = performance.now() + TOLD_MS;
  const body = JSON.stringify({ identity: left.identity });
  for (let tries = 0; ; tries++) {
    try {
      const headers = { "content-type": "application/json" };
      const answer = await ask(left.died, left.parcel.token, { method: "POST", headers, body });
      if (answer.status === 204) return true;
      if (answer.code !== undefined && NEVER_TOLD.has(answer.code)) return false;
    } catch {
      // It is away: again.
    }
    const rest = pause(tries, undefined, Math.random());
    if (performance.now() + rest > end) return false;
    await sleep(rest);
  }
}
