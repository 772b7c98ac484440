// The form for one row: fields, their values as JSON, and what is wrong with them.

// A number as JSON writes it. Its digits are sent as they are: a script's numbers are exact up to 2^53 only.
const JSON_NUMBER = /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/;

let fields = [];

function range(column) {
  const show = (value) => value.toLocaleString("en", { maximumSignificantDigits: 17 });
  const { minimum: low, maximum: high, unit, usual } = column;
  let text = "";
  if (low !== null && high !== null) text = `${show(low)} to ${show(high)}`;
  else if (low !== null) text = `from ${show(low)}`;
  else if (high !== null) text = `up to ${show(high)}`;
  // A unit such as "0-255" is the range itself.
  const parts = [[text, unit === `${low}-${high}` ? "" : unit].filter(Boolean).join(" ")];
  if (usual) parts.push(`usual ${show(usual[0])} to ${show(usual[1])}`);
  return parts.filter(Boolean).join(", ");
}

function control(column) {
  if (column.values) {
    const options = column.values.map((text, at) => make("option", { value: String(at) }, text));
    const select = make("select", {}, make("option", { value: "" }, "(missing)"), ...options);
    options[column.values.indexOf(column.default)].defaultSelected = true;
    return select;
  }
  const input = make("input", { type: "number", defaultValue: String(column.default) });
  input.step = column.dtype.startsWith("float") ? "any" : "1";
  if (column.minimum !== null) input.min = column.minimum;
  if (column.maximum !== null) input.max = column.maximum;
  return input;
}

// Make the fields anew. Values of columns that were there before are kept.
function drawFields(columns) {
  const before = new Map(fields.map((field) => [field.column.name, textOf(field)]));
  fields = columns.map((column, at) => {
    const input = Object.assign(control(column), { id: `field-${at}` });
    const hint = make("small", { id: `hint-${at}` }, column.values ? "" : range(column));
    const error = make("p", { className: "error", id: `error-${at}` });
    input.setAttribute("aria-describedby", `${hint.id} ${error.id}`);
    if (before.has(column.name)) input.value = inputOf(column, before.get(column.name));
    const label = make("label", { htmlFor: input.id }, ...breakable(column.name, "_"));
    const element = make("div", { className: "field" }, label, input, hint, error);
    return { column, input, error, element };
  });
  find("fields").replaceChildren(...fields.map((field) => field.element));
}

// What a field says, also for another version whose categories are in another order.
function textOf({ column, input }) {
  return column.values && input.value !== "" ? column.values[Number(input.value)] : input.value;
}

function inputOf(column, text) {
  const at = column.values?.indexOf(text);
  if (at === undefined) return text;
  return at < 0 ? "" : String(at);
}

function valueOf({ column, input }) {
  if (input.value === "") return "null";
  if (column.values) return JSON.stringify(textOf({ column, input }));
  return JSON_NUMBER.test(input.value) ? input.value : String(Number(input.value));
}

// The row as JSON; null if a field holds no number, which is then said there.
function readRow() {
  const unreadable = fields.filter((field) => field.input.validity.badInput);
  if (unreadable.length) {
    showProblems(unreadable.map(({ column }) => ({ column: column.name, reason: "this is not a number" })));
    return null;
  }
  return `{${fields.map((field) => `${JSON.stringify(field.column.name)}:${valueOf(field)}`).join(",")}}`;
}

// Show each problem at its field, and the others below the form.
function showProblems(problems) {
  const left = new Set(problems);
  for (const { column, input, error } of fields) {
    const own = problems.filter((problem) => problem.column === column.name);
    own.forEach((problem) => left.delete(problem));
    error.textContent = own.map((problem) => problem.reason).join("; ");
    if (own.length) input.setAttribute("aria-invalid", "true");
    else input.removeAttribute("aria-invalid");
  }
  find("row-error").textContent = [...left].map((problem) => problem.reason).join("; ");
}
