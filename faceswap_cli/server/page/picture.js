// One of the two pictures: chosen, dropped or pasted, uploaded at once, and shown with its faces numbered.

import { findFaces, upload } from "./api.js";
import { announce, element, inWordsOfThePage, megabytes, sentence, setText } from "./elements.js";

// A list of its own, not image/*: phones then turn their own formats into one of these.
const ACCEPTED = "image/jpeg,image/png,image/gif,image/webp,image/apng,image/avif,image/bmp,image/tiff";

/**
 * @typedef {object} Face
 * @property {number} id its place in the answer of the server, which does not change
 * @property {number} index its number in the chosen order, as the API counts
 * @property {number[]} box x1, y1, x2, y2 in pixels
 * @property {string} gender female, male or unknown
 * @property {string} thumbnail
 */

export class Picture {
  /**
   * @param {HTMLElement} section is filled
   * @param {{name: string, field: string, title: string, about: string}} words
   * @param {() => object} limits what the server takes
   * @param {() => void} onChange told whenever faces, file or state change
   */
  constructor(section, words, limits, onChange) {
    this.words = words;
    this.limits = limits;
    this.onChange = onChange;
    this.order = "large-small";
    this.chosen = null;
    this.file = null;
    this.url = null;
    this.seen = null;
    this.shown = null;
    this.failed = false;
    this.work = null;
    this.#build(section);
  }

  /** Whether faces can be picked. */
  get ready() {
    return this.seen !== null;
  }

  get animated() {
    return this.seen?.animated ?? false;
  }

  /** @returns {Face[]} in the chosen order */
  get faces() {
    if (this.seen === null) return [];
    return this.seen.orders[this.order].map((id, index) => ({ ...this.seen.faces[id], id, index }));
  }

  setOrder(order) {
    this.order = order;
    this.#showFaces();
  }

  /** Mark which faces take part: ids of faces. */
  mark(ids) {
    for (const box of this.boxes.children) box.classList.toggle("taken", ids.has(Number(box.dataset.id)));
  }

  /** Take a file: show it, upload it, and look for faces. */
  async take(file) {
    this.work?.abort();
    this.work = new AbortController();
    const { signal } = this.work;
    this.#forget();
    this.file = file;
    setText(this.name, `${file.name || "pasted picture"}, ${megabytes(file.size)}`);
    this.section.classList.add("filled");
    setText(this.action, `Choose another ${this.words.name}`);
    this.shown = URL.createObjectURL(file);
    this.#show(this.shown);
    this.onChange();
    try {
      this.#checkSize(file);
      this.#busy(`Uploading the ${this.words.name}`, 0);
      this.url = await upload(file, (part) => this.#busy(`Uploading the ${this.words.name}`, part), signal);
      this.#busy(`Looking for faces in the ${this.words.name}`);
      this.seen = await findFaces(this.words.field, this.url, signal);
      if (this.seen.preview) this.#show(this.seen.preview);
      this.#showFaces();
      this.#say();
    } catch (error) {
      if (signal.aborted) return;
      this.failed = true;
      this.error.textContent = inWordsOfThePage(error.message, file.name || "the picture");
    }
    this.#idle();
    this.onChange();
  }

  /** An address under which the picture is shown, even where the browser does not know its format. */
  get view() {
    return this.animated ? this.shown : this.image.getAttribute("src");
  }

  #build(section) {
    const { name, title, about } = this.words;
    this.section = section;
    this.input = element("input", {
      type: "file", accept: ACCEPTED, id: `${name}-file`, className: "unseen", "aria-describedby": `${name}-about ${name}-error`,
      onchange: () => this.input.files.length && this.take(this.input.files[0]),
    });
    this.image = element("img", { alt: "", hidden: true, onerror: () => { this.image.hidden = true; } });
    this.boxes = element("div", { className: "boxes", "aria-hidden": "true" });
    this.stage = element("div", { className: "stage" }, this.image, this.boxes);
    this.action = element("b", {}, `Choose the ${name}`);
    this.prompt = element("span", { className: "prompt" }, this.action, element("span", {}, " or drop or paste it here"));
    const zone = element("label", { className: "zone", for: `${name}-file` }, this.stage, this.prompt);
    this.name = element("p", { className: "file" });
    this.bar = element("progress", { max: 1, "aria-labelledby": `${name}-state` });
    this.state = element("p", { id: `${name}-state`, className: "state" });
    this.progress = element("div", { className: "progress", hidden: true }, this.bar, this.state);
    this.error = element("p", { id: `${name}-error`, className: "error", role: "alert" });
    this.found = element("p", { className: "found" });
    this.list = element("ul", { className: "faces", "aria-label": `Faces of the ${name}` });
    section.append(
      element("h2", { id: `${name}-title` }, title), element("p", { id: `${name}-about`, className: "hint" }, about),
      this.input, zone, this.name, this.progress, this.error, this.found, this.list);
    for (const kind of ["dragenter", "dragover"]) {
      section.addEventListener(kind, (event) => {
        event.preventDefault();
        section.classList.add("over");
      });
    }
    section.addEventListener("dragleave", (event) => {
      if (!section.contains(event.relatedTarget)) section.classList.remove("over");
    });
    section.addEventListener("drop", (event) => {
      event.preventDefault();
      section.classList.remove("over");
      const file = event.dataTransfer?.files[0];
      if (file) this.take(file);
      else this.error.textContent = "That is no file; save the picture first, then drop it here.";
    });
  }

  #forget() {
    if (this.shown) URL.revokeObjectURL(this.shown);
    this.url = this.seen = this.shown = null;
    this.failed = false;
    this.error.textContent = this.found.textContent = "";
    this.list.replaceChildren();
    this.boxes.replaceChildren();
    this.input.value = "";
  }

  #show(address) {
    this.image.hidden = false;
    this.image.src = address;
    this.image.alt = `The ${this.words.name}: ${this.file.name || "pasted picture"}`;
  }

  #checkSize(file) {
    const { max_file: most } = this.limits();
    if (file.size > most) {
      throw new Error(`${file.name || "This picture"} has ${megabytes(file.size)}; this server takes up to ${megabytes(most)}`);
    }
    if (file.size === 0) throw new Error(`${file.name || "This file"} is empty`);
  }

  #busy(text, part) {
    this.progress.hidden = false;
    if (part === undefined) this.bar.removeAttribute("value");
    else this.bar.value = part;
    setText(this.state, text);
  }

  #idle() {
    this.progress.hidden = true;
  }

  #say() {
    const { faces, animated, frame } = this.seen;
    const count = faces.length === 0 ? "No face found" : faces.length === 1 ? "1 face" : `${faces.length} faces`;
    const where = animated && faces.length > 0 ? `, numbered in frame ${frame + 1} of the animation` : "";
    setText(this.found, `${count}${where}.`);
    this.found.classList.toggle("none", faces.length === 0);
    announce(`${sentence(this.words.name)} ${count}${where}.`);
  }

  #showFaces() {
    if (this.seen === null) return;
    const { width, height } = this.seen;
    this.list.replaceChildren(...this.faces.map((face) => element("li", {}, thumbnail(face),
      element("span", {}, `Face ${face.index}`, element("small", {}, face.gender === "unknown" ? "" : `looks ${face.gender}`)))));
    this.boxes.replaceChildren(...this.faces.map((face) => {
      const [x1, y1, x2, y2] = face.box;
      const box = element("span", { className: "box" }, element("span", {}, String(face.index)));
      box.dataset.id = face.id;
      box.style.left = `${(100 * x1) / width}%`;
      box.style.top = `${(100 * y1) / height}%`;
      box.style.width = `${(100 * (x2 - x1)) / width}%`;
      box.style.height = `${(100 * (y2 - y1)) / height}%`;
      return box;
    }));
  }
}

/** The small picture of a face; it says nothing to screen readers, since text beside it does. */
export function thumbnail(face) {
  return element("img", { src: face.thumbnail, alt: "", className: "thumbnail", width: 56, height: 56 });
}
