// One row of the action table: two lines, a sparkline, a range bar, and the buttons.
// A row's element lives as long as its SKU is in the table; its cells are filled anew, its
// buttons stay the same elements, so that a press always ends on what it began on.

const SPARK_WIDTH = 84;
const SPARK_HEIGHT = 22;
const BAR_WIDTH = 120;
const BAR_HEIGHT = 14;

const COLUMNS = [
  ["Severity", "fs-severity"],
  ["Product · warehouse", "fs-name"],
  ["Available", "fs-number fs-available"],
  ["Speed, 15 min", "fs-speed"],
  ["Runs out in (likely range)", "fs-runs-out"],
  ["≤15 min", "fs-number fs-within"],
  ["Action · why", "fs-action"],
  ["Saves", "fs-number fs-saves"],
  ["Owner", "fs-owner"],
  ["Open for", "fs-number fs-open-for"],
  ["Act", "fs-act"],
];

function sparkline(values, label) {
  if (!values.length) return "";
  const svg = drawn("svg", {
    class: "fs-spark", viewBox: `0 0 ${SPARK_WIDTH} ${SPARK_HEIGHT}`, role: "img", "aria-label": label,
  });
  const top = Math.max(1, ...values);
  const step = SPARK_WIDTH / Math.max(1, values.length - 1);
  const points = values.map(
    (v, i) => `${(i * step).toFixed(1)},${(SPARK_HEIGHT - 2 - (v / top) * (SPARK_HEIGHT - 4)).toFixed(1)}`,
  );
  const title = drawn("title", {});
  title.textContent = label;
  svg.append(title, drawn("polyline", { points: points.join(" ") }));
  return svg;
}

function rangeBar(bar) {
  const inner = BAR_WIDTH - BAR_HEIGHT;
  const at = (share) => BAR_HEIGHT / 2 + share * inner;
  const middle = BAR_HEIGHT / 2;
  const svg = drawn("svg", { class: "fs-bar", viewBox: `0 0 ${BAR_WIDTH} ${BAR_HEIGHT}`, "aria-hidden": "true" });
  svg.append(
    drawn("line", { class: "fs-bar-scale", x1: at(0), x2: at(1), y1: middle, y2: middle }),
    drawn("line", { class: "fs-bar-mark", x1: at(0.5), x2: at(0.5), y1: middle - 4, y2: middle + 4 }),
    drawn("line", { class: "fs-bar-range", x1: at(bar.low), x2: at(bar.high), y1: middle, y2: middle }),
  );
  if (bar.beyond) {
    svg.append(drawn("path", { class: "fs-bar-beyond", d: `M${at(1)},${middle - 4} l5,4 l-5,4` }));
  }
  svg.append(drawn("circle", { class: "fs-bar-dot", cx: at(bar.middle), cy: middle, r: 4.2 }));
  return svg;
}

function runsOut(line) {
  const words = element("span", "fs-words", line.runs_out);
  if (line.likely_range) words.append(element("small", "", ` ${line.likely_range}`));
  return line.bar ? [rangeBar(line.bar), words] : [words];
}

function ownerOf(line, pending, trouble) {
  if (trouble) return [named("fs-first", line.owner), named("fs-second fs-trouble", trouble)];
  if (!pending) return [named("fs-first", line.owner), named("fs-second", line.state)];
  const owner = named("fs-first", pending.owner ?? line.owner);
  const second = named("fs-second fs-pending", `${pending.text} · pending, by ${pending.by}`);
  if (pending.note) second.title += `: ${pending.note}`;
  return [owner, second];
}

// Where nothing is to be pressed (`acts` false) the name is a text and no button.
function newRow(key, acts) {
  const tr = element("tr", "fs-row");
  tr.dataset.key = key;
  tr.tabIndex = -1;
  tr.cells_ = COLUMNS.map(([label, className]) => {
    const td = element("td", className);
    td.dataset.label = label;
    tr.append(td);
    return td;
  });
  tr.main_ = button("fs-button fs-main", "Ack");
  tr.more_ = button("fs-button fs-more-actions", "⋯");
  tr.open_ = acts ? button("fs-open") : element("span", "fs-open");
  tr.cells_[1].append(tr.open_);
  tr.again_ = button("fs-button fs-again", "Try again");
  tr.none_ = element("span", "fs-none");
  tr.cells_[10].append(tr.main_, tr.more_, tr.again_, tr.none_);
  return tr;
}

// `shown` is {line, pending, sending, trouble}; filling the same again changes nothing.
function fillRow(tr, shown) {
  const text = JSON.stringify(shown);
  if (tr.text_ === text) return;
  tr.text_ = text;
  tr.shown_ = shown;
  const { line, pending, sending, trouble } = shown;
  const states = [pending && "fs-is-pending", line.handled && "fs-is-handled", trouble && "fs-in-trouble"];
  const kept = ["fs-held", "fs-gone"].filter((name) => tr.classList.contains(name));
  tr.className = ["fs-row", `fs-severity-${line.severity}`, ...states, ...kept].filter(Boolean).join(" ");
  tr.dataset.alert = line.alert_id ?? "";
  tr.dataset.snapshot = line.snapshot_id;
  tr.setAttribute("aria-label", `${line.word}: ${line.product}, ${line.place}; ${line.action}`);
  const cells = tr.cells_;
  cells[0].replaceChildren(element("span", "fs-icon", line.icon), ` ${line.word}`);
  tr.open_.replaceChildren(named("fs-first", line.product), named("fs-second", line.place));
  cells[2].replaceChildren(line.available);
  cells[3].replaceChildren(sparkline(line.velocities, line.speed));
  cells[4].replaceChildren(...runsOut(line));
  cells[5].replaceChildren(line.within_15);
  cells[6].replaceChildren(named("fs-first", line.action), named("fs-second", line.why));
  cells[7].replaceChildren(line.saves);
  cells[8].replaceChildren(...ownerOf(line, pending, trouble));
  cells[9].replaceChildren(line.open_for);
  fillButtons(tr, line, pending, sending, trouble);
}

function canUndo(line, pending) {
  return pending ? pending.undo : line.handled;
}

// Assigned and nothing else: its button is still Ack, but there is something to take back.
function mayUndo(line, pending) {
  return canUndo(line, pending) || (!pending && line.undoable);
}

function fillButtons(tr, line, pending, sending, trouble) {
  const acts = line.alert_id !== null;
  const undo = canUndo(line, pending);
  tr.main_.hidden = !acts || Boolean(trouble);
  tr.more_.hidden = !acts;
  tr.again_.hidden = !trouble;
  tr.none_.hidden = acts;
  tr.none_.textContent = acts ? "" : "no alert yet";
  tr.none_.title = line.no_buttons;
  tr.main_.textContent = sending ? "…" : undo ? "Undo" : "Ack";
  tr.main_.dataset.command = undo ? "undo" : "ack";
  tr.main_.setAttribute("aria-label", `${undo ? "Undo the last command on" : "Acknowledge"} ${line.product}`);
  tr.main_.setAttribute("aria-disabled", String(Boolean(sending)));
  tr.more_.setAttribute("aria-label", `Assign, snooze, in transit: ${line.product}`);
}
