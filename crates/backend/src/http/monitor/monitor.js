// The seats of a test center, as they are now. What comes from seats is put into the page as text, never as markup.
const at = (id) => document.getElementById(id);
const STAGES = {
  idle: "waits for a code",
  closed: "takes no code",
  check: "devices are checked",
  waiting: "waits for the interviewer",
  interview: "interview",
  ended: "ended",
};
// A stream that says nothing for so long is dead: the server sends a comment every 15 s.
const SILENT = 20_000;
const AGAIN = 2_000;
// A-2 stands before A-10.
const ORDER = new Intl.Collator(undefined, { numeric: true });

let center = "";
let key = "";
let entering = false;
const seats = new Map();

const url = (rest) => new URL(`v1/centers/${encodeURIComponent(center)}/${rest}`, document.baseURI);
const headers = () => ({ authorization: `Bearer ${key}` });

async function problemOf(response) {
  const body = await response.json().catch(() => ({}));
  return body.title ?? `The server answers ${response.status}.`;
}

at("enter").addEventListener("submit", async (event) => {
  event.preventDefault();
  center = at("center").value.trim();
  key = at("key").value.trim();
  at("problem").textContent = "";
  if (!at("seats").hidden || entering) return;
  entering = true;
  try {
    const response = await fetch(url("seats"), { headers: headers() });
    if (!response.ok) {
      at("problem").textContent = await problemOf(response);
      return;
    }
  } catch {
    at("problem").textContent = "The server can't be reached.";
    return;
  } finally {
    entering = false;
  }
  at("key").value = "";
  at("enter").hidden = true;
  at("seats").hidden = false;
  at("title").textContent = `Seats of ${center}`;
  document.title = `${center} · Adjourn`;
  void follow();
});

at("ask-no").addEventListener("click", () => at("ask").close("no"));

async function follow() {
  for (;;) {
    try {
      if ((await once()) === "refused") return;
    } catch (error) {
      console.warn(error);
    }
    at("link").textContent = "The connection to the server is lost; trying again. What is below may be old.";
    await new Promise((done) => setTimeout(done, AGAIN));
  }
}

function leave() {
  key = "";
  seats.clear();
  at("rows").replaceChildren();
  at("calls").textContent = "";
  at("expected").open = false;
  at("entries").replaceChildren();
  at("ask-entry").replaceChildren();
  at("ask").close();
  at("seats").hidden = true;
  at("enter").hidden = false;
  at("key").focus();
}

async function once() {
  const abort = new AbortController();
  let timer;
  const alive = () => {
    clearTimeout(timer);
    timer = setTimeout(() => abort.abort(), SILENT);
  };
  alive();
  const response = await fetch(url("watch"), { headers: headers(), signal: abort.signal });
  if (!response.ok) {
    clearTimeout(timer);
    at("problem").textContent = await problemOf(response);
    if (![401, 403].includes(response.status)) throw new Error(String(response.status));
    // Who may not see it any more sees nothing of what was there.
    leave();
    return "refused";
  }
  at("problem").textContent = "";
  seats.clear();
  at("rows").replaceChildren();
  at("link").textContent = "Shown as it is now.";
  show();
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    alive();
    text += value;
    const parts = text.split("\n\n");
    text = parts.pop();
    parts.forEach(take);
    show();
  }
}

function take(part) {
  const field = (name) =>
    part
      .split("\n")
      .filter((line) => line.startsWith(`${name}:`))
      .map((line) => line.slice(name.length + 1).trimStart())
      .join("\n");
  const kind = field("event");
  if (kind === "seat") {
    const seen = JSON.parse(field("data"));
    const before = seats.get(seen.seat);
    seats.set(seen.seat, seen);
    // Only the way's time is another one: nobody's button goes away under their hand.
    if (before && same(before, seen)) network(seen);
    else row(seen);
  } else if (kind === "gone") {
    const seat = JSON.parse(field("data"));
    seats.delete(seat);
    at("rows").querySelector(`[data-seat="${CSS.escape(seat)}"]`)?.remove();
  }
}

function show() {
  const all = [...seats.values()];
  const count = (so) => all.filter(so).length;
  const told = [
    ["Seats", all.length],
    ["Interviews", count((seen) => seen.state.stage === "interview")],
    ["Calling for help", count((seen) => seen.state.help)],
    ["Missing", count((seen) => seen.missing)],
    ["Taking no code", count((seen) => seen.state.stage === "closed")],
  ];
  at("counts").replaceChildren(...told.map(([what, number]) => element("span", `${what}: ${number}`)));
  const calls = all.filter((seen) => seen.state.help).map((seen) => seen.seat).sort(ORDER.compare);
  const said = calls.length === 0 ? "" : `${calls.length === 1 ? "Seat" : "Seats"} ${calls.join(", ")}: help is wanted.`;
  // Said anew only when it is another one.
  if (at("calls").textContent !== said) at("calls").textContent = said;
}

const plain = ({ seen_at, state, ...rest }) => JSON.stringify({ ...rest, state: { ...state, round_trip_ms: 0, done: 0 } });
const same = (before, now) => plain(before) === plain(now);

const inWords = (ms) => (ms === undefined ? "–" : `${ms} ms there and back`);

function network({ seat, state }) {
  const shown = at("rows").querySelector(`[data-seat="${CSS.escape(seat)}"] [data-network]`);
  if (shown) shown.textContent = inWords(state.round_trip_ms);
}

function element(name, text, kind) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  if (kind) made.className = kind;
  return made;
}

function cell(...parts) {
  const made = element("td");
  made.append(...parts.flatMap((part, n) => (n > 0 ? [document.createElement("br"), part] : [part])));
  return made;
}

function row(seen) {
  const { seat, state, missing, hold } = seen;
  const made = document.createElement("tr");
  made.dataset.seat = seat;
  made.className = [missing && "missing", state.help && "help"].filter(Boolean).join(" ");
  const name = element("th", seat);
  name.scope = "row";
  const stage = [element("span", STAGES[state.stage] ?? state.stage)];
  if (missing) stage.unshift(element("span", `missing since ${new Date(seen.seen_at).toLocaleTimeString()}`, "bad"));
  if (state.help) stage.unshift(element("span", "calls for help", "bad"));
  if (hold || state.held) {
    const text = hold && state.held ? "on hold: nobody begins" : hold ? "hold: the seat does not know it yet" : "hold is taken back: the seat does not know it yet";
    stage.push(element("span", text, "bad"));
  }
  if (state.trouble) stage.push(element("span", state.trouble, "quiet"));
  if (state.refused) stage.push(element("span", `not done: ${state.refused}`, "bad"));
  const lock = [element("span", state.lock, state.lock === "enforced" ? "well" : "bad")];
  if (state.weak?.length) lock.push(element("span", state.weak.join(", "), "quiet"));
  const devices = [state.microphone, state.loudspeaker].filter(Boolean).join(" · ");
  const link = element("span", inWords(state.round_trip_ms), "quiet");
  link.dataset.network = "";
  const waiting = element("span", state.undelivered ? "something waits" : "–", state.undelivered ? "bad" : "");
  made.append(
    name,
    cell(...stage),
    cell(element("span", state.initials ?? "–")),
    cell(...lock),
    cell(element("span", devices || "–"), link),
    cell(waiting),
    cell(actions(seen)),
  );
  const rows = at("rows");
  const old = rows.querySelector(`[data-seat="${CSS.escape(seat)}"]`);
  if (old) {
    // Whoever is about to press something of it presses the same thing.
    const focused = old.contains(document.activeElement) ? document.activeElement.dataset.order : undefined;
    old.replaceWith(made);
    if (focused) made.querySelector(`[data-order="${focused}"]`)?.focus();
    return;
  }
  const next = [...rows.children].find((other) => ORDER.compare(other.dataset.seat, seat) > 0);
  rows.insertBefore(made, next ?? null);
}

function actions({ seat, state, missing, hold }) {
  const made = element("span");
  const add = (order, text, wish) => {
    const button = element("button", text);
    button.dataset.order = order;
    button.disabled = missing;
    button.addEventListener("click", () => void wish());
    made.append(button);
  };
  add("message", "Message…", async () => {
    const text = await ask(`A message to seat ${seat}`, "It is shown to whoever sits there, until the next candidate. An empty one takes the last one away.", "Send", "text");
    if (text !== null) await give(seat, state, { order: "message", text });
  });
  if (state.interview_id && state.stage !== "ended") {
    add("end_interview", "End the interview…", async () => {
      const sure = await ask(`End the interview at seat ${seat}?`, "What was said so far is kept and sent.", "End it");
      if (sure !== null) await give(seat, state, { order: "end_interview", interview_id: state.interview_id });
    });
  }
  if (state.stage === "idle") add("assign", "Assign…", () => assign(seat, state));
  add("hold", hold ? "Let them begin" : "Hold", () => give(seat, state, { order: "hold", on: !hold }));
  if (["idle", "closed"].includes(state.stage)) {
    add("renew", "Begin anew", () => give(seat, state, { order: "renew" }));
  }
  if (state.remote) add("release", "Let it go…", async () => {
    const what = "Its window closes, a console is on its screen, and it is no seat until somebody starts it again. An interview that goes on ends, and is kept.";
    if ((await ask(`Let seat ${seat} go?`, what, "Let it go")) !== null) await give(seat, state, { order: "release" });
  });
  return made;
}

const HOW_FAR = { expected: "expected", begun: "has begun", over: "is over" };

function when(entry) {
  return entry.starts_at ? new Date(entry.starts_at).toLocaleString([], { dateStyle: "short", timeStyle: "short" }) : "at any time";
}

// Asked for whenever somebody wants to see it: names are not kept in a page that stands open all day.
async function roster() {
  const response = await fetch(url("roster"), { headers: headers() });
  if (!response.ok) throw new Error(await problemOf(response));
  return (await response.json()).entries;
}

at("expected").addEventListener("toggle", async () => {
  const rows = at("entries");
  rows.replaceChildren();
  at("expected-count").textContent = "";
  if (!at("expected").open) return;
  try {
    const entries = await roster();
    if (!at("expected").open) return;
    at("expected-count").textContent = entries.length === 0 ? "Nobody is." : `${entries.length}, as it was when this was opened.`;
    rows.replaceChildren(
      ...entries.map((entry) => {
        const made = document.createElement("tr");
        const minutes = entry.extra_minutes ? `${entry.minutes} (${entry.extra_minutes} extra)` : `${entry.minutes}`;
        const texts = [when(entry), entry.candidate, entry.reference, entry.seat ?? "any", minutes, HOW_FAR[entry.state] ?? entry.state];
        made.append(...texts.map((text) => cell(element("span", text))));
        return made;
      }),
    );
  } catch (error) {
    at("expected-count").textContent = error.message;
  }
});

async function assign(seat, state) {
  const what = "Their device check begins there, without a code. Make sure that they are who sits there.";
  const sure = ask(`Who begins at seat ${seat}?`, what, "Begin their check", "who");
  if (!sure) return;
  const asked = question;
  // The list comes into the question that stands, and into no other one.
  let text = "";
  try {
    const entries = (await roster()).filter((entry) => entry.state !== "over");
    if (asked !== question) return;
    // Whoever is meant for this seat is offered first; the rest as they come.
    entries.sort((a, b) => Number(b.seat === seat) - Number(a.seat === seat));
    at("ask-entry").replaceChildren(
      ...entries.map((entry) => {
        const made = element(
          "option",
          `${entry.candidate} (${entry.reference}), ${when(entry)}${entry.seat ? `, seat ${entry.seat}` : ""}${entry.state === "begun" ? ", has begun" : ""}`,
        );
        made.value = entry.reference;
        return made;
      }),
    );
    if (entries.length === 0) text = "The roster has nobody whose interview is not over.";
    at("ask-yes").disabled = entries.length === 0;
  } catch (error) {
    if (asked !== question) return;
    text = error.message;
  }
  if (text) at("ask-text").textContent = text;
  const reference = await sure;
  if (reference) await give(seat, state, { order: "assign", reference });
}

// Which question stands: one at a time.
let question = 0;

// Gives what was answered: a text, or nothing at all if it was taken back.
function ask(title, text, yes, field = "") {
  const dialog = at("ask");
  if (dialog.open) return null;
  question += 1;
  at("ask-title").textContent = title;
  at("ask-text").textContent = text;
  at("ask-yes").textContent = yes;
  // Of a list that is still to come, nobody can be chosen.
  at("ask-yes").disabled = field === "who";
  at("ask-field").hidden = field !== "text";
  at("ask-who").hidden = field !== "who";
  at("ask-message").value = "";
  at("ask-entry").replaceChildren();
  dialog.returnValue = "no";
  dialog.showModal();
  // Return sends a message; it ends and lets go of nothing.
  ({ text: at("ask-message"), who: at("ask-entry") }[field] ?? at("ask-no")).focus();
  return new Promise((done) => {
    const closed = () => {
      const answer = field === "who" ? at("ask-entry").value : at("ask-message").value;
      question += 1;
      at("ask-entry").replaceChildren();
      done(dialog.returnValue === "yes" ? answer : null);
    };
    dialog.addEventListener("close", closed, { once: true });
  });
}

// Meant for whoever is seen there, and for nobody who comes later.
async function give(seat, { life, interview_id }, order) {
  at("problem").textContent = "";
  try {
    const response = await fetch(url(`seats/${encodeURIComponent(seat)}/orders`), {
      method: "POST",
      headers: { ...headers(), "content-type": "application/json" },
      body: JSON.stringify({ ...order, life, seen: interview_id }),
    });
    if (!response.ok) at("problem").textContent = `Seat ${seat}: ${await problemOf(response)}`;
  } catch {
    at("problem").textContent = `Seat ${seat}: the server can't be reached; nothing was ordered.`;
  }
}
