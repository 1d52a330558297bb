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

export function sentence(text) {
  const whole = text.trim();
  return whole === "" ? "" : whole[0].toUpperCase() + whole.slice(1) + (/[.!?]$/.test(whole) ? "" : ".");
}

export function megabytes(bytes) {
  const number = bytes / 2 ** 20;
  return `${number >= 10 ? Math.round(number) : number.toFixed(1)} MB`;
}
