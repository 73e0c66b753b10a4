/**
 * One session through the whole contract: every event, every action, a snapshot. The same tour as in Rust and Python
 * beside it, and the same actions to the byte; here it is an async function.
 */

import {
  Cancelled, DELEGATES, Fail, HOST, ModelFailed, TimedOut, anyDevice, blob, call, choice, concat, confirm, crop,
  extension, file, history, image, mark, message, planStep, question, resize,
} from "hangar";

export const extensions = ["hangar.greeting"];
export const snapshot = 1;

/** The whole tour. While it rests it can be moved to another version, which goes on in `resume`. */
export async function run(cx) {
  try {
    const notes = await firstHalf(cx);
    await cx.rest(cx.sleep(5_000), notes);
    return secondHalf(cx, notes);
  } catch (error) {
    if (!(error instanceof Cancelled)) throw error;
    throw new Fail("cancelled", `The tour was cut short: ${error.reason}`);
  }
}

export async function resume(cx, notes, rest) {
  await rest;
  return secondHalf(cx, notes);
}

/** All that comes before the rest; gives the notes taken. */
async function firstHalf(cx) {
  const notes = [`${cx.info.runId} on ${cx.info.platform}, turn ${cx.start.turn}`];
  notes.push(`asked: ${cx.request}`);
  notes.push(`it is ${Date.now()} ms since 1970`);

  const tools = await lookAround(cx, notes);
  const picture = await takeAPicture(cx, notes);
  cx.progress("looked around", [notes]);

  await think(cx, picture, tools, notes);
  cx.planUpdate(plan(1));
  cx.progress("thought about it", [notes]);

  await askAround(cx, notes);
  await letOthersWork(cx, notes);
  await giveUpAndBeRefused(cx, notes);
  return notes;
}

/** Three questions at once, whose answers come in any order. */
async function lookAround(cx, notes) {
  cx.status("looking around");
  cx.thinking("First I see which tools there are.");
  cx.planStart(plan(0));
  const asked = ["LinuxAgent", HOST, DELEGATES].map((scope) => cx.tools(scope, "action"));
  const tools = [];
  for (const { value, reason } of await Promise.allSettled(asked)) {
    if (reason) notes.push(`no tools: ${reason.code} ${reason.text}`);
    else tools.push(...value);
  }
  notes.push(`tools: ${tools.map((tool) => tool.name).join(", ")}`);
  return tools;
}

/** Acts on the device, looks at the picture that came back, and changes it; gives the changed one. */
async function takeAPicture(cx, notes) {
  const execute = (command) => call("execute_command", { command }, { timeoutMs: 30_000 });
  const results = await cx.commands("LinuxAgent", execute("uname -a"), execute("screenshot"));
  for (const result of results) notes.push(`${result.callId} ${result.status} ${result.payload}`);
  const shot = results.flatMap((result) => result.blobs)[0] ?? "";
  const known = blob.info(shot);
  if (known) {
    const head = [...blob.read(shot, 0, 4)].join(", ");
    notes.push(`screenshot: ${known.mime} of ${known.length} bytes, begins [${head}]`);
  }

  const beside = cx.start.input.find((part) => part.tag === "image")?.val.blob ?? "";
  const frame = [10, 20, 320, 200];
  const marked = mark(...frame, { label: "1", colour: "#ff0000" });
  const edited = await cx.editImage(shot, crop(...frame), resize(160, 100), concat(beside, "below"), marked);
  notes.push(`edited: ${edited.blob} ${edited.width}x${edited.height}`);
  cx.environmentInput(image(edited.blob, "the desktop"), { description: "Where we are", kind: "screenshot" });
  return edited.blob;
}

/** A model, its tool calls, and a second try after a refusal. */
async function think(cx, picture, tools, notes) {
  const talk = [
    message.system("You are on a tour."),
    history({ maxImages: 1 }),
    message.user(
      cx.request,
      image(picture, "the desktop"),
      file(picture, "desktop.png"),
      extension("example.smell", "coffee"),
    ),
  ];
  const manner = {
    model: "default",
    toolChoice: "auto",
    engine: "native",
    temperature: 0.5,
    stop: ["THE END"],
    maxOutputTokens: 500,
    show: "text+thinking",
  };
  const answer = await cx.model(talk, { tools, ...manner });
  const { inputTokens, outputTokens } = answer.usage;
  notes.push(`model: ${answer.content} (${inputTokens} + ${outputTokens} tokens)`);

  const wanted = answer.toolCalls;
  const results = await cx.callTools(...wanted);
  talk.push(message.assistant(answer));
  talk.push(...results.map((result, at) => message.tool(wanted[at], result.payload, !result.ok)));

  for (;;) {
    try {
      const { content } = await cx.model(talk, { responseFormat: { type: "object" }, ...manner });
      notes.push(`model: ${content}`);
      return;
    } catch (error) {
      if (!(error instanceof ModelFailed)) throw error;
      notes.push(`model: ${error.code} ${error.text}`);
      await cx.sleep(error.retryAfterMs ?? 1_000);
    }
  }
}

/** Asks the user, and remembers something for other runs. */
async function askAround(cx, notes) {
  const questions = [
    confirm("go", "Shall we go on?", { default: "yes" }),
    choice("way", "Left or right?", ["left", "right"]),
    question("name", "Who are you?"),
  ];
  const { outcome, answers } = await cx.ask(questions, { timeoutMs: 120_000 });
  for (const [id, value] of Object.entries(answers)) notes.push(`user ${outcome}: ${id} = ${value}`);
  const visits = Number((await cx.storeGet("visits")) ?? 0) + 1;
  notes.push(`visits: ${await cx.storePut("visits", String(visits))}`);
}

/** News of the other run come before its end. */
async function letOthersWork(cx, notes) {
  const { status, text, results } = await cx.delegate(
    anyDevice({ platform: "linux", labels: ["room=lab"] }),
    cx.request,
    { timeoutMs: 600_000, onUpdate: ({ state, summary }) => notes.push(`child ${state}: ${summary}`) },
  );
  notes.push(`child ${status}: ${text} ${results.map((result) => JSON.stringify(result)).join(" ")}`);
}

/** Gives up what takes too long, asks for something that the host does not know, hears from the host. */
async function giveUpAndBeRefused(cx, notes) {
  try {
    await cx.timeout(250, cx.sleep(60_000));
  } catch (error) {
    if (!(error instanceof TimedOut)) throw error;
  }
  try {
    await cx.extension("example.teleport", { to: "moon" });
  } catch ({ code, text }) {
    notes.push(`refused: ${code} ${text}`);
  }
  const greeting = await cx.news();
  notes.push(`${greeting.kind} ${greeting.body}`);
}

/** What is left of the tour after the rest. */
function secondHalf(cx, notes) {
  cx.log.info(`${notes.length} notes taken`);
  const kept = blob.create("text/plain", notes.join("\n"));
  const tour = { title: "Tour", format: "text" };
  cx.planFinish("All done.");
  cx.answerDelta("The tour ", tour);
  cx.answer("The tour is over.", tour);
  cx.notice("Mind the step.");
  cx.raw("example.confetti", { pieces: 3 });
  cx.emit({ tag: "extension", val: { kind: "example.fireworks", body: "{}" } });
  return { text: "The tour is over.", results: [notes, { $blob: kept }], state: "seen" };
}

/** The plan, its first steps done. */
function plan(done) {
  return ["look around", "think", "rest"].map((text, at) => planStep(text, at < done));
}
