// What was said before this interviewer came: it takes the place of one that was lost.

import { setTimeout as sleep } from "node:timers/promises";

import { type JobContext, llm } from "@livekit/agents";

import { LIMIT_MS, pause } from "./delivery.js";
import { inWords, log } from "./log.js";
import { Target } from "./target.js";

/** The candidate waits: 25 s from the loss until this interviewer is ready. */
const WITHIN_MS = 8_000;
/** Bytes of a conversation: as many as a report may have. */
const LARGEST = 8 * 1024 * 1024;

/** One turn, as the backend tells it. */
interface Told {
  id?: unknown;
  role?: unknown;
  text?: unknown;
  created_at?: unknown;
  interrupted?: unknown;
}

/** The conversation so far, oldest turn first, for `new voice.Agent({ chatCtx })`.
 *
 * Empty for an interview's first interviewer. If it can't be read within so many milliseconds it is empty as well, with an error in
 * the log: an interviewer that begins anew is worth more to a candidate than none. Never throws. */
export async function history(ctx: JobContext, within = WITHIN_MS): Promise<llm.ChatContext> {
  const target = Target.of(ctx.job.metadata);
  if (target?.history === undefined) return llm.ChatContext.empty();
  const end = performance.now() + within;
  for (let tries = 0; ; tries++) {
    let why: string;
    try {
      const left = Math.max(end - performance.now(), 500);
      const said = conversation(await read(target.history, target.token, Math.min(left, LIMIT_MS)));
      log.info(`${said.items.length} turns were said before this interviewer came, in the place of ${target.replaces}`);
      return said;
    } catch (error) {
      why = inWords(error);
    }
    const rest = pause(tries, undefined, Math.random());
    if (performance.now() + rest > end) {
      log.error(`what was said before this interviewer came can't be read (${why}): it begins anew`);
      return llm.ChatContext.empty();
    }
    await sleep(rest);
  }
}

/** Identity of the interviewer in whose place this one is sent; `undefined` for an interview's first. */
export function replaces(ctx: JobContext): string | undefined {
  return Target.of(ctx.job.metadata)?.replaces;
}

async function read(address: string, token: string, within: number): Promise<unknown> {
  const headers = { authorization: `Bearer ${token}` };
  const answer = await fetch(address, { headers, redirect: "manual", signal: AbortSignal.timeout(Math.ceil(within)) });
  if (answer.status !== 200) throw new Error(`the backend answers ${answer.status}`);
  const said = await answer.arrayBuffer();
  if (said.byteLength > LARGEST) throw new Error(`the conversation is longer than ${LARGEST} bytes`);
  return JSON.parse(Buffer.from(said).toString("utf8"));
}

/** A transcript of the backend's, as livekit-agents keeps a conversation. */
export function conversation(said: unknown): llm.ChatContext {
  const context = llm.ChatContext.empty();
  const { items } = said as { items?: Told[] };
  if (!Array.isArray(items)) throw new TypeError("the answer has no turns");
  for (const { id, role, text, created_at, interrupted } of items) {
    if ((role !== "user" && role !== "assistant") || typeof text !== "string") continue;
    context.addMessage({
      role,
      content: text,
      interrupted: interrupted === true,
      // Milliseconds there, seconds here.
      createdAt: typeof created_at === "number" ? created_at * 1000 : 0,
      ...(typeof id === "string" && id !== "" ? { id } : {}),
    });
  }
  return context;
}
