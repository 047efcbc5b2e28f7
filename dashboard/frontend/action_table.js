// The action table: a real HTML table whose rows are elements of their own, one per SKU, so that
// a refresh changes what is written in them and never what is pressed.

const SAID_MS = 6_000;
const tables = new WeakMap();

function newTable(root) {
  const table = { byKey: new Map(), data: { lines: [], pending: {} } };
  const node = (table.node = element("table", "fs-table"));
  table.caption = element("caption");
  table.titleNode = element("span", "fs-title");
  table.moreNode = element("span", "fs-more");
  table.heldNode = element("span", "fs-order-held");
  table.whoNode = button("fs-who");
  table.whoNode.addEventListener("click", () => openNameForm(table));
  table.keysNode = button("fs-keys", "? keys", "Keyboard shortcuts");
  table.keysNode.addEventListener("click", openShortcuts);
  table.caption.append(table.titleNode, table.moreNode, table.whoNode, table.keysNode, table.heldNode);
  const thead = element("thead");
  const head = element("tr");
  for (const [label, className] of COLUMNS) {
    const th = element("th", className, label);
    th.scope = "col";
    head.append(th);
  }
  thead.append(head);
  table.tbody = element("tbody");
  node.append(table.caption, thead, table.tbody);
  table.saying = element("div", "fs-saying");
  table.saying.setAttribute("role", "status");
  root.replaceChildren(node, table.saying);

  table.rows = () => [...table.tbody.children];
  table.say = (text) => {
    table.saying.textContent = text;
    clearTimeout(table.silence);
    table.silence = setTimeout(() => (table.saying.textContent = ""), SAID_MS);
  };
  table.refill = () => refill(table);
  table.release = () => order(table);
  const open = (tr, key) => table.setTriggerValue("open", { key, snapshot_id: tr.dataset.snapshot });
  table.open = (tr) => open(tr, tr.dataset.key);
  table.openWarehouse = (tr) => open(tr, `warehouse:${tr.dataset.key.split(":")[1]}`);
  const stops = [watchPointer(table, table.tbody), watchKeys(table), watchClicks(table)];
  const timer = setInterval(() => {
    sendAgain(table);
    order(table);
  }, 1_000);
  table.stop = () => {
    stops.forEach((stop) => stop());
    clearInterval(timer);
  };
  return table;
}

// A click counts only on the button it began on, and for the alert and snapshot the row had then.
function watchClicks(table) {
  let begun = null;
  table.tbody.addEventListener("pointerdown", (event) => {
    const pressed = event.target.closest("button");
    const tr = pressed?.closest("tr");
    begun = tr ? { pressed, key: tr.dataset.key, aimed: isAimedAt(table, tr, event.pointerType === "mouse") } : null;
  });
  table.tbody.addEventListener("click", (event) => {
    const pressed = event.target.closest("button");
    const tr = pressed?.closest("tr");
    if (!tr || !table.data.acts) return;
    if (event.detail > 0) {
      // by pointer; a key on the focused button has no position it could be wrong about
      if (begun?.pressed !== pressed || begun.key !== tr.dataset.key) return;
      if (!begun.aimed) return table.say("The order had just changed: look again, then press");
    }
    if (pressed === tr.open_) table.open(tr);
    else if (pressed === tr.more_) openForm(table, tr, "assign");
    else if (pressed === tr.again_) pressAgain(table, tr.dataset.alert);
    else if (pressed === tr.main_) act(table, tr, pressed.dataset.command);
  });
  return () => {};
}

function shownOf(table, line) {
  const { pending } = table.data;
  const alert = line.alert_id;
  return {
    line,
    pending: (alert && pending[alert]) || null,
    sending: Boolean(alert && isSending(alert)),
    trouble: (alert && kept.trouble.get(alert)?.error) || "",
  };
}

// Fills the rows that are there; a row that left keeps what it was drawn from.
function refill(table) {
  table.node.classList.toggle("fs-only-read", !table.data.acts);
  const lines = new Map(table.data.lines.map((line) => [line.key, line]));
  for (const tr of table.rows()) {
    const line = lines.get(tr.dataset.key);
    tr.classList.toggle("fs-gone", !line);
    fillRow(tr, shownOf(table, line ?? tr.shown_.line));
  }
  table.titleNode.textContent = table.data.title;
  table.moreNode.textContent = table.data.more ? ` · ${table.data.more}` : "";
  table.whoNode.textContent = viewerName() ? `acting as ${viewerName()}` : "say who you are";
  rove(table);
}

// Puts the rows into the published order, unless it is held; then says so.  Who chose other rows just now
// waits for nothing: a filter is the viewer's own doing.
function order(table) {
  const wanted = table.data.lines.map((line) => line.key);
  const stands = table.rows().map((tr) => tr.dataset.key);
  const differs = wanted.join() !== stands.join();
  const rechosen = table.chosen !== table.data.chosen;
  table.chosen = table.data.chosen;
  const held = differs && stands.length > 0 && !rechosen && isHeld(table);
  table.heldNode.textContent = held ? " · order held while you point" : "";
  if (!differs || held) return;
  const rows = wanted.map((key) => {
    if (!table.byKey.has(key)) table.byKey.set(key, newRow(key, table.data.acts));
    return table.byKey.get(key);
  });
  for (const key of table.byKey.keys()) if (!wanted.includes(key)) table.byKey.delete(key);
  const hadFocus = table.tbody.contains(document.activeElement);
  arrange(table.tbody, rows);
  const lines = new Map(table.data.lines.map((line) => [line.key, line]));
  for (const tr of rows) fillRow(tr, shownOf(table, lines.get(tr.dataset.key)));
  refill(table);
  if (hadFocus && !table.tbody.contains(document.activeElement)) {
    table.say("The row you were in has left the table");
    focusRow(table, rove(table));
  }
}

export default function ({ data, parentElement, setStateValue, setTriggerValue }) {
  const root = parentElement.querySelector(".fs-table-root");
  const isNew = !tables.has(root);
  if (isNew) tables.set(root, newTable(root));
  const table = tables.get(root);
  Object.assign(table, { setStateValue, setTriggerValue, data });
  settle(table, data.outcomes);
  const owners = [...data.lines.map((line) => line.owner), ...Object.values(data.pending).map((p) => p.owner)];
  kept.owners = [...new Set([...owners.filter((name) => name && name !== "—"), ...kept.owners])].slice(0, 30);
  refill(table);
  order(table);
  if (isNew) restoreKeyboard(table);
  return () => {
    table.stop();
    tables.delete(root);
  };
}
