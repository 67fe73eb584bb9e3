// Turns of the conversation, sent as they are said: a job that is killed still leaves its history.

import { setTimeout as sleep } from "node:timers/promises";

import { ask, pause } from "./delivery.js";
import { log } from "./log.js";
import type { Target } from "./target.js";

/** One turn, as the backend takes it. */
export interface Item {
  id: string;
  role: "user" | "assistant";
  text: string;
  /** Seconds since 1970. */
  created_at: number;
  interrupted: boolean;
}

/** Turns that wait at most while the backend is away; the report has them all. */
const WAITING = 1_000;
/** Refusals of the backend itself that the same turn will get again. */
export const NEVER_AN_ITEM = new Set(["bad_item", "too_large", "too_many_items", "erased"]);

/** A bounded queue that is emptied in order. */
export class Items {
  private readonly address: string;
  private readonly waiting: Item[] = [];
  private sending: Promise<void> | undefined;
  private ended = false;
  dropped = 0;

  constructor(
    private readonly target: Target,
    source: string,
  ) {
    this.address = `${target.record(source)}/items`;
  }

  /** Takes a turn; never waits. */
  put(item: Item): void {
    if (this.waiting.length >= WAITING) {
      this.dropped += 1;
      return;
    }
    this.waiting.push(item);
    this.sending ??= this.sendAll().finally(() => (this.sending = undefined));
  }

  /** Waits until all turns are sent, at most so many milliseconds. */
  async flush(within: number): Promise<void> {
    await Promise.race([this.sending, sleep(within, undefined, { ref: false })]);
    this.ended = true;
    const unsent = this.waiting.length + this.dropped;
    if (unsent > 0) log.warn(`${unsent} turns were not sent; the report has them`);
  }

  private async sendAll(): Promise<void> {
    for (let tries = 0; ; ) {
      const item = this.waiting[0];
      if (item === undefined || this.ended) return;
      if (await this.sent(item)) {
        this.waiting.shift();
        tries = 0;
      } else {
        await sleep(pause(tries, undefined, Math.random()), undefined, { ref: false });
        tries += 1;
      }
    }
  }

  /** Whether this turn is done with: taken, or refused for good. */
  private async sent(item: Item): Promise<boolean> {
    try {
      const headers = { "content-type": "application/json" };
      const answer = await ask(this.address, this.target.token, { method: "POST", headers, body: JSON.stringify(item) });
      if (answer.status === 204) return true;
      if (answer.code === undefined || !NEVER_AN_ITEM.has(answer.code)) return false;
      log.warn(`the backend refused a turn: ${answer.status} ${answer.said.slice(0, 200)}`);
      return true;
    } catch {
      return false;
    }
  }
}
