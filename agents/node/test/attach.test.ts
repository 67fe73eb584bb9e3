import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { initializeLogger, type JobContext, llm, voice } from "@livekit/agents";

import { attach, history, judge, type Options, replaces, sessionEnd, Spool } from "../src/index.js";
import { conversation } from "../src/history.js";
import { newSpool, status, stubOfFile, until } from "./stub.js";

initializeLogger({ pretty: false, level: "silent" });

const stub = stubOfFile();

let jobs = 0;

/** As much of a job's context. */
class Job {
  readonly job: { id: string; metadata: string };
  readonly info = { acceptArguments: { identity: "" } };
  readonly room = { isConnected: false };
  readonly ended: string[] = [];
  readonly atShutdown: (() => Promise<void>)[] = [];

  constructor(more: object = {}) {
    const target = { report_url: stub.url, interview_id: "i", report_token: "t", attempt: 1 };
    this.job = { id: `AJ_${jobs++}`, metadata: JSON.stringify({ ...target, ...more }) };
  }
  addShutdownCallback(callback: () => Promise<void>): void {
    this.atShutdown.push(callback);
  }
  makeSessionReport(): never {
    throw new Error("it is still recording");
  }
  shutdown(reason: string): void {
    this.ended.push(reason);
  }
  get context(): JobContext {
    return this as unknown as JobContext;
  }
}

/** As much of a session. */
class Session extends EventEmitter {
  readonly history = llm.ChatContext.empty();
  says(role: "user" | "assistant", content: string): void {
    const item = this.history.addMessage({ role, content, createdAt: 2_000 });
    this.emit("conversation_item_added", { item });
  }
  close(): Promise<void> {
    return Promise.resolve();
  }
  shutdown(): void {
    this.emit("close", { reason: voice.CloseReason.USER_INITIATED, error: null });
  }
  get session(): voice.AgentSession {
    return this as unknown as voice.AgentSession;
  }
}

function attached(more: Options = {}, metadata: object = {}): { job: Job; session: Session; spool: Spool } {
  const [job, session, spool] = [new Job(metadata), new Session(), newSpool()];
  attach(job.context, session.session, { spool, sentinel: false, ...more });
  return { job, session, spool };
}

const reports = () => stub.bodies().filter((body) => "end_reason" in body);

test("each turn is told as it is said, and the report when its user's code ends it", async () => {
  const { job, session, spool } = attached();
  session.says("assistant", "Tell me.");
  session.says("user", "I wrote it.");
  await until(() => stub.asked.length === 2);
  assert.deepEqual(stub.bodies().map(({ text, created_at }) => [text, created_at]), [["Tell me.", 2], ["I wrote it.", 2]]);
  session.shutdown();
  await until(() => job.ended.length === 1);
  assert.deepEqual(reports().map(({ end_reason }) => end_reason), ["finished"]);
  const [{ chat_history } = {}] = reports() as { chat_history?: { items: { content: unknown; created_at: number }[] } }[];
  assert.deepEqual(chat_history?.items.map(({ content, created_at }) => [content, created_at]), [[["Tell me."], 2], [["I wrote it."], 2]]);
  await sessionEnd(job.context);
  assert.deepEqual([reports().length, spool.waiting()], [1, []]);
});

test("a session that the job's end closed, or that failed, is not finished", async () => {
  for (const [reason, error, expected] of [
    ["job_shutdown", null, "job_shutdown"],
    ["participant_disconnected", null, "participant_disconnected"],
    ["user_initiated", null, "user_initiated"],
    ["error", new Error("the model"), "failed"],
  ] as const) {
    stub.asked.length = 0;
    const { job, session } = attached();
    session.emit("close", { reason, error });
    await until(() => job.ended.length === 1);
    assert.deepEqual(reports().map(({ end_reason }) => end_reason), [expected]);
  }
});

test("a tool that ends it while its job is being ended finishes nothing", async () => {
  const { job, session } = attached();
  void session.close();
  session.shutdown();
  await until(() => job.ended.length === 1);
  assert.deepEqual(reports().map(({ end_reason }) => end_reason), ["user_initiated"]);
});

test("the job's end alone reports, with a judgement, and a bug beside it takes nothing with it", async () => {
  const own: string[] = [];
  const onSessionEnd = (ctx: JobContext) => {
    own.push("called");
    judge(ctx, { score: 3 });
    throw new Error("a bug of the user's");
  };
  const { job, session } = attached({ onSessionEnd });
  session.says("assistant", "Tell me.");
  // Nobody gave sessionEnd to defineAgent.
  await Promise.all(job.atShutdown.map((callback) => callback()));
  assert.deepEqual(own, ["called"]);
  assert.deepEqual(reports().map(({ end_reason }) => end_reason), ["job shutdown"]);
  assert.deepEqual(stub.bodies().filter((body) => "judgement" in body), [{ judgement: { score: 3 } }]);
});

test("of several sessions in a job the last one ends the interview", async () => {
  const { job, session, spool } = attached({ shutdownOnClose: false });
  session.shutdown();
  const second = new Session();
  attach(job.context, second.session, { spool, sentinel: false, shutdownOnClose: false });
  await until(() => reports().length === 1);
  second.shutdown();
  await sessionEnd(job.context);
  assert.deepEqual(reports().map(({ end_reason }) => end_reason), ["handed over", "finished"]);
  assert.deepEqual(job.ended, []);
});

test("nothing of ours is thrown into the interview", async () => {
  for (const metadata of ["", "no JSON", '{"report_url": "ftp://a", "interview_id": "i", "report_token": "t"}']) {
    const job = new Job();
    job.job.metadata = metadata;
    attach(job.context, new Session().session, { sentinel: false });
    await sessionEnd(job.context);
  }
  const file = join(newSpool().folder, "..", "file");
  writeFileSync(file, "");
  const { job, session } = attached({ spool: new Spool(join(file, "below")) });
  session.says("user", "I wrote it.");
  session.shutdown();
  await until(() => job.ended.length === 1);
  assert.equal(reports().length, 1, "from memory");
  judge(new Job().context, 1);
});

test("the one that goes on has the conversation", async () => {
  assert.deepEqual((await history(new Job().context)).items, []);
  const more = { replaces: "agent-AJ_0", history_url: `${stub.url}/v1/interviews/i/attempts/1/history` };
  const job = new Job(more);
  assert.equal(replaces(job.context), "agent-AJ_0");
  const said = { items: [{ id: "1", role: "assistant", text: "Tell me.", created_at: 1.5, interrupted: true }, { id: "", role: "user", text: "I wrote it.", created_at: 2 }, { id: "3", role: "system", text: "x" }] };
  const tells = (response: import("node:http").ServerResponse) => void response.writeHead(200).end(JSON.stringify(said));
  stub.answers = [status(503), tells];
  const { items } = await history(job.context);
  const messages = items.filter((item) => item.type === "message");
  assert.deepEqual(messages.map((item) => [item.role, item.textContent, item.createdAt, item.interrupted]), [
    ["assistant", "Tell me.", 1_500, true],
    ["user", "I wrote it.", 2_000, false],
  ]);
  assert.equal(messages[0]?.id, "1");
  assert.equal(stub.asked.at(-1)?.headers.authorization, "Bearer t");
  // Nobody tells: it begins anew.
  stub.answers = Array.from({ length: 9 }, () => status(500));
  assert.deepEqual((await history(job.context, 300)).items, []);
  assert.throws(() => conversation({}), /no turns/);
});
