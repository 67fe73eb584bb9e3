// A scripted interviewer on stock livekit-agents for Node, offline: asks, waits, says goodbye with an end
// tool that closes the session, and stays in the room. Only the two models are scripted.
//
// ADJOURN_PACKAGE: Adjourn's agent package, where it is to be used.
// ADJOURN_AGENT_LOG: file that gets one JSON line per event, with `at` in seconds since 1970.

import { appendFileSync } from "node:fs";
import { randomUUID } from "node:crypto";
import { fileURLToPath } from "node:url";
import { ServerOptions, cli, defineAgent, llm, tts, voice } from "@livekit/agents";
import { AudioFrame } from "@livekit/rtc-node";

const RATE = 24_000;
const QUESTION = "Hello, and welcome to your interview. What did you build last?";
const GOODBYE = "Thank you for your time. Goodbye!";
// The candidate's answer is not listened to: it is given this long.
const ANSWER_MS = 3_000;

function log(event, fields = {}) {
  const path = process.env.ADJOURN_AGENT_LOG;
  if (path) appendFileSync(path, JSON.stringify({ at: Date.now() / 1000, event, pid: process.pid, ...fields }) + "\n");
}

class ScriptedReply extends llm.LLMStream {
  async run() {
    const asked = this.chatCtx.items.some((item) => item.type === "message" && item.role === "assistant");
    const delta = { role: "assistant", content: asked ? GOODBYE : QUESTION };
    if (asked) delta.toolCalls = [llm.FunctionCall.create({ callId: randomUUID(), name: "end_interview", args: "{}" })];
    this.queue.put({ id: randomUUID(), delta });
  }
}

class ScriptedLLM extends llm.LLM {
  label() {
    return "scripted";
  }
  chat({ chatCtx, toolCtx, connOptions = { maxRetry: 0, retryIntervalMs: 0, timeoutMs: 10_000 } }) {
    return new ScriptedReply(this, { chatCtx, toolCtx, connOptions });
  }
}

// A soft tone, 60 ms for each letter.
class Tone extends tts.ChunkedStream {
  label = "scripted";
  async run() {
    const requestId = randomUUID();
    const samples = new Int16Array(Math.round(RATE * 0.06 * this.inputText.length));
    for (let n = 0; n < samples.length; n++) samples[n] = Math.round(6_000 * Math.sin((2 * Math.PI * 220 * n) / RATE));
    const step = RATE / 50;
    for (let at = 0; at < samples.length; at += step) {
      const part = samples.slice(at, at + step);
      const final = at + step >= samples.length;
      this.queue.put({ requestId, segmentId: requestId, frame: new AudioFrame(part, RATE, 1, part.length), final });
    }
    this.queue.close();
  }
}

class ScriptedTTS extends tts.TTS {
  label = "scripted";
  constructor() {
    super(RATE, 1, { streaming: false });
  }
  synthesize(text, connOptions, abortSignal) {
    return new Tone(text, this, connOptions, abortSignal);
  }
  stream() {
    throw new Error("only whole sentences are spoken");
  }
}

const adjourn = process.env.ADJOURN_PACKAGE ? await import(process.env.ADJOURN_PACKAGE) : undefined;

export default defineAgent({
  ...(adjourn ? { onSessionEnd: adjourn.sessionEnd } : {}),
  entry: async (ctx) => {
    log("job_started");
    const session = new voice.AgentSession({ llm: new ScriptedLLM(), tts: new ScriptedTTS(), vad: null });
    const end_interview = llm.tool({
      description: "Called when the interview is complete.",
      execute: async () => {
        log("end_tool");
        session.shutdown({ drain: true });
        return "ended";
      },
    });
    adjourn?.attach(ctx, session, { onSessionEnd: () => log("session_end") });
    const said = (await adjourn?.history(ctx)) ?? llm.ChatContext.empty();
    if (adjourn?.replaces(ctx) !== undefined) log("history", { turns: said.items.length });
    session.on("agent_state_changed", (event) => log("state", { state: event.newState }));
    session.on("close", (event) => log("close", { reason: String(event.reason) }));
    ctx.room.on("disconnected", () => log("room_disconnected"));
    await ctx.connect();
    const instructions = "You interview a candidate. CANARY-4f1c.";
    const agent = new voice.Agent({ instructions, chatCtx: said, tools: { end_interview } });
    await session.start({ agent, room: ctx.room });
    log("session_started");
    await session.generateReply().waitForPlayout();
    await new Promise((resolve) => setTimeout(resolve, ANSWER_MS));
    session.generateReply();
  },
});

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  // A number 0 is none to it, and then every worker would listen at the same port.
  const options = { agent: fileURLToPath(import.meta.url), agentName: "interviewer", loadFunc: async () => 0 };
  cli.runApp(new ServerOptions({ ...options, numIdleProcesses: 1, host: "127.0.0.1", port: "0" }));
}
