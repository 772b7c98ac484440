// The answer for one row: cover type, probability, a bar for each model, and the nearest decisions.

function drawAnswer(prediction) {
  const coverTypes = model.cover_types;
  const scores = coverTypes.map((each) => prediction.scores[each.slug]);
  const best = coverTypes.findIndex((each) => each.label === prediction.cover_type);
  const probability = make("small", { id: "probability" });
  probability.textContent = `calibrated probability ${percent(prediction.probability)}`;
  find("cover-type").replaceChildren(patch(best), coverTypes[best].title, probability);
  const rows = coverTypes.map((each, at) => scoreRow(each, at, scores[at], at === best));
  const caption = "Score of each model; the line is its threshold";
  find("bars").replaceChildren(tableOf("bars", caption, ["Model", "", "Score", "Threshold"], rows));
  find("nearest").textContent = `${nextAnswer(coverTypes, scores, best)} ${nearestThreshold(coverTypes, scores)}`;
  find("answer").classList.remove("old");
  clearExplanation();
}

function scoreRow(coverType, position, score, isBest) {
  const side = score >= coverType.threshold ? "reached" : "not reached";
  return make(
    "tr",
    { className: isBest ? "best" : "" },
    make("th", { scope: "row" }, ...nameOf(coverType, position)),
    make("td", { className: "bar" }, bar(position, score, coverType.threshold)),
    make("td", {}, metric(score)),
    make("td", {}, metric(coverType.threshold), make("small", {}, side)),
  );
}

// The answer is the cover type of the highest score, so the second highest is the decision that is nearest.
function nextAnswer(coverTypes, scores, best) {
  const others = coverTypes.map((_, at) => at).filter((at) => at !== best);
  if (!others.length) return "";
  const next = others.reduce((a, b) => (scores[b] > scores[a] ? b : a));
  const gap = metric(scores[best] - scores[next]);
  return `The nearest other answer is ${coverTypes[next].title}: its score is lower by ${gap}.`;
}

function nearestThreshold(coverTypes, scores) {
  const distance = (at) => Math.abs(scores[at] - coverTypes[at].threshold);
  const nearest = coverTypes.map((_, at) => at).reduce((a, b) => (distance(b) < distance(a) ? b : a));
  const side = scores[nearest] >= coverTypes[nearest].threshold ? "above" : "below";
  const title = coverTypes[nearest].title;
  return `The nearest threshold is that of ${title}: its score is ${metric(distance(nearest))} ${side} it.`;
}

// What is on the page is not the answer to what is in the form.
function markOld() {
  find("answer").classList.add("old");
}
