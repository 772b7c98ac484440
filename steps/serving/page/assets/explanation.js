// What each feature contributes to the score of the answer, where the service explains.

const SHOWN_FEATURES = 12;

// Show nothing yet: the answer has changed.
function clearExplanation() {
  find("explain").hidden = !model.explains;
  find("explanation").replaceChildren();
}

async function explain() {
  const body = readRow();
  if (body === null) return;
  const say = (...elements) => find("explanation").replaceChildren(...elements);
  say("Computing …");
  try {
    const headers = { "Content-Type": "application/json" };
    const answer = await (await ask("predict?explain=true", { method: "POST", headers, body })).json();
    if (body === readRow()) say(drawExplanation(answer.predictions[0]));
  } catch (refusal) {
    if (!isExpected(refusal)) say(refusal.message);
  }
}

function drawExplanation({ explanations }) {
  const [[slug, { base, contributions }]] = Object.entries(explanations);
  const title = model.cover_types.find((each) => each.slug === slug).title;
  const largest = Object.entries(contributions).sort(([, a], [, b]) => Math.abs(b) - Math.abs(a));
  const shown = largest.slice(0, SHOWN_FEATURES);
  const most = Math.abs(shown[0][1]) || 1;
  const rows = shown.map(([feature, value]) =>
    make(
      "tr",
      {},
      make("th", { scope: "row" }, ...breakable(feature, "_")),
      make("td", { className: "bar" }, bar(value < 0 ? 3 : 0, Math.abs(value) / most)),
      make("td", {}, signed(value)),
    ),
  );
  const which = largest.length > SHOWN_FEATURES ? `The ${SHOWN_FEATURES} largest contributions` : "Contributions";
  const sum = `with the base ${signed(base)}, all contributions add up to them`;
  const caption = `${which} to the log odds of ${title} (TreeSHAP); ${sum}`;
  return tableOf("bars", caption, ["Feature", "", "Contribution"], rows);
}

function signed(value) {
  return `${value < 0 ? "" : "+"}${metric(value)}`;
}
