// The headline figures: number, change, and their course as a line that is told in words too.
// (Streamlit's metric draws the line as a picture without a name, which a screen reader stumbles over.)

const SVG = "http://www.w3.org/2000/svg";
const WIDTH = 100;
const HEIGHT = 30;

const drawn = new WeakMap();

function element(tag, className, text) {
  const node = document.createElement(tag);
  node.className = className;
  if (text !== undefined) node.textContent = text;
  return node;
}

function sparkline(values, label) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", "fs-figure-course");
  svg.setAttribute("viewBox", `0 0 ${WIDTH} ${HEIGHT}`);
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", label);
  const low = Math.min(...values);
  const span = Math.max(...values) - low || 1;
  const step = WIDTH / (values.length - 1);
  const points = values.map((v, i) => `${(i * step).toFixed(1)},${(HEIGHT - 1 - ((v - low) / span) * (HEIGHT - 2)).toFixed(1)}`);
  const line = document.createElementNS(SVG, "polyline");
  line.setAttribute("points", points.join(" "));
  line.setAttribute("vector-effect", "non-scaling-stroke");
  svg.append(line);
  return svg;
}

function tile(figure) {
  const node = element("div", `fs-figure fs-hue-${figure.hue}`);
  node.dataset.key = figure.key;
  node.setAttribute("role", "group");
  node.setAttribute("aria-label", figure.label);
  node.append(element("div", "fs-figure-label", figure.label));
  node.append(element("div", figure.loud ? "fs-figure-value fs-loud" : "fs-figure-value", figure.value));
  if (figure.change) {
    const change = element("div", "fs-figure-change");
    change.append(element("span", "fs-figure-delta", figure.change), ` ${figure.over}`);
    node.append(change);
  }
  if (figure.course.length > 1) node.append(sparkline(figure.course, `${figure.label}: its course over the last ${figure.course.length} minutes`));
  return node;
}

export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".fs-figures-root");
  const text = JSON.stringify(data);
  if (drawn.get(root) === text) return; // nothing new: keep the selection where it is
  drawn.set(root, text);
  root.replaceChildren(...data.figures.map(tile));
}
