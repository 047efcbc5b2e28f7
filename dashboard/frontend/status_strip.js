// The status strip.  Texts arrive as data and go in as textContent, never as markup.
//
// The age counts on in the browser between refreshes.  When refreshes stop coming (server
// gone, network cut) the badge says so: a page must not look live because it is frozen.

const timers = new WeakMap();

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
  const age = data.age_seconds + waited;
  const now = lost ? "lost" : state(data, age);
  badge.className = `fs-badge fs-${now}`;
  badge.textContent = lost ? `NO CONTACT ${duration(waited)}` : `${WORDS[now]} ${duration(age)}`;
  badge.title = lost
    ? `The page has lost its server; the figures are ${duration(age)} old`
    : "Time since the last moment the figures are complete to";
  document.querySelector(".stApp")?.classList.toggle("fs-contact-lost", lost);
}

export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".fs-strip-root");
  const line = element("div", "fs-strip");

  const sale = element("h1", "fs-sale");
  sale.append(element("bdi", "", data.sale));
  const badge = element("span", "fs-badge");
  const through = element("span", "fs-item", data.through);
  through.append(element("small", "", ` ${data.through_utc}`));
  if (data.incomplete) {
    through.append(
      element("span", "fs-incomplete", " minute incomplete", "Published before all orders of the minute had arrived"),
    );
  }
  const quality = element("span", "fs-item", data.quality);
  quality.append(element("small", "", ` · ${data.quarantine}`));
  const parts = element("span", "fs-item fs-parts", "pipeline: ");
  data.parts.forEach((part, i) => {
    if (i) parts.append(" · ");
    parts.append(element("span", `fs-part fs-part-${part.state}`, `${part.name} ${part.mark}`, part.detail));
  });
  line.append(sale, element("span", "fs-item", data.phase), badge, through, quality, parts);

  const nodes = [line];
  if (data.notice) {
    const notice = element("div", "fs-notice", data.notice);
    notice.setAttribute("role", "alert");
    nodes.push(notice);
  }
  root.replaceChildren(...nodes);

  const since = performance.now();
  clearInterval(timers.get(root));
  showAge(badge, data, since);
  timers.set(root, setInterval(() => showAge(badge, data, since), 1000));
  return () => {
    clearInterval(timers.get(root));
    document.querySelector(".stApp")?.classList.remove("fs-contact-lost");
  };
}
