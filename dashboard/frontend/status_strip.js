// The status strip.  Texts arrive as data and go in as textContent, never as markup.
//
// The age counts on in the browser between refreshes.  When refreshes stop coming (server
// gone, network cut) the badge says so: a page must not look live because it is frozen.
//
// A refresh replaces only the pieces whose data changed, so that a focused link keeps its
// focus and selected text its selection.

const timers = new WeakMap();
const drawn = new WeakMap();

const WORDS = { live: "LIVE", late: "LATE", stale: "STALE", final: "FINAL" };

function duration(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  if (whole < 120) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  const hours = Math.floor(minutes / 60);
  if (hours === 0) return `${minutes} min`;
  if (hours >= 48) return `${Math.floor(hours / 24)} d ${hours % 24} h`;
  return minutes % 60 ? `${hours} h ${minutes % 60} min` : `${hours} h`;
}

// 07:42, 1:07:42, 3 d 4 h
function countdown(seconds) {
  const whole = Math.max(0, Math.ceil(seconds));
  if (whole >= 48 * 3600) return duration(whole);
  const two = (number) => String(number).padStart(2, "0");
  const clock = `${two(Math.floor(whole / 60) % 60)}:${two(whole % 60)}`;
  return whole < 3600 ? clock : `${Math.floor(whole / 3600)}:${clock}`;
}

function element(tag, className, text, title) {
  const node = document.createElement(tag);
  node.className = className;
  if (text !== undefined) node.textContent = text;
  if (title) node.title = title;
  return node;
}

function state(data, age) {
  if (data.state === "final") return "final";
  if (age <= data.live_seconds) return "live";
  return age <= data.late_seconds ? "late" : "stale";
}

function showAge(badge, data, since) {
  const waited = (performance.now() - since) / 1000;
  const lost = waited > data.lost_seconds;
  const age = data.age_seconds === null ? null : data.age_seconds + waited;
  let now = "planned";
  let text = data.starts_in_seconds === null ? "NO FIGURES YET" : `STARTS IN ${countdown(data.starts_in_seconds - waited)}`;
  let title = "There are no figures of this sale yet";
  if (lost) {
    now = "lost";
    text = `NO CONTACT ${duration(waited)}`;
    title = "The page has lost its server" + (age === null ? "" : `; the figures are ${duration(age)} old`);
  } else if (age !== null) {
    now = state(data, age);
    text = `${WORDS[now]} ${duration(age)}`;
    title = "Time since the last moment the figures are complete to";
  }
  badge.className = `fs-badge fs-${now}`;
  badge.textContent = text;
  badge.title = title;
  const page = document.querySelector(".stApp")?.classList;
  page?.toggle("fs-contact-lost", lost);
  page?.toggle("fs-figures-stale", now === "stale");
}

function saleName(data) {
  const sale = element("h1", "fs-sale");
  sale.append(element("bdi", "", data.sale));
  sale.title = data.sale;
  return [sale, element("span", "fs-item", data.phase)];
}

function trust(data) {
  const nodes = [];
  if (data.through) {
    const through = element("span", "fs-item", data.through);
    through.append(element("small", "", ` ${data.through_utc}`));
    if (data.incomplete) {
      through.append(
        element("span", "fs-incomplete", " ◐ minute incomplete", "Published before all orders of the minute had arrived"),
      );
    }
    nodes.push(through);
  }
  if (data.quality) {
    const quality = element("span", "fs-item", data.quality);
    quality.append(element("small", "", ` · ${data.quarantine}`));
    nodes.push(quality);
  }
  const parts = element("span", "fs-item fs-parts", "pipeline: ");
  data.parts.forEach((part, i) => {
    if (i) parts.append(" · ");
    parts.append(element("span", `fs-part fs-part-${part.state}`, `${part.name} ${part.mark}`, part.detail));
  });
  if (data.parts.length) nodes.push(parts);
  return nodes;
}

// Real links, so that a view can be bookmarked, sent and opened in a new tab; a plain click
// changes the view within this page, without loading it anew.
function viewLinks(data, go) {
  return data.views.map((view) => {
    const link = element("a", "fs-view", view.label);
    link.href = view.link;
    link.target = "_self";
    if (view.current) link.setAttribute("aria-current", "page");
    link.addEventListener("click", (event) => {
      if (event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
      event.preventDefault();
      go(view.key);
    });
    return link;
  });
}

function notices(data) {
  return data.notice ? [element("div", `fs-notice fs-notice-${data.state}`, data.notice)] : [];
}

function frame(root) {
  const line = element("div", "fs-strip");
  const badge = element("span", "fs-badge");
  const nav = element("nav", "fs-views");
  nav.setAttribute("aria-label", "Views");
  const pieces = { sale: element("span", "fs-piece"), trust: element("span", "fs-piece"), nav };
  line.append(pieces.sale, badge, pieces.trust, nav);
  pieces.notice = element("div", "fs-notices");
  pieces.notice.setAttribute("role", "alert");
  root.replaceChildren(line, pieces.notice);
  return { badge, pieces, texts: {} };
}

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".fs-strip-root");
  if (!drawn.has(root)) drawn.set(root, frame(root));
  const { badge, pieces, texts } = drawn.get(root);
  const go = (view) => setTriggerValue("view", view);
  const put = (name, content, make) => {
    const text = JSON.stringify(content);
    if (texts[name] === text) return;
    texts[name] = text;
    pieces[name].replaceChildren(...make(data, go));
  };
  put("sale", [data.sale, data.phase], saleName);
  put("trust", [data.through, data.incomplete, data.quality, data.quarantine, data.parts], trust);
  put("nav", data.views, viewLinks);
  put("notice", [data.notice, data.state], notices);

  const since = performance.now();
  clearInterval(timers.get(root));
  showAge(badge, data, since);
  timers.set(root, setInterval(() => showAge(badge, data, since), 1000));
  return () => {
    clearInterval(timers.get(root));
    document.querySelector(".stApp")?.classList.remove("fs-contact-lost", "fs-figures-stale");
  };
}
