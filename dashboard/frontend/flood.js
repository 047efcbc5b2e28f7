// Collapsed alerts, one button a warehouse.  Names come from outside: textContent only.

const drawn = new WeakMap();

function element(tag, className, text) {
  const node = document.createElement(tag);
  node.className = className;
  if (text !== undefined) node.textContent = text;
  return node;
}

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".fs-flood-root");
  const text = JSON.stringify(data);
  if (drawn.get(root) === text) return; // nothing new: keep the focus where it is
  drawn.set(root, text);

  const focused = root.contains(document.activeElement) ? document.activeElement.dataset.warehouse : null;
  const head = element("h2", "fs-flood-head");
  head.append(element("strong", "", data.title), ` ${data.text}`);
  const list = element("div", "fs-flood-groups");
  for (const group of data.groups) {
    const button = element(data.choose ? "button" : "div", `fs-flood-group fs-severity-${group.severity}`);
    if (data.choose) button.type = "button";
    button.dataset.warehouse = group.warehouse;
    const first = element("span", "fs-flood-first");
    first.append(element("span", "fs-icon", group.icon), " ", element("bdi", "", group.name));
    first.append(element("span", "fs-flood-count", `${group.count.toLocaleString("en")} alerts`));
    button.append(first, element("bdi", "fs-second", group.reason), element("span", "fs-second", group.detail));
    button.title = `${group.name}: ${group.reason}`;
    if (data.choose) button.addEventListener("click", () => setTriggerValue("warehouse", group.warehouse));
    list.append(button);
  }
  root.replaceChildren(head, list);
  if (focused !== null) root.querySelector(`[data-warehouse="${CSS.escape(focused)}"]`)?.focus();
}
