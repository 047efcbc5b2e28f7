// The small form for who, how long and why, and the list of shortcuts.  Each is a modal <dialog>
// in the body, outside of what Streamlit draws: a refresh leaves it, and what was typed, alone.

const MODES = [
  ["ack", "Acknowledge"],
  ["assign", "Assign"],
  ["snooze", "Snooze"],
  ["in_transit", "In transit"],
];
const SNOOZES = [10, 20, 30];
const SHORTCUTS = [
  ["j  ↓", "next row"],
  ["k  ↑", "row before"],
  ["Enter", "details of the row"],
  ["w", "details of its warehouse"],
  ["a", "acknowledge"],
  ["s", "assign"],
  ["z", "snooze"],
  ["t", "in transit"],
  ["u", "undo"],
  ["n", "change your name"],
  ["?", "this list"],
  ["Esc", "close"],
];

function dialog(className, title) {
  const node = element("dialog", `fs-dialog ${className}`);
  const heading = element("h2", "", "");
  heading.append(title);
  node.append(heading);
  node.addEventListener("close", () => node.remove());
  // Keys typed here are no shortcuts, neither the table's nor Streamlit's.
  node.addEventListener("keydown", (event) => event.stopPropagation());
  document.body.append(node);
  return node;
}

function field(label, control, hint) {
  const node = element("label", "fs-field");
  node.append(element("span", "", label), control);
  if (hint) node.append(element("small", "", hint));
  return node;
}

function input(type, name, attributes) {
  const node = element("input");
  Object.assign(node, { type, name, autocomplete: "off", ...attributes });
  return node;
}

function choice(name, options, chosen) {
  const group = element("div", "fs-choice");
  for (const [value, label] of options) {
    const option = element("label");
    option.append(input("radio", name, { value, checked: value === chosen }), element("span", "", label));
    group.append(option);
  }
  return group;
}

function nameField() {
  return field("Your name", input("text", "by", { value: viewerName(), required: true, maxLength: 60 }), "kept on this device");
}

function footer(node, form, label) {
  const buttons = element("div", "fs-dialog-buttons");
  const cancel = button("fs-button", "Cancel");
  cancel.addEventListener("click", () => node.close());
  const submit = element("button", "fs-button fs-primary", label);
  submit.type = "submit";
  buttons.append(cancel, submit);
  form.append(buttons);
  return submit;
}

// `row` is the row as it was drawn when the form was opened; the command is about that one.
function openPressForm(table, row, mode) {
  const node = dialog("fs-press", named("", row.product));
  node.append(named("fs-second", row.place));
  const form = element("form");
  form.method = "dialog";
  const modes = choice("mode", MODES, mode);
  const owners = element("datalist");
  owners.id = "fs-owners";
  owners.append(...[...new Set([viewerName(), ...kept.owners])].filter(Boolean).map((name) => new Option(name)));
  const owner = input("text", "owner", { maxLength: 60, value: viewerName() });
  owner.setAttribute("list", owners.id);
  const parts = {
    assign: field("To whom", owner),
    snooze: field("For how long", choice("snooze", SNOOZES.map((m) => [String(m), `${m} min`]), "10")),
    in_transit: field("Due in minutes", input("number", "due", { min: 1, max: 1440, step: 1 }), "optional; it rings again when due"),
  };
  form.append(modes, owners, ...Object.values(parts));
  form.append(field("Note", input("text", "note", { maxLength: 300 }), "optional"), nameField());
  const submit = footer(node, form, "");
  if (row.undo) submit.parentElement.prepend(undoButton(table, row, node));
  const showMode = () => {
    const chosen = form.elements.mode.value;
    for (const [name, part] of Object.entries(parts)) part.hidden = name !== chosen;
    owner.required = chosen === "assign";
    submit.textContent = MODES.find(([name]) => name === chosen)[1];
  };
  modes.addEventListener("change", showMode);
  showMode();
  form.addEventListener("submit", () => {
    rememberName(form.elements.by.value.trim());
    const command = form.elements.mode.value;
    press(table, commandOf(row, command, {
      note: form.elements.note.value.trim() || null,
      owner: command === "assign" ? owner.value.trim() : null,
      minutes: minutesOf(form, command),
    }));
  });
  node.append(form);
  node.showModal();
  const first = { assign: owner, in_transit: form.elements.due }[mode];
  (viewerName() ? first ?? submit : form.elements.by).focus();
  first?.select();
}

function undoButton(table, row, node) {
  const undo = button("fs-button fs-undo", "Undo the last");
  undo.addEventListener("click", () => {
    const by = node.querySelector("input[name=by]");
    if (!by.reportValidity()) return;
    rememberName(by.value.trim());
    press(table, commandOf(row, "undo", { owner: null, note: null, minutes: null }));
    node.close();
  });
  return undo;
}

function minutesOf(form, command) {
  if (command === "snooze") return Number(form.elements.snooze.value);
  return command === "in_transit" && form.elements.due.value ? Number(form.elements.due.value) : null;
}

function openNameForm(table) {
  const node = dialog("fs-name-form", "Who are you?");
  const form = element("form");
  form.method = "dialog";
  form.append(nameField());
  footer(node, form, "Save");
  form.addEventListener("submit", () => {
    rememberName(form.elements.by.value.trim());
    table.refill();
  });
  node.append(form);
  node.showModal();
}

function openShortcuts() {
  const node = dialog("fs-shortcuts", "Keyboard");
  const list = element("dl");
  for (const [keys, meaning] of SHORTCUTS) {
    list.append(element("dt", "", keys), element("dd", "", meaning));
  }
  const close = button("fs-button fs-primary", "Close");
  close.addEventListener("click", () => node.close());
  node.append(list, close);
  node.showModal();
}
