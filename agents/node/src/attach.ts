// The three lines.

import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";

import { type JobContext, type voice as voices, voice } from "@livekit/agents";
import { ParticipantKind } from "@livekit/rtc-node";

import { deliverUntil, flush } from "./delivery.js";
import { type Item, Items } from "./items.js";
import { Journal } from "./journal.js";
import { inWords, isOf, log } from "./log.js";
import { deliverLeft, start } from "./sentinel.js";
import { digest, type Parcel, Spool } from "./spool.js";
import { Target } from "./target.js";

type Session = voices.AgentSession;

/** RPC to the candidate's client, and attribute of the agent: it is over. */
const MARKER = "adjourn.ended";
const MARKER_MS = 2_000;
/** The report is tried so long when the session closes; the job's end tries again. */
const AT_CLOSE_MS = 3_000;
/** And so long at the job's end (livekit-agents allows it five minutes); what is left waits on disk. */
const AT_END_MS = 60_000;
/** End reason of a session that another one of the same job followed. */
const HANDED_OVER = "handed over";

/** What may be chosen. */
export interface Options {
  /** End the job when the session closes, so that no silent agent stays in the room. `false` for those who may start another
   * session in the same job. */
  shutdownOnClose?: boolean;
  /** Your own callback, awaited when the job ends, once the report is on disk and before it is sent; it may call `judge`. */
  onSessionEnd?: (ctx: JobContext) => Promise<void> | void;
  spool?: Spool;
  /** A small process beside the worker watches this job, and reports what it said if it is killed. */
  sentinel?: boolean;
}

/** One session. */
class Attached {
  readonly journal: Journal;
  private readonly items: Items;
  private reason: string | undefined;
  private followed = false;
  private reported: Promise<void> | undefined;
  private parcel: Parcel | undefined;
  private onDisk = false;
  private settled = false;
  askedToEnd = false;
  isClosing = false;

  constructor(
    private readonly ctx: JobContext,
    private readonly session: Session,
    readonly target: Target,
    readonly spool: Spool,
    private readonly shutdownOnClose: boolean,
    readonly source: string,
  ) {
    const identity = ctx.info.acceptArguments.identity || `agent-${ctx.job.id}`;
    this.journal = new Journal(spool, target.record(source), target.token, identity);
    this.items = new Items(target, source);
  }

  itemAdded({ item }: voices.ConversationItemAddedEvent): void {
    // Instructions, tools and their outputs stay here.
    if (item.type !== "message" || (item.role !== "user" && item.role !== "assistant")) return;
    const said: Item = {
      id: item.id,
      role: item.role,
      text: item.textContent ?? "",
      created_at: item.createdAt / 1000,
      interrupted: item.interrupted,
    };
    this.journal.add(said);
    this.items.put(said);
  }

  closed(event: voices.CloseEvent): void {
    if (this.reason !== undefined) return;
    this.reason = this.whyClosed(event);
    this.reportUnlessMoreComes();
  }

  /** Another session of the same job follows this one: this one's end is not the interview's. */
  anotherBegan(): void {
    this.followed = true;
    this.reportUnlessMoreComes();
  }

  private reportUnlessMoreComes(): void {
    // A job that goes on may begin another session: then only its end tells whether this one was the last.
    const closed = this.reason !== undefined && (this.shutdownOnClose || this.followed);
    if (closed) this.reported ??= this.close();
  }

  private async close(): Promise<void> {
    try {
      this.keep();
      const marks = this.reason === "finished" && !this.followed ? [this.mark(this.reason)] : [];
      await Promise.all([...marks, this.deliver(AT_CLOSE_MS)]);
    } catch (error) {
      log.error(`the report could not be made at the session's close (${inWords(error)})`);
    } finally {
      // Otherwise the job stays in the room, silent, for as long as the candidate waits.
      if (this.shutdownOnClose) this.ctx.shutdown("the session closed");
    }
  }

  /** Why it ended. A job's shutdown closes a session, too: only what our user's code asked for is a finished interview. */
  private whyClosed(event: voices.CloseEvent): string {
    if (event.error !== null && event.error !== undefined) return "failed";
    if (this.askedToEnd && event.reason === voice.CloseReason.USER_INITIATED) return "finished";
    return String(event.reason);
  }

  /** Makes the report, once: what was sent must not change. A disk that does not take it is no reason to lose it. */
  keep(): void {
    if (this.parcel !== undefined) return;
    let report: Record<string, unknown>;
    try {
      report = voice.sessionReportToJSON(this.ctx.makeSessionReport(this.session)) as Record<string, unknown>;
    } catch (error) {
      // Still recording, or never started: what was said counts more than how it was measured.
      log.warn(`livekit-agents makes no report (${inWords(error)}); the conversation is reported without it`);
      report = { chat_history: snakeCase(this.session.history.toJSON({ excludeTimestamp: false })) };
    }
    report.end_reason = this.followed ? HANDED_OVER : (this.reason ?? "job shutdown");
    this.parcel = { address: this.target.record(this.source), token: this.target.token, body: JSON.stringify(report) };
    this.onDisk = put(this.spool, this.parcel);
    // It has all that was said.
    if (this.onDisk) this.journal.end();
  }

  /** Gives whether it is settled: taken, or refused for good. */
  private async deliver(within: number): Promise<boolean> {
    if (!this.settled && this.parcel !== undefined) {
      this.settled = (await deliverUntil(this.spool, this.parcel, within)) !== "later";
    }
    return this.settled;
  }

  /** Tells the candidate's client; it needs no such word, but ends sooner with it. */
  private async mark(reason: string): Promise<void> {
    const room = this.ctx.room;
    const own = room.localParticipant;
    if (!room.isConnected || own === undefined) return;
    const said = { reason, ...(this.parcel ? { report_sha256: digest(this.parcel).toString("hex") } : {}) };
    const word = JSON.stringify(said);
    const candidates = [...room.remoteParticipants.values()].filter((who) => who.kind === ParticipantKind.STANDARD);
    const tells = candidates.map(({ identity }) =>
      own
        .performRpc({ destinationIdentity: identity, method: MARKER, payload: word, responseTimeout: MARKER_MS })
        // Another client than Adjourn's, or one that is gone.
        .catch((error: unknown) => log.info(`${identity} did not take the end marker: ${inWords(error)}`)),
    );
    const marked = Promise.allSettled([own.setAttributes({ [MARKER]: word }), ...tells]);
    await Promise.race([marked, sleep(MARKER_MS + 500, undefined, { ref: false })]);
  }

  /** The job's end: what is not delivered yet is tried again. */
  async end(): Promise<void> {
    await Promise.race([this.reported, sleep(AT_CLOSE_MS + MARKER_MS + 1_000, undefined, { ref: false })]);
    await this.items.flush(AT_CLOSE_MS);
    // What is neither there nor on disk as a report is left to whoever finds what was said.
    if ((await this.deliver(AT_END_MS)) || this.onDisk) this.journal.end();
  }
}

/** The keys of a conversation as Python's livekit-agents writes them, and seconds. */
function snakeCase(history: unknown): unknown {
  const { items } = history as { items?: { createdAt?: number }[] };
  const kept = (items ?? []).map(({ createdAt, ...item }) => ({ ...item, created_at: (createdAt ?? 0) / 1000 }));
  return { items: kept };
}

/** Writes it to disk, if that can be. Gives whether it is there. */
function put(spool: Spool, parcel: Parcel): boolean {
  try {
    spool.put(parcel);
    return true;
  } catch (error) {
    log.error(`the report can't be written to ${spool.folder} (${inWords(error)}); it is sent from memory`);
    return false;
  }
}

/** What a job has: its user's callback, its sessions, its judgement. */
class Job {
  ownSessionEnd: ((ctx: JobContext) => Promise<void> | void) | undefined;
  readonly sessions: Attached[] = [];
  judgement: unknown;
  private judged: Parcel | undefined;
  private ending: Promise<void> | undefined;

  private keepReports(): void {
    for (const session of this.sessions) {
      try {
        session.keep();
      } catch (error) {
        log.error(`the report of ${session.source} could not be made (${inWords(error)})`);
      }
    }
  }

  /** Puts everything that there is to report on disk, before anything that may take long or never end. */
  private keep(): void {
    this.keepReports();
    const first = this.sessions[0];
    if (this.judgement !== undefined && first !== undefined && this.judged === undefined) {
      try {
        const body = JSON.stringify({ judgement: this.judgement });
        this.judged = { address: first.target.record(`${first.source}-judgement`), token: first.target.token, body };
        put(first.spool, this.judged);
      } catch (error) {
        log.error(`the judgement could not be made (${inWords(error)})`);
      }
    }
  }

  /** Delivers everything, once, however often its end is told. */
  end(ctx: JobContext): Promise<void> {
    this.ending ??= this.ends(ctx);
    return this.ending;
  }

  private async ends(ctx: JobContext): Promise<void> {
    // What is called next may hang, or take the process with it: the reports are on disk first. A judgement that it makes is kept
    // after it.
    this.keepReports();
    try {
      await this.ownSessionEnd?.(ctx);
    } catch (error) {
      // A report must not be lost to a bug beside it.
      log.error(`onSessionEnd threw (${inWords(error)}); the report goes on`);
    }
    this.keep();
    const sending: Promise<unknown>[] = this.sessions.map((session) => session.end());
    const first = this.sessions[0];
    if (this.judged !== undefined && first !== undefined) sending.push(deliverUntil(first.spool, this.judged, AT_END_MS));
    for (const sent of await Promise.allSettled(sending)) {
      if (sent.status === "rejected") log.error(`something of this job could not be delivered (${inWords(sent.reason)})`);
    }
  }
}

const jobs = new Map<string, Job>();

function jobOf(ctx: JobContext): Job {
  const id = ctx.job.id || randomUUID();
  const known = jobs.get(id) ?? new Job();
  jobs.set(id, known);
  return known;
}

/** Reports this session, whatever becomes of it. Call it before `session.start`.
 *
 * Without an Adjourn backend in the job's metadata, only a warning is logged. Never throws for a bad backend, network or disk. */
export function attach(ctx: JobContext, session: Session, options: Options = {}): void {
  const job = jobOf(ctx);
  job.ownSessionEnd = options.onSessionEnd ?? job.ownSessionEnd;
  try {
    attachTo(job, ctx, session, options);
  } catch (error) {
    log.error(`this session is not reported (${inWords(error)})`);
  }
}

function attachTo(job: Job, ctx: JobContext, session: Session, options: Options): void {
  const number = job.sessions.length + 1;
  // However a job ends, it is told so here: `sessionEnd` is called sooner, where it is given.
  if (number === 1) ctx.addShutdownCallback(() => job.end(ctx));
  const target = Target.of(ctx.job.metadata);
  if (target === undefined) return;
  const source = number === 1 ? `agent:${ctx.job.id}` : `agent:${ctx.job.id}-${number}`;
  const spool = options.spool ?? new Spool();
  const attached = new Attached(ctx, session, target, spool, options.shutdownOnClose ?? true, source);
  if (number === 1) isOf({ interview_id: target.interviewId, attempt: target.attempt, job: ctx.job.id });
  if (number === 1 && options.sentinel !== false) start(spool, process.ppid);
  for (const earlier of job.sessions) earlier.anotherBegan();
  job.sessions.push(attached);
  const shutdown = session.shutdown.bind(session);
  // The close event does not tell whether the user's code or the job's end closed the session.
  session.shutdown = (...how: Parameters<typeof shutdown>) => {
    // One that its job's end closes already, a tool that is waited for can't finish any more.
    attached.askedToEnd ||= !attached.isClosing;
    shutdown(...how);
  };
  const close = session.close.bind(session);
  session.close = () => {
    attached.isClosing = true;
    return close();
  };
  session.on(voice.AgentSessionEventTypes.ConversationItemAdded, (event) => attached.itemAdded(event));
  session.on(voice.AgentSessionEventTypes.Close, (event) => attached.closed(event));
  // What earlier jobs could not deliver.
  if (number === 1) void flushEarlier(spool);
}

async function flushEarlier(spool: Spool): Promise<void> {
  try {
    // As it is now: what this job will put there, it delivers itself.
    const waiting = spool.waiting();
    await deliverLeft(spool);
    const { delivered } = await flush(spool, waiting);
    if (delivered > 0) log.info(`${delivered} reports of earlier jobs were delivered`);
  } catch (error) {
    log.error(`the spool ${spool.folder} can't be used (${inWords(error)})`);
  }
}

/** Adds a judgement (anything that JSON can say) as a record of its own, delivered at the job's end. */
export function judge(ctx: JobContext, judgement: unknown): void {
  const job = jobs.get(ctx.job.id);
  if (job === undefined) log.warn("judge() without attach(): the judgement is not reported");
  else if (job.sessions.length === 0) log.warn("there is no Adjourn backend in this job's metadata: the judgement is not reported");
  else job.judgement = judgement;
}

/** Give this to `defineAgent({ onSessionEnd })`; your own callback goes to `attach`. */
export async function sessionEnd(ctx: JobContext): Promise<void> {
  const job = jobs.get(ctx.job.id);
  if (job === undefined) return;
  await job.end(ctx);
  jobs.delete(ctx.job.id);
}
