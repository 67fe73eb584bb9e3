// A backend that behaves as told.

import { createHash } from "node:crypto";
import { createServer, type IncomingHttpHeaders, type ServerResponse } from "node:http";
import { mkdtempSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, beforeEach } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import { Spool } from "../src/spool.js";

export type Script = (response: ServerResponse, body: string) => void;

export interface Asked {
  method: string;
  path: string;
  headers: IncomingHttpHeaders;
  body: string;
}

export class Stub {
  readonly asked: Asked[] = [];
  /** What is answered, one after the other; then everything is taken. */
  answers: Script[] = [];
  url = "";
  private readonly server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const body = Buffer.concat(chunks).toString("utf8");
      const method = request.method ?? "";
      this.asked.push({ method, path: request.url ?? "", headers: request.headers, body });
      const script = this.answers.shift() ?? (method === "PUT" ? receipt() : status(204));
      script(response, body);
    });
  });

  async start(): Promise<this> {
    await new Promise<void>((resolve) => this.server.listen(0, "127.0.0.1", resolve));
    this.url = `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
    return this;
  }

  stop(): void {
    this.server.closeAllConnections();
    this.server.close();
  }

  bodies(): Record<string, unknown>[] {
    return this.asked.map(({ body }) => JSON.parse(body) as Record<string, unknown>);
  }
}

export function status(code: number, headers: Record<string, string> = {}): Script {
  return (response) => response.writeHead(code, headers).end();
}

/** The backend's own refusal. */
export function refusal(code: number, word: string): Script {
  return (response) => response.writeHead(code, { "content-type": "application/problem+json" }).end(JSON.stringify({ code: word }));
}

/** A receipt for these bytes, or others. */
export function receipt(of?: string): Script {
  return (response, body) => {
    const sha256 = createHash("sha256").update(of ?? body).digest("hex");
    const claims = Buffer.from(JSON.stringify({ sha256 })).toString("base64url");
    response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify({ receipt: `e30.${claims}.c2ln` }));
  };
}

/** One for all tests of a file, as new for each. */
export function stubOfFile(): Stub {
  const stub = new Stub();
  before(() => stub.start());
  after(() => stub.stop());
  beforeEach(() => {
    stub.asked.length = 0;
    stub.answers = [];
  });
  return stub;
}

export function newSpool(): Spool {
  return new Spool(join(mkdtempSync(join(tmpdir(), "adjourn-agent-")), "spool"));
}

/** Milliseconds until it is so. */
export async function until(what: () => boolean, within = 10_000): Promise<number> {
  const began = performance.now();
  while (!what()) {
    if (performance.now() - began > within) throw new Error("it did not become so");
    await sleep(20);
  }
  return performance.now() - began;
}
