// What every part of a component builds with.  Names and reasons come from outside: they go in
// as textContent inside <bdi>, never as markup.

const SVG = "http://www.w3.org/2000/svg";

function element(tag, className, text) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (text !== undefined) node.textContent = text;
  return node;
}

function drawn(tag, attributes) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  return node;
}

function named(className, text) {
  const node = element("bdi", className, text);
  node.title = text;
  return node;
}

function button(className, label, title) {
  const node = element("button", className, label);
  node.type = "button";
  if (title) node.setAttribute("aria-label", title);
  return node;
}
