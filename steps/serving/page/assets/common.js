// Elements, colours, numbers and requests.

// Texts of columns, categories, versions and answers reach the page as text nodes only, never as markup.
function find(id) {
  return document.getElementById(id);
}

function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

// Those of the report: steps/reporting/palette.py.
function colour(position) {
  return `var(--hue${position % 7})`;
}

function patch(position) {
  const square = make("i", { className: "key" });
  square.style.background = colour(position);
  return square;
}

// A text that may wrap behind each occurrence of a character.
function breakable(text, after) {
  return text.split(after).flatMap((part, at) => (at ? [after, make("wbr"), part] : [part]));
}

function nameOf(coverType, position) {
  return [patch(position), ...breakable(coverType.title, "/")];
}

// A bar of a share of 1, with a mark at another one if it is given.
function bar(position, share, mark) {
  const filled = make("i");
  filled.style.width = `${100 * share}%`;
  filled.style.background = colour(position);
  const track = make("div", { className: "track", ariaHidden: "true" }, filled);
  if (mark !== undefined) {
    const line = make("b");
    line.style.left = `${100 * Math.min(1, Math.max(0, mark))}%`;
    track.append(line);
  }
  return track;
}

function tableOf(className, caption, heads, rows) {
  const head = make("tr", {}, ...heads.map((text) => make("th", { scope: "col" }, text)));
  return make(
    "table",
    { className },
    make("caption", {}, caption),
    make("thead", {}, head),
    make("tbody", {}, ...rows),
  );
}

function count(number, noun) {
  return `${number.toLocaleString("en")} ${noun}${number === 1 ? "" : "s"}`;
}

function size(bytes) {
  const mebibytes = bytes / 2 ** 20;
  return mebibytes < 1 ? count(bytes, "byte") : `${mebibytes.toLocaleString("en", { maximumFractionDigits: 1 })} MiB`;
}

function metric(value) {
  return value.toFixed(4);
}

function percent(share) {
  return `${(100 * share).toFixed(1)}%`;
}

const TOKEN = "covertype-token";

function token() {
  return sessionStorage.getItem(TOKEN) ?? "";
}

// An answer other than 200, or none: `message` says why, `problems` names rows and columns.
class Refusal extends Error {
  constructor(status, message, problems = []) {
    super(message);
    this.status = status;
    this.problems = problems;
  }
}

// Addresses are relative, so that the page works behind a prefix.
async function ask(path, options = {}) {
  const headers = { ...options.headers };
  // No token has other characters, and no header can.
  if (!/^[ -~]*$/.test(token())) throw new Refusal(401, "the token is wrong");
  if (token()) headers.Authorization = `Bearer ${token()}`;
  let response;
  try {
    response = await fetch(path, { ...options, headers });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refusal(0, "The service does not answer. Is it running?");
  }
  if (response.ok) return response;
  const content = await response.json().catch(() => ({}));
  throw new Refusal(response.status, content.error ?? `status ${response.status}`, content.problems ?? []);
}
