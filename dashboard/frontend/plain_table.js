// A table of texts for the pages behind the war room.  Cells come from outside: textContent only.

const drawn = new WeakMap();

function element(tag, className, text) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (text !== undefined) node.textContent = text;
  return node;
}

export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".fs-plain-root");
  const text = JSON.stringify(data);
  if (drawn.get(root) === text) return; // nothing new: keep selection and scroll where they are
  drawn.set(root, text);

  const table = element("table", "fs-plain");
  table.append(element("caption", "", data.title));
  const head = element("tr");
  for (const column of data.columns) {
    const th = element("th", column.number ? "fs-number" : "", column.label);
    th.scope = "col";
    head.append(th);
  }
  const thead = element("thead");
  thead.append(head);
  const tbody = element("tbody");
  for (const row of data.rows) {
    const tr = element("tr", row.tone ? `fs-tone-${row.tone}` : "");
    row.cells.forEach((cell, i) => {
      const td = element("td", data.columns[i].number ? "fs-number" : "");
      td.append(element("bdi", "", cell));
      tr.append(td);
    });
    tbody.append(tr);
  }
  table.append(thead, tbody);
  const nodes = [table];
  if (!data.rows.length) nodes.push(element("p", "fs-plain-none", data.none));
  root.replaceChildren(...nodes);
}
