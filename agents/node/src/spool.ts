// Reports on disk until the backend has acknowledged them: a job that dies leaves them to a later one. The files are those of the
// package for Python: either delivers what the other left.

import { createHash, randomBytes } from "node:crypto";
import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, readFileSync, readdirSync, renameSync, rmSync, statSync, writeFileSync, writeSync } from "node:fs";
import { homedir, tmpdir, userInfo } from "node:os";
import { join } from "node:path";

/** What a parcel's file is called. */
const NAME = /^[0-9a-f]{32}\.json$/;

/** One record on its way. */
export interface Parcel {
  address: string;
  token: string;
  body: string;
}

/** SHA-256 of the bytes that are sent. */
export function digest(parcel: Parcel): Buffer {
  return createHash("sha256").update(parcel.body, "utf8").digest();
}

/** What files about a record are called, without their ending: one name for every process that writes them. */
export function nameOf(address: string): string {
  return createHash("sha256").update(address, "utf8").digest("hex").slice(0, 32);
}

/** `ADJOURN_SPOOL`, or a folder of the user's own. */
export function defaultFolder(): string {
  const given = process.env.ADJOURN_SPOOL;
  if (given) return given;
  const state = process.env.XDG_STATE_HOME;
  if (state) return join(state, "adjourn-agent");
  const home = homedir();
  return home ? join(home, ".local", "state", "adjourn-agent") : join(tmpdir(), `adjourn-agent-${userInfo().uid}`);
}

/** A folder that only its owner can read. */
export class Spool {
  constructor(readonly folder: string = defaultFolder()) {}

  /** Makes the folder, if it is not there. */
  make(): void {
    mkdirSync(this.folder, { recursive: true, mode: 0o700 });
  }

  /** Where a parcel is, or would be. */
  path(parcel: Parcel): string {
    return join(this.folder, `${nameOf(parcel.address)}.json`);
  }

  /** Writes a parcel and waits for the disk. The first of an address stays: what was sent must not change. */
  put(parcel: Parcel): string {
    this.make();
    const path = this.path(parcel);
    if (!existsSync(path)) this.write(parcel, path);
    return path;
  }

  private write(parcel: Parcel, path: string): void {
    const temporary = join(this.folder, `.${randomBytes(8).toString("hex")}.part`);
    try {
      const file = openSync(temporary, "wx", 0o600);
      try {
        writeSync(file, JSON.stringify({ address: parcel.address, token: parcel.token, body: parcel.body }));
        fsyncSync(file);
      } finally {
        closeSync(file);
      }
      renameSync(temporary, path);
    } catch (error) {
      rmSync(temporary, { force: true });
      throw error;
    }
    const folder = openSync(this.folder, "r");
    try {
      fsyncSync(folder);
    } finally {
      closeSync(folder);
    }
  }

  /** Reads a parcel. `undefined`: there is none. What is damaged is set aside with the ending `.damaged`. */
  read(path: string): Parcel | undefined {
    let written: string;
    try {
      written = readFileSync(path, "utf8");
    } catch {
      return undefined;
    }
    try {
      const { address, token, body } = JSON.parse(written) as Record<string, unknown>;
      if (typeof address === "string" && typeof token === "string" && typeof body === "string") {
        return { address, token, body };
      }
    } catch {
      // Below.
    }
    renameSync(path, path.replace(/\.json$/, ".damaged"));
    return undefined;
  }

  /** What waits, newest first: what has waited long may wait for ever, and holds up nothing that does not. */
  waiting(): string[] {
    if (!existsSync(this.folder)) return [];
    const found: [number, string][] = [];
    for (const name of readdirSync(this.folder)) {
      if (!NAME.test(name)) continue;
      const path = join(this.folder, name);
      try {
        found.push([statSync(path).mtimeMs, path]);
      } catch {
        // Delivered by another process between the listing and the look.
      }
    }
    return found.sort(([a], [b]) => b - a).map(([, path]) => path);
  }

  /** Milliseconds since it was put here. */
  age(path: string): number {
    try {
      return Date.now() - statSync(path).mtimeMs;
    } catch {
      return 0;
    }
  }

  /** Removes what was acknowledged. */
  done(path: string): void {
    rmSync(path, { force: true });
  }

  /** Sets aside what will never be taken, with the reason beside it. */
  park(path: string, why: string): string {
    const parked = path.replace(/\.json$/, ".parked");
    try {
      renameSync(path, parked);
      writeFileSync(path.replace(/\.json$/, ".why"), `${why}\n`, { mode: 0o600 });
    } catch {
      // Another process was faster, or the disk takes nothing.
    }
    return parked;
  }
}
