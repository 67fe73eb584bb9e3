// What a session says, on disk as it is said: a job that is killed leaves it to whoever finds it (see `sentinel.ts`).

import { appendFileSync, closeSync, openSync, readFileSync, readdirSync, readlinkSync, renameSync, rmSync, statSync, utimesSync } from "node:fs";
import { join } from "node:path";

import type { Item } from "./items.js";
import { about, idsOf, inWords, log } from "./log.js";
import { nameOf, type Parcel, type Spool } from "./spool.js";

/** What a journal's file is called. Those of the package for Python have another ending: they are locked, which Node can't. */
const NAME = /^[0-9a-f]{32}\.node-job$/;
/** End reason of the report that is made of one. */
export const DIED = "died";
/** A process of another container can't be looked at: one that gave no sign for so long is gone. */
const ELSEWHERE_MS = 180_000;
/** A process that lives says so in its journal this often. */
const SIGN_MS = 60_000;

/** A process, so that another one with its number is not taken for it. */
export interface Process {
  pid: number;
  /** Where its number means anything: this boot, this container. */
  place: string;
  /** When it began, in ticks since the boot; none where the system does not tell. */
  began?: string;
}

interface Head {
  address: string;
  token: string;
  identity: string;
  process: Process;
}

function place(): string {
  try {
    return `${readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim()} ${readlinkSync("/proc/self/ns/pid")}`;
  } catch {
    return "";
  }
}

/** Field 22 of `/proc/<pid>/stat` (proc(5)), and whether it still runs: what nobody has taken note of yet is gone, too. */
function stat(pid: number): { began: string; runs: boolean } | undefined {
  try {
    // The name in it may have spaces and brackets.
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").pop()?.split(" ") ?? [];
    return { began: fields[19] ?? "", runs: fields[0] !== "Z" && fields[0] !== "X" };
  } catch {
    return undefined;
  }
}

/** This process. */
export function own(): Process {
  const began = stat(process.pid)?.began;
  return { pid: process.pid, place: place(), ...(began === undefined ? {} : { began }) };
}

/** Whether that very process lives; `undefined`: it can't be looked at from here. */
export function lives(of: Process): boolean | undefined {
  if (of.place !== place()) return undefined;
  if (of.began !== undefined) {
    const now = stat(of.pid);
    return now !== undefined && now.runs && now.began === of.began;
  }
  return runs(of.pid);
}

/** Whether a process of that number runs. */
export function runs(pid: number): boolean {
  const now = process.platform === "linux" ? stat(pid) : undefined;
  if (now !== undefined) return now.runs;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** Of a session that lives. Nothing here throws: what can't be written is said once. */
export class Journal {
  private path: string | undefined;
  private signs: NodeJS.Timeout | undefined;

  constructor(spool: Spool, address: string, token: string, identity: string) {
    const path = join(spool.folder, `${nameOf(address)}.node-job`);
    const head: Head = { address, token, identity, process: own() };
    try {
      spool.make();
      closeSync(openSync(path, "wx", 0o600));
      this.path = path;
      this.write(head);
      this.signs = setInterval(() => this.sign(), SIGN_MS).unref();
    } catch (error) {
      this.giveUp(error);
    }
  }

  /** A turn was said. */
  add(item: Item): void {
    try {
      this.write(item);
    } catch (error) {
      this.giveUp(error);
    }
  }

  private sign(): void {
    try {
      if (this.path !== undefined) utimesSync(this.path, new Date(), new Date());
    } catch {
      // It is taken for gone elsewhere, and its report is refused as one that is there already.
    }
  }

  private write(line: object): void {
    // To the system, not to the disk: it is for a process that dies, and must not hold up a conversation.
    if (this.path !== undefined) appendFileSync(this.path, `${JSON.stringify(line)}\n`);
  }

  private giveUp(error: unknown): void {
    log.warn(`what is said is not kept on disk as it is said (${inWords(error)})`);
    this.end();
  }

  /** The session's report is on its way: nothing of this is needed any more. */
  end(): void {
    clearInterval(this.signs);
    try {
      if (this.path !== undefined) rmSync(this.path, { force: true });
    } catch {
      // A disk that takes nothing keeps it; the report is what counts.
    }
    this.path = undefined;
  }
}

/** What a process left that is gone. */
export interface Left {
  path: string;
  identity: string;
  /** Where the backend is told of it. */
  died: string;
  /** The report that the process can make no more. */
  parcel: Parcel;
}

/** Journals of sessions that live, and those that were left. */
export function journals(spool: Spool): string[] {
  try {
    return readdirSync(spool.folder)
      .filter((name) => NAME.test(name))
      .sort()
      .map((name) => join(spool.folder, name));
  } catch {
    return [];
  }
}

/** Whether the process of a journal lives here. */
export function livesHere(path: string): boolean {
  const head = headOf(textOf(path));
  return head !== undefined && lives(head.process) === true;
}

/** What is left in a journal, if its process is gone. What can't be read is set aside with the ending `.damaged`. */
export function leftIn(path: string): Left | undefined {
  const text = textOf(path);
  const head = headOf(text);
  if (head === undefined) {
    setAside(path, text.includes("\n"));
    return undefined;
  }
  const alive = lives(head.process);
  if (alive ?? isNew(path)) return undefined;
  const { items, unreadable } = itemsOf(text);
  const messages = items.map(({ id, role, text, created_at, interrupted }) => {
    return { type: "message", id, role, content: [text], created_at, interrupted };
  });
  // Who reads the report is told that something is missing.
  const lost = unreadable > 0 ? { unreadable } : {};
  if (unreadable > 0) about(idsOf(head.address), () => log.error(`${unreadable} lines of what ${head.identity} said can't be read`));
  const body = JSON.stringify({ chat_history: { items: messages }, end_reason: DIED, ...lost });
  const { address, token, identity } = head;
  return { path, identity, died: `${address}/died`, parcel: { address, token, body } };
}

function textOf(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return ""; // it is gone: nothing is left in it
  }
}

/** Its first line: of a process that lives, nothing else is looked at. */
function headOf(text: string): Head | undefined {
  const head = parsed(text.split("\n", 1)[0] ?? "") as Partial<Head> | null | undefined;
  const whole = typeof head?.address === "string" && typeof head.token === "string" && typeof head.process?.pid === "number";
  return whole ? (head as Head) : undefined;
}

/** What is written after that, as far as it can be read: a line that was not written to its end, or that a computer's loss of power made
 * unreadable, takes none of those after it along. */
function itemsOf(text: string): { items: Item[]; unreadable: number } {
  // After the last line's end there is nothing.
  const lines = text.split("\n").slice(1).filter((line) => line !== "").map(parsed);
  const items = lines.filter((line): line is Item => typeof line === "object" && line !== null && !Array.isArray(line));
  return { items, unreadable: lines.length - items.length };
}

/** A line; `undefined`: it can't be read. */
function parsed(line: string): unknown {
  try {
    return JSON.parse(line) as unknown;
  } catch {
    return undefined;
  }
}

/** Whether a file was written or signed lately. */
function isNew(path: string): boolean {
  try {
    return Date.now() - statSync(path).mtimeMs < ELSEWHERE_MS;
  } catch {
    return true; // it is gone: nothing is left in it
  }
}

function setAside(path: string, begun: boolean): void {
  // Its process may be about to write its first line.
  if (!begun && isNew(path)) return;
  const aside = path.replace(/\.node-job$/, ".damaged");
  try {
    renameSync(path, aside);
    log.error(`what a job said can't be read; it is kept in ${aside}`);
  } catch {
    // Another process was faster.
  }
}
