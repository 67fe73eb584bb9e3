// What an operator should know, as lines of JSON on stderr: livekit-agents' own logger is not there in the sentinel. Each says which
// interview it is about, by the names that client and backend have for it.

import { AsyncLocalStorage } from "node:async_hooks";

/** Which interview, which attempt, which job. */
export interface Ids {
  readonly interview_id: string;
  readonly attempt: number;
  readonly job: string;
}

const current = new AsyncLocalStorage<Ids>();
/** A process has one job: whatever is not about another one is about this. */
let own: Ids | undefined;

/** What is said inside of `work` is about that interview. */
export function about<T>(ids: Ids | undefined, work: () => T): T {
  return ids === undefined ? work() : current.run(ids, work);
}

/** From now on this process is that job's. */
export function isOf(ids: Ids): void {
  own = ids;
}

/** Of whom a record's address is. */
export function idsOf(address: string): Ids | undefined {
  const found = /\/v1\/interviews\/([^/]+)\/attempts\/(\d+)\/records\/agent:([^/]+)$/.exec(address);
  return found === null ? undefined : { interview_id: found[1]!, attempt: Number(found[2]), job: found[3]! };
}

function say(level: string, what: string): void {
  const line = { timestamp: new Date().toISOString(), level, message: `adjourn-agent: ${what}`, ...(current.getStore() ?? own) };
  process.stderr.write(`${JSON.stringify(line)}\n`);
}

/** Says it, once each time that it happens. */
export const log = {
  info: (what: string): void => say("INFO", what),
  warn: (what: string): void => say("WARNING", what),
  error: (what: string): void => say("ERROR", what),
};

/** An error in a few words. */
export function inWords(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}
