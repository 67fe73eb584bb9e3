// Where a job reports: from the metadata that the backend gave to its dispatch.

import { log } from "./log.js";

const LOOPBACK = ["localhost", "127.0.0.1", "[::1]"];

/** One interview's backend, and the right to report to it. */
export class Target {
  constructor(
    /** `https://…` (or `http://` on loopback), without a slash at the end. */
    readonly url: string,
    readonly interviewId: string,
    readonly attempt: number,
    readonly token: string,
    /** Identity of the interviewer in whose place this job was sent. */
    readonly replaces?: string,
    /** Where what was said before it can be read. */
    readonly history?: string,
  ) {}

  /** Reads a job's metadata; `undefined`, with one warning that says why, if there is nothing to report to. */
  static of(metadata: string): Target | undefined {
    let given: Record<string, unknown>;
    let parts: URL;
    let url: string;
    try {
      given = metadata ? (JSON.parse(metadata) as Record<string, unknown>) : {};
      url = text(given.report_url).replace(/\/+$/, "");
      parts = new URL(url);
      text(given.interview_id);
      text(given.report_token);
      if (!Number.isInteger(given.attempt)) throw new TypeError("no number");
    } catch {
      log.warn(
        "this job's metadata has no report_url, interview_id, attempt and report_token: nothing will be reported; " +
          "dispatch the agent through the Adjourn backend",
      );
      return undefined;
    }
    if (parts.protocol !== "https:" && !(parts.protocol === "http:" && LOOPBACK.includes(parts.hostname))) {
      log.warn(`report_url is ${parts.protocol} only https is used (http on loopback); nothing will be reported`);
      return undefined;
    }
    let history = typeof given.history_url === "string" ? given.history_url : undefined;
    // The token goes there: nowhere else than to the backend itself.
    if (history !== undefined && !history.startsWith(`${url}/`)) {
      log.warn("history_url is not below report_url: what was said before is not read");
      history = undefined;
    }
    const attempt = given.attempt as number;
    const replaces = typeof given.replaces === "string" ? given.replaces : undefined;
    return new Target(url, text(given.interview_id), attempt, text(given.report_token), replaces, history);
  }

  /** Address of a record of this attempt. */
  record(source: string): string {
    return `${this.url}/v1/interviews/${this.interviewId}/attempts/${this.attempt}/records/${source}`;
  }

  /** Without its token. */
  toJSON(): unknown {
    return { url: this.url, interviewId: this.interviewId, attempt: this.attempt, token: "***" };
  }
}

function text(value: unknown): string {
  if (typeof value !== "string" || value === "") throw new TypeError("no text");
  return value;
}
