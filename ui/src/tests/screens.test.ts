import { cleanup, render, screen } from "@testing-library/svelte";
import { tick } from "svelte";
import { afterEach, expect, test, vi } from "vitest";

import { stateOf } from "../../gallery/states";
import { App as State } from "../app.svelte";
import App from "../App.svelte";
import { clock, fill } from "../clock";
import type { Command } from "../generated/Command";
import type { Snapshot } from "../generated/Snapshot";

afterEach(cleanup);

/** The whole page at a snapshot that the client made, with what it asks for. */
async function shown(name: string, changed: Partial<Snapshot> = {}) {
  const order = vi.fn<(command: Command) => Promise<void>>().mockResolvedValue(undefined);
  const app = new State(order);
  let take: ((snapshot: Snapshot) => void) | undefined;
  render(App, {
    app,
    listen: (listen) => {
      take = (snapshot) => listen({ kind: "snapshot", ...snapshot });
      return Promise.resolve();
    },
  });
  const show = async (next: Snapshot) => {
    take?.(next);
    await tick();
    await tick();
  };
  await show({ ...stateOf(name), ...changed });
  order.mockClear();
  return { order, app, show };
}

const button = (name: string | RegExp) => screen.getByRole<HTMLButtonElement>("button", { name });

test("time and levels are shown evenly", () => {
  expect(clock(0)).toBe("0:00");
  expect(clock(75.9)).toBe("1:15");
  expect(clock(3661)).toBe("1:01:01");
  expect(fill(-120)).toBe(0);
  expect(fill(-33)).toBeCloseTo(0.5);
  expect(fill(0)).toBe(1);
});

test("a link is given on as it was typed", async () => {
  const { order } = await shown("start");
  const input = screen.getByLabelText<HTMLInputElement>("Interview link");
  expect(button("Continue").disabled).toBe(true);
  input.value = "adjourn://join?server=https://a.example&code=BBBB-2222";
  input.dispatchEvent(new Event("input", { bubbles: true }));
  await tick();
  button("Continue").click();
  expect(order).toHaveBeenCalledWith({ command: "open_link", link: input.value });
});

test("who is invited reads by whom, and what they need is kept as they write it", async () => {
  const { order, show } = await shown("check-invited");
  expect(screen.getByText("\u2068Example Ltd.\u2069 invites you to this interview.")).toBeTruthy();
  expect(screen.getAllByText("jobs@example.com").length).toBeGreaterThan(0);
  const field = screen.getByLabelText<HTMLTextAreaElement>("What do you need?");
  field.value = "More time to answer, please.";
  field.dispatchEvent(new Event("input", { bubbles: true }));
  const { adjustment } = stateOf("check-invited");
  const asked = { command: "ask_adjustment", of: adjustment?.of, text: "More time to answer, please." };
  await vi.waitFor(() => expect(order).toHaveBeenCalledWith(asked));
  await show(stateOf("check-adjustment"));
  expect(screen.getAllByText(/is kept on this computer/).length).toBeGreaterThan(0);
  // A page that is loaded again, or comes back from a join that failed, has it in its field.
  cleanup();
  await shown("check-adjustment");
  expect(screen.getByLabelText<HTMLTextAreaElement>("What do you need?").value).toBe("More time to answer, please.");
});

test("the way to the room can be tried again once it was", async () => {
  const { order } = await shown("check");
  expect(button("Try it again").disabled).toBe(true);
  cleanup();
  expect(order).not.toHaveBeenCalled();
  const again = await shown("check", { connection: { verdict: "bad", text: { id: "room-address-not-found" } } });
  button("Try it again").click();
  expect(again.order).toHaveBeenCalledWith({ command: "try_connection" });
});

test("a problem that can be tried again keeps the way on open, another one leaves the way to another link", async () => {
  const { order } = await shown("check-unreachable");
  expect(screen.getByRole("alert").textContent).toContain("cannot be reached");
  button("Try again").click();
  expect(order).toHaveBeenCalledWith({ command: "join" });
  cleanup();
  const used = await shown("check-code-used");
  expect(button("Join the interview").disabled).toBe(true);
  button("Use another link").click();
  expect(used.order).toHaveBeenCalledWith({ command: "forget_link" });
});

test("what the check finds is said, and whether the chime was heard is asked", async () => {
  const { order, app } = await shown("check-asking");
  app.take({ kind: "diagnostics", findings: [{ verdict: "warning", text: { id: "figure-round-trip", args: { ms: 310 } } }] });
  await tick();
  expect(screen.getByText(/Did you hear two soft notes/)).toBeTruthy();
  button("No").click();
  expect(order).toHaveBeenCalledWith({ command: "chime_heard", heard: false });
  expect(screen.getAllByText(/and back: .310. ms/)[0]?.nextSibling?.textContent).toBe("fair");
  button("Record me for 3 seconds").click();
  expect(order).toHaveBeenCalledWith({ command: "record_sample" });
});

test("a device that is away, or muted in the system, is said with a way out", async () => {
  await shown("check-device-away");
  expect(screen.getAllByText(/is not connected/).length).toBeGreaterThan(1);
  const select = screen.getByLabelText<HTMLSelectElement>("Microphone", { selector: "select" });
  expect(select.selectedOptions[0]?.textContent).toContain("not connected");
  cleanup();
  const { order } = await shown("check-muted-in-system");
  button("Unmute").click();
  expect(order).toHaveBeenCalledWith({ command: "unmute_in_system", side: "microphone" });
});

test("a device is chosen for its side", async () => {
  const { order } = await shown("check");
  const select = screen.getByLabelText<HTMLSelectElement>("Loudspeaker or headphones", { selector: "select" });
  select.value = "built-in-speakers";
  select.dispatchEvent(new Event("change", { bubbles: true }));
  expect(order).toHaveBeenCalledWith({ command: "choose_device", side: "loudspeaker", id: "built-in-speakers" });
});

test("what the program does not take is said on the screen", async () => {
  const { order } = await shown("check");
  order.mockRejectedValueOnce("the client is not running");
  button("Join the interview").click();
  await vi.waitFor(() => expect(screen.getByText(/was not done/)).toBeTruthy());
});

const key = (kind: string, name: string, at: EventTarget = document.body, more: KeyboardEventInit = {}) =>
  at.dispatchEvent(new KeyboardEvent(kind, { key: name, bubbles: true, cancelable: true, ...more }));

test("the space key talks while it is held, wherever the focus is, but where it is written into", async () => {
  const { order } = await shown("push-to-talk");
  const mute = screen.getByRole("switch", { name: "Microphone" });
  expect(key("keydown", " ", mute)).toBe(false);
  expect(order).toHaveBeenLastCalledWith({ command: "talk", talking: true });
  // Held, it is told once; let go before the program answered, it is told all the same.
  key("keydown", " ", mute);
  expect(order).toHaveBeenCalledTimes(1);
  key("keyup", " ", mute);
  expect(order).toHaveBeenLastCalledWith({ command: "talk", talking: false });
  key("keydown", " ");
  expect(order).toHaveBeenLastCalledWith({ command: "talk", talking: true });
  window.dispatchEvent(new Event("blur"));
  expect(order).toHaveBeenLastCalledWith({ command: "talk", talking: false });
  order.mockClear();
  key("keydown", " ", screen.getByLabelText("Microphone", { selector: "select" }));
  expect(order).not.toHaveBeenCalled();
});

test("control and M switch the microphone, once however long they are held, and not under a question", async () => {
  const { order, show } = await shown("listening");
  key("keydown", "m", document.body, { ctrlKey: true });
  key("keydown", "m", document.body, { ctrlKey: true, repeat: true });
  expect(order).toHaveBeenCalledTimes(1);
  expect(order).toHaveBeenLastCalledWith({ command: "set_muted", muted: true });
  await show({ ...stateOf("asking-silent"), seq: 2 });
  key("keydown", "m", document.body, { ctrlKey: true });
  expect(order).toHaveBeenCalledTimes(1);
});

test("what is wrong with sound stands in the interview with a way out, twice the same thing too", async () => {
  const sound = [{ id: "no-microphone" as const }, { id: "no-microphone" as const }];
  const { order } = await shown("loudspeaker-muted", { sound });
  expect(screen.getAllByText(/^No microphone was found/).length).toBe(2);
  button("Unmute the loudspeaker").click();
  expect(order).toHaveBeenCalledWith({ command: "unmute_in_system", side: "loudspeaker" });
});

test("whose turn it is heads the screen, names the window, and counts down where it is waited for", async () => {
  const { app, show } = await shown("listening");
  const heading = () => screen.getByRole("heading", { level: 1 });
  expect(heading().textContent).toBe("Your turn");
  expect(document.title).toBe("Your turn – Adjourn");
  expect(document.activeElement).toBe(heading());
  await show({ ...stateOf("reconnecting"), seq: 2 });
  expect(heading().textContent).toBe("Your connection dropped");
  expect(screen.getByText(/not back in .30. seconds/)).toBeTruthy();
  app.passed = 12;
  await tick();
  expect(screen.getByText(/not back in .18. seconds/)).toBeTruthy();
  // The ring empties by what was left at first, whatever else is told meanwhile.
  const { presence } = stateOf("reconnecting");
  await show({ ...stateOf("reconnecting"), seq: 3, presence: presence && { ...presence, seconds_left: 15 } });
  const arc = document.querySelector(".ring .arc")?.getAttribute("stroke-dasharray")?.split(" ").map(Number) ?? [];
  expect((arc[0] ?? 0) / (arc[1] ?? 1)).toBeCloseTo(0.5);
});

test("a screen reader hears of a change of turn once it stays, and nothing while somebody speaks", async () => {
  vi.useFakeTimers();
  try {
    const { show } = await shown("listening");
    const said = () => screen.getByRole("status").textContent;
    await vi.advanceTimersByTimeAsync(500);
    expect(said()).toContain("Your turn");
    await show({ ...stateOf("muted"), seq: 2 });
    await vi.advanceTimersByTimeAsync(300);
    await show({ ...stateOf("speaking"), seq: 3 });
    await vi.advanceTimersByTimeAsync(500);
    expect(said()).toBe("");
  } finally {
    vi.useRealTimers();
  }
});

test("who has scrolled back reads in peace, and finds the way to the newest line", async () => {
  const { show } = await shown("speaking");
  const box = screen.getByRole("region", { name: "Conversation" });
  expect(box.tabIndex).toBe(0);
  Object.defineProperties(box, { scrollHeight: { value: 900, configurable: true }, clientHeight: { value: 200, configurable: true } });
  box.scrollTop = 100;
  box.dispatchEvent(new Event("scroll"));
  await tick();
  const snapshot = stateOf("speaking");
  const line = { id: "9", speaker: "interviewer" as const, text: "And now?", done: true };
  await show({ ...snapshot, seq: 2, captions: [...snapshot.captions, line] });
  expect(box.scrollTop).toBe(100);
  button("Newest ↓").click();
  await tick();
  expect(box.scrollTop).toBe(900);
});

test("who leaves while waiting is asked, and Escape stays", async () => {
  const { order } = await shown("waiting");
  button("Leave").click();
  await tick();
  expect(order).not.toHaveBeenCalled();
  const stay = screen.getByRole("button", { name: "Stay and wait", hidden: true });
  key("keydown", "Escape", stay);
  await tick();
  expect(stay.closest("dialog")?.open).toBe(false);
  button("Leave").click();
  await tick();
  stay.closest("dialog")?.querySelector<HTMLButtonElement>(".danger")?.click();
  expect(order).toHaveBeenCalledWith({ command: "end" });
});

test("pressed without a pointer, hold to talk is held until it is pressed again", async () => {
  const { order, show } = await shown("push-to-talk");
  button("Hold to talk").click();
  expect(order).toHaveBeenLastCalledWith({ command: "talk", talking: true });
  await show({ ...stateOf("talking"), seq: 2 });
  button("Hold to talk").click();
  expect(order).toHaveBeenLastCalledWith({ command: "talk", talking: false });
});

test("the language that the program names is spoken, in its direction", async () => {
  const { show } = await shown("listening");
  await show({ ...stateOf("listening"), seq: 2, appearance: { language: "ar", theme: "dark", text_size: "large" } });
  await vi.waitFor(() => expect(screen.getByRole("heading", { level: 1 }).textContent).toBe("دورك"));
  const { lang, dir, dataset } = document.documentElement;
  expect([lang, dir, dataset.theme]).toEqual(["ar", "rtl", "dark"]);
  await show({ ...stateOf("listening"), seq: 3 });
  await vi.waitFor(() => expect(document.documentElement.lang).toBe("en"));
});

test("what the check finds is told to who can't see it, each thing once", async () => {
  vi.useFakeTimers();
  try {
    const { show } = await shown("check");
    const said = () => screen.getByRole("status").textContent;
    await vi.advanceTimersByTimeAsync(500);
    const { check } = stateOf("check");
    await show({ ...stateOf("check"), seq: 2, check: { ...check, microphone: { verdict: "good", text: { id: "hear-you" } } } });
    await vi.advanceTimersByTimeAsync(500);
    expect(said()).toBe("We can hear you.");
  } finally {
    vi.useRealTimers();
  }
});

test("who is invited in another language is told so in that one, once", async () => {
  const { show } = await shown("check");
  const said = () => screen.getByRole("status").textContent;
  const invited = stateOf("check-invited");
  const german = { ...invited, appearance: { ...invited.appearance, language: "de" as const } };
  await show({ ...german, seq: 2 });
  await vi.waitFor(() => expect(said()).toContain("lädt Sie zu diesem Interview ein"), { timeout: 3000 });
  expect(said()).toContain("automatischen Stimme");
  // A join that failed comes back to the same screen: nothing of it is new.
  await show({ ...stateOf("joining"), appearance: german.appearance, seq: 3 });
  await new Promise((done) => setTimeout(done, 600));
  await show({ ...german, seq: 4 });
  await new Promise((done) => setTimeout(done, 600));
  expect(said()).not.toContain("lädt Sie");
});

test("the question has its safe answer under the finger, and Escape means it", async () => {
  const { order } = await shown("asking-closed");
  const keep = screen.getByRole("button", { name: "Keep waiting", hidden: true });
  expect(screen.getByText(/Without an answer/)).toBeTruthy();
  keep.closest("dialog")?.dispatchEvent(new Event("cancel", { cancelable: true }));
  expect(order).toHaveBeenCalledWith({ command: "go_on" });
});

test("received is shown with its receipt and a way to close, saved without one and with a copy", async () => {
  const { order } = await shown("end-finished");
  expect(screen.getByText("R-1")).toBeTruthy();
  expect(screen.getByText("The interviewer ended the interview")).toBeTruthy();
  expect(screen.queryByText(/end_interview/)).toBeNull();
  expect(screen.queryByText(/confirms/)).toBeNull();
  expect(screen.queryByRole("button", { name: /copy/ })).toBeNull();
  button("Close").click();
  expect(order).toHaveBeenCalledWith({ command: "close" });
  cleanup();
  const { completed } = stateOf("end-interrupted");
  await shown("end-interrupted", { completed: completed && { ...completed, confirmed: { id: "confirmed" } } });
  expect(screen.getByText(/confirms/)).toBeTruthy();
  cleanup();
  const saved = await shown("end-saved");
  expect(screen.queryByText("Receipt")).toBeNull();
  button("Save a copy for the organiser").click();
  expect(saved.order).toHaveBeenCalledWith({ command: "save_copy" });
});

test("the window's X asks what is true where it is pressed", async () => {
  const { order } = await shown("closing");
  screen.getAllByRole("button", { name: "Go on with the interview", hidden: true }).at(-1)?.click();
  expect(order).toHaveBeenCalledWith({ command: "stay" });
  cleanup();
  const end = await shown("end-closing");
  expect(screen.getByText(/not safe yet/)).toBeTruthy();
  screen.getByRole("button", { name: "Close all the same", hidden: true }).click();
  expect(end.order).toHaveBeenCalledWith({ command: "quit" });
});

test("what is typed is sent, and stays where it was when it is not taken", async () => {
  const { order, app } = await shown("typing");
  const field = screen.getByLabelText<HTMLTextAreaElement>("Type instead of speaking");
  const type = async (text: string) => {
    field.value = text;
    field.dispatchEvent(new Event("input", { bubbles: true }));
    await tick();
  };
  expect(button("Send").disabled).toBe(true);
  await type("Two years.");
  order.mockRejectedValueOnce(new Error("too busy"));
  button("Send").click();
  await vi.waitFor(() => expect(app.refused).toBe(true));
  expect(field.value).toBe("Two years.");
  button("Send").click();
  await vi.waitFor(() => expect(field.value).toBe(""));
  expect(order).toHaveBeenLastCalledWith({ command: "type", text: "Two years." });
  button("Repeat the question").click();
  expect(order).toHaveBeenLastCalledWith({ command: "type", text: "Could you please repeat the question?" });
  cleanup();
  await shown("listening");
  expect(screen.queryByLabelText("Type instead of speaking")).toBeNull();
});

test("what is being typed is in the field of a page that is loaded again", async () => {
  const { order } = await shown("typing");
  const field = screen.getByLabelText<HTMLTextAreaElement>("Type instead of speaking");
  field.value = "I can't speak at the mo";
  field.dispatchEvent(new Event("input", { bubbles: true }));
  await vi.waitFor(() => expect(order).toHaveBeenLastCalledWith({ command: "draft", text: "I can't speak at the mo" }));
  // It is no answer yet, and was told once.
  expect(order).toHaveBeenCalledTimes(1);
  cleanup();
  const { typing } = stateOf("typing");
  if (!typing) throw new Error("there is no field");
  const again = await shown("typing", { typing: { ...typing, draft: "I can't speak at the mo" } });
  const found = screen.getByLabelText<HTMLTextAreaElement>("Type instead of speaking");
  expect(found.value).toBe("I can't speak at the mo");
  button("Send").click();
  await vi.waitFor(() => expect(found.value).toBe(""));
  expect(again.order).toHaveBeenCalledWith({ command: "type", text: "I can't speak at the mo" });
  await vi.waitFor(() => expect(again.order).toHaveBeenLastCalledWith({ command: "draft", text: "" }));
});

test("a report of a problem is read before it is saved, and left by Escape", async () => {
  const { order } = await shown("problem-report");
  const dialog = screen.getByText(/^Adjourn 0 on test/).closest("dialog");
  expect(dialog?.open).toBe(true);
  dialog?.querySelector<HTMLButtonElement>(".primary")?.click();
  expect(order).toHaveBeenLastCalledWith({ command: "save_problem_report" });
  if (dialog) key("keydown", "Escape", dialog);
  expect(order).toHaveBeenLastCalledWith({ command: "drop_problem_report" });
});

test("a receipt can be saved once there is one", async () => {
  const { order } = await shown("end-finished");
  button("Save receipt").click();
  expect(order).toHaveBeenCalledWith({ command: "save_receipt" });
  cleanup();
  await shown("end-saved");
  expect(screen.queryByRole("button", { name: "Save receipt" })).toBeNull();
});

test("at a seat that is held the way on says what it waits for, where it always is", async () => {
  const { seat, appearance } = stateOf("seat-on-hold");
  if (!seat) throw new Error("no seat");
  const english = { appearance: { ...appearance, language: "en" as const } };
  await shown("seat-on-hold", english);
  expect(button("Please wait for the staff").disabled).toBe(true);
  cleanup();
  const trouble = { kind: "policy" as const, detail: "over" };
  await shown("seat-on-hold", { ...english, seat: { ...seat, on_hold: false, trouble } });
  expect(button("Please ask the staff").disabled).toBe(true);
  cleanup();
  const { order } = await shown("seat-on-hold", { ...english, seat: { ...seat, on_hold: false } });
  button("Join the interview").click();
  expect(order).toHaveBeenCalledWith({ command: "join" });
});
