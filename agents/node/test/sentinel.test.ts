import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { appendFileSync, existsSync, readdirSync, readFileSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

import { Journal, journals, leftIn } from "../src/journal.js";
import { deliverLeft } from "../src/sentinel.js";
import { Spool } from "../src/spool.js";
import { newSpool, refusal, Stub, until } from "./stub.js";

/** The candidate's client is to know within this after a kill. */
const SOON_MS = 2_500;

let stub: Stub;
let spool: Spool;
let worker: ChildProcess;
let started: ChildProcess[];

beforeEach(async () => {
  stub = await new Stub().start();
  spool = newSpool();
  spool.make();
  worker = spawn("sleep", ["120"], { stdio: "ignore" });
  started = [worker];
});
afterEach(() => {
  for (const one of started) one.kill("SIGKILL");
  stub.stop();
});

function node(program: string, ...given: string[]): ChildProcess {
  const path = fileURLToPath(new URL(program, import.meta.url));
  const one = spawn(process.execPath, [path, ...given], { stdio: ["pipe", "pipe", "inherit"] });
  started.push(one);
  return one;
}

async function job(what = "stays"): Promise<ChildProcess> {
  const address = `${stub.url}/v1/interviews/i/attempts/1/records/agent:AJ_1`;
  const one = node("./job.js", spool.folder, address, what);
  await new Promise((resolve) => one.stdout?.once("data", resolve));
  return one;
}

async function sentinel(): Promise<ChildProcess> {
  const one = node("../src/cli.js", "sentinel", "--spool", spool.folder, "--worker", String(worker.pid));
  await until(() => readdirSync(spool.folder).some((name) => name.endsWith(".pid")));
  return one;
}

function report(): { chat_history: { items: { content: string[] }[] }; end_reason: string } {
  const [found] = stub.bodies().filter((body) => "chat_history" in body);
  return found as unknown as ReturnType<typeof report>;
}

test("what a killed job said arrives, and that it is gone", async () => {
  const watching = await sentinel();
  const killed = await job();
  killed.kill("SIGKILL");
  const took = await until(() => stub.asked.length === 2);
  assert.ok(took < SOON_MS, `${took} ms`);
  assert.ok(stub.bodies().some(({ identity }) => identity === "agent-AJ_1"));
  assert.deepEqual(report().chat_history.items.map(({ content }) => content), [["Tell me."], ["I wrote it. é"]]);
  assert.equal(report().end_reason, "died");
  await until(() => journals(spool).length === 0 && spool.waiting().length === 0);
  // It ends with its worker.
  worker.kill("SIGKILL");
  await until(() => watching.exitCode !== null);
  assert.ok(!readdirSync(spool.folder).some((name) => name.endsWith(".pid")));
});

test("a job that ends as it should, or is frozen, is not reported", async () => {
  await sentinel();
  const one = await job("ends");
  one.kill("SIGSTOP");
  await sleep(1_000);
  assert.equal(stub.asked.length, 0);
  one.kill("SIGCONT");
  one.stdin?.write("end\n");
  await until(() => journals(spool).length === 0);
  one.kill("SIGKILL");
  await sleep(1_000);
  assert.equal(stub.asked.length, 0);
});

test("a sentinel that is killed loses nothing", async () => {
  const one = await job();
  one.kill("SIGKILL");
  await until(() => one.signalCode !== null);
  assert.equal(await deliverLeft(spool), 1);
  assert.deepEqual([stub.asked.length, report().end_reason], [2, "died"]);
  assert.equal(await deliverLeft(spool), 0);
});

test("two sentinels report once, and a backend that is away is tried again", async () => {
  stub.answers = [refusal(503, "busy"), refusal(503, "busy")];
  await sentinel();
  const second = await sentinel();
  await until(() => second.exitCode !== null);
  const one = await job();
  one.kill("SIGKILL");
  await until(() => stub.asked.length === 4);
  await sleep(500);
  assert.equal(stub.asked.length, 4);
});

test("what waits on disk is tried again although no job begins", async () => {
  const parcel = { address: `${stub.url}/v1/interviews/i/attempts/1/records/agent:AJ_9`, token: "t", body: "{}" };
  const path = spool.put(parcel);
  utimesSync(path, 0, 0);
  await sentinel();
  await until(() => spool.waiting().length === 0, 15_000);
});

test("a process of another container is taken for gone once it gave no sign for long", async () => {
  const journal = new Journal(spool, "https://a.example/r", "t", "agent-1");
  journal.add({ id: "1", role: "user", text: "whole", created_at: 1, interrupted: false });
  const [path = ""] = journals(spool);
  assert.equal(leftIn(path), undefined, "we live");
  // One that a computer's loss of power made unreadable, one after it, and one that was not written to its end.
  appendFileSync(path, '\0\0\0\n{"id": "3", "role": "assistant", "text": "after it", "created_at": 3, "interrupted": false}\n[]\n{"id": "4", "text": "ha');
  const elsewhere = readFileSync(path, "utf8").replace(/"place":"[^"]*"/, '"place":"another"');
  writeFileSync(path, elsewhere);
  assert.equal(leftIn(path), undefined, "it may live");
  utimesSync(path, 0, 0);
  const left = leftIn(path);
  const report = JSON.parse(left?.parcel.body ?? "");
  assert.deepEqual(report.chat_history.items.map((item: { id: string }) => item.id), ["1", "3"]);
  assert.equal(report.unreadable, 3, "who reads it is told that something is missing");
  // What can't be read is set aside; a file that was just made is about to be written.
  for (const [name, written, old] of [["a", "", false], ["b", "", true], ["c", "\0\0\n", true], ["d", "[]\n", false]] as const) {
    const file = join(spool.folder, `${name.repeat(32)}.node-job`);
    writeFileSync(file, written);
    if (old) utimesSync(file, 0, 0);
    assert.equal(leftIn(file), undefined);
    assert.equal(existsSync(file.replace(".node-job", ".damaged")), name !== "a", name);
  }
});

test("an orphan of a worker that was killed is reported once it is gone, too", async () => {
  const watching = await sentinel();
  const orphan = await job();
  worker.kill("SIGKILL");
  await sleep(1_000);
  assert.deepEqual([stub.asked.length, watching.exitCode], [0, null]);
  orphan.kill("SIGKILL");
  await until(() => stub.asked.length === 2 && watching.exitCode !== null);
});

test("a mark whose number is another process's by now keeps no sentinel away", async () => {
  const mark = join(spool.folder, `sentinel-node-${worker.pid}.pid`);
  writeFileSync(mark, JSON.stringify({ pid: process.pid, place: "before", began: "1" }));
  const one = await sentinel();
  const killed = await job();
  killed.kill("SIGKILL");
  await until(() => stub.asked.length === 2);
  assert.equal(one.exitCode, null);
});

test("a disk that takes nothing holds up no conversation", () => {
  const file = join(spool.folder, "file");
  writeFileSync(file, "");
  const journal = new Journal(new Spool(join(file, "below")), "https://a.example/r", "t", "agent-1");
  journal.add({ id: "1", role: "user", text: "x", created_at: 1, interrupted: false });
  journal.end();
  assert.ok(existsSync(file));
});
