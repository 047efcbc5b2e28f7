// What was pressed and is not confirmed yet.  It outlives the table's element, which Streamlit
// may put up anew: a command stays in the outbox until the server says what became of it.

const NAME_KEY = "flashsale-name";
const REPEAT_MS = 700; // a second press on the same row within this time is the same press
const RESEND_MS = 8_000; // the server answers within a refresh; after that the outbox is sent again

const kept = (window.fsActing ??= {
  outbox: [], // commands the server has not answered for
  sentAt: 0,
  pressedAt: new Map(), // alert -> when something was pressed last
  trouble: new Map(), // alert -> {command, error}
  focus: "", // key of the row that had the keyboard last
  hasKeyboard: false, // whether it still has it
  owners: [], // names seen as owners, to choose from
});

// Where the browser keeps nothing (private windows), the name lasts as long as the page.
function viewerName() {
  try {
    return localStorage.getItem(NAME_KEY) ?? kept.name ?? "";
  } catch {
    return kept.name ?? "";
  }
}

function rememberName(name) {
  kept.name = name;
  try {
    localStorage.setItem(NAME_KEY, name);
  } catch {
    // said above
  }
}

// `row` is {alert_id, snapshot_id} of the row as it was drawn when it was pressed.
function commandOf(row, command, details) {
  const random = crypto.getRandomValues(new Uint8Array(12));
  return {
    command_id: Array.from(random, (byte) => byte.toString(16).padStart(2, "0")).join(""),
    attempt: 1,
    alert_id: row.alert_id,
    snapshot_id: row.snapshot_id,
    command,
    by: viewerName(),
    ...details,
  };
}

function isRepeat(alertId) {
  return performance.now() - (kept.pressedAt.get(alertId) ?? -REPEAT_MS) < REPEAT_MS;
}

function press(table, command) {
  kept.pressedAt.set(command.alert_id, performance.now());
  kept.trouble.delete(command.alert_id);
  kept.outbox.push(command);
  sendOutbox(table);
  table.refill();
}

function pressAgain(table, alertId) {
  const { command } = kept.trouble.get(alertId);
  press(table, { ...command, attempt: command.attempt + 1 });
}

function sendOutbox(table) {
  kept.sentAt = performance.now();
  table.setStateValue("outbox", kept.outbox.map((command) => ({ ...command })));
}

// What the server did with the outbox.  A failed command is kept at its row, to be tried again.
function settle(table, outcomes) {
  for (const command of [...kept.outbox]) {
    const outcome = outcomes[command.command_id];
    if (!outcome || outcome.attempt < command.attempt) continue;
    kept.outbox.splice(kept.outbox.indexOf(command), 1);
    if (outcome.error) {
      kept.trouble.set(command.alert_id, { command, error: outcome.error });
      table.say(outcome.error);
    }
  }
}

// The server was away, or put the table up anew and forgot what it was told.
function sendAgain(table) {
  if (kept.outbox.length && performance.now() - kept.sentAt > RESEND_MS) sendOutbox(table);
}

function isSending(alertId) {
  return kept.outbox.some((command) => command.alert_id === alertId);
}
