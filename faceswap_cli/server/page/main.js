// The page: joins the pictures, the picks, the options and the server.

import * as api from "./api.js";
import { compare } from "./compare.js";
import { announce, byId, element, inWordsOfThePage, sentence, setText } from "./elements.js";
import { Picks } from "./picks.js";
import { Picture } from "./picture.js";

const OFF = "off";
const RESTORERS = {
  "codeformer-v0.1.0.pth": "with CodeFormer",
  "GFPGANv1.4.pth": "with GFPGAN 1.4",
  "GFPGANv1.3.pth": "with GFPGAN 1.3",
};
const SUFFIXES = { "image/jpeg": "jpg", "image/png": "png", "image/webp": "webp", "image/gif": "gif" };
const STATES = { QUEUED: "Waiting for the server", PROCESSING: "Swapping faces" };

let server = { max_file: Infinity };
let work = null;
let result = null;

const source = new Picture(byId("source"), {
  name: "source", field: "source_img", title: "Source", about: "The picture that gives the face. A close-up is best.",
}, () => server, () => changed(true));
const target = new Picture(byId("target"), {
  name: "target", field: "target_img", title: "Target", about: "The picture or animation that is changed.",
}, () => server, () => changed(true));
const genders = () => ({ source: byId("source-gender").value, target: byId("target-gender").value });
const picks = new Picks(source, target, genders, () => changed(false));

/** Pictures or picks have changed. */
function changed(pictures) {
  if (pictures) picks.reset();
  setText(byId("format-about"), target.animated ? "An animation keeps its own." : "");
  byId("format").disabled = target.animated;
  const why = whyNot();
  setText(byId("swap-about"), why);
  byId("swap").disabled = why !== "" || work !== null;
}

/** Why there is nothing to swap yet; empty when there is. */
function whyNot() {
  const missing = [source, target].filter((picture) => picture.file === null).map((picture) => `a ${picture.words.name}`);
  if (missing.length > 0) return `Choose ${missing.join(" and ")} first.`;
  const unusable = [source, target].find((picture) => picture.failed);
  if (unusable) return `The ${unusable.words.name} cannot be used; choose another picture.`;
  if (!source.ready || !target.ready) return "Faces are looked for.";
  if (source.faces.length === 0) return "The source shows no face; choose another picture.";
  if (target.faces.length === 0) return "The target shows no face; choose another picture.";
  return picks.request() === null ? "Nobody gets a face yet; choose one above." : "";
}

function request() {
  const restore = byId("restore").value;
  const wanted = genders();
  return {
    source_img: source.url, target_img: target.url, ...picks.request(),
    detection_face_order: byId("order").value,
    detect_gender_source: wanted.source, detect_gender_input: wanted.target,
    image_format: byId("format").value,
    restore: server.restores && restore !== OFF,
    ...(restore in RESTORERS ? { face_restore: restore } : {}),
  };
}

async function swap() {
  if (whyNot() !== "" || work !== null) return;
  work = new AbortController();
  const begun = performance.now();
  const seconds = setInterval(() => {
    setText(byId("progress-seconds"), `${Math.round((performance.now() - begun) / 1000)} s`);
  }, 500);
  byId("swap-error").textContent = "";
  byId("progress-seconds").textContent = "";
  byId("progress").hidden = byId("cancel").hidden = false;
  changed(false);
  try {
    const made = await api.swap(request(), (state, wait) => {
      setText(byId("progress-text"), state === "BUSY" ? `The server is busy; it is asked again in ${wait} s` : STATES[state] ?? state);
      announce(byId("progress-text").textContent);
    }, work.signal);
    await show(made);
  } catch (error) {
    if (error.name === "AbortError") announce("Stopped waiting.");
    else byId("swap-error").textContent = inWordsOfThePage(error.message);
  } finally {
    clearInterval(seconds);
    work = null;
    byId("progress").hidden = byId("cancel").hidden = true;
    changed(false);
  }
}

async function show({ result: answer, picture }) {
  if (result) URL.revokeObjectURL(result);
  result = URL.createObjectURL(picture);
  const stem = (target.file.name || "picture").replace(/\.[^.]*$/, "");
  const link = byId("download");
  link.href = result;
  link.download = `${stem}-swapped.${SUFFIXES[picture.type] ?? "png"}`;
  byId("result").hidden = false;
  await compare(byId("compare"), { before: target.view, after: result, name: target.file.name || "the target" });
  setText(byId("result-about"), `${answer.metrics.inference_time.toFixed(1)} s of computing. The file says that it is a composite.`);
  byId("result-warnings").replaceChildren(...(answer.warnings ?? []).map((line) => element("li", {}, inWordsOfThePage(line))));
  announce("The result is there.");
  // Only who still waits is taken to it.
  if ([document.body, byId("swap"), byId("cancel")].includes(document.activeElement)) byId("result-title").focus();
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  byId("result").scrollIntoView({ behavior: calm ? "auto" : "smooth", block: "nearest" });
}

function offer(about) {
  server = about;
  byId("work").hidden = false;
  byId("key-form").hidden = true;
  byId("restore-option").hidden = !about.restores;
  const named = about.restorers.map((name) => element("option", { value: name }, RESTORERS[name] ?? name));
  const choices = named.length > 0 ? named : [element("option", { value: "on" }, "yes")];
  byId("restore").replaceChildren(...choices, element("option", { value: OFF }, "no"));
  byId("retention").textContent =
    `This server removes what you upload after ${duration(about.asset_seconds)}, and results after ${duration(about.result_seconds)}.`;
  changed(false);
}

function duration(seconds) {
  const [number, unit] = seconds >= 5400 ? [seconds / 3600, "hour"] : seconds >= 90 ? [seconds / 60, "minute"] : [seconds, "second"];
  const whole = Math.round(number);
  return seconds === 3600 ? "an hour" : `${whole} ${unit}${whole === 1 ? "" : "s"}`;
}

async function start() {
  try {
    offer(await api.about());
    return true;
  } catch (error) {
    if (error.status === 401) byId("key-error").textContent = api.hasKey() ? sentence(error.message) : "";
    else byId("fatal").textContent = `${sentence(error.message)} Reload the page to try again.`;
    return false;
  }
}

api.whenKeyIsNeeded(() => {
  byId("key-form").hidden = false;
  byId("key").focus();
});

byId("key-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  api.setKey(byId("key").value.trim());
  if (await start()) {
    byId("key").value = "";
    byId("source-file").focus();
  } else api.forgetKey();
});

byId("swap-form").addEventListener("submit", (event) => {
  event.preventDefault();
  swap();
});
byId("cancel").addEventListener("click", () => work?.abort());

byId("order").addEventListener("change", () => {
  for (const picture of [source, target]) picture.setOrder(byId("order").value);
  picks.refresh();
});
for (const id of ["source-gender", "target-gender"]) {
  byId(id).addEventListener("change", () => {
    if (picks.request() === null) picks.reset();
    picks.refresh();
    changed(false);
  });
}

// A picture that is pasted goes where the focus is, else to the first place that is empty.
document.addEventListener("paste", (event) => {
  const file = [...(event.clipboardData?.files ?? [])].find((one) => one.type.startsWith("image/"));
  if (!file || byId("work").hidden) return;
  event.preventDefault();
  const focused = [source, target].find((picture) => picture.section.contains(document.activeElement));
  (focused ?? [source, target].find((picture) => picture.file === null) ?? target).take(file);
});

// What is dropped beside the places must not take the browser away from the page.
for (const kind of ["dragover", "drop"]) document.addEventListener(kind, (event) => event.preventDefault());

start();
