// The table by keyboard.  Exactly one row can be reached by Tab; j, k and the arrows move on.

const FORMS = { s: "assign", z: "snooze", t: "in_transit" };

function rowOf(tr) {
  const { line } = tr.shown_;
  return { alert_id: line.alert_id, snapshot_id: line.snapshot_id, product: line.product, place: line.place };
}

function focusRow(table, tr) {
  if (!tr) return;
  kept.focus = tr.dataset.key;
  rove(table);
  tr.focus({ preventScroll: false });
}

// Keeps one row in the Tab order: the one that had the keyboard last, else the first.
function rove(table) {
  const rows = table.rows();
  const active = rows.find((tr) => tr.dataset.key === kept.focus) ?? rows[0];
  for (const tr of rows) {
    tr.tabIndex = tr === active ? 0 : -1;
    for (const node of tr.querySelectorAll("button")) node.tabIndex = tr === active ? 0 : -1;
  }
  return active;
}

// One command from a button or a key: at once when it is known who presses, else by the form.
function act(table, tr, command) {
  const { line, pending } = tr.shown_;
  if (line.alert_id === null) return table.say(line.no_buttons);
  if (isRepeat(line.alert_id) || isSending(line.alert_id)) return;
  if (command === "undo" && !mayUndo(line, pending)) return table.say("There is nothing to undo in this row");
  if (command === "undo" || viewerName()) {
    if (!viewerName()) return openNameForm(table);
    return press(table, commandOf(rowOf(tr), command, { owner: null, note: null, minutes: null }));
  }
  openPressForm(table, rowOf(tr), command);
}

function onKey(table, event) {
  if (!table.data.acts || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
  const { target, key } = event;
  const inTable = table.tbody.contains(target);
  if (!inTable && target !== document.body) return;
  if (document.querySelector("dialog[open], [role=dialog]")) return;
  const rows = table.rows();
  const now = rows.find((tr) => tr.contains(target));
  const at = rows.indexOf(now);
  if (key === "?") openShortcuts();
  else if (key === "n") openNameForm(table);
  else if (key === "j" || key === "ArrowDown") focusRow(table, now ? rows[Math.min(at + 1, rows.length - 1)] : rove(table));
  else if (key === "k" || key === "ArrowUp") focusRow(table, now ? rows[Math.max(at - 1, 0)] : rove(table));
  else if (!now) return;
  else if (key === "Home") focusRow(table, rows[0]);
  else if (key === "End") focusRow(table, rows.at(-1));
  else if (key === "Enter" && target === now) table.open(now);
  else if (key === "w") table.openWarehouse(now);
  else if (key === "a") act(table, now, "ack");
  else if (key === "u") act(table, now, "undo");
  else if (key in FORMS) openForm(table, now, FORMS[key]);
  else return;
  event.preventDefault();
  event.stopPropagation();
}

function openForm(table, tr, mode) {
  const { line, pending } = tr.shown_;
  if (line.alert_id === null) table.say(line.no_buttons);
  else openPressForm(table, { ...rowOf(tr), undo: mayUndo(line, pending) }, mode);
}

function watchKeys(table) {
  const listener = (event) => onKey(table, event);
  document.addEventListener("keydown", listener);
  table.tbody.addEventListener("focusin", (event) => {
    kept.hasKeyboard = true;
    const tr = event.target.closest("tr");
    if (tr && kept.focus !== tr.dataset.key) {
      kept.focus = tr.dataset.key;
      rove(table);
    }
  });
  // Taken away by the viewer, or because the table itself was taken out of the page?
  table.tbody.addEventListener("focusout", () => {
    setTimeout(() => {
      const now = document.activeElement;
      if (table.tbody.isConnected && !table.tbody.contains(now) && !now.closest("dialog, [role=dialog]")) {
        kept.hasKeyboard = false;
      }
    });
  });
  return () => document.removeEventListener("keydown", listener);
}

// The table was put up anew, as when the figures turn late: the keyboard goes back to its row.
function restoreKeyboard(table) {
  if (!kept.hasKeyboard || document.activeElement !== document.body) return;
  const tr = table.byKey.get(kept.focus);
  if (tr) focusRow(table, tr);
}
