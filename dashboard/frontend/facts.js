// A heading and small tables of plain text, for the dialog.

function factTable(table) {
  const section = element("section", table.wide ? "fs-facts fs-wide" : "fs-facts");
  section.append(element("h3", "", table.title));
  if (!table.rows.length) {
    section.append(element("p", "fs-empty", table.empty));
    return section;
  }
  const node = element("table");
  const head = element("tr");
  for (const label of table.columns) {
    const th = element("th", "", label);
    th.scope = "col";
    head.append(th);
  }
  const thead = element("thead");
  thead.append(head);
  const tbody = element("tbody");
  for (const row of table.rows) {
    const tr = element("tr");
    for (const text of row) {
      const td = element("td");
      td.append(named("", text));
      tr.append(td);
    }
    tbody.append(tr);
  }
  node.append(thead, tbody);
  section.append(node);
  return section;
}

export default function ({ data, parentElement }) {
  const nodes = [];
  if (data.title) {
    const heading = element("h2", "fs-facts-title");
    heading.append(named("", data.title));
    nodes.push(heading);
  }
  if (data.second) nodes.push(named("fs-facts-place", data.second));
  if (data.facts) nodes.push(element("p", "fs-facts-line", data.facts));
  if (data.tables.length) {
    const grid = element("div", "fs-facts-grid");
    grid.append(...data.tables.map(factTable));
    nodes.push(grid);
  }
  parentElement.querySelector(".fs-facts-root").replaceChildren(...nodes);
}
