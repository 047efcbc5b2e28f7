// The action table: a real HTML table, two lines to a row, a sparkline in the severity's colour.
// Names and reasons come from outside: they go in as textContent inside <bdi>, never as markup.

const SVG = "http://www.w3.org/2000/svg";
const WIDTH = 84;
const HEIGHT = 22;

const COLUMNS = [
  ["Severity", ""],
  ["Product · warehouse", ""],
  ["Available", "fs-number"],
  ["Speed, 15 min", ""],
  ["Runs out in", ""],
  ["≤15 min", "fs-number"],
  ["Action · why", ""],
  ["Value at risk", "fs-number"],
  ["Open for", "fs-number"],
];

function element(tag, className, text) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (text !== undefined) node.textContent = text;
  return node;
}

function named(className, text) {
  const node = element("bdi", className, text);
  node.title = text;
  return node;
}

function sparkline(values, label) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", "fs-spark");
  svg.setAttribute("viewBox", `0 0 ${WIDTH} ${HEIGHT}`);
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", label);
  const top = Math.max(1, ...values);
  const step = WIDTH / Math.max(1, values.length - 1);
  const points = values.map((v, i) => `${(i * step).toFixed(1)},${(HEIGHT - 2 - (v / top) * (HEIGHT - 4)).toFixed(1)}`);
  const line = document.createElementNS(SVG, "polyline");
  line.setAttribute("points", points.join(" "));
  const title = document.createElementNS(SVG, "title");
  title.textContent = label;
  svg.append(title, line);
  return svg;
}

function cell(label, className, ...children) {
  const node = element("td", className);
  node.dataset.label = label;
  node.append(...children);
  return node;
}

function row(line) {
  const tr = element("tr", `fs-row fs-severity-${line.severity}`);
  tr.dataset.key = line.key;
  const severity = cell("Severity", "fs-severity", element("span", "fs-icon", line.icon), ` ${line.word}`);
  const runsOut = cell("Runs out in", "fs-runs-out", line.runs_out);
  if (line.likely_range) runsOut.append(element("small", "", ` ${line.likely_range}`));
  tr.append(
    severity,
    cell("Product · warehouse", "fs-name", named("fs-first", line.product), named("fs-second", line.warehouse)),
    cell("Available", "fs-number", line.available),
    cell("Speed, 15 min", "fs-speed", sparkline(line.velocities, line.speed)),
    runsOut,
    cell("≤15 min", "fs-number", line.within_15),
    cell("Action · why", "fs-action", named("fs-first", line.action), named("fs-second", line.why)),
    cell("Value at risk", "fs-number", line.value_at_risk),
    cell("Open for", "fs-number", line.open_for),
  );
  return tr;
}

const drawn = new WeakMap();

export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".fs-table-root");
  const text = JSON.stringify(data);
  if (drawn.get(root) === text) return; // nothing new: keep selection and scroll where they are
  drawn.set(root, text);

  const table = element("table", "fs-table");
  const caption = element("caption", "", data.title);
  if (data.more) caption.append(element("span", "fs-more", ` · ${data.more}`));
  const head = element("tr");
  for (const [label, className] of COLUMNS) {
    const th = element("th", className, label);
    th.scope = "col";
    head.append(th);
  }
  const thead = element("thead");
  thead.append(head);
  const tbody = element("tbody");
  tbody.append(...data.lines.map(row));
  table.append(caption, thead, tbody);
  root.replaceChildren(table);
}
