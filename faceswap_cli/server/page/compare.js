// Before and after, one over the other, with a line between them that is a slider of the browser's own: mouse, touch and
// keys move it.

import { element } from "./elements.js";

/**
 * @param {HTMLElement} where is filled
 * @param {{before: string, after: string, name: string}} pictures addresses, and what the picture is called
 * @returns {Promise<void>} once both can be seen
 */
export async function compare(where, { before, after, name }) {
  const first = element("img", { alt: `Before: ${name}`, className: "before", draggable: false });
  const second = element("img", { alt: `After: ${name} with swapped faces`, className: "after", draggable: false });
  const slider = element("input", {
    type: "range", min: 0, max: 100, step: 1, value: 50, id: "split", "aria-label": "How much of the result is shown",
    oninput: () => move(),
  });
  const stage = element("div", { className: "comparison" }, second, first,
    element("span", { className: "tag left", "aria-hidden": "true" }, "Before"),
    element("span", { className: "tag right", "aria-hidden": "true" }, "After"),
    element("span", { className: "line", "aria-hidden": "true" }), slider);

  function move() {
    const left = Number(slider.value);
    stage.style.setProperty("--split", `${left}%`);
    stage.classList.toggle("all-before", left > 88);
    stage.classList.toggle("all-after", left < 12);
    slider.setAttribute("aria-valuetext", `${100 - left} percent after`);
  }

  move();
  where.replaceChildren(stage);
  // Both at the same moment, so that two animations begin together.
  first.src = before;
  second.src = after;
  await Promise.allSettled([first.decode(), second.decode()]);
}
