// Builds elements. Text is always set as text: nothing that comes from a file name or a server becomes markup.

/** An element with properties, attributes (names with a dash, and `role`), listeners (`on...`) and children. */
export function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null) continue;
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (name.includes("-") || name === "role" || name === "for") made.setAttribute(name, value);
    else made[name] = value;
  }
  made.append(...children);
  return made;
}

export function byId(id) {
  return document.getElementById(id);
}

/** Say something to screen readers without moving the focus. */
export function announce(text) {
  byId("live").textContent = text;
}

/** Set a line of text that is only said again when it changes. */
export function setText(where, text) {
  if (where.textContent !== text) where.textContent = text;
}

/** A message as a sentence. Names of files and fields at its beginning stay as they are. */
export function sentence(text, name = "") {
  const whole = text.trim();
  const named = name !== "" && whole.startsWith(name);
  const first = !named && /^[a-z]+(?![\w.[])/.test(whole) ? whole.slice(0, 1).toUpperCase() : whole.slice(0, 1);
  return whole === "" ? "" : first + whole.slice(1) + (/[.!?]$/.test(whole) ? "" : ".");
}

/** The server's words about a request, with the page's names for what was sent. */
export function inWordsOfThePage(text, file = "") {
  const named = file === "" ? text : text.replaceAll("data_urls[0]", file).replace(/\b(?:source|target)_img\b/g, file);
  return sentence(named.replaceAll("source_img", "the source").replaceAll("target_img", "the target"), file);
}

export function megabytes(bytes) {
  if (bytes < 2 ** 20 / 10) return `${Math.ceil(bytes / 1024)} KB`;
  const number = bytes / 2 ** 20;
  return `${number >= 10 ? Math.round(number) : number.toFixed(1)} MB`;
}
