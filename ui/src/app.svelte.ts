// What every screen stands on: what the program says, and the way to ask it for something.
import { createContext } from "svelte";

import { order, type Message as FromProgram } from "./bridge";
import { fill } from "./clock";
import type { Command } from "./generated/Command";
import type { Diagnostics } from "./generated/Diagnostics";
import type { Meters } from "./generated/Meters";
import type { Snapshot } from "./generated/Snapshot";
import type { TextSize } from "./generated/TextSize";

/** Sizes of captions, from small to large. */
export const TEXT_SIZES = ["small", "usual", "large", "largest"] as const satisfies TextSize[];

export class App {
  snapshot = $state.raw<Snapshot | null>(null);
  meters = $state.raw<Meters>({ input: -120, output: -120 });
  diagnostics = $state.raw<Diagnostics>({ findings: [] });
  /** The program did not take what was asked of it. */
  refused = $state(false);
  /** The devices are being looked at: the same dialog while waiting and in the interview. */
  soundOpen = $state(false);
  /** Seconds since the snapshot came: what counts in it goes on from there. */
  passed = $state(0);
  #arrived = performance.now();

  constructor(private readonly send: (command: Command) => Promise<void> = order) {}

  take(message: FromProgram): void {
    if (message.kind === "meters") this.meters = message;
    else if (message.kind === "diagnostics") this.diagnostics = message;
    // An older snapshot never replaces a newer one.
    else if (!this.snapshot || message.seq >= this.snapshot.seq) {
      this.snapshot = message;
      this.#arrived = performance.now();
      this.passed = 0;
    }
  }

  /** Time passed. */
  tick(): void {
    this.passed = Math.max(0, (performance.now() - this.#arrived) / 1000);
  }

  /** Asks for something; that it was not taken is the caller's to know. */
  order(command: Command): Promise<void> {
    return this.send(command);
  }

  /** Asks for something; that it was not taken is said on the screen. */
  async give(command: Command): Promise<void> {
    try {
      await this.send(command);
      this.refused = false;
    } catch {
      this.refused = true;
    }
  }

  /** How loud the candidate is for whoever listens, 0 to 1: nothing, where nothing leaves the computer. */
  get heard(): number {
    const held = this.snapshot?.voice.push_to_talk && !this.snapshot.voice.talking;
    return this.snapshot?.muted || held ? 0 : fill(this.meters.input);
  }

  /** What is left of so many seconds that a snapshot named. */
  left(seconds: number | null | undefined): number | null {
    return seconds === null || seconds === undefined ? null : Math.max(0, seconds - this.passed);
  }
}

export const [useApp, provideApp] = createContext<App>();

/** The same, on a screen that is shown only with a snapshot. */
export function useShown(): { readonly app: App; readonly snapshot: Snapshot } {
  const app = useApp();
  return {
    app,
    get snapshot() {
      if (!app.snapshot) throw new Error("a screen without a snapshot");
      return app.snapshot;
    },
  };
}
