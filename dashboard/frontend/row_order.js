// Which row stands where, and when that may change.
//
// While a pointer is over the rows their order is held: values change in place, rows that left
// stay (dimmed), new ones wait.  It is let go when the pointer leaves, or has not moved for a
// while.  Should the order change under a pointer all the same, what was not aimed at since
// cannot be pressed.

const HOLD_MS = 20_000; // a pointer left lying on a wall screen must not freeze the order for ever
const AIM_MS = 400; // nobody sees a change and decides on it faster

function isHeld(table) {
  const { pointer } = table;
  return pointer.down || (pointer.over && performance.now() - pointer.movedAt < HOLD_MS);
}

// Puts `rows` in order without ever taking the focused row out of the document, which would
// lose its focus: the others are put around it.
function arrange(tbody, rows) {
  const before = [...tbody.children];
  const focused = rows.find((tr) => tr.contains(document.activeElement));
  const at = rows.indexOf(focused);
  rows.forEach((tr, place) => {
    if (tr === focused) return;
    const next = at >= 0 && place < at ? focused : null;
    if (next || place > at) tbody.insertBefore(tr, next);
  });
  for (const tr of before) if (!rows.includes(tr)) tr.remove();
  const now = performance.now();
  [...tbody.children].forEach((tr, place) => {
    if (before[place] !== tr) tr.placedAt_ = now;
  });
}

// Whether a press on `tr` can be meant for it: the order has not just changed there.
function isAimedAt(table, tr, byMouse) {
  const placedAt = tr.placedAt_ ?? -AIM_MS;
  if (performance.now() - placedAt < AIM_MS) return false;
  return !byMouse || placedAt <= table.pointer.movedAt;
}

function watchPointer(table, tbody) {
  const pointer = { over: false, down: false, movedAt: 0, x: -1, y: -1 };
  table.pointer = pointer;
  const seen = (event) => {
    // A browser repeats the last position when something moves below a still pointer.
    if (event.clientX === pointer.x && event.clientY === pointer.y) return;
    Object.assign(pointer, { over: true, movedAt: performance.now(), x: event.clientX, y: event.clientY });
  };
  tbody.addEventListener("pointermove", seen);
  tbody.addEventListener("pointerover", seen);
  tbody.addEventListener("pointerdown", () => (pointer.down = true));
  tbody.addEventListener("pointerleave", () => {
    Object.assign(pointer, { over: false, x: -1, y: -1 });
    table.release();
  });
  const up = () => {
    pointer.down = false;
  };
  document.addEventListener("pointerup", up);
  document.addEventListener("pointercancel", up);
  return () => {
    document.removeEventListener("pointerup", up);
    document.removeEventListener("pointercancel", up);
  };
}
