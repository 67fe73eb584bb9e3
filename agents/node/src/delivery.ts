// Sending, until it is acknowledged.

import { setTimeout as sleep } from "node:timers/promises";

import { about, idsOf, inWords, log } from "./log.js";
import { digest, type Parcel, type Spool } from "./spool.js";

/** Milliseconds for a turn, and for what is answered to a report once it was sent. */
export const LIMIT_MS = 10_000;
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 30_000;
/** A receipt or a refusal has some hundred bytes; a page that some other machine answers with may have any number. */
const LONGEST_ANSWER = 64 * 1024;
/** A report of 8 MiB over a slow line. */
const REPORT_MS = 120_000;
/** A try is given so long, however little time is left. */
const LEAST_TRY_MS = 10_000;
/** An interview that the backend does not know for so long is not one that a restored backup or a deployment brings back. */
const KEPT_MS = 14 * 24 * 3_600_000;
/** Refusals of the backend itself that the same bytes will get again. Whatever else is answered may be a proxy's word, or a
 * deployment's: it is tried again. */
export const NEVER = new Set(["bad_record", "record_exists", "too_large", "too_many_records"]);

/** What became of a try. */
export type Outcome = "delivered" | "later" | "parked" | "erased";

/** What was answered. */
export interface Answer {
  status: number;
  /** The backend's own word for a refusal. */
  code?: string;
  said: string;
  /** Milliseconds that the server asked us to wait. */
  wait?: number;
}

/** Milliseconds until the next try: full jitter over a doubling pause, or what the server asked for. */
export function pause(tries: number, wait: number | undefined, jitter: number): number {
  const ceiling = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(tries, 10));
  return Math.max(ceiling * jitter, FIRST_PAUSE_MS / 2, Math.min(wait ?? 0, LONGEST_PAUSE_MS));
}

/** One request. What was said goes to the backend that the job names, and nowhere else, whoever answers with another address. */
export async function ask(address: string, token: string, request: RequestInit, within = LIMIT_MS): Promise<Answer> {
  const headers = { ...(request.headers as Record<string, string>), authorization: `Bearer ${token}` };
  const response = await fetch(address, { ...request, headers, redirect: "manual", signal: AbortSignal.timeout(Math.ceil(within)) });
  const said = await read(response);
  const after = response.headers.get("retry-after") ?? "";
  const answer: Answer = { status: response.status, said };
  if (/^\d+$/.test(after)) answer.wait = Number(after) * 1000;
  if (response.headers.get("content-type")?.startsWith("application/problem+json")) {
    try {
      const { code } = JSON.parse(said) as { code?: unknown };
      if (typeof code === "string") answer.code = code;
    } catch {
      // No word of the backend's.
    }
  }
  return answer;
}

async function read(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response.body ?? []) {
    chunks.push(chunk as Uint8Array);
    length += (chunk as Uint8Array).length;
    if (length > LONGEST_ANSWER) throw new Error(`the answer is longer than ${LONGEST_ANSWER} bytes`);
  }
  return Buffer.concat(chunks).toString("utf8");
}

/** Whether a receipt names these very bytes. Its signature is for those who keep it; we came by TLS. */
export function receiptIsFor(said: string, parcel: Parcel): boolean {
  try {
    const { receipt } = JSON.parse(said) as { receipt?: unknown };
    const claims = String(receipt).split(".")[1] ?? "";
    const { sha256 } = JSON.parse(Buffer.from(claims, "base64url").toString("utf8")) as { sha256?: unknown };
    return sha256 === digest(parcel).toString("hex");
  } catch {
    return false;
  }
}

async function send(parcel: Parcel, within: number): Promise<{ outcome: Outcome; why: string; wait?: number; unknown?: boolean }> {
  try {
    const headers = {
      "content-type": "application/json",
      "content-digest": `sha-256=:${digest(parcel).toString("base64")}:`,
    };
    const answer = await ask(parcel.address, parcel.token, { method: "PUT", headers, body: parcel.body }, within);
    if (answer.status === 200) {
      if (receiptIsFor(answer.said, parcel)) return { outcome: "delivered", why: "" };
      return { outcome: "later", why: "the backend's receipt is for something else" };
    }
    const why = `${answer.status} ${answer.said.slice(0, 200)}`;
    if (answer.code === "erased") return { outcome: "erased", why };
    if (answer.code !== undefined && NEVER.has(answer.code)) return { outcome: "parked", why };
    if (answer.code === "not_found") return { outcome: "later", why, unknown: true };
    return answer.wait === undefined ? { outcome: "later", why } : { outcome: "later", why, wait: answer.wait };
  } catch (error) {
    return { outcome: "later", why: inWords(error) };
  }
}

/** One try of a parcel, from disk if it is there, else from memory. Two that send the same bytes get the same receipt. */
function once(spool: Spool, parcel: Parcel, within = REPORT_MS): Promise<{ outcome: Outcome; wait?: number }> {
  return about(idsOf(parcel.address), () => oneTry(spool, parcel, within));
}

async function oneTry(spool: Spool, parcel: Parcel, within: number): Promise<{ outcome: Outcome; wait?: number }> {
  const path = spool.path(parcel);
  const kept = spool.read(path);
  const { outcome, why, wait, unknown } = await send(kept ?? parcel, within);
  if (unknown === true && kept !== undefined && spool.age(path) > KEPT_MS) {
    // Erased at the backend: nothing of it stays here either.
    spool.done(path);
    log.error(`the backend does not know this interview (${why}), for two weeks now: ${path} is removed`);
    return { outcome: "erased" };
  }
  if (outcome === "delivered" || outcome === "erased") {
    if (kept !== undefined) spool.done(path);
    if (outcome === "erased") log.warn(`the interview was erased (${why}): its report is removed`);
    else log.info(`report delivered to ${parcel.address}`);
  } else if (outcome === "parked") {
    const where = kept === undefined ? "memory only" : spool.park(path, why);
    log.error(`the backend will never take this report (${why}); it is kept in ${where}`);
  } else {
    log.warn(`report not delivered yet (${why}); it is ${kept === undefined ? "in memory only" : `kept in ${path}`}`);
  }
  return wait === undefined ? { outcome } : { outcome, wait };
}

/** Tries for so many milliseconds; what is not delivered then waits on disk, if the disk took it. */
export async function deliverUntil(spool: Spool, parcel: Parcel, within: number): Promise<Outcome> {
  const end = performance.now() + within;
  for (let tries = 0; ; tries++) {
    const { outcome, wait } = await once(spool, parcel, Math.min(REPORT_MS, Math.max(end - performance.now(), LEAST_TRY_MS)));
    if (outcome !== "later") return outcome;
    const rest = pause(tries, wait, Math.random());
    if (performance.now() + rest > end) return "later";
    await sleep(rest);
  }
}

/** One try of everything that waits. What fails in a way that nobody thought of keeps nothing else waiting. */
export async function flush(spool: Spool, waiting = spool.waiting()): Promise<Record<Outcome, number>> {
  const results: Record<Outcome, number> = { delivered: 0, later: 0, parked: 0, erased: 0 };
  for (const path of waiting) {
    const parcel = spool.read(path);
    if (parcel === undefined) continue;
    try {
      results[(await once(spool, parcel)).outcome] += 1;
    } catch (error) {
      log.error(`the report in ${path} was not delivered (${inWords(error)})`);
      results.later += 1;
    }
  }
  return results;
}
