import { cleanup, render, screen } from "@testing-library/svelte";
import { afterEach, expect, test, vi } from "vitest";

import { clock, fill } from "../clock";
import type { Snapshot } from "../generated/Snapshot";
import Check from "../screens/Check.svelte";
import Closing from "../parts/Closing.svelte";
import Completed from "../screens/Completed.svelte";
import Interview from "../screens/Interview.svelte";
import Start from "../screens/Start.svelte";

afterEach(cleanup);

const list = { devices: [["mic", "Desk microphone"] as [string, string]], chosen: null, open: "mic", default_name: "Desk microphone", problem: null, away: null, muted: null };
const check: Snapshot["check"] = {
  microphone: { verdict: "open", text: { id: "say-a-few-words" } }, loudspeaker: { verdict: "open", text: { id: "play-the-chime" } }, asking: false, sample: "none",
};
const snapshot: Snapshot = {
  seq: 1, screen: "checking", title: null, host: "interviews.example.com", problem: null, can_retry: false, notices: [],
  input: list, output: list, check, connection: null, voice: { push_to_talk: false, talking: false, stages: [] }, microphone_open: true, sound: [], muted: false, connected: true, interviewer: "absent", status: null,
  asking: null, closing: false, captions: [], elapsed_s: null, remaining_s: null, minutes_left: null, completed: null,
};

test("time and levels are shown evenly", () => {
  expect(clock(0)).toBe("0:00");
  expect(clock(75.9)).toBe("1:15");
  expect(clock(3661)).toBe("1:01:01");
  expect(fill(-120)).toBe(0);
  expect(fill(-33)).toBeCloseTo(0.5);
  expect(fill(0)).toBe(1);
});

test("a link is given on as it was typed", async () => {
  const order = vi.fn().mockResolvedValue(undefined);
  render(Start, { snapshot: { ...snapshot, screen: "start" }, order });
  const input = screen.getByLabelText<HTMLInputElement>("Interview link");
  const button = screen.getByRole<HTMLButtonElement>("button", { name: "Continue" });
  expect(button.disabled).toBe(true);
  input.value = "adjourn://join?server=https://a.example&code=BBBB-2222";
  input.dispatchEvent(new Event("input", { bubbles: true }));
  await Promise.resolve();
  button.click();
  expect(order).toHaveBeenCalledWith({ command: "open_link", link: input.value });
});

const diagnostics = {
  findings: [{ verdict: "warning" as const, text: { id: "figure-round-trip" as const, args: { ms: 310 } } }],
};

test("the way to the room can be tried again once it was", () => {
  const order = vi.fn();
  const props = { meters: { input: -120, output: -120 }, diagnostics, order };
  render(Check, { snapshot: { ...snapshot, connection: { verdict: "open", text: { id: "trying-connection" } } }, ...props });
  expect(screen.getByRole<HTMLButtonElement>("button", { name: "Try it again" }).disabled).toBe(true);
  cleanup();
  render(Check, { snapshot: { ...snapshot, connection: { verdict: "bad", text: { id: "room-address-not-found" } } }, ...props });
  screen.getByRole("button", { name: "Try it again" }).click();
  expect(order).toHaveBeenCalledWith({ command: "try_connection" });
});

test("a problem that can be tried again keeps the way on open, another one closes it", () => {
  const order = vi.fn();
  const meters = { input: -120, output: -120 };
  render(Check, { snapshot: { ...snapshot, problem: { id: "join-unanswered" }, can_retry: true }, meters, diagnostics, order });
  expect(screen.getByRole("alert").textContent).toContain("server does not answer");
  screen.getByRole("button", { name: "Try again" }).click();
  expect(order).toHaveBeenCalledWith({ command: "join" });
  cleanup();
  render(Check, { snapshot: { ...snapshot, problem: { id: "code-used" }, can_retry: false }, meters, diagnostics, order });
  expect(screen.getByRole<HTMLButtonElement>("button", { name: "Join the interview" }).disabled).toBe(true);
});

test("what the check finds is said, and whether the chime was heard is asked", () => {
  const order = vi.fn().mockResolvedValue(undefined);
  const meters = { input: -30, output: -120 };
  const found = { ...check, microphone: { verdict: "warning" as const, text: { id: "voice-cut-off" as const } }, asking: true };
  render(Check, { snapshot: { ...snapshot, check: found }, meters, diagnostics, order });
  expect(screen.getByText(/voice is cut off/)).toBeTruthy();
  screen.getByRole("button", { name: "No" }).click();
  expect(order).toHaveBeenCalledWith({ command: "chime_heard", heard: false });
  expect(screen.getByText(/and back: .310. ms/).nextSibling?.textContent).toBe("fair");
  screen.getByRole("button", { name: "Record me for 3 seconds" }).click();
  expect(order).toHaveBeenCalledWith({ command: "record_sample" });
});

test("a device that is away, or muted in the system, is said with a way out", () => {
  const order = vi.fn().mockResolvedValue(undefined);
  const meters = { input: -120, output: -120 };
  const away = { ...list, chosen: "usb", away: { id: "device-away" as const, args: { device: "USB headset" } }, muted: { id: "muted-in-system" as const } };
  render(Check, { snapshot: { ...snapshot, input: away }, meters, diagnostics, order });
  expect(screen.getByText(/USB headset.*is not connected/)).toBeTruthy();
  expect(screen.getByLabelText<HTMLSelectElement>("Microphone").value).toBe("usb");
  screen.getByRole("button", { name: "Unmute" }).click();
  expect(order).toHaveBeenCalledWith({ command: "unmute_in_system", side: "microphone" });
});

test("the space key talks while it is held, wherever the focus is, but where it is written into", async () => {
  const order = vi.fn().mockResolvedValue(undefined);
  const meters = { input: -120, output: -120 };
  const voice = { ...snapshot, screen: "interview" as const, voice: { push_to_talk: true, talking: false, stages: [] } };
  render(Interview, { snapshot: voice, meters, diagnostics, order });
  const key = (kind: string, at: Element) => at.dispatchEvent(new KeyboardEvent(kind, { key: " ", bubbles: true, cancelable: true }));
  const mute = screen.getByRole("button", { name: "Mute" });
  expect(key("keydown", mute)).toBe(false);
  expect(order).toHaveBeenLastCalledWith({ command: "talk", talking: true });
  // Held, it is told once; let go before the program answered, it is told all the same.
  key("keydown", mute);
  expect(order).toHaveBeenCalledTimes(1);
  key("keyup", mute);
  expect(order).toHaveBeenLastCalledWith({ command: "talk", talking: false });
  key("keydown", document.body);
  expect(order).toHaveBeenLastCalledWith({ command: "talk", talking: true });
  window.dispatchEvent(new Event("blur"));
  expect(order).toHaveBeenLastCalledWith({ command: "talk", talking: false });
  order.mockClear();
  key("keydown", screen.getByLabelText("Microphone", { selector: "select" }));
  expect(order).not.toHaveBeenCalled();
});

test("what is wrong with sound stands in the interview with a way out, twice the same thing too", () => {
  const order = vi.fn().mockResolvedValue(undefined);
  const meters = { input: -120, output: -120 };
  const output = { ...list, muted: { id: "loudspeaker-muted" as const } };
  const sound = [{ id: "no-microphone" as const }, { id: "no-microphone" as const }];
  render(Interview, { snapshot: { ...snapshot, screen: "interview" as const, output, sound }, meters, diagnostics, order });
  expect(screen.getAllByText(/No microphone was found/).length).toBe(2);
  screen.getByRole("button", { name: "Unmute the loudspeaker" }).click();
  expect(order).toHaveBeenCalledWith({ command: "unmute_in_system", side: "loudspeaker" });
});

test("received is shown with its receipt, saved without one", () => {
  const completed = {
    outcome: "finished", headline: { id: "end-finished" }, reason: { id: "because-finished" },
    next: { id: "next-nothing" }, delivery: "received", delivery_text: { id: "delivery-received" }, receipt: "R-1234",
    ended_at: "2026-01-02T10:00:03.000Z", confirmed: null,
    signs: [{ what: { id: "sign-end-tool", args: { tool: "end_interview" } }, at: "2026-01-02T10:00:01.000Z" }],
  } satisfies Snapshot["completed"];
  render(Completed, { snapshot: { ...snapshot, screen: "completed", completed }, order: vi.fn() });
  expect(screen.getByText("R-1234")).toBeTruthy();
  expect(screen.getByText(/end_interview/)).toBeTruthy();
  expect(screen.queryByText(/confirms/)).toBeNull();
  expect(screen.queryByRole("button", { name: /copy/ })).toBeNull();
  cleanup();
  render(Completed, { snapshot: { ...snapshot, screen: "completed", completed: { ...completed, confirmed: { id: "confirmed" } } }, order: vi.fn() });
  expect(screen.getByText(/confirms/)).toBeTruthy();
  cleanup();
  const saved = { ...completed, delivery: "saved", delivery_text: { id: "delivery-saved" }, receipt: null } satisfies Snapshot["completed"];
  const order = vi.fn();
  render(Completed, { snapshot: { ...snapshot, screen: "completed", completed: saved }, order });
  expect(screen.queryByText(/Receipt/)).toBeNull();
  screen.getByRole("button", { name: "Save a copy for the organiser" }).click();
  expect(order).toHaveBeenCalledWith({ command: "save_copy" });
  expect(screen.getByText(/saved on this computer/)).toBeTruthy();
});

test("the window's X asks what is true where it is pressed", () => {
  const order = vi.fn();
  render(Closing, { snapshot: { ...snapshot, screen: "interview", closing: true }, order });
  screen.getByRole("button", { name: "Go on with the interview", hidden: true }).click();
  expect(order).toHaveBeenCalledWith({ command: "stay" });
  cleanup();
  render(Closing, { snapshot: { ...snapshot, screen: "completed", closing: true }, order });
  expect(screen.getByText(/not safe yet/)).toBeTruthy();
  screen.getByRole("button", { name: "Close all the same", hidden: true }).click();
  expect(order).toHaveBeenCalledWith({ command: "quit" });
});
