// Who gets which face: for every face of the target, a face of the source or none.

import { byId, element } from "./elements.js";
import { thumbnail } from "./picture.js";

const NONE = "none";

export class Picks {
  /**
   * @param {import("./picture.js").Picture} source
   * @param {import("./picture.js").Picture} target
   * @param {() => {source: string, target: string}} genders which faces may take part: no (all), female or male
   * @param {() => void} onChange
   */
  constructor(source, target, genders, onChange) {
    this.source = source;
    this.target = target;
    this.genders = genders;
    this.onChange = onChange;
    this.of = new Map(); // id of a target face -> id of a source face
    byId("pick-all").addEventListener("click", () => this.#deal(this.#eligible().targets));
    byId("pick-none").addEventListener("click", () => this.#deal([]));
  }

  /** Begin anew, with the first face of the target getting the first one of the source. */
  reset() {
    this.of.clear();
    this.#deal(this.#eligible().targets.slice(0, 1));
  }

  /** Fit what is shown to pictures, order and genders as they are now. What was picked stays where it can. */
  refresh() {
    const { sources, targets } = this.#eligible();
    const section = byId("picks");
    const focused = document.activeElement?.id;
    section.hidden = this.source.faces.length === 0 || this.target.faces.length === 0;
    byId("pick-list").replaceChildren(...this.target.faces.map((face) => this.#row(face, targets.includes(face.id), sources)));
    byId("picks-about").textContent = this.target.animated
      ? "Faces keep their numbers while the animation follows them."
      : "Choose a face of the source for each face of the target.";
    if (focused?.startsWith("pick-")) byId(focused)?.focus();
    this.#mark();
  }

  /** What the API is told, or null where nobody gets a face. A gender shuts faces out here already: the API deals the faces
   * out to those that are left, which would move them on to others. */
  request() {
    const pairs = this.#pairs();
    if (pairs.length === 0) return null;
    return {
      input_faces_index: pairs.map(([target]) => target.index).join(","),
      source_faces_index: pairs.map(([, source]) => source.index).join(","),
    };
  }

  #pairs() {
    const { sources, targets } = this.#eligible();
    const byIdOfFace = new Map(this.source.faces.map((face) => [face.id, face]));
    return this.target.faces
      .filter((face) => targets.includes(face.id) && sources.includes(this.of.get(face.id)))
      .map((face) => [face, byIdOfFace.get(this.of.get(face.id))]);
  }

  #eligible() {
    const wanted = this.genders();
    const fits = (faces, gender) => faces.filter((face) => gender === "no" || face.gender === gender).map((face) => face.id);
    return { sources: fits(this.source.faces, wanted.source), targets: fits(this.target.faces, wanted.target) };
  }

  /** Give these target faces the faces of the source in turn, and the others none. */
  #deal(targets) {
    const { sources } = this.#eligible();
    this.of = new Map(sources.length === 0 ? [] : targets.map((id, k) => [id, sources[k % sources.length]]));
    this.refresh();
    this.onChange();
  }

  #row(target, eligible, sources) {
    const picked = this.of.get(target.id);
    const gets = eligible && sources.includes(picked) ? picked : NONE;
    const choices = [element("span", { className: "keep" }, "stays as it is")].map((label) => this.#choice(target, NONE, label, gets, true));
    for (const face of this.source.faces) {
      const label = element("span", { className: "face" }, thumbnail(face), element("span", {}, `gets face ${face.index}`));
      choices.push(this.#choice(target, face.id, label, gets, eligible && sources.includes(face.id)));
    }
    const why = eligible ? "" : ` (does not look ${this.genders().target})`;
    return element("fieldset", { className: "pick" },
      element("legend", {}, thumbnail(target), element("span", {}, `Face ${target.index}${why}`)),
      element("div", { className: "choices" }, ...choices));
  }

  #choice(target, source, label, gets, enabled) {
    const input = element("input", {
      type: "radio", name: `pick-${target.id}`, id: `pick-${target.id}-${source}`, value: source, checked: gets === source,
      disabled: !enabled, onchange: () => {
        if (source === NONE) this.of.delete(target.id);
        else this.of.set(target.id, source);
        this.#mark();
        this.onChange();
      },
    });
    return element("label", { className: "choice" }, input, label);
  }

  #mark() {
    const pairs = this.#pairs();
    this.target.mark(new Set(pairs.map(([face]) => face.id)));
    this.source.mark(new Set(pairs.map(([, face]) => face.id)));
  }
}
