/**
 * One session through the whole contract: every event, every action, a snapshot. The same tour as in Rust and Python
 * beside it, and the same actions to the byte; here it is an async function.
 */

import { Failure, behaviour, blob, log, utf8 } from "./hangar.js";

export const { meta, runs } = behaviour({
  describe: {
    id: "tour-js",
    version: "0.1.0",
    summary: "One session through the whole contract",
    platforms: ["linux"],
    extensions: ["hangar.greeting"],
    snapshot: 1,
  },
  run: tour,
  resume: (cx, _info, notes) => secondHalf(cx, notes),
  cancelled(_cx, reason) {
    throw new Failure("cancelled", `The tour was cut short: ${reason}`);
  },
});

/** The whole tour. While it rests it can be moved to another version, which goes on with the second half. */
async function tour(cx, info, start) {
  const notes = await firstHalf(cx, info, start);
  await cx.rest(cx.send(setTimer(5_000)), notes);
  return secondHalf(cx, notes);
}

async function firstHalf(cx, info, start) {
  const notes = [`${info.runId} on ${info.platform}, turn ${start.turn}`];
  const request = textOf(start.input);
  notes.push(`asked: ${request}`);
  notes.push(`it is ${Date.now()} ms since 1970`);

  // Look around: three questions at once.
  cx.emit({ tag: "status", val: "looking around" });
  cx.emit({ tag: "thinking", val: "First I see which tools there are." });
  cx.emit({ tag: "plan-start", val: plan(0) });
  const scopes = [{ tag: "device", val: linux }, { tag: "host" }, { tag: "delegates" }];
  const tools = [];
  for (const { value, reason } of await Promise.allSettled(scopes.map((scope) => cx.ask(listTools(scope))))) {
    if (reason) notes.push(`no tools: ${reason.code} ${reason.text}`);
    else tools.push(...value);
  }
  notes.push(`tools: ${tools.map((tool) => tool.name).join(", ")}`);

  // Act on the device, look at the picture that came back.
  const results = await cx.ask(runCommands({ c1: "uname -a", c2: "screenshot" }));
  for (const result of results) notes.push(`${result.callId} ${result.status} ${result.payload}`);
  const shot = results.flatMap((result) => result.blobs)[0] ?? "";
  const known = blob.info(shot);
  if (known) {
    const head = [...blob.read(shot, 0, 4)].join(", ");
    notes.push(`screenshot: ${known.mime} of ${known.length} bytes, begins [${head}]`);
  }
  const edited = await cx.ask(editImage(shot, start.input));
  notes.push(`edited: ${edited.blob} ${edited.width}x${edited.height}`);
  const desktop = image(edited.blob, "the desktop");
  cx.emit({
    tag: "environment-input",
    val: { parts: [desktop], description: "Where we are", kind: "screenshot" },
  });
  cx.tell(progress(1, "looked around", notes));

  // Think: a model, its tool calls, and a second try after a refusal.
  const talk = opening(request, desktop);
  let outcome = await cx.ask(askModel({ tag: "text" }, tools, talk));
  if (outcome.tag !== "answer") throw new Error(`The tour did not expect this: ${outcome.tag}`);
  const { content, usage, toolCalls } = outcome.val;
  notes.push(`model: ${content} (${usage.inputTokens} + ${usage.outputTokens} tokens)`);
  const called = await cx.ask(callTools(toolCalls));
  talk.push(saidByAssistant(content, toolCalls));
  talk.push(...called.map((result, at) => toolResult(toolCalls[at], result)));
  const anObject = { tag: "schema", val: '{"type":"object"}' };
  for (;;) {
    outcome = await cx.ask(askModel(anObject, [], talk));
    if (outcome.tag !== "error") break;
    notes.push(`model: ${outcome.val.code} ${outcome.val.text}`);
    await cx.sleep(outcome.val.retryAfterMs ?? 1_000);
  }
  notes.push(`model: ${outcome.val.content}`);
  cx.emit({ tag: "plan-update", val: plan(1) });
  cx.tell(progress(2, "thought about it", notes));

  // Ask the user; remember the answer for other runs.
  const reply = await cx.ask(askUser());
  for (const { id, value } of reply.answers) notes.push(`user ${reply.outcome}: ${id} = ${value}`);
  const before = await cx.ask({ tag: "store-get", val: "visits" });
  const visits = String(Number(before.value ?? 0) + 1);
  const after = await cx.ask({ tag: "store-put", val: { key: "visits", value: visits } });
  notes.push(`visits: ${after.value ?? ""}`);

  // Let somebody else work; news come before the end.
  const child = cx.send(delegate(request));
  let news = await cx.answer(child);
  while (news.tag === "child-update") {
    notes.push(`child ${news.val.state}: ${news.val.summary}`);
    news = await cx.answer(child);
  }
  notes.push(`child ${news.val.status}: ${news.val.text} ${news.val.results.join(" ")}`);

  // Give something up, be refused, hear from the host.
  const long = cx.send(setTimer(60_000));
  await cx.sleep(250);
  cx.tell({ tag: "cancel-action", val: long });
  try {
    await cx.ask({ tag: "extension", val: { kind: "example.teleport", body: '{"to":"moon"}' } });
  } catch ({ code, text }) {
    notes.push(`refused: ${code} ${text}`);
  }
  const greeting = await cx.news();
  notes.push(`${greeting.val.kind} ${greeting.val.body}`);
  return notes;
}

async function secondHalf(cx, notes) {
  log.write("info", `${notes.length} notes taken`);
  const kept = blob.create("text/plain", utf8.encode(notes.join("\n")));
  cx.emit({ tag: "plan-finish", val: "All done." });
  cx.emit({ tag: "final-answer-delta", val: finalAnswer("The tour ") });
  cx.emit({ tag: "final-answer", val: finalAnswer("The tour is over.") });
  cx.emit({ tag: "system", val: { level: "info", text: "Mind the step." } });
  cx.emit({ tag: "raw", val: { kind: "example.confetti", body: '{"pieces":3}' } });
  cx.emit({ tag: "extension", val: { kind: "example.fireworks", body: "{}" } });
  return {
    text: "The tour is over.",
    results: [JSON.stringify(notes), JSON.stringify({ $blob: kept })],
    state: utf8.encode("seen"),
  };
}

const linux = { agent: "LinuxAgent", process: "", root: "" };

function textOf(parts) {
  return parts.flatMap((part) => (part.tag === "text" ? [part.val] : [])).join("");
}

function image(blob, description) {
  return { tag: "image", val: { blob, description } };
}

function plan(done) {
  return ["look around", "think", "rest"].map((text, at) => ({ text, done: at < done }));
}

function finalAnswer(text) {
  return { text, title: "Tour", format: "text", messageId: "" };
}

function progress(agentStep, summary, notes) {
  return { tag: "progress", val: { agentStep, summary, results: [JSON.stringify(notes)] } };
}

function setTimer(ms) {
  return { tag: "set-timer", val: ms };
}

function listTools(scope) {
  return { tag: "list-tools", val: { scope, toolType: "action" } };
}

function runCommands(commands) {
  const calls = Object.entries(commands).map(([callId, command]) => ({
    callId,
    tool: "execute_command",
    toolType: "action",
    parameters: JSON.stringify({ command }),
    timeoutMs: 30_000,
  }));
  return { tag: "run-commands", val: { toolSet: linux, calls } };
}

function callTools(wanted) {
  const calls = wanted.map(({ callId, tool, parameters }) => ({ callId, tool, toolType: "action", parameters }));
  return { tag: "call-tools", val: calls };
}

function editImage(source, input) {
  const beside = input.find((part) => part.tag === "image");
  const rect = { x: 10, y: 20, width: 320, height: 200 };
  const edits = [
    { tag: "crop", val: rect },
    { tag: "resize", val: { width: 160, height: 100 } },
    { tag: "concat", val: { blob: beside?.val.blob ?? "", side: "below" } },
    { tag: "mark", val: { rect, label: "1", colour: "#ff0000" } },
  ];
  return { tag: "edit-image", val: { source, edits } };
}

function opening(request, picture) {
  return [
    message("system", { tag: "text", val: "You are on a tour." }),
    { tag: "history", val: { firstTurn: 0, maxImages: 1 } },
    message(
      "user",
      { tag: "text", val: request },
      picture,
      { tag: "file", val: { blob: picture.val.blob, name: "desktop.png" } },
      { tag: "extension", val: { kind: "example.smell", body: '"coffee"' } },
    ),
  ];
}

function message(role, ...parts) {
  return { tag: "message", val: { role, parts } };
}

function saidByAssistant(content, toolCalls) {
  return message("assistant", { tag: "text", val: content }, ...toolCalls.map((val) => ({ tag: "tool-call", val })));
}

function toolResult({ callId, tool }, { payload, status }) {
  const content = [{ tag: "text", val: payload }];
  return message("tool", { tag: "tool-result", val: { callId, tool, content, failed: status !== "success" } });
}

function askModel(responseFormat, tools, messages) {
  return {
    tag: "ask-model",
    val: {
      model: "default",
      messages,
      tools,
      toolChoice: "auto",
      engine: "native",
      responseFormat,
      temperature: 0.5,
      stop: ["THE END"],
      maxOutputTokens: 500,
      show: "text+thinking",
    },
  };
}

function askUser() {
  const questions = [
    { id: "go", text: "Shall we go on?", kind: "confirm", options: [], defaultValue: "yes" },
    { id: "way", text: "Left or right?", kind: "choice", options: ["left", "right"] },
    { id: "name", text: "Who are you?", kind: "text", options: [] },
  ];
  return { tag: "ask-user", val: { questions, timeoutMs: 120_000 } };
}

function delegate(request) {
  return {
    tag: "delegate",
    val: {
      target: { tag: "any", val: { platform: "linux", labels: ["room=lab"] } },
      request: [{ tag: "text", val: request }],
      behaviour: "",
      timeoutMs: 600_000,
    },
  };
}
