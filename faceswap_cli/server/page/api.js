// Talks to this server, and to nothing else. All addresses are relative, so that the page also works behind a proxy that
// serves it under a path of its own.

const KEY = "faceswap-api-key";
const FIRST_PAUSE = 0.3;
const LONGEST_PAUSE = 3;

let onKeyNeeded = () => {};

/** What the server refused or what went wrong on the way; the message is for people. */
export class ApiError extends Error {
  constructor(message, status = 0, retryAfter = null) {
    super(message);
    this.status = status;
    this.retryAfter = retryAfter;
  }
}

/** Have a function called whenever the server asks for a key that it was not given. */
export function whenKeyIsNeeded(callback) {
  onKeyNeeded = callback;
}

/** Keep the key for as long as this tab is open. */
export function setKey(key) {
  sessionStorage.setItem(KEY, key);
}

export function forgetKey() {
  sessionStorage.removeItem(KEY);
}

export function hasKey() {
  return sessionStorage.getItem(KEY) !== null;
}

function headers(more = {}) {
  const key = sessionStorage.getItem(KEY);
  return key === null ? more : { ...more, "x-api-key": key };
}

/** What the server says of itself: its limits and whether it restores faces. */
export function about(signal) {
  return ask("page/about", { signal });
}

/**
 * Upload a file, and learn the address that the server gave it.
 * @param {(part: number) => void} onProgress told which part of it was sent, from 0 to 1
 */
export async function upload(file, onProgress, signal) {
  const body = JSON.stringify({ data_urls: [await dataUrl(file)] });
  const answer = await new Promise((resolve, reject) => {
    const request = new XMLHttpRequest(); // fetch does not tell how much was sent
    const stop = () => request.abort();
    if (signal.aborted) return reject(stopped());
    signal.addEventListener("abort", stop, { once: true });
    request.open("POST", "upload-asset");
    for (const [name, value] of Object.entries(headers({ "Content-Type": "application/json" }))) {
      request.setRequestHeader(name, value);
    }
    request.upload.onprogress = (event) => event.lengthComputable && onProgress(event.loaded / event.total);
    request.onerror = () => reject(unreachable());
    request.onabort = () => reject(stopped());
    request.onload = () => {
      try {
        resolve(judge(request.status, request.responseText, request.getResponseHeader("Retry-After")));
      } catch (error) {
        reject(error);
      }
    };
    request.onloadend = () => signal.removeEventListener("abort", stop);
    request.send(body);
  });
  return answer.file_urls[0];
}

/** The faces of an uploaded picture. `field` is what the API calls it: source_img or target_img. */
export function findFaces(field, url, signal) {
  return patiently(() => post("page/faces", { [field]: url }, signal), () => {}, signal);
}

/**
 * Swap, and wait for the end.
 * @param {(state: string, seconds?: number) => void} onState told BUSY (with the seconds until the next try), QUEUED and
 *   PROCESSING
 * @returns the result object of the API, and the picture as a Blob
 */
export async function swap(body, onState, signal) {
  const { request_id: id } = await patiently(() => post("page/swap", body, signal), (seconds) => onState("BUSY", seconds), signal);
  onState("QUEUED");
  let pause = FIRST_PAUSE;
  for (let faults = 0, state = ""; state !== "COMPLETED"; ) {
    await sleep(pause, signal);
    pause = Math.min(LONGEST_PAUSE, pause * 1.3);
    try {
      ({ status: state } = await ask(`v2/requests/${id}/status`, { signal }));
      faults = 0;
    } catch (error) {
      // Asking again is free, so a connection that breaks for a moment loses nothing.
      const passing = error instanceof ApiError && (error.status === 0 || error.status === 429 || error.status >= 500);
      if (!passing || ++faults > 8) throw error;
      pause = error.retryAfter ?? pause;
      continue;
    }
    if (state !== "COMPLETED") onState(state);
  }
  const result = await ask(`v2/requests/${id}`, { signal });
  const name = new URL(result.output, location.href).pathname.split("/").pop();
  const answer = await reach(`results/${name}`, { signal });
  if (!answer.ok) judge(answer.status, await answer.text(), null);
  return { result, picture: await answer.blob() };
}

/** Try again for as long as the server says that it is busy. */
async function patiently(call, onWait, signal) {
  for (;;) {
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 429 || error.retryAfter === null) throw error;
      onWait(error.retryAfter);
      await sleep(error.retryAfter, signal);
    }
  }
}

function post(path, body, signal) {
  return ask(path, {
    method: "POST", body: JSON.stringify(body), headers: { "Content-Type": "application/json" }, signal,
  });
}

async function ask(path, options) {
  const answer = await reach(path, { ...options, headers: headers(options.headers) });
  return judge(answer.status, await answer.text(), answer.headers.get("Retry-After"));
}

async function reach(path, options) {
  try {
    return await fetch(path, { ...options, cache: "no-store" });
  } catch (error) {
    throw error.name === "AbortError" ? error : unreachable();
  }
}

/** The JSON object of an answer; an error in the server's own words where it is one. */
function judge(status, text, retryAfter) {
  let body = {};
  try {
    body = JSON.parse(text);
  } catch {
    body = {};
  }
  if (status >= 200 && status < 300) return body;
  if (status === 401) onKeyNeeded();
  const seconds = Number.parseInt(retryAfter ?? "", 10);
  throw new ApiError(typeof body.error === "string" ? body.error : `the server answered with status ${status}`, status,
    Number.isNaN(seconds) ? null : seconds);
}

function unreachable() {
  return new ApiError("the server cannot be reached");
}

function stopped() {
  return new DOMException("stopped", "AbortError");
}

function dataUrl(file) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result);
    reader.onerror = () => reject(new ApiError(`${file.name} cannot be read`));
    reader.readAsDataURL(file);
  });
}

function sleep(seconds, signal) {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(stopped());
    const stop = () => {
      clearTimeout(timer);
      reject(stopped());
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", stop);
      resolve();
    }, seconds * 1000);
    signal.addEventListener("abort", stop, { once: true });
  });
}
