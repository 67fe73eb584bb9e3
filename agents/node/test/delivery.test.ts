import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { deliverUntil, flush, NEVER, pause } from "../src/delivery.js";
import { type Item, Items, NEVER_AN_ITEM } from "../src/items.js";
import { NEVER_TOLD } from "../src/sentinel.js";
import { Spool } from "../src/spool.js";
import { Target } from "../src/target.js";
import { newSpool, receipt, refusal, status, Stub, stubOfFile, until } from "./stub.js";

const stub = stubOfFile();

const parcel = (body = '{"a": 1}') => {
  return { address: `${stub.url}/v1/interviews/i/attempts/1/records/agent:AJ_1`, token: "secret-token", body };
};

test("a report is delivered once a receipt names these very bytes", async () => {
  const spool = newSpool();
  stub.answers = [status(503, { "retry-after": "0" }), receipt("something else"), status(200)];
  spool.put(parcel());
  assert.equal(await deliverUntil(spool, parcel(), 10_000), "delivered");
  assert.equal(stub.asked.length, 4);
  assert.equal(stub.asked[0]?.headers["content-digest"], "sha-256=:+dhgKMbg1k4iUYb5astpM4ssWXZN95FiEH9cS7NNExA=:");
  assert.equal(stub.asked[0]?.headers.authorization, "Bearer secret-token");
  assert.deepEqual(spool.waiting(), []);
});

test("only the backend's own word refuses for good", async () => {
  const page = (response: import("node:http").ServerResponse) => void response.writeHead(409, { "content-type": "text/html" }).end("record_exists");
  const spool = newSpool();
  stub.answers = [page];
  spool.put(parcel());
  assert.equal(await deliverUntil(spool, parcel(), 10_000), "delivered");
  stub.answers = [refusal(409, "record_exists")];
  const path = spool.put(parcel('{"b": 2}'));
  assert.equal(await deliverUntil(spool, parcel('{"b": 2}'), 10_000), "parked");
  assert.ok(existsSync(path.replace(".json", ".parked")) && existsSync(path.replace(".json", ".why")));
  stub.answers = [refusal(410, "erased")];
  spool.put(parcel('{"c": 3}'));
  assert.equal(await deliverUntil(spool, parcel('{"c": 3}'), 10_000), "erased");
  assert.deepEqual(spool.waiting(), []);
});

test("what was said follows nobody elsewhere", async () => {
  const elsewhere = await new Stub().start();
  stub.answers = [status(307, { location: `${elsewhere.url}/` })];
  const spool = newSpool();
  spool.put(parcel());
  assert.equal(await deliverUntil(spool, parcel(), 10_000), "delivered");
  assert.equal(elsewhere.asked.length, 0);
  elsewhere.stop();
});

test("what is not delivered waits on disk, for its owner alone, and the next job delivers it", async () => {
  const spool = newSpool();
  stub.answers = [status(503)];
  const path = spool.put(parcel());
  assert.equal(await deliverUntil(spool, parcel(), 0), "later");
  assert.equal(statSync(path).mode & 0o777, 0o600);
  assert.equal(statSync(spool.folder).mode & 0o777, 0o700);
  // The first of an address stays.
  spool.put({ ...parcel(), body: "{}" });
  writeFileSync(join(spool.folder, "0".repeat(32) + ".json"), "no report");
  writeFileSync(join(spool.folder, "theirs.json"), "somebody else's");
  assert.deepEqual(await flush(spool), { delivered: 1, later: 0, parked: 0, erased: 0 });
  assert.equal(stub.asked.at(-1)?.body, '{"a": 1}');
  assert.deepEqual(readdirSync(spool.folder).sort(), ["0".repeat(32) + ".damaged", "theirs.json"]);
});

test("a disk that takes nothing loses no report", async () => {
  const file = join(newSpool().folder, "..", "file");
  writeFileSync(file, "");
  assert.equal(await deliverUntil(new Spool(join(file, "below")), parcel(), 5_000), "delivered");
});

test("turns arrive in order through an outage, and one that is refused holds up no other", async () => {
  stub.answers = [status(204), status(503), status(404), refusal(400, "bad_item")];
  const items = new Items(new Target(stub.url, "i", 1, "t"), "agent:AJ_1");
  const item = (id: string): Item => ({ id, role: "user", text: "x", created_at: 1, interrupted: false });
  for (const id of ["1", "2", "3"]) items.put(item(id));
  await until(() => stub.asked.length === 5);
  assert.deepEqual(stub.bodies().map(({ id }) => id), ["1", "2", "2", "2", "3"]);
  await items.flush(1_000);
});

test("what never arrives is bounded", async () => {
  const items = new Items(new Target("http://127.0.0.1:1", "i", 1, "t"), "agent:AJ_1");
  for (let n = 0; n < 1_500; n++) items.put({ id: String(n), role: "user", text: "x", created_at: 1, interrupted: false });
  assert.equal(items.dropped, 500);
  const began = performance.now();
  await items.flush(200);
  assert.ok(performance.now() - began < 2_000);
});

test("pauses double, with full jitter, and the server's word counts", () => {
  assert.equal(pause(0, undefined, 0), 250);
  assert.equal(pause(3, undefined, 1), 4_000);
  assert.equal(pause(50, undefined, 1), 30_000);
  assert.equal(pause(0, 7_000, 0), 7_000);
  assert.equal(pause(0, 99_000_000, 0), 30_000);
});

test("the backend's refusals are known by its own words", () => {
  const golden = new URL("../../../../crates/protocol/tests/golden/problem-codes.json", import.meta.url);
  const known = JSON.parse(readFileSync(golden, "utf8")) as { codes: string[]; refuses_a_record: string[] };
  assert.deepEqual([...NEVER].sort(), known.refuses_a_record.sort());
  for (const code of [...NEVER_AN_ITEM, ...NEVER_TOLD]) assert.ok(known.codes.includes(code), code);
});

test("a target is read from the metadata, or one warning says why not", () => {
  const good = { report_url: "https://a.example/adjourn/", interview_id: "i", report_token: "secret", attempt: 2 };
  const of = (more: object) => Target.of(JSON.stringify({ ...good, ...more }));
  const target = of({ replaces: "agent-AJ_0", history_url: "https://a.example/adjourn/v1/h" });
  assert.equal(target?.record("agent:AJ_1"), "https://a.example/adjourn/v1/interviews/i/attempts/2/records/agent:AJ_1");
  assert.deepEqual([target?.replaces, target?.history], ["agent-AJ_0", "https://a.example/adjourn/v1/h"]);
  assert.equal(of({ history_url: "https://elsewhere.example/h" })?.history, undefined);
  assert.ok(!JSON.stringify(target).includes("secret"));
  for (const bad of ["", "no JSON", "[]", "null", '{"report_url": 1}', JSON.stringify({ ...good, report_url: "http://a.example" }),
    JSON.stringify({ ...good, attempt: undefined }), JSON.stringify({ ...good, attempt: "2" })]) {
    assert.equal(Target.of(bad), undefined, bad);
  }
});
