// Start: what the version is, the token, and what happens when.

const PAUSE_MILLISECONDS = 120;
const DOCUMENTS = { report: ["report", "Report"], model_card: ["model-card", "Model card"] };

let model = null;
let pause = 0;
let running = new AbortController();

// Read what the version that answers needs, and draw the page for it.
async function load() {
  const before = model;
  model = await (await ask("model")).json();
  document.title = `${model.name}: try the models`;
  find("name").textContent = model.name;
  find("limits").textContent = `At most ${count(model.limits.rows, "row")} and ${size(model.limits.bytes)}.`;
  drawFacts();
  // A field that is drawn again loses the focus.
  if (JSON.stringify(before?.columns) !== JSON.stringify(model.columns)) drawFields(model.columns);
  find("failure").hidden = find("token-form").hidden = true;
  find("content").hidden = false;
}

// Draw the page again if another version has answered than the one it was drawn for.
async function follow(version) {
  if (version !== model.version) await load();
}

function drawFacts() {
  const fact = (name, ...what) => make("div", {}, make("dt", {}, name), make("dd", {}, ...what));
  const links = Object.entries(DOCUMENTS)
    .filter(([key]) => model.documents[key])
    .map(([, [path, title]]) => fact(title, documentLink(path, title)));
  const facts = [fact("Version", model.version), ...links];
  if (token()) facts.push(fact("Token", make("button", { type: "button", onclick: forgetToken }, "Forget it")));
  find("facts").replaceChildren(...facts);
}

// A browser follows a link without the token. With one, the page fetches the document and shows it in the new tab.
function documentLink(path, title) {
  const link = make("a", { href: path, target: "_blank", rel: "noopener" }, `Open the ${title.toLowerCase()}`);
  link.onclick = async (event) => {
    if (!token()) return;
    event.preventDefault();
    const tab = window.open("", "_blank");
    try {
      tab.location = URL.createObjectURL(await (await ask(path)).blob());
    } catch (refusal) {
      tab.close();
      if (!isExpected(refusal)) fail(refusal.message);
    }
  };
  return link;
}

function fail(message) {
  find("failure").textContent = message;
  find("failure").hidden = false;
}

// Handle what may happen at any time: an answer that nobody waits for, and a token that is missing or wrong.
function isExpected(refusal) {
  if (refusal.name === "AbortError") return true;
  if (refusal.status !== 401) return false;
  if (token()) fail("The token is wrong.");
  sessionStorage.removeItem(TOKEN);
  find("content").hidden = true;
  find("token-form").hidden = false;
  find("token").focus();
  return true;
}

function forgetToken() {
  sessionStorage.removeItem(TOKEN);
  location.reload();
}

async function askForRow() {
  running.abort();
  running = new AbortController();
  const body = readRow();
  markOld();
  if (body === null) return;
  try {
    const headers = { "Content-Type": "application/json" };
    const response = await ask("predict", { method: "POST", headers, body, signal: running.signal });
    const answer = await response.json();
    await follow(answer.model_version);
    showProblems([]);
    drawAnswer(answer.predictions[0]);
  } catch (refusal) {
    if (isExpected(refusal)) return;
    showProblems(refusal.problems?.length ? refusal.problems : [{ reason: refusal.message }]);
  }
}

async function start() {
  try {
    await load();
    await askForRow();
  } catch (refusal) {
    if (!isExpected(refusal)) fail(refusal.message);
  }
}

find("row").addEventListener("input", () => {
  clearTimeout(pause);
  markOld();
  pause = setTimeout(askForRow, PAUSE_MILLISECONDS);
});
find("row").addEventListener("reset", () => setTimeout(askForRow));
find("row").addEventListener("submit", (event) => {
  event.preventDefault();
  askForRow();
});
find("explain").addEventListener("click", explain);
find("token-form").addEventListener("submit", (event) => {
  event.preventDefault();
  sessionStorage.setItem(TOKEN, find("token").value.trim());
  find("token").value = "";
  start();
});
find("file").addEventListener("change", (event) => {
  const [file] = event.target.files;
  if (file) scoreFile(file);
  event.target.value = ""; // choosing the same file again scores it again
});
document.addEventListener("dragover", (event) => {
  event.preventDefault();
  document.body.classList.add("dragging");
});
for (const name of ["dragleave", "drop"]) {
  document.addEventListener(name, () => document.body.classList.remove("dragging"));
}
document.addEventListener("drop", (event) => {
  event.preventDefault();
  const [file] = event.dataTransfer.files;
  if (file && model) scoreFile(file);
});
start();
