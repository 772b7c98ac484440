// A CSV file: all rows are scored by one request, whose answer is the file to download.

const SHOWN_ROWS = 100;
const SCORE = "score_";

let download = "";
let fileNumber = 0;

function parseCsv(text) {
  const cell = /("(?:[^"]|"")*"|[^,\n"]*)(,|\n|$)/y;
  const rows = [];
  let row = [];
  while (cell.lastIndex < text.length) {
    const [, value, end] = cell.exec(text);
    row.push(value.startsWith('"') ? value.slice(1, -1).replaceAll('""', '"') : value);
    if (end === ",") continue;
    rows.push(row);
    row = [];
  }
  return rows;
}

async function scoreFile(file) {
  const number = ++fileNumber;
  const say = (text, ...elements) => {
    if (number !== fileNumber) return; // another file was chosen since
    find("file-status").textContent = text;
    find("file-result").replaceChildren(...elements);
  };
  const most = model.limits.bytes;
  if (file.size > most) {
    say(`${file.name} has ${size(file.size)}, at most ${size(most)} are allowed: send several files.`);
    return;
  }
  say(`Scoring ${file.name} …`);
  try {
    const headers = { "Content-Type": "text/csv", Accept: "text/csv" };
    const response = await ask("predict", { method: "POST", headers, body: file });
    await follow(response.headers.get("x-model-version"));
    const answer = await response.blob();
    const [names, ...rows] = parseCsv(await answer.text());
    say(`${file.name}: ${count(rows.length, "row")} scored by ${model.version}.`, ...drawTable(names, rows));
    if (number === fileNumber) find("file-result").prepend(make("p", {}, downloadLink(file, answer)));
  } catch (refusal) {
    if (!isExpected(refusal)) say(`${file.name} was not scored: ${refusal.message}`, ...drawProblems(refusal.problems));
  }
}

function downloadLink(file, answer) {
  URL.revokeObjectURL(download);
  download = URL.createObjectURL(answer);
  const name = `${file.name.replace(/\.csv$/i, "")}-predictions.csv`;
  return make("a", { href: download, download: name }, "Download all predictions (CSV)");
}

function drawTable(names, rows) {
  const column = (name) => names.indexOf(name);
  const positions = new Map(model.cover_types.map((each, at) => [String(each.label), at]));
  const answers = rows.map((row) => positions.get(row[column("cover_type")]));
  const shown = rows.slice(0, SHOWN_ROWS).map((row, at) => {
    const scores = model.cover_types.map((each) => metric(Number(row[column(SCORE + each.slug)])));
    const [position, probability] = [answers[at], percent(Number(row[column("probability")]))];
    const title = model.cover_types[position].title;
    const cells = [probability, ...scores].map((text) => make("td", {}, text));
    return make("tr", {}, make("th", { scope: "row" }, row[column("row")], " ", patch(position), title), ...cells);
  });
  const heads = ["Row, cover type", "Probability", ...model.cover_types.map((each) => each.title)];
  const which = rows.length > SHOWN_ROWS ? `The first ${SHOWN_ROWS} rows` : "All rows";
  const caption = `${which}; they are counted from 0. Probability of the answer, and the score of each model`;
  const scroll = make("div", { className: "scroll", role: "region", tabIndex: 0, ariaLabel: "Predictions" });
  scroll.append(tableOf("predictions", caption, heads, shown));
  return [drawCounts(answers), scroll];
}

function drawCounts(answers) {
  const rows = model.cover_types.map((each, position) => {
    const found = answers.filter((answer) => answer === position).length;
    const share = found / answers.length;
    return make(
      "tr",
      {},
      make("th", { scope: "row" }, ...nameOf(each, position)),
      make("td", { className: "bar" }, bar(position, share)),
      make("td", {}, found.toLocaleString("en")),
      make("td", {}, percent(share)),
    );
  });
  return tableOf("bars counts", "Rows of each cover type", ["Cover type", "", "Rows", "Share"], rows);
}

function drawProblems(problems) {
  if (!problems.length) return [];
  const rows = problems.map(({ row, column, reason }) =>
    make("tr", {}, ...[row ?? "–", column ?? "–", reason].map((text) => make("td", {}, String(text)))),
  );
  const caption = "What is wrong. Rows are counted from 0, behind the header; no row was scored";
  return [tableOf("problems", caption, ["Row", "Column", "Reason"], rows)];
}
